/* SPDX-License-Identifier: MIT */
/*
 * boot.elf: what QEMU starts. It finds ntoskrnl.exe in the boot archive, lays it out by its PE
 * headers, builds the kernel's first page tables and jumps into it. One processor, interrupts off,
 * the first 4 GB identity mapped, no allocation but MemoryAllocate's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/pe_image.h"
#include "wire/loader_block.h"

#define BOOT_PAGE 4096ull
#define BOOT_PAGES(bytes) (((uint64_t)(bytes) + BOOT_PAGE - 1) / BOOT_PAGE)
#define BOOT_4GB 0x100000000ull

/* What the machine gave, copied: the originals may lie in memory that is handed out. */
typedef struct {
    uint64_t ArchiveBase;
    uint64_t ArchiveSize;
    uint32_t RangeCount;
    struct {
        uint64_t Base;
        uint64_t Size;
        uint32_t Type; /* 1: RAM */
    } Range[LOADER_MAX_MEMORY];
    char CommandLine[2048];
} BOOT_INPUT;

/* ---- console.c ---- */
void BootPrint(const char *Text);
void BootPrintHex(uint64_t Value);
/* Prints "boot: What: Why" and ends the machine with GUEST_EXIT_BOOT_FAILURE. Why may be NULL. */
_Noreturn void BootFail(const char *What, const char *Why);

/* ---- exception.c ---- */
void BootCatchExceptions(void);

/* ---- start_info.c ---- */
void BootReadStartInfo(uint32_t Physical, BOOT_INPUT *Input);

/* ---- memory_map.c ---- */
/* Sorts and rounds the ranges, marks boot.elf and the archive. */
void MemoryInitialize(const BOOT_INPUT *Input, LOADER_BLOCK *Block);
/* Contiguous pages between 1 and 4 GB, not zeroed; marked Permanent. Does not return on failure. */
uint64_t MemoryAllocate(LOADER_BLOCK *Block, uint64_t Pages);

/* ---- page_tables.c ---- */
/* How many pages the tables for this memory and a kernel of that many pages take. */
uint64_t TablesCount(const LOADER_BLOCK *Block, uint64_t KernelPages);
/* Pages: TablesCount of them. Maps RAM, devices, the identity map's root; returns the PML4. */
uint64_t TablesBuild(const LOADER_BLOCK *Block, uint64_t Pages, uint64_t Count);
/* Maps Count pages of the kernel image from Physical. */
void TablesMapKernel(uint64_t Virtual, uint64_t Physical, uint64_t Count, bool Write,
                     bool Execute);

/* ---- kernel_image.c ---- */
typedef struct {
    PE_IMAGE Pe;
    uint64_t Pages;
} BOOT_KERNEL;
void KernelOpen(const BOOT_INPUT *Input, BOOT_KERNEL *Kernel);
/* Copies the image to Physical, relocates it to LOADER_KERNEL_BASE and maps it; the entry point. */
uint64_t KernelLoad(const BOOT_KERNEL *Kernel, uint64_t Physical);

/* ---- start.S ---- */
extern uint64_t BootIdentityPointers[];
extern const uint8_t BootExceptionStubs[];
extern const uint8_t BootImageStart[], BootImageEnd[];
_Noreturn void BootEnterKernel(uint64_t Root, uint64_t Entry, uint64_t StackTop, uint64_t Block);
