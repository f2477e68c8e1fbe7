/* SPDX-License-Identifier: MIT */
/* Pageable code takes a spin lock. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD TurnstileUnload;
DRIVER_DISPATCH TurnstileCreate, TurnstileClose;
static VOID TurnstileCount(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, TurnstileUnload)
#pragma alloc_text(PAGE, TurnstileCreate)
#pragma alloc_text(PAGE, TurnstileCount)

static KSPIN_LOCK TurnstileLock;
static ULONG TurnstilePassed, TurnstileHighest;

static NTSTATUS TurnstileComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: from the acquisition to the release this runs at DISPATCH_LEVEL, and is in PAGE. */
static DECLSPEC_NOINLINE VOID TurnstileCount(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&TurnstileLock, &OldIrql);
    TurnstilePassed++;
    if (TurnstilePassed > TurnstileHighest) {
        TurnstileHighest = TurnstilePassed;
    }
    KeReleaseSpinLock(&TurnstileLock, OldIrql);
}

NTSTATUS TurnstileCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    TurnstileCount();
    return TurnstileComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS TurnstileClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return TurnstileComplete(Irp, STATUS_SUCCESS);
}

VOID TurnstileUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Turnstile");
    KeInitializeSpinLock(&TurnstileLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = TurnstileCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = TurnstileClose;
    DriverObject->DriverUnload = TurnstileUnload;
    return IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
}
