/* SPDX-License-Identifier: MIT */
/*
 * Which entry ends a call or a routine, and how deep they nest, for each thread. A routine that the
 * gate only jumps to (DbgPrint), or that an exception unwinds, has no return: it is a moment.
 */
#pragma once

#include "host/timeline/timeline.h"

#define TIMELINE_SPAN_OPEN UINT32_MAX /* it had not ended when the timeline did */

typedef struct {
    uint32_t End;   /* index of the entry that ends it; its own index: a moment */
    uint8_t Depth;  /* 0: outermost of its thread */
    bool IsSpan;    /* a call or a routine */
    bool EndsSpan;  /* this entry is the End of another */
} TIMELINE_SPAN;

/* One for each entry; malloc's. NULL: no memory, or no entries. */
TIMELINE_SPAN *TimelineSpans(const TIMELINE *Timeline);
