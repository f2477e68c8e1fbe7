/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer spin locks (EX_SPIN_LOCK), at DISPATCH_LEVEL. Bit 31: held exclusively; bit 30: an
 * exclusive request waits, and no new reader gets in; the rest counts readers.
 *
 * With one processor a request that would have to spin at DISPATCH_LEVEL spins for ever: bug check
 * 0x0F, as in kernel/ke/spin_lock.c.
 */
#include "ex/ex.h"
#include "ke/driver_irql.h"

#define EXP_LOCK_EXCLUSIVE 0x80000000u
#define EXP_LOCK_WANTED 0x40000000u

static BOOLEAN ExpExchangeLock(PEX_SPIN_LOCK SpinLock, ULONG Old, ULONG New)
{
    return __sync_bool_compare_and_swap((volatile ULONG *)SpinLock, Old, New);
}

static VOID ExpSpin(PEX_SPIN_LOCK SpinLock)
{
    if (KeNumberProcessors == 1 && KiReadIrql() >= DISPATCH_LEVEL) {
        KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)SpinLock, 0, 0, 0);
    }
    __builtin_ia32_pause();
}

VOID ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    for (;;) {
        ULONG Value = (ULONG)*SpinLock;

        if ((Value & ~EXP_LOCK_WANTED) == 0) {
            if (ExpExchangeLock(SpinLock, Value, EXP_LOCK_EXCLUSIVE)) {
                return;
            }
        } else if ((Value & EXP_LOCK_WANTED) != 0 ||
                   ExpExchangeLock(SpinLock, Value, Value | EXP_LOCK_WANTED)) {
            ExpSpin(SpinLock);
        }
    }
}

VOID ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    for (;;) {
        ULONG Value = (ULONG)*SpinLock;

        if ((Value & (EXP_LOCK_EXCLUSIVE | EXP_LOCK_WANTED)) != 0) {
            ExpSpin(SpinLock);
        } else if (ExpExchangeLock(SpinLock, Value, Value + 1)) {
            return;
        }
    }
}

/* The wish of another writer, if it came meanwhile, stays. */
VOID ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ULONG Old = __sync_fetch_and_and((volatile ULONG *)SpinLock, ~EXP_LOCK_EXCLUSIVE);

    if ((Old & EXP_LOCK_EXCLUSIVE) == 0) {
        KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, 0, 0, 0);
    }
}

VOID ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    ULONG Old = __sync_fetch_and_sub((volatile ULONG *)SpinLock, 1);

    if ((Old & ~EXP_LOCK_WANTED) == 0 || (Old & EXP_LOCK_EXCLUSIVE) != 0) {
        KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, 0, 0, 0);
    }
}

KIRQL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());

    ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock);
    return OldIrql;
}

KIRQL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());

    ExAcquireSpinLockSharedAtDpcLevel(SpinLock);
    return OldIrql;
}

VOID ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ExReleaseSpinLockExclusiveFromDpcLevel(SpinLock);
    KiLowerIrqlForDriver(OldIrql, KI_RETURN_ADDRESS());
}

VOID ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
    ExReleaseSpinLockSharedFromDpcLevel(SpinLock);
    KiLowerIrqlForDriver(OldIrql, KI_RETURN_ADDRESS());
}

/* The caller is the only reader: it becomes the writer. Else nothing changes. */
ULONG ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    return ExpExchangeLock(SpinLock, 1, EXP_LOCK_EXCLUSIVE) ||
           ExpExchangeLock(SpinLock, 1 | EXP_LOCK_WANTED, EXP_LOCK_EXCLUSIVE | EXP_LOCK_WANTED);
}
