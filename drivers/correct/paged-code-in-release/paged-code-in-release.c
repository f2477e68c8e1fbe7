/* SPDX-License-Identifier: MIT */
/* PAGED_CODE in a release build is nothing, also where it does not hold. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TallyUnload;
DRIVER_DISPATCH TallyCreate, TallyClose;
static VOID TallyCount(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TallyUnload)
#pragma alloc_text(PAGE, TallyCreate)

static KSPIN_LOCK TallyLock;
static ULONG TallyPeople;

static NTSTATUS TallyComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Not in PAGE as long as there is no need, but written to be put there: hence PAGED_CODE. */
static DECLSPEC_NOINLINE VOID TallyCount(VOID)
{
    PAGED_CODE();
    TallyPeople++;
}

static DECLSPEC_NOINLINE VOID TallyEnter(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&TallyLock, &OldIrql);
    TallyCount(); /* it asks for APC_LEVEL or below, and nobody looks: it is resident */
    KeReleaseSpinLock(&TallyLock, OldIrql);
}

NTSTATUS TallyCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    TallyEnter();
    return TallyComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TallyClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return TallyComplete(Irp, STATUS_SUCCESS);
}

VOID TallyUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Tally");
    KeInitializeSpinLock(&TallyLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TallyCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TallyClose;
    DriverObject->DriverUnload = TallyUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
