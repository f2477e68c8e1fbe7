/* SPDX-License-Identifier: MIT */
/* A looked-up routine allocates paged pool before a spin lock is taken. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FinderUnload;
DRIVER_DISPATCH FinderCreate, FinderClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FinderUnload)

typedef PVOID FINDER_ALLOCATE(POOL_FLAGS Flags, SIZE_T Bytes, ULONG Tag);

static FINDER_ALLOCATE *FinderAllocate; /* not on systems before Windows 10, version 2004 */
static KSPIN_LOCK FinderLock;
static ULONG FinderCount;

static NTSTATUS FinderComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS FinderCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    PVOID Notes = FinderAllocate(POOL_FLAG_PAGED, 64, 'dniF');
    KeAcquireSpinLock(&FinderLock, &OldIrql);
    FinderCount++;
    KeReleaseSpinLock(&FinderLock, OldIrql);
    if (Notes != NULL) {
        ExFreePoolWithTag(Notes, 'dniF');
    }
    return FinderComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS FinderClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return FinderComplete(Irp, STATUS_SUCCESS);
}

VOID FinderUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Finder");
    UNICODE_STRING Routine;
    RtlInitUnicodeString(&Routine, L"ExAllocatePool2");
    FinderAllocate = (FINDER_ALLOCATE *)MmGetSystemRoutineAddress(&Routine);
    if (FinderAllocate == NULL) {
        return STATUS_NOT_SUPPORTED;
    }
    KeInitializeSpinLock(&FinderLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FinderCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FinderClose;
    DriverObject->DriverUnload = FinderUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
