/* SPDX-License-Identifier: MIT */
/* MmLockPagableDataSection is called for data in a section of the driver. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD VaultUnload;
DRIVER_DISPATCH VaultCreate, VaultClose;
static VOID VaultNote(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, VaultUnload)
#pragma alloc_text(PAGE, VaultCreate)
#pragma alloc_text(PAGE, VaultClose)

#pragma data_seg("PAGEDATA")
static ULONG VaultTable[64] = {1}; /* initialised: what is not goes to .bss */
#pragma data_seg()

static PVOID VaultSection;
static KSPIN_LOCK VaultLock;

static NTSTATUS VaultComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The table must be locked. */
static VOID VaultNote(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&VaultLock, &OldIrql);
    VaultTable[0]++;
    KeReleaseSpinLock(&VaultLock, OldIrql);
}

NTSTATUS VaultCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    VaultSection = MmLockPagableDataSection(VaultTable);
    VaultNote();
    return VaultComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS VaultClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    MmUnlockPagableImageSection(VaultSection);
    return VaultComplete(Irp, STATUS_SUCCESS);
}

VOID VaultUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Vault");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = VaultCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = VaultClose;
    DriverObject->DriverUnload = VaultUnload;
    KeInitializeSpinLock(&VaultLock);
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
}
