/* SPDX-License-Identifier: MIT */
/* sources: host/timeline/timeline.c host/timeline/timeline_image.c host/timeline/timeline_span.c host/timeline/budget.c host/timeline/budget_check.c host/text/text.c lib/control_codec.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/timeline/budget.h"
#include "host/timeline/timeline_span.h"
#include "tests/unit/timeline_sample.h"

#define BASE 0xfffff88200000000ull

static void Take(TIMELINE *Timeline, const TIMELINE_ENTRY *Entries, size_t Count, uint64_t First,
                 uint64_t Lost)
{
    CONTROL_MESSAGE Message = TimelineMessage(Entries, Count, First, Lost);
    TimelineTakeBatch(Timeline, &Message);
}

/* ---- batches ---- */

static void TestBatchesAddUp(void **State)
{
    TIMELINE Timeline = {0};
    TIMELINE_ENTRY Entries[4] = {{.Value = 0}, {.Value = 1}, {.Value = 2}, {.Value = 3}};
    Take(&Timeline, Entries, 3, 0, 0);
    Take(&Timeline, Entries + 1, 3, 1, 0); /* two of them again: a bug check while sending */
    assert_int_equal(Timeline.Count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(Timeline.Entries[i].Value, i);
    }
    assert_int_equal(Timeline.Lost, 0);
    Take(&Timeline, Entries, 1, 10, 5); /* six numbers never came, and five had none */
    assert_int_equal(Timeline.Count, 5);
    assert_int_equal(Timeline.Lost, 11);
    Take(&Timeline, Entries, 1, 11, 5);
    assert_int_equal(Timeline.Lost, 11);
    TimelineFree(&Timeline);
}

static void TestHostKeepsSoManyOnly(void **State)
{
    TIMELINE Timeline = {0};
    static TIMELINE_ENTRY Entries[20000];
    for (unsigned i = 0; i < 110; i++) {
        Take(&Timeline, Entries, 20000, i * 20000ull, 0);
    }
    assert_true(Timeline.Count <= TIMELINE_MOST);
    assert_int_equal(Timeline.Count + Timeline.Dropped, 110 * 20000);
    assert_int_equal(Timeline.Lost, 0);
    TimelineFree(&Timeline);
}

static void TestTimeNeverGoesBack(void **State)
{
    TIMELINE Timeline = {0};
    const TIMELINE_ENTRY Entries[] = {
        {.Time = 1000}, {.Time = 3000}, {.Time = 10}, {.Time = UINT64_MAX}, {.Time = 4000}};
    Take(&Timeline, Entries, 5, 0, 0);
    uint64_t *Times = TimelineTimes(&Timeline, 2000000000);
    assert_non_null(Times);
    assert_int_equal(Times[0], 0);
    assert_int_equal(Times[1], 1000);
    for (unsigned i = 1; i < 5; i++) {
        assert_true(Times[i] >= Times[i - 1] && Times[i] <= 1ull << 52);
    }
    free(Times);
    Times = TimelineTimes(&Timeline, 0);
    assert_non_null(Times);
    free(Times);
    TimelineFree(&Timeline);
}

static void TestNames(void **State)
{
    TIMELINE Timeline = {0};
    static const char Names[] = "KeSetEvent\0\0ZwClose";
    CONTROL_MESSAGE Message = {.First = {(const uint8_t *)Names, sizeof(Names)}};
    TimelineTakeNames(&Timeline, &Message);
    assert_int_equal(Timeline.NameCount, 3);
    assert_string_equal(TimelineName(&Timeline, 0), "KeSetEvent");
    assert_string_equal(TimelineName(&Timeline, 1), "");
    assert_string_equal(TimelineName(&Timeline, 2), "ZwClose");
    assert_null(TimelineName(&Timeline, 3));
    assert_null(TimelineName(&Timeline, TIMELINE_NO_NAME));
    TimelineFree(&Timeline);
}

/* ---- what a frame may not say ---- */

static const char *Decode(uint32_t Type, const void *Payload, size_t Length)
{
    CONTROL_MESSAGE Message;
    CONTROL_FRAME Frame = {Type, 0, (uint32_t)Length, Payload};
    return ControlDecode(&Frame, &Message);
}

static void TestBadFrames(void **State)
{
    struct {
        TIMELINE_BATCH Batch;
        TIMELINE_ENTRY Entry;
    } One = {{TIMELINE_VERSION, sizeof(TIMELINE_ENTRY), 0, 0}, {.Kind = TimelineCall}};
    assert_null(Decode(ControlTimeline, &One, sizeof(One)));
    One.Entry.Kind = TimelineKinds;
    assert_string_equal(Decode(ControlTimeline, &One, sizeof(One)),
                        "timeline with an entry of unknown kind");
    One.Entry.Kind = 0;
    assert_non_null(Decode(ControlTimeline, &One, sizeof(One)));
    One.Entry.Kind = TimelineCall;
    One.Batch.Version++;
    assert_string_equal(Decode(ControlTimeline, &One, sizeof(One)),
                        "timeline of another version");
    One.Batch.Version--;
    One.Batch.Length--;
    assert_non_null(Decode(ControlTimeline, &One, sizeof(One)));
    assert_string_equal(Decode(ControlTimeline, &One, sizeof(One) - 1),
                        "timeline of an impossible size");
    struct {
        TIMELINE_NAMES Names;
        char Text[256];
    } Names = {{TIMELINE_VERSION, 4}, "abc"};
    assert_null(Decode(ControlTimelineNames, &Names, sizeof(TIMELINE_NAMES) + 4));
    Names.Text[3] = 'd';
    assert_non_null(Decode(ControlTimelineNames, &Names, sizeof(TIMELINE_NAMES) + 4));
    memset(Names.Text, 'x', 255);
    Names.Names.Length = 256;
    assert_string_equal(Decode(ControlTimelineNames, &Names, sizeof(Names)),
                        "timeline with a name that is too long");
}

/* ---- spans ---- */

#define CALL(thread, stack, name) \
    {.Kind = TimelineCall, .Thread = thread, .Stack = stack, .Name = name}
#define RETURN(thread, stack, name) \
    {.Kind = TimelineReturn, .Thread = thread, .Stack = stack, .Name = name}
#define ROUTINE(thread, address) \
    {.Kind = TimelineRoutine, .Thread = thread, .Address = address, .Detail = TimelineDpc}
#define ROUTINE_END(thread, address) \
    {.Kind = TimelineRoutineEnd, .Thread = thread, .Address = address, .Detail = TimelineDpc}

static void TestSpansNest(void **State)
{
    TIMELINE Timeline = {0};
    const TIMELINE_ENTRY Entries[] = {
        /* 0 */ ROUTINE(1, 0x10),
        /* 1 */ CALL(1, 0x900, 1),
        /* 2 */ CALL(2, 0x700, 1),  /* another thread, at the same time */
        /* 3 */ ROUTINE(1, 0x20),   /* a DPC, on another stack */
        /* 4 */ CALL(1, 0xf00, 2),
        /* 5 */ RETURN(1, 0xf00, 2),
        /* 6 */ ROUTINE_END(1, 0x20),
        /* 7 */ RETURN(2, 0x700, 1),
        /* 8 */ RETURN(1, 0x900, 1),
        /* 9 */ CALL(1, 0x900, 3),  /* DbgPrint: no return */
        /* 10 */ CALL(1, 0x900, 4), /* raises an exception through */
        /* 11 */ CALL(1, 0x800, 5), /* ... this one, deeper */
        /* 12 */ ROUTINE_END(1, 0x10),
        /* 13 */ CALL(1, 0x900, 6), /* never comes back: the end */
        /* 14 */ RETURN(1, 0x900, 7), /* of nothing */
    };
    static const struct {
        uint32_t End;
        uint8_t Depth;
    } Want[] = {{12, 0}, {8, 1}, {7, 0}, {6, 2}, {5, 3}, {5, 3}, {6, 2}, {7, 0}, {8, 1},
                {9, 1}, {10, 1}, {11, 2}, {12, 0}, {TIMELINE_SPAN_OPEN, 0}, {14, 0}};
    Take(&Timeline, Entries, 15, 0, 0);
    TIMELINE_SPAN *Spans = TimelineSpans(&Timeline);
    assert_non_null(Spans);
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(Spans[i].End, Want[i].End);
        assert_int_equal(Spans[i].Depth, Want[i].Depth);
    }
    assert_true(Spans[8].EndsSpan && Spans[12].EndsSpan && !Spans[14].EndsSpan);
    free(Spans);
    TimelineFree(&Timeline);
}

static void TestSpansOfManyThreadsAndDepths(void **State)
{
    TIMELINE Timeline = {0};
    for (uint32_t i = 0; i < 2000; i++) {
        TIMELINE_ENTRY Entry = CALL(i < 1000 ? i : 0, 100000 - i, 1);
        Take(&Timeline, &Entry, 1, i, 0);
    }
    TIMELINE_SPAN *Spans = TimelineSpans(&Timeline);
    assert_non_null(Spans);
    assert_int_equal(Spans[0].End, TIMELINE_SPAN_OPEN);
    assert_int_equal(Spans[999].End, 999); /* of a thread too many */
    assert_int_equal(Spans[1999].End, 1999); /* too deep */
    free(Spans);
    TimelineFree(&Timeline);
}

/* ---- the image, and budgets: headers, .text, INIT, PAGE of two pages ---- */

static void OpenSample(TIMELINE_IMAGE *Image)
{
    static uint8_t States[5], Sections[5] = {0, 1, 2, 3, 3};
    static const TIMELINE_SECTION All[] = {
        {.Name = "headers", .FirstPage = 0, .Pages = 1, .IsHeaders = true},
        {.Name = ".text", .FirstPage = 1, .Pages = 1},
        {.Name = "INIT", .FirstPage = 2, .Pages = 1},
        {.Name = "PAGE", .FirstPage = 3, .Pages = 2, .IsPageable = true}};
    *Image = (TIMELINE_IMAGE){.Pages = 5, .State = States, .SectionOf = Sections,
                              .SectionCount = 4};
    memset(States, 0, sizeof(States));
    memcpy(Image->Section, All, sizeof(All));
}

static const TIMELINE_ENTRY Story[] = {
    /* 0 */ {.Kind = TimelineLoad, .Address = BASE, .Value = 5 * 4096},
    /* 1 */ {.Kind = TimelineDiscard, .Address = BASE + 0x2000, .Value = 1},
    /* 2 */ {.Kind = TimelinePageLeft, .Address = BASE + 0x3000, .Detail = TimelinePageModified},
    /* 3 */ {.Kind = TimelinePageWritten, .Address = BASE + 0x3000},
    /* 4 */ {.Kind = TimelinePageFreed, .Address = BASE + 0x3000, .Detail = TimelinePageOnDisk},
    /* 5 */ {.Kind = TimelinePageArrived, .Address = BASE + 0x3000, .Detail = TimelinePageOnDisk},
    /* 6 */ {.Kind = TimelineLock, .Value = BASE + 0x3000, .Detail = 1},
    /* 7 */ {.Kind = TimelineUnlock, .Value = BASE + 0x3000, .Detail = 0},
    /* 8 */ {.Kind = TimelineWholeDriver, .Value = 1},
    /* 9 */ {.Kind = TimelinePageLeft, .Address = BASE + 0x9000}, /* in no section */
    /* 10 */ {.Kind = TimelineUnload, .Address = BASE},
};
#define STORY (sizeof(Story) / sizeof(Story[0]))

static void TestImageFollowsTheStory(void **State)
{
    static const PAGE_STATE FirstOfPage[STORY] = {
        PageStateResident, PageStateResident, PageStateModified, PageStateStandby,
        PageStateOut,      PageStateResident, PageStateResident, PageStateResident,
        PageStateResident, PageStateResident, PageStateGone};
    TIMELINE_IMAGE Image;
    bool All;
    OpenSample(&Image);
    for (unsigned i = 0; i < STORY; i++) {
        int Changed = TimelineImageApply(&Image, &Story[i], &All);
        assert_int_equal(Image.State[3], FirstOfPage[i]);
        assert_int_equal(Image.Section[3].InState[PageStateResident] +
                             Image.Section[3].InState[PageStateModified] +
                             Image.Section[3].InState[PageStateStandby] +
                             Image.Section[3].InState[PageStateOut] +
                             Image.Section[3].InState[PageStateGone], 2);
        assert_int_equal(All, i == 0 || i == 8 || i == 10);
        assert_int_equal(Changed, All || i == 9 ? -1 : i == 1 ? 2 : 3);
    }
}

static void TestBudgets(void **State)
{
    static const struct {
        const char *Text;
        uint64_t Most;
        size_t OverAt; /* 99: never */
    } Cases[] = {{"nonpaged=8K", 8192, 99},        {"nonpaged=8191", 8192, 0},
                 {"nonpaged:.text=0", 4096, 0},    {"locked=4K", 8192, 6},
                 {"locked:PAGE=8K", 8192, 99},     {"pageable=8K", 12288, 8},
                 {"resident=16K", 20480, 0},       {"resident:PAGE=4K", 8192, 0}};
    TIMELINE Timeline = {0};
    Take(&Timeline, Story, STORY, 0, 0);
    for (unsigned i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        BUDGET Budget;
        BUDGET_RESULT Result;
        TIMELINE_IMAGE Image;
        OpenSample(&Image);
        assert_null(BudgetParse(&Budget, Cases[i].Text));
        BudgetCheck(&Budget, 1, &Timeline, &Image, &Result);
        assert_true(Result.Known);
        assert_int_equal(Result.Most, Cases[i].Most);
        assert_int_equal(Result.Over, Cases[i].OverAt != 99);
        assert_int_equal(Result.Over ? Result.OverAt : 99, Cases[i].OverAt);
    }
    BUDGET Unknown;
    BUDGET_RESULT Result;
    TIMELINE_IMAGE Image;
    OpenSample(&Image);
    assert_null(BudgetParse(&Unknown, "locked:NONE=1"));
    BudgetCheck(&Unknown, 1, &Timeline, &Image, &Result);
    assert_false(Result.Known);
    TimelineFree(&Timeline);
}

static void TestBudgetWords(void **State)
{
    static const char *const Bad[] = {"", "=", "paged=1K", "nonpaged", "nonpaged=", "nonpaged=x",
                                      "nonpaged:=1K", "nonpaged:NINECHARS=1K", "nonpagedx=1K",
                                      "nonpaged=1K=2K", "locked:=", "nonpaged=-1"};
    BUDGET Budget;
    char Text[96];
    for (unsigned i = 0; i < sizeof(Bad) / sizeof(Bad[0]); i++) {
        assert_non_null(BudgetParse(&Budget, Bad[i]));
    }
    assert_null(BudgetParse(&Budget, "locked:PAGELK=8K"));
    assert_int_equal(Budget.Bytes, 8192);
    BudgetDescribe(&Budget, Text, sizeof(Text));
    assert_string_equal(Text, "locked bytes of PAGELK");
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestBatchesAddUp),     cmocka_unit_test(TestHostKeepsSoManyOnly),
        cmocka_unit_test(TestTimeNeverGoesBack), cmocka_unit_test(TestNames),
        cmocka_unit_test(TestBadFrames),        cmocka_unit_test(TestSpansNest),
        cmocka_unit_test(TestSpansOfManyThreadsAndDepths),
        cmocka_unit_test(TestImageFollowsTheStory),
        cmocka_unit_test(TestBudgets),          cmocka_unit_test(TestBudgetWords),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
