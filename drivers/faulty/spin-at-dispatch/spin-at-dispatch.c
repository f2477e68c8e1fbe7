/* SPDX-License-Identifier: MIT */
/* A loop under a spin lock that waits for what a work item does. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LedgeUnload;
DRIVER_DISPATCH LedgeCreate, LedgeClose;
static IO_WORKITEM_ROUTINE LedgeWork;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, LedgeUnload)
#pragma alloc_text(PAGE, LedgeWork)

static KSPIN_LOCK OpenLock;
static PIO_WORKITEM Work;
static volatile LONG Ready;

static VOID LedgeWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PAGED_CODE();
    InterlockedExchange(&Ready, 1);
}

NTSTATUS LedgeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&OpenLock, &OldIrql);
    IoQueueWorkItem(Work, LedgeWork, DelayedWorkQueue, NULL);
    /* The mistake: the work item's thread does not run on this processor before the release. */
    while (Ready == 0) {
        YieldProcessor();
    }
    KeReleaseSpinLock(&OpenLock, OldIrql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS LedgeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID LedgeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoFreeWorkItem(Work);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Ledge");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LedgeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LedgeClose;
    DriverObject->DriverUnload = LedgeUnload;
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
