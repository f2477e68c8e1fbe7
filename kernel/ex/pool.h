/* SPDX-License-Identifier: MIT */
/*
 * Pool's internals, and what other components may ask of it. Drivers' view: include/nt/pool.h.
 *
 * kernel/ex/pool_block.c  carving pages into blocks; pure, tested natively
 * kernel/ex/pool_large.c  the table of allocations of whole pages
 * kernel/ex/pool_tag.c    counts per tag
 * kernel/ex/pool.c        the routines, locks and bug checks
 */
#pragma once

#include "nt/pool.h"

/* What is allocated now; bytes are those of blocks with their headers, or of whole pages. */
typedef struct _POOL_USAGE {
    ULONG64 NonPagedBlocks;
    ULONG64 NonPagedBytes;
    ULONG64 NonPagedPages; /* that pool holds, used or not */
    ULONG64 PagedBlocks;
    ULONG64 PagedBytes;
    ULONG64 PagedPages;
    ULONG64 Allocations; /* ever */
    ULONG64 Frees;
    ULONG64 Failures;
} POOL_USAGE, *PPOOL_USAGE;

typedef struct _POOL_TAG_USAGE {
    ULONG Tag;
    ULONG Reserved;
    LONG64 NonPagedBlocks;
    LONG64 NonPagedBytes;
    LONG64 PagedBlocks;
    LONG64 PagedBytes;
} POOL_TAG_USAGE, *PPOOL_TAG_USAGE;

/* Before the first allocation, single-threaded, once MiAllocatePoolPages works. */
VOID ExInitializePool(VOID);
VOID ExQueryPoolUsage(POOL_USAGE *Usage); /* <= DISPATCH_LEVEL */
/* Rows with a block in use, at most Max; returns how many there are in all. <= DISPATCH_LEVEL */
ULONG ExQueryPoolTags(POOL_TAG_USAGE *Rows, ULONG Max);
BOOLEAN ExQueryPoolTag(ULONG Tag, POOL_TAG_USAGE *Row);
/* Checks every free block; returns the number of violations. <= APC_LEVEL */
ULONG ExVerifyPool(VOID);

/* ---- pool_block.c ---- */

#define POOL_UNIT 16u
#define POOL_PAGE_UNITS (PAGE_SIZE / POOL_UNIT)
#define POOL_MIN_UNITS 2u
#define POOL_MAX_UNITS (POOL_PAGE_UNITS - 1) /* BlockSize has eight bits */
#define POOL_MAX_SMALL_BYTES ((POOL_MAX_UNITS - 1) * POOL_UNIT)
#define POOL_CACHE_LINE 64u
#define POOL_FREED_PATTERN 0xDD /* what freed memory is filled with in checked builds */

/* NT's layout, which debuggers read. Sizes in units of 16 bytes, with the header. */
typedef struct _POOL_HEADER {
    union {
        struct {
            UCHAR PreviousSize; /* of the block before it in the page; 0: the first */
            UCHAR PoolIndex;
            UCHAR BlockSize;
            UCHAR PoolType; /* 0: free; else POOL_TYPE's base type + 1 */
        };
        ULONG Ulong1;
    };
    ULONG PoolTag;
    ULONG64 ProcessBilled; /* always 0 */
} POOL_HEADER, *PPOOL_HEADER;
C_ASSERT(sizeof(POOL_HEADER) == POOL_UNIT);

typedef struct _EXP_POOL {
    UCHAR Index;
    ULONG64 NonEmpty[POOL_PAGE_UNITS / 64]; /* bit n: Free[n] is not empty */
    LIST_ENTRY Free[POOL_PAGE_UNITS];       /* by size in units; the links lie behind the header */
} EXP_POOL, *PEXP_POOL;

typedef enum _EXP_FAULT {
    ExpPoolSound,
    ExpPoolBadSize,  /* Entry does not agree with its neighbour Other */
    ExpPoolBadLinks, /* Entry's free-list links are broken; Other, Third are what was read back */
} EXP_FAULT;

typedef struct _EXP_DAMAGE {
    EXP_FAULT Fault;
    PVOID Entry;
    PVOID Other;
    PVOID Third;
} EXP_DAMAGE;

VOID ExpInitializeBlocks(PEXP_POOL Pool, UCHAR Index);
/*
 * A block of Units from the free lists, its PoolType still 0; NULL: none fits, or damage was
 * found. CacheAligned: the memory behind the header begins a cache line.
 */
PPOOL_HEADER ExpTakeBlock(PEXP_POOL Pool, ULONG Units, BOOLEAN CacheAligned, EXP_DAMAGE *Damage);
/* The same from a page that is not in the pool yet. Cannot fail. */
PPOOL_HEADER ExpTakeFromNewPage(PEXP_POOL Pool, PVOID Page, ULONG Units, BOOLEAN CacheAligned);
/* Whether Header agrees with its neighbours. */
BOOLEAN ExpCheckBlock(PPOOL_HEADER Header, EXP_DAMAGE *Damage);
/*
 * Gives a checked block back, joined with free neighbours. When its whole page is free then, the
 * page is no longer part of the pool and is returned; else NULL.
 */
PVOID ExpReturnBlock(PEXP_POOL Pool, PPOOL_HEADER Header, EXP_DAMAGE *Damage);
ULONG ExpVerifyBlocks(PEXP_POOL Pool);

/* ---- pool_large.c; the caller holds the nonpaged pool lock ---- */

typedef struct _EXP_LARGE {
    ULONG64 Page; /* virtual page number; 0: the entry is empty */
    ULONG Tag;
    ULONG Pages;
} EXP_LARGE;

/* The size in pages that the table should grow to before the next insertion; 0: it has room. */
ULONG ExpLargeGrowth(VOID);
/*
 * Moves into zeroed memory of that size; returns the old table's, or NULL if there is none to free.
 */
PVOID ExpLargeMove(PVOID Table, ULONG Pages);
VOID ExpLargeInsert(PVOID Address, ULONG Tag, ULONG Pages);
EXP_LARGE *ExpLargeFind(PVOID Address); /* NULL: no such allocation */
VOID ExpLargeRemove(EXP_LARGE *Entry);

/* ---- pool_tag.c; any IRQL up to DISPATCH_LEVEL, no lock ---- */

#define POOL_NO_TAG 0x656e6f4eu /* "None": ExAllocatePool's, as in NT */
#define POOL_OVERFLOW_TAG 0x6c66764fu /* "Ovfl": all tags that found no room in the table */

VOID ExpTrack(ULONG Tag, BOOLEAN Paged, LONG64 Blocks, LONG64 Bytes);
