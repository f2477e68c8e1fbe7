/* SPDX-License-Identifier: MIT */
/* DMA adapters, as a driver sees them. IRQL: IoGetDmaAdapter PASSIVE_LEVEL; operations below. */
#pragma once

#include "io.h"
#include "resource.h"

typedef enum _DMA_WIDTH { Width8Bits, Width16Bits, Width32Bits, Width64Bits, WidthNoWrap,
                          MaximumDmaWidth } DMA_WIDTH;
typedef enum _DMA_SPEED { Compatible, TypeA, TypeB, TypeC, TypeF, MaximumDmaSpeed } DMA_SPEED;

#define DEVICE_DESCRIPTION_VERSION 0
#define DEVICE_DESCRIPTION_VERSION1 1
#define DEVICE_DESCRIPTION_VERSION2 2
#define DEVICE_DESCRIPTION_VERSION3 3

typedef struct _DEVICE_DESCRIPTION {
    ULONG Version;
    BOOLEAN Master;
    BOOLEAN ScatterGather;
    BOOLEAN DemandMode;
    BOOLEAN AutoInitialize;
    BOOLEAN Dma32BitAddresses;
    BOOLEAN IgnoreCount;
    BOOLEAN Reserved1;
    BOOLEAN Dma64BitAddresses;
    ULONG BusNumber;
    ULONG DmaChannel;
    INTERFACE_TYPE InterfaceType;
    DMA_WIDTH DmaWidth;
    DMA_SPEED DmaSpeed;
    ULONG MaximumLength; /* bytes of the largest transfer */
    ULONG DmaPort;
    ULONG DmaAddressWidth; /* bits; from here on version 3 */
    ULONG DmaControllerInstance;
    ULONG DmaRequestLine;
    PHYSICAL_ADDRESS DeviceAddress;
} DEVICE_DESCRIPTION, *PDEVICE_DESCRIPTION;
C_ASSERT(offsetof(DEVICE_DESCRIPTION, DmaPort) == 36);

typedef struct _SCATTER_GATHER_ELEMENT {
    PHYSICAL_ADDRESS Address;
    ULONG Length;
    ULONG_PTR Reserved;
} SCATTER_GATHER_ELEMENT, *PSCATTER_GATHER_ELEMENT;

typedef struct _SCATTER_GATHER_LIST {
    ULONG NumberOfElements;
    ULONG_PTR Reserved;
    SCATTER_GATHER_ELEMENT Elements[];
} SCATTER_GATHER_LIST, *PSCATTER_GATHER_LIST;
C_ASSERT(sizeof(SCATTER_GATHER_ELEMENT) == 24);
C_ASSERT(sizeof(SCATTER_GATHER_LIST) == 16);

typedef struct _DMA_ADAPTER *PDMA_ADAPTER;
typedef VOID DRIVER_LIST_CONTROL(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                 PSCATTER_GATHER_LIST ScatterGather, PVOID Context);
typedef DRIVER_LIST_CONTROL *PDRIVER_LIST_CONTROL;

/* PASSIVE: PutDmaAdapter, ...CommonBuffer. DISPATCH: the others but where nothing is said. */
typedef struct _DMA_OPERATIONS {
    ULONG Size;
    VOID (*PutDmaAdapter)(PDMA_ADAPTER DmaAdapter);
    PVOID (*AllocateCommonBuffer)(PDMA_ADAPTER DmaAdapter, ULONG Length,
                                  PPHYSICAL_ADDRESS LogicalAddress, BOOLEAN CacheEnabled);
    VOID (*FreeCommonBuffer)(PDMA_ADAPTER DmaAdapter, ULONG Length, PHYSICAL_ADDRESS LogicalAddress,
                             PVOID VirtualAddress, BOOLEAN CacheEnabled);
    NTSTATUS (*AllocateAdapterChannel)(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                       ULONG NumberOfMapRegisters,
                                       PDRIVER_CONTROL ExecutionRoutine, PVOID Context);
    BOOLEAN (*FlushAdapterBuffers)(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                   PVOID CurrentVa, ULONG Length, BOOLEAN WriteToDevice);
    VOID (*FreeAdapterChannel)(PDMA_ADAPTER DmaAdapter);
    VOID (*FreeMapRegisters)(PDMA_ADAPTER DmaAdapter, PVOID MapRegisterBase,
                             ULONG NumberOfMapRegisters);
    PHYSICAL_ADDRESS (*MapTransfer)(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
                                    PVOID CurrentVa, PULONG Length, BOOLEAN WriteToDevice);
    ULONG (*GetDmaAlignment)(PDMA_ADAPTER DmaAdapter); /* any IRQL */
    ULONG (*ReadDmaCounter)(PDMA_ADAPTER DmaAdapter);
    NTSTATUS (*GetScatterGatherList)(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                     PMDL Mdl, PVOID CurrentVa, ULONG Length,
                                     PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                                     BOOLEAN WriteToDevice);
    VOID (*PutScatterGatherList)(PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather,
                                 BOOLEAN WriteToDevice);
    /* <= DISPATCH_LEVEL */
    NTSTATUS (*CalculateScatterGatherList)(PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa,
                                           ULONG Length, PULONG ScatterGatherListSize,
                                           PULONG NumberOfMapRegisters);
    NTSTATUS (*BuildScatterGatherList)(PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
                                       PMDL Mdl, PVOID CurrentVa, ULONG Length,
                                       PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
                                       BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer,
                                       ULONG ScatterGatherLength);
    NTSTATUS (*BuildMdlFromScatterGatherList)(PDMA_ADAPTER DmaAdapter,
                                              PSCATTER_GATHER_LIST ScatterGather,
                                              PMDL OriginalMdl, PMDL *TargetMdl);
} DMA_OPERATIONS, *PDMA_OPERATIONS;
C_ASSERT(sizeof(DMA_OPERATIONS) == 128);

typedef struct _DMA_ADAPTER {
    USHORT Version;
    USHORT Size;
    PDMA_OPERATIONS DmaOperations;
} DMA_ADAPTER;
C_ASSERT(sizeof(DMA_ADAPTER) == 16);

#ifdef _WIN32
PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
                             PDEVICE_DESCRIPTION DeviceDescription, PULONG NumberOfMapRegisters);
#endif
