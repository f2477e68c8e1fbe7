/* SPDX-License-Identifier: MIT */
/* Unload deletes every device object. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ShelfUnload;
DRIVER_DISPATCH ShelfCreate, ShelfClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ShelfUnload)
#pragma alloc_text(PAGE, ShelfCreate)

static PDEVICE_OBJECT ShelfSecond;

static NTSTATUS ShelfComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS ShelfCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return ShelfComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS ShelfClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return ShelfComplete(Irp, STATUS_SUCCESS);
}

VOID ShelfUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(ShelfSecond);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Shelf");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ShelfCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ShelfClose;
    DriverObject->DriverUnload = ShelfUnload;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* One more, without a name. */
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &ShelfSecond);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
    }
    return Status;
}
