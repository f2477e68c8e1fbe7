/* SPDX-License-Identifier: MIT */
/* sources: lib/cpio.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cpio.h"

static uint8_t Archive[8192];
static size_t Used;

static int Build(void **state)
{
    CPIO_WRITER Writer;
    CpioWriterInit(&Writer, Archive, sizeof(Archive));
    assert_true(CpioWriteEntry(&Writer, "ntoskrnl.exe", CPIO_MODE_FILE, "MZ\220", 3));
    assert_true(CpioWriteEntry(&Writer, "dir", CPIO_MODE_DIRECTORY, NULL, 0));
    assert_true(CpioWriteEntry(&Writer, "./dir/a.sys", CPIO_MODE_FILE, "12345678", 8));
    assert_true(CpioWriteTrailer(&Writer));
    Used = Writer.Used;
    return 0;
}

static void ReadsWhatItWrote(void **state)
{
    CPIO_ENTRY Entry;
    const char *Rule;
    uint64_t Cursor = 0;
    assert_int_equal(CpioNext(Archive, Used, &Cursor, &Entry, &Rule), CpioStepItem);
    assert_string_equal(Entry.Name, "ntoskrnl.exe");
    assert_int_equal(Entry.Size, 3);
    assert_memory_equal(Entry.Data, "MZ\220", 3);
    assert_int_equal(CpioNext(Archive, Used, &Cursor, &Entry, &Rule), CpioStepItem);
    assert_int_equal(Entry.Mode, CPIO_MODE_DIRECTORY);
    assert_int_equal(CpioNext(Archive, Used, &Cursor, &Entry, &Rule), CpioStepItem);
    assert_int_equal(CpioNext(Archive, Used, &Cursor, &Entry, &Rule), CpioStepEnd);
    assert_true(CpioFind(Archive, Used, "dir/a.sys", &Entry));
    assert_memory_equal(Entry.Data, "12345678", 8);
    assert_false(CpioFind(Archive, Used, "dir/b.sys", &Entry));
    assert_false(CpioFind(Archive, Used, "TRAILER!!!", &Entry));
}

static void CountsWithoutBuffer(void **state)
{
    CPIO_WRITER Writer;
    uint8_t Small[200];
    CpioWriterInit(&Writer, NULL, 0);
    assert_false(CpioWriteEntry(&Writer, "name", CPIO_MODE_FILE, "data", 4));
    assert_false(CpioWriteTrailer(&Writer));
    size_t Needed = Writer.Used;
    assert_int_equal(Needed % 4, 0);
    CpioWriterInit(&Writer, Small, sizeof(Small));
    CpioWriteEntry(&Writer, "name", CPIO_MODE_FILE, "data", 4);
    assert_false(CpioWriteTrailer(&Writer));
    assert_int_equal(Writer.Used, Needed);
    char *Long = malloc(CPIO_MAX_NAME + 1);
    memset(Long, 'n', CPIO_MAX_NAME);
    Long[CPIO_MAX_NAME] = 0;
    assert_false(CpioWriteEntry(&Writer, Long, CPIO_MODE_FILE, NULL, 0));
    free(Long);
}

static void RefusesEveryTruncation(void **state)
{
    for (size_t Size = 0; Size < Used; Size += 1) {
        uint8_t *Copy = malloc(Size + (Size == 0));
        memcpy(Copy, Archive, Size);
        CPIO_ENTRY Entry;
        const char *Rule;
        uint64_t Cursor = 0;
        CPIO_STEP Step;
        do {
            Step = CpioNext(Copy, Size, &Cursor, &Entry, &Rule);
        } while (Step == CpioStepItem);
        /* The trailer's padding may be cut. */
        assert_true(Step == CpioStepError || Size + 4 > Used);
        free(Copy);
    }
}

static void RefusesMalformed(void **state)
{
    static const struct {
        size_t At;
        const char *Text;
    } Cases[] = {
        {0, "070702"},   /* magic */
        {54, "0000zzzz"}, /* file size: not hexadecimal */
        {54, "ffffffff"}, /* file size */
        {94, "ffffffff"}, /* name size */
        {94, "00000000"}, /* name size */
        {94, "00000005"}, /* no NUL there */
        {94, "0000000f"}, /* a NUL before the end */
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i += 1) {
        CPIO_ENTRY Entry;
        const char *Rule;
        uint64_t Cursor = 0;
        Build(state);
        memcpy(Archive + Cases[i].At, Cases[i].Text, strlen(Cases[i].Text));
        assert_int_equal(CpioNext(Archive, Used, &Cursor, &Entry, &Rule), CpioStepError);
        assert_true(strlen(Rule) > 0);
        assert_int_equal(Cursor, 0);
        assert_false(CpioFind(Archive, Used, "ntoskrnl.exe", &Entry));
    }
}

/* The other implementation, where there is one. */
static void AgreesWithCpio(void **state)
{
    if (system("command -v cpio >/dev/null 2>&1") != 0) {
        skip();
    }
    char Path[] = "/tmp/test_cpio_XXXXXX";
    char Command[128];
    char Listing[256] = {0};
    int Handle = mkstemp(Path);
    assert_true(Handle >= 0);
    assert_int_equal(write(Handle, Archive, Used), (ssize_t)Used);
    close(Handle);
    snprintf(Command, sizeof(Command), "cpio -t --quiet < %s", Path);
    FILE *Pipe = popen(Command, "r");
    assert_true(fread(Listing, 1, sizeof(Listing) - 1, Pipe) > 0);
    assert_int_equal(pclose(Pipe), 0);
    unlink(Path);
    assert_non_null(strstr(Listing, "ntoskrnl.exe\ndir\n"));
    assert_non_null(strstr(Listing, "dir/a.sys\n"));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup(ReadsWhatItWrote, Build),
        cmocka_unit_test(CountsWithoutBuffer),
        cmocka_unit_test_setup(RefusesEveryTruncation, Build),
        cmocka_unit_test(RefusesMalformed),
        cmocka_unit_test_setup(AgreesWithCpio, Build),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
