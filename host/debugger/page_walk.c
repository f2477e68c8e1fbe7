/* SPDX-License-Identifier: MIT */
/* See page_walk.h. Nothing here changes the target or makes it fault. */
#include "host/debugger/page_walk.h"

#include <stdio.h>
#include <string.h>

#define ENTRY_VALID 0x1ull
#define ENTRY_LARGE 0x80ull
#define ENTRY_TRANSITION 0x800ull
#define ENTRY_FRAME_MASK 0x000ffffffffff000ull
#define ENTRY_PROTECTION(entry) ((uint32_t)((entry) >> 5) & 0x1fu)
#define TABLE_ENTRIES 512u
#define LAST_LEVEL (PAGE_WALK_LEVELS - 1)
/* In an EPROCESS of every x64 Windows; known without types, so that memory can be read early. */
#define PROCESS_DIRECTORY_OFFSET 0x28u

/* A target may do less than asked at a time. */
static bool ReadPhysical(TARGET *Target, uint64_t Physical, void *Out, size_t Size)
{
    uint8_t *Bytes = Out;
    Target->Error[0] = 0;
    if (!TargetCan(Target, ReadPhysical)) {
        snprintf(Target->Error, sizeof(Target->Error), "physical memory cannot be read");
        return false;
    }
    while (Size != 0) {
        size_t Done = 0;
        if (!Target->Operations->ReadPhysical(Target, Physical, Bytes, Size, &Done) || Done == 0 ||
            Done > Size) {
            if (Target->Error[0] == 0) {
                snprintf(Target->Error, sizeof(Target->Error),
                         "physical memory at %llx cannot be read", (unsigned long long)Physical);
            }
            return false;
        }
        Physical += Done;
        Bytes += Done;
        Size -= Done;
    }
    return true;
}

bool PageWalkDirectory(DEBUGGER *Debugger, uint64_t Address, uint64_t *Directory)
{
    TARGET *Target = Debugger->Target;
    KSPECIAL_REGISTERS Special;
    if (Address >> 63 == 0) {
        if (Debugger->UserDirectory != 0) {
            *Directory = Debugger->UserDirectory;
            return true;
        }
        if (Debugger->ImplicitProcess != 0) {
            size_t Done = 0;
            return Target->Operations->ReadVirtual(
                       Target, Debugger->ImplicitProcess + PROCESS_DIRECTORY_OFFSET, Directory,
                       sizeof(*Directory), &Done) &&
                   Done == sizeof(*Directory);
        }
    }
    if (!TargetCan(Target, GetSpecial) || !Target->Operations->GetSpecial(Target, &Special)) {
        return false;
    }
    *Directory = Special.Cr3;
    return true;
}

/*
 * NT maps the page tables onto themselves: one entry of the top table leads to the top table. Where
 * it is tells the virtual address of every entry.
 */
bool PageWalkEntryAddresses(DEBUGGER *Debugger, uint64_t Directory, uint64_t Address,
                            uint64_t EntryAddress[PAGE_WALK_LEVELS])
{
    uint64_t Table[TABLE_ENTRIES], Top = Directory & ENTRY_FRAME_MASK;
    if (!ReadPhysical(Debugger->Target, Top, Table, sizeof(Table))) {
        return false;
    }
    for (uint64_t i = TABLE_ENTRIES / 2; i < TABLE_ENTRIES; i++) {
        if ((Table[i] & ENTRY_VALID) && (Table[i] & ENTRY_FRAME_MASK) == Top) {
            for (unsigned Level = PAGE_WALK_LEVELS; Level-- > 0;) {
                Address = (0xffff000000000000ull | i << 39) + (Address >> 9 & 0x7ffffffff8ull);
                EntryAddress[Level] = Address;
            }
            return true;
        }
    }
    snprintf(Debugger->Target->Error, sizeof(Debugger->Target->Error),
             "the page tables are not mapped onto themselves");
    return false;
}

/* What the entry at Level says, now that the walk ends there. */
static void Classify(PAGE_WALK *Walk, unsigned Level)
{
    uint64_t Entry = Walk->Entry[Level];
    if (Entry & ENTRY_VALID) {
        uint64_t PageMask = (1ull << (12 + 9 * (LAST_LEVEL - Level))) - 1;
        Walk->Form = PageValid;
        Walk->Frame = ((Entry & ENTRY_FRAME_MASK & ~PageMask) | (Walk->Address & PageMask)) >> 12;
        return;
    }
    if (Entry == 0) {
        Walk->Form = PageNothing;
        return;
    }
    Walk->Protection = ENTRY_PROTECTION(Entry);
    if (Entry & ENTRY_TRANSITION) {
        Walk->Form = PageTransition;
        Walk->Frame = (Entry & ENTRY_FRAME_MASK) >> 12;
    } else if (Entry >> 32 != 0) {
        Walk->Form = PagePagingFile;
        Walk->Slot = (uint32_t)(Entry >> 32);
    } else {
        Walk->Form = PageDemandZero;
    }
}

bool PageWalkTables(TARGET *Target, uint64_t Directory, uint64_t Address, PAGE_WALK *Walk)
{
    uint64_t Table = Directory & ENTRY_FRAME_MASK;
    int64_t SignExtended = (int64_t)(Address << 16) >> 16;
    memset(Walk, 0, sizeof(*Walk));
    Walk->Address = Address;
    if ((uint64_t)SignExtended != Address) {
        snprintf(Target->Error, sizeof(Target->Error), "the address is not canonical");
        return false;
    }
    for (unsigned Level = 0;; Level++) {
        unsigned Index = Address >> (39 - 9 * Level) & (TABLE_ENTRIES - 1);
        Walk->EntryPhysical[Level] = Table + Index * sizeof(uint64_t);
        if (!ReadPhysical(Target, Walk->EntryPhysical[Level], &Walk->Entry[Level],
                          sizeof(uint64_t))) {
            return false;
        }
        Walk->Levels = Level + 1;
        uint64_t Entry = Walk->Entry[Level];
        bool Large = (Level == 1 || Level == 2) && (Entry & ENTRY_LARGE) != 0;
        if (!(Entry & ENTRY_VALID) || Large || Level == LAST_LEVEL) {
            Classify(Walk, Level);
            return true;
        }
        Table = Entry & ENTRY_FRAME_MASK;
    }
}

bool PageWalk(DEBUGGER *Debugger, uint64_t Directory, uint64_t Address, PAGE_WALK *Walk)
{
    return PageWalkTables(Debugger->Target, Directory, Address, Walk);
}

bool PageWalkCurrent(DEBUGGER *Debugger, uint64_t Address, PAGE_WALK *Walk)
{
    uint64_t Directory;
    return PageWalkDirectory(Debugger, Address, &Directory) &&
           PageWalk(Debugger, Directory, Address, Walk);
}

bool PageWalkPhysical(const PAGE_WALK *Walk, uint64_t *Physical)
{
    if (Walk->Form != PageValid && Walk->Form != PageTransition) {
        return false;
    }
    *Physical = Walk->Frame << 12 | (Walk->Address & (PAGE_SIZE_4K - 1));
    return true;
}

const char *PageWalkText(const PAGE_WALK *Walk, char *Out, size_t Capacity)
{
    switch (Walk->Form) {
    case PageValid:
        snprintf(Out, Capacity, "resident, frame %llx", (unsigned long long)Walk->Frame);
        break;
    case PageTransition:
        snprintf(Out, Capacity, "in transition, frame %llx", (unsigned long long)Walk->Frame);
        break;
    case PagePagingFile:
        snprintf(Out, Capacity, "paged out, slot %x of the paging file", Walk->Slot);
        break;
    case PageDemandZero:
        snprintf(Out, Capacity, "demand zero");
        break;
    default:
        snprintf(Out, Capacity, "not mapped");
    }
    return Out;
}

const char *PageProtectionName(uint32_t Protection)
{
    static const char *const Names[] = {
        "NoAccess", "ReadOnly", "Execute", "ExecuteRead",
        "ReadWrite", "WriteCopy", "ExecuteReadWrite", "ExecuteWriteCopy",
    };
    return Names[Protection & 7];
}
