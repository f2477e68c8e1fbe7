/* SPDX-License-Identifier: MIT */
/* The places in code that a timeline names, each looked up once. */
#pragma once

#include "host/symbols/symbols.h"
#include "host/timeline/timeline.h"

#define TIMELINE_MOST_PLACES 4096u /* further ones have no name */
#define TIMELINE_NO_PLACE (-1)

typedef struct {
    uint64_t Address;
    bool IsReturn;
    char *Text; /* "routine (file.c:12)", the module left out where it is the driver; clean */
} TIMELINE_PLACE;

typedef struct {
    TIMELINE_PLACE *Places;
    unsigned Count;
    uint16_t *Slots; /* a hash table of index + 1 */
} TIMELINE_PLACES;

/* Collects and names them all. Module: the driver's, "tour!". False: no memory. */
bool TimelinePlacesOpen(TIMELINE_PLACES *Places, const TIMELINE *Timeline, SYMBOLS *Symbols,
                        const char *Module);
void TimelinePlacesFree(TIMELINE_PLACES *Places);
/* The index of the entry's place, or TIMELINE_NO_PLACE. */
int TimelinePlaceOf(const TIMELINE_PLACES *Places, const TIMELINE_ENTRY *Entry);
