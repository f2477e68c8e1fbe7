/* SPDX-License-Identifier: MIT */
/*
 * MiVerifyAll: the whole of Mm's structures checked against each other, under MiPfnLock, so that
 * what it sees is one moment. It changes nothing and allocates nothing. Each violation is printed
 * with the number of the invariant (page_frame_database.c) and counted.
 */
#include "mm/mi.h"

static ULONG MiViolations;

static VOID MiComplain(PCSTR Invariant, ULONG64 Frame, ULONG64 Found, ULONG64 Expected)
{
    MiViolations++;
    if (MiViolations <= 20) {
        DbgPrint("MiVerifyAll: %s: page %I64x: found %I64x, expected %I64x\n", Invariant, Frame,
                 Found, Expected);
    }
}

#define MI_CHECK(invariant, frame, found, expected)                                   \
    do {                                                                              \
        if ((ULONG64)(found) != (ULONG64)(expected)) {                                \
            MiComplain((invariant), (frame), (ULONG64)(found), (ULONG64)(expected));  \
        }                                                                             \
    } while (0)

static VOID MiVerifyList(const MI_PAGE_LIST *List, BOOLEAN WorkingSet)
{
    ULONG64 Count = 0;
    ULONG Previous = MI_NO_PAGE;
    for (ULONG Frame = List->Head; Frame != MI_NO_PAGE && Count <= List->Count;
         Frame = MI_PFN(Frame)->Flink) {
        PMMPFN Pfn = MI_PFN(Frame);
        MI_CHECK("F6 back link", Frame, Pfn->Blink, Previous);
        MI_CHECK("F1 state", Frame, Pfn->State, List->State);
        if (!WorkingSet) {
            MI_CHECK("F1 references", Frame, Pfn->ReferenceCount, 0);
        }
        Previous = Frame;
        Count++;
    }
    MI_CHECK("F6 length", List->State, Count, List->Count);
    MI_CHECK("F6 tail", List->State, List->Tail, Previous);
}

static VOID MiVerifyMapped(ULONG Frame, PMMPFN Pfn)
{
    MMPTE Pte = *MiPteOfPage(Pfn);
    MI_CHECK("F2 valid", Frame, Pte & MI_PTE_VALID, MI_PTE_VALID);
    MI_CHECK("F2 frame", Frame, MI_PTE_FRAME(Pte), Frame);
    if (Pfn->ReferenceCount == 0) {
        MiComplain("F2 references", Frame, 0, 1);
    }
    if (Pfn->OnLockedList && Pfn->ReferenceCount < 2) {
        MiComplain("F7 references", Frame, Pfn->ReferenceCount, 2);
    }
}

static VOID MiVerifyTransition(ULONG Frame, PMMPFN Pfn)
{
    if (Pfn->Delete) {
        return; /* its PTE is somebody else's now */
    }
    MMPTE Pte = *MiPteOfPage(Pfn);
    MI_CHECK("F3 form", Frame, Pte & (MI_PTE_VALID | MI_PTE_TRANSITION), MI_PTE_TRANSITION);
    MI_CHECK("F3 frame", Frame, MI_PTE_FRAME(Pte), Frame);
    MI_CHECK("F3 protection", Frame, MI_PTE_PROTECTION(Pte), MI_PTE_PROTECTION(Pfn->OriginalPte));
    if (Pfn->State == MiStandby && MI_PTE_SLOT(Pfn->OriginalPte) == 0) {
        MiComplain("F4 slot", Frame, 0, 1);
    }
}

/* Slots held by frames; those held by PTEs are the rest and are counted by MiCountPteSlots. */
static ULONG64 MiVerifyFrames(PULONG64 Listed)
{
    ULONG64 Slots = 0;
    for (ULONG64 Frame = 0; Frame <= MiHighestFrame; Frame++) {
        PMMPFN Pfn = MI_PFN(Frame);
        if (!MmIsAddressValid(Pfn) || !MmIsAddressValid((PCHAR)(Pfn + 1) - 1)) {
            continue; /* no RAM there */
        }
        if (Pfn->State != MiFree && Pfn->State != MiZeroed && MI_PTE_SLOT(Pfn->OriginalPte) != 0) {
            Slots++;
        }
        switch (Pfn->State) {
        case MiActive:
            if (!Pfn->Nonpaged) {
                MiVerifyMapped((ULONG)Frame, Pfn);
                (*Listed)++;
            }
            break;
        case MiStandby:
        case MiModified:
        case MiTransition: MiVerifyTransition((ULONG)Frame, Pfn); break;
        default: break;
        }
    }
    return Slots;
}

ULONG64 MiCountRangeSlots(PMI_PAGE_RANGE Range)
{
    ULONG64 Slots = 0;
    for (ULONG64 Page = 0; Page < Range->Pages;) {
        PVOID Va = (PVOID)(Range->Start + (Page << PAGE_SHIFT));
        PMMPTE Pte = MiWalk(Va, NULL);
        if (Pte == NULL) {
            Page = (Page | 511) + 1;
            continue;
        }
        if (!(*Pte & (MI_PTE_VALID | MI_PTE_TRANSITION)) && MI_PTE_SLOT(*Pte) != 0) {
            Slots++;
        }
        Page++;
    }
    return Slots;
}

static VOID MiVerifyUserPte(ULONG64 TableFrame, ULONG Index, MMPTE Pte, PULONG64 Views)
{
    if (Pte & MI_PTE_VIEW) {
        (*Views)++;
        return;
    }
    PMMPFN Pfn = MI_PFN(MI_PTE_FRAME(Pte));
    MI_CHECK("F8 table", MI_PTE_FRAME(Pte), Pfn->PteFrame, TableFrame);
    MI_CHECK("F8 entry", MI_PTE_FRAME(Pte), BYTE_OFFSET(Pfn->PteAddress), Index * sizeof(MMPTE));
}

/* The same for a user half, through the physical map; Level 4 is the top. */
static ULONG64 MiCountTableSlots(ULONG64 TableFrame, ULONG Entries, ULONG Level, PULONG64 Views)
{
    PMMPTE Table = MiFrameToVirtual(TableFrame);
    ULONG64 Slots = 0;
    for (ULONG i = 0; i < Entries; i++) {
        if (Level > 1) {
            if (Table[i] & MI_PTE_VALID) {
                Slots += MiCountTableSlots(MI_PTE_FRAME(Table[i]), 512, Level - 1, Views);
            }
        } else if (Table[i] & MI_PTE_VALID) {
            MiVerifyUserPte(TableFrame, i, Table[i], Views);
        } else if (!(Table[i] & MI_PTE_TRANSITION) && MI_PTE_SLOT(Table[i]) != 0) {
            Slots++;
        }
    }
    return Slots;
}

ULONG MiVerifyAll(VOID)
{
    ULONG64 Members = 0, Listed = 0;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    MiViolations = 0;
    MiVerifyList(&MiZeroedList, FALSE);
    MiVerifyList(&MiFreeList, FALSE);
    MiVerifyList(&MiStandbyList, FALSE);
    MiVerifyList(&MiModifiedList, FALSE);
    ULONG64 Slots = MiVerifyFrames(&Listed);
    Slots += MiCountRangeSlots(&MiImageRange) + MiCountRangeSlots(&MiPagedPoolRange) +
             MiCountRangeSlots(&MiSystemPteRange);
    for (PLIST_ENTRY Link = MiWorkingSets.Flink; Link != &MiWorkingSets; Link = Link->Flink) {
        PMI_WORKING_SET Set = CONTAINING_RECORD(Link, MI_WORKING_SET, Links);
        MiVerifyList(&Set->Pages, TRUE);
        MiVerifyList(&Set->Locked, TRUE);
        Members += Set->Pages.Count + Set->Locked.Count;
        PEPROCESS Process = Set->Process != NULL ? Set->Process : PsInitialSystemProcess;
        ULONG64 Views = 0;
        Slots += MiCountTableSlots(Process->Pcb.DirectoryTableBase >> PAGE_SHIFT, 256, 4, &Views);
        MI_CHECK("F8 views", 0, Set->ViewPages, Views);
    }
    MI_CHECK("F2 membership", 0, Members, Listed);
    if (MiSlots.Pages != 0) {
        MI_CHECK("F5 slots", 0, MiSlots.Used, Slots + 1 + MiBadSlots);
    }
    ULONG Violations = MiViolations;
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Violations;
}
