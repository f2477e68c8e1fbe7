/* SPDX-License-Identifier: MIT */
/* The completion routine of a reading: nonpaged. */
#include "correct/sensor-filter/filter.h"

NTSTATUS NTAPI FilterReadingDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    FILTER_DEVICE *Device = Context;
    SENSOR_READING *Reading = Irp->AssociatedIrp.SystemBuffer;

    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    if (NT_SUCCESS(Irp->IoStatus.Status) && Irp->IoStatus.Information == sizeof(*Reading)) {
        Reading->Offset += (ULONG)Device->Offset;
        Reading->Value += (ULONG)Device->Offset;
        InterlockedIncrement(&Device->Readings);
    } else {
        InterlockedIncrement(&Device->Failures);
    }
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}
