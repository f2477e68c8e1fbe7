/* SPDX-License-Identifier: MIT */
/* A spin lock is taken by a routine whose caller holds it. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD NestUnload;
DRIVER_DISPATCH NestCreate, NestClose;
static ULONG NestTotal(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, NestUnload)

static KSPIN_LOCK NestLock;
static ULONG NestLeft, NestRight, NestHighest;

static NTSTATUS NestComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Takes the lock. */
static DECLSPEC_NOINLINE ULONG NestTotal(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&NestLock, &OldIrql);
    ULONG Total = NestLeft + NestRight;
    KeReleaseSpinLock(&NestLock, OldIrql);
    return Total;
}

NTSTATUS NestCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&NestLock, &OldIrql);
    NestLeft++;
    if (NestTotal() > NestHighest) { /* the mistake: it waits for the lock that is held here */
        NestHighest = NestLeft + NestRight;
    }
    KeReleaseSpinLock(&NestLock, OldIrql);
    return NestComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS NestClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return NestComplete(Irp, STATUS_SUCCESS);
}

VOID NestUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Nest");
    KeInitializeSpinLock(&NestLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = NestCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = NestClose;
    DriverObject->DriverUnload = NestUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
