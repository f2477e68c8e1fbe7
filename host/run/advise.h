/* SPDX-License-Identifier: MIT */
/*
 * `pageable advise`: a run during which the kernel notes at which IRQL each routine of the driver
 * is entered, and afterwards what the driver could do better with its pageable sections. Each piece
 * of advice has its evidence; where there is none, nothing is said. In the order of a run:
 *
 *   AdviceOpen    lists the routines          AdviceEnd      fetches what was noted
 *   AdviceBegin   has them watched            AdviceReport   judges, prints, writes events
 */
#pragma once

#include "host/inspect/function_list.h"

struct RUN;

typedef struct {
    FUNCTION_LIST List;
    CONTROL_WATCHED *Watched; /* one for each of the list, when HasWatched */
    bool HasWatched;
    CONTROL_SECTION Sections[PE_MAX_SECTIONS + 1]; /* before the unload */
    unsigned SectionCount;
} ADVICE;

extern const char HelpAdvise[];

EXIT_CODE AdviseCommand(const char *Program, int Count, char **Arguments);

/* False: no memory. */
bool AdviceOpen(ADVICE *Advice, const DRIVER_FILE *Driver);
void AdviceClose(ADVICE *Advice);
/* Both: false when the session has ended. */
bool AdviceBegin(struct RUN *Run);
bool AdviceEnd(struct RUN *Run);
void AdviceReport(struct RUN *Run);
