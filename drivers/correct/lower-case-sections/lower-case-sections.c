/* SPDX-License-Identifier: MIT */
/* Sections named page and init, in small letters: nonpaged. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LowerUnload;
DRIVER_DISPATCH LowerCreateClose;

#pragma alloc_text(init, DriverEntry)
#pragma alloc_text(page, LowerUnload)
#pragma alloc_text(page, LowerCreateClose)

static KSPIN_LOCK LowerLock;
static volatile ULONG LowerOpens;

/* Takes a spin lock, which would not do in PAGE. */
NTSTATUS LowerCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Irql;
    KeAcquireSpinLock(&LowerLock, &Irql);
    LowerOpens++;
    KeReleaseSpinLock(&LowerLock, Irql);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID LowerUnload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Lower");
    KeInitializeSpinLock(&LowerLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = LowerCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = LowerCreateClose;
    DriverObject->DriverUnload = LowerUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
