/* SPDX-License-Identifier: MIT */
#include "host/timeline/timeline_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/text/text.h"

#define SLOTS (4 * TIMELINE_MOST_PLACES) /* a power of two, never full */

/* False: the entry names no place in code. */
static bool PlaceAddress(const TIMELINE_ENTRY *Entry, uint64_t *Address, bool *IsReturn)
{
    *Address = Entry->Address;
    switch ((TIMELINE_KIND)Entry->Kind) {
    case TimelineCall:
    case TimelineReturn:
    case TimelineLock:
    case TimelineUnlock:
    case TimelineWholeDriver:
        *IsReturn = true;
        return true;
    case TimelineRoutine:
    case TimelineRoutineEnd:
    case TimelineIrqlWrite:
    case TimelineFault:
    case TimelineBugCheck:
        *IsReturn = false;
        return true;
    default:
        return false;
    }
}

/* The slot that has the place, or the free one where it belongs. */
static uint16_t *PlaceSlot(const TIMELINE_PLACES *Places, uint64_t Address, bool IsReturn)
{
    uint64_t Hash = (Address * 2 + IsReturn) * 0x9e3779b97f4a7c15ull;
    for (size_t i = Hash >> 40;; i++) {
        uint16_t *Slot = &Places->Slots[i & (SLOTS - 1)];
        const TIMELINE_PLACE *Place = &Places->Places[*Slot - 1];
        if (*Slot == 0 || (Place->Address == Address && Place->IsReturn == IsReturn)) {
            return Slot;
        }
    }
}

static void PlacesName(TIMELINE_PLACES *Places, SYMBOLS *Symbols, const char *Module)
{
    static SYMBOL Batch[SYMBOLS_MAX_BATCH];
    char Text[900];
    for (unsigned First = 0; First < Places->Count; First += SYMBOLS_MAX_BATCH) {
        unsigned Count = Places->Count - First;
        Count = Count < SYMBOLS_MAX_BATCH ? Count : SYMBOLS_MAX_BATCH;
        for (unsigned i = 0; i < Count; i++) {
            const TIMELINE_PLACE *Place = &Places->Places[First + i];
            Batch[i] = (SYMBOL){.Address = Place->Address, .IsReturn = Place->IsReturn};
        }
        SymbolsResolve(Symbols, Batch, Count);
        for (unsigned i = 0; i < Count; i++) {
            SymbolText(&Batch[i], Text, sizeof(Text));
            size_t Prefix = strncmp(Text, Module, strlen(Module)) == 0 ? strlen(Module) : 0;
            Places->Places[First + i].Text = strdup(Text + Prefix);
        }
    }
}

bool TimelinePlacesOpen(TIMELINE_PLACES *Places, const TIMELINE *Timeline, SYMBOLS *Symbols,
                        const char *Module)
{
    uint64_t Address;
    bool IsReturn;

    *Places = (TIMELINE_PLACES){calloc(TIMELINE_MOST_PLACES, sizeof(TIMELINE_PLACE)), 0,
                                calloc(SLOTS, sizeof(uint16_t))};
    if (Places->Places == NULL || Places->Slots == NULL) {
        TimelinePlacesFree(Places);
        return false;
    }
    for (size_t i = 0; i < Timeline->Count && Places->Count < TIMELINE_MOST_PLACES; i++) {
        if (!PlaceAddress(&Timeline->Entries[i], &Address, &IsReturn)) {
            continue;
        }
        uint16_t *Slot = PlaceSlot(Places, Address, IsReturn);
        if (*Slot == 0) {
            Places->Places[Places->Count] = (TIMELINE_PLACE){Address, IsReturn, NULL};
            *Slot = (uint16_t)++Places->Count;
        }
    }
    PlacesName(Places, Symbols, Module);
    return true;
}

void TimelinePlacesFree(TIMELINE_PLACES *Places)
{
    for (unsigned i = 0; i < Places->Count; i++) {
        free(Places->Places[i].Text);
    }
    free(Places->Places);
    free(Places->Slots);
    *Places = (TIMELINE_PLACES){0};
}

int TimelinePlaceOf(const TIMELINE_PLACES *Places, const TIMELINE_ENTRY *Entry)
{
    uint64_t Address;
    bool IsReturn;
    if (!PlaceAddress(Entry, &Address, &IsReturn)) {
        return TIMELINE_NO_PLACE;
    }
    uint16_t Slot = *PlaceSlot(Places, Address, IsReturn);
    return Slot != 0 && Places->Places[Slot - 1].Text != NULL ? Slot - 1 : TIMELINE_NO_PLACE;
}
