/* SPDX-License-Identifier: MIT */
/* A cancel routine in PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PagerUnload;
DRIVER_DISPATCH PagerCreate, PagerClose, PagerDeviceControl;
static DRIVER_CANCEL PagerCancel;
static KDEFERRED_ROUTINE PagerDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PagerUnload)
#pragma alloc_text(PAGE, PagerCreate)
#pragma alloc_text(PAGE, PagerCancel)

/* In: nothing. Completes when something arrives, or is cancelled after the watchdog's time. */
#define IOCTL_PAGER_WAIT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define WATCHDOG_TIME (-2 * 10000LL)

static KTIMER PagerTimer;
static KDPC PagerDpcObject;

static NTSTATUS PagerComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: cancel routines are called at DISPATCH_LEVEL, and this one is in PAGE. */
VOID PagerCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    PagerComplete(Irp, STATUS_CANCELLED);
}

/* The watchdog: a request that has waited too long is cancelled. */
static VOID PagerDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    IoCancelIrp(DeferredContext);
}

NTSTATUS PagerDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LARGE_INTEGER DueTime;
    KIRQL OldIrql;
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_PAGER_WAIT) {
        return PagerComplete(Irp, STATUS_INVALID_DEVICE_REQUEST);
    }
    IoAcquireCancelSpinLock(&OldIrql);
    if (Irp->Cancel) {
        IoReleaseCancelSpinLock(OldIrql);
        return PagerComplete(Irp, STATUS_CANCELLED);
    }
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, PagerCancel);
    KeInitializeDpc(&PagerDpcObject, PagerDpc, Irp);
    DueTime.QuadPart = WATCHDOG_TIME;
    KeSetTimer(&PagerTimer, DueTime, &PagerDpcObject);
    IoReleaseCancelSpinLock(OldIrql);
    return STATUS_PENDING;
}

NTSTATUS PagerCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return PagerComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS PagerClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return PagerComplete(Irp, STATUS_SUCCESS);
}

VOID PagerUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeCancelTimer(&PagerTimer);
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Pager");
    KeInitializeTimer(&PagerTimer);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PagerCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PagerClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PagerDeviceControl;
    DriverObject->DriverUnload = PagerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
}
