/* SPDX-License-Identifier: MIT */
/*
 * The table of the spin locks that verified drivers hold, and the IRQLs saved with them. What is
 * made of it: spin_lock.c.
 *
 * What looks like a mistake and is none: two locks released in the order of their acquisition, with
 * the saved IRQLs swapped; a lock taken at DPC level and released to the IRQL that an earlier
 * acquisition saved (lock coupling, cancel routines); a lock released by another processor than
 * took it. So the IRQLs saved on a processor are a multiset, which lives as long as it holds any
 * lock, and a release looks for the lock on every processor.
 *
 * Interrupts are off while the table's lock is held, and no bug check happens meanwhile. All
 * routines: any IRQL, but where something else is said.
 */
#pragma once

#include "vf/vf.h"

typedef struct _VF_HELD_LOCK {
    PVOID Lock;
    PKLOCK_QUEUE_HANDLE Handle; /* in-stack queued, else NULL */
    PVOID Place;                /* call site of the acquisition */
    PKPRCB Prcb;                /* the processor that took it */
    ULONG64 Sequence;
    BOOLEAN Shared;
    BOOLEAN Saved; /* it came with an IRQL to restore */
} VF_HELD_LOCK;

/* What the entries looked for have in common. */
typedef struct _VF_LOCK_QUERY {
    PVOID Start; /* the lock lies within Bytes from here on; Bytes 0: anywhere */
    SIZE_T Bytes;
    PKLOCK_QUEUE_HANDLE Handle; /* NULL: any or none */
    PKPRCB Prcb;                /* NULL: any */
    BOOLEAN Exclusive;          /* not those held shared */
    ULONG64 Since;              /* the least Sequence */
} VF_LOCK_QUERY;

/* Copies the latest entry of those. FALSE: there is none. */
BOOLEAN VfFindLock(const VF_LOCK_QUERY *Query, VF_HELD_LOCK *Found);
/* The latest of this processor with at least the sequence number First. */
BOOLEAN VfFindHeldSince(ULONG64 First, VF_HELD_LOCK *Found);
/*
 * At DISPATCH_LEVEL or above, once the lock is the caller's. New has Lock, Handle, Shared and
 * Saved; the rest is filled in here. When the table is full the lock is lost.
 */
VOID VfEnterLock(VF_HELD_LOCK New, PVOID ReturnAddress, KIRQL SavedIrql);
/*
 * Takes the entry out, of this processor rather than of another, and forgets one saved IRQL of the
 * value NewIrql. *Allowed: an acquisition has saved that value, or it lowers nothing that counts:
 * DISPATCH_LEVEL with another lock held. FALSE: nobody holds the lock.
 */
BOOLEAN VfRemoveLock(PVOID Lock, PKLOCK_QUEUE_HANDLE Handle, KIRQL NewIrql, VF_HELD_LOCK *Removed,
                     PBOOLEAN Allowed);
/* The table was full once: a lock that is not in it may be held. */
BOOLEAN VfMissesLocks(VOID);
