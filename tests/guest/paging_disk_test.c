/* SPDX-License-Identifier: MIT */
/*
 * The paging disk by itself: polled and by interrupt, more requests than the device has slots,
 * and slots that do not exist. Writes only to slots taken from Mm.
 */
#include "test.h"

#include "io/paging_disk.h"
#include "mm/mi.h"

#define TAG 'tseT'
#define MANY 150u /* more than twice what the disk has in flight */

typedef struct _DISK_BATCH {
    volatile LONG Left;
    volatile LONG Failed;
    volatile LONG WrongIrql;
    KEVENT Finished;
} DISK_BATCH;

static VOID BatchComplete(PPAGING_REQUEST Request)
{
    DISK_BATCH *Batch = Request->Context;

    if (!NT_SUCCESS(Request->Status)) {
        InterlockedIncrement(&Batch->Failed);
    }
    if (KeGetCurrentIrql() != DISPATCH_LEVEL) {
        InterlockedIncrement(&Batch->WrongIrql);
    }
    if (InterlockedDecrement(&Batch->Left) == 0) {
        KeSetEvent(&Batch->Finished, 0, FALSE);
    }
}

static VOID BatchStart(DISK_BATCH *Batch, LONG Count)
{
    Batch->Left = Count;
    Batch->Failed = Batch->WrongIrql = 0;
    KeInitializeEvent(&Batch->Finished, NotificationEvent, FALSE);
}

static VOID BatchWait(DISK_BATCH *Batch)
{
    KeWaitForSingleObject(&Batch->Finished, Executive, KernelMode, FALSE, NULL);
    EXPECT_EQUAL(Batch->Failed, 0);
    EXPECT_EQUAL(Batch->WrongIrql, 0);
}

static PFN_NUMBER FrameOf(PVOID Va)
{
    return (PFN_NUMBER)(MmGetPhysicalAddress(Va).QuadPart >> PAGE_SHIFT);
}

/* Page i of the request is page (i * Stride) % Count of Memory; an odd Stride scatters. */
static VOID FillRequest(PPAGING_REQUEST Request, BOOLEAN Write, ULONG64 Slot, PUCHAR Memory,
                        ULONG Count, ULONG Stride)
{
    Request->Write = Write;
    Request->Slot = Slot;
    Request->PageCount = Count;
    for (ULONG i = 0; i < Count; i++) {
        Request->Page[i] = FrameOf(Memory + (i * Stride) % Count * PAGE_SIZE);
    }
}

static ULONG TakeSlots(ULONG Want)
{
    ULONG Got;
    KIRQL OldIrql = KiAcquireSpinLock(&MiPfnLock);
    ULONG Slot = MiAllocateSlots(Want, &Got);
    KiReleaseSpinLock(&MiPfnLock, OldIrql);
    EXPECT_EQUAL(Got, Want);
    return Got == Want ? Slot : 0;
}

static VOID GiveSlots(ULONG Slot, ULONG Count)
{
    KIRQL OldIrql = KiAcquireSpinLock(&MiPfnLock);
    for (ULONG i = 0; i < Count; i++) {
        MiFreeSlot(Slot + i);
    }
    KiReleaseSpinLock(&MiPfnLock, OldIrql);
}

GUEST_TEST(io_paging_disk_scattered_cluster_keeps_its_bytes)
{
    const ULONG Count = PAGING_CLUSTER_MAXIMUM;
    static PAGING_REQUEST Request;
    DISK_BATCH Batch;
    PUCHAR Memory = ExAllocatePoolWithTag(NonPagedPool, Count * PAGE_SIZE, TAG);
    ULONG Slot = TakeSlots(Count);
    ULONG Wrong = 0;

    EXPECT(Memory != NULL && Slot != 0);
    if (Memory == NULL || Slot == 0) {
        return;
    }
    for (ULONG i = 0; i < Count * PAGE_SIZE; i++) {
        Memory[i] = (UCHAR)(i * 31 + i / PAGE_SIZE);
    }
    BatchStart(&Batch, 1);
    FillRequest(&Request, TRUE, Slot, Memory, Count, 7);
    Request.Complete = BatchComplete;
    Request.Context = &Batch;
    IoSubmitPagingRequest(&Request);
    BatchWait(&Batch);

    __builtin_memset(Memory, 0, Count * PAGE_SIZE);
    FillRequest(&Request, FALSE, Slot, Memory, Count, 7);
    EXPECT_EQUAL(IoPagingTransferPolled(&Request), STATUS_SUCCESS);
    for (ULONG i = 0; i < Count * PAGE_SIZE; i++) {
        Wrong += Memory[i] != (UCHAR)(i * 31 + i / PAGE_SIZE);
    }
    EXPECT_EQUAL(Wrong, 0);

    /* Read in the order of the file, page p holds what was page 7p. */
    FillRequest(&Request, FALSE, Slot, Memory, Count, 1);
    EXPECT_EQUAL(IoPagingTransferPolled(&Request), STATUS_SUCCESS);
    for (ULONG Page = 0; Page < Count; Page++) {
        ULONG i = Page * 7 % Count * PAGE_SIZE;
        Wrong += Memory[Page * PAGE_SIZE] != (UCHAR)(i * 31 + i / PAGE_SIZE);
    }
    EXPECT_EQUAL(Wrong, 0);
    GiveSlots(Slot, Count);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(io_paging_disk_takes_more_requests_than_it_has_slots)
{
    PPAGING_REQUEST Requests = ExAllocatePoolWithTag(NonPagedPool, MANY * sizeof(PAGING_REQUEST),
                                                     TAG);
    PUCHAR Memory = ExAllocatePoolWithTag(NonPagedPool, MANY * PAGE_SIZE, TAG);
    DISK_BATCH Batch;
    ULONG Slots[MANY];
    KIRQL OldIrql;
    ULONG Wrong = 0;

    EXPECT(Requests != NULL && Memory != NULL);
    if (Requests == NULL || Memory == NULL) {
        return;
    }
    for (ULONG i = 0; i < MANY; i++) {
        Slots[i] = TakeSlots(1);
        *(PULONG)(Memory + i * PAGE_SIZE) = 0xd15c0000 + i;
        FillRequest(&Requests[i], TRUE, Slots[i], Memory + i * PAGE_SIZE, 1, 1);
        Requests[i].Complete = BatchComplete;
        Requests[i].Context = &Batch;
    }
    BatchStart(&Batch, MANY);
    for (ULONG i = 0; i < MANY; i++) {
        IoSubmitPagingRequest(&Requests[i]);
    }
    BatchWait(&Batch);
    __builtin_memset(Memory, 0, MANY * PAGE_SIZE);
    BatchStart(&Batch, MANY);
    /* At DISPATCH_LEVEL no completion can come in between. */
    OldIrql = KiRaiseIrql(DISPATCH_LEVEL);
    for (ULONG i = 0; i < MANY; i++) {
        Requests[i].Write = FALSE;
        IoSubmitPagingRequest(&Requests[i]);
    }
    EXPECT_EQUAL(Batch.Left, MANY);
    KiWriteIrql(OldIrql);
    BatchWait(&Batch);
    for (ULONG i = 0; i < MANY; i++) {
        Wrong += *(PULONG)(Memory + i * PAGE_SIZE) != 0xd15c0000 + i;
        GiveSlots(Slots[i], 1);
    }
    EXPECT_EQUAL(Wrong, 0);
    ExFreePoolWithTag(Memory, TAG);
    ExFreePoolWithTag(Requests, TAG);
}

GUEST_TEST(io_paging_disk_refuses_slots_that_do_not_exist)
{
    static PAGING_REQUEST Request;
    static const struct {
        ULONG64 SlotFromEnd; /* subtracted from the number of slots */
        BOOLEAN Write;
        ULONG Pages;
        NTSTATUS Status;
    } Cases[] = {
        {1, FALSE, 1, STATUS_SUCCESS},
        {1, FALSE, 2, STATUS_NONEXISTENT_SECTOR},
        {0, FALSE, 1, STATUS_NONEXISTENT_SECTOR},
        {0, TRUE, 1, STATUS_NONEXISTENT_SECTOR},
        {1ull << 60, FALSE, 1, STATUS_NONEXISTENT_SECTOR},
    };
    PUCHAR Memory = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, TAG);

    EXPECT(Memory != NULL && MiSlots.Pages != 0);
    if (Memory == NULL) {
        return;
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        FillRequest(&Request, Cases[i].Write, MiSlots.Pages - Cases[i].SlotFromEnd, Memory,
                    Cases[i].Pages, 1);
        EXPECT_EQUAL(IoPagingTransferPolled(&Request), Cases[i].Status);
    }
    /* The header may be read, not written. */
    FillRequest(&Request, FALSE, 0, Memory, 1, 1);
    EXPECT_EQUAL(IoPagingTransferPolled(&Request), STATUS_SUCCESS);
    FillRequest(&Request, TRUE, 0, Memory, 1, 1);
    EXPECT_EQUAL(IoPagingTransferPolled(&Request), STATUS_NONEXISTENT_SECTOR);
    ExFreePoolWithTag(Memory, TAG);
}
