/* SPDX-License-Identifier: MIT */
/*
 * Reads from the paging file: the hard fault.
 *
 * The faulting thread picks the cluster, marks each frame ReadInProgress, drops MiPfnLock, submits
 * the request and waits on the block's event, which the disk's DPC sets. Threads that fault on the
 * same pages meanwhile find the frames and wait on the same event. Whoever of them runs first then
 * finishes the read for all: checks every page's CRC, without the lock, and maps the good ones. So
 * nobody waits for a thread of lower priority that is ready and does not get the processor.
 *
 * A cluster is one page unless the last read of this reader ended where this one begins; then the
 * window doubles up to PAGING_CLUSTER_MAXIMUM. A reader is a working set with all its faults, or
 * MiMakeResident, which knows what it will want next whoever else faults meanwhile. The pages that
 * come along are mapped at once with the accessed bit clear, so that aging takes them first if
 * nobody comes for them. When a cluster fails, only the page that was asked for is read again: a
 * bad neighbour is not an error until it is touched.
 */
#include "kd/breakpoint.h"
#include "mm/mi.h"

/* DPC; the block is referenced by its reader until it has seen the event. */
static VOID MiReadCompleted(PPAGING_REQUEST Request)
{
    PMI_IN_PAGE InPage = Request->Context;
    KeSetEvent(&InPage->Event, 1, FALSE);
}

/* How many pages from Pte on can come in by one read: MiPfnLock held. At least 1. */
static ULONG MiClusterLength(PMMPTE Pte, ULONG64 Va, PMI_READ_AHEAD Ahead)
{
    ULONG Slot = MI_PTE_SLOT(*Pte);
    ULONG Length = 1;
    if ((Va & ~(ULONG64)(PAGE_SIZE - 1)) == Ahead->Next) {
        Ahead->Window = Ahead->Window * 2 < PAGING_CLUSTER_MAXIMUM ? Ahead->Window * 2
                                                                   : PAGING_CLUSTER_MAXIMUM;
    } else {
        Ahead->Window = 1;
    }
    ULONG64 Spare = MiAvailablePages() > MiLowPages ? MiAvailablePages() - MiLowPages : 0;
    while (Length < Ahead->Window && Length < Spare) {
        PMMPTE Next = Pte + Length;
        if (BYTE_OFFSET(Next) == 0 || (*Next & (MI_PTE_VALID | MI_PTE_TRANSITION)) != 0 ||
            MI_PTE_SLOT(*Next) != Slot + Length || MI_PTE_PROTECTION(*Next) == 0 ||
            (MI_PTE_PROTECTION(*Next) & MI_GUARD)) {
            break;
        }
        Length++;
    }
    return Length;
}

/* Frames for the cluster, marked as being read; returns how many were to be had. */
static ULONG MiPrepareRead(PMMPTE Pte, ULONG Length, PMI_WORKING_SET Set, PMI_IN_PAGE InPage)
{
    ULONG Count = 0;
    InPage->Pte = Pte;
    InPage->WorkingSet = Set;
    InPage->Finished = FALSE;
    InPage->Request.Slot = MI_PTE_SLOT(*Pte);
    while (Count < Length) {
        ULONG Frame = MiRemovePage(FALSE);
        if (Frame == MI_NO_PAGE) {
            break;
        }
        PMMPFN Pfn = MI_PFN(Frame);
        MMPTE Old = Pte[Count];
        Pfn->PteAddress = Pte + Count;
        Pfn->PteFrame = MiFrameOfTable(Pte);
        Pfn->OriginalPte = Old;
        Pfn->ReferenceCount = 1;
        Pfn->ReadInProgress = TRUE;
        Pfn->InPage = InPage;
        Pte[Count] = MI_TRANSITION_PTE(MI_PTE_PROTECTION(Old), Frame);
        InPage->Request.Page[Count++] = Frame;
    }
    InPage->Request.PageCount = Count;
    return Count;
}

/* Good pages become valid, failed ones go back to the paging-file form. MiPfnLock held. */
static VOID MiFinishRead(PMI_IN_PAGE InPage, ULONG GoodMask)
{
    PMMPTE Pte = InPage->Pte;
    PMI_WORKING_SET Set = InPage->WorkingSet;
    for (ULONG i = 0; i < InPage->Request.PageCount; i++) {
        ULONG Frame = (ULONG)InPage->Request.Page[i];
        PMMPFN Pfn = MI_PFN(Frame);
        Pfn->ReadInProgress = FALSE;
        if (GoodMask & (1u << i)) {
            MMPTE New =
                MiValidPte(Frame, MI_PTE_PROTECTION(Pfn->OriginalPte), Set->Process != NULL);
            Pte[i] = i == 0 ? New : New & ~MI_PTE_ACCESSED;
            MiRecordPage(TimelinePageArrived, Pte + i, TimelinePageOnDisk);
            MiInsertWorkingSet(Set, Frame);
        } else {
            Pte[i] = Pfn->OriginalPte;
            Pfn->ReferenceCount = 0;
            MiInsertFreePage(Frame);
        }
    }
    MiCounters.HardFaults++;
    MiCounters.PageReads++;
    MiCounters.PagesRead += InPage->Request.PageCount;
    KdPagesArrived();
}

/* Bit i: page i of a successful read has the CRC its slot was written with. No lock. */
static ULONG MiCheckCrcs(PMI_IN_PAGE InPage, PULONG FirstCrc)
{
    ULONG GoodMask = 0;
    *FirstCrc = 0;
    if (!NT_SUCCESS(InPage->Request.Status)) {
        return 0;
    }
    for (ULONG i = 0; i < InPage->Request.PageCount; i++) {
        ULONG Crc = MiCrcOfPage((ULONG)InPage->Request.Page[i]);
        *FirstCrc = i == 0 ? Crc : *FirstCrc;
        if (Crc == MiSlotCrc((ULONG)InPage->Request.Slot + i)) {
            GoodMask |= 1u << i;
        }
    }
    return GoodMask;
}

/*
 * Waits for a read that was submitted and finishes it unless another thread has. Until it is
 * finished nobody writes to its pages, so what was computed of them without the lock holds. Called
 * without MiPfnLock and with a reference to InPage; returns with the lock.
 */
static KIRQL MiAwaitRead(PMI_IN_PAGE InPage)
{
    KeWaitForSingleObject(&InPage->Event, WrPageIn, KernelMode, FALSE, NULL);
    ULONG FirstCrc;
    ULONG GoodMask = MiCheckCrcs(InPage, &FirstCrc);
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    if (!InPage->Finished) {
        InPage->Finished = TRUE;
        InPage->FirstIsGood = GoodMask & 1;
        InPage->FirstCrc = FirstCrc;
        MiFinishRead(InPage, GoodMask);
    }
    return Irql;
}

/* MiPfnLock held, dropped meanwhile. The read may have failed: the caller looks at *Pte again. */
VOID MiWaitForRead(PMMPFN Pfn, PKIRQL Irql)
{
    PMI_IN_PAGE InPage = Pfn->InPage;
    InPage->References++;
    KiReleaseSpinLock(&MiPfnLock, *Irql);
    *Irql = MiAwaitRead(InPage);
    MiDereferenceInPage(InPage);
}

/*
 * Called with MiPfnLock held, *Pte in paging-file form; drops the lock. STATUS_PENDING: nothing
 * was read (no memory or block, or only a neighbour was bad), the caller looks at the PTE again.
 */
NTSTATUS MiReadPages(PMMPTE Pte, ULONG64 Va, PMI_WORKING_SET Set, PMI_READ_AHEAD Ahead,
                     KIRQL Irql)
{
    PMI_IN_PAGE InPage = MiTakeInPage();
    if (InPage == NULL) {
        KiReleaseSpinLock(&MiPfnLock, Irql);
        MiWaitForInPage();
        return STATUS_PENDING;
    }
    ULONG Count = MiPrepareRead(Pte, MiClusterLength(Pte, Va, Ahead), Set, InPage);
    if (Count == 0) {
        MiDereferenceInPage(InPage);
        KiReleaseSpinLock(&MiPfnLock, Irql);
        MiWaitForPages();
        return STATUS_PENDING;
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);

    InPage->Request.Write = FALSE;
    InPage->Request.Complete = MiReadCompleted;
    InPage->Request.Context = InPage;
    IoSubmitAndPollPagingRequest(&InPage->Request, &InPage->Event);
    Irql = MiAwaitRead(InPage);

    NTSTATUS Status = InPage->Request.Status;
    ULONG64 Slot = InPage->Request.Slot;
    ULONG FirstCrc = InPage->FirstCrc;
    ULONG Expected = MiSlotCrc((ULONG)Slot);
    BOOLEAN Damaged = NT_SUCCESS(Status) && !InPage->FirstIsGood;
    Ahead->Next =
        NT_SUCCESS(Status) ? (ULONG64)PAGE_ALIGN(Va) + ((ULONG64)Count << PAGE_SHIFT) : 0;
    MiDereferenceInPage(InPage);
    KiReleaseSpinLock(&MiPfnLock, Irql);
    if (Damaged) {
        /* In-page CRC error: P2 offset in the file (bytes; NV), P3 CRC found, P4 expected. */
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x3f, Slot << PAGE_SHIFT, FirstCrc, Expected);
    }
    if (!NT_SUCCESS(Status) && Count > 1) {
        return STATUS_PENDING;
    }
    return Status;
}
