/* SPDX-License-Identifier: MIT */
/* sources: host/check/check_settings.c host/check/check_config.c host/check/check_plan.c host/check/toml.c host/run/options.c host/symbols/source_map.c host/timeline/budget.c host/text/text.c host/input/driver_file.c lib/pe_image.c lib/pe_directories.c lib/pe_load.c lib/pe_exports.c */
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

#include "host/check/check.h"
#include "host/run/run.h"

static char Error[CHECK_ERROR], Directory[] = "/tmp/check-XXXXXX";
static CHECK_SETTINGS Settings;
static CHECK_PLAN Plan;

bool ScenarioCheck(const char *Path, const char *Text, size_t Size, char *Why, size_t WhySize)
{
    snprintf(Why, WhySize, "%s: a mistake", Path);
    return strstr(Text, "mistake") == NULL;
}

static void File(const char *Name, const char *Text)
{
    FILE *Out = fopen(Name, "w");
    assert_non_null(Out);
    fputs(Text, Out);
    fclose(Out);
}

/* Settings and the plan of a line of words; false: Error. */
static bool Make(const char *Line)
{
    static char Buffer[1024];
    char *Words[32];
    int Count = 0;
    strncpy(Buffer, Line, sizeof(Buffer) - 1);
    for (char *Word = strtok(Buffer, " "); Word != NULL; Word = strtok(NULL, " ")) {
        Words[Count++] = Word;
    }
    memset(&Plan, 0, sizeof(Plan));
    return SettingsParse(&Settings, false, Count, Words, Error) &&
           PlanMake(&Plan, &Settings, Error);
}

static void Free(void)
{
    PlanFree(&Plan);
    SettingsFree(&Settings);
}

static void Makes(const char *Line, uint64_t Steps)
{
    if (!Make(Line)) {
        fail_msg("%s: %s", Line, Error);
    }
    assert_int_equal(Plan.Steps, Steps);
}

static void Refuses(const char *Line, const char *Part)
{
    if (Make(Line) || strstr(Error, Part) == NULL) {
        fail_msg("%s: %s", Line, Error);
    }
    Free();
}

static void TestOrder(void **State)
{
    static const char *const Expected[] = {
        "a.sys default at-raise 32M 1", "a.sys default at-raise 32M 5",
        "a.sys default at-raise 32M 6", "a.sys default at-raise 48M 1",
        "a.sys default at-raise 48M 5", "a.sys default at-raise 48M 6",
        "a.sys default always+evict 32M 1",
    };
    CHECK_STEP Step;
    Makes("a.sys b.sys --page-out=at-raise,always+evict --memory=32M,48M --seeds=1,5-6", 24);
    for (unsigned i = 0; i < sizeof(Expected) / sizeof(Expected[0]); i++) {
        char Text[200];
        PlanStep(&Plan, i, &Step);
        snprintf(Text, sizeof(Text), "%s %s %s %s %llu", Step.Driver->Path, Step.Scenario,
                 Step.PageOut, Step.Memory, (unsigned long long)Step.Seed);
        assert_string_equal(Text, Expected[i]);
    }
    PlanStep(&Plan, 12, &Step);
    assert_string_equal(Step.Driver->Path, "b.sys");
    Free();
    Makes("a.sys", 9);
    Free();
    Makes("a.sys ./a.sys a.sys", 9);
    Free();
    Makes("a.sys --seeds=1-100000000000", 300000000000);
    PlanStep(&Plan, 299999999999, &Step);
    assert_int_equal(Step.Seed, 100000000000);
    Free();
}

static void TestWords(void **State)
{
    CHECK_WORDS Words;
    CHECK_STEP Step;
    char Line[1024] = "";
    Makes("a.sys --page-out=always+evict --seeds=7 --run-option=--machine=pci --scenario=s.lua "
          "--timeout 9", 1);
    PlanStep(&Plan, 0, &Step);
    assert_true(PlanWords(&Step, "pageable", "-", &Words));
    for (unsigned i = 0; i < Words.Count; i++) {
        strcat(strcat(Line, Words.Words[i]), " ");
    }
    assert_string_equal(Line, "pageable run --page-out=always --evict --memory=48M --seed=7 "
                              "--timeout=9 --json=- --scenario=s.lua --machine=pci -- a.sys ");
    assert_int_equal(PlanTimeout(Step.Driver), 9);
    assert_true(PlanHasTimeline(Step.Driver));
    char Option[] = "--timeline-json=x";
    unsigned Count = Words.Count;
    assert_true(PlanAddWord(&Words, Option));
    assert_int_equal(Words.Count, Count + 1);
    assert_string_equal(Words.Words[Count - 2], Option);
    assert_string_equal(Words.Words[Count - 1], "--");
    assert_string_equal(Words.Words[Count], "a.sys");
    assert_null(Words.Words[Count + 1]);
    while (Words.Count + 1 < CHECK_MOST_WORDS) {
        assert_true(PlanAddWord(&Words, Option));
    }
    assert_false(PlanAddWord(&Words, Option));
    Free();
    Makes("a.sys --seeds=1 --run-option=--no-verify", 3);
    PlanStep(&Plan, 0, &Step);
    assert_false(PlanHasTimeline(Step.Driver));
    Free();
}

/* Every step is of one shard, whatever the others are; a step's shard depends on it alone. */
static void TestShards(void **State)
{
    uint8_t Owner[6000] = {0};
    uint64_t Least = 6000;
    for (unsigned Shard = 1; Shard <= 7; Shard++) {
        char Line[200];
        uint64_t Count = 0;
        snprintf(Line, sizeof(Line), "a.sys b.sys --seeds=1-1000 --shard=%u/7", Shard);
        Makes(Line, 6000);
        for (uint64_t i = 0; (i = PlanNext(&Plan, i)) < Plan.Steps; i++, Count++) {
            assert_int_equal(Owner[i], 0);
            Owner[i] = (uint8_t)Shard;
        }
        Least = Count < Least ? Count : Least;
        Free();
    }
    assert_null(memchr(Owner, 0, sizeof(Owner)));
    assert_in_range(Least, 6000 / 7 * 9 / 10, 6000 / 7 + 1); /* even to ten percent */
    Makes("b.sys --seeds=1-1000 --shard=3/7", 3000);
    for (uint64_t i = 0; (i = PlanNext(&Plan, i)) < Plan.Steps; i++) {
        assert_int_equal(Owner[3000 + i], 3);
    }
    Free();
}

static void TestHash(void **State)
{
    Makes("a.sys --seeds=1-3", 9);
    uint64_t Hash = Plan.Hash;
    Free();
    Makes("a.sys --shard=1/2", 9); /* the same by default; the shard is no part of the plan */
    assert_int_equal(Plan.Hash, Hash);
    Free();
    static const char *const Others[] = {"b.sys", "a.sys --seeds=1-4", "a.sys --memory=32M",
                                         "a.sys --page-out=always", "a.sys --scenario=s.lua",
                                         "a.sys --run-option=--no-verify", "a.sys b.sys"};
    for (size_t i = 0; i < sizeof(Others) / sizeof(Others[0]); i++) {
        assert_true(Make(Others[i]));
        assert_int_not_equal(Plan.Hash, Hash);
        Free();
    }
}

static void TestConfig(void **State)
{
    CHECK_STEP Step;
    assert_int_equal(mkdir("sub", 0700), 0);
    File("sub/c.sys", "");
    File("sub/s.lua", "");
    File("sub/c.toml", "drivers = ['../a.sys']\nseeds = [1, 4]\nmemory = '32M'\n"
                       "junit = 'j.xml'\ntimeout = 5\n"
                       "[[driver]]\npath = 'c.sys'\nscenario = ['default', 's.lua']\nseeds = 9\n");
    Makes("--config=sub/c.toml", 6 + 6);
    PlanStep(&Plan, 0, &Step);
    assert_string_equal(Step.Driver->Path, "sub/../a.sys");
    assert_string_equal(Step.Memory, "32M");
    assert_int_equal(PlanTimeout(Step.Driver), 5);
    PlanStep(&Plan, 11, &Step);
    assert_string_equal(Step.Scenario, "sub/s.lua");
    assert_int_equal(Step.Seed, 9);
    assert_string_equal(Settings.Output[CheckJunit], "sub/j.xml");
    Free();
    Makes("--config=sub/c.toml --seeds=1 --memory=48M --junit=here.xml", 3 + 6);
    PlanStep(&Plan, 8, &Step);
    assert_string_equal(Step.Memory, "48M");
    assert_string_equal(Settings.Output[CheckJunit], "here.xml");
    Free();
    Makes("--config=sub/c.toml sub/c.sys", 6); /* the one, as its table says */
    Free();
    Refuses("--config=sub/c.toml --config=sub/c.toml", "only one");
    Refuses("--config=sub", "sub: ");
    static const struct {
        const char *Text, *Part;
    } Bad[] = {
        {"seeds = 0", "c.toml:1: 0: seeds are N"},
        {"seeds = []", "an empty list would mean no runs"},
        {"seeds = true", "takes strings or whole numbers"},
        {"page-out = 'often'", "the modes are"},
        {"memory = '1M'", "16M to 64G"},
        {"timeout = [1, 2]", "takes one value"},
        {"shard = '1/2'", "the command line alone"},
        {"\n[driver]\npath = 'a.sys'", "c.toml:3: [driver]: is written [[driver]]"},
        {"[[driver]]\nseeds = 1", "(number 1) has no path"},
        {"[[driver]]\npath = 'a.sys'\njobs = 2", "before the first [[driver]]"},
        {"[other]\nx = 1", "no such table"},
        {"run-option = 'machine'", "begins with -"},
        {"run-option = '--seed=4'", "all runs can share"},
        {"run-option = '--machine=tablet'", "the machines are"},
        {"drivers = 1\x01", "c.toml:1:12: "},
    };
    for (size_t i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++) {
        File("sub/c.toml", Bad[i].Text);
        Refuses("--config=sub/c.toml", Bad[i].Part);
    }
}

static void TestRefused(void **State)
{
    File("m.lua", "mistake");
    Refuses("", "which drivers");
    Refuses("none.sys", "No such file");
    Refuses("a.sys --shard=0/3", "a shard is K/N");
    Refuses("a.sys --shard=4/3", "a shard is K/N");
    Refuses("a.sys --shard=1", "a shard is K/N");
    Refuses("a.sys --jobs=0", "jobs are 1 to 512");
    Refuses("a.sys --seeds=3-1", "seeds are N");
    Refuses("a.sys --seeds=1-9223372036854775807", "more than 10^12 runs");
    Refuses("a.sys --page-out=random:7", "seeds are given by --seeds");
    Refuses("a.sys --page-out=+evict", "the modes are");
    Refuses("a.sys --scenario=none.lua", "No such file");
    Refuses("a.sys --scenario=m.lua", "a mistake");
    Refuses("a.sys --seeds", "needs a value");
    Refuses("a.sys --junit=", "needs a value");
    Refuses("a.sys --drivers=b.sys", "no such option");
    Refuses("a.sys --run-option=--json=x", "all runs can share");
}

static int Begin(void **State)
{
    int Result = mkdtemp(Directory) == NULL || chdir(Directory) != 0;
    File("a.sys", "");
    File("b.sys", "");
    File("s.lua", "");
    return Result;
}

static int End(void **State)
{
    char Line[200];
    snprintf(Line, sizeof(Line), "rm -rf %s", Directory);
    return chdir("/") != 0 || system(Line) != 0;
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestOrder), cmocka_unit_test(TestWords), cmocka_unit_test(TestShards),
        cmocka_unit_test(TestHash), cmocka_unit_test(TestConfig), cmocka_unit_test(TestRefused),
    };
    return cmocka_run_group_tests(Tests, Begin, End);
}
