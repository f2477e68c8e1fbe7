/* SPDX-License-Identifier: MIT */
/*
 * The page-out at each raise of IRQL: what a raise costs with nothing touched since the last one,
 * however much is pageable, and what a touched page adds. See guest.c for the lines printed.
 */
#include "bench/bench.h"

#include "mm/mi.h"
#include "nt/rtl.h"

#define TAG 'rtAB'

/* A raise after Touched pages of Memory were touched; ticks of the time stamp counter. */
static ULONG64 RaiseOnce(PUCHAR Memory, ULONG Touched)
{
    for (ULONG Page = 0; Page < Touched; Page++) {
        (void)((volatile UCHAR *)Memory)[(SIZE_T)Page * PAGE_SIZE];
    }
    ULONG64 Start = KiReadTimeStampCounter();
    KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);
    ULONG64 Spent = KiReadTimeStampCounter() - Start;
    KeLowerIrql(Old);
    return Spent;
}

/* The least there is to do for a raise: one write of CR8. */
static ULONG64 RaiseFloor(VOID)
{
    ULONG64 Batch[BENCH_BATCHES];
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Spent = 0;
        for (ULONG i = 0; i < 1000; i++) {
            ULONG64 Start = KiReadTimeStampCounter();
            KiWriteIrql(DISPATCH_LEVEL);
            Spent += KiReadTimeStampCounter() - Start;
            KiWriteIrql(PASSIVE_LEVEL);
        }
        Batch[b] = BenchNanoseconds(Spent, 1000);
    }
    return BenchMedian(Batch, BENCH_BATCHES);
}

/* And for a page that leaves: P cleared and the translation dropped. Memory is nonpaged. */
static ULONG64 UnmapFloor(PUCHAR Memory, ULONG Pages)
{
    ULONG64 Batch[BENCH_BATCHES];
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Flags = KiDisableInterrupts();
        ULONG64 Start = KiReadTimeStampCounter();
        for (ULONG Page = 0; Page < Pages; Page++) {
            PUCHAR Va = Memory + (SIZE_T)Page * PAGE_SIZE;
            *MI_PTE_OF(Va) &= ~MI_PTE_VALID;
            MiInvalidatePage(Va);
        }
        ULONG64 Spent = KiReadTimeStampCounter() - Start;
        for (ULONG Page = 0; Page < Pages; Page++) {
            *MI_PTE_OF(Memory + (SIZE_T)Page * PAGE_SIZE) |= MI_PTE_VALID;
        }
        KiRestoreInterrupts(Flags);
        Batch[b] = BenchNanoseconds(Spent, Pages);
    }
    return BenchMedian(Batch, BENCH_BATCHES);
}

static ULONG64 RaiseCost(PUCHAR Memory, ULONG Touched, ULONG Raises)
{
    ULONG64 Batch[BENCH_BATCHES];
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Spent = 0;
        for (ULONG i = 0; i < Raises; i++) {
            Spent += RaiseOnce(Memory, Touched);
        }
        Batch[b] = BenchNanoseconds(Spent, Raises * (Touched != 0 ? Touched : 1));
    }
    return BenchMedian(Batch, BENCH_BATCHES);
}

GUEST_TEST(bench_7_at_raise)
{
    static const ULONG Sizes[] = {1, 100, 10000};
    CHAR Name[64];
    ULONG64 Raise = RaiseFloor();
    PUCHAR Nonpaged = ExAllocatePoolWithTag(NonPagedPool, 1000 * PAGE_SIZE, TAG);
    ULONG64 Unmap = UnmapFloor(Nonpaged, 1000);
    ExFreePoolWithTag(Nonpaged, TAG);
    for (ULONG Kind = 0; Kind < 2; Kind++) {
        for (ULONG i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
            PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, (SIZE_T)Sizes[i] * PAGE_SIZE, TAG);
            for (ULONG Page = 0; Page < Sizes[i]; Page++) {
                Memory[(SIZE_T)Page * PAGE_SIZE] = 1;
            }
            MmPageOutEverything(TRUE);
            MmSetPageOutMode(MmPageOutAtRaise, FALSE, 1);
            _snprintf(Name, sizeof(Name), Kind == 0 ? "raise, none of %u pageable touched"
                                                    : "raise, a page of %u touched", Sizes[i]);
            if (Kind == 0) {
                BenchReport(Name, RaiseCost(Memory, 0, 1000), Raise);
            } else {
                BenchReport(Name, RaiseCost(Memory, Sizes[i], 1 + 1000 / Sizes[i]), Unmap);
            }
            MmSetPageOutMode(MmPageOutPressure, FALSE, 1);
            ExFreePoolWithTag(Memory, TAG);
        }
    }
}
