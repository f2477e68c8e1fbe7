/* SPDX-License-Identifier: MIT */
/*
 * Timers. The table has one list for each of 256 consecutive clock ticks, round and round; a timer
 * is in the list of the tick at which it is due, sorted by due time, so that timers of later
 * rounds stand behind. A tick looks at one list. KiTimerDue holds the first due time of each list
 * for the clock interrupt, which must not take the lock; it may be too early (the timer was
 * cancelled), never too late.
 *
 * Invariant: no timer is in the list of a tick that KiExpireTimers has passed. Insertion therefore
 * takes the next tick at the earliest, and afterwards looks at the clock again: the interrupt of
 * that tick may have come before the timer stood in the table.
 *
 * Absolute due times are converted to interrupt time when the timer is set.
 */
#include "dispatcher.h"

#define KI_TIMER_LISTS 256u

static LIST_ENTRY KiTimerList[KI_TIMER_LISTS];
static volatile ULONG64 KiTimerDue[KI_TIMER_LISTS];
static ULONG64 KiLastExpiredTick;

VOID KiInitializeTimers(VOID)
{
    for (ULONG i = 0; i < KI_TIMER_LISTS; i++) {
        InitializeListHead(&KiTimerList[i]);
        KiTimerDue[i] = KI_NO_DUE_TIME;
    }
}

BOOLEAN KiIsTimerDue(ULONG64 InterruptTime)
{
    ULONG64 Tick = InterruptTime / KI_CLOCK_INTERVAL_100NS;

    return KiTimerDue[Tick % KI_TIMER_LISTS] <= InterruptTime;
}

ULONG64 KiComputeDueTime(const LARGE_INTEGER *Timeout)
{
    LARGE_INTEGER SystemTime;
    ULONG64 Now = KeQueryInterruptTime();
    ULONG64 Interval = 0;

    if (Timeout == NULL) {
        return KI_NO_DUE_TIME;
    }
    LONGLONG Time = Timeout->QuadPart;
    if (Time == 0) {
        return 0;
    }
    if (Time < 0) {
        Interval = 0 - (ULONG64)Time;
    } else {
        KeQuerySystemTime(&SystemTime);
        if (Time > SystemTime.QuadPart) {
            Interval = (ULONG64)(Time - SystemTime.QuadPart);
        }
    }
    /* Both below 2^63: the sum cannot wrap. 0 stays reserved for "do not wait". */
    return Now + Interval != 0 ? Now + Interval : 1;
}

VOID KiInsertTimer(PKTIMER Timer, ULONG64 DueTime)
{
    ULONG64 Tick = DueTime / KI_CLOCK_INTERVAL_100NS + (DueTime % KI_CLOCK_INTERVAL_100NS != 0);

    if (Tick <= KiLastExpiredTick) {
        Tick = KiLastExpiredTick + 1;
    }
    ULONG Index = (ULONG)(Tick % KI_TIMER_LISTS);
    PLIST_ENTRY Entry = KiTimerList[Index].Blink;

    /* From the end: a new timer is mostly due later than those already there. */
    while (Entry != &KiTimerList[Index] &&
           CONTAINING_RECORD(Entry, KTIMER, TimerListEntry)->DueTime.QuadPart > DueTime) {
        Entry = Entry->Blink;
    }
    InsertHeadList(Entry, &Timer->TimerListEntry);
    Timer->DueTime.QuadPart = DueTime;
    Timer->Header.Inserted = TRUE;
    if (DueTime < KiTimerDue[Index]) {
        KiTimerDue[Index] = DueTime;
    }
    if (KeQueryInterruptTime() / KI_CLOCK_INTERVAL_100NS >= Tick) {
        KeGetCurrentPrcb()->TimerRequest = TRUE;
        HalRequestSoftwareInterrupt(DISPATCH_LEVEL);
    }
}

VOID KiRemoveTimer(PKTIMER Timer)
{
    Timer->Header.Inserted = FALSE;
    RemoveEntryList(&Timer->TimerListEntry);
}

/* The timer is due and in no list. Missed periods are not made up for. Lock held. */
static VOID KiFireTimer(PKTIMER Timer, ULONG64 Now)
{
    PKDPC Dpc = Timer->Dpc;
    LONG Period = Timer->Period;
    ULONG64 DueTime = Timer->DueTime.QuadPart;

    if (Period != 0) {
        ULONG64 Step = (ULONG64)Period * 10000;
        DueTime += Step;
        if (DueTime <= Now) {
            DueTime += (Now - DueTime) / Step * Step + Step;
        }
        KiInsertTimer(Timer, DueTime);
    }
    Timer->Header.SignalState = 1;
    KiTestWaiters(&Timer->Header, 0);
    if (Dpc != NULL) {
        LARGE_INTEGER SystemTime;
        KeQuerySystemTime(&SystemTime);
        KeInsertQueueDpc(Dpc, (PVOID)(ULONG_PTR)SystemTime.LowPart,
                         (PVOID)(ULONG_PTR)(ULONG)SystemTime.HighPart);
    }
}

VOID KiExpireTimers(VOID)
{
    KiAcquireSpinLockRaw(&KiDispatcherLock);
    ULONG64 Now = KeQueryInterruptTime();
    ULONG64 Last = Now / KI_CLOCK_INTERVAL_100NS;
    ULONG64 Tick = KiLastExpiredTick + 1;

    if (Last >= KI_TIMER_LISTS && Tick <= Last - KI_TIMER_LISTS) {
        Tick = Last - KI_TIMER_LISTS + 1;
    }
    /* First, so that a periodic timer that fires goes into a list not yet passed. */
    if (Last > KiLastExpiredTick) {
        KiLastExpiredTick = Last;
    }
    for (; Tick <= Last; Tick++) {
        ULONG Index = (ULONG)(Tick % KI_TIMER_LISTS);
        PLIST_ENTRY Head = &KiTimerList[Index];
        PKTIMER Timer = NULL;

        while (!IsListEmpty(Head)) {
            Timer = CONTAINING_RECORD(Head->Flink, KTIMER, TimerListEntry);
            if (Timer->DueTime.QuadPart > Now) {
                break;
            }
            KiRemoveTimer(Timer);
            KiFireTimer(Timer, Now);
        }
        KiTimerDue[Index] = IsListEmpty(Head) ? KI_NO_DUE_TIME : Timer->DueTime.QuadPart;
    }
    KiReleaseSpinLockRaw(&KiDispatcherLock);
}

VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    __builtin_memset(Timer, 0, sizeof(*Timer));
    Timer->Header.Type = (UCHAR)(Type == NotificationTimer ? TimerNotificationObject
                                                           : TimerSynchronizationObject);
    Timer->Header.Size = sizeof(KTIMER) / sizeof(LONG);
    InitializeListHead(&Timer->Header.WaitListHead);
}

VOID KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

/*
 * Negative due times are relative, others are system time; a time that has passed expires the
 * timer here. Returns whether the timer was already set; that setting is cancelled.
 */
BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN WasSet = Timer->Header.Inserted;
    ULONG64 Now = KeQueryInterruptTime();

    if (WasSet) {
        KiRemoveTimer(Timer);
    }
    Timer->Header.SignalState = 0;
    Timer->Dpc = Dpc;
    Timer->Period = Period > 0 ? Period : 0;
    Timer->DueTime.QuadPart = KiComputeDueTime(&DueTime);
    if (Timer->DueTime.QuadPart <= Now) {
        Timer->DueTime.QuadPart = Now;
        KiFireTimer(Timer, Now);
    } else {
        KiInsertTimer(Timer, Timer->DueTime.QuadPart);
    }
    KiExitDispatcher(OldIrql);
    return WasSet;
}

BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}

/* The tolerable delay allows more precision than asked for. */
BOOLEAN KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                              ULONG TolerableDelay, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, (LONG)(Period & INT32_MAX), Dpc);
}

/* Returns whether the timer was set. A DPC that is already queued stays queued. */
BOOLEAN KeCancelTimer(PKTIMER Timer)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN WasSet = Timer->Header.Inserted;

    if (WasSet) {
        KiRemoveTimer(Timer);
    }
    KiExitDispatcher(OldIrql);
    return WasSet;
}

BOOLEAN KeReadStateTimer(PKTIMER Timer)
{
    return Timer->Header.SignalState != 0;
}
