/* SPDX-License-Identifier: MIT */
/*
 * The modified page writer: a thread that takes pages off the modified list in clusters, gives them
 * contiguous slots and writes them. After the write a page is on the standby list; its frame can be
 * taken at once, and a fault before that costs no I/O.
 *
 * Several clusters are in flight at a time, each with a request block of its own. While a page is
 * written it is WriteInProgress, with a reference; it may be faulted back, changed and trimmed
 * (Rewrite) or lose its owner (Delete) meanwhile: MiFinishWrite sorts that out.
 *
 * When the paging file is full nothing is written: modified pages stay in RAM, for which commit
 * accounting has kept the room.
 */
#include "mm/mi.h"
#include "ps/psp.h"

#define MI_WRITES_IN_FLIGHT 4

typedef struct _MI_PAGE_WRITE {
    SINGLE_LIST_ENTRY Link;
    PAGING_REQUEST Request;
} MI_PAGE_WRITE, *PMI_PAGE_WRITE;

static MI_PAGE_WRITE MiWrites[MI_WRITES_IN_FLIGHT];
static SINGLE_LIST_ENTRY MiFreeWrites;   /* under MiPfnLock */
static ULONG MiWritesBusy;               /* under MiPfnLock */
static KEVENT MiWriterWork;              /* synchronization */
static KEVENT MiWriterIdle;              /* notification: no write in flight, nothing writable */
static BOOLEAN MiWriterStarted;

/* MiPfnLock held, DISPATCH_LEVEL. */
static VOID MiFinishWrite(ULONG Frame, BOOLEAN Failed)
{
    PMMPFN Pfn = MI_PFN(Frame);
    ULONG Slot = MI_PTE_SLOT(Pfn->OriginalPte);
    BOOLEAN DropSlot = Failed || Pfn->Rewrite;
    Pfn->WriteInProgress = FALSE;
    Pfn->ReferenceCount--;
    if (Failed) {
        MiBadSlots++; /* stays marked used: nothing is put there again */
        MiCommitLimit--;
    } else if (Pfn->Rewrite) {
        MiFreeSlot(Slot);
    }
    Pfn->Rewrite = FALSE;
    if (DropSlot) {
        Pfn->OriginalPte = MI_SOFTWARE_PTE(MI_PTE_PROTECTION(Pfn->OriginalPte), 0);
        Slot = 0;
    }
    if (Pfn->Delete) {
        if (Pfn->ReferenceCount == 0) {
            if (Slot != 0) {
                MiFreeSlot(Slot);
            }
            MiInsertFreePage(Frame);
        }
    } else if (Pfn->State == MiTransition) {
        MiInsertList(Slot != 0 ? &MiStandbyList : &MiModifiedList, Frame);
        if (Slot != 0) {
            MiRecordPage(TimelinePageWritten, Pfn->PteAddress, TimelinePageStandby);
        }
    }
}

static VOID MiWriteCompleted(PPAGING_REQUEST Request)
{
    PMI_PAGE_WRITE Write = Request->Context;
    BOOLEAN Failed = !NT_SUCCESS(Request->Status);
    KiAcquireSpinLockRaw(&MiPfnLock);
    for (ULONG i = 0; i < Request->PageCount; i++) {
        MiFinishWrite((ULONG)Request->Page[i], Failed);
    }
    PushEntryList(&MiFreeWrites, &Write->Link);
    MiWritesBusy--;
    MiCounters.PageWrites++;
    MiCounters.PagesWritten += Request->PageCount;
    KiReleaseSpinLockRaw(&MiPfnLock);
    KeSetEvent(&MiWriterWork, 0, FALSE);
}

/* Takes up to a cluster off the modified list. NULL: nothing to write, no slot, or no block. */
static PMI_PAGE_WRITE MiPrepareWrite(VOID)
{
    PMI_PAGE_WRITE Write = NULL;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    ULONG Want = MiModifiedList.Count < PAGING_CLUSTER_MAXIMUM ? (ULONG)MiModifiedList.Count
                                                               : PAGING_CLUSTER_MAXIMUM;
    ULONG Got = 0;
    ULONG Slot = Want != 0 && MiFreeWrites.Next != NULL ? MiAllocateSlots(Want, &Got) : 0;
    if (Got != 0) {
        Write = CONTAINING_RECORD(PopEntryList(&MiFreeWrites), MI_PAGE_WRITE, Link);
        MiWritesBusy++;
        Write->Request.Slot = Slot;
        Write->Request.PageCount = Got;
        for (ULONG i = 0; i < Got; i++) {
            ULONG Frame = MiModifiedList.Head;
            PMMPFN Pfn = MI_PFN(Frame);
            MiUnlinkList(&MiModifiedList, Frame);
            NT_VERIFY(MI_PTE_SLOT(Pfn->OriginalPte) == 0);
            Pfn->State = MiTransition;
            Pfn->ReferenceCount = 1;
            Pfn->WriteInProgress = TRUE;
            Pfn->OriginalPte |= (ULONG64)(Slot + i) << 32;
            Write->Request.Page[i] = Frame;
        }
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return Write;
}

/*
 * The CRC is taken before the write starts. Whoever changes the page after that sets D, and the
 * slot is dropped at the next trim, so a CRC and its slot's contents never differ while in use.
 */
static VOID MiSubmitWrite(PMI_PAGE_WRITE Write)
{
    for (ULONG i = 0; i < Write->Request.PageCount; i++) {
        MiSetSlotCrc((ULONG)Write->Request.Slot + i, MiCrcOfPage((ULONG)Write->Request.Page[i]));
    }
    Write->Request.Write = TRUE;
    Write->Request.Complete = MiWriteCompleted;
    Write->Request.Context = Write;
    IoSubmitPagingRequest(&Write->Request);
}

static VOID MiModifiedPageWriter(PVOID Context)
{
    KeSetPriorityThread(KeGetCurrentThread(), 17);
    for (;;) {
        PMI_PAGE_WRITE Write;
        VfSendTimeline(FALSE);
        while ((Write = MiPrepareWrite()) != NULL) {
            MiSubmitWrite(Write);
        }
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        BOOLEAN Idle = MiWritesBusy == 0;
        KiReleaseSpinLock(&MiPfnLock, Irql);
        if (Idle) {
            KeSetEvent(&MiWriterIdle, 0, FALSE);
        }
        KeWaitForSingleObject(&MiWriterWork, WrFreePage, KernelMode, FALSE, NULL);
    }
}

VOID MiWakeModifiedPageWriter(VOID)
{
    if (MiWriterStarted) {
        KeSetEvent(&MiWriterWork, 0, FALSE);
    }
}

VOID MiFlushModifiedPages(VOID)
{
    while (MiWriterStarted) {
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        BOOLEAN Done = MiWritesBusy == 0 &&
                       (MiModifiedList.Count == 0 || MiSlots.Used == MiSlots.Pages);
        KiReleaseSpinLock(&MiPfnLock, Irql);
        if (Done) {
            return;
        }
        KeClearEvent(&MiWriterIdle);
        KeSetEvent(&MiWriterWork, 0, FALSE);
        KeWaitForSingleObject(&MiWriterIdle, WrPageOut, KernelMode, FALSE, NULL);
    }
}

VOID MiStartModifiedPageWriter(VOID)
{
    KeInitializeEvent(&MiWriterWork, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MiWriterIdle, NotificationEvent, FALSE);
    for (ULONG i = 0; i < MI_WRITES_IN_FLIGHT; i++) {
        PushEntryList(&MiFreeWrites, &MiWrites[i].Link);
    }
    PsStartSystemThread(MiModifiedPageWriter);
    MiWriterStarted = TRUE;
}
