/* SPDX-License-Identifier: MIT */
/*
 * Fast mutexes: not recursive; the owner runs at APC_LEVEL, or, with the Unsafe routines, has seen
 * to it itself that no APC comes. Count is 1 when free; each who wants the mutex takes one off, and
 * who does not find 1 waits. The release hands the mutex to one waiter through the event, so
 * waiters get it in the order in which they came.
 */
#include "ex/ex.h"

static VOID ExpEnterFastMutex(PFAST_MUTEX FastMutex)
{
    if (InterlockedDecrement(&FastMutex->Count) != 0) {
        FastMutex->Contention++;
        KeWaitForSingleObject(&FastMutex->Event, WrMutex, KernelMode, FALSE, NULL);
    }
    FastMutex->Owner = KiCurrentThread();
}

static VOID ExpLeaveFastMutex(PFAST_MUTEX FastMutex)
{
    FastMutex->Owner = NULL;
    if (InterlockedIncrement(&FastMutex->Count) <= 0) {
        KeSetEvent(&FastMutex->Event, EVENT_INCREMENT, FALSE);
    }
}

/* Raises to APC_LEVEL; from above it that would be a lowering: bug check 0x09. */
static KIRQL ExpRaiseToApcLevel(PFAST_MUTEX FastMutex, PVOID Caller)
{
    KIRQL OldIrql = KiReadIrql();

    if (OldIrql > APC_LEVEL) {
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, OldIrql, APC_LEVEL, (ULONG_PTR)FastMutex,
                     (ULONG_PTR)Caller);
    }
    KiWriteIrql(APC_LEVEL);
    return OldIrql;
}

VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = ExpRaiseToApcLevel(FastMutex, KI_RETURN_ADDRESS());

    ExpEnterFastMutex(FastMutex);
    FastMutex->OldIrql = OldIrql;
}

VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = (KIRQL)FastMutex->OldIrql;

    ExpLeaveFastMutex(FastMutex);
    KiWriteIrql(OldIrql);
}

BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = ExpRaiseToApcLevel(FastMutex, KI_RETURN_ADDRESS());

    if (InterlockedCompareExchange(&FastMutex->Count, 0, 1) != 1) {
        KiWriteIrql(OldIrql);
        return FALSE;
    }
    FastMutex->Owner = KiCurrentThread();
    FastMutex->OldIrql = OldIrql;
    return TRUE;
}

VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    ExpEnterFastMutex(FastMutex);
}

VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    ExpLeaveFastMutex(FastMutex);
}
