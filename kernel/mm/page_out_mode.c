/* SPDX-License-Identifier: MIT */
/*
 * When pages leave, beyond what memory pressure asks: the mode of `pageable run --page-out`.
 *
 *   never      only when no page is left at all
 *   pressure   only when memory is short (the balance-set manager)
 *   at-raise   each time IRQL goes to DISPATCH_LEVEL or above from below, and each time a DPC or
 *              an interrupt routine of a driver is entered
 *   always     at-raise, and at each kernel call of the driver
 *   random     as always, each chance taken with probability 1/2 from the seed
 *
 * What leaves is the system working set (unlocked pageable sections of drivers, and paged pool) and
 * the current process's: user memory that a driver touches without having locked it; and the kernel
 * stacks of threads that wait with WaitMode UserMode.
 * With Evict the pages also go to the paging file and their frames are freed; that waits for the
 * disk, so above APC_LEVEL only pages that are already written are freed.
 */
#include "mm/mi.h"
#include "vf/vf.h"

#include "lib/xorshift.h"

static MM_PAGE_OUT_MODE MiPageOutMode = MmPageOutPressure;
static BOOLEAN MiPageOutEvicts;
static ULONG64 MiPageOutState;

VOID MmSetPageOutMode(MM_PAGE_OUT_MODE Mode, BOOLEAN Evict, ULONG64 Seed)
{
    MiPageOutMode = Mode;
    MiPageOutEvicts = Evict;
    MiPageOutState = Seed * 2 + 1; /* the generator's state is never 0 */
}

BOOLEAN MiKernelCallsPageOut(VOID)
{
    return MiPageOutMode == MmPageOutAlways || MiPageOutMode == MmPageOutRandom;
}

BOOLEAN MiPageOutIsNever(VOID)
{
    return MiPageOutMode == MmPageOutNever;
}

/* The choices follow from the seed and the order of events alone. */
static BOOLEAN MiFlipCoin(VOID)
{
    MiPageOutState = XorShift64(MiPageOutState);
    return (MiPageOutState >> 40) & 1;
}

static VOID MiPageOutSystem(VOID)
{
    PMI_WORKING_SET User = MiCurrentProcess()->MmWorkingSet;
    BOOLEAN UserEmpty = User == NULL || User->Pages.Count == 0;
    if (MiSystemWorkingSet.Pages.Count == 0 && UserEmpty && !MiPageOutEvicts &&
        !KiAnyStackMayLeave()) {
        return;
    }
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    ULONG64 Pages = MiTrimWorkingSet(&MiSystemWorkingSet);
    if (!UserEmpty) {
        Pages += MiTrimWorkingSet(User);
    }
    Pages += MiOutSwapKernelStacks(~0ull);
    KiReleaseSpinLock(&MiPfnLock, Irql);
    VfLogPageOut(Pages);
    VfSendTimeline(FALSE);
    if (MiPageOutEvicts) {
        /* The idle thread may not wait. */
        if (Irql <= APC_LEVEL && KiCurrentThread() != KeGetCurrentPrcb()->IdleThread) {
            MiFlushModifiedPages();
        }
        MiPurgeStandby();
    }
}

VOID MmNotifyIrqlRaise(KIRQL NewIrql)
{
    if (MiPageOutMode < MmPageOutAtRaise || NewIrql < DISPATCH_LEVEL ||
        KeGetCurrentIrql() > DISPATCH_LEVEL) {
        return;
    }
    if (MiPageOutMode != MmPageOutRandom || MiFlipCoin()) {
        MiPageOutSystem();
    }
}

VOID MmNotifyKernelCall(VOID)
{
    /* After KeSetEvent(Wait TRUE) the dispatcher lock is held until the wait that must follow. */
    if (!MiKernelCallsPageOut() || KeGetCurrentIrql() > DISPATCH_LEVEL ||
        KiCurrentThread()->WaitNext) {
        return;
    }
    if (MiPageOutMode != MmPageOutRandom || MiFlipCoin()) {
        MiPageOutSystem();
    }
}

VOID MmPageOutEverything(BOOLEAN Evict)
{
    ULONG64 Pages = 0;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (PLIST_ENTRY Link = MiWorkingSets.Flink; Link != &MiWorkingSets; Link = Link->Flink) {
        Pages += MiTrimWorkingSet(CONTAINING_RECORD(Link, MI_WORKING_SET, Links));
    }
    Pages += MiOutSwapKernelStacks(~0ull);
    KiReleaseSpinLock(&MiPfnLock, Irql);
    VfLogPageOut(Pages);
    if (Evict) {
        MiFlushModifiedPages();
        MiPurgeStandby();
    }
}
