/* SPDX-License-Identifier: MIT */
/* Events: SignalState is 1 or 0. A synchronization event is reset by the wait it satisfies. */
#include "dispatcher.h"

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    Event->Header.Type = (UCHAR)(Type == NotificationEvent ? EventNotificationObject
                                                           : EventSynchronizationObject);
    Event->Header.Signalling = 0;
    Event->Header.Size = sizeof(KEVENT) / sizeof(LONG);
    Event->Header.Reserved1 = 0;
    Event->Header.SignalState = State != FALSE;
    InitializeListHead(&Event->Header.WaitListHead);
}

/* Returns the previous state. With Wait the lock stays held: a KeWait... must follow at once. */
LONG KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockToSet(Wait);
    LONG Old = Event->Header.SignalState;

    Event->Header.SignalState = 1;
    if (Old == 0) {
        KiTestWaiters(&Event->Header, Increment);
    }
    KiExitSet(OldIrql, Wait);
    return Old;
}

/* Wakes those who wait now, and leaves the event not signalled. */
LONG KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    KIRQL OldIrql = KiLockToSet(Wait);
    LONG Old = Event->Header.SignalState;

    Event->Header.SignalState = 1;
    KiTestWaiters(&Event->Header, Increment);
    Event->Header.SignalState = 0;
    KiExitSet(OldIrql, Wait);
    return Old;
}

LONG KeResetEvent(PRKEVENT Event)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Old = Event->Header.SignalState;

    Event->Header.SignalState = 0;
    KiExitDispatcher(OldIrql);
    return Old;
}

VOID KeClearEvent(PRKEVENT Event)
{
    Event->Header.SignalState = 0;
}

LONG KeReadStateEvent(PRKEVENT Event)
{
    return Event->Header.SignalState;
}
