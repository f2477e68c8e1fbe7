/* SPDX-License-Identifier: MIT */
/*
 * A request on its way up.
 *
 *   IofCompleteRequest      walks the completion routines, in the completer's context
 *     -> associated packet  counts its master down
 *     -> close or cleanup   wakes the waiting IopSendFileRequest
 *     -> not pending and deferred: tells IopPerformRequest, which finishes it without an APC
 *     -> special kernel APC to the requesting thread
 *          -> IopFinishRequest: copy back, status block, event, user APC, release
 *
 * The APC is the packet's own Tail.Apc, so nothing is allocated; from that moment the fields of
 * Tail.Overlay are gone, and what completion still needs of them travels as arguments.
 */
#include "io/iop.h"
#include "vf/vf.h"

/* Ends a location that has been passed: nothing of it must act again. */
static VOID IopClearLocation(PIO_STACK_LOCATION Stack)
{
    Stack->MinorFunction = 0;
    Stack->Flags = 0;
    Stack->Control = 0;
    RtlZeroMemory(&Stack->Parameters, sizeof(Stack->Parameters));
    Stack->FileObject = NULL;
}

static BOOLEAN IopWantsCompletion(PIRP Irp, UCHAR Control)
{
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        if (Control & SL_INVOKE_ON_SUCCESS) {
            return TRUE;
        }
    } else if (Control & SL_INVOKE_ON_ERROR) {
        return TRUE;
    }
    return Irp->Cancel && (Control & SL_INVOKE_ON_CANCEL);
}

/* FALSE: a completion routine keeps the packet. */
static BOOLEAN IopWalkCompletionRoutines(PIRP Irp)
{
    while (Irp->CurrentLocation <= Irp->StackCount) {
        PIO_STACK_LOCATION Stack = Irp->Tail.Overlay.CurrentStackLocation;
        PIO_COMPLETION_ROUTINE Routine = Stack->CompletionRoutine;
        PVOID Context = Stack->Context;
        UCHAR Control = Stack->Control;

        Irp->CurrentLocation++;
        Irp->Tail.Overlay.CurrentStackLocation++;
        BOOLEAN First = Irp->CurrentLocation == Irp->StackCount + 1;
        Irp->PendingReturned = (Control & SL_PENDING_RETURNED) != 0;
        BOOLEAN Invoke = IopWantsCompletion(Irp, Control) && Routine != NULL;
        IopClearLocation(Stack);
        if (!Invoke) {
            /* Who has no routine to do it passes the mark on. */
            if (Irp->PendingReturned && !First) {
                IoMarkIrpPending(Irp);
            }
            continue;
        }
        KIRQL Before = KeGetCurrentIrql();
        ULONG64 Locks = VfMarkLocks();
        VfEnterRoutine(TimelineCompletion, (PVOID)Routine, (ULONG64)Context);
        /* The location above belongs to the driver that set the routine; the creator has none. */
        NTSTATUS Status = Routine(First ? NULL : IoGetCurrentIrpStackLocation(Irp)->DeviceObject,
                                  Irp, Context);
        VfLeaveRoutine(TimelineCompletion, (PVOID)Routine, (ULONG)Status);
        KIRQL After = KeGetCurrentIrql();
        if (After != Before) {
            VfExplainHeldLock(Locks, "a completion routine");
            KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0xfa, (ULONG_PTR)Routine, Before,
                         After);
        }
        if (Status == STATUS_MORE_PROCESSING_REQUIRED) {
            return FALSE;
        }
    }
    return TRUE;
}

static VOID IopUnlockMdls(PIRP Irp)
{
    for (PMDL Mdl = Irp->MdlAddress; Mdl != NULL; Mdl = Mdl->Next) {
        if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
            MmUnlockPages(Mdl);
        }
    }
}

static VOID IopFreeMdls(PIRP Irp)
{
    while (Irp->MdlAddress != NULL) {
        PMDL Mdl = Irp->MdlAddress;
        Irp->MdlAddress = Mdl->Next;
        IoFreeMdl(Mdl);
    }
}

static VOID IopCompleteAssociated(PIRP Irp, CCHAR PriorityBoost)
{
    PIRP Master = Irp->AssociatedIrp.MasterIrp;
    LONG Left = InterlockedDecrement(&Master->AssociatedIrp.IrpCount);
    IopUnlockMdls(Irp);
    IopFreeMdls(Irp);
    IoFreeIrp(Irp);
    if (Left == 0) {
        IofCompleteRequest(Master, PriorityBoost);
    }
}

/* The special kernel APC; SystemArgument1 is the file, SystemArgument2 the buffer's length. */
static VOID IopCompletionApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                             PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    IopFinishRequest(CONTAINING_RECORD(Apc, IRP, Tail.Apc), *SystemArgument1,
                     (ULONG)(ULONG_PTR)*SystemArgument2);
}

/* The thread ended before its requests did; PspExitThread does not let that happen. */
static VOID IopCompletionRundown(PKAPC Apc)
{
    KeBugCheckEx(INCONSISTENT_IRP, (ULONG_PTR)CONTAINING_RECORD(Apc, IRP, Tail.Apc), 0, 0, 0);
}

static VOID IopCheckCompleted(PIRP Irp, PVOID Caller)
{
    if (Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation > Irp->StackCount + 1) {
        KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, __LINE__, 0, 0);
    }
    if (Irp->CancelRoutine != NULL) {
        KeBugCheckEx(CANCEL_STATE_IN_COMPLETED_IRP, (ULONG_PTR)Irp,
                     (ULONG_PTR)Irp->CancelRoutine, 0, 0);
    }
    if (Irp->IoStatus.Status == STATUS_PENDING) {
        IopReportFinding(IopFindingStatusPending, "a request is completed with STATUS_PENDING",
                         KI_CALL_SITE(Caller));
    }
}

VOID IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    IopCheckCompleted(Irp, KI_RETURN_ADDRESS());
    if (Irp->CurrentLocation == Irp->StackCount + 1) {
        /* All locations have been passed: this is the second completion of the packet. */
        if (Irp->Flags & IRP_ASSOCIATED_IRP || Irp->Tail.Overlay.Thread == NULL) {
            KeBugCheckEx(MULTIPLE_IRP_COMPLETE_REQUESTS, (ULONG_PTR)Irp, __LINE__, 0, 0);
        }
    }
    if (!IopWalkCompletionRoutines(Irp)) {
        return;
    }
    /* Marks the packet so that one more completion is seen above. */
    Irp->CurrentLocation = (CCHAR)(Irp->StackCount + 2);
    if (Irp->Flags & IRP_ASSOCIATED_IRP) {
        IopCompleteAssociated(Irp, PriorityBoost);
        return;
    }
    if (Irp->Flags & IRP_CLOSE_OPERATION) {
        /* Nobody wants data back: the waiting thread frees the packet. */
        *Irp->UserIosb = Irp->IoStatus;
        KeSetEvent(Irp->UserEvent, PriorityBoost, FALSE);
        return;
    }
    IopUnlockMdls(Irp);
    if ((Irp->Flags & IRP_DEFER_IO_COMPLETION) && !Irp->PendingReturned) {
        PKEVENT Event = Irp->UserEvent;
        *(volatile BOOLEAN *)Irp->Overlay.AsynchronousParameters.UserApcContext = TRUE;
        KeSetEvent(Event, PriorityBoost, FALSE);
        return;
    }
    PETHREAD Thread = Irp->Tail.Overlay.Thread;
    PFILE_OBJECT FileObject = Irp->Tail.Overlay.OriginalFileObject;
    PVOID BufferLength = Irp->Tail.Overlay.AuxiliaryBuffer;
    if (Thread == NULL) {
        /* A driver's own packet, whose completion routine did not keep it. */
        KeBugCheckEx(INCONSISTENT_IRP, (ULONG_PTR)Irp, 0, 0, 0);
    }
    KeInitializeApc(&Irp->Tail.Apc, &Thread->Tcb, (KAPC_ENVIRONMENT)Irp->ApcEnvironment,
                    IopCompletionApc, IopCompletionRundown, NULL, KernelMode, NULL);
    if (!KeInsertQueueApc(&Irp->Tail.Apc, FileObject, BufferLength, PriorityBoost)) {
        KeBugCheckEx(INCONSISTENT_IRP, (ULONG_PTR)Irp, 0, 0, 0); /* the thread has ended */
    }
}

static VOID IopReturnBuffer(PIRP Irp, ULONG BufferLength)
{
    if ((Irp->Flags & IRP_INPUT_OPERATION) && !NT_ERROR(Irp->IoStatus.Status) &&
        Irp->IoStatus.Status != STATUS_PENDING) {
        SIZE_T Length = Irp->IoStatus.Information;
        if (Length > BufferLength) {
            IopReportFinding(IopFindingBufferOverrun,
                             "IoStatus.Information is larger than the output buffer", NULL);
            Length = BufferLength;
        }
        NTSTATUS Status = MmCopyGuarded(Irp->UserBuffer, Irp->AssociatedIrp.SystemBuffer, Length);
        if (!NT_SUCCESS(Status)) {
            Irp->IoStatus.Status = Status;
            Irp->IoStatus.Information = 0;
        }
    }
    if (Irp->Flags & IRP_DEALLOCATE_BUFFER) {
        ExFreePool(Irp->AssociatedIrp.SystemBuffer);
        Irp->AssociatedIrp.SystemBuffer = NULL;
    }
}

/* The second life of Tail.Apc: the caller's APC routine. The packet goes with it. */
static VOID IopUserApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                       PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

static VOID IopUserApcRundown(PKAPC Apc)
{
    IoFreeIrp(CONTAINING_RECORD(Apc, IRP, Tail.Apc));
}

static VOID IopSignalRequest(PIRP Irp, PFILE_OBJECT FileObject)
{
    MmCopyGuarded(Irp->UserIosb, &Irp->IoStatus, sizeof(IO_STATUS_BLOCK));
    if (FileObject != NULL && (FileObject->Flags & FO_SYNCHRONOUS_IO)) {
        FileObject->FinalStatus = Irp->IoStatus.Status;
    }
    if (Irp->UserEvent != NULL) {
        KeSetEvent(Irp->UserEvent, 0, FALSE);
    } else if (FileObject != NULL) {
        KeSetEvent(&FileObject->Event, 0, FALSE);
    }
}

VOID IopFinishRequest(PIRP Irp, PFILE_OBJECT FileObject, ULONG BufferLength)
{
    NT_ASSERT(KeGetCurrentIrql() == APC_LEVEL);
    if (Irp->Flags & IRP_BUFFERED_IO) {
        IopReturnBuffer(Irp, BufferLength);
    }
    IopFreeMdls(Irp);
    IopDequeueThreadIrp(Irp);

    /*
     * An error that the dispatch routine returned itself is the caller's already: its status
     * block and event stay untouched, unless it waits for this packet alone.
     */
    BOOLEAN Immediate = NT_ERROR(Irp->IoStatus.Status) && !Irp->PendingReturned &&
                        !(Irp->Flags & IRP_SYNCHRONOUS_API);
    PKEVENT Event = FileObject != NULL && !(Irp->Flags & IRP_SYNCHRONOUS_API) ? Irp->UserEvent
                                                                              : NULL;
    /* A create has the allocation size in that place. */
    PIO_APC_ROUTINE ApcRoutine = FileObject != NULL && !(Irp->Flags & IRP_CREATE_OPERATION)
                                     ? Irp->Overlay.AsynchronousParameters.UserApcRoutine
                                     : NULL;
    if (!Immediate && Irp->UserIosb != NULL) {
        IopSignalRequest(Irp, FileObject);
    }
    if (!Immediate && ApcRoutine != NULL) {
        PIO_STATUS_BLOCK IoStatus = Irp->UserIosb;
        KPROCESSOR_MODE Mode = Irp->RequestorMode;
        KeInitializeApc(&Irp->Tail.Apc, KeGetCurrentThread(), CurrentApcEnvironment, IopUserApc,
                        IopUserApcRundown, (PKNORMAL_ROUTINE)(PVOID)ApcRoutine, Mode,
                        Irp->Overlay.AsynchronousParameters.UserApcContext);
        if (!KeInsertQueueApc(&Irp->Tail.Apc, IoStatus, NULL, 2)) {
            IoFreeIrp(Irp); /* the thread is ending: nobody is told */
        }
    } else {
        IoFreeIrp(Irp);
    }
    if (Event != NULL) {
        ObfDereferenceObject(Event);
    }
    if (FileObject != NULL) {
        ObfDereferenceObject(FileObject);
    }
}
