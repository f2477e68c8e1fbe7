/* SPDX-License-Identifier: MIT */
/*
 * Four threads write and read shared paged pool at random places while a fifth pages everything
 * out, again and again. Each page is owned by one thread, so every word is predictable. The seed is
 * printed and given with --seed.
 */
#include "test_thread.h"

#include "mm/mi.h"

#define TAG 'sseT'
#define THREADS 4
#define PAGES_EACH 256
#define ROUNDS 4000

typedef struct _STRESS {
    PULONG64 Memory;
    ULONG Index;
    ULONG64 Random;
    ULONG64 Wrong;
    volatile LONG *Stop;
} STRESS;

static VOID StressThread(PVOID Context)
{
    STRESS *Stress = Context;
    for (ULONG Round = 0; Round < ROUNDS; Round++) {
        ULONG64 Random = TestNextRandom(&Stress->Random);
        ULONG Page = Random % PAGES_EACH;
        PULONG64 Word = Stress->Memory + (Stress->Index * PAGES_EACH + Page) * 512 + Page % 512;
        /* The word holds its page number plus how often it was written, in the high half. */
        ULONG64 Value = *(volatile ULONG64 *)Word;
        if (Value != 0 && (ULONG)Value != Stress->Index * PAGES_EACH + Page + 1) {
            Stress->Wrong++;
        }
        if (Random & (1ull << 40)) {
            *(volatile ULONG64 *)Word =
                ((Value >> 32) + 1) << 32 | (Stress->Index * PAGES_EACH + Page + 1);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID PageOutThread(PVOID Context)
{
    STRESS *Stress = Context;
    while (*Stress->Stop == 0) {
        LARGE_INTEGER Tick = {.QuadPart = -10000};
        MmPageOutEverything((TestNextRandom(&Stress->Random) & 3) == 0);
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

GUEST_TEST(mm_stress_faults_against_page_out)
{
    volatile LONG Stop = 0;
    STRESS Stress[THREADS + 1];
    PKTHREAD Threads[THREADS + 1];
    PULONG64 Memory = ExAllocatePoolWithTag(PagedPool, THREADS * PAGES_EACH * PAGE_SIZE, TAG);
    EXPECT(Memory != NULL);
    for (ULONG i = 0; i <= THREADS; i++) {
        Stress[i] = (STRESS){Memory, i, TestRandomState(i), 0, &Stop};
        Threads[i] = TestStartThread(i < THREADS ? StressThread : PageOutThread, &Stress[i]);
    }
    for (ULONG i = 0; i < THREADS; i++) {
        TestAwaitThread(Threads[i]);
        EXPECT_EQUAL(Stress[i].Wrong, 0);
    }
    Stop = 1;
    TestAwaitThread(Threads[THREADS]);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ExFreePoolWithTag(Memory, TAG);
}
