/* SPDX-License-Identifier: MIT */
/* What is called while a spin lock is held is outside of PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CounterUnload;
DRIVER_DISPATCH CounterCreate, CounterClose;
static VOID CountOpen(PLONG Opens);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CounterUnload)

static KSPIN_LOCK OpenLock;
static LONG OpenCount;

/* Nonpaged, as its caller holds the lock. */
__attribute__((noinline)) static VOID CountOpen(PLONG Opens)
{
    *Opens += 1;
}

NTSTATUS CounterCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&OpenLock, &OldIrql);
    CountOpen(&OpenCount);
    KeReleaseSpinLock(&OpenLock, OldIrql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS CounterClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID CounterUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\NonpagedCodeAtDispatch");
    KeInitializeSpinLock(&OpenLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CounterCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CounterClose;
    DriverObject->DriverUnload = CounterUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
