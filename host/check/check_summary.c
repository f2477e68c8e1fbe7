/* SPDX-License-Identifier: MIT */
/*
 * Results added up. They come in the order of the steps, so the runs of a case follow each other,
 * and the first result with a finding is the first of the plan, whichever run ended first.
 */
#include <stdlib.h>
#include <string.h>

#include "host/check/check.h"

void SummaryInit(CHECK_SUMMARY *Summary, const BASELINE *Baseline)
{
    *Summary = (CHECK_SUMMARY){.Baseline = Baseline, .ByFingerprint = json_object(),
                               .Drivers = json_object(), .Rows = json_array()};
}

/* Room for one more; NULL: no memory. */
static void *SummaryGrow(void *Array, size_t Count, size_t Size)
{
    return (Count & (Count - 1)) == 0 ? realloc(Array, (Count != 0 ? 2 * Count : 1) * Size) : Array;
}

/* The case of the result; a new one where the last is another. */
static CHECK_CASE *SummaryCase(CHECK_SUMMARY *Summary, const json_t *Result)
{
    const char *Driver = ResultText(Result, "driver"), *Scenario = ResultText(Result, "scenario");
    const char *PageOut = ResultText(Result, "page_out");
    CHECK_CASE *Last = Summary->CaseCount != 0 ? &Summary->Cases[Summary->CaseCount - 1] : NULL;

    if (Last != NULL && strcmp(Last->Driver, Driver) == 0 &&
        strcmp(Last->Scenario, Scenario) == 0 && strcmp(Last->PageOut, PageOut) == 0) {
        return Last;
    }
    if (Last == NULL || strcmp(Last->Driver, Driver) != 0 ||
        strcmp(Last->Scenario, Scenario) != 0) {
        Summary->HasClean = false;
    }
    CHECK_CASE *Cases = SummaryGrow(Summary->Cases, Summary->CaseCount, sizeof(*Cases));
    if (Cases == NULL) {
        abort();
    }
    Summary->Cases = Cases;
    Cases[Summary->CaseCount] = (CHECK_CASE){strdup(Driver), strdup(Scenario), strdup(PageOut),
                                             .Findings = json_array()};
    json_object_set_new(Summary->Drivers, Driver, json_true());
    return &Cases[Summary->CaseCount++];
}

/* Its index; a new one is kept with the result it came with. */
static size_t SummaryFinding(CHECK_SUMMARY *Summary, const json_t *Result, json_t *Finding,
                             unsigned *New)
{
    const char *Fingerprint = ResultText(Finding, "fingerprint");
    const json_t *Known = json_object_get(Summary->ByFingerprint, Fingerprint);
    if (Known != NULL) {
        return (size_t)json_integer_value(Known);
    }
    CHECK_FINDING *Findings = SummaryGrow(Summary->Findings, Summary->FindingCount,
                                          sizeof(*Findings));
    if (Findings == NULL) {
        abort();
    }
    json_t *First = json_copy((json_t *)Result);
    json_object_del(First, "findings");
    Summary->Findings = Findings;
    Findings[Summary->FindingCount] = (CHECK_FINDING){
        .Finding = json_incref(Finding),
        .First = First,
        .Muted = !FindingIsFault(Finding) && BaselineMutes(Summary->Baseline, Fingerprint),
    };
    json_object_set_new(Summary->ByFingerprint, Fingerprint,
                        json_integer((json_int_t)Summary->FindingCount));
    *New += !Findings[Summary->FindingCount].Muted;
    return Summary->FindingCount++;
}

/* Whether it is the first of its case. */
static bool SummaryCaseFinding(CHECK_CASE *Case, size_t Index, const json_t *Result)
{
    size_t i;
    json_t *Entry;
    json_array_foreach(Case->Findings, i, Entry) {
        if ((size_t)ResultNumber(Entry, "index") == Index) {
            json_object_set_new(Entry, "runs", json_integer(ResultNumber(Entry, "runs") + 1));
            return false;
        }
    }
    json_array_append_new(Case->Findings,
                          json_pack("{s:I, s:I, s:s}", "index", (json_int_t)Index, "runs",
                                    (json_int_t)1, "replay", ResultText(Result, "replay")));
    return true;
}

/* Whether a finding of this run was counted already. */
static bool SummaryRepeats(const json_t *Findings, size_t Index)
{
    const char *Fingerprint = ResultText(json_array_get(Findings, Index), "fingerprint");
    for (size_t i = 0; i < Index; i++) {
        if (strcmp(ResultText(json_array_get(Findings, i), "fingerprint"), Fingerprint) == 0) {
            return true;
        }
    }
    return false;
}

EXIT_CODE SummaryAdd(CHECK_SUMMARY *Summary, const json_t *Result, unsigned *New)
{
    CHECK_CASE *Case = SummaryCase(Summary, Result);
    EXIT_CODE Code = (EXIT_CODE)ResultNumber(Result, "exit_code");
    uint64_t Ms = (uint64_t)ResultNumber(Result, "ms");
    bool Muted = Code != ExitClean;
    const json_t *Findings = json_object_get(Result, "findings");
    size_t i;
    json_t *Finding;

    *New = 0;
    Summary->Notable = Code == ExitClean && !Summary->HasClean;
    Summary->HasClean = Summary->HasClean || Code == ExitClean;
    json_array_foreach(Findings, i, Finding) {
        if (!SummaryRepeats(Findings, i)) {
            size_t Index = SummaryFinding(Summary, Result, Finding, New);
            Summary->Findings[Index].Runs++;
            Muted = Muted && Summary->Findings[Index].Muted;
            Summary->Notable = SummaryCaseFinding(Case, Index, Result) || Summary->Notable;
        }
    }
    Code = Muted ? ExitClean : Code;
    Case->Runs++;
    Case->Ms += Ms;
    Case->MutedRuns += Muted;
    Case->Code = Code > Case->Code ? Code : Case->Code;
    Summary->Runs++;
    Summary->Ms += Ms;
    Summary->MutedRuns += Muted;
    Summary->BadRuns += Code != ExitClean;
    Summary->Code = Code > Summary->Code ? Code : Summary->Code;
    return Code;
}

bool SummaryHasClean(const CHECK_SUMMARY *Summary, const CHECK_STEP *Step)
{
    if (!Summary->HasClean || Summary->CaseCount == 0) {
        return false;
    }
    const CHECK_CASE *Last = &Summary->Cases[Summary->CaseCount - 1];
    return strcmp(Last->Driver, Step->Driver->Path) == 0 &&
           strcmp(Last->Scenario, Step->Scenario) == 0;
}

size_t SummaryFindings(const CHECK_SUMMARY *Summary)
{
    size_t Count = 0;
    for (size_t i = 0; i < Summary->FindingCount; i++) {
        Count += !Summary->Findings[i].Muted && !FindingIsFault(Summary->Findings[i].Finding);
    }
    return Count;
}

void SummaryFree(CHECK_SUMMARY *Summary)
{
    for (size_t i = 0; i < Summary->FindingCount; i++) {
        json_decref(Summary->Findings[i].Finding);
        json_decref(Summary->Findings[i].First);
    }
    for (size_t i = 0; i < Summary->CaseCount; i++) {
        free(Summary->Cases[i].Driver);
        free(Summary->Cases[i].Scenario);
        free(Summary->Cases[i].PageOut);
        json_decref(Summary->Cases[i].Findings);
    }
    free(Summary->Findings);
    free(Summary->Cases);
    json_decref(Summary->ByFingerprint);
    json_decref(Summary->Drivers);
    json_decref(Summary->Rows);
}
