/* SPDX-License-Identifier: MIT */
/*
 * HalAssignSlotResources: what a driver that is not Plug and Play asks for its device. Devices were
 * given all they need at start (pci_assign.c), so nothing is assigned here; the answer is a list of
 * it. Two drivers that ask for the same device both get it: nobody keeps who owns what.
 */
#include "hal/hal.h"

#include "hal/pci_assign.h"
#include "nt/pool.h"

#define HAL_TAG_RESOURCES 0x52736c48u /* 'HlsR' */

static VOID HalpDescribeMemory(PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor,
                               const HAL_PCI_RANGE *Range)
{
    Descriptor->Type = CmResourceTypeMemory;
    Descriptor->ShareDisposition = CmResourceShareDeviceExclusive;
    Descriptor->Flags = CM_RESOURCE_MEMORY_READ_WRITE;
    Descriptor->u.Memory.Start.QuadPart = (LONGLONG)Range->Address;
    Descriptor->u.Memory.Length = (ULONG)Range->Size; /* the window is below 4 GB */
}

/* As the bus has it: for HalGetInterruptVector, not for IoConnectInterrupt. */
static VOID HalpDescribeInterrupt(PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, UCHAR Line)
{
    Descriptor->Type = CmResourceTypeInterrupt;
    Descriptor->ShareDisposition = CmResourceShareShared;
    Descriptor->Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
    Descriptor->u.Interrupt.Level = Line;
    Descriptor->u.Interrupt.Vector = Line;
    Descriptor->u.Interrupt.Affinity = ~(KAFFINITY)0;
}

/*
 * PASSIVE_LEVEL. The caller frees the list with ExFreePool. STATUS_NO_SUCH_DEVICE: no such bus, or
 * nothing in the slot; STATUS_CONFLICTING_ADDRESSES: the device's memory found no room.
 */
NTSTATUS HalAssignSlotResources(PUNICODE_STRING RegistryPath, PUNICODE_STRING DriverClassName,
                                struct _DRIVER_OBJECT *DriverObject,
                                struct _DEVICE_OBJECT *DeviceObject, INTERFACE_TYPE BusType,
                                ULONG BusNumber, ULONG SlotNumber,
                                PCM_RESOURCE_LIST *AllocatedResources)
{
    const HAL_PCI_FUNCTION *Function =
        BusType == PCIBus ? HalpFindPciFunction(BusNumber, SlotNumber) : NULL;
    *AllocatedResources = NULL;
    if (Function == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    ULONG Count = 0;
    for (ULONG Index = 0; Index < PCI_TYPE0_ADDRESSES; Index++) {
        if (Function->Range[Index].Size != 0 && Function->Range[Index].Address == 0) {
            return STATUS_CONFLICTING_ADDRESSES;
        }
        Count += Function->Range[Index].Size != 0;
    }
    Count += Function->Line != 0;
    SIZE_T Size = FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) +
                  Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    PCM_RESOURCE_LIST List = ExAllocatePoolWithTag(
        PagedPool, Size < sizeof(*List) ? sizeof(*List) : Size, HAL_TAG_RESOURCES);
    if (List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __builtin_memset(List, 0, Size);
    List->Count = 1;
    List->List[0].InterfaceType = BusType;
    List->List[0].BusNumber = BusNumber;
    List->List[0].PartialResourceList.Version = 1;
    List->List[0].PartialResourceList.Revision = 1;
    List->List[0].PartialResourceList.Count = Count;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Next = List->List[0].PartialResourceList.PartialDescriptors;
    for (ULONG Index = 0; Index < PCI_TYPE0_ADDRESSES; Index++) {
        if (Function->Range[Index].Size != 0) {
            HalpDescribeMemory(Next++, &Function->Range[Index]);
        }
    }
    if (Function->Line != 0) {
        HalpDescribeInterrupt(Next, Function->Line);
    }
    *AllocatedResources = List;
    return STATUS_SUCCESS;
}
