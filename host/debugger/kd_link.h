/* SPDX-License-Identifier: MIT */
/*
 * The debugger's end of a KD line: packets that arrive once, in order and whole, over a line that
 * may lose, double or change bytes, from a peer that may send anything.
 *
 * Ids. CurrentId goes with our next packet, RemoteId is the one expected of the target; each
 * toggles its bit 0 when a packet has come through. A packet with KD_SYNC_ID begins both streams
 * anew. A packet with another id than the expected one is a repetition: its acknowledgement was
 * lost, so it is acknowledged again and dropped.
 *
 * A RESET begins both streams anew, but what the target had sent before it saw the RESET still
 * comes, and so may the answers to earlier ones. So each RESET of ours has a number as its id,
 * which a target of ours gives back (others answer with 0 or anything). Until the answer to the
 * last one has come every data packet is an old one: it is dropped, and not acknowledged. After
 * that both sides are where they began, and nothing of before is left on the line.
 *
 * Waiting for an acknowledgement ends with a new data packet too: a target answers only what it
 * has got, so only the acknowledgement was lost. That packet is held for the next receive.
 */
#pragma once

#include <stdbool.h>

#include "lib/kd_packet.h"

typedef enum {
    KdLinkPacket,      /* Header and Payload hold a new data packet */
    KdLinkReset,       /* the answer to KdLinkSendReset; the streams begin anew */
    KdLinkNothing,     /* the time is over */
    KdLinkInterrupted, /* the interrupt descriptor is readable */
    KdLinkClosed,      /* no more bytes will come */
} KD_LINK_RESULT;

typedef struct {
    int Socket; /* not blocking; -1 once closed */
    uint32_t CurrentId, RemoteId;
    bool RemoteKnown;  /* false: the first packet's id is taken as it comes */
    bool ResetAsked;   /* a RESET was sent and not yet answered */
    uint32_t ResetId;  /* of the last one */
    bool SyncFresh;    /* nothing has passed since the last packet with KD_SYNC_ID */
    KD_PACKET Sync;    /* its header */
    bool Held;         /* Header and Payload wait to be received */
    unsigned Troubles; /* bytes or packets were lost or repeated; the owner clears it */
    bool Restarted;    /* the target began its stream anew; the owner clears it */
    unsigned Retries;  /* sends of one packet until it is given up */
    unsigned AcknowledgeMilliseconds;
    KD_PACKET Header;
    uint8_t Payload[KD_MAX_PAYLOAD];
    KD_PARSER Parser;
    size_t InputUsed, InputSize;
    uint8_t Input[4096];
    uint8_t Output[KD_MAX_PACKET_BYTES];
} KD_LINK;

/* The socket must be connected; it becomes non-blocking and is the link's to close. */
void KdLinkInitialize(KD_LINK *Link, int Socket);
void KdLinkClose(KD_LINK *Link);
/*
 * Sends a data packet and waits until the target has it. False: the line is closed, the target
 * took nothing in Retries tries, a packet is held, or a RESET is not yet answered.
 */
bool KdLinkSend(KD_LINK *Link, uint16_t Type, const void *First, size_t FirstSize,
                const void *Second, size_t SecondSize);
/* Milliseconds < 0: no limit. Interrupt: a descriptor that ends the wait, or -1. */
KD_LINK_RESULT KdLinkReceive(KD_LINK *Link, int Milliseconds, int Interrupt);
/* Both are only sent; what comes of them is received. */
void KdLinkSendBreakIn(KD_LINK *Link);
void KdLinkSendReset(KD_LINK *Link);
