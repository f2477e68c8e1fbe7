/* SPDX-License-Identifier: MIT */
/* Events, semaphores, mutexes and waits on one or many of them. */
#include "test_thread.h"

GUEST_TEST(ke_synchronization_event_wakes_one)
{
    KEVENT Event;

    KeInitializeEvent(&Event, SynchronizationEvent, FALSE);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
    EXPECT_EQUAL(KeSetEvent(&Event, 0, FALSE), 0);
    EXPECT_EQUAL(KeSetEvent(&Event, 0, FALSE), 1);
    EXPECT_EQUAL(KeReadStateEvent(&Event), 1);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
    KeSetEvent(&Event, 0, FALSE);
    EXPECT_EQUAL(KeResetEvent(&Event), 1);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
}

GUEST_TEST(ke_notification_event_stays_set)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_SUCCESS);
    KeClearEvent(&Event);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
    EXPECT_EQUAL(KePulseEvent(&Event, 0, FALSE), 0);
    EXPECT_EQUAL(KeReadStateEvent(&Event), 0);
}

typedef struct _WAITERS {
    KEVENT Event;
    volatile LONG Woken;
} WAITERS;

static VOID WaitOnEvent(PVOID Context)
{
    WAITERS *Waiters = Context;

    KeWaitForSingleObject(&Waiters->Event, Executive, KernelMode, FALSE, NULL);
    InterlockedIncrement(&Waiters->Woken);
}

GUEST_TEST(ke_set_event_wakes_as_many_as_its_type_says)
{
    WAITERS Waiters = {.Woken = 0};
    PKTHREAD Threads[4];

    KeInitializeEvent(&Waiters.Event, SynchronizationEvent, FALSE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        Threads[i] = TestStartThread(WaitOnEvent, &Waiters);
    }
    TestSettle();
    EXPECT_EQUAL(Waiters.Woken, 0);
    for (LONG i = 1; i <= 4; i++) {
        KeSetEvent(&Waiters.Event, 0, FALSE);
        TestSettle();
        EXPECT_EQUAL(Waiters.Woken, i);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        TestJoinThread(Threads[i]);
    }

    Waiters.Woken = 0;
    KeInitializeEvent(&Waiters.Event, NotificationEvent, FALSE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        Threads[i] = TestStartThread(WaitOnEvent, &Waiters);
    }
    TestSettle();
    KePulseEvent(&Waiters.Event, 0, FALSE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        TestJoinThread(Threads[i]);
    }
    EXPECT_EQUAL(Waiters.Woken, 4);
}

GUEST_TEST(ke_wait_any_takes_the_first_signalled)
{
    KEVENT Events[3];
    PVOID Objects[] = {&Events[0], &Events[1], &Events[2]};
    LARGE_INTEGER Soon = {.QuadPart = 30 * TEST_MILLISECOND};

    for (ULONG i = 0; i < 3; i++) {
        KeInitializeEvent(&Events[i], SynchronizationEvent, i != 0);
    }
    EXPECT_EQUAL(KeWaitForMultipleObjects(3, Objects, WaitAny, Executive, KernelMode, FALSE, NULL,
                                          NULL),
                 STATUS_WAIT_1);
    EXPECT_EQUAL(KeReadStateEvent(&Events[1]), 0);
    EXPECT_EQUAL(KeReadStateEvent(&Events[2]), 1);
    EXPECT_EQUAL(KeWaitForMultipleObjects(3, Objects, WaitAny, Executive, KernelMode, FALSE, NULL,
                                          NULL),
                 STATUS_WAIT_2);
    EXPECT_EQUAL(KeWaitForMultipleObjects(3, Objects, WaitAny, Executive, KernelMode, FALSE, &Soon,
                                          NULL),
                 STATUS_TIMEOUT);
}

typedef struct _WAIT_MANY {
    KEVENT Event;
    KSEMAPHORE Semaphore;
    KMUTEX Mutex;
    WAIT_TYPE Type;
    volatile NTSTATUS Status;
    volatile LONG Done;
} WAIT_MANY;

static VOID WaitOnMany(PVOID Context)
{
    WAIT_MANY *Many = Context;
    PVOID Objects[] = {&Many->Event, &Many->Semaphore, &Many->Mutex};
    KWAIT_BLOCK Blocks[3];

    Many->Status = KeWaitForMultipleObjects(3, Objects, Many->Type, Executive, KernelMode, FALSE,
                                            NULL, Blocks);
    Many->Done = 1;
    if (Many->Type == WaitAll) {
        KeReleaseMutex(&Many->Mutex, FALSE);
    }
}

GUEST_TEST(ke_wait_all_takes_all_or_nothing)
{
    WAIT_MANY Many = {.Type = WaitAll};

    KeInitializeEvent(&Many.Event, SynchronizationEvent, FALSE);
    KeInitializeSemaphore(&Many.Semaphore, 0, 5);
    KeInitializeMutex(&Many.Mutex, 0);
    EXPECT_EQUAL(TestPoll(&Many.Mutex), STATUS_SUCCESS);
    PKTHREAD Thread = TestStartThread(WaitOnMany, &Many);
    TestSettle();
    KeSetEvent(&Many.Event, 0, FALSE);
    KeReleaseSemaphore(&Many.Semaphore, 0, 2, FALSE);
    TestSettle();
    EXPECT_EQUAL(Many.Done, 0);
    EXPECT_EQUAL(KeReadStateEvent(&Many.Event), 1);
    EXPECT_EQUAL(KeReadStateSemaphore(&Many.Semaphore), 2);
    /* Taken away again: the mutex alone does not end the wait. */
    EXPECT_EQUAL(TestPoll(&Many.Event), STATUS_SUCCESS);
    KeReleaseMutex(&Many.Mutex, FALSE);
    TestSettle();
    EXPECT_EQUAL(Many.Done, 0);
    EXPECT_EQUAL(KeReadStateMutex(&Many.Mutex), 1);
    KeSetEvent(&Many.Event, 0, FALSE);
    TestJoinThread(Thread);
    EXPECT_EQUAL(Many.Done, 1);
    EXPECT_EQUAL(Many.Status, STATUS_SUCCESS);
    EXPECT_EQUAL(KeReadStateEvent(&Many.Event), 0);
    EXPECT_EQUAL(KeReadStateSemaphore(&Many.Semaphore), 1);
    EXPECT_EQUAL(KeReadStateMutex(&Many.Mutex), 1);
}

GUEST_TEST(ke_wait_any_is_ended_by_the_object_set_later)
{
    WAIT_MANY Many = {.Type = WaitAny};

    KeInitializeEvent(&Many.Event, NotificationEvent, FALSE);
    KeInitializeSemaphore(&Many.Semaphore, 0, 5);
    KeInitializeMutex(&Many.Mutex, 0);
    EXPECT_EQUAL(TestPoll(&Many.Mutex), STATUS_SUCCESS);
    PKTHREAD Thread = TestStartThread(WaitOnMany, &Many);
    TestSettle();
    KeReleaseSemaphore(&Many.Semaphore, 0, 1, FALSE);
    TestJoinThread(Thread);
    EXPECT_EQUAL(Many.Status, STATUS_WAIT_1);
    EXPECT_EQUAL(KeReadStateSemaphore(&Many.Semaphore), 0);
    KeReleaseMutex(&Many.Mutex, FALSE);
    EXPECT(IsListEmpty(&Many.Event.Header.WaitListHead));
    EXPECT(IsListEmpty(&Many.Mutex.Header.WaitListHead));
}

GUEST_TEST(ke_mutex_is_recursive_and_keeps_apcs_off)
{
    KMUTEX Mutex;

    KeInitializeMutex(&Mutex, 0);
    EXPECT(!KeAreApcsDisabled());
    for (ULONG i = 0; i < 3; i++) {
        EXPECT_EQUAL(KeWaitForMutexObject(&Mutex, Executive, KernelMode, FALSE, NULL),
                     STATUS_SUCCESS);
    }
    EXPECT(KeAreApcsDisabled());
    EXPECT_EQUAL(KeReadStateMutex(&Mutex), -2);
    EXPECT_EQUAL(KeReleaseMutex(&Mutex, FALSE), -2);
    EXPECT_EQUAL(KeReleaseMutex(&Mutex, FALSE), -1);
    EXPECT(KeAreApcsDisabled());
    EXPECT_EQUAL(KeReleaseMutex(&Mutex, FALSE), 0);
    EXPECT(!KeAreApcsDisabled());
    EXPECT_EQUAL(KeReadStateMutex(&Mutex), 1);
}

typedef struct _COUNTED {
    KMUTEX Mutex;
    volatile LONG Inside;
    volatile LONG Count;
} COUNTED;

static VOID CountUnderMutex(PVOID Context)
{
    COUNTED *Counted = Context;

    for (ULONG i = 0; i < 200; i++) {
        KeWaitForSingleObject(&Counted->Mutex, Executive, KernelMode, FALSE, NULL);
        EXPECT_EQUAL(InterlockedIncrement(&Counted->Inside), 1);
        LONG Count = Counted->Count;
        if (i % 50 == 0) {
            TestSleep(1);
        }
        Counted->Count = Count + 1;
        InterlockedDecrement(&Counted->Inside);
        KeReleaseMutex(&Counted->Mutex, FALSE);
    }
}

GUEST_TEST(ke_mutex_excludes)
{
    COUNTED Counted = {.Count = 0};
    PKTHREAD Threads[4];

    KeInitializeMutex(&Counted.Mutex, 0);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        Threads[i] = TestStartThread(CountUnderMutex, &Counted);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        TestJoinThread(Threads[i]);
    }
    EXPECT_EQUAL(Counted.Count, 800);
}

GUEST_TEST(ke_release_of_anothers_mutex_raises)
{
    KMUTEX Mutex;
    volatile NTSTATUS Code = STATUS_SUCCESS;

    KeInitializeMutex(&Mutex, 0);
    __try {
        KeReleaseMutex(&Mutex, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT_EQUAL(Code, STATUS_MUTANT_NOT_OWNED);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_EQUAL(KeReadStateMutex(&Mutex), 1);
}

GUEST_TEST(ke_semaphore_counts_to_its_limit)
{
    KSEMAPHORE Semaphore;
    volatile NTSTATUS Code = STATUS_SUCCESS;

    KeInitializeSemaphore(&Semaphore, 1, 3);
    EXPECT_EQUAL(TestPoll(&Semaphore), STATUS_SUCCESS);
    EXPECT_EQUAL(TestPoll(&Semaphore), STATUS_TIMEOUT);
    EXPECT_EQUAL(KeReleaseSemaphore(&Semaphore, 0, 2, FALSE), 0);
    __try {
        KeReleaseSemaphore(&Semaphore, 0, 2, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT_EQUAL(Code, STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    EXPECT_EQUAL(KeReadStateSemaphore(&Semaphore), 2);
}

typedef struct _PING_PONG {
    KEVENT Ping;
    KEVENT Pong;
    ULONG Rounds;
} PING_PONG;

static VOID AnswerPings(PVOID Context)
{
    PING_PONG *Game = Context;

    KeWaitForSingleObject(&Game->Ping, Executive, KernelMode, FALSE, NULL);
    for (ULONG i = 1; i < Game->Rounds; i++) {
        KeSetEvent(&Game->Pong, 0, TRUE);
        KeWaitForSingleObject(&Game->Ping, Executive, KernelMode, FALSE, NULL);
    }
    KeSetEvent(&Game->Pong, 0, FALSE);
}

GUEST_TEST(ke_set_event_with_wait_is_one_step)
{
    PING_PONG Game = {.Rounds = 500};

    KeInitializeEvent(&Game.Ping, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Game.Pong, SynchronizationEvent, FALSE);
    PKTHREAD Thread = TestStartThread(AnswerPings, &Game);
    for (ULONG i = 0; i < Game.Rounds; i++) {
        KeSetEvent(&Game.Ping, 0, TRUE);
        EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
        KeWaitForSingleObject(&Game.Pong, Executive, KernelMode, FALSE, NULL);
        EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
    TestJoinThread(Thread);
}

GUEST_TEST(ke_zero_timeout_is_legal_at_dispatch_level)
{
    KEVENT Event;
    KIRQL OldIrql;

    KeInitializeEvent(&Event, SynchronizationEvent, TRUE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_SUCCESS);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeLowerIrql(OldIrql);
}

GUEST_TEST(ke_timeouts_relative_and_absolute)
{
    KEVENT Event;
    LARGE_INTEGER Timeout, Now;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    ULONG64 Before = KeQueryInterruptTime();
    Timeout.QuadPart = 50 * TEST_MILLISECOND;
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout),
                 STATUS_TIMEOUT);
    EXPECT(KeQueryInterruptTime() - Before >= 500000);
    KeQuerySystemTime(&Now);
    Timeout.QuadPart = Now.QuadPart + 500000;
    Before = KeQueryInterruptTime();
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout),
                 STATUS_TIMEOUT);
    EXPECT(KeQueryInterruptTime() - Before >= 400000);
    Timeout.QuadPart = Now.QuadPart; /* has passed */
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, &Timeout),
                 STATUS_TIMEOUT);
}
