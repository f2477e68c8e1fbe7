/* SPDX-License-Identifier: MIT */
/* A bug check as a run tells it; the parts of its report share what is declared here. */
#pragma once

#include "host/run/run.h"

/* Every address of a bug check that may have a name, looked up at once. */
enum {
    PlaceFrames = 0,
    PlaceRaised = CONTROL_STACK_FRAMES, /* who raised IRQL */
    PlaceLocked,                        /* the section last */
    PlaceUnlocked,
    PlaceParameter,                     /* four: those that lie in an image */
    PlaceVerifier = PlaceParameter + 4, /* an address in the verifier's last words */
    PlaceReturned,                      /* the call that a paged-out routine came back from */
    PlaceCount,
};
_Static_assert(PlaceCount <= SYMBOLS_MAX_BATCH, "one batch");

typedef struct {
    SYMBOL Symbol[PlaceCount]; /* "" where there is nothing to name */
    unsigned FirstFrame;       /* the frames before it are the kernel's way to the bug check */
    unsigned FrameCount;       /* with those */
    const SYMBOL *Where;       /* the place to look at */
} BUG_CHECK_PLACES;

/* ---- bug_check_places.c ---- */
void BugCheckFindPlaces(RUN *Run, BUG_CHECK_PLACES *Places);
/* The address lies in the driver under test. */
bool BugCheckInDriver(const RUN *Run, uint64_t Address);
/* Code was to be executed that was not there. */
bool BugCheckIsExecute(const CONTROL_BUG_CHECK *Check);
/*
 * Code that ran went on at a raised IRQL, and found itself paged out: it was not called so. Where
 * it came back from is PlaceReturned, "" when not known.
 */
bool BugCheckWentOn(const RUN *Run, const BUG_CHECK_PLACES *Places);
/* The first address, 16 hexadecimal digits, in what the verifier said; its offset, or -1. */
int BugCheckVerifierAddress(const RUN *Run, uint64_t *Address);
/* P2 is IRQL, and P3 the access. */
bool BugCheckIsReference(uint32_t Code);
/* A routine returned at another IRQL than it was called at: that routine, or NULL. */
const SYMBOL *BugCheckReturnedRaised(const RUN *Run, const BUG_CHECK_PLACES *Places);

/* ---- bug_check_cause.c ---- */
/* One sentence without a full stop. */
void BugCheckDescribeCause(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Cause,
                           size_t Size);
/* The table's advice, or a closer one for the kind of memory. */
const char *BugCheckChooseAdvice(const RUN *Run, const BUG_CHECK_PLACES *Places);
/* "pageable, paged out at event 5, never locked" */
void BugCheckDescribeSection(const RUN *Run, const BUG_CHECK_PLACES *Places, char *Text,
                             size_t Size);
const char *BugCheckSectionKind(uint32_t Kind);

/* ---- bug_check_history.c ---- */
/* Takes over what came with the bug check; only as much as --history asks for is told. */
void BugCheckKeepHistory(RUN *Run, CONTROL_BYTES Bytes);
/* The last call, or change of IRQL, after which the driver goes on at Address; or NULL. */
const CONTROL_HISTORY *BugCheckLastReturn(const RUN *Run, uint64_t Address);
void BugCheckReportHistory(RUN *Run);
/* A JSON array. */
json_t *BugCheckHistoryEvents(RUN *Run);
