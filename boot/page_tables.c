/* SPDX-License-Identifier: MIT */
/*
 * The kernel's first page tables.
 *
 *   PML4 slot        what
 *   0                the identity map that boot.elf runs on; the kernel's first act is to drop it
 *   1ED              the tables themselves (self map)
 *   1EE              physical memory in 2 MB pages: RAM write-back, the rest of 3..4 GB uncached
 *   1EF 1F1 1F5      shared data; system PTEs, images and paged pool; PFN database and nonpaged
 *                    pool: empty, but their second level exists, as every process copies the slots
 *   1F0              the kernel image in 4 KB pages, never writable and executable
 */
#include "boot/boot.h"

#define PTE_PRESENT 0x01ull
#define PTE_WRITE 0x02ull
#define PTE_WRITE_THROUGH 0x08ull
#define PTE_CACHE_DISABLE 0x10ull
#define PTE_ACCESSED 0x20ull
#define PTE_DIRTY 0x40ull
#define PTE_LARGE 0x80ull
#define PTE_NO_EXECUTE 0x8000000000000000ull
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define PTE_DATA (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_NO_EXECUTE)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define ENTRIES 512
#define PAGES_IN_2MB 512ull
#define PAGES_IN_1GB (512ull * 512)
#define DEVICE_GB 3

#define SLOT(va) (((va) >> 39) & 0x1ff)

static const uint32_t SharedSlots[] = {0x1ee, 0x1ef, 0x1f0, 0x1f1, 0x1f5};

static uint64_t *Root;
static uint64_t NextTable, TablesLeft;

/* The table's pages are fresh RAM with unknown contents. */
static uint64_t *NewTable(void)
{
    if (TablesLeft == 0) {
        BootFail("page tables were counted wrongly", NULL);
    }
    uint64_t *Table = (uint64_t *)NextTable;
    NextTable += BOOT_PAGE;
    TablesLeft--;
    __builtin_memset(Table, 0, BOOT_PAGE);
    return Table;
}

static uint64_t *TableBelow(uint64_t *Entry)
{
    if (*Entry == 0) {
        *Entry = (uint64_t)NewTable() | PTE_TABLE;
    }
    return (uint64_t *)(*Entry & PTE_ADDRESS);
}

static bool IsRam(const LOADER_MEMORY *Memory)
{
    return Memory->Type != LoaderMemoryReserved;
}

static bool HasRam(const LOADER_BLOCK *Block, uint64_t First, uint64_t Count)
{
    for (uint32_t Index = 0; Index < Block->MemoryCount; Index++) {
        const LOADER_MEMORY *Memory = &Block->Memory[Index];
        if (IsRam(Memory) && Memory->BasePage < First + Count &&
            Memory->BasePage + Memory->PageCount > First) {
            return true;
        }
    }
    return false;
}

uint64_t TablesCount(const LOADER_BLOCK *Block, uint64_t KernelPages)
{
    uint64_t Count = 1 + sizeof(SharedSlots) / sizeof(SharedSlots[0]);
    for (uint64_t Gb = 0; Gb < ENTRIES; Gb++) {
        Count += Gb == DEVICE_GB || HasRam(Block, Gb * PAGES_IN_1GB, PAGES_IN_1GB);
    }
    return Count + 1 + (KernelPages + ENTRIES - 1) / ENTRIES;
}

static void MapPhysical(const LOADER_BLOCK *Block, uint64_t *Pointers)
{
    for (uint64_t Gb = 0; Gb < ENTRIES; Gb++) {
        if (Gb != DEVICE_GB && !HasRam(Block, Gb * PAGES_IN_1GB, PAGES_IN_1GB)) {
            continue;
        }
        uint64_t *Directory = TableBelow(&Pointers[Gb]);
        for (uint64_t Index = 0; Index < ENTRIES; Index++) {
            uint64_t First = Gb * PAGES_IN_1GB + Index * PAGES_IN_2MB;
            uint64_t Entry = First * BOOT_PAGE | PTE_DATA | PTE_LARGE;
            if (HasRam(Block, First, PAGES_IN_2MB)) {
                Directory[Index] = Entry;
            } else if (Gb == DEVICE_GB) {
                Directory[Index] = Entry | PTE_CACHE_DISABLE | PTE_WRITE_THROUGH;
            }
        }
    }
}

uint64_t TablesBuild(const LOADER_BLOCK *Block, uint64_t Pages, uint64_t Count)
{
    NextTable = Pages;
    TablesLeft = Count;
    Root = NewTable();
    for (uint32_t Index = 0; Index < sizeof(SharedSlots) / sizeof(SharedSlots[0]); Index++) {
        TableBelow(&Root[SharedSlots[Index]]);
    }
    Root[0] = (uint64_t)BootIdentityPointers | PTE_TABLE;
    Root[LOADER_SELF_MAP_SLOT] = (uint64_t)Root | PTE_TABLE | PTE_DIRTY | PTE_NO_EXECUTE;
    MapPhysical(Block, TableBelow(&Root[SLOT(LOADER_PHYSICAL_MAP)]));
    return (uint64_t)Root;
}

void TablesMapKernel(uint64_t Virtual, uint64_t Physical, uint64_t Count, bool Write,
                     bool Execute)
{
    uint64_t Bits = PTE_PRESENT | PTE_ACCESSED | (Write ? PTE_WRITE | PTE_DIRTY : 0) |
                    (Execute ? 0 : PTE_NO_EXECUTE);
    for (uint64_t Index = 0; Index < Count; Index++) {
        uint64_t Va = Virtual + Index * BOOT_PAGE;
        uint64_t *Pointers = TableBelow(&Root[SLOT(Va)]);
        uint64_t *Directory = TableBelow(&Pointers[(Va >> 30) & 0x1ff]);
        uint64_t *Table = TableBelow(&Directory[(Va >> 21) & 0x1ff]);
        Table[(Va >> 12) & 0x1ff] = (Physical + Index * BOOT_PAGE) | Bits;
    }
}
