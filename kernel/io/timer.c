/* SPDX-License-Identifier: MIT */
/*
 * Device timers: one kernel timer that ticks once a second while any device's timer is started;
 * its DPC calls the routines of the started ones. The list is under IopTimerLock, which is not
 * held during the calls: a timer that runs is marked, and removal waits for its DPC to end.
 */
#include "io/iop.h"
#include "mm/mm.h"
#include "vf/vf.h"

typedef struct _IO_TIMER {
    SHORT Type; /* IO_TYPE_TIMER */
    SHORT Started;
    LIST_ENTRY TimerList;
    PIO_TIMER_ROUTINE TimerRoutine;
    PVOID Context;
    PDEVICE_OBJECT DeviceObject;
    BOOLEAN Done; /* called in this tick */
} IO_TIMER, *PIO_TIMER;

static KSPIN_LOCK IopTimerLock;
static LIST_ENTRY IopTimers;
static ULONG IopStartedTimers;
static KTIMER IopTick;
static KDPC IopTickDpc;

/* Lock held: a started timer that has not been called in this tick. */
static PIO_TIMER IopNextDueTimer(VOID)
{
    for (PLIST_ENTRY Entry = IopTimers.Flink; Entry != &IopTimers; Entry = Entry->Flink) {
        PIO_TIMER Timer = CONTAINING_RECORD(Entry, IO_TIMER, TimerList);
        if (Timer->Started && !Timer->Done) {
            return Timer;
        }
    }
    return NULL;
}

static VOID IopTickRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PIO_TIMER Timer;

    KiAcquireSpinLockRaw(&IopTimerLock);
    for (PLIST_ENTRY Entry = IopTimers.Flink; Entry != &IopTimers; Entry = Entry->Flink) {
        CONTAINING_RECORD(Entry, IO_TIMER, TimerList)->Done = FALSE;
    }
    while ((Timer = IopNextDueTimer()) != NULL) {
        PIO_TIMER_ROUTINE Routine = Timer->TimerRoutine;
        PDEVICE_OBJECT Device = Timer->DeviceObject;
        PVOID RoutineContext = Timer->Context;
        Timer->Done = TRUE;
        KiReleaseSpinLockRaw(&IopTimerLock);
        /* To Ke the DPC is the kernel's: that a driver's code is entered is said here. */
        MmNotifyIrqlRaise(DISPATCH_LEVEL);
        VfEnterRoutine(TimelineDpc, (PVOID)Routine, (ULONG64)RoutineContext);
        Routine(Device, RoutineContext);
        VfLeaveRoutine(TimelineDpc, (PVOID)Routine, 0);
        KiAcquireSpinLockRaw(&IopTimerLock);
    }
    KiReleaseSpinLockRaw(&IopTimerLock);
}

VOID IopInitializeTimers(VOID)
{
    KeInitializeSpinLock(&IopTimerLock);
    InitializeListHead(&IopTimers);
    KeInitializeTimerEx(&IopTick, NotificationTimer);
    KeInitializeDpc(&IopTickDpc, IopTickRoutine, NULL);
}

/* PASSIVE_LEVEL. A second call replaces routine and context. */
NTSTATUS IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine,
                           PVOID Context)
{
    PIO_TIMER Timer = DeviceObject->Timer;
    if (Timer == NULL) {
        Timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Timer), IO_TAG_TIMER);
        if (Timer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlZeroMemory(Timer, sizeof(*Timer));
        Timer->Type = IO_TYPE_TIMER;
        Timer->DeviceObject = DeviceObject;
        DeviceObject->Timer = Timer;
        KIRQL OldIrql = KiAcquireSpinLock(&IopTimerLock);
        InsertTailList(&IopTimers, &Timer->TimerList);
        KiReleaseSpinLock(&IopTimerLock, OldIrql);
    }
    Timer->TimerRoutine = TimerRoutine;
    Timer->Context = Context;
    return STATUS_SUCCESS;
}

/* <= DISPATCH_LEVEL */
VOID IoStartTimer(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER Timer = DeviceObject->Timer;
    KIRQL OldIrql = KiAcquireSpinLock(&IopTimerLock);
    if (!Timer->Started) {
        Timer->Started = TRUE;
        Timer->Done = FALSE;
        if (IopStartedTimers++ == 0) {
            LARGE_INTEGER Second = {.QuadPart = -10000000};
            KeSetTimerEx(&IopTick, Second, 1000, &IopTickDpc);
        }
    }
    KiReleaseSpinLock(&IopTimerLock, OldIrql);
}

VOID IoStopTimer(PDEVICE_OBJECT DeviceObject)
{
    PIO_TIMER Timer = DeviceObject->Timer;
    KIRQL OldIrql = KiAcquireSpinLock(&IopTimerLock);
    if (Timer->Started) {
        Timer->Started = FALSE;
        if (--IopStartedTimers == 0) {
            KeCancelTimer(&IopTick);
        }
    }
    KiReleaseSpinLock(&IopTimerLock, OldIrql);
}

/* The routine does not run any more afterwards. <= APC_LEVEL */
VOID IopRemoveTimer(PDEVICE_OBJECT Device)
{
    PIO_TIMER Timer = Device->Timer;
    if (Timer == NULL) {
        return;
    }
    IoStopTimer(Device);
    KIRQL OldIrql = KiAcquireSpinLock(&IopTimerLock);
    RemoveEntryList(&Timer->TimerList);
    KiReleaseSpinLock(&IopTimerLock, OldIrql);
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) {
        KeFlushQueuedDpcs();
    }
    Device->Timer = NULL;
    ExFreePoolWithTag(Timer, IO_TAG_TIMER);
}
