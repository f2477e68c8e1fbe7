/* SPDX-License-Identifier: MIT */
/*
 * EX_TIMER: set, cancelled, waited for, deleted in each state; and pool with extended parameters.
 * Expected values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "nt/pool.h"
#include "test_thread.h"

#define TAG 'mTxT'

typedef struct _EX_TICKS {
    PEX_TIMER Timer;
    KEVENT Enough;
    KEVENT Gone;
    LONG Wanted;
    volatile LONG Count;
    volatile LONG Bad;
    BOOLEAN DeleteItself;
} EX_TICKS;

static VOID ExTimerGone(PVOID Context)
{
    KeSetEvent(&((EX_TICKS *)Context)->Gone, 0, FALSE);
}

static VOID ExTimerTick(PEX_TIMER Timer, PVOID Context)
{
    EX_TICKS *Ticks = Context;

    if (KeGetCurrentIrql() != DISPATCH_LEVEL || Timer != Ticks->Timer) {
        Ticks->Bad++;
    }
    if (Ticks->DeleteItself) {
        EXT_DELETE_PARAMETERS Parameters;
        ExInitializeDeleteTimerParameters(&Parameters);
        Parameters.DeleteCallback = ExTimerGone;
        Parameters.DeleteContext = Ticks;
        ExDeleteTimer(Timer, TRUE, FALSE, &Parameters);
        Ticks->Bad += KeReadStateEvent(&Ticks->Gone) != 0; /* not while its callback runs */
    }
    if (InterlockedIncrement(&Ticks->Count) == Ticks->Wanted) {
        KeSetEvent(&Ticks->Enough, 0, FALSE);
    }
}

static VOID ExTimerPrepare(EX_TICKS *Ticks, LONG Wanted)
{
    *Ticks = (EX_TICKS){.Wanted = Wanted};
    KeInitializeEvent(&Ticks->Enough, NotificationEvent, FALSE);
    KeInitializeEvent(&Ticks->Gone, NotificationEvent, FALSE);
    Ticks->Timer = ExAllocateTimer(ExTimerTick, Ticks, 0);
    EXPECT(Ticks->Timer != NULL);
}

static NTSTATUS ExTimerAwait(PVOID Object)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &Patience);
}

GUEST_TEST(ex_timer_expires_once_or_with_a_period)
{
    EX_TICKS Ticks;
    EXT_SET_PARAMETERS Parameters;

    ExTimerPrepare(&Ticks, 1);
    ExInitializeSetTimerParameters(&Parameters);
    EXPECT_EQUAL(Parameters.NoWakeTolerance, EX_TIMER_UNLIMITED_TOLERANCE);
    EXPECT(!ExCancelTimer(Ticks.Timer, NULL)); /* not set */
    ULONG64 Before = KeQueryInterruptTime();
    EXPECT(!ExSetTimer(Ticks.Timer, -3600ll * 10000000, 0, &Parameters));
    EXPECT(ExSetTimer(Ticks.Timer, -20 * 10000ll, 0, &Parameters)); /* in place of that one */
    EXPECT_EQUAL(ExTimerAwait(&Ticks.Enough), STATUS_SUCCESS);
    EXPECT(KeQueryInterruptTime() - Before >= 20 * 10000);
    EXPECT(!ExCancelTimer(Ticks.Timer, NULL)); /* it has expired */
    EXPECT(!ExDeleteTimer(Ticks.Timer, TRUE, TRUE, NULL));
    EXPECT(Ticks.Count == 1 && Ticks.Bad == 0);

    ExTimerPrepare(&Ticks, 4);
    EXPECT(!ExSetTimer(Ticks.Timer, -10 * 10000ll, 10 * 10000ll, NULL));
    EXPECT_EQUAL(ExTimerAwait(&Ticks.Enough), STATUS_SUCCESS);
    EXPECT(ExCancelTimer(Ticks.Timer, NULL));
    EXPECT(!ExCancelTimer(Ticks.Timer, NULL));
    EXPECT(!ExDeleteTimer(Ticks.Timer, TRUE, TRUE, NULL));
    EXPECT_EQUAL(Ticks.Bad, 0);
}

GUEST_TEST(ex_timer_can_be_waited_for)
{
    const ULONG Both = EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE;

    EXPECT(ExAllocateTimer(NULL, NULL, Both) == NULL);
    EXPECT(ExAllocateTimer(NULL, NULL, 1) == NULL);
    PEX_TIMER Timer = ExAllocateTimer(NULL, NULL, EX_TIMER_NOTIFICATION | EX_TIMER_NO_WAKE);
    EXPECT(TestPoll(Timer) == STATUS_TIMEOUT);
    EXPECT(!ExSetTimer(Timer, -10 * 10000ll, 0, NULL));
    EXPECT_EQUAL(ExTimerAwait(Timer), STATUS_SUCCESS);
    EXPECT_EQUAL(TestPoll(Timer), STATUS_SUCCESS); /* it stays signalled */
    EXPECT(!ExDeleteTimer(Timer, TRUE, FALSE, NULL));
    Timer = ExAllocateTimer(NULL, NULL, EX_TIMER_HIGH_RESOLUTION);
    EXPECT(!ExSetTimer(Timer, -10 * 10000ll, 0, NULL));
    EXPECT_EQUAL(ExTimerAwait(Timer), STATUS_SUCCESS);
    EXPECT(TestPoll(Timer) == STATUS_TIMEOUT); /* the wait has taken the signal */
    EXPECT(!ExDeleteTimer(Timer, TRUE, TRUE, NULL));
}

/* The pool that each test is checked for shows that the timer went, and went once. */
GUEST_TEST(ex_timer_is_deleted_in_every_state)
{
    EX_TICKS Ticks;
    EXT_DELETE_PARAMETERS Parameters;
    KIRQL OldIrql;

    ExInitializeDeleteTimerParameters(&Parameters);
    Parameters.DeleteCallback = ExTimerGone;
    Parameters.DeleteContext = &Ticks;
    ExTimerPrepare(&Ticks, 1); /* set: cancelled, or let expire */
    EXPECT(!ExSetTimer(Ticks.Timer, -3600ll * 10000000, 0, NULL));
    EXPECT(ExDeleteTimer(Ticks.Timer, TRUE, FALSE, &Parameters));
    EXPECT(KeReadStateEvent(&Ticks.Gone) && Ticks.Count == 0);
    ExTimerPrepare(&Ticks, 1);
    EXPECT(!ExSetTimer(Ticks.Timer, -20 * 10000ll, 10 * 10000ll, NULL));
    EXPECT(!ExDeleteTimer(Ticks.Timer, FALSE, FALSE, &Parameters));
    EXPECT_EQUAL(ExTimerAwait(&Ticks.Gone), STATUS_SUCCESS);
    EXPECT_EQUAL(Ticks.Count, 1); /* no period after that */

    ExTimerPrepare(&Ticks, 1); /* its DPC is queued */
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(!ExSetTimer(Ticks.Timer, 0, 0, NULL)); /* expires at once */
    EXPECT(!ExDeleteTimer(Ticks.Timer, TRUE, FALSE, &Parameters));
    EXPECT(!KeReadStateEvent(&Ticks.Gone));
    KeLowerIrql(OldIrql);
    EXPECT_EQUAL(ExTimerAwait(&Ticks.Gone), STATUS_SUCCESS);
    EXPECT_EQUAL(Ticks.Count, 1);

    ExTimerPrepare(&Ticks, 1); /* by its callback */
    Ticks.DeleteItself = TRUE;
    EXPECT(!ExSetTimer(Ticks.Timer, -10 * 10000ll, 10 * 10000ll, NULL));
    EXPECT_EQUAL(ExTimerAwait(&Ticks.Gone), STATUS_SUCCESS);
    EXPECT(Ticks.Count == 1 && Ticks.Bad == 0);
}

GUEST_TEST(ex_pool_takes_extended_parameters)
{
    POOL_EXTENDED_PARAMETER Parameters[2] = {
        {.Type = PoolExtendedParameterPriority, .Priority = HighPoolPriority},
        {.Type = PoolExtendedParameterNumaNode, .PreferredNode = 0},
    };
    PUCHAR Block = ExAllocatePool3(POOL_FLAG_PAGED, 5000, TAG, Parameters, 2);

    EXPECT(Block != NULL && Block[0] == 0 && Block[4999] == 0);
    ExFreePool2(Block, TAG, Parameters, 2);
    Parameters[0].Type = PoolExtendedParameterSecurePool;
    EXPECT(ExAllocatePool3(POOL_FLAG_PAGED, 16, TAG, Parameters, 2) == NULL);
    Parameters[0].Optional = 1;
    Block = ExAllocatePool3(POOL_FLAG_NON_PAGED, 16, TAG, Parameters, 2);
    EXPECT(Block != NULL);
    ExFreePool2(Block, TAG, NULL, 0);
    EXPECT(ExAllocatePool3(POOL_FLAG_PAGED, 16, 0, NULL, 0) == NULL);
    EXPECT(ExAllocatePool3(POOL_FLAG_PAGED | POOL_FLAG_NON_PAGED, 16, TAG, NULL, 0) == NULL);
}
