/* SPDX-License-Identifier: MIT */
/* !vm, !memusage, !address: where memory is. */
#include "host/debugger/debugger.h"

#include <stdio.h>
#include <string.h>

#include "host/debugger/page_frame.h"
#include "host/debugger/structure.h"

#define KB_PER_PAGE 4u

static void PrintPages(DEBUGGER *Debugger, const char *Name, uint64_t Pages)
{
    DebuggerPrint(Debugger, "\t%-23s%9llu (%11llu Kb)\n", Name, (unsigned long long)Pages,
                  (unsigned long long)(Pages * KB_PER_PAGE));
}

static bool ListCount(DEBUGGER *Debugger, const char *List, uint64_t *Count)
{
    uint64_t Address;
    return VariableAddress(Debugger, List, &Address) &&
           StructureRead(Debugger, Address, "nt!_MI_PAGE_LIST", "Count", Count);
}

/* Slot 0 of the paging file is its header. */
static bool PrintPagingFile(DEBUGGER *Debugger)
{
    uint64_t Slots, Pages, Used;
    if (!VariableAddress(Debugger, "nt!MiSlots", &Slots) ||
        !STRUCTURE_READ(Debugger, Slots, "nt!_MI_PAGE_RANGE", {"Pages", &Pages},
                        {"Used", &Used})) {
        return false;
    }
    if (Pages == 0) {
        DebuggerPrint(Debugger, "\tPage File: none\n");
        return true;
    }
    DebuggerPrint(Debugger, "\tPage File: the paging disk\n\t   Current: %9llu Kb   Free Space: "
                  "%9llu Kb\n", (unsigned long long)((Pages - 1) * KB_PER_PAGE),
                  (unsigned long long)((Used > Pages ? 0 : Pages - Used) * KB_PER_PAGE));
    return true;
}

static bool PrintPools(DEBUGGER *Debugger)
{
    uint64_t Usage, Nonpaged, Paged;
    if (!VariableAddress(Debugger, "nt!ExpUsage", &Usage) ||
        !STRUCTURE_READ(Debugger, Usage, "nt!_POOL_USAGE", {"NonPagedPages", &Nonpaged},
                        {"PagedPages", &Paged})) {
        return false;
    }
    PrintPages(Debugger, "NonPagedPool Usage:", Nonpaged);
    PrintPages(Debugger, "PagedPool Usage:", Paged);
    return true;
}

static bool PrintProcesses(DEBUGGER *Debugger)
{
    uint64_t Head, Link, NameOffset;
    if (!VariableAddress(Debugger, "nt!PsActiveProcessHead", &Head) ||
        !StructureOffset(Debugger, "nt!_EPROCESS", "ActiveProcessLinks", &Link) ||
        !StructureOffset(Debugger, "nt!_EPROCESS", "ImageFileName", &NameOffset)) {
        return false;
    }
    DebuggerPrint(Debugger, "\n");
    LIST_WALK Walk = ListBegin(Debugger, Head);
    while (ListNext(&Walk)) {
        uint64_t Process = Walk.Entry - Link, Id, Charge;
        char Name[64];
        if (!STRUCTURE_READ(Debugger, Process, "nt!_EPROCESS", {"UniqueProcessId", &Id},
                            {"CommitCharge", &Charge}) ||
            !StructureChars(Debugger, Process + NameOffset, 15, Name, sizeof(Name))) {
            return false;
        }
        DebuggerPrint(Debugger, "\t%04llx %-16s%9llu (%11llu Kb)\n", (unsigned long long)Id, Name,
                      (unsigned long long)Charge, (unsigned long long)(Charge * KB_PER_PAGE));
    }
    return !Walk.Failed;
}

/* !vm [Flags]; 1: no processes */
static bool VmCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Flags = 0, Physical, Zeroed, Free, Standby, Modified, Resident, Committed, Limit;
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Flags)) {
        return false;
    }
    if (!DATA_BLOCK_VARIABLE(Debugger, MmNumberOfPhysicalPages, &Physical) ||
        !ListCount(Debugger, "nt!MiZeroedList", &Zeroed) ||
        !ListCount(Debugger, "nt!MiFreeList", &Free) ||
        !ListCount(Debugger, "nt!MiStandbyList", &Standby) ||
        !ListCount(Debugger, "nt!MiModifiedList", &Modified) ||
        !VariableRead(Debugger, "nt!MiResidentAvailable", 8, &Resident) ||
        !VariableRead(Debugger, "nt!MiCommittedPages", 8, &Committed) ||
        !VariableRead(Debugger, "nt!MiCommitLimit", 8, &Limit)) {
        return false;
    }
    DebuggerPrint(Debugger, "\n*** Virtual Memory Usage ***\n");
    PrintPages(Debugger, "Physical Memory:", Physical);
    if (!PrintPagingFile(Debugger)) {
        return false;
    }
    PrintPages(Debugger, "Available Pages:", Zeroed + Free + Standby);
    PrintPages(Debugger, "ResAvail Pages:", Resident);
    PrintPages(Debugger, "Modified Pages:", Modified);
    if (!PrintPools(Debugger)) {
        return false;
    }
    PrintPages(Debugger, "Committed pages:", Committed);
    PrintPages(Debugger, "Commit limit:", Limit);
    return (Flags & 1) != 0 || PrintProcesses(Debugger);
}

static void PrintState(DEBUGGER *Debugger, const char *Name, uint64_t Pages)
{
    DebuggerPrint(Debugger, "%19s:%8llu (%9llu kb)\n", Name, (unsigned long long)Pages,
                  (unsigned long long)(Pages * KB_PER_PAGE));
}

/* !memusage: every frame, counted by its state. */
static bool MemUsageCommand(DEBUGGER *Debugger, const char *Arguments)
{
    static const struct {
        FRAME_STATE State;
        const char *Name;
    } Rows[] = {{FrameZeroed, "Zeroed"},     {FrameFree, "Free"},
                {FrameStandby, "Standby"},   {FrameModified, "Modified"},
                {FrameModifiedNoWrite, "ModifiedNoWrite"},
                {FrameActive, "Active/Valid"}, {FrameTransition, "Transition"}};
    uint64_t Counts[FrameStates] = {0}, Unknown, Total = 0;
    if (!CommandEnd(Debugger, Arguments)) {
        return false;
    }
    DebuggerPrint(Debugger, " loading PFN database\n");
    if (!PageFrameCount(Debugger, Counts, &Unknown)) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(Rows) / sizeof(Rows[0]); i++) {
        PrintState(Debugger, Rows[i].Name, Counts[Rows[i].State]);
        Total += Counts[Rows[i].State];
    }
    PrintState(Debugger, "TOTAL", Total);
    DebuggerPrint(Debugger, "(%llu frame numbers are not RAM.)\n",
                  (unsigned long long)(Unknown + Counts[FrameBad]));
    return true;
}

typedef struct {
    uint64_t Start, End; /* End: first address behind */
    const char *Usage;
    char Name[STRUCTURE_NAME];
} ADDRESS_REGION;

/* *MayBeStack: stacks lie among the system PTEs. */
static bool InPool(DEBUGGER *Debugger, uint64_t Address, ADDRESS_REGION *Region, bool *MayBeStack)
{
    uint64_t Start, End;
    static const struct {
        size_t Start, End;
        const char *Name;
    } Pools[] = {
        {offsetof(KDDEBUGGER_DATA64, MmPagedPoolStart), offsetof(KDDEBUGGER_DATA64, MmPagedPoolEnd),
         "PagedPool"},
        {offsetof(KDDEBUGGER_DATA64, MmNonPagedPoolStart),
         offsetof(KDDEBUGGER_DATA64, MmNonPagedPoolEnd), "NonPagedPool"},
        {offsetof(KDDEBUGGER_DATA64, MmSystemPtesStart),
         offsetof(KDDEBUGGER_DATA64, MmSystemPtesEnd), "SystemPTEs"},
    };
    for (unsigned i = 0; i < sizeof(Pools) / sizeof(Pools[0]); i++) {
        if (!DataBlockVariable(Debugger, Pools[i].Start, Pools[i].Name, &Start) ||
            !DataBlockVariable(Debugger, Pools[i].End, Pools[i].Name, &End)) {
            return false;
        }
        if (Address >= Start && Address < End) {
            *Region = (ADDRESS_REGION){.Start = Start, .End = End, .Usage = Pools[i].Name};
            *MayBeStack = strcmp(Pools[i].Name, "SystemPTEs") == 0;
        }
    }
    return true;
}

/* The thread's stack, when Address is in one. */
static bool InStack(DEBUGGER *Debugger, uint64_t Address, ADDRESS_REGION *Region)
{
    uint64_t Thread, Low, High;
    if (!DebugCurrentThread(Debugger, &Thread) ||
        !STRUCTURE_READ(Debugger, Thread, "nt!_KTHREAD", {"StackLimit", &Low},
                        {"StackBase", &High})) {
        return false;
    }
    if (Address >= Low && Address < High) {
        *Region = (ADDRESS_REGION){.Start = Low, .End = High, .Usage = "Stack of the current "
                                   "thread"};
    }
    return true;
}

/* A VAD of the process: a list that ascends, so that it cannot turn back. */
static bool InVad(DEBUGGER *Debugger, uint64_t Address, ADDRESS_REGION *Region)
{
    uint64_t Process, Vad, Start, End, Protection, Last = 0;
    if (!DebugCurrentProcess(Debugger, &Process) ||
        !StructureRead(Debugger, Process, "nt!_EPROCESS", "VadRoot", &Vad)) {
        return false;
    }
    while (Vad != 0) {
        if (!STRUCTURE_READ(Debugger, Vad, "nt!_MI_VAD", {"Start", &Start}, {"End", &End},
                            {"Protection", &Protection}, {"Next", &Vad})) {
            return false;
        }
        if (End <= Start || Start < Last) {
            return DebuggerError(Debugger, "the VADs of the process are corrupt");
        }
        Last = End;
        if (Address >= Start && Address < End) {
            *Region = (ADDRESS_REGION){.Start = Start, .End = End, .Usage = "VAD"};
            snprintf(Region->Name, sizeof(Region->Name), "%s",
                     PageProtectionName((uint32_t)Protection));
        }
    }
    return true;
}

/* !address Address: what the address belongs to, and its page. */
static bool AddressCommand(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address;
    ADDRESS_REGION Region = {.Usage = NULL};
    bool MayBeStack = true;
    PAGE_WALK Walk;
    char Text[DEBUG_ADDRESS_SIZE], Page[80];
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Address)) {
        return false;
    }
    DEBUG_MODULE *Module = DebugFindModule(Debugger, Address);
    if (Address >> 63 == 0) {
        if (!InVad(Debugger, Address, &Region)) {
            return false;
        }
    } else if (Module != NULL) {
        Region = (ADDRESS_REGION){Module->Base, Module->Base + Module->Size, "Module", ""};
        snprintf(Region.Name, sizeof(Region.Name), "%s", Module->ImageName);
    } else if (!InPool(Debugger, Address, &Region, &MayBeStack) ||
               (MayBeStack && !InStack(Debugger, Address, &Region))) {
        return false;
    }
    DebuggerPrint(Debugger, "Usage:                  %s%s%s\n",
                  Region.Usage != NULL ? Region.Usage : "not known", Region.Name[0] ? ": " : "",
                  Region.Name);
    if (Region.Usage != NULL) {
        DebuggerPrint(Debugger, "Base Address:           %s\n",
                      DebugAddressText(Region.Start, Text));
        DebuggerPrint(Debugger, "End Address:            %s\n",
                      DebugAddressText(Region.End, Text));
        DebuggerPrint(Debugger, "Region Size:            %s\n",
                      DebugAddressText(Region.End - Region.Start, Text));
    }
    DebuggerPrint(Debugger, "Page:                   %s\n",
                  PageWalkCurrent(Debugger, Address, &Walk)
                      ? PageWalkText(&Walk, Page, sizeof(Page))
                      : Debugger->Target->Error);
    return true;
}

const DEBUGGER_COMMAND CommandsVirtualMemory[] = {
    {"!vm", VmCommand, "!vm [1]", "Memory, paging file, commit; 1: without the processes.", false},
    {"!memusage", MemUsageCommand, "!memusage", "All page frames, counted by their state.", false},
    {"!address", AddressCommand, "!address Address", "What an address belongs to.", false},
    {0},
};
