/* SPDX-License-Identifier: MIT */
#include "vf/held_lock.h"

#include "ke/driver_irql.h"

#define VF_HELD_LOCKS 128
#define VF_SAVED_LEVELS 3 /* what is acquired by raising is acquired at DISPATCH_LEVEL or below */

static VF_HELD_LOCK VfHeld[VF_HELD_LOCKS];
static ULONG VfHeldCount;
static ULONG64 VfLockSequence;
static BOOLEAN VfLocksLost; /* the table was full once: a lock not in it may be held */
static KSPIN_LOCK VfLockTableLock;

static ULONG64 VfLockTable(VOID)
{
    ULONG64 Flags = KiDisableInterrupts();
    KiAcquireSpinLockRaw(&VfLockTableLock);
    return Flags;
}

static VOID VfUnlockTable(ULONG64 Flags)
{
    KiReleaseSpinLockRaw(&VfLockTableLock);
    KiRestoreInterrupts(Flags);
}

BOOLEAN VfFindLock(const VF_LOCK_QUERY *Query, VF_HELD_LOCK *Found)
{
    ULONG64 Flags = VfLockTable();
    const VF_HELD_LOCK *Last = NULL;
    for (ULONG i = 0; i < VfHeldCount; i++) {
        const VF_HELD_LOCK *Held = &VfHeld[i];
        BOOLEAN Match =
            (Query->Bytes == 0 || (ULONG64)Held->Lock - (ULONG64)Query->Start < Query->Bytes) &&
            (Query->Handle == NULL || Held->Handle == Query->Handle) &&
            (Query->Prcb == NULL || Held->Prcb == Query->Prcb) &&
            (!Query->Exclusive || !Held->Shared) && Held->Sequence >= Query->Since;
        if (Match && (Last == NULL || Held->Sequence > Last->Sequence)) {
            Last = Held;
        }
    }
    if (Last != NULL) {
        *Found = *Last;
    }
    VfUnlockTable(Flags);
    return Last != NULL;
}

BOOLEAN VfFindHeldSince(ULONG64 First, VF_HELD_LOCK *Found)
{
    const VF_LOCK_QUERY Query = {.Prcb = KeGetCurrentPrcb(), .Since = First};
    return VfFindLock(&Query, Found);
}

static BOOLEAN VfHoldsLock(PKPRCB Prcb)
{
    for (ULONG i = 0; i < VfHeldCount; i++) {
        if (VfHeld[i].Prcb == Prcb) {
            return TRUE;
        }
    }
    return FALSE;
}

VOID VfEnterLock(VF_HELD_LOCK New, PVOID ReturnAddress, KIRQL SavedIrql)
{
    ULONG64 Flags = VfLockTable();
    New.Prcb = KeGetCurrentPrcb();
    New.Place = KI_CALL_SITE(ReturnAddress);
    New.Sequence = VfLockSequence++;
    if (!VfHoldsLock(New.Prcb)) {
        __builtin_memset(New.Prcb->VerifierSavedIrqls, 0, sizeof(New.Prcb->VerifierSavedIrqls));
    }
    if (New.Saved && SavedIrql < VF_SAVED_LEVELS) {
        New.Prcb->VerifierSavedIrqls[SavedIrql]++;
    }
    if (VfHeldCount < VF_HELD_LOCKS) {
        VfHeld[VfHeldCount++] = New;
    } else {
        VfLocksLost = TRUE;
    }
    VfUnlockTable(Flags);
}

BOOLEAN VfRemoveLock(PVOID Lock, PKLOCK_QUEUE_HANDLE Handle, KIRQL NewIrql, VF_HELD_LOCK *Removed,
                     PBOOLEAN Allowed)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    VF_HELD_LOCK *Found = NULL;
    ULONG64 Flags = VfLockTable();
    for (ULONG i = 0; i < VfHeldCount; i++) {
        VF_HELD_LOCK *Held = &VfHeld[i];
        BOOLEAN Match = Handle != NULL ? Held->Handle == Handle
                                       : Held->Lock == Lock && Held->Handle == NULL;
        if (Match && (Found == NULL || Held->Prcb == Prcb)) {
            Found = Held;
        }
    }
    if (Found == NULL) {
        VfUnlockTable(Flags);
        return FALSE;
    }
    *Removed = *Found;
    *Found = VfHeld[--VfHeldCount];
    *Allowed = FALSE;
    if (NewIrql < VF_SAVED_LEVELS && Prcb->VerifierSavedIrqls[NewIrql] != 0) {
        Prcb->VerifierSavedIrqls[NewIrql]--;
        *Allowed = TRUE;
    } else if (NewIrql == DISPATCH_LEVEL && VfHoldsLock(Prcb)) {
        *Allowed = TRUE;
    }
    VfUnlockTable(Flags);
    return TRUE;
}

BOOLEAN VfMissesLocks(VOID)
{
    return VfLocksLost;
}

ULONG64 VfMarkLocks(VOID)
{
    return VfLockSequence;
}
