/* SPDX-License-Identifier: MIT */
/* DMA by QEMU's edu device. See README.md. */
#include <ntddk.h>

#include "devices/edu.h"

#define DMA_TAG 'amdE'
#define LARGE_BYTES (8 * PAGE_SIZE)
#define PATIENCE 5000 /* ms, of looking at a device that takes 100 ms */

/* Direct: what the buffer holds goes through the device and comes back inverted by this driver. */
#define IOCTL_DMA_COPY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_OUT_DIRECT, FILE_ANY_ACCESS)

typedef struct _DMA_DEVICE {
    PUCHAR Registers;
    PDMA_ADAPTER Adapter;
    ULONG MapRegisters;
    ULONG Width;
} DMA_DEVICE, *PDMA_DEVICE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD DmaUnload;
DRIVER_DISPATCH DmaOpen, DmaControl;
static NTSTATUS DmaTestAll(PDEVICE_OBJECT DeviceObject, PMDL Mdl, ULONG Length);
static BOOLEAN DmaFind(PDMA_DEVICE Device);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, DmaFind)
#pragma alloc_text(PAGE, DmaUnload)
#pragma alloc_text(PAGE, DmaOpen)
#pragma alloc_text(PAGE, DmaControl)
#pragma alloc_text(PAGE, DmaTestAll)

#define CHECK(condition)                                             \
    do {                                                             \
        if (!(condition)) {                                          \
            DbgPrint("edu-dma: line %d: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                              \
        }                                                            \
    } while (0)

static VOID DmaWrite(PDMA_DEVICE Device, ULONG Register, ULONG64 Value)
{
    *(volatile ULONG64 *)(Device->Registers + Register) = Value;
}

/* One transfer of at most the device's memory, waited for at PASSIVE_LEVEL. */
static NTSTATUS DmaTransfer(PDMA_DEVICE Device, ULONG64 Address, ULONG Length, BOOLEAN FromDevice)
{
    LARGE_INTEGER Millisecond = {.QuadPart = -10000};
    ULONG64 Source = FromDevice ? EDU_DMA_BUFFER : Address;
    DmaWrite(Device, EDU_DMA_SOURCE, Source);
    DmaWrite(Device, EDU_DMA_TARGET, FromDevice ? Address : EDU_DMA_BUFFER);
    DmaWrite(Device, EDU_DMA_COUNT, Length);
    DmaWrite(Device, EDU_DMA_COMMAND, EDU_DMA_START | (FromDevice ? EDU_DMA_FROM_DEVICE : 0));
    for (ULONG i = 0; i < PATIENCE; i++) {
        if (!(*(volatile ULONG64 *)(Device->Registers + EDU_DMA_COMMAND) & EDU_DMA_START)) {
            return STATUS_SUCCESS;
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Millisecond);
    }
    return STATUS_IO_TIMEOUT;
}

static PDMA_ADAPTER DmaGetAdapter(ULONG Width, ULONG MaximumLength, PULONG MapRegisters)
{
    DEVICE_DESCRIPTION Description = {
        .Version = DEVICE_DESCRIPTION_VERSION3,
        .Master = TRUE,
        .ScatterGather = TRUE,
        .InterfaceType = PCIBus,
        .MaximumLength = MaximumLength,
        .DmaAddressWidth = Width,
    };
    return IoGetDmaAdapter(NULL, &Description, MapRegisters);
}

/* ---- scatter/gather lists: each element goes through the device ---- */

typedef struct _DMA_LIST {
    KEVENT Ready;
    PSCATTER_GATHER_LIST List;
} DMA_LIST;

static VOID DmaListReady(PDEVICE_OBJECT DeviceObject, PIRP Irp, PSCATTER_GATHER_LIST List,
                         PVOID Context)
{
    DMA_LIST *Waiting = Context;
    Waiting->List = List;
    KeSetEvent(&Waiting->Ready, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS DmaGetList(PDMA_DEVICE Device, PDEVICE_OBJECT DeviceObject, PMDL Mdl, PVOID Va,
                           ULONG Length, BOOLEAN Write, DMA_LIST *Waiting)
{
    KIRQL OldIrql;
    Waiting->List = NULL;
    KeInitializeEvent(&Waiting->Ready, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    NTSTATUS Status = Device->Adapter->DmaOperations->GetScatterGatherList(
        Device->Adapter, DeviceObject, Mdl, Va, Length, DmaListReady, Waiting, Write);
    KeLowerIrql(OldIrql);
    return Status;
}

static VOID DmaPutList(PDMA_DEVICE Device, PSCATTER_GATHER_LIST List, BOOLEAN Write)
{
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Device->Adapter->DmaOperations->PutScatterGatherList(Device->Adapter, List, Write);
    KeLowerIrql(OldIrql);
}

/* Length is at most what the device holds. */
static NTSTATUS DmaByList(PDMA_DEVICE Device, PDEVICE_OBJECT DeviceObject, PMDL Mdl, PVOID Va,
                          ULONG Length, BOOLEAN Write)
{
    DMA_LIST Waiting;
    ULONG Total = 0;
    NTSTATUS Status = DmaGetList(Device, DeviceObject, Mdl, Va, Length, Write, &Waiting);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeWaitForSingleObject(&Waiting.Ready, Executive, KernelMode, FALSE, NULL);
    PSCATTER_GATHER_LIST List = Waiting.List;
    for (ULONG i = 0; i < List->NumberOfElements && NT_SUCCESS(Status); i++) {
        ULONG64 Address = (ULONG64)List->Elements[i].Address.QuadPart;
        CHECK(Address + List->Elements[i].Length <= 1ull << Device->Width);
        Total += List->Elements[i].Length;
        /* The device has room for one: a second element is only looked at. */
        if (i == 0) {
            Status = DmaTransfer(Device, Address, List->Elements[i].Length, !Write);
        }
    }
    DmaPutList(Device, List, Write);
    CHECK(Total == Length);
    return Status;
}

/* A buffer of ours in one page goes out and comes back to another one. */
static NTSTATUS DmaTestLists(PDMA_DEVICE Device, PDEVICE_OBJECT DeviceObject)
{
    PUCHAR Pages = ExAllocatePoolWithTag(NonPagedPoolNx, LARGE_BYTES, DMA_TAG);
    CHECK(Pages != NULL);
    PUCHAR Out = Pages + 100, Back = Pages + PAGE_SIZE + 200;
    PMDL Mdl = IoAllocateMdl(Pages, LARGE_BYTES, FALSE, FALSE, NULL);
    CHECK(Mdl != NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    for (ULONG i = 0; i < LARGE_BYTES; i++) {
        Pages[i] = (UCHAR)(i * 7 + (i >> 8));
    }
    NTSTATUS Status = DmaByList(Device, DeviceObject, Mdl, Out, 3000, TRUE);
    CHECK(Status == STATUS_SUCCESS);
    Status = DmaByList(Device, DeviceObject, Mdl, Back, 3000, FALSE);
    CHECK(Status == STATUS_SUCCESS);
    CHECK(RtlEqualMemory(Out, Back, 3000));
    CHECK(Back[-1] == (UCHAR)((PAGE_SIZE + 199) * 7 + ((PAGE_SIZE + 199) >> 8)));
    /* Not in the MDL; of no length. */
    DMA_LIST Waiting;
    CHECK(!NT_SUCCESS(DmaGetList(Device, DeviceObject, Mdl, Pages, LARGE_BYTES + 1, TRUE,
                                 &Waiting)));
    CHECK(!NT_SUCCESS(DmaGetList(Device, DeviceObject, Mdl, Pages - 1, 10, TRUE, &Waiting)));
    CHECK(!NT_SUCCESS(DmaGetList(Device, DeviceObject, Mdl, Pages, 0, TRUE, &Waiting)));
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Pages, DMA_TAG);
    return STATUS_SUCCESS;
}

/* More lists than there are map registers: the last waits until one is put. */
static NTSTATUS DmaTestLine(PDMA_DEVICE Device, PDEVICE_OBJECT DeviceObject)
{
    PUCHAR Pages = ExAllocatePoolWithTag(NonPagedPoolNx, LARGE_BYTES, DMA_TAG);
    CHECK(Pages != NULL);
    PMDL Mdl = IoAllocateMdl(Pages, LARGE_BYTES, FALSE, FALSE, NULL);
    CHECK(Mdl != NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    DMA_LIST First, Second;
    CHECK(DmaGetList(Device, DeviceObject, Mdl, Pages, LARGE_BYTES, TRUE, &First) ==
          STATUS_SUCCESS);
    CHECK(First.List != NULL);
    CHECK(DmaGetList(Device, DeviceObject, Mdl, Pages, LARGE_BYTES, TRUE, &Second) ==
          STATUS_SUCCESS);
    /* With 28 bits and less than 256 MB there are no registers to be short of. */
    CHECK(Second.List == NULL || Device->Width != 24);
    DmaPutList(Device, First.List, TRUE);
    KeWaitForSingleObject(&Second.Ready, Executive, KernelMode, FALSE, NULL);
    DmaPutList(Device, Second.List, TRUE);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Pages, DMA_TAG);
    return STATUS_SUCCESS;
}

/* ---- adapter channel, the driver's own list, common buffer ---- */

typedef struct _DMA_CHANNEL {
    PVOID Base;
    BOOLEAN Called;
} DMA_CHANNEL;

static IO_ALLOCATION_ACTION DmaChannelReady(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Base,
                                            PVOID Context)
{
    DMA_CHANNEL *Channel = Context;
    Channel->Base = Base;
    Channel->Called = TRUE;
    return DeallocateObjectKeepRegisters;
}

static NTSTATUS DmaTestChannel(PDMA_DEVICE Device, PDEVICE_OBJECT DeviceObject, PMDL Mdl,
                               ULONG Length)
{
    const DMA_OPERATIONS *Do = Device->Adapter->DmaOperations;
    PUCHAR Va = MmGetMdlVirtualAddress(Mdl);
    ULONG Count = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Length), Most = Device->MapRegisters;
    DMA_CHANNEL Channel = {0};
    KIRQL OldIrql;

    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    NTSTATUS TooMany = Do->AllocateAdapterChannel(Device->Adapter, DeviceObject, Most + 1,
                                                  DmaChannelReady, &Channel);
    NTSTATUS Status = Do->AllocateAdapterChannel(Device->Adapter, DeviceObject, Count,
                                                 DmaChannelReady, &Channel);
    KeLowerIrql(OldIrql);
    CHECK(TooMany == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(Status == STATUS_SUCCESS && Channel.Called);
    /* A piece at a time: out, and back into the same place, inverted by the processor between. */
    for (ULONG Done = 0; Done < Length;) {
        PUCHAR System = (PUCHAR)MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority) + Done;
        ULONG Piece = Length - Done < EDU_DMA_MOST ? Length - Done : EDU_DMA_MOST;
        ULONG First = System[0];
        PHYSICAL_ADDRESS Address = Do->MapTransfer(Device->Adapter, Mdl, Channel.Base, Va + Done,
                                                   &Piece, TRUE);
        CHECK((ULONG64)Address.QuadPart + Piece <= 1ull << Device->Width && Piece != 0);
        CHECK(DmaTransfer(Device, (ULONG64)Address.QuadPart, Piece, FALSE) == STATUS_SUCCESS);
        CHECK(Do->FlushAdapterBuffers(Device->Adapter, Mdl, Channel.Base, Va + Done, Piece, TRUE));
        RtlFillMemory(System, Piece, 0xee);
        ULONG Again = Piece;
        Address = Do->MapTransfer(Device->Adapter, Mdl, Channel.Base, Va + Done, &Again, FALSE);
        CHECK(Again == Piece);
        CHECK(DmaTransfer(Device, (ULONG64)Address.QuadPart, Piece, TRUE) == STATUS_SUCCESS);
        CHECK(Do->FlushAdapterBuffers(Device->Adapter, Mdl, Channel.Base, Va + Done, Piece,
                                      FALSE));
        CHECK(System[0] == First);
        for (ULONG i = 0; i < Piece; i++) {
            System[i] = (UCHAR)~System[i];
        }
        Done += Piece;
    }
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    Do->FreeMapRegisters(Device->Adapter, Channel.Base, Count);
    KeLowerIrql(OldIrql);
    return STATUS_SUCCESS;
}

static NTSTATUS DmaTestBuffers(PDMA_DEVICE Device, PDEVICE_OBJECT DeviceObject, PMDL Mdl,
                               ULONG Length)
{
    const DMA_OPERATIONS *Do = Device->Adapter->DmaOperations;
    PHYSICAL_ADDRESS Address = {0};
    ULONG Size = 0, Count = 0;
    DMA_LIST Waiting = {0};
    KIRQL OldIrql;
    PVOID Va = MmGetMdlVirtualAddress(Mdl);

    PUCHAR Common = Do->AllocateCommonBuffer(Device->Adapter, PAGE_SIZE, &Address, TRUE);
    CHECK(Common != NULL && (ULONG64)Address.QuadPart + PAGE_SIZE <= 1ull << Device->Width);
    for (ULONG i = 0; i < PAGE_SIZE; i++) {
        Common[i] = (UCHAR)(i ^ (i >> 4));
    }
    CHECK(DmaTransfer(Device, (ULONG64)Address.QuadPart, EDU_DMA_MOST, FALSE) == STATUS_SUCCESS);
    RtlZeroMemory(Common, PAGE_SIZE);
    CHECK(DmaTransfer(Device, (ULONG64)Address.QuadPart, EDU_DMA_MOST, TRUE) == STATUS_SUCCESS);
    CHECK(Common[77] == (UCHAR)(77 ^ (77 >> 4)) && Common[4094] == (UCHAR)(4094 ^ (4094 >> 4)));
    Do->FreeCommonBuffer(Device->Adapter, PAGE_SIZE, Address, Common, TRUE);

    CHECK(Do->CalculateScatterGatherList(Device->Adapter, Mdl, Va, Length, &Size, &Count) ==
          STATUS_SUCCESS);
    CHECK(Count == ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Length));
    PVOID Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Size, DMA_TAG);
    CHECK(Buffer != NULL);
    KeInitializeEvent(&Waiting.Ready, NotificationEvent, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    NTSTATUS Short = Do->BuildScatterGatherList(Device->Adapter, DeviceObject, Mdl, Va, Length,
                                                DmaListReady, &Waiting, TRUE, Buffer, Size - 1);
    NTSTATUS Status = Do->BuildScatterGatherList(Device->Adapter, DeviceObject, Mdl, Va, Length,
                                                 DmaListReady, &Waiting, TRUE, Buffer, Size);
    if (NT_SUCCESS(Status)) {
        Do->PutScatterGatherList(Device->Adapter, Waiting.List, TRUE);
    }
    KeLowerIrql(OldIrql);
    CHECK(Short == STATUS_BUFFER_TOO_SMALL && Status == STATUS_SUCCESS);
    ExFreePoolWithTag(Buffer, DMA_TAG);
    CHECK(Do->GetDmaAlignment(Device->Adapter) == 1);
    return STATUS_SUCCESS;
}

/* With each width; the caller's buffer is inverted by each, so twice is as it was. */
static NTSTATUS DmaTestAll(PDEVICE_OBJECT DeviceObject, PMDL Mdl, ULONG Length)
{
    static const ULONG Widths[] = {28, 24};
    PDMA_DEVICE Device = DeviceObject->DeviceExtension;
    DEVICE_DESCRIPTION Slave = {.Version = DEVICE_DESCRIPTION_VERSION, .MaximumLength = 4096};
    ULONG Count;
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    CHECK(IoGetDmaAdapter(NULL, &Slave, &Count) == NULL);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Widths) && NT_SUCCESS(Status); i++) {
        Device->Width = Widths[i];
        Device->Adapter = DmaGetAdapter(Widths[i], LARGE_BYTES, &Device->MapRegisters);
        CHECK(Device->Adapter != NULL && Device->MapRegisters >= LARGE_BYTES / PAGE_SIZE + 1);
        Status = DmaTestLists(Device, DeviceObject);
        Status = NT_SUCCESS(Status) ? DmaTestLine(Device, DeviceObject) : Status;
        Status = NT_SUCCESS(Status) ? DmaTestBuffers(Device, DeviceObject, Mdl, Length) : Status;
        Status = NT_SUCCESS(Status) ? DmaTestChannel(Device, DeviceObject, Mdl, Length) : Status;
        Device->Adapter->DmaOperations->PutDmaAdapter(Device->Adapter);
    }
    return Status;
}

NTSTATUS DmaOpen(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS DmaControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Length = Stack->Parameters.DeviceIoControl.OutputBufferLength;
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_DMA_COPY) {
        Status = Irp->MdlAddress == NULL || Length > LARGE_BYTES
                     ? STATUS_INVALID_PARAMETER
                     : DmaTestAll(DeviceObject, Irp->MdlAddress, Length);
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = NT_SUCCESS(Status) ? Length : 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The device's registers; it may master the bus from here on. */
static BOOLEAN DmaFind(PDMA_DEVICE Device)
{
    for (ULONG Number = 0; Number < PCI_MAX_DEVICES; Number++) {
        PCI_SLOT_NUMBER Slot = {.u.bits.DeviceNumber = Number};
        PCI_COMMON_CONFIG Configuration;
        PHYSICAL_ADDRESS Bus, Physical;
        ULONG Space = 0;
        if (HalGetBusData(PCIConfiguration, 0, Slot.u.AsULONG, &Configuration,
                          PCI_COMMON_HDR_LENGTH) != PCI_COMMON_HDR_LENGTH ||
            Configuration.VendorID != EDU_VENDOR_ID || Configuration.DeviceID != EDU_DEVICE_ID) {
            continue;
        }
        Bus.QuadPart = Configuration.u.type0.BaseAddresses[0] & PCI_ADDRESS_MEMORY_ADDRESS_MASK;
        USHORT Command = Configuration.Command | PCI_ENABLE_BUS_MASTER;
        HalSetBusDataByOffset(PCIConfiguration, 0, Slot.u.AsULONG, &Command,
                              FIELD_OFFSET(PCI_COMMON_CONFIG, Command), sizeof(Command));
        if (HalTranslateBusAddress(PCIBus, 0, Bus, &Space, &Physical)) {
            Device->Registers = MmMapIoSpace(Physical, EDU_REGISTERS_SIZE, MmNonCached);
        }
        return Device->Registers != NULL;
    }
    return FALSE;
}

VOID DmaUnload(PDRIVER_OBJECT DriverObject)
{
    PDMA_DEVICE Device = DriverObject->DeviceObject->DeviceExtension;
    PAGED_CODE();
    MmUnmapIoSpace(Device->Registers, EDU_REGISTERS_SIZE);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\EduDma");
    PDEVICE_OBJECT DeviceObject;

    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(DMA_DEVICE), &Name, FILE_DEVICE_UNKNOWN,
                                     0, TRUE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!DmaFind(DeviceObject->DeviceExtension)) {
        IoDeleteDevice(DeviceObject);
        return STATUS_NO_SUCH_DEVICE;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DmaOpen;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = DmaOpen;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DmaControl;
    DriverObject->DriverUnload = DmaUnload;
    return STATUS_SUCCESS;
}
