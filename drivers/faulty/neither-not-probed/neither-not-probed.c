/* SPDX-License-Identifier: MIT */
/* A pointer of METHOD_NEITHER is used without a probe. See README.md. */
#include <ntifs.h>

/* Neither: in, a ULONG; out, a ULONG that it is added to. */
#define IOCTL_ADDER_ADD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD AdderUnload;
DRIVER_DISPATCH AdderCreateClose, AdderDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, AdderUnload)
#pragma alloc_text(PAGE, AdderCreateClose)

static NTSTATUS AdderComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/*
 * The mistake: __try catches bad user addresses, and only those. Nothing says that these are some.
 */
static DECLSPEC_NOINLINE NTSTATUS AdderAdd(PULONG Sum, const ULONG *Value)
{
    __try {
        *Sum += *Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

NTSTATUS AdderDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_ADDER_ADD ||
        Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(ULONG) ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return AdderComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    NTSTATUS Status =
        AdderAdd(Irp->UserBuffer, Stack->Parameters.DeviceIoControl.Type3InputBuffer);
    return AdderComplete(Irp, Status, NT_SUCCESS(Status) ? sizeof(ULONG) : 0);
}

NTSTATUS AdderCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return AdderComplete(Irp, STATUS_SUCCESS, 0);
}

VOID AdderUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Adder");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = AdderCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = AdderCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = AdderDeviceControl;
    DriverObject->DriverUnload = AdderUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
