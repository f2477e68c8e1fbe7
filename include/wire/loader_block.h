/* SPDX-License-Identifier: MIT */
/*
 * What boot.elf hands to ntoskrnl.exe: one structure, at a virtual address, in rcx of
 * KiSystemStartup. Both are built from this header; Version and Size catch a mixed pair.
 */
#pragma once

#include <stdint.h>

#define LOADER_BLOCK_VERSION 1
#define LOADER_MAX_MEMORY 64

/* Where boot.elf maps all physical memory below the top of RAM, and the device pages under 4 GB. */
#define LOADER_PHYSICAL_MAP 0xFFFFF70000000000ull
#define LOADER_KERNEL_BASE 0xFFFFF80000000000ull
/* The PML4 slot that maps the page tables themselves (0xFFFFF680_00000000). */
#define LOADER_SELF_MAP_SLOT 0x1ED

typedef enum {
    LoaderMemoryFree = 1,
    LoaderMemoryPermanent = 2, /* kernel image, page tables, boot stack: never freed */
    LoaderMemoryArchive = 3,   /* the boot archive; free once every file in it has been read */
    LoaderMemoryBoot = 4,      /* boot.elf itself and this block; free after Mm has started */
    LoaderMemoryReserved = 5,  /* firmware, holes with addresses */
} LOADER_MEMORY_TYPE;

typedef struct {
    uint64_t BasePage;
    uint64_t PageCount;
    uint32_t Type; /* LOADER_MEMORY_TYPE */
    uint32_t Reserved;
} LOADER_MEMORY;

typedef struct _LOADER_BLOCK {
    uint32_t Version;
    uint32_t Size;
    uint64_t PageTableRoot; /* physical address of the PML4 */
    uint64_t KernelBase;    /* virtual */
    uint64_t KernelSize;    /* bytes, whole pages */
    uint64_t ArchivePhysical;
    uint64_t ArchiveSize; /* bytes */
    uint64_t BootStackTop;
    uint32_t MemoryCount;
    uint32_t Reserved;
    LOADER_MEMORY Memory[LOADER_MAX_MEMORY]; /* ascending, not overlapping */
    char CommandLine[2048];                  /* NUL terminated */
} LOADER_BLOCK;
