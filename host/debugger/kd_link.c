/* SPDX-License-Identifier: MIT */
#include "host/debugger/kd_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/text/text.h"

#define DEFAULT_RETRIES 20u
#define DEFAULT_ACKNOWLEDGE_MS 500u
#define INSIDE_PACKET_MS 250u /* a packet that stands still so long has lost a byte */
#define WRITE_LIMIT_MS 5000u

void KdLinkInitialize(KD_LINK *Link, int Socket)
{
    memset(Link, 0, sizeof(*Link));
    Link->Socket = Socket;
    Link->CurrentId = Link->RemoteId = KD_INITIAL_ID;
    Link->Retries = DEFAULT_RETRIES;
    Link->AcknowledgeMilliseconds = DEFAULT_ACKNOWLEDGE_MS;
    KdInitializeParser(&Link->Parser);
    fcntl(Socket, F_SETFL, fcntl(Socket, F_GETFL) | O_NONBLOCK);
}

void KdLinkClose(KD_LINK *Link)
{
    if (Link->Socket >= 0) {
        close(Link->Socket);
        Link->Socket = -1;
    }
}

/* A peer that takes no bytes for seconds counts as closed. */
static bool KdLinkWrite(KD_LINK *Link, const void *Bytes, size_t Size)
{
    const uint8_t *Next = Bytes;
    uint64_t Limit = TextNow() + WRITE_LIMIT_MS;
    while (Size != 0 && Link->Socket >= 0) {
        ssize_t Sent = send(Link->Socket, Next, Size, MSG_NOSIGNAL);
        if (Sent > 0) {
            Next += Sent;
            Size -= (size_t)Sent;
            continue;
        }
        struct pollfd Poll = {Link->Socket, POLLOUT, 0};
        bool Full = Sent < 0 && (errno == EAGAIN || errno == EINTR);
        if (!Full || TextNow() >= Limit) {
            return false; /* closed: reading finds out, after what has come is read */
        }
        poll(&Poll, 1, (int)(Limit - TextNow()));
    }
    return Link->Socket >= 0;
}

static void KdLinkSendControl(KD_LINK *Link, uint16_t Type, uint32_t Id)
{
    KD_PACKET Packet;
    KdEncodeControl(&Packet, Type, Id);
    KdLinkWrite(Link, &Packet, sizeof(Packet));
}

void KdLinkSendBreakIn(KD_LINK *Link)
{
    const uint8_t Byte = KD_BREAK_IN_BYTE;
    KdLinkWrite(Link, &Byte, 1);
}

void KdLinkSendReset(KD_LINK *Link)
{
    Link->ResetAsked = true;
    KdLinkSendControl(Link, KdPacketReset, ++Link->ResetId);
}

static void KdLinkRestartStreams(KD_LINK *Link)
{
    Link->CurrentId = Link->RemoteId = KD_INITIAL_ID;
    Link->RemoteKnown = true;
    Link->SyncFresh = false;
}

/* True: it is the answer to the last RESET of ours; the streams begin anew. */
static bool KdLinkTakeReset(KD_LINK *Link)
{
    uint32_t Id = Link->Parser.Header.Id;
    if (!Link->ResetAsked || (Id != 0 && Id < Link->ResetId)) {
        return false; /* nobody asked, or it answers an earlier one */
    }
    Link->ResetAsked = false;
    KdLinkRestartStreams(Link);
    return true;
}

/*
 * The next thing the parser finds. KdNeedMore: the time is over, Interrupt is readable
 * (*Interrupted), or the line is closed (Socket is -1).
 */
static KD_PARSE_RESULT KdLinkNext(KD_LINK *Link, uint64_t Limit, int Interrupt, bool *Interrupted)
{
    *Interrupted = false;
    for (;;) {
        while (Link->InputUsed < Link->InputSize) {
            size_t Used = 0;
            KD_PARSE_RESULT Result = KdParse(&Link->Parser, Link->Input + Link->InputUsed,
                                             Link->InputSize - Link->InputUsed, &Used);
            Link->InputUsed += Used;
            if (Result != KdNeedMore) {
                return Result;
            }
        }
        if (Link->Socket < 0) {
            return KdNeedMore;
        }
        uint64_t Now = TextNow();
        uint64_t Rest = Limit > Now ? Limit - Now : 0;
        bool Inside = KdParserInPacket(&Link->Parser);
        if (Inside && Rest > INSIDE_PACKET_MS) {
            Rest = INSIDE_PACKET_MS;
        }
        struct pollfd Poll[2] = {{Link->Socket, POLLIN, 0}, {Interrupt, POLLIN, 0}};
        int Ready = poll(Poll, 2, Rest > 1000000 ? 1000000 : (int)Rest);
        if (Ready > 0 && Poll[1].revents != 0) {
            *Interrupted = true;
            return KdNeedMore;
        }
        if (Ready > 0) {
            ssize_t Got = recv(Link->Socket, Link->Input, sizeof(Link->Input), 0);
            Link->InputUsed = 0;
            Link->InputSize = Got > 0 ? (size_t)Got : 0;
            if (Got == 0 || (Got < 0 && errno != EAGAIN && errno != EINTR)) {
                KdLinkClose(Link);
            }
        } else if (Inside) {
            KdInitializeParser(&Link->Parser);
            return KdParsedBad;
        } else if (TextNow() >= Limit) {
            return KdNeedMore;
        }
    }
}

/* A good data packet has come. True: it is new, and stands in Header and Payload. */
static bool KdLinkTakeData(KD_LINK *Link)
{
    const KD_PACKET *Header = &Link->Parser.Header;
    uint32_t Id = Header->Id & ~KD_SYNC_ID;

    if (Link->ResetAsked) {
        return false;
    }
    if (Header->Id & KD_SYNC_ID) {
        if (Link->SyncFresh && memcmp(&Link->Sync, Header, sizeof(*Header)) == 0) {
            KdLinkSendControl(Link, KdPacketAcknowledge, Id);
            return false;
        }
        KdLinkRestartStreams(Link);
        Link->RemoteId = Id;
        Link->Restarted = true;
        Link->SyncFresh = true;
        Link->Sync = *Header;
    } else if (!Link->RemoteKnown) {
        Link->RemoteId = Id;
        Link->RemoteKnown = true;
    }
    KdLinkSendControl(Link, KdPacketAcknowledge, Id);
    if (Id != Link->RemoteId) {
        Link->Troubles++;
        return false;
    }
    Link->RemoteId ^= 1;
    Link->SyncFresh = Link->SyncFresh && (Header->Id & KD_SYNC_ID) != 0;
    Link->Header = *Header;
    memcpy(Link->Payload, Link->Parser.Payload, Header->ByteCount);
    return true;
}

KD_LINK_RESULT KdLinkReceive(KD_LINK *Link, int Milliseconds, int Interrupt)
{
    uint64_t Limit = Milliseconds < 0 ? UINT64_MAX : TextNow() + (uint64_t)Milliseconds;
    bool Interrupted;

    if (Link->Held) {
        Link->Held = false;
        return KdLinkPacket;
    }
    for (;;) {
        switch (KdLinkNext(Link, Limit, Interrupt, &Interrupted)) {
        case KdParsedData:
            if (KdLinkTakeData(Link)) {
                return KdLinkPacket;
            }
            break;
        case KdParsedControl:
            if (Link->Parser.Header.Type == KdPacketReset && KdLinkTakeReset(Link)) {
                return KdLinkReset;
            }
            break; /* acknowledgements nobody waits for; a RESEND of what has come through */
        case KdParsedBad:
            Link->Troubles++;
            KdLinkSendControl(Link, KdPacketResend, 0);
            break;
        case KdParsedBreakIn:
            break;
        case KdNeedMore:
            return Interrupted ? KdLinkInterrupted
                               : (Link->Socket < 0 ? KdLinkClosed : KdLinkNothing);
        }
        if (Milliseconds >= 0 && TextNow() > Limit) {
            return KdLinkNothing; /* a target that never stops sending rubbish */
        }
    }
}

/* Until our packet is acknowledged: 1; to be sent again: 0; the line is closed: -1. */
static int KdLinkAwaitAcknowledge(KD_LINK *Link)
{
    uint64_t Limit = TextNow() + Link->AcknowledgeMilliseconds;
    bool Interrupted;

    do {
        const KD_PACKET *Header = &Link->Parser.Header;
        switch (KdLinkNext(Link, Limit, -1, &Interrupted)) {
        case KdParsedControl:
            if (Header->Type == KdPacketAcknowledge &&
                (Header->Id & ~KD_SYNC_ID) == (Link->CurrentId & ~KD_SYNC_ID)) {
                return 1;
            }
            if (Header->Type == KdPacketResend) {
                return 0;
            }
            break;
        case KdParsedData:
            if (KdLinkTakeData(Link)) {
                Link->Held = true;
                return 1;
            }
            break;
        case KdParsedBad:
            KdLinkSendControl(Link, KdPacketResend, 0);
            break;
        case KdParsedBreakIn:
            break;
        case KdNeedMore:
            return Link->Socket < 0 ? -1 : 0;
        }
    } while (TextNow() < Limit);
    return 0;
}

bool KdLinkSend(KD_LINK *Link, uint16_t Type, const void *First, size_t FirstSize,
                const void *Second, size_t SecondSize)
{
    if (Link->Held || Link->ResetAsked) {
        return false; /* what has come, or is to come, must be received first */
    }
    for (unsigned Try = 0; Try < Link->Retries; Try++) {
        uint32_t Id = Link->CurrentId;
        size_t Size = KdEncodeData(Link->Output, sizeof(Link->Output), Type, Id, First, FirstSize,
                                   Second, SecondSize);
        bool Written = Size != 0 && KdLinkWrite(Link, Link->Output, Size);
        int Result = KdLinkAwaitAcknowledge(Link);
        if (Result > 0) {
            if (!(Link->Held && Link->SyncFresh)) {
                Link->CurrentId = (Id ^ 1) & ~KD_SYNC_ID;
                Link->SyncFresh = false;
            }
            return true;
        }
        if (Result < 0 || !Written) {
            return false;
        }
        Link->Troubles++;
    }
    return false;
}
