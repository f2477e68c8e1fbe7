/* SPDX-License-Identifier: MIT */
/* APCs: kinds, order, regions that hold them back, alertable waits, attached processes. */
#include "test_thread.h"

typedef struct _APC_LOG {
    volatile LONG Count;
    LONG Marks[16];
} APC_LOG;

typedef struct _TEST_APC {
    KAPC Apc;
    APC_LOG *Log;
    LONG Mark;
    KIRQL KernelIrql, NormalIrql;
    BOOLEAN Waits;
} TEST_APC;

static VOID Note(APC_LOG *Log, LONG Mark)
{
    LONG Place = InterlockedIncrement(&Log->Count) - 1;

    if (Place < (LONG)RTL_NUMBER_OF(Log->Marks)) {
        Log->Marks[Place] = Mark;
    }
}

static VOID KernelRoutine(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                          PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    TEST_APC *Test = CONTAINING_RECORD(Apc, TEST_APC, Apc);

    Test->KernelIrql = KeGetCurrentIrql();
    EXPECT_EQUAL((ULONG_PTR)*SystemArgument1, 0x11);
    EXPECT_EQUAL((ULONG_PTR)*SystemArgument2, 0x22);
    Note(Test->Log, Test->Mark);
    if (Test->Waits) {
        TestSleep(20);
    }
}

static VOID NormalRoutine(PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    TEST_APC *Test = NormalContext;

    Test->NormalIrql = KeGetCurrentIrql();
    Note(Test->Log, Test->Mark + 100);
}

static VOID PrepareApc(TEST_APC *Test, PKTHREAD Thread, APC_LOG *Log, LONG Mark, BOOLEAN Normal)
{
    Test->Log = Log;
    Test->Mark = Mark;
    Test->KernelIrql = Test->NormalIrql = 0xff;
    Test->Waits = FALSE;
    KeInitializeApc(&Test->Apc, Thread, OriginalApcEnvironment, KernelRoutine, NULL,
                    Normal ? NormalRoutine : NULL, KernelMode, Normal ? Test : NULL);
}

static BOOLEAN InsertApc(TEST_APC *Test)
{
    return KeInsertQueueApc(&Test->Apc, (PVOID)0x11, (PVOID)0x22, 0);
}

/* Delivery to the running thread comes as an interrupt, so soon, but not in a given instruction. */
static VOID AwaitCount(APC_LOG *Log, LONG Count)
{
    for (ULONG i = 0; i < 1000 && Log->Count < Count; i++) {
        KeStallExecutionProcessor(10);
    }
    EXPECT_EQUAL(Log->Count, Count);
}

GUEST_TEST(ke_special_apcs_go_before_normal_ones)
{
    APC_LOG Log = {.Count = 0};
    TEST_APC Apcs[4];
    KIRQL OldIrql;

    for (LONG i = 0; i < 4; i++) {
        PrepareApc(&Apcs[i], KeGetCurrentThread(), &Log, i, i < 2);
    }
    KeRaiseIrql(APC_LEVEL, &OldIrql);
    for (ULONG i = 0; i < 4; i++) {
        EXPECT(InsertApc(&Apcs[i]));
    }
    EXPECT(!InsertApc(&Apcs[0]));
    EXPECT_EQUAL(Log.Count, 0);
    KeLowerIrql(OldIrql);
    AwaitCount(&Log, 6);
    static const LONG Expected[] = {2, 3, 0, 100, 1, 101};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Expected); i++) {
        EXPECT_EQUAL(Log.Marks[i], Expected[i]);
    }
    EXPECT_EQUAL(Apcs[0].KernelIrql, APC_LEVEL);
    EXPECT_EQUAL(Apcs[0].NormalIrql, PASSIVE_LEVEL);
    EXPECT_EQUAL(Apcs[2].KernelIrql, APC_LEVEL);
}

GUEST_TEST(ke_regions_hold_apcs_back)
{
    APC_LOG Log = {.Count = 0};
    TEST_APC Normal, Special;

    PrepareApc(&Normal, KeGetCurrentThread(), &Log, 1, TRUE);
    PrepareApc(&Special, KeGetCurrentThread(), &Log, 2, FALSE);
    KeEnterCriticalRegion();
    KeEnterGuardedRegion();
    EXPECT(KeAreApcsDisabled() && KeAreAllApcsDisabled());
    EXPECT(InsertApc(&Normal));
    EXPECT(InsertApc(&Special));
    TestSettle();
    EXPECT_EQUAL(Log.Count, 0);
    KeLeaveGuardedRegion();
    AwaitCount(&Log, 1);
    EXPECT_EQUAL(Log.Marks[0], 2);
    EXPECT(KeAreApcsDisabled() && !KeAreAllApcsDisabled());
    TestSettle();
    EXPECT_EQUAL(Log.Count, 1);
    KeLeaveCriticalRegion();
    AwaitCount(&Log, 3);
    EXPECT_EQUAL(Log.Marks[1], 1);
    EXPECT_EQUAL(Log.Marks[2], 101);
}

GUEST_TEST(ke_apc_can_be_taken_back)
{
    APC_LOG Log = {.Count = 0};
    TEST_APC Test;

    PrepareApc(&Test, KeGetCurrentThread(), &Log, 1, FALSE);
    KeEnterGuardedRegion();
    EXPECT(InsertApc(&Test));
    EXPECT(KeRemoveQueueApc(&Test.Apc));
    EXPECT(!KeRemoveQueueApc(&Test.Apc));
    KeLeaveGuardedRegion();
    TestSettle();
    EXPECT_EQUAL(Log.Count, 0);
}

typedef struct _WAITING_THREAD {
    KEVENT Event;
    KEVENT Ready;
    BOOLEAN Alertable;
    BOOLEAN Guarded;
    BOOLEAN Raised; /* at APC_LEVEL */
    volatile NTSTATUS Status;
    volatile LONG Done;
    APC_LOG *Log; /* not NULL: has one mark as soon as the IRQL is low again */
} WAITING_THREAD;

static VOID WaitOnce(PVOID Context)
{
    WAITING_THREAD *Self = Context;

    KIRQL OldIrql = KeGetCurrentIrql();
    if (Self->Guarded) {
        KeEnterGuardedRegion();
    }
    if (Self->Raised) {
        KeRaiseIrql(APC_LEVEL, &OldIrql);
    }
    KeSetEvent(&Self->Ready, 0, FALSE);
    Self->Status = KeWaitForSingleObject(&Self->Event, Executive, KernelMode, Self->Alertable,
                                         NULL);
    Self->Done = 1;
    KeLowerIrql(OldIrql);
    if (Self->Log != NULL) {
        AwaitCount(Self->Log, 1);
    }
    if (Self->Guarded) {
        KeLeaveGuardedRegion();
    }
}

static PKTHREAD StartWaiting(WAITING_THREAD *Waiting)
{
    KeInitializeEvent(&Waiting->Event, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Waiting->Ready, SynchronizationEvent, FALSE);
    PKTHREAD Thread = TestStartThread(WaitOnce, Waiting);
    KeWaitForSingleObject(&Waiting->Ready, Executive, KernelMode, FALSE, NULL);
    TestSettle();
    return Thread;
}

GUEST_TEST(ke_kernel_apc_interrupts_a_wait_and_it_goes_on)
{
    WAITING_THREAD Waiting = {.Done = 0};
    PKTHREAD Thread = StartWaiting(&Waiting);
    APC_LOG Log = {.Count = 0};
    TEST_APC Apcs[3];

    for (LONG i = 0; i < 3; i++) {
        PrepareApc(&Apcs[i], Thread, &Log, i, i == 1);
        Apcs[i].Waits = i == 2; /* an APC routine that waits itself */
        EXPECT(InsertApc(&Apcs[i]));
        TestSettle();
    }
    EXPECT_EQUAL(Log.Count, 4);
    EXPECT_EQUAL(Waiting.Done, 0);
    KeSetEvent(&Waiting.Event, 0, FALSE);
    TestJoinThread(Thread);
    EXPECT_EQUAL(Waiting.Status, STATUS_SUCCESS);
}

/* The APC comes when the waiter lets it, not when that happens to wait or to be switched next. */
static VOID QueueToHolder(WAITING_THREAD *Waiting, APC_LOG *Log)
{
    PKTHREAD Thread = StartWaiting(Waiting);
    TEST_APC Test;

    PrepareApc(&Test, Thread, Log, 1, FALSE);
    EXPECT(InsertApc(&Test));
    TestSettle();
    EXPECT_EQUAL(Log->Count, 0);
    KeSetEvent(&Waiting->Event, 0, FALSE);
    TestJoinThread(Thread);
    EXPECT_EQUAL(Log->Count, 1);
}

GUEST_TEST(ke_guarded_waiter_gets_its_apc_later)
{
    WAITING_THREAD Waiting = {.Guarded = TRUE};
    APC_LOG Log = {.Count = 0};

    QueueToHolder(&Waiting, &Log);
}

GUEST_TEST(ke_waiter_at_apc_level_gets_its_apc_when_it_lowers)
{
    APC_LOG Log = {.Count = 0};
    WAITING_THREAD Waiting = {.Raised = TRUE, .Log = &Log};

    QueueToHolder(&Waiting, &Log);
}

typedef struct _PREEMPTION {
    PKTHREAD Preempted;
    KEVENT Go;
    APC_LOG Log;
    TEST_APC Test;
} PREEMPTION;

static VOID QueueAtHigherPriority(PVOID Context)
{
    PREEMPTION *Preemption = Context;

    KeSetBasePriorityThread(KeGetCurrentThread(), 2);
    KeWaitForSingleObject(&Preemption->Go, Executive, KernelMode, FALSE, NULL);
    EXPECT_EQUAL(Preemption->Preempted->State, Ready);
    EXPECT(InsertApc(&Preemption->Test));
}

GUEST_TEST(ke_thread_preempted_at_apc_level_gets_its_apc_when_it_lowers)
{
    PREEMPTION Preemption = {.Preempted = KeGetCurrentThread()};
    KIRQL OldIrql;

    PrepareApc(&Preemption.Test, KeGetCurrentThread(), &Preemption.Log, 1, FALSE);
    KeInitializeEvent(&Preemption.Go, SynchronizationEvent, FALSE);
    PKTHREAD Thread = TestStartThread(QueueAtHigherPriority, &Preemption);
    TestSettle();
    KeRaiseIrql(APC_LEVEL, &OldIrql);
    KeSetEvent(&Preemption.Go, 0, FALSE);
    EXPECT_EQUAL(Preemption.Log.Count, 0);
    KeLowerIrql(OldIrql);
    AwaitCount(&Preemption.Log, 1);
    TestJoinThread(Thread);
}

GUEST_TEST(ke_alert_ends_an_alertable_wait_only)
{
    WAITING_THREAD Waiting = {.Alertable = TRUE};
    PKTHREAD Thread = StartWaiting(&Waiting);

    EXPECT(!KeAlertThread(Thread, KernelMode));
    TestJoinThread(Thread);
    EXPECT_EQUAL(Waiting.Status, STATUS_ALERTED);

    Waiting = (WAITING_THREAD){.Alertable = FALSE};
    Thread = StartWaiting(&Waiting);
    EXPECT(!KeAlertThread(Thread, KernelMode));
    EXPECT(KeAlertThread(Thread, KernelMode));
    TestSettle();
    EXPECT_EQUAL(Waiting.Done, 0);
    KeSetEvent(&Waiting.Event, 0, FALSE);
    TestJoinThread(Thread);

    LARGE_INTEGER Long = {.QuadPart = 5000 * TEST_MILLISECOND};
    EXPECT(!KeAlertThread(KeGetCurrentThread(), KernelMode));
    EXPECT_EQUAL(KeDelayExecutionThread(KernelMode, TRUE, &Long), STATUS_ALERTED);
    EXPECT(!KeTestAlertThread(KernelMode));

    /* Also a wait that would not block; but not one that its object satisfies. */
    LARGE_INTEGER Zero = {.QuadPart = 0};
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, TRUE);
    EXPECT(!KeAlertThread(KeGetCurrentThread(), KernelMode));
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, TRUE, &Zero),
                 STATUS_SUCCESS);
    KeClearEvent(&Event);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, TRUE, &Zero),
                 STATUS_ALERTED);
    EXPECT(!KeAlertThread(KeGetCurrentThread(), KernelMode));
    EXPECT_EQUAL(KeDelayExecutionThread(KernelMode, TRUE, &Zero), STATUS_ALERTED);
    EXPECT(!KeTestAlertThread(KernelMode));
}

GUEST_TEST(ke_user_apcs_are_refused_by_system_threads)
{
    APC_LOG Log = {.Count = 0};
    TEST_APC Test;

    PrepareApc(&Test, KeGetCurrentThread(), &Log, 1, TRUE);
    Test.Apc.ApcMode = UserMode;
    EXPECT(!InsertApc(&Test));
}

GUEST_TEST(ke_attach_keeps_the_apc_queues_apart)
{
    static KPROCESS Other;
    PKTHREAD Self = KeGetCurrentThread();
    PKPROCESS Own = Self->ApcState.Process;
    KAPC_STATE State, Again;
    APC_LOG Log = {.Count = 0};
    TEST_APC Test;

    /* The same page tables under another name: a second address space is Ps's to make. */
    KeInitializeProcess(&Other, 8, Own->DirectoryTableBase);
    PrepareApc(&Test, Self, &Log, 1, FALSE);
    KeStackAttachProcess(&Other, &State);
    EXPECT(KeIsAttachedProcess());
    EXPECT(Self->ApcState.Process == &Other);
    EXPECT_EQUAL(Other.AttachCount, 1);
    KeStackAttachProcess(&Other, &Again);
    KeUnstackDetachProcess(&Again);
    EXPECT(KeIsAttachedProcess());
    EXPECT(InsertApc(&Test)); /* for the original environment: it rests */
    TestSettle();
    EXPECT_EQUAL(Log.Count, 0);
    KeUnstackDetachProcess(&State);
    EXPECT(!KeIsAttachedProcess());
    EXPECT(Self->ApcState.Process == Own);
    EXPECT_EQUAL(Other.AttachCount, 0);
    AwaitCount(&Log, 1);
}
