/* SPDX-License-Identifier: MIT */
/* The routine that is called is one of the image. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ThunkUnload;
DRIVER_DISPATCH ThunkCreate, ThunkClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ThunkUnload)
#pragma alloc_text(PAGE, ThunkCreate)

typedef ULONG THUNK_ROUTINE(VOID);
static ULONG ThunkAnswer;

static ULONG ThunkFortyTwo(VOID)
{
    return 42;
}

static NTSTATUS ThunkComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DECLSPEC_NOINLINE NTSTATUS ThunkRun(VOID)
{
    THUNK_ROUTINE *volatile Thunk = ThunkFortyTwo;
    ThunkAnswer = Thunk();
    return STATUS_SUCCESS;
}

NTSTATUS ThunkCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return ThunkComplete(Irp, ThunkRun());
}

NTSTATUS ThunkClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return ThunkComplete(Irp, STATUS_SUCCESS);
}

VOID ThunkUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Thunk");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ThunkCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ThunkClose;
    DriverObject->DriverUnload = ThunkUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
