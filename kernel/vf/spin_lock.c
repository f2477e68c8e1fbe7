/* SPDX-License-Identifier: MIT */
/*
 * The spin locks that verified drivers hold. Which checks there are follows from what is certain:
 *
 *   a processor takes a lock that it holds: it waits for itself        40009, queued 40006
 *   a lock is released that nobody holds                               4000A, queued 40007
 *   a lock of KeAcquireSpinLock is released to an IRQL that was not
 *     saved by any acquisition                                         20015
 *   a processor goes below DISPATCH_LEVEL, or a driver's routine
 *     returns, with a lock held                                        40009, queued 40007
 *   memory that contains a held lock is freed                          40009
 *
 * P2 is the condition as text, P3 the lock, P4 where it was taken.
 *
 * A lock is entered into the table (held_lock.h) after it was acquired and removed before it is
 * released, by the wrapper or the rule of the routine that the driver called; the cancel lock by
 * its own two routines, since the kernel takes it for a driver's cancel routine. When the table was
 * full once no release is checked any more.
 */
#include "vf/held_lock.h"

#include "ke/driver_irql.h"
#include "nt/ex.h"
#include "nt/kd.h"
#include "nt/rtl.h"

#define RULE_SPIN_LOCK 0x40009
#define RULE_SPIN_LOCK_RELEASE 0x4000a
#define RULE_QUEUED_SPIN_LOCK 0x40006
#define RULE_QUEUED_SPIN_LOCK_RELEASE 0x40007
#define RULE_IRQL_RELEASE_SPIN_LOCK 0x20015

/* The host puts the routine's name in the place of the address. */
static DECLSPEC_NORETURN VOID VfStopForLock(ULONG Rule, const VF_HELD_LOCK *Held, PCSTR Text)
{
    VfStopForRule(Rule, (ULONG_PTR)Held->Lock, (ULONG_PTR)Held->Place,
                  "%s; the lock was taken by %p", Text, Held->Place);
}

/* ---- acquisitions ---- */

/* At DISPATCH_LEVEL or above, before the wait for the lock. */
static VOID VfCheckNotHeld(PVOID Lock, BOOLEAN Shared, ULONG Rule, PCSTR Text)
{
    const VF_LOCK_QUERY Query = {
        .Start = Lock, .Bytes = 1, .Prcb = KeGetCurrentPrcb(), .Exclusive = Shared};
    VF_HELD_LOCK Found;
    if (VfFindLock(&Query, &Found)) {
        VfStopForLock(Rule, &Found, Text);
    }
}

static KIRQL VfAcquireRaising(PKSPIN_LOCK SpinLock, PVOID ReturnAddress)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, ReturnAddress);
    VfCheckNotHeld(SpinLock, FALSE, RULE_SPIN_LOCK, "a spin lock is acquired that is held already");
    KeAcquireSpinLockAtDpcLevel(SpinLock);
    VfEnterLock((VF_HELD_LOCK){.Lock = SpinLock, .Saved = TRUE}, ReturnAddress, OldIrql);
    return OldIrql;
}

static KIRQL VfAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    return VfAcquireRaising(SpinLock, KI_RETURN_ADDRESS());
}

static KIRQL VfAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock)
{
    return VfAcquireRaising(SpinLock, KI_RETURN_ADDRESS());
}

static VOID VfAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    VfCheckNotHeld(SpinLock, FALSE, RULE_SPIN_LOCK, "a spin lock is acquired that is held already");
    KeAcquireSpinLockAtDpcLevel(SpinLock);
    VfEnterLock((VF_HELD_LOCK){.Lock = SpinLock}, KI_RETURN_ADDRESS(), 0);
}

static BOOLEAN VfTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    BOOLEAN Acquired = KeTryToAcquireSpinLockAtDpcLevel(SpinLock);
    if (Acquired) {
        VfEnterLock((VF_HELD_LOCK){.Lock = SpinLock}, KI_RETURN_ADDRESS(), 0);
    }
    return Acquired;
}

/* A handle is in one queue at a time. */
static VOID VfCheckHandle(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE Handle)
{
    const VF_LOCK_QUERY Query = {.Handle = Handle};
    VF_HELD_LOCK Found;
    VfCheckNotHeld(SpinLock, FALSE, RULE_QUEUED_SPIN_LOCK,
                   "a queued spin lock is acquired that is held already");
    if (Handle != NULL && VfFindLock(&Query, &Found)) {
        VfStopForLock(RULE_QUEUED_SPIN_LOCK, &Found,
                      "a queued spin lock is acquired with the handle of one that is held");
    }
}

static VOID VfAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE Handle)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
    VfCheckHandle(SpinLock, Handle);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock, Handle);
    Handle->OldIrql = OldIrql;
    VfEnterLock((VF_HELD_LOCK){.Lock = SpinLock, .Handle = Handle}, KI_RETURN_ADDRESS(), 0);
}

static VOID VfAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
                                                     PKLOCK_QUEUE_HANDLE Handle)
{
    VfCheckHandle(SpinLock, Handle);
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock, Handle);
    VfEnterLock((VF_HELD_LOCK){.Lock = SpinLock, .Handle = Handle}, KI_RETURN_ADDRESS(), 0);
}

/* Reader-writer locks: a reader may come in again as long as no writer waits for it. */
static VOID VfAcquireShared(PEX_SPIN_LOCK SpinLock, PVOID ReturnAddress, BOOLEAN Saved, KIRQL Old)
{
    VfCheckNotHeld((PVOID)SpinLock, TRUE, RULE_SPIN_LOCK,
                   "a reader-writer spin lock is acquired that is held exclusively already");
    ExAcquireSpinLockSharedAtDpcLevel(SpinLock);
    VfEnterLock((VF_HELD_LOCK){.Lock = (PVOID)SpinLock, .Shared = TRUE, .Saved = Saved},
                ReturnAddress, Old);
}

static VOID VfAcquireExclusive(PEX_SPIN_LOCK SpinLock, PVOID ReturnAddress, BOOLEAN Saved,
                               KIRQL Old)
{
    VfCheckNotHeld((PVOID)SpinLock, FALSE, RULE_SPIN_LOCK,
                   "a reader-writer spin lock is acquired exclusively that is held already");
    ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock);
    VfEnterLock((VF_HELD_LOCK){.Lock = (PVOID)SpinLock, .Saved = Saved}, ReturnAddress, Old);
}

static KIRQL VfAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
    VfAcquireShared(SpinLock, KI_RETURN_ADDRESS(), TRUE, OldIrql);
    return OldIrql;
}

static VOID VfAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    VfAcquireShared(SpinLock, KI_RETURN_ADDRESS(), FALSE, 0);
}

static KIRQL VfAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
    KIRQL OldIrql = KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
    VfAcquireExclusive(SpinLock, KI_RETURN_ADDRESS(), TRUE, OldIrql);
    return OldIrql;
}

static VOID VfAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
    VfAcquireExclusive(SpinLock, KI_RETURN_ADDRESS(), FALSE, 0);
}

PVOID VfFindLockWrapper(PCSTR Name)
{
    static const struct {
        PCSTR Name;
        PVOID Wrapper;
    } Wrappers[] = {
        {"ExAcquireSpinLockExclusive", (PVOID)VfAcquireSpinLockExclusive},
        {"ExAcquireSpinLockExclusiveAtDpcLevel", (PVOID)VfAcquireSpinLockExclusiveAtDpcLevel},
        {"ExAcquireSpinLockShared", (PVOID)VfAcquireSpinLockShared},
        {"ExAcquireSpinLockSharedAtDpcLevel", (PVOID)VfAcquireSpinLockSharedAtDpcLevel},
        {"KeAcquireInStackQueuedSpinLock", (PVOID)VfAcquireInStackQueuedSpinLock},
        {"KeAcquireInStackQueuedSpinLockAtDpcLevel",
         (PVOID)VfAcquireInStackQueuedSpinLockAtDpcLevel},
        {"KeAcquireSpinLockAtDpcLevel", (PVOID)VfAcquireSpinLockAtDpcLevel},
        {"KeAcquireSpinLockForDpc", (PVOID)VfAcquireSpinLockForDpc},
        {"KeAcquireSpinLockRaiseToDpc", (PVOID)VfAcquireSpinLockRaiseToDpc},
        {"KeTryToAcquireSpinLockAtDpcLevel", (PVOID)VfTryToAcquireSpinLockAtDpcLevel},
        {"KefAcquireSpinLockAtDpcLevel", (PVOID)VfAcquireSpinLockAtDpcLevel},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Wrappers); i++) {
        if (strcmp(Wrappers[i].Name, Name) == 0) {
            return Wrappers[i].Wrapper;
        }
    }
    return NULL;
}

/* ---- releases ---- */

VOID VfCheckLowering(KIRQL NewIrql)
{
    VF_HELD_LOCK Held;
    if (VfActive && NewIrql < DISPATCH_LEVEL && VfFindHeldSince(0, &Held)) {
        VfStopForLock(Held.Handle != NULL ? RULE_QUEUED_SPIN_LOCK_RELEASE : RULE_SPIN_LOCK, &Held,
                      "the IRQL goes below DISPATCH_LEVEL while a spin lock is held");
    }
}

static VOID VfStopForUnheld(const VF_EXPORT *Export, ULONG Rule, PVOID Lock)
{
    if (!VfMissesLocks()) {
        VfStopForRule(Rule, (ULONG_PTR)Lock, 0, "%s: nobody holds the spin lock",
                      Export->Name);
    }
}

/* The range of the routine has its own bug check for a call at a wrong IRQL. */
static VOID VfCheckRelease(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    PVOID Lock = (PVOID)Argument[0];
    KIRQL NewIrql = (KIRQL)Argument[1];
    VF_HELD_LOCK Held;
    BOOLEAN Allowed;
    if (Irql != DISPATCH_LEVEL) {
        return;
    }
    if (!VfRemoveLock(Lock, NULL, NewIrql, &Held, &Allowed)) {
        VfStopForUnheld(Export, RULE_SPIN_LOCK_RELEASE, Lock);
        return;
    }
    if (Held.Saved && Held.Prcb == KeGetCurrentPrcb() && !Allowed && !VfMissesLocks()) {
        CHAR Text[96];
        _snprintf(Text, sizeof(Text) - 1, "%s: NewIrql is %u, which no acquisition has saved",
                  Export->Name, NewIrql);
        Text[sizeof(Text) - 1] = 0;
        VfStopForLock(RULE_IRQL_RELEASE_SPIN_LOCK, &Held, Text);
    }
    VfCheckLowering(NewIrql);
}

static VOID VfCheckReleaseFromDpc(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VF_HELD_LOCK Held;
    BOOLEAN Allowed;
    if (Irql >= DISPATCH_LEVEL &&
        !VfRemoveLock((PVOID)Argument[0], NULL, HIGH_LEVEL, &Held, &Allowed)) {
        VfStopForUnheld(Export, RULE_SPIN_LOCK_RELEASE, (PVOID)Argument[0]);
    }
}

static VOID VfCheckReleaseQueued(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    PKLOCK_QUEUE_HANDLE Handle = (PKLOCK_QUEUE_HANDLE)Argument[0];
    VF_HELD_LOCK Held;
    BOOLEAN Allowed;
    if (Irql != DISPATCH_LEVEL) {
        return;
    }
    if (!VfRemoveLock(NULL, Handle, HIGH_LEVEL, &Held, &Allowed)) {
        VfStopForUnheld(Export, RULE_QUEUED_SPIN_LOCK_RELEASE, Handle);
        return;
    }
    VfCheckLowering(Handle->OldIrql);
}

static VOID VfCheckReleaseQueuedFromDpc(const VF_EXPORT *Export, KIRQL Irql,
                                        const ULONG64 *Argument)
{
    PKLOCK_QUEUE_HANDLE Handle = (PKLOCK_QUEUE_HANDLE)Argument[0];
    VF_HELD_LOCK Held;
    BOOLEAN Allowed;
    if (Irql >= DISPATCH_LEVEL && !VfRemoveLock(NULL, Handle, HIGH_LEVEL, &Held, &Allowed)) {
        VfStopForUnheld(Export, RULE_QUEUED_SPIN_LOCK_RELEASE, Handle);
    }
}

/* ExInterlocked...: the lock must be free, whatever the IRQL. */
static VOID VfCheckInterlocked(ULONG64 Lock)
{
    VfCheckNotHeld((PVOID)Lock, FALSE, RULE_SPIN_LOCK,
                   "an interlocked operation acquires a spin lock that is held already");
}

static VOID VfCheckInterlocked2(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckInterlocked(Argument[1]);
}

static VOID VfCheckInterlocked3(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckInterlocked(Argument[2]);
}

VF_RULE *VfFindLockRule(PCSTR Name)
{
    static const struct {
        PCSTR Name;
        VF_RULE *Rule;
    } Rules[] = {
        {"ExInterlockedAddLargeInteger", VfCheckInterlocked3},
        {"ExInterlockedAddUlong", VfCheckInterlocked3},
        {"ExInterlockedInsertHeadList", VfCheckInterlocked3},
        {"ExInterlockedInsertTailList", VfCheckInterlocked3},
        {"ExInterlockedPopEntryList", VfCheckInterlocked2},
        {"ExInterlockedPushEntryList", VfCheckInterlocked3},
        {"ExInterlockedRemoveHeadList", VfCheckInterlocked2},
        {"ExReleaseSpinLockExclusive", VfCheckRelease},
        {"ExReleaseSpinLockExclusiveFromDpcLevel", VfCheckReleaseFromDpc},
        {"ExReleaseSpinLockShared", VfCheckRelease},
        {"ExReleaseSpinLockSharedFromDpcLevel", VfCheckReleaseFromDpc},
        {"KeReleaseInStackQueuedSpinLock", VfCheckReleaseQueued},
        {"KeReleaseInStackQueuedSpinLockFromDpcLevel", VfCheckReleaseQueuedFromDpc},
        {"KeReleaseSpinLock", VfCheckRelease},
        {"KeReleaseSpinLockForDpc", VfCheckRelease},
        {"KeReleaseSpinLockFromDpcLevel", VfCheckReleaseFromDpc},
        {"KefReleaseSpinLockFromDpcLevel", VfCheckReleaseFromDpc},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Rules); i++) {
        if (strcmp(Rules[i].Name, Name) == 0) {
            return Rules[i].Rule;
        }
    }
    return NULL;
}

/* ---- the cancel lock, and what a driver's routine leaves behind ---- */

VOID VfEnterCancelLock(PKSPIN_LOCK SpinLock, PVOID ReturnAddress, KIRQL OldIrql)
{
    if (VfActive) {
        VfEnterLock((VF_HELD_LOCK){.Lock = SpinLock, .Saved = TRUE}, ReturnAddress, OldIrql);
    }
}

VOID VfLeaveCancelLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    VF_HELD_LOCK Held;
    BOOLEAN Allowed;
    if (VfActive && VfRemoveLock(SpinLock, NULL, NewIrql, &Held, &Allowed)) {
        VfCheckLowering(NewIrql);
    }
}

VOID VfExplainHeldLock(ULONG64 Mark, PCSTR Kind)
{
    VF_HELD_LOCK Held;
    if (VfActive && VfFindHeldSince(Mark, &Held)) {
        DbgPrint("*** Verifier: %s returned with a spin lock held; the lock was taken by %p\n",
                 Kind, Held.Place);
    }
}

VOID VfCheckLocksReleased(ULONG64 Mark, PCSTR Kind)
{
    VF_HELD_LOCK Held;
    CHAR Text[80];
    if (VfActive && VfFindHeldSince(Mark, &Held)) {
        _snprintf(Text, sizeof(Text) - 1, "%s returned with a spin lock held", Kind);
        Text[sizeof(Text) - 1] = 0;
        VfStopForLock(Held.Handle != NULL ? RULE_QUEUED_SPIN_LOCK_RELEASE : RULE_SPIN_LOCK, &Held,
                      Text);
    }
}

VOID VfCheckFreedMemory(PVOID Start, SIZE_T Bytes)
{
    const VF_LOCK_QUERY Query = {.Start = Start, .Bytes = Bytes};
    VF_HELD_LOCK Found;
    if (Bytes != 0 && VfFindLock(&Query, &Found)) {
        VfStopForLock(RULE_SPIN_LOCK, &Found, "memory is freed that contains a held spin lock");
    }
}
