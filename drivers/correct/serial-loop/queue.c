/* SPDX-License-Identifier: MIT */
/* Cancel-safe queues: the system sets and clears the cancel routine, these callbacks the list. */
#include "correct/serial-loop/serial-loop.h"

static LOCKED_CODE SERIAL_QUEUE *SerialQueueOf(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, SERIAL_QUEUE, Csq);
}

static LOCKED_CODE VOID NTAPI SerialInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&SerialQueueOf(Csq)->Requests, &Irp->Tail.Overlay.ListEntry);
}

static LOCKED_CODE VOID NTAPI SerialRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* What a peek looks for. */
typedef struct {
    BOOLEAN Ready;      /* or any */
    PFILE_OBJECT File;  /* NULL: of any */
} SERIAL_WANTED;

static LOCKED_CODE PIRP NTAPI SerialPeekNext(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    SERIAL_QUEUE *Queue = SerialQueueOf(Csq);
    SERIAL_WANTED *Wanted = Context;
    PLIST_ENTRY Entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : Queue->Requests.Flink;

    for (; Entry != &Queue->Requests; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (Wanted->Ready) {
            /* In order: a request behind one that is not ready has to wait. */
            return SerialIsReady(Queue, Next) ? Next : NULL;
        }
        if (Wanted->File == NULL ||
            IoGetCurrentIrpStackLocation(Next)->FileObject == Wanted->File) {
            return Next;
        }
    }
    return NULL;
}

static LOCKED_CODE VOID NTAPI SerialAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&SerialQueueOf(Csq)->Port->Lock, Irql);
}

static LOCKED_CODE VOID NTAPI SerialRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&SerialQueueOf(Csq)->Port->Lock, Irql);
}

static LOCKED_CODE VOID NTAPI SerialCompleteCanceled(PIO_CSQ Csq, PIRP Irp)
{
    SERIAL_PORT *Port = SerialQueueOf(Csq)->Port;
    InterlockedIncrement((volatile LONG *)&Port->Counts.Cancelled);
    SerialComplete(Irp, STATUS_CANCELLED, 0);
}

PAGE_CODE NTSTATUS SerialQueueInitialize(SERIAL_QUEUE *Queue, SERIAL_PORT *Port)
{
    Queue->Port = Port;
    InitializeListHead(&Queue->Requests);
    return IoCsqInitialize(&Queue->Csq, SerialInsert, SerialRemove, SerialPeekNext, SerialAcquire,
                           SerialRelease, SerialCompleteCanceled);
}

LOCKED_CODE NTSTATUS SerialQueueAdd(SERIAL_QUEUE *Queue, PIRP Irp)
{
    IoCsqInsertIrp(&Queue->Csq, Irp, NULL); /* marks it pending */
    return STATUS_PENDING;
}

LOCKED_CODE PIRP SerialQueueTakeReady(SERIAL_QUEUE *Queue)
{
    SERIAL_WANTED Wanted = {TRUE, NULL};
    return IoCsqRemoveNextIrp(&Queue->Csq, &Wanted);
}

LOCKED_CODE VOID SerialQueueCancel(SERIAL_QUEUE *Queue, PFILE_OBJECT File)
{
    SERIAL_WANTED Wanted = {FALSE, File};
    PIRP Irp;
    while ((Irp = IoCsqRemoveNextIrp(&Queue->Csq, &Wanted)) != NULL) {
        SerialCompleteCanceled(&Queue->Csq, Irp);
    }
}
