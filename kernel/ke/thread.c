/* SPDX-License-Identifier: MIT */
/*
 * A thread's birth and death, its priority, and the idle thread.
 *
 *   KeInitializeThread -> Initialized -> KeStartThread -> Ready -> (Standby) -> Running
 *   Running -> KeTerminateThread -> Terminated -> PspQueueReaper, once the processor is off its
 *   stack. The memory of the KTHREAD is its owner's (Ps); Ke never frees it.
 */
#include "dispatcher.h"
#include "ke/trap_dispatch.h"

VOID KeInitializeThread(PKTHREAD Thread, PVOID StackTop, PKSTART_ROUTINE Routine, PVOID Context,
                        PKPROCESS Process)
{
    __builtin_memset(Thread, 0, sizeof(*Thread));
    Thread->Header.Type = ThreadObject;
    Thread->Header.Size = 6;
    InitializeListHead(&Thread->Header.WaitListHead);
    Thread->InitialStack = StackTop;
    Thread->StackBase = StackTop;
    if (Routine != NULL) {
        Thread->InitialStack = KiInitializeFloatingState(StackTop);
    }
    Thread->StackLimit = (PUCHAR)StackTop - KERNEL_STACK_SIZE;
    Thread->KernelStackResident = Thread->EnableStackSwap = TRUE;
    Thread->Process = Process;
    Thread->ApcState.Process = Process;
    for (ULONG Mode = KernelMode; Mode < MaximumMode; Mode++) {
        InitializeListHead(&Thread->ApcState.ApcListHead[Mode]);
        InitializeListHead(&Thread->SavedApcState.ApcListHead[Mode]);
    }
    Thread->ApcQueueable = TRUE;
    InitializeListHead(&Thread->MutantListHead);
    InitializeListHead(&Thread->ResourceListHead);
    KeInitializeTimer(&Thread->Timer);
    KeInitializeSemaphore(&Thread->SuspendSemaphore, 0, 2);
    Thread->BasePriority = (SCHAR)Process->BasePriority;
    Thread->Priority = Thread->BasePriority;
    Thread->Quantum = KiNextQuantum();
    Thread->State = Initialized;
    Thread->SystemThread = 1;
    Thread->PreviousMode = KernelMode;
    Thread->StartRoutine = Routine;
    Thread->StartContext = Context;
    if (Routine != NULL) {
        /* Above the frame: KiThreadStartup's home space and its return address, 0. */
        PULONG64 Home = (PULONG64)Thread->InitialStack - 6;
        KI_SWITCH_FRAME *Frame = (KI_SWITCH_FRAME *)Home - 1;

        __builtin_memset(Frame, 0, sizeof(*Frame) + 6 * sizeof(ULONG64));
        Frame->MxCsr = INITIAL_MXCSR;
        Frame->RFlags = 0x202;
        Frame->Return = (ULONG64)KiThreadStartup;
        Thread->KernelStack = Frame;
    }
}

VOID KeStartThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();

    NT_VERIFY(Thread->State == Initialized && Thread->KernelStack != NULL);
    InsertTailList(&Thread->Process->ThreadListHead, &Thread->ThreadListEntry);
    KiReadyThread(Thread);
    KiExitDispatcher(OldIrql);
}

/* An exception that the routine does not handle ends in bug check 0x7E, made by the filter. */
static __attribute__((noinline)) VOID KiCallStartRoutine(PKTHREAD Thread)
{
    __try {
        Thread->StartRoutine(Thread->StartContext);
    } __except (KiSystemThreadFilter(GetExceptionInformation())) {
        KeBugCheck(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED);
    }
}

/* The C half of KiThreadStartup: at DISPATCH_LEVEL, dispatcher lock held since the switch. */
DECLSPEC_NORETURN VOID KiRunNewThread(VOID)
{
    PKTHREAD Thread = KiCurrentThread();

    KiFinishSwitch();
    KiWriteIrql(APC_LEVEL);
    if (KiIsApcDeliverable(Thread)) {
        KiDeliverApc(KernelMode, NULL);
    }
    KiWriteIrql(PASSIVE_LEVEL);
    KiCallStartRoutine(Thread);
    PspExitThread(STATUS_SUCCESS);
}

/*
 * Below DISPATCH_LEVEL, in the thread's own process, outside critical and guarded regions: a
 * thread that leaves anything of that behind would take it along (bug check 0x20 or 0x05).
 */
DECLSPEC_NORETURN VOID KeTerminateThread(KPRIORITY Increment)
{
    PKTHREAD Thread = KiCurrentThread();

    if (Thread->KernelApcDisable != 0 || Thread->SpecialApcDisable != 0) {
        KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT, 0,
                     (ULONG_PTR)(LONG_PTR)(Thread->KernelApcDisable + Thread->SpecialApcDisable),
                     KiReadIrql(), 0);
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment) {
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Thread->Process,
                     (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex, 0);
    }
    KiRundownApcs(Thread);

    KIRQL OldIrql = KiLockDispatcher();
    if (OldIrql >= DISPATCH_LEVEL || KeGetCurrentPrcb()->DpcRoutineActive) {
        KiBadWaitIrql(Thread, OldIrql, KI_RETURN_ADDRESS());
    }
    KiAbandonMutants(Thread);
    KiLeaveQueue(Thread);
    RemoveEntryList(&Thread->ThreadListEntry);
    Thread->State = Terminated;
    Thread->Header.SignalState = 1;
    KiTestWaiters(&Thread->Header, Increment);
    KeGetCurrentPrcb()->OwedSwitchThread = Thread;
    KiSwitchAway();
    KiAssertionFailed("a terminated thread ran", __FILE__, __LINE__);
}

PKTHREAD KeGetCurrentThread(VOID)
{
    return KiCurrentThread();
}

/*
 * Sets the run-time priority, not the base: below 16 it moves back to the base, one level with each
 * quantum. Returns the old one, which may contain a boost.
 */
KPRIORITY KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    KIRQL OldIrql = KiLockDispatcher();
    KPRIORITY Old = Thread->Priority;

    if (Priority < 1) {
        Priority = 1;
    } else if (Priority > HIGH_PRIORITY) {
        Priority = HIGH_PRIORITY;
    }
    Thread->Quantum = KiNextQuantum();
    KiSetPriority(Thread, Priority);
    KiExitDispatcher(OldIrql);
    return Old;
}

KPRIORITY KeQueryPriorityThread(PKTHREAD Thread)
{
    return Thread->Priority;
}

/* Relative to the process's priority, within its class. Returns the old increment. */
LONG KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    KIRQL OldIrql = KiLockDispatcher();
    KPRIORITY Process = Thread->Process->BasePriority;
    LONG Old = Thread->BasePriority - Process;
    KPRIORITY Lowest = Process < LOW_REALTIME_PRIORITY ? 1 : LOW_REALTIME_PRIORITY;
    KPRIORITY Highest = Process < LOW_REALTIME_PRIORITY ? LOW_REALTIME_PRIORITY - 1
                                                        : HIGH_PRIORITY;
    KPRIORITY Base;

    if (Increment > HIGH_PRIORITY || Process + Increment > Highest) {
        Base = Highest;
    } else if (Increment < -HIGH_PRIORITY || Process + Increment < Lowest) {
        Base = Lowest;
    } else {
        Base = Process + Increment;
    }
    Thread->BasePriority = (SCHAR)Base;
    Thread->Quantum = KiNextQuantum();
    KiSetPriority(Thread, Base);
    KiExitDispatcher(OldIrql);
    return Old;
}

/*
 * Makes the code that runs now, on the stack that ends at IdleStackTop, the idle thread of the
 * processor. Needs no pool. SystemProcess gets the address space that is in cr3.
 */
VOID KiInitializeDispatcher(PKPROCESS SystemProcess, PKTHREAD IdleThread, PVOID IdleStackTop)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG_PTR DirectoryTable;

    __asm__ volatile("movq %%cr3, %0" : "=r"(DirectoryTable));
    KeInitializeProcess(SystemProcess, 8, DirectoryTable & ~(ULONG_PTR)(PAGE_SIZE - 1));
    KeInitializeThread(IdleThread, IdleStackTop, NULL, NULL, SystemProcess);
    IdleThread->Priority = LOW_PRIORITY;
    IdleThread->BasePriority = LOW_PRIORITY;
    IdleThread->State = Running;
    KiInitializeDpcQueue(Prcb);
    KiInitializeTimers();
    KiInitializeClock();
    KiInitializeDpcWatchdog();
    KiInitializeReadyQueues(Prcb, IdleThread);
}

/*
 * What the processor does when no thread is ready. DPCs, timers and switches come as interrupts:
 * the dispatch interrupt is let through as soon as the interrupt that asked for it returns here.
 */
/*
 * A thread that waits for the paging disk is back within a few microseconds. Halting an emulated
 * processor puts its host thread to sleep, and waking it takes several times as long; so the idle
 * thread stays awake for as long as a read takes, with interrupts on.
 */
#define KI_IDLE_SPIN_MICROSECONDS 50

static VOID KiSpinBeforeHalt(VOID)
{
    ULONG64 End = KiReadTimeStampCounter() +
                  (ULONG64)KeGetPcr()->StallScaleFactor * KI_IDLE_SPIN_MICROSECONDS;
    while (KiReadTimeStampCounter() < End) {
        __asm__ volatile("" : : : "memory");
    }
}

DECLSPEC_NORETURN VOID KiIdleLoop(VOID)
{
    NT_VERIFY(KiCurrentThread() == KeGetCurrentPrcb()->IdleThread);
    KiWriteIrql(PASSIVE_LEVEL);
    for (;;) {
        KiSpinBeforeHalt();
        __asm__ volatile("sti; hlt" : : : "memory");
    }
}
