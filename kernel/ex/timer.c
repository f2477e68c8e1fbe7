/* SPDX-License-Identifier: MIT */
/*
 * Timers that the kernel allocates (EX_TIMER, Windows 8.1): a kernel timer, whose place they begin
 * with so that they can be waited for, and the DPC that calls the driver.
 *
 * ExpTimerLock guards Running and Deleting. A deleted timer is freed by ExDeleteTimer when nothing
 * of it is under way, else by its DPC, after the callback, which ends what was under way:
 *
 *   set, not cancelled   one expiry more, then the DPC
 *   DPC queued           the DPC
 *   Running              the DPC, also when the callback itself deletes its timer
 *
 * The clock has one rate: EX_TIMER_HIGH_RESOLUTION makes no difference. Periods are rounded up to
 * milliseconds, as the kernel timer has them.
 */
#include "ex/ex.h"
#include "mm/mm.h"
#include "nt/pool.h"
#include "vf/vf.h"

#define EXP_TAG_TIMER 0x69547845u /* 'ExTi' */
#define EXP_TIMER_ATTRIBUTES (EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE | EX_TIMER_NOTIFICATION)
#define EXP_MOST_PERIOD (10000ll * INT32_MAX)

typedef struct _EX_TIMER {
    KTIMER Timer;
    KDPC Dpc;
    PEXT_CALLBACK Callback; /* may be NULL */
    PVOID Context;
    BOOLEAN Running;  /* the callback */
    BOOLEAN Deleting;
    PKEVENT Deleted;  /* who waits for the end of it; NULL: nobody */
    PEXT_DELETE_CALLBACK DeleteCallback;
    PVOID DeleteContext;
} EX_TIMER;

static KSPIN_LOCK ExpTimerLock;

/* Nothing refers to it any more. <= DISPATCH_LEVEL */
static VOID ExpFreeTimer(PEX_TIMER Timer)
{
    PEXT_DELETE_CALLBACK Callback = Timer->DeleteCallback;
    PVOID Context = Timer->DeleteContext;
    PKEVENT Deleted = Timer->Deleted;

    ExFreePoolWithTag(Timer, EXP_TAG_TIMER);
    if (Callback != NULL) {
        Callback(Context);
    }
    if (Deleted != NULL) {
        KeSetEvent(Deleted, 0, FALSE);
    }
}

static VOID ExpTimerDpc(PKDPC Dpc, PVOID DeferredContext, PVOID Argument1, PVOID Argument2)
{
    PEX_TIMER Timer = DeferredContext;

    KiAcquireSpinLockRaw(&ExpTimerLock);
    Timer->Running = TRUE;
    KiReleaseSpinLockRaw(&ExpTimerLock);
    if (Timer->Callback != NULL) {
        /* To Ke the DPC is the kernel's: that a driver's code is entered is said here. */
        MmNotifyIrqlRaise(DISPATCH_LEVEL);
        VfEnterRoutine(TimelineDpc, (PVOID)Timer->Callback, (ULONG64)Timer->Context);
        Timer->Callback(Timer, Timer->Context);
        VfLeaveRoutine(TimelineDpc, (PVOID)Timer->Callback, 0);
    }
    KiAcquireSpinLockRaw(&ExpTimerLock);
    Timer->Running = FALSE;
    if (Timer->Deleting) {
        KeCancelTimer(&Timer->Timer); /* a period that was not cancelled ends here */
    }
    BOOLEAN Free = Timer->Deleting && Dpc->DpcData == NULL;
    KiReleaseSpinLockRaw(&ExpTimerLock);
    if (Free) {
        ExpFreeTimer(Timer);
    }
}

/* NULL: no pool, or Attributes that are unknown or contradict each other. <= DISPATCH_LEVEL */
PEX_TIMER ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes)
{
    const ULONG Both = EX_TIMER_HIGH_RESOLUTION | EX_TIMER_NO_WAKE;

    if ((Attributes & ~EXP_TIMER_ATTRIBUTES) != 0 || (Attributes & Both) == Both) {
        return NULL;
    }
    PEX_TIMER Timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(EX_TIMER), EXP_TAG_TIMER);
    if (Timer != NULL) {
        *Timer = (EX_TIMER){.Callback = Callback, .Context = CallbackContext};
        KeInitializeTimerEx(&Timer->Timer, Attributes & EX_TIMER_NOTIFICATION
                                               ? NotificationTimer
                                               : SynchronizationTimer);
        KeInitializeDpc(&Timer->Dpc, ExpTimerDpc, Timer);
    }
    return Timer;
}

/*
 * DueTime and Period are in 100 ns; Period 0: once. Returns whether the timer was set already; that
 * setting is replaced. A timer that is being deleted is not set. <= DISPATCH_LEVEL
 */
BOOLEAN ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                   PEXT_SET_PARAMETERS Parameters)
{
    LARGE_INTEGER Due = {.QuadPart = DueTime};

    UNREFERENCED_PARAMETER(Parameters); /* a tolerance: being punctual is in it */
    if (Timer->Deleting) {
        return FALSE;
    }
    Period = Period < 0 ? 0 : Period < EXP_MOST_PERIOD ? Period : EXP_MOST_PERIOD;
    return KeSetTimerEx(&Timer->Timer, Due, (LONG)((Period + 9999) / 10000), &Timer->Dpc);
}

/* TRUE: it was set and will not expire. A callback that is under way goes on. <= DISPATCH_LEVEL */
BOOLEAN ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters)
{
    UNREFERENCED_PARAMETER(Parameters);
    return KeCancelTimer(&Timer->Timer);
}

/*
 * Returns whether it was set and has been cancelled. Without Cancel a timer that is set expires
 * before it goes. With Wait, which is for Cancel and <= APC_LEVEL, the callback has ended and the
 * timer is gone on return. <= DISPATCH_LEVEL
 */
BOOLEAN ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                      PEXT_DELETE_PARAMETERS Parameters)
{
    KEVENT Deleted;

    KeInitializeEvent(&Deleted, NotificationEvent, FALSE);
    KIRQL OldIrql = KiAcquireSpinLock(&ExpTimerLock);
    NT_VERIFY(!Timer->Deleting);
    if (Parameters != NULL) {
        Timer->DeleteCallback = Parameters->DeleteCallback;
        Timer->DeleteContext = Parameters->DeleteContext;
    }
    BOOLEAN Cancelled = Cancel && KeCancelTimer(&Timer->Timer);
    BOOLEAN UnderWay =
        Timer->Running || Timer->Dpc.DpcData != NULL || Timer->Timer.Header.Inserted;
    Timer->Deleting = TRUE;
    Timer->Deleted = UnderWay && Wait ? &Deleted : NULL;
    KiReleaseSpinLock(&ExpTimerLock, OldIrql);
    if (!UnderWay) {
        ExpFreeTimer(Timer);
    } else if (Wait) {
        KeWaitForSingleObject(&Deleted, Executive, KernelMode, FALSE, NULL);
    }
    return Cancelled;
}
