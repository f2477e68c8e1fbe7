/* SPDX-License-Identifier: MIT */
/* A routine in PAGE is called while a spin lock is held. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultyCreate, FaultyClose;
static VOID CountOpen(PLONG Opens);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FaultyUnload)
#pragma alloc_text(PAGE, CountOpen)

static KSPIN_LOCK OpenLock;
static LONG OpenCount;

/* Pageable, as nothing in it needs more: the mistake is in the caller. */
__attribute__((noinline)) static VOID CountOpen(PLONG Opens)
{
    *Opens += 1;
}

NTSTATUS FaultyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&OpenLock, &OldIrql);
    CountOpen(&OpenCount); /* the mistake: DISPATCH_LEVEL here, and PAGE may be out */
    KeReleaseSpinLock(&OpenLock, OldIrql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS FaultyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID FaultyUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\PagedCodeAtDispatch");
    KeInitializeSpinLock(&OpenLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FaultyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FaultyClose;
    DriverObject->DriverUnload = FaultyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
