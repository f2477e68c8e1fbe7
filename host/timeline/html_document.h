/* SPDX-License-Identifier: MIT */
/*
 * The file of an HTML report: one file, complete in itself, of one run or of a check's. Its page,
 * style and script are the files of host/timeline/page/, embedded at build. The data stand in it as
 * JSON, in elements that nothing shows and in which no `<` occurs, so that nothing a driver says
 * can end the element that holds it. The script makes text nodes of it only.
 *
 *   HTML_DATA_ID          {"pageable": version, "runs": [...]}; of a check more: host/check/page.c
 *   HTML_TIMELINE_ID "N"  the timeline of the run that has "timeline": N, of HtmlRunWrite;
 *                         read when that run is looked at, and no sooner
 *
 * In this order: HtmlBegin, elements, HtmlEnd; elements may be written while runs end.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define HTML_DATA_ID "data"
#define HTML_TIMELINE_ID "timeline-of-"

void HtmlBegin(FILE *Out);
void HtmlElementBegin(FILE *Out, const char *Id);
void HtmlElementEnd(FILE *Out);
/* An element that holds Value, which stays the caller's. */
void HtmlElement(FILE *Out, const char *Id, json_t *Value);
/* False: the file has an error. */
bool HtmlEnd(FILE *Out);

/* Without `<`, `>` and `&`, on one line. */
void HtmlJson(FILE *Out, json_t *Value);

/* The embedded files (made by tools/embed.awk); each ends with a NUL that is not counted. */
extern const char HtmlPage[], HtmlStyle[], HtmlScript[];
