/* SPDX-License-Identifier: MIT */
/*
 * The driver's image over a timeline: its sections by the file, and the state of each page after
 * the entries that were applied so far.
 */
#pragma once

#include "host/timeline/timeline.h"
#include "lib/pe_image.h"

#define TIMELINE_PAGE_BYTES 4096u
#define TIMELINE_MAX_SECTIONS (PE_MAX_SECTIONS + 1u)
#define TIMELINE_NO_SECTION (-1)

typedef enum {
    PageStateGone, /* not loaded, or freed after DriverEntry */
    PageStateResident,
    PageStateModified, /* in no working set, still in memory, not written yet */
    PageStateStandby,  /* the same, written */
    PageStateOut,      /* only in the paging file; or never touched: no contents yet */
    PageStates,
} PAGE_STATE;

typedef struct {
    char Name[IMAGE_SIZEOF_SHORT_NAME + 1];
    uint32_t FirstPage, Pages;
    uint32_t Bytes;     /* by the file */
    uint32_t LockCount;
    uint32_t InState[PageStates]; /* pages */
    bool IsHeaders, IsPageable;   /* by its name */
    bool Discarded;
} TIMELINE_SECTION;

typedef struct {
    uint64_t Base; /* 0: not loaded */
    uint32_t Pages;
    uint8_t *State;     /* PAGE_STATE of each page */
    uint8_t *SectionOf; /* of each page: index of its section, UINT8_MAX: none */
    bool WholePaged;
    unsigned SectionCount;
    TIMELINE_SECTION Section[TIMELINE_MAX_SECTIONS];
} TIMELINE_IMAGE;

/* The sections of a file that PeImageOpen found good; nothing is loaded yet. False: no memory. */
bool TimelineImageOpen(TIMELINE_IMAGE *Image, const PE_IMAGE *File);
void TimelineImageFree(TIMELINE_IMAGE *Image);
/* The section that the entry has changed; TIMELINE_NO_SECTION: none, or all of them (*All). */
int TimelineImageApply(TIMELINE_IMAGE *Image, const TIMELINE_ENTRY *Entry, bool *All);
/* The page of the image, or the section, that has the address; -1: none. */
int TimelinePageOf(const TIMELINE_IMAGE *Image, uint64_t Address);
int TimelineSectionOf(const TIMELINE_IMAGE *Image, uint64_t Address);

/* May its pages leave, were it not locked? */
bool TimelineSectionMayLeave(const TIMELINE_IMAGE *Image, const TIMELINE_SECTION *Section);
