/* SPDX-License-Identifier: MIT */
/* sources: lib/crc32c.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/crc32c.h"

/* Straight from the definition: reflected polynomial 82f63b78, all ones before and after. */
static uint32_t Reference(const uint8_t *Data, size_t Size)
{
    uint32_t Crc = ~0u;
    for (size_t i = 0; i < Size; i += 1) {
        Crc ^= Data[i];
        for (int Bit = 0; Bit < 8; Bit += 1) {
            Crc = Crc & 1 ? Crc >> 1 ^ 0x82f63b78u : Crc >> 1;
        }
    }
    return ~Crc;
}

static void Fill(uint8_t *Data, size_t Size, uint32_t Seed)
{
    for (size_t i = 0; i < Size; i += 1) {
        Seed = Seed * 1664525 + 1013904223;
        Data[i] = (uint8_t)(Seed >> 24);
    }
}

/* The examples of RFC 3720, B.4, and the usual check value. */
static void KnownValues(void **state)
{
    uint8_t Data[32];
    assert_int_equal(Crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(Crc32c(0, "", 0), 0);
    memset(Data, 0, sizeof(Data));
    assert_int_equal(Crc32c(0, Data, sizeof(Data)), 0x8a9136aa);
    memset(Data, 0xff, sizeof(Data));
    assert_int_equal(Crc32c(0, Data, sizeof(Data)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i += 1) {
        Data[i] = i;
    }
    assert_int_equal(Crc32c(0, Data, sizeof(Data)), 0x46dd794e);
}

static void EverySizeAndAlignment(void **state)
{
    uint8_t Data[128];
    Fill(Data, sizeof(Data), 1);
    for (size_t Start = 0; Start < 9; Start += 1) {
        for (size_t Size = 0; Size + Start <= sizeof(Data); Size += 1) {
            uint32_t Whole = Reference(Data + Start, Size);
            assert_int_equal(Crc32c(0, Data + Start, Size), Whole);
            uint32_t Half = Crc32c(0, Data + Start, Size / 2);
            assert_int_equal(Crc32c(Half, Data + Start + Size / 2, Size - Size / 2), Whole);
        }
    }
}

static void PagesAgree(void **state)
{
    uint8_t *Page = malloc(CRC32C_PAGE_SIZE + 8);
    for (uint32_t Round = 0; Round < 200; Round += 1) {
        uint8_t *Start = Page + Round % 8;
        Fill(Start, CRC32C_PAGE_SIZE, Round);
        assert_int_equal(Crc32cPage(Start), Reference(Start, CRC32C_PAGE_SIZE));
    }
    free(Page);
}

/* The CRC is linear, so single bits tell everything: each must matter as the definition says. */
static void EachBitOfAPage(void **state)
{
    uint8_t *Page = calloc(1, CRC32C_PAGE_SIZE);
    uint32_t Zero = Crc32cPage(Page);
    assert_int_equal(Zero, Reference(Page, CRC32C_PAGE_SIZE));
    for (uint32_t Bit = 0; Bit < CRC32C_PAGE_SIZE * 8; Bit += 1) {
        Page[Bit / 8] = (uint8_t)(1 << Bit % 8);
        assert_int_equal(Crc32cPage(Page), Crc32c(0, Page, CRC32C_PAGE_SIZE));
        assert_int_not_equal(Crc32cPage(Page), Zero);
        Page[Bit / 8] = 0;
    }
    free(Page);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(KnownValues),
        cmocka_unit_test(EverySizeAndAlignment),
        cmocka_unit_test(PagesAgree),
        cmocka_unit_test(EachBitOfAPage),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
