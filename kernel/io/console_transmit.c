/* SPDX-License-Identifier: MIT */
/*
 * The console's transmitting side.
 *
 * A write is a record on its caller's stack, in the list of writes that are not wholly with the
 * device yet. Whoever has the lock pumps: moves bytes of the first write, then of the next, into
 * free buffers. So a writer at any IRQL can always finish the writes before its own, and none
 * depends on a thread that it interrupted. The lock is held with interrupts off, and only for
 * copies into free buffers.
 *
 * Buffers: descriptor n is buffer n of TransmitPages. The last is kept for IoWriteConsolePolled.
 *
 * IoWriteConsolePolled may find the lock held by the code that it interrupted for good (a fault
 * inside the pump, later another processor that is frozen). What such code leaves half done:
 *  - a chunk filled but perhaps not published: Transmit.Step was written before, and the index in
 *    the ring, the last thing published, tells which of the two it is;
 *  - a write half linked or unlinked: the forward links alone are followed, and each step of the
 *    list routines leaves those whole;
 *  - the masks and counts of buffers: not used any more; one reserved buffer, given again only
 *    after the device has taken everything, needs none.
 */
#include "io/virtio_console.h"

#include "mm/mm.h"

#define TRANSMIT_BUFFERS 16u
#define RESERVED_BUFFER TRANSMIT_BUFFERS
#define GIVE_UP_SECONDS 5
#define LOCK_SECONDS 1

typedef struct _CONSOLE_WRITE {
    LIST_ENTRY Link;
    const CONSOLE_PIECE *Pieces;
    ULONG Count;
    ULONG Piece;   /* next byte: Pieces[Piece].Data[Offset] */
    SIZE_T Offset;
    BOOLEAN Waits; /* its thread waits for Finished */
    volatile BOOLEAN Done;
    KEVENT Finished;
} CONSOLE_WRITE, *PCONSOLE_WRITE;

static DECLSPEC_ALIGN(4096) UCHAR TransmitPages[TRANSMIT_BUFFERS + 1][CONSOLE_BUFFER_SIZE];

static struct {
    PVIRTIO_DEVICE Device; /* NULL: not started, or broken */
    PVIRTIO_QUEUE Queue;
    ULONG FreeBuffers;     /* bit n: buffer n is ours */
    BOOLEAN Polled;        /* IoWriteConsolePolled has taken over */
    LIST_ENTRY Writes;
    LIST_ENTRY Finished;   /* done, their threads to be woken by the DPC */
    struct {               /* what publishing the chunk in hand will have done */
        BOOLEAN Valid;
        USHORT Available;
        ULONG Piece;
        SIZE_T Offset;
    } Step;
} Transmit;

static KSPIN_LOCK TransmitLock;

#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

/* FALSE: the holder has not let go for a second, which no living holder does. */
static BOOLEAN IopLockTransmit(VOID)
{
    ULONG64 End = 0;

    while (__atomic_exchange_n((volatile ULONG_PTR *)&TransmitLock, 1, __ATOMIC_ACQUIRE) != 0) {
        ULONG64 Now = KiReadTimeStampCounter();
        if (End == 0) {
            End = Now + LOCK_SECONDS * KeTimeStampFrequency;
        }
        if (Now > End || Transmit.Polled) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Copies the write's next bytes; returns how many, and in *Piece and *Offset where it then is. */
static ULONG IopFillChunk(const CONSOLE_WRITE *Write, PUCHAR Page, PULONG Piece, PSIZE_T Offset)
{
    ULONG Used = 0;

    *Piece = Write->Piece;
    *Offset = Write->Offset;
    while (*Piece < Write->Count && Used < CONSOLE_BUFFER_SIZE) {
        const CONSOLE_PIECE *Source = &Write->Pieces[*Piece];
        SIZE_T Length = Source->Length - *Offset;

        if (Length > CONSOLE_BUFFER_SIZE - Used) {
            Length = CONSOLE_BUFFER_SIZE - Used;
        }
        __builtin_memcpy(Page + Used, (const UCHAR *)Source->Data + *Offset, Length);
        Used += (ULONG)Length;
        *Offset += Length;
        if (*Offset == Source->Length) {
            (*Piece)++;
            *Offset = 0;
        }
    }
    return Used;
}

static VOID IopPublishBuffer(ULONG Buffer, ULONG Length)
{
    HalSetVirtioDescriptor(&Transmit.Queue->Ring->Descriptor[Buffer],
                           (ULONG64)MmGetPhysicalAddress(TransmitPages[Buffer]).QuadPart, Length,
                           0, 0);
    HalPublishVirtioChain(Transmit.Queue, (USHORT)Buffer);
}

/* One chunk of Write in a free buffer. Lock held. */
static VOID IopSendChunk(PCONSOLE_WRITE Write)
{
    ULONG Buffer = (ULONG)__builtin_ctz(Transmit.FreeBuffers);
    ULONG Length = IopFillChunk(Write, TransmitPages[Buffer], &Transmit.Step.Piece,
                                &Transmit.Step.Offset);

    if (Length != 0) {
        Transmit.FreeBuffers &= ~(1u << Buffer);
        Transmit.Step.Available = Transmit.Queue->Available;
        COMPILER_BARRIER();
        Transmit.Step.Valid = TRUE;
        COMPILER_BARRIER();
        IopPublishBuffer(Buffer, Length);
    }
    Write->Piece = Transmit.Step.Piece;
    Write->Offset = Transmit.Step.Offset;
    COMPILER_BARRIER();
    Transmit.Step.Valid = FALSE;
}

/* Unlinks the first write; its record may be gone as soon as Done is seen. Lock held. */
static VOID IopFinishWrite(PCONSOLE_WRITE Write)
{
    RemoveEntryList(&Write->Link);
    COMPILER_BARRIER();
    if (Write->Waits) {
        InsertTailList(&Transmit.Finished, &Write->Link);
        IopQueueConsoleDpc();
    } else {
        __atomic_store_n(&Write->Done, TRUE, __ATOMIC_RELEASE);
    }
}

/* The device gave back what it never had: no more of it. Lock held. */
static VOID IopBreakTransmit(VOID)
{
    HalResetVirtioDevice(Transmit.Device);
    Transmit.Device = NULL;
    while (!IsListEmpty(&Transmit.Writes)) {
        IopFinishWrite(CONTAINING_RECORD(Transmit.Writes.Flink, CONSOLE_WRITE, Link));
    }
}

static VOID IopReclaimBuffers(VOID)
{
    ULONG Id, Length;
    VIRTIO_USED Result;

    while ((Result = HalPopVirtioUsed(Transmit.Queue, &Id, &Length)) != VirtioUsedNone) {
        if (Result == VirtioUsedCorrupt || Id >= TRANSMIT_BUFFERS ||
            (Transmit.FreeBuffers & (1u << Id))) {
            IopBreakTransmit();
            return;
        }
        Transmit.FreeBuffers |= 1u << Id;
    }
}

/* Hands the device as much as there are buffers for. Lock held. */
static VOID IopPumpTransmit(VOID)
{
    if (Transmit.Device == NULL) {
        return;
    }
    IopReclaimBuffers();
    while (!IsListEmpty(&Transmit.Writes)) {
        PCONSOLE_WRITE Write = CONTAINING_RECORD(Transmit.Writes.Flink, CONSOLE_WRITE, Link);

        if (Transmit.FreeBuffers == 0) {
            /* The device usually takes them all while it is being notified. */
            HalKickVirtioQueue(Transmit.Queue);
            IopReclaimBuffers();
            if (Transmit.FreeBuffers == 0 || Transmit.Device == NULL) {
                return;
            }
            continue;
        }
        IopSendChunk(Write);
        if (Write->Piece == Write->Count) {
            IopFinishWrite(Write);
        }
    }
    if (Transmit.Device != NULL) {
        HalKickVirtioQueue(Transmit.Queue);
    }
}

VOID IopTransmitDpc(VOID)
{
    for (;;) {
        PCONSOLE_WRITE Write = NULL;
        BOOLEAN More = FALSE;
        ULONG64 Flags = KiDisableInterrupts();

        if (Transmit.Device == NULL || !IopLockTransmit()) {
            KiRestoreInterrupts(Flags);
            return;
        }
        IopPumpTransmit();
        if (!IsListEmpty(&Transmit.Finished)) {
            Write = CONTAINING_RECORD(RemoveHeadList(&Transmit.Finished), CONSOLE_WRITE, Link);
        }
        if (!IsListEmpty(&Transmit.Writes)) {
            More = HalArmVirtioQueue(Transmit.Queue);
        }
        KiReleaseSpinLockRaw(&TransmitLock);
        KiRestoreInterrupts(Flags);
        if (Write != NULL) {
            KeSetEvent(&Write->Finished, 0, FALSE);
        } else if (!More) {
            return;
        }
    }
}

VOID IoWriteConsole(const CONSOLE_PIECE *Pieces, ULONG Count)
{
    CONSOLE_WRITE Write = {.Pieces = Pieces, .Count = Count};
    BOOLEAN Linked = FALSE;

    KeInitializeEvent(&Write.Finished, NotificationEvent, FALSE);
    do {
        ULONG64 Flags = KiDisableInterrupts();
        BOOLEAN Waits = FALSE;

        if (Transmit.Device == NULL && !Linked) {
            KiRestoreInterrupts(Flags);
            return;
        }
        if (!IopLockTransmit()) {
            /* A linked write is sent by IoWriteConsolePolled as one of those begun. */
            IoWriteConsolePolled(Pieces, Linked ? 0 : Count);
            KiRestoreInterrupts(Flags);
            return;
        }
        if (!Linked) {
            InsertTailList(&Transmit.Writes, &Write.Link);
            Linked = TRUE;
        }
        IopPumpTransmit();
        if (!Write.Done && (Flags & 0x200) && KiReadIrql() < DISPATCH_LEVEL &&
            !HalArmVirtioQueue(Transmit.Queue)) {
            Write.Waits = Waits = TRUE;
        }
        KiReleaseSpinLockRaw(&TransmitLock);
        KiRestoreInterrupts(Flags);
        if (Waits) {
            KeWaitForSingleObject(&Write.Finished, Executive, KernelMode, FALSE, NULL);
            return;
        }
    } while (!Write.Done);
}

VOID IopInitializeTransmit(PVIRTIO_DEVICE Device, PVIRTIO_QUEUE Queue)
{
    InitializeListHead(&Transmit.Writes);
    InitializeListHead(&Transmit.Finished);
    Transmit.FreeBuffers = (1u << TRANSMIT_BUFFERS) - 1;
    Transmit.Queue = Queue;
    __atomic_store_n(&Transmit.Device, Device, __ATOMIC_RELEASE);
}

/* ---- when the system dies ---- */

/* Waits until the device has taken everything published. FALSE: the host does not read. */
static BOOLEAN IopWaitTaken(VOID)
{
    ULONG64 End = KiReadTimeStampCounter() + GIVE_UP_SECONDS * KeTimeStampFrequency;
    PVIRTIO_RING Ring = Transmit.Queue->Ring;

    while (Ring->Used.Index != Ring->Available.Index) {
        if (KiReadTimeStampCounter() > End) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Ends what the holder of the lock may have left half done. */
static VOID IopTakeOverTransmit(VOID)
{
    if (!IopLockTransmit()) {
        PCONSOLE_WRITE First = CONTAINING_RECORD(Transmit.Writes.Flink, CONSOLE_WRITE, Link);
        USHORT Published = Transmit.Queue->Ring->Available.Index;

        if (Transmit.Step.Valid && Published != Transmit.Step.Available &&
            &First->Link != &Transmit.Writes) {
            First->Piece = Transmit.Step.Piece;
            First->Offset = Transmit.Step.Offset;
        }
        Transmit.Queue->Available = Published;
    }
    Transmit.Polled = TRUE; /* and the lock is held for ever */
}

static BOOLEAN IopSendPolled(PCONSOLE_WRITE Write)
{
    while (Write->Piece < Write->Count) {
        ULONG Length;

        if (!IopWaitTaken()) {
            return FALSE;
        }
        Length = IopFillChunk(Write, TransmitPages[RESERVED_BUFFER], &Write->Piece,
                              &Write->Offset);
        if (Length != 0) {
            /* Everything was taken, so the count of entries may start again from here. */
            Transmit.Queue->Used = Transmit.Queue->Available;
            IopPublishBuffer(RESERVED_BUFFER, Length);
            HalNotifyVirtioQueue(Transmit.Queue);
        }
    }
    return TRUE;
}

VOID IoWriteConsolePolled(const CONSOLE_PIECE *Pieces, ULONG Count)
{
    CONSOLE_WRITE Write = {.Pieces = Pieces, .Count = Count};
    ULONG64 Flags = KiDisableInterrupts();
    BOOLEAN Reads = TRUE;
    PLIST_ENTRY Entry;

    if (Transmit.Device != NULL) {
        if (!Transmit.Polled) {
            IopTakeOverTransmit();
        }
        for (Entry = Transmit.Writes.Flink; Reads && Entry != &Transmit.Writes;
             Entry = Entry->Flink) {
            Reads = IopSendPolled(CONTAINING_RECORD(Entry, CONSOLE_WRITE, Link));
        }
        if (Reads) {
            InitializeListHead(&Transmit.Writes);
            Reads = IopSendPolled(&Write) && IopWaitTaken();
        }
        if (!Reads) {
            Transmit.Device = NULL;
        }
    }
    KiRestoreInterrupts(Flags);
}

VOID IoDrainConsole(VOID)
{
    if (Transmit.Device != NULL) {
        IopWaitTaken();
    }
}
