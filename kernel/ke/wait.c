/* SPDX-License-Identifier: MIT */
/*
 * Waits on dispatcher objects.
 *
 * A thread that must wait links one wait block into each object's list and, with a time-out, one
 * into its own timer's list, then gives up the processor. Whoever makes an object signalled walks
 * its list (KiTestWaiters), consumes the signal on behalf of each thread it can satisfy, unlinks
 * all the thread's blocks and makes it ready: the woken thread has nothing left to test, so a
 * signal is never lost and never taken twice.
 *
 * A kernel APC for a waiting thread ends its wait with KI_STATUS_KERNEL_APC; the thread runs the
 * APC and begins the wait again, with the time-out's end unchanged. An APC routine may itself wait
 * (with the same wait blocks), so each beginning fills them anew.
 *
 * Waiting is legal below DISPATCH_LEVEL, and with a time-out of zero at DISPATCH_LEVEL. A wait
 * that would block elsewhere is fatal: 0xB8 in a DPC, else 0x09 (object, IRQL, 0, caller).
 */
#include "dispatcher.h"
#include "mm/mm.h"

typedef struct _KI_WAIT {
    ULONG Count;
    WAIT_TYPE Type;
    PVOID *Objects;
    PKWAIT_BLOCK Blocks;
    KWAIT_REASON Reason;
    KPROCESSOR_MODE Mode;
    BOOLEAN Alertable;
    ULONG64 DueTime; /* interrupt time; KI_NO_DUE_TIME: for ever */
    PVOID Caller;
} KI_WAIT;

DECLSPEC_NORETURN VOID KiBadDispatcherIrql(KIRQL Irql, PVOID Caller)
{
    KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, Irql, DISPATCH_LEVEL, 0, (ULONG_PTR)Caller);
}

DECLSPEC_NORETURN VOID KiBadWaitIrql(PVOID Object, KIRQL Irql, PVOID Caller)
{
    PKPRCB Prcb = KeGetCurrentPrcb();

    if (Prcb->DpcRoutineActive) {
        KeBugCheckEx(ATTEMPTED_SWITCH_FROM_DPC, (ULONG_PTR)Prcb->CurrentThread,
                     (ULONG_PTR)(Prcb->NextThread != NULL ? Prcb->NextThread : Prcb->IdleThread),
                     (ULONG_PTR)Prcb->CurrentThread->InitialStack, (ULONG_PTR)Object);
    }
    KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, (ULONG_PTR)Object, Irql, 0, (ULONG_PTR)Caller);
}

static BOOLEAN KiIsSignalled(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    if (Object->Type == MutantObject) {
        return KiIsMutantFree((PKMUTANT)Object, Thread);
    }
    return Object->SignalState > 0;
}

/* Consumes a signal. Returns 0 or STATUS_ABANDONED, a bit of the wait's status. */
static NTSTATUS KiConsumeSignal(PDISPATCHER_HEADER Object, PKTHREAD Thread)
{
    switch (Object->Type) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
        Object->SignalState = 0;
        return 0;
    case SemaphoreObject:
        Object->SignalState--;
        return 0;
    case MutantObject:
        return KiTakeMutant((PKMUTANT)Object, Thread);
    default:
        return 0;
    }
}

/* The objects of a waiting thread's WaitAll: consumes all signals or none. */
static BOOLEAN KiConsumeAll(PKTHREAD Thread, PKWAIT_BLOCK Blocks, ULONG Count, PNTSTATUS Status)
{
    for (ULONG i = 0; i < Count; i++) {
        if (!KiIsSignalled(Blocks[i].Object, Thread)) {
            return FALSE;
        }
    }
    *Status = STATUS_SUCCESS;
    for (ULONG i = 0; i < Count; i++) {
        *Status |= KiConsumeSignal(Blocks[i].Object, Thread);
    }
    return TRUE;
}

VOID KiUnwaitThread(PKTHREAD Thread, LONG_PTR Status, KPRIORITY Increment)
{
    NT_ASSERT(Thread->State == Waiting);
    for (ULONG i = 0; i < Thread->WaitBlockCount; i++) {
        RemoveEntryList(&Thread->WaitBlockList[i].WaitListEntry);
    }
    Thread->WaitBlockCount = 0;
    if (Thread->WaitTimerActive) {
        Thread->WaitTimerActive = FALSE;
        RemoveEntryList(&Thread->WaitBlock[KI_TIMER_WAIT_BLOCK].WaitListEntry);
        if (Thread->Timer.Header.Inserted) {
            KiRemoveTimer(&Thread->Timer);
        }
    }
    Thread->WaitStatus = Status;
    KiStackMustStay(Thread);
    if (Thread->Queue != NULL) {
        Thread->Queue->CurrentCount++;
    }
    if (Thread->Priority < LOW_REALTIME_PRIORITY && Increment > 0) {
        KPRIORITY Boosted = Thread->BasePriority + Increment;
        if (Boosted >= LOW_REALTIME_PRIORITY) {
            Boosted = LOW_REALTIME_PRIORITY - 1;
        }
        if (Boosted > Thread->Priority) {
            Thread->Priority = (SCHAR)Boosted;
        }
    }
    Thread->Quantum = KiNextQuantum();
    KiReadyThread(Thread);
}

/*
 * The walk starts again after each thread it wakes: that thread may have had several blocks in
 * this list. It ends, because each restart leaves the list shorter.
 */
VOID KiTestWaiters(PDISPATCHER_HEADER Object, KPRIORITY Increment)
{
    PLIST_ENTRY Entry = Object->WaitListHead.Flink;

    while (Entry != &Object->WaitListHead && Object->SignalState > 0) {
        PKWAIT_BLOCK Block = CONTAINING_RECORD(Entry, KWAIT_BLOCK, WaitListEntry);
        PKTHREAD Thread = Block->Thread;
        NTSTATUS Status;

        if (Block->WaitType == WaitAny) {
            Status = Block->WaitKey | KiConsumeSignal(Object, Thread);
        } else if (!KiConsumeAll(Thread, Thread->WaitBlockList, Thread->WaitBlockCount, &Status)) {
            Entry = Entry->Flink;
            continue;
        }
        KiUnwaitThread(Thread, Status, Increment);
        Entry = Object->WaitListHead.Flink;
    }
}

KIRQL KiEnterWait(PKTHREAD Thread)
{
    if (Thread->WaitNext) {
        Thread->WaitNext = FALSE;
        return Thread->WaitIrql;
    }
    return KiLockDispatcher();
}

KIRQL KiLockToSet(BOOLEAN Wait)
{
    if (Wait) {
        MmNotifyIrqlRaise(DISPATCH_LEVEL);
    }
    return KiLockDispatcher();
}

VOID KiExitSet(KIRQL OldIrql, BOOLEAN Wait)
{
    if (!Wait) {
        KiExitDispatcher(OldIrql);
        return;
    }
    PKTHREAD Thread = KiCurrentThread();
    Thread->WaitNext = TRUE;
    Thread->WaitIrql = OldIrql;
}

NTSTATUS KiTestAlerts(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable)
{
    if (Mode == UserMode && Thread->Terminating) {
        return STATUS_USER_APC;
    }
    if (!Alertable) {
        return Mode == UserMode && Thread->ApcState.UserApcPending ? STATUS_USER_APC
                                                                   : STATUS_PENDING;
    }
    if (Thread->Alerted[(UCHAR)Mode]) {
        Thread->Alerted[(UCHAR)Mode] = FALSE;
        return STATUS_ALERTED;
    }
    if (Mode == UserMode && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
        Thread->ApcState.UserApcPending = TRUE;
        return STATUS_USER_APC;
    }
    if (Thread->Alerted[KernelMode]) {
        Thread->Alerted[KernelMode] = FALSE;
        return STATUS_ALERTED;
    }
    return STATUS_PENDING;
}

BOOLEAN KiDeliverApcsBeforeWait(PKTHREAD Thread, KIRQL OldIrql)
{
    if (OldIrql >= APC_LEVEL || !KiIsApcDeliverable(Thread)) {
        return FALSE;
    }
    KiExitDispatcher(APC_LEVEL);
    KiDeliverApc(KernelMode, NULL);
    KiWriteIrql(OldIrql);
    return TRUE;
}

LONG_PTR KiBlockThread(PKTHREAD Thread, KIRQL OldIrql, ULONG64 DueTime)
{
    NT_VERIFY(Thread != KeGetCurrentPrcb()->IdleThread);
    Thread->WaitIrql = OldIrql;
    Thread->WaitStart.QuadPart = (LONGLONG)KeQueryInterruptTime();
    if (DueTime != KI_NO_DUE_TIME) {
        PKWAIT_BLOCK Block = &Thread->WaitBlock[KI_TIMER_WAIT_BLOCK];

        Block->WaitType = WaitAny;
        Block->WaitKey = (USHORT)STATUS_TIMEOUT;
        Block->Thread = Thread;
        Block->Object = &Thread->Timer;
        Thread->Timer.Header.SignalState = 0;
        InsertTailList(&Thread->Timer.Header.WaitListHead, &Block->WaitListEntry);
        KiInsertTimer(&Thread->Timer, DueTime);
        Thread->WaitTimerActive = TRUE;
    }
    Thread->State = Waiting;
    KiStackMayLeave(Thread);
    if (Thread->Queue != NULL) {
        KiActivateQueueWaiter(Thread->Queue);
    }
    KiSwitchAway();
    LONG_PTR Status = Thread->WaitStatus;
    KiResumeThread(Thread, OldIrql);
    return Status;
}

/*
 * Lock held. What the wait comes to without blocking; STATUS_PENDING: it must block. A signal goes
 * before an alert or an APC, and they go before the time-out, also one of zero: SleepEx(0, TRUE) is
 * how programs on Windows take their APCs.
 */
static NTSTATUS KiTryWait(const KI_WAIT *Wait, PKTHREAD Thread)
{
    PKWAIT_BLOCK Blocks = Wait->Blocks;
    NTSTATUS Status;

    for (ULONG i = 0; i < Wait->Count; i++) {
        Blocks[i].WaitType = (UCHAR)Wait->Type;
        Blocks[i].WaitKey = (USHORT)i;
        Blocks[i].Thread = Thread;
        Blocks[i].Object = Wait->Objects[i];
    }
    if (Wait->Type == WaitAll) {
        if (Wait->Count != 0 && KiConsumeAll(Thread, Blocks, Wait->Count, &Status)) {
            return Status;
        }
    } else {
        for (ULONG i = 0; i < Wait->Count; i++) {
            PKMUTANT Mutant = Blocks[i].Object;

            if (!KiIsSignalled(&Mutant->Header, Thread)) {
                continue;
            }
            if (Mutant->Header.Type == MutantObject && Mutant->Header.SignalState == INT32_MIN) {
                return STATUS_MUTANT_LIMIT_EXCEEDED;
            }
            return (NTSTATUS)i | KiConsumeSignal(&Mutant->Header, Thread);
        }
    }
    Status = KiTestAlerts(Thread, Wait->Mode, Wait->Alertable);
    return Status == STATUS_PENDING && Wait->DueTime <= KeQueryInterruptTime() ? STATUS_TIMEOUT
                                                                               : Status;
}

static NTSTATUS KiWait(const KI_WAIT *Wait)
{
    PKTHREAD Thread = KiCurrentThread();
    LONG_PTR Status;

    do {
        KIRQL OldIrql = KiEnterWait(Thread);
        Status = KiTryWait(Wait, Thread);
        if (Status != STATUS_PENDING) {
            KiExitDispatcher(OldIrql);
            break;
        }
        if (OldIrql >= DISPATCH_LEVEL || KeGetCurrentPrcb()->DpcRoutineActive) {
            KiBadWaitIrql(Wait->Count != 0 ? Wait->Objects[0] : NULL, OldIrql, Wait->Caller);
        }
        if (KiDeliverApcsBeforeWait(Thread, OldIrql)) {
            Status = KI_STATUS_KERNEL_APC;
            continue;
        }
        for (ULONG i = 0; i < Wait->Count; i++) {
            PDISPATCHER_HEADER Object = Wait->Blocks[i].Object;
            InsertTailList(&Object->WaitListHead, &Wait->Blocks[i].WaitListEntry);
        }
        Thread->WaitBlockList = Wait->Blocks;
        Thread->WaitBlockCount = (UCHAR)Wait->Count;
        Thread->WaitReason = (UCHAR)Wait->Reason;
        Thread->WaitMode = Wait->Mode;
        Thread->Alertable = Wait->Alertable;
        Status = KiBlockThread(Thread, OldIrql, Wait->DueTime);
    } while (Status == KI_STATUS_KERNEL_APC);
    if (Status == STATUS_MUTANT_LIMIT_EXCEEDED) {
        ExRaiseStatus(STATUS_MUTANT_LIMIT_EXCEEDED);
    }
    return (NTSTATUS)Status;
}

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                               BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    KI_WAIT Wait = {
        .Count = 1,
        .Type = WaitAny,
        .Objects = &Object,
        .Blocks = KiCurrentThread()->WaitBlock,
        .Reason = WaitReason,
        .Mode = WaitMode,
        .Alertable = Alertable,
        .DueTime = KiComputeDueTime(Timeout),
        .Caller = KI_RETURN_ADDRESS(),
    };
    return KiWait(&Wait);
}

/* The array is copied first: it may be pageable, and the wait reads it with the lock held. */
NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                  KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                  BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray)
{
    PVOID Objects[MAXIMUM_WAIT_OBJECTS];

    if (Count > (WaitBlockArray != NULL ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS)) {
        KeBugCheckEx(MAXIMUM_WAIT_OBJECTS_EXCEEDED, Count, (ULONG_PTR)WaitBlockArray, 0, 0);
    }
    for (ULONG i = 0; i < Count; i++) {
        Objects[i] = Object[i];
    }
    KI_WAIT Wait = {
        .Count = Count,
        .Type = WaitType,
        .Objects = Objects,
        .Blocks = WaitBlockArray != NULL ? WaitBlockArray : KiCurrentThread()->WaitBlock,
        .Reason = WaitReason,
        .Mode = WaitMode,
        .Alertable = Alertable,
        .DueTime = KiComputeDueTime(Timeout),
        .Caller = KI_RETURN_ADDRESS(),
    };
    return KiWait(&Wait);
}

/* Lets the ready threads of the same priority run first. Below DISPATCH_LEVEL. */
static VOID KiYield(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();

    if (Thread == KeGetCurrentPrcb()->IdleThread) {
        KiExitDispatcher(OldIrql);
        return;
    }
    KiPreemptCurrentThread(TRUE);
    KiResumeThread(Thread, OldIrql);
}

NTSTATUS ZwYieldExecution(VOID)
{
    PKTHREAD Thread = KiCurrentThread();
    ULONG Switches = Thread->ContextSwitches;
    KiYield(Thread);
    return Thread->ContextSwitches != Switches ? STATUS_SUCCESS : STATUS_NO_YIELD_PERFORMED;
}

/* An interval of zero only yields. The interval is rounded up to the next clock tick. */
NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                PLARGE_INTEGER Interval)
{
    KI_WAIT Wait = {
        .Type = WaitAny,
        .Reason = DelayExecution,
        .Mode = WaitMode,
        .Alertable = Alertable,
        .DueTime = KiComputeDueTime(Interval),
        .Caller = KI_RETURN_ADDRESS(),
    };
    if (KiReadIrql() >= DISPATCH_LEVEL) {
        KiBadWaitIrql(NULL, KiReadIrql(), Wait.Caller);
    }
    if (Wait.DueTime == 0) {
        KiYield(KiCurrentThread());
    }
    NTSTATUS Status = KiWait(&Wait);
    return Status == STATUS_TIMEOUT ? STATUS_SUCCESS : Status;
}

/* Returns whether the thread was alerted before. */
BOOLEAN KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Old = Thread->Alerted[(UCHAR)AlertMode];

    if (!Old) {
        if (Thread->State == Waiting && Thread->Alertable && AlertMode <= Thread->WaitMode) {
            KiUnwaitThread(Thread, STATUS_ALERTED, EVENT_INCREMENT);
        } else {
            Thread->Alerted[(UCHAR)AlertMode] = TRUE;
        }
    }
    KiExitDispatcher(OldIrql);
    return Old;
}

BOOLEAN KeTestAlertThread(KPROCESSOR_MODE AlertMode)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Old = Thread->Alerted[(UCHAR)AlertMode];

    if (Old) {
        Thread->Alerted[(UCHAR)AlertMode] = FALSE;
    } else if (AlertMode == UserMode && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
        Thread->ApcState.UserApcPending = TRUE;
    }
    KiExitDispatcher(OldIrql);
    return Old;
}
