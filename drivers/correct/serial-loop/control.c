/* SPDX-License-Identifier: MIT */
/* Control requests: settings, events, counts, and requests of the driver's own that it cancels. */
#include "correct/serial-loop/serial-loop.h"

#define OWN_REQUESTS 3

static PAGE_DATA const ULONG SerialSpeeds[] = {300,   1200,   2400,   9600,
                                               19200, 115200, 921600, 4000000};

static PAGE_CODE NTSTATUS SerialSetSpeed(SERIAL_PORT *Port, ULONG BitsPerSecond)
{
    PAGED_CODE();
    for (ULONG i = 0; i < RTL_NUMBER_OF(SerialSpeeds); i++) {
        if (SerialSpeeds[i] == BitsPerSecond) {
            KeWaitForSingleObject(&Port->OpenLock, Executive, KernelMode, FALSE, NULL);
            Port->BitsPerSecond = BitsPerSecond; /* the DPC reads it whole */
            KeReleaseMutex(&Port->OpenLock, FALSE);
            return STATUS_SUCCESS;
        }
    }
    return STATUS_INVALID_PARAMETER;
}

static LOCKED_CODE VOID SerialSetMask(SERIAL_PORT *Port, ULONG Mask)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    Port->Mask = Mask;
    Port->Events &= Mask;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
}

static LOCKED_CODE VOID SerialPurge(SERIAL_PORT *Port)
{
    KIRQL OldIrql;
    SerialQueueCancel(&Port->Reads, NULL);
    SerialQueueCancel(&Port->Writes, NULL);
    SerialQueueCancel(&Port->Waits, NULL);
    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    Port->In->Tail = Port->In->Head;
    Port->Out->Tail = Port->Out->Head;
    Port->Events = 0;
    Port->Busy = FALSE;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
}

static LOCKED_CODE VOID SerialGetCounts(SERIAL_PORT *Port, SERIAL_COUNTS *Out)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    SERIAL_COUNTS Counts = Port->Counts;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    *Out = Counts;
}

/* Nothing can complete a read: no byte is there or on its way, no time limit is set. */
static LOCKED_CODE BOOLEAN SerialIsIdle(SERIAL_PORT *Port)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&Port->Lock, &OldIrql);
    BOOLEAN Idle = Port->ReadLimit == SERIAL_NO_LIMIT && IsListEmpty(&Port->Writes.Requests) &&
                   SerialRingCount(Port->In) == 0 && SerialRingCount(Port->Out) == 0;
    KeReleaseSpinLock(&Port->Lock, OldIrql);
    return Idle;
}

/* A read of one byte, sent to the port from inside; it is pending, as nothing is on the line. */
static PAGE_CODE PIRP SerialSendRead(SERIAL_PORT *Port, PUCHAR Byte, PKEVENT Event,
                                     PIO_STATUS_BLOCK IoStatus, NTSTATUS *Status)
{
    LARGE_INTEGER Offset;
    PAGED_CODE();
    Offset.QuadPart = 0;
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Port->Device, Byte, 1, &Offset, Event,
                                            IoStatus);
    if (Irp == NULL) {
        *Status = STATUS_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    *Status = IoCallDriver(Port->Device, Irp);
    return Irp;
}

/*
 * Sends reads and cancels them. While they are pending they belong to the queue; IoCancelIrp takes
 * them out and completes them, and after the event is set they are gone. Events and status blocks
 * are on the stack, which stays, as the waits are in kernel mode.
 */
static PAGE_CODE NTSTATUS SerialTryCancel(SERIAL_PORT *Port, PULONG Cancelled)
{
    KEVENT Event[OWN_REQUESTS];
    IO_STATUS_BLOCK IoStatus[OWN_REQUESTS];
    UCHAR Byte[OWN_REQUESTS];
    NTSTATUS Status[OWN_REQUESTS];
    ULONG Count = 0;

    PAGED_CODE();
    if (!SerialIsIdle(Port)) {
        return STATUS_DEVICE_BUSY;
    }
    for (ULONG i = 0; i < OWN_REQUESTS; i++) {
        PIRP Irp = SerialSendRead(Port, &Byte[i], &Event[i], &IoStatus[i], &Status[i]);
        if (Irp == NULL) {
            return Status[i];
        }
        if (Status[i] == STATUS_PENDING) {
            if (i % 2 == 0) {
                IoCancelIrp(Irp);
            } else {
                SerialQueueCancel(&Port->Reads, NULL);
            }
            KeWaitForSingleObject(&Event[i], Executive, KernelMode, FALSE, NULL);
            Status[i] = IoStatus[i].Status;
        }
        Count += Status[i] == STATUS_CANCELLED;
    }
    *Cancelled = Count;
    return STATUS_SUCCESS;
}

/* What a request needs of its buffers. */
typedef struct {
    ULONG Code, Input, Output;
} SERIAL_REQUEST;

static PAGE_DATA const SERIAL_REQUEST SerialRequests[] = {
    {IOCTL_LOOP_SET_SPEED, sizeof(ULONG), 0},  {IOCTL_LOOP_GET_SPEED, 0, sizeof(ULONG)},
    {IOCTL_LOOP_SET_LIMIT, sizeof(ULONG), 0},  {IOCTL_LOOP_SET_MASK, sizeof(ULONG), 0},
    {IOCTL_LOOP_WAIT_MASK, 0, sizeof(ULONG)},  {IOCTL_LOOP_PURGE, 0, 0},
    {IOCTL_LOOP_TRY_CANCEL, 0, sizeof(ULONG)}, {IOCTL_LOOP_GET_COUNTS, 0, sizeof(SERIAL_COUNTS)},
};

static PAGE_CODE const SERIAL_REQUEST *SerialFindRequest(ULONG Code)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(SerialRequests); i++) {
        if (SerialRequests[i].Code == Code) {
            return &SerialRequests[i];
        }
    }
    return NULL;
}

static PAGE_CODE NTSTATUS SerialPerform(SERIAL_PORT *Port, ULONG Code, PVOID Buffer)
{
    ULONG *Number = Buffer;
    switch (Code) {
    case IOCTL_LOOP_SET_SPEED:
        return SerialSetSpeed(Port, *Number);
    case IOCTL_LOOP_GET_SPEED:
        *Number = Port->BitsPerSecond;
        return STATUS_SUCCESS;
    case IOCTL_LOOP_SET_LIMIT:
        Port->ReadLimit = *Number;
        return STATUS_SUCCESS;
    case IOCTL_LOOP_SET_MASK:
        SerialSetMask(Port, *Number);
        return STATUS_SUCCESS;
    case IOCTL_LOOP_PURGE:
        SerialPurge(Port);
        return STATUS_SUCCESS;
    case IOCTL_LOOP_GET_COUNTS:
        SerialGetCounts(Port, Buffer);
        return STATUS_SUCCESS;
    case IOCTL_LOOP_TRY_CANCEL:
        return SerialTryCancel(Port, Number);
    }
    return STATUS_INVALID_DEVICE_REQUEST;
}

PAGE_CODE NTSTATUS NTAPI SerialDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SERIAL_PORT *Port = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    const SERIAL_REQUEST *Request = SerialFindRequest(Code);

    PAGED_CODE();
    if (Request == NULL) {
        return SerialComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Stack->Parameters.DeviceIoControl.InputBufferLength < Request->Input ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < Request->Output) {
        return SerialComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    if (Code == IOCTL_LOOP_WAIT_MASK) {
        return SerialQueueAdd(&Port->Waits, Irp);
    }
    NTSTATUS Status = SerialPerform(Port, Code, Irp->AssociatedIrp.SystemBuffer);
    return SerialComplete(Irp, Status, NT_SUCCESS(Status) ? Request->Output : 0);
}
