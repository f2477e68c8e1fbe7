/* SPDX-License-Identifier: MIT */
/* A DPC routine releases its spin lock on each path. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TallyUnload;
DRIVER_DISPATCH TallyCreate, TallyClose;
static KDEFERRED_ROUTINE TallyRoutine;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TallyUnload)

static KDPC TallyDpc;
static KSPIN_LOCK TallyLock;
static ULONG TallyCount;

static VOID TallyRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    KeAcquireSpinLockAtDpcLevel(&TallyLock);
    if (++TallyCount % 2 != 0) {
        KeReleaseSpinLockFromDpcLevel(&TallyLock);
        return;
    }
    KeReleaseSpinLockFromDpcLevel(&TallyLock);
}

static NTSTATUS TallyComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS TallyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeInsertQueueDpc(&TallyDpc, NULL, NULL);
    return TallyComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TallyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return TallyComplete(Irp, STATUS_SUCCESS);
}

VOID TallyUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Tally");
    KeInitializeSpinLock(&TallyLock);
    KeInitializeDpc(&TallyDpc, TallyRoutine, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TallyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TallyClose;
    DriverObject->DriverUnload = TallyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
