/* SPDX-License-Identifier: MIT */
/* A spin lock is released twice. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD HingeUnload;
DRIVER_DISPATCH HingeCreate, HingeClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, HingeUnload)

static KSPIN_LOCK HingeLock;
static ULONG HingeTurns;

static NTSTATUS HingeComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS HingeCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&HingeLock, &OldIrql);
    if (++HingeTurns % 2 != 0) {
        KeReleaseSpinLock(&HingeLock, OldIrql); /* the mistake: and below once more */
    }
    KeReleaseSpinLock(&HingeLock, OldIrql);
    return HingeComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS HingeClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return HingeComplete(Irp, STATUS_SUCCESS);
}

VOID HingeUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Hinge");
    KeInitializeSpinLock(&HingeLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = HingeCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = HingeClose;
    DriverObject->DriverUnload = HingeUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
