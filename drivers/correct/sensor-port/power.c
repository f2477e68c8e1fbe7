/* SPDX-License-Identifier: MIT */
/*
 * Power. The device's state follows the system's: on a system request the driver asks for its
 * device's, and lets the system's go on when that is done. The completion routines are nonpaged:
 * whoever is below may complete at DISPATCH_LEVEL.
 */
#include "port.h"

static VOID NTAPI PortDeviceDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                 POWER_STATE State, PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PIRP Irp = Context; /* the system's request */
    PORT_DEVICE *Device = IoGetCurrentIrpStackLocation(Irp)->DeviceObject->DeviceExtension;

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    PoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
}

static PAGE_CODE NTSTATUS PortSystemPower(PORT_DEVICE *Device, PIRP Irp, SYSTEM_POWER_STATE System)
{
    POWER_STATE State;

    PAGED_CODE();
    State.DeviceState = System == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
    IoMarkIrpPending(Irp);
    NTSTATUS Status = PoRequestPowerIrp(Device->Physical, IRP_MN_SET_POWER, State, PortDeviceDone,
                                        Irp, NULL);
    if (Status != STATUS_PENDING) {
        PoStartNextPowerIrp(Irp);
        PortComplete(Irp, Status, 0);
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    }
    return STATUS_PENDING;
}

/* The devices below are on; now this one. */
static NTSTATUS NTAPI PortPoweredUp(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PORT_DEVICE *Device = Context;
    POWER_STATE State;
    KIRQL OldIrql;

    State.DeviceState = PowerDeviceD0;
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        KeAcquireSpinLock(&Device->Lock, &OldIrql);
        Device->Counts.PowerUps++;
        KeReleaseSpinLock(&Device->Lock, OldIrql);
        PoSetPowerState(Device->Self, DevicePowerState, State);
        if (Device->Started) {
            PortStartTimer(Device);
        }
    }
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static PAGE_CODE NTSTATUS PortDevicePower(PORT_DEVICE *Device, PIRP Irp, POWER_STATE State)
{
    PAGED_CODE();
    if (State.DeviceState == PowerDeviceD0) {
        IoMarkIrpPending(Irp);
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, PortPoweredUp, Device, TRUE, TRUE, TRUE);
        PoCallDriver(Device->Lower, Irp);
        return STATUS_PENDING;
    }
    KeCancelTimer(&Device->Timer);
    PoSetPowerState(Device->Self, DevicePowerState, State);
    PoStartNextPowerIrp(Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    NTSTATUS Status = PoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

PAGE_CODE NTSTATUS NTAPI PortPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PORT_DEVICE *Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    PAGED_CODE();
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        PoStartNextPowerIrp(Irp);
        return PortComplete(Irp, Status, 0);
    }
    if (Stack->MinorFunction == IRP_MN_SET_POWER) {
        return Stack->Parameters.Power.Type == SystemPowerState
                   ? PortSystemPower(Device, Irp, Stack->Parameters.Power.State.SystemState)
                   : PortDevicePower(Device, Irp, Stack->Parameters.Power.State);
    }
    if (Stack->MinorFunction == IRP_MN_QUERY_POWER) {
        Irp->IoStatus.Status = STATUS_SUCCESS;
    }
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}
