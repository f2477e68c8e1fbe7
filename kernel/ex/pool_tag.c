/* SPDX-License-Identifier: MIT */
/*
 * Counts per tag, for leak checks and reports. Entries are claimed once and never given up, so a
 * tag is found again where it was put, without a lock. When all are taken, new tags share the last.
 */
#include "ex/pool.h"

#define TAG_ENTRIES 2048u /* a power of two */
#define LAST_ENTRY TAG_ENTRIES

static POOL_TAG_USAGE ExpTags[TAG_ENTRIES + 1];

static POOL_TAG_USAGE *ExpTagEntry(ULONG Tag)
{
    ULONG i = (Tag * 2654435761u) >> 21;
    for (ULONG Tries = 0; Tries < TAG_ENTRIES; Tries += 1) {
        POOL_TAG_USAGE *Entry = &ExpTags[(i + Tries) % TAG_ENTRIES];
        ULONG Was = __atomic_load_n(&Entry->Tag, __ATOMIC_RELAXED);
        if (Was == 0) {
            Was = __sync_val_compare_and_swap(&Entry->Tag, 0, Tag);
        }
        if (Was == 0 || Was == Tag) {
            return Entry;
        }
    }
    ExpTags[LAST_ENTRY].Tag = POOL_OVERFLOW_TAG;
    return &ExpTags[LAST_ENTRY];
}

/* Tag is not 0. Negative counts for a free. */
VOID ExpTrack(ULONG Tag, BOOLEAN Paged, LONG64 Blocks, LONG64 Bytes)
{
    POOL_TAG_USAGE *Entry = ExpTagEntry(Tag);
    __sync_fetch_and_add(Paged ? &Entry->PagedBlocks : &Entry->NonPagedBlocks, Blocks);
    __sync_fetch_and_add(Paged ? &Entry->PagedBytes : &Entry->NonPagedBytes, Bytes);
}

ULONG ExQueryPoolTags(POOL_TAG_USAGE *Rows, ULONG Max)
{
    ULONG Count = 0;
    for (ULONG i = 0; i <= LAST_ENTRY; i += 1) {
        if (ExpTags[i].PagedBlocks != 0 || ExpTags[i].NonPagedBlocks != 0) {
            if (Count < Max) {
                Rows[Count] = ExpTags[i];
            }
            Count += 1;
        }
    }
    return Count;
}

BOOLEAN ExQueryPoolTag(ULONG Tag, POOL_TAG_USAGE *Row)
{
    for (ULONG i = 0; i <= LAST_ENTRY; i += 1) {
        if (ExpTags[i].Tag == Tag) {
            *Row = ExpTags[i];
            return TRUE;
        }
    }
    return FALSE;
}
