/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus of the machine, if it has one: PCI Express configuration space, in memory, 4 KB for
 * each function (PCI Express Base Specification 3.0, 7.2.2). Bus 0 only; nothing is behind bridges.
 *
 * Where it is, the command line says: what starts the machine knows how it is wired.
 *
 *   pci-configuration=   physical address of configuration space; absent: there is no PCI bus
 *   pci-window= and pci-window-size=   the addresses that the bus passes on to its devices
 *   pci-line=            the first of the bus' four lines of the I/O APIC
 */
#include "hal/hal.h"

#include "hal/pci_assign.h"
#include "ke/command_line.h"
#include "nt/kd.h"

#define CONFIGURATION_SIZE PAGE_SIZE /* of a function */
#define FUNCTIONS 256u               /* of a bus */

/* Where boot.elf maps what is no RAM: LOADER_PHYSICAL_MAP. */
#define LOWEST_DEVICE_ADDRESS 0xC0000000ull
#define HIGHEST_DEVICE_ADDRESS 0x100000000ull

static volatile UCHAR *HalpPciSpace; /* NULL: there is no bus */
static UCHAR HalpPciFirstLine;
static HAL_PCI_FUNCTION HalpPciFunctions[HAL_PCI_FUNCTIONS];
static ULONG HalpPciCount;

static volatile ULONG *HalpPciRegister(ULONG Function, ULONG Register)
{
    return (volatile ULONG *)(HalpPciSpace + Function * CONFIGURATION_SIZE + Register);
}

static ULONG HalpReadPciRegister(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register)
{
    return *HalpPciRegister(Function, Register);
}

static VOID HalpWritePciRegister(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register, ULONG Value)
{
    *HalpPciRegister(Function, Register) = Value;
}

static BOOLEAN HalpIsDeviceRange(ULONG64 Start, ULONG64 Size)
{
    return Start % PAGE_SIZE == 0 && Size % PAGE_SIZE == 0 && Start >= LOWEST_DEVICE_ADDRESS &&
           Start <= HIGHEST_DEVICE_ADDRESS && Size <= HIGHEST_DEVICE_ADDRESS - Start;
}

static VOID HalpPrintPciFunction(const HAL_PCI_FUNCTION *Function)
{
    DbgPrint("pci 00:%02x.%u %04x:%04x line %u\n", Function->Number >> 3, Function->Number & 7,
             Function->VendorId, Function->DeviceId, Function->Line);
    for (ULONG Index = 0; Index < PCI_TYPE0_ADDRESSES; Index++) {
        const HAL_PCI_RANGE *Range = &Function->Range[Index];
        if (Range->Size != 0) {
            DbgPrint("pci   base address %u: %I64x bytes at %I64x%s\n", Index, Range->Size,
                     Range->Address, Range->Address == 0 ? ": no room for it" : "");
        }
    }
}

VOID HalInitializePci(VOID)
{
    ULONG64 Space = KiQueryCommandLineNumber("pci-configuration", 0);
    ULONG64 Window = KiQueryCommandLineNumber("pci-window", 0);
    ULONG64 WindowSize = KiQueryCommandLineNumber("pci-window-size", 0);
    ULONG64 Line = KiQueryCommandLineNumber("pci-line", 0);
    if (Space == 0) {
        return;
    }
    if (!HalpIsDeviceRange(Space, FUNCTIONS * CONFIGURATION_SIZE) ||
        !HalpIsDeviceRange(Window, WindowSize) || Line > HAL_ISA_INTERRUPTS - HAL_PCI_LINES) {
        DbgPrint("pci: the command line's addresses or line are not possible: no bus\n");
        return;
    }
    HalpPciSpace = (volatile UCHAR *)(LOADER_PHYSICAL_MAP + Space);
    HalpPciFirstLine = (UCHAR)Line;
    /*
     * Level-triggered while nobody is connected too: QEMU's I/O APIC forgets that a masked line
     * has gone up when it is set to edges.
     */
    for (ULONG Index = 0; Index < HAL_PCI_LINES; Index++) {
        HalRouteInterrupt(HalpPciFirstLine + Index, 0, TRUE, TRUE);
    }
    HAL_PCI_BUS Bus = {.Read = HalpReadPciRegister,
                       .Write = HalpWritePciRegister,
                       .Next = Window,
                       .End = Window + WindowSize,
                       .FirstLine = HalpPciFirstLine};
    HalpPciCount = HalAssignPciBus(&Bus, HalpPciFunctions, HAL_PCI_FUNCTIONS);
    for (ULONG Index = 0; Index < HalpPciCount; Index++) {
        HalpPrintPciFunction(&HalpPciFunctions[Index]);
    }
}

BOOLEAN HalpIsPciBus(ULONG BusNumber)
{
    return HalpPciSpace != NULL && BusNumber == 0;
}

BOOLEAN HalpIsPciLine(ULONG Line)
{
    return HalpPciSpace != NULL && Line - HalpPciFirstLine < HAL_PCI_LINES;
}

/* One access for each register that is meant whole: a device may act on an access, not on bytes. */
static ULONG HalpAccessPci(volatile UCHAR *Register, PUCHAR Buffer, ULONG Length, BOOLEAN Write)
{
    ULONG Size = Length >= 4 && (ULONG64)Register % 4 == 0   ? 4
                 : Length >= 2 && (ULONG64)Register % 2 == 0 ? 2
                                                             : 1;
    ULONG Value = 0;
    if (Write) {
        __builtin_memcpy(&Value, Buffer, Size);
        switch (Size) {
        case 4: *(volatile ULONG *)Register = Value; break;
        case 2: *(volatile USHORT *)Register = (USHORT)Value; break;
        default: *Register = (UCHAR)Value; break;
        }
        return Size;
    }
    Value = Size == 4   ? *(volatile ULONG *)Register
            : Size == 2 ? *(volatile USHORT *)Register
                        : *Register;
    __builtin_memcpy(Buffer, &Value, Size);
    return Size;
}

static BOOLEAN HalpHasPciFunction(ULONG Function)
{
    return Function < FUNCTIONS &&
           (USHORT)*HalpPciRegister(Function, 0) != PCI_INVALID_VENDORID;
}

/* A slot's number has the device in its low bits, configuration space the function. */
static ULONG HalpFunctionOfSlot(ULONG SlotNumber)
{
    PCI_SLOT_NUMBER Slot = {.u.AsULONG = SlotNumber};
    return Slot.u.bits.Reserved != 0
               ? FUNCTIONS
               : Slot.u.bits.DeviceNumber << 3 | Slot.u.bits.FunctionNumber;
}

const HAL_PCI_FUNCTION *HalpFindPciFunction(ULONG BusNumber, ULONG SlotNumber)
{
    ULONG Number = HalpFunctionOfSlot(SlotNumber);
    for (ULONG Index = 0; BusNumber == 0 && Index < HalpPciCount; Index++) {
        if (HalpPciFunctions[Index].Number == Number) {
            return &HalpPciFunctions[Index];
        }
    }
    return NULL;
}

/* Once, so that whoever wonders why his driver finds no device need not wonder long. */
static VOID HalpHintAtPciMachine(VOID)
{
    static volatile LONG Said;
    if (HalpPciSpace == NULL && InterlockedExchange(&Said, 1) == 0) {
        DbgPrint("hal: a driver asks for a PCI bus; this machine has none, --machine=pci has\n");
    }
}

ULONG HalpAccessPciConfiguration(ULONG BusNumber, ULONG SlotNumber, PUCHAR Buffer, ULONG Offset,
                                 ULONG Length, BOOLEAN Write)
{
    ULONG Function = HalpFunctionOfSlot(SlotNumber);
    if (!HalpIsPciBus(BusNumber)) {
        HalpHintAtPciMachine();
        return 0;
    }
    if (!HalpHasPciFunction(Function)) {
        USHORT Invalid = PCI_INVALID_VENDORID;
        ULONG Answer = Write ? 0 : Length < sizeof(Invalid) ? Length : sizeof(Invalid);
        __builtin_memcpy(Buffer, &Invalid, Answer);
        return Answer;
    }
    if (Offset >= CONFIGURATION_SIZE) {
        return 0;
    }
    if (Length > CONFIGURATION_SIZE - Offset) {
        Length = CONFIGURATION_SIZE - Offset;
    }
    volatile UCHAR *Registers = (volatile UCHAR *)HalpPciRegister(Function, Offset);
    for (ULONG Done = 0; Done < Length;) {
        Done += HalpAccessPci(Registers + Done, Buffer + Done, Length - Done, Write);
    }
    return Length;
}
