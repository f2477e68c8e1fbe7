/* SPDX-License-Identifier: MIT */
/* A nonpaged lookaside list is used under a spin lock. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ParcelUnload;
DRIVER_DISPATCH ParcelCreate, ParcelClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ParcelUnload)

#define PARCEL_TAG 'craP'

typedef struct _PARCEL {
    LIST_ENTRY Links;
    ULONG Number;
} PARCEL, *PPARCEL;

static KSPIN_LOCK ParcelLock;
static LIST_ENTRY ParcelSent;
static ULONG ParcelCount;
static NPAGED_LOOKASIDE_LIST ParcelLookaside;

static NTSTATUS ParcelComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Takes the oldest parcel out, or NULL, and gives it back to the lookaside list. */
static BOOLEAN ParcelDeliver(VOID)
{
    BOOLEAN Delivered = FALSE;
    KIRQL OldIrql;
    KeAcquireSpinLock(&ParcelLock, &OldIrql);
    if (!IsListEmpty(&ParcelSent)) {
        PPARCEL First = CONTAINING_RECORD(RemoveHeadList(&ParcelSent), PARCEL, Links);
        ExFreeToNPagedLookasideList(&ParcelLookaside, First);
        Delivered = TRUE;
    }
    KeReleaseSpinLock(&ParcelLock, OldIrql);
    return Delivered;
}

NTSTATUS ParcelCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPARCEL New = ExAllocateFromNPagedLookasideList(&ParcelLookaside);
    KIRQL OldIrql;
    if (New == NULL) {
        return ParcelComplete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    New->Number = 0;
    KeAcquireSpinLock(&ParcelLock, &OldIrql);
    New->Number = ++ParcelCount;
    InsertTailList(&ParcelSent, &New->Links);
    KeReleaseSpinLock(&ParcelLock, OldIrql);
    return ParcelComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS ParcelClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ParcelDeliver();
    return ParcelComplete(Irp, STATUS_SUCCESS);
}

VOID ParcelUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    ExDeleteNPagedLookasideList(&ParcelLookaside);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Parcel");
    KeInitializeSpinLock(&ParcelLock);
    InitializeListHead(&ParcelSent);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ParcelCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ParcelClose;
    DriverObject->DriverUnload = ParcelUnload;
    ExInitializeNPagedLookasideList(&ParcelLookaside, NULL, NULL, 0, sizeof(PARCEL), PARCEL_TAG, 0);
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        ExDeleteNPagedLookasideList(&ParcelLookaside);
    }
    return Status;
}
