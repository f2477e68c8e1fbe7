/* SPDX-License-Identifier: MIT */
/* What drivers in production import, and how much of it the kernel exports. */
#pragma once

#include <stddef.h>

typedef struct {
    const char *Name;
    unsigned Families; /* that import it; a family is one distinct import table */
} DEMAND_ROW;

/* host/exports/demand.csv, whose order completes the most families soonest. */
extern const DEMAND_ROW DemandRows[];
extern const size_t DemandRowCount;

typedef struct {
    size_t Names, Implemented, Partial, Stubs; /* of what is imported; the rest is missing */
    unsigned Families;                         /* of plain WDM drivers, in all */
    unsigned WholeAtLeast; /* of these: no import is missing, nor a stub. A lower bound */
} DEMAND_FIGURES;

void DemandCompute(DEMAND_FIGURES *Out);
