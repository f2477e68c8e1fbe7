/* SPDX-License-Identifier: MIT */
/* A constant is written to. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD PlaqueUnload;
DRIVER_DISPATCH PlaqueCreate, PlaqueClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PlaqueUnload)
#pragma alloc_text(PAGE, PlaqueCreate)

static const CHAR PlaqueText[] = "nobody yet";

static NTSTATUS PlaqueComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Puts a capital in place of the first letter. */
static DECLSPEC_NOINLINE VOID PlaqueCapitalize(PCHAR Text)
{
    *(volatile CHAR *)Text = (CHAR)RtlUpperChar(*Text);
}

NTSTATUS PlaqueCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    PlaqueCapitalize((PCHAR)PlaqueText); /* the mistake: the cast takes away what const has said */
    return PlaqueComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS PlaqueClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return PlaqueComplete(Irp, STATUS_SUCCESS);
}

VOID PlaqueUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Plaque");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = PlaqueCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = PlaqueClose;
    DriverObject->DriverUnload = PlaqueUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
