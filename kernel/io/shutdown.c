/* SPDX-License-Identifier: MIT */
/* Devices that want IRP_MJ_SHUTDOWN before the machine stops; last registered, first told. */
#include "io/iop.h"

typedef struct _IOP_SHUTDOWN {
    LIST_ENTRY Links;
    PDEVICE_OBJECT DeviceObject; /* referenced */
} IOP_SHUTDOWN, *PIOP_SHUTDOWN;

static LIST_ENTRY IopShutdownList;
static KSPIN_LOCK IopShutdownLock;

VOID IopInitializeShutdown(VOID)
{
    InitializeListHead(&IopShutdownList);
    KeInitializeSpinLock(&IopShutdownLock);
}

NTSTATUS IoRegisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    PIOP_SHUTDOWN Entry = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Entry), IO_TAG_EXTENSION);
    if (Entry == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Entry->DeviceObject = DeviceObject;
    ObfReferenceObject(DeviceObject);
    KIRQL OldIrql = KiAcquireSpinLock(&IopShutdownLock);
    InsertHeadList(&IopShutdownList, &Entry->Links);
    KiReleaseSpinLock(&IopShutdownLock, OldIrql);
    DeviceObject->Flags |= DO_SHUTDOWN_REGISTERED;
    return STATUS_SUCCESS;
}

/* Takes out an entry of Device, or the first of all when Device is NULL. */
static PIOP_SHUTDOWN IopTakeShutdown(PDEVICE_OBJECT Device)
{
    PIOP_SHUTDOWN Found = NULL;
    KIRQL OldIrql = KiAcquireSpinLock(&IopShutdownLock);
    for (PLIST_ENTRY Entry = IopShutdownList.Flink; Entry != &IopShutdownList;
         Entry = Entry->Flink) {
        PIOP_SHUTDOWN Shutdown = CONTAINING_RECORD(Entry, IOP_SHUTDOWN, Links);
        if (Device == NULL || Shutdown->DeviceObject == Device) {
            RemoveEntryList(Entry);
            Found = Shutdown;
            break;
        }
    }
    KiReleaseSpinLock(&IopShutdownLock, OldIrql);
    return Found;
}

VOID IoUnregisterShutdownNotification(PDEVICE_OBJECT DeviceObject)
{
    PIOP_SHUTDOWN Entry;
    DeviceObject->Flags &= ~(ULONG)DO_SHUTDOWN_REGISTERED;
    while ((Entry = IopTakeShutdown(DeviceObject)) != NULL) {
        ObfDereferenceObject(Entry->DeviceObject);
        ExFreePoolWithTag(Entry, IO_TAG_EXTENSION);
    }
}

VOID IopShutdownSystem(VOID)
{
    PIOP_SHUTDOWN Entry;
    while ((Entry = IopTakeShutdown(NULL)) != NULL) {
        KEVENT Event;
        IO_STATUS_BLOCK IoStatus;
        PDEVICE_OBJECT Top = IoGetAttachedDeviceReference(Entry->DeviceObject);
        KeInitializeEvent(&Event, NotificationEvent, FALSE);
        PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_SHUTDOWN, Top, NULL, 0, NULL, &Event,
                                                &IoStatus);
        if (Irp != NULL && IofCallDriver(Top, Irp) == STATUS_PENDING) {
            KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        }
        ObfDereferenceObject(Top);
        ObfDereferenceObject(Entry->DeviceObject);
        ExFreePoolWithTag(Entry, IO_TAG_EXTENSION);
    }
}
