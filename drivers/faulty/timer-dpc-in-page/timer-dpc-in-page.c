/* SPDX-License-Identifier: MIT */
/* A timer's DPC routine in PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD WarmupUnload;
DRIVER_DISPATCH WarmupCreate, WarmupClose;
static KDEFERRED_ROUTINE WarmupDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, WarmupUnload)
#pragma alloc_text(PAGE, WarmupCreate)
#pragma alloc_text(PAGE, WarmupDpc)

/* The lamp of a scanner is warm 2 ms after it was switched on; an open waits for that. */
#define WARMUP_TIME (-2 * 10000LL)

static KTIMER WarmupTimer;
static KDPC WarmupDpcObject;
static KEVENT WarmupDone;

static NTSTATUS WarmupComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: a timer's routine is a DPC's, at DISPATCH_LEVEL, and this one is in PAGE. */
static VOID WarmupDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                      PVOID SystemArgument2)
{
    KeSetEvent(&WarmupDone, IO_NO_INCREMENT, FALSE);
}

NTSTATUS WarmupCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    LARGE_INTEGER DueTime;
    PAGED_CODE();
    DueTime.QuadPart = WARMUP_TIME;
    KeClearEvent(&WarmupDone);
    KeSetTimer(&WarmupTimer, DueTime, &WarmupDpcObject);
    KeWaitForSingleObject(&WarmupDone, Executive, KernelMode, FALSE, NULL);
    return WarmupComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS WarmupClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return WarmupComplete(Irp, STATUS_SUCCESS);
}

VOID WarmupUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeCancelTimer(&WarmupTimer);
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Warmup");
    KeInitializeTimer(&WarmupTimer);
    KeInitializeDpc(&WarmupDpcObject, WarmupDpc, NULL);
    KeInitializeEvent(&WarmupDone, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = WarmupCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = WarmupClose;
    DriverObject->DriverUnload = WarmupUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
