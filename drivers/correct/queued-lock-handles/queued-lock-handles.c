/* SPDX-License-Identifier: MIT */
/* Two in-stack queued spin locks with a handle each. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD MoverUnload;
DRIVER_DISPATCH MoverCreate, MoverClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MoverUnload)

static KSPIN_LOCK SourceLock, TargetLock;
static ULONG Moved;

static NTSTATUS MoverComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS MoverCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KLOCK_QUEUE_HANDLE Source, Target;
    KeAcquireInStackQueuedSpinLock(&SourceLock, &Source);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&TargetLock, &Target);
    Moved++;
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&Target);
    KeReleaseInStackQueuedSpinLock(&Source);
    return MoverComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS MoverClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return MoverComplete(Irp, STATUS_SUCCESS);
}

VOID MoverUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Mover");
    KeInitializeSpinLock(&SourceLock);
    KeInitializeSpinLock(&TargetLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MoverCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MoverClose;
    DriverObject->DriverUnload = MoverUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
