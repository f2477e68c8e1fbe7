/* SPDX-License-Identifier: MIT */
/*
 * The line. Every period the DPC moves as many bytes as the speed allows: from the first write to
 * the ring of bytes to send, from there to the ring of received ones; then requests are completed
 * that can be.
 */
#include "correct/serial-loop/serial-loop.h"

#define BITS_PER_BYTE 10u /* a start bit, eight, a stop bit */

/* From the writes, in order, to the ring. */
static LOCKED_CODE VOID SerialFillOut(SERIAL_PORT *Port)
{
    for (PLIST_ENTRY Entry = Port->Writes.Requests.Flink; Entry != &Port->Writes.Requests;
         Entry = Entry->Flink) {
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
        ULONG Done = SERIAL_DONE(Irp);
        const UCHAR *Bytes = Irp->AssociatedIrp.SystemBuffer;
        Done += SerialRingPut(Port->Out, Bytes + Done, Length - Done);
        SERIAL_DONE(Irp) = Done;
        if (Done < Length) {
            return; /* the ring is full */
        }
    }
}

/* From the one ring to the other, as fast as the line is. */
static LOCKED_CODE VOID SerialShift(SERIAL_PORT *Port)
{
    ULONG Bits = Port->BitsLeft + Port->BitsPerSecond * SERIAL_PERIOD_MS / 1000;
    UCHAR Byte;

    while (Bits >= BITS_PER_BYTE && SerialRingGet(Port->Out, &Byte, 1) == 1) {
        Bits -= BITS_PER_BYTE;
        Port->Busy = TRUE;
        Port->Counts.Sent++;
        if (SerialRingPut(Port->In, &Byte, 1) == 1) {
            Port->Counts.Received++;
            Port->Events |= SERIAL_EVENT_RECEIVED & Port->Mask;
        } else {
            Port->Counts.Lost++;
            Port->Events |= SERIAL_EVENT_OVERRUN & Port->Mask;
        }
    }
    Port->BitsLeft = Bits % BITS_PER_BYTE;
    if (Port->Busy && SerialRingCount(Port->Out) == 0) {
        Port->Busy = FALSE;
        Port->Events |= SERIAL_EVENT_SENT & Port->Mask;
    }
}

LOCKED_CODE BOOLEAN SerialIsReady(SERIAL_QUEUE *Queue, PIRP Irp)
{
    SERIAL_PORT *Port = Queue->Port;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Queue == &Port->Writes) {
        return SERIAL_DONE(Irp) == Stack->Parameters.Write.Length;
    }
    if (Queue == &Port->Waits) {
        return Port->Events != 0;
    }
    return SerialRingCount(Port->In) >= Stack->Parameters.Read.Length ||
           SerialRingCount(Port->In) == SERIAL_RING ||
           (SERIAL_DEADLINE(Irp) != 0 && KeQueryInterruptTime() >= SERIAL_DEADLINE(Irp));
}

static LOCKED_CODE VOID SerialFinishRead(SERIAL_PORT *Port, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    ULONG Count = SerialRingGet(Port->In, Irp->AssociatedIrp.SystemBuffer, Length);
    Port->Counts.Reads++;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    SerialComplete(Irp, Count == Length ? STATUS_SUCCESS : STATUS_TIMEOUT, Count);
}

static LOCKED_CODE VOID SerialFinishWait(SERIAL_PORT *Port, PIRP Irp)
{
    ULONG *Out = Irp->AssociatedIrp.SystemBuffer;
    KIRQL OldIrql;

    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    *Out = Port->Events;
    Port->Events = 0;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    SerialComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

LOCKED_CODE VOID SerialCompleteReady(SERIAL_PORT *Port)
{
    PIRP Irp;
    while ((Irp = SerialQueueTakeReady(&Port->Writes)) != NULL) {
        InterlockedIncrement((volatile LONG *)&Port->Counts.Writes);
        SerialComplete(Irp, STATUS_SUCCESS, SERIAL_DONE(Irp));
    }
    while ((Irp = SerialQueueTakeReady(&Port->Reads)) != NULL) {
        SerialFinishRead(Port, Irp);
    }
    while ((Irp = SerialQueueTakeReady(&Port->Waits)) != NULL) {
        SerialFinishWait(Port, Irp);
    }
}

LOCKED_CODE VOID NTAPI SerialLineDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    SERIAL_PORT *Port = Context;
    KeAcquireSpinLockAtDpcLevel(&Port->Lock);
    SerialFillOut(Port);
    SerialShift(Port);
    SerialFillOut(Port);
    KeReleaseSpinLockFromDpcLevel(&Port->Lock);
    SerialCompleteReady(Port);
}
