/* SPDX-License-Identifier: MIT */
/* A block of pool is written beyond its end. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD BucketUnload;
DRIVER_DISPATCH BucketCreate, BucketClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, BucketUnload)
#pragma alloc_text(PAGE, BucketCreate)

#define BUCKET_TAG 'kcuB'
#define BUCKET_WORDS 20

static NTSTATUS BucketComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS BucketCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    volatile ULONG *Words =
        ExAllocatePoolWithTag(NonPagedPoolNx, BUCKET_WORDS * sizeof(ULONG), BUCKET_TAG);
    if (Words == NULL) {
        return BucketComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    for (ULONG Index = 0; Index <= BUCKET_WORDS; Index++) { /* the mistake: one too many */
        Words[Index] = 0xffffffff;
    }
    ExFreePoolWithTag((PVOID)Words, BUCKET_TAG);
    return BucketComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS BucketClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return BucketComplete(Irp, STATUS_SUCCESS);
}

VOID BucketUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Bucket");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = BucketCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = BucketClose;
    DriverObject->DriverUnload = BucketUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
