/* SPDX-License-Identifier: MIT */
/* PAGED_CODE in a checked build, at PASSIVE_LEVEL. See README.md. */
#define DBG 1 /* a checked build: PAGED_CODE checks */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CensusUnload;
DRIVER_DISPATCH CensusCreate, CensusClose;
static VOID CensusCount(VOID);
static VOID CensusCountLocked(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CensusUnload)
#pragma alloc_text(PAGE, CensusCreate)
#pragma alloc_text(PAGELK, CensusCountLocked)

static KSPIN_LOCK CensusLock;
static ULONG CensusPeople, CensusEntered;

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

/* In a section that the caller has locked, so at DISPATCH_LEVEL too: the macro only says so. */
static DECLSPEC_NOINLINE VOID CensusCountLocked(VOID)
{
    PAGED_CODE_LOCKED();
    CensusEntered++;
}

static DECLSPEC_NOINLINE VOID CensusEnter(VOID)
{
    KIRQL OldIrql;
    PVOID Section = MmLockPagableCodeSection((PVOID)CensusCountLocked);
    CensusCount();
    KeAcquireSpinLock(&CensusLock, &OldIrql);
    CensusCountLocked();
    KeReleaseSpinLock(&CensusLock, OldIrql);
    PAGED_ASSERT(CensusEntered <= CensusPeople);
    MmUnlockPagableImageSection(Section);
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
