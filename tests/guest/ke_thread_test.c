/* SPDX-License-Identifier: MIT */
/* Priorities, preemption, quanta, boosts, and the end of threads. */
#include "test_thread.h"

typedef struct _ORDER {
    KEVENT Start;
    volatile LONG Next;
    LONG Seen[8];
} ORDER;

typedef struct _ORDERED_THREAD {
    ORDER *Order;
    KPRIORITY Priority;
    LONG Place;
} ORDERED_THREAD;

static VOID TakePlace(PVOID Context)
{
    ORDERED_THREAD *Self = Context;

    KeSetPriorityThread(KeGetCurrentThread(), Self->Priority);
    KeWaitForSingleObject(&Self->Order->Start, Executive, KernelMode, FALSE, NULL);
    Self->Place = InterlockedIncrement(&Self->Order->Next);
}

GUEST_TEST(ke_higher_priorities_run_first)
{
    ORDER Order = {.Next = 0};
    ORDERED_THREAD Ordered[] = {{&Order, 9, 0}, {&Order, 14, 0}, {&Order, 11, 0}, {&Order, 20, 0}};
    PKTHREAD Threads[4];
    /* Also takes away the boost that the end of the last wait gave. */
    KPRIORITY Old = KeSetPriorityThread(KeGetCurrentThread(), 8);

    KeInitializeEvent(&Order.Start, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 4; i++) {
        Threads[i] = TestStartThread(TakePlace, &Ordered[i]);
    }
    TestSettle();
    /* All become ready in one call and beat this thread, so they are through when it returns. */
    KeSetEvent(&Order.Start, 0, FALSE);
    EXPECT_EQUAL(Order.Next, 4);
    EXPECT_EQUAL(Ordered[3].Place, 1);
    EXPECT_EQUAL(Ordered[1].Place, 2);
    EXPECT_EQUAL(Ordered[2].Place, 3);
    EXPECT_EQUAL(Ordered[0].Place, 4);
    for (ULONG i = 0; i < 4; i++) {
        TestJoinThread(Threads[i]);
    }
    KeSetPriorityThread(KeGetCurrentThread(), Old);
}

GUEST_TEST(ke_no_switch_at_dispatch_level)
{
    ORDER Order = {.Next = 0};
    ORDERED_THREAD Ordered = {&Order, 15, 0};
    KIRQL OldIrql;

    KeInitializeEvent(&Order.Start, NotificationEvent, FALSE);
    PKTHREAD Thread = TestStartThread(TakePlace, &Ordered);
    TestSettle();
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeSetEvent(&Order.Start, 0, FALSE);
    EXPECT_EQUAL(Order.Next, 0);
    KeLowerIrql(OldIrql);
    /* The dispatch interrupt comes with the lowering; give slow hardware a moment. */
    for (ULONG i = 0; i < 1000 && Order.Next == 0; i++) {
        KeStallExecutionProcessor(10);
    }
    EXPECT_EQUAL(Order.Next, 1);
    TestJoinThread(Thread);
}

typedef struct _SPINNER {
    volatile LONG *Stop;
    volatile ULONG64 Rounds;
} SPINNER;

static VOID Spin(PVOID Context)
{
    SPINNER *Spinner = Context;

    while (*Spinner->Stop == 0) {
        Spinner->Rounds++;
    }
}

GUEST_TEST(ke_equal_priorities_share_by_quantum)
{
    volatile LONG Stop = 0;
    SPINNER Spinners[3] = {{&Stop, 0}, {&Stop, 0}, {&Stop, 0}};
    PKTHREAD Threads[3];
    KPRIORITY Old = KeSetPriorityThread(KeGetCurrentThread(), 12);

    for (ULONG i = 0; i < 3; i++) {
        Threads[i] = TestStartThread(Spin, &Spinners[i]);
    }
    TEST_AWAIT(Spinners[0].Rounds != 0 && Spinners[1].Rounds != 0 && Spinners[2].Rounds != 0);
    Stop = 1;
    for (ULONG i = 0; i < 3; i++) {
        TestJoinThread(Threads[i]);
        EXPECT(Spinners[i].Rounds != 0);
    }
    KeSetPriorityThread(KeGetCurrentThread(), Old);
}

GUEST_TEST(ke_base_priority_is_relative_to_the_process)
{
    PKTHREAD Self = KeGetCurrentThread();

    LONG Old = KeSetBasePriorityThread(Self, 3);
    EXPECT_EQUAL(KeQueryPriorityThread(Self), 11);
    EXPECT_EQUAL(KeSetBasePriorityThread(Self, 100), 3);
    EXPECT_EQUAL(KeQueryPriorityThread(Self), 15);
    EXPECT_EQUAL(KeSetBasePriorityThread(Self, -100), 7);
    EXPECT_EQUAL(KeQueryPriorityThread(Self), 1);
    KeSetBasePriorityThread(Self, Old);
}

GUEST_TEST(ke_priority_changes_take_effect_at_once)
{
    volatile LONG Stop = 0;
    SPINNER Low = {&Stop, 0};
    PKTHREAD Self = KeGetCurrentThread();
    KPRIORITY Old = KeSetPriorityThread(Self, 10);
    EXPECT_EQUAL(KeQueryPriorityThread(Self), 10);
    PKTHREAD Thread = TestStartThread(Spin, &Low);

    /* It is below this thread and has not run; raised above it, it runs until it is stopped. */
    EXPECT_EQUAL(Low.Rounds, 0);
    Stop = 1;
    KeSetPriorityThread(Thread, 11);
    EXPECT_EQUAL(KeReadStateEvent((PRKEVENT)Thread), 1);
    TestJoinThread(Thread);
    KeSetPriorityThread(Self, Old);
}

static VOID EndWithStatus(PVOID Context)
{
    PsTerminateSystemThread(*(NTSTATUS *)Context);
}

GUEST_TEST(ke_threads_come_and_go)
{
    NTSTATUS Status = STATUS_TIMEOUT;

    for (ULONG i = 0; i < 50; i++) {
        PKTHREAD Thread = TestStartThread(EndWithStatus, &Status);
        TestJoinThread(Thread);
    }
}

static VOID RunDeep(PVOID Context)
{
    volatile UCHAR Deep[4096];

    for (ULONG i = 0; i < sizeof(Deep); i++) {
        Deep[i] = (UCHAR)i;
    }
    TestSleep(10);
    for (ULONG i = 0; i < sizeof(Deep); i++) {
        EXPECT_EQUAL(Deep[i], (UCHAR)i);
    }
    *(volatile LONG *)Context = 1;
}

GUEST_TEST(ke_stacks_are_kept_apart)
{
    volatile LONG Done[6] = {0};
    PKTHREAD Threads[6];

    for (ULONG i = 0; i < 6; i++) {
        Threads[i] = TestStartThread(RunDeep, (PVOID)&Done[i]);
    }
    for (ULONG i = 0; i < 6; i++) {
        TestJoinThread(Threads[i]);
        EXPECT_EQUAL(Done[i], 1);
    }
}

static VOID Set(PVOID Context)
{
    *(volatile BOOLEAN *)Context = TRUE;
}

/* Who polls at a priority above that of the thread that it needs is heard all the same. */
GUEST_TEST(ke_starved_threads_run_in_the_end)
{
    volatile BOOLEAN Done = FALSE;
    LONG Old = KeSetBasePriorityThread(KeGetCurrentThread(), 4);
    PKTHREAD Thread = TestStartThread(Set, (PVOID)&Done);
    ULONG64 End = KeQueryInterruptTime() + 30 * 10000000ull;

    while (!Done && KeQueryInterruptTime() < End) {
        __asm__ volatile("pause" : : : "memory");
    }
    EXPECT(Done);
    KeSetBasePriorityThread(KeGetCurrentThread(), Old);
    TestJoinThread(Thread);
}
