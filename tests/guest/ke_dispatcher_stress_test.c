/* SPDX-License-Identifier: MIT */
/*
 * Threads of mixed priorities that do everything to shared objects in random order. What must
 * hold: mutexes exclude, semaphore units are neither lost nor made, every APC that was queued runs,
 * and in the end everybody gets through.
 */
#include "test_thread.h"

#define STRESS_THREADS 8
#define STRESS_ROUNDS 400
#define STRESS_UNITS 3

typedef struct _STRESS STRESS;

typedef struct _STRESS_THREAD {
    STRESS *Stress;
    PKTHREAD Thread;
    KAPC Apc;
    volatile LONG ApcsQueued, ApcsRun;
    ULONG64 Random;
} STRESS_THREAD;

struct _STRESS {
    KEVENT Start, Pulse, Turn;
    KMUTEX Mutex;
    KSEMAPHORE Units;
    KTIMER Timer;
    KDPC Dpc;
    KSPIN_LOCK ApcLock;
    volatile LONG InMutex, InUnits, Violations, Dpcs;
    STRESS_THREAD Threads[STRESS_THREADS];
};

static ULONG StressRandom(STRESS_THREAD *Self, ULONG Below)
{
    Self->Random = Self->Random * 6364136223846793005ull + 1442695040888963407ull;
    return (ULONG)(Self->Random >> 33) % Below;
}

static VOID StressApc(PKAPC Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                      PVOID *SystemArgument1, PVOID *SystemArgument2)
{
    STRESS_THREAD *Self = CONTAINING_RECORD(Apc, STRESS_THREAD, Apc);

    if (KeGetCurrentThread() != Self->Thread || KeGetCurrentIrql() != APC_LEVEL) {
        InterlockedIncrement(&Self->Stress->Violations);
    }
    InterlockedIncrement(&Self->ApcsRun);
}

static VOID StressDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                      PVOID SystemArgument2)
{
    STRESS *Stress = DeferredContext;

    InterlockedIncrement(&Stress->Dpcs);
    KeSetEvent(&Stress->Turn, Stress->Dpcs % 3, FALSE);
}

static VOID StressQueueApc(STRESS_THREAD *Self, STRESS_THREAD *Target)
{
    KIRQL OldIrql;

    KeAcquireSpinLock(&Self->Stress->ApcLock, &OldIrql);
    if (KeInsertQueueApc(&Target->Apc, NULL, NULL, 0)) {
        InterlockedIncrement(&Target->ApcsQueued);
    }
    KeReleaseSpinLock(&Self->Stress->ApcLock, OldIrql);
}

static VOID StressUseMutex(STRESS_THREAD *Self)
{
    STRESS *Stress = Self->Stress;
    LARGE_INTEGER Timeout = {.QuadPart = (LONGLONG)StressRandom(Self, 40) * TEST_MILLISECOND};

    if (KeWaitForSingleObject(&Stress->Mutex, Executive, KernelMode, FALSE, &Timeout) !=
        STATUS_SUCCESS) {
        return;
    }
    if (InterlockedIncrement(&Stress->InMutex) != 1) {
        InterlockedIncrement(&Stress->Violations);
    }
    if (StressRandom(Self, 8) == 0) {
        TestSleep(1);
    }
    InterlockedDecrement(&Stress->InMutex);
    KeReleaseMutex(&Stress->Mutex, FALSE);
}

static VOID StressUseUnits(STRESS_THREAD *Self)
{
    STRESS *Stress = Self->Stress;
    PVOID Objects[] = {&Stress->Turn, &Stress->Units};
    LARGE_INTEGER Timeout = {.QuadPart = (LONGLONG)StressRandom(Self, 30) * TEST_MILLISECOND};
    WAIT_TYPE Type = StressRandom(Self, 2) == 0 ? WaitAll : WaitAny;
    NTSTATUS Status = KeWaitForMultipleObjects(2, Objects, Type, Executive, KernelMode, FALSE,
                                               &Timeout, NULL);

    if (Status == STATUS_WAIT_1 || (Status == STATUS_WAIT_0 && Type == WaitAll)) {
        if (InterlockedIncrement(&Stress->InUnits) > STRESS_UNITS) {
            InterlockedIncrement(&Stress->Violations);
        }
        if (StressRandom(Self, 8) == 0) {
            TestSleep(1);
        }
        InterlockedDecrement(&Stress->InUnits);
        KeReleaseSemaphore(&Stress->Units, 1, 1, FALSE);
    }
}

static VOID StressOnce(STRESS_THREAD *Self)
{
    STRESS *Stress = Self->Stress;
    LARGE_INTEGER Due = {.QuadPart = (LONGLONG)StressRandom(Self, 30) * TEST_MILLISECOND};

    switch (StressRandom(Self, 10)) {
    case 0:
    case 1:
        StressUseMutex(Self);
        break;
    case 2:
    case 3:
        StressUseUnits(Self);
        break;
    case 4:
        KeSetEvent(&Stress->Turn, 1, FALSE);
        break;
    case 5:
        KePulseEvent(&Stress->Pulse, 0, FALSE);
        break;
    case 6:
        KeWaitForSingleObject(&Stress->Pulse, Executive, KernelMode, FALSE, &Due);
        break;
    case 7:
        KeSetTimer(&Stress->Timer, Due, &Stress->Dpc);
        break;
    case 8:
        StressQueueApc(Self, &Stress->Threads[StressRandom(Self, STRESS_THREADS)]);
        break;
    default:
        KeSetPriorityThread(Self->Thread, (KPRIORITY)StressRandom(Self, 6) + 8);
        break;
    }
}

static VOID StressThread(PVOID Context)
{
    STRESS_THREAD *Self = Context;

    KeWaitForSingleObject(&Self->Stress->Start, Executive, KernelMode, FALSE, NULL);
    for (ULONG i = 0; i < STRESS_ROUNDS; i++) {
        StressOnce(Self);
    }
}

GUEST_TEST(ke_dispatcher_stress)
{
    static STRESS Stress;

    __builtin_memset(&Stress, 0, sizeof(Stress));
    KeInitializeEvent(&Stress.Start, NotificationEvent, FALSE);
    KeInitializeEvent(&Stress.Pulse, NotificationEvent, FALSE);
    KeInitializeEvent(&Stress.Turn, SynchronizationEvent, FALSE);
    KeInitializeMutex(&Stress.Mutex, 0);
    KeInitializeSemaphore(&Stress.Units, STRESS_UNITS, STRESS_UNITS);
    KeInitializeTimer(&Stress.Timer);
    KeInitializeDpc(&Stress.Dpc, StressDpc, &Stress);
    for (ULONG i = 0; i < STRESS_THREADS; i++) {
        STRESS_THREAD *Self = &Stress.Threads[i];

        Self->Stress = &Stress;
        Self->Random = GuestTestSeed() * 31 + i;
        Self->Thread = TestStartThread(StressThread, Self);
        KeInitializeApc(&Self->Apc, Self->Thread, OriginalApcEnvironment, StressApc, NULL, NULL,
                        KernelMode, NULL);
    }
    KeSetEvent(&Stress.Start, 0, FALSE);
    for (ULONG i = 0; i < STRESS_THREADS; i++) {
        LARGE_INTEGER Patience = {.QuadPart = 6 * TEST_PATIENCE};
        EXPECT_EQUAL(KeWaitForSingleObject(Stress.Threads[i].Thread, Executive, KernelMode, FALSE,
                                           &Patience),
                     STATUS_SUCCESS);
    }
    KeCancelTimer(&Stress.Timer);
    KeFlushQueuedDpcs();
    EXPECT_EQUAL(Stress.Violations, 0);
    EXPECT_EQUAL(KeReadStateSemaphore(&Stress.Units), STRESS_UNITS);
    EXPECT_EQUAL(KeReadStateMutex(&Stress.Mutex), 1);
    for (ULONG i = 0; i < STRESS_THREADS; i++) {
        EXPECT_EQUAL(Stress.Threads[i].ApcsRun, Stress.Threads[i].ApcsQueued);
        ObDereferenceObject(Stress.Threads[i].Thread);
    }
}
