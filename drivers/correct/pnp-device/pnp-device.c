/* SPDX-License-Identifier: MIT */
/* A function driver for a root-enumerated device, with pageable PnP code. See README.md. */
#include <ntddk.h>

#define PNP_TAG 'DnpP'

/* Buffered: out, PNP_STATE. */
#define IOCTL_PNP_QUERY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _PNP_STATE {
    ULONG Started;
    ULONG WorkingState; /* DEVICE_CAPABILITIES.DeviceState of the working system: D0 */
    ULONG PowerRequests;
    ULONG Creates;
} PNP_STATE;

typedef struct _PNP_DEVICE {
    PDEVICE_OBJECT Self, Physical, Lower;
    IO_REMOVE_LOCK RemoveLock; /* held by every request in flight */
    UNICODE_STRING Link;
    BOOLEAN HasLink;
    PNP_STATE State;
} PNP_DEVICE, *PPNP_DEVICE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PnpUnload;
DRIVER_ADD_DEVICE PnpAddDevice;
DRIVER_DISPATCH PnpCreate, PnpClose, PnpDeviceControl, PnpPower, PnpDispatch;
static NTSTATUS PnpStart(PPNP_DEVICE Device, PIRP Irp);
static NTSTATUS PnpQueryCapabilities(PPNP_DEVICE Device);
static NTSTATUS PnpRemove(PPNP_DEVICE Device, PIRP Irp);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PnpUnload)
#pragma alloc_text(PAGE, PnpAddDevice)
#pragma alloc_text(PAGE, PnpCreate)
#pragma alloc_text(PAGE, PnpClose)
#pragma alloc_text(PAGE, PnpDeviceControl)
#pragma alloc_text(PAGE, PnpDispatch)
#pragma alloc_text(PAGE, PnpStart)
#pragma alloc_text(PAGE, PnpQueryCapabilities)
#pragma alloc_text(PAGE, PnpRemove)

/* Pageable: read when a device is added, at PASSIVE_LEVEL. */
#pragma data_seg("PAGEDATA")
static GUID PnpInterface = {
    0x6d8f3c31, 0x1c5e, 0x4f0b, {0x9a, 0x57, 0x21, 0x0d, 0x5e, 0x77, 0x3b, 0x90}};
static ULONG PnpDevicesAdded = 1;
#pragma data_seg()

static NTSTATUS PnpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS PnpCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPNP_DEVICE Device = DeviceObject->DeviceExtension;
    PAGED_CODE();
    if (!Device->State.Started) {
        return PnpComplete(Irp, STATUS_DEVICE_NOT_READY, 0);
    }
    InterlockedIncrement((volatile LONG *)&Device->State.Creates);
    return PnpComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS PnpClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return PnpComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS PnpDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPNP_DEVICE Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PAGED_CODE();
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return PnpComplete(Irp, Status, 0);
    }
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_PNP_QUERY) {
        Status = PnpComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    } else if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(PNP_STATE)) {
        Status = PnpComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    } else {
        *(PNP_STATE *)Irp->AssociatedIrp.SystemBuffer = Device->State;
        Status = PnpComplete(Irp, STATUS_SUCCESS, sizeof(PNP_STATE));
    }
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* May come at DISPATCH_LEVEL, as DO_POWER_PAGABLE is not set: nonpaged. */
NTSTATUS PnpPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPNP_DEVICE Device = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return PnpComplete(Irp, Status, 0);
    }
    InterlockedIncrement((volatile LONG *)&Device->State.PowerRequests);
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Device->Lower, Irp);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

/* Asks the stack below, as a driver does before it relies on power states. */
static NTSTATUS PnpQueryCapabilities(PPNP_DEVICE Device)
{
    DEVICE_CAPABILITIES Capabilities;
    IO_STATUS_BLOCK IoStatus;
    KEVENT Event;
    PAGED_CODE();
    RtlZeroMemory(&Capabilities, sizeof(Capabilities));
    Capabilities.Size = sizeof(Capabilities);
    Capabilities.Version = 1;
    Capabilities.Address = Capabilities.UINumber = MAXULONG;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Device->Lower, NULL, 0, NULL, &Event,
                                            &IoStatus);
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
    Stack->Parameters.DeviceCapabilities.Capabilities = &Capabilities;
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    NTSTATUS Status = IoCallDriver(Device->Lower, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        Status = IoStatus.Status;
    }
    if (NT_SUCCESS(Status)) {
        Device->State.WorkingState = (ULONG)Capabilities.DeviceState[PowerSystemWorking];
    }
    return Status;
}

/* The devices below start first. */
static NTSTATUS PnpStart(PPNP_DEVICE Device, PIRP Irp)
{
    NTSTATUS Status = STATUS_UNSUCCESSFUL;
    PAGED_CODE();
    if (IoForwardIrpSynchronously(Device->Lower, Irp)) {
        Status = Irp->IoStatus.Status;
    }
    if (NT_SUCCESS(Status)) {
        Status = PnpQueryCapabilities(Device);
    }
    if (NT_SUCCESS(Status)) {
        Device->State.Started = TRUE;
        Status = IoSetDeviceInterfaceState(&Device->Link, TRUE);
    }
    return PnpComplete(Irp, Status, 0);
}

/* Waits for the requests in flight; the device object is gone when it returns. */
static NTSTATUS PnpRemove(PPNP_DEVICE Device, PIRP Irp)
{
    PAGED_CODE();
    if (Device->State.Started) {
        IoSetDeviceInterfaceState(&Device->Link, FALSE);
    }
    Device->State.Started = FALSE;
    IoReleaseRemoveLockAndWait(&Device->RemoveLock, Irp);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoCallDriver(Device->Lower, Irp);
    IoDetachDevice(Device->Lower);
    if (Device->HasLink) {
        RtlFreeUnicodeString(&Device->Link);
    }
    IoDeleteDevice(Device->Self);
    DbgPrint("pnp-device: removed\n");
    return Status;
}

/* PnP requests come at PASSIVE_LEVEL. */
NTSTATUS PnpDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPNP_DEVICE Device = DeviceObject->DeviceExtension;
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    PAGED_CODE();
    NTSTATUS Status = IoAcquireRemoveLock(&Device->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        return PnpComplete(Irp, Status, 0);
    }
    switch (Minor) {
    case IRP_MN_START_DEVICE:
        Status = PnpStart(Device, Irp);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return PnpRemove(Device, Irp); /* the lock went with the device */
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
        Irp->IoStatus.Status = STATUS_SUCCESS;
        /* fall through */
    default:
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Device->Lower, Irp);
        break;
    }
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    return Status;
}

NTSTATUS PnpAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT Self;
    PAGED_CODE();
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(PNP_DEVICE), NULL, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Self);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PPNP_DEVICE Device = Self->DeviceExtension;
    Device->Self = Self;
    Device->Physical = PhysicalDeviceObject;
    IoInitializeRemoveLock(&Device->RemoveLock, PNP_TAG, 0, 0);
    Device->Lower = IoAttachDeviceToDeviceStack(Self, PhysicalDeviceObject);
    if (Device->Lower == NULL) {
        IoDeleteDevice(Self);
        return STATUS_NO_SUCH_DEVICE;
    }
    Status = IoRegisterDeviceInterface(PhysicalDeviceObject, &PnpInterface, NULL, &Device->Link);
    if (!NT_SUCCESS(Status)) {
        IoDetachDevice(Device->Lower);
        IoDeleteDevice(Self);
        return Status;
    }
    Device->HasLink = TRUE;
    DbgPrint("pnp-device: device %u added\n", PnpDevicesAdded++);
    Self->Flags |= Device->Lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO);
    Self->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

VOID PnpUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    /* The devices went with IRP_MN_REMOVE_DEVICE. */
    DbgPrint("pnp-device: unloaded, %s\n",
             DriverObject->DeviceObject == NULL ? "no device left" : "a device is left");
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverExtension->AddDevice = PnpAddDevice;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PnpCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PnpClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PnpDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_POWER] = PnpPower;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PnpDispatch;
    DriverObject->DriverUnload = PnpUnload;
    return STATUS_SUCCESS;
}
