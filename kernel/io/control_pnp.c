/* SPDX-License-Identifier: MIT */
/* A scenario's steps in the life of the driver's device, each where its state allows it. */
#include "io/control_client.h"

#include "io/power.h"

#define PNP_IN(state) (1u << IopPnp##state)

static NTSTATUS IopPnpCancelStop(PDRIVER_OBJECT Driver)
{
    IopCancelStopRootDevice(Driver);
    return STATUS_SUCCESS;
}

static NTSTATUS IopPnpStop(PDRIVER_OBJECT Driver)
{
    IopStopRootDevice(Driver);
    return STATUS_SUCCESS;
}

static NTSTATUS IopPnpCancelRemove(PDRIVER_OBJECT Driver)
{
    IopCancelRemoveRootDevice(Driver);
    return STATUS_SUCCESS;
}

/* STATUS_DEVICE_BUSY: files are open; NT waits until they are closed. */
static NTSTATUS IopPnpRemove(PDRIVER_OBJECT Driver)
{
    if (IopHasOpenFiles(Driver)) {
        return STATUS_DEVICE_BUSY;
    }
    IopRemoveRootDevice(Driver);
    return STATUS_SUCCESS;
}

static NTSTATUS IopPnpSurpriseRemoval(PDRIVER_OBJECT Driver)
{
    IopSurpriseRemoveRootDevice(Driver);
    return STATUS_SUCCESS;
}

static const struct {
    ULONG States; /* in which the step may be taken */
    NTSTATUS (*Take)(PDRIVER_OBJECT Driver);
} IopPnpSteps[] = {
    [ControlPnpQueryStop] = {PNP_IN(Started), IopQueryStopRootDevice},
    [ControlPnpCancelStop] = {PNP_IN(StopPending), IopPnpCancelStop},
    [ControlPnpStop] = {PNP_IN(StopPending), IopPnpStop},
    [ControlPnpStart] = {PNP_IN(Stopped), IopStartRootDevice},
    [ControlPnpQueryRemove] = {PNP_IN(Started) | PNP_IN(Stopped), IopQueryRemoveRootDevice},
    [ControlPnpCancelRemove] = {PNP_IN(RemovePending), IopPnpCancelRemove},
    [ControlPnpRemove] = {PNP_IN(RemovePending) | PNP_IN(SurpriseRemoved), IopPnpRemove},
    [ControlPnpSurpriseRemoval] = {PNP_IN(Started) | PNP_IN(Stopped), IopPnpSurpriseRemoval},
    [ControlPnpAdd] = {PNP_IN(None), IopAddRootDevice},
};

static NTSTATUS IopTakePnpStep(PDRIVER_OBJECT Driver, const CONTROL_PNP *Pnp)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);

    if (Pnp->Step == ControlPnpSystemPower || Pnp->Step == ControlPnpDevicePower) {
        BOOLEAN System = Pnp->Step == ControlPnpSystemPower;
        if (Extension->PhysicalDevice == NULL) {
            return STATUS_INVALID_DEVICE_STATE;
        }
        if (Pnp->State == 0 ||
            Pnp->State >= (System ? (ULONG)PowerSystemMaximum : (ULONG)PowerDeviceMaximum)) {
            return STATUS_INVALID_PARAMETER;
        }
        return System
                   ? IopSetSystemPower(Extension->PhysicalDevice, (SYSTEM_POWER_STATE)Pnp->State)
                   : IopSetDevicePower(Extension->PhysicalDevice, (DEVICE_POWER_STATE)Pnp->State);
    }
    if (!(IopPnpSteps[Pnp->Step].States & (1u << Extension->PnpState))) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    return IopPnpSteps[Pnp->Step].Take(Driver);
}

VOID IopControlPnp(PCONTROL_REQUEST Request)
{
    PDRIVER_OBJECT Driver = IopDriverUnderTest();
    NTSTATUS Status = STATUS_NO_SUCH_DEVICE;

    if (Driver != NULL && Driver->DriverExtension->AddDevice != NULL) {
        IopLockPnp();
        Status = IopTakePnpStep(Driver, &Request->Message.Pnp);
        IopUnlockPnp();
    }
    IopReply(Request->Message.Id, Status, 0, NULL, 0);
}
