/* SPDX-License-Identifier: MIT */
/* A DPC routine in PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD BellUnload;
DRIVER_DISPATCH BellCreate, BellClose;
static KDEFERRED_ROUTINE BellDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, BellUnload)
#pragma alloc_text(PAGE, BellCreate)
#pragma alloc_text(PAGE, BellDpc)

static KDPC BellDpcObject;
static LONG BellRings;

static NTSTATUS BellComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: DPC routines run at DISPATCH_LEVEL, and this one is in PAGE. */
static VOID BellDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    InterlockedIncrement(&BellRings);
}

NTSTATUS BellCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeInsertQueueDpc(&BellDpcObject, NULL, NULL);
    return BellComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS BellClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return BellComplete(Irp, STATUS_SUCCESS);
}

VOID BellUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Bell");
    KeInitializeDpc(&BellDpcObject, BellDpc, NULL);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BellCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BellClose;
    DriverObject->DriverUnload = BellUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
