/* SPDX-License-Identifier: MIT */
/*
 * Pages of pool carved into blocks. Pure: no locks, no IRQL; the caller serialises each pool.
 *
 * Invariants of a page, from its first byte to its last:
 *  1. Blocks follow each other without gaps, and each one's PreviousSize is the BlockSize of the
 *     one before it, 0 for the first.
 *  2. No two free blocks are neighbours; a page that is all free is not in the pool.
 *  3. A free block of two units or more is in the list of its size. One unit holds no links, so
 *     such a fragment waits for a neighbour to be freed.
 */
#include "ex/pool.h"

#ifndef DBG
#define DBG 0
#endif

static PPOOL_HEADER ExpAt(PPOOL_HEADER Header, LONG Units)
{
    return (PPOOL_HEADER)((PUCHAR)Header + (LONG_PTR)Units * (LONG_PTR)POOL_UNIT);
}

static BOOLEAN ExpBeginsPage(PVOID Address)
{
    return BYTE_OFFSET(Address) == 0;
}

static PLIST_ENTRY ExpLinks(PPOOL_HEADER Header)
{
    return (PLIST_ENTRY)(Header + 1);
}

VOID ExpInitializeBlocks(PEXP_POOL Pool, UCHAR Index)
{
    Pool->Index = Index;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Pool->NonEmpty); i += 1) {
        Pool->NonEmpty[i] = 0;
    }
    for (ULONG i = 0; i < POOL_PAGE_UNITS; i += 1) {
        InitializeListHead(&Pool->Free[i]);
    }
}

static VOID ExpSetDamage(EXP_DAMAGE *Damage, EXP_FAULT Fault, PVOID Entry, PVOID Other,
                         PVOID Third)
{
    Damage->Fault = Fault;
    Damage->Entry = Entry;
    Damage->Other = Other;
    Damage->Third = Third;
}

static VOID ExpLink(PEXP_POOL Pool, PPOOL_HEADER Header)
{
    ULONG Size = Header->BlockSize;
    if (Size >= POOL_MIN_UNITS) {
        InsertHeadList(&Pool->Free[Size], ExpLinks(Header));
        Pool->NonEmpty[Size / 64] |= 1ull << Size % 64;
    }
}

static BOOLEAN ExpUnlink(PEXP_POOL Pool, PPOOL_HEADER Header, EXP_DAMAGE *Damage)
{
    ULONG Size = Header->BlockSize;
    if (Size < POOL_MIN_UNITS) {
        return TRUE;
    }
    PLIST_ENTRY Links = ExpLinks(Header);
    if (Links->Flink->Blink != Links || Links->Blink->Flink != Links) {
        ExpSetDamage(Damage, ExpPoolBadLinks, Header, Links->Flink->Blink, Links->Blink->Flink);
        return FALSE;
    }
    RemoveEntryList(Links);
    if (IsListEmpty(&Pool->Free[Size])) {
        Pool->NonEmpty[Size / 64] &= ~(1ull << Size % 64);
    }
    return TRUE;
}

static VOID ExpFormat(PEXP_POOL Pool, PPOOL_HEADER Header, ULONG Previous, ULONG Size)
{
    Header->PreviousSize = (UCHAR)Previous;
    Header->PoolIndex = Pool->Index;
    Header->BlockSize = (UCHAR)Size;
    Header->PoolType = 0;
    Header->ProcessBilled = 0;
}

/* Units in front of a block at Header so that what follows its header begins a cache line. */
static ULONG ExpLead(PPOOL_HEADER Header, BOOLEAN CacheAligned)
{
    ULONG Past = (BYTE_OFFSET(Header) + POOL_UNIT) % POOL_CACHE_LINE;
    return CacheAligned && Past != 0 ? (POOL_CACHE_LINE - Past) / POOL_UNIT : 0;
}

/*
 * Cuts a block of Units out of free space of Total units at Header, whose neighbour below has
 * Previous units. What is left before and behind it becomes free blocks.
 */
static PPOOL_HEADER ExpCarve(PEXP_POOL Pool, PPOOL_HEADER Header, ULONG Total, ULONG Previous,
                             ULONG Units, BOOLEAN CacheAligned)
{
    ULONG Lead = ExpLead(Header, CacheAligned);
    ULONG Rest = Total - Lead - Units;
    if (Lead != 0) {
        ExpFormat(Pool, Header, Previous, Lead);
        ExpLink(Pool, Header);
        Previous = Lead;
        Header = ExpAt(Header, (LONG)Lead);
    }
    ExpFormat(Pool, Header, Previous, Units);
    PPOOL_HEADER Next = ExpAt(Header, (LONG)Units);
    if (Rest != 0) {
        ExpFormat(Pool, Next, Units, Rest);
        ExpLink(Pool, Next);
        Previous = Rest;
        Next = ExpAt(Next, (LONG)Rest);
    } else {
        Previous = Units;
    }
    if (!ExpBeginsPage(Next)) {
        Next->PreviousSize = (UCHAR)Previous;
    }
    return Header;
}

/* The smallest size >= Size that has a free block; POOL_PAGE_UNITS: none. */
static ULONG ExpNextSize(PEXP_POOL Pool, ULONG Size)
{
    while (Size < POOL_PAGE_UNITS) {
        ULONG64 Word = Pool->NonEmpty[Size / 64] >> Size % 64;
        if (Word != 0) {
            return Size + (ULONG)__builtin_ctzll(Word);
        }
        Size = (Size / 64 + 1) * 64;
    }
    return POOL_PAGE_UNITS;
}

PPOOL_HEADER ExpTakeBlock(PEXP_POOL Pool, ULONG Units, BOOLEAN CacheAligned, EXP_DAMAGE *Damage)
{
    ULONG Size = ExpNextSize(Pool, Units);
    Damage->Fault = ExpPoolSound;
    while (Size < POOL_PAGE_UNITS) {
        /*
         * Only the first of each list is tried: with luck it is aligned, with enough units it is.
         */
        PLIST_ENTRY Links = Pool->Free[Size].Flink;
        PPOOL_HEADER Header = (PPOOL_HEADER)Links - 1;
        if (ExpLead(Header, CacheAligned) + Units > Size) {
            Size = ExpNextSize(Pool, Size + 1);
            continue;
        }
        if (Header->BlockSize != Size || Header->PoolType != 0) {
            ExpSetDamage(Damage, ExpPoolBadSize, Header, ExpAt(Header, (LONG)Size), NULL);
            return NULL;
        }
        if (!ExpCheckBlock(Header, Damage) || !ExpUnlink(Pool, Header, Damage)) {
            return NULL;
        }
        return ExpCarve(Pool, Header, Size, Header->PreviousSize, Units, CacheAligned);
    }
    return NULL;
}

PPOOL_HEADER ExpTakeFromNewPage(PEXP_POOL Pool, PVOID Page, ULONG Units, BOOLEAN CacheAligned)
{
    /* The longest aligned request leaves no room for a lead: its header is at 48 of the page. */
    return ExpCarve(Pool, Page, POOL_PAGE_UNITS, 0, Units, CacheAligned);
}

BOOLEAN ExpCheckBlock(PPOOL_HEADER Header, EXP_DAMAGE *Damage)
{
    ULONG Size = Header->BlockSize;
    PPOOL_HEADER Next = ExpAt(Header, (LONG)Size);
    if (Size == 0 || BYTE_OFFSET(Header) + Size * POOL_UNIT > PAGE_SIZE ||
        (!ExpBeginsPage(Next) && Next->PreviousSize != Size)) {
        ExpSetDamage(Damage, ExpPoolBadSize, Header, Next, NULL);
        return FALSE;
    }
    if (ExpBeginsPage(Header) != (Header->PreviousSize == 0) ||
        Header->PreviousSize * POOL_UNIT > BYTE_OFFSET(Header)) {
        ExpSetDamage(Damage, ExpPoolBadSize, Header, Next, NULL);
        return FALSE;
    }
    if (Header->PreviousSize != 0) {
        PPOOL_HEADER Previous = ExpAt(Header, -(LONG)Header->PreviousSize);
        if (Previous->BlockSize != Header->PreviousSize) {
            ExpSetDamage(Damage, ExpPoolBadSize, Previous, Header, NULL);
            return FALSE;
        }
    }
    return TRUE;
}

PVOID ExpReturnBlock(PEXP_POOL Pool, PPOOL_HEADER Header, EXP_DAMAGE *Damage)
{
    ULONG Size = Header->BlockSize;
    PPOOL_HEADER Next = ExpAt(Header, (LONG)Size);

    Damage->Fault = ExpPoolSound;
    Header->PoolType = 0; /* a second free of the same block sees it, even after joining */
#if DBG
    __builtin_memset(Header + 1, POOL_FREED_PATTERN, (Size - 1) * POOL_UNIT);
#endif
    if (!ExpBeginsPage(Next) && Next->PoolType == 0) {
        if (!ExpCheckBlock(Next, Damage) || !ExpUnlink(Pool, Next, Damage)) {
            return NULL;
        }
        Size += Next->BlockSize;
    }
    if (Header->PreviousSize != 0) {
        PPOOL_HEADER Previous = ExpAt(Header, -(LONG)Header->PreviousSize);
        if (Previous->PoolType == 0) {
            if (!ExpCheckBlock(Previous, Damage) || !ExpUnlink(Pool, Previous, Damage)) {
                return NULL;
            }
            Size += Previous->BlockSize;
            Header = Previous;
        }
    }
    if (Size == POOL_PAGE_UNITS) {
        return Header;
    }
    Header->BlockSize = (UCHAR)Size;
    Next = ExpAt(Header, (LONG)Size);
    if (!ExpBeginsPage(Next)) {
        Next->PreviousSize = (UCHAR)Size;
    }
    ExpLink(Pool, Header);
    return NULL;
}

ULONG ExpVerifyBlocks(PEXP_POOL Pool)
{
    ULONG Violations = 0;
    for (ULONG Size = 0; Size < POOL_PAGE_UNITS; Size += 1) {
        PLIST_ENTRY Head = &Pool->Free[Size];
        BOOLEAN Marked = (Pool->NonEmpty[Size / 64] >> Size % 64 & 1) != 0;
        Violations += Marked == IsListEmpty(Head);
        for (PLIST_ENTRY Links = Head->Flink; Links != Head; Links = Links->Flink) {
            PPOOL_HEADER Header = (PPOOL_HEADER)Links - 1;
            EXP_DAMAGE Damage;
            if (Links->Flink->Blink != Links) {
                return Violations + 1; /* following it further is of no use */
            }
            Violations += Header->BlockSize != Size || Header->PoolType != 0 ||
                          Header->PoolIndex != Pool->Index || !ExpCheckBlock(Header, &Damage);
        }
    }
    return Violations;
}
