/* SPDX-License-Identifier: MIT */
/*
 * The fake guest's timeline: 100,000 entries of a driver that never sleeps, with names that try to
 * be HTML. For the reports' tests: many events, and a guest that is not trusted.
 */
#include <string.h>

#include "tests/system/fake_guest.h"

#define ENTRIES 100000u
#define BATCH 5000u
#define PAGES 26u /* of notepad.sys, which is the file that the host has */

static uint64_t Seed = 7;

static uint32_t Random(uint32_t Limit)
{
    Seed = Seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(Seed >> 33) % Limit;
}

static void FakeNames(void)
{
    static const char Names[] = "KeSetEvent\0"
                                "</script><script>window.injected=1</script>\0"
                                "<img src=x onerror=window.injected=2>\0"
                                "ExAllocatePoolWithTag\0"
                                "\"quoted\" & 'ticked' \\ \033[31m\xff";
    TIMELINE_NAMES Fixed = {TIMELINE_VERSION, sizeof(Names)};
    FakeSend(ControlTimelineNames, &Fixed, sizeof(Fixed), Names, sizeof(Names));
}

/* Calls come in pairs, so that there are spans; the rest is what pages do. */
static TIMELINE_ENTRY FakeEntry(uint32_t Index)
{
    static uint16_t Name;
    uint64_t Page = FAKE_IMAGE_BASE + 4096ull * Random(PAGES);
    TIMELINE_ENTRY Entry = {.Time = 1000ull * Index + Random(900), .Thread = 8, .Stack = 0x9000,
                            .Address = FAKE_IMAGE_BASE + 0x1010, .Value = Index,
                            .Name = TIMELINE_NO_NAME};
    switch (Index % 10) {
    case 0:
    case 5:
        Name = (uint16_t)Random(5);
        Entry.Kind = TimelineCall;
        Entry.Name = Name;
        break;
    case 1:
    case 6:
        Entry.Kind = TimelineReturn;
        Entry.Name = Name;
        Entry.Irql = (uint8_t)(Random(4) == 0 ? 2 : 0);
        break;
    case 2:
        Entry.Kind = TimelineFault;
        Entry.Value = Page;
        break;
    case 7:
        Entry.Kind = Random(2) != 0 ? TimelineLock : TimelineUnlock;
        Entry.Value = Page;
        Entry.Detail = Random(3);
        break;
    default:
        Entry.Kind = (uint8_t)(TimelinePageLeft + Random(4));
        Entry.Address = Page;
        Entry.Detail = 1 + Random(3);
    }
    return Entry;
}

void FakeTimeline(void)
{
    static struct {
        TIMELINE_ENTRY Entries[BATCH];
    } Batch;
    FakeNames();
    for (uint32_t First = 0; First < ENTRIES; First += BATCH) {
        TIMELINE_BATCH Fixed = {TIMELINE_VERSION, sizeof(Batch), First, 0};
        for (uint32_t i = 0; i < BATCH; i++) {
            Batch.Entries[i] = FakeEntry(First + i);
        }
        if (First == 0) {
            Batch.Entries[0] = (TIMELINE_ENTRY){.Kind = TimelineLoad, .Address = FAKE_IMAGE_BASE,
                                                .Value = PAGES * 4096};
        }
        FakeSend(ControlTimeline, &Fixed, sizeof(Fixed), &Batch, sizeof(Batch));
    }
}
