/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous procedure calls: code that runs in a given thread.
 *
 *   special kernel  no NormalRoutine; at APC_LEVEL whenever the thread is below APC_LEVEL and
 *                   outside guarded regions; before all normal ones
 *   normal kernel   KernelRoutine at APC_LEVEL, then NormalRoutine at PASSIVE_LEVEL; not in
 *                   critical regions, and not while another normal one runs
 *   user            on the way back to user mode, in or after an alertable user-mode wait
 *
 * KernelApcPending of the current thread says that its kernel queue should be looked at; it is set
 * at insertion and when a region ends, cleared by KiDeliverApc. Delivery comes by the APC
 * interrupt for the running thread, by ending its wait for a waiting one, and otherwise when it
 * next runs. An attached thread has two sets of queues; those of the other address space rest.
 */
#include "dispatcher.h"

VOID KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                     PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                     PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE Mode, PVOID NormalContext)
{
    __builtin_memset(Apc, 0, sizeof(*Apc));
    Apc->Type = ApcObject;
    Apc->Size = sizeof(KAPC);
    Apc->Thread = Thread;
    Apc->ApcStateIndex = (CCHAR)(Environment == CurrentApcEnvironment ? Thread->ApcStateIndex
                                                                      : Environment);
    Apc->KernelRoutine = KernelRoutine;
    Apc->RundownRoutine = RundownRoutine;
    Apc->NormalRoutine = NormalRoutine;
    if (NormalRoutine != NULL) {
        Apc->ApcMode = Mode;
        Apc->NormalContext = NormalContext;
    }
}

/* Lock held. Special APCs stand before normal ones, each kind in order of insertion. */
static VOID KiLinkApc(PKAPC_STATE State, PKAPC Apc)
{
    PLIST_ENTRY Head = &State->ApcListHead[(UCHAR)Apc->ApcMode];
    PLIST_ENTRY Entry = Head;

    if (Apc->NormalRoutine != NULL) {
        InsertTailList(Head, &Apc->ApcListEntry);
        return;
    }
    while (Entry->Flink != Head &&
           CONTAINING_RECORD(Entry->Flink, KAPC, ApcListEntry)->NormalRoutine == NULL) {
        Entry = Entry->Flink;
    }
    InsertHeadList(Entry, &Apc->ApcListEntry);
}

/* Lock held. The APC is in the current queue of its thread: makes the thread notice. */
static VOID KiSignalApc(PKTHREAD Thread, PKAPC Apc, KPRIORITY Increment)
{
    if (Apc->ApcMode == UserMode) {
        if (Thread->State == Waiting && Thread->WaitMode == UserMode &&
            (Thread->Alertable || Thread->ApcState.UserApcPending)) {
            Thread->ApcState.UserApcPending = TRUE;
            KiUnwaitThread(Thread, STATUS_USER_APC, Increment);
        }
        return;
    }
    Thread->ApcState.KernelApcPending = TRUE;
    if (Thread->SpecialApcDisable != 0) {
        return;
    }
    if (Thread == KiCurrentThread()) {
        HalRequestSoftwareInterrupt(APC_LEVEL);
    } else if (Thread->State == Waiting && Thread->WaitIrql < APC_LEVEL &&
               (Apc->NormalRoutine == NULL ||
                (Thread->KernelApcDisable == 0 && !Thread->ApcState.KernelApcInProgress))) {
        KiUnwaitThread(Thread, KI_STATUS_KERNEL_APC, Increment);
    }
}

VOID KeEndUserThread(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();

    Thread->Terminating = TRUE;
    /* What the thread is attached to has no say: its own state is looked at on the way out. */
    if (Thread->ApcStateIndex == OriginalApcEnvironment) {
        Thread->ApcState.UserApcPending = TRUE;
    } else {
        Thread->SavedApcState.UserApcPending = TRUE;
    }
    if (Thread->State == Waiting && Thread->WaitMode == UserMode) {
        KiUnwaitThread(Thread, STATUS_USER_APC, 0);
    }
    KiExitDispatcher(OldIrql);
}

/*
 * FALSE: the APC is queued already, its thread is ending, or it is for user mode and the thread
 * never goes there.
 */
BOOLEAN KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                         KPRIORITY Increment)
{
    PKTHREAD Thread = Apc->Thread;
    KIRQL OldIrql = KiLockDispatcher();

    if (Apc->Inserted || !Thread->ApcQueueable ||
        (Apc->ApcMode == UserMode && Thread->SystemThread)) {
        KiExitDispatcher(OldIrql);
        return FALSE;
    }
    if (Apc->ApcStateIndex == InsertApcEnvironment) {
        Apc->ApcStateIndex = (CCHAR)Thread->ApcStateIndex;
    }
    Apc->SystemArgument1 = SystemArgument1;
    Apc->SystemArgument2 = SystemArgument2;
    Apc->Inserted = TRUE;
    if (Apc->ApcStateIndex == Thread->ApcStateIndex) {
        KiLinkApc(&Thread->ApcState, Apc);
        KiSignalApc(Thread, Apc, Increment);
    } else {
        /* Noticed when the thread detaches. */
        KiLinkApc(&Thread->SavedApcState, Apc);
        if (Apc->ApcMode == KernelMode) {
            Thread->SavedApcState.KernelApcPending = TRUE;
        }
    }
    KiExitDispatcher(OldIrql);
    return TRUE;
}

BOOLEAN KeRemoveQueueApc(PRKAPC Apc)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN Removed = Apc->Inserted;

    if (Removed) {
        Apc->Inserted = FALSE;
        RemoveEntryList(&Apc->ApcListEntry);
    }
    KiExitDispatcher(OldIrql);
    return Removed;
}

static VOID KiCheckApcIrql(KIRQL Expected, ULONG Unique, PKKERNEL_ROUTINE KernelRoutine, PKAPC Apc,
                           PKNORMAL_ROUTINE NormalRoutine)
{
    KIRQL Irql = KiReadIrql();

    if (Irql != Expected) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE,
                     ((ULONG_PTR)Irql << 16) | ((ULONG_PTR)Expected << 8) | Unique,
                     (ULONG_PTR)KernelRoutine, (ULONG_PTR)Apc, (ULONG_PTR)NormalRoutine);
    }
}

/*
 * Runs one APC of the current thread, which stands first in its queue. Lock held on entry, not on
 * return. The KernelRoutine may free the APC and may take the NormalRoutine away.
 */
static VOID KiRunKernelApc(PKTHREAD Thread, PKAPC Apc)
{
    PKKERNEL_ROUTINE KernelRoutine = Apc->KernelRoutine;
    PKNORMAL_ROUTINE NormalRoutine = Apc->NormalRoutine;
    PVOID NormalContext = Apc->NormalContext;
    PVOID Argument1 = Apc->SystemArgument1;
    PVOID Argument2 = Apc->SystemArgument2;
    BOOLEAN Normal = NormalRoutine != NULL;

    RemoveEntryList(&Apc->ApcListEntry);
    Apc->Inserted = FALSE;
    KiExitDispatcher(APC_LEVEL);
    KernelRoutine(Apc, &NormalRoutine, &NormalContext, &Argument1, &Argument2);
    KiCheckApcIrql(APC_LEVEL, Normal, KernelRoutine, Apc, NormalRoutine);
    if (Normal && NormalRoutine != NULL) {
        Thread->ApcState.KernelApcInProgress = TRUE;
        KiWriteIrql(PASSIVE_LEVEL);
        NormalRoutine(NormalContext, Argument1, Argument2);
        KiCheckApcIrql(PASSIVE_LEVEL, 1, KernelRoutine, Apc, NormalRoutine);
        KiWriteIrql(APC_LEVEL);
        Thread->ApcState.KernelApcInProgress = FALSE;
    }
}

/* Lock held on entry and return. */
static VOID KiRunUserApc(PKTHREAD Thread, PKTRAP_FRAME TrapFrame)
{
    PKAPC Apc = CONTAINING_RECORD(Thread->ApcState.ApcListHead[UserMode].Flink, KAPC, ApcListEntry);
    PKKERNEL_ROUTINE KernelRoutine = Apc->KernelRoutine;
    PKNORMAL_ROUTINE NormalRoutine = Apc->NormalRoutine;
    PVOID NormalContext = Apc->NormalContext;
    PVOID Argument1 = Apc->SystemArgument1;
    PVOID Argument2 = Apc->SystemArgument2;

    RemoveEntryList(&Apc->ApcListEntry);
    Apc->Inserted = FALSE;
    Thread->ApcState.UserApcPending = FALSE;
    KiExitDispatcher(APC_LEVEL);
    KernelRoutine(Apc, &NormalRoutine, &NormalContext, &Argument1, &Argument2);
    KiCheckApcIrql(APC_LEVEL, 1, KernelRoutine, Apc, NormalRoutine);
    if (NormalRoutine != NULL) {
        KiInitializeUserApc(TrapFrame, NormalRoutine, NormalContext, Argument1, Argument2);
    }
    KiLockDispatcher();
    if (NormalRoutine == NULL && !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
        Thread->ApcState.UserApcPending = TRUE; /* no NtContinue will come for the next */
    }
}

/*
 * At APC_LEVEL, from the APC interrupt (TrapFrame) or from the dispatcher (NULL). Returns at
 * APC_LEVEL. An APC that changes the address space and does not change it back: bug check 0x05.
 */
VOID KiDeliverApc(KPROCESSOR_MODE Mode, PKTRAP_FRAME TrapFrame)
{
    PKTHREAD Thread = KiCurrentThread();
    PKPROCESS Process = Thread->ApcState.Process;
    PLIST_ENTRY Head = &Thread->ApcState.ApcListHead[KernelMode];
    PKTRAP_FRAME OldTrapFrame = Thread->TrapFrame;

    Thread->TrapFrame = TrapFrame;
    KiLockDispatcher();
    if (Thread->SpecialApcDisable == 0) {
        Thread->ApcState.KernelApcPending = FALSE;
        while (!IsListEmpty(Head)) {
            PKAPC Apc = CONTAINING_RECORD(Head->Flink, KAPC, ApcListEntry);

            if (Apc->NormalRoutine != NULL &&
                (Thread->KernelApcDisable != 0 || Thread->ApcState.KernelApcInProgress)) {
                break;
            }
            KiRunKernelApc(Thread, Apc);
            KiLockDispatcher();
        }
        if (Mode == UserMode && Thread->ApcState.UserApcPending) {
            if (IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
                Thread->ApcState.UserApcPending = FALSE; /* it was taken back */
            } else {
                KiRunUserApc(Thread, TrapFrame);
            }
        }
    }
    KiExitDispatcher(APC_LEVEL);
    Thread->TrapFrame = OldTrapFrame;
    if (Thread->ApcState.Process != Process) {
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
                     (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex,
                     KeGetCurrentPrcb()->DpcRoutineActive);
    }
}

VOID KiCheckForKernelApcDelivery(VOID)
{
    KIRQL OldIrql = KiReadIrql();

    if (OldIrql >= APC_LEVEL) {
        KiCurrentThread()->ApcState.KernelApcPending = TRUE;
        HalRequestSoftwareInterrupt(APC_LEVEL);
        return;
    }
    KiWriteIrql(APC_LEVEL);
    KiDeliverApc(KernelMode, NULL);
    KiWriteIrql(OldIrql);
}

/* Kernel APCs run for the last time; user ones, which cannot any more, are run down. */
VOID KiRundownApcs(PKTHREAD Thread)
{
    KIRQL OldIrql = KiLockDispatcher();

    Thread->ApcQueueable = FALSE;
    KiExitDispatcher(OldIrql);
    KiCheckForKernelApcDelivery();
    OldIrql = KiLockDispatcher();
    while (!IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
        PKAPC Apc = CONTAINING_RECORD(RemoveHeadList(&Thread->ApcState.ApcListHead[UserMode]),
                                      KAPC, ApcListEntry);
        Apc->Inserted = FALSE;
        KiExitDispatcher(OldIrql);
        if (Apc->RundownRoutine != NULL) {
            Apc->RundownRoutine(Apc);
        }
        OldIrql = KiLockDispatcher();
    }
    if (!IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        KeBugCheckEx(KERNEL_APC_PENDING_DURING_EXIT,
                     (ULONG_PTR)Thread->ApcState.ApcListHead[KernelMode].Flink, 0, OldIrql, 0);
    }
    KiExitDispatcher(OldIrql);
}
