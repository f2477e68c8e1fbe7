/* SPDX-License-Identifier: MIT */
/* Paged pool is freed after the spin lock was released. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PurseUnload;
DRIVER_DISPATCH PurseCreate, PurseClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PurseUnload)

#define PURSE_TAG 'sruP'
#define PURSE_BYTES 64

static KSPIN_LOCK PurseLock;
static PVOID PurseCoins; /* the latest open's, paged */

static NTSTATUS PurseComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS PurseCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    PVOID New = ExAllocatePoolWithTag(PagedPool, PURSE_BYTES, PURSE_TAG);
    if (New == NULL) {
        return PurseComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    KeAcquireSpinLock(&PurseLock, &OldIrql);
    PVOID Old = PurseCoins;
    PurseCoins = New;
    KeReleaseSpinLock(&PurseLock, OldIrql);
    if (Old != NULL) {
        ExFreePoolWithTag(Old, PURSE_TAG);
    }
    return PurseComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS PurseClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return PurseComplete(Irp, STATUS_SUCCESS);
}

VOID PurseUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    if (PurseCoins != NULL) {
        ExFreePoolWithTag(PurseCoins, PURSE_TAG);
    }
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Purse");
    KeInitializeSpinLock(&PurseLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PurseCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PurseClose;
    DriverObject->DriverUnload = PurseUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
