/* SPDX-License-Identifier: MIT */
/*
 * Walks a PCI bus once and assigns. The devices are emulated, and a driver's author may have
 * written one: every answer is bounded, and one that is impossible costs only that device.
 *
 * The size of a memory range is what its base address register keeps of a word of ones. While that
 * word stands there the function must not decode memory.
 */
#include "hal/pci_assign.h"

#define REGISTER_ID 0x00
#define REGISTER_COMMAND 0x04 /* its upper half is the status, where written ones clear */
#define REGISTER_HEADER_TYPE 0x0c
#define REGISTER_BASE_ADDRESS 0x10
#define REGISTER_INTERRUPT 0x3c

#define HEADER_TYPE(Register) ((UCHAR)((Register) >> 16))
#define INTERRUPT_PIN(Register) ((UCHAR)((Register) >> 8))

/* What a base address register keeps of a word of ones. */
static ULONG HalpProbeBaseAddress(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register)
{
    Bus->Write(Bus, Function, Register, MAXULONG);
    return Bus->Read(Bus, Function, Register);
}

/* 0: no power of two, or so small that its bits would be those of the type. */
static ULONG64 HalpSizeOfMask(ULONG64 Mask)
{
    ULONG64 Size = ~Mask + 1;
    return Size >= 16 && (Size & (Size - 1)) == 0 ? Size : 0;
}

/*
 * The next free address of that size, on a multiple of it and of a page, so that a driver that maps
 * its device's page gets no other device with it. 0: there is none.
 */
static ULONG64 HalpTakeAddress(PHAL_PCI_BUS Bus, ULONG64 Size)
{
    ULONG64 Unit = Size < PAGE_SIZE ? PAGE_SIZE : Size;
    if (Bus->Next > Bus->End || Unit > Bus->End) {
        return 0;
    }
    ULONG64 Address = (Bus->Next + Unit - 1) & ~(Unit - 1);
    if (Address < Bus->Next || Address > Bus->End - Unit) {
        return 0;
    }
    Bus->Next = Address + Unit;
    return Address;
}

/*
 * One base address register, or two that belong together; returns how many. Ports get no address:
 * the machine's bus has no window for them. Nor does memory that must lie below 1 MB.
 */
static ULONG HalpAssignBaseAddress(PHAL_PCI_BUS Bus, ULONG Function, ULONG Index,
                                   PHAL_PCI_RANGE Range)
{
    ULONG Register = REGISTER_BASE_ADDRESS + Index * 4;
    ULONG Low = HalpProbeBaseAddress(Bus, Function, Register);
    ULONG Type = Low & PCI_ADDRESS_MEMORY_TYPE_MASK;
    ULONG64 High = MAXULONG;
    ULONG Count = 1;
    if (!(Low & PCI_ADDRESS_IO_SPACE) && Type == PCI_TYPE_64BIT &&
        Index + 1 < PCI_TYPE0_ADDRESSES) {
        High = HalpProbeBaseAddress(Bus, Function, Register + 4);
        Count = 2;
    }
    if (!(Low & PCI_ADDRESS_IO_SPACE) && (Type == PCI_TYPE_32BIT || Count == 2) && Low != 0) {
        Range->Size = HalpSizeOfMask(High << 32 | (Low & PCI_ADDRESS_MEMORY_ADDRESS_MASK));
        Range->Address = Range->Size != 0 ? HalpTakeAddress(Bus, Range->Size) : 0;
    }
    Bus->Write(Bus, Function, Register, (ULONG)Range->Address);
    if (Count == 2) {
        Bus->Write(Bus, Function, Register + 4, (ULONG)(Range->Address >> 32));
    }
    return Count;
}

static VOID HalpAssignMemory(PHAL_PCI_BUS Bus, ULONG Number, PHAL_PCI_FUNCTION Function)
{
    ULONG Command = Bus->Read(Bus, Number, REGISTER_COMMAND) & 0xffff;
    Command &= ~(ULONG)(PCI_ENABLE_IO_SPACE | PCI_ENABLE_MEMORY_SPACE);
    Bus->Write(Bus, Number, REGISTER_COMMAND, Command);
    for (ULONG Index = 0; Index < PCI_TYPE0_ADDRESSES;) {
        Index += HalpAssignBaseAddress(Bus, Number, Index, &Function->Range[Index]);
    }
    BOOLEAN Any = FALSE, All = TRUE;
    for (ULONG Index = 0; Index < PCI_TYPE0_ADDRESSES; Index++) {
        Any |= Function->Range[Index].Size != 0;
        All &= Function->Range[Index].Size == 0 || Function->Range[Index].Address != 0;
    }
    Function->Enabled = Any && All;
    if (Function->Enabled) {
        Bus->Write(Bus, Number, REGISTER_COMMAND, Command | PCI_ENABLE_MEMORY_SPACE);
    }
}

/*
 * The lines go round by device, so that the first devices do not share one. That is how QEMU wires
 * its generic PCI Express host (hw/pci-host/gpex.c).
 */
static VOID HalpAssignLine(PHAL_PCI_BUS Bus, ULONG Number, PHAL_PCI_FUNCTION Function)
{
    ULONG Register = Bus->Read(Bus, Number, REGISTER_INTERRUPT);
    ULONG Pin = INTERRUPT_PIN(Register);
    if (Pin == 0 || Pin > HAL_PCI_LINES) {
        return;
    }
    Function->Line = (UCHAR)(Bus->FirstLine + ((Number >> 3) + Pin - 1) % HAL_PCI_LINES);
    Bus->Write(Bus, Number, REGISTER_INTERRUPT, (Register & ~0xffu) | Function->Line);
}

/* FALSE: there is no such function. */
static BOOLEAN HalpAssignFunction(PHAL_PCI_BUS Bus, ULONG Number, PHAL_PCI_FUNCTION Function)
{
    ULONG Id = Bus->Read(Bus, Number, REGISTER_ID);
    if ((USHORT)Id == PCI_INVALID_VENDORID) {
        return FALSE;
    }
    *Function = (HAL_PCI_FUNCTION){
        .Number = (UCHAR)Number, .VendorId = (USHORT)Id, .DeviceId = (USHORT)(Id >> 16)};
    UCHAR Type = HEADER_TYPE(Bus->Read(Bus, Number, REGISTER_HEADER_TYPE));
    if ((Type & ~PCI_MULTIFUNCTION) == PCI_DEVICE_TYPE) {
        HalpAssignMemory(Bus, Number, Function);
        HalpAssignLine(Bus, Number, Function);
    }
    return TRUE;
}

ULONG HalAssignPciBus(PHAL_PCI_BUS Bus, PHAL_PCI_FUNCTION Functions, ULONG Maximum)
{
    ULONG Count = 0;
    for (ULONG Device = 0; Device < PCI_MAX_DEVICES; Device++) {
        ULONG Number = Device << 3;
        ULONG Of = 1;
        for (ULONG Index = 0; Index < Of && Count < Maximum; Index++) {
            if (HalpAssignFunction(Bus, Number + Index, &Functions[Count])) {
                Count++;
            } else if (Index == 0) {
                break; /* function 0 is there, or the device is not */
            }
            if (Index == 0 && HEADER_TYPE(Bus->Read(Bus, Number, REGISTER_HEADER_TYPE)) &
                                  PCI_MULTIFUNCTION) {
                Of = PCI_MAX_FUNCTION;
            }
        }
    }
    return Count;
}
