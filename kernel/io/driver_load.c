/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a driver's life:
 *
 *   image loaded (Mm) -> driver object -> load-image notification -> service key -> DriverEntry
 *     -> Reinitialize routines -> DO_DEVICE_INITIALIZING off -> AddDevice, start (a PnP driver)
 *     -> initialization sections freed
 *
 * All in one system thread, so that a driver that misbehaves does so in the caller's view.
 */
#include "cm/cmp.h"
#include "io/iop.h"
#include "ps/psp.h"
#include "vf/timeline.h"

static VOID IopNotifyImageLoad(PMM_IMAGE Image)
{
    IMAGE_INFO Info = {0};
    Info.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
    Info.SystemModeImage = 1;
    Info.ImageBase = MmImageBase(Image);
    Info.ImageSize = MmImageSize(Image);
    PsCallImageNotifyRoutines(MmImageFullName(Image), NULL, &Info);
}

/* Devices of a driver that has returned from DriverEntry may be opened. */
static VOID IopClearInitializing(PDRIVER_OBJECT Driver)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
}

static NTSTATUS IopCallDriverEntry(PDRIVER_OBJECT Driver)
{
    if (Driver->DriverInit == NULL) {
        return STATUS_SUCCESS; /* a library of kernel routines: nothing to call */
    }
    VfEnterRoutine(TimelineDriverEntry, (PVOID)Driver->DriverInit, (ULONG64)Driver);
    NTSTATUS Status =
        Driver->DriverInit(Driver, &IopDriverExtension(Driver)->RegistryPath);
    VfLeaveRoutine(TimelineDriverEntry, (PVOID)Driver->DriverInit, (ULONG)Status);
    KIRQL After = KeGetCurrentIrql();
    if (After != PASSIVE_LEVEL) {
        KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x12, (ULONG_PTR)Driver->DriverInit,
                     PASSIVE_LEVEL, After);
    }
    return Status;
}

/* A DriverEntry that fails must have undone what it did; what is left is reported. */
static VOID IopReportLeftDevices(PDRIVER_OBJECT Driver)
{
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        IopReportFinding(IopFindingDeviceLeft, "DriverEntry failed and left a device object",
                         Device);
    }
}

NTSTATUS IopLoadDriver(PCUNICODE_STRING Name, PMM_IMAGE Image, BOOLEAN Filter,
                       PDRIVER_OBJECT *LoadedDriver)
{
    PDRIVER_OBJECT Driver;

    NT_VERIFY(KeGetCurrentIrql() == PASSIVE_LEVEL);
    NT_VERIFY(PsGetCurrentProcess() == PsInitialSystemProcess);
    *LoadedDriver = NULL;
    NTSTATUS Status =
        IopCreateDriverObject(Name, (PDRIVER_INITIALIZE)MmImageEntryPoint(Image), &Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Driver->DriverStart = MmImageBase(Image);
    Driver->DriverSize = MmImageSize(Image);
    Driver->DriverSection = MmImageLoaderEntry(Image);
    IopDriverExtension(Driver)->Image = Image;
    IopNotifyImageLoad(Image);
    Status = CmCreateServiceKey(&IopDriverExtension(Driver)->RegistryPath,
                                &Driver->DriverExtension->ServiceKeyName);
    if (NT_SUCCESS(Status)) {
        Status = IopCallDriverEntry(Driver);
    }
    if (!NT_SUCCESS(Status)) {
        IopReportLeftDevices(Driver);
        IopReportLeft(Driver);
        IopDeleteDriverObject(Driver);
        return Status;
    }
    Driver->Flags |= DRVO_INITIALIZED;
    IopCallReinitializeRoutines(Driver);
    IopClearInitializing(Driver);
    if (Driver->DriverExtension->AddDevice != NULL) {
        Driver->Flags &= ~(ULONG)DRVO_LEGACY_DRIVER;
    }
    if (Driver->DriverExtension->AddDevice != NULL && !Filter) {
        IopLockPnp();
        Status = IopAddRootDevice(Driver);
        IopUnlockPnp();
        if (!NT_SUCCESS(Status)) {
            if (Driver->DriverUnload != NULL) {
                Driver->DriverUnload(Driver);
            }
            IopReportLeftDevices(Driver);
            IopReportLeft(Driver);
            IopDeleteDriverObject(Driver);
            return Status;
        }
    }
    MmFreeImageInitialization(Image);
    *LoadedDriver = Driver;
    return STATUS_SUCCESS;
}
