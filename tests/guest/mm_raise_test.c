/* SPDX-License-Identifier: MIT */
/*
 * In mode at-raise whatever takes a driver's code to DISPATCH_LEVEL pages out: each routine that
 * raises, and a device timer's routine, which the kernel calls there.
 */
#include "ex/ex.h"
#include "io_test_driver.h"
#include "mm/mm.h"

static KSPIN_LOCK RaiseLock;
static KLOCK_QUEUE_HANDLE RaiseHandle;
static EX_SPIN_LOCK RaiseExLock;
static KIRQL RaiseOldIrql;
static PULONG RaisePage; /* a page of paged pool */
static BOOLEAN RaiseSeenOut;

/* Looks, and gives the IRQL back. */
static VOID RaiseByIrql(VOID)
{
    KeRaiseIrql(DISPATCH_LEVEL, &RaiseOldIrql);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeLowerIrql(RaiseOldIrql);
}

static VOID RaiseToDpcLevel(VOID)
{
    RaiseOldIrql = KeRaiseIrqlToDpcLevel();
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeLowerIrql(RaiseOldIrql);
}

static VOID RaiseToSynchLevel(VOID)
{
    RaiseOldIrql = KeRaiseIrqlToSynchLevel();
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeLowerIrql(RaiseOldIrql);
}

static VOID RaiseBySpinLock(VOID)
{
    KeAcquireSpinLock(&RaiseLock, &RaiseOldIrql);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeReleaseSpinLock(&RaiseLock, RaiseOldIrql);
}

static VOID RaiseBySpinLockForDpc(VOID)
{
    RaiseOldIrql = KeAcquireSpinLockForDpc(&RaiseLock);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeReleaseSpinLockForDpc(&RaiseLock, RaiseOldIrql);
}

static VOID RaiseByQueuedLock(VOID)
{
    KeAcquireInStackQueuedSpinLock(&RaiseLock, &RaiseHandle);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeReleaseInStackQueuedSpinLock(&RaiseHandle);
}

static VOID RaiseByExclusiveLock(VOID)
{
    RaiseOldIrql = ExAcquireSpinLockExclusive(&RaiseExLock);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    ExReleaseSpinLockExclusive(&RaiseExLock, RaiseOldIrql);
}

static VOID RaiseBySharedLock(VOID)
{
    RaiseOldIrql = ExAcquireSpinLockShared(&RaiseExLock);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    ExReleaseSpinLockShared(&RaiseExLock, RaiseOldIrql);
}

static VOID RaiseByCancelLock(VOID)
{
    IoAcquireCancelSpinLock(&RaiseOldIrql);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    IoReleaseCancelSpinLock(RaiseOldIrql);
}

static VOID RaiseByVpbLock(VOID)
{
    IoAcquireVpbSpinLock(&RaiseOldIrql);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    IoReleaseVpbSpinLock(RaiseOldIrql);
}

static VOID RaiseByInterlockedList(VOID)
{
    LIST_ENTRY Head, Entry;
    InitializeListHead(&Head);
    ExInterlockedInsertTailList(&Head, &Entry, &RaiseLock);
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
}

GUEST_TEST(mm_each_raise_to_dispatch_level_pages_out)
{
    static const struct {
        PCSTR Name;
        VOID (*Raise)(VOID);
    } Ways[] = {
        {"KeRaiseIrql", RaiseByIrql},
        {"KeRaiseIrqlToDpcLevel", RaiseToDpcLevel},
        {"KeRaiseIrqlToSynchLevel", RaiseToSynchLevel},
        {"KeAcquireSpinLock", RaiseBySpinLock},
        {"KeAcquireSpinLockForDpc", RaiseBySpinLockForDpc},
        {"KeAcquireInStackQueuedSpinLock", RaiseByQueuedLock},
        {"ExAcquireSpinLockExclusive", RaiseByExclusiveLock},
        {"ExAcquireSpinLockShared", RaiseBySharedLock},
        {"IoAcquireCancelSpinLock", RaiseByCancelLock},
        {"IoAcquireVpbSpinLock", RaiseByVpbLock},
        {"ExInterlockedInsertTailList", RaiseByInterlockedList},
    };

    KeInitializeSpinLock(&RaiseLock);
    RaisePage = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, 'tseT');
    for (ULONG i = 0; i < RTL_NUMBER_OF(Ways); i++) {
        *(volatile ULONG *)RaisePage = i;
        RaiseSeenOut = FALSE;
        MmSetPageOutMode(MmPageOutAtRaise, FALSE, 1);
        Ways[i].Raise();
        MmSetPageOutMode(MmPageOutPressure, FALSE, 1);
        if (!RaiseSeenOut) {
            GuestTestFail(__FILE__, __LINE__, "%s leaves pages in", Ways[i].Name);
        }
        EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
    ExFreePoolWithTag(RaisePage, 'tseT');
}

static VOID RaiseTick(PDEVICE_OBJECT Device, PVOID Context)
{
    RaiseSeenOut = !MmIsAddressValid(RaisePage);
    KeSetEvent(Context, 0, FALSE);
}

/* The DPC that calls it is the kernel's: that a driver's code begins there is Io's to tell. */
GUEST_TEST(mm_device_timer_pages_out)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
    KEVENT Ticked;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    KeInitializeEvent(&Ticked, NotificationEvent, FALSE);
    RaisePage = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, 'tseT');
    *(volatile ULONG *)RaisePage = 1;
    RaiseSeenOut = FALSE;
    EXPECT_EQUAL(IoInitializeTimer(IoTest.Device, RaiseTick, &Ticked), STATUS_SUCCESS);
    MmSetPageOutMode(MmPageOutAtRaise, FALSE, 1);
    IoStartTimer(IoTest.Device);
    EXPECT_EQUAL(KeWaitForSingleObject(&Ticked, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    IoStopTimer(IoTest.Device);
    MmSetPageOutMode(MmPageOutPressure, FALSE, 1);
    EXPECT(RaiseSeenOut);
    ExFreePoolWithTag(RaisePage, 'tseT');
    IoTestUnload();
}
