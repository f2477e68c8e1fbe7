/* SPDX-License-Identifier: MIT */
/*
 * The DPC watchdog: bug check 0x133, DPC_WATCHDOG_VIOLATION, when the processor does not come back
 * below DISPATCH_LEVEL. The clock interrupt looks, as nothing else comes to run then:
 *
 *   P1 0  one DPC routine has run for the time allotted (P2 ticks so far, P3 ticks allotted)
 *   P1 1  each tick for that long found DISPATCH_LEVEL or above (P2 that time in ticks)
 *
 * Windows allots 20 seconds to a DPC and 120 to all of it (bug check reference; registry values of
 * KeQueryDpcWatchdogInformation's page); a run's time limit would be over by then, so both are
 * dpc-watchdog=SECONDS of the command line, 10 unless given, 0 for never. Time is counted in ticks
 * that were taken: one that the host did not give, or that came while the debugger had stopped the
 * machine, does not count.
 */
#include "dispatcher.h"
#include "ke/command_line.h"

#define KI_WATCHDOG_SECONDS 10
#define KI_WATCHDOG_MOST 86400
#define KI_TICKS_PER_SECOND (10000000 / KI_CLOCK_INTERVAL_100NS)

static ULONG KiWatchdogTicks; /* 0: off */

VOID KiInitializeDpcWatchdog(VOID)
{
    ULONG64 Seconds = KiQueryCommandLineNumber("dpc-watchdog", KI_WATCHDOG_SECONDS);

    KiWatchdogTicks =
        (ULONG)(Seconds < KI_WATCHDOG_MOST ? Seconds : KI_WATCHDOG_MOST) * KI_TICKS_PER_SECOND;
}

VOID KiCheckDpcWatchdog(PKTRAP_FRAME TrapFrame)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    BOOLEAN InDpc = Prcb->DpcRoutineActive;

    if (TrapFrame->PreviousIrql < DISPATCH_LEVEL ||
        (Prcb->CurrentThread == Prcb->IdleThread && !InDpc)) {
        Prcb->DpcWatchdogCount = 0;
        return;
    }
    Prcb->DpcTimeCount = InDpc ? Prcb->DpcTimeCount + 1 : 0;
    Prcb->DpcWatchdogCount++;
    if (KiWatchdogTicks == 0 || Prcb->DpcWatchdogCount < KiWatchdogTicks) {
        return;
    }
    /* What is told of is what was interrupted. */
    KiDisableInterrupts();
    KiWriteIrql(TrapFrame->PreviousIrql);
    if (Prcb->DpcTimeCount >= KiWatchdogTicks) {
        KiBugCheckTrap(DPC_WATCHDOG_VIOLATION, 0, Prcb->DpcTimeCount, KiWatchdogTicks, 0,
                       TrapFrame);
    }
    KiBugCheckTrap(DPC_WATCHDOG_VIOLATION, 1, Prcb->DpcWatchdogCount, 0, 0, TrapFrame);
}
