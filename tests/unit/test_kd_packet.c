/* SPDX-License-Identifier: MIT */
/* sources: lib/kd_packet.c */
/* KD packets: known bytes, every split, every way to be damaged, and what comes after damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kd_packet.h"

static KD_PARSER Parser;
static uint8_t Out[2 * KD_MAX_PACKET_BYTES];

/* Feeds all bytes; returns the first result that is not KdNeedMore and how far it came. */
static KD_PARSE_RESULT Feed(const void *Data, size_t Size, size_t *Used)
{
    KD_PARSE_RESULT Result = KdParse(&Parser, Data, Size, Used);
    assert_true(*Used <= Size && (Size == 0 || *Used != 0));
    return Result;
}

static void BytesAreAsDocumented(void **State)
{
    static const uint8_t Wanted[] = {0x30, 0x30, 0x30, 0x30, 2, 0, 3, 0, 0, 8, 0x80, 0x80,
                                     6, 0, 0, 0, 1, 2, 3, 0xAA};
    static const uint8_t Reset[] = {0x69, 0x69, 0x69, 0x69, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    KD_PACKET Control;
    size_t Size = KdEncodeData(Out, sizeof(Out), KdPacketManipulate, KD_INITIAL_ID | KD_SYNC_ID,
                               "\1", 1, "\2\3", 2);
    assert_int_equal(Size, sizeof(Wanted));
    assert_memory_equal(Out, Wanted, Size);
    KdEncodeControl(&Control, KdPacketReset, 0);
    assert_memory_equal(&Control, Reset, sizeof(Reset));
}

static void EverySplitGivesThePacket(void **State)
{
    size_t Used;
    size_t Size = KdEncodeData(Out, sizeof(Out), KdPacketDebugIo, 0x80800001, "abcb0i", 6, NULL, 0);
    for (size_t Split = 0; Split < Size; Split++) {
        KdInitializeParser(&Parser);
        assert_int_equal(Feed(Out, Split, &Used), KdNeedMore);
        assert_int_equal(KdParserInPacket(&Parser), Split != 0);
        assert_int_equal(Feed(Out + Split, Size - Split, &Used), KdParsedData);
        assert_int_equal(Used, Size - Split);
        assert_false(KdParserInPacket(&Parser));
        assert_int_equal(Parser.Header.Type, KdPacketDebugIo);
        assert_int_equal(Parser.Header.Id, 0x80800001);
        assert_int_equal(Parser.Header.ByteCount, 6);
        assert_memory_equal(Parser.Payload, "abcb0i", 6);
    }
}

static void ControlPacketEndsWithItsHeader(void **State)
{
    KD_PACKET Control[2];
    size_t Used;
    KdEncodeControl(&Control[0], KdPacketAcknowledge, 0x80800000);
    KdEncodeControl(&Control[1], KdPacketResend, 0);
    KdInitializeParser(&Parser);
    assert_int_equal(Feed(Control, sizeof(Control), &Used), KdParsedControl);
    assert_int_equal(Used, 16);
    assert_int_equal(Parser.Header.Type, KdPacketAcknowledge);
    assert_int_equal(Feed(&Control[1], 16, &Used), KdParsedControl);
    assert_int_equal(Parser.Header.Type, KdPacketResend);
}

static void BreakInCountsOutsideOfPacketsOnly(void **State)
{
    size_t Used;
    KdInitializeParser(&Parser);
    assert_int_equal(Feed("xb", 2, &Used), KdParsedBreakIn);
    assert_int_equal(Used, 2);
    assert_int_equal(Feed("00b", 3, &Used), KdParsedBreakIn); /* half a leader is no packet */
    size_t Size = KdEncodeData(Out, sizeof(Out), KdPacketManipulate, 0, "bbbb", 4, NULL, 0);
    assert_int_equal(Feed(Out, Size, &Used), KdParsedData);
    assert_int_equal(Used, Size);
}

static void LeadersOfTwoKindsDoNotMix(void **State)
{
    size_t Used;
    KD_PACKET Control;
    KdInitializeParser(&Parser);
    assert_int_equal(Feed("000iii", 6, &Used), KdNeedMore);
    KdEncodeControl(&Control, KdPacketReset, 0);
    assert_int_equal(Feed((uint8_t *)&Control + 3, 13, &Used), KdParsedControl);
    assert_int_equal(Parser.Header.Type, KdPacketReset);
}

static void DamageIsFound(void **State)
{
    size_t Used;
    size_t Size = KdEncodeData(Out, sizeof(Out), KdPacketManipulate, 1, "abc", 3, NULL, 0);
    for (size_t At = sizeof(KD_PACKET) - 4; At < Size; At++) {
        KdInitializeParser(&Parser);
        Out[At] ^= 4;
        assert_int_equal(Feed(Out, Size, &Used), KdParsedBad);
        Out[At] ^= 4;
        assert_false(KdParserInPacket(&Parser));
        assert_int_equal(Feed(Out, Size, &Used), KdParsedData);
    }
    KdInitializeParser(&Parser);
    ((KD_PACKET *)Out)->ByteCount = KD_MAX_PAYLOAD + 1;
    assert_int_equal(Feed(Out, Size, &Used), KdParsedBad);
    assert_int_equal(Used, sizeof(KD_PACKET)); /* nothing of the payload is waited for */
}

static void SizesAreBounded(void **State)
{
    static uint8_t Full[KD_MAX_PAYLOAD + 1];
    size_t Used;
    memset(Full, 0xff, sizeof(Full));
    assert_int_equal(KdEncodeData(Out, sizeof(Out), 2, 0, Full, KD_MAX_PAYLOAD, Full, 1), 0);
    assert_int_equal(KdEncodeData(Out, sizeof(Out), 2, 0, Full, KD_MAX_PAYLOAD + 1, NULL, 0), 0);
    assert_int_equal(KdEncodeData(Out, sizeof(Out), 2, 0, Full, 1, Full, SIZE_MAX), 0);
    assert_int_equal(KdEncodeData(Out, KD_MAX_PACKET_BYTES - 1, 2, 0, Full, KD_MAX_PAYLOAD, NULL,
                                  0), 0);
    size_t Size = KdEncodeData(Out, KD_MAX_PACKET_BYTES, 2, 0, Full, 56, Full,
                               KD_MAX_PAYLOAD - 56);
    assert_int_equal(Size, KD_MAX_PACKET_BYTES);
    KdInitializeParser(&Parser);
    assert_int_equal(Feed(Out, Size, &Used), KdParsedData);
    assert_int_equal(Parser.Header.Checksum, KD_MAX_PAYLOAD * 0xffu);
    Size = KdEncodeData(Out, sizeof(Out), 2, 0, NULL, 0, NULL, 0);
    assert_int_equal(Size, sizeof(KD_PACKET) + 1);
    assert_int_equal(Feed(Out, Size, &Used), KdParsedData);
    assert_int_equal(Parser.Header.ByteCount, 0);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(BytesAreAsDocumented),
        cmocka_unit_test(EverySplitGivesThePacket),
        cmocka_unit_test(ControlPacketEndsWithItsHeader),
        cmocka_unit_test(BreakInCountsOutsideOfPacketsOnly),
        cmocka_unit_test(LeadersOfTwoKindsDoNotMix),
        cmocka_unit_test(DamageIsFound),
        cmocka_unit_test(SizesAreBounded),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
