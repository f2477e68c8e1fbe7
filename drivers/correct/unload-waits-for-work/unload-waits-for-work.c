/* SPDX-License-Identifier: MIT */
/* Unload waits until the work item has been done. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SpoolerUnload;
DRIVER_DISPATCH SpoolerCreate, SpoolerClose;
static IO_WORKITEM_ROUTINE SpoolerWork;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SpoolerUnload)
#pragma alloc_text(PAGE, SpoolerCreate)
#pragma alloc_text(PAGE, SpoolerWork)

#define SPOOLER_DRAIN (-50 * 10000LL) /* the printer takes 50 ms for its last line */

static PIO_WORKITEM SpoolerItem;
static KEVENT SpoolerDrained;
static ULONG SpoolerLines;

static NTSTATUS SpoolerComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Prints what is left, at leisure. */
VOID SpoolerWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    LARGE_INTEGER Drain;
    PAGED_CODE();
    Drain.QuadPart = SPOOLER_DRAIN;
    KeDelayExecutionThread(KernelMode, FALSE, &Drain);
    SpoolerLines = 0;
    KeSetEvent(&SpoolerDrained, IO_NO_INCREMENT, FALSE);
}

NTSTATUS SpoolerCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    InterlockedIncrement((PLONG)&SpoolerLines);
    return SpoolerComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS SpoolerClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return SpoolerComplete(Irp, STATUS_SUCCESS);
}

VOID SpoolerUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoQueueWorkItem(SpoolerItem, SpoolerWork, DelayedWorkQueue, NULL);
    KeWaitForSingleObject(&SpoolerDrained, Executive, KernelMode, FALSE, NULL);
    IoFreeWorkItem(SpoolerItem);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Spooler");
    KeInitializeEvent(&SpoolerDrained, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SpoolerCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SpoolerClose;
    DriverObject->DriverUnload = SpoolerUnload;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    SpoolerItem = IoAllocateWorkItem(Device);
    if (SpoolerItem == NULL) {
        IoDeleteDevice(Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}
