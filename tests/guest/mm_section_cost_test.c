/* SPDX-License-Identifier: MIT */
/*
 * What the section routines and the at-raise page-out cost, counted in instructions and in reads of
 * the disk, never in time: a lock of what is locked changes a counter, a first lock reads clusters,
 * page-entire and reset look at the driver's own pages only, a raise at what was touched.
 */
#include "test_cost.h"
#include "test_image.h"
#include "test_thread.h"

#include "nt/io.h"

#define TAG 'tsoC'
#define LARGE 1000u

static VOID LockByAddress(PVOID Section)
{
    MmLockPagableDataSection((PVOID)((PMI_SECTION)Section)->Address);
}

typedef struct _LOCK_COST {
    ULONG64 Again, ByHandle, Unlock; /* of a section that is locked before and after */
    ULONG64 PageEntire, Reset;       /* all pages in memory */
} LOCK_COST;

static VOID PageEntire(PVOID Image)
{
    MmPageEntireDriver((PVOID)((PMM_IMAGE)Image)->Base);
}

static VOID Reset(PVOID Image)
{
    MmResetDriverPaging((PVOID)((PMM_IMAGE)Image)->Base);
}

/* An image of one nonpaged and one pageable section. */
static VOID MeasureImage(ULONG TextPages, ULONG PagedPages, LOCK_COST *Cost)
{
    const TEST_SECTION Layout[] = {{".text", TextPages, FALSE}, {"PAGE", PagedPages, FALSE}};
    PMM_IMAGE Image = TestLoadSections(L"\\SystemRoot\\cost.sys", Layout, 2);
    if (Image == NULL) {
        return;
    }
    PMI_SECTION Section = &Image->Section[2];
    PVOID Handle = MmLockPagableDataSection((PVOID)Section->Address);
    Cost->Again = TestCountInstructions(LockByAddress, Section);
    Cost->ByHandle = TestCountInstructions((VOID(*)(PVOID))MmLockPagableSectionByHandle, Handle);
    Cost->Unlock = TestCountInstructions((VOID(*)(PVOID))MmUnlockPagableImageSection, Handle);
    MmUnlockPagableImageSection(Handle);
    EXPECT_EQUAL(Section->LockCount, 1);
    Cost->PageEntire = TestCountInstructions(PageEntire, Image);
    Cost->Reset = TestCountInstructions(Reset, Image);
    EXPECT_EQUAL(TestValidPages(&Image->Section[1]), TextPages);
    MmUnlockPagableImageSection(Handle);
    MmUnloadSystemImage(Image);
}

GUEST_TEST(mm_section_lock_again_costs_the_same_for_any_size)
{
    LOCK_COST Small = {0}, Large = {0};
    MeasureImage(1, 1, &Small);
    MeasureImage(1, LARGE, &Large);
    EXPECT(Small.Again > 10 && Small.Again < 1000);
    EXPECT_EQUAL(Large.Again, Small.Again);
    EXPECT_EQUAL(Large.ByHandle, Small.ByHandle);
    EXPECT_EQUAL(Large.Unlock, Small.Unlock);
    /* The locked section's 1,000 pages cost page-entire and reset nothing, too. */
    EXPECT_EQUAL(Large.PageEntire, Small.PageEntire);
    EXPECT_EQUAL(Large.Reset, Small.Reset);
}

/* In proportion to the driver's own pages, and whatever else is loaded, paged in and working. */
GUEST_TEST(mm_section_page_entire_costs_what_the_driver_has)
{
    static const TEST_SECTION Other[] = {{".text", 1, FALSE}, {"PAGE", LARGE, FALSE}};
    LOCK_COST None = {0}, Alone = {0}, Beside = {0}, Large = {0};
    MeasureImage(1, 1, &None);
    MeasureImage(51, 1, &Alone);
    MeasureImage(501, 1, &Large);
    PMM_IMAGE Image = TestLoadSections(L"\\SystemRoot\\other.sys", Other, 2);
    for (ULONG Page = 0; Image != NULL && Page < LARGE; Page++) {
        *(volatile UCHAR *)(Image->Section[2].Address + Page * PAGE_SIZE) = 1;
    }
    MeasureImage(51, 1, &Beside);
    ULONG64 Fifty = Alone.PageEntire - None.PageEntire, Rest = Large.PageEntire - None.PageEntire;
    EXPECT(Rest > 9 * Fifty && Rest < 11 * Fifty);
    Fifty = Alone.Reset - None.Reset;
    Rest = Large.Reset - None.Reset;
    EXPECT(Rest > 9 * Fifty && Rest < 11 * Fifty);
    /* One more entry of the image table is looked at; a thousand pages are not. */
    EXPECT(Beside.PageEntire < Alone.PageEntire + 50);
    EXPECT(Beside.Reset < Alone.Reset + 50);
    if (Image != NULL) {
        MmUnloadSystemImage(Image);
    }
}

/* ---- two images: one thread makes the one resident, another faults on the other ---- */

typedef struct _NEIGHBOUR {
    ULONG64 Address;
    volatile BOOLEAN Stop;
    volatile ULONG Touched; /* pages; each is read by a read of its own */
    ULONG Wrong;
} NEIGHBOUR;

/* Each page once, no page after the one before it: no read-ahead. */
static VOID NeighbourThread(PVOID Context)
{
    NEIGHBOUR *Neighbour = Context;
    for (ULONG i = 1; i < LARGE && !Neighbour->Stop; i++) {
        ULONG Page = i * 7 % LARGE;
        Neighbour->Wrong += *(volatile ULONG *)(Neighbour->Address + Page * PAGE_SIZE) != Page;
        Neighbour->Touched++;
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID FillSection(const MI_SECTION *Section)
{
    for (ULONG Page = 0; Page < Section->Pages; Page++) {
        *(volatile ULONG *)(Section->Address + Page * PAGE_SIZE) = Page;
    }
}

static ULONG WrongPages(const MI_SECTION *Section)
{
    ULONG Wrong = 0;
    for (ULONG Page = 0; Page < Section->Pages; Page++) {
        Wrong += *(volatile ULONG *)(Section->Address + Page * PAGE_SIZE) != Page;
    }
    return Wrong;
}

/*
 * Brings LARGE pages back by Routine(Context) while the neighbour faults. Each of the reads but the
 * neighbour's must bring a cluster, and each time this thread waits for one the neighbour must get
 * on. How often it waits is the disk's choice: on a fast one hardly ever, with --disk-fault=slow
 * each time.
 */
static VOID ReturnBesideNeighbour(const MI_SECTION *Section, const MI_SECTION *Other,
                                  VOID (*Routine)(PVOID Context), PVOID Context)
{
    static NEIGHBOUR Neighbour;
    MM_COUNTERS Before, After;
    Neighbour = (NEIGHBOUR){Other->Address, FALSE, 0, 0};
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(TestValidPages(Section), 0);
    PKTHREAD Thread = TestStartThread(NeighbourThread, &Neighbour);
    while (Neighbour.Touched == 0) {
        TestSleep(1);
    }
    MmQueryCounters(&Before);
    ULONG TouchedBefore = Neighbour.Touched, SwitchesBefore = KiCurrentThread()->ContextSwitches;
    Routine(Context);
    ULONG Touched = Neighbour.Touched - TouchedBefore;
    ULONG Waits = KiCurrentThread()->ContextSwitches - SwitchesBefore;
    MmQueryCounters(&After);
    Neighbour.Stop = TRUE;
    TestAwaitThread(Thread);
    ULONG64 Reads = After.PageReads - Before.PageReads - Touched;
    DbgPrint("%I64u pages came back by %I64u reads and %u waits, the neighbour had %u\n",
             Section->Pages, Reads, Waits, Touched);
    EXPECT(Reads >= LARGE / PAGING_CLUSTER_MAXIMUM);
    EXPECT(Reads <= LARGE / PAGING_CLUSTER_MAXIMUM + 12);
    EXPECT(Touched * 2 + 4 >= Waits || Neighbour.Touched == LARGE - 1);
    EXPECT_EQUAL(Neighbour.Wrong, 0);
    EXPECT_EQUAL(TestValidPages(Section), LARGE);
    EXPECT_EQUAL(WrongPages(Section), 0);
}

GUEST_TEST(mm_section_return_is_by_clusters_and_holds_off_no_fault)
{
    static const TEST_SECTION Layout[] = {{".data", LARGE, FALSE}, {"PAGE", LARGE, FALSE}};
    static const TEST_SECTION OtherLayout[] = {{".text", 1, TRUE}, {"PAGE", LARGE, FALSE}};
    PMM_IMAGE Image = TestLoadSections(L"\\SystemRoot\\returns.sys", Layout, 2);
    PMM_IMAGE Other = TestLoadSections(L"\\SystemRoot\\neighbour.sys", OtherLayout, 2);
    if (Image != NULL && Other != NULL) {
        FillSection(&Image->Section[1]);
        FillSection(&Image->Section[2]);
        FillSection(&Other->Section[2]);
        ReturnBesideNeighbour(&Image->Section[2], &Other->Section[2], LockByAddress,
                              &Image->Section[2]);
        MmPageEntireDriver((PVOID)Image->Base);
        ReturnBesideNeighbour(&Image->Section[1], &Other->Section[2], Reset, Image);
        MmUnlockPagableImageSection(&Image->Section[2]);
        MmUnloadSystemImage(Other);
        MmUnloadSystemImage(Image);
    }
}

/* ---- page-out at each raise ---- */

static VOID RaiseAndLower(PVOID Context)
{
    KeLowerIrql(KfRaiseIrql(DISPATCH_LEVEL));
}

/*
 * Instructions of a raise after Touched of Pages pageable pages were touched, all others out; none
 * is touched after its predecessor, as read-ahead would bring more.
 */
static ULONG64 RaiseCost(ULONG Pages, ULONG Touched)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, (SIZE_T)Pages * PAGE_SIZE, TAG);
    EXPECT(Memory != NULL);
    for (ULONG Page = 0; Memory != NULL && Page < Pages; Page++) {
        Memory[(SIZE_T)Page * PAGE_SIZE] = 1;
    }
    MmPageOutEverything(TRUE);
    MmSetPageOutMode(MmPageOutAtRaise, FALSE, 1);
    for (ULONG i = 0; Memory != NULL && i < Touched; i++) {
        (void)((volatile UCHAR *)Memory)[(SIZE_T)i * 7 % Pages * PAGE_SIZE];
    }
    ULONG64 Count = TestCountInstructions(RaiseAndLower, NULL);
    EXPECT(Memory == NULL || !MmIsAddressValid(Memory));
    MmSetPageOutMode(MmPageOutPressure, FALSE, 1);
    ExFreePoolWithTag(Memory, TAG);
    return Count;
}

GUEST_TEST(mm_raise_costs_what_was_touched)
{
    static const ULONG Sizes[] = {1, 100, 10000};
    ULONG64 One = RaiseCost(1, 0);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        EXPECT_EQUAL(RaiseCost(Sizes[i], 0), One);
    }
    ULONG64 First = RaiseCost(10000, 1) - One;
    EXPECT_EQUAL(RaiseCost(1, 1) - One, First);
    ULONG64 Hundred = RaiseCost(10000, 100) - One, Thousand = RaiseCost(10000, 1000) - One;
    DbgPrint("a raise: %I64u instructions; 1, 100, 1000 pages touched: %I64u, %I64u, %I64u more\n",
             One, First, Hundred, Thousand);
    EXPECT(Hundred > 50 * First && Hundred < 101 * First);
    EXPECT(Thousand > 9 * Hundred && Thousand < 11 * Hundred);
}

/* Pages that a driver has locked are passed once, then no more until they are unlocked. */
GUEST_TEST(mm_raise_passes_locked_pages_once)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, 200 * PAGE_SIZE, TAG);
    PMDL Mdl = IoAllocateMdl(Memory, 200 * PAGE_SIZE, FALSE, FALSE, NULL);
    ULONG64 None = RaiseCost(1, 0);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    MmSetPageOutMode(MmPageOutAtRaise, FALSE, 1);
    ULONG64 First = TestCountInstructions(RaiseAndLower, NULL);
    ULONG64 Second = TestCountInstructions(RaiseAndLower, NULL);
    EXPECT(First > None + 200 * 10);
    EXPECT_EQUAL(Second, None);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    for (ULONG Page = 0; Page < 200; Page++) {
        EXPECT(MmIsAddressValid(Memory + Page * PAGE_SIZE));
    }
    MmUnlockPages(Mdl);
    TestCountInstructions(RaiseAndLower, NULL);
    for (ULONG Page = 0; Page < 200; Page++) {
        EXPECT(!MmIsAddressValid(Memory + Page * PAGE_SIZE));
    }
    MmSetPageOutMode(MmPageOutPressure, FALSE, 1);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Memory, TAG);
}
