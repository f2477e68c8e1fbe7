/* SPDX-License-Identifier: MIT */
/*
 * Mm's start, in two phases: RAM, tables and accounting before there is a pool or a thread; the
 * paging file and Mm's threads in the first system thread.
 */
#include "mm/image.h"

#include "io/iop.h"

#define MI_RESERVE_PAGES 256 /* 1 MB that nonpaged use cannot take, so that pages can move */

/* Variables, as drivers import them by address and read them. */
PVOID MmHighestUserAddress = (PVOID)MM_HIGHEST_USER_ADDRESS;
PVOID MmSystemRangeStart = (PVOID)MM_SYSTEM_RANGE_START;
ULONG_PTR MmUserProbeAddress = MM_USER_PROBE_ADDRESS;
BOOLEAN Mm64BitPhysicalAddress = TRUE;

static VOID MiMapKernelSharedData(VOID)
{
    NT_VERIFY(MiMakeSystemTables(KI_USER_SHARED_DATA, 1));
    PMMPTE Pte = MI_PTE_OF(KI_USER_SHARED_DATA);
    ULONG Frame = MiAllocateNonpagedFrame(Pte, MiFrameOfTable(Pte), TRUE);
    NT_VERIFY(Frame != MI_NO_PAGE);
    *Pte = MiValidPte(Frame, MI_READWRITE, FALSE) | MI_PTE_DIRTY;
}

VOID MmInitializeMemory(LOADER_BLOCK *Loader)
{
    MiCommitLimit = MiResidentAvailable = 1 << 20; /* while the tables for the tables are made */
    MiInitializePageFrameDatabase(Loader);
    LONG64 Available = (LONG64)MiAvailablePages();
    NT_VERIFY(Available > MI_RESERVE_PAGES * 2);
    MiCommittedPages = 0;
    MiResidentAvailable = Available - MI_RESERVE_PAGES;
    MiCommitLimit = Available - MI_RESERVE_PAGES;
    MiInitializeWorkingSet(&MiSystemWorkingSet, NULL);
    MiInitializeImages(Loader);
    MiMapKernelSharedData();
}

NTSTATUS MmInitializePaging(VOID)
{
    MiInitializeSections();
    NTSTATUS Status = MiOpenPagingFile();
    if (NT_SUCCESS(Status)) {
        MiStartModifiedPageWriter();
    }
    MiStartBalanceSetManager();
    KiStartSwapThread();
    return Status;
}

VOID MmQueryCounters(MM_COUNTERS *Counters)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    *Counters = MiCounters;
    Counters->TotalPages = MiPhysicalPages;
    Counters->FreePages = MiFreeList.Count;
    Counters->ZeroedPages = MiZeroedList.Count;
    Counters->StandbyPages = MiStandbyList.Count;
    Counters->ModifiedPages = MiModifiedList.Count;
    Counters->ActivePages = MiPhysicalPages - MiFreeList.Count - MiZeroedList.Count -
                            MiStandbyList.Count - MiModifiedList.Count;
    Counters->CommittedPages = (ULONG64)MiCommittedPages;
    Counters->CommitLimit = (ULONG64)MiCommitLimit;
    Counters->PagingFileSlots = MiSlots.Pages != 0 ? MiSlots.Pages - 1 : 0;
    Counters->PagingFileSlotsUsed = MiSlots.Used != 0 ? MiSlots.Used - 1 : 0;
    Counters->KernelStackSlots = MiCountRangeSlots(&MiSystemPteRange);
    Counters->SystemWorkingSetPages =
        MiSystemWorkingSet.Pages.Count + MiSystemWorkingSet.Locked.Count;
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

VOID MiReportFinding(ULONG Code, PCSTR Text, PVOID Address)
{
    DbgPrint("finding %08x: %s (%p)\n", Code, Text, Address);
    if (IopFinding != NULL) {
        IopFinding(Code, Text, Address);
    }
}
