/* SPDX-License-Identifier: MIT */
/* Page frames of the target: the entries of MmPfnDatabase (struct _MMPFN). */
#pragma once

#include "host/debugger/page_walk.h"

/* _MMPFN.State, with NT's numbers */
typedef enum {
    FrameZeroed = 0,
    FrameFree = 1,
    FrameStandby = 2,
    FrameModified = 3,
    FrameModifiedNoWrite = 4,
    FrameBad = 5,
    FrameActive = 6,
    FrameTransition = 7,
    FrameStates = 8,
} FRAME_STATE;

typedef struct {
    uint64_t Frame;
    uint64_t EntryAddress; /* of the _MMPFN */
    uint64_t State;        /* FRAME_STATE */
    uint64_t Nonpaged, ReadInProgress, WriteInProgress;
    uint64_t ReferenceCount, Age;
    uint64_t Flink, Blink; /* frames, or WorkingSet links */
    uint64_t PteAddress, OriginalPte, PteFrame;
} PAGE_FRAME;

/* Frames 0 .. *Highest have an entry. */
bool PageFrameHighest(DEBUGGER *Debugger, uint64_t *Highest);
bool PageFrameRead(DEBUGGER *Debugger, uint64_t Frame, PAGE_FRAME *Out);
/* Calls Each for every frame of RAM. *Unknown: entries that could not be read. */
typedef void PAGE_FRAME_EACH(void *Context, uint64_t Frame, uint64_t State);
bool PageFrameEach(DEBUGGER *Debugger, PAGE_FRAME_EACH *Each, void *Context, uint64_t *Unknown);
/* Adds the frames of all of RAM to Counts, by state. *Unknown: entries that could not be read. */
bool PageFrameCount(DEBUGGER *Debugger, uint64_t Counts[FrameStates], uint64_t *Unknown);
const char *PageFrameStateName(uint64_t State);

/* What the pages of a range are. */
typedef struct {
    uint64_t Resident; /* valid */
    uint64_t Standby, Modified;
    uint64_t Moving;   /* in transition: being read or written */
    uint64_t Out;      /* in the paging file only */
    uint64_t DemandZero, Nothing;
} PAGE_COUNTS;
/* False: interrupted, or a table could not be read; it has been said. */
bool PageRangeCount(DEBUGGER *Debugger, uint64_t Address, uint64_t Pages, PAGE_COUNTS *Counts);
