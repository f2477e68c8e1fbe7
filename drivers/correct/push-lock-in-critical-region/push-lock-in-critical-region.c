/* SPDX-License-Identifier: MIT */
/* A push lock is acquired in a critical region. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD BinderUnload;
DRIVER_DISPATCH BinderCreate, BinderClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, BinderUnload)

static EX_PUSH_LOCK BinderLock;
static ULONG BinderPages;

static NTSTATUS BinderComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS BinderCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusiveEx(&BinderLock, 0);
    BinderPages++;
    ExReleasePushLockExclusiveEx(&BinderLock, 0);
    KeLeaveCriticalRegion();
    return BinderComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS BinderClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return BinderComplete(Irp, STATUS_SUCCESS);
}

VOID BinderUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Binder");
    ExInitializePushLock(&BinderLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BinderCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BinderClose;
    DriverObject->DriverUnload = BinderUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
