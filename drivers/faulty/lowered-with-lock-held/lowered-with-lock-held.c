/* SPDX-License-Identifier: MIT */
/* The IRQL is lowered while a spin lock is held. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LedgerUnload;
DRIVER_DISPATCH LedgerCreate, LedgerClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, LedgerUnload)

static KSPIN_LOCK LedgerLock;
static ULONG LedgerLines;

static NTSTATUS LedgerComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS LedgerCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeAcquireSpinLockAtDpcLevel(&LedgerLock);
    LedgerLines++;
    KeLowerIrql(OldIrql); /* the mistake: the lock is still held */
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeReleaseSpinLockFromDpcLevel(&LedgerLock);
    KeLowerIrql(OldIrql);
    return LedgerComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS LedgerClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return LedgerComplete(Irp, STATUS_SUCCESS);
}

VOID LedgerUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Lowered");
    KeInitializeSpinLock(&LedgerLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LedgerCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LedgerClose;
    DriverObject->DriverUnload = LedgerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
