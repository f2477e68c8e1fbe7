/* SPDX-License-Identifier: MIT */
/*
 * Interrupt objects. Those of one vector form a ring with a head in KiChains; the vector's routine
 * walks it at DIRQL:
 *
 *   level-sensitive   until one routine says that the interrupt was its device's; if another
 *                     device still asks, the line is still up and the interrupt comes again
 *   latched           all, again and again until none claims it, since an edge comes only once
 *
 * Locks: KiChainLock orders connect and disconnect, at DISPATCH_LEVEL. The ring is
 * changed with interrupts off, which on one processor keeps the walk out.
 */
#include "ke/interrupt_object.h"

#include "hal/hal.h"
#include "ke/interrupt.h"
#include "mm/mm.h"
#include "vf/vf.h"

#define KI_MAX_PASSES 16 /* of a latched chain: beyond, a device that always claims would hang us */
#define IRQL_MISMATCH_SERVICE_ROUTINE 3 /* last byte of 0xC8's first parameter */

static LIST_ENTRY KiChains[256]; /* Flink NULL: no driver has the vector */
static KSPIN_LOCK KiChainLock;

/* At vector >> 4. Raises to the object's own level: the highest of its driver's interrupts. */
static BOOLEAN KiCallServiceRoutine(PKINTERRUPT Interrupt)
{
    KIRQL Irql = Interrupt->SynchronizeIrql;
    KiWriteIrql(Irql);
    KiAcquireSpinLockRaw(Interrupt->ActualLock);
    ULONG64 Locks = VfMarkLocks();
    VfEnterRoutine(TimelineInterrupt, (PVOID)Interrupt->ServiceRoutine,
                   (ULONG64)Interrupt->ServiceContext);
    BOOLEAN Claimed = Interrupt->ServiceRoutine(Interrupt, Interrupt->ServiceContext);
    VfLeaveRoutine(TimelineInterrupt, (PVOID)Interrupt->ServiceRoutine, Claimed);
    KIRQL Now = KiReadIrql();
    if (Now != Irql && VfActive) {
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x111,
                     (ULONG_PTR)Interrupt->ServiceRoutine, Irql, Now);
    }
    if (Now != Irql) {
        KeBugCheckEx(IRQL_UNEXPECTED_VALUE,
                     (ULONG_PTR)Now << 16 | (ULONG_PTR)Irql << 8 | IRQL_MISMATCH_SERVICE_ROUTINE,
                     (ULONG_PTR)Interrupt->ServiceRoutine, (ULONG_PTR)Interrupt, 0);
    }
    VfCheckLocksReleased(Locks, "an interrupt service routine");
    KiReleaseSpinLockRaw(Interrupt->ActualLock);
    KiWriteIrql(Interrupt->Irql);
    return Claimed;
}

static VOID KiWalkInterruptChain(PKTRAP_FRAME TrapFrame, PVOID Context)
{
    PLIST_ENTRY Head = Context;
    BOOLEAN Claimed = TRUE;
    for (ULONG Pass = 0; Claimed && Pass < KI_MAX_PASSES; Pass++) {
        Claimed = FALSE;
        for (PLIST_ENTRY Link = Head->Flink; Link != Head; Link = Link->Flink) {
            PKINTERRUPT Interrupt = CONTAINING_RECORD(Link, KINTERRUPT, Links);
            if (!KiCallServiceRoutine(Interrupt)) {
                continue;
            }
            if (Interrupt->Mode == LevelSensitive || Head->Flink == Head->Blink) {
                return; /* served, and a lone latched device needs no second look */
            }
            Claimed = TRUE;
        }
    }
}

NTSTATUS KiInitializeInterruptObject(PKINTERRUPT Interrupt, PKSERVICE_ROUTINE Routine,
                                     PVOID Context, PKSPIN_LOCK Lock, ULONG Vector, KIRQL Irql,
                                     KIRQL SynchronizeIrql, KINTERRUPT_MODE Mode,
                                     BOOLEAN ShareVector)
{
    if (Routine == NULL || Vector < HAL_LOWEST_DEVICE_VECTOR ||
        Vector > HAL_HIGHEST_DEVICE_VECTOR || Irql != Vector >> 4 || SynchronizeIrql < Irql ||
        SynchronizeIrql > HIGH_LEVEL || (Mode != LevelSensitive && Mode != Latched)) {
        return STATUS_INVALID_PARAMETER;
    }
    *Interrupt = (KINTERRUPT){.Type = InterruptObject,
                              .Size = sizeof(*Interrupt),
                              .ServiceRoutine = Routine,
                              .ServiceContext = Context,
                              .Mode = Mode,
                              .Vector = (UCHAR)Vector,
                              .Irql = Irql,
                              .SynchronizeIrql = SynchronizeIrql,
                              .ShareVector = ShareVector};
    Interrupt->ActualLock = Lock != NULL ? Lock : &Interrupt->SpinLock;
    return STATUS_SUCCESS;
}

static BOOLEAN KiMayShare(const LIST_ENTRY *Head, const KINTERRUPT *Interrupt)
{
    PKINTERRUPT First = CONTAINING_RECORD(Head->Flink, KINTERRUPT, Links);
    return First->ShareVector && Interrupt->ShareVector && First->Mode == Interrupt->Mode;
}

NTSTATUS KiConnectInterruptObject(PKINTERRUPT Interrupt)
{
    PLIST_ENTRY Head = &KiChains[Interrupt->Vector];
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL Irql = KiAcquireSpinLock(&KiChainLock);
    if (Head->Flink == NULL || IsListEmpty(Head)) {
        InitializeListHead(Head);
        InsertTailList(Head, &Interrupt->Links);
        if (!KiTryConnectVector(Interrupt->Vector, KiWalkInterruptChain, Head, TRUE)) {
            Status = STATUS_INVALID_PARAMETER;
        } else if (!HalEnableDeviceVector(Interrupt->Vector, Interrupt->Mode)) {
            KiDisconnectVector(Interrupt->Vector);
            Status = STATUS_INVALID_PARAMETER;
        }
        if (!NT_SUCCESS(Status)) {
            InitializeListHead(Head);
        }
    } else if (!KiMayShare(Head, Interrupt)) {
        Status = STATUS_INVALID_PARAMETER;
    } else {
        ULONG64 Flags = KiDisableInterrupts();
        InsertTailList(Head, &Interrupt->Links);
        KiRestoreInterrupts(Flags);
    }
    Interrupt->Connected = NT_SUCCESS(Status);
    KiReleaseSpinLock(&KiChainLock, Irql);
    return Status;
}

VOID KiDisconnectInterruptObject(PKINTERRUPT Interrupt)
{
    KIRQL Irql = KiAcquireSpinLock(&KiChainLock);
    NT_VERIFY(Interrupt->Connected);
    Interrupt->Connected = FALSE;
    ULONG64 Flags = KiDisableInterrupts();
    BOOLEAN Last = RemoveEntryList(&Interrupt->Links);
    KiRestoreInterrupts(Flags);
    if (Last) {
        HalDisableDeviceVector(Interrupt->Vector);
        KiDisconnectVector(Interrupt->Vector);
    }
    KiReleaseSpinLock(&KiChainLock, Irql);
}

/* <= SynchronizeIrql. The routine runs as the interrupt routine does: at its IRQL, lock held. */
BOOLEAN KiIsInterruptConnected(ULONG_PTR Start, SIZE_T Size)
{
    BOOLEAN Found = FALSE;
    KIRQL OldIrql = KiAcquireSpinLock(&KiChainLock);
    for (ULONG Vector = 0; Vector < RTL_NUMBER_OF(KiChains); Vector++) {
        PLIST_ENTRY Head = &KiChains[Vector];
        for (PLIST_ENTRY Link = Head->Flink; Link != NULL && Link != Head; Link = Link->Flink) {
            PKINTERRUPT Interrupt = CONTAINING_RECORD(Link, KINTERRUPT, Links);
            Found |= (ULONG_PTR)Interrupt->ServiceRoutine - Start < Size;
        }
    }
    KiReleaseSpinLock(&KiChainLock, OldIrql);
    return Found;
}

BOOLEAN KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                               PVOID SynchronizeContext)
{
    KIRQL Old = KeAcquireInterruptSpinLock(Interrupt);
    BOOLEAN Result = SynchronizeRoutine(SynchronizeContext);
    KeReleaseInterruptSpinLock(Interrupt, Old);
    return Result;
}

KIRQL KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt)
{
    KIRQL Old = KiReadIrql();
    if (Old > Interrupt->SynchronizeIrql) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)Interrupt->ActualLock, Old, 0,
                     (ULONG_PTR)KI_RETURN_ADDRESS());
    }
    MmNotifyIrqlRaise(Interrupt->SynchronizeIrql);
    KiWriteIrql(Interrupt->SynchronizeIrql);
    KiAcquireSpinLockRaw(Interrupt->ActualLock);
    return Old;
}

VOID KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    KiReleaseSpinLockRaw(Interrupt->ActualLock);
    KiWriteIrql(OldIrql);
}
