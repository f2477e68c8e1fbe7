/* SPDX-License-Identifier: MIT */
/* Code is made in nonexecutable pool and called. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ThunkUnload;
DRIVER_DISPATCH ThunkCreate, ThunkClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ThunkUnload)
#pragma alloc_text(PAGE, ThunkCreate)

#define THUNK_TAG 'nuhT'

typedef ULONG THUNK_ROUTINE(VOID);
static ULONG ThunkAnswer;

static NTSTATUS ThunkComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DECLSPEC_NOINLINE NTSTATUS ThunkRun(VOID)
{
    static const UCHAR Code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    /* The mistake: this pool is for data only. */
    PUCHAR Thunk = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(Code), THUNK_TAG);
    if (Thunk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Thunk, Code, sizeof(Code));
    ThunkAnswer = ((THUNK_ROUTINE *)(ULONG_PTR)Thunk)();
    ExFreePoolWithTag(Thunk, THUNK_TAG);
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
