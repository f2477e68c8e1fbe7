/* SPDX-License-Identifier: MIT */
/*
 * Device queues, mutants, timers that may be late, DPCs that are taken back, attaching the older
 * way. Expected values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "ps/psp.h"
#include "test_thread.h"

static KDEVICE_QUEUE_ENTRY DeviceEntries[4];

GUEST_TEST(ke_device_queue_says_whether_the_device_is_busy)
{
    KDEVICE_QUEUE Queue;

    KeInitializeDeviceQueue(&Queue);
    EXPECT(!Queue.Busy);
    EXPECT(KeRemoveDeviceQueue(&Queue) == NULL);
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(!KeInsertDeviceQueue(&Queue, &DeviceEntries[0])); /* the device starts with it */
    EXPECT(Queue.Busy && !DeviceEntries[0].Inserted);
    EXPECT(KeInsertDeviceQueue(&Queue, &DeviceEntries[1]));
    EXPECT(KeInsertDeviceQueue(&Queue, &DeviceEntries[2]));
    EXPECT(DeviceEntries[1].Inserted && DeviceEntries[2].Inserted);
    EXPECT(KeRemoveEntryDeviceQueue(&Queue, &DeviceEntries[1]));
    EXPECT(!KeRemoveEntryDeviceQueue(&Queue, &DeviceEntries[1]));
    EXPECT(!KeRemoveEntryDeviceQueue(&Queue, &DeviceEntries[0])); /* it never was in the queue */
    EXPECT(KeRemoveDeviceQueue(&Queue) == &DeviceEntries[2]);
    EXPECT(Queue.Busy);
    EXPECT(KeRemoveDeviceQueue(&Queue) == NULL);
    EXPECT(!Queue.Busy);
    KeLowerIrql(OldIrql);
}

GUEST_TEST(ke_device_queue_goes_by_sort_keys)
{
    static const ULONG Keys[] = {30, 10, 20, 10};
    KDEVICE_QUEUE Queue;
    KDEVICE_QUEUE_ENTRY First;

    KeInitializeDeviceQueue(&Queue);
    EXPECT(!KeInsertByKeyDeviceQueue(&Queue, &First, 99));
    for (ULONG i = 0; i < RTL_NUMBER_OF(Keys); i++) {
        EXPECT(KeInsertByKeyDeviceQueue(&Queue, &DeviceEntries[i], Keys[i]));
        EXPECT_EQUAL(DeviceEntries[i].SortKey, Keys[i]);
    }
    /* 10 10 20 30: the first whose key is at least that, else the first of all. */
    EXPECT(KeRemoveByKeyDeviceQueue(&Queue, 11) == &DeviceEntries[2]);
    EXPECT(KeRemoveByKeyDeviceQueue(&Queue, 31) == &DeviceEntries[1]);
    EXPECT(KeRemoveByKeyDeviceQueue(&Queue, 30) == &DeviceEntries[0]);
    EXPECT(KeRemoveByKeyDeviceQueue(&Queue, 0) == &DeviceEntries[3]);
    EXPECT(KeRemoveByKeyDeviceQueue(&Queue, 0) == NULL);
    EXPECT(!Queue.Busy);
}

static VOID TakeMutant(PVOID Context)
{
    PKMUTANT Mutant = Context;
    EXPECT_EQUAL(KeWaitForSingleObject(Mutant, Executive, KernelMode, FALSE, NULL),
                 STATUS_SUCCESS);
    /* and ends with it */
}

GUEST_TEST(ke_mutant_is_abandoned_by_its_owners_end)
{
    static KMUTANT Mutant;

    KeInitializeMutant(&Mutant, TRUE);
    EXPECT_EQUAL(KeReadStateMutant(&Mutant), 0);
    EXPECT(!KeAreApcsDisabled()); /* unlike a mutex */
    EXPECT_EQUAL(TestPoll(&Mutant), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)KeReadStateMutant(&Mutant), (ULONG)-1);
    EXPECT_EQUAL((ULONG)KeReleaseMutant(&Mutant, 0, FALSE, FALSE), (ULONG)-1);
    EXPECT_EQUAL(KeReleaseMutant(&Mutant, 0, FALSE, FALSE), 0);
    EXPECT_EQUAL(KeReadStateMutant(&Mutant), 1);

    KeInitializeMutant(&Mutant, FALSE);
    EXPECT_EQUAL(KeReadStateMutant(&Mutant), 1);
    TestJoinThread(TestStartThread(TakeMutant, &Mutant));
    EXPECT_EQUAL(TestPoll(&Mutant), STATUS_ABANDONED);
    EXPECT_EQUAL(KeReleaseMutant(&Mutant, 0, FALSE, FALSE), 0);
    EXPECT_EQUAL(TestPoll(&Mutant), STATUS_SUCCESS); /* told once */
    EXPECT_EQUAL(KeReleaseMutant(&Mutant, 0, TRUE, FALSE), 0);
    EXPECT_EQUAL(TestPoll(&Mutant), STATUS_ABANDONED);
    KeReleaseMutant(&Mutant, 0, FALSE, FALSE);
}

static NTSTATUS ReleaseGuarded(PKMUTANT Mutant)
{
    __try {
        KeReleaseMutant(Mutant, 0, FALSE, FALSE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

GUEST_TEST(ke_mutant_of_another_raises)
{
    static KMUTANT Mutant;

    KeInitializeMutant(&Mutant, FALSE);
    EXPECT_EQUAL((ULONG)ReleaseGuarded(&Mutant), (ULONG)STATUS_MUTANT_NOT_OWNED);
    EXPECT_EQUAL(KeReadStateMutant(&Mutant), 1);
}

static VOID CountDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                     PVOID SystemArgument2)
{
    InterlockedIncrement(DeferredContext);
}

GUEST_TEST(ke_coalescable_timer_is_not_early)
{
    KTIMER Timer;
    LARGE_INTEGER Due = {.QuadPart = 30 * TEST_MILLISECOND};
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    KeInitializeTimerEx(&Timer, SynchronizationTimer);
    ULONG64 Start = KeQueryInterruptTime();
    EXPECT(!KeSetCoalescableTimer(&Timer, Due, 0, 50, NULL));
    EXPECT(KeSetCoalescableTimer(&Timer, Due, 10, 50, NULL)); /* it was set */
    for (ULONG i = 0; i < 3; i++) {
        EXPECT_EQUAL(KeWaitForSingleObject(&Timer, Executive, KernelMode, FALSE, &Patience),
                     STATUS_SUCCESS);
    }
    EXPECT(KeQueryInterruptTime() - Start >= 500000);
    EXPECT(KeCancelTimer(&Timer));
    EXPECT(!KeSetCoalescableTimer(&Timer, Due, 0, 0, NULL));
    EXPECT(KeCancelTimer(&Timer));
}

GUEST_TEST(ke_queued_dpc_is_taken_back)
{
    static KDPC Dpc;
    static LONG Count;
    KIRQL OldIrql;

    Count = 0;
    KeInitializeDpc(&Dpc, CountDpc, &Count);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(KeInsertQueueDpc(&Dpc, NULL, NULL));
    EXPECT(!KeShouldYieldProcessor()); /* not in a DPC routine that runs for long */
    EXPECT(KeRemoveQueueDpcEx(&Dpc, FALSE));
    EXPECT(!KeRemoveQueueDpcEx(&Dpc, FALSE));
    KeLowerIrql(OldIrql);
    EXPECT_EQUAL(Count, 0);
    EXPECT(KeInsertQueueDpc(&Dpc, NULL, NULL));
    EXPECT(!KeRemoveQueueDpcEx(&Dpc, TRUE)); /* it has run: its routine has returned */
    EXPECT_EQUAL(Count, 1);
}

GUEST_TEST(ke_dpc_targets_are_checked)
{
    KDPC Dpc;
    static LONG Count;
    PROCESSOR_NUMBER Here = {0}, Group = {.Group = 1};
    PROCESSOR_NUMBER Reserved = {.Reserved = 1}, Far = {.Number = 63};

    KeInitializeDpc(&Dpc, CountDpc, &Count);
    KeSetTargetProcessorDpc(&Dpc, 0);
    EXPECT_EQUAL(KeSetTargetProcessorDpcEx(&Dpc, &Here), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)KeSetTargetProcessorDpcEx(&Dpc, &Group), (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)KeSetTargetProcessorDpcEx(&Dpc, &Reserved),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)KeSetTargetProcessorDpcEx(&Dpc, &Far), (ULONG)STATUS_INVALID_PARAMETER);
    Count = 0;
    EXPECT(KeInsertQueueDpc(&Dpc, NULL, NULL));
    KeFlushQueuedDpcs();
    EXPECT_EQUAL(Count, 1);
}

GUEST_TEST(ke_spin_locks_for_dpcs)
{
    KSPIN_LOCK Lock;
    KIRQL OldIrql, Sync;

    KeInitializeSpinLock(&Lock);
    OldIrql = KeAcquireSpinLockForDpc(&Lock);
    EXPECT_EQUAL(OldIrql, PASSIVE_LEVEL);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    EXPECT(!KeTestSpinLock(&Lock));
    KeReleaseSpinLockForDpc(&Lock, OldIrql);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT(KeTestSpinLock(&Lock));
    Sync = KeRaiseIrqlToSynchLevel();
    EXPECT_EQUAL(Sync, PASSIVE_LEVEL);
    EXPECT_EQUAL(KeGetCurrentIrql(), SYNCH_LEVEL);
    KeLowerIrql(Sync);
}

GUEST_TEST(ke_attach_the_older_way)
{
    PEPROCESS Process;

    EXPECT_EQUAL(PspCreateProcess("attached", &Process), STATUS_SUCCESS);
    KeAttachProcess(&Process->Pcb);
    EXPECT(PsGetCurrentProcess() == Process && KeIsAttachedProcess());
    KeAttachProcess(&Process->Pcb); /* it is there already: nothing changes */
    KeDetachProcess();
    EXPECT(PsGetCurrentProcess() == PsInitialSystemProcess && !KeIsAttachedProcess());
    KeDetachProcess(); /* not attached: nothing changes */
    EXPECT(PsGetCurrentProcess() == PsInitialSystemProcess);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}

GUEST_TEST(ke_precise_clocks_do_not_go_back)
{
    ULONGLONG Stamp = 0, LastStamp = 0;
    ULONGLONG Last = KeQueryInterruptTime();

    for (ULONG i = 0; i < 1000; i++) {
        ULONGLONG Now = KeQueryInterruptTimePrecise(&Stamp);
        EXPECT(Now >= Last && Stamp >= LastStamp);
        Last = Now;
        LastStamp = Stamp;
    }
    ULONGLONG Coarse = KeQueryUnbiasedInterruptTime();
    EXPECT(Coarse <= KeQueryInterruptTime());
    EXPECT(Coarse + KeQueryTimeIncrement() > Last); /* within a tick of the precise one */
}
