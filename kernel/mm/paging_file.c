/* SPDX-License-Identifier: MIT */
/*
 * The paging file: its slots, and the CRC32C of each that is in use, kept in nonpaged memory.
 *
 * Slot 0 is the file's header and never given out, so a slot number of 0 in a PTE means none. A
 * slot whose write failed stays marked used for good (MiBadSlots counts them), and the commit limit
 * shrinks by it. Also here: the blocks for reads in flight, as many as may run at once.
 */
#include "mm/mi.h"

#include "lib/crc32c.h"

#define MI_IN_PAGE_BLOCKS 32

MI_PAGE_RANGE MiSlots;
ULONG64 MiBadSlots;

static PULONG MiSlotCrcs; /* by slot */
static MI_IN_PAGE MiInPageBlocks[MI_IN_PAGE_BLOCKS];
static SINGLE_LIST_ENTRY MiInPageFreeList;
static KEVENT MiInPageFree;   /* notification; set when one comes back while threads wait */
static ULONG MiInPageWaiters; /* under MiPfnLock */

static VOID MiInitializeInPageBlocks(VOID)
{
    KeInitializeEvent(&MiInPageFree, NotificationEvent, FALSE);
    for (ULONG i = 0; i < MI_IN_PAGE_BLOCKS; i++) {
        PushEntryList(&MiInPageFreeList, &MiInPageBlocks[i].Link);
    }
}

/* PASSIVE_LEVEL, once. Without a disk the system runs on RAM alone: no slot is ever given out. */
NTSTATUS MiOpenPagingFile(VOID)
{
    ULONG64 PageCount = 0;
    MiInitializeInPageBlocks();
    NTSTATUS Status = IoInitializePagingDisk(&PageCount);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (PageCount < 2 || PageCount > MAXULONG) {
        return STATUS_INVALID_PARAMETER;
    }
    SIZE_T BitPages = BYTES_TO_PAGES((PageCount + 63) / 64 * 8);
    SIZE_T CrcPages = BYTES_TO_PAGES(PageCount * sizeof(ULONG));
    PULONG64 Bits = MiAllocatePoolPages(NonPagedPool, BitPages);
    MiSlotCrcs = MiAllocatePoolPages(NonPagedPool, CrcPages);
    if (Bits == NULL || MiSlotCrcs == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __builtin_memset(Bits, 0, BitPages * PAGE_SIZE);
    Bits[0] = 1;
    MiSlots.Bits = Bits;
    MiSlots.Used = 1;
    MiSlots.Hint = 1;
    MiSlots.Pages = PageCount;
    InterlockedExchangeAdd64(&MiCommitLimit, (LONG64)PageCount - 1);
    return STATUS_SUCCESS;
}

/* The longest run up to Want, halving: a fragmented file still takes single pages. */
ULONG MiAllocateSlots(ULONG Want, PULONG Got)
{
    for (ULONG Try = Want; Try != 0; Try /= 2) {
        ULONG64 Slot = MiFindRun(&MiSlots, Try);
        if (Slot != MI_RANGE_FULL) {
            *Got = Try;
            return (ULONG)Slot;
        }
    }
    *Got = 0;
    return 0;
}

VOID MiFreeSlot(ULONG Slot)
{
    NT_VERIFY(Slot != 0);
    MiReleaseRun(&MiSlots, Slot, 1);
}

ULONG MiCrcOfPage(ULONG Frame)
{
    return Crc32cPage(MiFrameToVirtual(Frame));
}

VOID MiSetSlotCrc(ULONG Slot, ULONG Crc)
{
    MiSlotCrcs[Slot] = Crc;
}

ULONG MiSlotCrc(ULONG Slot)
{
    return MiSlotCrcs[Slot];
}

PMI_IN_PAGE MiTakeInPage(VOID)
{
    PSINGLE_LIST_ENTRY Link = PopEntryList(&MiInPageFreeList);
    if (Link == NULL) {
        return NULL;
    }
    PMI_IN_PAGE InPage = CONTAINING_RECORD(Link, MI_IN_PAGE, Link);
    InPage->References = 1;
    KeInitializeEvent(&InPage->Event, NotificationEvent, FALSE);
    return InPage;
}

VOID MiWaitForInPage(VOID)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    BOOLEAN Wait = MiInPageFreeList.Next == NULL;
    if (Wait) {
        MiInPageWaiters++;
        KeClearEvent(&MiInPageFree);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    if (Wait) {
        KeWaitForSingleObject(&MiInPageFree, WrPageIn, KernelMode, FALSE, NULL);
        Irql = KiAcquireSpinLock(&MiPfnLock);
        MiInPageWaiters--;
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
}

VOID MiDereferenceInPage(PMI_IN_PAGE InPage)
{
    NT_VERIFY(InPage->References != 0);
    if (--InPage->References == 0) {
        PushEntryList(&MiInPageFreeList, &InPage->Link);
        if (MiInPageWaiters != 0) {
            KeSetEvent(&MiInPageFree, 0, FALSE);
        }
    }
}
