/* SPDX-License-Identifier: MIT */
/*
 * Hal's internals: local APIC, I/O APIC, clock, bus interrupts, CMOS, debug console, exit. What
 * every component uses is in ke/ki.h, what drivers use in nt/hal.h.
 *
 * Device vectors. IRQL is vector >> 4:
 *   0x50-0x9F   drivers: the vector of line n of the I/O APIC, 0 to 15, has n as its low nibble
 *   0xA0-0xBF   the kernel's own devices (IRQL 10 and 11, above all drivers)
 */
#pragma once

#include "ke/ki.h"
#include "nt/hal.h"
#include "wire/exit_codes.h"

#define HAL_LOWEST_DEVICE_VECTOR 0x50
#define HAL_HIGHEST_DEVICE_VECTOR 0xbf

#define HAL_ISA_INTERRUPTS 16u

/* ---- local_apic.c ---- */
#define HAL_LOCAL_APIC 0xfee00000ull
#define HAL_APIC_END_OF_INTERRUPT 0x0b0

FORCEINLINE volatile ULONG *HalpLocalApic(ULONG Register)
{
    return (volatile ULONG *)(LOADER_PHYSICAL_MAP + HAL_LOCAL_APIC + Register);
}

/* Interrupts off: the interrupt of the highest in-service vector has been served. */
FORCEINLINE VOID HalEndInterrupt(VOID)
{
    *HalpLocalApic(HAL_APIC_END_OF_INTERRUPT) = 0;
}

VOID HalpInitializeLocalApic(VOID);
/* Fires every Ticks of the timer's counter; 0 stops it. */
VOID HalpStartApicTimer(UCHAR Vector, ULONG Ticks);
/* For calibration: counts down from the top without an interrupt; and what is left. */
VOID HalpRunApicTimer(VOID);
ULONG HalpReadApicTimer(VOID);
/* A test interrupt: the vector arrives as from a device, edge-triggered. Any IRQL. */
VOID HalRequestDeviceInterrupt(UCHAR Vector);

/* ---- io_apic.c ---- */
VOID HalpInitializeIoApic(VOID);
/* FALSE: the interrupt is no line of the I/O APIC, or leads to another vector already. */
BOOLEAN HalpClaimInterrupt(ULONG Gsi, UCHAR Vector, BOOLEAN Level);

/* ---- clock.c ---- */
/* Finds KeTimeStampFrequency and the timer's rate; 1 ms, interrupts off. */
VOID HalpCalibrateClock(VOID);

/* ---- bus.c ---- */
/*
 * Lets the device line of a vector through, if the vector is that of a line; other vectors (the
 * test source, messages) need nothing. FALSE: the line is in use by another vector.
 */
BOOLEAN HalEnableDeviceVector(UCHAR Vector, KINTERRUPT_MODE Mode);
VOID HalDisableDeviceVector(UCHAR Vector);

/* ---- pci_configuration.c ---- */
/* Finds and assigns the devices of the PCI bus that the command line names. PASSIVE_LEVEL, once. */
VOID HalInitializePci(VOID);
BOOLEAN HalpIsPciBus(ULONG BusNumber);
/* Whether this line of the I/O APIC is one of the PCI bus. */
BOOLEAN HalpIsPciLine(ULONG Line);
/* NULL: no such bus or slot, or one that was left alone (pci_assign.h). */
const struct _HAL_PCI_FUNCTION *HalpFindPciFunction(ULONG BusNumber, ULONG SlotNumber);
/*
 * Bytes of a function's configuration space; returns how many. 0: there is no such bus. For a slot
 * without a device a read gives the two bytes of PCI_INVALID_VENDORID. Any IRQL.
 */
ULONG HalpAccessPciConfiguration(ULONG BusNumber, ULONG SlotNumber, PUCHAR Buffer, ULONG Offset,
                                 ULONG Length, BOOLEAN Write);

/* ---- cmos_time.c ---- */
/* 100 ns since 1601, to the second; 0: there is no clock, or it shows no date. Any IRQL. */
LONGLONG HalReadCmosTime(VOID);
