/* SPDX-License-Identifier: MIT */
/*
 * What was asked for. A key of the configuration file has the name of the option, and both come
 * through SettingsTake; values of runs are checked by the parser of `pageable run` itself.
 */
#include <stdlib.h>
#include <string.h>

#include "host/check/check.h"
#include "host/run/options.h"
#include "host/text/text.h"

typedef enum {
    SettingScenario,
    SettingPageOut,
    SettingMemory,
    SettingSeeds,
    SettingRunOption,
    SettingTimeout,
    SettingJobs,
    SettingShard,
    SettingPath,   /* one path; Offset says where it goes */
    SettingText,   /* the same, no path */
    SettingDriver, /* paths of drivers; configuration only */
} SETTING_KIND;

#define OUTPUT(kind) offsetof(CHECK_SETTINGS, Output[kind])

static const struct {
    const char *Name;
    SETTING_KIND Kind;
    size_t Offset;
    bool OfReport; /* `report` takes it, too */
    bool LineOnly;
} Settings[] = {
    {"scenario", SettingScenario, 0, false, false},
    {"page-out", SettingPageOut, 0, false, false},
    {"memory", SettingMemory, 0, false, false},
    {"seeds", SettingSeeds, 0, false, false},
    {"run-option", SettingRunOption, 0, false, false},
    {"timeout", SettingTimeout, 0, false, false},
    {"jobs", SettingJobs, 0, false, false},
    {"shard", SettingShard, 0, false, true},
    {"jsonl", SettingPath, OUTPUT(CheckJsonl), true, false},
    {"junit", SettingPath, OUTPUT(CheckJunit), true, false},
    {"sarif", SettingPath, OUTPUT(CheckSarif), true, false},
    {"html", SettingPath, OUTPUT(CheckHtml), true, false},
    {"report-dir", SettingPath, offsetof(CHECK_SETTINGS, ReportDirectory), true, false},
    {"baseline", SettingPath, offsetof(CHECK_SETTINGS, Baseline), true, false},
    {"write-baseline", SettingPath, offsetof(CHECK_SETTINGS, WriteBaseline), true, true},
    {"docs-url", SettingText, offsetof(CHECK_SETTINGS, DocsUrl), true, false},
    {"drivers", SettingDriver, 0, false, false},
};

#define SETTINGS_COUNT (sizeof(Settings) / sizeof(Settings[0]))

static bool SettingsFail(char Error[CHECK_ERROR], const char *Subject, const char *Rule)
{
    char Clean[1024];
    TextCleanString(Clean, sizeof(Clean), Subject);
    snprintf(Error, CHECK_ERROR, "%s: %s", Clean, Rule);
    return false;
}

/* Asks the parser of `run` about one option in one word. */
static bool SettingsTryRun(const char *Option, const char *Value, char Error[CHECK_ERROR])
{
    RUN_OPTIONS Options;
    char Word[4096];
    char *Words[] = {Word};
    if ((size_t)snprintf(Word, sizeof(Word), "%s%s", Option, Value) >= sizeof(Word)) {
        return SettingsFail(Error, Option, "too long a value");
    }
    return OptionsParse(&Options, 1, Words, Error, CHECK_ERROR);
}

static bool SettingsTryPageOut(const char *Value, char Error[CHECK_ERROR])
{
    static const char Evict[] = "+evict";
    char Mode[64];
    size_t Length = strlen(Value);
    bool Has = Length > sizeof(Evict) && strcmp(Value + Length - sizeof(Evict) + 1, Evict) == 0;
    snprintf(Mode, sizeof(Mode), "%.*s", (int)(Length - (Has ? sizeof(Evict) - 1 : 0)), Value);
    if (strchr(Value, ':') != NULL) {
        return SettingsFail(Error, Value, "seeds are given by --seeds");
    }
    return SettingsTryRun("--page-out=", Mode, Error);
}

/* What check itself gives to the runs. */
static bool SettingsTryRunOption(const char *Value, char Error[CHECK_ERROR])
{
    static const char *const Own[] = {"--scenario", "--page-out", "--evict", "--memory", "--seed",
                                      "--timeout", "--json", "--kd", "--gdb", "--dump", "-v",
                                      "--verbose", "--file", "--html", "--trace",
                                      "--timeline-json", "--timeline-unless-clean"};
    size_t Length = strcspn(Value, "=");
    if (*Value != '-') {
        return SettingsFail(Error, Value, "an option begins with -, its value follows after =");
    }
    for (size_t i = 0; i < sizeof(Own) / sizeof(Own[0]); i++) {
        if (strlen(Own[i]) == Length && strncmp(Own[i], Value, Length) == 0) {
            return SettingsFail(Error, Value, "not an option that all runs can share");
        }
    }
    return SettingsTryRun("", Value, Error);
}

/* "3", or "1-100" */
static bool SettingsAddSeeds(json_t *Seeds, const char *Value, char Error[CHECK_ERROR])
{
    char First[64];
    const char *Dash = strchr(Value, '-');
    uint64_t From, To;
    snprintf(First, sizeof(First), "%.*s", Dash != NULL ? (int)(Dash - Value) : 63, Value);
    if (!TextParseNumber(First, &From) || !TextParseNumber(Dash != NULL ? Dash + 1 : First, &To) ||
        From == 0 || To < From || To >> 63 != 0) {
        return SettingsFail(Error, Value, "seeds are N or FIRST-LAST, from 1 to 2^63 - 1");
    }
    return json_array_append_new(Seeds, json_integer((json_int_t)From)) == 0 &&
           json_array_append_new(Seeds, json_integer((json_int_t)To)) == 0;
}

/* A path as seen from Base. */
static json_t *SettingsPath(const char *Base, const char *Path)
{
    return *Base == 0 || *Path == '/' ? json_string(Path) : json_sprintf("%s/%s", Base, Path);
}

static bool SettingsAdd(json_t **Axis, json_t *Value)
{
    if (*Axis == NULL) {
        *Axis = json_array();
    }
    return json_array_append_new(*Axis, Value) == 0;
}

static bool SettingsTakeAxis(CHECK_AXES *Axes, SETTING_KIND Kind, const char *Value,
                             const char *Base, char Error[CHECK_ERROR])
{
    switch (Kind) {
    case SettingScenario:
        return SettingsAdd(&Axes->Scenario, strcmp(Value, "default") == 0
                                                ? json_string(Value)
                                                : SettingsPath(Base, Value));
    case SettingPageOut:
        return SettingsTryPageOut(Value, Error) &&
               SettingsAdd(&Axes->PageOut, json_string(Value));
    case SettingMemory:
        return SettingsTryRun("--memory=", Value, Error) &&
               SettingsAdd(&Axes->Memory, json_string(Value));
    case SettingSeeds:
        Axes->Seeds = Axes->Seeds != NULL ? Axes->Seeds : json_array();
        return SettingsAddSeeds(Axes->Seeds, Value, Error);
    case SettingRunOption:
        return SettingsTryRunOption(Value, Error) &&
               SettingsAdd(&Axes->RunOption, json_string(Value));
    default:
        json_decref(Axes->Timeout);
        Axes->Timeout = NULL;
        return SettingsTryRun("--timeout=", Value, Error) &&
               SettingsAdd(&Axes->Timeout, json_string(Value));
    }
}

static bool SettingsTakeShard(CHECK_SETTINGS *Target, const char *Value, char Error[CHECK_ERROR])
{
    char First[32];
    uint64_t Shard, Shards;
    const char *Slash = strchr(Value, '/');
    snprintf(First, sizeof(First), "%.*s", Slash != NULL ? (int)(Slash - Value) : 0, Value);
    if (Slash == NULL || !TextParseNumber(First, &Shard) || !TextParseNumber(Slash + 1, &Shards) ||
        Shard == 0 || Shard > Shards || Shards > CHECK_MOST_SHARDS) {
        return SettingsFail(Error, Value, "a shard is K/N, with 1 <= K <= N <= 1000000");
    }
    Target->Shard = (uint32_t)Shard;
    Target->Shards = (uint32_t)Shards;
    return true;
}

static bool SettingsTakeOne(CHECK_SETTINGS *Target, CHECK_AXES *Axes, size_t Index,
                            const char *Value, const char *Base, char Error[CHECK_ERROR])
{
    uint64_t Number;
    char **Text = (char **)((char *)Target + Settings[Index].Offset);
    if (*Value == 0) {
        return SettingsFail(Error, Settings[Index].Name, "needs a value");
    }
    switch (Settings[Index].Kind) {
    case SettingJobs:
        if (!TextParseNumber(Value, &Number) || Number == 0 || Number > CHECK_MOST_JOBS) {
            return SettingsFail(Error, Value, "jobs are 1 to 512");
        }
        Target->Jobs = (uint32_t)Number;
        return true;
    case SettingShard:
        return SettingsTakeShard(Target, Value, Error);
    case SettingPath:
    case SettingText: {
        json_t *Path = SettingsPath(Settings[Index].Kind == SettingPath ? Base : "", Value);
        free(*Text);
        *Text = strdup(json_string_value(Path));
        json_decref(Path);
        return true;
    }
    case SettingDriver:
        return SettingsAdd(&Target->ConfigDrivers, SettingsPath(Base, Value));
    default:
        return SettingsTakeAxis(Axes, Settings[Index].Kind, Value, Base, Error);
    }
}

bool SettingsTake(CHECK_SETTINGS *Target, CHECK_AXES *Axes, const char *Name, json_t *Values,
                  const char *Base, char Error[CHECK_ERROR])
{
    size_t Index, Item;
    json_t *Value;
    for (Index = 0; Index < SETTINGS_COUNT; Index++) {
        if (strcmp(Settings[Index].Name, Name) == 0) {
            break;
        }
    }
    if (Index == SETTINGS_COUNT) {
        return SettingsFail(Error, Name, "no such setting");
    }
    bool Run = Settings[Index].Kind <= SettingTimeout;
    bool List = Settings[Index].Kind < SettingTimeout || Settings[Index].Kind == SettingDriver;
    if (!Run && Axes != &Target->Top && Axes != &Target->Line) {
        return SettingsFail(Error, Name, "is for all drivers: before the first [[driver]]");
    }
    if (Settings[Index].LineOnly && Axes != &Target->Line) {
        return SettingsFail(Error, Name, "is an option of the command line alone");
    }
    if (!List && json_array_size(Values) != 1) {
        return SettingsFail(Error, Name, "takes one value");
    }
    if (json_array_size(Values) == 0) {
        return SettingsFail(Error, Name, "an empty list would mean no runs");
    }
    json_array_foreach(Values, Item, Value) {
        if (!SettingsTakeOne(Target, Axes, Index, json_string_value(Value), Base, Error)) {
            return false;
        }
    }
    return true;
}

/* "a,b" as two values, where a setting is a list of short words. */
static json_t *SettingsSplit(const char *Name, const char *Value)
{
    bool Split = strcmp(Name, "page-out") == 0 || strcmp(Name, "memory") == 0 ||
                 strcmp(Name, "seeds") == 0;
    json_t *Values = json_array();
    for (;;) {
        size_t Length = Split ? strcspn(Value, ",") : strlen(Value);
        json_array_append_new(Values, json_stringn_nocheck(Value, Length));
        if (Value[Length] == 0) {
            return Values;
        }
        Value += Length + 1;
    }
}

static bool SettingsOption(CHECK_SETTINGS *Target, int Count, char **Arguments, int *Index,
                           char Error[CHECK_ERROR])
{
    const char *Argument = Arguments[*Index];
    size_t Length = strcspn(Argument, "=");
    char Name[32] = "";
    if (strcmp(Argument, "-v") == 0 || strcmp(Argument, "--verbose") == 0) {
        Target->Verbose = true;
        return true;
    }
    if (strncmp(Argument, "--", 2) == 0 && Length - 2 < sizeof(Name)) {
        snprintf(Name, sizeof(Name), "%.*s", (int)Length - 2, Argument + 2);
    }
    bool Config = strcmp(Name, "config") == 0 && !Target->IsReport, Known = Config;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        Known = Known || (strcmp(Settings[i].Name, Name) == 0 &&
                          Settings[i].Kind != SettingDriver &&
                          (!Target->IsReport || Settings[i].OfReport));
    }
    if (!Known) {
        return SettingsFail(Error, Argument, "no such option");
    }
    const char *Value = Argument + Length + 1;
    if (Argument[Length] == 0) {
        if (*Index + 1 >= Count) {
            return SettingsFail(Error, Argument, "needs a value");
        }
        Value = Arguments[++*Index];
    }
    if (Config) {
        return ConfigRead(Target, Value, Error);
    }
    json_t *Values = SettingsSplit(Name, Value);
    bool Good = SettingsTake(Target, &Target->Line, Name, Values, "", Error);
    json_decref(Values);
    return Good;
}

/*
 * The configuration file is read where its option stands, so that a path given after it goes
 * before what the file says; run settings of the line go before the file's wherever they stand.
 */
bool SettingsParse(CHECK_SETTINGS *Target, bool IsReport, int Count, char **Arguments,
                   char Error[CHECK_ERROR])
{
    bool OnlyNames = false;
    *Target = (CHECK_SETTINGS){.Shard = 1, .Shards = 1, .Drivers = json_array(),
                               .IsReport = IsReport};
    snprintf(Error, CHECK_ERROR, "not enough memory");
    for (int i = 0; i < Count; i++) {
        if (!OnlyNames && strcmp(Arguments[i], "--") == 0) {
            OnlyNames = true;
        } else if (!OnlyNames && Arguments[i][0] == '-' && Arguments[i][1] != 0) {
            if (!SettingsOption(Target, Count, Arguments, &i, Error)) {
                return false;
            }
        } else if (json_array_append_new(Target->Drivers, json_string_nocheck(Arguments[i])) != 0) {
            return false;
        }
    }
    return true;
}

static void SettingsFreeAxes(CHECK_AXES *Axes)
{
    json_decref(Axes->Scenario);
    json_decref(Axes->PageOut);
    json_decref(Axes->Memory);
    json_decref(Axes->Seeds);
    json_decref(Axes->RunOption);
    json_decref(Axes->Timeout);
}

void SettingsFree(CHECK_SETTINGS *Target)
{
    SettingsFreeAxes(&Target->Line);
    SettingsFreeAxes(&Target->Top);
    for (unsigned i = 0; i < Target->TableCount; i++) {
        SettingsFreeAxes(&Target->Tables[i]);
    }
    free(Target->Tables);
    json_decref(Target->Drivers);
    json_decref(Target->ConfigDrivers);
    json_decref(Target->TablePaths);
    for (int i = 0; i < CheckOutputKinds; i++) {
        free(Target->Output[i]);
    }
    free(Target->ReportDirectory);
    free(Target->Baseline);
    free(Target->WriteBaseline);
    free(Target->DocsUrl);
}
