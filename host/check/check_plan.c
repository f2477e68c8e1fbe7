/* SPDX-License-Identifier: MIT */
/*
 * The runs. A step is a number from 0 on, and drivers, scenarios, modes, memory sizes and seeds are
 * its digits, the seed the last one: so a driver's runs stand together, and in them those of a
 * scenario and of a mode, which is what reports are made by. No list of steps is kept.
 *
 * A step belongs to the shard that the hash of its key says. The key has base names, no paths: it
 * is the same on each machine, and what one run's shard is does not depend on which others there
 * are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/check/check.h"
#include "host/check/hash.h"
#include "host/input/driver_file.h"
#include "host/run/options.h"
#include "host/run/run.h"
#include "host/text/text.h"

#define PLAN_MOST_STEPS 1000000000000ull
#define PLAN_MOST_SCENARIO (1u << 20)

typedef struct {
    json_t *Files;  /* "device:inode" of a file to its place in the plan */
    json_t *Tables; /* the same to the number of its [[driver]] */
} PLAN_MAKING;

static bool PlanFail(char Error[CHECK_ERROR], const char *Subject, const char *Rule)
{
    char Clean[1024];
    TextCleanString(Clean, sizeof(Clean), Subject);
    snprintf(Error, CHECK_ERROR, "%s: %s", Clean, Rule);
    return false;
}

static bool PlanIdentity(const char *Path, char Identity[64])
{
    struct stat Stat;
    if (stat(Path, &Stat) != 0) {
        return false;
    }
    snprintf(Identity, 64, "%llu:%llu", (unsigned long long)Stat.st_dev,
             (unsigned long long)Stat.st_ino);
    return true;
}

static json_t *PlanList(const char *const *Words)
{
    json_t *List = json_array();
    for (; *Words != NULL; Words++) {
        json_array_append_new(List, json_string(*Words));
    }
    return List;
}

/* What is run when nothing is said: the modes that find, under three seeds. */
static void PlanDefaults(CHECK_AXES *Defaults)
{
    *Defaults = (CHECK_AXES){
        .Scenario = PlanList((const char *const[]){"default", NULL}),
        .PageOut = PlanList((const char *const[]){"at-raise", "always", "random", NULL}),
        .Memory = PlanList((const char *const[]){"48M", NULL}),
        .Seeds = json_pack("[i, i]", 1, 3),
        .RunOption = json_array(),
        .Timeout = PlanList((const char *const[]){"60", NULL}),
    };
}

static json_t *PlanChoose(json_t *Line, json_t *Table, json_t *Top, json_t *Default)
{
    return Line != NULL ? Line : Table != NULL ? Table : Top != NULL ? Top : Default;
}

static CHECK_AXES PlanAxes(const CHECK_PLAN *Plan, const CHECK_SETTINGS *Settings,
                           const CHECK_AXES *Table)
{
    static const CHECK_AXES None;
    const CHECK_AXES *Line = &Settings->Line, *Top = &Settings->Top, *Last = &Plan->Defaults;
    Table = Table != NULL ? Table : &None;
    return (CHECK_AXES){
        PlanChoose(Line->Scenario, Table->Scenario, Top->Scenario, Last->Scenario),
        PlanChoose(Line->PageOut, Table->PageOut, Top->PageOut, Last->PageOut),
        PlanChoose(Line->Memory, Table->Memory, Top->Memory, Last->Memory),
        PlanChoose(Line->Seeds, Table->Seeds, Top->Seeds, Last->Seeds),
        PlanChoose(Line->RunOption, Table->RunOption, Top->RunOption, Last->RunOption),
        PlanChoose(Line->Timeout, Table->Timeout, Top->Timeout, Last->Timeout),
    };
}

/* Reads and compiles each scenario, so that a mistake is told before anything is run. */
static bool PlanTryScenarios(const CHECK_AXES *Axes, char Error[CHECK_ERROR])
{
    size_t i, Size;
    json_t *Path;
    json_array_foreach(Axes->Scenario, i, Path) {
        const char *Name = json_string_value(Path);
        if (strcmp(Name, "default") == 0) {
            continue;
        }
        char *Text = FileReadWhole(Name, PLAN_MOST_SCENARIO, &Size, Error, CHECK_ERROR);
        bool Good = Text != NULL && ScenarioCheck(Name, Text, Size, Error, CHECK_ERROR);
        free(Text);
        if (!Good) {
            return false;
        }
    }
    return true;
}

/* How many seeds there are; false: too many. */
static bool PlanCountSeeds(const json_t *Seeds, uint64_t *Count)
{
    *Count = 0;
    for (size_t i = 0; i < json_array_size(Seeds); i += 2) {
        uint64_t First = (uint64_t)json_integer_value(json_array_get(Seeds, i));
        uint64_t Last = (uint64_t)json_integer_value(json_array_get(Seeds, i + 1));
        if (Last - First >= PLAN_MOST_STEPS || (*Count += Last - First + 1) > PLAN_MOST_STEPS) {
            return false;
        }
    }
    return true;
}

static bool PlanAddDriver(CHECK_PLAN *Plan, const CHECK_SETTINGS *Settings, PLAN_MAKING *Making,
                          const char *Path, char Error[CHECK_ERROR])
{
    char Identity[64];
    CHECK_DRIVER *Driver = &Plan->Drivers[Plan->DriverCount];
    if (!PlanIdentity(Path, Identity)) {
        return PlanFail(Error, Path, strerror(errno));
    }
    if (json_object_get(Making->Files, Identity) != NULL) {
        return true; /* the same file again */
    }
    json_object_set_new(Making->Files, Identity, json_true());
    json_t *Table = json_object_get(Making->Tables, Identity);
    *Driver = (CHECK_DRIVER){
        .Path = Path,
        .Axes = PlanAxes(Plan, Settings,
                         Table != NULL ? &Settings->Tables[json_integer_value(Table)] : NULL),
        .First = Plan->Steps,
    };
    uint64_t Steps = 1;
    bool Overflow = !PlanCountSeeds(Driver->Axes.Seeds, &Driver->Seeds) ||
                    __builtin_mul_overflow(Steps, Driver->Seeds, &Steps) ||
                    __builtin_mul_overflow(Steps, json_array_size(Driver->Axes.Memory), &Steps) ||
                    __builtin_mul_overflow(Steps, json_array_size(Driver->Axes.PageOut), &Steps) ||
                    __builtin_mul_overflow(Steps, json_array_size(Driver->Axes.Scenario), &Steps) ||
                    __builtin_add_overflow(Plan->Steps, Steps, &Plan->Steps);
    if (Overflow || Plan->Steps > PLAN_MOST_STEPS) {
        return PlanFail(Error, Path, "with it there are more than 10^12 runs");
    }
    Plan->DriverCount++;
    return PlanTryScenarios(&Driver->Axes, Error);
}

static uint64_t PlanHashAxis(uint64_t Hash, const json_t *Axis)
{
    size_t i;
    json_t *Value;
    json_array_foreach(Axis, i, Value) {
        char Number[TEXT_NUMBER];
        Hash = HashText(Hash, json_is_integer(Value)
                                  ? TextHex(Number, (uint64_t)json_integer_value(Value))
                                  : TextBaseName(json_string_value(Value)));
    }
    return HashText(Hash, "/");
}

/* By base names: shards may run on machines with other directories. */
static void PlanHashAll(CHECK_PLAN *Plan)
{
    Plan->Hash = HashText(HASH_START, "plan");
    for (size_t i = 0; i < Plan->DriverCount; i++) {
        const CHECK_DRIVER *Driver = &Plan->Drivers[i];
        const json_t *const Axes[] = {Driver->Axes.Scenario, Driver->Axes.PageOut,
                                      Driver->Axes.Memory,   Driver->Axes.Seeds,
                                      Driver->Axes.RunOption, Driver->Axes.Timeout};
        Plan->Hash = HashText(Plan->Hash, TextBaseName(Driver->Path));
        for (size_t k = 0; k < sizeof(Axes) / sizeof(Axes[0]); k++) {
            Plan->Hash = PlanHashAxis(Plan->Hash, Axes[k]);
        }
    }
}

bool PlanMake(CHECK_PLAN *Plan, const CHECK_SETTINGS *Settings, char Error[CHECK_ERROR])
{
    json_t *Paths = json_array_size(Settings->Drivers) != 0 ? Settings->Drivers
                                                            : Settings->ConfigDrivers;
    PLAN_MAKING Making = {json_object(), json_object()};
    char Identity[64];
    size_t i;
    json_t *Path;
    bool Good = true;

    *Plan = (CHECK_PLAN){.Shard = Settings->Shard, .Shards = Settings->Shards};
    PlanDefaults(&Plan->Defaults);
    Plan->Drivers = calloc(json_array_size(Paths) + 1, sizeof(*Plan->Drivers));
    json_array_foreach(Settings->TablePaths, i, Path) {
        if (PlanIdentity(json_string_value(Path), Identity)) {
            json_object_set_new(Making.Tables, Identity, json_integer((json_int_t)i));
        }
    }
    if (json_array_size(Paths) == 0) {
        snprintf(Error, CHECK_ERROR, "check: which drivers? `pageable check DRIVER.sys...`");
        Good = false;
    }
    json_array_foreach(Paths, i, Path) {
        Good = Good && PlanAddDriver(Plan, Settings, &Making, json_string_value(Path), Error);
    }
    json_decref(Making.Files);
    json_decref(Making.Tables);
    if (Good) {
        PlanHashAll(Plan);
    }
    return Good;
}

void PlanFree(CHECK_PLAN *Plan)
{
    free(Plan->Drivers);
    json_decref(Plan->Defaults.Scenario);
    json_decref(Plan->Defaults.PageOut);
    json_decref(Plan->Defaults.Memory);
    json_decref(Plan->Defaults.Seeds);
    json_decref(Plan->Defaults.RunOption);
    json_decref(Plan->Defaults.Timeout);
}

static uint64_t PlanSeed(const json_t *Seeds, uint64_t Index)
{
    for (size_t i = 0;; i += 2) {
        uint64_t First = (uint64_t)json_integer_value(json_array_get(Seeds, i));
        uint64_t Last = (uint64_t)json_integer_value(json_array_get(Seeds, i + 1));
        if (Index <= Last - First) {
            return First + Index;
        }
        Index -= Last - First + 1;
    }
}

static const char *PlanDigit(const json_t *Axis, uint64_t *Rest)
{
    const char *Value = json_string_value(json_array_get(Axis, *Rest % json_array_size(Axis)));
    *Rest /= json_array_size(Axis);
    return Value;
}

void PlanStep(const CHECK_PLAN *Plan, uint64_t Index, CHECK_STEP *Step)
{
    size_t Low = 0, High = Plan->DriverCount;
    while (High - Low > 1) {
        size_t Middle = Low + (High - Low) / 2;
        if (Plan->Drivers[Middle].First <= Index) {
            Low = Middle;
        } else {
            High = Middle;
        }
    }
    const CHECK_DRIVER *Driver = &Plan->Drivers[Low];
    uint64_t Rest = Index - Driver->First;
    Step->Index = Index;
    Step->Driver = Driver;
    Step->Seed = PlanSeed(Driver->Axes.Seeds, Rest % Driver->Seeds);
    Rest /= Driver->Seeds;
    Step->Memory = PlanDigit(Driver->Axes.Memory, &Rest);
    Step->PageOut = PlanDigit(Driver->Axes.PageOut, &Rest);
    Step->Scenario = PlanDigit(Driver->Axes.Scenario, &Rest);
}

static uint64_t PlanKey(const CHECK_STEP *Step)
{
    char Seed[TEXT_NUMBER];
    uint64_t Hash = HashText(HASH_START, TextBaseName(Step->Driver->Path));
    Hash = HashText(Hash, TextBaseName(Step->Scenario));
    Hash = HashText(Hash, Step->PageOut);
    Hash = HashText(Hash, Step->Memory);
    return HashSpread(HashText(Hash, TextHex(Seed, Step->Seed)));
}

uint64_t PlanNext(const CHECK_PLAN *Plan, uint64_t Index)
{
    CHECK_STEP Step;
    for (; Index < Plan->Steps; Index++) {
        if (Plan->Shards == 1) {
            return Index;
        }
        PlanStep(Plan, Index, &Step);
        if (PlanKey(&Step) % Plan->Shards == Plan->Shard - 1) {
            return Index;
        }
    }
    return Plan->Steps;
}

uint32_t PlanTimeout(const CHECK_DRIVER *Driver)
{
    uint64_t Seconds = OPTIONS_DEFAULT_TIMEOUT;
    TextParseNumber(json_string_value(json_array_get(Driver->Axes.Timeout, 0)), &Seconds);
    return (uint32_t)Seconds;
}

static bool PlanWord(CHECK_WORDS *Words, const char *First, const char *Second)
{
    size_t Room = sizeof(Words->Room) - Words->Used;
    int Length = snprintf(Words->Room + Words->Used, Room, "%s%s", First, Second);
    if (Words->Count + 1 >= CHECK_MOST_WORDS || (size_t)Length >= Room) {
        return false;
    }
    Words->Words[Words->Count++] = Words->Room + Words->Used;
    Words->Words[Words->Count] = NULL;
    Words->Used += (size_t)Length + 1;
    return true;
}

bool PlanHasTimeline(const CHECK_DRIVER *Driver)
{
    size_t i;
    json_t *Option;
    json_array_foreach(Driver->Axes.RunOption, i, Option) {
        if (strcmp(json_string_value(Option), "--no-verify") == 0) {
            return false;
        }
    }
    return true;
}

bool PlanAddWord(CHECK_WORDS *Words, char *Option)
{
    unsigned Count = Words->Count;
    if (Count < 2 || Count + 1 >= CHECK_MOST_WORDS) {
        return false;
    }
    memmove(&Words->Words[Count - 1], &Words->Words[Count - 2], 3 * sizeof(char *));
    Words->Words[Count - 2] = Option; /* before -- and the driver */
    Words->Count++;
    return true;
}

bool PlanWords(const CHECK_STEP *Step, const char *Program, const char *Json, CHECK_WORDS *Words)
{
    char Mode[64], Seed[TEXT_NUMBER];
    const char *Plus = strchr(Step->PageOut, '+');
    size_t i;
    json_t *Option;

    Words->Count = 0;
    Words->Used = 0;
    snprintf(Mode, sizeof(Mode), "%.*s", (int)strcspn(Step->PageOut, "+"), Step->PageOut);
    snprintf(Seed, sizeof(Seed), "%llu", (unsigned long long)Step->Seed);
    bool Good = PlanWord(Words, Program, "") && PlanWord(Words, "run", "") &&
                PlanWord(Words, "--page-out=", Mode) &&
                (Plus == NULL || PlanWord(Words, "--evict", "")) &&
                PlanWord(Words, "--memory=", Step->Memory) && PlanWord(Words, "--seed=", Seed) &&
                PlanWord(Words, "--timeout=",
                         json_string_value(json_array_get(Step->Driver->Axes.Timeout, 0))) &&
                PlanWord(Words, "--json=", Json) &&
                (strcmp(Step->Scenario, "default") == 0 ||
                 PlanWord(Words, "--scenario=", Step->Scenario));
    json_array_foreach(Step->Driver->Axes.RunOption, i, Option) {
        Good = Good && PlanWord(Words, json_string_value(Option), "");
    }
    return Good && PlanWord(Words, "--", "") && PlanWord(Words, Step->Driver->Path, "");
}
