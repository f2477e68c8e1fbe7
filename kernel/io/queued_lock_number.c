/* SPDX-License-Identifier: MIT */
/*
 * The system's spin locks by number. Those of cancel routines and of volume parameter blocks are
 * the ones that IoAcquireCancelSpinLock and IoAcquireVpbSpinLock take; the others order drivers
 * among themselves, as the kernel's own locks of these names have other places.
 */
#include "io/iop.h"
#include "ke/driver_irql.h"
#include "vf/vf.h"

static KSPIN_LOCK IopNumberedLocks[LockQueueMaximumLock];

/* Returns the IRQL for the release. <= DISPATCH_LEVEL */
KIRQL KeAcquireQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER Number)
{
    KIRQL Irql;

    NT_VERIFY((ULONG)Number < LockQueueMaximumLock);
    if (Number == LockQueueIoVpbLock) {
        IoAcquireVpbSpinLock(&Irql);
        return Irql;
    }
    Irql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
    if (Number == LockQueueIoCancelLock) {
        KeAcquireSpinLockAtDpcLevel(&IopCancelLock);
        VfEnterCancelLock(&IopCancelLock, KI_RETURN_ADDRESS(), Irql);
    } else {
        KeAcquireSpinLockAtDpcLevel(&IopNumberedLocks[Number]);
    }
    return Irql;
}

VOID KeReleaseQueuedSpinLock(KSPIN_LOCK_QUEUE_NUMBER Number, KIRQL OldIrql)
{
    NT_VERIFY((ULONG)Number < LockQueueMaximumLock);
    if (Number == LockQueueIoVpbLock) {
        IoReleaseVpbSpinLock(OldIrql);
        return;
    }
    if (Number == LockQueueIoCancelLock) {
        VfLeaveCancelLock(&IopCancelLock, OldIrql);
        KeReleaseSpinLockFromDpcLevel(&IopCancelLock);
    } else {
        KeReleaseSpinLockFromDpcLevel(&IopNumberedLocks[Number]);
    }
    KiLowerIrqlForDriver(OldIrql, KI_RETURN_ADDRESS());
}
