/* SPDX-License-Identifier: MIT */
/* Waits for a work item, then takes the spin lock. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SillUnload;
DRIVER_DISPATCH SillCreate, SillClose;
static IO_WORKITEM_ROUTINE SillWork;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SillUnload)
#pragma alloc_text(PAGE, SillWork)

static KSPIN_LOCK OpenLock;
static ULONG Opens;
static PIO_WORKITEM Work;
static KEVENT Ready;

static VOID SillWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PAGED_CODE();
    KeSetEvent(&Ready, IO_NO_INCREMENT, FALSE);
}

NTSTATUS SillCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    IoQueueWorkItem(Work, SillWork, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&Ready, Executive, KernelMode, FALSE, NULL);
    KeAcquireSpinLock(&OpenLock, &OldIrql);
    Opens++;
    KeReleaseSpinLock(&OpenLock, OldIrql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS SillClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID SillUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoFreeWorkItem(Work);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Sill");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SillCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SillClose;
    DriverObject->DriverUnload = SillUnload;
    KeInitializeEvent(&Ready, SynchronizationEvent, FALSE);
    KeInitializeSpinLock(&OpenLock);
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                     &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Work = IoAllocateWorkItem(Device);
    if (Work == NULL) {
        IoDeleteDevice(Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}
