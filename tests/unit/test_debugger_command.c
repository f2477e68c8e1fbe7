/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/command.c host/text/text.c */
/* A line into commands: semicolons, quotes, braces, comments, names that run into arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/debugger/debugger.h"

static char Log[1000];
static TARGET Target;
static DEBUGGER Debugger = {.Target = &Target};

bool DebuggerError(DEBUGGER *Unused, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    size_t Used = strlen(Log);
    vsnprintf(Log + Used, sizeof(Log) - Used, Format, Values);
    va_end(Values);
    return false;
}

static bool Note(const char *Name, const char *Arguments)
{
    size_t Used = strlen(Log);
    snprintf(Log + Used, sizeof(Log) - Used, "%s[%s]", Name, Arguments);
    return strcmp(Arguments, "fail") != 0;
}

static bool RunBp(DEBUGGER *Unused, const char *Arguments)
{
    return Note("bp", Arguments);
}

static bool RunDot(DEBUGGER *Unused, const char *Arguments)
{
    return Note(".pagein", Arguments);
}

static bool RunQuestion(DEBUGGER *Unused, const char *Arguments)
{
    return Note("?", Arguments);
}

static bool RunQuit(DEBUGGER *Unused, const char *Arguments)
{
    Debugger.Quit = true;
    return Note("q", Arguments);
}

static const DEBUGGER_COMMAND First[] = {{"q", RunQuit, "", "", false},
                                         {"bp", RunBp, "", "", true},
                                         {0}};
static const DEBUGGER_COMMAND Second[] = {{".pagein", RunDot, "", "", false},
                                          {"?", RunQuestion, "", "", false},
                                          {0}};
const DEBUGGER_COMMAND *const CommandTables[] = {First, Second, NULL};

static void Expect(const char *Line, bool Good, const char *Result)
{
    Log[0] = 0;
    Debugger.Quit = Debugger.Failed = false;
    assert_int_equal(DebuggerRunLine(&Debugger, Line), Good);
    assert_string_equal(Log, Result);
    assert_int_equal(Debugger.Failed, !Good);
}

static void TestLines(void **State)
{
    Expect("", true, "");
    Expect("  bp  a  ;; ? 1 ", true, "bp[a]?[1]");
    Expect("bp x \"? 1; ? 2\" ; ? 3", true, "bp[x \"? 1; ? 2\"]?[3]");
    Expect("bp \"a \\\"; b\"; ?", true, "bp[\"a \\\"; b\"]?[]");
    Expect("bp {a;b{c;d}e;};?1", true, "bp[{a;b{c;d}e;}]?[1]");
    Expect("bp };?2", true, "bp[}]?[2]");
    Expect("bp \"open; ? 1", true, "bp[\"open; ? 1]");
    Expect("? 1; * a comment; ? 2", true, "?[1]");
    Expect("$$ a comment; ? 2", true, "?[2]");
    Expect(".PageIn /p 5 6", true, ".pagein[/p 5 6]");
    Expect("?poi(@rsp)", true, "?[poi(@rsp)]");
    Expect("q; ? 1", true, "q[]");
}

static void TestFailures(void **State)
{
    Expect("bp fail; ? 1", false, "bp[fail]?[1]");
    Expect("BP a", false, "BP: no such command; .help lists them");
    Expect("bpx a", false, "bpx: no such command; .help lists them");
    Expect("\x1b[31m", false, "\\x1b[31m: no such command; .help lists them");
    char Long[6000];
    memset(Long, 'a', sizeof(Long));
    Long[sizeof(Long) - 1] = 0;
    Expect(Long, false, "a command has 5999 bytes; 4095 are the most");
}

static void TestDump(void **State)
{
    Target.Kind = TargetDump;
    Expect("bp a; ? 1", false, "bp needs a live target; this is a dump?[1]");
    Target.Kind = TargetLive;
}

static void TestWords(void **State)
{
    const char *Text = "one  two,three";
    char Word[5];
    assert_true(CommandWord(&Text, Word, sizeof(Word)));
    assert_string_equal(Word, "one");
    assert_true(CommandWord(&Text, Word, sizeof(Word)));
    assert_string_equal(Word, "two");
    assert_false(CommandWord(&Text, Word, sizeof(Word))); /* too long */
    Log[0] = 0;
    assert_false(CommandEnd(&Debugger, Text));
    assert_string_equal(Log, "Extra character error in 'three'");
    assert_true(CommandEnd(&Debugger, "  "));
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestLines),
        cmocka_unit_test(TestFailures),
        cmocka_unit_test(TestDump),
        cmocka_unit_test(TestWords),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
