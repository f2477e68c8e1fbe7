/* SPDX-License-Identifier: MIT */
/*
 * DMA adapters of bus masters: with all of memory in reach, and with map registers between.
 * Expected values: the pages of IoGetDmaAdapter and of the DMA_OPERATIONS routines.
 */
#include "io_test_driver.h"
#include "mm/mm.h"
#include "nt/dma.h"
#include "nt/rtl.h"

#define DMA_BYTES (3 * PAGE_SIZE)

static DEVICE_DESCRIPTION Describe(ULONG Bits, ULONG MaximumLength)
{
    return (DEVICE_DESCRIPTION){
        .Version = DEVICE_DESCRIPTION_VERSION3,
        .Master = TRUE,
        .ScatterGather = TRUE,
        .Dma32BitAddresses = Bits >= 32,
        .Dma64BitAddresses = Bits == 64,
        .InterfaceType = PCIBus,
        .MaximumLength = MaximumLength,
        .DmaAddressWidth = Bits,
    };
}

/* Paged pool, locked; Va does not begin a page. */
typedef struct _DMA_BUFFER {
    PUCHAR Pool, Va;
    PMDL Mdl;
} DMA_BUFFER;

static VOID MakeBuffer(DMA_BUFFER *Buffer, ULONG Bytes)
{
    Buffer->Pool = ExAllocatePoolWithTag(PagedPool, Bytes + PAGE_SIZE, 'tseT');
    Buffer->Va = Buffer->Pool + 0x123;
    for (ULONG i = 0; i < Bytes; i++) {
        Buffer->Va[i] = (UCHAR)(i * 7 + i / 256);
    }
    Buffer->Mdl = IoAllocateMdl(Buffer->Va, Bytes, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Buffer->Mdl, KernelMode, IoModifyAccess);
}

static VOID FreeBuffer(DMA_BUFFER *Buffer)
{
    MmUnlockPages(Buffer->Mdl);
    IoFreeMdl(Buffer->Mdl);
    ExFreePoolWithTag(Buffer->Pool, 'tseT');
}

GUEST_TEST(hal_dma_adapters_are_for_bus_masters)
{
    DEVICE_DESCRIPTION Description = Describe(64, DMA_BYTES);
    ULONG Registers = 0;

    PDMA_ADAPTER Adapter = IoGetDmaAdapter(NULL, &Description, &Registers);
    EXPECT(Adapter != NULL && Adapter->Version == 2 && Adapter->DmaOperations->Size != 0);
    EXPECT(Registers >= DMA_BYTES / PAGE_SIZE + 1); /* a transfer that does not begin a page */
    PHYSICAL_ADDRESS Logical = {.QuadPart = 0};
    PUCHAR Common =
        Adapter->DmaOperations->AllocateCommonBuffer(Adapter, 2 * PAGE_SIZE, &Logical, TRUE);
    EXPECT(Common != NULL && Logical.QuadPart == MmGetPhysicalAddress(Common).QuadPart);
    EXPECT_EQUAL(MmGetPhysicalAddress(Common + PAGE_SIZE).QuadPart, Logical.QuadPart + PAGE_SIZE);
    Adapter->DmaOperations->FreeCommonBuffer(Adapter, 2 * PAGE_SIZE, Logical, Common, TRUE);
    EXPECT(Adapter->DmaOperations->GetDmaAlignment(Adapter) >= 1);
    Adapter->DmaOperations->PutDmaAdapter(Adapter);

    Description.Version = DEVICE_DESCRIPTION_VERSION;
    Adapter = IoGetDmaAdapter(NULL, &Description, &Registers);
    EXPECT(Adapter != NULL && Adapter->Version == 1);
    Adapter->DmaOperations->PutDmaAdapter(Adapter);
    Description.Version = 99;
    EXPECT(IoGetDmaAdapter(NULL, &Description, &Registers) == NULL);
    Description = Describe(64, DMA_BYTES);
    Description.Master = FALSE;
    EXPECT(IoGetDmaAdapter(NULL, &Description, &Registers) == NULL);
}

typedef struct _DMA_LIST_TEST {
    PSCATTER_GATHER_LIST List;
    ULONG Calls;
    KIRQL Irql;
} DMA_LIST_TEST;

static VOID ListRoutine(PDEVICE_OBJECT Device, PIRP Irp, PSCATTER_GATHER_LIST List, PVOID Context)
{
    DMA_LIST_TEST *Test = Context;
    EXPECT(Device == IoTest.Device);
    Test->List = List;
    Test->Irql = KeGetCurrentIrql();
    Test->Calls++;
}

/* Compares what the elements' physical addresses hold with the buffer. */
static VOID CompareList(PSCATTER_GATHER_LIST List, const UCHAR *Va, ULONG Bytes, ULONG64 Highest)
{
    ULONG Done = 0;
    for (ULONG i = 0; i < List->NumberOfElements; i++) {
        PSCATTER_GATHER_ELEMENT Element = &List->Elements[i];
        EXPECT((ULONG64)Element->Address.QuadPart + Element->Length - 1 <= Highest);
        EXPECT(Element->Length != 0 && Done + Element->Length <= Bytes);
        const UCHAR *Memory = MmPhysicalAddressToVirtual((ULONG64)Element->Address.QuadPart);
        EXPECT_EQUAL(RtlCompareMemory(Memory, Va + Done, Element->Length), Element->Length);
        Done += Element->Length;
    }
    EXPECT_EQUAL(Done, Bytes);
}

static VOID UseLists(ULONG Bits)
{
    DEVICE_DESCRIPTION Description = Describe(Bits, DMA_BYTES);
    ULONG64 Highest = Bits == 64 ? ~0ull : (1ull << Bits) - 1;
    DMA_LIST_TEST Test = {NULL, 0, 0};
    DMA_BUFFER Buffer;
    ULONG Registers, Size = 0, Needed = 0;
    KIRQL OldIrql;

    PDMA_ADAPTER Adapter = IoGetDmaAdapter(NULL, &Description, &Registers);
    EXPECT(Adapter != NULL);
    PDMA_OPERATIONS Dma = Adapter->DmaOperations;
    MakeBuffer(&Buffer, DMA_BYTES);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT_EQUAL(Dma->GetScatterGatherList(Adapter, IoTest.Device, Buffer.Mdl, Buffer.Va, DMA_BYTES,
                                           ListRoutine, &Test, TRUE),
                 STATUS_SUCCESS);
    EXPECT(Test.Calls == 1 && Test.Irql == DISPATCH_LEVEL);
    CompareList(Test.List, Buffer.Va, DMA_BYTES, Highest);
    Dma->PutScatterGatherList(Adapter, Test.List, TRUE);

    /* From the device: what it writes to the addresses is in the buffer after the Put. */
    EXPECT_EQUAL(Dma->GetScatterGatherList(Adapter, IoTest.Device, Buffer.Mdl, Buffer.Va + 100,
                                           5000, ListRoutine, &Test, FALSE),
                 STATUS_SUCCESS);
    for (ULONG i = 0; i < Test.List->NumberOfElements; i++) {
        PSCATTER_GATHER_ELEMENT Element = &Test.List->Elements[i];
        RtlFillMemory(MmPhysicalAddressToVirtual((ULONG64)Element->Address.QuadPart),
                      Element->Length, 0xee);
    }
    Dma->PutScatterGatherList(Adapter, Test.List, FALSE);
    KeLowerIrql(OldIrql);
    EXPECT(Buffer.Va[99] == (UCHAR)(99 * 7) && Buffer.Va[100] == 0xee);
    EXPECT(Buffer.Va[5099] == 0xee && Buffer.Va[5100] == (UCHAR)(5100 * 7 + 5100 / 256));

    /* A list in the driver's own memory. */
    EXPECT_EQUAL(Dma->CalculateScatterGatherList(Adapter, Buffer.Mdl, Buffer.Va, DMA_BYTES, &Size,
                                                 &Needed),
                 STATUS_SUCCESS);
    EXPECT(Size >= sizeof(SCATTER_GATHER_LIST) + sizeof(SCATTER_GATHER_ELEMENT) && Needed == 4);
    PVOID Own = ExAllocatePoolWithTag(NonPagedPoolNx, Size, 'tseT');
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT_EQUAL((ULONG)Dma->BuildScatterGatherList(Adapter, IoTest.Device, Buffer.Mdl, Buffer.Va,
                                                    DMA_BYTES, ListRoutine, &Test, TRUE, Own,
                                                    Size - 1),
                 (ULONG)STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQUAL(Test.Calls, 2);
    EXPECT_EQUAL(Dma->BuildScatterGatherList(Adapter, IoTest.Device, Buffer.Mdl, Buffer.Va,
                                             DMA_BYTES, ListRoutine, &Test, TRUE, Own, Size),
                 STATUS_SUCCESS);
    EXPECT((PUCHAR)Test.List >= (PUCHAR)Own && (PUCHAR)Test.List < (PUCHAR)Own + Size);
    CompareList(Test.List, Buffer.Va, DMA_BYTES, Highest);
    Dma->PutScatterGatherList(Adapter, Test.List, TRUE);
    EXPECT_EQUAL((ULONG)Dma->GetScatterGatherList(Adapter, IoTest.Device, Buffer.Mdl, Buffer.Va,
                                                  DMA_BYTES + 1, ListRoutine, &Test, TRUE),
                 (ULONG)STATUS_INVALID_PARAMETER); /* beyond the MDL */
    KeLowerIrql(OldIrql);
    ExFreePoolWithTag(Own, 'tseT');
    FreeBuffer(&Buffer);
    Dma->PutDmaAdapter(Adapter);
}

GUEST_TEST(hal_dma_lists_with_all_memory_in_reach)
{
    if (IoTestLoad(0, FALSE)) {
        UseLists(64);
        IoTestUnload();
    }
}

GUEST_TEST(hal_dma_lists_through_map_registers)
{
    if (IoTestLoad(0, FALSE)) {
        UseLists(24);
        IoTestUnload();
    }
}

typedef struct _DMA_CHANNEL_TEST {
    PVOID Base;
    ULONG Calls;
    IO_ALLOCATION_ACTION Action;
} DMA_CHANNEL_TEST;

static IO_ALLOCATION_ACTION ChannelRoutine(PDEVICE_OBJECT Device, PIRP Irp, PVOID Base,
                                           PVOID Context)
{
    DMA_CHANNEL_TEST *Test = Context;
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    Test->Base = Base;
    Test->Calls++;
    return Test->Action;
}

/* Who finds too few registers free is called when they are given back, in order. */
GUEST_TEST(hal_dma_registers_are_waited_for)
{
    DEVICE_DESCRIPTION Description = Describe(24, DMA_BYTES);
    DMA_CHANNEL_TEST Keeps = {NULL, 0, DeallocateObjectKeepRegisters};
    DMA_CHANNEL_TEST Waits = {NULL, 0, DeallocateObject};
    DMA_BUFFER Buffer;
    ULONG Registers, Length = DMA_BYTES;
    KIRQL OldIrql;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    PDMA_ADAPTER Adapter = IoGetDmaAdapter(NULL, &Description, &Registers);
    PDMA_OPERATIONS Dma = Adapter->DmaOperations;
    MakeBuffer(&Buffer, DMA_BYTES);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT_EQUAL((ULONG)Dma->AllocateAdapterChannel(Adapter, IoTest.Device, Registers + 1,
                                                    ChannelRoutine, &Keeps),
                 (ULONG)STATUS_INSUFFICIENT_RESOURCES);
    EXPECT_EQUAL(Keeps.Calls, 0);
    EXPECT_EQUAL(Dma->AllocateAdapterChannel(Adapter, IoTest.Device, Registers, ChannelRoutine,
                                             &Keeps),
                 STATUS_SUCCESS);
    EXPECT(Keeps.Calls == 1 && Keeps.Base != NULL);
    EXPECT_EQUAL(Dma->AllocateAdapterChannel(Adapter, IoTest.Device, 1, ChannelRoutine, &Waits),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Waits.Calls, 0);

    PHYSICAL_ADDRESS Address =
        Dma->MapTransfer(Adapter, Buffer.Mdl, Keeps.Base, Buffer.Va, &Length, TRUE);
    EXPECT_EQUAL(Length, DMA_BYTES); /* registers follow each other */
    EXPECT((ULONG64)Address.QuadPart + Length <= 1ull << 24);
    PUCHAR Memory = MmPhysicalAddressToVirtual((ULONG64)Address.QuadPart);
    EXPECT_EQUAL(RtlCompareMemory(Memory, Buffer.Va, Length), Length);
    Memory[17] = 0x5a;
    EXPECT(Dma->FlushAdapterBuffers(Adapter, Buffer.Mdl, Keeps.Base, Buffer.Va, Length, TRUE));
    EXPECT(Buffer.Va[17] != 0x5a); /* to the device: nothing comes back */
    EXPECT(Dma->FlushAdapterBuffers(Adapter, Buffer.Mdl, Keeps.Base, Buffer.Va, Length, FALSE));
    EXPECT_EQUAL(Buffer.Va[17], 0x5a);
    Dma->FreeMapRegisters(Adapter, Keeps.Base, Registers);
    EXPECT_EQUAL(Waits.Calls, 1);
    Waits.Calls = 0; /* DeallocateObject gave the register back */
    Keeps.Action = DeallocateObject;
    EXPECT_EQUAL(Dma->AllocateAdapterChannel(Adapter, IoTest.Device, Registers, ChannelRoutine,
                                             &Keeps),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Keeps.Calls, 2);
    Dma->FreeAdapterChannel(Adapter);
    KeLowerIrql(OldIrql);
    FreeBuffer(&Buffer);
    Dma->PutDmaAdapter(Adapter);
    EXPECT_EQUAL(IoTest.Findings, 0);
    IoTestUnload();
}
