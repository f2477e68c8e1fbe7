/* SPDX-License-Identifier: MIT */
/*
 * The parser's states, and what leads on:
 *
 *   leader    four equal bytes 30 or 69; any other byte starts again, 62 is a break-in
 *   header    the other 12 bytes; a control packet ends here
 *   payload   ByteCount bytes
 *   trailer   the byte AA, without which the packet is bad
 *
 * A damaged packet may swallow the beginning of the next one. Nothing is searched again: the
 * sender repeats what is not acknowledged.
 */
#include "lib/kd_packet.h"

enum { KdStateLeader, KdStateHeader, KdStatePayload, KdStateTrailer };

#define KD_LEADER_BYTES 4u
#define KD_LEADER_BYTE_DATA 0x30
#define KD_LEADER_BYTE_CONTROL 0x69

static uint32_t KdChecksum(const uint8_t *Bytes, size_t Size, uint32_t Sum)
{
    for (size_t i = 0; i < Size; i++) {
        Sum += Bytes[i];
    }
    return Sum;
}

static void KdSetState(KD_PARSER *Parser, uint32_t State)
{
    Parser->State = State;
    Parser->Used = 0;
}

void KdInitializeParser(KD_PARSER *Parser)
{
    KdSetState(Parser, KdStateLeader);
    Parser->LeaderByte = 0;
}

int KdParserInPacket(const KD_PARSER *Parser)
{
    return Parser->State != KdStateLeader || Parser->Used != 0;
}

static KD_PARSE_RESULT KdTakeLeader(KD_PARSER *Parser, uint8_t Byte)
{
    if (Byte != KD_LEADER_BYTE_DATA && Byte != KD_LEADER_BYTE_CONTROL) {
        Parser->Used = 0;
        return Byte == KD_BREAK_IN_BYTE ? KdParsedBreakIn : KdNeedMore;
    }
    if (Parser->Used == 0 || Byte != Parser->LeaderByte) {
        Parser->Used = 0;
        Parser->LeaderByte = Byte;
    }
    if (++Parser->Used == KD_LEADER_BYTES) {
        Parser->Header.Leader =
            Byte == KD_LEADER_BYTE_DATA ? KD_LEADER_DATA : KD_LEADER_CONTROL;
        Parser->State = KdStateHeader; /* Used stays: the leader is part of the header */
    }
    return KdNeedMore;
}

static KD_PARSE_RESULT KdFinishHeader(KD_PARSER *Parser)
{
    if (Parser->Header.Leader == KD_LEADER_CONTROL) {
        KdSetState(Parser, KdStateLeader);
        return KdParsedControl;
    }
    if (Parser->Header.ByteCount > KD_MAX_PAYLOAD) {
        KdSetState(Parser, KdStateLeader);
        return KdParsedBad;
    }
    KdSetState(Parser, Parser->Header.ByteCount != 0 ? KdStatePayload : KdStateTrailer);
    return KdNeedMore;
}

static KD_PARSE_RESULT KdTakeTrailer(KD_PARSER *Parser, uint8_t Byte)
{
    const KD_PACKET *Header = &Parser->Header;
    KdSetState(Parser, KdStateLeader);
    if (Byte != KD_TRAILING_BYTE ||
        KdChecksum(Parser->Payload, Header->ByteCount, 0) != Header->Checksum) {
        return KdParsedBad;
    }
    return KdParsedData;
}

KD_PARSE_RESULT KdParse(KD_PARSER *Parser, const void *Data, size_t Size, size_t *Used)
{
    const uint8_t *Bytes = Data;
    KD_PARSE_RESULT Result = KdNeedMore;
    size_t Next = 0;

    while (Next < Size && Result == KdNeedMore) {
        uint8_t Byte = Bytes[Next++];
        switch (Parser->State) {
        case KdStateLeader:
            Result = KdTakeLeader(Parser, Byte);
            break;
        case KdStateHeader:
            ((uint8_t *)&Parser->Header)[Parser->Used++] = Byte;
            if (Parser->Used == sizeof(Parser->Header)) {
                Result = KdFinishHeader(Parser);
            }
            break;
        case KdStatePayload:
            Parser->Payload[Parser->Used++] = Byte;
            if (Parser->Used == Parser->Header.ByteCount) {
                KdSetState(Parser, KdStateTrailer);
            }
            break;
        default:
            Result = KdTakeTrailer(Parser, Byte);
            break;
        }
    }
    *Used = Next;
    return Result;
}

size_t KdEncodeData(void *Out, size_t Capacity, uint16_t Type, uint32_t Id, const void *First,
                    size_t FirstSize, const void *Second, size_t SecondSize)
{
    uint8_t *Bytes = Out;
    if (FirstSize > KD_MAX_PAYLOAD || SecondSize > KD_MAX_PAYLOAD - FirstSize ||
        Capacity < sizeof(KD_PACKET) + FirstSize + SecondSize + 1) {
        return 0;
    }
    KD_PACKET Header = {KD_LEADER_DATA, Type, (uint16_t)(FirstSize + SecondSize), Id,
                        KdChecksum(Second, SecondSize, KdChecksum(First, FirstSize, 0))};
    __builtin_memcpy(Bytes, &Header, sizeof(Header));
    Bytes += sizeof(Header);
    if (FirstSize != 0) {
        __builtin_memcpy(Bytes, First, FirstSize);
    }
    Bytes += FirstSize;
    if (SecondSize != 0) {
        __builtin_memcpy(Bytes, Second, SecondSize);
    }
    Bytes[SecondSize] = KD_TRAILING_BYTE;
    return sizeof(Header) + FirstSize + SecondSize + 1;
}

void KdEncodeControl(KD_PACKET *Out, uint16_t Type, uint32_t Id)
{
    *Out = (KD_PACKET){KD_LEADER_CONTROL, Type, 0, Id, 0};
}
