/* SPDX-License-Identifier: MIT */
/*
 * `pageable check` and `pageable report`: many runs, one verdict. What goes from part to part:
 *
 *   CHECK_SETTINGS   what was asked for, by the command line and a configuration file
 *   CHECK_PLAN       the runs ("steps") that follow from it; a step is made from its number
 *   a result         one JSON object for each run, the same that stands in the JSON Lines
 *                    (docs/check-events.schema.json); writers and `report` know nothing else of
 *                    a run
 *   CHECK_SUMMARY    results added up, in the order of the steps: cases, findings, counts
 *
 * Results come to an end in any order and are taken in the order of the steps, so that the same
 * plan gives the same text. What is kept in memory grows with cases and distinct findings, not with
 * runs: a plan may have millions.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "host/run/report.h"
#include "host/text/exit_codes.h"

#define CHECK_SCHEMA_VERSION 1
#define CHECK_MOST_JOBS 512u
#define CHECK_MOST_SHARDS 1000000u
#define CHECK_ERROR 4200

/* ---- check_settings.c, check_config.c ---- */

/* What a driver is run with; NULL: not given. JSON arrays of strings, but for the numbers. */
typedef struct {
    json_t *Scenario;  /* paths, or "default": no scenario */
    json_t *PageOut;   /* "always", "always+evict", ... */
    json_t *Memory;    /* sizes as `run` takes them */
    json_t *Seeds;     /* integers in pairs: first, last */
    json_t *RunOption; /* further options of `run`, each one word */
    json_t *Timeout;   /* one number: seconds for each run */
} CHECK_AXES;

typedef enum {
    CheckJsonl,
    CheckJunit,
    CheckSarif,
    CheckHtml,
    CheckOutputKinds,
} CHECK_OUTPUT_KIND;

typedef struct {
    CHECK_AXES Line;        /* of the command line: goes before all others */
    CHECK_AXES Top;         /* of the configuration file */
    json_t *Drivers;        /* paths of the command line; `report`: its files */
    json_t *ConfigDrivers;  /* paths of the configuration file, those of its tables too */
    CHECK_AXES *Tables;     /* one for each [[driver]] */
    json_t *TablePaths;     /* and whose it is, "" when it names none */
    unsigned TableCount;
    char *Output[CheckOutputKinds]; /* paths, NULL: not asked for */
    char *ReportDirectory;  /* or NULL */
    char *Baseline;         /* or NULL */
    char *WriteBaseline;    /* or NULL */
    char *DocsUrl;          /* "" or where docs/ can be read, for SARIF's helpUri */
    uint32_t Jobs;          /* 0: as many as there are processors */
    uint32_t Shard, Shards; /* 1/1: all */
    bool IsReport;          /* `report`: nothing is run */
    bool HasConfig;
    bool Verbose;
} CHECK_SETTINGS;

/* False: one line in Error. For `report`, options about runs are refused. */
bool SettingsParse(CHECK_SETTINGS *Settings, bool IsReport, int Count, char **Arguments,
                   char Error[CHECK_ERROR]);
void SettingsFree(CHECK_SETTINGS *Settings);
/*
 * Sets what an option, or the key of the same name, says. Values are strings; Base is the directory
 * that paths are relative to, "" for the current one. Axes: where run settings go.
 */
bool SettingsTake(CHECK_SETTINGS *Settings, CHECK_AXES *Axes, const char *Name, json_t *Values,
                  const char *Base, char Error[CHECK_ERROR]);
/* False: Error names file, line and rule. */
bool ConfigRead(CHECK_SETTINGS *Settings, const char *Path, char Error[CHECK_ERROR]);

/* ---- check_plan.c ---- */

typedef struct {
    const char *Path;
    CHECK_AXES Axes; /* borrowed, none NULL */
    uint64_t First;  /* its first step */
    uint64_t Seeds;  /* how many in all */
} CHECK_DRIVER;

typedef struct {
    CHECK_DRIVER *Drivers;
    size_t DriverCount;
    uint64_t Steps;
    uint64_t Hash; /* of all that decides which steps there are */
    uint32_t Shard, Shards;
    CHECK_AXES Defaults;
} CHECK_PLAN;

typedef struct {
    uint64_t Index;
    const CHECK_DRIVER *Driver;
    const char *Scenario; /* "default" or a path */
    const char *PageOut;  /* "always+evict" */
    const char *Memory;
    uint64_t Seed;
} CHECK_STEP;

#define CHECK_MOST_WORDS 128u

typedef struct {
    char *Words[CHECK_MOST_WORDS]; /* of `pageable run`, up to a NULL */
    unsigned Count;
    char Room[16384];
    size_t Used;
} CHECK_WORDS;

/* False: no drivers, a file that is not there, too many runs; Error says which. */
bool PlanMake(CHECK_PLAN *Plan, const CHECK_SETTINGS *Settings, char Error[CHECK_ERROR]);
void PlanFree(CHECK_PLAN *Plan);
void PlanStep(const CHECK_PLAN *Plan, uint64_t Index, CHECK_STEP *Step);
/* The first step of this shard from Index on; Plan->Steps: none. */
uint64_t PlanNext(const CHECK_PLAN *Plan, uint64_t Index);
/* False: they do not fit. */
bool PlanWords(const CHECK_STEP *Step, const char *Program, const char *Json, CHECK_WORDS *Words);
/* Adds one more option of `run`, before the driver; it must stay where it is. False: no room. */
bool PlanAddWord(CHECK_WORDS *Words, char *Option);
/* Whether its runs can have a timeline: that needs verification. */
bool PlanHasTimeline(const CHECK_DRIVER *Driver);
uint32_t PlanTimeout(const CHECK_DRIVER *Driver);

/* ---- run_result.c ---- */

/*
 * The result of a run from what it left: its events, its text, how it ended (as of waitpid) and how
 * long it took. Killed says why it was ended from outside, or is NULL. Never NULL but for memory.
 */
json_t *ResultRead(const CHECK_STEP *Step, const char *Program, int Events, int Text, int Status,
                   uint64_t Ms, const char *Killed);
/* Whether an object that came from a file has all that a result must have. */
bool ResultIsSound(const json_t *Result, char Error[CHECK_ERROR]);
/* Whether a finding can be muted: faults of the environment cannot. */
bool FindingIsFault(const json_t *Finding);
/* A member's text, "" when there is none. */
const char *ResultText(const json_t *Object, const char *Name);
int64_t ResultNumber(const json_t *Object, const char *Name);

/* ---- baseline.c ---- */

typedef struct {
    json_t *Lines; /* by fingerprint: {line, rule, driver, routine, seen} */
} BASELINE;

bool BaselineRead(BASELINE *Baseline, const char *Path, char Error[CHECK_ERROR]);
bool BaselineMutes(const BASELINE *Baseline, const char *Fingerprint);
void BaselineFree(BASELINE *Baseline);

/* ---- check_summary.c ---- */

typedef struct {
    json_t *Finding;    /* as it came first */
    json_t *First;      /* the result it came with, without its findings */
    uint64_t Runs;      /* in which it came */
    bool Muted;
} CHECK_FINDING;

/* The runs of one driver with one scenario in one page-out mode. */
typedef struct {
    char *Driver, *Scenario, *PageOut;
    uint64_t Runs, Ms, MutedRuns;
    EXIT_CODE Code;     /* the worst */
    json_t *Findings;   /* [{index into Findings, runs, replay}], in order of appearance */
} CHECK_CASE;

typedef struct {
    const BASELINE *Baseline;
    CHECK_FINDING *Findings;
    size_t FindingCount;
    CHECK_CASE *Cases;
    size_t CaseCount;
    json_t *ByFingerprint; /* to the index */
    json_t *Drivers;       /* paths that were run, in order; keys of an object */
    uint64_t Runs, Ms, BadRuns, MutedRuns;
    EXIT_CODE Code;        /* the worst, of what is not muted */
    bool Notable;          /* of the run added last: worth its timeline (page.c) */
    bool HasClean;         /* the driver and scenario added last have a clean run */
    json_t *Rows;          /* the runs that the HTML report lists (page.c) */
    uint64_t PageBytes;    /* of the timelines in it */
    bool Complete;         /* every step of the plan, of all shards, has a result */
    int Signal;            /* that ended it early, or 0 */
} CHECK_SUMMARY;

void SummaryInit(CHECK_SUMMARY *Summary, const BASELINE *Baseline);
/*
 * Adds a result, in the order of the steps. *New gets how many of its findings were not seen
 * before. Returns what the run counts as: its exit code, or ExitClean when all that was found is
 * muted.
 */
EXIT_CODE SummaryAdd(CHECK_SUMMARY *Summary, const json_t *Result, unsigned *New);
/* Whether Step is of the last case's driver and scenario, and these have a clean run. */
bool SummaryHasClean(const CHECK_SUMMARY *Summary, const CHECK_STEP *Step);
void SummaryFree(CHECK_SUMMARY *Summary);
/* Findings that are told: neither muted nor faults of the environment. */
size_t SummaryFindings(const CHECK_SUMMARY *Summary);

bool BaselineWrite(const char *Path, const CHECK_SUMMARY *Summary, char Error[CHECK_ERROR]);

/* ---- check_output.c: the files that are written ---- */

typedef struct {
    FILE *File[CheckOutputKinds]; /* NULL: not asked for */
    char *Path[CheckOutputKinds];
    char *RunsDirectory;          /* where each run's events and text go, or NULL */
} CHECK_OUTPUTS;

#define CHECK_RUNS "runs" /* of the report directory */
#define CHECK_RUN_PATH 4200
#define CHECK_TIMELINE "timeline.json" /* what a run's timeline is called behind its number */

/* What the file of a kind is called in the report directory. */
const char *OutputsFileName(CHECK_OUTPUT_KIND Kind);
/* Opens them all, so that a wrong path is told before hours of work. */
bool OutputsOpen(CHECK_OUTPUTS *Outputs, const CHECK_SETTINGS *Settings, char Error[CHECK_ERROR]);
/* A line of the JSON Lines. */
void OutputsLine(CHECK_OUTPUTS *Outputs, const json_t *Object);
/*
 * A run that SummaryAdd has just added, and counts as Counted. Timeline: a descriptor of what
 * `run --timeline-json` wrote, or -1; stays the caller's.
 */
void OutputsRun(CHECK_OUTPUTS *Outputs, CHECK_SUMMARY *Summary, const json_t *Result,
                EXIT_CODE Counted, int Timeline);
/* DIRECTORY/NNNNNN.EXTENSION. False: too long. */
bool OutputsRunPath(const char *Directory, uint64_t Step, const char *Extension,
                    char Path[CHECK_RUN_PATH]);
/* Writes and closes. False: Error names the file that could not be written whole. */
bool OutputsClose(CHECK_OUTPUTS *Outputs, const CHECK_SETTINGS *Settings,
                  const CHECK_SUMMARY *Summary, char Error[CHECK_ERROR]);

void OutputsFree(CHECK_OUTPUTS *Outputs);

/* junit.c, sarif.c: one writer for each; false: not enough memory. */
bool JunitWrite(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary);
bool SarifWrite(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary);

/* page.c: the HTML report. A run, as OutputsRun has it; then, at the end, the rest. */
void PageAddRun(FILE *File, CHECK_SUMMARY *Summary, const json_t *Result, EXIT_CODE Counted,
                int Timeline);
bool PageWrite(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary);

/* ---- check_screen.c: what a person sees ---- */

typedef struct {
    REPORT Report;
    bool Live;       /* a terminal: one line that changes */
    bool Verbose;
    uint64_t Steps;  /* that will come, of all drivers */
} CHECK_SCREEN;

/* Text goes to the standard output, or to the standard error where a report goes there. */
void ScreenOpen(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings, uint64_t Steps);
/* A finished run: a line, on a terminal only when it is worth one. */
void ScreenResult(CHECK_SCREEN *Screen, const json_t *Result, EXIT_CODE Counted, unsigned New);
/* The line that changes: how many runs have ended, one that is under way (or NULL). */
void ScreenProgress(CHECK_SCREEN *Screen, uint64_t Done, const CHECK_STEP *Running,
                    const CHECK_SUMMARY *Summary);
/* Each finding once, what the baseline muted. */
void ScreenFindings(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings,
                    const CHECK_SUMMARY *Summary);
/* The files written and the verdict: the last lines. */
void ScreenVerdict(CHECK_SCREEN *Screen, const CHECK_OUTPUTS *Outputs,
                   const CHECK_SUMMARY *Summary);

/* ---- check_jsonl.c ---- */

json_t *JsonlHeader(const CHECK_PLAN *Plan);
json_t *JsonlEnd(const CHECK_SUMMARY *Summary);

/* ---- check_run.c ---- */

typedef struct {
    const char *Program; /* argv[0] */
    const CHECK_PLAN *Plan;
    CHECK_OUTPUTS *Outputs;
    CHECK_SUMMARY *Summary;
    CHECK_SCREEN *Screen;
    unsigned Jobs;
} CHECK_RUN;

/*
 * Runs the shard's steps; Summary says whether all of them. A signal ends the runs under way, which
 * then have no result. False: it could not begin; Error says why.
 */
bool CheckRunAll(CHECK_RUN *Run, char Error[CHECK_ERROR]);

/* ---- check_command.c, report_command.c ---- */

/* After the last result: findings, the files, the verdict. Returns what to exit with. */
EXIT_CODE CheckFinish(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings,
                      CHECK_OUTPUTS *Outputs, CHECK_SUMMARY *Summary);

/* One line on the standard error; returns Code. */
EXIT_CODE CheckFail(EXIT_CODE Code, const char *Text);
/* What `check` and `report` both take. */
#define HELP_CHECK_FILES \
    "  --junit=FILE           JUnit XML: a case for each driver, scenario and mode\n" \
    "  --sarif=FILE           SARIF 2.1.0: a result for each finding, with its stack\n" \
    "  --html=FILE            one page to look at: the findings, all runs, timelines of those\n" \
    "                         that show something\n" \
    "  --jsonl=FILE           JSON Lines: a result for each run, as it ends; - for the standard\n" \
    "                         output\n" \
    "  --report-dir=DIR       all of them; of check, the events and the text of each run, too\n" \
    "  --docs-url=URL         where docs/ can be read, for the links in SARIF\n" \
    "  --baseline=FILE        known findings, which do not fail the check; those muted are\n" \
    "                         named, and lines of the file that do not occur any more\n" \
    "  --write-baseline=FILE  writes what was found as a baseline\n"
extern const char HelpCheck[];
extern const char HelpReport[];
EXIT_CODE CheckCommand(const char *Program, int Count, char **Arguments);
EXIT_CODE ReportCommand(int Count, char **Arguments);
