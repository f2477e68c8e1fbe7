/* SPDX-License-Identifier: MIT */
/*
 * StartIo: one request at a time goes to a driver's StartIo routine, the others wait in the
 * device's queue. With the attribute DeferredStartIo, a StartIo routine that calls
 * IoStartNextPacket is not entered again from inside itself: the next start happens when it
 * returns.
 */
#include "io/iop.h"

static VOID IopStartNext(PDEVICE_OBJECT Device, BOOLEAN Cancelable, const ULONG *Key);

static VOID IopCallStartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIOP_DEVOBJ_EXTENSION Extension = IopDeviceExtension(Device);
    if (!(Extension->StartIoFlags & DOE_STARTIO_DEFERRED)) {
        Device->DriverObject->DriverStartIo(Device, Irp);
        return;
    }
    Extension->StartIoCount++;
    Device->DriverObject->DriverStartIo(Device, Irp);
    while (Extension->StartIoCount == 1 && (Extension->StartIoFlags & DOE_STARTIO_NEXT)) {
        BOOLEAN Cancelable = (Extension->StartIoFlags & DOE_STARTIO_NEXT_CANCELABLE) != 0;
        ULONG Key = Extension->StartIoKey;
        BOOLEAN ByKey = (Extension->StartIoFlags & DOE_STARTIO_NEXT_BY_KEY) != 0;
        Extension->StartIoFlags &= ~(ULONG)DOE_STARTIO_NEXT_MASK;
        Extension->StartIoCount--;
        IopStartNext(Device, Cancelable, ByKey ? &Key : NULL);
        Extension->StartIoCount++;
    }
    Extension->StartIoCount--;
}

/* A cancelable packet becomes uncancelable before StartIo if the driver asked for that. */
static VOID IopReleaseForStart(PDEVICE_OBJECT Device, PIRP Irp, BOOLEAN Cancelable, KIRQL Irql)
{
    if (Cancelable) {
        if (IopDeviceExtension(Device)->StartIoFlags & DOE_STARTIO_NO_CANCEL) {
            IoSetCancelRoutine(Irp, NULL);
        }
        IoReleaseCancelSpinLock(Irql);
    }
}

/* <= DISPATCH_LEVEL; StartIo runs at DISPATCH_LEVEL. */
VOID IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key,
                   PDRIVER_CANCEL CancelFunction)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    KIRQL CancelIrql = DISPATCH_LEVEL;

    if (CancelFunction != NULL) {
        IoAcquireCancelSpinLock(&CancelIrql);
        IoSetCancelRoutine(Irp, CancelFunction);
    }
    BOOLEAN Queued =
        Key != NULL ? KeInsertByKeyDeviceQueue(&DeviceObject->DeviceQueue,
                                               &Irp->Tail.Overlay.DeviceQueueEntry, *Key)
                    : KeInsertDeviceQueue(&DeviceObject->DeviceQueue,
                                          &Irp->Tail.Overlay.DeviceQueueEntry);
    if (!Queued) {
        DeviceObject->CurrentIrp = Irp;
        IopReleaseForStart(DeviceObject, Irp, CancelFunction != NULL, CancelIrql);
        IopCallStartIo(DeviceObject, Irp);
    } else if (CancelFunction != NULL) {
        PDRIVER_CANCEL Routine = Irp->Cancel ? IoSetCancelRoutine(Irp, NULL) : NULL;
        if (Routine != NULL) {
            /* Cancelled before it was queued: the routine takes it out again. */
            Irp->CancelIrql = CancelIrql;
            Routine(DeviceObject, Irp);
        } else {
            IoReleaseCancelSpinLock(CancelIrql);
        }
    }
    KeLowerIrql(OldIrql);
}

static BOOLEAN IopDeferStart(PDEVICE_OBJECT Device, BOOLEAN Cancelable, const ULONG *Key)
{
    PIOP_DEVOBJ_EXTENSION Extension = IopDeviceExtension(Device);
    if (!(Extension->StartIoFlags & DOE_STARTIO_DEFERRED) || Extension->StartIoCount == 0) {
        return FALSE;
    }
    Extension->StartIoKey = Key != NULL ? *Key : 0;
    Extension->StartIoFlags &= ~(ULONG)DOE_STARTIO_NEXT_MASK; /* the last call counts */
    Extension->StartIoFlags |= DOE_STARTIO_NEXT | (Cancelable ? DOE_STARTIO_NEXT_CANCELABLE : 0) |
                               (Key != NULL ? DOE_STARTIO_NEXT_BY_KEY : 0);
    return TRUE;
}

static VOID IopStartNext(PDEVICE_OBJECT Device, BOOLEAN Cancelable, const ULONG *Key)
{
    KIRQL CancelIrql = DISPATCH_LEVEL;
    if (IopDeferStart(Device, Cancelable, Key)) {
        return;
    }
    if (Cancelable) {
        IoAcquireCancelSpinLock(&CancelIrql);
    }
    Device->CurrentIrp = NULL;
    PKDEVICE_QUEUE_ENTRY Entry = Key != NULL
                                     ? KeRemoveByKeyDeviceQueue(&Device->DeviceQueue, *Key)
                                     : KeRemoveDeviceQueue(&Device->DeviceQueue);
    if (Entry == NULL) {
        if (Cancelable) {
            IoReleaseCancelSpinLock(CancelIrql);
        }
        return;
    }
    PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.DeviceQueueEntry);
    Device->CurrentIrp = Irp;
    IopReleaseForStart(Device, Irp, Cancelable, CancelIrql);
    IopCallStartIo(Device, Irp);
}

/* DISPATCH_LEVEL */
VOID IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    IopStartNext(DeviceObject, Cancelable, NULL);
}

VOID IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    IopStartNext(DeviceObject, Cancelable, &Key);
}

VOID IoSetStartIoAttributes(PDEVICE_OBJECT DeviceObject, BOOLEAN DeferredStartIo,
                            BOOLEAN NonCancelable)
{
    IopDeviceExtension(DeviceObject)->StartIoFlags |=
        (DeferredStartIo ? DOE_STARTIO_DEFERRED : 0) | (NonCancelable ? DOE_STARTIO_NO_CANCEL : 0);
}
