/* SPDX-License-Identifier: MIT */
/*
 * Virtual memory as the commands see it, page by page:
 *
 *     a user address, and .process or .context chose an address space   its page tables, physically
 *     any other                                                         the target reads
 *     not valid, but on the standby or modified list                    physically (decodeptes)
 *
 * Our breakpoints are not in memory while the target is stopped: command_breakpoint.c takes them
 * out at each stop. Nothing here changes what is resident.
 */
#include <stdio.h>
#include <string.h>

#include "host/debugger/page_walk.h"

#define PAGE_BYTES 0x1000u
#define ENTRY_WRITABLE 0x002ull
#define ENTRY_DIRTY 0x060ull /* and accessed */

static bool DebugIsOtherSpace(const DEBUGGER *Debugger, uint64_t Address)
{
    return Address >> 63 == 0 && (Debugger->ImplicitProcess != 0 || Debugger->UserDirectory != 0);
}

static bool DebugReadPhysical(DEBUGGER *Debugger, uint64_t Physical, uint8_t *Out, size_t Size)
{
    TARGET *Target = Debugger->Target;
    while (Size != 0) {
        size_t Done = 0;
        if (!TargetCan(Target, ReadPhysical) ||
            !Target->Operations->ReadPhysical(Target, Physical, Out, Size, &Done) || Done == 0 ||
            Done > Size) {
            return false;
        }
        Physical += Done;
        Out += Done;
        Size -= Done;
    }
    return true;
}

/* Size bytes within one page. */
static bool DebugReadPage(DEBUGGER *Debugger, uint64_t Address, uint8_t *Out, size_t Size)
{
    PAGE_WALK Walk;
    uint64_t Physical;

    if (!DebugIsOtherSpace(Debugger, Address) &&
        TargetRead(Debugger->Target, Address, Out, Size)) {
        return true;
    }
    return PageWalkCurrent(Debugger, Address, &Walk) && PageWalkPhysical(&Walk, &Physical) &&
           DebugReadPhysical(Debugger, Physical, Out, Size);
}

/* Why a byte cannot be reached, into the target's error. */
static void DebugExplain(DEBUGGER *Debugger, uint64_t Address, const char *What)
{
    PAGE_WALK Walk;
    char Number[DEBUG_ADDRESS_SIZE], State[160], *Error = Debugger->Target->Error;
    size_t Capacity = sizeof(Debugger->Target->Error);

    DebugAddressText(Address, Number);
    if (PageWalkCurrent(Debugger, Address, &Walk)) {
        snprintf(Error, Capacity, "%s cannot be %s: %s", Number, What,
                 PageWalkText(&Walk, State, sizeof(State)));
    } else {
        snprintf(Error, Capacity, "%s cannot be %s", Number, What);
    }
}

size_t DebugReadSome(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size)
{
    size_t Total = 0;
    while (Total < Size && Address + Total >= Address) {
        size_t Left = PAGE_BYTES - (size_t)((Address + Total) % PAGE_BYTES);
        size_t Part = Size - Total < Left ? Size - Total : Left;
        if (!DebugReadPage(Debugger, Address + Total, (uint8_t *)Out + Total, Part)) {
            break;
        }
        Total += Part;
    }
    return Total;
}

bool DebugRead(DEBUGGER *Debugger, uint64_t Address, void *Out, size_t Size)
{
    size_t Done = DebugReadSome(Debugger, Address, Out, Size);
    if (Done != Size) {
        DebugExplain(Debugger, Address + Done, "read");
    }
    return Done == Size;
}

/*
 * Into another address space: to the frame itself, and D is set by hand, since the processor does
 * not see this write and Mm would throw the page away as clean. A page in transition is not
 * written: nothing could tell Mm.
 */
static bool DebugWritePage(DEBUGGER *Debugger, uint64_t Address, const uint8_t *In, size_t Size)
{
    TARGET *Target = Debugger->Target;
    PAGE_WALK Walk;
    uint64_t Physical;
    size_t Done = 0;

    if (!DebugIsOtherSpace(Debugger, Address)) {
        return TargetWrite(Target, Address, In, Size);
    }
    if (!TargetCan(Target, WritePhysical) || !PageWalkCurrent(Debugger, Address, &Walk) ||
        Walk.Form != PageValid || !PageWalkPhysical(&Walk, &Physical)) {
        return false;
    }
    uint64_t Entry = Walk.Entry[Walk.Levels - 1];
    uint64_t Dirty = Entry | ENTRY_DIRTY;
    return (Entry & ENTRY_WRITABLE) != 0 &&
           Target->Operations->WritePhysical(Target, Physical, In, Size, &Done) && Done == Size &&
           Target->Operations->WritePhysical(Target, Walk.EntryPhysical[Walk.Levels - 1], &Dirty,
                                             sizeof(Dirty), &Done) &&
           Done == sizeof(Dirty);
}

bool DebugWrite(DEBUGGER *Debugger, uint64_t Address, const void *In, size_t Size)
{
    const uint8_t *Bytes = In;
    while (Size != 0) {
        size_t Left = PAGE_BYTES - (size_t)(Address % PAGE_BYTES);
        size_t Part = Size < Left ? Size : Left;
        if (!DebugWritePage(Debugger, Address, Bytes, Part)) {
            DebugExplain(Debugger, Address, "written");
            return false;
        }
        Address += Part;
        Bytes += Part;
        Size -= Part;
    }
    return true;
}

bool DebugReadSized(DEBUGGER *Debugger, uint64_t Address, unsigned Size, uint64_t *Value)
{
    *Value = 0;
    return Size <= sizeof(*Value) && DebugRead(Debugger, Address, Value, Size);
}

bool DebugRead64(DEBUGGER *Debugger, uint64_t Address, uint64_t *Value)
{
    return DebugReadSized(Debugger, Address, 8, Value);
}

bool DebugRead32(DEBUGGER *Debugger, uint64_t Address, uint32_t *Value)
{
    return DebugRead(Debugger, Address, Value, sizeof(*Value));
}
