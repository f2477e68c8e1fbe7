/* SPDX-License-Identifier: MIT */
/* Paged pool through all its states: demand zero, trimmed, written, evicted, read back. */
#include "test_thread.h"

#include "mm/mi.h"

#define TAG 'tseT'

static MM_COUNTERS Counters(VOID)
{
    MM_COUNTERS Now;
    MmQueryCounters(&Now);
    return Now;
}

/* A word that depends on place and round, so that a page in the wrong place shows. */
static ULONG64 Pattern(ULONG64 Page, ULONG64 Word, ULONG64 Round)
{
    return (Page * 0x9e3779b97f4a7c15ull) ^ (Word << 32) ^ (Round * 0xc2b2ae3d27d4eb4full);
}

static VOID FillPages(PULONG64 Memory, ULONG64 Pages, ULONG64 Round)
{
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        for (ULONG64 Word = 0; Word < 512; Word++) {
            Memory[Page * 512 + Word] = Pattern(Page, Word, Round);
        }
    }
}

static ULONG64 CountWrongWords(const ULONG64 *Memory, ULONG64 Pages, ULONG64 Round)
{
    ULONG64 Wrong = 0;
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        for (ULONG64 Word = 0; Word < 512; Word++) {
            Wrong += Memory[Page * 512 + Word] != Pattern(Page, Word, Round);
        }
    }
    return Wrong;
}

GUEST_TEST(mm_demand_zero_pages_are_zero)
{
    PULONG64 Memory = ExAllocatePoolWithTag(PagedPool, 16 * PAGE_SIZE, TAG);
    EXPECT(Memory != NULL);
    ULONG64 Before = Counters().DemandZeroFaults;
    ULONG64 Sum = 0;
    for (ULONG i = 0; i < 16 * 512; i++) {
        Sum |= Memory[i];
    }
    EXPECT_EQUAL(Sum, 0);
    EXPECT_EQUAL(Counters().DemandZeroFaults - Before, 16);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_trimmed_pages_come_back_by_soft_faults)
{
    PULONG64 Memory = ExAllocatePoolWithTag(PagedPool, 16 * PAGE_SIZE, TAG);
    FillPages(Memory, 16, 1);
    MmPageOutEverything(FALSE);
    EXPECT(!MmIsAddressValid(Memory));
    MM_COUNTERS Before = Counters();
    EXPECT_EQUAL(CountWrongWords(Memory, 16, 1), 0);
    MM_COUNTERS After = Counters();
    EXPECT_EQUAL(After.SoftFaults - Before.SoftFaults, 16);
    EXPECT_EQUAL(After.HardFaults - Before.HardFaults, 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_evicted_pages_come_back_by_hard_faults)
{
    PULONG64 Memory = ExAllocatePoolWithTag(PagedPool, 64 * PAGE_SIZE, TAG);
    FillPages(Memory, 64, 2);
    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Memory));
    MM_COUNTERS Before = Counters();
    EXPECT_EQUAL(CountWrongWords(Memory, 64, 2), 0);
    MM_COUNTERS After = Counters();
    EXPECT_EQUAL(After.PagesRead - Before.PagesRead, 64);
    /* A sequential reader gets clusters: far fewer reads than pages. */
    EXPECT(After.PageReads - Before.PageReads <= 8);
    ExFreePoolWithTag(Memory, TAG);
}

typedef struct _COLLISION {
    volatile ULONG64 *Page;
    KEVENT Go[2], Done; /* Go: the reader's, the other's */
    ULONG Met;          /* how often the other found the reader's read under way */
    ULONG64 Wrong;
    ULONG Rounds;
} COLLISION;

static VOID ReadFirst(PVOID Context)
{
    COLLISION *Collision = Context;
    for (ULONG Round = 0; Round < Collision->Rounds; Round++) {
        KeWaitForSingleObject(&Collision->Go[0], Executive, KernelMode, FALSE, NULL);
        Collision->Wrong += *Collision->Page != Pattern(0, 0, 3);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID ReadAtHigherPriority(PVOID Context)
{
    COLLISION *Collision = Context;
    KeSetBasePriorityThread(KeGetCurrentThread(), 4);
    for (ULONG Round = 0; Round < Collision->Rounds; Round++) {
        KeWaitForSingleObject(&Collision->Go[1], Executive, KernelMode, FALSE, NULL);
        MMPTE Pte = *MiWalk((PVOID)Collision->Page, NULL);
        Collision->Met += (Pte & (MI_PTE_VALID | MI_PTE_TRANSITION)) == MI_PTE_TRANSITION &&
                          MI_PFN(MI_PTE_FRAME(Pte))->ReadInProgress;
        Collision->Wrong += *Collision->Page != Pattern(0, 0, 3);
        KeSetEvent(&Collision->Done, 0, FALSE);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/*
 * Two threads wait for one read; when it has come, the one of higher priority runs first and must
 * not wait for the other. We have the lowest priority and run while the reader waits for the disk.
 * A disk in the host's cache may be too fast for that; tests/system/run gives a slow one.
 */
GUEST_TEST(mm_colliding_faults_end_whoever_runs_first)
{
    PULONG64 Memory = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    COLLISION Collision = {.Page = Memory, .Rounds = 50};
    for (ULONG i = 0; i < 2; i++) {
        KeInitializeEvent(&Collision.Go[i], SynchronizationEvent, FALSE);
    }
    KeInitializeEvent(&Collision.Done, SynchronizationEvent, FALSE);
    FillPages(Memory, 1, 3);
    PKTHREAD Reader = TestStartThread(ReadFirst, &Collision);
    PKTHREAD Other = TestStartThread(ReadAtHigherPriority, &Collision);
    KPRIORITY Old = KeSetPriorityThread(KeGetCurrentThread(), 4);
    for (ULONG Round = 0; Round < Collision.Rounds; Round++) {
        MmPageOutEverything(TRUE);
        KeSetEvent(&Collision.Go[0], 0, FALSE);
        KeSetEvent(&Collision.Go[1], 0, FALSE);
        KeWaitForSingleObject(&Collision.Done, Executive, KernelMode, FALSE, NULL);
    }
    TestJoinThread(Reader);
    TestJoinThread(Other);
    KeSetPriorityThread(KeGetCurrentThread(), Old);
    if (Collision.Met != 0) {
        DbgPrint("faults have collided\n");
    }
    EXPECT_EQUAL(Collision.Wrong, 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_clean_pages_are_not_written_twice)
{
    PULONG64 Memory = ExAllocatePoolWithTag(PagedPool, 32 * PAGE_SIZE, TAG);
    FillPages(Memory, 32, 3);
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(CountWrongWords(Memory, 32, 3), 0);
    ULONG64 Before = Counters().PagesWritten;
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(Counters().PagesWritten - Before, 0);
    Memory[5 * 512] = 0;
    Memory[5 * 512] = Pattern(5, 0, 3);
    Before = Counters().PagesWritten;
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(Counters().PagesWritten - Before, 1);
    EXPECT_EQUAL(CountWrongWords(Memory, 32, 3), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_more_than_ram_keeps_every_word)
{
    ULONG64 Pages = MiPhysicalPages + MiPhysicalPages / 2;
    ULONG64 Chunk = 1024;
    if ((LONG64)Pages > MiCommitLimit - MiCommittedPages - 512) {
        Pages = (ULONG64)(MiCommitLimit - MiCommittedPages - 512);
    }
    PULONG64 Chunks[64] = {NULL};
    ULONG64 Count = Pages / Chunk < 64 ? Pages / Chunk : 64;
    for (ULONG64 i = 0; i < Count; i++) {
        Chunks[i] = ExAllocatePoolWithTag(PagedPool, Chunk * PAGE_SIZE, TAG);
        EXPECT(Chunks[i] != NULL);
        if (Chunks[i] != NULL) {
            FillPages(Chunks[i], Chunk, i);
        }
    }
    EXPECT_EQUAL(MiVerifyAll(), 0);
    for (ULONG64 i = 0; i < Count; i++) {
        if (Chunks[i] != NULL) {
            EXPECT_EQUAL(CountWrongWords(Chunks[i], Chunk, i), 0);
            ExFreePoolWithTag(Chunks[i], TAG);
        }
    }
}

typedef struct _HOARD {
    PULONG Frames;
    ULONG Count;
    KEVENT Release;
} HOARD;

static VOID GiveBack(PVOID Context)
{
    HOARD *Hoard = Context;
    KeWaitForSingleObject(&Hoard->Release, Executive, KernelMode, FALSE, NULL);
    while (Hoard->Count > 0) {
        MiFreeNonpagedFrame(Hoard->Frames[--Hoard->Count]);
    }
}

/*
 * No page is left when page tables are needed, though they have been charged. At the highest
 * priority nobody makes one available before we wait.
 */
GUEST_TEST(mm_page_tables_wait_for_pages)
{
    HOARD Hoard = {.Frames = ExAllocatePoolWithTag(NonPagedPool, MiPhysicalPages * sizeof(ULONG),
                                                   TAG)};
    KeInitializeEvent(&Hoard.Release, NotificationEvent, FALSE);
    PKTHREAD Thread = TestStartThread(GiveBack, &Hoard);
    TestSettle();
    KPRIORITY Old = KeSetPriorityThread(KeGetCurrentThread(), HIGH_PRIORITY);
    KeSetEvent(&Hoard.Release, 0, FALSE);
    for (;;) {
        ULONG Frame = MiAllocateNonpagedFrame(NULL, 0, FALSE);
        if (Frame == MI_NO_PAGE) {
            break;
        }
        Hoard.Frames[Hoard.Count++] = Frame;
    }
    PVOID Memory = ExAllocatePoolWithTag(PagedPool, 2048 * PAGE_SIZE, TAG);
    EXPECT(Memory != NULL);
    KeSetPriorityThread(KeGetCurrentThread(), Old);
    TestJoinThread(Thread);
    if (Memory != NULL) {
        ExFreePoolWithTag(Memory, TAG);
    }
    ExFreePoolWithTag(Hoard.Frames, TAG);
}

GUEST_TEST(mm_full_commit_fails_cleanly)
{
    enum { Most = 4096 };
    PVOID *Blocks = ExAllocatePoolWithTag(NonPagedPool, Most * sizeof(PVOID), TAG);
    ULONG Count = 0;
    while (Count < Most) {
        Blocks[Count] = ExAllocatePoolWithTag(PagedPool, 512 * PAGE_SIZE, TAG);
        if (Blocks[Count] == NULL) {
            break;
        }
        Count++;
    }
    EXPECT(Count < Most);
    EXPECT(MiCommittedPages <= MiCommitLimit);
    while (Count > 0) {
        ExFreePoolWithTag(Blocks[--Count], TAG);
    }
    PVOID Again = ExAllocatePoolWithTag(PagedPool, 512 * PAGE_SIZE, TAG);
    EXPECT(Again != NULL);
    ExFreePoolWithTag(Again, TAG);
    ExFreePoolWithTag(Blocks, TAG);
}

GUEST_TEST(mm_locked_pages_stay)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, 4 * PAGE_SIZE, TAG);
    FillPages((PULONG64)Memory, 4, 9);
    PMDL Mdl = ExAllocatePoolWithTag(NonPagedPool, MmSizeOfMdl(Memory, 4 * PAGE_SIZE), TAG);
    MmInitializeMdl(Mdl, Memory, 4 * PAGE_SIZE);
    MmProbeAndLockPages(Mdl, KernelMode, IoModifyAccess);
    MmPageOutEverything(TRUE);
    EXPECT(MmIsAddressValid(Memory));
    EXPECT(MmIsAddressValid(Memory + 3 * PAGE_SIZE));
    PULONG64 Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    EXPECT(Mapped != NULL);
    Mapped[0] = 42;
    EXPECT_EQUAL(*(PULONG64)Memory, 42);
    MmUnlockPages(Mdl);
    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Memory));
    EXPECT_EQUAL(*(PULONG64)Memory, 42);
    ExFreePoolWithTag(Mdl, TAG);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_memory_freed_under_a_lock_outlives_its_address)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    PMDL Mdl = ExAllocatePoolWithTag(NonPagedPool, MmSizeOfMdl(Memory, PAGE_SIZE), TAG);
    MmInitializeMdl(Mdl, Memory, PAGE_SIZE);
    MmProbeAndLockPages(Mdl, KernelMode, IoModifyAccess);
    PUCHAR Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    Mapped[7] = 7;
    ExFreePoolWithTag(Memory, TAG);
    EXPECT_EQUAL(Mapped[7], 7);
    MmUnlockPages(Mdl);
    ExFreePoolWithTag(Mdl, TAG);
}

GUEST_TEST(mm_contiguous_memory_is_contiguous)
{
    PHYSICAL_ADDRESS Highest = {.QuadPart = 0xffffffff};
    PUCHAR Memory = MmAllocateContiguousMemory(5 * PAGE_SIZE, Highest);
    EXPECT(Memory != NULL);
    ULONG64 First = (ULONG64)MmGetPhysicalAddress(Memory).QuadPart;
    for (ULONG i = 1; i < 5; i++) {
        ULONG64 Next = (ULONG64)MmGetPhysicalAddress(Memory + i * PAGE_SIZE).QuadPart;
        EXPECT_EQUAL(Next, First + i * PAGE_SIZE);
    }
    MmFreeContiguousMemory(Memory);
}

GUEST_TEST(mm_invalid_user_address_raises)
{
    volatile UCHAR *Nothing = (volatile UCHAR *)0x12340;
    NTSTATUS Status = STATUS_SUCCESS;
    __try {
        *Nothing = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    EXPECT_EQUAL((ULONG)Status, (ULONG)STATUS_ACCESS_VIOLATION);
}
