/* SPDX-License-Identifier: MIT */
/* The requests that wait for a reading, and the timer's DPC, which has one. */
#include "port.h"

/* ---- the cancel-safe queue: nonpaged ---- */

static PORT_DEVICE *PortOfQueue(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, PORT_DEVICE, Waiting);
}

static VOID NTAPI PortInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&PortOfQueue(Csq)->Requests, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI PortRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI PortPeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Head = &PortOfQueue(Csq)->Requests;
    PLIST_ENTRY Entry = Irp == NULL ? Head->Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; Entry != Head; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (Context == NULL || IoGetCurrentIrpStackLocation(Next)->FileObject == Context) {
            return Next;
        }
    }
    return NULL;
}

static VOID NTAPI PortAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&PortOfQueue(Csq)->Lock, Irql);
}

static VOID NTAPI PortRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&PortOfQueue(Csq)->Lock, Irql);
}

static NONPAGED_CODE VOID PortEnd(PORT_DEVICE *Device, PIRP Irp, NTSTATUS Status)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Device->Lock, &OldIrql);
    Device->Counts.Cancelled++;
    KeReleaseSpinLock(&Device->Lock, OldIrql);
    PortComplete(Irp, Status, 0);
    IoReleaseRemoveLock(&Device->RemoveLock, Irp);
}

static VOID NTAPI PortCancelled(PIO_CSQ Csq, PIRP Irp)
{
    PortEnd(PortOfQueue(Csq), Irp, STATUS_CANCELLED);
}

NONPAGED_CODE NTSTATUS PortInitializeQueue(PORT_DEVICE *Device)
{
    KeInitializeSpinLock(&Device->Lock);
    InitializeListHead(&Device->Requests);
    KeInitializeTimerEx(&Device->Timer, NotificationTimer);
    KeInitializeDpc(&Device->Dpc, PortTick, Device);
    return IoCsqInitialize(&Device->Waiting, PortInsert, PortRemove, PortPeek, PortAcquire,
                           PortRelease, PortCancelled);
}

NONPAGED_CODE NTSTATUS PortWait(PORT_DEVICE *Device, PIRP Irp)
{
    IoCsqInsertIrp(&Device->Waiting, Irp, NULL);
    return STATUS_PENDING;
}

NONPAGED_CODE VOID PortEndRequests(PORT_DEVICE *Device, PFILE_OBJECT File, NTSTATUS Status)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Device->Waiting, File)) != NULL) {
        PortEnd(Device, Irp, Status);
    }
}

NONPAGED_CODE VOID PortQueryCounts(PORT_DEVICE *Device, SENSOR_COUNTS *Counts)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Device->Lock, &OldIrql);
    *Counts = Device->Counts;
    KeReleaseSpinLock(&Device->Lock, OldIrql);
}

NONPAGED_CODE VOID PortStartTimer(PORT_DEVICE *Device)
{
    LARGE_INTEGER Due;

    Due.QuadPart = -10000 * PORT_PERIOD_MS;
    KeSetTimerEx(&Device->Timer, Due, PORT_PERIOD_MS, &Device->Dpc);
}

/* ---- the DPC: PAGETICK, locked while the timer runs ---- */

TICK_CODE VOID NTAPI PortTick(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PORT_DEVICE *Device = Context;
    PIRP Irp;

    KeAcquireSpinLockAtDpcLevel(&Device->Lock);
    ULONG Value = ++Device->Counts.Ticks;
    KeReleaseSpinLockFromDpcLevel(&Device->Lock);
    while ((Irp = IoCsqRemoveNextIrp(&Device->Waiting, NULL)) != NULL) {
        SENSOR_READING *Reading = Irp->AssociatedIrp.SystemBuffer;
        Reading->Value = Value;
        Reading->Offset = 0;
        KeAcquireSpinLockAtDpcLevel(&Device->Lock);
        Device->Counts.Delivered++;
        KeReleaseSpinLockFromDpcLevel(&Device->Lock);
        PortComplete(Irp, STATUS_SUCCESS, sizeof(*Reading));
        IoReleaseRemoveLock(&Device->RemoveLock, Irp);
    }
}
