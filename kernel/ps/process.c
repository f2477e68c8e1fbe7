/* SPDX-License-Identifier: MIT */
/*
 * Processes. The system process is static; others are address spaces with a handle table. Their
 * threads are user_thread.c's, or attach to them.
 */
#include "ke/dispatcher.h"
#include "mm/mm.h"
#include "nt/kd.h"
#include "nt/process_information.h"
#include "ps/user_mode.h"
#include "se/sep.h"

#define PSP_TAG_NAME 0x6d4e7350u /* 'PsNm' */

LIST_ENTRY PsActiveProcessHead;
KSPIN_LOCK PspActiveProcessLock;

static VOID PspSetImageFileName(PEPROCESS Process, PCSTR ImageName)
{
    SIZE_T Length = strnlen(ImageName, sizeof(Process->ImageFileName) - 1);
    RtlZeroMemory(Process->ImageFileName, sizeof(Process->ImageFileName));
    RtlCopyMemory(Process->ImageFileName, ImageName, Length);
}

PCUNICODE_STRING PspImageName(PEPROCESS Process)
{
    static const UNICODE_STRING None = {0, 0, NULL};
    PCUNICODE_STRING Name = Process->SeAuditProcessCreationInfo;
    return Name != NULL ? Name : &None;
}

/* Where a program would be that is only known by its name. */
static NTSTATUS PspSetImagePath(PEPROCESS Process, PCSTR ImageName)
{
    static const WCHAR Folder[] = L"\\Device\\HarddiskVolume1\\";
    ULONG Prefix = sizeof(Folder) - sizeof(WCHAR);
    SIZE_T Length = strlen(ImageName);
    ULONG Bytes = Prefix + (ULONG)Length * sizeof(WCHAR);
    PUNICODE_STRING Name =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Name) + Bytes, PSP_TAG_NAME);
    if (Name == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Name->Buffer = (PWSTR)(Name + 1);
    Name->Length = Name->MaximumLength = (USHORT)Bytes;
    RtlCopyMemory(Name->Buffer, Folder, Prefix);
    for (SIZE_T i = 0; i < Length; i++) {
        Name->Buffer[Prefix / sizeof(WCHAR) + i] = (UCHAR)ImageName[i];
    }
    Process->SeAuditProcessCreationInfo = Name;
    return STATUS_SUCCESS;
}

static VOID PspInsertProcess(PEPROCESS Process)
{
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    InsertTailList(&PsActiveProcessHead, &Process->ActiveProcessLinks);
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
}

/* The type's delete procedure; also of a process whose creation failed half way. */
VOID PspDeleteProcess(PVOID Object)
{
    PEPROCESS Process = Object;
    NT_VERIFY(Process->ActiveThreads == 0 && Process->Pcb.AttachCount == 0);
    ObDeleteProcess(Process);
    if (Process->Token != NULL) {
        PsDereferencePrimaryToken(Process->Token);
    }
    if (Process->SeAuditProcessCreationInfo != NULL) {
        ExFreePoolWithTag(Process->SeAuditProcessCreationInfo, PSP_TAG_NAME);
    }
    if (Process->MmWorkingSet != NULL) {
        MmDeleteProcessAddressSpace(Process);
    }
}

NTSTATUS PspCreateProcess(PCSTR ImageName, PEPROCESS *NewProcess)
{
    PEPROCESS Process;
    NTSTATUS Status =
        ObpAllocateObject(PsProcessType, NULL, sizeof(EPROCESS), (PVOID *)&Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpHeaderOf(Process)->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    KeInitializeProcess(&Process->Pcb, 8, 0);
    InitializeListHead(&Process->ThreadListHead);
    InitializeListHead(&Process->ActiveProcessLinks);
    PspSetImageFileName(Process, ImageName);
    KeQuerySystemTimePrecise(&Process->CreateTime);
    Process->ExitStatus = STATUS_PENDING;
    Process->Token = SepClientToken; /* what is no system process is the client's */
    ObfReferenceObject(Process->Token);
    Process->PriorityClass = PROCESS_PRIORITY_CLASS_NORMAL;
    Process->InheritedFromUniqueProcessId = PsGetCurrentProcessId();
    ExInitializeRundownProtection(&Process->RundownProtect);
    Status = PspSetImagePath(Process, ImageName);
    if (NT_SUCCESS(Status)) {
        Status = MmCreateProcessAddressSpace(Process);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObInitializeProcess(Process);
    }
    if (NT_SUCCESS(Status)) {
        Status = PspAllocateCid(Process, &Process->UniqueProcessId);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Process);
        return Status;
    }
    /* Until it exits, being active is a reference of its own. */
    ObfReferenceObject(Process);
    PspInsertProcess(Process);
    Status = PspCallProcessNotify(Process, TRUE);
    if (!NT_SUCCESS(Status)) { /* a routine has refused it */
        PspExitProcess(Process, Status);
        ObfDereferenceObject(Process);
        return Status;
    }
    *NewProcess = Process;
    return STATUS_SUCCESS;
}

/* A process object is a notification event that stays set. */
static VOID PspSignalProcess(PEPROCESS Process)
{
    KIRQL OldIrql = KiLockDispatcher();
    Process->Pcb.Header.SignalState = 1;
    KiTestWaiters(&Process->Pcb.Header, 0);
    KiExitDispatcher(OldIrql);
}

VOID PspExitProcess(PEPROCESS Process, NTSTATUS ExitStatus)
{
    KAPC_STATE ApcState;

    NT_VERIFY(Process != PsInitialSystemProcess && Process->ActiveThreads == 0);
    NT_VERIFY(Process->UniqueProcessId != NULL);
    Process->Terminating = TRUE;
    if (Process->BreakOnTermination) {
        KeBugCheckEx(CRITICAL_PROCESS_DIED, (ULONG_PTR)Process, 0, 0, 0);
    }
    PspCallProcessNotify(Process, FALSE);
    ExWaitForRundownProtectionRelease(&Process->RundownProtect);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    ObKillProcess(Process);
    KeUnstackDetachProcess(&ApcState);
    Process->ExitStatus = ExitStatus;
    KeQuerySystemTimePrecise(&Process->ExitTime);
    PspFreeCid(Process->UniqueProcessId);
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    RemoveEntryList(&Process->ActiveProcessLinks);
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    PspSignalProcess(Process);
    if (ExitStatus == DBG_TERMINATE_PROCESS) { /* who said .kill hears of it */
        DbgPrint("EX debug work: process %p has ended\n", Process);
    }
    if (PspProcessEndHook != NULL) {
        PspProcessEndHook(Process);
    }
    ObfDereferenceObject(Process);
}

/* The rest of the static process; Ke and Mm have filled in what is theirs. */
static VOID PspInitializeSystemProcess(VOID)
{
    PEPROCESS Process = &PspInitialSystemProcess;
    InitializeListHead(&Process->ThreadListHead);
    Process->ExitStatus = STATUS_PENDING;
    Process->Token = SepSystemToken;
    ObfReferenceObject(Process->Token);
    PspSetImageFileName(Process, "System");
    Process->PriorityClass = PROCESS_PRIORITY_CLASS_NORMAL;
    KeQuerySystemTimePrecise(&Process->CreateTime);
    NT_VERIFY(NT_SUCCESS(ObInitializeProcess(Process)));
    NT_VERIFY(NT_SUCCESS(PspAllocateCid(Process, &Process->UniqueProcessId)));
    NT_VERIFY(Process->UniqueProcessId == (HANDLE)4);
    PspInsertProcess(Process);
}

static VOID PspInitializeIdleThread(VOID)
{
    PETHREAD Thread = &PspIdleThread;
    Thread->ThreadsProcess = &PspInitialSystemProcess;
    Thread->CrossThreadFlags = PS_CROSS_THREAD_FLAGS_SYSTEM;
    Thread->ExitStatus = STATUS_PENDING;
    InitializeListHead(&Thread->ThreadListEntry);
    InitializeListHead(&Thread->IrpList);
    KeInitializeSpinLock(&Thread->IrpListLock);
}

VOID PsInitializeSystem(VOID)
{
    static const OBJECT_TYPE_INITIALIZER ProcessInfo = {
        .GenericMapping = {STANDARD_RIGHTS_READ | PROCESS_VM_READ | PROCESS_QUERY_INFORMATION,
                           STANDARD_RIGHTS_WRITE | PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION |
                               PROCESS_VM_WRITE | PROCESS_DUP_HANDLE | PROCESS_TERMINATE,
                           STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, PROCESS_ALL_ACCESS},
        .ValidAccessMask = PROCESS_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .DeleteProcedure = PspDeleteProcess,
    };
    static const OBJECT_TYPE_INITIALIZER ThreadInfo = {
        .GenericMapping = {STANDARD_RIGHTS_READ | THREAD_QUERY_INFORMATION,
                           STANDARD_RIGHTS_WRITE | THREAD_TERMINATE | THREAD_SUSPEND_RESUME |
                               THREAD_ALERT | THREAD_SET_INFORMATION,
                           STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, THREAD_ALL_ACCESS},
        .ValidAccessMask = THREAD_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
        .DeleteProcedure = PspDeleteThread,
    };
    KeInitializeSpinLock(&PspActiveProcessLock);
    InitializeListHead(&PsActiveProcessHead);
    PspInitializeCidTable();
    PspInitializeNotify();
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"Process", &ProcessInfo, (PVOID)0, &PsProcessType)));
    NT_VERIFY(NT_SUCCESS(ObCreateObjectType(L"Thread", &ThreadInfo, (PVOID)0, &PsThreadType)));
    ObInitializeStaticObject(&PspStaticSystemProcess.Header, PsProcessType);
    ObInitializeStaticObject(&PspStaticIdleThread.Header, PsThreadType);
    KiUserExceptionRoutine = PspUserException;
    PsInitialSystemProcess = &PspInitialSystemProcess;
    PspInitializeSystemProcess();
    PspInitializeIdleThread();
    PspStartReaper();
}
