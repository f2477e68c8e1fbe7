/* SPDX-License-Identifier: MIT */
/*
 * The HTML report of a check: one file, whatever the number of runs. Which runs bring a timeline is
 * decided here, as they are taken, in the order of the steps:
 *
 *   - the first run of each case (driver, scenario, page-out mode) with each of its findings, muted
 *     or not;
 *   - the first clean run of each driver and scenario, to compare with.
 *
 * All of them together have at most PAGE_MOST_BYTES, those of clean runs half of it. All other runs
 * are a row: how it ended, its findings, the command that does it again. Of more than
 * PAGE_MOST_RUNS the rest is in the numbers of its case only, unless it has a timeline.
 *
 * In HTML_DATA_ID, beside "pageable":
 *   runs    [{case, step, memory, seed, ms, exit_code, muted, replay, findings: indices, timeline}]
 *   check   {exit_code, runs, bad, muted, signal, complete, left_out: findings,
 *            cases: [{driver, scenario, page_out, runs, exit_code}],
 *            findings: [{as of a result; muted, fault, runs, driver}]}
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/check/check.h"
#include "host/text/text.h"
#include "host/timeline/html_document.h"

#define PAGE_MOST_RUNS 5000u
#define PAGE_MOST_FINDINGS 500u
#define PAGE_MOST_BYTES (32u << 20)

/*
 * What a run wrote, whole: malloc's. NULL: none, too large, or a piece only, as a run leaves it
 * that was killed. It may be anybody's file (of `report`): without `<` it can do nothing to the
 * page, and what is no JSON counts there as none.
 */
static char *PageReadTimeline(int File, uint64_t Room, size_t *Size)
{
    struct stat Stat;
    if (fstat(File, &Stat) != 0 || !S_ISREG(Stat.st_mode) || Stat.st_size < 3 ||
        (uint64_t)Stat.st_size > Room) {
        return NULL;
    }
    *Size = (size_t)Stat.st_size;
    char *Text = malloc(*Size);
    if (Text == NULL || pread(File, Text, *Size, 0) != Stat.st_size || Text[0] != '{' ||
        memcmp(Text + *Size - 2, "}\n", 2) != 0 || memchr(Text, '<', *Size) != NULL) {
        free(Text);
        return NULL;
    }
    return Text;
}

static bool PageAddTimeline(FILE *File, CHECK_SUMMARY *Summary, const json_t *Result, int Timeline)
{
    char Id[sizeof(HTML_TIMELINE_ID) + TEXT_NUMBER];
    bool Clean = ResultNumber(Result, "exit_code") == ExitClean;
    uint64_t Most = Clean ? PAGE_MOST_BYTES / 2 : PAGE_MOST_BYTES;
    size_t Size;

    if (!Summary->Notable || Timeline < 0 || Summary->PageBytes >= Most) {
        return false;
    }
    char *Text = PageReadTimeline(Timeline, Most - Summary->PageBytes, &Size);
    if (Text == NULL) {
        return false;
    }
    snprintf(Id, sizeof(Id), HTML_TIMELINE_ID "%lld", (long long)ResultNumber(Result, "step"));
    HtmlElementBegin(File, Id);
    fwrite(Text, 1, Size, File);
    HtmlElementEnd(File);
    Summary->PageBytes += Size;
    free(Text);
    return true;
}

void PageAddRun(FILE *File, CHECK_SUMMARY *Summary, const json_t *Result, EXIT_CODE Counted,
                int Timeline)
{
    int64_t Code = ResultNumber(Result, "exit_code"), Step = ResultNumber(Result, "step");
    bool HasTimeline = PageAddTimeline(File, Summary, Result, Timeline);
    json_t *Findings, *Finding;
    size_t i;

    if (json_array_size(Summary->Rows) >= PAGE_MOST_RUNS && !HasTimeline) {
        return;
    }
    Findings = json_array();
    json_array_foreach(json_object_get(Result, "findings"), i, Finding) {
        const char *Fingerprint = ResultText(Finding, "fingerprint");
        json_array_append(Findings, json_object_get(Summary->ByFingerprint, Fingerprint));
    }
    json_t *Row = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s, s:o}", "case",
                            (json_int_t)Summary->CaseCount - 1, "step", (json_int_t)Step, "memory",
                            (json_int_t)ResultNumber(Result, "memory"), "seed",
                            (json_int_t)ResultNumber(Result, "seed"), "ms",
                            (json_int_t)ResultNumber(Result, "ms"), "exit_code", (json_int_t)Code,
                            "muted", (int)(Code != ExitClean && Counted == ExitClean), "replay",
                            ResultText(Result, "replay"), "findings", Findings);
    if (HasTimeline) {
        json_object_set_new(Row, "timeline", json_integer(Step));
    }
    json_array_append_new(Summary->Rows, Row);
}

static json_t *PageCases(const CHECK_SUMMARY *Summary)
{
    json_t *Cases = json_array();
    for (size_t i = 0; i < Summary->CaseCount; i++) {
        const CHECK_CASE *Case = &Summary->Cases[i];
        json_array_append_new(Cases, json_pack("{s:s, s:s, s:s, s:I, s:i}", "driver", Case->Driver,
                                               "scenario", Case->Scenario, "page_out",
                                               Case->PageOut, "runs", (json_int_t)Case->Runs,
                                               "exit_code", (int)Case->Code));
    }
    return Cases;
}

static json_t *PageFindings(const CHECK_SUMMARY *Summary)
{
    json_t *Findings = json_array();
    for (size_t i = 0; i < Summary->FindingCount && i < PAGE_MOST_FINDINGS; i++) {
        const CHECK_FINDING *Entry = &Summary->Findings[i];
        json_t *Finding = json_copy(Entry->Finding);
        json_t *More = json_pack("{s:b, s:b, s:I, s:s}", "muted", (int)Entry->Muted, "fault",
                                 (int)FindingIsFault(Entry->Finding), "runs",
                                 (json_int_t)Entry->Runs, "driver",
                                 ResultText(Entry->First, "driver"));
        json_object_update(Finding, More);
        json_decref(More);
        json_array_append_new(Findings, Finding);
    }
    return Findings;
}

bool PageWrite(FILE *File, const CHECK_SETTINGS *Settings, const CHECK_SUMMARY *Summary)
{
    size_t Left = Summary->FindingCount > PAGE_MOST_FINDINGS
                      ? Summary->FindingCount - PAGE_MOST_FINDINGS : 0;
    json_t *Data = json_pack(
        "{s:s, s:O, s:{s:i, s:I, s:I, s:I, s:i, s:b, s:I, s:o, s:o}}", "pageable", PAGEABLE_VERSION,
        "runs", Summary->Rows, "check", "exit_code", (int)Summary->Code, "runs",
        (json_int_t)Summary->Runs, "bad", (json_int_t)Summary->BadRuns, "muted",
        (json_int_t)Summary->MutedRuns, "signal", Summary->Signal, "complete",
        (int)Summary->Complete, "left_out", (json_int_t)Left, "cases", PageCases(Summary),
        "findings", PageFindings(Summary));
    if (Data == NULL) {
        return false;
    }
    HtmlElement(File, HTML_DATA_ID, Data);
    json_decref(Data);
    return HtmlEnd(File);
}
