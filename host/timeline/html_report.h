/* SPDX-License-Identifier: MIT */
/*
 * What a run did as one JSON object: for the HTML report of `run --html=FILE`, and by itself for
 * `run --timeline-json=FILE`, of which `check --html` makes the report of many.
 *
 * The columns of a timeline are as long as it has entries:
 *   t  nanoseconds since the entry before     k  kind (wire/timeline.h)
 *   q  IRQL                                   w  thread: index into `threads`
 *   p  place in code: index into `places`, -1: none
 *   g  page of the image that it is about, or section, -1: none
 *   v  value: index into `values`             d  detail
 *   n  name: index into `names`, -1: none
 *   e  of a call or routine, entries until its end; 0: a moment; -1: it had not ended
 *   l  depth of calls
 * Of more entries than may be written the last are, as the finding is at the end: `first` says how
 * many are left out before them, and `before` what they left behind (t of the first is from 0 on).
 */
#pragma once

#include <jansson.h>

#include "host/timeline/budget.h"
#include "host/timeline/trace_file.h"

#define HTML_SCHEMA_VERSION 1
#define HTML_MOST_ENTRIES 500000u /* in a report of one run */
#define HTML_MOST_JOINED 50000u   /* in one of many, for each run */

typedef struct {
    TRACE_SOURCE Source;
    json_t *Events; /* an array: run, driver_entry, finding, budget, bug_check, verdict */
    const BUDGET *Budgets;
    unsigned BudgetCount;
    size_t MostEntries;
} HTML_RUN;

/* The object, in which no `<` occurs, and a newline. False: no memory, or the file has an error. */
bool HtmlRunWrite(const HTML_RUN *Run, FILE *Out);
/* A whole page of the run. */
bool HtmlReportWrite(const HTML_RUN *Run, FILE *Out);
