/* SPDX-License-Identifier: MIT */
/*
 * System address ranges, nonpaged mappings in them, and the pools' pages.
 *
 * Nonpaged pool and system PTEs are mapped page by page with frames charged as resident. Paged pool
 * pages are demand zero: they cost commit until they are touched.
 */
#include "kd/breakpoint.h"
#include "mm/mi.h"

MI_PAGE_RANGE MiSystemPteRange, MiImageRange, MiPagedPoolRange, MiNonpagedPoolRange;

static FAST_MUTEX MiSystemTableLock; /* tables of the two ranges whose tables come and go */

VOID MiInitializeSystemRanges(VOID)
{
    ExInitializeFastMutex(&MiSystemTableLock);
    MiInitializeRange(&MiSystemPteRange, MM_SYSTEM_PTES_START, MM_SYSTEM_PTES_PAGES, TRUE);
    MiInitializeRange(&MiImageRange, MM_IMAGES_START, MM_IMAGES_PAGES, TRUE);
    MiInitializeRange(&MiPagedPoolRange, MM_PAGED_POOL_START, MM_PAGED_POOL_PAGES, TRUE);
    MiInitializeRange(&MiNonpagedPoolRange, MM_NONPAGED_POOL_START, MM_NONPAGED_POOL_PAGES, TRUE);
}

/* The page table of 512 pages of a range goes when no address in it is reserved. Lock held. */
static VOID MiFreeEmptyTables(PMI_PAGE_RANGE Range, ULONG64 Index, ULONG64 Pages)
{
    for (ULONG64 Chunk = Index / 512; Chunk <= (Index + Pages - 1) / 512; Chunk++) {
        ULONG64 Reserved = 0;
        for (ULONG64 Word = Chunk * 8; Word < Chunk * 8 + 8; Word++) {
            Reserved |= Range->Bits[Word];
        }
        PVOID Va = (PVOID)(Range->Start + (Chunk * 512 << PAGE_SHIFT));
        if (Reserved != 0 || MiWalk(Va, NULL) == NULL) {
            continue;
        }
        ULONG Frame = MiFrameOfTable(MI_PTE_OF(Va));
        *MI_PDE_OF(Va) = 0;
        MiInvalidatePage(MI_PTE_OF(Va));
        MiFreeNonpagedFrame(Frame);
        MiReturnResident(1);
    }
}

/*
 * Addresses of the paged pool or of images, with page tables. <= APC_LEVEL; the lock keeps a table
 * from going between the reservation and its use.
 */
ULONG64 MiReserveWithTables(PMI_PAGE_RANGE Range, ULONG64 Pages)
{
    ExAcquireFastMutex(&MiSystemTableLock);
    ULONG64 Index = MiReserveRange(Range, Pages);
    if (Index != MI_RANGE_FULL &&
        !MiMakeSystemTables(Range->Start + (Index << PAGE_SHIFT), Pages)) {
        MiReleaseRange(Range, Index);
        MiFreeEmptyTables(Range, Index, Pages);
        Index = MI_RANGE_FULL;
    }
    ExReleaseFastMutex(&MiSystemTableLock);
    return Index;
}

VOID MiLockSystemTables(VOID)
{
    ExAcquireFastMutex(&MiSystemTableLock);
}

VOID MiUnlockSystemTables(VOID)
{
    ExReleaseFastMutex(&MiSystemTableLock);
}

/* Every PTE of the range is zero already. */
VOID MiReleaseWithTables(PMI_PAGE_RANGE Range, ULONG64 Index)
{
    ExAcquireFastMutex(&MiSystemTableLock);
    ULONG64 Pages = MiReleaseRange(Range, Index);
    NT_VERIFY(Pages != 0);
    MiFreeEmptyTables(Range, Index, Pages);
    ExReleaseFastMutex(&MiSystemTableLock);
}

BOOLEAN MiMapNonpaged(ULONG64 Va, ULONG64 Pages, ULONG Protection, BOOLEAN Zero)
{
    if (!MiChargeResident(Pages)) {
        return FALSE;
    }
    if (!MiMakeSystemTables(Va, Pages)) {
        MiReturnResident(Pages);
        return FALSE;
    }
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        PMMPTE Pte = MI_PTE_OF(Va + (Page << PAGE_SHIFT));
        NT_VERIFY(*Pte == 0);
        ULONG Frame = MiAllocateChargedFrame(Pte, MiFrameOfTable(Pte), Zero);
        if (Frame == MI_NO_PAGE) {
            MiUnmapNonpaged(Va, Page);
            MiReturnResident(Pages - Page);
            return FALSE;
        }
        MI_PFN(Frame)->OriginalPte = MI_SOFTWARE_PTE(Protection, 0);
        *Pte = MiValidPte(Frame, Protection, FALSE) | MI_PTE_DIRTY;
    }
    return TRUE;
}

VOID MiUnmapNonpaged(ULONG64 Va, ULONG64 Pages)
{
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        PMMPTE Pte = MI_PTE_OF(Va + (Page << PAGE_SHIFT));
        ULONG Frame = (ULONG)MI_PTE_FRAME(*Pte);
        NT_VERIFY(*Pte & MI_PTE_VALID);
        *Pte = 0;
        MiInvalidatePage((PVOID)(Va + (Page << PAGE_SHIFT)));
        KdPageLeft(Frame);
        MiFreeNonpagedFrame(Frame);
    }
    MiReturnResident(Pages);
}

VOID MiMapDemandZero(ULONG64 Va, ULONG64 Pages)
{
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        *MI_PTE_OF(Va + (Page << PAGE_SHIFT)) = MI_SOFTWARE_PTE(MI_READWRITE, 0);
    }
}

VOID MiFreePageablePages(ULONG64 Va, ULONG64 Pages)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        PMMPTE Pte = MI_PTE_OF(Va + (Page << PAGE_SHIFT));
        MiDeletePte(Pte, MiFrameOfTable(Pte), 0, &Irql);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    MiReturnCommit(Pages);
}

static BOOLEAN MiIsPagedPoolType(POOL_TYPE PoolType)
{
    return (PoolType & 1) == PagedPool; /* NT's rule: the low bit is the base type */
}

static PVOID MiAllocatePagedPoolPages(SIZE_T Pages)
{
    if (!MiChargeCommit(Pages)) {
        return NULL;
    }
    ULONG64 Index = MiReserveWithTables(&MiPagedPoolRange, Pages);
    if (Index == MI_RANGE_FULL) {
        MiReturnCommit(Pages);
        return NULL;
    }
    ULONG64 Va = MiPagedPoolRange.Start + (Index << PAGE_SHIFT);
    MiMapDemandZero(Va, Pages);
    return (PVOID)Va;
}

PVOID MiAllocatePoolPages(POOL_TYPE PoolType, SIZE_T Pages)
{
    if (MiIsPagedPoolType(PoolType)) {
        return MiAllocatePagedPoolPages(Pages);
    }
    ULONG64 Index = MiReserveRange(&MiNonpagedPoolRange, Pages);
    if (Index == MI_RANGE_FULL) {
        return NULL;
    }
    ULONG64 Va = MiNonpagedPoolRange.Start + (Index << PAGE_SHIFT);
    /* NonPagedPool is executable, as in NT: drivers of before Windows 8 run code from it. */
    ULONG Protection = PoolType & POOL_NX_ALLOCATION ? MI_READWRITE : MI_EXECUTE_READWRITE;
    if (!MiMapNonpaged(Va, Pages, Protection, FALSE)) {
        MiReleaseRange(&MiNonpagedPoolRange, Index);
        return NULL;
    }
    return (PVOID)Va;
}

BOOLEAN MiInRange(const MI_PAGE_RANGE *Range, ULONG64 Va)
{
    return Va >= Range->Start && Va < Range->Start + (Range->Pages << PAGE_SHIFT);
}

POOL_TYPE MiPoolTypeOfAddress(PVOID Va)
{
    return MiInRange(&MiPagedPoolRange, (ULONG64)Va) ? PagedPool : NonPagedPool;
}

static SIZE_T MiFreePagedPoolPages(ULONG64 Va)
{
    ULONG64 Index = (Va - MiPagedPoolRange.Start) >> PAGE_SHIFT;
    ULONG64 Pages = MiQueryRange(&MiPagedPoolRange, Index);
    if (Pages != 0) {
        MiFreePageablePages(Va, Pages);
        MiReleaseWithTables(&MiPagedPoolRange, Index);
    }
    return Pages;
}

/* 0 when Va is not the start of an allocation. */
SIZE_T MiFreePoolPages(PVOID Va)
{
    if (MiInRange(&MiPagedPoolRange, (ULONG64)Va)) {
        return MiFreePagedPoolPages((ULONG64)Va);
    }
    ULONG64 Index = ((ULONG64)Va - MiNonpagedPoolRange.Start) >> PAGE_SHIFT;
    ULONG64 Pages = MiQueryRange(&MiNonpagedPoolRange, Index);
    if (Pages != 0) {
        MiUnmapNonpaged((ULONG64)Va, Pages);
        MiReleaseRange(&MiNonpagedPoolRange, Index);
    }
    return Pages;
}
