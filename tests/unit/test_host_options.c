/* SPDX-License-Identifier: MIT */
/* sources: host/run/options.c host/symbols/source_map.c host/text/text.c host/timeline/budget.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "host/run/options.h"

static char Error[512];

/* Parses a line of words without quotes; the words are leaked into a static buffer. */
static bool Parse(RUN_OPTIONS *Options, const char *Line)
{
    static char Buffer[1024];
    char *Words[32];
    int Count = 0;
    strncpy(Buffer, Line, sizeof(Buffer) - 1);
    for (char *Word = strtok(Buffer, " "); Word != NULL; Word = strtok(NULL, " ")) {
        Words[Count++] = Word;
    }
    return OptionsParse(Options, Count, Words, Error, sizeof(Error));
}

static void TestDefaults(void **State)
{
    RUN_OPTIONS Options;
    assert_true(Parse(&Options, "a.sys"));
    assert_string_equal(Options.Driver, "a.sys");
    assert_string_equal(Options.PageOut, "at-raise");
    assert_string_equal(Options.Machine, "microvm");
    assert_int_equal(Options.Memory, 48u << 20);
    assert_int_equal(Options.TimeoutSeconds, 60);
    assert_false(Options.TimeoutGiven); /* test-guest has another default */
    assert_int_equal(Options.Seed, 1);
    assert_false(Options.Evict);
    assert_null(Options.Scenario);
}

static void TestDefaultTimeoutGiven(void **State)
{
    RUN_OPTIONS Options;
    assert_true(Parse(&Options, "a.sys --timeout=60"));
    assert_int_equal(Options.TimeoutSeconds, 60);
    assert_true(Options.TimeoutGiven);
}

static void TestAll(void **State)
{
    RUN_OPTIONS Options;
    assert_true(Parse(&Options, "--page-out=random:0x10 --evict a.sys --memory 1G -v "
                                "--paging-file=0 --timeout=5 --json=- --scenario=s.lua "
                                "--disk-fault=read:3 --machine=pci --dpc-watchdog=0"));
    assert_string_equal(Options.PageOut, "random");
    assert_int_equal(Options.Seed, 16);
    assert_int_equal(Options.Memory, 1u << 30);
    assert_int_equal(Options.PagingFile, 0);
    assert_int_equal(Options.TimeoutSeconds, 5);
    assert_int_equal(Options.DpcWatchdog, 0);
    assert_string_equal(Options.Json, "-");
    assert_string_equal(Options.Scenario, "s.lua");
    assert_string_equal(Options.Machine, "pci");
    assert_int_equal(Options.DiskFault, DiskFaultRead);
    assert_int_equal(Options.DiskFaultNumber, 3);
    assert_true(Options.Evict);
    assert_true(Options.Verbose);
    assert_true(Parse(&Options, "-- -odd.sys"));
    assert_string_equal(Options.Driver, "-odd.sys");
}

static void TestRefused(void **State)
{
    static const char *const Bad[] = {
        "a.sys b.sys", "--page-out=sometimes", "--page-out", "--memory=8M", "--memory=48.5M",
        "--memory=65G", "--paging-file=4095", "--paging-file=4096", "--timeout=0", "--timeout=x",
        "--history=1001", "--history=few", "--seed=0", "--seed=-1",
        "--page-out=random:5 --seed=6", "--json=", "--accel=hax",
        "--machine=q35", "--nt-version=7", "--kd=", "--disk-fault=melt", "--disk-fault=flip:1",
        "--disk-fault=read:65", "--dpc-watchdog=", "--dpc-watchdog=86401", "--dpc-watchdog=1s",
        "--disk-fault=slow:9", "--disk-fault=slow:x", "--disk-fault=slower", "--nonsense", "-x",
        "--evict=yes", "--memoryx=48M",
    };
    RUN_OPTIONS Options;
    for (size_t i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++) {
        Error[0] = 0;
        assert_false(Parse(&Options, Bad[i]));
        assert_true(Error[0] != 0);
    }
}

static void TestRandomChoosesASeed(void **State)
{
    RUN_OPTIONS Options;
    char Line[1024];
    assert_true(Parse(&Options, "a.sys --page-out=random"));
    assert_true(Options.Seed != 0);
    OptionsReplay(&Options, "pageable", Line, sizeof(Line));
    RUN_OPTIONS Again;
    assert_true(Parse(&Again, Line + strlen("pageable run ")));
    assert_int_equal(Again.Seed, Options.Seed);
    assert_string_equal(Again.PageOut, "random");
}

static void TestReplay(void **State)
{
    RUN_OPTIONS Options;
    char Line[1024];
    assert_true(Parse(&Options, "a.sys --evict --memory=64M --paging-file=1M --timeout=9 "
                                "--disk-fault=write:2 --scenario=x.lua --machine=pci -v --json=o"));
    OptionsReplay(&Options, "./pageable", Line, sizeof(Line));
    assert_string_equal(Line, "./pageable run a.sys --scenario=x.lua --page-out=at-raise --evict "
                              "--memory=64M --paging-file=1M --timeout=9 --machine=pci "
                              "--disk-fault=write:2 --seed=1");
    assert_true(Parse(&Options, "a.sys --disk-fault=slow"));
    OptionsReplay(&Options, "./pageable", Line, sizeof(Line));
    assert_string_equal(Line, "./pageable run a.sys --page-out=at-raise --disk-fault=slow:200 "
                              "--seed=1");
    char Short[20];
    OptionsReplay(&Options, "./pageable", Short, sizeof(Short));
    assert_int_equal(strlen(Short), sizeof(Short) - 1);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestDefaults), cmocka_unit_test(TestAll),
        cmocka_unit_test(TestDefaultTimeoutGiven), cmocka_unit_test(TestRefused),
        cmocka_unit_test(TestRandomChoosesASeed), cmocka_unit_test(TestReplay),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
