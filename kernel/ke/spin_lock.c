/* SPDX-License-Identifier: MIT */
/*
 * The exported spin locks. A lock is 0 or 1; an in-stack queued one is the address of the last
 * handle in its queue. A lock must be used in one of the two ways only.
 *
 * With one processor, a lock that is found taken at DISPATCH_LEVEL or above will never be
 * released: its holder cannot run. NT hangs there; this stops with bug check 0x0F (lock). The
 * release of a free lock is bug check 0x10 (lock).
 */
#include "driver_irql.h"

#define KI_QUEUE_WAITING 1u /* in LockQueue.Lock: the handle has not got the lock yet */

VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
}

static VOID KiWaitForSpinLock(PKSPIN_LOCK SpinLock)
{
    if (KeNumberProcessors == 1 && KiReadIrql() >= DISPATCH_LEVEL) {
        KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)SpinLock, 0, 0, 0);
    }
    __builtin_ia32_pause();
}

static VOID KiAcquireDriverLock(PKSPIN_LOCK SpinLock)
{
    while (__atomic_exchange_n((volatile ULONG_PTR *)SpinLock, 1, __ATOMIC_ACQUIRE) != 0) {
        while (*(volatile ULONG_PTR *)SpinLock != 0) {
            KiWaitForSpinLock(SpinLock);
        }
    }
}

static VOID KiReleaseDriverLock(PKSPIN_LOCK SpinLock)
{
    if (*(volatile ULONG_PTR *)SpinLock == 0) {
        KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, 0, 0, 0);
    }
    KiReleaseSpinLockRaw(SpinLock);
}

KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());

    KiAcquireDriverLock(SpinLock);
    return OldIrql;
}

VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    KiReleaseDriverLock(SpinLock);
    KiLowerIrqlForDriver(NewIrql, KI_RETURN_ADDRESS());
}

VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiAcquireDriverLock(SpinLock);
}

VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
    KiReleaseDriverLock(SpinLock);
}

/* For code that may run in an ordinary or a threaded DPC. */
KIRQL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());

    KiAcquireDriverLock(SpinLock);
    return OldIrql;
}

VOID KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql)
{
    KiReleaseDriverLock(SpinLock);
    KiLowerIrqlForDriver(OldIrql, KI_RETURN_ADDRESS());
}

BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    return __atomic_exchange_n((volatile ULONG_PTR *)SpinLock, 1, __ATOMIC_ACQUIRE) == 0;
}

/* TRUE: the lock is free. */
BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
    return *(volatile ULONG_PTR *)SpinLock == 0;
}

static VOID KiJoinLockQueue(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE Handle)
{
    volatile ULONG_PTR *Own = (volatile ULONG_PTR *)&Handle->LockQueue.Lock;

    Handle->LockQueue.Next = NULL;
    *Own = (ULONG_PTR)SpinLock | KI_QUEUE_WAITING;
    PKLOCK_QUEUE_HANDLE Previous = (PKLOCK_QUEUE_HANDLE)__atomic_exchange_n(
        (volatile ULONG_PTR *)SpinLock, (ULONG_PTR)Handle, __ATOMIC_ACQ_REL);
    if (Previous == NULL) {
        *Own = (ULONG_PTR)SpinLock;
        return;
    }
    *(PVOID volatile *)&Previous->LockQueue.Next = Handle;
    while (__atomic_load_n(Own, __ATOMIC_ACQUIRE) & KI_QUEUE_WAITING) {
        KiWaitForSpinLock(SpinLock);
    }
}

static VOID KiLeaveLockQueue(PKLOCK_QUEUE_HANDLE Handle)
{
    PKSPIN_LOCK SpinLock = Handle->LockQueue.Lock;
    ULONG_PTR Expected = (ULONG_PTR)Handle;
    PVOID volatile *Next = (PVOID volatile *)&Handle->LockQueue.Next;

    if (*(volatile ULONG_PTR *)SpinLock == 0) {
        KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, 0, 0, 0);
    }
    if (*Next == NULL &&
        __atomic_compare_exchange_n((volatile ULONG_PTR *)SpinLock, &Expected, 0, FALSE,
                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        return;
    }
    /* Somebody has joined but has not linked itself yet. */
    while (*Next == NULL) {
        __builtin_ia32_pause();
    }
    PKLOCK_QUEUE_HANDLE Waiter = *Next;
    __atomic_store_n((volatile ULONG_PTR *)&Waiter->LockQueue.Lock, (ULONG_PTR)SpinLock,
                     __ATOMIC_RELEASE);
}

VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE Handle)
{
    Handle->OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
    KiJoinLockQueue(SpinLock, Handle);
}

VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE Handle)
{
    KIRQL OldIrql = Handle->OldIrql;

    KiLeaveLockQueue(Handle);
    KiLowerIrqlForDriver(OldIrql, KI_RETURN_ADDRESS());
}

VOID KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE Handle)
{
    KiJoinLockQueue(SpinLock, Handle);
}

VOID KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE Handle)
{
    KiLeaveLockQueue(Handle);
}
