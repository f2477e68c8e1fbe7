/* SPDX-License-Identifier: MIT */
/*
 * Device queues: a list and a flag that says whether the device works on something. An insertion
 * that finds the device idle makes it busy and queues nothing; a removal that finds the queue
 * empty makes it idle again.
 */
#include "dispatcher.h"

VOID KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    DeviceQueue->Type = DeviceQueueObject;
    DeviceQueue->Size = sizeof(KDEVICE_QUEUE);
    InitializeListHead(&DeviceQueue->DeviceListHead);
    DeviceQueue->Lock = 0;
    DeviceQueue->Reserved = 0;
}

/* In order of sort keys, after those with the same key. */
static VOID KiLinkByKey(PKDEVICE_QUEUE Queue, PKDEVICE_QUEUE_ENTRY Entry)
{
    PLIST_ENTRY Before = Queue->DeviceListHead.Blink;

    while (Before != &Queue->DeviceListHead &&
           CONTAINING_RECORD(Before, KDEVICE_QUEUE_ENTRY, DeviceListEntry)->SortKey >
               Entry->SortKey) {
        Before = Before->Blink;
    }
    InsertHeadList(Before, &Entry->DeviceListEntry);
}

/* FALSE: the device was idle and is busy now; the caller starts it with this entry. */
static BOOLEAN KiInsertDeviceQueue(PKDEVICE_QUEUE Queue, PKDEVICE_QUEUE_ENTRY Entry,
                                   const ULONG *SortKey)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Queue->Lock);
    BOOLEAN WasBusy = Queue->Busy;

    Queue->Busy = TRUE;
    Entry->Inserted = WasBusy;
    if (SortKey != NULL) {
        Entry->SortKey = *SortKey;
    }
    if (WasBusy && SortKey != NULL) {
        KiLinkByKey(Queue, Entry);
    } else if (WasBusy) {
        InsertTailList(&Queue->DeviceListHead, &Entry->DeviceListEntry);
    }
    KiReleaseSpinLock(&Queue->Lock, OldIrql);
    return WasBusy;
}

BOOLEAN KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry)
{
    return KiInsertDeviceQueue(DeviceQueue, Entry, NULL);
}

BOOLEAN KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry,
                                 ULONG SortKey)
{
    return KiInsertDeviceQueue(DeviceQueue, Entry, &SortKey);
}

/* SortKey NULL: the first entry. Else the first with at least that key, or else the first. */
static PKDEVICE_QUEUE_ENTRY KiRemoveDeviceQueue(PKDEVICE_QUEUE Queue, const ULONG *SortKey)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Queue->Lock);
    PKDEVICE_QUEUE_ENTRY Found = NULL;

    if (IsListEmpty(&Queue->DeviceListHead)) {
        Queue->Busy = FALSE;
    } else {
        PLIST_ENTRY Link = Queue->DeviceListHead.Flink;

        Found = CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
        for (; SortKey != NULL && Link != &Queue->DeviceListHead; Link = Link->Flink) {
            PKDEVICE_QUEUE_ENTRY Entry = CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY,
                                                           DeviceListEntry);
            if (Entry->SortKey >= *SortKey) {
                Found = Entry;
                break;
            }
        }
        RemoveEntryList(&Found->DeviceListEntry);
        Found->Inserted = FALSE;
    }
    KiReleaseSpinLock(&Queue->Lock, OldIrql);
    return Found;
}

PKDEVICE_QUEUE_ENTRY KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    return KiRemoveDeviceQueue(DeviceQueue, NULL);
}

PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    return KiRemoveDeviceQueue(DeviceQueue, &SortKey);
}

/* FALSE: the entry was not in the queue. */
BOOLEAN KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY Entry)
{
    KIRQL OldIrql = KiAcquireSpinLock(&DeviceQueue->Lock);
    BOOLEAN WasInserted = Entry->Inserted;

    if (WasInserted) {
        Entry->Inserted = FALSE;
        RemoveEntryList(&Entry->DeviceListEntry);
    }
    KiReleaseSpinLock(&DeviceQueue->Lock, OldIrql);
    return WasInserted;
}
