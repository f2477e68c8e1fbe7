/* SPDX-License-Identifier: MIT */
/*
 * Mutexes. SignalState is 1 when free, 1 - n when its owner holds it n times. A kernel mutex
 * (ApcDisable 1) keeps its owner in a critical region, as if it had called KeEnterCriticalRegion.
 */
#include "dispatcher.h"

BOOLEAN KiIsMutantFree(PKMUTANT Mutant, PKTHREAD Thread)
{
    return Mutant->Header.SignalState > 0 || Mutant->OwnerThread == Thread;
}

NTSTATUS KiTakeMutant(PKMUTANT Mutant, PKTHREAD Thread)
{
    Mutant->Header.SignalState--;
    if (Mutant->Header.SignalState != 0) {
        return 0;
    }
    Mutant->OwnerThread = Thread;
    Thread->KernelApcDisable = (SHORT)(Thread->KernelApcDisable - Mutant->ApcDisable);
    InsertTailList(&Thread->MutantListHead, &Mutant->MutantListEntry);
    if (!Mutant->Abandoned) {
        return 0;
    }
    Mutant->Abandoned = FALSE;
    return STATUS_ABANDONED;
}

/* The owner gives the mutex up, however often it holds it. */
static VOID KiFreeMutant(PKMUTANT Mutant, KPRIORITY Increment)
{
    PKTHREAD Thread = Mutant->OwnerThread;

    RemoveEntryList(&Mutant->MutantListEntry);
    Thread->KernelApcDisable = (SHORT)(Thread->KernelApcDisable + Mutant->ApcDisable);
    Mutant->OwnerThread = NULL;
    Mutant->Header.SignalState = 1;
    KiTestWaiters(&Mutant->Header, Increment);
}

VOID KiAbandonMutants(PKTHREAD Thread)
{
    while (!IsListEmpty(&Thread->MutantListHead)) {
        PKMUTANT Mutant = CONTAINING_RECORD(Thread->MutantListHead.Flink, KMUTANT,
                                            MutantListEntry);
        Mutant->Abandoned = TRUE;
        KiFreeMutant(Mutant, 0);
    }
}

static VOID KiInitializeMutant(PKMUTANT Mutant, UCHAR ApcDisable)
{
    Mutant->Header.Type = MutantObject;
    Mutant->Header.Signalling = 0;
    Mutant->Header.Size = sizeof(KMUTANT) / sizeof(LONG);
    Mutant->Header.Reserved1 = 0;
    Mutant->Header.SignalState = 1;
    InitializeListHead(&Mutant->Header.WaitListHead);
    InitializeListHead(&Mutant->MutantListEntry);
    Mutant->OwnerThread = NULL;
    Mutant->Abandoned = FALSE;
    Mutant->ApcDisable = ApcDisable;
}

/* Level has had no meaning since the first releases of NT. */
VOID KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    KiInitializeMutant(Mutex, 1);
}

VOID KeInitializeMutant(PKMUTANT Mutant, BOOLEAN InitialOwner)
{
    KiInitializeMutant(Mutant, 0);
    if (InitialOwner) {
        KIRQL OldIrql = KiLockDispatcher();
        KiTakeMutant(Mutant, KiCurrentThread());
        KiExitDispatcher(OldIrql);
    }
}

/*
 * Returns the previous SignalState: 0 when the mutex is free now. Not the owner: raises
 * STATUS_MUTANT_NOT_OWNED, or STATUS_ABANDONED when the owner ended; nothing has changed then.
 */
LONG KeReleaseMutant(PKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    PKTHREAD Thread = KiCurrentThread();
    KIRQL OldIrql = KiLockToSet(Wait);
    LONG Old = Mutant->Header.SignalState;

    if (!Abandoned && Mutant->OwnerThread != Thread) {
        NTSTATUS Status = Mutant->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED;
        KiExitDispatcher(OldIrql);
        ExRaiseStatus(Status);
    }
    if (Abandoned && Mutant->OwnerThread != NULL) {
        Mutant->Abandoned = TRUE;
        KiFreeMutant(Mutant, Increment);
    } else if (Old == 0) {
        KiFreeMutant(Mutant, Increment);
        /* The critical region ends here; what it held back comes when the IRQL falls. */
        if (Thread->KernelApcDisable == 0 &&
            !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
            Thread->ApcState.KernelApcPending = TRUE;
            HalRequestSoftwareInterrupt(APC_LEVEL);
        }
    } else if (Old < 0) {
        Mutant->Header.SignalState = Old + 1;
    }
    KiExitSet(OldIrql, Wait);
    return Old;
}

LONG KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return KeReleaseMutant(Mutex, EVENT_INCREMENT, FALSE, Wait);
}

LONG KeReadStateMutex(PRKMUTEX Mutex)
{
    return Mutex->Header.SignalState;
}

LONG KeReadStateMutant(PKMUTANT Mutant)
{
    return Mutant->Header.SignalState;
}
