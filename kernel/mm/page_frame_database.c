/* SPDX-License-Identifier: MIT */
/*
 * The page frame database: a 40-byte entry for each frame of RAM, and the lists they are on.
 *
 *                     MiInsertWorkingSet (demand zero, MiReadPages)
 *   Zeroed, Free ------------------------------------------------> Active <------------+
 *        ^                                                          |   ^              |
 *        |                                           MiTrimPage     |   | soft fault   |
 *        |                                (dirty, or no slot yet)   v   | (MiSoftFault)|
 *        |                                                       Modified              |
 *        |                                                          |                  |
 *        |                                    modified page writer  |  (Transition     |
 *        |                                                          v   while written) |
 *        +------------------------------------------------------ Standby --------------+
 *              MiRemovePage takes the oldest: its PTE becomes     (also MiTrimPage, when clean)
 *              the paging-file form
 *   Transition: on no list, I/O in progress or being moved; Active + Nonpaged: never leaves.
 *
 * Invariants (MiVerifyAll cites them by number):
 *   F1  a page on a list has State of that list and ReferenceCount 0
 *   F2  Active pageable pages are in exactly one working set; their PTE is valid and names them
 *   F3  Standby, Modified and I/O pages have a PTE in transition form that names them
 *   F4  a Standby page has a slot; its PTE becomes OriginalPte when the page is taken
 *   F5  a slot belongs to exactly one page or paging-file PTE
 *   F6  the lists' counts are the lists' lengths
 *   F7  a page on a working set's list of locked pages has a reference beside its mapping's
 *   F8  a valid user PTE is a view's and counted in ViewPages, or of a frame that names it
 */
#include "mm/mi.h"

KSPIN_LOCK MiPfnLock;
MI_PAGE_LIST MiZeroedList = {MI_NO_PAGE, MI_NO_PAGE, 0, MiZeroed};
MI_PAGE_LIST MiFreeList = {MI_NO_PAGE, MI_NO_PAGE, 0, MiFree};
MI_PAGE_LIST MiStandbyList = {MI_NO_PAGE, MI_NO_PAGE, 0, MiStandby};
MI_PAGE_LIST MiModifiedList = {MI_NO_PAGE, MI_NO_PAGE, 0, MiModified};
ULONG64 MiHighestFrame;
ULONG64 MiPhysicalPages;
PHYSICAL_MEMORY_RANGE MiPhysicalRanges[LOADER_MAX_MEMORY + 1];
KEVENT MiPagesAvailable;
MM_COUNTERS MiCounters;
ULONG MiLowPages;

static LOADER_BLOCK *MiBootLoader; /* while pages come from the loader's free ranges */
static ULONG MiPageWaiters;        /* threads in MiWaitForPages; under MiPfnLock */

static MI_PAGE_LIST *const MiLists[] = {
    [MiZeroed] = &MiZeroedList,
    [MiFree] = &MiFreeList,
    [MiStandby] = &MiStandbyList,
    [MiModified] = &MiModifiedList,
};

MI_PAGE_LIST *MiListOf(PMMPFN Pfn)
{
    NT_VERIFY(Pfn->State <= MiModified);
    return MiLists[Pfn->State];
}

ULONG64 MiAvailablePages(VOID)
{
    return MiZeroedList.Count + MiFreeList.Count + MiStandbyList.Count;
}

/*
 * Takes contiguous pages from the end of the highest free range of the boot loader's map. Only
 * before the lists are made; what is taken so is never given back.
 */
ULONG MiTakeBootPages(ULONG Pages)
{
    NT_VERIFY(MiBootLoader != NULL);
    for (ULONG i = MiBootLoader->MemoryCount; i-- > 0;) {
        LOADER_MEMORY *Memory = &MiBootLoader->Memory[i];
        if (Memory->Type == LoaderMemoryFree && Memory->PageCount >= Pages) {
            Memory->PageCount -= Pages;
            ULONG Frame = (ULONG)(Memory->BasePage + Memory->PageCount);
            for (ULONG Page = 0; Page < Pages; Page++) {
                MiZeroPage(MiFrameToVirtual(Frame + Page));
            }
            return Frame;
        }
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, 0x3451, Pages, 0, 0);
}

static BOOLEAN MiIsRam(const LOADER_MEMORY *Memory)
{
    return Memory->Type != LoaderMemoryReserved;
}

/* Maps the database's pages that hold the entries of one range of RAM. */
static VOID MiMapDatabase(ULONG64 FirstFrame, ULONG64 Count)
{
    ULONG64 First = (ULONG64)MI_PFN(FirstFrame) & ~(ULONG64)(PAGE_SIZE - 1);
    ULONG64 End = (ULONG64)MI_PFN(FirstFrame + Count);
    NT_VERIFY(MiMakeSystemTables(First, (End - First + PAGE_SIZE - 1) >> PAGE_SHIFT));
    for (ULONG64 Va = First; Va < End; Va += PAGE_SIZE) {
        PMMPTE Pte = MI_PTE_OF(Va);
        if (*Pte == 0) {
            *Pte = MiValidPte(MiTakeBootPages(1), MI_READWRITE, FALSE);
        }
    }
}

/*
 * Entries beside a range of RAM that share the database's pages with it name no RAM; a zero state
 * would be MiZeroed.
 */
static VOID MiMarkNeighboursBad(ULONG64 FirstFrame, ULONG64 Count)
{
    const ULONG64 Reach = PAGE_SIZE / sizeof(MMPFN) + 1;
    ULONG64 Low = FirstFrame > Reach ? FirstFrame - Reach : 0;
    for (ULONG64 Frame = Low; Frame < FirstFrame + Count + Reach; Frame++) {
        if (Frame == FirstFrame && Count > Reach) {
            Frame = FirstFrame + Count;
        }
        PMMPFN Pfn = MI_PFN(Frame);
        if (MmIsAddressValid(Pfn) && MmIsAddressValid((PCHAR)(Pfn + 1) - 1)) {
            Pfn->State = MiBad;
        }
    }
}

VOID MiMarkNonpaged(ULONG64 Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    Pfn->State = MiActive;
    Pfn->Nonpaged = TRUE;
    Pfn->ReferenceCount = 1;
    Pfn->Flink = Pfn->Blink = MI_NO_PAGE;
}

/* In ascending order, as the loader gives them; neighbours become one range. */
static VOID MiAddPhysicalRange(ULONG64 FirstFrame, ULONG64 Count)
{
    PPHYSICAL_MEMORY_RANGE Range = MiPhysicalRanges;
    LONGLONG Base = (LONGLONG)(FirstFrame << PAGE_SHIFT);
    while (Range->NumberOfBytes.QuadPart != 0 &&
           Range->BaseAddress.QuadPart + Range->NumberOfBytes.QuadPart != Base) {
        Range++;
    }
    if (Range->NumberOfBytes.QuadPart == 0) {
        Range->BaseAddress.QuadPart = Base;
    }
    Range->NumberOfBytes.QuadPart += (LONGLONG)(Count << PAGE_SHIFT);
}

/*
 * Phase 0. Frames the loader keeps (Permanent, Archive) become Active and nonpaged, the free ones
 * go to the free list; pages taken meanwhile by MiTakeBootPages lie above the shrunken free ranges
 * and are marked nonpaged too.
 */
VOID MiInitializePageFrameDatabase(LOADER_BLOCK *Loader)
{
    LOADER_MEMORY Ram[LOADER_MAX_MEMORY];
    ULONG Count = Loader->MemoryCount;
    NT_VERIFY(Count <= LOADER_MAX_MEMORY);
    MiBootLoader = Loader;
    MiDescribePhysicalMemory(Loader);
    for (ULONG i = 0; i < Count; i++) {
        Ram[i] = Loader->Memory[i];
        if (MiIsRam(&Ram[i]) && Ram[i].PageCount != 0) {
            MiAddPhysicalRange(Ram[i].BasePage, Ram[i].PageCount);
            MiPhysicalPages += Ram[i].PageCount;
            MiHighestFrame = Ram[i].BasePage + Ram[i].PageCount - 1;
        }
    }
    for (ULONG i = 0; i < Count; i++) {
        if (MiIsRam(&Ram[i]) && Ram[i].PageCount != 0) {
            MiMapDatabase(Ram[i].BasePage, Ram[i].PageCount);
        }
    }
    MiInitializeSystemRanges();
    for (ULONG i = 0; i < Count; i++) {
        if (MiIsRam(&Ram[i])) {
            MiMarkNeighboursBad(Ram[i].BasePage, Ram[i].PageCount);
        }
    }
    for (ULONG i = 0; i < Count; i++) {
        for (ULONG64 Page = 0; MiIsRam(&Ram[i]) && Page < Ram[i].PageCount; Page++) {
            MiMarkNonpaged(Ram[i].BasePage + Page);
        }
    }
    MiBootLoader = NULL;
    for (ULONG i = 0; i < Count; i++) {
        if (Loader->Memory[i].Type != LoaderMemoryFree) {
            continue;
        }
        for (ULONG64 Page = 0; Page < Loader->Memory[i].PageCount; Page++) {
            ULONG Frame = (ULONG)(Loader->Memory[i].BasePage + Page);
            if (Frame != 0) {
                MiInsertFreePage(Frame);
            }
        }
    }
    KeInitializeEvent(&MiPagesAvailable, NotificationEvent, FALSE);
    MiLowPages = (ULONG)(MiPhysicalPages / 64);
}

VOID MiLinkList(MI_PAGE_LIST *List, ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    Pfn->Flink = MI_NO_PAGE;
    Pfn->Blink = List->Tail;
    if (List->Tail == MI_NO_PAGE) {
        List->Head = Frame;
    } else {
        MI_PFN(List->Tail)->Flink = Frame;
    }
    List->Tail = Frame;
    List->Count++;
}

VOID MiInsertList(MI_PAGE_LIST *List, ULONG Frame)
{
    NT_ASSERT(MI_PFN(Frame)->ReferenceCount == 0);
    MI_PFN(Frame)->State = List->State;
    MiLinkList(List, Frame);
    if (MiPageWaiters != 0 && List != &MiModifiedList) {
        KeSetEvent(&MiPagesAvailable, 0, FALSE);
    }
}

/* At the head, so that it is the next to be taken. */
static VOID MiPushList(MI_PAGE_LIST *List, ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    Pfn->State = List->State;
    Pfn->Blink = MI_NO_PAGE;
    Pfn->Flink = List->Head;
    if (List->Head == MI_NO_PAGE) {
        List->Tail = Frame;
    } else {
        MI_PFN(List->Head)->Blink = Frame;
    }
    List->Head = Frame;
    List->Count++;
}

VOID MiUnlinkList(MI_PAGE_LIST *List, ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    if (Pfn->Blink == MI_NO_PAGE) {
        NT_ASSERT(List->Head == Frame);
        List->Head = Pfn->Flink;
    } else {
        MI_PFN(Pfn->Blink)->Flink = Pfn->Flink;
    }
    if (Pfn->Flink == MI_NO_PAGE) {
        NT_ASSERT(List->Tail == Frame);
        List->Tail = Pfn->Blink;
    } else {
        MI_PFN(Pfn->Flink)->Blink = Pfn->Blink;
    }
    List->Count--;
    Pfn->Flink = Pfn->Blink = MI_NO_PAGE;
}

VOID MiInsertFreePage(ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
#if DBG
    __builtin_memset(MiFrameToVirtual(Frame), 0xfd, 64); /* enough to see who used it after */
#endif
    Pfn->PteAddress = NULL;
    Pfn->OriginalPte = 0;
    Pfn->PteFrame = 0;
    Pfn->ReferenceCount = 0;
    Pfn->Nonpaged = Pfn->ReadInProgress = Pfn->WriteInProgress = FALSE;
    Pfn->Rewrite = Pfn->Delete = FALSE;
    Pfn->Age = 0;
    Pfn->WorkingSet = NULL;
    /*
     * Last in, first out: a page that was in use lately is one that the emulator has memory for; a
     * first touch of another costs it several microseconds.
     */
    MiPushList(&MiFreeList, Frame);
    if (MiPageWaiters != 0) {
        KeSetEvent(&MiPagesAvailable, 0, FALSE);
    }
}

PMMPTE MiPteOfPage(PMMPFN Pfn)
{
    return (PMMPTE)((PCHAR)MiFrameToVirtual(Pfn->PteFrame) + BYTE_OFFSET(Pfn->PteAddress));
}

/* F4: the page is clean, so its PTE only has to say where the contents are. */
static VOID MiReclaimStandby(ULONG Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    NT_VERIFY(MI_PTE_SLOT(Pfn->OriginalPte) != 0);
    *MiPteOfPage(Pfn) = Pfn->OriginalPte;
    MiRecordPage(TimelinePageFreed, Pfn->PteAddress, TimelinePageOnDisk);
    MiUnlinkList(&MiStandbyList, Frame);
}

VOID MiFreeStandbyPage(ULONG Frame)
{
    MiReclaimStandby(Frame);
    MiInsertFreePage(Frame);
}

ULONG64 MiPurgeStandby(VOID)
{
    ULONG64 Count = 0;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    while (MiStandbyList.Head != MI_NO_PAGE) {
        MiFreeStandbyPage(MiStandbyList.Head);
        Count++;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Count;
}

ULONG MiRemovePage(BOOLEAN Zero)
{
    MI_PAGE_LIST *First = Zero ? &MiZeroedList : &MiFreeList;
    MI_PAGE_LIST *Second = Zero ? &MiFreeList : &MiZeroedList;
    MI_PAGE_LIST *List = First->Count != 0    ? First
                         : Second->Count != 0 ? Second
                                              : &MiStandbyList;
    ULONG Frame = List->Head;
    if (Frame == MI_NO_PAGE) {
        return MI_NO_PAGE;
    }
    if (List == &MiStandbyList) {
        MiReclaimStandby(Frame);
    } else {
        MiUnlinkList(List, Frame);
    }
    PMMPFN Pfn = MI_PFN(Frame);
    Pfn->State = MiTransition;
    Pfn->Age = 0;
    Pfn->WorkingSet = NULL;
    Pfn->OriginalPte = 0; /* the slot stays with the PTE */
    if (Zero && List != &MiZeroedList) {
        MiZeroPage(MiFrameToVirtual(Frame));
    }
    if (MiAvailablePages() < MiLowPages) {
        MiWakeBalanceSetManager();
    }
    return Frame;
}

/*
 * Commit accounting has promised that this ends: every pageable page that is not in the paging
 * file fits into RAM beside what is nonpaged.
 */
VOID MiWaitForPages(VOID)
{
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    MiPageWaiters++;
    while (MiAvailablePages() == 0) {
        KeClearEvent(&MiPagesAvailable);
        MiWakeBalanceSetManager();
        KiReleaseSpinLock(&MiPfnLock, Irql);
        KeWaitForSingleObject(&MiPagesAvailable, WrFreePage, KernelMode, FALSE, NULL);
        Irql = KiAcquireSpinLock(&MiPfnLock);
    }
    MiPageWaiters--;
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

ULONG MiAllocateNonpagedFrame(PMMPTE Pte, ULONG PteFrame, BOOLEAN Zero)
{
    if (MiBootLoader != NULL) {
        return MiTakeBootPages(1);
    }
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    ULONG Frame = MiRemovePage(Zero);
    if (Frame != MI_NO_PAGE) {
        MiMarkNonpaged(Frame);
        MI_PFN(Frame)->PteAddress = Pte;
        MI_PFN(Frame)->PteFrame = PteFrame;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Frame;
}

ULONG MiAllocateChargedFrame(PMMPTE Pte, ULONG PteFrame, BOOLEAN Zero)
{
    ULONG Frame = MiAllocateNonpagedFrame(Pte, PteFrame, Zero);
    while (Frame == MI_NO_PAGE && KeGetCurrentIrql() <= APC_LEVEL) {
        MiWaitForPages();
        Frame = MiAllocateNonpagedFrame(Pte, PteFrame, Zero);
    }
    return Frame;
}

VOID MiFreeNonpagedFrame(ULONG Frame)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    PMMPFN Pfn = MI_PFN(Frame);
    NT_VERIFY(Pfn->Nonpaged && Pfn->State == MiActive);
    if (--Pfn->ReferenceCount == 0) {
        if (MI_PTE_SLOT(Pfn->OriginalPte) != 0) {
            MiFreeSlot(MI_PTE_SLOT(Pfn->OriginalPte));
        }
        MiInsertFreePage(Frame);
    } else {
        Pfn->Nonpaged = FALSE; /* an MDL or a write still holds it; its release frees it */
        Pfn->State = MiTransition;
        Pfn->Delete = TRUE;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
}
