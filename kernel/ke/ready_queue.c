/* SPDX-License-Identifier: MIT */
/*
 * Who runs: 32 ready lists per processor, the thread chosen to run next, quanta and priorities.
 *
 * A thread that becomes ready and beats the running one is made Standby in NextThread. The switch
 * itself happens at the first point at which it may: in KiExitDispatcher when the caller was below
 * DISPATCH_LEVEL, else in KiDispatchInterrupt, which a software interrupt brings as soon as the
 * IRQL falls. The idle thread is in no list; it runs when nothing else can.
 *
 * Priorities 1-15 are boosted when a wait ends, and when a thread has been ready for seconds and
 * has not run, and lose one level per quantum until the base is reached again; 16-31 (realtime)
 * never change by themselves.
 */
#include "dispatcher.h"

#include "lib/xorshift.h"

#define KI_STARVED_100NS 40000000u /* 4 s, as is known of NT */

KSPIN_LOCK KiDispatcherLock;

static ULONG64 KiQuantumState; /* 0: not seeded, all quanta are the same */

VOID KiSeedQuanta(ULONG64 Seed)
{
    KiQuantumState = Seed * 2 + 1; /* a generator's state is never 0 */
}

/*
 * Drivers must not count on how long a thread runs undisturbed, so it follows from the seed: other
 * seeds preempt at other places. Two threads that race here draw the same number, no more.
 */
LONG KiNextQuantum(VOID)
{
    if (KiQuantumState == 0) {
        return KI_QUANTUM;
    }
    KiQuantumState = XorShift64(KiQuantumState);
    return 1 + (LONG)((KiQuantumState >> 40) % (2 * KI_QUANTUM - 1));
}

static VOID KiInsertReady(PKPRCB Prcb, PKTHREAD Thread, BOOLEAN AtHead)
{
    PLIST_ENTRY Head = &Prcb->ReadyListHead[(UCHAR)Thread->Priority];

    Thread->State = Ready;
    Thread->ReadySince = KeQueryInterruptTime();
    if (AtHead) {
        InsertHeadList(Head, &Thread->WaitListEntry);
    } else {
        InsertTailList(Head, &Thread->WaitListEntry);
    }
    Prcb->ReadySummary |= 1u << Thread->Priority;
}

static VOID KiRemoveReady(PKPRCB Prcb, PKTHREAD Thread)
{
    NT_ASSERT(Thread->State == Ready);
    if (RemoveEntryList(&Thread->WaitListEntry)) {
        Prcb->ReadySummary &= ~(1u << Thread->Priority);
    }
}

/* Takes the first of the most urgent Ready threads of at least Lowest out of its list, or NULL. */
static PKTHREAD KiTakeReady(PKPRCB Prcb, KPRIORITY Lowest)
{
    ULONG Candidates = Lowest >= MAXIMUM_PRIORITY ? 0 : Prcb->ReadySummary & (~0u << Lowest);
    PKTHREAD Thread;

    if (Candidates == 0) {
        return NULL;
    }
    PLIST_ENTRY Head = &Prcb->ReadyListHead[31 - __builtin_clz(Candidates)];
    NT_ASSERT(!IsListEmpty(Head));
    Thread = CONTAINING_RECORD(Head->Flink, KTHREAD, WaitListEntry);
    KiRemoveReady(Prcb, Thread);
    return Thread;
}

static VOID KiSetNextThread(PKPRCB Prcb, PKTHREAD Thread)
{
    Thread->State = Standby;
    Prcb->NextThread = Thread;
}

VOID KiReadyThread(PKTHREAD Thread)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    if (!Thread->KernelStackResident) {
        KiQueueStackInSwap(Thread);
        return;
    }
    PKTHREAD Rival = Prcb->NextThread != NULL ? Prcb->NextThread : Prcb->CurrentThread;

    if (Rival != Prcb->IdleThread && Thread->Priority <= Rival->Priority) {
        KiInsertReady(Prcb, Thread, FALSE);
        return;
    }
    if (Prcb->NextThread != NULL) {
        KiInsertReady(Prcb, Rival, TRUE);
    }
    KiSetNextThread(Prcb, Thread);
}

VOID KiSwitchAway(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Old = Prcb->CurrentThread;
    PKTHREAD New = Prcb->NextThread;

    NT_ASSERT(KiReadIrql() == DISPATCH_LEVEL && !Prcb->DpcRoutineActive);
    Prcb->NextThread = NULL;
    if (New == NULL) {
        New = KiTakeReady(Prcb, 0);
    }
    if (New == NULL) {
        New = Prcb->IdleThread;
    }
    Prcb->QuantumEnd = FALSE;
    New->State = Running;
    if (New != Old) {
        Prcb->ContextSwitches++;
        New->ContextSwitches++;
        KiSwapContext(Old, New);
    }
    KiFinishSwitch();
}

/*
 * A terminated thread is given to the reaper only here, on the next thread's stack: before, its
 * own stack was still in use. The Prcb is read anew, as the thread may come from elsewhere.
 */
VOID KiFinishSwitch(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Terminated = Prcb->OwedSwitchThread;

    if (Terminated != NULL) {
        Prcb->OwedSwitchThread = NULL;
        PspQueueReaper(Terminated);
    }
    KiReleaseSpinLockRaw(&KiDispatcherLock);
}

VOID KiPreemptCurrentThread(BOOLEAN ToTail)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;

    if (Thread != Prcb->IdleThread) {
        KiInsertReady(Prcb, Thread, !ToTail);
    } else {
        Thread->State = Ready;
    }
    KiSwitchAway();
}

VOID KiExitDispatcher(KIRQL OldIrql)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;

    if (Prcb->NextThread == NULL) {
        KiUnlockDispatcher(OldIrql);
        return;
    }
    if (OldIrql >= DISPATCH_LEVEL || Prcb->DpcRoutineActive) {
        /* The DPC loop looks at NextThread when it is done; others need to be interrupted. */
        if (!Prcb->DpcRoutineActive) {
            HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
        }
        KiUnlockDispatcher(OldIrql);
        return;
    }
    KiPreemptCurrentThread(FALSE);
    KiResumeThread(Thread, OldIrql);
}

VOID KiResumeThread(PKTHREAD Thread, KIRQL OldIrql)
{
    if (KiIsApcDeliverable(Thread)) {
        if (OldIrql < APC_LEVEL) {
            KiWriteIrql(APC_LEVEL);
            KiDeliverApc(KernelMode, NULL);
        } else {
            HalRequestSoftwareInterrupt(APC_LEVEL);
        }
    }
    KiWriteIrql(OldIrql);
}

/*
 * The current thread has used up its quantum: it loses a level of boost, and the processor if
 * another thread of at least its priority is ready. Sets NextThread at most.
 */
VOID KiEndQuantum(PKPRCB Prcb)
{
    PKTHREAD Thread = Prcb->CurrentThread;

    Prcb->QuantumEnd = FALSE;
    if (Thread == Prcb->IdleThread) {
        return;
    }
    Thread->Quantum = KiNextQuantum();
    if (Thread->Priority < LOW_REALTIME_PRIORITY && Thread->Priority > Thread->BasePriority) {
        Thread->Priority--;
    }
    if (Prcb->NextThread == NULL) {
        PKTHREAD Next = KiTakeReady(Prcb, Thread->Priority);
        if (Next != NULL) {
            KiSetNextThread(Prcb, Next);
        }
    }
}

VOID KiSetPriority(PKTHREAD Thread, KPRIORITY Priority)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    KPRIORITY Old = Thread->Priority;
    PKTHREAD Next;

    if (Priority == Old || Thread == Prcb->IdleThread) {
        return;
    }
    switch (Thread->State) {
    case Ready:
        KiRemoveReady(Prcb, Thread);
        Thread->Priority = (SCHAR)Priority;
        KiReadyThread(Thread);
        break;
    case Standby:
        Thread->Priority = (SCHAR)Priority;
        if (Priority < Old) {
            Prcb->NextThread = NULL;
            KiInsertReady(Prcb, Thread, TRUE);
            Next = KiTakeReady(Prcb, Prcb->CurrentThread == Prcb->IdleThread
                                         ? 0
                                         : Prcb->CurrentThread->Priority + 1);
            if (Next != NULL) {
                KiSetNextThread(Prcb, Next);
            }
        }
        break;
    case Running:
        Thread->Priority = (SCHAR)Priority;
        Next = Prcb->NextThread;
        if (Next == NULL && Priority < Old) {
            Next = KiTakeReady(Prcb, Priority + 1);
            if (Next != NULL) {
                KiSetNextThread(Prcb, Next);
            }
        } else if (Next != NULL && Priority >= Next->Priority) {
            Prcb->NextThread = NULL;
            KiInsertReady(Prcb, Next, TRUE);
        }
        break;
    default:
        Thread->Priority = (SCHAR)Priority;
        break;
    }
}

/*
 * So who looks again and again for what a thread of lower priority is to do, waits for it only so
 * long; unless it is a realtime thread.
 */
VOID KiBoostStarvedThreads(VOID)
{
    KIRQL OldIrql = KiLockDispatcher();
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG64 Now = KeQueryInterruptTime();

    for (KPRIORITY i = LOW_PRIORITY + 1; i < LOW_REALTIME_PRIORITY - 1; i++) {
        PLIST_ENTRY Head = &Prcb->ReadyListHead[i];
        PLIST_ENTRY Next;
        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Next) {
            PKTHREAD Thread = CONTAINING_RECORD(Link, KTHREAD, WaitListEntry);
            Next = Link->Flink;
            if (Now - Thread->ReadySince >= KI_STARVED_100NS) {
                Thread->Quantum = KiNextQuantum();
                KiSetPriority(Thread, LOW_REALTIME_PRIORITY - 1);
            }
        }
    }
    KiExitDispatcher(OldIrql);
}

VOID KiInitializeReadyQueues(PKPRCB Prcb, PKTHREAD IdleThread)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(Prcb->ReadyListHead); i++) {
        InitializeListHead(&Prcb->ReadyListHead[i]);
    }
    Prcb->ReadySummary = 0;
    Prcb->NextThread = NULL;
    Prcb->IdleThread = IdleThread;
    Prcb->CurrentThread = IdleThread;
    Prcb->OwedSwitchThread = NULL;
}
