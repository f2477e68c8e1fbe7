/* SPDX-License-Identifier: MIT */
/*
 * Cancel-safe queues: the driver keeps the list and its lock, the framework the cancel races.
 *
 * A queued packet's Tail.Overlay.DriverContext[3] points to its IO_CSQ_IRP_CONTEXT, or to the
 * queue itself; both begin with a type by which the cancel routine tells them apart. Whoever takes
 * the cancel routine out of the packet owns it.
 */
#include "io/iop.h"

static NTSTATUS IopInitializeCsq(PIO_CSQ Csq, ULONG Type, IO_CSQ_INSERT_IRP *InsertIrp,
                                 IO_CSQ_REMOVE_IRP *RemoveIrp, IO_CSQ_PEEK_NEXT_IRP *PeekNextIrp,
                                 IO_CSQ_ACQUIRE_LOCK *AcquireLock,
                                 IO_CSQ_RELEASE_LOCK *ReleaseLock,
                                 IO_CSQ_COMPLETE_CANCELED_IRP *CompleteCanceledIrp)
{
    Csq->Type = Type;
    Csq->CsqInsertIrp = InsertIrp;
    Csq->CsqRemoveIrp = RemoveIrp;
    Csq->CsqPeekNextIrp = PeekNextIrp;
    Csq->CsqAcquireLock = AcquireLock;
    Csq->CsqReleaseLock = ReleaseLock;
    Csq->CsqCompleteCanceledIrp = CompleteCanceledIrp;
    Csq->ReservePointer = NULL;
    return STATUS_SUCCESS;
}

NTSTATUS IoCsqInitialize(PIO_CSQ Csq, IO_CSQ_INSERT_IRP *InsertIrp, IO_CSQ_REMOVE_IRP *RemoveIrp,
                         IO_CSQ_PEEK_NEXT_IRP *PeekNextIrp, IO_CSQ_ACQUIRE_LOCK *AcquireLock,
                         IO_CSQ_RELEASE_LOCK *ReleaseLock,
                         IO_CSQ_COMPLETE_CANCELED_IRP *CompleteCanceledIrp)
{
    return IopInitializeCsq(Csq, IO_TYPE_CSQ, InsertIrp, RemoveIrp, PeekNextIrp, AcquireLock,
                            ReleaseLock, CompleteCanceledIrp);
}

NTSTATUS IoCsqInitializeEx(PIO_CSQ Csq, IO_CSQ_INSERT_IRP_EX *InsertIrp,
                           IO_CSQ_REMOVE_IRP *RemoveIrp, IO_CSQ_PEEK_NEXT_IRP *PeekNextIrp,
                           IO_CSQ_ACQUIRE_LOCK *AcquireLock, IO_CSQ_RELEASE_LOCK *ReleaseLock,
                           IO_CSQ_COMPLETE_CANCELED_IRP *CompleteCanceledIrp)
{
    return IopInitializeCsq(Csq, IO_TYPE_CSQ_EX, (IO_CSQ_INSERT_IRP *)(PVOID)InsertIrp, RemoveIrp,
                            PeekNextIrp, AcquireLock, ReleaseLock, CompleteCanceledIrp);
}

/* Queue lock held: the packet leaves the queue, and its context does not know it any more. */
static VOID IopCsqForget(PIRP Irp)
{
    PIO_CSQ_IRP_CONTEXT Context = Irp->Tail.Overlay.DriverContext[3];
    if (Context->Type == IO_TYPE_CSQ_IRP_CONTEXT) {
        Context->Irp = NULL;
    }
    Irp->Tail.Overlay.DriverContext[3] = NULL;
}

/* The cancel routine of every queued packet. */
static VOID IopCsqCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_CSQ_IRP_CONTEXT Context = Irp->Tail.Overlay.DriverContext[3];
    PIO_CSQ Csq = Context->Type == IO_TYPE_CSQ_IRP_CONTEXT ? Context->Csq : (PIO_CSQ)Context;
    KIRQL OldIrql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Csq->CsqAcquireLock(Csq, &OldIrql);
    Csq->CsqRemoveIrp(Csq, Irp);
    IopCsqForget(Irp);
    Csq->CsqReleaseLock(Csq, OldIrql);
    Csq->CsqCompleteCanceledIrp(Csq, Irp);
}

NTSTATUS IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext)
{
    KIRQL OldIrql;

    Irp->Tail.Overlay.DriverContext[3] = Context != NULL ? (PVOID)Context : (PVOID)Csq;
    if (Context != NULL) {
        Context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
        Context->Irp = Irp;
        Context->Csq = Csq;
    }
    Csq->CsqAcquireLock(Csq, &OldIrql);
    if (Csq->Type == IO_TYPE_CSQ_EX) {
        NTSTATUS Status = ((IO_CSQ_INSERT_IRP_EX *)(PVOID)Csq->CsqInsertIrp)(Csq, Irp,
                                                                            InsertContext);
        if (!NT_SUCCESS(Status)) {
            IopCsqForget(Irp);
            Csq->CsqReleaseLock(Csq, OldIrql);
            return Status;
        }
    } else {
        Csq->CsqInsertIrp(Csq, Irp);
    }
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, IopCsqCancel);
    /* Cancelled before: either we get the routine back, or it runs and waits for the lock. */
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        Csq->CsqRemoveIrp(Csq, Irp);
        IopCsqForget(Irp);
        Csq->CsqReleaseLock(Csq, OldIrql);
        Csq->CsqCompleteCanceledIrp(Csq, Irp);
        return STATUS_SUCCESS;
    }
    Csq->CsqReleaseLock(Csq, OldIrql);
    return STATUS_SUCCESS;
}

VOID IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    IoCsqInsertIrpEx(Csq, Irp, Context, NULL);
}

PIRP IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    KIRQL OldIrql;
    Csq->CsqAcquireLock(Csq, &OldIrql);
    PIRP Irp = Context->Irp;
    if (Irp != NULL) {
        if (IoSetCancelRoutine(Irp, NULL) == NULL) {
            Irp = NULL; /* being cancelled */
        } else {
            Csq->CsqRemoveIrp(Csq, Irp);
            IopCsqForget(Irp);
        }
    }
    Csq->CsqReleaseLock(Csq, OldIrql);
    return Irp;
}

PIRP IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    KIRQL OldIrql;
    Csq->CsqAcquireLock(Csq, &OldIrql);
    PIRP Irp = Csq->CsqPeekNextIrp(Csq, NULL, PeekContext);
    while (Irp != NULL && IoSetCancelRoutine(Irp, NULL) == NULL) {
        Irp = Csq->CsqPeekNextIrp(Csq, Irp, PeekContext);
    }
    if (Irp != NULL) {
        Csq->CsqRemoveIrp(Csq, Irp);
        IopCsqForget(Irp);
    }
    Csq->CsqReleaseLock(Csq, OldIrql);
    return Irp;
}
