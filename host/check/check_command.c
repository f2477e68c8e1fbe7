/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "host/check/check.h"
#include "host/machine/program_files.h"
#include "host/text/text.h"

#define CHECK_MOST_COUNTED 10000000u

const char HelpCheck[] =
    "usage: pageable check [--config=pageable.toml] DRIVER.sys... [options]\n"
    "\n"
    "Runs each driver with each scenario in each page-out mode, memory size and seed, several\n"
    "runs at a time. Each finding is told once, with the command that replays it.\n"
    "\n"
    "  --config=FILE          settings in TOML; a key has the name of the option (docs/check.md)\n"
    "  --scenario=FILE.lua    may be given again; default: the flow of `run` without a scenario\n"
    "  --page-out=MODES       such as at-raise,always,random (the default); with +evict behind a\n"
    "                         mode, as in always+evict, pages go to the paging file\n"
    "  --memory=SIZES         such as 32M,48M; 48M\n"
    "  --seeds=SEEDS          such as 1-3 (the default) or 1,5,100-200\n"
    "  --run-option=OPTION    a further option of `pageable run`, in one word; may be given again\n"
    "  --timeout=60           seconds for each run\n"
    "  --jobs=N               runs at a time; as many as there are processors\n"
    HELP_CHECK_FILES
    "  --shard=K/N            only the K-th of N parts of the runs; `pageable report` joins them\n"
    "  -v, --verbose          a line for each run on a terminal, too\n"
    "\n"
    "Exit codes: the highest of the runs' that is not muted: 0 clean, 1 finding, 3 driver not\n"
    "loadable, 4 time limit, 5 a fault of the machine or the environment. 2 wrong usage, before\n"
    "anything is run; 128 + n: signal n.\n"
    "\n"
    "Try: pageable check DRIVER.sys --junit=junit.xml\n";

EXIT_CODE CheckFail(EXIT_CODE Code, const char *Text)
{
    char Clean[CHECK_ERROR];
    TextCleanString(Clean, sizeof(Clean), Text);
    fprintf(stderr, "pageable: %s\n", Clean);
    return Code;
}

/* As many as this process may use. */
static unsigned CheckProcessors(void)
{
    cpu_set_t Set;
    int Count = sched_getaffinity(0, sizeof(Set), &Set) == 0 ? CPU_COUNT(&Set) : 1;
    return (unsigned)Count < CHECK_MOST_JOBS ? (unsigned)Count : CHECK_MOST_JOBS;
}

/* The runs of this shard, for the progress line: an estimate where counting would take long. */
static uint64_t CheckCount(const CHECK_PLAN *Plan)
{
    uint64_t Count = 0;
    if (Plan->Shards == 1 || Plan->Steps > CHECK_MOST_COUNTED) {
        return Plan->Steps / Plan->Shards;
    }
    for (uint64_t Index = 0; (Index = PlanNext(Plan, Index)) < Plan->Steps; Index++) {
        Count++;
    }
    return Count;
}

/* What is done after the last run, for `report` too. */
EXIT_CODE CheckFinish(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings,
                      CHECK_OUTPUTS *Outputs, CHECK_SUMMARY *Summary)
{
    char Error[CHECK_ERROR];
    EXIT_CODE Code = Summary->Code;
    ScreenFindings(Screen, Settings, Summary);
    if (!OutputsClose(Outputs, Settings, Summary, Error)) {
        Code = CheckFail(ExitEnvironment, Error);
    }
    if (Settings->WriteBaseline != NULL && Summary->Signal == 0 &&
        !BaselineWrite(Settings->WriteBaseline, Summary, Error)) {
        Code = CheckFail(ExitEnvironment, Error);
    }
    ScreenVerdict(Screen, Outputs, Summary);
    return Summary->Signal != 0 ? (EXIT_CODE)(ExitSignal + Summary->Signal) : Code;
}

static EXIT_CODE CheckRunPlan(const char *Program, const CHECK_SETTINGS *Settings,
                              const CHECK_PLAN *Plan, const BASELINE *Baseline)
{
    char Error[CHECK_ERROR];
    CHECK_OUTPUTS Outputs;
    CHECK_SUMMARY Summary;
    CHECK_SCREEN Screen;
    CHECK_RUN Run = {Program, Plan, &Outputs, &Summary, &Screen,
                     Settings->Jobs != 0 ? Settings->Jobs : CheckProcessors()};
    EXIT_CODE Code = ExitEnvironment;

    SummaryInit(&Summary, Baseline);
    ScreenOpen(&Screen, Settings, CheckCount(Plan));
    if (!OutputsOpen(&Outputs, Settings, Error)) {
        Code = CheckFail(ExitUsage, Error);
    } else {
        json_t *Header = JsonlHeader(Plan);
        OutputsLine(&Outputs, Header);
        json_decref(Header);
        if (CheckRunAll(&Run, Error)) {
            json_t *End = JsonlEnd(&Summary);
            OutputsLine(&Outputs, End);
            json_decref(End);
            Code = CheckFinish(&Screen, Settings, &Outputs, &Summary);
        } else {
            CheckFail(ExitEnvironment, Error);
        }
    }
    OutputsFree(&Outputs);
    SummaryFree(&Summary);
    return Code;
}

EXIT_CODE CheckCommand(const char *Program, int Count, char **Arguments)
{
    char Error[CHECK_ERROR];
    CHECK_SETTINGS Settings;
    CHECK_PLAN Plan = {0};
    BASELINE Baseline = {0};
    PROGRAM_FILES Files;
    EXIT_CODE Code = ExitClean;

    if (!SettingsParse(&Settings, false, Count, Arguments, Error)) {
        TextAppendFormat(Error, sizeof(Error), "; see `pageable help check`");
        Code = CheckFail(ExitUsage, Error);
    } else if (!PlanMake(&Plan, &Settings, Error) ||
               (Settings.Baseline != NULL && !BaselineRead(&Baseline, Settings.Baseline, Error))) {
        Code = CheckFail(ExitUsage, Error);
    } else if (!ProgramFilesFind(&Files, "ntoskrnl.exe", Error, sizeof(Error))) {
        Code = CheckFail(ExitEnvironment, Error);
    }
    if (Code == ExitClean) {
        Code = CheckRunPlan(Program, &Settings, &Plan,
                            Settings.Baseline != NULL ? &Baseline : NULL);
    }
    BaselineFree(&Baseline);
    PlanFree(&Plan);
    SettingsFree(&Settings);
    return Code;
}
