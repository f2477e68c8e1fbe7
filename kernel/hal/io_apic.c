/* SPDX-License-Identifier: MIT */
/*
 * The I/O APIC: each line (GSI) leads to one vector. A line's owner is remembered, so that a
 * driver cannot turn a line away from the kernel's own device. HalpIoApicLock guards the register
 * window and the owners; it is taken with interrupts off, at any IRQL.
 */
#include "hal/hal.h"

#define IO_APIC 0xfec00000ull
#define IO_APIC_SELECT 0x00
#define IO_APIC_WINDOW 0x10
#define IO_APIC_VERSION 0x01
#define IO_APIC_REDIRECTION 0x10 /* two registers for each line */

#define ENTRY_LEVEL 0x8000u
#define ENTRY_MASKED 0x10000u
#define MAX_LINES 24u

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK 0xa1

static ULONG HalpLines;
static UCHAR HalpLineVector[MAX_LINES]; /* 0: free */
static KSPIN_LOCK HalpIoApicLock;

static volatile ULONG *HalpIoApic(ULONG Offset)
{
    return (volatile ULONG *)(LOADER_PHYSICAL_MAP + IO_APIC + Offset);
}

static ULONG HalpReadIoApic(ULONG Register)
{
    *HalpIoApic(IO_APIC_SELECT) = Register;
    return *HalpIoApic(IO_APIC_WINDOW);
}

static VOID HalpWriteIoApic(ULONG Register, ULONG Value)
{
    *HalpIoApic(IO_APIC_SELECT) = Register;
    *HalpIoApic(IO_APIC_WINDOW) = Value;
}

/* Lock held. Active high, fixed delivery to processor 0 (APIC id 0). */
static VOID HalpProgramLine(ULONG Gsi, UCHAR Vector, BOOLEAN Level, BOOLEAN Masked)
{
    ULONG Register = IO_APIC_REDIRECTION + Gsi * 2;
    HalpWriteIoApic(Register + 1, 0);
    HalpWriteIoApic(Register, Vector | (Level ? ENTRY_LEVEL : 0) | (Masked ? ENTRY_MASKED : 0));
    HalpLineVector[Gsi] = Masked ? 0 : Vector;
}

VOID HalpInitializeIoApic(VOID)
{
    KiOutByte(PIC_MASTER_MASK, 0xff);
    KiOutByte(PIC_SLAVE_MASK, 0xff);
    HalpLines = ((HalpReadIoApic(IO_APIC_VERSION) >> 16) & 0xff) + 1;
    if (HalpLines > MAX_LINES) {
        HalpLines = HalpLines == 0x100 ? 0 : MAX_LINES; /* all ones: nobody answers */
    }
    for (ULONG Gsi = 0; Gsi < HalpLines; Gsi++) {
        HalpProgramLine(Gsi, 0, FALSE, TRUE);
    }
}

VOID HalRouteInterrupt(ULONG Gsi, UCHAR Vector, BOOLEAN Level, BOOLEAN Masked)
{
    NT_VERIFY(Gsi < HalpLines);
    ULONG64 Flags = KiDisableInterrupts();
    KiAcquireSpinLockRaw(&HalpIoApicLock);
    HalpProgramLine(Gsi, Vector, Level, Masked);
    KiReleaseSpinLockRaw(&HalpIoApicLock);
    KiRestoreInterrupts(Flags);
}

BOOLEAN HalpClaimInterrupt(ULONG Gsi, UCHAR Vector, BOOLEAN Level)
{
    BOOLEAN Claimed = FALSE;
    ULONG64 Flags = KiDisableInterrupts();
    KiAcquireSpinLockRaw(&HalpIoApicLock);
    if (Gsi < HalpLines && HalpLineVector[Gsi] == 0) {
        HalpProgramLine(Gsi, Vector, Level, FALSE);
        Claimed = TRUE;
    }
    KiReleaseSpinLockRaw(&HalpIoApicLock);
    KiRestoreInterrupts(Flags);
    return Claimed;
}

VOID HalInitializeInterruptController(VOID)
{
    HalpInitializeLocalApic();
    HalpInitializeIoApic();
    HalpCalibrateClock();
}
