/* SPDX-License-Identifier: MIT */
/*
 * Threads: creation, exit, and the reaper. Those with a user mode: user_thread.c.
 *
 * A running thread holds one reference to itself. When it has ended and the processor has left
 * its stack, the dispatcher calls PspQueueReaper (its lock held); a DPC wakes the reaper thread,
 * which frees the stack and drops that reference. A thread holds a reference to its process.
 */
#include "io/iop.h"
#include "mm/mm.h"
#include "ps/user_mode.h"
#include "se/sep.h"

static PKTHREAD volatile PspReaperList; /* linked by WaitListEntry.Flink */
static KDPC PspReaperDpc;
static KEVENT PspReaperEvent;

VOID PspDeleteThread(PVOID Object)
{
    PETHREAD Thread = Object;
    SepRevertThread(Thread);
    if (Thread->ThreadsProcess != NULL) {
        ObfDereferenceObject(Thread->ThreadsProcess);
    }
}

NTSTATUS PspAllocateThread(PEPROCESS Process, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                           PETHREAD *NewThread)
{
    PETHREAD Thread;
    NTSTATUS Status =
        ObpAllocateObject(PsThreadType, NULL, sizeof(ETHREAD), (PVOID *)&Thread);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PVOID StackTop = MmCreateKernelStack();
    if (StackTop == NULL) {
        ObfDereferenceObject(Thread);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeThread(&Thread->Tcb, StackTop, StartRoutine, StartContext, &Process->Pcb);
    Thread->Cid.UniqueProcess = Process->UniqueProcessId;
    Thread->Win32StartAddress = (PVOID)StartRoutine;
    Thread->CrossThreadFlags = PS_CROSS_THREAD_FLAGS_SYSTEM;
    Thread->ExitStatus = STATUS_PENDING;
    Thread->PagePriority = 5;
    Thread->ThreadsProcess = Process;
    ObfReferenceObject(Process);
    InitializeListHead(&Thread->IrpList);
    KeInitializeSpinLock(&Thread->IrpListLock);
    KeQuerySystemTimePrecise(&Thread->CreateTime);
    ObpHeaderOf(Thread)->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    /* Last: from here on it can be looked up. */
    Status = PspAllocateCid(Thread, &Thread->Cid.UniqueThread);
    if (!NT_SUCCESS(Status)) {
        MmDeleteKernelStack(StackTop);
        ObfDereferenceObject(Thread);
        return Status;
    }
    *NewThread = Thread;
    return STATUS_SUCCESS;
}

VOID PspStartThread(PETHREAD Thread)
{
    PEPROCESS Process = Thread->ThreadsProcess;
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    InsertTailList(&Process->ThreadListHead, &Thread->ThreadListEntry);
    Process->ActiveThreads++;
    if (Process->Terminating) { /* it ends as soon as it begins */
        Thread->TerminationStatus = Process->ExitStatus;
        KeEndUserThread(&Thread->Tcb);
    }
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    PspCallThreadNotify(Thread, TRUE);
    KeStartThread(&Thread->Tcb);
}

/* Takes a thread back that was never started. */
VOID PspAbandonThread(PETHREAD Thread)
{
    PspFreeCid(Thread->Cid.UniqueThread);
    MmDeleteKernelStack(Thread->Tcb.StackBase);
    ObfDereferenceObject(Thread);
}

/* PASSIVE_LEVEL. *Thread, when wanted, is referenced for the caller. */
NTSTATUS PspCreateThread(PEPROCESS Process, PKSTART_ROUTINE StartRoutine, PVOID StartContext,
                         PETHREAD *Thread)
{
    PETHREAD New;
    NTSTATUS Status = PspAllocateThread(Process, StartRoutine, StartContext, &New);
    if (NT_SUCCESS(Status)) {
        if (Thread != NULL) {
            ObfReferenceObject(New);
            *Thread = New;
        }
        PspStartThread(New);
    }
    return Status;
}

NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                              POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                              PCLIENT_ID ClientId, PKSTART_ROUTINE StartRoutine,
                              PVOID StartContext)
{
    PEPROCESS Process = PsInitialSystemProcess;
    PETHREAD Thread;
    ULONG Attributes = ObjectAttributes != NULL ? ObjectAttributes->Attributes : 0;
    NTSTATUS Status;

    if (ProcessHandle == NULL) {
        ObfReferenceObject(Process);
        /* The documentation allows NULL attributes; the handle is then the system process's. */
        Attributes |= ObjectAttributes == NULL ? OBJ_KERNEL_HANDLE : 0;
    } else {
        Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_CREATE_THREAD, PsProcessType,
                                           KernelMode, (PVOID *)&Process, NULL);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    /* A kernel thread cannot be ended: it would go on without the process's handles. */
    Status = Process->Terminating
                 ? STATUS_PROCESS_IS_TERMINATING
                 : PspAllocateThread(Process, StartRoutine, StartContext, &Thread);
    ObfDereferenceObject(Process);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpCreateHandle(Thread, ObpMapAccess(PsThreadType, DesiredAccess), Attributes,
                             ThreadHandle);
    if (!NT_SUCCESS(Status)) {
        PspAbandonThread(Thread);
        return Status;
    }
    if (ClientId != NULL) {
        *ClientId = Thread->Cid;
    }
    PspStartThread(Thread);
    return STATUS_SUCCESS;
}

VOID PsStartSystemThread(PKSTART_ROUTINE Routine)
{
    HANDLE Thread;
    NTSTATUS Status = PsCreateSystemThread(&Thread, 0, NULL, NULL, NULL, Routine, NULL);
    NT_VERIFY(NT_SUCCESS(Status));
    ZwClose(Thread);
}

NTSTATUS PsTerminateSystemThread(NTSTATUS ExitStatus)
{
    if (!PsIsSystemThread(PsGetCurrentThread())) {
        return STATUS_INVALID_PARAMETER;
    }
    PspExitThread(ExitStatus);
}

DECLSPEC_NORETURN VOID PspExitThread(NTSTATUS Status)
{
    PETHREAD Thread = PsGetCurrentThread();
    PEPROCESS Process = Thread->ThreadsProcess;

    if (KeGetCurrentIrql() != PASSIVE_LEVEL) {
        /* 0xC8: current IRQL, expected IRQL and a number of ours, packed as documented */
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, ((ULONG_PTR)KeGetCurrentIrql() << 16) | 1,
                     (ULONG_PTR)Thread->Win32StartAddress, (ULONG_PTR)Thread, 0);
    }
    NT_VERIFY(Thread != &PspIdleThread);
    PspSetThreadFlag(Thread, PS_CROSS_THREAD_FLAGS_TERMINATED, TRUE);
    if (Thread->Tcb.Teb != NULL && PspUserThreadEndHook != NULL) {
        PspUserThreadEndHook(Thread, Status);
    }
    /*
     * Before the notification, which could come upon requests that are still in flight; and before
     * the stack goes, which they may write to.
     */
    IopCancelThreadIo(Thread);
    if (Thread->Tcb.Teb != NULL) {
        PspFreeUserStack();
    }
    if (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION) {
        KeBugCheckEx(CRITICAL_PROCESS_DIED, (ULONG_PTR)Thread, 1, 0, 0);
    }
    PspCallThreadNotify(Thread, FALSE);
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    BOOLEAN Last = --Process->ActiveThreads == 0 && Process->Terminating && !Process->Exited;
    Process->Exited = Process->Exited || Last;
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    if (Last) {
        PspExitProcess(Process, Process->ExitStatus);
    }
    Thread->ExitStatus = Status;
    KeQuerySystemTimePrecise(&Thread->ExitTime);
    PspFreeCid(Thread->Cid.UniqueThread);
    OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    RemoveEntryList(&Thread->ThreadListEntry);
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    KeTerminateThread(0);
}

/* Interrupt-safe: an interlocked push and a DPC; no lock that the caller could hold. */
VOID PspQueueReaper(PKTHREAD Thread)
{
    PKTHREAD First;
    do {
        First = PspReaperList;
        Thread->WaitListEntry.Flink = (PLIST_ENTRY)First;
    } while (InterlockedCompareExchangePointer((PVOID volatile *)&PspReaperList, Thread, First) !=
             First);
    KeInsertQueueDpc(&PspReaperDpc, NULL, NULL);
}

static VOID PspReaperDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeSetEvent(&PspReaperEvent, 0, FALSE);
}

static VOID PspReaperThread(PVOID Context)
{
    for (;;) {
        KeWaitForSingleObject(&PspReaperEvent, Executive, KernelMode, FALSE, NULL);
        PKTHREAD Thread = InterlockedExchangePointer((PVOID volatile *)&PspReaperList, NULL);
        /* With more processors the pusher may still be on the stack; it holds this lock then. */
        KIRQL OldIrql = KiAcquireSpinLock(&KiDispatcherLock);
        KiReleaseSpinLock(&KiDispatcherLock, OldIrql);
        while (Thread != NULL) {
            PKTHREAD Next = (PKTHREAD)Thread->WaitListEntry.Flink;
            MmDeleteKernelStack(Thread->StackBase);
            Thread->InitialStack = Thread->StackBase = NULL;
            ObfDereferenceObject(CONTAINING_RECORD(Thread, ETHREAD, Tcb));
            Thread = Next;
        }
    }
}

VOID PspStartReaper(VOID)
{
    KeInitializeDpc(&PspReaperDpc, PspReaperDpcRoutine, NULL);
    KeInitializeEvent(&PspReaperEvent, SynchronizationEvent, FALSE);
    NT_VERIFY(NT_SUCCESS(PspCreateThread(PsInitialSystemProcess, PspReaperThread, NULL, NULL)));
}
