/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, by its memory-mapped registers (QEMU's translator offers no x2APIC): software
 * interrupts to ourselves, end of interrupt, and the timer.
 */
#include "hal/hal.h"

#define APIC_SPURIOUS 0x0f0
#define APIC_ERROR_STATUS 0x280
#define APIC_COMMAND_LOW 0x300
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PERFORMANCE 0x340
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define APIC_ENABLE 0x100u
#define COMMAND_SELF 0x40000u
#define COMMAND_PENDING 0x1000u
#define LVT_MASKED 0x10000u
#define LVT_NMI 0x400u
#define TIMER_PERIODIC 0x20000u
#define TIMER_DIVIDE_BY_1 0x0bu

#define MSR_APIC_BASE 0x1bu
#define APIC_BASE_ENABLED 0x800u
#define APIC_BASE_ADDRESS 0xfffff000u

static ULONG64 HalpReadApicBase(VOID)
{
    ULONG Low, High;
    __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(MSR_APIC_BASE));
    return ((ULONG64)High << 32) | Low;
}

/* Interrupts off. The register block must be where the loader mapped it uncached. */
VOID HalpInitializeLocalApic(VOID)
{
    ULONG64 Base = HalpReadApicBase();
    NT_VERIFY((Base & APIC_BASE_ENABLED) && (Base & APIC_BASE_ADDRESS) == HAL_LOCAL_APIC);
    *HalpLocalApic(APIC_SPURIOUS) = APIC_ENABLE | SPURIOUS_VECTOR;
    *HalpLocalApic(APIC_LVT_TIMER) = LVT_MASKED;
    *HalpLocalApic(APIC_LVT_THERMAL) = LVT_MASKED;
    *HalpLocalApic(APIC_LVT_PERFORMANCE) = LVT_MASKED;
    *HalpLocalApic(APIC_LVT_ERROR) = LVT_MASKED;
    *HalpLocalApic(APIC_LVT_LINT0) = LVT_MASKED; /* the legacy controllers' line */
    *HalpLocalApic(APIC_LVT_LINT1) = LVT_NMI;
    *HalpLocalApic(APIC_ERROR_STATUS) = 0;
    *HalpLocalApic(APIC_TIMER_DIVIDE) = TIMER_DIVIDE_BY_1;
}

/* A request to ourselves is not lost and not counted: two before the first arrives are one. */
static VOID HalpInterruptSelf(ULONG Vector)
{
    while (*HalpLocalApic(APIC_COMMAND_LOW) & COMMAND_PENDING) {
        __builtin_ia32_pause();
    }
    *HalpLocalApic(APIC_COMMAND_LOW) = COMMAND_SELF | Vector;
}

VOID HalRequestSoftwareInterrupt(KIRQL Irql)
{
    NT_ASSERT(Irql == APC_LEVEL || Irql == DISPATCH_LEVEL);
    HalpInterruptSelf(Irql == APC_LEVEL ? APC_VECTOR : DISPATCH_VECTOR);
}

VOID HalRequestDeviceInterrupt(UCHAR Vector)
{
    NT_VERIFY(Vector >= HAL_LOWEST_DEVICE_VECTOR && Vector <= HAL_HIGHEST_DEVICE_VECTOR);
    HalpInterruptSelf(Vector);
}

VOID HalpStartApicTimer(UCHAR Vector, ULONG Ticks)
{
    *HalpLocalApic(APIC_LVT_TIMER) = Ticks != 0 ? TIMER_PERIODIC | Vector : LVT_MASKED;
    *HalpLocalApic(APIC_TIMER_INITIAL) = Ticks;
}

VOID HalpRunApicTimer(VOID)
{
    *HalpLocalApic(APIC_LVT_TIMER) = LVT_MASKED;
    *HalpLocalApic(APIC_TIMER_INITIAL) = MAXULONG;
}

ULONG HalpReadApicTimer(VOID)
{
    return *HalpLocalApic(APIC_TIMER_CURRENT);
}
