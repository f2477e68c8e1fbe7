/* SPDX-License-Identifier: MIT */
/* Two nested spin locks save the IRQL in one variable. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD NestUnload;
DRIVER_DISPATCH NestCreate, NestClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, NestUnload)

static KSPIN_LOCK OuterLock, InnerLock;
static ULONG NestDepth;
static KIRQL NestOldIrql; /* the mistake: one place for two locks */

static NTSTATUS NestComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS NestCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeAcquireSpinLock(&OuterLock, &NestOldIrql);
    KeAcquireSpinLock(&InnerLock, &NestOldIrql);
    NestDepth++;
    KeReleaseSpinLock(&InnerLock, NestOldIrql);
    KeReleaseSpinLock(&OuterLock, NestOldIrql);
    return NestComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS NestClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return NestComplete(Irp, STATUS_SUCCESS);
}

VOID NestUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\SavedIrql");
    KeInitializeSpinLock(&OuterLock);
    KeInitializeSpinLock(&InnerLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = NestCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NestClose;
    DriverObject->DriverUnload = NestUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
