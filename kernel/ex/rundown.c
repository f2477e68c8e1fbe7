/* SPDX-License-Identifier: MIT */
/*
 * Rundown protection: an object may be used while protection can be had; its owner waits until all
 * have given it back, and from then on nobody gets any.
 *
 *   even        twice the number of protections given
 *   odd         rundown has begun: 1, or the address (with bit 0) of the EXP_RUNDOWN on the waiting
 *               owner's stack, which counts what is still out
 */
#include "ex/ex.h"

#define EXP_RUNDOWN_ACTIVE 1ull

typedef struct _EXP_RUNDOWN {
    volatile LONG64 Outstanding;
    KEVENT Event;
} EXP_RUNDOWN;

static BOOLEAN ExpExchangeRundown(PEX_RUNDOWN_REF RunRef, ULONG_PTR Old, ULONG_PTR New)
{
    return __sync_bool_compare_and_swap(&RunRef->Count, Old, New);
}

VOID ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    RunRef->Count = 0;
}

VOID ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, 0, __ATOMIC_SEQ_CST);
}

BOOLEAN ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR Value;

    do {
        Value = RunRef->Count;
        if (Value & EXP_RUNDOWN_ACTIVE) {
            return FALSE;
        }
    } while (!ExpExchangeRundown(RunRef, Value, Value + 2 * (ULONG_PTR)Count));
    return TRUE;
}

BOOLEAN ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return ExAcquireRundownProtectionEx(RunRef, 1);
}

VOID ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR Value;

    do {
        Value = RunRef->Count;
        if (Value & EXP_RUNDOWN_ACTIVE) {
            EXP_RUNDOWN *Rundown = (EXP_RUNDOWN *)(Value & ~EXP_RUNDOWN_ACTIVE);

            NT_VERIFY(Rundown != NULL);
            if (__sync_sub_and_fetch(&Rundown->Outstanding, (LONG64)Count) == 0) {
                KeSetEvent(&Rundown->Event, 0, FALSE);
            }
            return;
        }
        NT_VERIFY(Value >= 2 * (ULONG_PTR)Count);
    } while (!ExpExchangeRundown(RunRef, Value, Value - 2 * (ULONG_PTR)Count));
}

VOID ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    ExReleaseRundownProtectionEx(RunRef, 1);
}

/* Only once; to be used again the reference must be reinitialised. <= APC_LEVEL */
VOID ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    EXP_RUNDOWN Rundown;
    ULONG_PTR Value;

    KeInitializeEvent(&Rundown.Event, SynchronizationEvent, FALSE);
    do {
        Value = RunRef->Count;
        if (Value == EXP_RUNDOWN_ACTIVE) {
            return;
        }
        Rundown.Outstanding = (LONG64)(Value / 2);
    } while (!ExpExchangeRundown(RunRef, Value,
                                 Value == 0 ? EXP_RUNDOWN_ACTIVE
                                            : (ULONG_PTR)&Rundown | EXP_RUNDOWN_ACTIVE));
    if (Value != 0) {
        KeWaitForSingleObject(&Rundown.Event, WrExecutive, KernelMode, FALSE, NULL);
        __atomic_store_n(&RunRef->Count, EXP_RUNDOWN_ACTIVE, __ATOMIC_SEQ_CST);
    }
}

VOID ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, EXP_RUNDOWN_ACTIVE, __ATOMIC_SEQ_CST);
}
