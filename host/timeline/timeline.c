/* SPDX-License-Identifier: MIT */
#include "host/timeline/timeline.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 4096u
#define NANOSECONDS 1000000000ull

void TimelineFree(TIMELINE *Timeline)
{
    free(Timeline->Entries);
    free(Timeline->NameText);
    free((void *)Timeline->Names);
    *Timeline = (TIMELINE){0};
}

void TimelineTakeNames(TIMELINE *Timeline, const CONTROL_MESSAGE *Message)
{
    size_t Length = Message->First.Length;
    unsigned Count = 0;

    if (Timeline->NameText != NULL || Length == 0) {
        return;
    }
    Timeline->NameText = malloc(Length);
    if (Timeline->NameText == NULL) {
        return;
    }
    memcpy(Timeline->NameText, Message->First.Data, Length);
    for (size_t i = 0; i < Length; i++) {
        Count += Timeline->NameText[i] == 0;
    }
    Timeline->Names = calloc(Count, sizeof(*Timeline->Names));
    Timeline->NameCount = Timeline->Names != NULL ? Count : 0;
    const char *Next = Timeline->NameText;
    for (unsigned i = 0; i < Timeline->NameCount; i++) {
        Timeline->Names[i] = Next;
        Next += strlen(Next) + 1;
    }
}

const char *TimelineName(const TIMELINE *Timeline, uint16_t Name)
{
    return Name < Timeline->NameCount ? Timeline->Names[Name] : NULL;
}

/* FALSE: no room for that many more. */
static bool TimelineReserve(TIMELINE *Timeline, size_t More)
{
    size_t Wanted = Timeline->Count + More;
    size_t Capacity = Timeline->Capacity != 0 ? Timeline->Capacity : FIRST_CAPACITY;

    if (Wanted > TIMELINE_MOST) {
        return false;
    }
    if (Wanted <= Timeline->Capacity) {
        return true;
    }
    while (Capacity < Wanted) {
        Capacity *= 2;
    }
    TIMELINE_ENTRY *Entries = realloc(Timeline->Entries, Capacity * sizeof(*Entries));
    if (Entries == NULL) {
        return false;
    }
    Timeline->Entries = Entries;
    Timeline->Capacity = Capacity;
    return true;
}

void TimelineTakeBatch(TIMELINE *Timeline, const CONTROL_MESSAGE *Message)
{
    const TIMELINE_BATCH *Batch = &Message->Timeline;
    size_t Count = Message->First.Length / sizeof(TIMELINE_ENTRY);
    size_t Skip = 0;

    if (Batch->First < Timeline->Next) {
        uint64_t Known = Timeline->Next - Batch->First;
        Skip = Known < Count ? (size_t)Known : Count;
    } else {
        Timeline->Lost += Batch->First - Timeline->Next;
        Timeline->Next = Batch->First;
    }
    if (Batch->Lost > Timeline->GuestLost) {
        Timeline->Lost += Batch->Lost - Timeline->GuestLost;
        Timeline->GuestLost = Batch->Lost;
    }
    size_t More = Count - Skip;
    Timeline->Next += More;
    if (More == 0) {
        return;
    }
    if (!TimelineReserve(Timeline, More)) {
        Timeline->Dropped += More;
        return;
    }
    memcpy(Timeline->Entries + Timeline->Count,
           Message->First.Data + Skip * sizeof(TIMELINE_ENTRY), More * sizeof(TIMELINE_ENTRY));
    Timeline->Count += More;
}

int TimelineDriverIrql(const TIMELINE_ENTRY *Entry)
{
    switch ((TIMELINE_KIND)Entry->Kind) {
    case TimelineIrqlWrite: return (int)(Entry->Value & 15);
    case TimelineCall:
    case TimelineReturn:
    case TimelineRoutine:
    case TimelineRoutineEnd:
    case TimelineFault: return Entry->Irql;
    default: return -1;
    }
}

uint64_t *TimelineTimes(const TIMELINE *Timeline, uint64_t Frequency)
{
    uint64_t *Times = Timeline->Count != 0 ? malloc(Timeline->Count * sizeof(*Times)) : NULL;
    uint64_t Last = 0;

    Frequency = Frequency != 0 ? Frequency : NANOSECONDS;
    for (size_t i = 0; Times != NULL && i < Timeline->Count; i++) {
        uint64_t First = Timeline->Entries[0].Time, Now = Timeline->Entries[i].Time;
        uint64_t Ticks = Now > First ? Now - First : 0;
        unsigned __int128 Wide = (unsigned __int128)Ticks * NANOSECONDS / Frequency;
        uint64_t Time = Wide < (1ull << 52) ? (uint64_t)Wide : 1ull << 52; /* 52 days */
        Last = Time > Last ? Time : Last;
        Times[i] = Last;
    }
    return Times;
}
