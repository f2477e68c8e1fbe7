/* SPDX-License-Identifier: MIT */
/*
 * Packets that arrive: ids, acknowledgements and retries over a line that may lose bytes.
 *
 * Each side numbers its data packets 80800000, 80800001, 80800000 ... and goes on when the last one
 * was acknowledged. The first packet after a start or a RESET has the SYNC bit in its id; an
 * acknowledgement never has. What comes in while we wait for an acknowledgement:
 *
 *   ACK of our id      done
 *   other ACK          nothing: a late one
 *   RESET              both streams begin again, a RESET is the answer, ours is sent again; an
 *                      answer to a request is not: the other side has forgotten that it asked
 *   RESEND             ours is sent again
 *   a new data packet  it was not sent without ours: ours has arrived; RESEND brings it back
 *   an old data packet its acknowledgement was lost: it gets another one
 *   nothing in 250 ms  ours is sent again
 *
 * A debugger that lets us go on and does not hear our acknowledgement sends again. We run then, and
 * look at the line in the clock interrupt: an old packet gets another acknowledgement there too.
 *
 * While we wait for a request, RESEND and RESET end the wait: the state change is sent again.
 */
#include "kd/kd.h"

#include "lib/kd_packet.h"

#define KDP_TIMEOUT_MS 250 /* for the next packet; then ours is sent again */
#define KDP_GAP_MS 600     /* inside of a packet: a busy host delays bytes; then it is forgotten */

static KD_PARSER KdpParser;
static ULONG KdpCurrentId; /* of the packet that is sent now, with SYNC when it is the first */
static ULONG KdpRemoteId;  /* of the packet that is expected */
static BOOLEAN KdpBreakInPending;
static USHORT KdpSendingType; /* of the packet sent last: what a RESET asks for again */
static ULONG64 KdpLastByteTime; /* of KdpTestBreakIn: a packet cut off long ago is forgotten */
static UCHAR KdpSendBuffer[KD_MAX_PACKET_BYTES];

static VOID KdpResetIds(VOID)
{
    KdpCurrentId = KD_INITIAL_ID | KD_SYNC_ID;
    KdpRemoteId = KD_INITIAL_ID;
}

VOID KdpInitializePackets(VOID)
{
    KdInitializeParser(&KdpParser);
    KdpResetIds();
}

static VOID KdpSendControl(USHORT Type, ULONG Id)
{
    KD_PACKET Packet;
    KdEncodeControl(&Packet, Type, Id);
    KdpWriteUart(&Packet, sizeof(Packet));
}

static VOID KdpCountAcknowledged(VOID)
{
    KdpCurrentId = (KdpCurrentId & ~KD_SYNC_ID) ^ 1;
}

/* FALSE: nothing came in time. */
static BOOLEAN KdpReadByte(PUCHAR Byte)
{
    ULONG Wait = KdParserInPacket(&KdpParser) ? KDP_GAP_MS : KDP_TIMEOUT_MS;
    ULONG64 Limit = KiReadTimeStampCounter() + KeTimeStampFrequency / 1000 * Wait;
    while (!KdpReadUart(Byte)) {
        if (KiReadTimeStampCounter() > Limit) {
            return FALSE;
        }
        __builtin_ia32_pause();
    }
    return TRUE;
}

/* TRUE: *Result ends the wait. */
static BOOLEAN KdpTakeControl(BOOLEAN AwaitAck, KDP_RECEIVE *Result)
{
    const KD_PACKET *Packet = &KdpParser.Header;
    *Result = KdpResend;
    switch (Packet->Type) {
    case KdPacketAcknowledge:
        if (!AwaitAck || ((Packet->Id ^ KdpCurrentId) & ~KD_SYNC_ID) != 0) {
            return FALSE;
        }
        KdpCountAcknowledged();
        *Result = KdpAcknowledged;
        return TRUE;
    case KdPacketReset:
        KdpResetIds();
        if (KdpSendingType != KdPacketDebugIo) {
            KdpForgetBreakIn(); /* who begins anew at a stop has what he asked for: this stop */
        }
        KdpSendControl(KdPacketReset, Packet->Id); /* who sends several knows which is answered */
        *Result = KdpReset;
        return TRUE;
    case KdPacketResend:
        return TRUE;
    }
    return FALSE;
}

static BOOLEAN KdpTakeData(BOOLEAN AwaitAck, USHORT Type, SIZE_T LeastSize, KDP_RECEIVE *Result)
{
    const KD_PACKET *Packet = &KdpParser.Header;
    ULONG Id = Packet->Id & ~KD_SYNC_ID;
    if (Packet->Id & KD_SYNC_ID) {
        KdpRemoteId = Id; /* the other side began anew */
        if (!AwaitAck) {
            KdpCurrentId = KD_INITIAL_ID;
        }
    }
    if (AwaitAck && Id == KdpRemoteId) {
        KdpSendControl(KdPacketResend, 0);
        KdpCountAcknowledged();
        *Result = KdpAcknowledged;
        return TRUE;
    }
    if (Packet->ByteCount < LeastSize) {
        KdpSendControl(KdPacketResend, 0);
        return FALSE;
    }
    KdpSendControl(KdPacketAcknowledge, Id);
    if (Id != KdpRemoteId) {
        return FALSE; /* sent again, as its acknowledgement was lost */
    }
    KdpRemoteId ^= 1;
    *Result = KdpReceived;
    return Packet->Type == Type;
}

static KDP_RECEIVE KdpReceive(BOOLEAN AwaitAck, USHORT Type, SIZE_T LeastSize)
{
    KDP_RECEIVE Result;
    UCHAR Byte;
    SIZE_T Used;
    for (;;) {
        if (!KdpReadByte(&Byte)) {
            KdInitializeParser(&KdpParser);
            return KdpTimedOut;
        }
        KD_PARSE_RESULT Parsed = KdParse(&KdpParser, &Byte, 1, &Used);
        if (Parsed == KdNeedMore) {
            continue;
        }
        KdpSetPresent(TRUE);
        if (Parsed == KdParsedBreakIn) {
            KdpBreakInPending = TRUE;
        } else if (Parsed == KdParsedBad) {
            KdpSendControl(KdPacketResend, 0);
        } else if (Parsed == KdParsedControl ? KdpTakeControl(AwaitAck, &Result)
                                             : KdpTakeData(AwaitAck, Type, LeastSize, &Result)) {
            return Result;
        }
    }
}

/* What the system can do without when nobody listens. */
static BOOLEAN KdpMayGiveUp(USHORT Type, ULONG Api)
{
    return (Type == KdPacketDebugIo && Api == DbgKdPrintStringApi) ||
           (Type == KdPacketStateChange64 && Api == DBGKD_LOAD_SYMBOLS_STATE_CHANGE);
}

KDP_RECEIVE KdpSendPacket(USHORT Type, const VOID *Header, SIZE_T HeaderSize, const VOID *Data,
                      SIZE_T DataSize)
{
    BOOLEAN MayGiveUp = KdpMayGiveUp(Type, *(const ULONG *)Header);
    ULONG Tries = 0;
    KdpSendingType = Type;
    for (;;) {
        /* Encoded each time: a RESET changes the id. */
        SIZE_T Size = KdEncodeData(KdpSendBuffer, sizeof(KdpSendBuffer), Type, KdpCurrentId,
                                   Header, HeaderSize, Data, DataSize);
        NT_VERIFY(Size != 0);
        KdpWriteUart(KdpSendBuffer, Size);
        KDP_RECEIVE Result = KdpReceive(TRUE, 0, 0);
        if (Result == KdpAcknowledged || (Result == KdpReset && Type == KdPacketManipulate)) {
            return Result;
        }
        if (Result == KdpTimedOut && ++Tries >= KD_PRINT_RETRIES && MayGiveUp) {
            KdpSetPresent(FALSE);
            KdpResetIds();
            return KdpTimedOut;
        }
    }
}

KDP_RECEIVE KdpReceivePacket(USHORT Type, SIZE_T LeastSize)
{
    return KdpReceive(FALSE, Type, LeastSize);
}

const UCHAR *KdpPayload(PULONG Size)
{
    *Size = KdpParser.Header.ByteCount;
    return KdpParser.Payload;
}

/* A new request is left to be sent again: a running target does not answer. */
static VOID KdpTakeDataWhileRunning(VOID)
{
    ULONG Id = KdpParser.Header.Id & ~KD_SYNC_ID;
    if (Id != KdpRemoteId) {
        KdpSendControl(KdPacketAcknowledge, Id);
    }
}

/* As much as a UART's buffer holds in one call: it stands in the clock interrupt. */
#define POLL_LIMIT 64

BOOLEAN KdpTestBreakIn(VOID)
{
    ULONG64 Now = KiReadTimeStampCounter();
    UCHAR Byte;
    SIZE_T Used;
    KDP_RECEIVE Ignored;
    if (Now - KdpLastByteTime > KeTimeStampFrequency / 1000 * KDP_GAP_MS) {
        KdInitializeParser(&KdpParser);
    }
    for (ULONG i = 0; i < POLL_LIMIT && !KdpBreakInPending && KdpReadUart(&Byte); i++) {
        KdpLastByteTime = Now;
        KD_PARSE_RESULT Parsed = KdParse(&KdpParser, &Byte, 1, &Used);
        if (Parsed != KdNeedMore) {
            KdpSetPresent(TRUE);
        }
        if (Parsed == KdParsedBreakIn) {
            KdpBreakInPending = TRUE; /* what follows is for the stop */
        } else if (Parsed == KdParsedControl) {
            KdpTakeControl(FALSE, &Ignored);
        } else if (Parsed == KdParsedData) {
            KdpTakeDataWhileRunning();
        }
    }
    BOOLEAN BreakIn = KdpBreakInPending;
    KdpBreakInPending = FALSE;
    return BreakIn;
}

VOID KdpForgetBreakIn(VOID)
{
    KdpBreakInPending = FALSE;
}
