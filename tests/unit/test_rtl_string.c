/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/unicode_string.c kernel/rtl/ansi_string.c kernel/rtl/upcase.c kernel/rtl/utf8.c kernel/rtl/integer_string.c kernel/rtl/guid.c kernel/rtl/time.c kernel/rtl/random.c kernel/rtl/version.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wctype.h>

#include "kernel/rtl/rtlp.h"

static LONG Allocated;
static BOOLEAN FailAllocations;

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    assert_int_equal(PoolType, PagedPool);
    if (FailAllocations) {
        return NULL;
    }
    Allocated += 1;
    return malloc(NumberOfBytes);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    Allocated -= 1;
    free(P);
}

static UNICODE_STRING U(PCWSTR s)
{
    UNICODE_STRING String;
    RtlInitUnicodeString(&String, s);
    return String;
}

static ANSI_STRING A(PCSZ s)
{
    ANSI_STRING String;
    RtlInitAnsiString(&String, s);
    return String;
}

static void InitialisesStrings(void **state)
{
    UNICODE_STRING String = U(L"abc");
    assert_int_equal(String.Length, 6);
    assert_int_equal(String.MaximumLength, 8);
    String = U(NULL);
    assert_int_equal(String.MaximumLength, 0);
    assert_null(String.Buffer);
    PWCH Long = calloc(40000, sizeof(WCHAR));
    for (int i = 0; i < 39999; i += 1) {
        Long[i] = L'x';
    }
    String = U(Long);
    assert_int_equal(String.Length, 0xfffc);
    assert_int_equal(String.MaximumLength, 0xfffe);
    assert_int_equal(RtlInitUnicodeStringEx(&String, Long), STATUS_NAME_TOO_LONG);
    free(Long);
}

static void InitialisesNarrowStrings(void **state)
{
    STRING String;
    RtlInitString(&String, "abc");
    assert_int_equal(String.Length, 3);
    assert_int_equal(String.MaximumLength, 4);
    RtlInitString(&String, NULL);
    assert_true(String.Length == 0 && String.MaximumLength == 0 && String.Buffer == NULL);
    PCHAR Long = malloc(0x10000);
    memset(Long, 'x', 0xffff);
    Long[0xffff] = 0;
    assert_int_equal(RtlInitAnsiStringEx(&String, Long), STATUS_NAME_TOO_LONG);
    assert_int_equal(RtlInitAnsiStringEx(&String, Long + 1), STATUS_SUCCESS);
    assert_int_equal(String.Length, 0xfffe);
    assert_int_equal(String.MaximumLength, 0xffff);
    assert_int_equal(RtlInitAnsiStringEx(&String, NULL), STATUS_SUCCESS);
    assert_null(String.Buffer);
    free(Long);
}

static void CopiesAndAppendsNarrow(void **state)
{
    CHAR Buffer[5] = "zzzz";
    STRING To = {0, 4, Buffer}, From = A("abcdef");
    RtlCopyString(&To, &From);
    assert_int_equal(To.Length, 4);
    assert_memory_equal(Buffer, "abcd", 5);
    From = A("Xy");
    RtlCopyString(&To, &From);
    assert_int_equal(To.Length, 2);
    assert_memory_equal(Buffer, "Xycd", 4); /* no terminator is written */
    assert_int_equal(RtlAppendStringToString(&To, &From), STATUS_SUCCESS);
    assert_memory_equal(Buffer, "XyXy", 5);
    assert_int_equal(RtlAppendStringToString(&To, &From), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(To.Length, 4);
    From.Length = 0;
    assert_int_equal(RtlAppendStringToString(&To, &From), STATUS_SUCCESS);
    From = A("a\xe9\xdf{12");
    RtlUpperString(&To, &From);
    assert_int_equal(To.Length, 4);
    assert_memory_equal(Buffer, "A\xc9\xdf{", 5);
    RtlCopyString(&To, NULL);
    assert_int_equal(To.Length, 0);
}

static void ValidatesStrings(void **state)
{
    UNICODE_STRING Good = U(L"ab"), Odd = {3, 4, Good.Buffer}, Long = {6, 4, Good.Buffer};
    UNICODE_STRING OddRoom = {2, 3, Good.Buffer}, NoBuffer = {0, 2, NULL}, Empty = {0, 0, NULL};
    assert_int_equal(RtlValidateUnicodeString(0, &Good), STATUS_SUCCESS);
    assert_int_equal(RtlValidateUnicodeString(0, &Empty), STATUS_SUCCESS);
    assert_int_equal(RtlValidateUnicodeString(1, &Good), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &Odd), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &OddRoom), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &Long), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlValidateUnicodeString(0, &NoBuffer), STATUS_INVALID_PARAMETER);
}

static void CopiesAndAppends(void **state)
{
    WCHAR Buffer[6] = {9, 9, 9, 9, 9, 9};
    UNICODE_STRING To = {0, 10, Buffer};
    UNICODE_STRING From = U(L"abcdefgh");
    RtlCopyUnicodeString(&To, &From);
    assert_int_equal(To.Length, 10);
    assert_int_equal(Buffer[5], 9);
    From = U(L"ab");
    RtlCopyUnicodeString(&To, &From);
    assert_memory_equal(Buffer, L"ab", 6);
    assert_int_equal(RtlAppendUnicodeToString(&To, L"cd"), STATUS_SUCCESS);
    assert_memory_equal(Buffer, L"abcd", 10);
    assert_int_equal(RtlAppendUnicodeStringToString(&To, &From), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(To.Length, 8);
    assert_int_equal(RtlAppendUnicodeToString(&To, L"e"), STATUS_SUCCESS);
    assert_int_equal(RtlAppendUnicodeToString(&To, NULL), STATUS_SUCCESS);
    RtlCopyUnicodeString(&To, NULL);
    assert_int_equal(To.Length, 0);
}

static void ComparesStrings(void **state)
{
    UNICODE_STRING a = U(L"\\Device\\Null"), b = U(L"\\DEVICE\\nuLL"), c = U(L"\\Device");
    assert_true(RtlEqualUnicodeString(&a, &b, TRUE));
    assert_false(RtlEqualUnicodeString(&a, &b, FALSE));
    assert_true(RtlPrefixUnicodeString(&c, &b, TRUE));
    assert_false(RtlPrefixUnicodeString(&b, &c, TRUE));
    assert_true(RtlCompareUnicodeString(&c, &a, FALSE) < 0);
    assert_true(RtlCompareUnicodeString(&a, &b, FALSE) > 0);
    assert_int_equal(RtlCompareUnicodeString(&a, &b, TRUE), 0);
    assert_int_equal(RtlCompareUnicodeStrings(L"aB", 2, L"Ab", 2, TRUE), 0);
    assert_true(RtlCompareUnicodeStrings(L"aB", 2, L"Ab", 2, FALSE) > 0);
    assert_true(RtlCompareUnicodeStrings(L"ab", 2, L"abc", 3, FALSE) < 0);
    assert_int_equal(RtlCompareUnicodeStrings(L"ab", 0, L"xy", 0, FALSE), 0);
    ULONG Hash, Other;
    assert_int_equal(RtlHashUnicodeString(&a, TRUE, 0, &Hash), STATUS_SUCCESS);
    assert_int_equal(RtlHashUnicodeString(&b, TRUE, 1, &Other), STATUS_SUCCESS);
    assert_int_equal(Hash, Other);
    assert_int_equal(RtlHashUnicodeString(&b, TRUE, 2, &Other), STATUS_INVALID_PARAMETER);
    ANSI_STRING x = A("Abc"), y = A("aBC"), z = A("aB");
    assert_true(RtlEqualString(&x, &y, TRUE));
    assert_false(RtlEqualString(&x, &y, FALSE));
    assert_true(RtlPrefixString(&z, &x, TRUE));
    assert_true(RtlCompareString(&z, &x, TRUE) < 0);
}

static void ChangesCase(void **state)
{
    assert_int_equal(RtlUpcaseUnicodeChar(L'a'), 'A');
    assert_int_equal(RtlUpcaseUnicodeChar(L'{'), '{');
    assert_int_equal(RtlUpcaseUnicodeChar(0xf7), 0xf7);
    assert_int_equal(RtlUpcaseUnicodeChar(0xff), 0x178);
    assert_int_equal(RtlUpcaseUnicodeChar(0x3b1), 0x391);
    assert_int_equal(RtlUpcaseUnicodeChar(0x450), 0x400);
    assert_int_equal(RtlUpcaseUnicodeChar(0x131), 0x131);
    assert_int_equal(RtlUpcaseUnicodeChar(0xd801), 0xd801);
    assert_int_equal(RtlUpcaseUnicodeChar(0x1a1), 0x1a0);   /* o with horn */
    assert_int_equal(RtlUpcaseUnicodeChar(0x1ec7), 0x1ec6); /* e with circumflex and dot below */
    assert_int_equal(RtlUpcaseUnicodeChar(0x1f10), 0x1f18); /* epsilon with psili */
    assert_int_equal(RtlDowncaseUnicodeChar(0x19c), 0x26f); /* turned m */
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (ULONG c = 0; c < 0x10000; c += 1) {
        WCHAR Upper = RtlUpcaseUnicodeChar((WCHAR)c);
        WCHAR Lower = RtlDowncaseUnicodeChar((WCHAR)c);
        assert_int_equal(RtlUpcaseUnicodeChar(Upper), Upper);
        assert_int_equal(RtlDowncaseUnicodeChar(Lower), Lower);
        if (Upper != c) {
            assert_int_equal(towupper(c), Upper); /* the C library's table of Unicode */
            assert_int_equal(RtlDowncaseUnicodeChar(Upper), c);
        }
        if (Lower != c) {
            assert_int_equal(RtlUpcaseUnicodeChar(Lower), c);
        }
    }
    assert_int_equal((UCHAR)RtlUpperChar((CHAR)0xe9), 0xc9);
    assert_int_equal((UCHAR)RtlUpperChar((CHAR)0x9a), 0x8a);
    UNICODE_STRING To, From = U(L"MiXed");
    assert_int_equal(RtlUpcaseUnicodeString(&To, &From, TRUE), STATUS_SUCCESS);
    assert_memory_equal(To.Buffer, L"MIXED", 10);
    From = U(L"longer than it");
    assert_int_equal(RtlDowncaseUnicodeString(&To, &From, FALSE), STATUS_BUFFER_OVERFLOW);
    RtlFreeUnicodeString(&To);
    assert_null(To.Buffer);
}

static void ConvertsAnsi(void **state)
{
    UNICODE_STRING Wide;
    ANSI_STRING Narrow, From = A("caf\xe9 \x80");
    assert_int_equal(RtlAnsiStringToUnicodeString(&Wide, &From, TRUE), STATUS_SUCCESS);
    assert_int_equal(Wide.Length, 12);
    assert_int_equal(Wide.MaximumLength, 14);
    assert_memory_equal(Wide.Buffer, L"caf\u00e9 \u20ac", 14);
    assert_int_equal(RtlUnicodeStringToAnsiString(&Narrow, &Wide, TRUE), STATUS_SUCCESS);
    assert_string_equal(Narrow.Buffer, "caf\xe9 \x80");
    RtlFreeUnicodeString(&Wide);
    RtlFreeAnsiString(&Narrow);
    RtlFreeAnsiString(&Narrow);
    CHAR Small[4];
    Narrow = (ANSI_STRING){0, 4, Small};
    Wide = U(L"abcdef");
    assert_int_equal(RtlUnicodeStringToAnsiString(&Narrow, &Wide, FALSE), STATUS_BUFFER_OVERFLOW);
    assert_string_equal(Small, "abc");
    assert_int_equal(Narrow.Length, 3);
    WCHAR Room[4];
    Wide = (UNICODE_STRING){0, 8, Room};
    From = A("abcd");
    assert_int_equal(RtlAnsiStringToUnicodeString(&Wide, &From, FALSE), STATUS_BUFFER_OVERFLOW);
    From.Length = From.MaximumLength = 0x7fff;
    assert_int_equal(RtlAnsiStringToUnicodeString(&Wide, &From, TRUE), STATUS_INVALID_PARAMETER_2);
    for (ULONG c = 0; c < 256; c += 1) {
        assert_int_equal(RtlpUnicodeToAnsi(RtlpAnsiToUnicode((UCHAR)c)), c);
    }
}

static void ConvertsCodePages(void **state)
{
    WCHAR Wide[4] = {9, 9, 9, 9};
    CHAR Narrow[4] = {9, 9, 9, 9};
    ULONG Bytes;
    assert_int_equal(RtlMultiByteToUnicodeN(Wide, 5, &Bytes, "\x80yz", 3), STATUS_SUCCESS);
    assert_int_equal(Bytes, 4); /* whole units only */
    assert_memory_equal(Wide, L"\u20acy\x9", 6);
    assert_int_equal(RtlMultiByteToUnicodeN(Wide, 8, NULL, "ab", 2), STATUS_SUCCESS);
    assert_int_equal(RtlMultiByteToUnicodeSize(&Bytes, "abc", 3), STATUS_SUCCESS);
    assert_int_equal(Bytes, 6);
    assert_int_equal(RtlUnicodeToMultiByteN(Narrow, 2, &Bytes, L"\u20ac\u4e00z", 6),
                     STATUS_SUCCESS);
    assert_int_equal(Bytes, 2);
    assert_memory_equal(Narrow, "\x80?\x9", 3);
    assert_int_equal(RtlUnicodeToMultiByteN(Narrow, 4, NULL, L"ab", 4), STATUS_SUCCESS);
    assert_int_equal(RtlUnicodeToMultiByteSize(&Bytes, L"abc", 6), STATUS_SUCCESS);
    assert_int_equal(Bytes, 3);
    ANSI_STRING Ansi = A("abc");
    UNICODE_STRING Unicode = U(L"abcd");
    assert_int_equal(RtlxAnsiStringToUnicodeSize(&Ansi), 8); /* with a terminator */
    assert_int_equal(RtlxUnicodeStringToAnsiSize(&Unicode), 5);
    UCHAR Text[] = "a\x80", *Next = Text;
    assert_int_equal(RtlAnsiCharToUnicodeChar(&Next), 'a');
    assert_int_equal(RtlAnsiCharToUnicodeChar(&Next), 0x20ac);
    assert_ptr_equal(Next, Text + 2);
}

static void AllocatesAndFails(void **state)
{
    UNICODE_STRING To, From = U(L"x"), Empty = {0};
    ANSI_STRING Ansi = A("x");
    GUID Guid = {0};
    FailAllocations = TRUE;
    assert_int_equal(RtlAnsiStringToUnicodeString(&To, &Ansi, TRUE), STATUS_NO_MEMORY);
    assert_int_equal(RtlUpcaseUnicodeString(&To, &From, TRUE), STATUS_NO_MEMORY);
    assert_int_equal(RtlStringFromGUID(&Guid, &To), STATUS_NO_MEMORY);
    assert_false(RtlCreateUnicodeString(&To, L"x"));
    FailAllocations = FALSE;
    assert_true(RtlCreateUnicodeString(&To, L"xy"));
    assert_int_equal(To.MaximumLength, 6);
    RtlFreeUnicodeString(&To);
    assert_int_equal(RtlDuplicateUnicodeString(1, &From, &To), STATUS_SUCCESS);
    assert_memory_equal(To.Buffer, L"x", 4);
    RtlFreeUnicodeString(&To);
    assert_int_equal(RtlDuplicateUnicodeString(0, &Empty, &To), STATUS_SUCCESS);
    assert_null(To.Buffer);
    assert_int_equal(RtlDuplicateUnicodeString(3, &Empty, &To), STATUS_SUCCESS);
    assert_int_equal(To.Buffer[0], 0);
    RtlFreeUnicodeString(&To);
    assert_int_equal(RtlDuplicateUnicodeString(4, &From, &To), STATUS_INVALID_PARAMETER);
    assert_int_equal(Allocated, 0);
}

static void ConvertsIntegers(void **state)
{
    WCHAR Buffer[34];
    UNICODE_STRING To = {0, sizeof(Buffer), Buffer};
    assert_int_equal(RtlIntegerToUnicodeString(0xbeef, 16, &To), STATUS_SUCCESS);
    assert_memory_equal(Buffer, L"BEEF", 10);
    assert_int_equal(RtlIntegerToUnicodeString(0, 0, &To), STATUS_SUCCESS);
    assert_memory_equal(Buffer, L"0", 4);
    assert_int_equal(RtlIntegerToUnicodeString(1, 3, &To), STATUS_INVALID_PARAMETER);
    To.MaximumLength = 4;
    assert_int_equal(RtlIntegerToUnicodeString(100, 10, &To), STATUS_BUFFER_OVERFLOW);
    static const struct {
        PCWSTR Text;
        ULONG Base;
        ULONG Value;
    } Cases[] = {{L"123", 10, 123}, {L"  -5", 10, (ULONG)-5}, {L"0x1F", 0, 31}, {L"0o17", 0, 15},
                 {L"0b101", 0, 5},  {L"077", 0, 77},          {L"ffz", 16, 255}, {L"", 10, 0},
                 {L"+9", 0, 9},     {L"0", 0, 0},             {L"129", 8, 10}};
    for (size_t i = 0; i < RTL_NUMBER_OF(Cases); i += 1) {
        UNICODE_STRING From = U(Cases[i].Text);
        ULONG Value;
        assert_int_equal(RtlUnicodeStringToInteger(&From, Cases[i].Base, &Value), STATUS_SUCCESS);
        assert_int_equal(Value, Cases[i].Value);
    }
    ULONG Value;
    assert_int_equal(RtlCharToInteger("0x10", 0, &Value), STATUS_SUCCESS);
    assert_int_equal(Value, 16);
    assert_int_equal(RtlCharToInteger("1", 7, &Value), STATUS_INVALID_PARAMETER);
    UNICODE_STRING One = U(L"1");
    Value = 77;
    assert_int_equal(RtlUnicodeStringToInteger(&One, 7, &Value), STATUS_INVALID_PARAMETER);
    assert_int_equal(Value, 0); /* as documented */
    WCHAR Long[66];
    To = (UNICODE_STRING){0, sizeof(Long), Long};
    assert_int_equal(RtlInt64ToUnicodeString(0x8000000000000000ull, 2, &To), STATUS_SUCCESS);
    assert_int_equal(To.Length, 128);
    assert_true(Long[0] == '1' && Long[1] == '0' && Long[64] == 0);
    assert_int_equal(RtlInt64ToUnicodeString(~0ull, 10, &To), STATUS_SUCCESS);
    assert_memory_equal(Long, L"18446744073709551615", 42);
    assert_int_equal(RtlInt64ToUnicodeString(~0ull, 36, &To), STATUS_INVALID_PARAMETER);
    To.MaximumLength = 38;
    assert_int_equal(RtlInt64ToUnicodeString(~0ull, 0, &To), STATUS_BUFFER_OVERFLOW);
}

static void ConvertsGuids(void **state)
{
    UNICODE_STRING Text = U(L"{00112233-4455-6677-8899-aAbBcCdDeEfF}"), Back;
    GUID Guid;
    assert_int_equal(RtlGUIDFromString(&Text, &Guid), STATUS_SUCCESS);
    assert_int_equal(Guid.Data1, 0x00112233);
    assert_int_equal(Guid.Data2, 0x4455);
    assert_int_equal(Guid.Data3, 0x6677);
    assert_int_equal(Guid.Data4[0], 0x88);
    assert_int_equal(Guid.Data4[7], 0xff);
    assert_int_equal(RtlStringFromGUID(&Guid, &Back), STATUS_SUCCESS);
    assert_memory_equal(Back.Buffer, L"{00112233-4455-6677-8899-AABBCCDDEEFF}", 78);
    RtlFreeUnicodeString(&Back);
    Text = U(L"{00112233-4455-6677-8899-aabbccddeef}}");
    assert_int_equal(RtlGUIDFromString(&Text, &Guid), STATUS_INVALID_PARAMETER);
    Text = U(L"{0011");
    assert_int_equal(RtlGUIDFromString(&Text, &Guid), STATUS_INVALID_PARAMETER);
}

static void ConvertsUtf8(void **state)
{
    static const CHAR Text[] = "a\xc3\xa9\xe4\xb8\x80\xf0\x9f\x98\x80";
    WCHAR Wide[8];
    CHAR Back[16];
    ULONG Bytes;
    assert_int_equal(RtlUTF8ToUnicodeN(Wide, sizeof(Wide), &Bytes, Text, 10), STATUS_SUCCESS);
    assert_int_equal(Bytes, 10);
    assert_memory_equal(Wide, L"a\u00e9\u4e00\xd83d\xde00", 10);
    assert_int_equal(RtlUnicodeToUTF8N(Back, 16, &Bytes, Wide, 10), STATUS_SUCCESS);
    assert_int_equal(Bytes, 10);
    assert_memory_equal(Back, Text, 10);
    assert_int_equal(RtlUTF8ToUnicodeN(Wide, 8, &Bytes, Text, 10), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(Bytes, 6);
    static const PCSTR Bad[] = {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5", "\xc3",
                                "\xf4\x90\x80\x80"};
    for (size_t i = 0; i < RTL_NUMBER_OF(Bad); i += 1) {
        assert_int_equal(RtlUTF8ToUnicodeN(NULL, 0, &Bytes, Bad[i], (ULONG)strlen(Bad[i])),
                         STATUS_SOME_NOT_MAPPED);
    }
    WCHAR Lone = 0xd800;
    assert_int_equal(RtlUnicodeToUTF8N(Back, 16, &Bytes, &Lone, 2), STATUS_SOME_NOT_MAPPED);
    assert_memory_equal(Back, "\xef\xbf\xbd", 3);
}

static void ConvertsTime(void **state)
{
    TIME_FIELDS Fields;
    LARGE_INTEGER Time = {.QuadPart = 0}, Back;
    ULONG Seconds;
    RtlTimeToTimeFields(&Time, &Fields);
    assert_int_equal(Fields.Year, 1601);
    assert_int_equal(Fields.Month, 1);
    assert_int_equal(Fields.Day, 1);
    assert_int_equal(Fields.Weekday, 1);
    /* Against the C library, for days over five centuries. */
    for (LONGLONG Day = -60000; Day < 150000; Day += 7) {
        time_t Unix = (time_t)(Day * 86400 + 3723);
        struct tm Tm;
        gmtime_r(&Unix, &Tm);
        Time.QuadPart = (Unix + 11644473600ll) * 10000000ll + 1230000;
        RtlTimeToTimeFields(&Time, &Fields);
        assert_int_equal(Fields.Year, Tm.tm_year + 1900);
        assert_int_equal(Fields.Month, Tm.tm_mon + 1);
        assert_int_equal(Fields.Day, Tm.tm_mday);
        assert_int_equal(Fields.Hour, 1);
        assert_int_equal(Fields.Minute, 2);
        assert_int_equal(Fields.Second, 3);
        assert_int_equal(Fields.Milliseconds, 123);
        assert_int_equal(Fields.Weekday, Tm.tm_wday);
        assert_true(RtlTimeFieldsToTime(&Fields, &Back));
        assert_true(Back.QuadPart == Time.QuadPart);
    }
    Fields = (TIME_FIELDS){.Year = 2023, .Month = 2, .Day = 29};
    assert_false(RtlTimeFieldsToTime(&Fields, &Back));
    Fields.Year = 2024;
    assert_true(RtlTimeFieldsToTime(&Fields, &Back));
    RtlSecondsSince1970ToTime(1700000000, &Time);
    assert_true(RtlTimeToSecondsSince1970(&Time, &Seconds));
    assert_int_equal(Seconds, 1700000000);
    RtlTimeToTimeFields(&Time, &Fields);
    assert_int_equal(Fields.Year, 2023);
    RtlSecondsSince1980ToTime(0, &Time);
    RtlTimeToTimeFields(&Time, &Fields);
    assert_int_equal(Fields.Year, 1980);
    assert_true(RtlTimeToSecondsSince1980(&Time, &Seconds));
    assert_int_equal(Seconds, 0);
    Time.QuadPart -= 1;
    assert_false(RtlTimeToSecondsSince1980(&Time, &Seconds));
    RtlSecondsSince1980ToTime(MAXULONG, &Time); /* in 2116 */
    assert_true(RtlTimeToSecondsSince1980(&Time, &Seconds));
    assert_true(Seconds == MAXULONG);
    Time.QuadPart += 10000000;
    assert_false(RtlTimeToSecondsSince1980(&Time, &Seconds));
    Time.QuadPart = 0;
    assert_false(RtlTimeToSecondsSince1970(&Time, &Seconds));
}

static void GivesVersionAndRandom(void **state)
{
    RTL_OSVERSIONINFOEXW Version;
    memset(&Version, 0xff, sizeof(Version));
    Version.dwOSVersionInfoSize = sizeof(RTL_OSVERSIONINFOW);
    assert_int_equal(RtlGetVersion((PRTL_OSVERSIONINFOW)&Version), STATUS_SUCCESS);
    assert_int_equal(Version.dwBuildNumber, 18362);
    assert_int_equal(Version.wProductType, 0xff);
    Version.dwOSVersionInfoSize = sizeof(Version);
    RtlGetVersion((PRTL_OSVERSIONINFOW)&Version);
    assert_int_equal(Version.wProductType, VER_NT_WORKSTATION);
    assert_true(RtlIsNtDdiVersionAvailable(0x06010000));
    assert_false(RtlIsNtDdiVersionAvailable(0x0a000008));
    ULONG Seed = 0, Again = 0, Buckets[16] = {0};
    for (ULONG i = 0; i < 160000; i += 1) {
        ULONG Value = RtlRandomEx(&Seed);
        assert_int_equal(Value, RtlRandomEx(&Again));
        assert_true(Value <= 0x7ffffffe);
        Buckets[Value >> 27] += 1;
    }
    for (ULONG i = 0; i < 16; i += 1) {
        assert_true(Buckets[i] > 9500 && Buckets[i] < 10500);
    }
    Seed = Again = 0x7fffffff; /* a seed that the generator's modulus divides */
    ULONG First = RtlRandom(&Seed);
    assert_int_equal(First, RtlRandom(&Again));
    assert_true(First != RtlRandom(&Seed));
    Seed = Again = MAXULONG;
    for (ULONG i = 0; i < 1000; i += 1) {
        ULONG Value = RtlUniform(&Seed);
        assert_int_equal(Value, RtlUniform(&Again));
        assert_true(Value <= 0x7ffffffe);
    }
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(InitialisesStrings), cmocka_unit_test(CopiesAndAppends),
        cmocka_unit_test(ComparesStrings),    cmocka_unit_test(ChangesCase),
        cmocka_unit_test(ConvertsAnsi),       cmocka_unit_test(AllocatesAndFails),
        cmocka_unit_test(ConvertsIntegers),   cmocka_unit_test(ConvertsGuids),
        cmocka_unit_test(ConvertsUtf8),       cmocka_unit_test(ConvertsTime),
        cmocka_unit_test(GivesVersionAndRandom), cmocka_unit_test(InitialisesNarrowStrings),
        cmocka_unit_test(CopiesAndAppendsNarrow), cmocka_unit_test(ValidatesStrings),
        cmocka_unit_test(ConvertsCodePages),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
