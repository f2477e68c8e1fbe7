/* SPDX-License-Identifier: MIT */
/* A section is locked at each open and never unlocked. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultyCreate, FaultyClose;
static ULONG FaultyChecksum(ULONG Value);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FaultyUnload)
#pragma alloc_text(PAGELK, FaultyChecksum)

static PVOID volatile CodeHandle;
static ULONG Checksum;

static ULONG FaultyChecksum(ULONG Value)
{
    return Value * 31 + 7;
}

static NTSTATUS FaultyComplete(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS FaultyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    CodeHandle = MmLockPagableCodeSection((PVOID)FaultyChecksum);
    Checksum = FaultyChecksum(Checksum);
    return FaultyComplete(Irp);
}

NTSTATUS FaultyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    /* the mistake: what the open has locked stays locked */
    return FaultyComplete(Irp);
}

VOID FaultyUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\LockLeaked");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FaultyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FaultyClose;
    DriverObject->DriverUnload = FaultyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
