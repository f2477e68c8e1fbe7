/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks that go out and come back. A thread that waits with WaitMode UserMode says that it
 * may be gone for long, so while it waits its kernel stack may leave memory. Nobody can page fault
 * on the own stack: the stack is brought in before the thread runs.
 *
 *   KiBlockThread       a wait with UserMode     -> at the tail of KiStackWaitListHead
 *   KiTakeStackToLeave  Mm asks whose may leave  -> off the list, KernelStackResident FALSE
 *   KiReadyThread       the wait is over         -> state Transition, KiStackInSwapListHead
 *   KiSwapThread        the stack is back        -> KernelStackResident TRUE, ready
 *
 * A wait that is over before its stack was taken only leaves the list. Realtime threads keep their
 * stacks, and so do those that called KeSetKernelStackSwapEnable(FALSE).
 *
 * When stacks leave is Mm's: at the page-outs of the modes (mm/page_out_mode.c), and after
 * KI_STACK_WAIT_100NS under the balance-set manager. What else lies on the stack goes too: an event
 * or a buffer there that somebody touches at DISPATCH_LEVEL meanwhile is a page fault and the end,
 * as in NT, and as there it makes no difference that it is the event that is being waited for.
 *
 * All lists are the dispatcher lock's; MiPfnLock is outside of it.
 */
#include "dispatcher.h"
#include "mm/mm.h"
#include "ps/psp.h"

#define KI_SWAP_PRIORITY 23

static LIST_ENTRY KiStackWaitListHead = {&KiStackWaitListHead, &KiStackWaitListHead};
static LIST_ENTRY KiStackInSwapListHead = {&KiStackInSwapListHead, &KiStackInSwapListHead};
static KEVENT KiSwapEvent;
static BOOLEAN KiSwapThreadStarted;

VOID KiStackMayLeave(PKTHREAD Thread)
{
    if (KiSwapThreadStarted && Thread->WaitMode == UserMode && Thread->EnableStackSwap &&
        Thread->Priority < LOW_REALTIME_PRIORITY) {
        Thread->InStackWaitList = TRUE;
        InsertTailList(&KiStackWaitListHead, &Thread->WaitListEntry);
    }
}

VOID KiStackMustStay(PKTHREAD Thread)
{
    if (Thread->InStackWaitList) {
        Thread->InStackWaitList = FALSE;
        RemoveEntryList(&Thread->WaitListEntry);
    }
}

BOOLEAN KiAnyStackMayLeave(VOID)
{
    return !IsListEmpty(&KiStackWaitListHead);
}

/*
 * The list is in the order in which the waits began. The lock may be held by the code that was
 * interrupted, or by this thread between a KeSet...(Wait TRUE) and its wait: then none leaves now.
 */
PVOID KiTakeStackToLeave(ULONG64 WaitsSince)
{
    PVOID StackTop = NULL;
    if (__atomic_exchange_n((volatile ULONG_PTR *)&KiDispatcherLock, 1, __ATOMIC_ACQUIRE) != 0) {
        return NULL;
    }
    if (!IsListEmpty(&KiStackWaitListHead)) {
        PKTHREAD Thread = CONTAINING_RECORD(KiStackWaitListHead.Flink, KTHREAD, WaitListEntry);
        NT_ASSERT(Thread->State == Waiting && Thread->KernelStackResident);
        if ((ULONG64)Thread->WaitStart.QuadPart <= WaitsSince) {
            KiStackMustStay(Thread);
            Thread->KernelStackResident = FALSE;
            StackTop = Thread->StackBase;
        }
    }
    KiReleaseSpinLockRaw(&KiDispatcherLock);
    return StackTop;
}

VOID KiQueueStackInSwap(PKTHREAD Thread)
{
    Thread->State = Transition;
    InsertTailList(&KiStackInSwapListHead, &Thread->WaitListEntry);
    KiSwapEvent.Header.SignalState = 1;
    KiTestWaiters(&KiSwapEvent.Header, 0);
}

static VOID KiSwapThread(PVOID Context)
{
    KeSetPriorityThread(KiCurrentThread(), KI_SWAP_PRIORITY);
    for (;;) {
        KeWaitForSingleObject(&KiSwapEvent, Executive, KernelMode, FALSE, NULL);
        KIRQL Irql = KiLockDispatcher();
        while (!IsListEmpty(&KiStackInSwapListHead)) {
            PLIST_ENTRY Entry = RemoveHeadList(&KiStackInSwapListHead);
            PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, WaitListEntry);
            KiExitDispatcher(Irql);
            MmInPageKernelStack(Thread->StackBase);
            Irql = KiLockDispatcher();
            Thread->KernelStackResident = TRUE;
            KiReadyThread(Thread);
        }
        KiExitDispatcher(Irql);
    }
}

VOID KiStartSwapThread(VOID)
{
    KeInitializeEvent(&KiSwapEvent, SynchronizationEvent, FALSE);
    PsStartSystemThread(KiSwapThread);
    KiSwapThreadStarted = TRUE;
}

BOOLEAN KeSetKernelStackSwapEnable(BOOLEAN Enable)
{
    PKTHREAD Thread = KiCurrentThread();
    BOOLEAN Old = Thread->EnableStackSwap;
    Thread->EnableStackSwap = Enable;
    return Old;
}
