/* SPDX-License-Identifier: MIT */
/* A section is locked at each open and never unlocked. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SampleUnload;
DRIVER_DISPATCH SampleCreate, SampleClose;
static ULONG SampleChecksum(ULONG Value);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SampleUnload)
#pragma alloc_text(PAGELK, SampleChecksum)

static PVOID volatile CodeHandle;
static ULONG Checksum;

static ULONG SampleChecksum(ULONG Value)
{
    return Value * 31 + 7;
}

static NTSTATUS SampleComplete(PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS SampleCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    CodeHandle = MmLockPagableCodeSection((PVOID)SampleChecksum);
    Checksum = SampleChecksum(Checksum);
    return SampleComplete(Irp);
}

NTSTATUS SampleClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    /* the mistake: what the open has locked stays locked */
    return SampleComplete(Irp);
}

VOID SampleUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\LockLeaked");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SampleCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SampleClose;
    DriverObject->DriverUnload = SampleUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
