/* SPDX-License-Identifier: MIT */
/* sources: host/check/run_result.c host/check/rule.c host/check/check_summary.c host/check/baseline.c host/text/bug_check_names.c host/text/status_names.c host/text/text.c host/input/driver_file.c lib/pe_image.c lib/pe_directories.c lib/pe_load.c lib/pe_exports.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/check/rule.h"

static char Error[CHECK_ERROR];
static CHECK_DRIVER Driver = {.Path = "build/x.sys"};
static CHECK_STEP Step = {4, &Driver, "default", "always", "48M", 7};

bool PlanWords(const CHECK_STEP *Asked, const char *Program, const char *Json, CHECK_WORDS *Words)
{
    static char *const Fixed[] = {"pageable", "run", "--json=-", "x y.sys"};
    memcpy(Words->Words, Fixed, sizeof(Fixed));
    Words->Count = 4;
    return true;
}

static int FileOf(const char *Text)
{
    int File = memfd_create("test", 0);
    assert_int_equal(write(File, Text, strlen(Text)), strlen(Text));
    return File;
}

static json_t *Read(const char *Events, const char *Text, int Status, const char *Killed)
{
    int EventFile = FileOf(Events), TextFile = FileOf(Text);
    json_t *Result = ResultRead(&Step, "pageable", EventFile, TextFile, Status, 12, Killed);
    close(EventFile);
    close(TextFile);
    assert_non_null(Result);
    if (!ResultIsSound(Result, Error)) {
        fail_msg("%s", Error);
    }
    return Result;
}

static const json_t *Finding(const json_t *Result, size_t Index)
{
    return json_array_get(json_object_get(Result, "findings"), Index);
}

#define VERDICT(code) \
    "{\"event\":\"verdict\",\"detail\":\"d\",\"cause\":\"c\",\"replay\":\"r\",\"exit_code\":" \
    #code "}\n"
#define OBJECT(where) \
    "{\"event\":\"finding\",\"ms\":9,\"kind\":\"0x100\",\"text\":\"t\",\"where\":\"" where "\"}\n"
#define LEAK(number) \
    "{\"event\":\"finding\",\"kind\":\"leak\",\"text\":\"leak: " number " bytes\",\"where\":\"\"}\n"
#define BUG_CHECK \
    "{\"event\":\"bug_check\",\"ms\":1,\"code\":\"0xc4\",\"parameters\":[\"0x3b\"]," \
    "\"cause\":\"A\",\"where\":\"x!Open (src/x y.c:12)\",\"stack\":[{" \
    "\"routine\":\"x!Open\",\"location\":\"C:\\\\a.c:12\"}," \
    "{\"routine\":\"x+0x10\",\"location\":\"\"}]}\n"

static void TestEnds(void **State)
{
    json_t *Result = Read("{\"event\":\"schema\"}\nrubbish\n" VERDICT(0), "", 0, NULL);
    assert_int_equal(ResultNumber(Result, "exit_code"), 0);
    assert_int_equal(ResultNumber(Result, "memory"), 48 << 20);
    assert_string_equal(ResultText(Result, "replay"), "r");
    json_decref(Result);
    Result = Read(LEAK("1,234") VERDICT(1), "", 1 << 8, NULL);
    assert_int_equal(ResultNumber(Result, "exit_code"), 1);
    assert_string_equal(ResultText(Finding(Result, 0), "rule"), RULE_LEAK);
    json_decref(Result);
    Result = Read(VERDICT(4), "", 4 << 8, NULL);
    assert_string_equal(ResultText(Finding(Result, 0), "rule"), RULE_TIME_LIMIT);
    assert_string_equal(ResultText(Finding(Result, 0), "text"), "d: c");
    json_decref(Result);
    Result = Read("", "pageable: x.sys: no\xff driver\n", 3 << 8, NULL);
    assert_string_equal(ResultText(Finding(Result, 0), "rule"), RULE_NOT_LOADABLE);
    assert_string_equal(ResultText(Finding(Result, 0), "text"), "x.sys: no\\xff driver");
    assert_string_equal(ResultText(Result, "replay"), "pageable run 'x y.sys'");
    json_decref(Result);
}

/* What a run says of itself and how it ended must agree, else the environment is to blame. */
static void TestFaults(void **State)
{
    static const struct {
        const char *Events;
        int Status;
        const char *Killed, *Text;
    } Cases[] = {
        {VERDICT(0), 9, NULL, "d: c"},
        {"", 9, NULL, "the run was ended by signal 9"},
        {"", 0, NULL, "the run ended with status 0 and no verdict"},
        {VERDICT(0), 1 << 8, NULL, "d: c"},
        {VERDICT(5), 5 << 8, NULL, "d: c"},
        {"", 2 << 8, NULL, "the run ended with status 2 and no verdict"},
        {"", 77 << 8, NULL, "the run ended with status 77 and no verdict"},
        {VERDICT(0), 9, "too long", "too long"},
        {"{\"event\":\"verdict\"", 1 << 8, NULL, "the run ended with status 1 and no verdict"},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        json_t *Result = Read(Cases[i].Events, "", Cases[i].Status, Cases[i].Killed);
        assert_int_equal(ResultNumber(Result, "exit_code"), 5);
        assert_string_equal(ResultText(Finding(Result, 0), "text"), Cases[i].Text);
        assert_true(FindingIsFault(Finding(Result, 0)));
        json_decref(Result);
    }
}

static void TestBugCheck(void **State)
{
    json_t *Result = Read(BUG_CHECK VERDICT(1), "", 1 << 8, NULL);
    const json_t *Found = Finding(Result, 0);
    const json_t *Frame = json_array_get(json_object_get(Found, "stack"), 0);
    assert_int_equal(json_array_size(json_object_get(Result, "findings")), 1);
    assert_string_equal(ResultText(Found, "rule"), "0xC4/0x3B");
    assert_string_equal(ResultText(Found, "name"), "DRIVER_VERIFIER_DETECTED_VIOLATION");
    assert_string_equal(ResultText(Found, "routine"), "x!Open");
    assert_string_equal(ResultText(Found, "file"), "src/x y.c");
    assert_int_equal(ResultNumber(Found, "line"), 12);
    assert_string_equal(ResultText(Frame, "file"), "C:\\a.c");
    assert_int_equal(ResultNumber(Frame, "line"), 12);
    json_decref(Result);
}

static void Place(const char *Where, const char *Routine, const char *File, int64_t Line)
{
    char Event[1000];
    snprintf(Event, sizeof(Event), "{\"event\":\"finding\",\"kind\":\"scenario\",\"text\":\"t\","
                                   "\"where\":\"%s\"}\n" VERDICT(1), Where);
    json_t *Result = Read(Event, "", 1 << 8, NULL);
    assert_string_equal(ResultText(Finding(Result, 0), "routine"), Routine);
    assert_string_equal(ResultText(Finding(Result, 0), "file"), File);
    assert_int_equal(ResultNumber(Finding(Result, 0), "line"), Line);
    json_decref(Result);
}

static void TestPlaces(void **State)
{
    Place("", "", "", 0);
    Place("s.lua:4", "", "s.lua", 4);
    Place("x!A", "x!A", "", 0);
    Place("x!A (b (1)/c d.c:9)", "x!A", "b (1)/c d.c", 9);
    Place("x!A (b.c)", "x!A (b.c)", "", 0);
    Place("x!A (b.c:99999999999)", "x!A (b.c:99999999999)", "", 0);
}

/* The same finding has the same fingerprint, whatever its line and numbers are. */
static void TestFingerprints(void **State)
{
    json_t *First = Read(LEAK("1,234") VERDICT(1), "", 1 << 8, NULL);
    json_t *Second = Read(LEAK("56") VERDICT(1), "", 1 << 8, NULL);
    assert_string_equal(ResultText(Finding(First, 0), "fingerprint"),
                        ResultText(Finding(Second, 0), "fingerprint"));
    json_decref(Second);
    Driver.Path = "elsewhere/x.sys";
    Second = Read(LEAK("7") VERDICT(1), "", 1 << 8, NULL);
    assert_string_equal(ResultText(Finding(First, 0), "fingerprint"),
                        ResultText(Finding(Second, 0), "fingerprint"));
    json_decref(Second);
    Driver.Path = "build/y.sys";
    Second = Read(LEAK("7") VERDICT(1), "", 1 << 8, NULL);
    assert_string_not_equal(ResultText(Finding(First, 0), "fingerprint"),
                            ResultText(Finding(Second, 0), "fingerprint"));
    Driver.Path = "build/x.sys";
    json_decref(Second);
    json_decref(First);
    /* An object's address is no place in code. */
    First = Read(OBJECT("fffffaa0`000969c0") VERDICT(1), "", 1 << 8, NULL);
    Second = Read(OBJECT("fffffaa0`0009a000") VERDICT(1), "", 1 << 8, NULL);
    assert_string_equal(ResultText(Finding(First, 0), "where"), "");
    assert_string_equal(ResultText(Finding(First, 0), "rule"), "device-left");
    assert_string_equal(ResultText(Finding(First, 0), "fingerprint"),
                        ResultText(Finding(Second, 0), "fingerprint"));
    json_decref(First);
    json_decref(Second);
    /* Baselines that teams keep depend on this number: it must never change. */
    First = Read(BUG_CHECK VERDICT(1), "", 1 << 8, NULL);
    assert_string_equal(ResultText(Finding(First, 0), "fingerprint"), "5f697e00aaf2e86e");
    json_decref(First);
}

static void TestUnsound(void **State)
{
    static const char *const Members[] = {"driver", "step", "exit_code", "findings", "replay"};
    json_t *Result = Read(BUG_CHECK VERDICT(1), "", 1 << 8, NULL), *Copy;
    for (size_t i = 0; i < sizeof(Members) / sizeof(Members[0]); i++) {
        Copy = json_copy(Result);
        json_object_del(Copy, Members[i]);
        assert_false(ResultIsSound(Copy, Error));
        json_decref(Copy);
    }
    static const struct {
        const char *Name;
        json_int_t Number;
    } Numbers[] = {{"exit_code", 2}, {"exit_code", 0}, {"exit_code", 130}, {"seed", -1},
                   {"driver", 1}};
    for (size_t i = 0; i < sizeof(Numbers) / sizeof(Numbers[0]); i++) {
        Copy = json_copy(Result);
        json_object_set_new(Copy, Numbers[i].Name, json_integer(Numbers[i].Number));
        assert_false(ResultIsSound(Copy, Error));
        json_decref(Copy);
    }
    Copy = json_copy(Result);
    json_object_set_new(Copy, "driver", json_string("\x1b[31m"));
    assert_false(ResultIsSound(Copy, Error));
    json_decref(Copy);
    json_object_set_new((json_t *)Finding(Result, 0), "stack", json_pack("[{s:s}]", "file", "x"));
    assert_false(ResultIsSound(Result, Error));
    json_decref(Result);
}

static void Add(CHECK_SUMMARY *Summary, const char *Events, int Code, EXIT_CODE Counted,
                unsigned ExpectNew)
{
    unsigned New;
    json_t *Result = Read(Events, "", Code << 8, NULL);
    assert_int_equal(SummaryAdd(Summary, Result, &New), Counted);
    assert_int_equal(New, ExpectNew);
    json_decref(Result);
}

static void TestSummary(void **State)
{
    char Path[] = "/tmp/check-XXXXXX", Line[100];
    CHECK_SUMMARY Summary;
    BASELINE Baseline;
    close(mkstemp(Path));
    SummaryInit(&Summary, NULL);
    Add(&Summary, VERDICT(0), 0, ExitClean, 0);
    Add(&Summary, LEAK("1") LEAK("2") VERDICT(1), 1, ExitFinding, 1); /* one finding, one run */
    Add(&Summary, LEAK("3") BUG_CHECK VERDICT(1), 1, ExitFinding, 1);
    Step.PageOut = "never";
    Add(&Summary, "", 5, ExitEnvironment, 1);
    assert_true(Summary.Notable);
    assert_int_equal(Summary.CaseCount, 2);
    assert_int_equal(Summary.Cases[0].Runs, 3);
    assert_int_equal(Summary.Cases[0].Ms, 36);
    assert_int_equal(Summary.Cases[0].Code, ExitFinding);
    assert_int_equal(Summary.Cases[1].Code, ExitEnvironment);
    assert_int_equal(Summary.FindingCount, 3);
    assert_int_equal(Summary.Findings[0].Runs, 2);
    assert_int_equal(SummaryFindings(&Summary), 2); /* the fault is none of the driver's */
    assert_int_equal(Summary.Code, ExitEnvironment);
    assert_true(BaselineWrite(Path, &Summary, Error));
    SummaryFree(&Summary);

    assert_true(BaselineRead(&Baseline, Path, Error));
    assert_int_equal(json_object_size(Baseline.Lines), 2);
    SummaryInit(&Summary, &Baseline);
    Add(&Summary, LEAK("9") BUG_CHECK VERDICT(1), 1, ExitClean, 0);
    assert_int_equal(Summary.MutedRuns, 1);
    assert_int_equal(SummaryFindings(&Summary), 0);
    Add(&Summary, LEAK("9") VERDICT(4), 4, ExitTimeLimit, 1); /* one of two is new */
    Add(&Summary, "", 5, ExitEnvironment, 1);                 /* never muted */
    SummaryFree(&Summary);
    BaselineFree(&Baseline);
    snprintf(Line, sizeof(Line), "rm -f %s", Path);
    assert_int_equal(system(Line), 0);
}

/* The first run with each finding of a case, and a driver's first clean one. */
static void TestNotable(void **State)
{
    static const struct {
        const char *Events, *PageOut;
        int Code;
        bool Notable;
    } Runs[] = {
        {VERDICT(0), "at-raise", 0, true},      {VERDICT(0), "at-raise", 0, false},
        {LEAK("1") VERDICT(1), "at-raise", 1, true}, {LEAK("2") VERDICT(1), "at-raise", 1, false},
        {LEAK("1") BUG_CHECK VERDICT(1), "at-raise", 1, true},
        {VERDICT(0), "never", 0, false},        {LEAK("1") VERDICT(1), "never", 1, true},
    };
    CHECK_SUMMARY Summary;
    SummaryInit(&Summary, NULL);
    for (size_t i = 0; i < sizeof(Runs) / sizeof(Runs[0]); i++) {
        unsigned New;
        Step.PageOut = Runs[i].PageOut;
        json_t *Result = Read(Runs[i].Events, "", Runs[i].Code << 8, NULL);
        SummaryAdd(&Summary, Result, &New);
        assert_int_equal(Summary.Notable, Runs[i].Notable);
        assert_true(SummaryHasClean(&Summary, &Step));
        json_decref(Result);
    }
    json_t *Other = Read(VERDICT(0), "", 0, NULL);
    unsigned New;
    json_object_set_new(Other, "scenario", json_string("other.lua"));
    SummaryAdd(&Summary, Other, &New);
    assert_true(Summary.Notable);
    assert_false(SummaryHasClean(&Summary, &Step)); /* of another scenario */
    json_decref(Other);
    SummaryFree(&Summary);
}

/* Every bug check's link leads to a heading, whose text GitHub makes an anchor of. */
static void TestRules(void **State)
{
    char Text[900];
    RuleOfBugCheck(0xd1, 2, Text, sizeof(Text));
    assert_string_equal(Text, "0xD1");
    RuleLink("0xC4/0x3B", Text, sizeof(Text));
    assert_string_equal(Text, "docs/bug-checks.md#0xc4-driver_verifier_detected_violation");
    RuleHelp("0xC4/0x3B", Text, sizeof(Text));
    assert_memory_equal(Text, "Bug check 0xC4: a wait", 22);
    assert_string_equal(RuleOfKind("0xc0000263"), RULE_MISSING_EXPORT);
    assert_string_equal(RuleOfKind("0x1a1010"), "section-left-locked");
    assert_string_equal(RuleName("section-left-locked"),
                        "A section is locked when the driver is unloaded");
    assert_memory_equal(RuleAdvice("section-left-locked"), "Unlock each", 11);
    RuleHelp("device-left", Text, sizeof(Text));
    assert_string_equal(Text, "A device object is left.");
    assert_string_equal(RuleOfKind("0x1a1011"), "0x1a1011");
    assert_string_equal(RuleOfKind("budget"), "budget");
    assert_string_equal(RuleOfKind(""), "finding");
    assert_string_equal(RuleName("0xFFFFFFFF"), "0xFFFFFFFF");
    RuleLink("0x", Text, sizeof(Text));
    assert_string_equal(Text, "docs/check.md#rules");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestEnds), cmocka_unit_test(TestFaults), cmocka_unit_test(TestBugCheck),
        cmocka_unit_test(TestPlaces), cmocka_unit_test(TestFingerprints),
        cmocka_unit_test(TestUnsound), cmocka_unit_test(TestSummary),
        cmocka_unit_test(TestNotable), cmocka_unit_test(TestRules),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
