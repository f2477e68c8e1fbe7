/* SPDX-License-Identifier: MIT */
/* sources: host/check/toml.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/check/toml.h"

static char Log[4096], Error[300];

/* Writes each key as "table/entry.name=value;" */
static bool Take(void *Context, const TOML_KEY *Key, json_t *Value, char *Why, size_t Size)
{
    char *Text = Value != NULL ? json_dumps(Value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(Log + strlen(Log), sizeof(Log) - strlen(Log), "%s/%u.%s=%s;", Key->Table, Key->Entry,
             Key->Name, Text != NULL ? Text : "");
    free(Text);
    if (strcmp(Key->Name, "refused") == 0) {
        snprintf(Why, Size, "not this one");
        return false;
    }
    return true;
}

static bool Parse(const char *Text)
{
    Log[0] = Error[0] = 0;
    return TomlParse(Text, strlen(Text), Take, NULL, Error, sizeof(Error));
}

static void Reads(const char *Text, const char *Expected)
{
    if (!Parse(Text)) {
        fail_msg("%s: %s", Text, Error);
    }
    assert_string_equal(Log, Expected);
}

static void Refuses(const char *Text, const char *Expected)
{
    assert_false(Parse(Text));
    assert_string_equal(Error, Expected);
}

static void TestValues(void **State)
{
    Reads("", "");
    Reads("# only\r\n\r\n\t # this", "");
    Reads("a = 1 # one\nb=\"x\" \nc = 'C:\\new'", "/0.a=1;/0.b=\"x\";/0.c=\"C:\\\\new\";");
    Reads("a = -1_000\nb = +7\nc = 0\nd = 9223372036854775807",
          "/0.a=-1000;/0.b=7;/0.c=0;/0.d=9223372036854775807;");
    Reads("a = true\nb = false", "/0.a=true;/0.b=false;");
    Reads("a = \"\\t\\\"\\\\\\u00e9\\U0001F600\"", "/0.a=\"\\t\\\"\\\\\xc3\xa9\xf0\x9f\x98\x80\";");
    Reads("a-b_9 = ''", "/0.a-b_9=\"\";");
}

#define VALUE "a value is a string in quotes, a decimal number, true, false or an array"

static void TestArrays(void **State)
{
    Reads("a = []", "/0.a=[];");
    Reads("a = [ 1, 2,]", "/0.a=[1,2];");
    Reads("a = [ # more\n  'x',\n\n  'y' # last\n] # end\nb = 1", "/0.a=[\"x\",\"y\"];/0.b=1;");
    Refuses("a = [1 2]", "1:8: an array goes on with a comma or ends with ]");
    Refuses("a = [[1]]", "1:6: an array in an array is not taken");
    Refuses("a = [1,\n\n", "3:1: " VALUE);
    Refuses("a = [,]", "1:6: " VALUE);
}

static void TestTables(void **State)
{
    Reads("x = 1\n[[d]]\nx = 2\n[[ d ]]\nx = 3\n[t]\nx = 4",
          "/0.x=1;d/0.=;d/0.x=2;d/1.=;d/1.x=3;t/0.x=4;");
    Refuses("[t]\n[t]", "2:4: the table was there before");
    Refuses("[t]\n[[t]]", "2:6: the table was there before");
    Refuses("[[t]]\n[t]", "2:4: the table was there before");
    Refuses("t = 1\n[t]", "2:4: the name is that of a key above");
    Refuses("[a.b]", "1:3: a name with dots is not taken");
    Refuses("[a", "1:3: the header ends with ]");
    Refuses("[[a]", "1:5: the header ends with ]");
    Refuses("[]", "1:2: a name is expected: letters, digits, - and _");
}

static void TestRefused(void **State)
{
    Refuses("a = 1\na = 2", "2:3: the key was given before");
    Refuses("a = 1 b = 2", "1:7: more on the line than one key and value");
    Refuses("a 1", "1:3: = is expected after the name");
    Refuses("= 1", "1:1: a name is expected: letters, digits, - and _");
    Refuses("\"a\" = 1", "1:1: a name in quotes is not taken");
    Refuses("a = {b = 1}", "1:5: a table on one line is not taken: use [name]");
    Refuses("a = \"\"\"x\"\"\"", "1:6: a string over several lines is not taken");
    Refuses("a = \"x", "1:7: a string ends on its line and has no control characters");
    Refuses("a = \"\x01\"", "1:6: a string ends on its line and has no control characters");
    Refuses("a = \"\\q\"",
            "1:7: the escapes are \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX");
    Refuses("a = \"\\ud800\"", "1:12: no character has this number");
    Refuses("a = \"\\u00g0\"", "1:10: a hexadecimal digit is expected");
    Refuses("# \x7f", "1:3: a control character in a comment");
    Refuses("a = \"\xff\"", "1: the file is UTF-8 without NUL, at most 1 MB");
    Refuses("a = 1\nrefused = 2", "2: not this one");
    static const char *const Numbers[] = {"1.5", "1e3", "0x10", "007", "1979-05-27", "07:32",
                                          "1__0", "_1", "1_", "+", "9223372036854775808", "inf",
                                          "truer"};
    for (size_t i = 0; i < sizeof(Numbers) / sizeof(Numbers[0]); i++) {
        char Line[64];
        snprintf(Line, sizeof(Line), "a = %s", Numbers[i]);
        if (Parse(Line) || strstr(Error, ": a value is") == NULL) {
            fail_msg("%s: %s %s", Line, Log, Error);
        }
    }
}

static void TestLengths(void **State)
{
    char Text[20000];
    memset(Text, 'a', sizeof(Text));
    memcpy(Text + 63, " = 1", 5);
    assert_true(Parse(Text));
    memset(Text, 'a', sizeof(Text));
    memcpy(Text + 64, " = 1", 5);
    Refuses(Text, "1:64: a name is at most 63 characters long");
    memset(Text, 'a', sizeof(Text));
    memcpy(Text, "a = \"", 5);
    memcpy(Text + 5 + 8192, "\"", 2);
    assert_true(Parse(Text));
    memcpy(Text + 5 + 8192, "a\"", 3);
    Refuses(Text, "1:8198: a string is at most 8192 bytes long");
    assert_false(TomlParse("a\0= 1", 5, Take, NULL, Error, sizeof(Error)));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestValues), cmocka_unit_test(TestArrays), cmocka_unit_test(TestTables),
        cmocka_unit_test(TestRefused), cmocka_unit_test(TestLengths),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
