/* SPDX-License-Identifier: MIT */
/*
 * Deferred procedure calls and the dispatch interrupt.
 *
 * KiDispatchInterrupt is the one place where, below device interrupts, the processor's own work is
 * done, in this order: due timers and DPCs (on the DPC stack: the interrupted thread's may be
 * nearly used up), the end of a quantum, a thread switch.
 *
 * The DPC queue is filled by interrupt routines, so its lock is taken with interrupts off. Who
 * makes the queue non-empty asks for the dispatch interrupt; the loop ends only when it has seen
 * the queue empty under the lock, so no DPC is left behind. While DpcRoutineActive, no thread
 * switches on this processor, even if a DPC routine lowers the IRQL: that is found afterwards.
 */
#include "dispatcher.h"
#include "mm/mm.h"
#include "vf/vf.h"

VOID KiInitializeDpcQueue(PKPRCB Prcb)
{
    InitializeListHead(&Prcb->DpcListHead);
    Prcb->DpcQueueDepth = 0;
    Prcb->DpcRoutineActive = FALSE;
    Prcb->QuantumEnd = FALSE;
    Prcb->TimerRequest = FALSE;
}

VOID KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    __builtin_memset(Dpc, 0, sizeof(*Dpc));
    Dpc->Type = DpcObject;
    Dpc->Importance = MediumImportance;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
}

/* As where threaded DPCs are switched off: it runs as an ordinary one, at DISPATCH_LEVEL. */
VOID KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext);
}

VOID KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    Dpc->Importance = (UCHAR)Importance;
}

/* Kept for when there are more processors; all DPCs run on the one there is. */
VOID KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    Dpc->Number = (UCHAR)Number;
}

NTSTATUS KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    if (KeGetProcessorIndexFromNumber(ProcNumber) == INVALID_PROCESSOR_INDEX) {
        return STATUS_INVALID_PARAMETER;
    }
    Dpc->Number = ProcNumber->Number;
    return STATUS_SUCCESS;
}

/* Any IRQL. FALSE: the DPC is in the queue already, and its arguments are the earlier ones. */
BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    ULONG64 Flags = KiDisableInterrupts();
    PKPRCB Prcb = KeGetCurrentPrcb();
    BOOLEAN Inserted = FALSE;

    KiAcquireSpinLockRaw(&Prcb->DpcLock);
    if (Dpc->DpcData == NULL) {
        Inserted = TRUE;
        Dpc->DpcData = Prcb;
        Dpc->SystemArgument1 = SystemArgument1;
        Dpc->SystemArgument2 = SystemArgument2;
        if (Dpc->Importance == HighImportance) {
            InsertHeadList(&Prcb->DpcListHead, &Dpc->DpcListEntry);
        } else {
            InsertTailList(&Prcb->DpcListHead, &Dpc->DpcListEntry);
        }
        if (Prcb->DpcQueueDepth++ == 0) {
            HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
        }
    }
    KiReleaseSpinLockRaw(&Prcb->DpcLock);
    KiRestoreInterrupts(Flags);
    return Inserted;
}

/* Any IRQL. FALSE: it was not in the queue; it may be running. */
BOOLEAN KeRemoveQueueDpc(PRKDPC Dpc)
{
    ULONG64 Flags = KiDisableInterrupts();
    PKPRCB Prcb = Dpc->DpcData;
    BOOLEAN Removed = FALSE;

    if (Prcb != NULL) {
        KiAcquireSpinLockRaw(&Prcb->DpcLock);
        if (Dpc->DpcData == Prcb) {
            RemoveEntryList(&Dpc->DpcListEntry);
            Dpc->DpcData = NULL;
            Prcb->DpcQueueDepth--;
            Removed = TRUE;
        }
        KiReleaseSpinLockRaw(&Prcb->DpcLock);
    }
    KiRestoreInterrupts(Flags);
    return Removed;
}

/* Takes the first DPC out of the queue and copies it: from then on its owner may reuse it. */
static PKDPC KiTakeDpc(PKPRCB Prcb, PKDPC Copy)
{
    ULONG64 Flags = KiDisableInterrupts();
    PKDPC Dpc = NULL;

    KiAcquireSpinLockRaw(&Prcb->DpcLock);
    if (!IsListEmpty(&Prcb->DpcListHead)) {
        Dpc = CONTAINING_RECORD(RemoveHeadList(&Prcb->DpcListHead), KDPC, DpcListEntry);
        *Copy = *Dpc;
        Dpc->DpcData = NULL;
        Prcb->DpcQueueDepth--;
        Prcb->DpcCount++;
    }
    KiReleaseSpinLockRaw(&Prcb->DpcLock);
    KiRestoreInterrupts(Flags);
    return Dpc;
}

/*
 * A driver's routine is one more place where code comes to run at DISPATCH_LEVEL, so Mm is told.
 * A routine that returns at another IRQL: bug check 0xC8 in its form for callouts.
 */
static VOID KiCallDpcRoutine(PKDPC Dpc, const KDPC *Copy)
{
    if (MmFindImage((PVOID)Copy->DeferredRoutine) != NULL) {
        MmNotifyIrqlRaise(DISPATCH_LEVEL);
    }
    KeGetCurrentPrcb()->DpcTimeCount = 0;
    ULONG64 Locks = VfMarkLocks();
    VfEnterRoutine(TimelineDpc, (PVOID)Copy->DeferredRoutine, (ULONG64)Copy->DeferredContext);
    Copy->DeferredRoutine(Dpc, Copy->DeferredContext, Copy->SystemArgument1,
                          Copy->SystemArgument2);
    VfLeaveRoutine(TimelineDpc, (PVOID)Copy->DeferredRoutine, 0);

    KIRQL Irql = KiReadIrql();
    if (Irql != DISPATCH_LEVEL) {
        VfExplainHeldLock(Locks, "a DPC routine");
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE, ((ULONG_PTR)Irql << 16) | (DISPATCH_LEVEL << 8) | 2,
                     (ULONG_PTR)Copy->DeferredRoutine, (ULONG_PTR)Copy->DeferredContext,
                     (ULONG_PTR)Dpc);
    }
    VfCheckLocksReleased(Locks, "a DPC routine");
}

/* On the DPC stack, at DISPATCH_LEVEL, interrupts enabled. */
static VOID KiRetireDpcs(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    KDPC Copy;
    PKDPC Dpc;

    do {
        if (Prcb->TimerRequest) {
            Prcb->TimerRequest = FALSE;
            KiExpireTimers();
        }
        Dpc = KiTakeDpc(Prcb, &Copy);
        if (Dpc != NULL) {
            KiCallDpcRoutine(Dpc, &Copy);
        }
    } while (Dpc != NULL || Prcb->TimerRequest);
}

VOID KiDispatchInterrupt(VOID)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;

    if (Prcb->DpcRoutineActive) {
        return;
    }
    if (Prcb->DpcQueueDepth != 0 || Prcb->TimerRequest) {
        Prcb->DpcRoutineActive = TRUE;
        KiCallOnStack(KiRetireDpcs, Prcb->DpcStack);
        Prcb->DpcRoutineActive = FALSE;
    }
    KiAcquireSpinLockRaw(&KiDispatcherLock);
    BOOLEAN QuantumEnd = Prcb->QuantumEnd;
    if (QuantumEnd) {
        KiEndQuantum(Prcb);
    }
    if (Prcb->NextThread == NULL) {
        KiReleaseSpinLockRaw(&KiDispatcherLock);
        return;
    }
    KiPreemptCurrentThread(QuantumEnd);
    /* Back in this thread, perhaps much later. Delivered when the interrupt returns. */
    if (KiIsApcDeliverable(Thread)) {
        HalRequestSoftwareInterrupt(APC_LEVEL);
    }
}

/* PASSIVE_LEVEL. Every DPC queued before the call has returned when this does. */
VOID KeFlushQueuedDpcs(VOID)
{
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    /* With one processor nothing can be in the midst of a DPC: this thread runs. */
    KiDispatchInterrupt();
    KiWriteIrql(OldIrql);
}

ULONG KeIsExecutingDpc(VOID)
{
    return KeGetCurrentPrcb()->DpcRoutineActive;
}

/* Only for DPC routines that run long; the queue is drained without a time limit. */
ULONG KeShouldYieldProcessor(VOID)
{
    return FALSE;
}

/* WaitIfActive: a routine that runs has returned afterwards. <= DISPATCH_LEVEL, waits below it */
BOOLEAN KeRemoveQueueDpcEx(PRKDPC Dpc, BOOLEAN WaitIfActive)
{
    BOOLEAN Removed = KeRemoveQueueDpc(Dpc);
    if (!Removed && WaitIfActive) {
        KeFlushQueuedDpcs();
    }
    return Removed;
}
