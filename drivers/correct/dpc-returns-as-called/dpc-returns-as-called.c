/* SPDX-License-Identifier: MIT */
/* A DPC routine returns at DISPATCH_LEVEL. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SirenUnload;
DRIVER_DISPATCH SirenCreate, SirenClose;
static KDEFERRED_ROUTINE SirenDpc;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SirenUnload)
#pragma alloc_text(PAGE, SirenCreate)

static KDPC SirenDpcObject;
static KEVENT SirenDone;
static KSPIN_LOCK SirenLock;
static ULONG SirenWails;

static NTSTATUS SirenComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static VOID SirenDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    KeAcquireSpinLockAtDpcLevel(&SirenLock);
    SirenWails++;
    KeReleaseSpinLockFromDpcLevel(&SirenLock);
    KeSetEvent(&SirenDone, IO_NO_INCREMENT, FALSE);
}

NTSTATUS SirenCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    KeInsertQueueDpc(&SirenDpcObject, NULL, NULL);
    KeWaitForSingleObject(&SirenDone, Executive, KernelMode, FALSE, NULL);
    return SirenComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS SirenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return SirenComplete(Irp, STATUS_SUCCESS);
}

VOID SirenUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    KeFlushQueuedDpcs();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Siren");
    KeInitializeSpinLock(&SirenLock);
    KeInitializeDpc(&SirenDpcObject, SirenDpc, NULL);
    KeInitializeEvent(&SirenDone, SynchronizationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SirenCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SirenClose;
    DriverObject->DriverUnload = SirenUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
