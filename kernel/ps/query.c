/* SPDX-License-Identifier: MIT */
/* The small questions: who runs, what is its id, which version is this. */
#include "ps/psp.h"

PSP_STATIC_PROCESS PspStaticSystemProcess;
PSP_STATIC_THREAD PspStaticIdleThread;
PEPROCESS PsInitialSystemProcess;
POBJECT_TYPE PsProcessType, PsThreadType;

/* The free-build bit of the build number, as NT has it. */
ULONG NtBuildNumber = 0xf0000000u | RTL_BUILD_NUMBER;

PETHREAD PsGetCurrentThread(VOID)
{
    return CONTAINING_RECORD(KiCurrentThread(), ETHREAD, Tcb);
}

/* The process whose address space is current: the attached one, if any. */
PEPROCESS PsGetCurrentProcess(VOID)
{
    return CONTAINING_RECORD(KiCurrentProcess(), EPROCESS, Pcb);
}

/* The thread's own process, attached or not. */
HANDLE PsGetCurrentProcessId(VOID)
{
    return PsGetCurrentThread()->Cid.UniqueProcess;
}

HANDLE PsGetCurrentThreadId(VOID)
{
    return PsGetCurrentThread()->Cid.UniqueThread;
}

HANDLE PsGetProcessId(PEPROCESS Process)
{
    return Process->UniqueProcessId;
}

HANDLE PsGetThreadId(PETHREAD Thread)
{
    return Thread->Cid.UniqueThread;
}

HANDLE PsGetThreadProcessId(PETHREAD Thread)
{
    return Thread->Cid.UniqueProcess;
}

PEPROCESS PsGetThreadProcess(PETHREAD Thread)
{
    return Thread->ThreadsProcess;
}

PEPROCESS IoThreadToProcess(PETHREAD Thread)
{
    return Thread->ThreadsProcess;
}

PEPROCESS IoGetCurrentProcess(VOID)
{
    return PsGetCurrentProcess();
}

PCHAR PsGetProcessImageFileName(PEPROCESS Process)
{
    return Process->ImageFileName;
}

PVOID PsGetProcessPeb(PEPROCESS Process)
{
    return Process->Peb;
}

/* There are no 32-bit processes. */
PVOID PsGetProcessWow64Process(PEPROCESS Process)
{
    return NULL;
}

LONGLONG PsGetProcessCreateTimeQuadPart(PEPROCESS Process)
{
    return Process->CreateTime.QuadPart;
}

LARGE_INTEGER PsGetProcessExitTime(VOID)
{
    return PsGetCurrentProcess()->ExitTime;
}

NTSTATUS PsGetProcessExitStatus(PEPROCESS Process)
{
    return Process->ExitStatus;
}

NTSTATUS PsGetThreadExitStatus(PETHREAD Thread)
{
    return Thread->ExitStatus;
}

BOOLEAN PsIsSystemThread(PETHREAD Thread)
{
    return (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_SYSTEM) != 0;
}

BOOLEAN IoIsSystemThread(PETHREAD Thread)
{
    return PsIsSystemThread(Thread);
}

BOOLEAN PsIsThreadTerminating(PETHREAD Thread)
{
    return (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED) != 0;
}

NTSTATUS PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    *Process = PspReferenceCid(ProcessId, PsProcessType);
    return *Process != NULL ? STATUS_SUCCESS : STATUS_INVALID_CID;
}

NTSTATUS PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
    *Thread = PspReferenceCid(ThreadId, PsThreadType);
    return *Thread != NULL ? STATUS_SUCCESS : STATUS_INVALID_CID;
}

NTSTATUS PsLookupProcessThreadByCid(PCLIENT_ID ClientId, PEPROCESS *Process, PETHREAD *Thread)
{
    PETHREAD Found;
    NTSTATUS Status = PsLookupThreadByThreadId(ClientId->UniqueThread, &Found);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Found->Cid.UniqueProcess != ClientId->UniqueProcess) {
        ObfDereferenceObject(Found);
        return STATUS_INVALID_CID;
    }
    if (Process != NULL) {
        *Process = Found->ThreadsProcess;
        ObfReferenceObject(*Process);
    }
    *Thread = Found;
    return STATUS_SUCCESS;
}

/* TRUE on a checked build; this one is free, as drivers see it. */
BOOLEAN PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                     PUNICODE_STRING CSDVersion)
{
    if (MajorVersion != NULL) {
        *MajorVersion = 10;
    }
    if (MinorVersion != NULL) {
        *MinorVersion = 0;
    }
    if (BuildNumber != NULL) {
        *BuildNumber = RTL_BUILD_NUMBER;
    }
    if (CSDVersion != NULL) {
        CSDVersion->Length = 0;
        CSDVersion->MaximumLength = 0;
        CSDVersion->Buffer = NULL;
    }
    return FALSE;
}

/* By client id only; processes have no names. PASSIVE_LEVEL */
NTSTATUS ZwOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes, PCLIENT_ID ClientId)
{
    PEPROCESS Process;
    NTSTATUS Status;

    if (ObjectAttributes == NULL || ClientId == NULL || ObjectAttributes->ObjectName != NULL) {
        return STATUS_INVALID_PARAMETER_MIX;
    }
    if (ClientId->UniqueThread != NULL) {
        PETHREAD Thread;
        Status = PsLookupProcessThreadByCid(ClientId, &Process, &Thread);
        if (NT_SUCCESS(Status)) {
            ObfDereferenceObject(Thread);
        }
    } else {
        Status = PsLookupProcessByProcessId(ClientId->UniqueProcess, &Process);
    }
    if (!NT_SUCCESS(Status)) {
        return STATUS_INVALID_CID;
    }
    Status = ObOpenObjectByPointer(Process, ObjectAttributes->Attributes, NULL, DesiredAccess,
                                   PsProcessType, KernelMode, ProcessHandle);
    ObfDereferenceObject(Process);
    return Status;
}
