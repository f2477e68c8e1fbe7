/* SPDX-License-Identifier: MIT */
/*
 * What the functions of a PCI bus get at start: memory addresses, interrupt lines, memory decoding.
 * On a PC the firmware does it; this machine has none that would. Pure code, also built natively.
 *
 * Registers and their bits: PCI Local Bus Specification 3.0, chapter 6.
 */
#pragma once

#include "nt/pci.h"

#define HAL_PCI_LINES 4u /* INTA to INTD, each a line of the interrupt controller */
#define HAL_PCI_FUNCTIONS 32u /* at most so many are assigned anything */

/*
 * A bus: how to reach its configuration space, and what can be given out. Function is the device's
 * number << 3 | the function's; Register a multiple of 4 below 256. What is not there reads as
 * ones.
 */
typedef struct _HAL_PCI_BUS HAL_PCI_BUS, *PHAL_PCI_BUS;
struct _HAL_PCI_BUS {
    ULONG (*Read)(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register);
    VOID (*Write)(PHAL_PCI_BUS Bus, ULONG Function, ULONG Register, ULONG Value);
    ULONG64 Next; /* physical addresses from here to End are free */
    ULONG64 End;
    UCHAR FirstLine; /* the four follow each other */
};

/* The memory behind one base address register. */
typedef struct _HAL_PCI_RANGE {
    ULONG64 Size;    /* bytes, a power of two; 0: the register has no memory */
    ULONG64 Address; /* 0: none could be given */
} HAL_PCI_RANGE, *PHAL_PCI_RANGE;

typedef struct _HAL_PCI_FUNCTION {
    UCHAR Number; /* device << 3 | function */
    UCHAR Line;   /* 0: it has no interrupt pin */
    USHORT VendorId;
    USHORT DeviceId;
    BOOLEAN Enabled; /* all its memory has addresses and is decoded */
    HAL_PCI_RANGE Range[PCI_TYPE0_ADDRESSES];
} HAL_PCI_FUNCTION, *PHAL_PCI_FUNCTION;

/*
 * Finds the functions of the bus and gives each what it needs; stores them in the order of their
 * numbers and returns how many, at most Maximum. Those beyond and buses behind bridges are left
 * alone. A register that answers what no device can is taken for one without memory.
 */
ULONG HalAssignPciBus(PHAL_PCI_BUS Bus, PHAL_PCI_FUNCTION Functions, ULONG Maximum);
