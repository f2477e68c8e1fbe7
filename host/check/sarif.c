/* SPDX-License-Identifier: MIT */
/*
 * SARIF 2.1.0 (OASIS standard, 27 March 2020): a rule for each kind of finding, a result for each
 * distinct one, its stack as a code flow from the oldest call to the newest. A muted finding is
 * there with a suppression. Faults of the environment are no results: they are notifications of the
 * invocation.
 */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/check/rule.h"
#include "host/text/text.h"

#define SARIF_SCHEMA \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

/* A file's name as a URI: relative to the current directory where it lies in it. */
static void SarifUri(const char *File, char Out[4096])
{
    static const char Plain[] = "-._~/!$&'()*+,;=:@";
    char Here[2048];
    size_t Used = 0, Length;
    bool Drive = isalpha((unsigned char)File[0]) && File[1] == ':';

    if (*File == '/' && getcwd(Here, sizeof(Here)) != NULL &&
        strncmp(File, Here, Length = strlen(Here)) == 0 && File[Length] == '/') {
        File += Length + 1;
    }
    if (*File == '/' || Drive) {
        Used = (size_t)snprintf(Out, 4096, "file://%s", Drive ? "/" : "");
    } else if (strchr(File, ':') != NULL) {
        Used = (size_t)snprintf(Out, 4096, "./"); /* else what is before it would be a scheme */
    }
    for (; *File != 0 && Used + 4 < 4096; File++) {
        unsigned char Char = (unsigned char)(*File == '\\' ? '/' : *File);
        if (isalnum(Char) || strchr(Plain, Char) != NULL) {
            Out[Used++] = (char)Char;
        } else {
            Used += (size_t)snprintf(Out + Used, 4096 - Used, "%%%02X", Char);
        }
    }
    Out[Used] = 0;
}

/* A place in code: file and line where they are known, else the driver's file; and the routine. */
static json_t *SarifLocation(const json_t *Place, const char *Driver)
{
    char Uri[4096];
    int64_t Line = ResultNumber(Place, "line");
    const char *File = ResultText(Place, "file"), *Routine = ResultText(Place, "routine");
    json_t *Location = json_object(), *Physical;

    SarifUri(*File != 0 ? File : Driver, Uri);
    Physical = json_pack("{s:{s:s}}", "artifactLocation", "uri", Uri);
    if (*File != 0 && Line > 0) {
        json_object_set_new(Physical, "region", json_pack("{s:I}", "startLine", (json_int_t)Line));
    }
    if (*File != 0 || *Driver != 0) {
        json_object_set(Location, "physicalLocation", Physical);
    }
    json_decref(Physical);
    if (*Routine != 0) {
        json_object_set_new(Location, "logicalLocations",
                            json_pack("[{s:s, s:s}]", "fullyQualifiedName", Routine, "kind",
                                      "function"));
    }
    return Location;
}

/* Stacks are told newest call first, flows in the order of time. */
static json_t *SarifCodeFlow(const json_t *Finding)
{
    const json_t *Stack = json_object_get(Finding, "stack");
    json_t *Steps = json_array();
    for (size_t i = json_array_size(Stack); i > 0; i--) {
        json_t *Location = SarifLocation(json_array_get(Stack, i - 1), "");
        const char *Routine = ResultText(json_array_get(Stack, i - 1), "routine");
        json_object_set_new(Location, "message", json_pack("{s:s}", "text", Routine));
        json_array_append_new(Steps, json_pack("{s:o}", "location", Location));
    }
    return json_pack("[{s:[{s:o}]}]", "threadFlows", "locations", Steps);
}

static json_t *SarifRule(const CHECK_SETTINGS *Settings, const char *Rule)
{
    char Link[600], Means[800], Text[4200];
    const char *Base = Settings->DocsUrl != NULL ? Settings->DocsUrl : "";
    const char *Slash = *Base != 0 && Base[strlen(Base) - 1] != '/' ? "/" : "";

    RuleLink(Rule, Link, sizeof(Link));
    RuleHelp(Rule, Means, sizeof(Means));
    json_t *Object = json_pack("{s:s, s:s, s:{s:s}, s:{s:s}}", "id", Rule, "name", RuleName(Rule),
                               "shortDescription", "text", RuleName(Rule), "fullDescription",
                               "text", Means);
    TextFormat(Text, sizeof(Text), "%s %.800s See %s.", Means, RuleAdvice(Rule), Link);
    json_t *Help = json_pack("{s:s}", "text", Text);
    TextFormat(Text, sizeof(Text), "%s %.800s [%.300s](%.600s%s%s)", Means, RuleAdvice(Rule),
               RuleName(Rule), Base, Slash, Link);
    json_object_set_new(Help, "markdown", json_string(Text));
    json_object_set_new(Object, "help", Help);
    if (*Base != 0) {
        TextFormat(Text, sizeof(Text), "%.600s%s%s", Base, Slash, Link);
        json_object_set_new(Object, "helpUri", json_string(Text));
    }
    return Object;
}

/* Its place in the list of rules, to which it is added when it is new. */
static size_t SarifRuleIndex(const CHECK_SETTINGS *Settings, json_t *Rules, const char *Rule)
{
    size_t i;
    json_t *Known;
    json_array_foreach(Rules, i, Known) {
        if (strcmp(ResultText(Known, "id"), Rule) == 0) {
            return i;
        }
    }
    json_array_append_new(Rules, SarifRule(Settings, Rule));
    return i;
}

static json_t *SarifMessage(const json_t *Finding)
{
    const char *Advice = ResultText(Finding, "advice"), *Text = ResultText(Finding, "text");
    size_t Length = strlen(Text);
    bool Stop = Length != 0 && strchr(".!?", Text[Length - 1]) == NULL;
    return json_pack("{s:o}", "text",
                     json_sprintf("%s%s%s%s", Text, Stop ? "." : "", *Advice != 0 ? " " : "",
                                  Advice));
}

static json_t *SarifResult(const CHECK_SETTINGS *Settings, const CHECK_FINDING *Entry,
                           json_t *Rules)
{
    const json_t *Finding = Entry->Finding;
    const char *Rule = ResultText(Finding, "rule");
    json_t *Result = json_pack(
        "{s:s, s:I, s:s, s:o, s:[o], s:{s:s}, s:I, s:{s:s, s:s, s:s}}", "ruleId", Rule,
        "ruleIndex", (json_int_t)SarifRuleIndex(Settings, Rules, Rule), "level", "error", "message",
        SarifMessage(Finding), "locations",
        SarifLocation(Finding, ResultText(Entry->First, "driver")), "partialFingerprints",
        "pageable/v1", ResultText(Finding, "fingerprint"), "occurrenceCount",
        (json_int_t)Entry->Runs, "properties", "driver", ResultText(Entry->First, "driver"),
        "replay", ResultText(Entry->First, "replay"), "pageOut",
        ResultText(Entry->First, "page_out"));
    if (json_array_size(json_object_get(Finding, "stack")) != 0) {
        json_object_set_new(Result, "codeFlows", SarifCodeFlow(Finding));
    }
    if (Settings->Baseline != NULL) {
        json_object_set_new(Result, "baselineState",
                            json_string(Entry->Muted ? "unchanged" : "new"));
    }
    if (Entry->Muted) {
        char File[2048];
        TextCleanString(File, sizeof(File), Settings->Baseline);
        json_object_set_new(Result, "suppressions",
                            json_pack("[{s:s, s:o}]", "kind", "external", "justification",
                                      json_sprintf("in the baseline %s", File)));
    }
    return Result;
}

static json_t *SarifInvocation(const CHECK_SUMMARY *Summary)
{
    json_t *Notes = json_array();
    bool Whole = Summary->Signal == 0;
    for (size_t i = 0; i < Summary->FindingCount; i++) {
        const CHECK_FINDING *Entry = &Summary->Findings[i];
        if (FindingIsFault(Entry->Finding)) {
            Whole = false;
            json_array_append_new(
                Notes, json_pack("{s:s, s:{s:o}}", "level", "error", "message", "text",
                                 json_sprintf("%s: %s", ResultText(Entry->First, "driver"),
                                              ResultText(Entry->Finding, "text"))));
        }
    }
    if (Summary->Signal != 0) {
        json_array_append_new(Notes, json_pack("{s:s, s:{s:o}}", "level", "error", "message",
                                               "text", json_sprintf("interrupted by signal %d",
                                                                    Summary->Signal)));
    }
    return json_pack("{s:b, s:o}", "executionSuccessful", (int)Whole,
                     "toolExecutionNotifications", Notes);
}

bool SarifWrite(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary)
{
    json_t *Rules = json_array(), *Results = json_array();
    for (size_t i = 0; i < Summary->FindingCount; i++) {
        if (!FindingIsFault(Summary->Findings[i].Finding)) {
            json_array_append_new(Results, SarifResult(Settings, &Summary->Findings[i], Rules));
        }
    }
    json_t *Log = json_pack(
        "{s:s, s:s, s:[{s:{s:{s:s, s:s, s:s, s:o}}, s:s, s:[o], s:o}]}", "$schema", SARIF_SCHEMA,
        "version", "2.1.0", "runs", "tool", "driver", "name", "pageable", "version",
        PAGEABLE_VERSION, "semanticVersion", PAGEABLE_VERSION, "rules", Rules, "columnKind",
        "utf16CodeUnits", "invocations", SarifInvocation(Summary), "results", Results);
    bool Good = Log != NULL && json_dumpf(Log, File, JSON_INDENT(1)) == 0;
    fputc('\n', File);
    json_decref(Log);
    return Good;
}
