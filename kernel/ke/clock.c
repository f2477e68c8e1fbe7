/* SPDX-License-Identifier: MIT */
/*
 * Time. The clock interrupt (CLOCK_LEVEL, every 10 ms) advances interrupt time, system time and
 * the tick count in KUSER_SHARED_DATA, charges the running thread's quantum and asks for a
 * dispatch interrupt when that or a timer needs one. Everything else is left to DISPATCH_LEVEL.
 *
 * A KSYSTEM_TIME is two and a half words: readers who cannot read 64 bits at once take High1Time,
 * LowPart, High2Time and try again while the highs differ; so it is written in the other order.
 */
#include "dispatcher.h"
#include "kd/kd.h"

typedef struct _KI_SYSTEM_TIME {
    volatile ULONG LowPart;
    volatile LONG High1Time;
    volatile LONG High2Time;
} KI_SYSTEM_TIME;

#define KI_SHARED(offset) ((KI_SYSTEM_TIME *)(KI_USER_SHARED_DATA + (offset)))

/* Read without a lock by the precise clocks; the sequence is odd while it is written. */
static volatile ULONG KiClockSequence;
static volatile ULONG64 KiTimeStampAtTick;

static VOID KiWriteSystemTime(KI_SYSTEM_TIME *Time, ULONG64 Value)
{
    Time->High2Time = (LONG)(Value >> 32);
    Time->LowPart = (ULONG)Value;
    Time->High1Time = (LONG)(Value >> 32);
}

static ULONG64 KiReadSystemTime(const KI_SYSTEM_TIME *Time)
{
    LONG High;
    ULONG Low;

    do {
        High = Time->High1Time;
        Low = Time->LowPart;
    } while (High != Time->High2Time);
    return ((ULONG64)(ULONG)High << 32) | Low;
}

VOID KiInitializeClock(VOID)
{
    /* Milliseconds = (ticks * multiplier) >> 24. */
    *(volatile ULONG *)(KI_USER_SHARED_DATA + KI_SHARED_TICK_COUNT_MULTIPLIER) =
        (KI_CLOCK_INTERVAL_100NS / 10000) << 24;
    KiTimeStampAtTick = KiReadTimeStampCounter();
}

VOID KiSetSystemTime(LONGLONG SystemTime)
{
    ULONG64 Flags = KiDisableInterrupts();
    KiWriteSystemTime(KI_SHARED(KI_SHARED_SYSTEM_TIME), (ULONG64)SystemTime);
    KiRestoreInterrupts(Flags);
}

VOID KeUpdateSystemTime(PKTRAP_FRAME TrapFrame)
{
    PKPRCB Prcb = KeGetCurrentPrcb();
    PKTHREAD Thread = Prcb->CurrentThread;
    ULONG64 Now = KiReadSystemTime(KI_SHARED(KI_SHARED_INTERRUPT_TIME)) + KI_CLOCK_INTERVAL_100NS;
    ULONG64 System = KiReadSystemTime(KI_SHARED(KI_SHARED_SYSTEM_TIME)) + KI_CLOCK_INTERVAL_100NS;
    BOOLEAN Request = FALSE;

    KiClockSequence++;
    __asm__ volatile("" : : : "memory");
    KiWriteSystemTime(KI_SHARED(KI_SHARED_INTERRUPT_TIME), Now);
    KiWriteSystemTime(KI_SHARED(KI_SHARED_SYSTEM_TIME), System);
    KiWriteSystemTime(KI_SHARED(KI_SHARED_TICK_COUNT), Now / KI_CLOCK_INTERVAL_100NS);
    KiTimeStampAtTick = KiReadTimeStampCounter();
    __asm__ volatile("" : : : "memory");
    KiClockSequence++;

    if (KiIsTimerDue(Now)) {
        Prcb->TimerRequest = TRUE;
        Request = TRUE;
    }
    if (Thread != Prcb->IdleThread && --Thread->Quantum <= 0) {
        Prcb->QuantumEnd = TRUE;
        Request = TRUE;
    }
    if (Request) {
        HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
    }
    if (KdDebuggerEnabled) {
        KdCheckForDebugBreak();
    }
    KiCheckDpcWatchdog(TrapFrame);
}

ULONGLONG KeQueryInterruptTime(VOID)
{
    return KiReadSystemTime(KI_SHARED(KI_SHARED_INTERRUPT_TIME));
}

/* The machine never sleeps, so there is no bias to take out. */
ULONGLONG KeQueryUnbiasedInterruptTime(VOID)
{
    return KeQueryInterruptTime();
}

VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = (LONGLONG)KiReadSystemTime(KI_SHARED(KI_SHARED_SYSTEM_TIME));
}

VOID KeQueryTickCount(PLARGE_INTEGER TickCount)
{
    TickCount->QuadPart = (LONGLONG)KiReadSystemTime(KI_SHARED(KI_SHARED_TICK_COUNT));
}

ULONG KeQueryTimeIncrement(VOID)
{
    return KI_CLOCK_INTERVAL_100NS;
}

/* Ticks * 10^7 / frequency, through 128 bits. Any IRQL. */
static ULONG64 KiTimeStampTo100ns(ULONG64 Ticks)
{
    ULONG64 Low, High, Quotient, Remainder;

    if (KeTimeStampFrequency == 0) {
        return 0;
    }
    __asm__("mulq %3" : "=a"(Low), "=d"(High) : "a"(Ticks), "r"(10000000ull));
    High %= KeTimeStampFrequency; /* keeps the division from faulting, whatever the counter says */
    __asm__("divq %4"
            : "=a"(Quotient), "=d"(Remainder)
            : "a"(Low), "d"(High), "r"(KeTimeStampFrequency));
    return Quotient;
}

LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    LARGE_INTEGER Counter;

    if (PerformanceFrequency != NULL) {
        PerformanceFrequency->QuadPart = 10000000;
    }
    Counter.QuadPart = (LONGLONG)KiTimeStampTo100ns(KiReadTimeStampCounter());
    return Counter;
}

/* A tick's time and how far the time stamp counter is past that tick, but within the tick. */
static ULONG64 KiQueryPrecise(const KI_SYSTEM_TIME *Time)
{
    ULONG Sequence;
    ULONG64 AtTick, Base, Past;

    do {
        Sequence = KiClockSequence & ~1u;
        __asm__ volatile("" : : : "memory");
        Base = KiReadSystemTime(Time);
        AtTick = KiTimeStampAtTick;
        __asm__ volatile("" : : : "memory");
    } while (Sequence != KiClockSequence);
    Past = KiTimeStampTo100ns(KiReadTimeStampCounter() - AtTick);
    return Base + (Past < KI_CLOCK_INTERVAL_100NS ? Past : KI_CLOCK_INTERVAL_100NS - 1);
}

VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = (LONGLONG)KiQueryPrecise(KI_SHARED(KI_SHARED_SYSTEM_TIME));
}

ULONGLONG KeQueryInterruptTimePrecise(PULONGLONG QpcTimeStamp)
{
    *QpcTimeStamp = (ULONGLONG)KeQueryPerformanceCounter(NULL).QuadPart;
    return KiQueryPrecise(KI_SHARED(KI_SHARED_INTERRUPT_TIME));
}

VOID KeStallExecutionProcessor(ULONG MicroSeconds)
{
    ULONG64 Start = KiReadTimeStampCounter();
    ULONG64 Ticks = KeTimeStampFrequency / 1000 * MicroSeconds / 1000 + 1;

    while (KiReadTimeStampCounter() - Start < Ticks) {
        __builtin_ia32_pause();
    }
}
