/* SPDX-License-Identifier: MIT */
/*
 * The less common forms of Ex's locks: those without an APC region of their own, those that come
 * with one, owners that are no threads, counts of more than one. ex_lock_test.c has contention.
 * Expected values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "ex/ex.h"
#include "test_thread.h"

/* What another thread finds. */
typedef struct _PROBE {
    BOOLEAN (*Try)(PVOID Lock);
    PVOID Lock;
    BOOLEAN Got;
} PROBE;

static VOID ProbeThread(PVOID Context)
{
    PROBE *Probe = Context;
    Probe->Got = Probe->Try(Probe->Lock);
}

static BOOLEAN OtherThreadGets(BOOLEAN (*Try)(PVOID Lock), PVOID Lock)
{
    PROBE Probe = {Try, Lock, FALSE};
    TestJoinThread(TestStartThread(ProbeThread, &Probe));
    return Probe.Got;
}

static BOOLEAN TryFastMutex(PVOID Lock)
{
    BOOLEAN Got = ExTryToAcquireFastMutex(Lock);
    if (Got) {
        ExReleaseFastMutex(Lock);
    }
    return Got;
}

static BOOLEAN TryGuardedMutex(PVOID Lock)
{
    BOOLEAN Got = KeTryToAcquireGuardedMutex(Lock);
    if (Got) {
        KeReleaseGuardedMutex(Lock);
    }
    return Got;
}

GUEST_TEST(ex_unsafe_mutexes_leave_the_irql_and_regions_alone)
{
    FAST_MUTEX Fast;
    KGUARDED_MUTEX Guarded;

    ExInitializeFastMutex(&Fast);
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Fast);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT(Fast.Owner == KeGetCurrentThread() && Fast.Count == 0);
    EXPECT(!OtherThreadGets(TryFastMutex, &Fast));
    ExReleaseFastMutexUnsafe(&Fast);
    KeLeaveCriticalRegion();
    EXPECT(OtherThreadGets(TryFastMutex, &Fast));

    KeInitializeGuardedMutex(&Guarded);
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(&Guarded);
    EXPECT(!OtherThreadGets(TryGuardedMutex, &Guarded));
    KeReleaseGuardedMutexUnsafe(&Guarded);
    EXPECT(KeAreAllApcsDisabled()); /* the region is the caller's */
    KeLeaveGuardedRegion();
    EXPECT(OtherThreadGets(TryGuardedMutex, &Guarded));
}

static BOOLEAN TryResource(PERESOURCE Resource, BOOLEAN (*Acquire)(PERESOURCE, BOOLEAN))
{
    KeEnterCriticalRegion();
    BOOLEAN Got = Acquire(Resource, FALSE);
    if (Got) {
        ExReleaseResourceLite(Resource);
    }
    KeLeaveCriticalRegion();
    return Got;
}

static BOOLEAN TryShared(PVOID Resource)
{
    return TryResource(Resource, ExAcquireResourceSharedLite);
}

static BOOLEAN TrySharedAfterExclusive(PVOID Resource)
{
    return TryResource(Resource, ExAcquireSharedWaitForExclusive);
}

static BOOLEAN TryExclusive(PVOID Resource)
{
    return TryResource(Resource, ExAcquireResourceExclusiveLite);
}

GUEST_TEST(ex_resources_with_their_critical_region)
{
    ERESOURCE Resource;

    EXPECT_EQUAL(ExInitializeResourceLite(&Resource), STATUS_SUCCESS);
    ExDisableResourceBoostLite(&Resource);
    EXPECT(ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource) == NULL);
    EXPECT(KeAreApcsDisabled() && ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT(!OtherThreadGets(TryShared, &Resource));
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    EXPECT(!KeAreApcsDisabled());
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 0);

    EXPECT(ExEnterCriticalRegionAndAcquireResourceShared(&Resource) == NULL);
    EXPECT(KeAreApcsDisabled() && !ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 1);
    EXPECT(OtherThreadGets(TryShared, &Resource) && !OtherThreadGets(TryExclusive, &Resource));
    EXPECT(OtherThreadGets(TrySharedAfterExclusive, &Resource)); /* nobody waits */
    EXPECT(ExAcquireSharedWaitForExclusive(&Resource, TRUE));
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 2);
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceAndLeaveCriticalRegion(&Resource);
    EXPECT(!KeAreApcsDisabled());
    EXPECT_EQUAL(ExDeleteResourceLite(&Resource), STATUS_SUCCESS);
}

typedef struct _WAITER {
    ERESOURCE Resource;
    KEVENT Done;
} WAITER;

static VOID WaitExclusive(PVOID Context)
{
    WAITER *Waiter = Context;
    ExEnterCriticalRegionAndAcquireResourceExclusive(&Waiter->Resource);
    KeSetEvent(&Waiter->Done, 0, FALSE);
    ExReleaseResourceAndLeaveCriticalRegion(&Waiter->Resource);
}

/* Documented: shared access is granted if nobody waits for exclusive access, even to an owner. */
GUEST_TEST(ex_shared_access_waits_for_exclusive_waiters)
{
    static WAITER Waiter;

    ExInitializeResourceLite(&Waiter.Resource);
    KeInitializeEvent(&Waiter.Done, NotificationEvent, FALSE);
    ExEnterCriticalRegionAndAcquireResourceShared(&Waiter.Resource);
    PKTHREAD Thread = TestStartThread(WaitExclusive, &Waiter);
    while (ExGetExclusiveWaiterCount(&Waiter.Resource) == 0) {
        TestSleep(1);
    }
    EXPECT(!ExAcquireSharedWaitForExclusive(&Waiter.Resource, FALSE));
    EXPECT(ExAcquireSharedStarveExclusive(&Waiter.Resource, FALSE));
    ExReleaseResourceLite(&Waiter.Resource);
    EXPECT(ExAcquireResourceSharedLite(&Waiter.Resource, FALSE)); /* it owns it already */
    ExReleaseResourceLite(&Waiter.Resource);
    EXPECT(!OtherThreadGets(TryShared, &Waiter.Resource));
    EXPECT_EQUAL(KeReadStateEvent(&Waiter.Done), 0);
    ExReleaseResourceAndLeaveCriticalRegion(&Waiter.Resource);
    TestJoinThread(Thread);
    EXPECT(KeReadStateEvent(&Waiter.Done) != 0);
    ExDeleteResourceLite(&Waiter.Resource);
}

static VOID OwnForOther(PVOID Context)
{
    PVOID *Arguments = Context;
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Arguments[0], TRUE);
    ExSetResourceOwnerPointerEx(Arguments[0], Arguments[1], FLAG_OWNER_POINTER_IS_THREAD);
    KeLeaveCriticalRegion();
}

/* FLAG_OWNER_POINTER_IS_THREAD: the owner is a thread, whose low bits are not set. */
GUEST_TEST(ex_resources_change_owners)
{
    static ERESOURCE Resource;
    static ULONG64 Owner;
    PVOID Pointer = (PVOID)((ULONG_PTR)&Owner | 3);
    PVOID ToMe[] = {&Resource, KeGetCurrentThread()};

    ExInitializeResourceLite(&Resource);
    ExEnterCriticalRegionAndAcquireResourceExclusive(&Resource);
    ExSetResourceOwnerPointerEx(&Resource, Pointer, 0);
    EXPECT(!ExIsResourceAcquiredExclusiveLite(&Resource));
    EXPECT(!TryShared(&Resource));
    ExReleaseResourceForThreadLite(&Resource, (ERESOURCE_THREAD)Pointer);
    EXPECT(TryExclusive(&Resource));
    KeLeaveCriticalRegion();

    TestJoinThread(TestStartThread(OwnForOther, ToMe));
    EXPECT_EQUAL(ExIsResourceAcquiredSharedLite(&Resource), 1);
    ExReleaseResourceLite(&Resource);
    EXPECT(OtherThreadGets(TryExclusive, &Resource));
    ExDeleteResourceLite(&Resource);
}

static VOID HoldPushLock(PVOID Context)
{
    PVOID *Arguments = Context;
    KeEnterCriticalRegion();
    ExfAcquirePushLockExclusive(Arguments[0]);
    KeSetEvent(Arguments[1], 0, FALSE);
    ExfReleasePushLockExclusive(Arguments[0]);
    KeLeaveCriticalRegion();
}

GUEST_TEST(ex_push_locks_by_their_older_names)
{
    static EX_PUSH_LOCK PushLock;
    static KEVENT Held;
    PVOID Arguments[] = {&PushLock, &Held};

    ExInitializePushLock(&PushLock);
    KeInitializeEvent(&Held, NotificationEvent, FALSE);
    KeEnterCriticalRegion();
    ExfAcquirePushLockShared(&PushLock);
    ExAcquirePushLockSharedEx(&PushLock, 0);
    PKTHREAD Thread = TestStartThread(HoldPushLock, Arguments);
    ExfReleasePushLockShared(&PushLock);
    while (!(*(volatile EX_PUSH_LOCK *)&PushLock & 2)) { /* until it waits: push_lock.c */
        TestSleep(1);
    }
    EXPECT_EQUAL(KeReadStateEvent(&Held), 0);
    ExReleasePushLockEx(&PushLock, 0); /* however it is held */
    TestJoinThread(Thread);
    EXPECT(KeReadStateEvent(&Held) != 0);
    ExfAcquirePushLockExclusive(&PushLock);
    ExfReleasePushLock(&PushLock);
    ExfAcquirePushLockShared(&PushLock);
    ExfReleasePushLock(&PushLock);
    ExAcquirePushLockExclusiveEx(&PushLock, 0);
    ExReleasePushLockEx(&PushLock, 0);
    KeLeaveCriticalRegion();
    EXPECT_EQUAL(PushLock, 0);
}

static VOID RunDown(PVOID Context)
{
    ExWaitForRundownProtectionRelease(Context);
}

GUEST_TEST(ex_rundown_protection_by_counts)
{
    static EX_RUNDOWN_REF Ref;

    ExInitializeRundownProtection(&Ref);
    EXPECT(ExAcquireRundownProtectionEx(&Ref, 3));
    EXPECT(ExAcquireRundownProtection(&Ref));
    ExReleaseRundownProtectionEx(&Ref, 2);
    PKTHREAD Thread = TestStartThread(RunDown, &Ref);
    while (ExAcquireRundownProtectionEx(&Ref, 1)) { /* until the run-down has begun */
        ExReleaseRundownProtectionEx(&Ref, 1);
        TestSleep(1);
    }
    LARGE_INTEGER Now = {.QuadPart = 0};
    EXPECT_EQUAL(KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, &Now), STATUS_TIMEOUT);
    ExReleaseRundownProtectionEx(&Ref, 2);
    TestJoinThread(Thread);
    EXPECT(!ExAcquireRundownProtectionEx(&Ref, 1));
    ExReInitializeRundownProtection(&Ref);
    EXPECT(ExAcquireRundownProtectionEx(&Ref, 1));
    ExReleaseRundownProtection(&Ref);
}

GUEST_TEST(ex_reader_writer_spin_lock)
{
    static EX_SPIN_LOCK Lock;

    KIRQL OldIrql = ExAcquireSpinLockExclusive(&Lock);
    EXPECT_EQUAL(OldIrql, PASSIVE_LEVEL);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    ExReleaseSpinLockExclusive(&Lock, OldIrql);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);

    OldIrql = ExAcquireSpinLockShared(&Lock);
    EXPECT(ExTryConvertSharedSpinLockExclusive(&Lock));
    ExReleaseSpinLockExclusiveFromDpcLevel(&Lock);
    ExAcquireSpinLockSharedAtDpcLevel(&Lock);
    ExAcquireSpinLockSharedAtDpcLevel(&Lock);
    EXPECT(!ExTryConvertSharedSpinLockExclusive(&Lock)); /* two readers */
    ExReleaseSpinLockSharedFromDpcLevel(&Lock);
    ExReleaseSpinLockSharedFromDpcLevel(&Lock);
    ExAcquireSpinLockExclusiveAtDpcLevel(&Lock);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    ExReleaseSpinLockExclusive(&Lock, OldIrql);
    EXPECT_EQUAL(Lock, 0);
}
