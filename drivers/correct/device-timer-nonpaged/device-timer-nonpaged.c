/* SPDX-License-Identifier: MIT */
/* A device's timer routine (IoInitializeTimer) outside of PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD WatchUnload;
DRIVER_DISPATCH WatchCreate, WatchClose;
static IO_TIMER_ROUTINE WatchTick;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, WatchUnload)
#pragma alloc_text(PAGE, WatchCreate)

static KEVENT WatchTicked;

static NTSTATUS WatchComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Nonpaged: Io calls it from a DPC, at DISPATCH_LEVEL. */
static VOID WatchTick(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    KeSetEvent(&WatchTicked, IO_NO_INCREMENT, FALSE);
}

/* An open waits for a sign of life of the device, which comes once a second. */
NTSTATUS WatchCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeClearEvent(&WatchTicked);
    IoStartTimer(DeviceObject);
    KeWaitForSingleObject(&WatchTicked, Executive, KernelMode, FALSE, NULL);
    IoStopTimer(DeviceObject);
    return WatchComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS WatchClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return WatchComplete(Irp, STATUS_SUCCESS);
}

VOID WatchUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    NTSTATUS Status;
    RtlInitUnicodeString(&Name, L"\\Device\\Watch");
    KeInitializeEvent(&WatchTicked, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = WatchCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = WatchClose;
    DriverObject->DriverUnload = WatchUnload;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    return NT_SUCCESS(Status) ? IoInitializeTimer(Device, WatchTick, NULL) : Status;
}
