/* SPDX-License-Identifier: MIT */
/*
 * Which physical pages are RAM: what a debugger's dump of the machine holds. From the loader's
 * list, before Mm takes pages out of it; it does not change afterwards.
 */
#include "mm/mi.h"

static PHYSICAL_MEMORY_DESCRIPTOR MiPhysicalMemory;
PPHYSICAL_MEMORY_DESCRIPTOR MmPhysicalMemoryBlock = &MiPhysicalMemory;

VOID MiDescribePhysicalMemory(const LOADER_BLOCK *Loader)
{
    PPHYSICAL_MEMORY_DESCRIPTOR Block = &MiPhysicalMemory;
    ULONG64 End = 0; /* of the last run */
    for (ULONG i = 0; i < Loader->MemoryCount; i++) {
        const LOADER_MEMORY *Memory = &Loader->Memory[i];
        if (Memory->Type == LoaderMemoryReserved || Memory->PageCount == 0) {
            continue;
        }
        NT_VERIFY(Memory->BasePage >= End);
        if (Block->NumberOfRuns == 0 || Memory->BasePage != End) {
            Block->Run[Block->NumberOfRuns++].BasePage = Memory->BasePage;
        }
        Block->Run[Block->NumberOfRuns - 1].PageCount += Memory->PageCount;
        Block->NumberOfPages += Memory->PageCount;
        End = Memory->BasePage + Memory->PageCount;
    }
}
