/* SPDX-License-Identifier: MIT */
/* Imports that nobody exports; one of them is called, by an ioctl only. See README.md. */
#include <ntddk.h>

/* Buffered: out, a ULONG from the function that is not there. */
#define IOCTL_MISSING_CALL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* From missing.def. */
__declspec(dllimport) ULONG MissingFrobnicate(ULONG Value);
__declspec(dllimport) ULONG MissingNeverCalled(ULONG Value);

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SampleUnload;
DRIVER_DISPATCH SampleCreateClose, SampleDeviceControl;

static NTSTATUS SampleComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS SampleCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return SampleComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS SampleDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PULONG Output = Irp->AssociatedIrp.SystemBuffer;
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_MISSING_CALL ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return SampleComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    *Output = MissingFrobnicate(42); /* the mistake: this system does not have it */
    if (*Output == 43) {
        *Output = MissingNeverCalled(43);
    }
    return SampleComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

VOID SampleUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\MissingImport");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SampleCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SampleCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SampleDeviceControl;
    DriverObject->DriverUnload = SampleUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
