/* SPDX-License-Identifier: MIT */
/*
 * Buses: interrupts, addresses and configuration bytes of ISA, CMOS and PCI. What is asked of a
 * PCI bus on a machine without one is answered as for a bus that does not exist.
 *
 * Line n of the I/O APIC has vector (9 - n / 4) << 4 | n, so a lower number has the higher IRQL,
 * 9..6. ISA interrupt n is line n. The PCI bus has four of the lines for itself, which are level-
 * triggered; a function's InterruptLine register says which is its own.
 */
#include "hal/hal.h"

#define HIGHEST_LINE_IRQL 9
#define ISA_TIMER 0
#define ISA_CASCADE 2
#define GSI_OF_ISA_TIMER 2 /* where PC wiring has it */

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_BYTES 128u

#define SPACE_MEMORY 0
#define SPACE_PORT 1

static UCHAR HalpVectorOfLine(ULONG Line)
{
    return (UCHAR)((HIGHEST_LINE_IRQL - Line / 4) << 4 | Line);
}

static BOOLEAN HalpIsLineVector(UCHAR Vector)
{
    return Vector == HalpVectorOfLine(Vector & 15) && (Vector & 15) != ISA_CASCADE;
}

static ULONG HalpGsiOfVector(UCHAR Vector)
{
    return (Vector & 15) == ISA_TIMER ? GSI_OF_ISA_TIMER : Vector & 15;
}

BOOLEAN HalEnableDeviceVector(UCHAR Vector, KINTERRUPT_MODE Mode)
{
    if (!HalpIsLineVector(Vector)) {
        return TRUE;
    }
    ULONG Gsi = HalpGsiOfVector(Vector);
    return (Mode == LevelSensitive || !HalpIsPciLine(Gsi)) &&
           HalpClaimInterrupt(Gsi, Vector, Mode == LevelSensitive);
}

VOID HalDisableDeviceVector(UCHAR Vector)
{
    if (HalpIsLineVector(Vector)) {
        ULONG Gsi = HalpGsiOfVector(Vector);
        HalRouteInterrupt(Gsi, Vector, HalpIsPciLine(Gsi), TRUE);
    }
}

static BOOLEAN HalpIsIsaBus(INTERFACE_TYPE InterfaceType, ULONG BusNumber)
{
    return BusNumber == 0 && (InterfaceType == Internal || InterfaceType == Isa ||
                              InterfaceType == Eisa || InterfaceType == PNPISABus);
}

static BOOLEAN HalpIsLineOfBus(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG Line)
{
    if (InterfaceType == PCIBus) {
        return HalpIsPciBus(BusNumber) && HalpIsPciLine(Line);
    }
    return HalpIsIsaBus(InterfaceType, BusNumber) && Line < HAL_ISA_INTERRUPTS &&
           Line != ISA_CASCADE && !HalpIsPciLine(Line);
}

ULONG HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                            ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                            PKAFFINITY Affinity)
{
    *Irql = 0;
    *Affinity = 0;
    if (!HalpIsLineOfBus(InterfaceType, BusNumber, BusInterruptLevel)) {
        return 0;
    }
    UCHAR Vector = HalpVectorOfLine(BusInterruptLevel);
    *Irql = Vector >> 4;
    *Affinity = 1;
    return Vector;
}

/* The PCI bus has a window for memory, none for ports. */
BOOLEAN HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                               PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                               PPHYSICAL_ADDRESS TranslatedAddress)
{
    BOOLEAN IsPci = InterfaceType == PCIBus && HalpIsPciBus(BusNumber);
    if ((!IsPci && !HalpIsIsaBus(InterfaceType, BusNumber)) || *AddressSpace > SPACE_PORT ||
        (*AddressSpace == SPACE_PORT && (IsPci || BusAddress.QuadPart > 0xffff))) {
        return FALSE;
    }
    *TranslatedAddress = BusAddress;
    return TRUE;
}

/* Index and data are two accesses, so interrupts stay off between them. */
static ULONG HalpAccessCmos(PUCHAR Buffer, ULONG Offset, ULONG Length, BOOLEAN Write)
{
    if (Offset >= CMOS_BYTES) {
        return 0;
    }
    if (Length > CMOS_BYTES - Offset) {
        Length = CMOS_BYTES - Offset;
    }
    ULONG64 Flags = KiDisableInterrupts();
    for (ULONG Index = 0; Index < Length; Index++) {
        KiOutByte(CMOS_INDEX, (UCHAR)(Offset + Index));
        if (Write) {
            KiOutByte(CMOS_DATA, Buffer[Index]);
        } else {
            Buffer[Index] = KiInByte(CMOS_DATA);
        }
    }
    KiRestoreInterrupts(Flags);
    return Length;
}

static ULONG HalpAccessBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                               PVOID Buffer, ULONG Offset, ULONG Length, BOOLEAN Write)
{
    if (BusDataType == PCIConfiguration) {
        return HalpAccessPciConfiguration(BusNumber, SlotNumber, Buffer, Offset, Length, Write);
    }
    if (BusDataType != Cmos || BusNumber != 0 || MAXULONG - SlotNumber < Offset) {
        return 0;
    }
    return HalpAccessCmos(Buffer, SlotNumber + Offset, Length, Write);
}

ULONG HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length)
{
    return HalpAccessBusData(BusDataType, BusNumber, SlotNumber, Buffer, Offset, Length, FALSE);
}

ULONG HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length)
{
    return HalpAccessBusData(BusDataType, BusNumber, SlotNumber, Buffer, Offset, Length, TRUE);
}

ULONG HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                    ULONG Length)
{
    return HalGetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}

ULONG HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                    ULONG Length)
{
    return HalSetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
