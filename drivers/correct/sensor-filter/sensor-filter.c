/* SPDX-License-Identifier: MIT */
/* The filter's dispatch routines, entry and end. See filter.h. */
#include "correct/sensor-filter/filter.h"

DRIVER_INITIALIZE DriverEntry;

static NONPAGED_CODE NTSTATUS FilterComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* What the filter has nothing to do with. Nonpaged: it does not know at which level that comes. */
static NONPAGED_CODE NTSTATUS NTAPI FilterPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    FILTER_DEVICE *Device = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);

    if (!NT_SUCCESS(Status)) {
        return FilterComplete(Irp, Status, 0);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* Nonpaged: the device is DO_POWER_PAGABLE only if those below are. */
static NONPAGED_CODE NTSTATUS NTAPI FilterPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    FILTER_DEVICE *Device = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);

    if (!NT_SUCCESS(Status)) {
        PoStartNextPowerIrp(Irp);
        return FilterComplete(Irp, Status, 0);
    }
    InterlockedIncrement(&Device->PowerRequests);
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

static PAGE_CODE NTSTATUS FilterOwnControl(FILTER_DEVICE *Device, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    FILTER_COUNTS *Counts = Buffer;

    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_FILTER_SET_OFFSET) {
        if (Stack->Parameters.DeviceIoControl.InputBufferLength != sizeof(ULONG)) {
            return FilterComplete(Irp, STATUS_INVALID_PARAMETER, 0);
        }
        Device->Offset = *(LONG *)Buffer;
        return FilterComplete(Irp, STATUS_SUCCESS, 0);
    }
    if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Counts)) {
        return FilterComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    Counts->Readings = (ULONG)Device->Readings;
    Counts->Failures = (ULONG)Device->Failures;
    Counts->Starts = (ULONG)Device->Starts;
    Counts->PowerRequests = (ULONG)Device->PowerRequests;
    return FilterComplete(Irp, STATUS_SUCCESS, sizeof(*Counts));
}

static PAGE_CODE NTSTATUS NTAPI FilterDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    FILTER_DEVICE *Device = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);

    PAGED_CODE();
    if (!NT_SUCCESS(Status)) {
        return FilterComplete(Irp, Status, 0);
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_FILTER_SET_OFFSET:
    case IOCTL_FILTER_COUNTS:
        Status = FilterOwnControl(Device, Irp);
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
        return Status;
    case IOCTL_SENSOR_READ: /* the completion routine releases the lock */
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, FilterReadingDone, Device, TRUE, TRUE, TRUE);
        return IoCallDriver(Device->Lower, Irp);
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Device->Lower, Irp);
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
        return Status;
    }
}

/* ---- plug and play ---- */

static NTSTATUS NTAPI FilterSignal(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    if (Irp->PendingReturned) {
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The stack below is started first. */
static PAGE_CODE NTSTATUS FilterStart(FILTER_DEVICE *Device, PIRP Irp)
{
    KEVENT Event;

    PAGED_CODE();
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, FilterSignal, &Event, TRUE, TRUE, TRUE);
    NTSTATUS Status = IoCallDriver(Device->Lower, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = Irp->IoStatus.Status;
    }
    if (NT_SUCCESS(Status)) {
        InterlockedIncrement(&Device->Starts);
    }
    return FilterComplete(Irp, Status, Irp->IoStatus.Information);
}

static PAGE_CODE NTSTATUS FilterRemove(FILTER_DEVICE *Device, PIRP Irp)
{
    PDEVICE_OBJECT Lower = Device->Lower;

    PAGED_CODE();
    /* The driver below ends what it has: those completions release the lock. */
    IoSkipCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoCallDriver(Lower, Irp);
    IoReleaseRemoveLockAndWait(&Device->RemoveLock, Irp);
    IoDetachDevice(Lower);
    IoDeleteDevice(Device->Self);
    return Status;
}

static PAGE_CODE NTSTATUS NTAPI FilterPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    FILTER_DEVICE *Device = DeviceObject->DeviceExtension;

    PAGED_CODE();
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return FilterComplete(Irp, Status, 0);
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        Status = FilterStart(Device, Irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return FilterRemove(Device, Irp);
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Device->Lower, Irp);
        break;
    }
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

static PAGE_CODE NTSTATUS NTAPI FilterAddDevice(PDRIVER_OBJECT DriverObject,
                                                PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT Self;

    PAGED_CODE();
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(FILTER_DEVICE), NULL,
                                     FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Self);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    FILTER_DEVICE *Device = Self->DeviceExtension;
    RtlZeroMemory(Device, sizeof(*Device));
    Device->Self = Self;
    IoInitializeRemoveLock(&Device->RemoveLock, SENSOR_TAG, 0, 0);
    Device->Lower = IoAttachDeviceToDeviceStack(Self, PhysicalDeviceObject);
    if (Device->Lower == NULL) {
        IoDeleteDevice(Self);
        return STATUS_NO_SUCH_DEVICE;
    }
    Self->Flags |= Device->Lower->Flags &
                   (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE | DO_POWER_INRUSH);
    Self->DeviceType = Device->Lower->DeviceType;
    Self->Characteristics = Device->Lower->Characteristics;
    Self->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static PAGE_CODE VOID NTAPI FilterUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        DriverObject->MajorFunction[i] = FilterPass;
    }
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FilterDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_POWER] = FilterPower;
    DriverObject->MajorFunction[IRP_MJ_PNP] = FilterPnp;
    DriverObject->DriverExtension->AddDevice = FilterAddDevice;
    DriverObject->DriverUnload = FilterUnload;
    return STATUS_SUCCESS;
}
