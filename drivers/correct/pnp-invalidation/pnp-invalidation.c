/* SPDX-License-Identifier: MIT */
/* IoInvalidateDeviceRelations and IoInvalidateDeviceState. See README.md. */
#include <ntddk.h>

#define INVALIDATION_CODE(n) CTL_CODE(FILE_DEVICE_UNKNOWN, (n), METHOD_BUFFERED, FILE_ANY_ACCESS)
/* In: a byte, the device's state to answer. */
#define IOCTL_INVALIDATE_STATE INVALIDATION_CODE(0x800)
#define IOCTL_INVALIDATE_RELATIONS INVALIDATION_CODE(0x801)
/* Returns when PnP has asked; out: the letters of its requests since the last time. */
#define IOCTL_INVALIDATION_WAIT INVALIDATION_CODE(0x802)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD InvalidationUnload;
DRIVER_ADD_DEVICE InvalidationAddDevice;
DRIVER_DISPATCH InvalidationCreateClose, InvalidationDeviceControl, InvalidationPnp,
    InvalidationPower;

typedef struct _INVALIDATION_DEVICE {
    PDEVICE_OBJECT Lower, Physical;
    PDEVICE_OBJECT Child; /* what the bus has on it: a device without a driver */
    KEVENT Asked;
    UCHAR State;
    CHAR Log[32];
    ULONG Length;
} INVALIDATION_DEVICE, *PINVALIDATION_DEVICE;

static KSPIN_LOCK InvalidationLock;

#pragma code_seg("PAGE")

static NTSTATUS InvalidationComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    PAGED_CODE();
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID InvalidationNote(PINVALIDATION_DEVICE Device, CHAR Letter)
{
    PAGED_CODE();
    if (Device->Length < sizeof(Device->Log)) {
        Device->Log[Device->Length++] = Letter;
    }
    KeSetEvent(&Device->Asked, IO_NO_INCREMENT, FALSE);
}

/* The list is pool, its devices referenced: PnP gives both back. [IRP_MN_QUERY_DEVICE_RELATIONS] */
static NTSTATUS InvalidationRelations(PINVALIDATION_DEVICE Device, PIRP Irp)
{
    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.QueryDeviceRelations.Type == BusRelations) {
        PDEVICE_RELATIONS Relations =
            ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS), 'lavI');
        if (Relations == NULL) {
            return InvalidationComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
        }
        Relations->Count = 1;
        Relations->Objects[0] = Device->Child;
        ObReferenceObject(Device->Child);
        Irp->IoStatus.Information = (ULONG_PTR)Relations;
        Irp->IoStatus.Status = STATUS_SUCCESS;
        InvalidationNote(Device, 'B');
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

static NTSTATUS InvalidationRemove(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PINVALIDATION_DEVICE Device = DeviceObject->DeviceExtension;
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoCallDriver(Device->Lower, Irp);
    IoDetachDevice(Device->Lower);
    IoDeleteDevice(Device->Child);
    IoDeleteDevice(DeviceObject);
    return Status;
}

NTSTATUS InvalidationPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PINVALIDATION_DEVICE Device = DeviceObject->DeviceExtension;
    PAGED_CODE();
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_QUERY_DEVICE_RELATIONS: return InvalidationRelations(Device, Irp);
    case IRP_MN_REMOVE_DEVICE: return InvalidationRemove(DeviceObject, Irp);
    case IRP_MN_START_DEVICE: /* a driver may say so from here: PnP asks when the start is over */
        IoInvalidateDeviceRelations(Device->Physical, BusRelations);
        IoInvalidateDeviceRelations(Device->Physical, EjectionRelations);
        break;
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        Irp->IoStatus.Information |= Device->State;
        Irp->IoStatus.Status = STATUS_SUCCESS;
        InvalidationNote(Device, 's');
        break;
    case IRP_MN_SURPRISE_REMOVAL:
        InvalidationNote(Device, 'X');
        Irp->IoStatus.Status = STATUS_SUCCESS;
        break;
    default: break;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

static NTSTATUS InvalidationWait(PINVALIDATION_DEVICE Device, PIRP Irp, ULONG Most)
{
    PAGED_CODE();
    KeWaitForSingleObject(&Device->Asked, Executive, KernelMode, FALSE, NULL);
    ULONG Length = Device->Length < Most ? Device->Length : Most;
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, Device->Log, Length);
    Device->Length = 0;
    return InvalidationComplete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS InvalidationCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return InvalidationComplete(Irp, STATUS_SUCCESS, 0);
}

VOID InvalidationUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

NTSTATUS InvalidationAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\PnpInvalidation");
    PDEVICE_OBJECT Self, Child;

    PAGED_CODE();
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(INVALIDATION_DEVICE), &Name,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &Self);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN,
                            FILE_AUTOGENERATED_DEVICE_NAME, FALSE, &Child);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Self);
        return Status;
    }
    PINVALIDATION_DEVICE Device = Self->DeviceExtension;
    Device->Child = Child;
    Device->Physical = PhysicalDeviceObject;
    KeInitializeEvent(&Device->Asked, SynchronizationEvent, FALSE);
    Device->Lower = IoAttachDeviceToDeviceStack(Self, PhysicalDeviceObject);
    Child->Flags &= ~DO_DEVICE_INITIALIZING;
    Self->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

#pragma code_seg()

/* Both may be called at DISPATCH_LEVEL, as documented. */
static VOID InvalidationAtDispatch(PINVALIDATION_DEVICE Device, BOOLEAN State)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&InvalidationLock, &OldIrql);
    if (State) {
        IoInvalidateDeviceState(Device->Physical);
    } else {
        IoInvalidateDeviceRelations(Device->Physical, BusRelations);
    }
    KeReleaseSpinLock(&InvalidationLock, OldIrql);
}

NTSTATUS InvalidationDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PINVALIDATION_DEVICE Device = DeviceObject->DeviceExtension;

    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_INVALIDATE_STATE:
        if (Stack->Parameters.DeviceIoControl.InputBufferLength < 1) {
            return InvalidationComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        Device->State = *(PUCHAR)Irp->AssociatedIrp.SystemBuffer;
        InvalidationAtDispatch(Device, TRUE);
        return InvalidationComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_INVALIDATE_RELATIONS:
        InvalidationAtDispatch(Device, FALSE);
        return InvalidationComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_INVALIDATION_WAIT:
        return InvalidationWait(Device, Irp, Stack->Parameters.DeviceIoControl.OutputBufferLength);
    default: return InvalidationComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

NTSTATUS InvalidationPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PINVALIDATION_DEVICE Device = DeviceObject->DeviceExtension;
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Device->Lower, Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KeInitializeSpinLock(&InvalidationLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = InvalidationCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = InvalidationCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = InvalidationDeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = InvalidationPnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = InvalidationPower;
    DriverObject->DriverExtension->AddDevice = InvalidationAddDevice;
    DriverObject->DriverUnload = InvalidationUnload;
    return STATUS_SUCCESS;
}
