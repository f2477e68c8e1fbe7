/* SPDX-License-Identifier: MIT */
/*
 * `run --trace=FILE`: the timeline in the trace-event format (a JSON object with traceEvents),
 * which Perfetto's viewer and chrome://tracing open. Times are microseconds with three decimals.
 *
 *   calls, routines   B and E of the thread; i where there is no return
 *   IRQL              a counter, at each change
 *   sections          a counter for each: bytes resident and locked, at each change
 *   faults, page-outs, page-ins, locks, the bug check   i
 */
#pragma once

#include <stdio.h>

#include "host/timeline/timeline_image.h"
#include "host/timeline/timeline_place.h"

typedef struct {
    const TIMELINE *Timeline;
    TIMELINE_IMAGE *Image; /* as opened; changed */
    const TIMELINE_PLACES *Places;
    uint64_t Frequency;    /* of the time-stamp counter */
    const char *Driver;    /* its name */
} TRACE_SOURCE;

/* False: no memory, or the file has an error (ferror). */
bool TraceWrite(const TRACE_SOURCE *Source, FILE *Out);
