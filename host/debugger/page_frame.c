/* SPDX-License-Identifier: MIT */
/* See page_frame.h. */
#include "host/debugger/page_frame.h"

#include <stdlib.h>
#include <string.h>

#include "host/debugger/structure.h"

#define TYPE "nt!_MMPFN"
#define MAX_ENTRY_SIZE 256u
#define MAX_FRAMES (1u << 24) /* 64 GB: more is a lie of the target */
#define BLOCK_FRAMES 512u

bool PageFrameHighest(DEBUGGER *Debugger, uint64_t *Highest)
{
    if (!DATA_BLOCK_VARIABLE(Debugger, MmHighestPhysicalPage, Highest)) {
        return false;
    }
    return *Highest < MAX_FRAMES ||
           DebuggerError(Debugger, "MmHighestPhysicalPage is %llx, which cannot be",
                         (unsigned long long)*Highest);
}

static bool EntryPlace(DEBUGGER *Debugger, uint64_t Frame, uint64_t *Address, uint64_t *Size)
{
    uint64_t Base;
    if (!DATA_BLOCK_VARIABLE(Debugger, MmPfnDatabase, &Base) ||
        !StructureSize(Debugger, TYPE, Size)) {
        return false;
    }
    if (*Size == 0 || *Size > MAX_ENTRY_SIZE) {
        return DebuggerError(Debugger, TYPE " has %llu bytes, which cannot be",
                             (unsigned long long)*Size);
    }
    *Address = Base + Frame * *Size;
    return true;
}

bool PageFrameRead(DEBUGGER *Debugger, uint64_t Frame, PAGE_FRAME *Out)
{
    uint64_t Size, Highest;
    memset(Out, 0, sizeof(*Out));
    if (!PageFrameHighest(Debugger, &Highest)) {
        return false;
    }
    if (Frame > Highest) {
        return DebuggerError(Debugger, "there is no frame %llx; the highest is %llx",
                             (unsigned long long)Frame, (unsigned long long)Highest);
    }
    Out->Frame = Frame;
    return EntryPlace(Debugger, Frame, &Out->EntryAddress, &Size) &&
           STRUCTURE_READ(Debugger, Out->EntryAddress, TYPE, {"State", &Out->State},
                          {"Nonpaged", &Out->Nonpaged}, {"ReadInProgress", &Out->ReadInProgress},
                          {"WriteInProgress", &Out->WriteInProgress},
                          {"ReferenceCount", &Out->ReferenceCount}, {"Age", &Out->Age},
                          {"Flink", &Out->Flink}, {"Blink", &Out->Blink},
                          {"PteAddress", &Out->PteAddress}, {"OriginalPte", &Out->OriginalPte},
                          {"PteFrame", &Out->PteFrame});
}

const char *PageFrameStateName(uint64_t State)
{
    static const char *const Names[FrameStates] = {"Zeroed",          "Free", "Standby", "Modified",
                                                   "ModifiedNoWrite", "Bad",  "Active",
                                                   "Transition"};
    return State < FrameStates ? Names[State] : "Unknown";
}

bool PageFrameEach(DEBUGGER *Debugger, PAGE_FRAME_EACH *Each, void *Context, uint64_t *Unknown)
{
    uint64_t Highest, Address, Size, State;
    uint8_t *Block;
    bool Good = true;
    *Unknown = 0;
    if (!PageFrameHighest(Debugger, &Highest) || !EntryPlace(Debugger, 0, &Address, &Size)) {
        return false;
    }
    Block = malloc(BLOCK_FRAMES * Size);
    if (Block == NULL) {
        return DebuggerError(Debugger, "out of memory");
    }
    for (uint64_t First = 0; Good && First <= Highest; First += BLOCK_FRAMES) {
        uint64_t Frames = Highest - First + 1 < BLOCK_FRAMES ? Highest - First + 1 : BLOCK_FRAMES;
        /* There are holes where there is no RAM: read on behind them, entry by entry. */
        bool Whole = DebugRead(Debugger, Address + First * Size, Block, Frames * Size);
        for (uint64_t i = 0; Good && i < Frames; i++) {
            uint8_t *Entry = Block + i * Size;
            if (!Whole && !DebugRead(Debugger, Address + (First + i) * Size, Entry, Size)) {
                (*Unknown)++;
                continue;
            }
            Good = StructureValue(Debugger, Entry, Size, TYPE, "State", &State);
            if (Good) {
                Each(Context, First + i, State);
            }
        }
        if (Good && DebuggerInterrupted(Debugger)) {
            Good = DebuggerError(Debugger, "interrupted");
        }
    }
    free(Block);
    return Good;
}

static void CountState(void *Context, uint64_t Frame, uint64_t State)
{
    uint64_t *Counts = Context;
    Counts[State % FrameStates]++;
}

bool PageFrameCount(DEBUGGER *Debugger, uint64_t Counts[FrameStates], uint64_t *Unknown)
{
    return PageFrameEach(Debugger, CountState, Counts, Unknown);
}

static bool CountTransition(DEBUGGER *Debugger, uint64_t Frame, PAGE_COUNTS *Counts)
{
    PAGE_FRAME Entry;
    if (!PageFrameRead(Debugger, Frame, &Entry)) {
        return false;
    }
    Counts->Standby += Entry.State == FrameStandby;
    Counts->Modified += Entry.State == FrameModified;
    Counts->Moving += Entry.State != FrameStandby && Entry.State != FrameModified;
    return true;
}

bool PageRangeCount(DEBUGGER *Debugger, uint64_t Address, uint64_t Pages, PAGE_COUNTS *Counts)
{
    uint64_t Directory = 0;
    memset(Counts, 0, sizeof(*Counts));
    bool Known = PageWalkDirectory(Debugger, Address, &Directory);
    for (uint64_t i = 0; i < Pages; i++) {
        PAGE_WALK Walk;
        char Text[DEBUG_ADDRESS_SIZE];
        uint64_t Page = Address + i * PAGE_SIZE_4K;
        if (DebuggerInterrupted(Debugger)) {
            return DebuggerError(Debugger, "interrupted");
        }
        if (!Known || !PageWalk(Debugger, Directory, Page, &Walk)) {
            return DebuggerError(Debugger, "the page tables of %s cannot be read: %s",
                                 DebugAddressText(Page, Text), Debugger->Target->Error);
        }
        Counts->Resident += Walk.Form == PageValid;
        Counts->Out += Walk.Form == PagePagingFile;
        Counts->DemandZero += Walk.Form == PageDemandZero;
        Counts->Nothing += Walk.Form == PageNothing;
        if (Walk.Form == PageTransition && !CountTransition(Debugger, Walk.Frame, Counts)) {
            return false;
        }
    }
    return true;
}
