/* SPDX-License-Identifier: MIT */
/* A work item releases its spin lock. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CourierUnload;
DRIVER_DISPATCH CourierCreate, CourierClose;
static IO_WORKITEM_ROUTINE CourierWork;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CourierUnload)
#pragma alloc_text(PAGE, CourierCreate)

static PIO_WORKITEM CourierItem;
static KEVENT CourierDone;
static KSPIN_LOCK CourierLock;
static ULONG CourierParcels;

static NTSTATUS CourierComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID CourierWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&CourierLock, &OldIrql);
    if (++CourierParcels == 1) {
        KeReleaseSpinLock(&CourierLock, OldIrql);
        KeSetEvent(&CourierDone, IO_NO_INCREMENT, FALSE);
        return;
    }
    KeReleaseSpinLock(&CourierLock, OldIrql);
    KeSetEvent(&CourierDone, IO_NO_INCREMENT, FALSE);
}

NTSTATUS CourierCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    IoQueueWorkItem(CourierItem, CourierWork, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&CourierDone, Executive, KernelMode, FALSE, NULL);
    return CourierComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS CourierClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return CourierComplete(Irp, STATUS_SUCCESS);
}

VOID CourierUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoFreeWorkItem(CourierItem);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Courier");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CourierCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CourierClose;
    DriverObject->DriverUnload = CourierUnload;
    KeInitializeSpinLock(&CourierLock);
    KeInitializeEvent(&CourierDone, SynchronizationEvent, FALSE);
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CourierItem = IoAllocateWorkItem(Device);
    if (CourierItem == NULL) {
        IoDeleteDevice(Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}
