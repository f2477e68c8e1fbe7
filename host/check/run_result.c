/* SPDX-License-Identifier: MIT */
/*
 * One run as one JSON object, made from the events it wrote (docs/json-events.md); docs/check.md
 * and docs/check-events.schema.json describe it. A run without a verdict is a fault of the
 * environment, with the last lines of its text as the reason.
 *
 * A finding's fingerprint is a hash of rule, routine and driver (its base name): lines may move and
 * parameters change. Where there is no routine its text stands in, numbers left out.
 */
#include "host/check/rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/check/hash.h"
#include "host/text/bug_check_names.h"
#include "host/text/text.h"

#define RESULT_MOST_FRAMES 64u
#define RESULT_MOST_FINDINGS 200u
#define RESULT_TAIL 1200
#define RESULT_MOST_TEXT 16384

const char *ResultText(const json_t *Object, const char *Name)
{
    const char *Text = json_string_value(json_object_get(Object, Name));
    return Text != NULL ? Text : "";
}

int64_t ResultNumber(const json_t *Object, const char *Name)
{
    return json_integer_value(json_object_get(Object, Name));
}

bool FindingIsFault(const json_t *Finding)
{
    return strcmp(ResultText(Finding, "rule"), RULE_FAULT) == 0;
}

/* "file.c:12" to both parts; false: it is no such text. */
static bool ResultSplitLine(const char *Location, char File[1024], uint64_t *Line)
{
    const char *Colon = strrchr(Location, ':');
    uint64_t Number;
    if (Colon == NULL || Colon == Location || !isdigit((unsigned char)Colon[1]) ||
        !TextParseNumber(Colon + 1, &Number) || Number > INT32_MAX) {
        return false;
    }
    *Line = Number;
    snprintf(File, 1024, "%.*s", (int)(Colon - Location), Location);
    return true;
}

/* "module!routine (file.c:12)", "module!routine" or "file.c:12" */
static void ResultPlace(const char *Where, char Routine[512], char File[1024], uint64_t *Line)
{
    char Location[1200] = "";
    size_t Length = strlen(Where);
    const char *Open = strstr(Where, " ("); /* the first: folders are called so more often */
    Routine[0] = File[0] = 0;
    *Line = 0;
    if (Open != NULL && Where[Length - 1] == ')') {
        snprintf(Location, sizeof(Location), "%.*s", (int)(Where + Length - 1 - (Open + 2)),
                 Open + 2);
        if (ResultSplitLine(Location, File, Line)) {
            snprintf(Routine, 512, "%.*s", (int)(Open - Where), Where);
            return;
        }
    }
    if (strchr(Where, '!') != NULL || !ResultSplitLine(Where, File, Line)) {
        snprintf(Routine, 512, "%s", Where);
    }
}

static void ResultFingerprint(const char *Rule, const char *Routine, const char *Text,
                              const char *Driver, char Out[TEXT_NUMBER])
{
    char Key[2400];
    size_t Used = 0;
    for (const char *c = Text; *Routine == 0 && *c != 0 && Used + 1 < sizeof(Key); c++) {
        if (!isdigit((unsigned char)*c) && *c != ',') {
            Key[Used++] = *c;
        }
    }
    Key[Used] = 0;
    uint64_t Hash = HashText(HASH_START, Rule);
    Hash = HashText(Hash, *Routine != 0 ? Routine : Key);
    Hash = HashText(Hash, TextBaseName(Driver));
    snprintf(Out, TEXT_NUMBER, "%016llx", (unsigned long long)Hash);
}

/* "fffffaa0`000969c0", of an object: no place in code, and another one in another machine. */
static bool ResultIsAddress(const char *Where)
{
    return strlen(Where) == 17 && Where[8] == '`' &&
           strspn(Where, "0123456789abcdef`") == 17;
}

static json_t *ResultFinding(const char *Driver, const char *Rule, const char *Name,
                             const char *Text, const char *Where, const char *Advice,
                             json_t *Stack)
{
    char Routine[512], File[1024], Fingerprint[TEXT_NUMBER];
    uint64_t Line;
    Where = ResultIsAddress(Where) ? "" : Where;
    ResultPlace(Where, Routine, File, &Line);
    ResultFingerprint(Rule, Routine, Text, Driver, Fingerprint);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:o}", "fingerprint",
                     Fingerprint, "rule", Rule, "name", Name, "text", Text, "where", Where,
                     "routine", Routine, "file", File, "line", (json_int_t)Line, "advice", Advice,
                     "stack", Stack != NULL ? Stack : json_array());
}

static json_t *ResultStack(const json_t *Frames)
{
    json_t *Stack = json_array(), *Frame;
    size_t i;
    json_array_foreach(Frames, i, Frame) {
        char File[1024] = "";
        uint64_t Line = 0;
        if (i == RESULT_MOST_FRAMES) {
            break;
        }
        ResultSplitLine(ResultText(Frame, "location"), File, &Line);
        json_array_append_new(Stack, json_pack("{s:s, s:s, s:I}", "routine",
                                               ResultText(Frame, "routine"), "file", File, "line",
                                               (json_int_t)Line));
    }
    return Stack;
}

static json_t *ResultOfBugCheck(const char *Driver, const json_t *Event)
{
    char Rule[64];
    uint32_t Code = (uint32_t)strtoul(ResultText(Event, "code"), NULL, 16);
    uint64_t First = strtoull(
        json_string_value(json_array_get(json_object_get(Event, "parameters"), 0)) != NULL
            ? json_string_value(json_array_get(json_object_get(Event, "parameters"), 0))
            : "0", NULL, 16);
    const char *Text = ResultText(Event, "cause");
    RuleOfBugCheck(Code, First, Rule, sizeof(Rule));
    return ResultFinding(Driver, Rule, BugCheckName(Code)->Name,
                         *Text != 0 ? Text : BugCheckName(Code)->Cause, ResultText(Event, "where"),
                         ResultText(Event, "advice"), ResultStack(json_object_get(Event, "stack")));
}

static json_t *ResultOfEvent(const char *Driver, const json_t *Event)
{
    const char *Rule = RuleOfKind(ResultText(Event, "kind"));
    return ResultFinding(Driver, Rule, RuleName(Rule), ResultText(Event, "text"),
                         ResultText(Event, "where"), RuleAdvice(Rule), NULL);
}

/* The findings and the verdict (NULL without one) among a run's events. */
static json_t *ResultEvents(const char *Driver, int File, json_t *Findings)
{
    static const char *const Wanted[] = {"{\"event\":\"finding\"", "{\"event\":\"bug_check\"",
                                         "{\"event\":\"verdict\""};
    json_t *Verdict = NULL;
    char *Line = NULL;
    size_t Capacity = 0;
    ssize_t Length;
    FILE *Stream = lseek(File, 0, SEEK_SET) == 0 ? fdopen(dup(File), "r") : NULL;

    while (Stream != NULL && (Length = getline(&Line, &Capacity, Stream)) > 0) {
        unsigned Kind = 0;
        while (Kind < 3 && strncmp(Line, Wanted[Kind], strlen(Wanted[Kind])) != 0) {
            Kind++;
        }
        json_t *Event = Kind < 3 ? json_loadb(Line, (size_t)Length, 0, NULL) : NULL;
        if (Event == NULL) {
            continue;
        }
        if (Kind == 2) {
            json_decref(Verdict);
            Verdict = json_incref(Event);
        } else if (json_array_size(Findings) < RESULT_MOST_FINDINGS) {
            json_array_append_new(Findings, Kind == 0 ? ResultOfEvent(Driver, Event)
                                                      : ResultOfBugCheck(Driver, Event));
        }
        json_decref(Event);
    }
    free(Line);
    if (Stream != NULL) {
        fclose(Stream);
    }
    return Verdict;
}

/* The last lines of what the run printed, in one; Out "" when it printed nothing. */
static void ResultTail(int File, char Out[RESULT_TAIL])
{
    char Bytes[RESULT_TAIL];
    off_t Size = lseek(File, 0, SEEK_END);
    off_t Start = Size > 600 ? Size - 600 : 0;
    ssize_t Length = Size > 0 ? pread(File, Bytes, 600, Start) : 0;
    Length = Length > 0 ? Length : 0;
    while (Length > 0 && isspace((unsigned char)Bytes[Length - 1])) {
        Length--;
    }
    for (ssize_t i = 0; i < Length; i++) {
        Bytes[i] = Bytes[i] == '\n' ? ' ' : Bytes[i];
    }
    static const char Command[] = "pageable: "; /* which said it, needs not be told */
    const size_t Skip = sizeof(Command) - 1;
    bool Named = Start == 0 && Length > (ssize_t)Skip && memcmp(Bytes, Command, Skip) == 0;
    TextClean(Out, RESULT_TAIL, Bytes + (Named ? Skip : 0), (size_t)Length - (Named ? Skip : 0));
}

/* What a run means that ended without findings of its own, and not well. */
static json_t *ResultOfEnd(const char *Driver, EXIT_CODE Code, const char *Text)
{
    const char *Rule = Code == ExitNotLoadable ? RULE_NOT_LOADABLE
                       : Code == ExitTimeLimit ? RULE_TIME_LIMIT
                       : Code == ExitFinding   ? RuleOfKind("")
                                               : RULE_FAULT;
    return ResultFinding(Driver, Rule, RuleName(Rule), Text, "", RuleAdvice(Rule), NULL);
}

/* From how the process ended; after what was checked before, a usage error is a changed world. */
static EXIT_CODE ResultCode(int Status, const json_t *Verdict, const char *Killed)
{
    EXIT_CODE Code = WIFEXITED(Status) ? (EXIT_CODE)WEXITSTATUS(Status) : ExitEnvironment;
    bool Known = Code == ExitClean || Code == ExitFinding || Code == ExitNotLoadable ||
                 Code == ExitTimeLimit;
    bool Agrees = Verdict != NULL ? ResultNumber(Verdict, "exit_code") == Code
                                  : Code == ExitNotLoadable || Code == ExitTimeLimit;
    return Killed == NULL && Known && Agrees ? Code : ExitEnvironment;
}

static void ResultReason(const json_t *Verdict, int Status, const char *Killed, int Text,
                         char Out[2400])
{
    char Tail[RESULT_TAIL];
    const char *Cause = ResultText(Verdict, "cause");
    if (Verdict != NULL && Killed == NULL) {
        TextFormat(Out, 2400, "%.900s%s%.1200s", ResultText(Verdict, "detail"),
                   *Cause != 0 ? ": " : "", Cause);
        return;
    }
    ResultTail(Text, Tail);
    if (Killed != NULL) {
        snprintf(Out, 2400, "%s", Killed);
    } else if (WIFSIGNALED(Status)) {
        snprintf(Out, 2400, "the run was ended by signal %d", WTERMSIG(Status));
    } else if (*Tail == 0) {
        snprintf(Out, 2400, "the run ended with status %d and no verdict", WEXITSTATUS(Status));
    } else {
        Out[0] = 0;
    }
    TextAppendFormat(Out, 2400, "%s%s", *Out != 0 && *Tail != 0 ? ": " : "", Tail);
}

static void ResultReplay(const CHECK_STEP *Step, const char *Program, char *Out, size_t Capacity)
{
    CHECK_WORDS Words;
    Out[0] = 0;
    if (PlanWords(Step, Program, "-", &Words)) {
        for (unsigned i = 0; i < Words.Count; i++) {
            if (strcmp(Words.Words[i], "--json=-") != 0) {
                TextAppendWord(Out, Capacity, Words.Words[i]);
            }
        }
    }
}

json_t *ResultRead(const CHECK_STEP *Step, const char *Program, int Events, int Text, int Status,
                   uint64_t Ms, const char *Killed)
{
    static const char *const Verdicts[] = {"clean", "finding", "usage", "not loadable",
                                           "time limit", "machine fault"};
    char Reason[2400], Clean[2400], Driver[4096], Scenario[4096], Line[4096], Replay[4096];
    uint64_t Memory = 0;
    json_t *Findings = json_array();

    TextCleanString(Driver, sizeof(Driver), Step->Driver->Path);
    TextCleanString(Scenario, sizeof(Scenario), Step->Scenario);
    TextParseSize(Step->Memory, &Memory);
    json_t *Verdict = ResultEvents(Driver, Events, Findings);
    EXIT_CODE Code = ResultCode(Status, Verdict, Killed);
    if (Code == ExitClean && json_array_size(Findings) != 0) {
        Code = ExitFinding;
    }
    bool Told = json_array_size(Findings) != 0 && Code != ExitEnvironment && Code != ExitTimeLimit;
    Clean[0] = 0;
    if (Code != ExitClean) {
        ResultReason(Verdict, Status, Killed, Text, Reason);
        TextCleanString(Clean, sizeof(Clean), Reason);
        if (!Told) {
            json_array_append_new(Findings, ResultOfEnd(Driver, Code, Clean));
        }
    }
    snprintf(Line, sizeof(Line), "%s", ResultText(Verdict, "replay")); /* without the defaults */
    if (Line[0] == 0) {
        ResultReplay(Step, Program, Line, sizeof(Line));
    }
    TextCleanString(Replay, sizeof(Replay), Line);
    json_decref(Verdict);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:i, s:I, s:s, s:o}", "type",
                     "run", "step", (json_int_t)Step->Index, "driver", Driver, "scenario",
                     Scenario, "page_out", Step->PageOut, "memory", (json_int_t)Memory, "seed",
                     (json_int_t)Step->Seed, "verdict", Verdicts[Code], "detail", Clean,
                     "exit_code", (int)Code, "ms", (json_int_t)Ms, "replay", Replay, "findings",
                     Findings);
}

/* ---- results from a file ---- */

/* As ResultRead makes it: no control characters, no NUL, not endless. */
static bool ResultIsText(const json_t *Text)
{
    char Clean[RESULT_MOST_TEXT];
    return json_is_string(Text) && json_string_length(Text) < sizeof(Clean) &&
           TextClean(Clean, sizeof(Clean), json_string_value(Text), json_string_length(Text)) ==
               json_string_length(Text) &&
           strcmp(Clean, json_string_value(Text)) == 0;
}

static bool ResultHas(const json_t *Object, const char *const *Texts, const char *const *Numbers,
                      char Error[CHECK_ERROR])
{
    for (; *Texts != NULL; Texts++) {
        if (!ResultIsText(json_object_get(Object, *Texts))) {
            snprintf(Error, CHECK_ERROR, "\"%s\" is no clean text of less than 16 KB", *Texts);
            return false;
        }
    }
    for (; *Numbers != NULL; Numbers++) {
        if (!json_is_integer(json_object_get(Object, *Numbers)) ||
            ResultNumber(Object, *Numbers) < 0) {
            snprintf(Error, CHECK_ERROR, "\"%s\" is no number from 0 on", *Numbers);
            return false;
        }
    }
    return true;
}

bool ResultIsSound(const json_t *Result, char Error[CHECK_ERROR])
{
    static const char *const RunTexts[] = {"driver", "scenario", "page_out", "verdict", "detail",
                                           "replay", NULL};
    static const char *const RunNumbers[] = {"step", "memory", "seed", "exit_code", "ms", NULL};
    static const char *const Texts[] = {"fingerprint", "rule", "name", "text", "where", "routine",
                                        "file", "advice", NULL};
    static const char *const Numbers[] = {"line", NULL};
    static const char *const FrameTexts[] = {"routine", "file", NULL};
    const json_t *Findings = json_object_get(Result, "findings");
    const int64_t Code = ResultNumber(Result, "exit_code");

    if (!ResultHas(Result, RunTexts, RunNumbers, Error)) {
        return false;
    }
    snprintf(Error, CHECK_ERROR, "\"exit_code\" is none of 0, 1, 3, 4, 5, or without findings");
    if (!json_is_array(Findings) || Code < 0 || Code == ExitUsage || Code > ExitEnvironment ||
        (Code == 0) != (json_array_size(Findings) == 0) ||
        json_array_size(Findings) > RESULT_MOST_FINDINGS + 1) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(Findings); i++) {
        const json_t *Finding = json_array_get(Findings, i);
        const json_t *Stack = json_object_get(Finding, "stack");
        if (!ResultHas(Finding, Texts, Numbers, Error)) {
            return false;
        }
        for (size_t k = 0; k < json_array_size(Stack); k++) {
            if (!ResultHas(json_array_get(Stack, k), FrameTexts, Numbers, Error)) {
                return false;
            }
        }
    }
    return true;
}
