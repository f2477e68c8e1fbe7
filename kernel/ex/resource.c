/* SPDX-License-Identifier: MIT */
/*
 * Resources (ERESOURCE): one exclusive owner, or many shared ones, each as often as it likes.
 *
 *   ActiveEntries  owners, each counted once; 0: free. ActiveCount says the same as 0 or 1.
 *   OwnerEntry     the exclusive owner, or one shared owner
 *   OwnerTable     the other shared owners; the first entry only holds the table's size. It grows
 *                  and is freed by ExDeleteResourceLite.
 *   SharedWaiters, ExclusiveWaiters  rings of EXP_RESOURCE_WAITER on the waiters' stacks; the
 *                  field points to the last, whose Next is the first
 *
 * The resource is handed over by who releases it: exclusive release to all shared waiters if there
 * are any, else to one exclusive waiter; the last shared release to one exclusive waiter. So the
 * two kinds take turns, and a waiter that wakes up owns what it waited for. A woken shared owner
 * enters itself into the table (that may need memory, and the releaser may be at DISPATCH_LEVEL);
 * until then it is in ActiveEntries only.
 *
 * SpinLock (DISPATCH_LEVEL) protects everything; nothing is called with it held.
 *
 * As in NT all resources are in one list, for the debugger's !locks, under ExpResourceListLock. So
 * a resource must be nonpaged, and be deleted before its memory goes; a list that does not fit
 * together any more is bug check 0x139, as with NT's own list routines.
 */
#include "ex/ex.h"

#define EXP_RESOURCE_TAG 0x61547352u /* 'RsTa' */
#define EXP_TABLE_GROWTH 8u
#define EXP_LIST_CORRUPT 3u /* P1 of 0x139 */
#define EXP_OWNER_POINTER 3u /* low bits of an owner that is no thread */

typedef struct _EXP_RESOURCE_WAITER {
    struct _EXP_RESOURCE_WAITER *Next;
    ERESOURCE_THREAD Thread;
    KEVENT Event;
} EXP_RESOURCE_WAITER;

LIST_ENTRY ExpSystemResourcesList = {&ExpSystemResourcesList, &ExpSystemResourcesList};
static KSPIN_LOCK ExpResourceListLock;

typedef enum { ExpShared, ExpSharedStarve, ExpSharedYield } EXP_SHARED_MODE;

/* ---- waiters: SpinLock held ---- */

static VOID ExpQueueWaiter(EXP_RESOURCE_WAITER *volatile *Last, EXP_RESOURCE_WAITER *Waiter)
{
    if (*Last == NULL) {
        Waiter->Next = Waiter;
    } else {
        Waiter->Next = (*Last)->Next;
        (*Last)->Next = Waiter;
    }
    *Last = Waiter;
}

static EXP_RESOURCE_WAITER *ExpUnqueueWaiter(EXP_RESOURCE_WAITER *volatile *Last)
{
    EXP_RESOURCE_WAITER *First = (*Last)->Next;

    if (First == *Last) {
        *Last = NULL;
    } else {
        (*Last)->Next = First->Next;
    }
    First->Next = NULL;
    return First;
}

/* A waiter's event lies on its stack: it may be gone as soon as it is set. */
static VOID ExpWakeWaiters(EXP_RESOURCE_WAITER *First)
{
    while (First != NULL) {
        EXP_RESOURCE_WAITER *Next = First->Next;
        KeSetEvent(&First->Event, EVENT_INCREMENT, FALSE);
        First = Next;
    }
}

/* All shared waiters become owners. Returns them, linked to a NULL, to be woken. */
static EXP_RESOURCE_WAITER *ExpGrantShared(PERESOURCE Resource)
{
    EXP_RESOURCE_WAITER *Last = Resource->SharedWaiters;
    EXP_RESOURCE_WAITER *First = NULL;

    if (Last != NULL) {
        First = Last->Next;
        Last->Next = NULL;
        Resource->SharedWaiters = NULL;
        Resource->ActiveEntries += Resource->NumberOfSharedWaiters;
        Resource->NumberOfSharedWaiters = 0;
        Resource->ActiveCount = 1;
    }
    return First;
}

static VOID ExpOwnExclusive(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    Resource->Flag |= ResourceOwnedExclusive;
    Resource->ActiveEntries = 1;
    Resource->ActiveCount = 1;
    Resource->OwnerEntry.OwnerThread = Thread;
    Resource->OwnerEntry.OwnerCount = 1;
}

static EXP_RESOURCE_WAITER *ExpGrantExclusive(PERESOURCE Resource)
{
    if (Resource->ExclusiveWaiters == NULL) {
        return NULL;
    }
    EXP_RESOURCE_WAITER *Waiter = ExpUnqueueWaiter(&Resource->ExclusiveWaiters);
    Resource->NumberOfExclusiveWaiters--;
    ExpOwnExclusive(Resource, Waiter->Thread);
    return Waiter;
}

/* ---- owners: SpinLock held ---- */

static POWNER_ENTRY ExpFindOwner(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    POWNER_ENTRY Table = Resource->OwnerTable;

    if (Resource->OwnerEntry.OwnerThread == Thread) {
        return &Resource->OwnerEntry;
    }
    for (ULONG i = 1; Table != NULL && i < Table[0].TableSize; i++) {
        if (Table[i].OwnerThread == Thread) {
            return &Table[i];
        }
    }
    return NULL;
}

/*
 * A free entry, for a shared owner. When there is none, a larger table is made with the lock let
 * go, and NULL is returned with the lock held: everything must be looked at again.
 */
static POWNER_ENTRY ExpFindFreeEntry(PERESOURCE Resource, PKIRQL OldIrql)
{
    POWNER_ENTRY Entry = ExpFindOwner(Resource, 0);

    if (Entry != NULL) {
        return Entry;
    }
    ULONG OldSize = Resource->OwnerTable != NULL ? Resource->OwnerTable[0].TableSize : 1;
    ULONG NewSize = OldSize + EXP_TABLE_GROWTH;
    KiReleaseSpinLock(&Resource->SpinLock, *OldIrql);
    POWNER_ENTRY New = ExAllocatePoolWithTag(NonPagedPoolNx, NewSize * sizeof(OWNER_ENTRY),
                                             EXP_RESOURCE_TAG);
    POWNER_ENTRY Unneeded = New;
    if (New == NULL) {
        /* An acquisition cannot fail for lack of memory: wait until some is free again. */
        LARGE_INTEGER Tick = {.QuadPart = -(LONGLONG)KI_CLOCK_INTERVAL_100NS};
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    *OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    if (New != NULL &&
        (Resource->OwnerTable != NULL ? Resource->OwnerTable[0].TableSize : 1) == OldSize) {
        __builtin_memset(New, 0, NewSize * sizeof(OWNER_ENTRY));
        Unneeded = Resource->OwnerTable;
        if (Unneeded != NULL) {
            __builtin_memcpy(New, Unneeded, OldSize * sizeof(OWNER_ENTRY));
        }
        New[0].TableSize = NewSize;
        Resource->OwnerTable = New;
    }
    if (Unneeded != NULL) {
        KiReleaseSpinLock(&Resource->SpinLock, *OldIrql);
        ExFreePoolWithTag(Unneeded, EXP_RESOURCE_TAG);
        *OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    }
    return NULL;
}

static VOID ExpWaitForResource(PERESOURCE Resource, EXP_RESOURCE_WAITER *Waiter, KIRQL OldIrql)
{
    Resource->ContentionCount++;
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    KeWaitForSingleObject(&Waiter->Event, WrResource, KernelMode, FALSE, NULL);
}

/* ---- acquisition ---- */

BOOLEAN ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();
    EXP_RESOURCE_WAITER Waiter = {.Thread = Thread};
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);

    if (Resource->ActiveEntries == 0) {
        ExpOwnExclusive(Resource, Thread);
    } else if ((Resource->Flag & ResourceOwnedExclusive) != 0 &&
               Resource->OwnerEntry.OwnerThread == Thread) {
        Resource->OwnerEntry.OwnerCount++;
    } else if (!Wait) {
        KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
        return FALSE;
    } else {
        KeInitializeEvent(&Waiter.Event, SynchronizationEvent, FALSE);
        ExpQueueWaiter(&Resource->ExclusiveWaiters, &Waiter);
        Resource->NumberOfExclusiveWaiters++;
        ExpWaitForResource(Resource, &Waiter, OldIrql);
        return TRUE;
    }
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return TRUE;
}

/* A woken shared waiter: it counts in ActiveEntries and now gets its entry. */
static VOID ExpEnterGrantedOwner(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    POWNER_ENTRY Entry;

    do {
        Entry = ExpFindFreeEntry(Resource, &OldIrql);
    } while (Entry == NULL);
    Entry->OwnerThread = Thread;
    Entry->OwnerCount = 1;
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

/* Must a request for shared access to a resource that is held by others wait? */
static BOOLEAN ExpMustWaitShared(PERESOURCE Resource, EXP_SHARED_MODE Mode, POWNER_ENTRY Own)
{
    if ((Resource->Flag & ResourceOwnedExclusive) != 0) {
        return TRUE;
    }
    if (Resource->NumberOfExclusiveWaiters == 0 || Mode == ExpSharedStarve) {
        return FALSE;
    }
    return Mode == ExpSharedYield || Own == NULL;
}

static BOOLEAN ExpAcquireShared(PERESOURCE Resource, BOOLEAN Wait, EXP_SHARED_MODE Mode)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();
    EXP_RESOURCE_WAITER Waiter = {.Thread = Thread};
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);

    for (;;) {
        POWNER_ENTRY Own = Resource->ActiveEntries != 0 ? ExpFindOwner(Resource, Thread) : NULL;
        BOOLEAN OwnsExclusive = Own != NULL && (Resource->Flag & ResourceOwnedExclusive) != 0;

        if (OwnsExclusive ||
            (Own != NULL && !ExpMustWaitShared(Resource, Mode, Own))) {
            Own->OwnerCount++;
            break;
        }
        if (Resource->ActiveEntries == 0 || !ExpMustWaitShared(Resource, Mode, Own)) {
            POWNER_ENTRY Entry = ExpFindFreeEntry(Resource, &OldIrql);
            if (Entry == NULL) {
                continue;
            }
            Entry->OwnerThread = Thread;
            Entry->OwnerCount = 1;
            Resource->ActiveEntries++;
            Resource->ActiveCount = 1;
            break;
        }
        if (!Wait) {
            KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
            return FALSE;
        }
        KeInitializeEvent(&Waiter.Event, SynchronizationEvent, FALSE);
        ExpQueueWaiter(&Resource->SharedWaiters, &Waiter);
        Resource->NumberOfSharedWaiters++;
        ExpWaitForResource(Resource, &Waiter, OldIrql);
        ExpEnterGrantedOwner(Resource, Thread);
        return TRUE;
    }
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return TRUE;
}

BOOLEAN ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, ExpShared);
}

/* Passes by exclusive waiters. */
BOOLEAN ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, ExpSharedStarve);
}

/* Lets exclusive waiters go first even if the thread has shared access already. */
BOOLEAN ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return ExpAcquireShared(Resource, Wait, ExpSharedYield);
}

/* ---- release ---- */

/* Not an owner: bug check 0xE3 (resource, thread, owner table, 0). */
static VOID ExpReleaseResource(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    EXP_RESOURCE_WAITER *Woken = NULL;
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    POWNER_ENTRY Entry = Resource->ActiveEntries != 0 ? ExpFindOwner(Resource, Thread) : NULL;

    if (Entry == NULL || Thread == 0) {
        KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)Resource, Thread,
                     (ULONG_PTR)Resource->OwnerTable, 0);
    }
    if (--Entry->OwnerCount == 0) {
        Entry->OwnerThread = 0;
        if (--Resource->ActiveEntries == 0) {
            BOOLEAN WasExclusive = (Resource->Flag & ResourceOwnedExclusive) != 0;
            Resource->Flag &= (USHORT)~ResourceOwnedExclusive;
            Resource->ActiveCount = 0;
            Woken = WasExclusive ? ExpGrantShared(Resource) : NULL;
            if (Woken == NULL) {
                Woken = ExpGrantExclusive(Resource);
            }
            if (Woken == NULL) {
                Woken = ExpGrantShared(Resource);
            }
        }
    }
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    ExpWakeWaiters(Woken);
}

VOID ExReleaseResourceLite(PERESOURCE Resource)
{
    ExpReleaseResource(Resource, ExGetCurrentResourceThread());
}

/* The id may be a pointer set by ExSetResourceOwnerPointer. */
VOID ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    ExpReleaseResource(Resource, ResourceThreadId);
}

/* The caller owns it exclusively; however often it does, it owns it shared as often. */
VOID ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);

    if ((Resource->Flag & ResourceOwnedExclusive) == 0) {
        KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)Resource, ExGetCurrentResourceThread(),
                     (ULONG_PTR)Resource->OwnerTable, 0);
    }
    Resource->Flag &= (USHORT)~ResourceOwnedExclusive;
    EXP_RESOURCE_WAITER *Woken = ExpGrantShared(Resource);
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    ExpWakeWaiters(Woken);
}

/* From now on it belongs to Owner, not to the current thread; Owner may have it already. */
static VOID ExpSetOwner(PERESOURCE Resource, ERESOURCE_THREAD Owner, BOOLEAN Valid)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    POWNER_ENTRY Entry = ExpFindOwner(Resource, Thread);
    POWNER_ENTRY Other = ExpFindOwner(Resource, Owner);

    if (Entry == NULL || !Valid) {
        KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)Resource, Thread,
                     (ULONG_PTR)Resource->OwnerTable, 0);
    }
    if (Other == NULL) {
        Entry->OwnerThread = Owner;
    } else if (Other != Entry) {
        Other->OwnerCount += Entry->OwnerCount;
        Entry->OwnerCount = 0;
        Entry->OwnerThread = 0;
        Resource->ActiveEntries--;
    }
    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

/* The pointer's two low bits are set by the caller, so that it is not taken for a thread. */
VOID ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    ExpSetOwner(Resource, (ERESOURCE_THREAD)OwnerPointer,
                ((ULONG_PTR)OwnerPointer & EXP_OWNER_POINTER) == EXP_OWNER_POINTER);
}

/* With FLAG_OWNER_POINTER_IS_THREAD the new owner is a thread. */
VOID ExSetResourceOwnerPointerEx(PERESOURCE Resource, PVOID OwnerPointer, ULONG Flags)
{
    if (Flags & FLAG_OWNER_POINTER_IS_THREAD) {
        ExpSetOwner(Resource, (ERESOURCE_THREAD)OwnerPointer, OwnerPointer != NULL);
    } else {
        ExSetResourceOwnerPointer(Resource, OwnerPointer);
    }
}

PVOID ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return NULL; /* NT returns the thread's Win32 data, which system threads have not */
}

PVOID ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return NULL;
}

VOID ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

/* ---- life and questions ---- */

/* ExpResourceListLock held. */
static VOID ExpCheckLinks(PLIST_ENTRY Entry, PERESOURCE Resource)
{
    if (Entry->Flink == NULL || Entry->Flink->Blink != Entry ||
        Entry->Blink->Flink != Entry) {
        KeBugCheckEx(KERNEL_SECURITY_CHECK_FAILURE, EXP_LIST_CORRUPT, 0, 0, (ULONG_PTR)Resource);
    }
}

NTSTATUS ExInitializeResourceLite(PERESOURCE Resource)
{
    __builtin_memset(Resource, 0, sizeof(*Resource));
    KIRQL OldIrql = KiAcquireSpinLock(&ExpResourceListLock);
    ExpCheckLinks(&ExpSystemResourcesList, Resource);
    InsertTailList(&ExpSystemResourcesList, &Resource->SystemResourcesList);
    KiReleaseSpinLock(&ExpResourceListLock, OldIrql);
    return STATUS_SUCCESS;
}

/* As new; nobody may own it or wait for it. */
NTSTATUS ExReinitializeResourceLite(PERESOURCE Resource)
{
    ExDeleteResourceLite(Resource);
    return ExInitializeResourceLite(Resource);
}

NTSTATUS ExDeleteResourceLite(PERESOURCE Resource)
{
    POWNER_ENTRY Table = Resource->OwnerTable;
    KIRQL OldIrql = KiAcquireSpinLock(&ExpResourceListLock);

    ExpCheckLinks(&Resource->SystemResourcesList, Resource);
    RemoveEntryList(&Resource->SystemResourcesList);
    InitializeListHead(&Resource->SystemResourcesList); /* a second deletion does no harm */
    KiReleaseSpinLock(&ExpResourceListLock, OldIrql);
    Resource->OwnerTable = NULL;
    if (Table != NULL) {
        ExFreePoolWithTag(Table, EXP_RESOURCE_TAG);
    }
    return STATUS_SUCCESS;
}

BOOLEAN ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    BOOLEAN Owned = (Resource->Flag & ResourceOwnedExclusive) != 0 &&
                    Resource->OwnerEntry.OwnerThread == ExGetCurrentResourceThread();

    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Owned;
}

/* How often the current thread has it, shared or exclusive. */
ULONG ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Resource->SpinLock);
    POWNER_ENTRY Entry = ExpFindOwner(Resource, ExGetCurrentResourceThread());
    ULONG Count = Entry != NULL ? Entry->OwnerCount : 0;

    KiReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Count;
}

ULONG ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfExclusiveWaiters;
}

ULONG ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfSharedWaiters;
}

/* Owners are never boosted here, so there is nothing to switch off. */
VOID ExDisableResourceBoostLite(PERESOURCE Resource)
{
}
