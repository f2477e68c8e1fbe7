/* SPDX-License-Identifier: MIT */
/* A spin lock is released on every path. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD GateUnload;
DRIVER_DISPATCH GateCreate, GateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, GateUnload)

#define GATE_WIDTH 1

static KSPIN_LOCK GateLock;
static ULONG GateInside;

static NTSTATUS GateComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS GateCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&GateLock, &OldIrql);
    if (GateInside >= GATE_WIDTH) {
        KeReleaseSpinLock(&GateLock, OldIrql);
        return GateComplete(Irp, STATUS_DEVICE_BUSY);
    }
    GateInside++;
    KeReleaseSpinLock(&GateLock, OldIrql);
    return GateComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS GateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&GateLock, &OldIrql);
    GateInside--;
    KeReleaseSpinLock(&GateLock, OldIrql);
    return GateComplete(Irp, STATUS_SUCCESS);
}

VOID GateUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Gate");
    KeInitializeSpinLock(&GateLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GateCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GateClose;
    DriverObject->DriverUnload = GateUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
