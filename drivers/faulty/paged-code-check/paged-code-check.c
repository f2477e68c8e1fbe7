/* SPDX-License-Identifier: MIT */
/* PAGED_CODE in a checked build finds a call at DISPATCH_LEVEL. See README.md. */
#define DBG 1 /* a checked build: PAGED_CODE checks */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CensusUnload;
DRIVER_DISPATCH CensusCreate, CensusClose;
static VOID CensusCount(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CensusUnload)
#pragma alloc_text(PAGE, CensusCreate)

static KSPIN_LOCK CensusLock;
static ULONG CensusPeople;

static NTSTATUS CensusComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Not in PAGE as long as there is no need, but written to be put there: hence PAGED_CODE. */
static DECLSPEC_NOINLINE VOID CensusCount(VOID)
{
    PAGED_CODE();
    CensusPeople++;
}

static DECLSPEC_NOINLINE VOID CensusEnter(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&CensusLock, &OldIrql);
    CensusCount(); /* the mistake: it asks for APC_LEVEL or below */
    KeReleaseSpinLock(&CensusLock, OldIrql);
}

NTSTATUS CensusCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    CensusEnter();
    return CensusComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS CensusClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return CensusComplete(Irp, STATUS_SUCCESS);
}

VOID CensusUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Census");
    KeInitializeSpinLock(&CensusLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CensusCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CensusClose;
    DriverObject->DriverUnload = CensusUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
