/* SPDX-License-Identifier: MIT */
/*
 * The timeline of a run: what a driver did and what happened to its pages, in the order in which it
 * happened. The kernel records it when its command line has `timeline`, and sends it in batches
 * (ControlTimeline: a TIMELINE_BATCH, then its entries), after the names that entries refer to by
 * number (ControlTimelineNames: a TIMELINE_NAMES, then so many names, each ended by a NUL).
 *
 * Entries are numbered from 0 on. A batch that begins behind the number awaited means that entries
 * are missing; one that begins before it repeats some (a bug check while a batch is being sent).
 */
#pragma once

#include <stdint.h>

#define TIMELINE_VERSION 1
#define TIMELINE_MOST_NAMES 65535u
#define TIMELINE_NO_NAME 0xffffu
#define TIMELINE_NAME_BYTES 128u /* a name and its NUL */

/* What Address, Value and Detail are. Pages have their address, calls their return address. */
typedef enum {
    TimelineLoad = 1,     /* Address: the image's base; Value: its bytes. All of it is resident */
    TimelineUnload,       /* Address: the image's base */
    TimelineCall,         /* Address: the caller; Value: first argument; Name: what is called */
    TimelineReturn,       /* as its call; Value: the result */
    TimelineRoutine,      /* Address: the driver's routine; Value: see TIMELINE_ROUTINE, the kind,
                             which is in Detail */
    TimelineRoutineEnd,   /* as its beginning; Value: the result, 0 where there is none */
    TimelineIrqlWrite,    /* Address: the instruction; Value: the new IRQL. Irql is the old one */
    TimelineFault,        /* Address: the instruction; Value: what it touched */
    TimelinePageLeft,     /* Address: the page; Detail: the list it is on, TIMELINE_PAGE */
    TimelinePageWritten,  /* Address: the page, which was modified and is on the standby list now */
    TimelinePageFreed,    /* Address: the page: only in the paging file now */
    TimelinePageArrived,  /* Address: the page; Detail: where from, TIMELINE_PAGE */
    TimelineLock,         /* Address: the caller; Value: the section's address; Detail: the count */
    TimelineUnlock,       /* as TimelineLock */
    TimelineWholeDriver,  /* Address: the caller; Value: 1 MmPageEntireDriver, 0 the reset */
    TimelineDiscard,      /* Address: the section's; Value: its pages, which are gone */
    TimelinePageOut,      /* Value: so many pages left together, by the page-out mode or request */
    TimelineBugCheck,     /* Address: the instruction or call; Value: the code */
    TimelineKinds,        /* one more than the last */
} TIMELINE_KIND;

typedef enum {
    TimelinePageModified = 1,
    TimelinePageStandby,
    TimelinePageOnDisk,
    TimelinePageNew, /* without contents: zeroed at its first touch */
} TIMELINE_PAGE;

typedef enum {
    TimelineDriverEntry = 1,
    TimelineDriverUnload,
    TimelineDispatch,   /* Value: the major function */
    TimelineCompletion, /* from here on Value: the routine's context or parameter */
    TimelineCancel,
    TimelineDpc,
    TimelineInterrupt,
    TimelineWorkItem,
} TIMELINE_ROUTINE;

typedef struct {
    uint64_t Time; /* time-stamp counter */
    uint64_t Address;
    uint64_t Value;
    uint32_t Thread; /* its id; 0: the idle thread */
    uint32_t Stack;  /* low half of the stack pointer at a call; 0: not known */
    uint32_t Detail;
    uint16_t Name;   /* TIMELINE_NO_NAME: none */
    uint8_t Kind;    /* TIMELINE_KIND */
    uint8_t Irql;    /* at that moment */
} TIMELINE_ENTRY;

typedef struct {
    uint32_t Version; /* TIMELINE_VERSION */
    uint32_t Length;  /* bytes of the entries that follow */
    uint64_t First;   /* number of the first */
    uint64_t Lost;    /* so far: there was no room for them, and they have no numbers */
} TIMELINE_BATCH;

typedef struct {
    uint32_t Version; /* TIMELINE_VERSION */
    uint32_t Length;  /* bytes of the names that follow */
} TIMELINE_NAMES;

_Static_assert(sizeof(TIMELINE_ENTRY) == 40, "timeline entry");
_Static_assert(sizeof(TIMELINE_BATCH) == 24, "timeline batch");
