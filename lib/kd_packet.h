/* SPDX-License-Identifier: MIT */
/*
 * The packets of include/wire/kd.h, from bytes and to bytes; the kernel and the debugger use the
 * same code. Pure: no allocation, no calls; any IRQL. Ids, acknowledgements and retries are the
 * caller's (kernel/kd/kdcom.c, host/debugger/kd_link.c).
 *
 *     while (Size != 0) {
 *         Result = KdParse(&Parser, Data, Size, &Used);
 *         Data += Used, Size -= Used;
 *         ... Result says what the bytes taken so far end
 *     }
 */
#pragma once

#include "wire/kd.h"

typedef enum {
    KdNeedMore,     /* all bytes taken, nothing ended */
    KdParsedData,   /* Header and Payload hold a data packet whose checksum and AA are right */
    KdParsedControl,/* Header holds a control packet; no acknowledgement is due */
    KdParsedBreakIn,/* the byte 62 came outside of a packet */
    KdParsedBad,    /* a data packet that cannot be used: too long, checksum, no AA. Ask again. */
} KD_PARSE_RESULT;

typedef struct {
    KD_PACKET Header;
    uint8_t Payload[KD_MAX_PAYLOAD];
    uint32_t State; /* of KdParse */
    uint32_t Used;  /* bytes of the part being read */
    uint8_t LeaderByte;
} KD_PARSER;

void KdInitializeParser(KD_PARSER *Parser);
/* True inside a packet: more bytes of it are due, and a receiver that gets none asks again. */
int KdParserInPacket(const KD_PARSER *Parser);
/* Takes bytes up to the end of one thing; *Used says how many, at least 1 when Size is not 0. */
KD_PARSE_RESULT KdParse(KD_PARSER *Parser, const void *Data, size_t Size, size_t *Used);

/*
 * A whole data packet of one or two parts; 0 when it does not fit in Capacity or in
 * KD_MAX_PAYLOAD. Out may be sent as it is.
 */
size_t KdEncodeData(void *Out, size_t Capacity, uint16_t Type, uint32_t Id, const void *First,
                    size_t FirstSize, const void *Second, size_t SecondSize);
/* A control packet: KdPacketAcknowledge, KdPacketResend or KdPacketReset. 16 bytes. */
void KdEncodeControl(KD_PACKET *Out, uint16_t Type, uint32_t Id);
#define KD_MAX_PACKET_BYTES (sizeof(KD_PACKET) + KD_MAX_PAYLOAD + 1)
