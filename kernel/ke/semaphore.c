/* SPDX-License-Identifier: MIT */
/* Semaphores: SignalState is the count. */
#include "dispatcher.h"

VOID KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    Semaphore->Header.Type = SemaphoreObject;
    Semaphore->Header.Signalling = 0;
    Semaphore->Header.Size = sizeof(KSEMAPHORE) / sizeof(LONG);
    Semaphore->Header.Reserved1 = 0;
    Semaphore->Header.SignalState = Count;
    InitializeListHead(&Semaphore->Header.WaitListHead);
    Semaphore->Limit = Limit;
}

/*
 * Returns the previous count. Raises STATUS_SEMAPHORE_LIMIT_EXCEEDED, with the count unchanged,
 * when the new one would be above the limit or Adjustment is not positive.
 */
LONG KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockToSet(Wait);
    LONG Old = Semaphore->Header.SignalState;
    LONG New;

    if (__builtin_add_overflow(Old, Adjustment, &New) || New <= Old || New > Semaphore->Limit) {
        KiExitDispatcher(OldIrql);
        ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    Semaphore->Header.SignalState = New;
    KiTestWaiters(&Semaphore->Header, Increment);
    KiExitSet(OldIrql, Wait);
    return Old;
}

LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
