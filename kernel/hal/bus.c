/* SPDX-License-Identifier: MIT */
/*
 * Buses: ISA interrupts and ports, CMOS bytes. This machine has no PCI bus, so everything asked of
 * one is answered as for a bus that does not exist.
 *
 * ISA interrupt n has vector (9 - n / 4) << 4 | n, so a lower number has the higher IRQL, 9..6.
 */
#include "hal/hal.h"

#define HIGHEST_ISA_IRQL 9
#define ISA_TIMER 0
#define ISA_CASCADE 2
#define GSI_OF_ISA_TIMER 2 /* where PC wiring has it */

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_BYTES 128u

#define SPACE_MEMORY 0
#define SPACE_PORT 1

static UCHAR HalpIsaVector(ULONG Interrupt)
{
    return (UCHAR)((HIGHEST_ISA_IRQL - Interrupt / 4) << 4 | Interrupt);
}

static BOOLEAN HalpIsIsaVector(UCHAR Vector)
{
    return Vector == HalpIsaVector(Vector & 15) && (Vector & 15) != ISA_CASCADE;
}

static ULONG HalpGsiOfVector(UCHAR Vector)
{
    return (Vector & 15) == ISA_TIMER ? GSI_OF_ISA_TIMER : Vector & 15;
}

BOOLEAN HalEnableDeviceVector(UCHAR Vector, KINTERRUPT_MODE Mode)
{
    return !HalpIsIsaVector(Vector) ||
           HalpClaimInterrupt(HalpGsiOfVector(Vector), Vector, Mode == LevelSensitive);
}

VOID HalDisableDeviceVector(UCHAR Vector)
{
    if (HalpIsIsaVector(Vector)) {
        HalRouteInterrupt(HalpGsiOfVector(Vector), Vector, FALSE, TRUE);
    }
}

static BOOLEAN HalpIsIsaBus(INTERFACE_TYPE InterfaceType, ULONG BusNumber)
{
    return BusNumber == 0 && (InterfaceType == Internal || InterfaceType == Isa ||
                              InterfaceType == Eisa || InterfaceType == PNPISABus);
}

ULONG HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                            ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                            PKAFFINITY Affinity)
{
    *Irql = 0;
    *Affinity = 0;
    if (!HalpIsIsaBus(InterfaceType, BusNumber) || BusInterruptLevel >= HAL_ISA_INTERRUPTS ||
        BusInterruptLevel == ISA_CASCADE) {
        return 0;
    }
    UCHAR Vector = HalpIsaVector(BusInterruptLevel);
    *Irql = Vector >> 4;
    *Affinity = 1;
    return Vector;
}

BOOLEAN HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                               PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                               PPHYSICAL_ADDRESS TranslatedAddress)
{
    if (!HalpIsIsaBus(InterfaceType, BusNumber) || *AddressSpace > SPACE_PORT ||
        (*AddressSpace == SPACE_PORT && BusAddress.QuadPart > 0xffff)) {
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

ULONG HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length)
{
    if (BusDataType != Cmos || BusNumber != 0 || MAXULONG - SlotNumber < Offset) {
        return 0;
    }
    return HalpAccessCmos(Buffer, SlotNumber + Offset, Length, FALSE);
}

ULONG HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length)
{
    if (BusDataType != Cmos || BusNumber != 0 || MAXULONG - SlotNumber < Offset) {
        return 0;
    }
    return HalpAccessCmos(Buffer, SlotNumber + Offset, Length, TRUE);
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
