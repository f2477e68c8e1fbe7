/* SPDX-License-Identifier: MIT */
/*
 * !pool. A page of small blocks begins with a header, and each header says how long its block and
 * the one before are; larger allocations are whole pages, listed in a table of the kernel.
 */
#include "host/debugger/debugger.h"

#include <ctype.h>
#include <string.h>

#include "host/debugger/page_walk.h"
#include "host/debugger/structure.h"

#define HEADER "nt!_POOL_HEADER"
#define UNIT 16u /* bytes, of a header's sizes */
#define PAGE_UNITS (PAGE_SIZE_4K / UNIT)
#define MAX_LARGE_ENTRIES (1u << 20)

typedef struct {
    uint64_t Units, PreviousUnits, Type, Tag;
} POOL_BLOCK;

static void TagText(uint64_t Tag, char Out[5])
{
    for (unsigned i = 0; i < 4; i++) {
        char Character = (char)(Tag >> 8 * i & 0x7f);
        Out[i] = isprint((unsigned char)Character) ? Character : '.';
    }
    Out[4] = 0;
}

static bool InRange(DEBUGGER *Debugger, uint64_t Address, size_t Start, size_t End)
{
    uint64_t First, Last;
    return DataBlockVariable(Debugger, Start, "the pool", &First) &&
           DataBlockVariable(Debugger, End, "the pool", &Last) && Address >= First &&
           Address < Last;
}

#define IN_POOL(Debugger, Address, Name)                                        \
    InRange(Debugger, Address, offsetof(KDDEBUGGER_DATA64, Mm##Name##Start),    \
            offsetof(KDDEBUGGER_DATA64, Mm##Name##End))

/* *Found: Address is in an allocation of whole pages. */
static bool FindLarge(DEBUGGER *Debugger, uint64_t Address, bool *Found)
{
    uint64_t Table, Entries, Size, Page, Pages, Tag;
    char Name[5], Text[DEBUG_ADDRESS_SIZE];
    uint8_t Entry[64];
    *Found = false;
    if (!VariableRead(Debugger, "nt!ExpLargeTable", 8, &Table) ||
        !VariableRead(Debugger, "nt!ExpLargeEntries", 4, &Entries) ||
        !StructureSize(Debugger, "nt!_EXP_LARGE", &Size)) {
        return false;
    }
    if (Size > sizeof(Entry) || Entries > MAX_LARGE_ENTRIES) {
        return DebuggerError(Debugger, "the table of large pool allocations is corrupt");
    }
    for (uint64_t i = 0; i < Entries; i++) {
        if (DebuggerInterrupted(Debugger)) {
            return DebuggerError(Debugger, "interrupted");
        }
        if (!DebugRead(Debugger, Table + i * Size, Entry, Size) ||
            !StructureValue(Debugger, Entry, Size, "nt!_EXP_LARGE", "Page", &Page) ||
            !StructureValue(Debugger, Entry, Size, "nt!_EXP_LARGE", "Pages", &Pages) ||
            !StructureValue(Debugger, Entry, Size, "nt!_EXP_LARGE", "Tag", &Tag)) {
            return DebuggerError(Debugger, "the table of large pool allocations cannot be read");
        }
        if (Page != 0 && (Address >> 12) - Page < Pages) {
            TagText(Tag, Name);
            DebuggerPrint(Debugger, "*%s : large page allocation, tag is %s, size is 0x%llx bytes"
                          "\n", DebugAddressText(Page << 12, Text), Name,
                          (unsigned long long)Pages << 12);
            *Found = true;
            return true;
        }
    }
    return true;
}

static bool ReadBlock(DEBUGGER *Debugger, uint64_t Address, POOL_BLOCK *Block)
{
    return STRUCTURE_READ(Debugger, Address, HEADER, {"BlockSize", &Block->Units},
                          {"PreviousSize", &Block->PreviousUnits}, {"PoolType", &Block->Type},
                          {"PoolTag", &Block->Tag});
}

static void PrintBlock(DEBUGGER *Debugger, uint64_t Address, const POOL_BLOCK *Block, bool Meant)
{
    char Name[5], Text[DEBUG_ADDRESS_SIZE];
    TagText(Block->Tag, Name);
    DebuggerPrint(Debugger, "%c%s size: %4llx previous size: %4llx  (%s)  %s%s\n",
                  Meant ? '*' : ' ', DebugAddressText(Address, Text),
                  (unsigned long long)Block->Units * UNIT,
                  (unsigned long long)Block->PreviousUnits * UNIT,
                  Block->Type != 0 ? "Allocated" : "Free", Meant ? "*" : "", Name);
}

/* The blocks of the page, each of which must agree with the one before. */
static bool PrintPage(DEBUGGER *Debugger, uint64_t Address, bool OnlyMeant)
{
    uint64_t Page = Address & ~(uint64_t)(PAGE_SIZE_4K - 1), Previous = 0;
    for (uint64_t At = 0; At < PAGE_UNITS;) {
        POOL_BLOCK Block;
        char Text[DEBUG_ADDRESS_SIZE];
        if (!ReadBlock(Debugger, Page + At * UNIT, &Block)) {
            return false;
        }
        if (Block.Units == 0 || Block.Units > PAGE_UNITS - At || Block.PreviousUnits != Previous) {
            return DebuggerError(Debugger, "%s is not a valid small pool allocation: its header "
                                 "does not fit its neighbours",
                                 DebugAddressText(Page + At * UNIT, Text));
        }
        bool Meant = Address - Page >= At * UNIT && Address - Page < (At + Block.Units) * UNIT;
        if (Meant || !OnlyMeant) {
            PrintBlock(Debugger, Page + At * UNIT, &Block, Meant);
        }
        Previous = Block.Units;
        At += Block.Units;
    }
    return true;
}

/* !pool Address [2]; 2: only the block of Address */
static bool PoolCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address, Flags = 0;
    char Text[DEBUG_ADDRESS_SIZE], Form[80];
    PAGE_WALK Walk;
    bool Found;
    if (!ExpressionEvaluate(Debugger, &Arguments, &Address)) {
        return false;
    }
    Arguments += strspn(Arguments, " \t,");
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Flags)) {
        return false;
    }
    bool Paged = IN_POOL(Debugger, Address, PagedPool);
    DebugAddressText(Address, Text);
    if (!Paged && !IN_POOL(Debugger, Address, NonPagedPool)) {
        return DebuggerError(Debugger, "%s is in no pool", Text);
    }
    DebuggerPrint(Debugger, "Pool page %s region is %s\n", Text,
                  Paged ? "Paged pool" : "Nonpaged pool");
    if (!FindLarge(Debugger, Address, &Found) || Found) {
        return Found;
    }
    if (PageWalkCurrent(Debugger, Address, &Walk) && Walk.Form != PageValid &&
        Walk.Form != PageTransition) {
        return DebuggerError(Debugger, "its page cannot be read: %s",
                             PageWalkText(&Walk, Form, sizeof(Form)));
    }
    return PrintPage(Debugger, Address, (Flags & 2) != 0);
}

const DEBUGGER_COMMAND CommandsPool[] = {
    {"!pool", PoolCommand, "!pool Address [2]",
     "The blocks of a page of pool; 2: only the one of Address.", false},
    {0},
};
