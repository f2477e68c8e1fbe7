/* SPDX-License-Identifier: MIT */
/*
 * A process to Ke: an address space and a base priority; and threads that attach to it.
 *
 * While attached, a thread's ApcState is that of the new address space; the state of its own one
 * rests in SavedApcState (first attach) or in the caller's KAPC_STATE (attach inside attach).
 * Two marks in a caller's KAPC_STATE.Process: NULL, the state is in SavedApcState; 1, the thread
 * was there already and nothing was done.
 */
#include "dispatcher.h"

#define KI_NOT_ATTACHED ((PKPROCESS)(ULONG_PTR)1)

VOID KeInitializeProcess(PKPROCESS Process, KPRIORITY BasePriority, ULONG_PTR DirectoryTableBase)
{
    __builtin_memset(Process, 0, sizeof(*Process));
    Process->Header.Type = ProcessObject;
    Process->Header.Size = 6;
    InitializeListHead(&Process->Header.WaitListHead);
    InitializeListHead(&Process->ProfileListHead);
    InitializeListHead(&Process->ThreadListHead);
    Process->DirectoryTableBase = DirectoryTableBase;
    Process->BasePriority = BasePriority;
}

/* At DISPATCH_LEVEL: between the change of ApcState.Process and this nobody may switch. */
VOID KiLoadAddressSpace(PKPROCESS New, PKPROCESS Old)
{
    if (New->DirectoryTableBase != Old->DirectoryTableBase) {
        __asm__ volatile("movq %0, %%cr3" : : "r"(New->DirectoryTableBase) : "memory");
    }
}

/* The lists' heads move, so the entries next to them are bent over. To's old content is lost. */
static VOID KiMoveApcState(PKAPC_STATE From, PKAPC_STATE To)
{
    *To = *From;
    for (ULONG Mode = KernelMode; Mode < MaximumMode; Mode++) {
        if (IsListEmpty(&From->ApcListHead[Mode])) {
            InitializeListHead(&To->ApcListHead[Mode]);
        } else {
            To->ApcListHead[Mode].Flink->Blink = &To->ApcListHead[Mode];
            To->ApcListHead[Mode].Blink->Flink = &To->ApcListHead[Mode];
        }
    }
}

/* Below DISPATCH_LEVEL, not in a DPC. */
VOID KeStackAttachProcess(PRKPROCESS Process, PKAPC_STATE ApcState)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiLockDispatcher();
    PKPROCESS Old = Thread->ApcState.Process;
    PKAPC_STATE Saved;

    if (OldIrql >= DISPATCH_LEVEL || KeGetCurrentPrcb()->DpcRoutineActive) {
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process, (ULONG_PTR)Old,
                     Thread->ApcStateIndex, KeGetCurrentPrcb()->DpcRoutineActive);
    }
    if (Process == Old) {
        ApcState->Process = KI_NOT_ATTACHED;
        KiExitDispatcher(OldIrql);
        return;
    }
    if (Thread->ApcStateIndex == OriginalApcEnvironment) {
        Saved = &Thread->SavedApcState;
        ApcState->Process = NULL;
    } else {
        Saved = ApcState;
    }
    KiMoveApcState(&Thread->ApcState, Saved);
    for (ULONG Mode = KernelMode; Mode < MaximumMode; Mode++) {
        InitializeListHead(&Thread->ApcState.ApcListHead[Mode]);
    }
    Thread->ApcState.Process = Process;
    Thread->ApcState.KernelApcInProgress = FALSE;
    Thread->ApcState.KernelApcPending = FALSE;
    Thread->ApcState.UserApcPending = FALSE;
    Thread->ApcStateIndex = AttachedApcEnvironment;
    Process->AttachCount++;
    KiLoadAddressSpace(Process, Old);
    KiExitDispatcher(OldIrql);
}

/* APCs for the address space that is being left run before it is left. */
VOID KeUnstackDetachProcess(PKAPC_STATE ApcState)
{
    PKTHREAD Thread = KiCurrentThread();

    if (ApcState->Process == KI_NOT_ATTACHED) {
        return;
    }
    KIRQL OldIrql = KiLockDispatcher();
    while (KiDeliverApcsBeforeWait(Thread, OldIrql)) {
        OldIrql = KiLockDispatcher();
    }
    PKPROCESS Attached = Thread->ApcState.Process;
    if (Thread->ApcStateIndex == OriginalApcEnvironment || Thread->ApcState.KernelApcInProgress ||
        !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode]) ||
        !IsListEmpty(&Thread->ApcState.ApcListHead[UserMode])) {
        KeBugCheckEx(INVALID_PROCESS_DETACH_ATTEMPT, (ULONG_PTR)Attached, 0, 0,
                     Thread->ApcStateIndex);
    }
    if (ApcState->Process != NULL) {
        KiMoveApcState(ApcState, &Thread->ApcState);
    } else {
        KiMoveApcState(&Thread->SavedApcState, &Thread->ApcState);
        Thread->ApcStateIndex = OriginalApcEnvironment;
    }
    Attached->AttachCount--;
    KiLoadAddressSpace(Thread->ApcState.Process, Attached);
    if (!IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        Thread->ApcState.KernelApcPending = TRUE;
        if (Thread->SpecialApcDisable == 0) {
            HalRequestSoftwareInterrupt(APC_LEVEL);
        }
    }
    KiExitDispatcher(OldIrql);
}

/* The older pair: one level, and attaching from an attached thread to a third process is fatal. */
VOID KeAttachProcess(PRKPROCESS Process)
{
    PKTHREAD Thread = KiCurrentThread();
    KAPC_STATE Unused;

    if (Process == Thread->ApcState.Process) {
        return;
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment) {
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
                     (ULONG_PTR)Thread->ApcState.Process, Thread->ApcStateIndex,
                     KeGetCurrentPrcb()->DpcRoutineActive);
    }
    KeStackAttachProcess(Process, &Unused);
}

VOID KeDetachProcess(VOID)
{
    KAPC_STATE InSavedState = {.Process = NULL};

    if (KiCurrentThread()->ApcStateIndex != OriginalApcEnvironment) {
        KeUnstackDetachProcess(&InSavedState);
    }
}

BOOLEAN KeIsAttachedProcess(VOID)
{
    return KiCurrentThread()->ApcStateIndex != OriginalApcEnvironment;
}
