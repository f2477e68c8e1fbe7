/* SPDX-License-Identifier: MIT */
/*
 * `pageable report`: the JSON Lines of shards, joined by the numbers of their steps, as one check
 * would have told them. Each file is read a line at a time and merged with the others, so shards of
 * any size fit. The files must be of one plan, whole, and every shard there once: else what is
 * there is told, and the exit status is that of a fault of the environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/text/text.h"

#define SHARD_MOST_LINE (16u << 20)

const char HelpReport[] =
    "usage: pageable report SHARD.jsonl... [options]\n"
    "\n"
    "Joins what `pageable check --jsonl` wrote, for all shards of one check, and tells it as one\n"
    "check would. - is the standard input.\n"
    "\n"
    HELP_CHECK_FILES
    "  -v, --verbose          a line for each run\n"
    "\n"
    "Exit codes: those of `pageable check`; 2 for a file that is none of a check, 5 when a shard\n"
    "is missing or was cut short: what is there is told all the same.\n"
    "\n"
    "Try: pageable report shard-*.jsonl --junit=junit.xml\n";

typedef struct {
    const char *Path;
    FILE *File;
    char *Line;
    size_t Capacity;
    uint64_t Number;  /* of the line read last */
    json_t *Result;   /* the next one, NULL: no more */
    int64_t LastStep;
    int64_t Runs;
    bool Ended;       /* the line that says so was there */
} SHARD;

typedef struct {
    SHARD *Shards;
    size_t Count;
    json_t *Header; /* of the first file */
    char *Error;    /* CHECK_ERROR bytes */
} MERGE;

static bool MergeFail(MERGE *Merge, const SHARD *Shard, const char *Rule)
{
    char Clean[1024];
    TextCleanString(Clean, sizeof(Clean), Shard->Path);
    snprintf(Merge->Error, CHECK_ERROR, "%s:%llu: %s", Clean, (unsigned long long)Shard->Number,
             Rule);
    return false;
}

/* The next line as an object; NULL: the end of the file (Error untouched), or no JSON. */
static json_t *MergeLine(MERGE *Merge, SHARD *Shard, bool *Bad)
{
    json_error_t Why;
    ssize_t Length = getline(&Shard->Line, &Shard->Capacity, Shard->File);
    *Bad = false;
    if (Length <= 0) {
        return NULL;
    }
    Shard->Number++;
    json_t *Object = (size_t)Length <= SHARD_MOST_LINE
                         ? json_loadb(Shard->Line, (size_t)Length, JSON_REJECT_DUPLICATES, &Why)
                         : NULL;
    if (!json_is_object(Object)) {
        json_decref(Object);
        Object = NULL;
        *Bad = true;
        MergeFail(Merge, Shard, "the line is no JSON object: cut short, or not of a check");
    }
    return Object;
}

/* Reads up to the next result. False: the file is not what it should be. */
static bool MergeNext(MERGE *Merge, SHARD *Shard)
{
    char Why[CHECK_ERROR];
    bool Bad;
    json_decref(Shard->Result);
    Shard->Result = NULL;
    json_t *Object = MergeLine(Merge, Shard, &Bad);
    if (Object == NULL) {
        return !Bad;
    }
    const char *Type = ResultText(Object, "type");
    int64_t Step = ResultNumber(Object, "step");
    bool Good = false;
    if (Shard->Ended) {
        MergeFail(Merge, Shard, "a line behind the end");
    } else if (strcmp(Type, "end") == 0) {
        Good = ResultNumber(Object, "runs") == Shard->Runs;
        Shard->Ended = Good && json_is_true(json_object_get(Object, "complete"));
        if (!Good) {
            MergeFail(Merge, Shard, "the number of runs is not that of the lines");
        }
        json_decref(Object);
        return Good && (!Shard->Ended || MergeNext(Merge, Shard));
    } else if (strcmp(Type, "run") != 0) {
        MergeFail(Merge, Shard, "\"type\" is none of run and end");
    } else if (!ResultIsSound(Object, Why)) {
        MergeFail(Merge, Shard, Why);
    } else if (Step <= Shard->LastStep || Step >= ResultNumber(Merge->Header, "steps")) {
        MergeFail(Merge, Shard, "the step is not behind the one before it, or not of the plan");
    } else {
        Good = true;
    }
    if (!Good) {
        json_decref(Object);
        return false;
    }
    Shard->LastStep = Step;
    Shard->Runs++;
    Shard->Result = Object;
    return true;
}

/* The first line of a file: the plan and which shard of it. */
static bool MergeHeader(MERGE *Merge, SHARD *Shard)
{
    bool Bad;
    json_t *Header = MergeLine(Merge, Shard, &Bad);
    bool Good = false;
    if (Header == NULL) {
        return Bad ? false : MergeFail(Merge, Shard, "the file is empty");
    }
    if (strcmp(ResultText(Header, "type"), "check") != 0) {
        MergeFail(Merge, Shard, "not what `pageable check --jsonl` writes");
    } else if (ResultNumber(Header, "schema_version") != CHECK_SCHEMA_VERSION) {
        MergeFail(Merge, Shard, "another schema_version than 1");
    } else if (Merge->Header == NULL) {
        Merge->Header = json_incref(Header);
        Good = true;
    } else if (strcmp(ResultText(Merge->Header, "plan"), ResultText(Header, "plan")) != 0 ||
               ResultNumber(Merge->Header, "steps") != ResultNumber(Header, "steps") ||
               ResultNumber(Merge->Header, "shards") != ResultNumber(Header, "shards")) {
        MergeFail(Merge, Shard, "of another plan than the first file: the same drivers, "
                                "scenarios, modes, sizes, seeds and number of shards are needed");
    } else {
        Good = true;
    }
    json_decref(Header);
    return Good && MergeNext(Merge, Shard);
}

static bool MergeOpen(MERGE *Merge, const json_t *Paths)
{
    size_t i;
    json_t *Path;
    Merge->Shards = calloc(json_array_size(Paths) + 1, sizeof(*Merge->Shards));
    json_array_foreach(Paths, i, Path) {
        SHARD *Shard = &Merge->Shards[Merge->Count++];
        Shard->Path = json_string_value(Path);
        Shard->LastStep = -1;
        Shard->File = strcmp(Shard->Path, "-") == 0 ? stdin : fopen(Shard->Path, "re");
        if (Shard->File == NULL) {
            return MergeFail(Merge, Shard, strerror(errno));
        }
        if (!MergeHeader(Merge, Shard)) {
            return false;
        }
    }
    return true;
}

/* The file with the lowest step; NULL: none has any more. *Twice: two have it. */
static SHARD *MergeLowest(MERGE *Merge, bool *Twice)
{
    SHARD *Lowest = NULL;
    *Twice = false;
    for (size_t i = 0; i < Merge->Count; i++) {
        SHARD *Shard = &Merge->Shards[i];
        if (Shard->Result == NULL) {
            continue;
        }
        if (Lowest == NULL || Shard->LastStep < Lowest->LastStep) {
            Lowest = Shard;
            *Twice = false;
        } else if (Shard->LastStep == Lowest->LastStep) {
            *Twice = true;
        }
    }
    return Lowest;
}

/*
 * The timeline of the run read last, in runs/ beside the file, where --report-dir keeps it; -1:
 * none, not worth one, or a file of another name, for which runs/ may be of another check.
 */
static int MergeTimeline(const CHECK_OUTPUTS *Outputs, const CHECK_SUMMARY *Summary,
                         const SHARD *Shard)
{
    char Directory[CHECK_RUN_PATH], Path[CHECK_RUN_PATH];
    const char *Name = TextBaseName(Shard->Path);
    int Length = (int)(Name - Shard->Path);
    if (Outputs->File[CheckHtml] == NULL || !Summary->Notable ||
        strcmp(Name, OutputsFileName(CheckJsonl)) != 0 ||
        snprintf(Directory, sizeof(Directory), "%.*s" CHECK_RUNS, Length, Shard->Path) >=
            (int)sizeof(Directory) ||
        !OutputsRunPath(Directory, (uint64_t)Shard->LastStep, CHECK_TIMELINE, Path)) {
        return -1;
    }
    return open(Path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static bool MergeAll(MERGE *Merge, CHECK_OUTPUTS *Outputs, CHECK_SUMMARY *Summary,
                     CHECK_SCREEN *Screen)
{
    for (;;) {
        bool Twice;
        unsigned New;
        SHARD *Shard = MergeLowest(Merge, &Twice);
        if (Shard == NULL) {
            return true;
        }
        if (Twice) {
            return MergeFail(Merge, Shard, "another file has this step, too: a shard given twice?");
        }
        EXIT_CODE Counted = SummaryAdd(Summary, Shard->Result, &New);
        int Timeline = MergeTimeline(Outputs, Summary, Shard);
        OutputsRun(Outputs, Summary, Shard->Result, Counted, Timeline);
        if (Timeline >= 0) {
            close(Timeline);
        }
        if (Screen->Verbose) {
            ScreenResult(Screen, Shard->Result, Counted, New);
        }
        if (!MergeNext(Merge, Shard)) {
            return false;
        }
    }
}

/* Whether every step has come; Error says what is missing. */
static bool MergeIsComplete(MERGE *Merge, const CHECK_SUMMARY *Summary)
{
    uint64_t Steps = (uint64_t)ResultNumber(Merge->Header, "steps");
    for (size_t i = 0; i < Merge->Count; i++) {
        if (!Merge->Shards[i].Ended) {
            return MergeFail(Merge, &Merge->Shards[i], "the file has no end: its check was "
                                                       "interrupted, or still runs");
        }
    }
    if (Summary->Runs != Steps) {
        snprintf(Merge->Error, CHECK_ERROR, "%llu of %llu runs are there: %lld shards are needed, "
                                            "%zu files were given",
                 (unsigned long long)Summary->Runs, (unsigned long long)Steps,
                 (long long)ResultNumber(Merge->Header, "shards"), Merge->Count);
        return false;
    }
    return true;
}

static EXIT_CODE ReportMerged(const CHECK_SETTINGS *Settings, MERGE *Merge, CHECK_SUMMARY *Summary)
{
    CHECK_OUTPUTS Outputs;
    CHECK_SCREEN Screen;
    EXIT_CODE Code = ExitEnvironment;

    ScreenOpen(&Screen, Settings, 0);
    if (!OutputsOpen(&Outputs, Settings, Merge->Error)) {
        Code = CheckFail(ExitUsage, Merge->Error);
    } else {
        json_t *Header = json_copy(Merge->Header);
        json_object_set_new(Header, "shard", json_integer(1));
        json_object_set_new(Header, "shards", json_integer(1));
        OutputsLine(&Outputs, Header);
        json_decref(Header);
        bool Good = MergeAll(Merge, &Outputs, Summary, &Screen);
        Summary->Complete = Good && MergeIsComplete(Merge, Summary);
        json_t *End = JsonlEnd(Summary);
        json_object_set_new(End, "complete", json_boolean(Summary->Complete));
        OutputsLine(&Outputs, End);
        json_decref(End);
        Code = CheckFinish(&Screen, Settings, &Outputs, Summary);
        if (!Summary->Complete) {
            Code = CheckFail(ExitEnvironment, Merge->Error);
        }
    }
    OutputsFree(&Outputs);
    return Code;
}

EXIT_CODE ReportCommand(int Count, char **Arguments)
{
    char Error[CHECK_ERROR];
    CHECK_SETTINGS Settings;
    CHECK_SUMMARY Summary;
    BASELINE Baseline = {0};
    MERGE Merge = {.Error = Error};
    EXIT_CODE Code;

    bool Good = SettingsParse(&Settings, true, Count, Arguments, Error);
    SummaryInit(&Summary, Settings.Baseline != NULL ? &Baseline : NULL);
    if (!Good) {
        TextAppendFormat(Error, sizeof(Error), "; see `pageable help report`");
        Code = CheckFail(ExitUsage, Error);
    } else if (json_array_size(Settings.Drivers) == 0) {
        Code = CheckFail(ExitUsage, "report: which files? `pageable report SHARD.jsonl...`");
    } else if (!MergeOpen(&Merge, Settings.Drivers) ||
               (Settings.Baseline != NULL && !BaselineRead(&Baseline, Settings.Baseline, Error))) {
        Code = CheckFail(ExitUsage, Error);
    } else {
        Code = ReportMerged(&Settings, &Merge, &Summary);
    }
    for (size_t i = 0; i < Merge.Count; i++) {
        if (Merge.Shards[i].File != NULL && Merge.Shards[i].File != stdin) {
            fclose(Merge.Shards[i].File);
        }
        free(Merge.Shards[i].Line);
        json_decref(Merge.Shards[i].Result);
    }
    free(Merge.Shards);
    json_decref(Merge.Header);
    SummaryFree(&Summary);
    BaselineFree(&Baseline);
    SettingsFree(&Settings);
    return Code;
}
