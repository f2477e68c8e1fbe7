/* SPDX-License-Identifier: MIT */
/*
 * The list of physical memory ranges, in pages, that goes to the kernel. It is ascending and
 * without overlap from MemoryInitialize on; marking a part of a range splits it.
 */
#include "boot/boot.h"

#define RANGE_RAM 1
#define LOWEST_ALLOCATION (0x100000 / BOOT_PAGE)

static void InsertRange(LOADER_BLOCK *Block, uint32_t At, LOADER_MEMORY Range)
{
    if (Block->MemoryCount == LOADER_MAX_MEMORY) {
        BootFail("the memory map has too many ranges", NULL);
    }
    for (uint32_t Index = Block->MemoryCount; Index > At; Index--) {
        Block->Memory[Index] = Block->Memory[Index - 1];
    }
    Block->Memory[At] = Range;
    Block->MemoryCount++;
}

/* RAM counts only whole pages, everything else each page that it touches. */
static void AddRange(LOADER_BLOCK *Block, uint64_t Base, uint64_t Size, bool Ram)
{
    if (Size == 0) {
        return;
    }
    if (Base + Size < Base) {
        BootFail("the memory map is bad", "a range wraps around");
    }
    uint64_t First = Ram ? BOOT_PAGES(Base) : Base / BOOT_PAGE;
    uint64_t End = Ram ? (Base + Size) / BOOT_PAGE
                       : (Base + Size) / BOOT_PAGE + ((Base + Size) % BOOT_PAGE != 0);
    if (First >= End) {
        return;
    }
    uint32_t At = 0;
    while (At < Block->MemoryCount && Block->Memory[At].BasePage < First) {
        At++;
    }
    if ((At > 0 && Block->Memory[At - 1].BasePage + Block->Memory[At - 1].PageCount > First) ||
        (At < Block->MemoryCount && Block->Memory[At].BasePage < End)) {
        BootFail("the memory map is bad", "two ranges overlap");
    }
    InsertRange(Block, At, (LOADER_MEMORY){.BasePage = First, .PageCount = End - First,
                                           .Type = Ram ? LoaderMemoryFree
                                                       : LoaderMemoryReserved});
}

/* The range must lie in one free one. */
static bool Mark(LOADER_BLOCK *Block, uint64_t First, uint64_t Count, uint32_t Type)
{
    for (uint32_t Index = 0; Index < Block->MemoryCount; Index++) {
        LOADER_MEMORY Old = Block->Memory[Index];
        uint64_t Before = First - Old.BasePage;
        if (Old.Type != LoaderMemoryFree || First < Old.BasePage || Before >= Old.PageCount ||
            Count > Old.PageCount - Before) {
            continue;
        }
        uint64_t After = Old.PageCount - Before - Count;
        Block->Memory[Index].BasePage = First;
        Block->Memory[Index].PageCount = Count;
        Block->Memory[Index].Type = Type;
        if (After != 0) {
            InsertRange(Block, Index + 1,
                        (LOADER_MEMORY){.BasePage = First + Count, .PageCount = After,
                                        .Type = LoaderMemoryFree});
        }
        if (Before != 0) {
            InsertRange(Block, Index,
                        (LOADER_MEMORY){.BasePage = Old.BasePage, .PageCount = Before,
                                        .Type = LoaderMemoryFree});
        }
        return true;
    }
    return false;
}

void MemoryInitialize(const BOOT_INPUT *Input, LOADER_BLOCK *Block)
{
    for (uint32_t Index = 0; Index < Input->RangeCount; Index++) {
        AddRange(Block, Input->Range[Index].Base, Input->Range[Index].Size,
                 Input->Range[Index].Type == RANGE_RAM);
    }
    /* Frame 0 is nobody's, so that a 0 where a frame number belongs is seen as a mistake. */
    Mark(Block, 0, 1, LoaderMemoryReserved);
    uint64_t ImagePages = BOOT_PAGES(BootImageEnd - BootImageStart);
    if (!Mark(Block, (uint64_t)BootImageStart / BOOT_PAGE, ImagePages, LoaderMemoryBoot)) {
        BootFail("boot.elf does not lie in RAM", NULL);
    }
    uint64_t First = Input->ArchiveBase / BOOT_PAGE;
    uint64_t End = BOOT_PAGES(Input->ArchiveBase + Input->ArchiveSize);
    if (!Mark(Block, First, End - First, LoaderMemoryArchive)) {
        BootFail("the boot archive does not lie in RAM", NULL);
    }
}

uint64_t MemoryAllocate(LOADER_BLOCK *Block, uint64_t Pages)
{
    for (uint32_t Index = 0; Index < Block->MemoryCount; Index++) {
        LOADER_MEMORY *Range = &Block->Memory[Index];
        if (Range->Type == LoaderMemoryFree && Range->BasePage >= LOWEST_ALLOCATION &&
            Range->PageCount >= Pages && Range->BasePage + Pages <= BOOT_4GB / BOOT_PAGE) {
            uint64_t First = Range->BasePage;
            Mark(Block, First, Pages, LoaderMemoryPermanent);
            return First * BOOT_PAGE;
        }
    }
    BootFail("there is not enough memory for the kernel", NULL);
}
