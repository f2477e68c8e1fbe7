/* SPDX-License-Identifier: MIT */
/* The small questions: who runs, what is its id, which version is this. */
#include "ps/psp.h"

PSP_STATIC_PROCESS PspStaticSystemProcess;
PSP_STATIC_THREAD PspStaticIdleThread;
PEPROCESS PsInitialSystemProcess;
POBJECT_TYPE PsProcessType, PsThreadType;

/* Not started in safe mode; the code pages are of one byte a character. */
ULONG InitSafeBootMode;
BOOLEAN NlsMbCodePageTag, NlsMbOemCodePageTag;

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

PVOID PsGetCurrentProcessWow64Process(VOID)
{
    return NULL;
}

/* Nor is there a window manager, which would keep something for each process and thread. */
PVOID PsGetProcessWin32Process(PEPROCESS Process)
{
    return NULL;
}

PVOID PsGetThreadWin32Thread(PETHREAD Thread)
{
    return NULL;
}

PVOID PsGetProcessJob(PEPROCESS Process)
{
    return NULL;
}

PVOID PsGetThreadTeb(PETHREAD Thread)
{
    return Thread->Tcb.Teb;
}

PVOID PsGetCurrentThreadTeb(VOID)
{
    return PsGetCurrentThread()->Tcb.Teb;
}

PVOID PsGetProcessSectionBaseAddress(PEPROCESS Process)
{
    return Process->SectionBaseAddress;
}

HANDLE PsGetProcessInheritedFromUniqueProcessId(PEPROCESS Process)
{
    return Process->InheritedFromUniqueProcessId;
}

BOOLEAN PsIsProtectedProcess(PEPROCESS Process)
{
    return FALSE;
}

BOOLEAN PsIsProcessBeingDebugged(PEPROCESS Process)
{
    return FALSE;
}

/* There is one session, that of services: 0. */
ULONG PsGetProcessSessionId(PEPROCESS Process)
{
    return 0;
}

ULONG PsGetProcessSessionIdEx(PEPROCESS Process)
{
    return 0;
}

ULONG PsGetCurrentProcessSessionId(VOID)
{
    return 0;
}

ULONG PsGetThreadSessionId(PETHREAD Thread)
{
    return 0;
}

NTSTATUS PsAcquireProcessExitSynchronization(PEPROCESS Process)
{
    return ExAcquireRundownProtection(&Process->RundownProtect) ? STATUS_SUCCESS
                                                                : STATUS_PROCESS_IS_TERMINATING;
}

VOID PsReleaseProcessExitSynchronization(PEPROCESS Process)
{
    ExReleaseRundownProtection(&Process->RundownProtect);
}

NTSTATUS SeLocateProcessImageName(PEPROCESS Process, PUNICODE_STRING *ImageFileName)
{
    PCUNICODE_STRING Name = PspImageName(Process);
    PUNICODE_STRING Copy =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Copy) + Name->Length + sizeof(WCHAR), 'nPeS');

    *ImageFileName = NULL;
    if (Copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Copy->Buffer = (PWSTR)(Copy + 1);
    Copy->Length = Name->Length;
    Copy->MaximumLength = (USHORT)(Name->Length + sizeof(WCHAR));
    RtlCopyMemory(Copy->Buffer, Name->Buffer, Name->Length);
    Copy->Buffer[Name->Length / sizeof(WCHAR)] = 0;
    *ImageFileName = Copy;
    return STATUS_SUCCESS;
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

/* From the moment on at which it was asked to end, or ends by itself. */
BOOLEAN PsIsThreadTerminating(PETHREAD Thread)
{
    return Thread->Tcb.Terminating ||
           (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_TERMINATED) != 0;
}

NTSTATUS PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process)
{
    *Process = PspReferenceCid(ProcessId, PsProcessType);
    return *Process != NULL ? STATUS_SUCCESS : STATUS_INVALID_CID;
}

NTSTATUS PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread)
{
    *Thread = PspReferenceCid(ThreadId, PsThreadType);
    return *Thread != NULL ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS PsLookupProcessThreadByCid(PCLIENT_ID ClientId, PEPROCESS *Process, PETHREAD *Thread)
{
    PETHREAD Found;
    if (!NT_SUCCESS(PsLookupThreadByThreadId(ClientId->UniqueThread, &Found))) {
        return STATUS_INVALID_CID;
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
