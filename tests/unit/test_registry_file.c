/* SPDX-License-Identifier: MIT */
/* sources: host/input/registry_file.c host/text/wide_text.c host/text/text.c */
/* .reg files: each form of line, and each way to be wrong with its line and rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/input/registry_file.h"
#include "host/text/wide_text.h"

#define HEAD "Windows Registry Editor Version 5.00\r\n\r\n"
#define KEY "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Test]\r\n"

static REGISTRY_FILE File;
static char Error[512];

static bool Parse(const char *Text)
{
    return RegistryFileParse(&File, "a.reg", Text, strlen(Text), Error, sizeof(Error));
}

static int Free(void **State)
{
    RegistryFileFree(&File);
    return 0;
}

static void ExpectWide(uint32_t At, uint32_t Length, const char *Text)
{
    char Narrow[600];
    uint16_t Wide[200];
    assert_true(Length <= sizeof(Wide));
    memcpy(Wide, File.Bytes + At, Length);
    size_t Used = WideToUtf8(Wide, Length / 2, Narrow);
    assert_int_equal(Used, strlen(Text));
    assert_memory_equal(Narrow, Text, Used);
}

static void ExpectData(const REGISTRY_CHANGE *Change, uint32_t Type, const void *Data, size_t Size)
{
    assert_int_equal(Change->Operation, ControlRegistrySetValue);
    assert_int_equal(Change->Type, Type);
    assert_int_equal(Change->DataLength, Size);
    assert_memory_equal(File.Bytes + Change->Data, Data, Size);
}

static void ReadsEachForm(void **State)
{
    assert_true(Parse(HEAD KEY
                      "\"A\\\\B\\\"\"=\"\xc3\xbc\\\\\"\r\n"
                      "@=dword:12aB\r\n"
                      " \"h\" = hex:01,ff , \\\r\n\t 02 ; three\r\n"
                      "\"n\"=hex(80000001):\n"
                      "\"two lines\"=\"a\r\nb\"\n"
                      "\"gone\"=-\n"
                      "; a comment\n"
                      "[-HKU\\x]y]"));
    assert_int_equal(File.ChangeCount, 8);
    assert_int_equal(File.Changes[0].Operation, ControlRegistryCreateKey);
    ExpectWide(File.Changes[0].Key, File.Changes[0].KeyLength,
               "\\REGISTRY\\MACHINE\\SOFTWARE\\Test");
    ExpectWide(File.Changes[1].Name, File.Changes[1].NameLength, "A\\B\"");
    ExpectData(&File.Changes[1], 1, L"\x00fc\\", 6);
    assert_int_equal(File.Changes[2].NameLength, 0);
    ExpectData(&File.Changes[2], 4, "\xab\x12\0\0", 4);
    ExpectData(&File.Changes[3], 3, "\x01\xff\x02", 3);
    ExpectData(&File.Changes[4], 0x80000001, "", 0);
    ExpectData(&File.Changes[5], 1, L"a\r\nb", 10);
    assert_int_equal(File.Changes[5].Line, 9);
    assert_int_equal(File.Changes[6].Operation, ControlRegistryDeleteValue);
    assert_int_equal(File.Changes[6].Line, 11);
    assert_int_equal(File.Changes[7].Operation, ControlRegistryDeleteKey);
    ExpectWide(File.Changes[7].Key, File.Changes[7].KeyLength, "\\REGISTRY\\USER\\x]y");
}

static void ReadsUtf16(void **State)
{
    static const uint16_t Text[] = L"\xfeff" L"Windows Registry Editor Version 5.00\r\n"
                                   L"[HKCU]\r\n\"\x20ac\"=dword:1\r\n";
    assert_true(RegistryFileParse(&File, "a.reg", Text, sizeof(Text) - 2, Error, sizeof(Error)));
    assert_int_equal(File.ChangeCount, 2);
    ExpectWide(File.Changes[0].Key, File.Changes[0].KeyLength, "\\REGISTRY\\USER\\.DEFAULT");
    ExpectWide(File.Changes[1].Name, File.Changes[1].NameLength, "\xe2\x82\xac");
}

static void NamesLineAndRule(void **State)
{
    static const struct {
        const char *Text, *Error;
    } Cases[] = {
        {"", "a.reg:1: a .reg file begins with"},
        {"REGEDIT4\n", "a.reg:1: the format REGEDIT4"},
        {"Windows Registry Editor Version 5.001\n", "a.reg:1: something follows the header"},
        {HEAD "x", "a.reg:3: a line is"},
        {HEAD "[HKLM", "a.reg:3: a line that begins with ["},
        {HEAD "[HKLMX\\a]", "a.reg:3: a key's path begins"},
        {HEAD "[]", "a.reg:3: a key's path begins"},
        {HEAD "[HKLM\\a] b", "a.reg:3: something follows the key"},
        {HEAD "\"a\"=-", "a.reg:3: a value stands below"},
        {HEAD "[-HKLM\\a]\n\"a\"=-", "a.reg:4: a value stands below"},
        {HEAD KEY "\"a=1", "a.reg:4: a value's name does not end"},
        {HEAD KEY "\"a\\n\"=-", "a.reg:4: a value's name: after a \\"},
        {HEAD KEY "\"a\"-", "a.reg:4: = follows"},
        {HEAD KEY "@=1", "a.reg:4: a value is"},
        {HEAD KEY "@=\"x", "a.reg:4: a text does not end"},
        {HEAD KEY "@=\"x\" y", "a.reg:4: something follows the value"},
        {HEAD KEY "@=dword:", "a.reg:4: dword:"},
        {HEAD KEY "@=dword:123456789", "a.reg:4: dword:"},
        {HEAD KEY "@=dword:1 2", "a.reg:4: something follows the value"},
        {HEAD KEY "@=hex(:00", "a.reg:4: hex(:"},
        {HEAD KEY "@=hex00", "a.reg:4: hex: needs its colon"},
        {HEAD KEY "@=hex:1", "a.reg:4: hex: a byte has two digits"},
        {HEAD KEY "@=hex:123", "a.reg:4: hex: a byte has two digits"},
        {HEAD KEY "@=hex:12,", "a.reg:4: hex: a byte of two digits follows"},
        {HEAD KEY "@=hex:12,\\x", "a.reg:4: hex: a \\ stands at the end"},
        {HEAD KEY "@=hex:12,\\\n,", "a.reg:5: hex: a byte of two digits follows"},
        {HEAD KEY "\n\xff", "a.reg:5: neither UTF-8 nor UTF-16LE"},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        if (Parse(Cases[i].Text) || strncmp(Error, Cases[i].Error, strlen(Cases[i].Error)) != 0) {
            print_error("%s: %s\n", Cases[i].Text, Error);
            fail();
        }
    }
}

static void BoundsEachLength(void **State)
{
    static char Text[4u << 20];
    size_t Head = (size_t)sprintf(Text, HEAD "[HKLM\\");
    memset(Text + Head, 'a', 256);
    strcpy(Text + Head + 256, "]\n");
    assert_false(Parse(Text));
    assert_string_equal(Error, "a.reg:3: a key's name has more than 255 characters");
    strcpy(Text + Head + 255, "]\n");
    assert_true(Parse(Text));
    RegistryFileFree(&File);

    Head = (size_t)sprintf(Text, HEAD KEY "\"");
    memset(Text + Head, 'n', 16384);
    strcpy(Text + Head + 16384, "\"=-");
    assert_false(Parse(Text));
    assert_string_equal(Error, "a.reg:4: a value's name has more than 16383 characters");
    strcpy(Text + Head + 16383, "\"=-");
    assert_true(Parse(Text));
    RegistryFileFree(&File);

    Head = (size_t)sprintf(Text, HEAD KEY "@=hex:");
    for (size_t i = 0; i <= CONTROL_REGISTRY_DATA_MOST; i++) {
        memcpy(Text + Head + 3 * i, "00,", 4);
    }
    Text[Head + 3 * CONTROL_REGISTRY_DATA_MOST + 2] = 0;
    assert_false(Parse(Text));
    assert_string_equal(Error, "a.reg:4: a value has more than 900000 bytes");
    Text[Head + 3 * CONTROL_REGISTRY_DATA_MOST - 1] = 0;
    assert_true(Parse(Text));
    assert_int_equal(File.Changes[1].DataLength, CONTROL_REGISTRY_DATA_MOST);
}

static void TurnsPathsAndCharacters(void **State)
{
    static const uint16_t Short[] = L"HKLM\\ab";
    static const uint16_t Pair[] = {0xd83d, 0xde00, 0xd83d, 'x', 0xde00};
    uint16_t Out[40];
    char Narrow[15];
    size_t Count;
    assert_int_equal(RegistryFullPath(Short, 7, Out, 20), 20);
    assert_int_equal(RegistryFullPath(Short, 7, Out, 19), 0);
    assert_int_equal(RegistryFullPath(L"\\Registry\\User", 14, Out, 40), 14);
    assert_int_equal(RegistryFullPath(L"\\RegistryX", 10, Out, 40), 0);
    assert_int_equal(WideToUtf8(Pair, 5, Narrow), 11);
    assert_memory_equal(Narrow, "\xf0\x9f\x98\x80\xef\xbf\xbd" "x\xef\xbf\xbd", 11);
    assert_true(WideFromUtf8("\xf0\x9f\x98\x80", 4, Out, &Count));
    assert_int_equal(Count, 2);
    assert_memory_equal(Out, Pair, 4);
    assert_false(WideFromUtf8("ab\xed\xa0\x80", 5, Out, &Count));
    assert_int_equal(Count, 2);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_teardown(ReadsEachForm, Free),
        cmocka_unit_test_teardown(ReadsUtf16, Free),
        cmocka_unit_test(NamesLineAndRule),
        cmocka_unit_test_teardown(BoundsEachLength, Free),
        cmocka_unit_test(TurnsPathsAndCharacters),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
