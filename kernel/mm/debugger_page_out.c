/* SPDX-License-Identifier: MIT */
/*
 * The debugger's !pageout: takes pages out of memory, to the paging file, at the user's word. The
 * debugger writes the range here while the target is stopped and starts the worker of .pagein
 * (ex/debugger_worker.c), which calls MiDebuggerPageOut; the variables are known by name only.
 *
 * Any address may have been written: what is not a valid, pageable, unlocked page is left alone.
 */
#include "mm/mi.h"

#define MI_DEBUGGER_MAX_PAGES MM_PAGED_POOL_PAGES /* 2 GB, the largest range of pageable memory */
#define MI_DEBUGGER_EVERYTHING (~0ull)

ULONG64 MiDebuggerPageOutAddress;
ULONG64 MiDebuggerPageOutSize; /* bytes; 0: not asked for; MI_DEBUGGER_EVERYTHING */
ULONG64 MiDebuggerPagesOut;    /* of the last request: pages that left their working set */

/* MiPfnLock held. The frame of the page at Va if it is pageable and in State, else MI_NO_PAGE. */
static ULONG MiPageableFrame(ULONG64 Va, MI_PAGE_STATE State)
{
    PMMPTE Pte = MiWalk((PVOID)Va, NULL);
    MMPTE Form = State == MiActive ? MI_PTE_VALID : MI_PTE_TRANSITION;
    if (Pte == NULL || !(*Pte & Form) || (State != MiActive && (*Pte & MI_PTE_VALID)) ||
        MI_PTE_FRAME(*Pte) > MiHighestFrame) {
        return MI_NO_PAGE;
    }
    ULONG Frame = (ULONG)MI_PTE_FRAME(*Pte);
    PMMPFN Pfn = MI_PFN(Frame);
    /* An MDL's or a device's mapping is not this page's own. */
    BOOLEAN Own = MmIsAddressValid(Pfn) && Pfn->PteAddress == Pte &&
                  Pfn->PteFrame == MiFrameOfTable(Pte);
    return Own && Pfn->State == State && !Pfn->Nonpaged ? Frame : MI_NO_PAGE;
}

static ULONG64 MiTrimRange(ULONG64 First, ULONG64 Pages)
{
    ULONG64 Left = 0;
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        ULONG Frame = MiPageableFrame(First + (Page << PAGE_SHIFT), MiActive);
        Left += Frame != MI_NO_PAGE && MiTrimPage(Frame);
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
    return Left;
}

static VOID MiFreeStandbyRange(ULONG64 First, ULONG64 Pages)
{
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        ULONG Frame = MiPageableFrame(First + (Page << PAGE_SHIFT), MiStandby);
        if (Frame != MI_NO_PAGE) {
            MiFreeStandbyPage(Frame);
        }
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
}

VOID MiDebuggerPageOut(VOID)
{
    NT_ASSERT(KeGetCurrentIrql() == PASSIVE_LEVEL);
    ULONG64 Address = MiDebuggerPageOutAddress;
    ULONG64 Size = MiDebuggerPageOutSize;
    MiDebuggerPageOutAddress = MiDebuggerPageOutSize = 0;
    if (Size == 0) {
        return;
    }
    MiDebuggerPagesOut = 0;
    if (Size == MI_DEBUGGER_EVERYTHING) {
        ULONG64 Before = MiCounters.PagesTrimmed;
        MmPageOutEverything(TRUE);
        MiDebuggerPagesOut = MiCounters.PagesTrimmed - Before;
        return;
    }
    ULONG64 First = Address & ~(ULONG64)(PAGE_SIZE - 1);
    ULONG64 Pages = (Size - 1 + (Address - First)) / PAGE_SIZE + 1;
    if (Size > ~Address || Pages > MI_DEBUGGER_MAX_PAGES) {
        DbgPrint("!pageout: %p and %p bytes is no range\n", (PVOID)Address, (PVOID)Size);
        return;
    }
    MiDebuggerPagesOut = MiTrimRange(First, Pages);
    MiFlushModifiedPages();
    MiFreeStandbyRange(First, Pages);
}
