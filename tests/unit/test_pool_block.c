/* SPDX-License-Identifier: MIT */
/* sources: kernel/ex/pool_block.c kernel/ex/pool_large.c kernel/ex/pool_tag.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ex/pool.h"

#define MAX_BLOCKS 400

static EXP_POOL Pool;
static EXP_DAMAGE Damage;
static LONG Pages;
static ULONG Seed = 4711;

static ULONG Random(ULONG Limit)
{
    Seed = Seed * 1664525 + 1013904223;
    return (Seed >> 8) % Limit;
}

static int Setup(void **state)
{
    ExpInitializeBlocks(&Pool, 1);
    return 0;
}

/* As kernel/ex/pool.c does it. */
static PVOID Allocate(ULONG Bytes, BOOLEAN Aligned)
{
    ULONG Units = 1 + (Bytes + POOL_UNIT - 1) / POOL_UNIT;
    Units = Units < POOL_MIN_UNITS ? POOL_MIN_UNITS : Units;
    PPOOL_HEADER Header = ExpTakeBlock(&Pool, Units, Aligned, &Damage);
    assert_int_equal(Damage.Fault, ExpPoolSound);
    if (Header == NULL) {
        PVOID Page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
        memset(Page, 0x77, PAGE_SIZE);
        Pages += 1;
        Header = ExpTakeFromNewPage(&Pool, Page, Units, Aligned);
    }
    Header->PoolType = 1;
    assert_int_equal(Header->BlockSize, Units);
    return Header + 1;
}

static VOID Free(PVOID P)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;
    assert_true(ExpCheckBlock(Header, &Damage));
    PVOID Page = ExpReturnBlock(&Pool, Header, &Damage);
    assert_int_equal(Damage.Fault, ExpPoolSound);
    if (Page != NULL) {
        assert_int_equal((ULONG_PTR)Page % PAGE_SIZE, 0);
        free(Page);
        Pages -= 1;
    }
}

static void GivesPagesBack(void **state)
{
    PVOID a = Allocate(1, FALSE);
    PVOID b = Allocate(POOL_MAX_SMALL_BYTES, FALSE);
    assert_int_equal(Pages, 2);
    assert_int_equal((ULONG_PTR)a % 16, 0);
    Free(a);
    assert_int_equal(Pages, 1);
    Free(b);
    assert_int_equal(Pages, 0);
    assert_int_equal(ExpVerifyBlocks(&Pool), 0);
}

static void JoinsNeighbours(void **state)
{
    PVOID Blocks[8];
    for (int i = 0; i < 8; i += 1) {
        Blocks[i] = Allocate(496, FALSE);
    }
    assert_int_equal(Pages, 1);
    Free(Blocks[2]);
    Free(Blocks[4]);
    Free(Blocks[3]);
    PVOID Big = Allocate(3 * 512 - 16, FALSE);
    assert_ptr_equal(Big, Blocks[2]);
    assert_int_equal(Pages, 1);
    Free(Big);
    for (int i = 0; i < 8; i += 1) {
        if (i < 2 || i > 4) {
            Free(Blocks[i]);
        }
    }
    assert_int_equal(Pages, 0);
}

static void AlignsToCacheLines(void **state)
{
    PVOID Blocks[60];
    for (ULONG i = 0; i < 60; i += 1) {
        Blocks[i] = Allocate(Random(300) + 1, i & 1);
        if (i & 1) {
            assert_int_equal((ULONG_PTR)Blocks[i] % POOL_CACHE_LINE, 0);
        }
    }
    PVOID Largest = Allocate(POOL_MAX_SMALL_BYTES - 48, TRUE);
    assert_int_equal((ULONG_PTR)Largest % POOL_CACHE_LINE, 0);
    Free(Largest);
    for (ULONG i = 0; i < 60; i += 1) {
        Free(Blocks[i]);
    }
    assert_int_equal(Pages, 0);
}

/* Any order of calls: contents stay, nothing overlaps, all pages come back. */
static void SurvivesRandomUse(void **state)
{
    static struct {
        UCHAR *P;
        ULONG Bytes;
        UCHAR Value;
    } Blocks[MAX_BLOCKS];
    for (ULONG Round = 0; Round < 100000; Round += 1) {
        ULONG i = Random(MAX_BLOCKS);
        if (Blocks[i].P == NULL) {
            Blocks[i].Bytes = Random(Round & 3 ? 200 : POOL_MAX_SMALL_BYTES - 48);
            Blocks[i].Value = (UCHAR)Round;
            Blocks[i].P = Allocate(Blocks[i].Bytes, Random(5) == 0);
            memset(Blocks[i].P, Blocks[i].Value, Blocks[i].Bytes);
        } else {
            for (ULONG k = 0; k < Blocks[i].Bytes; k += 1) {
                assert_int_equal(Blocks[i].P[k], Blocks[i].Value);
            }
            Free(Blocks[i].P);
            Blocks[i].P = NULL;
        }
        if (Round % 1000 == 0) {
            assert_int_equal(ExpVerifyBlocks(&Pool), 0);
        }
    }
    for (ULONG i = 0; i < MAX_BLOCKS; i += 1) {
        if (Blocks[i].P != NULL) {
            Free(Blocks[i].P);
            Blocks[i].P = NULL;
        }
    }
    assert_int_equal(Pages, 0);
    assert_int_equal(ExpVerifyBlocks(&Pool), 0);
}

static void SeesDamage(void **state)
{
    UCHAR *a = Allocate(48, FALSE);
    UCHAR *b = Allocate(48, FALSE);
    UCHAR *c = Allocate(48, FALSE);
    /* An overrun of a into b's header. */
    UCHAR Saved = a[48];
    a[48] = 0x41;
    assert_false(ExpCheckBlock((PPOOL_HEADER)a - 1, &Damage));
    assert_int_equal(Damage.Fault, ExpPoolBadSize);
    assert_false(ExpCheckBlock((PPOOL_HEADER)b - 1, &Damage));
    a[48] = Saved;
    /* A freed block is told from one in use, and so are its links when written after the free. */
    Free(b);
    assert_int_equal(((PPOOL_HEADER)b - 1)->PoolType, 0);
    PLIST_ENTRY Links = (PLIST_ENTRY)b;
    LIST_ENTRY Elsewhere = {&Elsewhere, &Elsewhere};
    LIST_ENTRY Good = *Links;
    Links->Flink = &Elsewhere;
    assert_null(ExpTakeBlock(&Pool, 4, FALSE, &Damage));
    assert_int_equal(Damage.Fault, ExpPoolBadLinks);
    assert_ptr_equal(Damage.Entry, b - 16);
    assert_true(ExpVerifyBlocks(&Pool) != 0);
    *Links = Good;
    assert_int_equal(ExpVerifyBlocks(&Pool), 0);
    Free(a);
    Free(c);
    assert_int_equal(Pages, 0);
}

static void FindsLargeAllocations(void **state)
{
    const ULONG Count = 3000;
    static UCHAR Present[3000];
    PVOID Table = NULL;
    for (ULONG Round = 0; Round < 60000; Round += 1) {
        ULONG i = Random(Count);
        PVOID Va = (PVOID)(0xFFFFFAA000000000ull + ((ULONG64)i << PAGE_SHIFT));
        EXP_LARGE *Entry = ExpLargeFind(Va);
        assert_int_equal(Entry != NULL, Present[i]);
        if (Present[i]) {
            assert_int_equal(Entry->Tag, i + 1);
            ExpLargeRemove(Entry);
        } else {
            ULONG Growth = ExpLargeGrowth();
            if (Growth != 0) {
                PVOID New = calloc(Growth, PAGE_SIZE);
                assert_ptr_equal(ExpLargeMove(New, Growth), Table);
                free(Table);
                Table = New;
                assert_int_equal(ExpLargeGrowth(), 0);
            }
            ExpLargeInsert(Va, i + 1, 2);
        }
        Present[i] ^= 1;
    }
    assert_non_null(Table);
    for (ULONG i = 0; i < Count; i += 1) {
        if (Present[i]) {
            ExpLargeRemove(ExpLargeFind((PVOID)(0xFFFFFAA000000000ull + ((ULONG64)i << 12))));
        }
    }
    /* Moved once more, so that the heap's table can go. */
    static UCHAR Last[PAGE_SIZE];
    free(ExpLargeMove(Last, 1));
}

static void CountsTags(void **state)
{
    POOL_TAG_USAGE Row;
    ExpTrack(0x31676154, TRUE, 1, 64);
    ExpTrack(0x31676154, FALSE, 2, 32);
    assert_true(ExQueryPoolTag(0x31676154, &Row));
    assert_int_equal(Row.PagedBytes, 64);
    assert_int_equal(Row.NonPagedBlocks, 2);
    for (ULONG Tag = 1; Tag <= 5000; Tag += 1) {
        ExpTrack(Tag, FALSE, 1, 16);
    }
    assert_true(ExQueryPoolTag(POOL_OVERFLOW_TAG, &Row));
    assert_int_equal(Row.NonPagedBlocks, 5001 - 2048);
    for (ULONG Tag = 1; Tag <= 5000; Tag += 1) {
        ExpTrack(Tag, FALSE, -1, -16);
    }
    assert_int_equal(ExQueryPoolTags(&Row, 1), 1);
    assert_int_equal(Row.Tag, 0x31676154);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup(GivesPagesBack, Setup),
        cmocka_unit_test_setup(JoinsNeighbours, Setup),
        cmocka_unit_test_setup(AlignsToCacheLines, Setup),
        cmocka_unit_test_setup(SurvivesRandomUse, Setup),
        cmocka_unit_test_setup(SeesDamage, Setup),
        cmocka_unit_test(FindsLargeAllocations),
        cmocka_unit_test(CountsTags),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
