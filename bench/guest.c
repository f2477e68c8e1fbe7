/* SPDX-License-Identifier: MIT */
/*
 * Measures Mm and Ke inside the guest by rdtsc, each figure against a floor taken in the same boot:
 * the least that the machine could do for the operation. Part of ntoskrnl-test.exe; `make bench`
 * runs the cases named bench_* and formats the lines printed here:
 *   bench|NAME|nanoseconds|floor nanoseconds
 * Each figure is the median of several batches, as the machine is shared.
 */
#include "bench/bench.h"

#include "io/paging_disk.h"
#include "ke/trap_dispatch.h"
#include "mm/mi.h"
#include "nt/ob.h"
#include "nt/ps.h"

#define TAG 'hcnB'

extern VOID BenchFloorPageFault(VOID);
extern VOID BenchFloorSwitch(PVOID *SaveStack, PVOID LoadStack);
extern PMMPTE BenchFloorPte;

/* ---- soft fault ---- */

static ULONG64 SoftFaultFloor(PVOID Page)
{
    ULONG64 Batch[BENCH_BATCHES];
    PVOID Old = KiSetTrapHandler(14, BenchFloorPageFault);
    BenchFloorPte = MI_PTE_OF(Page);
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Flags = KiDisableInterrupts();
        ULONG64 Spent = 0;
        for (ULONG i = 0; i < 2000; i++) {
            *BenchFloorPte &= ~MI_PTE_VALID;
            MiInvalidatePage(Page);
            ULONG64 Start = KiReadTimeStampCounter();
            (void)*(volatile UCHAR *)Page;
            Spent += KiReadTimeStampCounter() - Start;
        }
        KiRestoreInterrupts(Flags);
        Batch[b] = BenchNanoseconds(Spent, 2000);
    }
    KiSetTrapHandler(14, Old);
    return BenchMedian(Batch, BENCH_BATCHES);
}

static ULONG64 SoftFault(PUCHAR Memory, ULONG Pages)
{
    ULONG64 Batch[BENCH_BATCHES];
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Spent = 0;
        MmPageOutEverything(FALSE);
        for (ULONG i = 0; i < Pages; i++) {
            ULONG64 Start = KiReadTimeStampCounter();
            (void)*(volatile UCHAR *)(Memory + (ULONG64)i * PAGE_SIZE);
            Spent += KiReadTimeStampCounter() - Start;
        }
        Batch[b] = BenchNanoseconds(Spent, Pages);
    }
    return BenchMedian(Batch, BENCH_BATCHES);
}

static ULONG64 BenchSoftFloor;

GUEST_TEST(bench_1_soft_fault)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, 512 * PAGE_SIZE, TAG);
    PVOID Resident = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    __builtin_memset(Memory, 1, 512 * PAGE_SIZE);
    BenchSoftFloor = SoftFaultFloor(Resident);
    BenchReport("soft fault", SoftFault(Memory, 512), BenchSoftFloor);
    ExFreePoolWithTag(Resident, TAG);
    ExFreePoolWithTag(Memory, TAG);
}

/* ---- disk ---- */

/*
 * Polled transfers of Count pages at a time, per page. Each request has other pages of RAM and, for
 * reads, another place of the file, as paging has: the same page again and again would measure the
 * host's caches. Writes go to slots that are taken for them.
 */
#define RAW_PAGES 512u

static ULONG64 RawTransfer(BOOLEAN Write, ULONG Count, ULONG Requests)
{
    static PAGING_REQUEST Request;
    ULONG64 Batch[BENCH_BATCHES];
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, RAW_PAGES * PAGE_SIZE, TAG);
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    ULONG Got = 0;
    ULONG Slot = MiAllocateSlots(PAGING_CLUSTER_MAXIMUM, &Got);
    KiReleaseSpinLock(&MiPfnLock, Irql);
    EXPECT(Got >= Count);
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Start = KiReadTimeStampCounter();
        for (ULONG i = 0; i < Requests; i++) {
            ULONG Place = i * 101 * Count % RAW_PAGES;
            Request.Write = Write;
            Request.PageCount = Count;
            Request.Slot = Write ? Slot : 1 + Place;
            for (ULONG p = 0; p < Count; p++) {
                PVOID Page = Buffer + (Place + p) % RAW_PAGES * PAGE_SIZE;
                Request.Page[p] = (ULONG64)MmGetPhysicalAddress(Page).QuadPart >> PAGE_SHIFT;
            }
            EXPECT_EQUAL(IoPagingTransferPolled(&Request), STATUS_SUCCESS);
        }
        Batch[b] = BenchNanoseconds(KiReadTimeStampCounter() - Start, (ULONG64)Requests * Count);
    }
    Irql = KiAcquireSpinLock(&MiPfnLock);
    for (ULONG i = 0; i < Got; i++) {
        MiFreeSlot(Slot + i);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    ExFreePoolWithTag(Buffer, TAG);
    return BenchMedian(Batch, BENCH_BATCHES);
}

/* Touches Pages pages in steps of Stride (odd: every page once), all of them out. Per page. */
static ULONG64 HardFault(PUCHAR Memory, ULONG Pages, ULONG Stride)
{
    ULONG64 Batch[BENCH_BATCHES];
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        MmPageOutEverything(TRUE);
        ULONG64 Start = KiReadTimeStampCounter();
        for (ULONG i = 0, Page = 0; i < Pages; i++, Page = (Page + Stride) % Pages) {
            (void)*(volatile UCHAR *)(Memory + (ULONG64)Page * PAGE_SIZE);
        }
        Batch[b] = BenchNanoseconds(KiReadTimeStampCounter() - Start, Pages);
    }
    return BenchMedian(Batch, BENCH_BATCHES);
}

/* What the check of each page that comes in costs: the part of a hard fault we chose to have. */
static VOID ReportCrc(PUCHAR Memory)
{
    ULONG64 Batch[BENCH_BATCHES];
    ULONG Frame = (ULONG)(MmGetPhysicalAddress(Memory).QuadPart >> PAGE_SHIFT);
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        ULONG64 Start = KiReadTimeStampCounter();
        for (ULONG i = 0; i < 100; i++) {
            MiCrcOfPage(Frame);
        }
        Batch[b] = BenchNanoseconds(KiReadTimeStampCounter() - Start, 100);
    }
    BenchReport("CRC32C of a page", BenchMedian(Batch, BENCH_BATCHES), 0);
}

GUEST_TEST(bench_2_hard_fault)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, 512 * PAGE_SIZE, TAG);
    __builtin_memset(Memory, 1, 512 * PAGE_SIZE);
    ReportCrc(Memory);
    BenchReport("hard fault, one page", HardFault(Memory, 512, 101),
                RawTransfer(FALSE, 1, 512) + BenchSoftFloor);
    BenchReport("sequential page-in, a page", HardFault(Memory, 512, 1),
                RawTransfer(FALSE, 32, 20));
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(bench_3_page_out)
{
    ULONG64 Batch[BENCH_BATCHES];
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, 512 * PAGE_SIZE, TAG);
    for (ULONG b = 0; b < BENCH_BATCHES; b++) {
        for (ULONG i = 0; i < 512; i++) {
            Memory[i * PAGE_SIZE] = (UCHAR)b;
        }
        ULONG64 Start = KiReadTimeStampCounter();
        MmPageOutEverything(TRUE);
        Batch[b] = BenchNanoseconds(KiReadTimeStampCounter() - Start, 512);
    }
    BenchReport("page-out, a page", BenchMedian(Batch, BENCH_BATCHES), RawTransfer(TRUE, 32, 20));
    ExFreePoolWithTag(Memory, TAG);
}

/* ---- growth: the cost of a soft fault with more and more pageable memory around ---- */

GUEST_TEST(bench_4_fault_cost_by_size)
{
    static const struct {
        PCSTR Name;
        ULONG Megabytes;
    } Sizes[] = {{"soft fault, 1 MB pageable", 1},
                 {"soft fault, 64 MB pageable", 64},
                 {"soft fault, 1 GB pageable", 1024}};
    for (ULONG s = 0; s < RTL_NUMBER_OF(Sizes); s++) {
        PUCHAR *Blocks = ExAllocatePoolWithTag(NonPagedPool, 1024 * sizeof(PUCHAR), TAG);
        ULONG Count = 0;
        while (Count < Sizes[s].Megabytes) {
            Blocks[Count] = ExAllocatePoolWithTag(PagedPool, 256 * PAGE_SIZE, TAG);
            if (Blocks[Count] == NULL) {
                break;
            }
            for (ULONG Page = 0; Page < 256; Page++) {
                Blocks[Count][Page * PAGE_SIZE] = 1;
            }
            Count++;
        }
        if (Count == Sizes[s].Megabytes) {
            BenchReport(Sizes[s].Name, SoftFault(Blocks[Count - 1], 128), BenchSoftFloor);
        } else {
            DbgPrint("bench: %s needs --memory and --paging-file of more than that\n",
                     Sizes[s].Name);
        }
        while (Count > 0) {
            ExFreePoolWithTag(Blocks[--Count], TAG);
        }
        ExFreePoolWithTag(Blocks, TAG);
    }
}

/* ---- Ke ---- */

static KEVENT BenchPing, BenchPong;
#define SWITCHES 2000

static VOID PongThread(PVOID Context)
{
    for (ULONG i = 0; i < SWITCHES; i++) {
        KeWaitForSingleObject(&BenchPing, Executive, KernelMode, FALSE, NULL);
        KeSetEvent(&BenchPong, 0, FALSE);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static PVOID BenchStackA, BenchStackB;
static DECLSPEC_ALIGN(16) UCHAR BenchStack[4096];

static VOID BenchOtherSide(VOID)
{
    for (;;) {
        BenchFloorSwitch(&BenchStackB, BenchStackA);
    }
}

static ULONG64 SwitchFloor(VOID)
{
    ULONG64 Flags = KiDisableInterrupts();
    PULONG64 Top = (PULONG64)(BenchStack + sizeof(BenchStack)) - 2;
    Top[0] = (ULONG64)BenchOtherSide;
    BenchStackB = Top - 8;
    ULONG64 Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < SWITCHES; i++) {
        BenchFloorSwitch(&BenchStackA, BenchStackB);
    }
    ULONG64 Spent = KiReadTimeStampCounter() - Start;
    KiRestoreInterrupts(Flags);
    return BenchNanoseconds(Spent, SWITCHES * 2);
}

GUEST_TEST(bench_5_context_switch)
{
    HANDLE Handle;
    PVOID Thread;
    KeInitializeEvent(&BenchPing, SynchronizationEvent, FALSE);
    KeInitializeEvent(&BenchPong, SynchronizationEvent, FALSE);
    PsCreateSystemThread(&Handle, 0, NULL, NULL, NULL, PongThread, NULL);
    ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Thread, NULL);
    ZwClose(Handle);
    ULONG64 Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < SWITCHES; i++) {
        KeSetEvent(&BenchPing, 0, FALSE);
        KeWaitForSingleObject(&BenchPong, Executive, KernelMode, FALSE, NULL);
    }
    ULONG64 Spent = KiReadTimeStampCounter() - Start;
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL);
    ObfDereferenceObject(Thread);
    BenchReport("context switch by events", BenchNanoseconds(Spent, SWITCHES * 2), SwitchFloor());
}

GUEST_TEST(bench_6_raise_and_lower)
{
    ULONG64 Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < 20000; i++) {
        KiWriteIrql(DISPATCH_LEVEL);
        KiWriteIrql(PASSIVE_LEVEL);
    }
    ULONG64 Floor = BenchNanoseconds(KiReadTimeStampCounter() - Start, 20000);
    Start = KiReadTimeStampCounter();
    for (ULONG i = 0; i < 20000; i++) {
        KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);
        KeLowerIrql(Old);
    }
    ULONG64 Spent = BenchNanoseconds(KiReadTimeStampCounter() - Start, 20000);
    BenchReport("raise and lower IRQL", Spent, Floor);
}
