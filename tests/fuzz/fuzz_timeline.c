/* SPDX-License-Identifier: MIT */
/* sources: host/timeline/timeline.c host/timeline/timeline_image.c host/timeline/timeline_span.c host/timeline/budget.c host/timeline/budget_check.c host/text/text.c lib/control_codec.c lib/pe_image.c lib/pe_directories.c lib/pe_exports.c lib/pe_load.c */
/*
 * Timelines of a guest that lies: what decodes is kept, replayed and judged. The counts of a
 * section's pages must add up whatever comes, and every span must end behind its begin.
 */
#include <stdlib.h>
#include <string.h>

#include "host/timeline/budget.h"
#include "host/timeline/timeline_span.h"

#define BASE 0xfffff88200000000ull

static void OpenImage(TIMELINE_IMAGE *Image, uint8_t *States, uint8_t *Sections)
{
    static const TIMELINE_SECTION All[] = {
        {.Name = "headers", .FirstPage = 0, .Pages = 1, .IsHeaders = true},
        {.Name = ".text", .FirstPage = 1, .Pages = 3},
        {.Name = "PAGE", .FirstPage = 5, .Pages = 2, .IsPageable = true}};
    static const uint8_t Owners[8] = {0, 1, 1, 1, UINT8_MAX, 2, 2, UINT8_MAX};
    memset(States, 0, 8);
    memcpy(Sections, Owners, 8);
    *Image = (TIMELINE_IMAGE){.Pages = 8, .State = States, .SectionOf = Sections,
                              .SectionCount = 3};
    memcpy(Image->Section, All, sizeof(All));
}

/* Small numbers from the input become addresses of the image, so that entries hit something. */
static void Aim(TIMELINE *Timeline)
{
    for (size_t i = 0; i < Timeline->Count; i++) {
        TIMELINE_ENTRY *Entry = &Timeline->Entries[i];
        if (Entry->Address < 0x10000) {
            Entry->Address = Entry->Kind == TimelineLoad ? BASE : BASE + Entry->Address;
        }
        if (Entry->Value < 0x10000 && Entry->Kind != TimelineWholeDriver) {
            Entry->Value += BASE;
        }
    }
}

static void CheckImage(const TIMELINE *Timeline)
{
    uint8_t States[8], Sections[8];
    TIMELINE_IMAGE Image;
    bool All;
    OpenImage(&Image, States, Sections);
    for (size_t i = 0; i < Timeline->Count; i++) {
        TimelineImageApply(&Image, &Timeline->Entries[i], &All);
        for (unsigned s = 0; s < Image.SectionCount; s++) {
            uint32_t Pages = 0;
            for (unsigned State = 0; State < PageStates; State++) {
                Pages += Image.Section[s].InState[State];
            }
            if (Image.Base != 0 && Pages != Image.Section[s].Pages) {
                abort();
            }
        }
    }
    BUDGET Budgets[] = {{BudgetNonpaged, "", 4096}, {BudgetLocked, "PAGE", 0},
                        {BudgetResident, "", 8192}};
    BUDGET_RESULT Results[3];
    OpenImage(&Image, States, Sections);
    BudgetCheck(Budgets, 3, Timeline, &Image, Results);
}

static void CheckSpans(const TIMELINE *Timeline)
{
    TIMELINE_SPAN *Spans = TimelineSpans(Timeline);
    uint64_t *Times = TimelineTimes(Timeline, 1000);
    for (size_t i = 0; Spans != NULL && i < Timeline->Count; i++) {
        if (Spans[i].End < i ||
            (Spans[i].End != TIMELINE_SPAN_OPEN && Spans[i].End >= Timeline->Count) ||
            (i != 0 && Times[i] < Times[i - 1])) {
            abort();
        }
    }
    free(Spans);
    free(Times);
}

/* A batch whose header is right, as it takes long to find one by chance. */
static void TakeEntries(TIMELINE *Timeline, const uint8_t *Data, size_t Length)
{
    static uint8_t Payload[sizeof(TIMELINE_BATCH) + 4096];
    TIMELINE_BATCH Batch = {TIMELINE_VERSION, 0, Timeline->Next, Timeline->GuestLost};
    CONTROL_MESSAGE Message;
    Length -= Length % sizeof(TIMELINE_ENTRY);
    Batch.Length = (uint32_t)Length;
    memcpy(Payload, &Batch, sizeof(Batch));
    memcpy(Payload + sizeof(Batch), Data, Length);
    CONTROL_FRAME Frame = {ControlTimeline, 0, (uint32_t)(sizeof(Batch) + Length), Payload};
    if (ControlDecode(&Frame, &Message) == NULL) {
        TimelineTakeBatch(Timeline, &Message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    TIMELINE Timeline = {0};
    while (Size >= 2) {
        CONTROL_MESSAGE Message;
        size_t Length = ((size_t)Data[0] << 4 | Data[1] >> 4) % (Size - 1);
        CONTROL_FRAME Frame = {Data[1] & 1 ? ControlTimelineNames : ControlTimeline, 0,
                               (uint32_t)Length, Data + 2};
        if (Length > Size - 2) {
            break;
        }
        if (Data[1] & 2) {
            TakeEntries(&Timeline, Data + 2, Length);
        } else if (ControlDecode(&Frame, &Message) == NULL) {
            if (Message.Type == ControlTimeline) {
                TimelineTakeBatch(&Timeline, &Message);
            } else {
                TimelineTakeNames(&Timeline, &Message);
            }
        }
        Data += 2 + Length;
        Size -= 2 + Length;
    }
    Aim(&Timeline);
    CheckImage(&Timeline);
    CheckSpans(&Timeline);
    for (size_t i = 0; i < Timeline.Count; i++) {
        const char *Name = TimelineName(&Timeline, Timeline.Entries[i].Name);
        if (Name != NULL && strlen(Name) >= TIMELINE_NAME_BYTES) {
            abort();
        }
    }
    TimelineFree(&Timeline);
    return 0;
}
