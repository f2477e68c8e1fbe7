/* SPDX-License-Identifier: MIT */
/*
 * Eight threads on one image: locks by address and by handle, unlocks, MmPageEntireDriver,
 * MmResetDriverPaging, page-outs, reads, writes and calls, at random places. Locks outlive the
 * rounds. After each round all threads have stopped, and everything must be as the model says:
 *
 *   counts     a section's lock count is the sum of what the threads hold
 *   rule       resident, each page nonpaged and valid, or else no page nonpaged
 *   contents   each word is what its thread wrote last, each other byte what was loaded
 *
 * A section that a thread holds is touched by it at DISPATCH_LEVEL, too.
 * The seed is that of --seed; --append=stress-rounds=N gives more rounds. A deadlock ends by the
 * host's time limit. With --disk-fault=slow a page is on its way for milliseconds.
 */
#include "test_image.h"
#include "test_thread.h"

#include "ke/command_line.h"
#include "nt/rtl.h"

#define TAG 'sesT'
#define THREADS 8u
#define STEPS 120u
#define ROUNDS 8u
#define SECTIONS 7u
#define MOST_HELD 3u
#define DATA_SECTIONS 4u
#define MOST_PAGES 40u
#define WORDS_IN_PAGE (PAGE_SIZE / sizeof(ULONG64))

static const TEST_SECTION Layout[SECTIONS] = {
    {".text", 2, TRUE},     {"PAGE", 3, TRUE},      {"PAGELKC", 1, TRUE},  {".data", 2, FALSE},
    {"PAGEDATA", 4, FALSE}, {"PAGELKD", 40, FALSE}, {"PAGEONE", 1, FALSE},
};
#define FIRST_DATA 3u

typedef struct _STRESS {
    PMM_IMAGE Image;
    FAST_MUTEX PagingLock; /* WholePaged is what the last caller asked for */
    BOOLEAN WholePaged;
    /* What each thread's word of each page holds. */
    ULONG64 Word[DATA_SECTIONS][MOST_PAGES][THREADS];
} STRESS;

typedef struct _STRESS_THREAD {
    STRESS *Stress;
    ULONG Index;
    ULONG64 Random;
    ULONG Held[SECTIONS];
    PVOID Handle[SECTIONS]; /* from the first lock on, good until the unload */
    ULONG Wrong;
} STRESS_THREAD;

static PMI_SECTION SectionOf(const STRESS *Stress, ULONG Index)
{
    return &Stress->Image->Section[Index + 1];
}

static ULONG64 WordAddress(const STRESS *Stress, ULONG Section, ULONG Page, ULONG Thread)
{
    ULONG Word = (Page * 61 + Thread * 64) % WORDS_IN_PAGE;
    return SectionOf(Stress, Section)->Address + Page * PAGE_SIZE + Word * sizeof(ULONG64);
}

/* At whatever IRQL; the thread's own word of a data page, or a routine of a code page. */
static VOID TouchPage(STRESS_THREAD *Thread, ULONG Section, ULONG Page, ULONG64 Random)
{
    PMI_SECTION Record = SectionOf(Thread->Stress, Section);
    if (Layout[Section].Code) {
        ULONG64 Address = Record->Address + Page * PAGE_SIZE +
                          (Random >> 8) % (PAGE_SIZE / TEST_ROUTINE_SIZE) * TEST_ROUTINE_SIZE;
        Thread->Wrong += TestCallRoutine(Address) != Address - Thread->Stress->Image->Base;
        return;
    }
    volatile ULONG64 *Word =
        (volatile ULONG64 *)WordAddress(Thread->Stress, Section, Page, Thread->Index);
    PULONG64 Model = &Thread->Stress->Word[Section - FIRST_DATA][Page][Thread->Index];
    Thread->Wrong += *Word != *Model;
    if (Random & 1) {
        *Model = Random;
        *Word = Random;
    }
}

/* A held section at DISPATCH_LEVEL: all of it resident, and used. */
static VOID TouchLocked(STRESS_THREAD *Thread, ULONG Section, ULONG64 Random)
{
    PMI_SECTION Record = SectionOf(Thread->Stress, Section);
    KIRQL Irql = KfRaiseIrql(DISPATCH_LEVEL);
    Thread->Wrong += TestValidPages(Record) != Record->Pages;
    for (ULONG Page = 0; Page < Record->Pages; Page++) {
        TouchPage(Thread, Section, Page, Random);
    }
    KeLowerIrql(Irql);
}

static VOID LockSection(STRESS_THREAD *Thread, ULONG Section, ULONG64 Random)
{
    PMI_SECTION Record = SectionOf(Thread->Stress, Section);
    if (Thread->Handle[Section] != NULL && (Random & 1)) {
        MmLockPagableSectionByHandle(Thread->Handle[Section]);
    } else {
        ULONG64 Offset = (Random >> 8) % Record->Size;
        PVOID Handle = MmLockPagableDataSection((PVOID)(Record->Address + Offset));
        Thread->Wrong += Thread->Handle[Section] != NULL && Thread->Handle[Section] != Handle;
        Thread->Handle[Section] = Handle;
    }
    Thread->Held[Section]++;
}

/* The section, or the next one that the thread holds. Most sections are to be unlocked mostly. */
static VOID UnlockOne(STRESS_THREAD *Thread, ULONG Section)
{
    for (ULONG i = 0; i < SECTIONS; i++, Section = (Section + 1) % SECTIONS) {
        if (Thread->Held[Section] != 0) {
            Thread->Held[Section]--;
            MmUnlockPagableImageSection(Thread->Handle[Section]);
            return;
        }
    }
}

static VOID PageDriver(STRESS_THREAD *Thread, BOOLEAN Whole, ULONG64 Random)
{
    STRESS *Stress = Thread->Stress;
    PMI_SECTION Record = SectionOf(Stress, (ULONG)(Random % SECTIONS));
    PVOID Address = (PVOID)(Record->Address + (Random >> 8) % Record->Size);
    ExAcquireFastMutex(&Stress->PagingLock);
    if (Whole) {
        Thread->Wrong += MmPageEntireDriver(Address) != (PVOID)Stress->Image->Base;
    } else {
        MmResetDriverPaging(Address);
    }
    Stress->WholePaged = Whole;
    ExReleaseFastMutex(&Stress->PagingLock);
}

static VOID StressStep(STRESS_THREAD *Thread)
{
    ULONG64 Random = TestNextRandom(&Thread->Random);
    ULONG64 More = TestNextRandom(&Thread->Random);
    ULONG Section = (ULONG)((Random >> 16) % SECTIONS);
    switch (Random % 16) {
    case 0:
        if (Thread->Held[Section] < MOST_HELD) {
            LockSection(Thread, Section, More);
        }
        break;
    case 1:
    case 2:
    case 3:
    case 4: UnlockOne(Thread, Section); break;
    case 5: PageDriver(Thread, (More & 1) != 0, More >> 1); break;
    case 6: MmPageOutEverything((More & 1) == 0); break;
    case 7:
        if (Thread->Held[Section] != 0) {
            TouchLocked(Thread, Section, More);
        }
        break;
    default:
        TouchPage(Thread, Section, (ULONG)((Random >> 32) % Layout[Section].Pages), More);
    }
}

static VOID StressThread(PVOID Context)
{
    for (ULONG Step = 0; Step < STEPS; Step++) {
        StressStep(Context);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* No thread runs: the pages of one section against the rule of kernel/mm/image.h. */
static VOID CheckSection(const STRESS *Stress, ULONG Index, ULONG Held)
{
    PMI_SECTION Record = SectionOf(Stress, Index);
    BOOLEAN Pageable = (Index == 0 || Index == FIRST_DATA ? Stress->WholePaged : TRUE) && Held == 0;
    EXPECT_EQUAL(Record->LockCount, Held);
    EXPECT_EQUAL(Record->Resident, !Pageable);
    for (ULONG64 Page = 0; Page < Record->Pages; Page++) {
        MMPTE Pte = *MI_PTE_OF(Record->Address + (Page << PAGE_SHIFT));
        BOOLEAN Nonpaged = (Pte & MI_PTE_VALID) && MI_PFN(MI_PTE_FRAME(Pte))->Nonpaged;
        EXPECT_EQUAL(Nonpaged, !Pageable);
    }
}

/* Each word of the data sections: the threads' words as modelled, all others still 0. */
static ULONG WrongWords(const STRESS *Stress)
{
    ULONG Wrong = 0;
    for (ULONG Section = FIRST_DATA; Section < SECTIONS; Section++) {
        for (ULONG Page = 0; Page < Layout[Section].Pages; Page++) {
            PULONG64 Words = (PULONG64)(SectionOf(Stress, Section)->Address + Page * PAGE_SIZE);
            ULONG Zeros = 0, Expected = 0;
            for (ULONG i = 0; i < WORDS_IN_PAGE; i++) {
                Zeros += Words[i] == 0;
            }
            for (ULONG Thread = 0; Thread < THREADS; Thread++) {
                ULONG64 Model = Stress->Word[Section - FIRST_DATA][Page][Thread];
                Expected += Model != 0;
                Wrong += *(PULONG64)WordAddress(Stress, Section, Page, Thread) != Model;
            }
            Wrong += Zeros != WORDS_IN_PAGE - Expected;
        }
    }
    return Wrong;
}

static VOID CheckRound(const STRESS *Stress, const STRESS_THREAD *Threads)
{
    EXPECT_EQUAL(MiVerifyAll(), 0);
    EXPECT_EQUAL(Stress->Image->WholePaged, Stress->WholePaged);
    for (ULONG Section = 0; Section < SECTIONS; Section++) {
        ULONG Held = 0;
        for (ULONG Thread = 0; Thread < THREADS; Thread++) {
            Held += Threads[Thread].Held[Section];
        }
        CheckSection(Stress, Section, Held);
        if (Layout[Section].Code) {
            EXPECT_EQUAL(TestWrongCode(SectionOf(Stress, Section)), 0);
        }
    }
    EXPECT_EQUAL(WrongWords(Stress), 0);
    for (ULONG Thread = 0; Thread < THREADS; Thread++) {
        EXPECT_EQUAL(Threads[Thread].Wrong, 0);
    }
}

static VOID RunRound(STRESS_THREAD *Threads)
{
    PKTHREAD Objects[THREADS];
    for (ULONG i = 0; i < THREADS; i++) {
        Objects[i] = TestStartThread(StressThread, &Threads[i]);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        TestAwaitThread(Objects[i]);
    }
}

static VOID UnlockAll(STRESS_THREAD *Threads)
{
    for (ULONG Thread = 0; Thread < THREADS; Thread++) {
        for (ULONG Section = 0; Section < SECTIONS; Section++) {
            for (; Threads[Thread].Held[Section] != 0; Threads[Thread].Held[Section]--) {
                MmUnlockPagableImageSection(Threads[Thread].Handle[Section]);
            }
        }
    }
}

GUEST_TEST(mm_section_stress)
{
    STRESS *Stress = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Stress), TAG);
    STRESS_THREAD *Threads =
        ExAllocatePoolWithTag(NonPagedPool, THREADS * sizeof(*Threads), TAG);
    ULONG64 Rounds = KiQueryCommandLineNumber("stress-rounds", ROUNDS);
    MM_COUNTERS Before, After;

    RtlZeroMemory(Stress, sizeof(*Stress));
    RtlZeroMemory(Threads, THREADS * sizeof(*Threads));
    ExInitializeFastMutex(&Stress->PagingLock);
    Stress->Image = TestLoadSections(L"\\SystemRoot\\stress.sys", Layout, SECTIONS);
    for (ULONG i = 0; i < THREADS; i++) {
        Threads[i].Stress = Stress;
        Threads[i].Index = i;
        Threads[i].Random = TestRandomState(i);
    }
    DbgPrint("mm_section_stress: --seed=%I64u, %I64u rounds\n", GuestTestSeed(), Rounds);
    MmQueryCounters(&Before);
    for (ULONG64 Round = 0; Stress->Image != NULL && Round < Rounds; Round++) {
        RunRound(Threads);
        CheckRound(Stress, Threads);
    }
    MmQueryCounters(&After);
    EXPECT(After.HardFaults - Before.HardFaults > 50 * Rounds);
    EXPECT(After.SoftFaults - Before.SoftFaults > 50 * Rounds);
    if (Stress->Image != NULL) {
        UnlockAll(Threads);
        CheckRound(Stress, Threads);
        MmUnloadSystemImage(Stress->Image);
    }
    ExFreePoolWithTag(Threads, TAG);
    ExFreePoolWithTag(Stress, TAG);
}
