/* SPDX-License-Identifier: MIT */
/* The end of a driver's life: remove its PnP device, call DriverUnload, look at what is left. */
#include "etw/etwp.h"
#include "io/iop.h"
#include "io/wmip.h"
#include "ps/psp.h"
#include "vf/timeline.h"

VOID (*IopFinding)(ULONG Code, PCSTR Text, PVOID Address);

VOID IopReportFinding(IOP_FINDING_CODE Code, PCSTR Text, PVOID Address)
{
    if (IopFinding != NULL) {
        IopFinding(Code, Text, Address);
    }
}

/*
 * In one step: looks whether anybody holds the driver, and if not, keeps everybody from opening
 * its devices any more. A physical device object below it belongs to the root driver, and files
 * count on the device that was named, so that one's count matters too.
 */
static NTSTATUS IopBeginUnload(PDRIVER_OBJECT Driver)
{
    PDEVICE_OBJECT Physical = IopDriverExtension(Driver)->PhysicalDevice;
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    if ((Driver->Flags & DRVO_UNLOAD_INVOKED) ||
        (Physical != NULL && Physical->ReferenceCount != 0)) {
        Status = STATUS_INVALID_DEVICE_REQUEST;
    }
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        if (Device->ReferenceCount != 0 ||
            (Device->AttachedDevice != NULL && Device->AttachedDevice->DriverObject != Driver &&
             !IopIsFilter(Driver, Device->AttachedDevice->DriverObject))) {
            Status = STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    if (NT_SUCCESS(Status)) {
        Driver->Flags |= DRVO_UNLOAD_INVOKED;
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Status;
}

static VOID IopAbandonUnload(PDRIVER_OBJECT Driver)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    Driver->Flags &= ~(ULONG)DRVO_UNLOAD_INVOKED;
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
}

/* Drivers without DriverUnload cannot be unloaded, but may be when they are libraries. */
static BOOLEAN IopCanUnload(PDRIVER_OBJECT Driver)
{
    return Driver->DriverUnload != NULL || Driver->DriverInit == NULL;
}

/* The PnP device goes, however far a scenario has taken it. Failure leaves it there. */
static NTSTATUS IopRemoveForUnload(PDRIVER_OBJECT Driver)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (IopDriverExtension(Driver)->PhysicalDevice == NULL) {
        return STATUS_SUCCESS; /* a filter's stack is taken apart by who holds the lock */
    }
    IopLockPnp();
    if (IopDriverExtension(Driver)->PnpState == IopPnpStopPending) {
        IopCancelStopRootDevice(Driver);
    }
    if (IopDriverExtension(Driver)->PnpState == IopPnpStarted ||
        IopDriverExtension(Driver)->PnpState == IopPnpStopped) {
        Status = IopQueryRemoveRootDevice(Driver);
    }
    if (NT_SUCCESS(Status) && IopDriverExtension(Driver)->PhysicalDevice != NULL) {
        IopRemoveRootDevice(Driver);
    }
    IopUnlockPnp();
    return Status;
}

VOID IopReportLeft(PDRIVER_OBJECT Driver)
{
    IopReportLeftErrorLogEntries(Driver);
    WmipReportLeftProviders(Driver);
    EtwpReportLeftProviders(Driver);
    IopForgetClaims(Driver);
}

NTSTATUS IopUnloadDriver(PDRIVER_OBJECT Driver)
{
    NT_VERIFY(KeGetCurrentIrql() == PASSIVE_LEVEL);
    NT_VERIFY(PsGetCurrentProcess() == PsInitialSystemProcess);
    if (!IopCanUnload(Driver)) { /* legal: a driver without DriverUnload stays */
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    NTSTATUS Status = IopBeginUnload(Driver);
    if (NT_SUCCESS(Status)) {
        Status = IopRemoveForUnload(Driver);
        if (!NT_SUCCESS(Status)) {
            IopAbandonUnload(Driver);
        }
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Driver->DriverUnload != NULL) {
        VfEnterRoutine(TimelineDriverUnload, (PVOID)Driver->DriverUnload, (ULONG64)Driver);
        Driver->DriverUnload(Driver);
        VfLeaveRoutine(TimelineDriverUnload, (PVOID)Driver->DriverUnload, 0);
        KIRQL After = KeGetCurrentIrql();
        if (After != PASSIVE_LEVEL) {
            KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x12,
                         (ULONG_PTR)Driver->DriverUnload, PASSIVE_LEVEL, After);
        }
    }
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        IopReportFinding(IopFindingDeviceLeft,
                         Device->AttachedDevice == NULL
                             ? "DriverUnload left a device object"
                             : "DriverUnload left a device object that another one is attached to",
                         Device);
    }
    IopReportLeft(Driver);
    IopDeleteDriverObject(Driver);
    return STATUS_SUCCESS;
}
