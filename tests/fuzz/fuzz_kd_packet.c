/* SPDX-License-Identifier: MIT */
/* sources: lib/kd_packet.c */
/*
 * Both directions. In: any bytes, in pieces whose size the first byte gives, give the same things
 * as byte by byte. Out: what a data packet held is encoded again and must come back as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kd_packet.h"

static KD_PARSER Whole, Bytewise, Again;
static uint8_t Out[KD_MAX_PACKET_BYTES];

static void CheckData(const KD_PARSER *Parser)
{
    size_t First = Parser->Header.ByteCount / 3, Used;
    size_t Size = KdEncodeData(Out, sizeof(Out), Parser->Header.Type, Parser->Header.Id,
                               Parser->Payload, First, Parser->Payload + First,
                               Parser->Header.ByteCount - First);
    KdInitializeParser(&Again);
    if (Size == 0 || KdParse(&Again, Out, Size, &Used) != KdParsedData || Used != Size ||
        memcmp(&Again.Header, &Parser->Header, sizeof(KD_PACKET)) != 0 ||
        memcmp(Again.Payload, Parser->Payload, Parser->Header.ByteCount) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    if (Size == 0) {
        return 0;
    }
    size_t Piece = 1 + Data[0];
    KdInitializeParser(&Whole);
    KdInitializeParser(&Bytewise);
    Data++;
    Size--;
    while (Size != 0) {
        size_t Length = Size < Piece ? Size : Piece, Used;
        KD_PARSE_RESULT Result = KdParse(&Whole, Data, Length, &Used);
        if (Used == 0 || Used > Length || (Result == KdNeedMore && Used != Length)) {
            abort();
        }
        KD_PARSE_RESULT Single = KdNeedMore;
        for (size_t i = 0; i < Used; i++) {
            size_t One;
            if (Single != KdNeedMore) {
                abort();
            }
            Single = KdParse(&Bytewise, Data + i, 1, &One);
        }
        if (Single != Result || KdParserInPacket(&Whole) != KdParserInPacket(&Bytewise)) {
            abort();
        }
        if (Result == KdParsedData) {
            CheckData(&Whole);
        }
        Data += Used;
        Size -= Used;
    }
    return 0;
}
