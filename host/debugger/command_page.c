/* SPDX-License-Identifier: MIT */
/* !pte, !pfn, !address: one page. */
#include "host/debugger/debugger.h"

#include <stdio.h>
#include <string.h>

#include "host/debugger/page_frame.h"
#include "host/debugger/page_walk.h"
#include "host/debugger/structure.h"

#define ENTRY_LARGE 0x80ull
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_TEXT 80u
#define COLUMN 27 /* of an entry, as WinDbg's */
#define MAX_RANGE_PAGES 0x10000u

/* C G L D A N T, user or kernel, write or read, execute, valid; '-' where the bit is clear. */
static void EntryFlags(uint64_t Entry, char Out[12])
{
    static const struct {
        uint64_t Bit;
        char Set, Clear;
    } Letters[] = {{0x200, 'C', '-'}, {0x100, 'G', '-'}, {0x80, 'L', '-'}, {0x40, 'D', '-'},
                   {0x20, 'A', '-'},  {0x10, 'N', '-'},  {0x8, 'T', '-'},  {0x4, 'U', 'K'},
                   {0x2, 'W', 'R'}};
    unsigned Count = sizeof(Letters) / sizeof(Letters[0]);
    for (unsigned i = 0; i < Count; i++) {
        Out[i] = Entry & Letters[i].Bit ? Letters[i].Set : Letters[i].Clear;
    }
    Out[Count] = Entry & ENTRY_NO_EXECUTE ? '-' : 'E';
    Out[Count + 1] = Entry & 1 ? 'V' : '-';
    Out[Count + 2] = 0;
}

static void EntryText(uint64_t Entry, unsigned Level, char Out[ENTRY_TEXT])
{
    char Flags[12];
    bool Large = Level != PAGE_WALK_LEVELS - 1 && (Entry & ENTRY_LARGE);
    EntryFlags(Level == PAGE_WALK_LEVELS - 1 ? Entry & ~ENTRY_LARGE : Entry, Flags);
    snprintf(Out, ENTRY_TEXT, "pfn %-9llx %s%s", (unsigned long long)(Entry >> 12 & 0xffffffffff),
             Flags, Large ? "  LARGE PAGE" : "");
}

/* What an entry that is not valid says. */
static void PrintForm(DEBUGGER *Debugger, const PAGE_WALK *Walk)
{
    const char *Protection = PageProtectionName(Walk->Protection);
    const char *Guard = Walk->Protection & 0x10 ? ", Guard" : "";
    switch (Walk->Form) {
    case PageTransition:
        DebuggerPrint(Debugger, "not valid\n Transition: %llx\n Protect: %x - %s%s\n",
                      (unsigned long long)Walk->Frame, Walk->Protection, Protection, Guard);
        break;
    case PagePagingFile:
        DebuggerPrint(Debugger, "not valid\n PageFile:  0\n Offset: %x\n Protect: %x - %s%s\n",
                      Walk->Slot, Walk->Protection, Protection, Guard);
        break;
    case PageDemandZero:
        DebuggerPrint(Debugger, "not valid\n DemandZero\n Protect: %x - %s%s\n", Walk->Protection,
                      Protection, Guard);
        break;
    case PageNothing:
        DebuggerPrint(Debugger, "not valid\n");
        break;
    default:
        break;
    }
}

/* A cell of a row of entries; the last ends the row. */
static void PrintCell(DEBUGGER *Debugger, const char *Text, bool Last)
{
    if (Last) {
        DebuggerPrint(Debugger, "%s\n", Text);
    } else {
        DebuggerPrint(Debugger, "%-*s", COLUMN, Text);
    }
}

static void PrintWalk(DEBUGGER *Debugger, const PAGE_WALK *Walk,
                      const uint64_t EntryAddress[PAGE_WALK_LEVELS])
{
    static const char *const Names[] = {"PXE", "PPE", "PDE", "PTE"};
    char Text[ENTRY_TEXT];
    DebuggerPrint(Debugger, "%45s%016llx\n", "VA ", (unsigned long long)Walk->Address);
    for (unsigned i = 0; i < PAGE_WALK_LEVELS; i++) {
        snprintf(Text, sizeof(Text), "%s at %016llX", Names[i],
                 (unsigned long long)EntryAddress[i]);
        PrintCell(Debugger, Text, i == PAGE_WALK_LEVELS - 1);
    }
    for (unsigned i = 0; i < Walk->Levels; i++) {
        snprintf(Text, sizeof(Text), "contains %016llX", (unsigned long long)Walk->Entry[i]);
        PrintCell(Debugger, Text, i == Walk->Levels - 1);
    }
    unsigned Valid = Walk->Form == PageValid ? Walk->Levels : Walk->Levels - 1;
    for (unsigned i = 0; i < Valid; i++) {
        EntryText(Walk->Entry[i], i, Text);
        PrintCell(Debugger, Text, i == Walk->Levels - 1);
    }
    PrintForm(Debugger, Walk);
    DebuggerPrint(Debugger, "\n");
}

static bool CannotWalk(DEBUGGER *Debugger, uint64_t Address)
{
    char Text[DEBUG_ADDRESS_SIZE];
    return DebuggerError(Debugger, "the page tables of %s cannot be read: %s",
                         DebugAddressText(Address, Text), Debugger->Target->Error);
}

static bool PrintPage(DEBUGGER *Debugger, uint64_t Address)
{
    uint64_t Directory, Entries[PAGE_WALK_LEVELS];
    PAGE_WALK Walk;
    if (!PageWalkDirectory(Debugger, Address, &Directory) ||
        !PageWalk(Debugger, Directory, Address, &Walk) ||
        !PageWalkEntryAddresses(Debugger, Directory, Address, Entries)) {
        return CannotWalk(Debugger, Address);
    }
    PrintWalk(Debugger, &Walk, Entries);
    return true;
}

/* The page whose PTE lies at Address, when Address is in the page tables' own mapping. */
static bool AddressOfEntry(DEBUGGER *Debugger, uint64_t *Address)
{
    uint64_t Directory, Entries[PAGE_WALK_LEVELS];
    if (!PageWalkDirectory(Debugger, *Address, &Directory) ||
        !PageWalkEntryAddresses(Debugger, Directory, *Address, Entries)) {
        return CannotWalk(Debugger, *Address);
    }
    uint64_t TablesStart = Entries[PAGE_WALK_LEVELS - 1] & ~((1ull << 39) - 1);
    if (*Address - TablesStart < 1ull << 39) {
        *Address = (uint64_t)((int64_t)(*Address << 25) >> 16);
    }
    return true;
}

/* !pte VA, !pte PTE, !pte Contents 1, !pte Start End */
static bool PteCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address, Second = 0;
    char Text[ENTRY_TEXT];
    if (!ExpressionEvaluate(Debugger, &Arguments, &Address)) {
        return false;
    }
    Arguments += strspn(Arguments, " \t,");
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Second)) {
        return false;
    }
    if (Second == 1) {
        EntryText(Address, PAGE_WALK_LEVELS - 1, Text);
        DebuggerPrint(Debugger, "contains %016llX\n%s%s\n", (unsigned long long)Address,
                      Address & 1 ? "" : "not valid: ", Text);
        return true;
    }
    if (Second == 0) {
        return AddressOfEntry(Debugger, &Address) && PrintPage(Debugger, Address);
    }
    if (Second < Address || (Second - Address) / PAGE_SIZE_4K >= MAX_RANGE_PAGES) {
        return DebuggerError(Debugger, "the range ends before it begins, or has over %u pages",
                             MAX_RANGE_PAGES);
    }
    for (Address &= ~(uint64_t)(PAGE_SIZE_4K - 1); Address <= Second; Address += PAGE_SIZE_4K) {
        if (DebuggerInterrupted(Debugger) || !PrintPage(Debugger, Address)) {
            return false;
        }
    }
    return true;
}

/* !pfn Frame */
static bool PfnCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Frame;
    PAGE_FRAME Entry;
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Frame) ||
        !PageFrameRead(Debugger, Frame, &Entry)) {
        return false;
    }
    DebuggerPrint(Debugger, "    PFN %08llX at address %016llX\n", (unsigned long long)Frame,
                  (unsigned long long)Entry.EntryAddress);
    DebuggerPrint(Debugger, "    flink       %08llX  blink %08llX  pteaddress %016llX\n",
                  (unsigned long long)Entry.Flink, (unsigned long long)Entry.Blink,
                  (unsigned long long)Entry.PteAddress);
    DebuggerPrint(Debugger, "    reference count %04llX  age %llu\n",
                  (unsigned long long)Entry.ReferenceCount, (unsigned long long)Entry.Age);
    DebuggerPrint(Debugger, "    restore pte %016llX  containing page %06llX  %s%s%s%s\n",
                  (unsigned long long)Entry.OriginalPte, (unsigned long long)Entry.PteFrame,
                  PageFrameStateName(Entry.State), Entry.Nonpaged ? "  Nonpaged" : "",
                  Entry.ReadInProgress ? "  ReadInProgress" : "",
                  Entry.WriteInProgress ? "  WriteInProgress" : "");
    return true;
}

const DEBUGGER_COMMAND CommandsPage[] = {
    {"!pte", PteCommand, "!pte VA | PTE | Contents 1 | Start End",
     "Page-table entries of an address: valid, in transition, in the paging file, demand zero.",
     false},
    {"!pfn", PfnCommand, "!pfn Frame", "The page frame database's entry of a frame.", false},
    {0},
};
