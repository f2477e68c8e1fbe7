/* SPDX-License-Identifier: MIT */
/* A device registered with WMI is deleted without being deregistered. See README.md. */
#include <wdm.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;
DRIVER_DISPATCH FaultySystemControl;

/* Says that it has a million blocks. */
NTSTATUS FaultySystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PWMIREGINFO Info = Stack->Parameters.WMI.Buffer;
    NTSTATUS Status = STATUS_NOT_SUPPORTED;

    if (Stack->MinorFunction == IRP_MN_REGINFO) {
        Info->BufferSize = Stack->Parameters.WMI.BufferSize;
        Info->GuidCount = 1000000;
        Irp->IoStatus.Information = Info->BufferSize;
        Status = STATUS_SUCCESS;
    }
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID FaultyUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;

    DriverObject->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = FaultySystemControl;
    DriverObject->DriverUnload = FaultyUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        Status = IoWMIRegistrationControl(Device, WMIREG_ACTION_REGISTER);
    }
    return Status;
}
