/* SPDX-License-Identifier: MIT */
/* sources: host/symbols/symbols.c host/symbols/source_map.c host/symbols/symbolizer.c host/symbols/child_program.c host/input/driver_file.c host/text/text.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c tests/fuzz/pe_sample.c */
/* The symbolizer replaced by scripts that answer, answer rubbish, fail, or are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/symbols/symbols.h"
#include "nt/pe.h"
#include "tests/fuzz/pe_sample.h"

#define BASE 0xfffff88200000000ull

static void UseScript(const char *Body)
{
    static char Path[64];
    snprintf(Path, sizeof(Path), "/tmp/symbolizer-%d.sh", (int)getpid());
    FILE *File = fopen(Path, "w");
    assert_non_null(File);
    fprintf(File, "#!/bin/sh\n%s\n", Body);
    fclose(File);
    chmod(Path, 0700);
    setenv("PAGEABLE_SYMBOLIZER", Path, 1);
}

static int RemoveScript(void **State)
{
    const char *Path = getenv("PAGEABLE_SYMBOLIZER");
    if (Path != NULL) {
        unlink(Path);
    }
    unsetenv("PAGEABLE_SYMBOLIZER");
    return 0;
}

static void Resolve(SYMBOL Entries[3], const char *Path)
{
    static SYMBOLS Symbols;
    memset(&Symbols, 0, sizeof(Symbols));
    SymbolsAddModule(&Symbols, BASE, 0x5000, "fake.sys", Path);
    memset(Entries, 0, 3 * sizeof(SYMBOL));
    Entries[0].Address = BASE + 0x1010;
    Entries[1].Address = BASE + 0x5000; /* just outside */
    SymbolsResolve(&Symbols, Entries, 3);
}

static void TestAnswer(void **State)
{
    SYMBOL Entries[3];
    char Text[900];
    UseScript("printf %s '[{\"Symbol\":[{\"FunctionName\":\"Walk\",\"FileName\":\"a\\\\b.c\","
              "\"Line\":7}]}]'");
    Resolve(Entries, "/nowhere.sys");
    assert_true(Entries[0].HasLine);
    SymbolText(&Entries[0], Text, sizeof(Text));
    assert_string_equal(Text, "fake!Walk (a/b.c:7)");
    assert_string_equal(Entries[1].Routine, "fffff882`00005000");
    assert_string_equal(Entries[2].Routine, "");
}

/* Answers for the addresses 0x1010 and 0x1020; the latter is in an import's stub, without lines. */
static const char SymbolNames[] =
    "*linkage*0x1010*) printf %s '[{\"Symbol\":[{\"FunctionName\":\"___crt_xt_end__\"}]},"
    "{\"Symbol\":[{\"FunctionName\":\"KeCancelTimer\"}]}]';;"
    "*linkage*0x1020*) printf %s '[{\"Symbol\":[{\"FunctionName\":\"KeCancelTimer\"}]}]';;";
static const char DebugNames[] =
    "*short*) printf %s '[{\"Symbol\":[{\"FunctionName\":\"Ticks\",\"FileName\":\"a.c\","
    "\"Line\":7}]},{\"Symbol\":[{\"FunctionName\":\"\"}]}]';;";

/* Resolves both. */
static void ResolveInImage(SYMBOL Entries[2], const uint8_t Image[SAMPLE_SIZE])
{
    static SYMBOLS Symbols;
    char Path[64];

    snprintf(Path, sizeof(Path), "/tmp/symbols-%d.sys", (int)getpid());
    FILE *File = fopen(Path, "w");
    assert_non_null(File);
    assert_int_equal(fwrite(Image, 1, SAMPLE_SIZE, File), SAMPLE_SIZE);
    fclose(File);
    memset(&Symbols, 0, sizeof(Symbols));
    SymbolsAddModule(&Symbols, BASE, SAMPLE_IMAGE_SIZE, "fake.sys", Path);
    memset(Entries, 0, 2 * sizeof(SYMBOL));
    Entries[0].Address = BASE + 0x1010;
    Entries[1].Address = BASE + 0x1020;
    SymbolsResolve(&Symbols, Entries, 2);
    unlink(Path);
}

/* An image with COFF symbols, where a mark of the linker has the first routine's address. */
static void TestLinkerMark(void **State)
{
    SYMBOL Entries[2];
    uint8_t Image[SAMPLE_SIZE];
    char Body[1000];
    const uint32_t SymbolTable = 0x1000, None = 0;

    snprintf(Body, sizeof(Body), "case \"$*\" in %s%s esac", SymbolNames, DebugNames);
    UseScript(Body);
    SampleBuild(Image);
    memcpy(Image + SAMPLE_FILE(PointerToSymbolTable), &SymbolTable, sizeof(SymbolTable));
    ResolveInImage(Entries, Image);
    assert_string_equal(Entries[0].Routine, "fake!Ticks");
    assert_string_equal(Entries[0].Location, "a.c:7");
    assert_string_equal(Entries[1].Routine, "fake!KeCancelTimer");
    memcpy(Image + SAMPLE_FILE(PointerToSymbolTable), &None, sizeof(None));
    ResolveInImage(Entries, Image); /* as a PDB names them, in one run */
    assert_string_equal(Entries[0].Routine, "fake!___crt_xt_end__");
    assert_string_equal(Entries[1].Routine, "fake!KeCancelTimer");
}

/* The names in an image are not trusted. */
static void TestExportOfHostileName(void **State)
{
    SYMBOL Entries[2];
    uint8_t Image[SAMPLE_SIZE];

    UseScript("exit 1");
    SampleBuild(Image);
    memcpy(Image + SAMPLE_RDATA(0x2270), "\033[2J", 5); /* in place of Alpha, at 1010 */
    ResolveInImage(Entries, Image);
    assert_string_equal(Entries[0].Routine, "fake!\\x1b[2J+0x0");
    assert_string_equal(Entries[1].Routine, "fake!\\x1b[2J+0x10");
}

static void ExpectFallback(const char *Body)
{
    SYMBOL Entries[3];
    UseScript(Body);
    Resolve(Entries, "/nowhere.sys");
    assert_false(Entries[0].HasLine);
    assert_string_equal(Entries[0].Routine, "fake+0x1010");
}

static void TestNoAnswer(void **State)
{
    ExpectFallback("exit 1");
    ExpectFallback("echo rubbish");
    ExpectFallback("echo '[]'");
    ExpectFallback("echo '[1]'");
    ExpectFallback("echo '[{\"Symbol\":3}]'");
    ExpectFallback("echo '[{\"Symbol\":[{\"FunctionName\":1,\"FileName\":[],\"Line\":\"x\"}]}]'");
    ExpectFallback("echo '{\"Error\":{\"Message\":\"no PDB\"}}'");
    ExpectFallback("kill -9 $$");
    ExpectFallback("yes"); /* more than is read */
}

static unsigned CountRuns(void)
{
    char Path[64];
    unsigned Runs = 0;
    snprintf(Path, sizeof(Path), "/tmp/symbolizer-runs-%d", (int)getpid());
    FILE *File = fopen(Path, "r");
    for (int Char; File != NULL && (Char = fgetc(File)) != EOF;) {
        Runs += Char == 'x';
    }
    if (File != NULL) {
        fclose(File);
    }
    unlink(Path);
    return Runs;
}

/* What was resolved is not asked for again, until a module takes the place of another. */
static void TestRemembers(void **State)
{
    static SYMBOLS Symbols;
    char Body[256];
    SYMBOL First = {.Address = BASE + 0x1010}, Again = First, Return = First, Other = First;
    Return.IsReturn = true; /* another line may be meant */
    snprintf(Body, sizeof(Body),
             "printf x >>/tmp/symbolizer-runs-%d; printf %%s '[{\"Symbol\":[{\"FunctionName\":"
             "\"Walk\",\"FileName\":\"b.c\",\"Line\":7}]}]'", (int)getpid());
    UseScript(Body);
    SymbolsAddModule(&Symbols, BASE, 0x5000, "fake.sys", "/nowhere.sys");
    SymbolsResolve(&Symbols, &First, 1);
    SymbolsResolve(&Symbols, &Again, 1);
    assert_int_equal(CountRuns(), 1);
    assert_string_equal(Again.Routine, "fake!Walk");
    assert_string_equal(Again.Location, "b.c:7");
    assert_true(Again.HasLine);
    SymbolsResolve(&Symbols, &Return, 1);
    assert_int_equal(CountRuns(), 1);
    SymbolsAddModule(&Symbols, BASE, 0x5000, "other.sys", "/elsewhere.sys");
    SymbolsResolve(&Symbols, &Other, 1);
    assert_int_equal(CountRuns(), 1);
    assert_string_equal(Other.Routine, "other!Walk");
    /* The oldest go, and come again when they are asked for. */
    for (unsigned i = 0; i < SYMBOLS_KNOWN; i++) {
        SYMBOL Outside = {.Address = BASE + 0x10000 + i};
        SymbolsResolve(&Symbols, &Outside, 1);
    }
    SymbolsResolve(&Symbols, &Other, 1);
    assert_int_equal(CountRuns(), 1);
    assert_string_equal(Other.Routine, "other!Walk");
}

static void TestNoProgram(void **State)
{
    SYMBOL Entries[3];
    setenv("PAGEABLE_SYMBOLIZER", "/nowhere/symbolizer", 1);
    Resolve(Entries, "/nowhere.sys");
    assert_string_equal(Entries[0].Routine, "fake+0x1010");
    Resolve(Entries, NULL);
    assert_string_equal(Entries[0].Routine, "fake+0x1010");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_teardown(TestAnswer, RemoveScript),
        cmocka_unit_test_teardown(TestLinkerMark, RemoveScript),
        cmocka_unit_test_teardown(TestExportOfHostileName, RemoveScript),
        cmocka_unit_test_teardown(TestNoAnswer, RemoveScript),
        cmocka_unit_test_teardown(TestRemembers, RemoveScript),
        cmocka_unit_test_teardown(TestNoProgram, RemoveScript),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
