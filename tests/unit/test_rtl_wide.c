/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/format.c kernel/rtl/ansi_string.c kernel/rtl/upcase.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The kernel's routines under other names, beside the C library's. */
#define swprintf Nt_swprintf
#include "kernel/rtl/wide_printf.c"
#undef UNIT

#define wcslen Nt_wcslen
#define wcsnlen Nt_wcsnlen
#define wcscmp Nt_wcscmp
#define wcsncmp Nt_wcsncmp
#define wcscpy Nt_wcscpy
#define wcsncpy Nt_wcsncpy
#define wcscat Nt_wcscat
#define wcsncat Nt_wcsncat
#define wcschr Nt_wcschr
#define wcsrchr Nt_wcsrchr
#define wcsstr Nt_wcsstr
#define wcsspn Nt_wcsspn
#define wcscspn Nt_wcscspn
#define mbstowcs Nt_mbstowcs
#define wcstombs Nt_wcstombs
typedef int errno_t;
#include "kernel/rtl/wide_string.c"

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return malloc(NumberOfBytes);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    free(P);
}

static WCHAR Buffer[256];

#define EXPECT(text, ...)                                                              \
    do {                                                                               \
        assert_int_equal(_snwprintf(Buffer, 256, __VA_ARGS__), sizeof(text) / 2 - 1);  \
        assert_memory_equal(Buffer, text, sizeof(text));                               \
    } while (0)

static void Formats(void **state)
{
    UNICODE_STRING Wide = {6, 6, L"xyzzz"};
    ANSI_STRING Ansi = {2, 2, "ab"};
    EXPECT(L"\\Device\\Notepad0", L"\\Device\\%s%d", L"Notepad", 0);
    EXPECT(L"narrow narrow", L"%S %hs", "narrow", "narrow");
    EXPECT(L"wide wide", L"%ws %ls", L"wide", L"wide");
    EXPECT(L"xyz ab", L"%wZ %Z", &Wide, &Ansi);
    EXPECT(L"\u20ac", L"%S", "\x80");
    EXPECT(L"[  7b][7b  ]", L"[%4x][%-4x]", 123, 123);
    EXPECT(L"00000000DEADBEEF", L"%p", (void *)0xdeadbeef);
    EXPECT(L"%y", L"%y");
    EXPECT(L"\u4e00c", L"%c%C", 0x4e00, 'c');
}

static void Bounds(void **state)
{
    WCHAR Small[4] = {9, 9, 9, 9};
    assert_int_equal(_snwprintf(Small, 3, L"abc"), 3);
    assert_int_equal(Small[3], 9);
    assert_int_equal(_snwprintf(Small, 3, L"abcd"), -1);
    assert_int_equal(swprintf_s(Small, 4, L"abcd"), -1);
    assert_int_equal(Small[0], 0);
    assert_int_equal(Nt_swprintf(Buffer, L"%u", 12u), 2);
}

static void HandlesStrings(void **state)
{
    WCHAR Text[8] = L"ab";
    assert_int_equal(Nt_wcslen(L"abc"), 3);
    assert_int_equal(_wcsicmp(L"\\DEVICE\\x", L"\\Device\\X"), 0);
    assert_int_equal(_wcsnicmp(L"abcX", L"ABCy", 3), 0);
    assert_true(Nt_wcscmp(L"\x8000", L"\x7fff") > 0);
    assert_memory_equal(Nt_wcscat(Text, L"cd"), L"abcd", 10);
    assert_ptr_equal(Nt_wcsrchr(Text, L'b'), Text + 1);
    assert_ptr_equal(Nt_wcsstr(Text, L"cd"), Text + 2);
    assert_ptr_equal(Nt_wcschr(Text, 0), Text + 4);
    assert_int_equal(wcscpy_s(Text, 8, L"1234567"), 0);
    assert_int_equal(wcscpy_s(Text, 8, L"12345678"), ERANGE);
    assert_int_equal(wcsncpy_s(Text, 8, L"12345678", (size_t)-1), STRUNCATE);
    assert_memory_equal(_wcsupr(Nt_wcscpy(Text, L"a\u00e9z")), L"A\u00e9Z", 8);
    assert_memory_equal(_wcslwr(Text), L"a\u00e9z", 8);
    assert_int_equal(Nt_wcsnlen(L"abc", 2), 2);
    assert_int_equal(Nt_wcsnlen(L"abc", 9), 3);
    assert_true(Nt_wcsncmp(L"abX", L"abY", 2) == 0 && Nt_wcsncmp(L"abX", L"abY", 3) < 0);
    assert_int_equal(Nt_wcsncmp(L"a", L"a", 100), 0);
    assert_memory_equal(Nt_wcsncpy(Text, L"x", 3), L"x\0", 6);
    assert_memory_equal(Nt_wcsncat(Text, L"yzz", 2), L"xyz", 8);
    assert_int_equal(Nt_wcsspn(L"aabc", L"ab"), 3);
    assert_int_equal(Nt_wcscspn(L"aabc", L"cd"), 3);
    assert_int_equal(Nt_wcscspn(L"aabc", L""), 4);
}

static void ChecksDestinations(void **state)
{
    WCHAR Text[4] = L"ab";
    assert_int_equal(wcscat_s(Text, 4, L"c"), 0);
    assert_memory_equal(Text, L"abc", 8);
    assert_int_equal(wcscat_s(Text, 4, L"d"), ERANGE);
    assert_int_equal(Text[0], 0);
    assert_int_equal(wcscat_s(NULL, 4, L"d"), EINVAL);
    assert_int_equal(wcscat_s(Text, 4, NULL), EINVAL);
    assert_int_equal(wcscat_s(Text, 0, L"d"), EINVAL);
    assert_int_equal(wcsncat_s(Text, 4, L"abcd", 3), 0);
    assert_memory_equal(Text, L"abc", 8);
    assert_int_equal(wcsncat_s(Text, 4, L"d", (size_t)-1), STRUNCATE);
    assert_memory_equal(Text, L"abc", 8);
    assert_int_equal(wcsncat_s(Text, 3, L"d", 1), EINVAL); /* no string within 3 units */
    assert_int_equal(wcsncat_s(Text, 4, L"abcd", 4), ERANGE);
    assert_int_equal(Text[0], 0);
}

static void Converts(void **state)
{
    char Narrow[4];
    assert_int_equal(Nt_mbstowcs(NULL, "abc", 0), 3);
    assert_int_equal(Nt_mbstowcs(Buffer, "a\xff", 9), 2);
    assert_memory_equal(Buffer, L"a\u00ff", 6);
    assert_int_equal(Nt_wcstombs(Narrow, L"abcdef", 4), 4);
    assert_memory_equal(Narrow, "abcd", 4);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(Formats),
        cmocka_unit_test(Bounds),
        cmocka_unit_test(HandlesStrings),
        cmocka_unit_test(ChecksDestinations),
        cmocka_unit_test(Converts),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
