/* SPDX-License-Identifier: MIT */
/* Fast and guarded mutexes, resources, push locks, rundown protection under contention. */
#include "ex/ex.h"
#include "test_thread.h"

#define CONTENDERS 5
#define ROUNDS 100

/* What every lock here must guarantee: one writer, or readers only. */
typedef struct _GUARDED {
    union {
        FAST_MUTEX FastMutex;
        KGUARDED_MUTEX GuardedMutex;
        ERESOURCE Resource;
        EX_PUSH_LOCK PushLock;
    };
    volatile LONG Readers, Writers, Violations, Number, Writes;
    volatile LONG Value;
    KEVENT LetGo;
} GUARDED;

static VOID WriteGuarded(GUARDED *Guarded)
{
    if (InterlockedIncrement(&Guarded->Writers) != 1 || Guarded->Readers != 0) {
        InterlockedIncrement(&Guarded->Violations);
    }
    LONG Value = Guarded->Value;
    if (Value % 16 == 0) {
        TestSleep(1); /* holding the lock */
    }
    Guarded->Value = Value + 1;
    InterlockedIncrement(&Guarded->Writes);
    InterlockedDecrement(&Guarded->Writers);
}

static VOID ReadGuarded(GUARDED *Guarded, BOOLEAN Sleep)
{
    InterlockedIncrement(&Guarded->Readers);
    if (Guarded->Writers != 0) {
        InterlockedIncrement(&Guarded->Violations);
    }
    if (Sleep) {
        TestSleep(1);
    }
    if (Guarded->Writers != 0) {
        InterlockedIncrement(&Guarded->Violations);
    }
    InterlockedDecrement(&Guarded->Readers);
}

static VOID Contend(GUARDED *Guarded, PKSTART_ROUTINE Routine)
{
    PKTHREAD Threads[CONTENDERS];

    for (ULONG i = 0; i < CONTENDERS; i++) {
        Threads[i] = TestStartThread(Routine, Guarded);
    }
    for (ULONG i = 0; i < CONTENDERS; i++) {
        TestJoinThread(Threads[i]);
    }
    EXPECT_EQUAL(Guarded->Violations, 0);
    EXPECT_EQUAL(Guarded->Value, Guarded->Writes);
    EXPECT(Guarded->Writes != 0);
}

static VOID UseFastMutex(PVOID Context)
{
    GUARDED *Guarded = Context;

    for (ULONG i = 0; i < ROUNDS; i++) {
        ExAcquireFastMutex(&Guarded->FastMutex);
        EXPECT_EQUAL(KeGetCurrentIrql(), APC_LEVEL);
        WriteGuarded(Guarded);
        ExReleaseFastMutex(&Guarded->FastMutex);
        EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
}

GUEST_TEST(ex_fast_mutex)
{
    GUARDED Guarded = {.Value = 0};

    ExInitializeFastMutex(&Guarded.FastMutex);
    EXPECT(ExTryToAcquireFastMutex(&Guarded.FastMutex));
    EXPECT(!ExTryToAcquireFastMutex(&Guarded.FastMutex));
    ExReleaseFastMutex(&Guarded.FastMutex);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    Contend(&Guarded, UseFastMutex);
    EXPECT_EQUAL(Guarded.FastMutex.Count, 1);
}

static VOID UseGuardedMutex(PVOID Context)
{
    GUARDED *Guarded = Context;

    for (ULONG i = 0; i < ROUNDS; i++) {
        KeAcquireGuardedMutex(&Guarded->GuardedMutex);
        EXPECT(KeAreAllApcsDisabled());
        WriteGuarded(Guarded);
        KeReleaseGuardedMutex(&Guarded->GuardedMutex);
    }
}

GUEST_TEST(ex_guarded_mutex)
{
    GUARDED Guarded = {.Value = 0};

    KeInitializeGuardedMutex(&Guarded.GuardedMutex);
    EXPECT(KeTryToAcquireGuardedMutex(&Guarded.GuardedMutex));
    EXPECT(!KeTryToAcquireGuardedMutex(&Guarded.GuardedMutex));
    KeReleaseGuardedMutex(&Guarded.GuardedMutex);
    EXPECT(!KeAreAllApcsDisabled());
    Contend(&Guarded, UseGuardedMutex);
}

static VOID UseResource(PVOID Context)
{
    GUARDED *Guarded = Context;
    LONG Self = InterlockedIncrement(&Guarded->Number);

    for (LONG i = 0; i < ROUNDS; i++) {
        KeEnterCriticalRegion();
        if ((i + Self) % 4 == 0) {
            ExAcquireResourceExclusiveLite(&Guarded->Resource, TRUE);
            WriteGuarded(Guarded);
            if (i % 8 == 0) {
                ExConvertExclusiveToSharedLite(&Guarded->Resource);
                ReadGuarded(Guarded, FALSE);
            }
        } else if ((i + Self) % 4 == 1) {
            ExAcquireSharedStarveExclusive(&Guarded->Resource, TRUE);
            ReadGuarded(Guarded, TRUE);
        } else {
            ExAcquireResourceSharedLite(&Guarded->Resource, TRUE);
            ExAcquireResourceSharedLite(&Guarded->Resource, TRUE);
            ReadGuarded(Guarded, i % 16 == 0);
            ExReleaseResourceLite(&Guarded->Resource);
        }
        ExReleaseResourceLite(&Guarded->Resource);
        KeLeaveCriticalRegion();
    }
}

GUEST_TEST(ex_resource_contention)
{
    GUARDED Guarded = {.Value = 0};

    ExInitializeResourceLite(&Guarded.Resource);
    Contend(&Guarded, UseResource);
    EXPECT_EQUAL(Guarded.Resource.ActiveEntries, 0);
    EXPECT_EQUAL(ExGetSharedWaiterCount(&Guarded.Resource), 0);
    EXPECT_EQUAL(ExGetExclusiveWaiterCount(&Guarded.Resource), 0);
    ExDeleteResourceLite(&Guarded.Resource);
}

static ULONG CountListed(const ERESOURCE *Resource)
{
    ULONG Count = 0;
    for (PLIST_ENTRY Link = ExpSystemResourcesList.Flink; Link != &ExpSystemResourcesList;
         Link = Link->Flink) {
        Count += Link == &Resource->SystemResourcesList;
    }
    return Count;
}

GUEST_TEST(ex_resource_list)
{
    ERESOURCE First, Second;

    ExInitializeResourceLite(&First);
    ExInitializeResourceLite(&Second);
    EXPECT_EQUAL(CountListed(&First), 1);
    EXPECT_EQUAL(CountListed(&Second), 1);
    ExReinitializeResourceLite(&First);
    EXPECT_EQUAL(CountListed(&First), 1);
    ExDeleteResourceLite(&First);
    EXPECT_EQUAL(CountListed(&First), 0);
    EXPECT_EQUAL(CountListed(&Second), 1);
    ExDeleteResourceLite(&Second);
    ExDeleteResourceLite(&Second);
    EXPECT_EQUAL(CountListed(&Second), 0);
}

GUEST_TEST(ex_resource_ownership)
{
    ERESOURCE Resource;

    ExInitializeResourceLite(&Resource);
    KeEnterCriticalRegion();
    EXPECT(ExAcquireResourceExclusiveLite(&Resource, FALSE));
    EXPECT(ExAcquireResourceExclusiveLite(&Resource, FALSE));
    EXPECT(ExAcquireResourceSharedLite(&Resource, FALSE)); /* still exclusive */
    EXPECT(ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 3);
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    ExConvertExclusiveToSharedLite(&Resource);
    EXPECT(!ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 1);
    EXPECT(!ExAcquireResourceExclusiveLite(&Resource, FALSE));
    ULONG_PTR Owner = (ULONG_PTR)&Resource | 3;
    ExSetResourceOwnerPointer(&Resource, (PVOID)Owner);
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 0);
    ExReleaseResourceForThreadLite(&Resource, Owner);
    EXPECT(ExAcquireResourceExclusiveLite(&Resource, FALSE));
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(&Resource);
}

/* More shared owners at once than the owner table begins with. */
static VOID HoldShared(PVOID Context)
{
    GUARDED *Guarded = Context;

    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&Guarded->Resource, TRUE);
    ReadGuarded(Guarded, FALSE);
    KeWaitForSingleObject(&Guarded->LetGo, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(&Guarded->Resource);
    KeLeaveCriticalRegion();
}

GUEST_TEST(ex_resource_table_grows)
{
    GUARDED Guarded = {.Value = 0};
    PKTHREAD Threads[20];

    ExInitializeResourceLite(&Guarded.Resource);
    KeInitializeEvent(&Guarded.LetGo, NotificationEvent, FALSE);
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Guarded.Resource, TRUE);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        Threads[i] = TestStartThread(HoldShared, &Guarded);
    }
    TestSettle();
    EXPECT_EQUAL(ExGetSharedWaiterCount(&Guarded.Resource), RTL_NUMBER_OF(Threads));
    ExReleaseResourceLite(&Guarded.Resource);
    /* Behind twenty shared owners. */
    EXPECT(!ExAcquireResourceExclusiveLite(&Guarded.Resource, FALSE));
    KeSetEvent(&Guarded.LetGo, 0, FALSE);
    EXPECT(ExAcquireResourceExclusiveLite(&Guarded.Resource, TRUE));
    ExReleaseResourceLite(&Guarded.Resource);
    KeLeaveCriticalRegion();
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        TestJoinThread(Threads[i]);
    }
    ExDeleteResourceLite(&Guarded.Resource);
}

static VOID UsePushLock(PVOID Context)
{
    GUARDED *Guarded = Context;
    LONG Self = InterlockedIncrement(&Guarded->Number);

    for (LONG i = 0; i < ROUNDS; i++) {
        KeEnterCriticalRegion();
        if ((i + Self) % 3 == 0) {
            ExAcquirePushLockExclusive(&Guarded->PushLock);
            WriteGuarded(Guarded);
            ExReleasePushLockExclusive(&Guarded->PushLock);
        } else {
            ExAcquirePushLockShared(&Guarded->PushLock);
            ReadGuarded(Guarded, i % 16 == 0);
            ExReleasePushLockShared(&Guarded->PushLock);
        }
        KeLeaveCriticalRegion();
    }
}

GUEST_TEST(ex_push_lock)
{
    GUARDED Guarded = {.Value = 0};

    ExInitializePushLock(&Guarded.PushLock);
    Contend(&Guarded, UsePushLock);
    EXPECT_EQUAL(Guarded.PushLock, 0);
}

typedef struct _RUNDOWN_TEST {
    EX_RUNDOWN_REF RunRef;
    KEVENT LetGo;
} RUNDOWN_TEST;

static VOID HoldRundown(PVOID Context)
{
    RUNDOWN_TEST *Test = Context;

    if (ExAcquireRundownProtection(&Test->RunRef)) {
        KeWaitForSingleObject(&Test->LetGo, Executive, KernelMode, FALSE, NULL);
        ExReleaseRundownProtection(&Test->RunRef);
    }
}

GUEST_TEST(ex_rundown_waits_for_all)
{
    RUNDOWN_TEST Test;
    PKTHREAD Threads[3];
    KPRIORITY Base = KeGetCurrentThread()->BasePriority;

    ExInitializeRundownProtection(&Test.RunRef);
    KeInitializeEvent(&Test.LetGo, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 3; i++) {
        Threads[i] = TestStartThread(HoldRundown, &Test);
    }
    TestSettle();
    EXPECT_EQUAL(Test.RunRef.Count, 6);
    KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY); /* they let go later */
    KeSetEvent(&Test.LetGo, 0, FALSE);
    EXPECT_EQUAL(Test.RunRef.Count, 6);
    ExWaitForRundownProtectionRelease(&Test.RunRef);
    KeSetPriorityThread(KeGetCurrentThread(), Base);
    EXPECT(!ExAcquireRundownProtection(&Test.RunRef));
    ExRundownCompleted(&Test.RunRef);
    ExReInitializeRundownProtection(&Test.RunRef);
    EXPECT(ExAcquireRundownProtection(&Test.RunRef));
    ExReleaseRundownProtection(&Test.RunRef);
    for (ULONG i = 0; i < 3; i++) {
        TestJoinThread(Threads[i]);
    }
}

GUEST_TEST(ex_spin_locks_raise_and_count)
{
    EX_SPIN_LOCK Shared = 0;
    KSPIN_LOCK Plain, Queued;
    KLOCK_QUEUE_HANDLE Handle;
    KIRQL OldIrql;

    OldIrql = ExAcquireSpinLockShared(&Shared);
    ExAcquireSpinLockSharedAtDpcLevel(&Shared);
    EXPECT(!ExTryConvertSharedSpinLockExclusive(&Shared));
    ExReleaseSpinLockSharedFromDpcLevel(&Shared);
    EXPECT(ExTryConvertSharedSpinLockExclusive(&Shared));
    ExReleaseSpinLockExclusive(&Shared, OldIrql);
    EXPECT_EQUAL(Shared, 0);

    KeInitializeSpinLock(&Plain);
    KeInitializeSpinLock(&Queued);
    KeAcquireSpinLock(&Plain, &OldIrql);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    EXPECT(!KeTestSpinLock(&Plain));
    EXPECT(!KeTryToAcquireSpinLockAtDpcLevel(&Plain));
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&Queued, &Handle);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&Handle);
    KeReleaseSpinLock(&Plain, OldIrql);
    KeAcquireInStackQueuedSpinLock(&Queued, &Handle);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseInStackQueuedSpinLock(&Handle);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_EQUAL(Queued, 0);
}
