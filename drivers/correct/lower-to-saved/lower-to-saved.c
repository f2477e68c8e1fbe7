/* SPDX-License-Identifier: MIT */
/* KeLowerIrql to the level that KeRaiseIrql returned. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD RampUnload;
DRIVER_DISPATCH RampCreate, RampClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, RampUnload)

static ULONG RampSteps;

static NTSTATUS RampComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS RampCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeRaiseIrql(APC_LEVEL, &OldIrql); /* so that no APC comes between */
    RampSteps++;
    KeLowerIrql(OldIrql);
    return RampComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS RampClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return RampComplete(Irp, STATUS_SUCCESS);
}

VOID RampUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Ramp");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = RampCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = RampClose;
    DriverObject->DriverUnload = RampUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
