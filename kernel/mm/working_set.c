/* SPDX-License-Identifier: MIT */
/*
 * Working sets: the pages of one address space that are valid and may leave. One for the system
 * (paged pool and pageable sections of drivers), one for each process.
 *
 * A set is a list of frames, the longest unseen at the head. Aging walks from the head, clears the
 * accessed bit and moves used pages to the tail. Trimming makes the PTE a transition one and puts
 * the frame on the standby list (clean, with a slot) or the modified list; nothing is copied and
 * nothing waits, so it costs in proportion to the pages that were touched since the last trim.
 * Pages that it finds locked are in a list of their own until they are unlocked.
 *
 * MiPfnLock is held throughout.
 */
#include "kd/breakpoint.h"
#include "mm/image.h"
#include "vf/vf.h"

MI_WORKING_SET MiSystemWorkingSet;
#define MI_MOST_AGE 0x7f
#define MI_BATCH 64u /* pages changed under one hold of the lock */

LIST_ENTRY MiWorkingSets = {&MiWorkingSets, &MiWorkingSets};

VOID MiInitializeWorkingSet(PMI_WORKING_SET Set, PEPROCESS Process)
{
    Set->Pages = (MI_PAGE_LIST){MI_NO_PAGE, MI_NO_PAGE, 0, MiActive};
    Set->Locked = Set->Pages;
    Set->Process = Process;
    Set->ViewPages = 0;
    Set->ReadAhead = (MI_READ_AHEAD){0, 1};
    ExInitializeFastMutex(&Set->AddressLock);
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    InsertTailList(&MiWorkingSets, &Set->Links);
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

VOID MiInsertWorkingSet(PMI_WORKING_SET Set, ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    Pfn->State = MiActive;
    Pfn->WorkingSet = Set;
    Pfn->Age = 0;
    MiLinkList(&Set->Pages, Frame);
}

VOID MiRemoveWorkingSet(ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    PMI_WORKING_SET Set = Pfn->WorkingSet;
    MiUnlinkList(Pfn->OnLockedList ? &Set->Locked : &Set->Pages, Frame);
    Pfn->OnLockedList = FALSE;
}

/* References beside the mapping's own and a write's: MDLs and locks. */
static BOOLEAN MiIsLocked(PMMPFN Pfn)
{
    return Pfn->ReferenceCount > 1 + (Pfn->WriteInProgress ? 1 : 0);
}

/*
 * The page leaves its working set. A page under a lock stays valid: code at DISPATCH_LEVEL may
 * count on what it has locked, through whatever address. It goes to the other list, so that the
 * next trim does not come past it again.
 */
BOOLEAN MiTrimPage(ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    NT_ASSERT(Pfn->State == MiActive && !Pfn->Nonpaged);
    if (MiIsLocked(Pfn)) {
        MiRemoveWorkingSet(Frame);
        Pfn->OnLockedList = TRUE;
        MiLinkList(&Pfn->WorkingSet->Locked, Frame);
        return FALSE;
    }
    PMMPTE Pte = MiPteOfPage(Pfn);
    MMPTE Old = *Pte;
    NT_VERIFY((Old & MI_PTE_VALID) && MI_PTE_FRAME(Old) == Frame);
    MiRemoveWorkingSet(Frame);
    /* The processor may set D until the entry is gone: read what was there as it goes. */
    Old = __atomic_exchange_n(Pte, MI_TRANSITION_PTE(MI_PTE_PROTECTION(Pfn->OriginalPte), Frame),
                              __ATOMIC_SEQ_CST);
    MiInvalidatePage(MI_VA_OF_PTE(Pfn->PteAddress));
    KdPageLeft(Frame);
    MiCounters.PagesTrimmed++;
    if (VfActive && Pfn->WorkingSet == &MiSystemWorkingSet) {
        MiNotePageOut(MI_VA_OF_PTE(Pfn->PteAddress));
    }
    Pfn->ReferenceCount--;
    ULONG Slot = MI_PTE_SLOT(Pfn->OriginalPte);
    if (Pfn->WriteInProgress) {
        MiRecordPage(TimelinePageLeft, Pfn->PteAddress, TimelinePageModified);
        Pfn->State = MiTransition; /* the write's completion puts it on its list */
        if (Old & MI_PTE_DIRTY) {
            Pfn->Rewrite = TRUE;
        }
        return TRUE;
    }
    if ((Old & MI_PTE_DIRTY) && Slot != 0) {
        MiFreeSlot(Slot);
        Pfn->OriginalPte = MI_SOFTWARE_PTE(MI_PTE_PROTECTION(Pfn->OriginalPte), 0);
        Slot = 0;
    }
    MiInsertList(Slot != 0 ? &MiStandbyList : &MiModifiedList, Frame);
    MiRecordPage(TimelinePageLeft, Pfn->PteAddress,
                 Slot != 0 ? TimelinePageStandby : TimelinePageModified);
    return TRUE;
}

ULONG64 MiTrimWorkingSet(PMI_WORKING_SET Set)
{
    ULONG64 Trimmed = 0;
    ULONG Frame = Set->Pages.Head;
    while (Frame != MI_NO_PAGE) {
        ULONG Next = MI_PFN(Frame)->Flink;
        Trimmed += MiTrimPage(Frame);
        Frame = Next;
    }
    return Trimmed;
}

ULONG64 MiAgeWorkingSet(PMI_WORKING_SET Set, ULONG64 Scan, ULONG MinimumAge, ULONG64 Want)
{
    ULONG64 Trimmed = 0;
    if (Scan > Set->Pages.Count) {
        Scan = Set->Pages.Count;
    }
    while (Scan-- > 0 && Trimmed < Want) {
        ULONG Frame = Set->Pages.Head;
        PMMPFN Pfn = MI_PFN(Frame);
        PMMPTE Pte = MiPteOfPage(Pfn);
        if (*Pte & MI_PTE_ACCESSED) {
            __sync_fetch_and_and(Pte, ~MI_PTE_ACCESSED);
            MiInvalidatePage(MI_VA_OF_PTE(Pfn->PteAddress));
            Pfn->Age = 0;
        } else if (Pfn->Age < MI_MOST_AGE) {
            Pfn->Age++;
        }
        if (Pfn->Age >= MinimumAge) {
            Trimmed += MiTrimPage(Frame);
            continue;
        }
        MiUnlinkList(&Set->Pages, Frame);
        MiLinkList(&Set->Pages, Frame);
    }
    return Trimmed;
}

/* The last reference of a page whose owner is gone. */
static VOID MiFreeDeletedPage(ULONG Frame)
{
    ULONG Slot = MI_PTE_SLOT(MI_PFN(Frame)->OriginalPte);
    if (Slot != 0) {
        MiFreeSlot(Slot);
    }
    MiInsertFreePage(Frame);
}

/* A mapped page, locked or not, whose PTE was just cleared. */
static VOID MiDeleteMappedPage(ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    if (!Pfn->Nonpaged) {
        MiRemoveWorkingSet(Frame);
    }
    Pfn->Nonpaged = FALSE;
    Pfn->State = MiTransition;
    if (--Pfn->ReferenceCount == 0) {
        MiFreeDeletedPage(Frame);
    } else {
        Pfn->Delete = TRUE;
    }
}

VOID MiDeletePte(PMMPTE Pte, ULONG PteFrame, MMPTE NewPte, PKIRQL OldIrql)
{
    MMPTE Old = *Pte;
    while ((Old & (MI_PTE_VALID | MI_PTE_TRANSITION)) == MI_PTE_TRANSITION &&
           MI_PFN(MI_PTE_FRAME(Old))->ReadInProgress) {
        MiWaitForRead(MI_PFN(MI_PTE_FRAME(Old)), OldIrql);
        Old = *Pte;
    }
    *Pte = NewPte;
    if (Old & MI_PTE_VALID) {
        MiInvalidatePage(MI_VA_OF_PTE(MI_PFN(MI_PTE_FRAME(Old))->PteAddress));
        KdPageLeft(MI_PTE_FRAME(Old));
        MiDeleteMappedPage((ULONG)MI_PTE_FRAME(Old));
    } else if (Old & MI_PTE_TRANSITION) {
        ULONG Frame = (ULONG)MI_PTE_FRAME(Old);
        PMMPFN Pfn = MI_PFN(Frame);
        if (Pfn->State != MiTransition) {
            MiUnlinkList(MiListOf(Pfn), Frame);
            Pfn->State = MiTransition;
        }
        if (Pfn->ReferenceCount == 0) {
            MiFreeDeletedPage(Frame);
        } else {
            Pfn->Delete = TRUE;
        }
    } else if (MI_PTE_SLOT(Old) != 0) {
        MiFreeSlot(MI_PTE_SLOT(Old));
    }
}

VOID MiUnlockPage(ULONG Frame)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    PMMPFN Pfn = MI_PFN(Frame);
    NT_VERIFY(Pfn->ReferenceCount != 0);
    if (--Pfn->ReferenceCount == 0) {
        NT_VERIFY(Pfn->Delete);
        MiFreeDeletedPage(Frame);
    } else if (Pfn->OnLockedList && !MiIsLocked(Pfn)) {
        MiRemoveWorkingSet(Frame);
        MiInsertWorkingSet(Pfn->WorkingSet, Frame);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

/*
 * Mapped nonpaged pages become pageable. Their charge turns from resident into commit alone. The
 * lock is dropped after each batch, so that a large section holds off nobody's fault.
 */
VOID MiMakePageable(ULONG64 Va, ULONG64 Pages)
{
    for (ULONG64 Page = 0; Page < Pages;) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        for (ULONG i = 0; i < MI_BATCH && Page < Pages; i++, Page++) {
            PMMPTE Pte = MI_PTE_OF(Va + (Page << PAGE_SHIFT));
            ULONG Frame = (ULONG)MI_PTE_FRAME(*Pte);
            NT_VERIFY((*Pte & MI_PTE_VALID) && MI_PFN(Frame)->Nonpaged);
            MI_PFN(Frame)->Nonpaged = FALSE;
            MiInsertWorkingSet(&MiSystemWorkingSet, Frame);
        }
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
    InterlockedExchangeAdd64(&MiResidentAvailable, (LONG64)Pages);
}

/* FALSE: the page is not valid now. */
static BOOLEAN MiTakeNonpaged(PMMPTE Pte)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    BOOLEAN Valid = (*Pte & MI_PTE_VALID) != 0;
    if (Valid) {
        ULONG Frame = (ULONG)MI_PTE_FRAME(*Pte);
        NT_VERIFY(!MI_PFN(Frame)->Nonpaged);
        MiRemoveWorkingSet(Frame);
        MI_PFN(Frame)->Nonpaged = TRUE;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Valid;
}

/*
 * Pageable pages become resident for good, until MiMakePageable. Reads by clusters, whatever other
 * threads fault on meanwhile. The resident charge is taken even when memory is short, as the
 * routines that lock a section cannot fail; MiResidentAvailable may go below zero, and then nothing
 * else can be charged.
 */
VOID MiMakeResident(ULONG64 Va, ULONG64 Pages)
{
    MI_READ_AHEAD Ahead = {Va, PAGING_CLUSTER_MAXIMUM / 2};
    NT_VERIFY(KiReadIrql() == APC_LEVEL);
    for (ULONG64 End = Va + (Pages << PAGE_SHIFT); Va < End; Va += PAGE_SIZE) {
        PMMPTE Pte = MI_PTE_OF(Va);
        while (!MiTakeNonpaged(Pte)) {
            NTSTATUS Status = MiResolvePte(Pte, Va, 0, &MiSystemWorkingSet, &Ahead);
            if (!NT_SUCCESS(Status)) {
                /* Layout C of the documentation: PTE address, status, PTE contents, address. */
                KeBugCheckEx(KERNEL_DATA_INPAGE_ERROR, (ULONG_PTR)Pte, (ULONG_PTR)(ULONG)Status,
                             *Pte, Va);
            }
        }
        InterlockedExchangeAdd64(&MiResidentAvailable, -1);
    }
}
