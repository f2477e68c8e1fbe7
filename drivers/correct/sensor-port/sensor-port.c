/* SPDX-License-Identifier: MIT */
/* Plug and play, dispatch, entry and end of a sensor's function driver. See port.h. */
#include "port.h"

DRIVER_INITIALIZE DriverEntry;

static PVOID PortTickCode; /* the handle of PAGETICK */

/* Read when a device is added, at PASSIVE_LEVEL. */
static PAGE_DATA GUID PortInterface = {
    0x7a1f6c02, 0x53ae, 0x4c1d, {0x8f, 0x20, 0x91, 0x3c, 0x66, 0x0b, 0xd2, 0x47}};

NONPAGED_CODE NTSTATUS PortComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- plug and play ---- */

static PAGE_CODE VOID PortRun(PORT_DEVICE *Device)
{
    PAGED_CODE();
    if (PortTickCode == NULL) {
        PortTickCode = MmLockPagableCodeSection(PortTick);
    } else {
        MmLockPagableSectionByHandle(PortTickCode);
    }
    Device->Started = TRUE;
    PortStartTimer(Device);
}

static PAGE_CODE VOID PortHalt(PORT_DEVICE *Device)
{
    PAGED_CODE();
    if (Device->Started) {
        Device->Started = FALSE;
        KeCancelTimer(&Device->Timer);
        KeFlushQueuedDpcs(); /* before PAGETICK may go */
        MmUnlockPagableImageSection(PortTickCode);
    }
}

static PAGE_CODE NTSTATUS PortStart(PORT_DEVICE *Device, PIRP Irp)
{
    NTSTATUS Status = STATUS_UNSUCCESSFUL;

    PAGED_CODE();
    if (IoForwardIrpSynchronously(Device->Lower, Irp)) {
        Status = Irp->IoStatus.Status;
    }
    if (NT_SUCCESS(Status)) {
        PortRun(Device);
        IoSetDeviceInterfaceState(&Device->Link, TRUE);
    }
    return PortComplete(Irp, Status, 0);
}

static PAGE_CODE NTSTATUS PortRemoveDevice(PORT_DEVICE *Device, PIRP Irp)
{
    PDEVICE_OBJECT Lower = Device->Lower;

    PAGED_CODE();
    PortHalt(Device);
    Device->Gone = TRUE;
    IoSetDeviceInterfaceState(&Device->Link, FALSE);
    PortEndRequests(Device, NULL, STATUS_DELETE_PENDING);
    IoReleaseRemoveLockAndWait(&Device->RemoveLock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoCallDriver(Lower, Irp);
    IoDetachDevice(Lower);
    RtlFreeUnicodeString(&Device->Link);
    IoDeleteDevice(Device->Self);
    return Status;
}

static PAGE_CODE NTSTATUS NTAPI PortPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PORT_DEVICE *Device = DeviceObject->DeviceExtension;

    PAGED_CODE();
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return PortComplete(Irp, Status, 0);
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        Status = PortStart(Device, Irp);
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
        return Status;
    case IRP_MN_REMOVE_DEVICE:
        return PortRemoveDevice(Device, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        PortHalt(Device);
        Device->Gone = TRUE;
        IoSetDeviceInterfaceState(&Device->Link, FALSE);
        PortEndRequests(Device, NULL, STATUS_DELETE_PENDING);
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_STOP_DEVICE:
        PortHalt(Device); /* requests wait until the device is started again */
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* ---- dispatch ---- */

static PAGE_CODE NTSTATUS NTAPI PortCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PORT_DEVICE *Device = DeviceObject->DeviceExtension;
    BOOLEAN Create = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE;

    PAGED_CODE();
    return PortComplete(Irp, Create && Device->Gone ? STATUS_DELETE_PENDING : STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS NTAPI PortCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    PortEndRequests(DeviceObject->DeviceExtension,
                    IoGetCurrentIrpStackLocation(Irp)->FileObject, STATUS_CANCELLED);
    return PortComplete(Irp, STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS NTAPI PortDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PORT_DEVICE *Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Output = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG_PTR Information = 0;

    PAGED_CODE();
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return PortComplete(Irp, Status, 0);
    }
    if (Device->Gone) {
        Status = STATUS_DELETE_PENDING;
    } else if (Code == IOCTL_SENSOR_READ && Output >= sizeof(SENSOR_READING)) {
        return PortWait(Device, Irp); /* with the lock */
    } else if (Code == IOCTL_SENSOR_COUNTS && Output >= sizeof(SENSOR_COUNTS)) {
        PortQueryCounts(Device, Irp->AssociatedIrp.SystemBuffer);
        Information = sizeof(SENSOR_COUNTS);
    } else {
        Status = Code == IOCTL_SENSOR_READ || Code == IOCTL_SENSOR_COUNTS
                     ? STATUS_BUFFER_TOO_SMALL
                     : STATUS_INVALID_DEVICE_REQUEST;
    }
    Status = PortComplete(Irp, Status, Information);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* ---- entry and end ---- */

static PAGE_CODE NTSTATUS NTAPI PortAddDevice(PDRIVER_OBJECT DriverObject,
                                              PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT Self;

    PAGED_CODE();
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(PORT_DEVICE), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Self);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PORT_DEVICE *Device = Self->DeviceExtension;
    RtlZeroMemory(Device, sizeof(*Device));
    Device->Self = Self;
    Device->Physical = PhysicalDeviceObject;
    IoInitializeRemoveLock(&Device->RemoveLock, SENSOR_TAG, 0, 0);
    Status = PortInitializeQueue(Device);
    if (NT_SUCCESS(Status)) {
        Status = IoRegisterDeviceInterface(PhysicalDeviceObject, &PortInterface, NULL,
                                           &Device->Link);
    }
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Self);
        return Status;
    }
    Device->Lower = IoAttachDeviceToDeviceStack(Self, PhysicalDeviceObject);
    if (Device->Lower == NULL) {
        RtlFreeUnicodeString(&Device->Link);
        IoDeleteDevice(Self);
        return STATUS_NO_SUCH_DEVICE;
    }
    Self->Flags |= DO_BUFFERED_IO | DO_POWER_PAGABLE;
    Self->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static PAGE_CODE VOID NTAPI PortUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverExtension->AddDevice = PortAddDevice;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PortCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PortCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = PortCleanup;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PortDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_POWER] = PortPower;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PortPnp;
    DriverObject->DriverUnload = PortUnload;
    return STATUS_SUCCESS;
}
