/* SPDX-License-Identifier: MIT */
/*
 * Push locks: a pointer-sized lock for one exclusive or many shared owners, without owner records.
 * The caller is in a critical region, at or below APC_LEVEL.
 *
 *   bit 0     held exclusively
 *   bit 1     somebody waits; then only who holds the table's lock changes the word, but for
 *             shared owners, who still take themselves off
 *   bits 4..  number of shared owners
 *
 * Waiters stand in a table of lists, by the lock's address, in order of arrival. The last owner to
 * leave hands the lock to the first waiter, or to all shared ones up to the first exclusive one;
 * newcomers queue up behind, so nobody starves.
 */
#include "ex/ex.h"

#define EXP_EXCLUSIVE 1ull
#define EXP_WAITERS 2ull
#define EXP_SHARE 16ull
#define EXP_PUSH_LOCK_LISTS 32u

typedef struct _EXP_PUSH_LOCK_WAITER {
    LIST_ENTRY Link;
    PEX_PUSH_LOCK Lock;
    BOOLEAN Exclusive;
    KEVENT Event;
} EXP_PUSH_LOCK_WAITER;

static struct {
    KSPIN_LOCK SpinLock;
    LIST_ENTRY Waiters; /* Flink NULL: not used yet */
} ExpPushLockTable[EXP_PUSH_LOCK_LISTS];

static ULONG ExpPushLockIndex(PEX_PUSH_LOCK PushLock)
{
    ULONG_PTR Address = (ULONG_PTR)PushLock;

    return (ULONG)((Address >> 4) ^ (Address >> 12)) % EXP_PUSH_LOCK_LISTS;
}

static BOOLEAN ExpExchange(PEX_PUSH_LOCK PushLock, ULONG_PTR Old, ULONG_PTR New)
{
    return __sync_bool_compare_and_swap((volatile ULONG_PTR *)PushLock, Old, New);
}

static ULONG_PTR ExpReadPushLock(PEX_PUSH_LOCK PushLock)
{
    return __atomic_load_n((volatile ULONG_PTR *)PushLock, __ATOMIC_ACQUIRE);
}

/* Without waiting: FALSE when it is held in a way that excludes this, or others wait. */
static BOOLEAN ExpTryPushLock(PEX_PUSH_LOCK PushLock, BOOLEAN Exclusive)
{
    ULONG_PTR Value;

    if (Exclusive) {
        return ExpExchange(PushLock, 0, EXP_EXCLUSIVE);
    }
    do {
        Value = ExpReadPushLock(PushLock);
        if (Value & (EXP_EXCLUSIVE | EXP_WAITERS)) {
            return FALSE;
        }
    } while (!ExpExchange(PushLock, Value, Value + EXP_SHARE));
    return TRUE;
}

static VOID ExpAcquirePushLock(PEX_PUSH_LOCK PushLock, BOOLEAN Exclusive)
{
    EXP_PUSH_LOCK_WAITER Waiter = {.Lock = PushLock, .Exclusive = Exclusive};
    ULONG Index = ExpPushLockIndex(PushLock);

    if (ExpTryPushLock(PushLock, Exclusive)) {
        return;
    }
    KeInitializeEvent(&Waiter.Event, SynchronizationEvent, FALSE);
    KIRQL OldIrql = KiAcquireSpinLock(&ExpPushLockTable[Index].SpinLock);
    /* Until the waiters' bit is set the owners may leave without looking into the table. */
    for (;;) {
        if (ExpTryPushLock(PushLock, Exclusive)) {
            KiReleaseSpinLock(&ExpPushLockTable[Index].SpinLock, OldIrql);
            return;
        }
        ULONG_PTR Value = ExpReadPushLock(PushLock);
        if ((Value & EXP_WAITERS) != 0 ||
            (Value != 0 && ExpExchange(PushLock, Value, Value | EXP_WAITERS))) {
            break;
        }
    }
    PLIST_ENTRY Head = &ExpPushLockTable[Index].Waiters;
    if (Head->Flink == NULL) {
        InitializeListHead(Head);
    }
    InsertTailList(Head, &Waiter.Link);
    KiReleaseSpinLock(&ExpPushLockTable[Index].SpinLock, OldIrql);
    KeWaitForSingleObject(&Waiter.Event, WrExecutive, KernelMode, FALSE, NULL);
}

/* The lock has waiters and no owner any more: gives it to those whose turn it is. */
static VOID ExpHandOverPushLock(PEX_PUSH_LOCK PushLock)
{
    ULONG Index = ExpPushLockIndex(PushLock);
    LIST_ENTRY Woken;
    ULONG_PTR Value = 0;

    InitializeListHead(&Woken);
    KIRQL OldIrql = KiAcquireSpinLock(&ExpPushLockTable[Index].SpinLock);
    PLIST_ENTRY Head = &ExpPushLockTable[Index].Waiters;
    PLIST_ENTRY Next;
    for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Next) {
        EXP_PUSH_LOCK_WAITER *Waiter = CONTAINING_RECORD(Link, EXP_PUSH_LOCK_WAITER, Link);

        Next = Link->Flink;
        if (Waiter->Lock != PushLock) {
            continue;
        }
        if (Value == EXP_EXCLUSIVE || (Value != 0 && Waiter->Exclusive)) {
            Value |= EXP_WAITERS;
            break;
        }
        Value += Waiter->Exclusive ? EXP_EXCLUSIVE : EXP_SHARE;
        RemoveEntryList(Link);
        InsertTailList(&Woken, Link);
    }
    NT_ASSERT(Value != 0);
    __atomic_store_n((volatile ULONG_PTR *)PushLock, Value, __ATOMIC_RELEASE);
    KiReleaseSpinLock(&ExpPushLockTable[Index].SpinLock, OldIrql);
    while (!IsListEmpty(&Woken)) {
        PLIST_ENTRY Link = RemoveHeadList(&Woken);
        KeSetEvent(&CONTAINING_RECORD(Link, EXP_PUSH_LOCK_WAITER, Link)->Event, EVENT_INCREMENT,
                   FALSE);
    }
}

static VOID ExpReleasePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    if (!ExpExchange(PushLock, EXP_EXCLUSIVE, 0)) {
        NT_VERIFY(ExpReadPushLock(PushLock) == (EXP_EXCLUSIVE | EXP_WAITERS));
        ExpHandOverPushLock(PushLock);
    }
}

static VOID ExpReleasePushLockShared(PEX_PUSH_LOCK PushLock)
{
    ULONG_PTR Old = __sync_fetch_and_sub((volatile ULONG_PTR *)PushLock, EXP_SHARE);

    NT_VERIFY(Old >= EXP_SHARE && (Old & EXP_EXCLUSIVE) == 0);
    if (Old - EXP_SHARE == EXP_WAITERS) {
        ExpHandOverPushLock(PushLock);
    }
}

VOID ExInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    *PushLock = 0;
}

VOID ExfAcquirePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    ExpAcquirePushLock(PushLock, TRUE);
}

VOID ExfAcquirePushLockShared(PEX_PUSH_LOCK PushLock)
{
    ExpAcquirePushLock(PushLock, FALSE);
}

VOID ExfReleasePushLockExclusive(PEX_PUSH_LOCK PushLock)
{
    ExpReleasePushLockExclusive(PushLock);
}

VOID ExfReleasePushLockShared(PEX_PUSH_LOCK PushLock)
{
    ExpReleasePushLockShared(PushLock);
}

/* Whichever way the caller holds it. */
VOID ExfReleasePushLock(PEX_PUSH_LOCK PushLock)
{
    if (ExpReadPushLock(PushLock) & EXP_EXCLUSIVE) {
        ExpReleasePushLockExclusive(PushLock);
    } else {
        ExpReleasePushLockShared(PushLock);
    }
}

VOID ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpAcquirePushLock(PushLock, TRUE);
}

VOID ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpAcquirePushLock(PushLock, FALSE);
}

VOID ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpReleasePushLockExclusive(PushLock);
}

VOID ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExpReleasePushLockShared(PushLock);
}

VOID ExReleasePushLockEx(PEX_PUSH_LOCK PushLock, ULONG Flags)
{
    ExfReleasePushLock(PushLock);
}
