/* SPDX-License-Identifier: MIT */
/* A section is locked by a handle that nobody has got. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LatchUnload;
DRIVER_DISPATCH LatchCreate, LatchClose;
static VOID LatchNote(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, LatchUnload)
#pragma alloc_text(PAGE, LatchCreate)
#pragma alloc_text(PAGE, LatchClose)

#pragma data_seg("PAGEDATA")
static ULONG LatchTable[64] = {1}; /* initialised: what is not goes to .bss */
#pragma data_seg()

static PVOID LatchSection; /* the handle of PAGEDATA */
static KSPIN_LOCK LatchLock;

static NTSTATUS LatchComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* PAGEDATA must be locked. */
static VOID LatchNote(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&LatchLock, &OldIrql);
    LatchTable[0]++;
    KeReleaseSpinLock(&LatchLock, OldIrql);
}

NTSTATUS LatchCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    /* The mistake: the handle comes from MmLockPagableDataSection, which nobody has called. */
    MmLockPagableSectionByHandle(LatchSection);
    LatchNote();
    return LatchComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS LatchClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MmUnlockPagableImageSection(LatchSection);
    return LatchComplete(Irp, STATUS_SUCCESS);
}

VOID LatchUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Latch");
    KeInitializeSpinLock(&LatchLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LatchCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LatchClose;
    DriverObject->DriverUnload = LatchUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
