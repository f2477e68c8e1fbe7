/* SPDX-License-Identifier: MIT */
/*
 * Events that nobody has asked for, and requests that nothing has happened for: never both, but
 * for the moment between MonitorPost's two steps.
 */
#include "monitor.h"

MONITOR Monitor;

/* ---- the cancel-safe queue ---- */

/* With an event at hand the request is not queued: Context gets the event. */
static MONITOR_CODE NTSTATUS NTAPI MonitorInsert(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    if (Monitor.Count != 0) {
        *(MONITOR_EVENT *)Context = Monitor.Ring[Monitor.First];
        Monitor.First = (Monitor.First + 1) % MONITOR_EVENTS;
        Monitor.Count--;
        return STATUS_UNSUCCESSFUL;
    }
    InsertTailList(&Monitor.Requests, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static MONITOR_CODE VOID NTAPI MonitorRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* Context: of which file, NULL: of any. */
static MONITOR_CODE PIRP NTAPI MonitorPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Entry =
        Irp == NULL ? Monitor.Requests.Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; Entry != &Monitor.Requests; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (Context == NULL || IoGetCurrentIrpStackLocation(Next)->FileObject == Context) {
            return Next;
        }
    }
    return NULL;
}

static MONITOR_CODE VOID NTAPI MonitorAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&Monitor.Lock, Irql);
}

static MONITOR_CODE VOID NTAPI MonitorRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&Monitor.Lock, Irql);
}

static MONITOR_CODE VOID NTAPI MonitorCancelled(PIO_CSQ Csq, PIRP Irp)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    Monitor.Counts.Cancelled++;
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

INIT_CODE NTSTATUS MonitorInitializeQueue(VOID)
{
    Monitor.Ring =
        ExAllocatePoolWithTag(NonPagedPool, MONITOR_EVENTS * sizeof(MONITOR_EVENT), MONITOR_TAG);
    if (Monitor.Ring == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeInitializeSpinLock(&Monitor.Lock);
    InitializeListHead(&Monitor.Requests);
    return IoCsqInitializeEx(&Monitor.Waiting, MonitorInsert, MonitorRemove, MonitorPeek,
                             MonitorAcquire, MonitorRelease, MonitorCancelled);
}

/* ---- events and requests ---- */

static MONITOR_CODE VOID MonitorAnswer(PIRP Irp, const MONITOR_EVENT *Event)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    Monitor.Counts.Delivered++;
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
    *(MONITOR_EVENT *)Irp->AssociatedIrp.SystemBuffer = *Event;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = sizeof(*Event);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/* The oldest event makes room. */
static MONITOR_CODE VOID MonitorRemember(const MONITOR_EVENT *Event)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    if (Monitor.Count == MONITOR_EVENTS) {
        Monitor.First = (Monitor.First + 1) % MONITOR_EVENTS;
        Monitor.Count--;
        Monitor.Counts.Lost++;
    }
    MONITOR_EVENT *Last = &Monitor.Ring[(Monitor.First + Monitor.Count++) % MONITOR_EVENTS];
    *Last = *Event;
    Last->Sequence = ++Monitor.Sequence;
    Monitor.Counts.Recorded++;
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
}

static MONITOR_CODE BOOLEAN MonitorTake(MONITOR_EVENT *Event)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    BOOLEAN Taken = Monitor.Count != 0;
    if (Taken) {
        *Event = Monitor.Ring[Monitor.First];
        Monitor.First = (Monitor.First + 1) % MONITOR_EVENTS;
        Monitor.Count--;
    }
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
    return Taken;
}

static MONITOR_CODE BOOLEAN MonitorHasEvent(VOID)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    BOOLEAN Has = Monitor.Count != 0;
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
    return Has;
}

MONITOR_CODE VOID MonitorPost(const MONITOR_EVENT *Event)
{
    MONITOR_EVENT Oldest;
    PIRP Irp;

    MonitorRemember(Event);
    while (MonitorHasEvent() && (Irp = IoCsqRemoveNextIrp(&Monitor.Waiting, NULL)) != NULL) {
        /* Somebody else may have taken it meanwhile: then the request goes on waiting. */
        if (MonitorTake(&Oldest) ||
            !NT_SUCCESS(IoCsqInsertIrpEx(&Monitor.Waiting, Irp, NULL, &Oldest))) {
            MonitorAnswer(Irp, &Oldest);
        }
    }
}

MONITOR_CODE NTSTATUS MonitorNext(PIRP Irp)
{
    MONITOR_EVENT Event;

    if (NT_SUCCESS(IoCsqInsertIrpEx(&Monitor.Waiting, Irp, NULL, &Event))) {
        return STATUS_PENDING;
    }
    MonitorAnswer(Irp, &Event);
    return STATUS_SUCCESS;
}

MONITOR_CODE VOID MonitorCancelRequests(PFILE_OBJECT File)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Monitor.Waiting, File)) != NULL) {
        MonitorCancelled(&Monitor.Waiting, Irp);
    }
}

MONITOR_CODE VOID MonitorForget(VOID)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    Monitor.Count = 0;
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
}

MONITOR_CODE VOID MonitorQueryCounts(MONITOR_COUNTS *Counts)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Monitor.Lock, &OldIrql);
    *Counts = Monitor.Counts;
    KeReleaseSpinLock(&Monitor.Lock, OldIrql);
}
