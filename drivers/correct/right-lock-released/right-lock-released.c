/* SPDX-License-Identifier: MIT */
/* The spin lock that was taken is released. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TableUnload;
DRIVER_DISPATCH TableCreate, TableClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TableUnload)

static KSPIN_LOCK RowLock, ColumnLock;
static ULONG RowCount, ColumnCount;

static NTSTATUS TableComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS TableCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&RowLock, &OldIrql);
    RowCount++;
    KeReleaseSpinLock(&RowLock, OldIrql);
    KeAcquireSpinLock(&ColumnLock, &OldIrql);
    ColumnCount++;
    KeReleaseSpinLock(&ColumnLock, OldIrql);
    return TableComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TableClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return TableComplete(Irp, STATUS_SUCCESS);
}

VOID TableUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Table");
    KeInitializeSpinLock(&RowLock);
    KeInitializeSpinLock(&ColumnLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TableCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TableClose;
    DriverObject->DriverUnload = TableUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
