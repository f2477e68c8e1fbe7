/* SPDX-License-Identifier: MIT */
/* Cancellation: one lock for the whole system, which cancel routines are called with. */
#include "io/iop.h"
#include "vf/vf.h"

KSPIN_LOCK IopCancelLock;

VOID IoAcquireCancelSpinLock(PKIRQL Irql)
{
    *Irql = KeAcquireSpinLockRaiseToDpc(&IopCancelLock);
    VfEnterCancelLock(&IopCancelLock, KI_RETURN_ADDRESS(), *Irql);
}

VOID IoReleaseCancelSpinLock(KIRQL Irql)
{
    VfLeaveCancelLock(&IopCancelLock, Irql);
    KeReleaseSpinLock(&IopCancelLock, Irql);
}

/*
 * TRUE: a cancel routine was called (and has released the lock, to Irp->CancelIrql). FALSE: there
 * was none; the packet is marked all the same, and who sets a routine later must look at it.
 */
BOOLEAN IoCancelIrp(PIRP Irp)
{
    KIRQL OldIrql;

    if (Irp->Type != IO_TYPE_IRP) {
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, __LINE__, 0, 0);
    }
    ULONG64 Locks = VfMarkLocks();
    IoAcquireCancelSpinLock(&OldIrql);
    Irp->Cancel = TRUE;
    PDRIVER_CANCEL Routine = IoSetCancelRoutine(Irp, NULL);
    if (Routine == NULL) {
        IoReleaseCancelSpinLock(OldIrql);
        return FALSE;
    }
    if (Irp->CurrentLocation > Irp->StackCount + 1) {
        KeBugCheckEx(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp, (ULONG_PTR)Routine, 0, 0);
    }
    Irp->CancelIrql = OldIrql;
    VfEnterRoutine(TimelineCancel, (PVOID)Routine, (ULONG64)Irp);
    Routine(IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp);
    VfLeaveRoutine(TimelineCancel, (PVOID)Routine, 0);
    VfCheckLocksReleased(Locks, "a cancel routine");
    return TRUE;
}
