/* SPDX-License-Identifier: MIT */
/* A request is completed twice. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD EchoUnload;
DRIVER_DISPATCH EchoCreate, EchoClose, EchoDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, EchoUnload)
#pragma alloc_text(PAGE, EchoCreate)
#pragma alloc_text(PAGE, EchoDeviceControl)

#define IOCTL_ECHO CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

static NTSTATUS EchoComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS EchoDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    PAGED_CODE();
    if (Code != IOCTL_ECHO) {
        EchoComplete(Irp, STATUS_INVALID_DEVICE_REQUEST); /* the mistake: and on it goes */
    }
    return EchoComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS EchoCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return EchoComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS EchoClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return EchoComplete(Irp, STATUS_SUCCESS);
}

VOID EchoUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Echo");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = EchoCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = EchoClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = EchoDeviceControl;
    DriverObject->DriverUnload = EchoUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
