/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/bitmap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nt/rtl.h"

#define MAX_BITS 200u
#define NONE 0xffffffffu

/* A map of Bits bits, on the heap in its exact size, and the same as an array of bytes. */
static RTL_BITMAP Map;
static UCHAR Model[MAX_BITS];
static ULONG Seed = 99;

static ULONG Random(ULONG Limit)
{
    Seed = Seed * 1664525 + 1013904223;
    return (Seed >> 8) % Limit;
}

static VOID Create(ULONG Bits, ULONG Dense)
{
    ULONG Words = (Bits + 31) / 32;
    PULONG Buffer = calloc(Words + (Words == 0), sizeof(ULONG));
    RtlInitializeBitMap(&Map, Buffer, Bits);
    /* What is behind the last bit must not matter: make it all ones, or all zeros. */
    if (Words != 0 && (Bits & 1)) {
        memset(Buffer, 0xff, Words * sizeof(ULONG));
        RtlClearAllBits(&Map);
    }
    for (ULONG i = 0; i < Bits; i += 1) {
        Model[i] = Random(100) < Dense;
        if (Model[i]) {
            RtlSetBit(&Map, i);
        }
    }
}

static VOID Destroy(VOID)
{
    free(Map.Buffer);
}

static VOID AssertSame(VOID)
{
    for (ULONG i = 0; i < Map.SizeOfBitMap; i += 1) {
        assert_int_equal(RtlTestBit(&Map, i), Model[i]);
    }
}

static ULONG ModelFind(ULONG Count, ULONG Hint, UCHAR Value)
{
    ULONG Bits = Map.SizeOfBitMap;
    for (ULONG Pass = 0; Pass < 2; Pass += 1) {
        for (ULONG i = Pass == 0 ? Hint : 0; i < (Pass == 0 ? Bits : Hint); i += 1) {
            ULONG n = 0;
            while (n < Count && i + n < Bits && Model[i + n] == Value) {
                n += 1;
            }
            if (n == Count) {
                return i;
            }
        }
    }
    return NONE;
}

static void SetsAndClearsRanges(void **state)
{
    for (ULONG Round = 0; Round < 2000; Round += 1) {
        ULONG Bits = Random(MAX_BITS) + 1;
        Create(Bits, 50);
        ULONG Start = Random(Bits);
        ULONG Length = Random(Bits - Start + 1);
        memset(Model + Start, Round & 1, Length);
        if (Round & 1) {
            RtlSetBits(&Map, Start, Length);
        } else {
            RtlClearBits(&Map, Start, Length);
        }
        AssertSame();
        ULONG Ones = 0;
        for (ULONG i = 0; i < Bits; i += 1) {
            Ones += Model[i];
        }
        assert_int_equal(RtlNumberOfSetBits(&Map), Ones);
        assert_int_equal(RtlNumberOfClearBits(&Map), Bits - Ones);
        if (Length != 0) {
            assert_int_equal(RtlAreBitsSet(&Map, Start, Length), Round & 1);
            assert_int_equal(RtlAreBitsClear(&Map, Start, Length), !(Round & 1));
        }
        assert_false(RtlAreBitsSet(&Map, Start, 0));
        assert_false(RtlAreBitsClear(&Map, Start, Bits - Start + 1));
        Destroy();
    }
}

static void FindsAsTheModelDoes(void **state)
{
    for (ULONG Round = 0; Round < 5000; Round += 1) {
        ULONG Bits = Random(MAX_BITS) + 1;
        Create(Bits, Random(101));
        ULONG Count = Random(Round & 1 ? 4 : Bits + 2) + 1;
        ULONG Hint = Random(Bits);
        assert_int_equal(RtlFindClearBits(&Map, Count, Hint), ModelFind(Count, Hint, 0));
        assert_int_equal(RtlFindSetBits(&Map, Count, Hint), ModelFind(Count, Hint, 1));
        ULONG Found = RtlFindClearBitsAndSet(&Map, Count, Hint);
        if (Found != NONE) {
            memset(Model + Found, 1, Count);
        }
        AssertSame();
        Found = RtlFindSetBitsAndClear(&Map, Count, Hint);
        if (Found != NONE) {
            memset(Model + Found, 0, Count);
        }
        AssertSame();
        Destroy();
    }
}

static void FindsRuns(void **state)
{
    for (ULONG Round = 0; Round < 3000; Round += 1) {
        ULONG Bits = Random(MAX_BITS) + 1;
        Create(Bits, Random(101));
        RTL_BITMAP_RUN Runs[MAX_BITS];
        ULONG Count = RtlFindClearRuns(&Map, Runs, MAX_BITS, FALSE);
        ULONG Next = 0;
        ULONG Longest = 0;
        for (ULONG i = 0; i < Bits;) {
            ULONG Start = i;
            while (i < Bits && !Model[i]) {
                i += 1;
            }
            if (i > Start) {
                assert_true(Next < Count);
                assert_int_equal(Runs[Next].StartingIndex, Start);
                assert_int_equal(Runs[Next].NumberOfBits, i - Start);
                Longest = i - Start > Longest ? i - Start : Longest;
                Next += 1;
            }
            i += 1;
        }
        assert_int_equal(Next, Count);
        ULONG Start;
        assert_int_equal(RtlFindLongestRunClear(&Map, &Start), Longest);
        if (Longest != 0) {
            assert_true(RtlAreBitsClear(&Map, Start, Longest));
        }
        RTL_BITMAP_RUN Best[3];
        ULONG BestCount = RtlFindClearRuns(&Map, Best, 3, TRUE);
        assert_int_equal(BestCount, Count < 3 ? Count : 3);
        for (ULONG i = 1; i < BestCount; i += 1) {
            assert_true(Best[i - 1].NumberOfBits >= Best[i].NumberOfBits);
        }
        ULONG From = Random(Bits);
        ULONG Length = RtlFindNextForwardRunClear(&Map, From, &Start);
        if (Length != 0) {
            assert_true(Start >= From && RtlAreBitsClear(&Map, Start, Length));
            assert_true(Start == From || RtlAreBitsSet(&Map, From, Start - From));
        }
        Length = RtlFindLastBackwardRunClear(&Map, From, &Start);
        if (Length != 0) {
            assert_true(Start + Length <= From + 1 && RtlAreBitsClear(&Map, Start, Length));
        }
        Destroy();
    }
}

static void EdgesAreSafe(void **state)
{
    ULONG Start;
    Create(64, 0);
    RtlSetBit(&Map, 64);
    RtlSetBits(&Map, 60, 1000);
    assert_int_equal(RtlNumberOfSetBits(&Map), 4);
    assert_false(RtlTestBit(&Map, 64));
    assert_int_equal(RtlFindClearBits(&Map, 0, 13), 8);
    assert_int_equal(RtlFindClearBits(&Map, 65, 0), NONE);
    assert_int_equal(RtlFindClearBits(&Map, 60, 1000), 0);
    assert_int_equal(RtlFindNextForwardRunClear(&Map, 61, &Start), 0);
    Destroy();
    Create(0, 0);
    RtlSetAllBits(&Map);
    assert_int_equal(RtlNumberOfSetBits(&Map), 0);
    assert_int_equal(RtlFindClearBits(&Map, 1, 0), NONE);
    assert_int_equal(RtlFindFirstRunClear(&Map, &Start), 0);
    Destroy();
    assert_int_equal(RtlFindLeastSignificantBit(0), -1);
    assert_int_equal(RtlFindMostSignificantBit(0), -1);
    assert_int_equal(RtlFindLeastSignificantBit(0x8000000000000010ull), 4);
    assert_int_equal(RtlFindMostSignificantBit(0x8000000000000010ull), 63);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(SetsAndClearsRanges),
        cmocka_unit_test(FindsAsTheModelDoes),
        cmocka_unit_test(FindsRuns),
        cmocka_unit_test(EdgesAreSafe),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
