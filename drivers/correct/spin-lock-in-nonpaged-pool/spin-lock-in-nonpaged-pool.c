/* SPDX-License-Identifier: MIT */
/* A spin lock in nonpaged pool. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD RelayUnload;
DRIVER_DISPATCH RelayCreate, RelayClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, RelayUnload)

#define RELAY_TAG 'aleR'

typedef struct _RELAY {
    KSPIN_LOCK Lock;
    ULONG Switched;
} RELAY, *PRELAY;

static PRELAY Relay;

static NTSTATUS RelayComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS RelayCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&Relay->Lock, &OldIrql);
    Relay->Switched++;
    KeReleaseSpinLock(&Relay->Lock, OldIrql);
    return RelayComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS RelayClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return RelayComplete(Irp, STATUS_SUCCESS);
}

VOID RelayUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    ExFreePoolWithTag(Relay, RELAY_TAG);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Relay");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = RelayCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = RelayClose;
    DriverObject->DriverUnload = RelayUnload;
    Relay = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(RELAY), RELAY_TAG);
    if (Relay == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeSpinLock(&Relay->Lock);
    Relay->Switched = 0;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Relay, RELAY_TAG);
    }
    return Status;
}
