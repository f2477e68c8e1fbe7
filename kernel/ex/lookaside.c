/* SPDX-License-Identifier: MIT */
/*
 * Lookaside lists: freed entries of one size kept for the next allocation. Drivers compile the
 * allocate and free routines inline against the structure, so its fields mean what NT's mean.
 *
 * A list keeps at most Depth entries. NT adapts that once a second; here it is constant. Every list
 * is linked into one of two, for debuggers; ExpLookasideLock (DISPATCH_LEVEL) guards these.
 */
#include "ex/pool.h"
#include "ke/ki.h"
#include "nt/ke.h"

#define LOOKASIDE_DEPTH 16u

static KSPIN_LOCK ExpLookasideLock;
LIST_ENTRY ExNPagedLookasideListHead = {&ExNPagedLookasideListHead, &ExNPagedLookasideListHead};
LIST_ENTRY ExPagedLookasideListHead = {&ExPagedLookasideListHead, &ExPagedLookasideListHead};

VOID InitializeSListHead(PSLIST_HEADER ListHead)
{
    ListHead->Alignment = 0;
    ListHead->Region = 0;
}

USHORT ExQueryDepthSList(PSLIST_HEADER ListHead)
{
    return (USHORT)ListHead->Alignment;
}

/* GENERAL_LOOKASIDE and GENERAL_LOOKASIDE_POOL have the same fields. */
static VOID ExpInitializeLookaside(PGENERAL_LOOKASIDE_POOL L, POOL_TYPE Type, SIZE_T Size,
                                   ULONG Tag)
{
    BOOLEAN Paged = (Type & PagedPool) != 0;
    __builtin_memset(L, 0, sizeof(*L));
    InitializeSListHead(&L->ListHead);
    L->Depth = LOOKASIDE_DEPTH;
    L->MaximumDepth = EX_MAXIMUM_LOOKASIDE_DEPTH_BASE;
    L->Type = Type;
    L->Tag = Tag;
    L->Size = Size < sizeof(PSLIST_ENTRY) ? (ULONG)sizeof(PSLIST_ENTRY) : (ULONG)Size;
    KIRQL Irql = KiAcquireSpinLock(&ExpLookasideLock);
    InsertTailList(Paged ? &ExPagedLookasideListHead : &ExNPagedLookasideListHead, &L->ListEntry);
    KiReleaseSpinLock(&ExpLookasideLock, Irql);
}

static VOID ExpUnlinkLookaside(PGENERAL_LOOKASIDE_POOL L)
{
    KIRQL Irql = KiAcquireSpinLock(&ExpLookasideLock);
    RemoveEntryList(&L->ListEntry);
    KiReleaseSpinLock(&ExpLookasideLock, Irql);
}

static VOID ExpInitializeGeneral(PGENERAL_LOOKASIDE L, POOL_TYPE Type, PALLOCATE_FUNCTION Allocate,
                                 PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag)
{
    const ULONG Allowed = POOL_RAISE_IF_ALLOCATION_FAILURE | POOL_NX_ALLOCATION;
    Type = (POOL_TYPE)((ULONG)Type | (Flags & Allowed));
    ExpInitializeLookaside((PGENERAL_LOOKASIDE_POOL)L, Type, Size, Tag);
    L->Allocate = Allocate != NULL ? Allocate : ExAllocatePoolWithTag;
    L->Free = Free != NULL ? Free : ExFreePool;
}

static PVOID ExpAllocateGeneral(PGENERAL_LOOKASIDE L)
{
    L->TotalAllocates += 1;
    PVOID Entry = ExpInterlockedPopEntrySList(&L->ListHead);
    if (Entry == NULL) {
        L->AllocateMisses += 1;
        Entry = L->Allocate(L->Type, L->Size, L->Tag);
    }
    return Entry;
}

static VOID ExpFreeGeneral(PGENERAL_LOOKASIDE L, PVOID Entry)
{
    L->TotalFrees += 1;
    if (ExQueryDepthSList(&L->ListHead) >= L->Depth) {
        L->FreeMisses += 1;
        L->Free(Entry);
    } else {
        ExpInterlockedPushEntrySList(&L->ListHead, Entry);
    }
}

static VOID ExpDeleteGeneral(PGENERAL_LOOKASIDE L)
{
    PVOID Entry;
    ExpUnlinkLookaside((PGENERAL_LOOKASIDE_POOL)L);
    while ((Entry = ExpInterlockedPopEntrySList(&L->ListHead)) != NULL) {
        L->Free(Entry);
    }
}

VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                     PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                     USHORT Depth)
{
    ExpInitializeGeneral(&Lookaside->L, NonPagedPool, Allocate, Free, Flags, Size, Tag);
}

VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    ExpDeleteGeneral(&Lookaside->L);
}

PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    return ExpAllocateGeneral(&Lookaside->L);
}

VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ExpFreeGeneral(&Lookaside->L, Entry);
}

VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                    PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                    USHORT Depth)
{
    ExpInitializeGeneral(&Lookaside->L, PagedPool, Allocate, Free,
                         Flags & ~(ULONG)POOL_NX_ALLOCATION, Size, Tag);
}

VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    ExpDeleteGeneral(&Lookaside->L);
}

PVOID ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    return ExpAllocateGeneral(&Lookaside->L);
}

VOID ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ExpFreeGeneral(&Lookaside->L, Entry);
}

static PVOID ExpAllocateEx(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                           PLOOKASIDE_LIST_EX Lookaside)
{
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID ExpFreeEx(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    ExFreePoolWithTag(Buffer, 0);
}

NTSTATUS ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                     PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
                                     SIZE_T Size, ULONG Tag, USHORT Depth)
{
    if (PoolType != NonPagedPool && PoolType != PagedPool && PoolType != NonPagedPoolNx) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (Flags != 0 && Flags != EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL &&
        Flags != EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE) {
        return STATUS_INVALID_PARAMETER_5;
    }
    if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL) {
        PoolType = (POOL_TYPE)((ULONG)PoolType | POOL_RAISE_IF_ALLOCATION_FAILURE);
    } else if (Flags == EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE) {
        PoolType = (POOL_TYPE)((ULONG)PoolType | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE);
    }
    ExpInitializeLookaside(&Lookaside->L, PoolType, Size, Tag);
    Lookaside->L.AllocateEx = Allocate != NULL ? Allocate : ExpAllocateEx;
    Lookaside->L.FreeEx = Free != NULL ? Free : ExpFreeEx;
    return STATUS_SUCCESS;
}

PVOID ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    PGENERAL_LOOKASIDE_POOL L = &Lookaside->L;
    L->TotalAllocates += 1;
    PVOID Entry = ExpInterlockedPopEntrySList(&L->ListHead);
    if (Entry == NULL) {
        L->AllocateMisses += 1;
        Entry = L->AllocateEx(L->Type, L->Size, L->Tag, Lookaside);
    }
    return Entry;
}

VOID ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
    PGENERAL_LOOKASIDE_POOL L = &Lookaside->L;
    L->TotalFrees += 1;
    if (ExQueryDepthSList(&L->ListHead) >= L->Depth) {
        L->FreeMisses += 1;
        L->FreeEx(Entry, Lookaside);
    } else {
        ExpInterlockedPushEntrySList(&L->ListHead, Entry);
    }
}

VOID ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    PVOID Entry;
    while ((Entry = ExpInterlockedPopEntrySList(&Lookaside->L.ListHead)) != NULL) {
        Lookaside->L.FreeEx(Entry, Lookaside);
    }
}

VOID ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    ExpUnlinkLookaside(&Lookaside->L);
    ExFlushLookasideListEx(Lookaside);
}
