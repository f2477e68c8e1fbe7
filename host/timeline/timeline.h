/* SPDX-License-Identifier: MIT */
/*
 * The timeline of a run on the host: what the guest recorded (include/wire/timeline.h), checked
 * and kept. Entries have passed ControlDecode, so their kinds are known ones; everything else in
 * them is what the guest says and may be anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/control_codec.h"

#define TIMELINE_MOST 2000000u /* entries kept: 80 MB; more are counted */

typedef struct {
    TIMELINE_ENTRY *Entries;
    size_t Count, Capacity;
    uint64_t Next;      /* the number of the entry awaited */
    uint64_t Lost;      /* the guest had no room for them, or they never came */
    uint64_t GuestLost; /* of these, by the guest's last word */
    uint64_t Dropped;   /* beyond TIMELINE_MOST, or no memory */
    char *NameText;
    const char **Names; /* into NameText */
    unsigned NameCount;
} TIMELINE;

void TimelineFree(TIMELINE *Timeline);
/* A message of type ControlTimelineNames: the first counts. */
void TimelineTakeNames(TIMELINE *Timeline, const CONTROL_MESSAGE *Message);
/* A message of type ControlTimeline. */
void TimelineTakeBatch(TIMELINE *Timeline, const CONTROL_MESSAGE *Message);
/* NULL: the number has no name. Bytes as the guest sent them. */
const char *TimelineName(const TIMELINE *Timeline, uint16_t Name);

/* The driver's IRQL from this entry on; -1: it says only what the kernel's own was. */
int TimelineDriverIrql(const TIMELINE_ENTRY *Entry);

/*
 * Nanoseconds from the first entry to each, never going back, whatever the guest says. Frequency:
 * of the time-stamp counter, Hz. The result is malloc's; NULL: no memory, or no entries.
 */
uint64_t *TimelineTimes(const TIMELINE *Timeline, uint64_t Frequency);
