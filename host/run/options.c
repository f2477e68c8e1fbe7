/* SPDX-License-Identifier: MIT */
#include "host/run/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "host/text/text.h"

#define MEMORY_LEAST (16ull << 20)
#define MEMORY_MOST (64ull << 30)
#define PAGING_FILE_LEAST (1ull << 20)
#define PAGING_FILE_MOST (64ull << 30)
#define TIMEOUT_MOST 86400u
#define DISK_FAULT_AFTER_MOST 64u
#define DISK_SLOW_DEFAULT 200u /* requests a second, as an old disk */
#define HISTORY_MOST 1000u

typedef struct {
    RUN_OPTIONS *Options;
    bool SeedGiven;
    char *Error;
    size_t ErrorSize;
} PARSE;

static bool OptionsFail(PARSE *Parse, const char *Argument, const char *Rule)
{
    char Clean[256];
    TextCleanString(Clean, sizeof(Clean), Argument);
    snprintf(Parse->Error, Parse->ErrorSize, "%s: %s", Clean, Rule);
    return false;
}

static bool OptionsParseSeed(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t Seed;
    if (!TextParseNumber(Value, &Seed) || Seed == 0 || Seed >> 63 != 0) {
        return OptionsFail(Parse, Argument, "a seed is a number from 1 to 2^63 - 1");
    }
    if (Parse->SeedGiven && Parse->Options->Seed != Seed) {
        return OptionsFail(Parse, Argument, "another seed was given before");
    }
    Parse->Options->Seed = Seed;
    Parse->SeedGiven = true;
    return true;
}

static bool OptionsParsePageOut(PARSE *Parse, const char *Argument, const char *Value)
{
    static const char *const Modes[] = {"never", "pressure", "at-raise", "always", "random"};
    for (size_t i = 0; i < sizeof(Modes) / sizeof(Modes[0]); i++) {
        if (strcmp(Value, Modes[i]) == 0) {
            Parse->Options->PageOut = Modes[i];
            return true;
        }
    }
    if (strncmp(Value, "random:", 7) == 0) {
        Parse->Options->PageOut = "random";
        return OptionsParseSeed(Parse, Argument, Value + 7);
    }
    return OptionsFail(Parse, Argument,
                       "the modes are never, pressure, at-raise, always and random[:SEED]");
}

static bool OptionsParseMemory(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t *Memory = &Parse->Options->Memory;
    if (!TextParseSize(Value, Memory) || *Memory < MEMORY_LEAST || *Memory > MEMORY_MOST ||
        *Memory % (1u << 20) != 0) {
        return OptionsFail(Parse, Argument, "memory is whole megabytes from 16M to 64G");
    }
    return true;
}

static bool OptionsParsePagingFile(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t *Size = &Parse->Options->PagingFile;
    if (!TextParseSize(Value, Size) || *Size > PAGING_FILE_MOST || *Size % 4096 != 0 ||
        (*Size != 0 && *Size < PAGING_FILE_LEAST)) {
        return OptionsFail(Parse, Argument,
                           "a paging file is whole pages of 4096 bytes from 1M to 64G, or 0: none");
    }
    return true;
}

static bool OptionsParseTimeout(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t Seconds;
    if (!TextParseNumber(Value, &Seconds) || Seconds == 0 || Seconds > TIMEOUT_MOST) {
        return OptionsFail(Parse, Argument, "the time limit is 1 to 86400 seconds");
    }
    Parse->Options->TimeoutSeconds = (uint32_t)Seconds;
    Parse->Options->TimeoutGiven = true;
    return true;
}

static bool OptionsParseHistory(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t Events;
    if (!TextParseNumber(Value, &Events) || Events > HISTORY_MOST) {
        return OptionsFail(Parse, Argument, "the history is 0 to 1000 events");
    }
    Parse->Options->History = (uint32_t)Events;
    return true;
}

static bool OptionsParseDpcWatchdog(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t Seconds;
    if (!TextParseNumber(Value, &Seconds) || Seconds > TIMEOUT_MOST) {
        return OptionsFail(Parse, Argument, "the DPC watchdog waits 0 (never) to 86400 seconds");
    }
    Parse->Options->DpcWatchdog = (uint32_t)Seconds;
    return true;
}

static bool OptionsParseAccelerator(PARSE *Parse, const char *Argument, const char *Value)
{
    if (strcmp(Value, "tcg") != 0 && strcmp(Value, "kvm") != 0 && strcmp(Value, "auto") != 0) {
        return OptionsFail(Parse, Argument, "the accelerators are tcg, kvm and auto");
    }
    Parse->Options->Accelerator = Value;
    return true;
}

/* What the kernel tells a debugger that it is. */
static bool OptionsParseNtVersion(PARSE *Parse, const char *Argument, const char *Value)
{
    static const char *const Versions[] = {"5.1", "5.2", "6.0", "10.0"};
    for (size_t i = 0; i < sizeof(Versions) / sizeof(Versions[0]); i++) {
        if (strcmp(Value, Versions[i]) == 0) {
            Parse->Options->NtVersion = Versions[i];
            return true;
        }
    }
    return OptionsFail(Parse, Argument, "the versions are 5.1, 5.2, 6.0 and 10.0");
}

static bool OptionsParseMachine(PARSE *Parse, const char *Argument, const char *Value)
{
    if (strcmp(Value, "microvm") != 0 && strcmp(Value, "pci") != 0) {
        return OptionsFail(Parse, Argument, "the machines are microvm and pci");
    }
    Parse->Options->Machine = Value;
    return true;
}

static const struct {
    const char *Name;
    uint32_t Least, Most, Default; /* of the number after the colon; Most 0: none may be given */
} OptionsDiskFaults[] = {
    [DiskFaultNone] = {"", 0, 0, 0},
    [DiskFaultRead] = {"read", 0, DISK_FAULT_AFTER_MOST, 0},
    [DiskFaultWrite] = {"write", 0, DISK_FAULT_AFTER_MOST, 0},
    [DiskFaultFlip] = {"flip", 0, 0, 0},
    [DiskFaultSlow] = {"slow", 10, 1000000, DISK_SLOW_DEFAULT},
};

static bool OptionsParseDiskFault(PARSE *Parse, const char *Argument, const char *Value)
{
    for (int Kind = DiskFaultRead; Kind <= DiskFaultSlow; Kind++) {
        size_t Length = strlen(OptionsDiskFaults[Kind].Name);
        uint64_t Number = OptionsDiskFaults[Kind].Default;
        if (strncmp(Value, OptionsDiskFaults[Kind].Name, Length) != 0) {
            continue;
        }
        bool Counted = Value[Length] == ':' && OptionsDiskFaults[Kind].Most != 0 &&
                       TextParseNumber(Value + Length + 1, &Number) &&
                       Number >= OptionsDiskFaults[Kind].Least &&
                       Number <= OptionsDiskFaults[Kind].Most;
        if (Value[Length] == 0 || Counted) {
            Parse->Options->DiskFault = (DISK_FAULT)Kind;
            Parse->Options->DiskFaultNumber = (uint32_t)Number;
            return true;
        }
    }
    return OptionsFail(Parse, Argument,
                       "the disk faults are read[:N], write[:N] (after N good ones, at most 64), "
                       "flip and slow[:N] (N requests a second, at least 10)");
}

/* A port, or a path: then it has a slash. */
static bool OptionsParseGdb(PARSE *Parse, const char *Argument, const char *Value)
{
    uint64_t Port;
    bool IsPath = strchr(Value, '/') != NULL && strchr(Value, ',') == NULL;
    if (!IsPath && (!TextParseNumber(Value, &Port) || Port == 0 || Port > 65535)) {
        return OptionsFail(Parse, Argument,
                           "a port from 1 to 65535, or the path of a socket: with a slash, without "
                           "a comma");
    }
    Parse->Options->Gdb = Value;
    return true;
}

static bool OptionsParseBudget(PARSE *Parse, const char *Argument, const char *Value)
{
    RUN_OPTIONS *Options = Parse->Options;
    if (Options->BudgetCount == BUDGET_MOST) {
        return OptionsFail(Parse, Argument, "too many budgets");
    }
    const char *Error = BudgetParse(&Options->Budgets[Options->BudgetCount], Value);
    if (Error != NULL) {
        return OptionsFail(Parse, Argument, Error);
    }
    Options->BudgetCount++;
    Options->Timeline = true;
    return true;
}

static bool OptionsParseSourceMap(PARSE *Parse, const char *Argument, const char *Value)
{
    const char *Error = SourceMapAdd(&Parse->Options->SourceMap, Value);
    return Error == NULL || OptionsFail(Parse, Argument, Error);
}

static bool OptionsParseText(PARSE *Parse, const char *Argument, const char *Value)
{
    if (*Value == 0) {
        return OptionsFail(Parse, Argument, "needs a value");
    }
    if (strncmp(Argument, "--scenario", 10) == 0) {
        Parse->Options->Scenario = Value;
    } else if (strncmp(Argument, "--json", 6) == 0) {
        Parse->Options->Json = Value;
    } else if (strncmp(Argument, "--kd", 4) == 0) {
        Parse->Options->Kd = Value;
    } else if (strncmp(Argument, "--dump", 6) == 0) {
        Parse->Options->Dump = Value;
    } else if (strncmp(Argument, "--registry", 10) == 0) {
        Parse->Options->Registry = Value;
    } else if (strncmp(Argument, "--trace", 7) == 0) {
        Parse->Options->Trace = Value;
        Parse->Options->Timeline = true;
    } else if (strncmp(Argument, "--html", 6) == 0) {
        Parse->Options->Html = Value;
        Parse->Options->Timeline = true;
    } else if (strncmp(Argument, "--timeline-json", 15) == 0) {
        Parse->Options->TimelineJson = Value;
        Parse->Options->Timeline = true;
    } else if (strncmp(Argument, "--append", 8) == 0) {
        Parse->Options->Append = Value;
    } else if (Parse->Options->FileCount == OPTIONS_MAX_FILES) {
        return OptionsFail(Parse, Argument, "too many files");
    } else {
        Parse->Options->Files[Parse->Options->FileCount++] = Value;
    }
    return true;
}

static const struct {
    const char *Name;
    bool (*Parse)(PARSE *Parse, const char *Argument, const char *Value);
} OptionsTable[] = {
    {"--scenario", OptionsParseText},
    {"--page-out", OptionsParsePageOut},
    {"--memory", OptionsParseMemory},
    {"--paging-file", OptionsParsePagingFile},
    {"--timeout", OptionsParseTimeout},
    {"--seed", OptionsParseSeed},
    {"--dpc-watchdog", OptionsParseDpcWatchdog},
    {"--history", OptionsParseHistory},
    {"--json", OptionsParseText},
    {"--accel", OptionsParseAccelerator},
    {"--machine", OptionsParseMachine},
    {"--disk-fault", OptionsParseDiskFault},
    {"--kd", OptionsParseText},
    {"--nt-version", OptionsParseNtVersion},
    {"--gdb", OptionsParseGdb},
    {"--dump", OptionsParseText},
    {"--registry", OptionsParseText},
    {"--trace", OptionsParseText},
    {"--html", OptionsParseText},
    {"--timeline-json", OptionsParseText},
    {"--budget", OptionsParseBudget},
    {"--source-map", OptionsParseSourceMap},
    {"--append", OptionsParseText},
    {"--file", OptionsParseText},
};

/* One argument that begins with "-"; *Index moves on when its value is the next one. */
static bool OptionsParseOne(PARSE *Parse, int Count, char **Arguments, int *Index)
{
    const char *Argument = Arguments[*Index];
    if (strcmp(Argument, "--evict") == 0) {
        Parse->Options->Evict = true;
        return true;
    }
    if (strcmp(Argument, "--timeline") == 0) {
        Parse->Options->Timeline = true;
        return true;
    }
    if (strcmp(Argument, "--timeline-unless-clean") == 0) {
        Parse->Options->UnlessClean = true;
        return true;
    }
    if (strcmp(Argument, "--no-verify") == 0) {
        Parse->Options->NoVerify = true;
        return true;
    }
    if (strcmp(Argument, "-v") == 0 || strcmp(Argument, "--verbose") == 0) {
        Parse->Options->Verbose = true;
        return true;
    }
    for (size_t i = 0; i < sizeof(OptionsTable) / sizeof(OptionsTable[0]); i++) {
        size_t Length = strlen(OptionsTable[i].Name);
        if (strncmp(Argument, OptionsTable[i].Name, Length) != 0) {
            continue;
        }
        if (Argument[Length] == '=') {
            return OptionsTable[i].Parse(Parse, Argument, Argument + Length + 1);
        }
        if (Argument[Length] == 0) {
            if (*Index + 1 >= Count) {
                return OptionsFail(Parse, Argument, "needs a value");
            }
            *Index += 1;
            return OptionsTable[i].Parse(Parse, Argument, Arguments[*Index]);
        }
    }
    return OptionsFail(Parse, Argument, "no such option");
}

bool OptionsParse(RUN_OPTIONS *Options, int Count, char **Arguments, char *Error, size_t ErrorSize)
{
    PARSE Parse = {Options, false, Error, ErrorSize};
    bool OnlyNames = false;

    *Options = (RUN_OPTIONS){
        .PageOut = "at-raise",
        .Accelerator = "tcg",
        .Machine = "microvm",
        .Memory = OPTIONS_DEFAULT_MEMORY,
        .PagingFile = OPTIONS_DEFAULT_PAGING_FILE,
        .TimeoutSeconds = OPTIONS_DEFAULT_TIMEOUT,
        .DpcWatchdog = OPTIONS_DEFAULT_DPC_WATCHDOG,
        .Seed = 1,
        .History = OPTIONS_DEFAULT_HISTORY,
    };
    for (int i = 0; i < Count; i++) {
        if (!OnlyNames && strcmp(Arguments[i], "--") == 0) {
            OnlyNames = true;
        } else if (!OnlyNames && Arguments[i][0] == '-') {
            if (!OptionsParseOne(&Parse, Count, Arguments, &i)) {
                return false;
            }
        } else if (Options->Driver != NULL) {
            return OptionsFail(&Parse, Arguments[i], "only one file can be given");
        } else {
            Options->Driver = Arguments[i];
        }
    }
    if (Options->Timeline && Options->NoVerify) {
        return OptionsFail(&Parse, "--no-verify",
                           "a timeline has what verification sees, so it needs that");
    }
    if (!Parse.SeedGiven && strcmp(Options->PageOut, "random") == 0) {
        uint32_t Random = 0;
        if (getrandom(&Random, sizeof(Random), 0) != sizeof(Random)) {
            Random = (uint32_t)TextNow();
        }
        Options->Seed = Random | 1u; /* not 0; short enough to type */
    }
    return true;
}

static void OptionsReplayTimeline(const RUN_OPTIONS *Options, char *Line, size_t Capacity)
{
    char Number[TEXT_NUMBER], Word[1024];

    if (Options->Timeline && Options->Trace == NULL && Options->Html == NULL &&
        Options->TimelineJson == NULL && Options->BudgetCount == 0) {
        TextAppendFormat(Line, Capacity, " --timeline");
    }
    if (Options->Trace != NULL) {
        snprintf(Word, sizeof(Word), "--trace=%s", Options->Trace);
        TextAppendWord(Line, Capacity, Word);
    }
    if (Options->Html != NULL) {
        snprintf(Word, sizeof(Word), "--html=%s", Options->Html);
        TextAppendWord(Line, Capacity, Word);
    }
    for (unsigned i = 0; i < Options->BudgetCount; i++) {
        const BUDGET *Budget = &Options->Budgets[i];
        snprintf(Word, sizeof(Word), "--budget=%s%s%s=%s", BudgetKindName(Budget->Kind),
                 Budget->Section[0] != 0 ? ":" : "", Budget->Section,
                 TextSize(Number, Budget->Bytes));
        TextAppendWord(Line, Capacity, Word);
    }
}

void OptionsReplay(const RUN_OPTIONS *Options, const char *Program, char *Line, size_t Capacity)
{
    char Number[TEXT_NUMBER], Word[1024];

    Line[0] = 0;
    TextAppendWord(Line, Capacity, Program);
    TextAppendFormat(Line, Capacity, " run");
    if (Options->Driver[0] == '-') {
        TextAppendFormat(Line, Capacity, " ./%s", Options->Driver);
    } else {
        TextAppendWord(Line, Capacity, Options->Driver);
    }
    if (Options->Scenario != NULL) {
        snprintf(Word, sizeof(Word), "--scenario=%s", Options->Scenario);
        TextAppendWord(Line, Capacity, Word);
    }
    TextAppendFormat(Line, Capacity, " --page-out=%s", Options->PageOut);
    TextAppendFormat(Line, Capacity, "%s", Options->Evict ? " --evict" : "");
    TextAppendFormat(Line, Capacity, "%s", Options->NoVerify ? " --no-verify" : "");
    if (Options->Memory != OPTIONS_DEFAULT_MEMORY) {
        TextAppendFormat(Line, Capacity, " --memory=%s", TextSize(Number, Options->Memory));
    }
    if (Options->PagingFile != OPTIONS_DEFAULT_PAGING_FILE) {
        TextAppendFormat(Line, Capacity, " --paging-file=%s",
                         TextSize(Number, Options->PagingFile));
    }
    if (Options->TimeoutSeconds != OPTIONS_DEFAULT_TIMEOUT) {
        TextAppendFormat(Line, Capacity, " --timeout=%u", Options->TimeoutSeconds);
    }
    if (Options->DpcWatchdog != OPTIONS_DEFAULT_DPC_WATCHDOG) {
        TextAppendFormat(Line, Capacity, " --dpc-watchdog=%u", Options->DpcWatchdog);
    }
    if (strcmp(Options->Accelerator, "tcg") != 0) {
        TextAppendFormat(Line, Capacity, " --accel=%s", Options->Accelerator);
    }
    if (strcmp(Options->Machine, "microvm") != 0) {
        TextAppendFormat(Line, Capacity, " --machine=%s", Options->Machine);
    }
    if (Options->DiskFault != DiskFaultNone) {
        TextAppendFormat(Line, Capacity, " --disk-fault=%s",
                         OptionsDiskFaults[Options->DiskFault].Name);
        if (Options->DiskFaultNumber != 0) {
            TextAppendFormat(Line, Capacity, ":%u", Options->DiskFaultNumber);
        }
    }
    if (Options->Kd != NULL) {
        snprintf(Word, sizeof(Word), "--kd=%s", Options->Kd);
        TextAppendWord(Line, Capacity, Word);
    }
    if (Options->Registry != NULL) {
        snprintf(Word, sizeof(Word), "--registry=%s", Options->Registry);
        TextAppendWord(Line, Capacity, Word);
    }
    if (Options->NtVersion != NULL) {
        TextAppendFormat(Line, Capacity, " --nt-version=%s", Options->NtVersion);
    }
    if (Options->Gdb != NULL) {
        snprintf(Word, sizeof(Word), "--gdb=%s", Options->Gdb);
        TextAppendWord(Line, Capacity, Word);
    }
    if (Options->Dump != NULL) {
        snprintf(Word, sizeof(Word), "--dump=%s", Options->Dump);
        TextAppendWord(Line, Capacity, Word);
    }
    OptionsReplayTimeline(Options, Line, Capacity);
    for (unsigned i = 0; i < Options->FileCount; i++) {
        snprintf(Word, sizeof(Word), "--file=%s", Options->Files[i]);
        TextAppendWord(Line, Capacity, Word);
    }
    for (unsigned i = 0; i < Options->SourceMap.Count; i++) {
        snprintf(Word, sizeof(Word), "--source-map=%s", Options->SourceMap.Rules[i].From);
        TextAppendWord(Line, Capacity, Word);
    }
    if (Options->Append != NULL) {
        snprintf(Word, sizeof(Word), "--append=%s", Options->Append);
        TextAppendWord(Line, Capacity, Word);
    }
    TextAppendFormat(Line, Capacity, " --seed=%llu", (unsigned long long)Options->Seed);
}
