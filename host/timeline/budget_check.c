/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "host/timeline/budget.h"

uint64_t BudgetBytes(const TIMELINE_IMAGE *Image, const TIMELINE_SECTION *Section,
                     BUDGET_KIND Kind, bool Transient)
{
    bool MayLeave = TimelineSectionMayLeave(Image, Section);
    uint64_t All = (uint64_t)Section->Pages * TIMELINE_PAGE_BYTES;

    if (Image->Base == 0 || Section->Discarded) {
        return 0;
    }
    switch (Kind) {
    case BudgetNonpaged: return MayLeave || Transient ? 0 : All;
    case BudgetPageable: return MayLeave && Section->LockCount == 0 ? All : 0;
    case BudgetLocked: return MayLeave && Section->LockCount != 0 ? All : 0;
    default: return (uint64_t)Section->InState[PageStateResident] * TIMELINE_PAGE_BYTES;
    }
}

/* Which sections are discarded at some time: INIT, and a discardable tail. */
static void BudgetFindTransient(const TIMELINE *Timeline, TIMELINE_IMAGE *Image,
                                bool Transient[TIMELINE_MAX_SECTIONS])
{
    memset(Transient, 0, TIMELINE_MAX_SECTIONS * sizeof(bool));
    for (size_t i = 0; i < Timeline->Count; i++) {
        const TIMELINE_ENTRY *Entry = &Timeline->Entries[i];
        if (Entry->Kind == TimelineLoad) {
            Image->Base = Entry->Address;
        } else if (Entry->Kind == TimelineDiscard) {
            int Index = TimelineSectionOf(Image, Entry->Address);
            if (Index != TIMELINE_NO_SECTION) {
                Transient[Index] = true;
            }
        }
    }
    Image->Base = 0;
}

static void BudgetJudge(const BUDGET *Budget, const TIMELINE_IMAGE *Image, const bool *Transient,
                        size_t Entry, BUDGET_RESULT *Result)
{
    uint64_t Bytes = 0;
    for (unsigned i = 0; i < Image->SectionCount; i++) {
        const TIMELINE_SECTION *Section = &Image->Section[i];
        if (Budget->Section[0] == 0 || strcmp(Budget->Section, Section->Name) == 0) {
            Bytes += BudgetBytes(Image, Section, Budget->Kind, Transient[i]);
            Result->Known = true;
        }
    }
    if (Bytes > Result->Most) {
        Result->Most = Bytes;
        Result->MostAt = Entry;
    }
    if (Bytes > Budget->Bytes && !Result->Over) {
        Result->Over = true;
        Result->OverAt = Entry;
    }
}

void BudgetCheck(const BUDGET *Budgets, unsigned Count, const TIMELINE *Timeline,
                 TIMELINE_IMAGE *Image, BUDGET_RESULT *Results)
{
    bool Transient[TIMELINE_MAX_SECTIONS], All;

    memset(Results, 0, Count * sizeof(*Results));
    BudgetFindTransient(Timeline, Image, Transient);
    for (size_t i = 0; i < Timeline->Count; i++) {
        int Changed = TimelineImageApply(Image, &Timeline->Entries[i], &All);
        for (unsigned b = 0; b < Count && (All || Changed != TIMELINE_NO_SECTION); b++) {
            BudgetJudge(&Budgets[b], Image, Transient, i, &Results[b]);
        }
    }
}
