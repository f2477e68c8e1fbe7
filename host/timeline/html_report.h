/* SPDX-License-Identifier: MIT */
/*
 * `run --html=FILE`: one HTML file, complete in itself, of one run or more. Its page, style and
 * script are the files of host/timeline/page/, embedded at build; the data stand in it as JSON, in
 * which no `<` occurs, so that nothing a driver says can end the element that holds them. The
 * script makes text nodes of it only.
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
 */
#pragma once

#include <jansson.h>

#include "host/timeline/budget.h"
#include "host/timeline/trace_file.h"

#define HTML_MOST_ENTRIES 500000u /* of one run: the last ones are left out, and that is said */

typedef struct {
    TRACE_SOURCE Source;
    json_t *Events; /* an array: run, driver_entry, finding, budget, bug_check, verdict */
    const BUDGET *Budgets;
    unsigned BudgetCount;
} HTML_RUN;

/* False: no memory, or the file has an error. */
bool HtmlReportWrite(const HTML_RUN *Runs, unsigned Count, FILE *Out);

/* The embedded files (made by tools/embed.awk); each ends with a NUL that is not counted. */
extern const char HtmlPage[], HtmlStyle[], HtmlScript[];
