/* SPDX-License-Identifier: MIT */
#include "host/timeline/trace_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "host/text/text.h"
#include "host/timeline/timeline_span.h"

#define TRACE_METADATA "{\"ph\":\"M\",\"cat\":\"__metadata\",\"pid\":1,\"tid\":0,\"ts\":0,\"name\":"

typedef struct {
    const TRACE_SOURCE *Source;
    FILE *Out;
    uint64_t *Times;
    TIMELINE_SPAN *Spans;
    char **Names; /* of exports, as JSON strings; filled when first needed */
    char **Texts; /* of places, the same */
    bool Started; /* an event was written: the next needs a comma */
    int Irql;     /* the counter's last value, -1: none yet */
} TRACE;

/* A JSON string, with its quotes; malloc's. */
static char *TraceJson(const char *Text)
{
    char Clean[1024];
    TextCleanString(Clean, sizeof(Clean), Text);
    json_t *String = json_string(Clean);
    char *Json = json_dumps(String, JSON_ENCODE_ANY);
    json_decref(String);
    return Json;
}

static const char *TraceName(TRACE *Trace, uint16_t Name)
{
    const char *Text = TimelineName(Trace->Source->Timeline, Name);
    if (Text == NULL) {
        return "\"a routine\"";
    }
    if (Trace->Names[Name] == NULL) {
        Trace->Names[Name] = TraceJson(Text);
    }
    return Trace->Names[Name] != NULL ? Trace->Names[Name] : "\"\"";
}

static const char *TracePlace(TRACE *Trace, const TIMELINE_ENTRY *Entry)
{
    int Place = TimelinePlaceOf(Trace->Source->Places, Entry);
    if (Place == TIMELINE_NO_PLACE) {
        return "\"\"";
    }
    if (Trace->Texts[Place] == NULL) {
        Trace->Texts[Place] = TraceJson(Trace->Source->Places->Places[Place].Text);
    }
    return Trace->Texts[Place] != NULL ? Trace->Texts[Place] : "\"\"";
}

/* The fields that every event has; the caller closes the object. */
static void TraceBegin(TRACE *Trace, size_t Index, const char *Phase, const char *Category)
{
    const TIMELINE_ENTRY *Entry = &Trace->Source->Timeline->Entries[Index];
    uint64_t Time = Trace->Times[Index];
    fprintf(Trace->Out, "%s{\"ph\":\"%s\",\"cat\":\"%s\",\"pid\":1,\"tid\":%u,\"ts\":%llu.%03llu",
            Trace->Started ? ",\n" : "", Phase, Category, Entry->Thread,
            (unsigned long long)Time / 1000, (unsigned long long)Time % 1000);
    Trace->Started = true;
}

static const char *TraceRoutineKind(uint32_t Kind)
{
    switch (Kind) {
    case TimelineDriverEntry: return "DriverEntry";
    case TimelineDriverUnload: return "DriverUnload";
    case TimelineDispatch: return "dispatch";
    case TimelineCompletion: return "completion";
    case TimelineCancel: return "cancel";
    case TimelineDpc: return "DPC";
    case TimelineInterrupt: return "interrupt";
    case TimelineWorkItem: return "work item";
    default: return "routine";
    }
}

static void TraceSpan(TRACE *Trace, size_t Index)
{
    const TIMELINE_ENTRY *Entry = &Trace->Source->Timeline->Entries[Index];
    bool Call = Entry->Kind == TimelineCall;
    bool Moment = Trace->Spans[Index].End == Index;

    TraceBegin(Trace, Index, Moment ? "i" : "B", Call ? "call" : "routine");
    fprintf(Trace->Out, ",\"name\":%s,\"args\":{",
            Call ? TraceName(Trace, Entry->Name) : TracePlace(Trace, Entry));
    if (Call) {
        fprintf(Trace->Out, "\"from\":%s,\"first argument\":\"0x%llx\"", TracePlace(Trace, Entry),
                (unsigned long long)Entry->Value);
    } else {
        fprintf(Trace->Out, "\"kind\":\"%s\",\"value\":\"0x%llx\"",
                TraceRoutineKind(Entry->Detail), (unsigned long long)Entry->Value);
    }
    fprintf(Trace->Out, ",\"IRQL\":%u}%s}", Entry->Irql, Moment ? ",\"s\":\"t\"" : "");
}

/* "PAGE+0x10", or the address. */
static void TraceAddress(const TIMELINE_IMAGE *Image, uint64_t Address, char *Out, size_t Size)
{
    char Number[TEXT_NUMBER], Name[64];
    int Index = TimelineSectionOf(Image, Address);
    if (Index == TIMELINE_NO_SECTION) {
        snprintf(Out, Size, "%s", TextAddress(Number, Address));
        return;
    }
    const TIMELINE_SECTION *Section = &Image->Section[Index];
    TextCleanString(Name, sizeof(Name), Section->Name);
    snprintf(Out, Size, "%s+0x%llx", Name,
             (unsigned long long)(Address - Image->Base -
                                  (uint64_t)Section->FirstPage * TIMELINE_PAGE_BYTES));
}

static void TraceMoment(TRACE *Trace, size_t Index)
{
    const TIMELINE_ENTRY *Entry = &Trace->Source->Timeline->Entries[Index];
    const TIMELINE_IMAGE *Image = Trace->Source->Image;
    char Where[160], Text[256];
    const char *Category = "paging", *Scope = "t";

    TraceAddress(Image, Entry->Kind == TimelineFault || Entry->Kind == TimelineLock ||
                                Entry->Kind == TimelineUnlock
                            ? Entry->Value
                            : Entry->Address,
                 Where, sizeof(Where));
    switch ((TIMELINE_KIND)Entry->Kind) {
    case TimelineLoad: snprintf(Text, sizeof(Text), "image loaded"); break;
    case TimelineUnload: snprintf(Text, sizeof(Text), "image unloaded"); break;
    case TimelineIrqlWrite:
        snprintf(Text, sizeof(Text), "sets IRQL to %llu", (unsigned long long)Entry->Value);
        Category = "irql";
        break;
    case TimelineFault: snprintf(Text, sizeof(Text), "fault on %s", Where); break;
    case TimelinePageLeft: snprintf(Text, sizeof(Text), "%s leaves", Where); break;
    case TimelinePageWritten: snprintf(Text, sizeof(Text), "%s is written", Where); break;
    case TimelinePageFreed: snprintf(Text, sizeof(Text), "%s is out", Where); break;
    case TimelinePageArrived:
        snprintf(Text, sizeof(Text), "%s arrives (%s)", Where,
                 Entry->Detail == TimelinePageOnDisk  ? "hard"
                 : Entry->Detail == TimelinePageNew ? "new"
                                                    : "soft");
        break;
    case TimelineLock:
    case TimelineUnlock:
        snprintf(Text, sizeof(Text), "%s: lock count %u", Where, Entry->Detail);
        Category = "lock";
        break;
    case TimelineWholeDriver:
        snprintf(Text, sizeof(Text), "whole driver %s",
                 Entry->Value != 0 ? "pageable" : "as by its sections");
        Category = "lock";
        break;
    case TimelineDiscard: snprintf(Text, sizeof(Text), "%s is freed", Where); break;
    case TimelinePageOut:
        snprintf(Text, sizeof(Text), "%llu pages go out", (unsigned long long)Entry->Value);
        break;
    case TimelineBugCheck:
        snprintf(Text, sizeof(Text), "bug check 0x%llX", (unsigned long long)Entry->Value);
        Category = "bug check";
        Scope = "g";
        break;
    default: return;
    }
    char *Json = TraceJson(Text);
    TraceBegin(Trace, Index, "i", Category);
    fprintf(Trace->Out, ",\"s\":\"%s\",\"name\":%s,\"args\":{\"at\":%s,\"IRQL\":%u}}", Scope,
            Json != NULL ? Json : "\"\"", TracePlace(Trace, Entry), Entry->Irql);
    free(Json);
}

static void TraceSectionCounter(TRACE *Trace, size_t Index, const TIMELINE_SECTION *Section)
{
    char Name[80];
    snprintf(Name, sizeof(Name), "section %s", Section->Name);
    char *Json = TraceJson(Name);
    uint64_t Locked = Section->LockCount != 0 ? (uint64_t)Section->Pages * TIMELINE_PAGE_BYTES : 0;
    TraceBegin(Trace, Index, "C", "section");
    fprintf(Trace->Out, ",\"name\":%s,\"args\":{\"resident\":%llu,\"locked\":%llu}}",
            Json != NULL ? Json : "\"\"",
            (unsigned long long)Section->InState[PageStateResident] * TIMELINE_PAGE_BYTES,
            (unsigned long long)Locked);
    free(Json);
}

static void TraceEntry(TRACE *Trace, size_t Index)
{
    const TIMELINE_ENTRY *Entry = &Trace->Source->Timeline->Entries[Index];
    TIMELINE_IMAGE *Image = Trace->Source->Image;
    bool All;

    int Irql = TimelineDriverIrql(Entry);
    if (Irql >= 0 && Irql != Trace->Irql) {
        Trace->Irql = Irql;
        TraceBegin(Trace, Index, "C", "irql");
        fprintf(Trace->Out, ",\"name\":\"IRQL\",\"args\":{\"level\":%d}}", Irql);
    }
    int Changed = TimelineImageApply(Image, Entry, &All);
    if (Trace->Spans[Index].IsSpan) {
        TraceSpan(Trace, Index);
    } else if (Trace->Spans[Index].EndsSpan) {
        TraceBegin(Trace, Index, "E", Entry->Kind == TimelineReturn ? "call" : "routine");
        fprintf(Trace->Out, ",\"args\":{\"result\":\"0x%llx\"}}",
                (unsigned long long)Entry->Value);
    } else {
        TraceMoment(Trace, Index);
    }
    for (unsigned i = 0; i < Image->SectionCount; i++) {
        if (All || (int)i == Changed) {
            TraceSectionCounter(Trace, Index, &Image->Section[i]);
        }
    }
}

static void TraceWriteAll(TRACE *Trace)
{
    const TRACE_SOURCE *Source = Trace->Source;
    const TIMELINE *Timeline = Source->Timeline;
    char *Driver = TraceJson(Source->Driver);

    fprintf(Trace->Out,
            "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"pageable\":\"%s\",\"driver\":%s,"
            "\"entries\":%llu,\"lost\":%llu},\n\"traceEvents\":[\n"
            TRACE_METADATA "\"process_name\",\"args\":{\"name\":%s}},\n"
            TRACE_METADATA "\"thread_name\",\"args\":{\"name\":\"idle\"}}",
            PAGEABLE_VERSION, Driver != NULL ? Driver : "\"\"",
            (unsigned long long)Timeline->Count,
            (unsigned long long)(Timeline->Lost + Timeline->Dropped),
            Driver != NULL ? Driver : "\"\"");
    free(Driver);
    Trace->Started = true;
    for (size_t i = 0; i < Timeline->Count; i++) {
        TraceEntry(Trace, i);
    }
    fprintf(Trace->Out, "\n]}\n");
}

bool TraceWrite(const TRACE_SOURCE *Source, FILE *Out)
{
    TRACE Trace = {.Source = Source, .Out = Out, .Irql = -1};
    bool Empty = Source->Timeline->Count == 0;
    Trace.Times = TimelineTimes(Source->Timeline, Source->Frequency);
    Trace.Spans = TimelineSpans(Source->Timeline);
    Trace.Names = calloc(Source->Timeline->NameCount + 1u, sizeof(char *));
    Trace.Texts = calloc(Source->Places->Count + 1u, sizeof(char *));
    bool Good = Trace.Names != NULL && Trace.Texts != NULL &&
                (Empty || (Trace.Times != NULL && Trace.Spans != NULL));
    if (Good) {
        TraceWriteAll(&Trace);
    }
    for (unsigned i = 0; Trace.Names != NULL && i < Source->Timeline->NameCount; i++) {
        free(Trace.Names[i]);
    }
    for (unsigned i = 0; Trace.Texts != NULL && i < Source->Places->Count; i++) {
        free(Trace.Texts[i]);
    }
    free(Trace.Times);
    free(Trace.Spans);
    free(Trace.Names);
    free(Trace.Texts);
    return Good && fflush(Out) == 0 && ferror(Out) == 0;
}
