/* SPDX-License-Identifier: MIT */
/*
 * The paging disk: a virtio block device whose pages are slots of the paging file.
 *
 * A request's way: IoSubmitPagingRequest gives it one of DISK_SLOTS device slots (or puts it in
 * PendingList), builds its descriptors and notifies the device; the interrupt queues DiskDpc; the
 * DPC takes what the device has finished, starts pending requests in the slots that fell free and
 * then, without the lock, calls the completion routines.
 *
 * Descriptors: slot n owns ring descriptors 4n .. 4n+3. Header, one or two runs of pages and the
 * status byte are chained in the ring; more runs go into the slot's indirect table. So no
 * descriptor is ever allocated, and a used id that is not 4n of a slot in flight is the device's
 * fault. Pages that follow each other in memory make one run.
 *
 * Invariants, under DiskLock (a spin lock, taken at DISPATCH_LEVEL, innermost):
 *  1. Disk.Request[n] is not NULL exactly when bit n of FreeSlots is clear: the device owns it.
 *  2. PendingList is not empty only when FreeSlots is 0.
 *  3. Broken: the device was reset, no request is in flight, every later one fails.
 *
 * Everything here is nonpaged and nothing allocates: page-outs that make memory free come this
 * way. An error is the request's alone. The disk keeps no map of bad blocks and does not retry:
 * which slot to give up, and whether a page of a failed cluster is read again alone, is Mm's to
 * decide, as Mm knows what each page is worth.
 */
#include "io/paging_disk.h"

#include "hal/virtio.h"
#include "lib/crc32c.h"
#include "mm/mm.h"
#include "wire/paging_file.h"

#define DISK_SLOTS 64u
#define SLOT_DESCRIPTORS 4u
#define DIRECT_RUNS (SLOT_DESCRIPTORS - 2)
#define TABLE_DESCRIPTORS (PAGING_CLUSTER_MAXIMUM + 2)
#define QUEUE_SIZE (DISK_SLOTS * SLOT_DESCRIPTORS)
#define DRAIN_BATCH 16u /* completions collected in one hold of the lock */
#define POLL_MICROSECONDS 20

#define DISK_VECTOR 0xb1 /* IRQL 11, the highest of a device */

#define SECTOR_SIZE 512u
#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR_SIZE)

#define VIRTIO_BLOCK_F_SEGMENT_MAXIMUM (1ull << 2)
#define VIRTIO_BLOCK_F_READ_ONLY (1ull << 5)
/*
 * Never used as a command: what the file holds is worth nothing after the machine has ended. But
 * a device whose driver cannot flush makes each write go through to the medium.
 */
#define VIRTIO_BLOCK_F_FLUSH (1ull << 9)

#define VIRTIO_BLOCK_READ 0u
#define VIRTIO_BLOCK_WRITE 1u
#define VIRTIO_BLOCK_OK 0u
#define VIRTIO_BLOCK_IO_ERROR 1u
#define VIRTIO_BLOCK_NO_ANSWER 0xffu

typedef struct _VIRTIO_BLOCK_CONFIGURATION {
    ULONG64 Capacity; /* sectors of 512 bytes */
    ULONG SizeMaximum;
    ULONG SegmentMaximum;
} VIRTIO_BLOCK_CONFIGURATION;

typedef struct _VIRTIO_BLOCK_HEADER {
    ULONG Type;
    ULONG Reserved;
    ULONG64 Sector;
} VIRTIO_BLOCK_HEADER;

/* The part of a slot that the device reads and writes; never crosses a page. */
typedef struct _DISK_SLOT {
    VIRTIO_DESCRIPTOR Table[TABLE_DESCRIPTORS];
    VIRTIO_BLOCK_HEADER Header;
    volatile UCHAR Status;
    UCHAR Fill[15];
} DISK_SLOT, *PDISK_SLOT;

#define SLOTS_PER_PAGE (PAGE_SIZE / sizeof(DISK_SLOT))

typedef struct DECLSPEC_ALIGN(4096) _DISK_SLOT_PAGE {
    DISK_SLOT Slot[SLOTS_PER_PAGE];
} DISK_SLOT_PAGE;

C_ASSERT(sizeof(VIRTIO_BLOCK_HEADER) == 16);
C_ASSERT(sizeof(DISK_SLOT_PAGE) == PAGE_SIZE);
C_ASSERT(QUEUE_SIZE <= VIRTIO_QUEUE_MAXIMUM);
C_ASSERT(DISK_SLOTS == 64); /* FreeSlots is a 64-bit mask */

static VIRTIO_RING DiskRing;
static DISK_SLOT_PAGE DiskSlotPages[(DISK_SLOTS + SLOTS_PER_PAGE - 1) / SLOTS_PER_PAGE];

static struct {
    VIRTIO_DEVICE Device;
    VIRTIO_QUEUE Queue;
    BOOLEAN Ready;
    BOOLEAN Broken;
    ULONG64 PageCount;
    ULONG64 FreeSlots;
    PPAGING_REQUEST Request[DISK_SLOTS];
    ULONG64 SlotPhysical[DISK_SLOTS];
    LIST_ENTRY PendingList;
    KDPC Dpc;
} Disk;

static KSPIN_LOCK DiskLock;

static PDISK_SLOT IopDiskSlot(ULONG Index)
{
    return &DiskSlotPages[Index / SLOTS_PER_PAGE].Slot[Index % SLOTS_PER_PAGE];
}

/* Fills Table with Request's pages, one descriptor for each run; returns how many. */
static ULONG IopBuildRuns(PPAGING_REQUEST Request, PVIRTIO_DESCRIPTOR Table)
{
    USHORT Flags = Request->Write ? 0 : VIRTIO_DESCRIPTOR_WRITE;
    ULONG Runs = 0;
    ULONG i;

    for (i = 0; i < Request->PageCount; i++) {
        if (i != 0 && Request->Page[i] == Request->Page[i - 1] + 1) {
            Table[Runs - 1].Length += PAGE_SIZE;
            continue;
        }
        HalSetVirtioDescriptor(&Table[Runs++], (ULONG64)Request->Page[i] << PAGE_SHIFT, PAGE_SIZE,
                               Flags, 0);
    }
    return Runs;
}

static VOID IopLinkDescriptors(PVIRTIO_DESCRIPTOR Table, ULONG First, ULONG Count)
{
    ULONG i;

    for (i = 0; i + 1 < Count; i++) {
        Table[i].Flags |= VIRTIO_DESCRIPTOR_NEXT;
        Table[i].Next = (USHORT)(First + i + 1);
    }
}

/* Hands Request to the device in slot Index. Lock held; the caller notifies. */
static VOID IopStartPagingRequest(PPAGING_REQUEST Request, ULONG Index)
{
    PDISK_SLOT Slot = IopDiskSlot(Index);
    ULONG64 Physical = Disk.SlotPhysical[Index];
    USHORT Head = (USHORT)(Index * SLOT_DESCRIPTORS);
    PVIRTIO_DESCRIPTOR Ring = &DiskRing.Descriptor[Head];
    PVIRTIO_DESCRIPTOR Chain = Slot->Table;
    ULONG Runs;

    Slot->Header.Type = Request->Write ? VIRTIO_BLOCK_WRITE : VIRTIO_BLOCK_READ;
    Slot->Header.Reserved = 0;
    Slot->Header.Sector = Request->Slot * SECTORS_PER_PAGE;
    Slot->Status = VIRTIO_BLOCK_NO_ANSWER;

    Runs = IopBuildRuns(Request, Slot->Table + 1);
    if (Runs <= DIRECT_RUNS) {
        ULONG i;
        for (i = 1; i <= Runs; i++) {
            Ring[i] = Slot->Table[i];
        }
        Chain = Ring;
    }
    HalSetVirtioDescriptor(&Chain[0], Physical + offsetof(DISK_SLOT, Header),
                           sizeof(VIRTIO_BLOCK_HEADER), 0, 0);
    HalSetVirtioDescriptor(&Chain[Runs + 1], Physical + offsetof(DISK_SLOT, Status), 1,
                           VIRTIO_DESCRIPTOR_WRITE, 0);
    IopLinkDescriptors(Chain, Chain == Ring ? Head : 0, Runs + 2);
    if (Chain != Ring) {
        HalSetVirtioDescriptor(Ring, Physical + offsetof(DISK_SLOT, Table),
                               (ULONG)((Runs + 2) * sizeof(VIRTIO_DESCRIPTOR)),
                               VIRTIO_DESCRIPTOR_INDIRECT, 0);
    }
    Request->DeviceSlot = Index;
    Disk.Request[Index] = Request;
    HalPublishVirtioChain(&Disk.Queue, Head);
}

/* Takes a free slot, or returns FALSE. Lock held. */
static BOOLEAN IopTryStart(PPAGING_REQUEST Request)
{
    ULONG Index;

    if (Disk.FreeSlots == 0) {
        return FALSE;
    }
    Index = (ULONG)__builtin_ctzll(Disk.FreeSlots);
    Disk.FreeSlots &= Disk.FreeSlots - 1;
    IopStartPagingRequest(Request, Index);
    return TRUE;
}

static NTSTATUS IopSlotStatus(PPAGING_REQUEST Request, ULONG Written)
{
    UCHAR Answer = IopDiskSlot(Request->DeviceSlot)->Status;
    ULONG Expected = 1 + (Request->Write ? 0 : Request->PageCount * PAGE_SIZE);

    /* A device that says it did well but wrote less than a page did not do well. */
    return Answer == VIRTIO_BLOCK_OK && Written >= Expected ? STATUS_SUCCESS
                                                            : STATUS_IO_DEVICE_ERROR;
}

/*
 * The device broke the protocol: it is reset, so that it writes no more into pages that get new
 * owners, and everything it had or should have got moves to Failed. Lock held.
 */
static VOID IopBreakDisk(PLIST_ENTRY Failed)
{
    ULONG i;

    Disk.Broken = TRUE;
    HalResetVirtioDevice(&Disk.Device);
    for (i = 0; i < DISK_SLOTS; i++) {
        if (Disk.Request[i] != NULL) {
            Disk.Request[i]->Status = STATUS_IO_DEVICE_ERROR;
            InsertTailList(Failed, &Disk.Request[i]->Link);
            Disk.Request[i] = NULL;
        }
    }
    Disk.FreeSlots = ~0ull;
    while (!IsListEmpty(&Disk.PendingList)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Disk.PendingList);
        CONTAINING_RECORD(Entry, PAGING_REQUEST, Link)->Status = STATUS_IO_DEVICE_ERROR;
        InsertTailList(Failed, Entry);
    }
}

/* Moves up to DRAIN_BATCH finished requests to Done. FALSE: there are none. Lock held. */
static BOOLEAN IopCollectFinished(PLIST_ENTRY Done)
{
    ULONG Count;

    for (Count = 0; Count < DRAIN_BATCH && !Disk.Broken; Count++) {
        ULONG Id, Written, Index;
        VIRTIO_USED Result = HalPopVirtioUsed(&Disk.Queue, &Id, &Written);
        PPAGING_REQUEST Request;

        if (Result == VirtioUsedNone) {
            break;
        }
        Index = Id / SLOT_DESCRIPTORS;
        if (Result == VirtioUsedCorrupt || Id % SLOT_DESCRIPTORS != 0 ||
            Disk.Request[Index] == NULL) {
            IopBreakDisk(Done);
            break;
        }
        Request = Disk.Request[Index];
        Request->Status = IopSlotStatus(Request, Written);
        Disk.Request[Index] = NULL;
        Disk.FreeSlots |= 1ull << Index;
        InsertTailList(Done, &Request->Link);
        if (!IsListEmpty(&Disk.PendingList)) {
            PLIST_ENTRY Entry = RemoveHeadList(&Disk.PendingList);
            NT_VERIFY(IopTryStart(CONTAINING_RECORD(Entry, PAGING_REQUEST, Link)));
        }
    }
    return !IsListEmpty(Done);
}

/* => DISPATCH_LEVEL, no lock held. A completion may submit or free its request. */
static VOID IopCompleteAll(PLIST_ENTRY Done)
{
    while (!IsListEmpty(Done)) {
        PPAGING_REQUEST Request = CONTAINING_RECORD(RemoveHeadList(Done), PAGING_REQUEST, Link);
        Request->Complete(Request);
    }
}

/* Completes what the device has finished; => DISPATCH_LEVEL, no lock held. */
static VOID IopDrainDisk(BOOLEAN Arm)
{
    LIST_ENTRY Done;
    BOOLEAN More;

    InitializeListHead(&Done);
    do {
        KiAcquireSpinLockRaw(&DiskLock);
        More = IopCollectFinished(&Done);
        if (!Disk.Broken) {
            HalKickVirtioQueue(&Disk.Queue);
            if (!More && Arm) {
                More = HalArmVirtioQueue(&Disk.Queue);
            }
        }
        KiReleaseSpinLockRaw(&DiskLock);
        IopCompleteAll(&Done);
    } while (More);
}

static VOID IopDiskDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    IopDrainDisk(TRUE);
}

static VOID IopDiskInterrupt(PKTRAP_FRAME TrapFrame, PVOID Context)
{
    HalAcknowledgeVirtioInterrupt(&Disk.Device);
    KeInsertQueueDpc(&Disk.Dpc, NULL, NULL);
}

static NTSTATUS IopCheckPagingRequest(PPAGING_REQUEST Request)
{
    NT_VERIFY(Request->PageCount >= 1 && Request->PageCount <= PAGING_CLUSTER_MAXIMUM);
    if (!Disk.Ready) {
        return STATUS_DEVICE_NOT_READY;
    }
    /* Slot 0 is the header; only the check of the header reads it. */
    if (Request->Slot >= Disk.PageCount ||
        Request->PageCount > Disk.PageCount - Request->Slot ||
        (Request->Slot == 0 && Request->Write)) {
        return STATUS_NONEXISTENT_SECTOR;
    }
    return Disk.Broken ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
}

VOID IoSubmitPagingRequest(PPAGING_REQUEST Request)
{
    KIRQL OldIrql;
    NTSTATUS Status;

    KI_ASSERT_IRQL_AT_MOST(DISPATCH_LEVEL);
    Request->Status = STATUS_PENDING;
    OldIrql = KiAcquireSpinLock(&DiskLock);
    Status = IopCheckPagingRequest(Request);
    if (NT_SUCCESS(Status)) {
        if (IopTryStart(Request)) {
            HalKickVirtioQueue(&Disk.Queue);
        } else {
            InsertTailList(&Disk.PendingList, &Request->Link);
        }
    }
    KiReleaseSpinLockRaw(&DiskLock);
    if (!NT_SUCCESS(Status)) {
        Request->Status = Status;
        Request->Complete(Request);
    }
    KiWriteIrql(OldIrql);
}

/*
 * A read from the host's cache is back sooner than a thread switch, an interrupt and a DPC take.
 * So when no other thread is ready, the submitter looks at the ring for a while, with the queue's
 * interrupt off; then everything is as after IoSubmitPagingRequest. At DISPATCH_LEVEL meanwhile:
 * the time is bounded.
 */
VOID IoSubmitAndPollPagingRequest(PPAGING_REQUEST Request, const KEVENT *Event)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    if (Prcb->ReadySummary != 0 || Prcb->NextThread != NULL) {
        IoSubmitPagingRequest(Request);
        KiWriteIrql(OldIrql);
        return;
    }
    ULONG64 End = KiReadTimeStampCounter() +
                  (ULONG64)KeGetPcr()->StallScaleFactor * POLL_MICROSECONDS;
    KiAcquireSpinLockRaw(&DiskLock);
    HalDisarmVirtioQueue(&Disk.Queue);
    KiReleaseSpinLockRaw(&DiskLock);
    IoSubmitPagingRequest(Request);
    while (Event->Header.SignalState == 0 && KiReadTimeStampCounter() < End) {
        if (HalVirtioUsedWaiting(&Disk.Queue) || Disk.Broken) {
            IopDrainDisk(FALSE);
        }
    }
    IopDrainDisk(TRUE);
    KiWriteIrql(OldIrql);
}

static VOID IopPolledComplete(PPAGING_REQUEST Request)
{
    *(volatile BOOLEAN *)Request->Context = TRUE;
}

/*
 * The processor asks the ring instead of waiting for the interrupt; requests of others that finish
 * meanwhile are completed as well. Raises to DISPATCH_LEVEL for the whole of the I/O.
 */
NTSTATUS IoPagingTransferPolled(PPAGING_REQUEST Request)
{
    PAGING_COMPLETION *Complete = Request->Complete;
    PVOID Context = Request->Context;
    volatile BOOLEAN Finished = FALSE;
    KIRQL OldIrql = KiRaiseIrql(DISPATCH_LEVEL);

    Request->Complete = IopPolledComplete;
    Request->Context = (PVOID)&Finished;
    KiAcquireSpinLockRaw(&DiskLock);
    HalDisarmVirtioQueue(&Disk.Queue);
    KiReleaseSpinLockRaw(&DiskLock);
    IoSubmitPagingRequest(Request);
    /* Without `pause`: an emulator takes it as a reason to leave the translated code. */
    while (!Finished) {
        if (HalVirtioUsedWaiting(&Disk.Queue) || Disk.Broken) {
            IopDrainDisk(FALSE);
        }
    }
    IopDrainDisk(TRUE);
    KiWriteIrql(OldIrql);
    Request->Complete = Complete;
    Request->Context = Context;
    return Request->Status;
}

static NTSTATUS IopStartDisk(VOID)
{
    VIRTIO_BLOCK_CONFIGURATION Configuration;
    NTSTATUS Status = HalFindVirtioDevice(VIRTIO_ID_BLOCK, 0, &Disk.Device);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = HalNegotiateVirtioDevice(&Disk.Device,
                                      VIRTIO_F_EVENT_INDEX | VIRTIO_BLOCK_F_SEGMENT_MAXIMUM |
                                          VIRTIO_BLOCK_F_READ_ONLY | VIRTIO_BLOCK_F_FLUSH,
                                      VIRTIO_F_INDIRECT);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    HalReadVirtioConfiguration(&Disk.Device, 0, &Configuration, sizeof(Configuration));
    Status = STATUS_NOT_SUPPORTED;
    if (!(Disk.Device.Features & VIRTIO_BLOCK_F_READ_ONLY) &&
        (!(Disk.Device.Features & VIRTIO_BLOCK_F_SEGMENT_MAXIMUM) ||
         Configuration.SegmentMaximum >= PAGING_CLUSTER_MAXIMUM)) {
        Status = HalCreateVirtioQueue(&Disk.Device, &Disk.Queue, &DiskRing, 0, QUEUE_SIZE);
    }
    if (NT_SUCCESS(Status)) {
        Status = HalStartVirtioDevice(&Disk.Device);
    }
    if (!NT_SUCCESS(Status)) {
        HalResetVirtioDevice(&Disk.Device);
        return Status;
    }
    Disk.PageCount = Configuration.Capacity / SECTORS_PER_PAGE;
    return STATUS_SUCCESS;
}

static NTSTATUS IopCheckHeader(PULONG64 PageCount)
{
    static DECLSPEC_ALIGN(4096) UCHAR HeaderPage[PAGE_SIZE];
    static PAGING_REQUEST Request;
    const PAGING_FILE_HEADER *Header = (const PAGING_FILE_HEADER *)HeaderPage;
    NTSTATUS Status;

    Request.PageCount = 1;
    Request.Page[0] = (PFN_NUMBER)(MmGetPhysicalAddress(HeaderPage).QuadPart >> PAGE_SHIFT);
    Status = IoPagingTransferPolled(&Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Header->Magic != PAGING_FILE_MAGIC || Header->PageSize != PAGE_SIZE ||
        Header->PageCount < 2) {
        return STATUS_FILE_INVALID;
    }
    if (Header->Version != PAGING_FILE_VERSION) {
        return STATUS_REVISION_MISMATCH;
    }
    if (Header->Crc != Crc32c(0, Header, offsetof(PAGING_FILE_HEADER, Crc))) {
        return STATUS_CRC_ERROR;
    }
    *PageCount = Header->PageCount;
    return STATUS_SUCCESS;
}

NTSTATUS IoInitializePagingDisk(PULONG64 PageCount)
{
    ULONG64 HeaderPages = 0;
    NTSTATUS Status;
    ULONG i;

    InitializeListHead(&Disk.PendingList);
    Disk.FreeSlots = ~0ull;
    KeInitializeDpc(&Disk.Dpc, IopDiskDpcRoutine, NULL);
    for (i = 0; i < DISK_SLOTS; i++) {
        Disk.SlotPhysical[i] = (ULONG64)MmGetPhysicalAddress(IopDiskSlot(i)).QuadPart;
    }
    Status = IopStartDisk();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KiConnectVector(DISK_VECTOR, IopDiskInterrupt, NULL);
    HalRouteInterrupt(Disk.Device.Gsi, DISK_VECTOR, TRUE, FALSE);
    Disk.Ready = TRUE;
    Status = IopCheckHeader(&HeaderPages);
    if (!NT_SUCCESS(Status)) {
        Disk.Ready = FALSE;
        HalRouteInterrupt(Disk.Device.Gsi, DISK_VECTOR, TRUE, TRUE);
        KiDisconnectVector(DISK_VECTOR);
        HalResetVirtioDevice(&Disk.Device);
        return Status;
    }
    if (HeaderPages < Disk.PageCount) {
        Disk.PageCount = HeaderPages;
    }
    *PageCount = Disk.PageCount;
    return STATUS_SUCCESS;
}
