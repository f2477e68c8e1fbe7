/* SPDX-License-Identifier: MIT */
/* Timers, DPCs and time itself. */
#include "test_thread.h"

typedef struct _TICKS {
    KTIMER Timer;
    KDPC Dpc;
    KEVENT Enough;
    volatile LONG Count;
    LONG Wanted;
    volatile LONG BadIrql;
} TICKS;

static VOID CountTick(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                      PVOID SystemArgument2)
{
    TICKS *Ticks = DeferredContext;

    if (KeGetCurrentIrql() != DISPATCH_LEVEL || !KeIsExecutingDpc()) {
        Ticks->BadIrql++;
    }
    if (InterlockedIncrement(&Ticks->Count) == Ticks->Wanted) {
        KeSetEvent(&Ticks->Enough, 0, FALSE);
    }
}

static VOID PrepareTicks(TICKS *Ticks, LONG Wanted)
{
    KeInitializeTimerEx(&Ticks->Timer, SynchronizationTimer);
    KeInitializeDpc(&Ticks->Dpc, CountTick, Ticks);
    KeInitializeEvent(&Ticks->Enough, NotificationEvent, FALSE);
    Ticks->Count = 0;
    Ticks->Wanted = Wanted;
    Ticks->BadIrql = 0;
}

GUEST_TEST(ke_periodic_timer_queues_its_dpc)
{
    TICKS Ticks;
    LARGE_INTEGER First = {.QuadPart = 20 * TEST_MILLISECOND};
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    PrepareTicks(&Ticks, 5);
    ULONG64 Before = KeQueryInterruptTime();
    EXPECT(!KeSetTimerEx(&Ticks.Timer, First, 20, &Ticks.Dpc));
    EXPECT_EQUAL(KeWaitForSingleObject(&Ticks.Enough, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT(KeCancelTimer(&Ticks.Timer));
    EXPECT(!KeCancelTimer(&Ticks.Timer));
    EXPECT(KeQueryInterruptTime() - Before >= 1000000);
    KeFlushQueuedDpcs();
    LONG Count = Ticks.Count;
    TestSleep(60);
    EXPECT_EQUAL(Ticks.Count, Count);
    EXPECT_EQUAL(Ticks.BadIrql, 0);
}

GUEST_TEST(ke_timer_states)
{
    KTIMER Timer;
    LARGE_INTEGER Due = {.QuadPart = 30 * TEST_MILLISECOND};
    LARGE_INTEGER Past = {.QuadPart = 1};

    KeInitializeTimer(&Timer);
    EXPECT(!KeReadStateTimer(&Timer));
    EXPECT(!KeSetTimer(&Timer, Due, NULL));
    EXPECT(KeSetTimer(&Timer, Due, NULL));
    EXPECT_EQUAL(TestPoll(&Timer), STATUS_TIMEOUT);
    EXPECT_EQUAL(KeWaitForSingleObject(&Timer, Executive, KernelMode, FALSE, NULL),
                 STATUS_SUCCESS);
    /* A notification timer stays signalled until it is set again. */
    EXPECT(KeReadStateTimer(&Timer));
    EXPECT_EQUAL(TestPoll(&Timer), STATUS_SUCCESS);
    EXPECT(!KeSetTimer(&Timer, Due, NULL));
    EXPECT(!KeReadStateTimer(&Timer));
    EXPECT(KeCancelTimer(&Timer));
    EXPECT(!KeSetTimer(&Timer, Past, NULL));
    EXPECT(KeReadStateTimer(&Timer));
}

GUEST_TEST(ke_many_timers_expire_in_order)
{
    KTIMER Timers[40];

    for (ULONG i = 0; i < RTL_NUMBER_OF(Timers); i++) {
        LARGE_INTEGER Due = {.QuadPart = (LONGLONG)((i * 7 % 40) * 10 + 10) * TEST_MILLISECOND};
        KeInitializeTimer(&Timers[i]);
        KeSetTimer(&Timers[i], Due, NULL);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Timers); i += 3) {
        EXPECT(KeCancelTimer(&Timers[i]));
    }
    ULONG64 Last = 0;
    for (ULONG Place = 0; Place < RTL_NUMBER_OF(Timers); Place++) {
        for (ULONG i = 0; i < RTL_NUMBER_OF(Timers); i++) {
            if (i * 7 % 40 == Place && i % 3 != 0) {
                EXPECT_EQUAL(KeWaitForSingleObject(&Timers[i], Executive, KernelMode, FALSE, NULL),
                             STATUS_SUCCESS);
                EXPECT(KeQueryInterruptTime() >= Timers[i].DueTime.QuadPart);
                EXPECT(Timers[i].DueTime.QuadPart >= Last);
                Last = Timers[i].DueTime.QuadPart;
            }
        }
    }
}

GUEST_TEST(ke_dpc_is_queued_once)
{
    TICKS Ticks;
    KIRQL OldIrql;

    PrepareTicks(&Ticks, 100);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(KeInsertQueueDpc(&Ticks.Dpc, NULL, NULL));
    EXPECT(!KeInsertQueueDpc(&Ticks.Dpc, NULL, NULL));
    EXPECT(KeRemoveQueueDpc(&Ticks.Dpc));
    EXPECT(!KeRemoveQueueDpc(&Ticks.Dpc));
    EXPECT(KeInsertQueueDpc(&Ticks.Dpc, NULL, NULL));
    EXPECT_EQUAL(Ticks.Count, 0);
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    EXPECT_EQUAL(Ticks.Count, 1);
    EXPECT_EQUAL(Ticks.BadIrql, 0);
}

static volatile LONG DpcOrder;
static VOID NoteOrder(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                      PVOID SystemArgument2)
{
    *(LONG *)SystemArgument1 = InterlockedIncrement(&DpcOrder);
}

GUEST_TEST(ke_important_dpcs_go_first)
{
    KDPC Dpcs[3];
    LONG Places[3] = {0};
    KIRQL OldIrql;

    DpcOrder = 0;
    for (ULONG i = 0; i < 3; i++) {
        KeInitializeDpc(&Dpcs[i], NoteOrder, NULL);
    }
    KeSetImportanceDpc(&Dpcs[2], HighImportance);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < 3; i++) {
        KeInsertQueueDpc(&Dpcs[i], &Places[i], NULL);
    }
    KeLowerIrql(OldIrql);
    KeFlushQueuedDpcs();
    EXPECT_EQUAL(Places[2], 1);
    EXPECT_EQUAL(Places[0], 2);
    EXPECT_EQUAL(Places[1], 3);
}

GUEST_TEST(ke_clocks_advance_together)
{
    LARGE_INTEGER Frequency, Start, End, System, Precise, Ticks;

    Start = KeQueryPerformanceCounter(&Frequency);
    EXPECT_EQUAL(Frequency.QuadPart, 10000000);
    ULONG64 Before = KeQueryInterruptTime();
    TestSleep(100);
    End = KeQueryPerformanceCounter(NULL);
    ULONG64 Passed = KeQueryInterruptTime() - Before;
    EXPECT(Passed >= 1000000);
    /* The machine may run slow, but the two must not be in different worlds. */
    EXPECT((ULONG64)(End.QuadPart - Start.QuadPart) >= Passed / 2);
    KeQueryTickCount(&Ticks);
    EXPECT(Ticks.QuadPart != 0);
    EXPECT_EQUAL(KeQueryTimeIncrement(), 100000);
    KeQuerySystemTime(&System);
    KeQuerySystemTimePrecise(&Precise);
    EXPECT(Precise.QuadPart >= System.QuadPart);
    Start = KeQueryPerformanceCounter(NULL);
    KeStallExecutionProcessor(200);
    End = KeQueryPerformanceCounter(NULL);
    EXPECT(End.QuadPart - Start.QuadPart >= 1990);
}
