/* SPDX-License-Identifier: MIT */
/* sources: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The kernel's routines under other names, beside the C library's. */
#define memset Nt_memset
#define memcpy Nt_memcpy
#define memmove Nt_memmove
#define memcmp Nt_memcmp
#define memchr Nt_memchr
#include "kernel/rtl/memory.c"
#undef memset
#undef memcpy
#undef memmove
#undef memcmp
#undef memchr

#define SIZE 300

static UCHAR Have[SIZE], Want[SIZE];

static void Fill(UCHAR *Bytes)
{
    for (int i = 0; i < SIZE; i += 1) {
        Bytes[i] = (UCHAR)(i * 7 + 1);
    }
}

static void Sets(void **state)
{
    for (int Start = 0; Start < 20; Start += 1) {
        for (int Count = 0; Count <= 200; Count += 1) {
            Fill(Have);
            Fill(Want);
            memset(Want + Start, 0xa5, (size_t)Count);
            assert_ptr_equal(Nt_memset(Have + Start, 0xa5, (size_t)Count), Have + Start);
            assert_memory_equal(Have, Want, SIZE);
        }
    }
}

/* Every distance and direction of overlap; memcpy must be as good as memmove. */
static void MovesWithOverlap(void **state)
{
    for (int To = 0; To < 90; To += 1) {
        for (int Count = 0; Count <= 160; Count += 3) {
            Fill(Want);
            memmove(Want + To, Want + 40, (size_t)Count);
            Fill(Have);
            Nt_memmove(Have + To, Have + 40, (size_t)Count);
            assert_memory_equal(Have, Want, SIZE);
            Fill(Have);
            Nt_memcpy(Have + To, Have + 40, (size_t)Count);
            assert_memory_equal(Have, Want, SIZE);
        }
    }
}

static void StaysInBounds(void **state)
{
    for (size_t Count = 1; Count < 200; Count += 1) {
        UCHAR *a = malloc(Count);
        UCHAR *b = malloc(Count);
        Nt_memset(a, 1, Count);
        Nt_memcpy(b, a, Count);
        assert_int_equal(Nt_memcmp(a, b, Count), 0);
        assert_int_equal(RtlCompareMemory(a, b, Count), Count);
        assert_null(Nt_memchr(a, 2, Count));
        b[Count - 1] = 2;
        assert_true(Nt_memcmp(a, b, Count) < 0);
        assert_true(Nt_memcmp(b, a, Count) > 0);
        assert_int_equal(RtlCompareMemory(a, b, Count), Count - 1);
        assert_ptr_equal(Nt_memchr(b, 2, Count), b + Count - 1);
        free(a);
        free(b);
    }
}

static void ComparesUnsigned(void **state)
{
    assert_true(Nt_memcmp("\x80", "\x7f", 1) > 0);
    assert_int_equal(Nt_memcmp("a", "b", 0), 0);
    assert_string_equal(Nt_memchr("abcb", 'b', 4), "bcb");
    UCHAR High[] = {1, 0xe9, 2};
    assert_ptr_equal(Nt_memchr(High, 0x1e9, 3), High + 1); /* the value is taken as a byte */
    assert_null(Nt_memchr(High, 2, 2));
    assert_null(Nt_memchr(High, 1, 0));
    ULONG Words[3] = {5, 5, 6};
    assert_int_equal(RtlCompareMemoryUlong(Words, 12, 5), 8);
    assert_int_equal(RtlCompareMemoryUlong(Words, 7, 5), 4);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(Sets),
        cmocka_unit_test(MovesWithOverlap),
        cmocka_unit_test(StaysInBounds),
        cmocka_unit_test(ComparesUnsigned),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
