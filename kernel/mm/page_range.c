/* SPDX-License-Identifier: MIT */
/*
 * A page-grained allocator over a bitmap: system PTEs, pools' addresses, image addresses, and the
 * paging file's slots. A second bitmap marks the last page of each allocation, so that freeing
 * needs only the start. Slots are taken next-fit from a hint, which keeps neighbours in time
 * neighbours in place: that is what makes them contiguous for clustered writes.
 */
#include "mm/mi.h"

/* Phase 0 only: the bitmaps are boot pages, never freed. */
VOID MiInitializeRange(PMI_PAGE_RANGE Range, ULONG64 Start, ULONG64 Pages, BOOLEAN Ends)
{
    ULONG64 Bytes = (Pages + 63) / 64 * 8;
    ULONG64 StoragePages = (Bytes * (Ends ? 2 : 1) + PAGE_SIZE - 1) >> PAGE_SHIFT;
    PUCHAR Storage = MiFrameToVirtual(MiTakeBootPages((ULONG)StoragePages));
    Range->Bits = (PULONG64)Storage;
    Range->Ends = Ends ? (PULONG64)(Storage + Bytes) : NULL;
    Range->Start = Start;
    Range->Pages = Pages;
    Range->Used = 0;
    Range->Hint = 0;
    Range->Lock = 0;
}

static BOOLEAN MiTestBit(const ULONG64 *Bits, ULONG64 Index)
{
    return (Bits[Index / 64] >> (Index % 64)) & 1;
}

/* The first clear bit at or after Index, or Limit. */
static ULONG64 MiNextClear(const ULONG64 *Bits, ULONG64 Index, ULONG64 Limit)
{
    while (Index < Limit) {
        ULONG64 Clear = ~Bits[Index / 64] >> (Index % 64);
        if (Clear != 0) {
            Index += (ULONG64)__builtin_ctzll(Clear);
            return Index < Limit ? Index : Limit;
        }
        Index = (Index / 64 + 1) * 64;
    }
    return Limit;
}

static ULONG64 MiSearch(PMI_PAGE_RANGE Range, ULONG64 From, ULONG64 Limit, ULONG64 Pages)
{
    ULONG64 Start = MiNextClear(Range->Bits, From, Limit);
    while (Start + Pages <= Limit) {
        ULONG64 Length = 1;
        while (Length < Pages && !MiTestBit(Range->Bits, Start + Length)) {
            Length++;
        }
        if (Length == Pages) {
            return Start;
        }
        Start = MiNextClear(Range->Bits, Start + Length, Limit);
    }
    return MI_RANGE_FULL;
}

ULONG64 MiFindRun(PMI_PAGE_RANGE Range, ULONG64 Pages)
{
    if (Pages == 0 || Pages > Range->Pages - Range->Used) {
        return MI_RANGE_FULL;
    }
    ULONG64 Start = MiSearch(Range, Range->Hint, Range->Pages, Pages);
    if (Start == MI_RANGE_FULL && Range->Hint != 0) {
        ULONG64 Limit = Range->Hint + Pages - 1;
        Start = MiSearch(Range, 0, Limit < Range->Pages ? Limit : Range->Pages, Pages);
    }
    if (Start == MI_RANGE_FULL) {
        return MI_RANGE_FULL;
    }
    for (ULONG64 i = Start; i < Start + Pages; i++) {
        Range->Bits[i / 64] |= 1ull << (i % 64);
    }
    Range->Used += Pages;
    Range->Hint = Start + Pages < Range->Pages ? Start + Pages : 0;
    return Start;
}

VOID MiReleaseRun(PMI_PAGE_RANGE Range, ULONG64 Index, ULONG64 Pages)
{
    NT_VERIFY(Index + Pages <= Range->Pages);
    for (ULONG64 i = Index; i < Index + Pages; i++) {
        NT_VERIFY(MiTestBit(Range->Bits, i));
        Range->Bits[i / 64] &= ~(1ull << (i % 64));
    }
    Range->Used -= Pages;
}

ULONG64 MiReserveRange(PMI_PAGE_RANGE Range, ULONG64 Pages)
{
    KIRQL Irql = KiAcquireSpinLock(&Range->Lock);
    ULONG64 Start = MiFindRun(Range, Pages);
    if (Start != MI_RANGE_FULL && Range->Ends != NULL) {
        ULONG64 Last = Start + Pages - 1;
        Range->Ends[Last / 64] |= 1ull << (Last % 64);
    }
    KiReleaseSpinLock(&Range->Lock, Irql);
    return Start;
}

/* The length of the allocation that starts at Index; 0 when none starts there. */
static ULONG64 MiRangeLength(PMI_PAGE_RANGE Range, ULONG64 Index)
{
    if (Index >= Range->Pages || !MiTestBit(Range->Bits, Index)) {
        return 0;
    }
    if (Index != 0 && MiTestBit(Range->Bits, Index - 1) && !MiTestBit(Range->Ends, Index - 1)) {
        return 0; /* inside an allocation */
    }
    ULONG64 Last = Index;
    while (!MiTestBit(Range->Ends, Last)) {
        Last++;
        NT_VERIFY(Last < Range->Pages);
    }
    return Last - Index + 1;
}

ULONG64 MiReleaseRange(PMI_PAGE_RANGE Range, ULONG64 Index)
{
    KIRQL Irql = KiAcquireSpinLock(&Range->Lock);
    ULONG64 Pages = MiRangeLength(Range, Index);
    if (Pages != 0) {
        ULONG64 Last = Index + Pages - 1;
        Range->Ends[Last / 64] &= ~(1ull << (Last % 64));
        MiReleaseRun(Range, Index, Pages);
        /* Addresses are taken first-fit, so that few page tables are in use. */
        Range->Hint = Index < Range->Hint ? Index : Range->Hint;
    }
    KiReleaseSpinLock(&Range->Lock, Irql);
    return Pages;
}

VOID MiReleaseFront(PMI_PAGE_RANGE Range, ULONG64 Index, ULONG64 Pages)
{
    KIRQL Irql = KiAcquireSpinLock(&Range->Lock);
    ULONG64 Length = MiRangeLength(Range, Index);
    NT_VERIFY(Pages <= Length);
    if (Pages == Length) {
        ULONG64 Last = Index + Pages - 1;
        Range->Ends[Last / 64] &= ~(1ull << (Last % 64));
    }
    MiReleaseRun(Range, Index, Pages);
    KiReleaseSpinLock(&Range->Lock, Irql);
}

ULONG64 MiQueryRange(PMI_PAGE_RANGE Range, ULONG64 Index)
{
    KIRQL Irql = KiAcquireSpinLock(&Range->Lock);
    ULONG64 Pages = MiRangeLength(Range, Index);
    KiReleaseSpinLock(&Range->Lock, Irql);
    return Pages;
}
