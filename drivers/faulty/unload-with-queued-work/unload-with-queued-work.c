/* SPDX-License-Identifier: MIT */
/* The driver is unloaded while its work item runs. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SpoolerUnload;
DRIVER_DISPATCH SpoolerCreate, SpoolerClose;
static WORKER_THREAD_ROUTINE SpoolerWork;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SpoolerUnload)
#pragma alloc_text(PAGE, SpoolerCreate)
#pragma alloc_text(PAGE, SpoolerWork)

#define SPOOLER_DRAIN (-50 * 10000LL) /* the printer takes 50 ms for its last line */

static WORK_QUEUE_ITEM SpoolerItem;
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
static VOID SpoolerWork(PVOID Parameter)
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
    /* The mistake: the work is only begun when this returns, and its code goes away then. */
    ExQueueWorkItem(&SpoolerItem, DelayedWorkQueue);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Spooler");
    KeInitializeEvent(&SpoolerDrained, NotificationEvent, FALSE);
    ExInitializeWorkItem(&SpoolerItem, SpoolerWork, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SpoolerCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SpoolerClose;
    DriverObject->DriverUnload = SpoolerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
