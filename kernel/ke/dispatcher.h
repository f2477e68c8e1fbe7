/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher's internals: what its files share with each other and with nobody else.
 *
 * Reading order: ready_queue.c (who runs), switch.S, thread.c (birth and death), wait.c (why one
 * stops running), event.c mutant.c semaphore.c timer.c queue.c (what it waits for), dpc.c clock.c
 * (what interrupts do), apc.c guarded_region.c process.c (what runs inside a thread).
 *
 * One lock, KiDispatcherLock, held at DISPATCH_LEVEL, protects: the states, priorities and wait
 * blocks of all threads, all dispatcher objects, the ready lists and NextThread, the timer table,
 * all APC queues. Only the DPC queue's lock is taken inside it.
 *
 * Invariants
 *   1. The lock is held across KiSwapContext: the thread that is switched to releases it. So
 *      nobody sees a thread whose registers are half saved.
 *   2. NextThread, when not NULL, is Standby, has a priority above the current thread's (or the
 *      current thread is the idle thread, has used up its quantum or was lowered) and no Ready
 *      thread is above it.
 *   3. A thread is in at most one ready list, and is there if and only if it is Ready.
 *   4. A Waiting thread has WaitBlockCount blocks linked, plus its timer's if WaitTimerActive.
 *   5. No thread switches while a DPC runs (Prcb->DpcRoutineActive), nor does the idle thread wait.
 */
#pragma once

#include "ke/ki.h"

/* A wait was interrupted to run a kernel APC; it is resumed and this is never returned. */
#define KI_STATUS_KERNEL_APC ((NTSTATUS)0x00000100)
#define KI_TIMER_WAIT_BLOCK 3
#define KI_QUANTUM 3 /* clock ticks, on average */
#define KI_NO_DUE_TIME (~0ull)

/* Fields of KUSER_SHARED_DATA that Ke keeps; drivers read them inline. */
#define KI_SHARED_TICK_COUNT_MULTIPLIER 0x004
#define KI_SHARED_INTERRUPT_TIME 0x008
#define KI_SHARED_SYSTEM_TIME 0x014
#define KI_SHARED_TIME_ZONE_BIAS 0x020
#define KI_SHARED_TICK_COUNT 0x320

/* A dispatcher routine was called above DISPATCH_LEVEL: taking the lock would lower the IRQL. */
DECLSPEC_NORETURN VOID KiBadDispatcherIrql(KIRQL Irql, PVOID Caller);

FORCEINLINE KIRQL KiLockDispatcher(VOID)
{
    KIRQL OldIrql = KiReadIrql();

    if (OldIrql > DISPATCH_LEVEL) {
        KiBadDispatcherIrql(OldIrql, KI_RETURN_ADDRESS());
    }
    KiWriteIrql(DISPATCH_LEVEL);
    KiAcquireSpinLockRaw(&KiDispatcherLock);
    return OldIrql;
}

/* The alternative to KiExitDispatcher for a caller that has made no thread ready. */
FORCEINLINE VOID KiUnlockDispatcher(KIRQL OldIrql)
{
    KiReleaseSpinLock(&KiDispatcherLock, OldIrql);
}

FORCEINLINE BOOLEAN KiIsApcDeliverable(PKTHREAD Thread)
{
    return Thread->ApcState.KernelApcPending && Thread->SpecialApcDisable == 0;
}

/* ---- ready_queue.c: all with the dispatcher lock held ---- */
VOID KiReadyThread(PKTHREAD Thread);
/*
 * Gives the processor to the next thread. The caller has put the current thread into the state
 * and list it belongs to. Returns when that thread runs again, at DISPATCH_LEVEL, lock released.
 */
VOID KiSwitchAway(VOID);
/* The first thing a thread does after it was switched to. Releases the lock. */
VOID KiFinishSwitch(VOID);
/* Releases the lock and lowers to OldIrql; switches now or by interrupt if NextThread is set. */
VOID KiExitDispatcher(KIRQL OldIrql);
/*
 * The current thread goes on at OldIrql <= APC_LEVEL after a switch: kernel APCs that came
 * meanwhile run now or, at APC_LEVEL, when the IRQL falls. An interrupt that was asked for before
 * the switch may have come in another thread. At DISPATCH_LEVEL, lock released.
 */
VOID KiResumeThread(PKTHREAD Thread, KIRQL OldIrql);
VOID KiEndQuantum(PKPRCB Prcb);
LONG KiNextQuantum(VOID); /* clock ticks; with or without the lock */
/* As the above for a running thread that gives up the processor but stays Ready. */
VOID KiPreemptCurrentThread(BOOLEAN ToTail);
VOID KiSetPriority(PKTHREAD Thread, KPRIORITY Priority);
/* Once a second, by Ex's balancing thread. Takes the lock. PASSIVE_LEVEL */
VOID KiBoostStarvedThreads(VOID);
VOID KiInitializeReadyQueues(PKPRCB Prcb, PKTHREAD IdleThread);

/* ---- wait.c: with the dispatcher lock held ---- */
/* The object's SignalState has become positive: wakes who can be woken. */
VOID KiTestWaiters(PDISPATCHER_HEADER Object, KPRIORITY Increment);
/* Ends the wait of a Waiting thread with Status and makes it ready. */
VOID KiUnwaitThread(PKTHREAD Thread, LONG_PTR Status, KPRIORITY Increment);
/* Takes the lock, or finds it held by a KeSet...(Wait = TRUE). Returns the caller's IRQL. */
KIRQL KiEnterWait(PKTHREAD Thread);
/* Ends a KeSet...: leaves the lock held for the wait that must follow when Wait, else exits. */
/* For a routine with a Wait argument: TRUE returns to a driver at DISPATCH_LEVEL: Mm is told. */
KIRQL KiLockToSet(BOOLEAN Wait);
VOID KiExitSet(KIRQL OldIrql, BOOLEAN Wait);
/*
 * Blocks the current thread, whose wait blocks are linked; OldIrql < DISPATCH_LEVEL. Releases the
 * lock, returns at OldIrql with the wait's status after pending kernel APCs have run.
 */
LONG_PTR KiBlockThread(PKTHREAD Thread, KIRQL OldIrql, ULONG64 DueTime);
/* STATUS_ALERTED, STATUS_USER_APC, or STATUS_PENDING: nothing that ends a wait. */
NTSTATUS KiTestAlerts(PKTHREAD Thread, KPROCESSOR_MODE Mode, BOOLEAN Alertable);
/* Lets pending kernel APCs run before a thread blocks. Lock held; FALSE and still held: none. */
BOOLEAN KiDeliverApcsBeforeWait(PKTHREAD Thread, KIRQL OldIrql);
DECLSPEC_NORETURN VOID KiBadWaitIrql(PVOID Object, KIRQL Irql, PVOID Caller);

/* ---- timer.c ---- */
VOID KiInitializeTimers(VOID);
/* Interrupt time at which a DDI time-out ends; KI_NO_DUE_TIME for NULL. No locks. */
ULONG64 KiComputeDueTime(const LARGE_INTEGER *Timeout);
VOID KiInsertTimer(PKTIMER Timer, ULONG64 DueTime); /* lock held */
VOID KiRemoveTimer(PKTIMER Timer);                  /* lock held, Timer inserted */
VOID KiExpireTimers(VOID);                          /* DISPATCH_LEVEL, takes the lock */
/* CLOCK_LEVEL, no locks: is a timer of this tick due? */
BOOLEAN KiIsTimerDue(ULONG64 InterruptTime);

/* ---- mutant.c: lock held ---- */
BOOLEAN KiIsMutantFree(PKMUTANT Mutant, PKTHREAD Thread);
/* Returns STATUS_ABANDONED (a bit of the wait's status) or 0. */
NTSTATUS KiTakeMutant(PKMUTANT Mutant, PKTHREAD Thread);
VOID KiAbandonMutants(PKTHREAD Thread);

/* ---- queue.c: lock held ---- */
VOID KiActivateQueueWaiter(PKQUEUE Queue);
VOID KiLeaveQueue(PKTHREAD Thread);

/* ---- apc.c ---- */
/* After KernelApcDisable or SpecialApcDisable of the current thread has come back to 0. */
VOID KiCheckForKernelApcDelivery(VOID);
/* Ends the APC queues of the current, exiting thread. < DISPATCH_LEVEL, no locks. */
VOID KiRundownApcs(PKTHREAD Thread);

/* ---- dpc.c, process.c, clock.c, dpc_watchdog.c ---- */
VOID KiInitializeDpcQueue(PKPRCB Prcb);
VOID KiInitializeDpcWatchdog(VOID);
/* In the clock interrupt, of what it interrupted; may end in bug check 0x133. */
VOID KiCheckDpcWatchdog(PKTRAP_FRAME TrapFrame);
VOID KiInitializeClock(VOID);
VOID KiLoadAddressSpace(PKPROCESS New, PKPROCESS Old);
/* Sets the system time, 100 ns since 1601; due times of absolute timers already set stay. */
VOID KiSetSystemTime(LONGLONG SystemTime);

/* ---- switch.S ---- */
VOID KiCallOnStack(VOID (*Routine)(VOID), PVOID StackTop);
/* Where a new thread's saved state returns to; calls KiRunNewThread (thread.c). */
VOID KiThreadStartup(VOID);
DECLSPEC_NORETURN VOID KiRunNewThread(VOID);

/* ---- stack_swap.c; dispatcher lock held ---- */
VOID KiStackMayLeave(PKTHREAD Thread);  /* it waits now; only if WaitMode and the rest let it */
VOID KiStackMustStay(PKTHREAD Thread);  /* it waits no more */
VOID KiQueueStackInSwap(PKTHREAD Thread); /* it is ready, but for its stack */

/* ---- the components below ---- */
VOID PspQueueReaper(PKTHREAD Thread);         /* kernel/ps */
DECLSPEC_NORETURN VOID PspExitThread(NTSTATUS Status);

/* What KiSwapContext saves on the stack of the thread that is switched away. */
typedef struct _KI_SWITCH_FRAME {
    ULONG64 Xmm6To15[10][2];
    ULONG MxCsr; /* A0 */
    ULONG Fill;
    ULONG64 RFlags; /* A8 */
    ULONG64 Fill1;
    ULONG64 R15, R14, R13, R12, Rsi, Rdi, Rbx, Rbp; /* B8 */
    ULONG64 Return;                                 /* F8 */
} KI_SWITCH_FRAME;
C_ASSERT(offsetof(KI_SWITCH_FRAME, MxCsr) == 0xa0);
C_ASSERT(offsetof(KI_SWITCH_FRAME, RFlags) == 0xa8);
C_ASSERT(offsetof(KI_SWITCH_FRAME, R15) == 0xb8);
C_ASSERT(sizeof(KI_SWITCH_FRAME) == 0x100);
