/* SPDX-License-Identifier: MIT */
/*
 * `--budget KIND[:SECTION]=SIZE`: how many bytes of the driver's image may be in a state at one
 * moment, in whole pages.
 *
 *   nonpaged   of sections that may never leave; INIT and what else is freed after DriverEntry is
 *              not counted
 *   pageable   of sections that may leave and are not locked
 *   locked     of sections that might leave but are locked
 *   resident   in memory, of any section
 */
#pragma once

#include "host/timeline/timeline_image.h"

#define BUDGET_MOST 16u

typedef enum {
    BudgetNonpaged,
    BudgetPageable,
    BudgetLocked,
    BudgetResident,
    BudgetKinds,
} BUDGET_KIND;

typedef struct {
    BUDGET_KIND Kind;
    char Section[IMAGE_SIZEOF_SHORT_NAME + 1]; /* "": all together */
    uint64_t Bytes;
} BUDGET;

typedef struct {
    uint64_t Most;  /* bytes, at any moment */
    size_t MostAt;  /* the entry after which it was so */
    size_t OverAt;  /* the first after which it was over the budget */
    bool Over;
    bool Known;     /* there is such a section */
} BUDGET_RESULT;

/* "nonpaged=64K", "locked:PAGELK=8K". NULL: good; else what is wrong with it. */
const char *BudgetParse(BUDGET *Budget, const char *Text);
/* The word of a kind. */
const char *BudgetKindName(BUDGET_KIND Kind);
/* "nonpaged" or "locked bytes of PAGELK" */
void BudgetDescribe(const BUDGET *Budget, char *Out, size_t Size);
/* Bytes of one section that count for the kind. Transient: it is freed later, after DriverEntry. */
uint64_t BudgetBytes(const TIMELINE_IMAGE *Image, const TIMELINE_SECTION *Section,
                     BUDGET_KIND Kind, bool Transient);
/* Goes through the whole timeline once. Image is as opened, and changed. */
void BudgetCheck(const BUDGET *Budgets, unsigned Count, const TIMELINE *Timeline,
                 TIMELINE_IMAGE *Image, BUDGET_RESULT *Results);
