/* SPDX-License-Identifier: MIT */
/* A nonpaged helper that holds a lock is inlined into its pageable caller. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD MeterUnload;
DRIVER_DISPATCH MeterCreate, MeterClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MeterUnload)
#pragma alloc_text(PAGE, MeterCreate)

static KSPIN_LOCK MeterLock;
static ULONG MeterReading;

static NTSTATUS MeterComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/*
 * The mistake: not named in alloc_text, so it looks nonpaged, but the compiler puts its code into
 * each caller, and the one below is in PAGE.
 */
FORCEINLINE VOID MeterAdd(ULONG Units)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&MeterLock, &OldIrql);
    MeterReading += Units;
    KeReleaseSpinLock(&MeterLock, OldIrql);
}

NTSTATUS MeterCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MeterAdd(1);
    return MeterComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS MeterClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return MeterComplete(Irp, STATUS_SUCCESS);
}

VOID MeterUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Meter");
    KeInitializeSpinLock(&MeterLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MeterCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MeterClose;
    DriverObject->DriverUnload = MeterUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
