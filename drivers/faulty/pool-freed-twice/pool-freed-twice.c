/* SPDX-License-Identifier: MIT */
/* A block of pool is freed twice. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CrateUnload;
DRIVER_DISPATCH CrateCreate, CrateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CrateUnload)
#pragma alloc_text(PAGE, CrateCreate)
#pragma alloc_text(PAGE, CrateClose)

#define CRATE_TAG 'tarC'
#define CRATE_BYTES 200

static PVOID CrateLoad;

static NTSTATUS CrateComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS CrateCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    CrateLoad = ExAllocatePoolWithTag(NonPagedPoolNx, CRATE_BYTES, CRATE_TAG);
    return CrateComplete(Irp, CrateLoad != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS CrateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    ExFreePoolWithTag(CrateLoad, CRATE_TAG); /* the mistake: CrateLoad still says there is one */
    return CrateComplete(Irp, STATUS_SUCCESS);
}

VOID CrateUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    if (CrateLoad != NULL) {
        ExFreePoolWithTag(CrateLoad, CRATE_TAG);
    }
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Crate");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CrateCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CrateClose;
    DriverObject->DriverUnload = CrateUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
}
