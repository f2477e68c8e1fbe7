/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/page_walk.c */
/* Walks over page tables made by hand in a small physical memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/page_walk.h"

#define PAGES 16u
#define SELF_MAP 0x1edull
#define ADDRESS 0xfffff88200001234ull
static uint64_t Memory[PAGES][512];

static bool ReadPhysical(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    if (Address > sizeof(Memory) || Size > sizeof(Memory) - Address) {
        return false;
    }
    Size = Size > 1000 ? 1000 : Size; /* as a packet of the wire limits it */
    memcpy(Out, (char *)Memory + Address, Size);
    *Done = Size;
    return true;
}

/* A process whose directory is page 3, at any address but 0. */
static bool ReadVirtual(TARGET *Target, uint64_t Address, void *Out, size_t Size, size_t *Done)
{
    uint64_t Directory = 0x3000;
    assert_int_equal(Address, 0xfffffaa000000028ull);
    memcpy(Out, &Directory, Size);
    *Done = Size;
    return true;
}

static bool GetSpecial(TARGET *Target, KSPECIAL_REGISTERS *Special)
{
    memset(Special, 0, sizeof(*Special));
    Special->Cr3 = 0x1000;
    return true;
}

static const TARGET_OPERATIONS Operations = {
    .ReadPhysical = ReadPhysical, .ReadVirtual = ReadVirtual, .GetSpecial = GetSpecial};
static TARGET Target = {.Operations = &Operations};
static DEBUGGER *Debugger;

/* Tables for ADDRESS in pages 1, 2, 4, 5, and Entry as its PTE. */
static void MakeTables(uint64_t Entry)
{
    memset(Memory, 0, sizeof(Memory));
    Memory[1][SELF_MAP] = 0x1063;
    Memory[1][ADDRESS >> 39 & 511] = 0x2063;
    Memory[2][ADDRESS >> 30 & 511] = 0x4063;
    Memory[4][ADDRESS >> 21 & 511] = 0x5063;
    Memory[5][ADDRESS >> 12 & 511] = Entry;
}

static void Forms(void **State)
{
    const struct {
        uint64_t Entry;
        PAGE_FORM Form;
        uint64_t Frame;
        uint32_t Slot, Protection;
    } Cases[] = {
        {0, PageNothing, 0, 0, 0},
        {0x8000000000007963, PageValid, 7, 0, 0},
        {0x7860, PageTransition, 7, 0, 3},
        {0x1200000080, PagePagingFile, 0, 0x12, 4},
        {0x80, PageDemandZero, 0, 0, 4},
    };
    for (unsigned i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        PAGE_WALK Walk;
        uint64_t Physical = 0;
        MakeTables(Cases[i].Entry);
        assert_true(PageWalkCurrent(Debugger, ADDRESS, &Walk));
        assert_int_equal(Walk.Levels, 4);
        assert_int_equal(Walk.Form, Cases[i].Form);
        assert_int_equal(Walk.Frame, Cases[i].Frame);
        assert_int_equal(Walk.Slot, Cases[i].Slot);
        assert_int_equal(Walk.Protection, Cases[i].Protection);
        assert_int_equal(PageWalkPhysical(&Walk, &Physical), Cases[i].Frame != 0);
        assert_int_equal(Physical, Cases[i].Frame != 0 ? 0x7234 : 0);
    }
}

static void EntryAddresses(void **State)
{
    uint64_t Entries[PAGE_WALK_LEVELS];
    MakeTables(0);
    assert_true(PageWalkEntryAddresses(Debugger, 0x1000, ADDRESS, Entries));
    assert_int_equal(Entries[0], 0xfffff6fb7dbedf88ull);
    assert_int_equal(Entries[3], 0xfffff6fc41000008ull);
    assert_false(PageWalkEntryAddresses(Debugger, 0x2000, ADDRESS, Entries));
    assert_false(PageWalkEntryAddresses(Debugger, 0x99999000, ADDRESS, Entries));
}

static void UpperLevels(void **State)
{
    PAGE_WALK Walk;
    MakeTables(0);
    Memory[2][ADDRESS >> 30 & 511] = 0;
    assert_true(PageWalkCurrent(Debugger, ADDRESS, &Walk));
    assert_int_equal(Walk.Levels, 2);
    assert_int_equal(Walk.Form, PageNothing);
    MakeTables(0);
    Memory[4][ADDRESS >> 21 & 511] = 0x2000e3; /* 2 MB at 2 MB */
    assert_true(PageWalkCurrent(Debugger, ADDRESS, &Walk));
    assert_int_equal(Walk.Levels, 3);
    assert_int_equal(Walk.Form, PageValid);
    assert_int_equal(Walk.Frame, 0x201);
}

static void Refusals(void **State)
{
    PAGE_WALK Walk;
    MakeTables(0);
    assert_false(PageWalkCurrent(Debugger, 0x123400000000000ull, &Walk));
    Memory[2][ADDRESS >> 30 & 511] = 0x99999063; /* a table where there is no memory */
    assert_false(PageWalkCurrent(Debugger, ADDRESS, &Walk));
}

static void Directories(void **State)
{
    uint64_t Directory;
    assert_true(PageWalkDirectory(Debugger, 0x10000, &Directory));
    assert_int_equal(Directory, 0x1000);
    Debugger->ImplicitProcess = 0xfffffaa000000000ull;
    assert_true(PageWalkDirectory(Debugger, 0x10000, &Directory));
    assert_int_equal(Directory, 0x3000);
    assert_true(PageWalkDirectory(Debugger, ADDRESS, &Directory));
    assert_int_equal(Directory, 0x1000);
    Debugger->UserDirectory = 0x4000;
    assert_true(PageWalkDirectory(Debugger, 0x10000, &Directory));
    assert_int_equal(Directory, 0x4000);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {cmocka_unit_test(Forms), cmocka_unit_test(EntryAddresses),
                                       cmocka_unit_test(UpperLevels), cmocka_unit_test(Refusals),
                                       cmocka_unit_test(Directories)};
    Debugger = calloc(1, sizeof(*Debugger));
    Debugger->Target = &Target;
    int Failed = cmocka_run_group_tests(Tests, NULL, NULL);
    free(Debugger);
    return Failed;
}
