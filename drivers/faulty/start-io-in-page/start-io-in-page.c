/* SPDX-License-Identifier: MIT */
/* A StartIo routine in PAGE. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PlotterUnload;
DRIVER_DISPATCH PlotterCreate, PlotterClose;
static DRIVER_STARTIO PlotterStartIo;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PlotterUnload)
#pragma alloc_text(PAGE, PlotterCreate)
#pragma alloc_text(PAGE, PlotterStartIo)

static ULONG PlotterStarted;

static NTSTATUS PlotterComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: StartIo is called at DISPATCH_LEVEL, by whomever, and this one is in PAGE. */
VOID PlotterStartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PlotterStarted++; /* one request at a time, so no lock */
    PlotterComplete(Irp, STATUS_SUCCESS);
    IoStartNextPacket(DeviceObject, FALSE);
}

NTSTATUS PlotterCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

NTSTATUS PlotterClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return PlotterComplete(Irp, STATUS_SUCCESS);
}

VOID PlotterUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Plotter");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PlotterCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PlotterClose;
    DriverObject->DriverStartIo = PlotterStartIo;
    DriverObject->DriverUnload = PlotterUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
