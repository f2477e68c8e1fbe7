/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: the vector table, and IRQL around a routine.
 *
 * CR8 is the IRQL and the local APIC's task priority: while it is n, vectors below (n + 1) << 4
 * wait in the APIC. So an interrupt raises CR8 to vector >> 4, runs with interrupts on, and lowers
 * CR8 last; whatever became pending meanwhile arrives by itself when the interrupted code goes on.
 *
 * End of interrupt comes after a device's routine (a level-triggered source must have been served)
 * but before the DPC and APC routines: they may switch threads, and the in-service bit would hold
 * back the next such request until this thread runs again.
 *
 * The table is read without a lock by KiInterrupt, interrupts off; it is changed under
 * KiVectorLock with interrupts off, routine last.
 */
#include "ke/interrupt.h"

#include "hal/hal.h"
#include "ke/trap_dispatch.h"
#include "mm/mm.h"

#define KI_VECTORS 256
#define KI_LOWEST_VECTOR 0x30

typedef struct _KI_VECTOR {
    KI_VECTOR_ROUTINE *volatile Routine; /* NULL: not connected */
    PVOID Context;
    BOOLEAN OfDriver; /* pages leave before the routine runs, in the modes that ask for it */
} KI_VECTOR;

static KI_VECTOR KiVectors[KI_VECTORS];
static KSPIN_LOCK KiVectorLock;
ULONG64 KiUnexpectedInterrupts; /* of vectors that are not connected */

static VOID KiLockVectors(PULONG64 Flags)
{
    *Flags = KiDisableInterrupts();
    KiAcquireSpinLockRaw(&KiVectorLock);
}

static VOID KiUnlockVectors(ULONG64 Flags)
{
    KiReleaseSpinLockRaw(&KiVectorLock);
    KiRestoreInterrupts(Flags);
}

BOOLEAN KiTryConnectVector(UCHAR Vector, KI_VECTOR_ROUTINE *Routine, PVOID Context,
                           BOOLEAN OfDriver)
{
    ULONG64 Flags;
    BOOLEAN Connected = FALSE;
    KiLockVectors(&Flags);
    if (Vector >= KI_LOWEST_VECTOR && KiVectors[Vector].Routine == NULL) {
        KiVectors[Vector].Context = Context;
        KiVectors[Vector].OfDriver = OfDriver;
        __atomic_store_n(&KiVectors[Vector].Routine, Routine, __ATOMIC_RELEASE);
        Connected = TRUE;
    }
    KiUnlockVectors(Flags);
    return Connected;
}

/* For the kernel's own devices: the vector must be free. Any IRQL. */
VOID KiConnectVector(UCHAR Vector, KI_VECTOR_ROUTINE *Routine, PVOID Context)
{
    NT_VERIFY(KiTryConnectVector(Vector, Routine, Context, FALSE));
}

/* The routine may still run on another processor; there is only one so far. Any IRQL. */
VOID KiDisconnectVector(UCHAR Vector)
{
    ULONG64 Flags;
    KiLockVectors(&Flags);
    KiVectors[Vector].Routine = NULL;
    KiUnlockVectors(Flags);
}

/* DPC and APC requests. Interrupts off on entry and return. */
static VOID KiSoftwareInterrupt(PKTRAP_FRAME Frame, ULONG Vector)
{
    HalEndInterrupt();
    KiWriteIrql((KIRQL)(Vector >> 4));
    __asm__ volatile("sti" : : : "memory");
    if (Vector == DISPATCH_VECTOR) {
        KiDispatchInterrupt();
    } else {
        KiDeliverApc(KernelMode, Frame);
    }
    __asm__ volatile("cli" : : : "memory");
}

static VOID KiDeviceInterrupt(PKTRAP_FRAME Frame, ULONG Vector)
{
    const KI_VECTOR *Entry = &KiVectors[Vector];
    KI_VECTOR_ROUTINE *Routine = __atomic_load_n(&Entry->Routine, __ATOMIC_ACQUIRE);
    KIRQL Irql = (KIRQL)(Vector >> 4);
    if (Routine == NULL) {
        KiUnexpectedInterrupts++;
        HalEndInterrupt();
        return;
    }
    /*
     * Below DISPATCH_LEVEL the interrupted code holds no spin lock, so Mm can take its own; at
     * DISPATCH_LEVEL or above, pages left when that level was reached.
     */
    if (Entry->OfDriver && Frame->PreviousIrql < DISPATCH_LEVEL) {
        KiWriteIrql(DISPATCH_LEVEL);
        MmNotifyIrqlRaise(Irql);
    }
    KiWriteIrql(Irql);
    __asm__ volatile("sti" : : : "memory");
    Routine(Frame, Entry->Context);
    __asm__ volatile("cli" : : : "memory");
    HalEndInterrupt();
}

/* From trap.S, interrupts off on entry and return. */
VOID KiInterrupt(PKTRAP_FRAME Frame, ULONG Vector)
{
    NT_VERIFY(Vector < KI_VECTORS);
    Frame->PreviousMode = (KPROCESSOR_MODE)(Frame->SegCs & 1);
    Frame->PreviousIrql = KiReadIrql();
    KeGetCurrentPrcb()->InterruptCount++;
    if (Vector == DISPATCH_VECTOR || Vector == APC_VECTOR) {
        KiSoftwareInterrupt(Frame, Vector);
    } else {
        KiDeviceInterrupt(Frame, Vector);
    }
    KiWriteIrql(Frame->PreviousIrql);
}
