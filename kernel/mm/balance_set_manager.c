/* SPDX-License-Identifier: MIT */
/*
 * The balance-set manager: a thread that wakes every second, and at once when pages run low. It
 * ages the working sets, trims what has not been seen for longest until enough pages are on their
 * way, and wakes the modified page writer. In mode never it trims only when no page is left. Kernel
 * stacks of waits with UserMode that last long leave whether memory is short or not, as in NT, but
 * not in mode never.
 */
#include "mm/mi.h"
#include "ps/psp.h"

#define MI_STACK_WAIT_100NS 70000000u /* 7 s */

static KEVENT MiBalanceWork;
static BOOLEAN MiBalanceStarted;
static volatile BOOLEAN MiBalanceAsked;

VOID MiWakeBalanceSetManager(VOID)
{
    if (MiBalanceStarted && !MiBalanceAsked) {
        MiBalanceAsked = TRUE;
        KeSetEvent(&MiBalanceWork, 0, FALSE);
    }
}

/* Trims up to Want pages over all sets; older ones first. The lock is dropped between batches. */
static ULONG64 MiTrimSets(ULONG64 Want, ULONG MinimumAge)
{
    ULONG64 Trimmed = 0;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (PLIST_ENTRY Link = MiWorkingSets.Flink; Link != &MiWorkingSets && Trimmed < Want;
         Link = Link->Flink) {
        PMI_WORKING_SET Set = CONTAINING_RECORD(Link, MI_WORKING_SET, Links);
        ULONG64 Scan = Set->Pages.Count < Want * 2 ? Set->Pages.Count : Want * 2;
        Trimmed += MiAgeWorkingSet(Set, Scan, MinimumAge, Want - Trimmed);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Trimmed;
}

/* Ages every page by one step and trims none: no page grows as old as 100h. */
static VOID MiAgeSets(VOID)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (PLIST_ENTRY Link = MiWorkingSets.Flink; Link != &MiWorkingSets; Link = Link->Flink) {
        PMI_WORKING_SET Set = CONTAINING_RECORD(Link, MI_WORKING_SET, Links);
        MiAgeWorkingSet(Set, Set->Pages.Count, 0x100, 1);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

static VOID MiTrimStacks(VOID)
{
    ULONG64 Now = KeQueryInterruptTime();
    if (Now > MI_STACK_WAIT_100NS) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        MiOutSwapKernelStacks(Now - MI_STACK_WAIT_100NS);
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
}

static VOID MiBalance(BOOLEAN Timer)
{
    ULONG64 Goal = (ULONG64)MiLowPages * 2;
    if (MiPageOutIsNever() && MiAvailablePages() != 0) {
        return;
    }
    /* Pages being written will be available soon; only what is missing beyond them is trimmed. */
    ULONG64 Coming = MiAvailablePages() + MiModifiedList.Count;
    for (ULONG Age = 2; Coming < Goal && Age + 1 != 0; Age--) {
        Coming += MiTrimSets(Goal - Coming, Age);
    }
    if (Timer) {
        MiAgeSets();
        MiTrimStacks();
    }
    if (MiAvailablePages() < Goal || MiModifiedList.Count > MiLowPages) {
        MiWakeModifiedPageWriter();
    }
}

static VOID MiBalanceSetManager(PVOID Context)
{
    LARGE_INTEGER Second = {.QuadPart = -10000000};
    KeSetPriorityThread(KeGetCurrentThread(), 16);
    for (;;) {
        NTSTATUS Status =
            KeWaitForSingleObject(&MiBalanceWork, Executive, KernelMode, FALSE, &Second);
        MiBalanceAsked = FALSE;
        MiBalance(Status == STATUS_TIMEOUT);
    }
}

VOID MiStartBalanceSetManager(VOID)
{
    KeInitializeEvent(&MiBalanceWork, SynchronizationEvent, FALSE);
    PsStartSystemThread(MiBalanceSetManager);
    MiBalanceStarted = TRUE;
}
