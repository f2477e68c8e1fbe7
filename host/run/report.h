/* SPDX-License-Identifier: MIT */
/*
 * Where what happened is told: lines for a reader, and JSON Lines events for a program. Text goes
 * to the standard output, unless the events go there: then to the standard error.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wire/control.h"

#define REPORT_SCHEMA_VERSION 1

typedef enum { ReportPlain, ReportGood, ReportBad } REPORT_TONE;

typedef struct {
    FILE *Text;
    FILE *Json; /* NULL: no events */
    const char *JsonPath;
    json_t *Kept; /* an array: a copy of the events that an HTML report shows; NULL: not wanted */
    uint64_t Start; /* TextNow */
    bool Color;
    bool Verbose;
} REPORT;

/* JsonPath may be NULL. False: Error says why the file cannot be written. */
bool ReportOpen(REPORT *Report, const char *JsonPath, bool Verbose, char *Error, size_t ErrorSize);
/* False: the events could not be written whole. */
bool ReportClose(REPORT *Report, char *Error, size_t ErrorSize);

/* "label      text"; an empty label continues the line above. */
void ReportLine(REPORT *Report, const char *Label, const char *Format, ...)
    __attribute__((format(printf, 3, 4)));
void ReportToned(REPORT *Report, REPORT_TONE Tone, const char *Label, const char *Format, ...)
    __attribute__((format(printf, 4, 5)));
void ReportBlank(REPORT *Report);
/* Several lines, each indented under the label of the first. */
void ReportLines(REPORT *Report, const char *Label, const char *Lines);

/* Writes one event; takes over Fields (made by json_pack; NULL is written as a bare event). */
void ReportEvent(REPORT *Report, const char *Event, json_t *Fields);
/* For the HTML report only, if there is to be one; Fields stays the caller's. */
void ReportKeep(REPORT *Report, const char *Event, json_t *Fields);
/* A JSON string of "0x..." */
json_t *ReportHex(uint64_t Number);

/* The section table, as lines and as events. When says at what moment: "loaded", ... */
void ReportSections(REPORT *Report, const CONTROL_SECTION *Rows, unsigned Count, const char *When,
                    bool Lines);
void ReportCounters(REPORT *Report, const CONTROL_COUNTERS *Now, const CONTROL_COUNTERS *Before);
/* "yes", or "no: " and why, or "discarded ..."; Out is the room for it. */
const char *ReportPageability(const CONTROL_SECTION *Row, char Out[64]);
