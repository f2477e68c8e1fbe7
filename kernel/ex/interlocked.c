/* SPDX-License-Identifier: MIT */
/*
 * Lists and numbers changed under a caller's spin lock, at any IRQL: interrupts are off meanwhile,
 * so that a list may be shared with an interrupt routine. List and entry must be resident.
 */
#include "ex/ex.h"
#include "mm/mm.h"

/* A driver's acquisition of a spin lock: to Mm it is a raise, if there is room to raise. */
static ULONG64 ExpLockInterlocked(PKSPIN_LOCK Lock)
{
    if (KiReadIrql() < DISPATCH_LEVEL) {
        MmNotifyIrqlRaise(DISPATCH_LEVEL);
    }
    ULONG64 Flags = KiDisableInterrupts();
    KiAcquireSpinLockRaw(Lock);
    return Flags;
}

static VOID ExpUnlockInterlocked(PKSPIN_LOCK Lock, ULONG64 Flags)
{
    KiReleaseSpinLockRaw(Lock);
    KiRestoreInterrupts(Flags);
}

/* Returns the entry that was first, NULL when the list was empty. */
PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                        PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    ExpUnlockInterlocked(Lock, Flags);
    return First;
}

/* Returns the entry that was last, NULL when the list was empty. */
PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                        PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    PLIST_ENTRY Last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    ExpUnlockInterlocked(Lock, Flags);
    return Last;
}

PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    PLIST_ENTRY First = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    ExpUnlockInterlocked(Lock, Flags);
    return First;
}

/* Returns the entry that was first, NULL when the list was empty. */
PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                              PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    PSINGLE_LIST_ENTRY First = ListHead->Next;

    PushEntryList(ListHead, ListEntry);
    ExpUnlockInterlocked(Lock, Flags);
    return First;
}

PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    PSINGLE_LIST_ENTRY First = PopEntryList(ListHead);

    ExpUnlockInterlocked(Lock, Flags);
    return First;
}

/* Both return the value before. */
ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    ULONG Old = *Addend;

    *Addend = Old + Increment;
    ExpUnlockInterlocked(Lock, Flags);
    return Old;
}

LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                           PKSPIN_LOCK Lock)
{
    ULONG64 Flags = ExpLockInterlocked(Lock);
    LARGE_INTEGER Old = *Addend;

    Addend->QuadPart = (LONGLONG)((ULONG64)Old.QuadPart + (ULONG64)Increment.QuadPart);
    ExpUnlockInterlocked(Lock, Flags);
    return Old;
}
