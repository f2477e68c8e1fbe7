/* SPDX-License-Identifier: MIT */
/* Hal, as a driver sees it: bus interrupts, bus addresses, configuration bytes, bug check calls. */
#pragma once

#include "bug_check.h"
#include "ke.h"
#include "pci.h"
#include "resource.h"

struct _DRIVER_OBJECT;
struct _DEVICE_OBJECT;

typedef enum _BUS_DATA_TYPE {
    ConfigurationSpaceUndefined = -1,
    Cmos,
    EisaConfiguration,
    Pos,
    CbusConfiguration,
    PCIConfiguration,
    VMEConfiguration,
    NuBusConfiguration,
    PCMCIAConfiguration,
    MPIConfiguration,
    MPSAConfiguration,
    PNPISAConfiguration,
    SgiInternalConfiguration,
    MaximumBusDataType
} BUS_DATA_TYPE, *PBUS_DATA_TYPE;

/* Ports, inline as in the WDK's x64 headers. Any IRQL. */
FORCEINLINE UCHAR READ_PORT_UCHAR(PUCHAR Port)
{
    UCHAR Value;
    __asm__ volatile("inb %w1, %0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}

FORCEINLINE VOID WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value)
{
    __asm__ volatile("outb %0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}

/*
 * Registers in memory that MmMapIoSpace has mapped uncached; inline as in the WDK's x64 headers. A
 * write is over, as far as the processor goes, before what follows. Any IRQL.
 */
#define NT_REGISTER_ACCESS(type)                                                  \
    FORCEINLINE type READ_REGISTER_##type(volatile type *Register)                \
    {                                                                             \
        return *Register;                                                         \
    }                                                                             \
    FORCEINLINE VOID WRITE_REGISTER_##type(volatile type *Register, type Value)   \
    {                                                                             \
        *Register = Value;                                                        \
        __sync_synchronize();                                                     \
    }
NT_REGISTER_ACCESS(UCHAR)
NT_REGISTER_ACCESS(USHORT)
NT_REGISTER_ACCESS(ULONG)
NT_REGISTER_ACCESS(ULONG64)

typedef enum _FIRMWARE_REENTRY {
    HalHaltRoutine,
    HalPowerDownRoutine,
    HalRestartRoutine,
    HalRebootRoutine,
    HalInteractiveModeRoutine,
    HalMaximumRoutine
} FIRMWARE_REENTRY;

typedef struct _PHYSICAL_COUNTER_RESOURCE_LIST *PPHYSICAL_COUNTER_RESOURCE_LIST;

#ifdef _WIN32

VOID HalReturnToFirmware(FIRMWARE_REENTRY Action);
/* The processor's performance counters, for one owner at a time. PASSIVE_LEVEL */
NTSTATUS HalAllocateHardwareCounters(PGROUP_AFFINITY GroupAffinity, ULONG GroupCount,
                                     PPHYSICAL_COUNTER_RESOURCE_LIST ResourceList,
                                     PHANDLE CounterSetHandle);
NTSTATUS HalFreeHardwareCounters(HANDLE CounterSetHandle);

/*
 * Level and vector are the ISA interrupt, or a PCI function's InterruptLine. Returns 0 for an
 * interrupt that this machine does not have.
 */
ULONG HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                            ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                            PKAFFINITY Affinity);
/*
 * The memory and interrupts of the PCI device in a slot, as its bus has them; for drivers that are
 * not Plug and Play. The caller frees the list with ExFreePool. PASSIVE_LEVEL.
 */
NTSTATUS HalAssignSlotResources(PUNICODE_STRING RegistryPath, PUNICODE_STRING DriverClassName,
                                struct _DRIVER_OBJECT *DriverObject,
                                struct _DEVICE_OBJECT *DeviceObject, INTERFACE_TYPE BusType,
                                ULONG BusNumber, ULONG SlotNumber,
                                PCM_RESOURCE_LIST *AllocatedResources);
/* AddressSpace: 0 memory, 1 ports, in and out. */
BOOLEAN HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                               PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                               PPHYSICAL_ADDRESS TranslatedAddress);
/*
 * Bytes of CMOS or of a PCI function's configuration space; return how many. 0: there is no such
 * bus or offset. For a PCI slot without a device the two that read return 2, and the buffer begins
 * with PCI_INVALID_VENDORID; the two that write return 0.
 */
ULONG HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                    ULONG Length);
ULONG HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length);
ULONG HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                    ULONG Length);
ULONG HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length);

KIRQL KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt);
VOID KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql);

#endif /* _WIN32 */
