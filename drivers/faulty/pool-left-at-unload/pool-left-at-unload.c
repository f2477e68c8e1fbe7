/* SPDX-License-Identifier: MIT */
/* A block of pool outlives the driver. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SampleUnload;
DRIVER_DISPATCH SampleCreate, SampleClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SampleUnload)

static PVOID LastRecord;

NTSTATUS SampleCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LastRecord = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'tluF'); /* the mistake: no free */
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS SampleClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID SampleUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\PoolLeftAtUnload");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SampleCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SampleClose;
    DriverObject->DriverUnload = SampleUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
