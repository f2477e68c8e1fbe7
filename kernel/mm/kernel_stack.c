/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks: their pages, which are nonpaged but while the thread's wait lets them leave
 * (ke/stack_swap.c).
 *
 * On the way out a page becomes one of the system's working set and is trimmed at once. One that
 * an MDL holds stays valid there. Whoever touches a page of a stack that is out, at an IRQL where
 * that may be, gets it as any other; the next trim takes it again.
 */
#include "mm/mi.h"

#define MI_STACK_PAGES (KERNEL_STACK_SIZE >> PAGE_SHIFT)

/* The page below the stack stays unmapped: an overflow faults there and ends in a double fault. */
PVOID MmCreateKernelStack(VOID)
{
    ULONG64 Index = MiReserveRange(&MiSystemPteRange, MI_STACK_PAGES + 1);
    if (Index == MI_RANGE_FULL) {
        return NULL;
    }
    ULONG64 Va = MiSystemPteRange.Start + ((Index + 1) << PAGE_SHIFT);
    if (!MiMapNonpaged(Va, MI_STACK_PAGES, MI_READWRITE, FALSE)) {
        MiReleaseRange(&MiSystemPteRange, Index);
        return NULL;
    }
    return (PVOID)(Va + KERNEL_STACK_SIZE);
}

VOID MmDeleteKernelStack(PVOID StackTop)
{
    ULONG64 Va = (ULONG64)StackTop - KERNEL_STACK_SIZE;
    MiUnmapNonpaged(Va, MI_STACK_PAGES);
    NT_VERIFY(MiReleaseRange(&MiSystemPteRange,
                             ((Va - MiSystemPteRange.Start) >> PAGE_SHIFT) - 1) ==
              MI_STACK_PAGES + 1);
}

/* MiPfnLock held. Returns the pages that left. */
static ULONG64 MiOutPageKernelStack(PVOID StackTop)
{
    ULONG64 Pages = 0;
    for (ULONG64 Va = (ULONG64)StackTop - KERNEL_STACK_SIZE; Va < (ULONG64)StackTop;
         Va += PAGE_SIZE) {
        MMPTE Pte = *MI_PTE_OF(Va);
        ULONG Frame = (ULONG)MI_PTE_FRAME(Pte);
        NT_VERIFY((Pte & MI_PTE_VALID) && MI_PFN(Frame)->Nonpaged);
        MI_PFN(Frame)->Nonpaged = FALSE;
        MiInsertWorkingSet(&MiSystemWorkingSet, Frame);
        Pages += MiTrimPage(Frame);
    }
    InterlockedExchangeAdd64(&MiResidentAvailable, MI_STACK_PAGES);
    return Pages;
}

ULONG64 MiOutSwapKernelStacks(ULONG64 WaitsSince)
{
    ULONG64 Pages = 0;
    PVOID StackTop;
    while (KiAnyStackMayLeave() && (StackTop = KiTakeStackToLeave(WaitsSince)) != NULL) {
        Pages += MiOutPageKernelStack(StackTop);
    }
    return Pages;
}

/* FALSE: the page is not valid now. What the slot has will be old as soon as the thread runs. */
static BOOLEAN MiKeepStackPage(PMMPTE Pte)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    BOOLEAN Valid = (*Pte & MI_PTE_VALID) != 0;
    if (Valid) {
        PMMPFN Pfn = MI_PFN(MI_PTE_FRAME(*Pte));
        ULONG Slot = MI_PTE_SLOT(Pfn->OriginalPte);
        NT_VERIFY(!Pfn->Nonpaged);
        MiRemoveWorkingSet((ULONG)MI_PTE_FRAME(*Pte));
        Pfn->Nonpaged = TRUE;
        if (Slot != 0 && !Pfn->WriteInProgress) {
            MiFreeSlot(Slot);
            Pfn->OriginalPte = MI_SOFTWARE_PTE(MI_PTE_PROTECTION(Pfn->OriginalPte), 0);
        }
        __sync_fetch_and_or(Pte, MI_PTE_DIRTY);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Valid;
}

/*
 * The stack's pages are nonpaged again. PASSIVE_LEVEL, on another stack. The charge is taken even
 * when memory is short: the thread must run.
 */
VOID MmInPageKernelStack(PVOID StackTop)
{
    MI_READ_AHEAD Ahead = {(ULONG64)StackTop - KERNEL_STACK_SIZE, MI_STACK_PAGES};
    KIRQL Irql = KiRaiseIrql(APC_LEVEL);
    for (ULONG64 Va = (ULONG64)StackTop - KERNEL_STACK_SIZE; Va < (ULONG64)StackTop;
         Va += PAGE_SIZE) {
        PMMPTE Pte = MI_PTE_OF(Va);
        while (!MiKeepStackPage(Pte)) {
            NTSTATUS Status = MiResolvePte(Pte, Va, 0, &MiSystemWorkingSet, &Ahead);
            if (!NT_SUCCESS(Status)) {
                /* Status twice, the number of the paging file, where in it. */
                KeBugCheckEx(KERNEL_STACK_INPAGE_ERROR, (ULONG_PTR)(ULONG)Status,
                             (ULONG_PTR)(ULONG)Status, 0, MI_PTE_SLOT(*Pte));
            }
        }
        InterlockedExchangeAdd64(&MiResidentAvailable, -1);
    }
    KiWriteIrql(Irql);
}
