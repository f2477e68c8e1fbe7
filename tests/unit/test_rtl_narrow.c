/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/format.c kernel/rtl/ansi_string.c kernel/rtl/upcase.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's routines under other names, beside the C library's. */
#define sprintf Nt_sprintf
#define vsprintf Nt_vsprintf
#include "kernel/rtl/printf.c"
#undef sprintf
#undef vsprintf
#undef UNIT

#define strlen Nt_strlen
#define strnlen Nt_strnlen
#define strcmp Nt_strcmp
#define strncmp Nt_strncmp
#define strcpy Nt_strcpy
#define strncpy Nt_strncpy
#define strcat Nt_strcat
#define strncat Nt_strncat
#define strchr Nt_strchr
#define strrchr Nt_strrchr
#define strstr Nt_strstr
#define strspn Nt_strspn
#define strcspn Nt_strcspn
#define strpbrk Nt_strpbrk
typedef int errno_t;
#include "kernel/rtl/c_string.c"
#define tolower Nt_tolower
#define toupper Nt_toupper
#define isdigit Nt_isdigit
#define isxdigit Nt_isxdigit
#define isspace Nt_isspace
#define isprint Nt_isprint
#define isalpha Nt_isalpha
#define isalnum Nt_isalnum
#define islower Nt_islower
#define isupper Nt_isupper
#define atoi Nt_atoi
#define atol Nt_atol
#define qsort Nt_qsort
#define bsearch Nt_bsearch
#define rand Nt_rand
#define srand Nt_srand
#include "kernel/rtl/c_library.c"
#undef MAX_DIGITS
#undef strlen
#undef strcmp
#undef strchr
#undef strcpy

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return malloc(NumberOfBytes);
}

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    free(P);
}

static char Buffer[512];

#define EXPECT(text, ...)                                                                \
    do {                                                                                 \
        assert_int_equal(_snprintf(Buffer, sizeof(Buffer), __VA_ARGS__), strlen(text));  \
        assert_string_equal(Buffer, text);                                               \
    } while (0)

static void FormatsIntegers(void **state)
{
    EXPECT("", "%s", "");
    EXPECT("100%", "100%%");
    EXPECT("-5 5 ff FF 17", "%d %u %x %X %o", -5, 5u, 255u, 255u, 15u);
    EXPECT("[   42][42   ][00042][+42][ 42]", "[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42, 42);
    EXPECT("[  -42][-0042][ 0042]", "[%5d][%05d][%5.4d]", -42, -42, 42);
    EXPECT("0x1f 0X1F 0 017", "%#x %#X %#x %#o", 31u, 31u, 0u, 15u);
    EXPECT("123456789abcdef0 123456789ABCDEF0", "%I64x %llX", 0x123456789abcdef0ull,
           0x123456789abcdef0ull);
    EXPECT("-9223372036854775808", "%I64d", INT64_MIN);
    EXPECT("4294967295 -1 4294967295", "%lu %ld %I32u", 0xffffffffu, -1, 0xffffffffu);
    EXPECT("65535 -1 255 -1", "%hu %hd %hhu %hhd", 0x1ffff, 0xffff, 0x1ff, 0xff);
    EXPECT("18446744073709551615", "%Iu", (size_t)-1);
    EXPECT("0000000000001234", "%p", (void *)0x1234);
    EXPECT("FFFFF88001234567", "%p", (void *)0xFFFFF88001234567ull);
    EXPECT("[     7][7     ]", "[%*d][%*d]", 6, 7, -6, 7);
    EXPECT("[][0]", "[%.0d][%.1d]", 0, 0);
}

static void FormatsStrings(void **state)
{
    ANSI_STRING Ansi = {3, 3, "abcdef"};
    UNICODE_STRING Wide = {6, 6, L"xyzzz"};
    char Open[3] = {'o', 'n', 'e'};
    EXPECT("abc[  x][x  ][ab]", "%s[%3s][%-3s][%.2s]", "abc", "x", "x", "abc");
    EXPECT("one", "%.3s", Open);
    EXPECT("(null) (null)", "%s %ws", NULL, NULL);
    EXPECT("wide wide wide n", "%S %ws %ls %hs", L"wide", L"wide", L"wide", "n");
    EXPECT("abc xyz abc", "%Z %wZ %hZ", &Ansi, &Wide, &Ansi);
    EXPECT("[  abc][ab]", "[%5Z][%.2Z]", &Ansi, &Ansi);
    EXPECT("(null)", "%wZ", NULL);
    EXPECT("a\200?b", "%S", L"a\u20ac\u4e00b");
    EXPECT("cCw", "%c%hc%C", 'c', 'C', L'w');
    EXPECT("[  c][c  ]", "[%3c][%-3c]", 'c', 'c');
}

static void PrintsWhatItDoesNotKnow(void **state)
{
    EXPECT("%y 5", "%y %d", 5);
    EXPECT("end %", "end %");
    EXPECT("end %-5.2", "end %-5.2");
    EXPECT("%-3k|", "%-3k|");
    int Written = 77;
    EXPECT("ab", "a%nb", &Written);
    assert_int_equal(Written, 77);
}

static void BoundsOutput(void **state)
{
    char Small[8];
    memset(Small, 'z', sizeof(Small));
    assert_int_equal(_snprintf(Small, 4, "%s", "abc"), 3);
    assert_string_equal(Small, "abc");
    assert_int_equal(_snprintf(Small, 4, "%s", "abcd"), 4);
    assert_memory_equal(Small, "abcdz", 5);
    assert_int_equal(_snprintf(Small, 4, "%s", "efghi"), -1);
    assert_memory_equal(Small, "efghz", 5);
    assert_int_equal(_snprintf(NULL, 0, "%d", 12345), 5);
    assert_int_equal(_snprintf(Small, 4, "%99999999d", 1), -1);
    assert_int_equal(sprintf_s(Small, 4, "abc"), 3);
    assert_int_equal(sprintf_s(Small, 4, "abcd"), -1);
    assert_string_equal(Small, "");
    assert_int_equal(_snprintf_s(Small, 8, 3, "abcdef"), -1);
    assert_string_equal(Small, "abc");
    assert_int_equal(_snprintf_s(Small, 4, (size_t)-1, "abcdef"), -1);
    assert_string_equal(Small, "abc");
    assert_int_equal(_snprintf_s(Small, 4, 4, "abcdef"), -1);
    assert_string_equal(Small, "");
    assert_int_equal(Nt_sprintf(Buffer, "%s-%d", "x", 1), 3);
    assert_string_equal(Buffer, "x-1");
}

static void HandlesStrings(void **state)
{
    char Text[16] = "abc";
    assert_int_equal(Nt_strlen("hello"), 5);
    assert_int_equal(Nt_strnlen("hello", 3), 3);
    assert_true(Nt_strcmp("a", "b") < 0 && Nt_strcmp("b", "a") > 0 && Nt_strcmp("", "") == 0);
    assert_true(Nt_strcmp("\x80", "a") > 0);
    assert_int_equal(Nt_strncmp("abc", "abd", 2), 0);
    assert_int_equal(_stricmp("NtOsKrnl.EXE", "ntoskrnl.exe"), 0);
    assert_true(_strnicmp("PAGE", "page0", 5) < 0);
    assert_ptr_equal(Nt_strcpy(Text, "abc"), Text);
    assert_memory_equal(Text, "abc", 4);
    assert_string_equal(Nt_strncpy(Text, "x", 3), "x");
    assert_int_equal(Text[2], 0);
    assert_string_equal(Nt_strcat(Text, "yz"), "xyz");
    assert_string_equal(Nt_strncat(Text, "1234", 2), "xyz12");
    assert_string_equal(Nt_strchr("a.b.c", '.'), ".b.c");
    assert_string_equal(Nt_strrchr("a.b.c", '.'), ".c");
    assert_int_equal(*Nt_strchr("abc", 0), 0);
    assert_null(Nt_strchr("abc", 'd'));
    assert_string_equal(Nt_strstr("aab", "ab"), "ab");
    assert_string_equal(Nt_strstr("abc", ""), "abc");
    assert_null(Nt_strstr("abc", "abcd"));
    assert_int_equal(Nt_strspn("aabc", "ab"), 3);
    assert_int_equal(Nt_strcspn("aabc", "cd"), 3);
    assert_string_equal(Nt_strpbrk("a,b", ",;"), ",b");
    assert_string_equal(_strupr(Text), "XYZ12");
    assert_string_equal(_strlwr(Text), "xyz12");
}

static void ChecksDestinations(void **state)
{
    char Text[4];
    assert_int_equal(strcpy_s(Text, 4, "abc"), 0);
    assert_int_equal(strcpy_s(Text, 4, "abcd"), ERANGE);
    assert_string_equal(Text, "");
    assert_int_equal(strncpy_s(Text, 4, "abcd", 2), 0);
    assert_string_equal(Text, "ab");
    assert_int_equal(strncpy_s(Text, 4, "abcd", (size_t)-1), STRUNCATE);
    assert_string_equal(Text, "abc");
    assert_int_equal(strcat_s(Text, 4, "d"), ERANGE);
    assert_int_equal(strcat_s(Text, 4, "de"), 0);
    assert_string_equal(Text, "de");
    memset(Text, 'x', 4);
    assert_int_equal(strcat_s(Text, 4, "d"), EINVAL);
    assert_int_equal(strcpy_s(NULL, 4, "d"), EINVAL);
    assert_int_equal(memcpy_s(Text, 4, "abcdef", 6), ERANGE);
    assert_memory_equal(Text, "\0\0\0\0", 4);
    assert_int_equal(memcpy_s(Text, 4, "abcd", 4), 0);
    assert_int_equal(memcpy_s(Text, 4, NULL, 1), EINVAL);
    assert_memory_equal(Text, "\0\0\0\0", 4);
    assert_int_equal(memcpy_s(NULL, 0, NULL, 0), 0);
    memcpy(Text, "abc", 4);
    assert_int_equal(strncat_s(Text, 4, "", 5), 0);
    assert_int_equal(strncat_s(Text, 4, "de", 0), 0);
    assert_string_equal(Text, "abc");
    assert_int_equal(strncat_s(Text, 4, "d", (size_t)-1), STRUNCATE);
    assert_string_equal(Text, "abc");
    assert_int_equal(strncat_s(Text, 4, "de", 1), ERANGE);
    assert_string_equal(Text, "");
    assert_int_equal(strncat_s(Text, 4, "def", 2), 0);
    assert_string_equal(Text, "de");
    assert_int_equal(strncat_s(Text, 4, NULL, 2), EINVAL);
    assert_int_equal(strncat_s(NULL, 4, "d", 2), EINVAL);
}

/* Unlike memcpy_s it leaves the destination as it was when it refuses, as documented. */
static void MovesChecked(void **state)
{
    char Text[8] = "abcdefg";
    assert_int_equal(memmove_s(Text + 1, 7, Text, 6), 0);
    assert_string_equal(Text, "aabcdef");
    assert_int_equal(memmove_s(Text, 7, Text + 1, 7), 0);
    assert_string_equal(Text, "abcdef");
    assert_int_equal(memmove_s(Text, 4, "xyzxyz", 6), ERANGE);
    assert_string_equal(Text, "abcdef");
    assert_int_equal(memmove_s(Text, 4, NULL, 1), EINVAL);
    assert_string_equal(Text, "abcdef");
    assert_int_equal(memmove_s(NULL, 4, "x", 1), EINVAL);
    assert_int_equal(memmove_s(NULL, 0, NULL, 0), 0);
}

static int CompareInts(const void *a, const void *b)
{
    return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static void Sorts(void **state)
{
    int Numbers[200];
    Nt_srand(7);
    for (int n = 0; n <= 200; n += 1) {
        for (int i = 0; i < n; i += 1) {
            Numbers[i] = Nt_rand() % 100;
        }
        Nt_qsort(Numbers, (size_t)n, sizeof(int), CompareInts);
        for (int i = 1; i < n; i += 1) {
            assert_true(Numbers[i - 1] <= Numbers[i]);
        }
        for (int Key = -1; Key <= 100; Key += 1) {
            BOOLEAN Present = FALSE;
            for (int i = 0; i < n; i += 1) {
                Present |= Numbers[i] == Key;
            }
            int *Found = Nt_bsearch(&Key, Numbers, (size_t)n, sizeof(int), CompareInts);
            assert_int_equal(Found != NULL, Present);
            assert_true(Found == NULL || *Found == Key);
        }
    }
}

static void ConvertsNumbers(void **state)
{
    char Text[40];
    assert_int_equal(Nt_atoi(" \t-123x"), -123);
    assert_int_equal(_atoi64("9223372036854775807"), INT64_MAX);
    assert_int_equal(_wtoi(L"  +77"), 77);
    assert_string_equal(_itoa(-255, Text, 10), "-255");
    assert_string_equal(_itoa(-1, Text, 16), "ffffffff");
    assert_string_equal(_itoa(INT32_MIN, Text, 2), "10000000000000000000000000000000");
    assert_string_equal(_itoa(INT32_MIN, Text, 10), "-2147483648");
    assert_string_equal(_itoa(5, Text, 1), "");
    assert_true(Nt_isalpha('z') && !Nt_isalpha('['+ 0x20 + 0x80) && !Nt_isalpha('@'));
    assert_int_equal(towupper(0xe4), 0xc4);
    assert_int_equal(towlower(0xc4), 0xe4);
    assert_int_equal(Nt_atol("2147483647"), 2147483647);
    assert_int_equal(Nt_atol("-2147483648,"), INT32_MIN);
    WCHAR Wide[40];
    assert_memory_equal(_itow(-255, Wide, 10), L"-255", 10);
    assert_memory_equal(_itow(35, Wide, 36), L"z", 4);
    assert_int_equal(_itow(5, Wide, 37)[0], 0);
}

/* In the "C" locale, of which the C library of the host has all classes too. */
static void ClassifiesCharacters(void **state)
{
    for (int c = 0; c < 128; c += 1) {
        assert_int_equal(Nt_isdigit(c) != 0, c >= '0' && c <= '9');
        assert_int_equal(Nt_isupper(c) != 0, c >= 'A' && c <= 'Z');
        assert_int_equal(Nt_islower(c) != 0, c >= 'a' && c <= 'z');
        assert_int_equal(Nt_isalnum(c) != 0, Nt_isalpha(c) || Nt_isdigit(c));
        assert_int_equal(Nt_isxdigit(c) != 0, strchr("0123456789abcdefABCDEF", c) && c != 0);
        assert_int_equal(Nt_isspace(c) != 0, strchr(" \t\n\v\f\r", c) && c != 0);
        assert_int_equal(Nt_isprint(c) != 0, c >= ' ' && c < 0x7f);
        assert_int_equal(Nt_tolower(c), Nt_isupper(c) ? c + 'a' - 'A' : c);
        assert_int_equal(Nt_toupper(c), Nt_islower(c) ? c + 'A' - 'a' : c);
    }
    assert_false(Nt_isalpha(0xe9) || Nt_isdigit(-1) || Nt_isprint(0xa9) || Nt_isspace(0xa0));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(FormatsIntegers),      cmocka_unit_test(FormatsStrings),
        cmocka_unit_test(PrintsWhatItDoesNotKnow), cmocka_unit_test(BoundsOutput),
        cmocka_unit_test(HandlesStrings),       cmocka_unit_test(ChecksDestinations),
        cmocka_unit_test(Sorts),                cmocka_unit_test(ConvertsNumbers),
        cmocka_unit_test(MovesChecked),         cmocka_unit_test(ClassifiesCharacters),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
