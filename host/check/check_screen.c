/* SPDX-License-Identifier: MIT */
/*
 * What a person sees of a check. In a pipe: a line for each run, in the order of the steps. On a
 * terminal: a line for each run with something new, and below them one line that changes. Then, in
 * both, each finding once, and the verdict last.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/text/text.h"

#define SCREEN_CLEAR "\r\033[K"

void ScreenOpen(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings, uint64_t Steps)
{
    const char *NoColor = getenv("NO_COLOR"), *Terminal = getenv("TERM");
    bool ToStdout = false;
    for (int i = 0; i < CheckOutputKinds; i++) {
        const char *Path = Settings->Output[i];
        ToStdout = ToStdout || (Path != NULL && strcmp(Path, "-") == 0);
    }
    *Screen = (CHECK_SCREEN){.Verbose = Settings->Verbose, .Steps = Steps};
    Screen->Report.Text = ToStdout ? stderr : stdout;
    Screen->Report.Start = TextNow();
    bool Smart = isatty(fileno(Screen->Report.Text)) && Terminal != NULL &&
                 strcmp(Terminal, "dumb") != 0;
    Screen->Live = Smart;
    Screen->Report.Color = Smart && (NoColor == NULL || *NoColor == 0);
    if (!Smart) {
        setvbuf(Screen->Report.Text, NULL, _IOLBF, 0);
    }
}

static void ScreenClear(CHECK_SCREEN *Screen)
{
    if (Screen->Live) {
        fputs(SCREEN_CLEAR, Screen->Report.Text);
    }
}

/* "notepad.sys default at-raise 48M seed 1" */
static void ScreenName(char Out[1200], const char *Driver, const char *Scenario,
                       const char *PageOut, const char *Memory, uint64_t Seed)
{
    char Text[1200];
    TextFormat(Text, sizeof(Text), "%.300s %.300s %s %s seed %llu", TextBaseName(Driver),
               TextBaseName(Scenario), PageOut, Memory, (unsigned long long)Seed);
    TextCleanString(Out, 1200, Text);
}

/* "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"; a rule that is words says enough by itself. */
static const char *ScreenRule(const json_t *Finding, char Out[300])
{
    const char *Rule = ResultText(Finding, "rule");
    bool IsCode = strncmp(Rule, "0x", 2) == 0;
    TextFormat(Out, 300, "%.60s%s%.200s", Rule, IsCode ? " " : "",
             IsCode ? ResultText(Finding, "name") : "");
    return Out;
}

void ScreenResult(CHECK_SCREEN *Screen, const json_t *Result, EXIT_CODE Counted, unsigned New)
{
    char Name[1200], Memory[TEXT_NUMBER], Rule[300], What[3000] = "";
    const json_t *First = json_array_get(json_object_get(Result, "findings"), 0);
    int64_t Ms = ResultNumber(Result, "ms");
    bool Bad = ResultNumber(Result, "exit_code") != ExitClean;

    if (Screen->Live && !Screen->Verbose && New == 0) {
        return;
    }
    ScreenName(Name, ResultText(Result, "driver"), ResultText(Result, "scenario"),
               ResultText(Result, "page_out"),
               TextSize(Memory, (uint64_t)ResultNumber(Result, "memory")),
               (uint64_t)ResultNumber(Result, "seed"));
    if (Bad) {
        const char *Where = ResultText(First, "where");
        const char *Muted = Counted == ExitClean ? ", muted" : "";
        if (*Where != 0) {
            TextFormat(What, sizeof(What), ": %s at %.900s%s", ScreenRule(First, Rule), Where,
                       Muted);
        } else {
            TextFormat(What, sizeof(What), ": %.900s%s", ResultText(First, "text"), Muted);
        }
    }
    ScreenClear(Screen);
    ReportToned(&Screen->Report, !Bad ? ReportPlain : Counted == ExitClean ? ReportGood : ReportBad,
                ResultText(Result, "verdict"), "%s (%lld.%02lld s)%s", Name, (long long)Ms / 1000,
                (long long)Ms % 1000 / 10, What);
}

void ScreenProgress(CHECK_SCREEN *Screen, uint64_t Done, const CHECK_STEP *Running,
                    const CHECK_SUMMARY *Summary)
{
    char Line[2400], Name[1200] = "", Left[64] = "";
    struct winsize Size;
    uint64_t Spent = TextNow() - Screen->Report.Start;
    size_t Findings = SummaryFindings(Summary);

    if (!Screen->Live) {
        return;
    }
    if (Running != NULL) {
        ScreenName(Name, Running->Driver->Path, Running->Scenario, Running->PageOut,
                   Running->Memory, Running->Seed);
    }
    if (Done != 0 && Spent > 2000) {
        uint64_t Rest = Screen->Steps > Done ? Screen->Steps - Done : 0;
        uint64_t Seconds = (uint64_t)((double)Spent * (double)Rest / (double)Done / 1000.0) + 1;
        snprintf(Left, sizeof(Left), ", %llu:%02llu left", (unsigned long long)Seconds / 60,
                 (unsigned long long)Seconds % 60);
    }
    snprintf(Line, sizeof(Line), "%llu of %llu runs, %zu finding%s%s  %s", (unsigned long long)Done,
             (unsigned long long)Screen->Steps, Findings, Findings == 1 ? "" : "s", Left, Name);
    unsigned Width = ioctl(fileno(Screen->Report.Text), TIOCGWINSZ, &Size) == 0 && Size.ws_col > 8
                         ? Size.ws_col : 80;
    size_t Length = 0; /* cut at a character, counting those of UTF-8 once */
    for (unsigned Columns = 0; Line[Length] != 0; Length++) {
        Columns += (Line[Length] & 0xc0) != 0x80;
        if (Columns >= Width) {
            break;
        }
    }
    fprintf(Screen->Report.Text, SCREEN_CLEAR "%.*s", (int)Length, Line);
    fflush(Screen->Report.Text);
}

static void ScreenFinding(CHECK_SCREEN *Screen, const CHECK_FINDING *Entry)
{
    REPORT *Report = &Screen->Report;
    const json_t *Finding = Entry->Finding;
    char Driver[600], Rule[300];

    TextCleanString(Driver, sizeof(Driver), TextBaseName(ResultText(Entry->First, "driver")));
    ReportToned(Report, ReportBad, FindingIsFault(Finding) ? "fault" : "finding",
                "%s: %s, %llu run%s", ScreenRule(Finding, Rule), Driver,
                (unsigned long long)Entry->Runs, Entry->Runs == 1 ? "" : "s");
    ReportLine(Report, "cause", "%s", ResultText(Finding, "text"));
    if (*ResultText(Finding, "where") != 0) {
        ReportLine(Report, "where", "%s", ResultText(Finding, "where"));
    }
    if (*ResultText(Finding, "advice") != 0) {
        ReportLine(Report, "advice", "%s", ResultText(Finding, "advice"));
    }
    ReportLine(Report, "replay", "%s", ResultText(Entry->First, "replay"));
    ReportLine(Report, "fingerprint", "%s", ResultText(Finding, "fingerprint"));
    ReportBlank(Report);
}

/* Lines of the baseline about the drivers that were run, and that none of them met any more. */
static void ScreenStale(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings,
                        const CHECK_SUMMARY *Summary)
{
    const char *Fingerprint, *Path;
    json_t *Line, *Unused, *Names = json_object();

    json_object_foreach(Summary->Drivers, Path, Unused) {
        json_object_set_new(Names, TextBaseName(Path), json_true());
    }
    json_object_foreach(Summary->Baseline->Lines, Fingerprint, Line) {
        if (json_object_get(Names, ResultText(Line, "driver")) != NULL &&
            json_object_get(Summary->ByFingerprint, Fingerprint) == NULL) {
            char Clean[3000], Text[3000];
            TextFormat(Text, sizeof(Text), "%.1000s:%lld: %.20s %.60s %.300s %.600s",
                       Settings->Baseline, (long long)ResultNumber(Line, "line"), Fingerprint,
                       ResultText(Line, "rule"), ResultText(Line, "driver"),
                       ResultText(Line, "routine"));
            TextCleanString(Clean, sizeof(Clean), Text);
            ReportLine(&Screen->Report, "gone", "%s", Clean);
        }
    }
    json_decref(Names);
}

void ScreenFindings(CHECK_SCREEN *Screen, const CHECK_SETTINGS *Settings,
                    const CHECK_SUMMARY *Summary)
{
    ScreenClear(Screen);
    ReportBlank(&Screen->Report);
    for (size_t i = 0; i < Summary->FindingCount; i++) {
        if (!Summary->Findings[i].Muted) {
            ScreenFinding(Screen, &Summary->Findings[i]);
        }
    }
    for (size_t i = 0; i < Summary->FindingCount; i++) {
        const json_t *Finding = Summary->Findings[i].Finding;
        const char *Where = ResultText(Finding, "where");
        if (Summary->Findings[i].Muted) {
            ReportLine(&Screen->Report, "muted", "%s %s %s, %llu run%s: %s",
                       ResultText(Finding, "fingerprint"), ResultText(Finding, "rule"),
                       TextBaseName(ResultText(Summary->Findings[i].First, "driver")),
                       (unsigned long long)Summary->Findings[i].Runs,
                       Summary->Findings[i].Runs == 1 ? "" : "s",
                       *Where != 0 ? Where : ResultText(Finding, "text"));
        }
    }
    if (Summary->Baseline != NULL && Summary->Complete) {
        ScreenStale(Screen, Settings, Summary);
    }
}

void ScreenVerdict(CHECK_SCREEN *Screen, const CHECK_OUTPUTS *Outputs,
                   const CHECK_SUMMARY *Summary)
{
    static const char *const Words[] = {"clean", "finding", "usage", "not loadable", "time limit",
                                        "machine fault"};
    REPORT *Report = &Screen->Report;
    uint64_t Spent = TextNow() - Report->Start;
    size_t Findings = SummaryFindings(Summary);
    char Interrupted[64], Path[2048], Muted[64] = "";
    const char *Word = Words[Summary->Code <= ExitEnvironment ? Summary->Code : ExitEnvironment];

    for (int i = 0; i < CheckOutputKinds; i++) {
        if (Outputs->Path[i] != NULL && strcmp(Outputs->Path[i], "-") != 0) {
            TextCleanString(Path, sizeof(Path), Outputs->Path[i]);
            ReportLine(Report, "written", "%s", Path);
        }
    }
    if (Summary->Signal != 0) {
        snprintf(Interrupted, sizeof(Interrupted), "interrupted by signal %d", Summary->Signal);
        Word = Interrupted;
    }
    if (Summary->MutedRuns != 0) {
        snprintf(Muted, sizeof(Muted), ", %llu muted", (unsigned long long)Summary->MutedRuns);
    }
    ReportToned(Report, Summary->Code == ExitClean && Summary->Signal == 0 ? ReportGood : ReportBad,
                "verdict",
                "%s: %zu finding%s, %llu bad of %llu run%s%s, %zu driver%s (%llu.%02llu s)",
                Word, Findings, Findings == 1 ? "" : "s", (unsigned long long)Summary->BadRuns,
                (unsigned long long)Summary->Runs, Summary->Runs == 1 ? "" : "s", Muted,
                json_object_size(Summary->Drivers),
                json_object_size(Summary->Drivers) == 1 ? "" : "s",
                (unsigned long long)Spent / 1000, (unsigned long long)Spent % 1000 / 10);
}
