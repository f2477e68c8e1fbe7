/* SPDX-License-Identifier: MIT */
/*
 * The table of allocations that have whole pages of their own: with no header in front, this is
 * where their tag and size are, and what tells a valid page-aligned address from a wild one.
 *
 * Open addressing with linear probing, at most three quarters full, so an empty entry always
 * ends a probe. The first table is static; larger ones come from pool pages.
 */
#include "ex/pool.h"

#define FIRST_ENTRIES 256u

static EXP_LARGE ExpFirstTable[FIRST_ENTRIES];
static EXP_LARGE *ExpLargeTable = ExpFirstTable;
static ULONG ExpLargeEntries = FIRST_ENTRIES; /* a power of two */
static ULONG ExpLargeUsed;

static ULONG ExpLargePlace(ULONG64 Page)
{
    return (ULONG)((Page * 0x9e3779b97f4a7c15ull) >> 40) & (ExpLargeEntries - 1);
}

static VOID ExpLargePut(EXP_LARGE Entry)
{
    ULONG i = ExpLargePlace(Entry.Page);
    while (ExpLargeTable[i].Page != 0) {
        i = (i + 1) & (ExpLargeEntries - 1);
    }
    ExpLargeTable[i] = Entry;
}

ULONG ExpLargeGrowth(VOID)
{
    if ((ExpLargeUsed + 1) * 4 <= ExpLargeEntries * 3) {
        return 0;
    }
    return (ULONG)BYTES_TO_PAGES(ExpLargeEntries * 2 * sizeof(EXP_LARGE));
}

PVOID ExpLargeMove(PVOID Table, ULONG Pages)
{
    EXP_LARGE *Old = ExpLargeTable;
    ULONG OldEntries = ExpLargeEntries;
    ExpLargeTable = Table;
    ExpLargeEntries = Pages * PAGE_SIZE / (ULONG)sizeof(EXP_LARGE);
    for (ULONG i = 0; i < OldEntries; i += 1) {
        if (Old[i].Page != 0) {
            ExpLargePut(Old[i]);
        }
    }
    return Old == ExpFirstTable ? NULL : Old;
}

VOID ExpLargeInsert(PVOID Address, ULONG Tag, ULONG Pages)
{
    EXP_LARGE Entry = {.Page = (ULONG_PTR)Address >> PAGE_SHIFT, .Tag = Tag, .Pages = Pages};
    ExpLargePut(Entry);
    ExpLargeUsed += 1;
}

EXP_LARGE *ExpLargeFind(PVOID Address)
{
    ULONG64 Page = (ULONG_PTR)Address >> PAGE_SHIFT;
    ULONG i = ExpLargePlace(Page);
    while (ExpLargeTable[i].Page != 0) {
        if (ExpLargeTable[i].Page == Page) {
            return &ExpLargeTable[i];
        }
        i = (i + 1) & (ExpLargeEntries - 1);
    }
    return NULL;
}

/* Entries behind the hole move up, so that no probe for one of them ends at it. */
VOID ExpLargeRemove(EXP_LARGE *Entry)
{
    ULONG Mask = ExpLargeEntries - 1;
    ULONG Hole = (ULONG)(Entry - ExpLargeTable);
    for (ULONG i = (Hole + 1) & Mask; ExpLargeTable[i].Page != 0; i = (i + 1) & Mask) {
        ULONG Place = ExpLargePlace(ExpLargeTable[i].Page);
        if (((i - Place) & Mask) >= ((i - Hole) & Mask)) {
            ExpLargeTable[Hole] = ExpLargeTable[i];
            Hole = i;
        }
    }
    ExpLargeTable[Hole] = (EXP_LARGE){0};
    ExpLargeUsed -= 1;
}
