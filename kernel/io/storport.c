/* SPDX-License-Identifier: MIT */
/*
 * The one routine of storport.sys that a miniport calls before it has an adapter. No machine here
 * has an adapter for a miniport, so the port driver never calls it back: as in Windows without the
 * hardware. A driver that calls this is a Storport miniport, and the verifier is told.
 *
 * Statuses: from the documentation, which does not say which mistake gives which; decided here.
 */
#include "io/iop.h"

#include "nt/kd.h"
#include "nt/storport.h"
#include "vf/vf.h"

/* As the miniport has no device, there is nothing to undo. */
static VOID IopStorPortUnload(PDRIVER_OBJECT DriverObject)
{
}

ULONG StorPortInitialize(PVOID Argument1, PVOID Argument2,
                         PHW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext)
{
    PDRIVER_OBJECT Driver = Argument1;
    if (Driver == NULL || Argument2 == NULL || HwInitializationData == NULL ||
        Driver->Type != IO_TYPE_DRIVER) {
        return (ULONG)STATUS_INVALID_PARAMETER;
    }
    ULONG Size = HwInitializationData->HwInitializationDataSize;
    if (Size < offsetof(HW_INITIALIZATION_DATA, HwProcessServiceRequest) ||
        Size > sizeof(*HwInitializationData)) {
        return (ULONG)STATUS_REVISION_MISMATCH;
    }
    if (HwInitializationData->HwFindAdapter == NULL || HwInitializationData->HwStartIo == NULL) {
        return (ULONG)STATUS_INVALID_PARAMETER;
    }
    BOOLEAN Virtual =
        Size >= offsetof(HW_INITIALIZATION_DATA, SrbTypeFlags) &&
        (HwInitializationData->FeatureSupport & STOR_FEATURE_VIRTUAL_MINIPORT);
    if (!Virtual) {
        VfDeclareMiniport(KI_RETURN_ADDRESS());
    }
    Driver->DriverUnload = IopStorPortUnload;
    DbgPrint("StorPortInitialize: no adapter is here, so HwFindAdapter will not be called\n");
    return (ULONG)STATUS_SUCCESS;
}
