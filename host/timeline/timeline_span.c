/* SPDX-License-Identifier: MIT */
#include "host/timeline/timeline_span.h"

#include <stdlib.h>

#define MOST_THREADS 256u /* calls of more threads than these are moments */
#define MOST_DEPTH 128u   /* and so are deeper ones */

typedef struct {
    uint32_t Thread;
    unsigned Depth;
    uint32_t Open[MOST_DEPTH]; /* entries, outermost first */
} THREAD_STACK;

typedef struct {
    const TIMELINE *Timeline;
    TIMELINE_SPAN *Spans;
    THREAD_STACK *Threads;
    unsigned ThreadCount;
} SPANS;

static THREAD_STACK *SpanThread(SPANS *Spans, uint32_t Thread)
{
    for (unsigned i = 0; i < Spans->ThreadCount; i++) {
        if (Spans->Threads[i].Thread == Thread) {
            return &Spans->Threads[i];
        }
    }
    if (Spans->ThreadCount == MOST_THREADS) {
        return NULL;
    }
    THREAD_STACK *New = &Spans->Threads[Spans->ThreadCount++];
    New->Thread = Thread;
    New->Depth = 0;
    return New;
}

/* Those above Depth never returned. */
static void SpanCut(SPANS *Spans, THREAD_STACK *Stack, unsigned Depth)
{
    while (Stack->Depth > Depth) {
        uint32_t Index = Stack->Open[--Stack->Depth];
        Spans->Spans[Index].End = Index;
    }
}

static void SpanBegin(SPANS *Spans, THREAD_STACK *Stack, uint32_t Index)
{
    const TIMELINE_ENTRY *Entry = &Spans->Timeline->Entries[Index];
    /* A call from as high up the stack, or higher: what was called below is over. */
    while (Entry->Kind == TimelineCall && Stack->Depth != 0) {
        const TIMELINE_ENTRY *Top =
            &Spans->Timeline->Entries[Stack->Open[Stack->Depth - 1]];
        if (Top->Kind != TimelineCall || Top->Stack > Entry->Stack) {
            break;
        }
        SpanCut(Spans, Stack, Stack->Depth - 1);
    }
    Spans->Spans[Index].Depth = (uint8_t)Stack->Depth;
    Spans->Spans[Index].End = Index;
    if (Stack->Depth < MOST_DEPTH) {
        Spans->Spans[Index].End = TIMELINE_SPAN_OPEN;
        Stack->Open[Stack->Depth++] = Index;
    }
}

static bool SpanMatches(const TIMELINE_ENTRY *Begin, const TIMELINE_ENTRY *End)
{
    if (End->Kind == TimelineReturn) {
        return Begin->Kind == TimelineCall && Begin->Address == End->Address &&
               Begin->Stack == End->Stack && Begin->Name == End->Name;
    }
    return Begin->Kind == TimelineRoutine && Begin->Address == End->Address &&
           Begin->Detail == End->Detail;
}

static void SpanEnd(SPANS *Spans, THREAD_STACK *Stack, uint32_t Index)
{
    const TIMELINE_ENTRY *Entry = &Spans->Timeline->Entries[Index];
    for (unsigned i = Stack->Depth; i > 0; i--) {
        uint32_t Open = Stack->Open[i - 1];
        if (SpanMatches(&Spans->Timeline->Entries[Open], Entry)) {
            SpanCut(Spans, Stack, i);
            Spans->Spans[Open].End = Index;
            Spans->Spans[Index].Depth = Spans->Spans[Open].Depth;
            Spans->Spans[Index].EndsSpan = true;
            Stack->Depth = i - 1;
            return;
        }
    }
}

TIMELINE_SPAN *TimelineSpans(const TIMELINE *Timeline)
{
    SPANS Spans = {.Timeline = Timeline};
    Spans.Spans = Timeline->Count != 0 ? calloc(Timeline->Count, sizeof(TIMELINE_SPAN)) : NULL;
    Spans.Threads = malloc(MOST_THREADS * sizeof(THREAD_STACK));
    if (Spans.Spans == NULL || Spans.Threads == NULL) {
        free(Spans.Spans);
        free(Spans.Threads);
        return NULL;
    }
    for (uint32_t i = 0; i < Timeline->Count; i++) {
        const TIMELINE_ENTRY *Entry = &Timeline->Entries[i];
        bool Begins = Entry->Kind == TimelineCall || Entry->Kind == TimelineRoutine;
        bool Ends = Entry->Kind == TimelineReturn || Entry->Kind == TimelineRoutineEnd;
        THREAD_STACK *Stack = Begins || Ends ? SpanThread(&Spans, Entry->Thread) : NULL;
        Spans.Spans[i].End = i;
        Spans.Spans[i].IsSpan = Begins;
        if (Stack != NULL && Begins) {
            SpanBegin(&Spans, Stack, i);
        } else if (Stack != NULL) {
            SpanEnd(&Spans, Stack, i);
        }
    }
    free(Spans.Threads);
    return Spans.Spans;
}
