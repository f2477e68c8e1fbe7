/* SPDX-License-Identifier: MIT */
/*
 * Handles to processes and threads by client id, and the end of a process. Arguments of
 * user mode are captured once; neither kind of object has a name.
 */
#include "ex/ex.h"
#include "ps/user_mode.h"

typedef struct _PSP_OPEN {
    PHANDLE Handle;
    KPROCESSOR_MODE Mode;
    ACCESS_MASK Access;
    ULONG Attributes;
    CLIENT_ID ClientId;
} PSP_OPEN;

static NTSTATUS PspCaptureOpen(PSP_OPEN *Open, POBJECT_ATTRIBUTES ObjectAttributes,
                               PCLIENT_ID ClientId)
{
    OBJECT_ATTRIBUTES Attributes = {0};
    NTSTATUS Status = ExProbeCaller(Open->Handle, sizeof(HANDLE), sizeof(ULONG), Open->Mode);
    if (NT_SUCCESS(Status)) {
        Status = ExCopyFromCaller(&Attributes, ObjectAttributes, sizeof(Attributes), Open->Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ExCopyFromCaller(&Open->ClientId, ClientId, sizeof(*ClientId), Open->Mode);
    }
    if (NT_SUCCESS(Status) && Attributes.ObjectName != NULL) {
        Status = STATUS_INVALID_PARAMETER_MIX;
    }
    Open->Attributes = Attributes.Attributes;
    if (Open->Mode != KernelMode) {
        Open->Attributes &= ~(ULONG)OBJ_KERNEL_HANDLE;
    }
    return Status;
}

/* Takes the reference to Object. */
static NTSTATUS PspOpenObject(PSP_OPEN *Open, PVOID Object, POBJECT_TYPE Type)
{
    HANDLE Handle;
    NTSTATUS Status = ObOpenObjectByPointer(Object, Open->Attributes, NULL, Open->Access, Type,
                                            Open->Mode, &Handle);
    ObfDereferenceObject(Object);
    if (NT_SUCCESS(Status)) {
        Status = ExCopyToCaller(Open->Handle, &Handle, sizeof(Handle), Open->Mode);
    }
    return Status;
}

static NTSTATUS PspOpenProcess(KPROCESSOR_MODE Mode, PHANDLE Handle, ACCESS_MASK Access,
                               POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    PSP_OPEN Open = {Handle, Mode, Access, 0, {0}};
    PEPROCESS Process;

    if (ObjectAttributes == NULL || ClientId == NULL) {
        return STATUS_INVALID_PARAMETER_MIX;
    }
    NTSTATUS Status = PspCaptureOpen(&Open, ObjectAttributes, ClientId);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Open.ClientId.UniqueThread != NULL) {
        PETHREAD Thread;
        Status = PsLookupProcessThreadByCid(&Open.ClientId, &Process, &Thread);
        if (NT_SUCCESS(Status)) {
            ObfDereferenceObject(Thread);
        }
    } else {
        Status = PsLookupProcessByProcessId(Open.ClientId.UniqueProcess, &Process);
    }
    return NT_SUCCESS(Status) ? PspOpenObject(&Open, Process, PsProcessType) : STATUS_INVALID_CID;
}

NTSTATUS ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    return PspOpenProcess(KernelMode, ProcessHandle, DesiredAccess, ObjectAttributes, ClientId);
}

NTSTATUS NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    return PspOpenProcess(ExGetPreviousMode(), ProcessHandle, DesiredAccess, ObjectAttributes,
                          ClientId);
}

NTSTATUS ZwOpenThread(PHANDLE ThreadHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    PSP_OPEN Open = {ThreadHandle, KernelMode, DesiredAccess, 0, {0}};
    PETHREAD Thread;

    if (ObjectAttributes == NULL || ClientId == NULL) {
        return STATUS_INVALID_PARAMETER_MIX;
    }
    NTSTATUS Status = PspCaptureOpen(&Open, ObjectAttributes, ClientId);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = Open.ClientId.UniqueProcess != NULL
                 ? PsLookupProcessThreadByCid(&Open.ClientId, NULL, &Thread)
                 : PsLookupThreadByThreadId(Open.ClientId.UniqueThread, &Thread);
    return NT_SUCCESS(Status) ? PspOpenObject(&Open, Thread, PsThreadType) : STATUS_INVALID_CID;
}

/*
 * STATUS_PROCESS_IS_TERMINATING: it has ended, or will. STATUS_ACCESS_DENIED: the system process
 * and others with kernel threads cannot be ended. PASSIVE_LEVEL
 */
NTSTATUS ZwTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
    PEPROCESS Process;
    NTSTATUS Status = ObReferenceObjectByHandle(
        ProcessHandle != NULL ? ProcessHandle : NtCurrentProcess(), PROCESS_TERMINATE,
        PsProcessType, KernelMode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = PspTerminateProcess(Process, ExitStatus);
    ObfDereferenceObject(Process);
    return Status;
}
