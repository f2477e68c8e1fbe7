/* SPDX-License-Identifier: MIT */
/* A dispatch routine returns at DISPATCH_LEVEL. See README.md. */
#include <ntifs.h>

#define IOCTL_METER_READ CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD MeterUnload;
DRIVER_DISPATCH MeterCreateClose, MeterDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, MeterUnload)
#pragma alloc_text(PAGE, MeterCreateClose)

static NTSTATUS MeterComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS MeterDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql); /* so that the two parts belong together */
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_METER_READ ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        /* The mistake: this way out does not lower. */
        return MeterComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = 42;
    KeLowerIrql(OldIrql);
    return MeterComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

NTSTATUS MeterCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return MeterComplete(Irp, STATUS_SUCCESS, 0);
}

VOID MeterUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Meter");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = MeterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = MeterCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = MeterDeviceControl;
    DriverObject->DriverUnload = MeterUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
