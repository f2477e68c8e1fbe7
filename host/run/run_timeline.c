/* SPDX-License-Identifier: MIT */
/*
 * `run --timeline`, `--trace`, `--html` and `--budget`: what becomes of the timeline that a run has
 * brought. Budgets are judged before the verdict; files are written when it is known and not yet
 * told, as the HTML report has it in it and the verdict's lines are to be the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/run/run.h"
#include "host/text/text.h"
#include "host/timeline/html_report.h"
#include "host/timeline/trace_file.h"

void RunOnTimeline(RUN *Run, const CONTROL_MESSAGE *Message)
{
    if (!Run->Options.Timeline) {
        return; /* not asked for: a guest that sends it all the same gets no memory of ours */
    }
    if (Message->Type == ControlTimelineNames) {
        TimelineTakeNames(&Run->Timeline, Message);
    } else {
        TimelineTakeBatch(&Run->Timeline, Message);
    }
}

/* The code that locked the section last, before an entry. "" when nobody did. */
static void RunFindLocker(RUN *Run, const TIMELINE_IMAGE *Image, const char *Section, size_t Before,
                          char *Where, size_t WhereSize)
{
    Where[0] = 0;
    for (size_t i = Before + 1; i-- > 0;) {
        const TIMELINE_ENTRY *Entry = &Run->Timeline.Entries[i];
        int Index = Entry->Kind == TimelineLock ? TimelineSectionOf(Image, Entry->Value)
                                                : TIMELINE_NO_SECTION;
        if (Index == TIMELINE_NO_SECTION ||
            (Section[0] != 0 && strcmp(Image->Section[Index].Name, Section) != 0)) {
            continue;
        }
        SYMBOL Symbol = {.Address = Entry->Address, .IsReturn = true};
        SymbolsResolve(&Run->Symbols, &Symbol, 1);
        SymbolText(&Symbol, Where, WhereSize);
        return;
    }
}

static void RunTellBudget(RUN *Run, const BUDGET *Budget, const BUDGET_RESULT *Result,
                          const TIMELINE_IMAGE *Image)
{
    char What[96], Most[TEXT_NUMBER], Limit[TEXT_NUMBER], Over[TEXT_NUMBER], Text[400];
    char Where[900] = "";

    BudgetDescribe(Budget, What, sizeof(What));
    TextGroups(Limit, Budget->Bytes);
    if (!Result->Known) {
        snprintf(Text, sizeof(Text), "budget: the driver has no section %s",
                 strchr(What, ' ') + 10);
        RunFinding(Run, "budget", Text, "");
        return;
    }
    TextGroups(Most, Result->Most);
    if (!Result->Over) {
        ReportLine(&Run->Report, "budget", "%s: at most %s of %s", What, Most, Limit);
    } else {
        if (Budget->Kind == BudgetLocked || Budget->Kind == BudgetResident) {
            RunFindLocker(Run, Image, Budget->Section, Result->OverAt, Where, sizeof(Where));
        }
        snprintf(Text, sizeof(Text),
                 "budget: %s %s, %s allowed; over it from event %s of the timeline on", Most, What,
                 Limit, TextGroups(Over, Result->OverAt + 1));
        RunFinding(Run, "budget", Text, Where);
    }
    ReportEvent(&Run->Report, "budget",
                json_pack("{s:s, s:s, s:I, s:I, s:b, s:I, s:I}", "kind",
                          BudgetKindName(Budget->Kind), "section", Budget->Section, "bytes",
                          (json_int_t)Budget->Bytes, "most", (json_int_t)Result->Most, "over",
                          (int)Result->Over, "over_at",
                          (json_int_t)(Result->Over ? Result->OverAt + 1 : 0), "most_at",
                          (json_int_t)Result->MostAt + 1));
}

void RunJudgeBudgets(RUN *Run)
{
    BUDGET_RESULT Results[BUDGET_MOST];
    TIMELINE_IMAGE Image;
    const RUN_OPTIONS *Options = &Run->Options;

    if (Options->BudgetCount == 0 || Run->Timeline.Count == 0) {
        return; /* the verdict says why there is no timeline */
    }
    if (!TimelineImageOpen(&Image, &Run->Driver.Image)) {
        snprintf(Run->ToolFault, sizeof(Run->ToolFault), "not enough memory for the budgets");
        return;
    }
    BudgetCheck(Options->Budgets, Options->BudgetCount, &Run->Timeline, &Image, Results);
    Image.Base = Run->DriverBase; /* for addresses only: the driver may be unloaded */
    for (unsigned i = 0; i < Options->BudgetCount; i++) {
        RunTellBudget(Run, &Options->Budgets[i], &Results[i], &Image);
    }
    TimelineImageFree(&Image);
}

/*
 * False: a file asked for could not be written. Each writer gets an image of its own, as it changes
 * it; one for a program (IsData) is told only when it fails.
 */
static bool RunWriteFile(RUN *Run, const char *Label, const char *Path, bool IsData,
                         const TRACE_SOURCE *Base,
                         bool (*Write)(RUN *Run, const TRACE_SOURCE *Source, FILE *Out))
{
    TIMELINE_IMAGE Image;
    TRACE_SOURCE Source = *Base;
    char Clean[1024], Bytes[TEXT_NUMBER];
    FILE *Out = fopen(Path, "we");
    bool Opened = Out != NULL && TimelineImageOpen(&Image, &Run->Driver.Image);
    Source.Image = &Image;
    bool Good = Opened && Write(Run, &Source, Out);
    long Size = Good ? ftell(Out) : 0;
    int Error = errno;

    if (Out != NULL && fclose(Out) != 0) {
        Good = false;
        Error = errno;
    }
    TextCleanString(Clean, sizeof(Clean), Path);
    if (Opened) {
        TimelineImageFree(&Image);
    }
    if (Good && !IsData) {
        ReportLine(&Run->Report, Label, "%s, %s bytes", Clean, TextGroups(Bytes, (uint64_t)Size));
    } else if (!Good) {
        ReportToned(&Run->Report, ReportBad, Label, "not written: %s: %s", Clean, strerror(Error));
    }
    return Good;
}

static bool RunWriteTrace(RUN *Run, const TRACE_SOURCE *Source, FILE *Out)
{
    return TraceWrite(Source, Out);
}

static HTML_RUN RunForPage(const RUN *Run, const TRACE_SOURCE *Source, size_t MostEntries)
{
    return (HTML_RUN){
        .Source = *Source,
        .Events = Run->Report.Kept,
        .Budgets = Run->Options.Budgets,
        .BudgetCount = Run->Options.BudgetCount,
        .MostEntries = MostEntries,
    };
}

static bool RunWriteHtml(RUN *Run, const TRACE_SOURCE *Source, FILE *Out)
{
    const HTML_RUN One = RunForPage(Run, Source, HTML_MOST_ENTRIES);
    return HtmlReportWrite(&One, Out);
}

static bool RunWriteJson(RUN *Run, const TRACE_SOURCE *Source, FILE *Out)
{
    const HTML_RUN One = RunForPage(Run, Source, HTML_MOST_JOINED);
    return HtmlRunWrite(&One, Out);
}

static void RunTellTimeline(RUN *Run)
{
    const TIMELINE *Timeline = &Run->Timeline;
    char Count[TEXT_NUMBER], Lost[TEXT_NUMBER];
    uint64_t Missing = Timeline->Lost + Timeline->Dropped;

    ReportLine(&Run->Report, "timeline", "%s events%s%s%s", TextGroups(Count, Timeline->Count),
               Missing != 0 ? ", and " : "", Missing != 0 ? TextGroups(Lost, Missing) : "",
               Missing != 0 ? " lost" : "");
    ReportEvent(&Run->Report, "timeline",
                json_pack("{s:I, s:I}", "entries", (json_int_t)Timeline->Count, "lost",
                          (json_int_t)Missing));
}

bool RunWriteTimeline(RUN *Run, json_t *Verdict)
{
    TIMELINE_PLACES Places;
    const RUN_OPTIONS *Options = &Run->Options;
    char Module[80];
    const struct {
        const char *Label, *Path;
        bool IsData;
        bool (*Write)(RUN *Run, const TRACE_SOURCE *Source, FILE *Out);
    } Files[] = {{"trace", Options->Trace, false, RunWriteTrace},
                 {"html", Options->Html, false, RunWriteHtml},
                 {"timeline", Options->TimelineJson, true, RunWriteJson}};
    bool Good = true;

    if (!Options->Timeline) {
        return true;
    }
    RunTellTimeline(Run);
    if (Options->UnlessClean &&
        json_integer_value(json_object_get(Verdict, "exit_code")) == ExitClean) {
        return true; /* the names of its code alone would take longer than the run */
    }
    ReportKeep(&Run->Report, "verdict", Verdict);
    snprintf(Module, sizeof(Module), "%.*s!", (int)strcspn(Run->Driver.GuestName, "."),
             Run->Driver.GuestName);
    if (!TimelinePlacesOpen(&Places, &Run->Timeline, &Run->Symbols, Module)) {
        ReportToned(&Run->Report, ReportBad, "timeline", "not enough memory");
        return false;
    }
    TRACE_SOURCE Source = {&Run->Timeline, NULL, &Places, Run->Session.Boot.TimeStampFrequency,
                           Run->Driver.Name};
    for (size_t i = 0; i < sizeof(Files) / sizeof(Files[0]); i++) {
        if (Files[i].Path != NULL) {
            Good = RunWriteFile(Run, Files[i].Label, Files[i].Path, Files[i].IsData, &Source,
                                Files[i].Write) && Good;
        }
    }
    TimelinePlacesFree(&Places);
    return Good;
}
