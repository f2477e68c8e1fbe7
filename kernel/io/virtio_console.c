/* SPDX-License-Identifier: MIT */
/*
 * The console device: start-up, interrupt, and the receiving side. Transmission is in
 * console_transmit.c.
 *
 * Receiving: RECEIVE_BUFFERS pages are always with the device or with the reader, who takes them
 * in the order the device filled them and posts each again once it is read out. So the posted
 * pages are the buffer, and their number is the flow control. The receive queue belongs to the
 * one reader thread and needs no lock; the DPC only looks whether to wake it.
 */
#include "io/virtio_console.h"

#include "mm/mm.h"

#define CONSOLE_VECTOR 0xa1 /* IRQL 10 */

#define CONSOLE_PORT 1u
#define QUEUE_CONTROL_RECEIVE 2u
#define QUEUE_CONTROL_TRANSMIT 3u
#define QUEUE_RECEIVE (2 + 2 * CONSOLE_PORT)
#define QUEUE_TRANSMIT (3 + 2 * CONSOLE_PORT)
#define QUEUE_SIZE 64u
#define RECEIVE_BUFFERS 16u
#define CONTROL_BUFFERS 16u

#define VIRTIO_CONSOLE_F_MULTIPORT (1ull << 1)

#define CONTROL_DEVICE_READY 0
#define CONTROL_PORT_ADD 1
#define CONTROL_PORT_READY 3
#define CONTROL_PORT_OPEN 6
#define NO_PORT 0xffffffffu

#define HANDSHAKE_SECONDS 2

typedef struct _CONSOLE_CONTROL {
    ULONG Port;
    USHORT Event;
    USHORT Value;
} CONSOLE_CONTROL;

/* Long enough for a control message with a port's name. */
typedef struct _CONTROL_BUFFER {
    CONSOLE_CONTROL Message;
    UCHAR Name[56];
} CONTROL_BUFFER;

typedef struct DECLSPEC_ALIGN(4096) _CONTROL_PAGE {
    CONTROL_BUFFER Receive[CONTROL_BUFFERS];
    CONSOLE_CONTROL Transmit[CONTROL_BUFFERS];
} CONTROL_PAGE;

C_ASSERT(sizeof(CONSOLE_CONTROL) == 8);
C_ASSERT(sizeof(CONTROL_PAGE) == PAGE_SIZE);

static VIRTIO_RING ControlReceiveRing, ControlTransmitRing, ReceiveRing, TransmitRing;
static CONTROL_PAGE ControlPage;
static DECLSPEC_ALIGN(4096) UCHAR ReceivePages[RECEIVE_BUFFERS][CONSOLE_BUFFER_SIZE];

static struct {
    VIRTIO_DEVICE Device;
    VIRTIO_QUEUE ControlReceive, ControlTransmit, Receive, Transmit;
    BOOLEAN Broken;
    BOOLEAN HavePage;    /* the reader has page Current, read up to Offset of Length */
    ULONG Current;
    ULONG Offset;
    ULONG Length;
    KEVENT Arrived;
    KDPC Dpc;
} Console;

/* ---- receive ---- */

static VOID IopPostReceivePage(ULONG Index)
{
    ULONG64 Physical = (ULONG64)MmGetPhysicalAddress(ReceivePages[Index]).QuadPart;

    HalSetVirtioDescriptor(&ReceiveRing.Descriptor[Index], Physical, CONSOLE_BUFFER_SIZE,
                           VIRTIO_DESCRIPTOR_WRITE, 0);
    HalPublishVirtioChain(&Console.Receive, (USHORT)Index);
}

/* Takes the next filled page, waiting for it. FALSE: the device broke the protocol. */
static BOOLEAN IopTakeReceivePage(VOID)
{
    for (;;) {
        ULONG Id, Written;
        VIRTIO_USED Result = HalPopVirtioUsed(&Console.Receive, &Id, &Written);

        if (Result == VirtioUsedCorrupt ||
            (Result == VirtioUsedEntry &&
             (Id >= RECEIVE_BUFFERS || Written > CONSOLE_BUFFER_SIZE))) {
            Console.Broken = TRUE;
            return FALSE;
        }
        if (Result == VirtioUsedEntry) {
            Console.HavePage = TRUE;
            Console.Current = Id;
            Console.Offset = 0;
            Console.Length = Written;
            return TRUE;
        }
        if (!HalArmVirtioQueue(&Console.Receive)) {
            KeWaitForSingleObject(&Console.Arrived, Executive, KernelMode, FALSE, NULL);
        }
    }
}

ULONG IoReadConsole(PVOID Buffer, ULONG Length)
{
    ULONG Count = 0;

    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    while (Count == 0) {
        if (Console.Broken || (!Console.HavePage && !IopTakeReceivePage())) {
            return 0;
        }
        Count = Console.Length - Console.Offset;
        Count = Count < Length ? Count : Length;
        __builtin_memcpy(Buffer, ReceivePages[Console.Current] + Console.Offset, Count);
        Console.Offset += Count;
        if (Console.Offset == Console.Length) {
            Console.HavePage = FALSE;
            IopPostReceivePage(Console.Current);
            HalKickVirtioQueue(&Console.Receive);
        }
    }
    return Count;
}

/* ---- interrupt ---- */

static VOID IopConsoleDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    if (HalVirtioUsedWaiting(&Console.Receive)) {
        KeSetEvent(&Console.Arrived, 0, FALSE);
    }
    IopTransmitDpc();
}

VOID IopQueueConsoleDpc(VOID)
{
    KeInsertQueueDpc(&Console.Dpc, NULL, NULL);
}

static VOID IopConsoleInterrupt(PKTRAP_FRAME TrapFrame, PVOID Context)
{
    HalAcknowledgeVirtioInterrupt(&Console.Device);
    KeInsertQueueDpc(&Console.Dpc, NULL, NULL);
}

/* ---- start-up ---- */

static VOID IopPostControlBuffer(ULONG Index)
{
    CONTROL_BUFFER *Buffer = &ControlPage.Receive[Index];

    HalSetVirtioDescriptor(&ControlReceiveRing.Descriptor[Index],
                           (ULONG64)MmGetPhysicalAddress(Buffer).QuadPart, sizeof(*Buffer),
                           VIRTIO_DESCRIPTOR_WRITE, 0);
    HalPublishVirtioChain(&Console.ControlReceive, (USHORT)Index);
}

static VOID IopSendControl(ULONG Index, ULONG Port, USHORT Event, USHORT Value)
{
    CONSOLE_CONTROL *Message = &ControlPage.Transmit[Index];

    Message->Port = Port;
    Message->Event = Event;
    Message->Value = Value;
    HalSetVirtioDescriptor(&ControlTransmitRing.Descriptor[Index],
                           (ULONG64)MmGetPhysicalAddress(Message).QuadPart, sizeof(*Message), 0,
                           0);
    HalPublishVirtioChain(&Console.ControlTransmit, (USHORT)Index);
    HalKickVirtioQueue(&Console.ControlTransmit);
}

/*
 * The device is told that we are ready and names its ports; ours must be among them. What it says
 * later on its control queue (that the host opened or closed the port) is of no use and stays
 * unread.
 */
static NTSTATUS IopOpenConsolePort(VOID)
{
    ULONG64 End = KiReadTimeStampCounter() + HANDSHAKE_SECONDS * KeTimeStampFrequency;
    ULONG i;

    for (i = 0; i < CONTROL_BUFFERS; i++) {
        IopPostControlBuffer(i);
    }
    HalKickVirtioQueue(&Console.ControlReceive);
    IopSendControl(0, NO_PORT, CONTROL_DEVICE_READY, 1);
    while (KiReadTimeStampCounter() < End) {
        ULONG Id, Written;
        VIRTIO_USED Result = HalPopVirtioUsed(&Console.ControlReceive, &Id, &Written);
        const CONSOLE_CONTROL *Message;

        if (Result == VirtioUsedNone) {
            continue;
        }
        if (Result == VirtioUsedCorrupt || Id >= CONTROL_BUFFERS) {
            return STATUS_IO_DEVICE_ERROR;
        }
        Message = &ControlPage.Receive[Id].Message;
        if (Written >= sizeof(*Message) && Message->Event == CONTROL_PORT_ADD &&
            Message->Port == CONSOLE_PORT) {
            IopSendControl(1, CONSOLE_PORT, CONTROL_PORT_READY, 1);
            IopSendControl(2, CONSOLE_PORT, CONTROL_PORT_OPEN, 1);
            return STATUS_SUCCESS;
        }
    }
    return STATUS_NO_SUCH_DEVICE;
}

static NTSTATUS IopCreateConsoleQueues(VOID)
{
    static const struct {
        PVIRTIO_QUEUE Queue;
        PVIRTIO_RING Ring;
        ULONG Number;
    } Queues[] = {
        {&Console.ControlReceive, &ControlReceiveRing, QUEUE_CONTROL_RECEIVE},
        {&Console.ControlTransmit, &ControlTransmitRing, QUEUE_CONTROL_TRANSMIT},
        {&Console.Receive, &ReceiveRing, QUEUE_RECEIVE},
        {&Console.Transmit, &TransmitRing, QUEUE_TRANSMIT},
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Queues); i++) {
        NTSTATUS Status = HalCreateVirtioQueue(&Console.Device, Queues[i].Queue, Queues[i].Ring,
                                               Queues[i].Number, QUEUE_SIZE);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    HalDisarmVirtioQueue(&Console.ControlReceive);
    HalDisarmVirtioQueue(&Console.ControlTransmit);
    HalDisarmVirtioQueue(&Console.Transmit);
    return STATUS_SUCCESS;
}

NTSTATUS IoInitializeConsole(VOID)
{
    NTSTATUS Status = HalFindVirtioDevice(VIRTIO_ID_CONSOLE, 0, &Console.Device);
    ULONG i;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&Console.Arrived, SynchronizationEvent, FALSE);
    KeInitializeDpc(&Console.Dpc, IopConsoleDpcRoutine, NULL);
    Status = HalNegotiateVirtioDevice(&Console.Device, VIRTIO_F_EVENT_INDEX,
                                      VIRTIO_CONSOLE_F_MULTIPORT);
    if (NT_SUCCESS(Status)) {
        Status = IopCreateConsoleQueues();
    }
    if (NT_SUCCESS(Status)) {
        Status = HalStartVirtioDevice(&Console.Device);
    }
    if (NT_SUCCESS(Status)) {
        for (i = 0; i < RECEIVE_BUFFERS; i++) {
            IopPostReceivePage(i);
        }
        Status = IopOpenConsolePort();
    }
    if (!NT_SUCCESS(Status)) {
        HalResetVirtioDevice(&Console.Device);
        return Status;
    }
    KiConnectVector(CONSOLE_VECTOR, IopConsoleInterrupt, NULL);
    HalRouteInterrupt(Console.Device.Gsi, CONSOLE_VECTOR, TRUE, FALSE);
    IopInitializeTransmit(&Console.Device, &Console.Transmit);
    HalKickVirtioQueue(&Console.Receive);
    return STATUS_SUCCESS;
}
