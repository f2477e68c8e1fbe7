/* SPDX-License-Identifier: MIT */
/* sources: host/text/text.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/text/text.h"

static void ExpectClean(const char *Bytes, size_t Length, const char *Expected)
{
    char Out[128];
    size_t Result = TextClean(Out, sizeof(Out), Bytes, Length);
    assert_string_equal(Out, Expected);
    assert_int_equal(Result, strlen(Expected));
}

static void TestClean(void **State)
{
    ExpectClean("plain", 5, "plain");
    ExpectClean("a\tb", 3, "a b");
    ExpectClean("a\0b", 3, "a\\x00b");
    ExpectClean("\033[31m", 5, "\\x1b[31m");
    ExpectClean("caf\xc3\xa9", 5, "caf\xc3\xa9");
    ExpectClean("\xf0\x9f\x90\xa7", 4, "\xf0\x9f\x90\xa7");
    ExpectClean("\xc3", 1, "\\xc3");                   /* cut */
    ExpectClean("\xc0\xaf", 2, "\\xc0\\xaf");          /* overlong */
    ExpectClean("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
    ExpectClean("\xc2\x9b", 2, "\\xc2\\x9b");          /* C1 control: CSI */
    ExpectClean("\xe2\x80\xae", 3, "\\xe2\\x80\\xae"); /* right-to-left override */
    ExpectClean("\xff\xfe", 2, "\\xff\\xfe");
}

/* What snprintf leaves of a character goes, wherever it was cut. */
static void TestFormatIsCutAtACharacter(void **State)
{
    char Out[6];
    TextFormat(Out, sizeof(Out), "%s", "abcd\xc3\xa9");
    assert_string_equal(Out, "abcd");
    TextFormat(Out, sizeof(Out), "%.2s%s", "a\xc3\xa9", "b\xc3\xa9");
    assert_string_equal(Out, "ab\xc3\xa9");
    TextFormat(Out, sizeof(Out), "%d", 1234567);
    assert_string_equal(Out, "12345");
    strcpy(Out, "abc");
    TextAppendFormat(Out, sizeof(Out), "d%s", "\xc3\xa9");
    assert_string_equal(Out, "abcd");
    *Out = 0;
    TextAppendFormat(Out, sizeof(Out), "%.2s%s", "a\xc3\xa9", "b");
    assert_string_equal(Out, "ab");
    strcpy(Out, "abc");
    TextAppendWord(Out, sizeof(Out), "\xc3\xa9"); /* a blank, a quote and no room for the letter */
    assert_string_equal(Out, "abc '");
}

static void TestCleanIsCutAtACharacter(void **State)
{
    char Out[6];
    assert_int_equal(TextClean(Out, sizeof(Out), "abcd\xc3\xa9", 6), 4);
    assert_string_equal(Out, "abcd");
    assert_int_equal(TextClean(Out, sizeof(Out), "ab\001\001", 4), 2);
    assert_string_equal(Out, "ab");
    assert_int_equal(TextClean(Out, 1, "abc", 3), 0);
    assert_string_equal(Out, "");
}

static void TestNumbers(void **State)
{
    char Out[TEXT_NUMBER];
    assert_string_equal(TextGroups(Out, 0), "0");
    assert_string_equal(TextGroups(Out, 999), "999");
    assert_string_equal(TextGroups(Out, 1234567), "1,234,567");
    assert_string_equal(TextGroups(Out, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(TextAddress(Out, 0xfffff88001234000), "fffff880`01234000");
    static const uint8_t Guid[16] = {0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde,
                                     1,    2,    3,    4,    5,    6,    7,    8};
    char GuidText[TEXT_GUID];
    TextGuid(GuidText, Guid);
    assert_string_equal(GuidText, "{12345678-9abc-def0-0102-030405060708}");
    assert_string_equal(TextHex(Out, 0xd1), "0xd1");
    assert_string_equal(TextSize(Out, 48 << 20), "48M");
    assert_string_equal(TextSize(Out, 4097), "4097");
    assert_string_equal(TextSize(Out, 0), "0");
}

static void TestParse(void **State)
{
    uint64_t Value;
    assert_true(TextParseSize("48M", &Value));
    assert_int_equal(Value, 48u << 20);
    assert_true(TextParseSize("4096", &Value));
    assert_int_equal(Value, 4096);
    assert_true(TextParseNumber("0xD1", &Value));
    assert_int_equal(Value, 0xd1);
    static const char *const Bad[] = {"", "M", "-1", "1T", "1MM", " 1", "1.5M", "0x",
                                      "99999999999999999999", "18446744073709551615G"};
    for (size_t i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++) {
        assert_false(TextParseSize(Bad[i], &Value));
    }
    assert_false(TextParseNumber("0x", &Value));
    assert_false(TextParseNumber("12a", &Value));
}

static void TestWords(void **State)
{
    char Line[64] = "";
    TextAppendWord(Line, sizeof(Line), "pageable");
    TextAppendWord(Line, sizeof(Line), "my driver.sys");
    TextAppendWord(Line, sizeof(Line), "it's");
    TextAppendWord(Line, sizeof(Line), "");
    assert_string_equal(Line, "pageable 'my driver.sys' 'it'\\''s' ''");
    *Line = 0;
    TextAppendWord(Line, sizeof(Line), "caf\xc3\xa9.sys");
    TextAppendWord(Line, sizeof(Line), "caf\xe9's\\\033[m");
    assert_string_equal(Line, "'caf\xc3\xa9.sys' $'caf\\xe9\\'s\\\\\\x1b[m'");
    char Short[8] = "";
    TextAppendWord(Short, sizeof(Short), "much too long for it");
    assert_int_equal(strlen(Short), 7);
    assert_string_equal(TextBaseName("/a/b.sys"), "b.sys");
    assert_string_equal(TextBaseName("b.sys"), "b.sys");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestClean),   cmocka_unit_test(TestCleanIsCutAtACharacter),
        cmocka_unit_test(TestFormatIsCutAtACharacter),
        cmocka_unit_test(TestNumbers), cmocka_unit_test(TestParse),
        cmocka_unit_test(TestWords),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
