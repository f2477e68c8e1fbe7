/* SPDX-License-Identifier: MIT */
/*
 * IoInvalidateDeviceRelations and IoInvalidateDeviceState: a driver says that what PnP knows of its
 * device is old. A system worker asks the stack again, under IopLockPnp, so that the caller may be
 * the one who handles a PnP request now. A device that is gone by then is not asked.
 *
 * Relations: the devices that a bus driver names are given back; no driver is loaded for them.
 * State: a device that has failed, or is removed or disabled, is removed by surprise; the rest of
 * the removal comes at once when no file is open, else it is the scenario's.
 */
#include "io/iop.h"
#include "nt/pnp.h"

typedef VOID IOP_ASK(PDEVICE_OBJECT Physical, DEVICE_RELATION_TYPE Type);

typedef struct _IOP_INVALIDATION {
    WORK_QUEUE_ITEM Item;
    PDEVICE_OBJECT Physical; /* referenced */
    DEVICE_RELATION_TYPE Type;
    IOP_ASK *Ask;
} IOP_INVALIDATION, *PIOP_INVALIDATION;

static VOID IopAskRelations(PDEVICE_OBJECT Physical, DEVICE_RELATION_TYPE Type)
{
    ULONG_PTR Information = 0;
    NTSTATUS Status = IopAskPnp(Physical, IRP_MN_QUERY_DEVICE_RELATIONS, Type, &Information);
    PDEVICE_RELATIONS Relations = (PDEVICE_RELATIONS)Information;
    if (!NT_SUCCESS(Status) || Relations == NULL) {
        return;
    }
    for (ULONG i = 0; i < Relations->Count; i++) {
        ObfDereferenceObject(Relations->Objects[i]);
    }
    ExFreePool(Relations);
}

static VOID IopAskState(PDEVICE_OBJECT Physical, DEVICE_RELATION_TYPE Unused)
{
    const PNP_DEVICE_STATE Lost = PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED | PNP_DEVICE_DISABLED;
    PDRIVER_OBJECT Driver = IopRootDeviceDriver(Physical);
    ULONG_PTR Information = 0;
    NTSTATUS Status = IopAskPnp(Physical, IRP_MN_QUERY_PNP_DEVICE_STATE, Unused, &Information);
    if (!NT_SUCCESS(Status) || !(Information & Lost)) {
        return;
    }
    IOP_PNP_STATE State = IopDriverExtension(Driver)->PnpState;
    if (State == IopPnpStarted || State == IopPnpStopped) {
        IopSurpriseRemoveRootDevice(Driver);
        if (!IopHasOpenFiles(Driver)) {
            IopRemoveRootDevice(Driver);
        }
    }
}

static VOID IopInvalidationWorker(PVOID Context)
{
    PIOP_INVALIDATION Invalidation = Context;
    IopLockPnp();
    if (IopRootDeviceDriver(Invalidation->Physical) != NULL) {
        Invalidation->Ask(Invalidation->Physical, Invalidation->Type);
    }
    IopUnlockPnp();
    ObfDereferenceObject(Invalidation->Physical);
    ExFreePoolWithTag(Invalidation, IO_TAG_WORK);
}

/* Without memory nobody is asked, as in NT. A device that PnP did not make: bug check 0xCA. */
static VOID IopQueueInvalidation(PDEVICE_OBJECT Physical, DEVICE_RELATION_TYPE Type,
                                 IOP_ASK *Ask)
{
    if (Physical == NULL || IopRootDeviceName(Physical) == NULL) {
        KeBugCheckEx(PNP_DETECTED_FATAL_ERROR, 2, (ULONG_PTR)Physical, 0, 0);
    }
    PIOP_INVALIDATION Invalidation =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Invalidation), IO_TAG_WORK);
    if (Invalidation == NULL) {
        return;
    }
    ObfReferenceObject(Physical);
    Invalidation->Physical = Physical;
    Invalidation->Type = Type;
    Invalidation->Ask = Ask;
    ExInitializeWorkItem(&Invalidation->Item, IopInvalidationWorker, Invalidation);
    ExQueueWorkItem(&Invalidation->Item, DelayedWorkQueue);
}

/* <= DISPATCH_LEVEL. Ejection relations are asked for when they are needed: nothing happens. */
VOID IoInvalidateDeviceRelations(PDEVICE_OBJECT DeviceObject, DEVICE_RELATION_TYPE Type)
{
    if (Type == BusRelations || Type == SingleBusRelations || Type == PowerRelations) {
        IopQueueInvalidation(DeviceObject, Type == SingleBusRelations ? BusRelations : Type,
                             IopAskRelations);
    }
}

/* <= DISPATCH_LEVEL */
VOID IoInvalidateDeviceState(PDEVICE_OBJECT PhysicalDeviceObject)
{
    IopQueueInvalidation(PhysicalDeviceObject, BusRelations, IopAskState);
}
