/* SPDX-License-Identifier: MIT */
#include "host/timeline/html_report.h"

#include <stdlib.h>
#include <string.h>

#include "host/text/text.h"
#include "host/timeline/html_document.h"
#include "host/timeline/timeline_span.h"

#define MOST_THREADS 256u

/* ---- numbers that are said once: threads, values, names ---- */

typedef struct {
    uint64_t *Keys;
    uint32_t *Slots; /* index + 1 */
    uint32_t Count, Most, SlotCount;
} NUMBER_TABLE;

static bool NumbersOpen(NUMBER_TABLE *Table, uint32_t Most)
{
    *Table = (NUMBER_TABLE){.Most = Most, .SlotCount = 1};
    while (Table->SlotCount < 2 * Most) {
        Table->SlotCount *= 2;
    }
    Table->Keys = malloc(Most * sizeof(*Table->Keys));
    Table->Slots = calloc(Table->SlotCount, sizeof(*Table->Slots));
    return Table->Keys != NULL && Table->Slots != NULL;
}

static void NumbersFree(NUMBER_TABLE *Table)
{
    free(Table->Keys);
    free(Table->Slots);
}

static uint32_t NumberIndex(NUMBER_TABLE *Table, uint64_t Key)
{
    uint32_t i = (uint32_t)((Key * 0x9e3779b97f4a7c15ull) >> 32) & (Table->SlotCount - 1);
    while (Table->Slots[i] != 0) {
        if (Table->Keys[Table->Slots[i] - 1] == Key) {
            return Table->Slots[i] - 1;
        }
        i = (i + 1) & (Table->SlotCount - 1);
    }
    if (Table->Count == Table->Most) {
        return Table->Count - 1;
    }
    Table->Keys[Table->Count] = Key;
    Table->Slots[i] = ++Table->Count;
    return Table->Count - 1;
}

/* ---- the data, written column by column ---- */

typedef struct {
    const HTML_RUN *Run;
    FILE *Out;
    size_t First, Count; /* entries that are written; Count: one behind the last */
    int Level;           /* IRQL before them */
    uint64_t *Times;
    TIMELINE_SPAN *Spans;
    int32_t *Pages; /* column g */
    NUMBER_TABLE Threads, Values, Names;
} HTML_DATA;

static void HtmlString(FILE *Out, const char *Text)
{
    char Clean[1024];
    TextCleanString(Clean, sizeof(Clean), Text);
    json_t *String = json_string(Clean);
    HtmlJson(Out, String);
    json_decref(String);
}

/* The image as the first entry that is written finds it. */
static void HtmlBefore(HTML_DATA *Data)
{
    const TIMELINE_IMAGE *Image = Data->Run->Source.Image;
    fprintf(Data->Out, "\"before\":{\"loaded\":%d,\"whole\":%d,\"level\":%d,\"state\":\"",
            Image->Base != 0, Image->WholePaged, Data->Level);
    for (uint32_t i = 0; i < Image->Pages; i++) {
        fputc('0' + Image->State[i], Data->Out);
    }
    fprintf(Data->Out, "\",\"locks\":[");
    for (unsigned i = 0; i < Image->SectionCount; i++) {
        fprintf(Data->Out, "%s%u", i != 0 ? "," : "", Image->Section[i].LockCount);
    }
    fprintf(Data->Out, "],\"gone\":[");
    for (unsigned i = 0; i < Image->SectionCount; i++) {
        fprintf(Data->Out, "%s%d", i != 0 ? "," : "", Image->Section[i].Discarded);
    }
    fprintf(Data->Out, "]},\n");
}

/*
 * Columns of pages: what an entry is about depends on where the image is at that time. Writes what
 * was before the first entry, where that is not the timeline's.
 */
static void HtmlFindPages(HTML_DATA *Data)
{
    TIMELINE_IMAGE *Image = Data->Run->Source.Image;
    for (size_t i = 0; i < Data->Count; i++) {
        const TIMELINE_ENTRY *Entry = &Data->Run->Source.Timeline->Entries[i];
        int Page = -1, Level = TimelineDriverIrql(Entry);
        bool All;
        if (i == Data->First && i != 0) {
            HtmlBefore(Data);
        }
        Data->Level = Level >= 0 ? Level : Data->Level;
        switch ((TIMELINE_KIND)Entry->Kind) {
        case TimelinePageLeft:
        case TimelinePageWritten:
        case TimelinePageFreed:
        case TimelinePageArrived: Page = TimelinePageOf(Image, Entry->Address); break;
        case TimelineFault: Page = TimelinePageOf(Image, Entry->Value); break;
        case TimelineDiscard: Page = TimelineSectionOf(Image, Entry->Address); break;
        case TimelineLock:
        case TimelineUnlock: Page = TimelineSectionOf(Image, Entry->Value); break;
        default: break;
        }
        Data->Pages[i] = Page;
        TimelineImageApply(Image, Entry, &All);
    }
}

static int64_t HtmlCell(HTML_DATA *Data, char Column, size_t i)
{
    const TIMELINE_ENTRY *Entry = &Data->Run->Source.Timeline->Entries[i];
    const TIMELINE_SPAN *Span = &Data->Spans[i];
    switch (Column) {
    case 't': return (int64_t)(Data->Times[i] - (i > Data->First ? Data->Times[i - 1] : 0));
    case 'k': return Entry->Kind;
    case 'q': return Entry->Irql;
    case 'w': return NumberIndex(&Data->Threads, Entry->Thread);
    case 'p': return TimelinePlaceOf(Data->Run->Source.Places, Entry);
    case 'g': return Data->Pages[i];
    case 'v': return NumberIndex(&Data->Values, Entry->Value);
    case 'd': return Entry->Detail;
    case 'n':
        return TimelineName(Data->Run->Source.Timeline, Entry->Name) != NULL
                   ? (int64_t)NumberIndex(&Data->Names, Entry->Name)
                   : -1;
    case 'e':
        return Span->End == TIMELINE_SPAN_OPEN || Span->End >= Data->Count ? -1
                                                                          : Span->End - (int64_t)i;
    default: return Span->Depth;
    }
}

static void HtmlColumns(HTML_DATA *Data)
{
    static const char Columns[] = "tkqwpgvdnel";
    for (const char *Column = Columns; *Column != 0; Column++) {
        fprintf(Data->Out, ",\n\"%c\":[", *Column);
        for (size_t i = Data->First; i < Data->Count; i++) {
            fprintf(Data->Out, "%s%lld", i != Data->First ? "," : "",
                    (long long)HtmlCell(Data, *Column, i));
        }
        fputc(']', Data->Out);
    }
}

static void HtmlTables(HTML_DATA *Data)
{
    const TRACE_SOURCE *Source = &Data->Run->Source;
    char Number[TEXT_NUMBER];

    fprintf(Data->Out, ",\n\"threads\":[");
    for (uint32_t i = 0; i < Data->Threads.Count; i++) {
        fprintf(Data->Out, "%s%u", i != 0 ? "," : "", (uint32_t)Data->Threads.Keys[i]);
    }
    fprintf(Data->Out, "],\n\"values\":[");
    for (uint32_t i = 0; i < Data->Values.Count; i++) {
        fprintf(Data->Out, "%s\"%s\"", i != 0 ? "," : "", TextHex(Number, Data->Values.Keys[i]));
    }
    fprintf(Data->Out, "],\n\"names\":[");
    for (uint32_t i = 0; i < Data->Names.Count; i++) {
        fputs(i != 0 ? "," : "", Data->Out);
        HtmlString(Data->Out, TimelineName(Source->Timeline, (uint16_t)Data->Names.Keys[i]));
    }
    fprintf(Data->Out, "],\n\"places\":[");
    for (unsigned i = 0; i < Source->Places->Count; i++) {
        const char *Text = Source->Places->Places[i].Text;
        fputs(i != 0 ? "," : "", Data->Out);
        HtmlString(Data->Out, Text != NULL ? Text : "");
    }
    fprintf(Data->Out, "]");
}

static void HtmlSections(HTML_DATA *Data)
{
    const TIMELINE_IMAGE *Image = Data->Run->Source.Image;
    fprintf(Data->Out, "\"pages\":%u,\n\"sections\":[", Image->Pages);
    for (unsigned i = 0; i < Image->SectionCount; i++) {
        const TIMELINE_SECTION *Section = &Image->Section[i];
        fprintf(Data->Out, "%s{\"first\":%u,\"pages\":%u,\"bytes\":%u,\"pageable\":%s,\"name\":",
                i != 0 ? "," : "", Section->FirstPage, Section->Pages, Section->Bytes,
                Section->IsPageable ? "true" : "false");
        HtmlString(Data->Out, Section->Name);
        fputc('}', Data->Out);
    }
    fprintf(Data->Out, "],\n\"budgets\":[");
    for (unsigned i = 0; i < Data->Run->BudgetCount; i++) {
        const BUDGET *Budget = &Data->Run->Budgets[i];
        fprintf(Data->Out, "%s{\"kind\":\"%s\",\"bytes\":%llu,\"section\":", i != 0 ? "," : "",
                BudgetKindName(Budget->Kind), (unsigned long long)Budget->Bytes);
        HtmlString(Data->Out, Budget->Section);
        fputc('}', Data->Out);
    }
    fprintf(Data->Out, "]");
}

static bool HtmlOpenData(HTML_DATA *Data)
{
    const TIMELINE *Timeline = Data->Run->Source.Timeline;
    Data->Count = Timeline->Count;
    Data->First = Data->Count > Data->Run->MostEntries ? Data->Count - Data->Run->MostEntries : 0;
    Data->Times = TimelineTimes(Timeline, Data->Run->Source.Frequency);
    Data->Spans = TimelineSpans(Timeline);
    Data->Pages = malloc((Data->Count + 1) * sizeof(*Data->Pages));
    bool Tables = NumbersOpen(&Data->Threads, MOST_THREADS);
    Tables = NumbersOpen(&Data->Values, (uint32_t)Data->Count + 1) && Tables;
    Tables = NumbersOpen(&Data->Names, TIMELINE_MOST_NAMES) && Tables;
    return Tables && Data->Pages != NULL &&
           (Data->Count == 0 || (Data->Times != NULL && Data->Spans != NULL));
}

bool HtmlRunWrite(const HTML_RUN *Run, FILE *Out)
{
    HTML_DATA Data = {.Run = Run, .Out = Out};
    const TIMELINE *Timeline = Run->Source.Timeline;
    bool Good = HtmlOpenData(&Data);
    if (Good) {
        fprintf(Out, "{\"schema_version\":%d,\n", HTML_SCHEMA_VERSION);
        HtmlFindPages(&Data);
        fprintf(Out, "\"driver\":");
        HtmlString(Out, Run->Source.Driver);
        fprintf(Out, ",\n\"events\":");
        HtmlJson(Out, Run->Events);
        fprintf(Out, ",\n\"lost\":%llu,\"first\":%zu,\n",
                (unsigned long long)(Timeline->Lost + Timeline->Dropped), Data.First);
        HtmlSections(&Data);
        HtmlColumns(&Data);
        HtmlTables(&Data);
        fprintf(Out, "}\n");
    }
    free(Data.Times);
    free(Data.Spans);
    free(Data.Pages);
    NumbersFree(&Data.Threads);
    NumbersFree(&Data.Values);
    NumbersFree(&Data.Names);
    return Good && fflush(Out) == 0 && ferror(Out) == 0;
}

bool HtmlReportWrite(const HTML_RUN *Run, FILE *Out)
{
    char Driver[1024];
    TextCleanString(Driver, sizeof(Driver), Run->Source.Driver);
    json_t *Data = json_pack("{s:s, s:[{s:s, s:i}]}", "pageable", PAGEABLE_VERSION, "runs",
                             "driver", Driver, "timeline", 0);
    bool Good = Data != NULL;
    HtmlBegin(Out);
    HtmlElementBegin(Out, HTML_TIMELINE_ID "0");
    Good = HtmlRunWrite(Run, Out) && Good;
    HtmlElementEnd(Out);
    HtmlElement(Out, HTML_DATA_ID, Data);
    json_decref(Data);
    return HtmlEnd(Out) && Good;
}
