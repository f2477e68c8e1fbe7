/* SPDX-License-Identifier: MIT */
/*
 * DMA adapters of bus masters.
 *
 * A device whose addresses reach all of memory gets physical addresses as they are. For one with
 * fewer address bits, map registers are pages of memory that it reaches: MapTransfer copies what
 * goes to the device into them, FlushAdapterBuffers copies back what came from it. Such an adapter
 * owns its registers, at most 64; who finds too few free waits in line until some are given back.
 *
 * A page of a transfer has the register that its index in the MDL gives, modulo the registers that
 * the transfer was given, so that neither needs to remember what was mapped.
 *
 * Lock guards InUse and Waiting. Execution routines are called without it, at DISPATCH_LEVEL.
 */
#include "hal/hal.h"
#include "io/iop.h"
#include "mm/mm.h"
#include "nt/dma.h"
#include "nt/pool.h"
#include "nt/rtl.h"

#define DMA_TAG 'AmdH'
#define DMA_REGISTERS_MOST 64u
#define HAL_DMA_ALL 0x7fffffffffffffffull /* an address above all others */

typedef struct _HALP_DMA_ADAPTER {
    DMA_ADAPTER Public;
    ULONG64 Highest;        /* address that the device reaches */
    ULONG Registers;        /* what one transfer may have */
    PUCHAR Pages;           /* NULL: the device reaches all memory, there are no registers */
    ULONG64 PagesPhysical;
    KSPIN_LOCK Lock;
    ULONG64 InUse;          /* a bit for each register */
    UCHAR Counts[DMA_REGISTERS_MOST]; /* of those taken, at the first one's index */
    LIST_ENTRY Waiting;     /* HALP_DMA_REQUEST */
} HALP_DMA_ADAPTER, *PHALP_DMA_ADAPTER;

/* The list that a driver gets, and what PutScatterGatherList needs to undo it. */
typedef struct _HALP_DMA_LIST {
    PMDL Mdl;
    PVOID CurrentVa;
    ULONG Length;
    PVOID Base;
    ULONG Registers;
    BOOLEAN Ours; /* pool, not the driver's buffer */
    SCATTER_GATHER_LIST List;
} HALP_DMA_LIST, *PHALP_DMA_LIST;

/* Somebody who wants registers. */
typedef struct _HALP_DMA_REQUEST {
    LIST_ENTRY Links;
    PHALP_DMA_ADAPTER Adapter;
    PDEVICE_OBJECT Device;
    ULONG Registers;
    PVOID Context;
    PDRIVER_CONTROL Channel;       /* or, when NULL, */
    PDRIVER_LIST_CONTROL ListRoutine;
    PHALP_DMA_LIST List;
    BOOLEAN WriteToDevice;
} HALP_DMA_REQUEST, *PHALP_DMA_REQUEST;

static PHALP_DMA_ADAPTER HalpAdapter(PDMA_ADAPTER Adapter)
{
    return CONTAINING_RECORD(Adapter, HALP_DMA_ADAPTER, Public);
}

/* ---- map registers ---- */

/* A map register base is the first register's number plus one; NULL: none were needed. */
static ULONG HalpFirstRegister(PVOID Base)
{
    return (ULONG)(ULONG_PTR)Base - 1;
}

static ULONG64 HalpRegisterMask(ULONG First, ULONG Count)
{
    return (Count == 64 ? ~0ull : (1ull << Count) - 1) << First;
}

/* Lock held. NULL: there are not that many free in a row. */
static PVOID HalpTakeRegisters(PHALP_DMA_ADAPTER Adapter, ULONG Count)
{
    for (ULONG First = 0; First + Count <= Adapter->Registers; First++) {
        ULONG64 Mask = HalpRegisterMask(First, Count);
        if ((Adapter->InUse & Mask) == 0) {
            Adapter->InUse |= Mask;
            Adapter->Counts[First] = (UCHAR)Count;
            return (PVOID)(ULONG_PTR)(First + 1);
        }
    }
    return NULL;
}

static VOID HalpGiveRegisters(PHALP_DMA_ADAPTER Adapter, PVOID Base, ULONG Count);
static VOID HalpFillList(PHALP_DMA_ADAPTER Adapter, PHALP_DMA_LIST List, BOOLEAN WriteToDevice);

/* DISPATCH_LEVEL, no lock: Request has its registers. Takes the request. */
static VOID HalpGrant(PHALP_DMA_REQUEST Request, PVOID Base)
{
    PHALP_DMA_ADAPTER Adapter = Request->Adapter;
    PIRP Irp = Request->Device != NULL ? Request->Device->CurrentIrp : NULL;

    if (Request->Channel != NULL) {
        IO_ALLOCATION_ACTION Action =
            Request->Channel(Request->Device, Irp, Base, Request->Context);
        if (Action == DeallocateObject) {
            HalpGiveRegisters(Adapter, Base, Request->Registers);
        }
    } else {
        Request->List->Base = Base;
        HalpFillList(Adapter, Request->List, Request->WriteToDevice);
        Request->ListRoutine(Request->Device, Irp, &Request->List->List, Request->Context);
    }
    ExFreePoolWithTag(Request, DMA_TAG);
}

/* Calls those in line whose turn it is. DISPATCH_LEVEL */
static VOID HalpServeWaiting(PHALP_DMA_ADAPTER Adapter)
{
    for (;;) {
        PHALP_DMA_REQUEST Request = NULL;
        PVOID Base = NULL;
        KeAcquireSpinLockAtDpcLevel(&Adapter->Lock);
        if (!IsListEmpty(&Adapter->Waiting)) {
            Request = CONTAINING_RECORD(Adapter->Waiting.Flink, HALP_DMA_REQUEST, Links);
            Base = HalpTakeRegisters(Adapter, Request->Registers);
            if (Base != NULL) {
                RemoveEntryList(&Request->Links);
            }
        }
        KeReleaseSpinLockFromDpcLevel(&Adapter->Lock);
        if (Base == NULL) {
            return;
        }
        HalpGrant(Request, Base);
    }
}

static VOID HalpGiveRegisters(PHALP_DMA_ADAPTER Adapter, PVOID Base, ULONG Count)
{
    KIRQL OldIrql;
    if (Base == NULL) {
        return;
    }
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KeAcquireSpinLockAtDpcLevel(&Adapter->Lock);
    ULONG64 Mask = HalpRegisterMask(HalpFirstRegister(Base), Count);
    NT_VERIFY((Adapter->InUse & Mask) == Mask);
    Adapter->InUse &= ~Mask;
    KeReleaseSpinLockFromDpcLevel(&Adapter->Lock);
    HalpServeWaiting(Adapter);
    KeLowerIrql(OldIrql);
}

/* Takes the request: its routine is called now or later. */
static VOID HalpRequestRegisters(PHALP_DMA_REQUEST Request)
{
    PHALP_DMA_ADAPTER Adapter = Request->Adapter;
    PVOID Base = NULL;
    BOOLEAN Now = Adapter->Pages == NULL;
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    if (!Now) {
        KeAcquireSpinLockAtDpcLevel(&Adapter->Lock);
        Base = IsListEmpty(&Adapter->Waiting) ? HalpTakeRegisters(Adapter, Request->Registers)
                                              : NULL;
        Now = Base != NULL;
        if (!Now) {
            InsertTailList(&Adapter->Waiting, &Request->Links);
        }
        KeReleaseSpinLockFromDpcLevel(&Adapter->Lock);
    }
    if (Now) {
        HalpGrant(Request, Base);
    }
    KeLowerIrql(OldIrql);
}

static NTSTATUS HalpNewRequest(PHALP_DMA_ADAPTER Adapter, PDEVICE_OBJECT Device, ULONG Registers,
                               PVOID Context, PHALP_DMA_REQUEST *NewRequest)
{
    if (Registers > Adapter->Registers || (Registers == 0 && Adapter->Pages != NULL)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PHALP_DMA_REQUEST Request = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Request), DMA_TAG);
    if (Request == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Request = (HALP_DMA_REQUEST){.Adapter = Adapter, .Device = Device, .Registers = Registers,
                                  .Context = Context};
    *NewRequest = Request;
    return STATUS_SUCCESS;
}

static NTSTATUS HalpAllocateAdapterChannel(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                           ULONG NumberOfMapRegisters,
                                           PDRIVER_CONTROL ExecutionRoutine, PVOID Context)
{
    PHALP_DMA_REQUEST Request;
    NTSTATUS Status = HalpNewRequest(HalpAdapter(DmaAdapter), DeviceObject, NumberOfMapRegisters,
                                     Context, &Request);
    if (NT_SUCCESS(Status)) {
        Request->Channel = ExecutionRoutine;
        HalpRequestRegisters(Request);
    }
    return Status;
}

static VOID HalpFreeMapRegisters(PDMA_ADAPTER DmaAdapter, PVOID MapRegisterBase,
                                 ULONG NumberOfMapRegisters)
{
    HalpGiveRegisters(HalpAdapter(DmaAdapter), MapRegisterBase, NumberOfMapRegisters);
}

/* A bus master has no channel of a system controller to give back. */
static VOID HalpFreeAdapterChannel(PDMA_ADAPTER DmaAdapter)
{
}

static ULONG HalpReadDmaCounter(PDMA_ADAPTER DmaAdapter)
{
    return 0;
}

static ULONG HalpGetDmaAlignment(PDMA_ADAPTER DmaAdapter)
{
    return 1;
}

/* ---- transfers ---- */

/* Where CurrentVa lies in the MDL: its page's index. */
static ULONG HalpPageIndex(PMDL Mdl, PVOID CurrentVa)
{
    return (ULONG)(((ULONG_PTR)CurrentVa - (ULONG_PTR)Mdl->StartVa) >> PAGE_SHIFT);
}

/* Copies between the pages of the MDL and the registers, from the one of CurrentVa on. */
static VOID HalpCopy(PHALP_DMA_ADAPTER Adapter, PMDL Mdl, PUCHAR Register, PVOID CurrentVa,
                     ULONG Length, BOOLEAN WriteToDevice)
{
    PPFN_NUMBER Frame = MmGetMdlPfnArray(Mdl) + HalpPageIndex(Mdl, CurrentVa);
    ULONG Offset = (ULONG)BYTE_OFFSET(CurrentVa);

    while (Length != 0) {
        ULONG Bytes = PAGE_SIZE - Offset < Length ? PAGE_SIZE - Offset : Length;
        PUCHAR Memory = (PUCHAR)MmPhysicalAddressToVirtual(*Frame++ << PAGE_SHIFT) + Offset;
        if (WriteToDevice) {
            RtlCopyMemory(Register + Offset, Memory, Bytes);
        } else {
            RtlCopyMemory(Memory, Register + Offset, Bytes);
        }
        Register += PAGE_SIZE;
        Length -= Bytes;
        Offset = 0;
    }
}

/* The register of CurrentVa, and for how many bytes from there registers follow in a row. */
static ULONG HalpRegisterOf(PHALP_DMA_ADAPTER Adapter, PMDL Mdl, PVOID Base, PVOID CurrentVa,
                            PULONG Bytes)
{
    ULONG First = HalpFirstRegister(Base), Count = Adapter->Counts[First];
    ULONG Slot = HalpPageIndex(Mdl, CurrentVa) % Count;
    *Bytes = (Count - Slot) * PAGE_SIZE - (ULONG)BYTE_OFFSET(CurrentVa);
    return First + Slot;
}

/* *Length becomes what lies in a row from the address that is returned. */
static PHYSICAL_ADDRESS HalpMapTransfer(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                        PVOID CurrentVa, PULONG Length, BOOLEAN WriteToDevice)
{
    PHALP_DMA_ADAPTER Adapter = HalpAdapter(DmaAdapter);
    ULONG Offset = (ULONG)BYTE_OFFSET(CurrentVa), Most;
    PHYSICAL_ADDRESS Address;

    if (MapRegisterBase == NULL) {
        PPFN_NUMBER Frame = MmGetMdlPfnArray(Mdl) + HalpPageIndex(Mdl, CurrentVa);
        Address.QuadPart = (LONGLONG)(*Frame << PAGE_SHIFT) + Offset;
        for (Most = PAGE_SIZE - Offset; Most < *Length && Frame[1] == Frame[0] + 1; Frame++) {
            Most += PAGE_SIZE;
        }
        *Length = Most < *Length ? Most : *Length;
        return Address;
    }
    ULONG Register = HalpRegisterOf(Adapter, Mdl, MapRegisterBase, CurrentVa, &Most);
    *Length = Most < *Length ? Most : *Length;
    if (WriteToDevice) {
        HalpCopy(Adapter, Mdl, Adapter->Pages + Register * PAGE_SIZE, CurrentVa, *Length, TRUE);
    }
    Address.QuadPart = (LONGLONG)(Adapter->PagesPhysical + Register * PAGE_SIZE) + Offset;
    return Address;
}

static BOOLEAN HalpFlushAdapterBuffers(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                       PVOID CurrentVa, ULONG Length, BOOLEAN WriteToDevice)
{
    PHALP_DMA_ADAPTER Adapter = HalpAdapter(DmaAdapter);

    while (MapRegisterBase != NULL && !WriteToDevice && Length != 0) {
        ULONG Bytes;
        ULONG Register = HalpRegisterOf(Adapter, Mdl, MapRegisterBase, CurrentVa, &Bytes);
        Bytes = Bytes < Length ? Bytes : Length;
        HalpCopy(Adapter, Mdl, Adapter->Pages + Register * PAGE_SIZE, CurrentVa, Bytes, FALSE);
        CurrentVa = (PUCHAR)CurrentVa + Bytes;
        Length -= Bytes;
    }
    return TRUE;
}

/* ---- scatter/gather lists ---- */

static VOID HalpFillList(PHALP_DMA_ADAPTER Adapter, PHALP_DMA_LIST List, BOOLEAN WriteToDevice)
{
    PUCHAR Va = List->CurrentVa;
    ULONG Left = List->Length;

    List->List.NumberOfElements = 0;
    List->List.Reserved = 0;
    while (Left != 0) {
        SCATTER_GATHER_ELEMENT *Element = &List->List.Elements[List->List.NumberOfElements++];
        ULONG Bytes = Left;
        Element->Address = HalpMapTransfer(&Adapter->Public, List->Mdl, List->Base, Va, &Bytes,
                                           WriteToDevice);
        Element->Length = Bytes;
        Element->Reserved = 0;
        Va += Bytes;
        Left -= Bytes;
    }
}

static BOOLEAN HalpIsInMdl(PMDL Mdl, PVOID CurrentVa, ULONG Length)
{
    ULONG_PTR Start = (ULONG_PTR)Mdl->StartVa + Mdl->ByteOffset;
    return Length != 0 && (ULONG_PTR)CurrentVa >= Start && Length <= Mdl->ByteCount &&
           (ULONG_PTR)CurrentVa - Start <= Mdl->ByteCount - Length;
}

/* An element for each page, and one more where the registers wrap. */
static NTSTATUS HalpCalculateScatterGatherList(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa,
                                               ULONG Length, PULONG ScatterGatherListSize,
                                               PULONG NumberOfMapRegisters)
{
    PHALP_DMA_ADAPTER Adapter = HalpAdapter(DmaAdapter);
    ULONG Pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(CurrentVa, Length);

    if (Mdl != NULL && !HalpIsInMdl(Mdl, CurrentVa, Length)) {
        return STATUS_INVALID_PARAMETER; /* NV: chains of MDLs are not followed */
    }
    *ScatterGatherListSize =
        (ULONG)(sizeof(HALP_DMA_LIST) + (Pages + 1) * sizeof(SCATTER_GATHER_ELEMENT));
    if (NumberOfMapRegisters != NULL) {
        *NumberOfMapRegisters = Pages;
    }
    return Pages <= Adapter->Registers ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS HalpStartList(PDMA_ADAPTER DmaAdapter, PHALP_DMA_LIST List,
                              const HALP_DMA_REQUEST *Template, const HALP_DMA_LIST *What)
{
    PHALP_DMA_REQUEST Request;
    NTSTATUS Status = HalpNewRequest(HalpAdapter(DmaAdapter), Template->Device, What->Registers,
                                     Template->Context, &Request);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *List = *What;
    Request->ListRoutine = Template->ListRoutine;
    Request->WriteToDevice = Template->WriteToDevice;
    Request->List = List;
    HalpRequestRegisters(Request);
    return STATUS_SUCCESS;
}

static NTSTATUS HalpBuildScatterGatherList(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                           PMDL Mdl, PVOID CurrentVa, ULONG Length,
                                           PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                                           BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer,
                                           ULONG ScatterGatherLength)
{
    const HALP_DMA_REQUEST Request = {.Device = DeviceObject, .Context = Context,
                                      .ListRoutine = ExecutionRoutine,
                                      .WriteToDevice = WriteToDevice};
    HALP_DMA_LIST What = {.Mdl = Mdl, .CurrentVa = CurrentVa, .Length = Length};
    ULONG Size;
    NTSTATUS Status = HalpCalculateScatterGatherList(DmaAdapter, Mdl, CurrentVa, Length, &Size,
                                                     &What.Registers);
    if (NT_SUCCESS(Status) && ScatterGatherLength < Size) {
        Status = STATUS_BUFFER_TOO_SMALL;
    }
    return NT_SUCCESS(Status) ? HalpStartList(DmaAdapter, ScatterGatherBuffer, &Request, &What)
                              : Status;
}

static NTSTATUS HalpGetScatterGatherList(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                         PMDL Mdl, PVOID CurrentVa, ULONG Length,
                                         PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                                         BOOLEAN WriteToDevice)
{
    const HALP_DMA_REQUEST Request = {.Device = DeviceObject, .Context = Context,
                                      .ListRoutine = ExecutionRoutine,
                                      .WriteToDevice = WriteToDevice};
    HALP_DMA_LIST What = {.Mdl = Mdl, .CurrentVa = CurrentVa, .Length = Length, .Ours = TRUE};
    ULONG Size;
    NTSTATUS Status = HalpCalculateScatterGatherList(DmaAdapter, Mdl, CurrentVa, Length, &Size,
                                                     &What.Registers);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PHALP_DMA_LIST List = ExAllocatePoolWithTag(NonPagedPoolNx, Size, DMA_TAG);
    if (List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = HalpStartList(DmaAdapter, List, &Request, &What);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(List, DMA_TAG);
    }
    return Status;
}

/* What came from the device is in the buffer afterwards. */
static VOID HalpPutScatterGatherList(PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather,
                                     BOOLEAN WriteToDevice)
{
    PHALP_DMA_LIST List = CONTAINING_RECORD(ScatterGather, HALP_DMA_LIST, List);
    PVOID Base = List->Base;
    ULONG Registers = List->Registers;

    HalpFlushAdapterBuffers(DmaAdapter, List->Mdl, Base, List->CurrentVa, List->Length,
                            WriteToDevice);
    if (List->Ours) {
        ExFreePoolWithTag(List, DMA_TAG);
    }
    HalpGiveRegisters(HalpAdapter(DmaAdapter), Base, Registers);
}

static NTSTATUS HalpBuildMdlFromScatterGatherList(PDMA_ADAPTER DmaAdapter,
                                                  PSCATTER_GATHER_LIST ScatterGather,
                                                  PMDL OriginalMdl, PMDL *TargetMdl)
{
    return STATUS_NOT_SUPPORTED;
}

/* ---- the adapter ---- */

static PVOID HalpAllocateCommonBuffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
                                      PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled)
{
    const PHYSICAL_ADDRESS Zero = {.QuadPart = 0};
    PHYSICAL_ADDRESS Highest = {.QuadPart = (LONGLONG)HalpAdapter(DmaAdapter)->Highest};
    PVOID Buffer = MmAllocateContiguousMemorySpecifyCache(Length, Zero, Highest, Zero,
                                                          CacheEnabled ? MmCached : MmNonCached);
    if (Buffer != NULL) {
        *LogicalAddress = MmGetPhysicalAddress(Buffer);
    }
    return Buffer;
}

static VOID HalpFreeCommonBuffer(PDMA_ADAPTER DmaAdapter, ULONG Length,
                                 PHYSICAL_ADDRESS LogicalAddress, PVOID VirtualAddress,
                                 BOOLEAN CacheEnabled)
{
    MmFreeContiguousMemorySpecifyCache(VirtualAddress, Length,
                                       CacheEnabled ? MmCached : MmNonCached);
}

static VOID HalpPutDmaAdapter(PDMA_ADAPTER DmaAdapter)
{
    PHALP_DMA_ADAPTER Adapter = HalpAdapter(DmaAdapter);
    if (Adapter->InUse != 0 || !IsListEmpty(&Adapter->Waiting)) {
        /* The device may be writing to them: they and the adapter stay. */
        IopReportFinding(IopFindingDmaRegisters,
                         "PutDmaAdapter of an adapter whose map registers are in use", Adapter);
        return;
    }
    if (Adapter->Pages != NULL) {
        MmFreeContiguousMemory(Adapter->Pages);
    }
    ExFreePoolWithTag(Adapter, DMA_TAG);
}

static DMA_OPERATIONS HalpDmaOperations = {
    .Size = sizeof(DMA_OPERATIONS),
    .PutDmaAdapter = HalpPutDmaAdapter,
    .AllocateCommonBuffer = HalpAllocateCommonBuffer,
    .FreeCommonBuffer = HalpFreeCommonBuffer,
    .AllocateAdapterChannel = HalpAllocateAdapterChannel,
    .FlushAdapterBuffers = HalpFlushAdapterBuffers,
    .FreeAdapterChannel = HalpFreeAdapterChannel,
    .FreeMapRegisters = HalpFreeMapRegisters,
    .MapTransfer = HalpMapTransfer,
    .GetDmaAlignment = HalpGetDmaAlignment,
    .ReadDmaCounter = HalpReadDmaCounter,
    .GetScatterGatherList = HalpGetScatterGatherList,
    .PutScatterGatherList = HalpPutScatterGatherList,
    .CalculateScatterGatherList = HalpCalculateScatterGatherList,
    .BuildScatterGatherList = HalpBuildScatterGatherList,
    .BuildMdlFromScatterGatherList = HalpBuildMdlFromScatterGatherList,
};

/* 24 bits, as on the ISA bus, unless the description says more. */
static ULONG64 HalpHighestAddress(PDEVICE_DESCRIPTION Description)
{
    ULONG Bits = Description->Dma64BitAddresses   ? 64
                 : Description->Dma32BitAddresses ? 32
                                                  : 24;
    if (Description->Version >= DEVICE_DESCRIPTION_VERSION3 && Description->DmaAddressWidth != 0) {
        Bits = Description->DmaAddressWidth;
    }
    return Bits >= 64 ? HAL_DMA_ALL : (1ull << Bits) - 1;
}

static ULONG64 HalpLastAddress(VOID)
{
    PPHYSICAL_MEMORY_RANGE Ranges = MmGetPhysicalMemoryRanges();
    ULONG64 Last = HAL_DMA_ALL; /* no memory for the list: as if the device could not reach all */
    if (Ranges != NULL) {
        Last = 0;
        for (ULONG i = 0; Ranges[i].NumberOfBytes.QuadPart != 0; i++) {
            ULONG64 End = (ULONG64)(Ranges[i].BaseAddress.QuadPart +
                                    Ranges[i].NumberOfBytes.QuadPart) - 1;
            Last = End > Last ? End : Last;
        }
        ExFreePool(Ranges);
    }
    return Last;
}

/*
 * NULL: no bus master, no memory, or none that the device reaches. PhysicalDeviceObject may be
 * NULL: nothing about the bus is asked of it.
 */
PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
                             PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters)
{
    if (!DeviceDescription->Master ||
        DeviceDescription->Version > DEVICE_DESCRIPTION_VERSION3) {
        return NULL;
    }
    PHALP_DMA_ADAPTER Adapter = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Adapter), DMA_TAG);
    if (Adapter == NULL) {
        return NULL;
    }
    RtlZeroMemory(Adapter, sizeof(*Adapter));
    Adapter->Public.Version = DeviceDescription->Version == DEVICE_DESCRIPTION_VERSION ? 1 : 2;
    Adapter->Public.Size = sizeof(*Adapter);
    Adapter->Public.DmaOperations = &HalpDmaOperations;
    Adapter->Highest = HalpHighestAddress(DeviceDescription);
    Adapter->Registers = (DeviceDescription->MaximumLength >> PAGE_SHIFT) + 2;
    KeInitializeSpinLock(&Adapter->Lock);
    InitializeListHead(&Adapter->Waiting);
    if (Adapter->Highest < HalpLastAddress()) {
        PHYSICAL_ADDRESS Highest = {.QuadPart = (LONGLONG)Adapter->Highest};
        Adapter->Registers =
            Adapter->Registers < DMA_REGISTERS_MOST ? Adapter->Registers : DMA_REGISTERS_MOST;
        Adapter->Pages = MmAllocateContiguousMemory(Adapter->Registers * PAGE_SIZE, Highest);
        if (Adapter->Pages == NULL) {
            ExFreePoolWithTag(Adapter, DMA_TAG);
            return NULL;
        }
        Adapter->PagesPhysical = (ULONG64)MmGetPhysicalAddress(Adapter->Pages).QuadPart;
    }
    *NumberOfMapRegisters = Adapter->Registers;
    return &Adapter->Public;
}
