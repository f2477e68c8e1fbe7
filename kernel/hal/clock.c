/* SPDX-License-Identifier: MIT */
/*
 * The clock interrupt: the local APIC's timer, periodic, 10 ms. Its rate and that of the time
 * stamp counter are measured at start against the PIT's channel 0, whose rate is known. Without a
 * PIT the timer is taken to run at 1 GHz, as QEMU's does.
 *
 * The host may stop us between two readings. So a reading is taken several times, between two
 * readings of the time stamp counter, and the one with the shortest distance counts.
 */
#include "hal/hal.h"
#include "ke/dispatcher.h"

#define PIT_FREQUENCY 1193182u
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND 0x43
#define PIT_RATE_GENERATOR 0x34 /* channel 0, low then high byte, mode 2 */
#define PIT_LATCH 0x00

#define CALIBRATION_PIT_TICKS 1193u /* 1 ms */
#define MAX_POLLS 20000u            /* some tens of milliseconds */
#define READINGS 5
#define QEMU_APIC_TIMER_FREQUENCY 1000000000u
#define CLOCK_RATE 100u /* interrupts in a second */

C_ASSERT(KI_CLOCK_INTERVAL_100NS * CLOCK_RATE == 10000000);

ULONG64 KeTimeStampFrequency;
static ULONG64 HalpTimerFrequency;

/* The three clocks at about the same time. */
typedef struct _HALP_READING {
    ULONG64 TimeStamp;
    ULONG ApicTimer; /* counts down */
    USHORT Pit;      /* counts down, wraps */
} HALP_READING;

static USHORT HalpReadPit(VOID)
{
    KiOutByte(PIT_COMMAND, PIT_LATCH);
    UCHAR Low = KiInByte(PIT_CHANNEL0);
    return (USHORT)(KiInByte(PIT_CHANNEL0) << 8 | Low);
}

static HALP_READING HalpReadClocks(VOID)
{
    HALP_READING Best = {0};
    ULONG64 BestDistance = ~0ull;
    for (ULONG Try = 0; Try < READINGS; Try++) {
        ULONG64 Before = KiReadTimeStampCounter();
        USHORT Pit = HalpReadPit();
        ULONG ApicTimer = HalpReadApicTimer();
        ULONG64 Distance = KiReadTimeStampCounter() - Before;
        if (Distance < BestDistance) {
            BestDistance = Distance;
            Best = (HALP_READING){Before + Distance / 2, ApicTimer, Pit};
        }
    }
    return Best;
}

/* FALSE: the counter does not move. */
static BOOLEAN HalpWaitPit(USHORT Start, USHORT Ticks)
{
    for (ULONG Poll = 0; Poll < MAX_POLLS; Poll++) {
        if ((USHORT)(Start - HalpReadPit()) >= Ticks) {
            return TRUE;
        }
    }
    return FALSE;
}

VOID HalpCalibrateClock(VOID)
{
    KiOutByte(PIT_COMMAND, PIT_RATE_GENERATOR);
    KiOutByte(PIT_CHANNEL0, 0);
    KiOutByte(PIT_CHANNEL0, 0);
    HalpRunApicTimer();
    HALP_READING Start = HalpReadClocks();
    BOOLEAN Moves = HalpWaitPit(Start.Pit, CALIBRATION_PIT_TICKS);
    HALP_READING End = HalpReadClocks();

    ULONG64 TimeStamps = End.TimeStamp - Start.TimeStamp;
    ULONG64 TimerTicks = Start.ApicTimer - End.ApicTimer;
    ULONG64 PitTicks = (USHORT)(Start.Pit - End.Pit);
    if (Moves && PitTicks != 0) {
        KeTimeStampFrequency = TimeStamps * PIT_FREQUENCY / PitTicks;
        HalpTimerFrequency = TimerTicks * PIT_FREQUENCY / PitTicks;
    } else {
        HalpTimerFrequency = QEMU_APIC_TIMER_FREQUENCY;
        KeTimeStampFrequency =
            TimerTicks != 0 ? TimeStamps * QEMU_APIC_TIMER_FREQUENCY / TimerTicks : 0;
    }
    NT_VERIFY(KeTimeStampFrequency >= 1000000 && HalpTimerFrequency >= CLOCK_RATE);
    PKPCR Pcr = KeGetPcr();
    Pcr->StallScaleFactor = (ULONG)(KeTimeStampFrequency / 1000000);
    Pcr->Prcb.MHz = Pcr->StallScaleFactor;
}

static VOID HalpClockInterrupt(PKTRAP_FRAME TrapFrame, PVOID Context)
{
    KeUpdateSystemTime(TrapFrame);
}

VOID HalStartClock(VOID)
{
    LONGLONG Time = HalReadCmosTime();
    if (Time != 0) {
        KiSetSystemTime(Time);
    }
    KiConnectVector(CLOCK_VECTOR, HalpClockInterrupt, NULL);
    HalpStartApicTimer(CLOCK_VECTOR, (ULONG)(HalpTimerFrequency / CLOCK_RATE));
}
