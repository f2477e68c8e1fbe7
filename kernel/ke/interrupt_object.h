/* SPDX-License-Identifier: MIT */
/*
 * Interrupt objects: what IoConnectInterrupt gives a driver. Opaque to drivers, so the layout is
 * ours.
 */
#pragma once

#include "ke/ki.h"

typedef struct _KINTERRUPT {
    CSHORT Type; /* InterruptObject */
    CSHORT Size;
    LIST_ENTRY Links; /* the objects that share the vector */
    PKSERVICE_ROUTINE ServiceRoutine;
    PVOID ServiceContext;
    KSPIN_LOCK SpinLock;    /* used when the driver gave none */
    PKSPIN_LOCK ActualLock; /* held while the routine runs */
    KINTERRUPT_MODE Mode;
    UCHAR Vector;
    KIRQL Irql; /* vector >> 4 */
    KIRQL SynchronizeIrql;
    BOOLEAN ShareVector;
    BOOLEAN Connected;
} KINTERRUPT;

/*
 * Fills a zeroed object in nonpaged memory. Lock may be NULL. The caller has checked nothing:
 * STATUS_INVALID_PARAMETER when vector, IRQL and mode do not fit each other. Any IRQL.
 */
NTSTATUS KiInitializeInterruptObject(PKINTERRUPT Interrupt, PKSERVICE_ROUTINE Routine,
                                     PVOID Context, PKSPIN_LOCK Lock, ULONG Vector, KIRQL Irql,
                                     KIRQL SynchronizeIrql, KINTERRUPT_MODE Mode,
                                     BOOLEAN ShareVector);
/*
 * From here on the routine is called. STATUS_INVALID_PARAMETER: the vector is used by the kernel,
 * or by a driver, and not both want to share it in the same mode. PASSIVE_LEVEL.
 */
NTSTATUS KiConnectInterruptObject(PKINTERRUPT Interrupt);
/* The routine does not run any more after the return. PASSIVE_LEVEL. */
VOID KiDisconnectInterruptObject(PKINTERRUPT Interrupt);
/* Is an interrupt connected whose routine lies in this range? <= DISPATCH_LEVEL */
BOOLEAN KiIsInterruptConnected(ULONG_PTR Start, SIZE_T Size);
