/* SPDX-License-Identifier: MIT */
/* The order of things: read what the machine gave, plan memory, load the kernel, jump. */
#include "boot/boot.h"

#define KERNEL_STACK_PAGES 8

static BOOT_INPUT Input;
static LOADER_BLOCK Block;

_Noreturn void BootMain(uint32_t StartInfo);
void BootMain(uint32_t StartInfo)
{
    BOOT_KERNEL Kernel;

    BootCatchExceptions();
    BootReadStartInfo(StartInfo, &Input);
    MemoryInitialize(&Input, &Block);
    KernelOpen(&Input, &Kernel);

    uint64_t TablePages = TablesCount(&Block, Kernel.Pages);
    uint64_t Tables = MemoryAllocate(&Block, TablePages + KERNEL_STACK_PAGES + Kernel.Pages);
    uint64_t Stack = Tables + TablePages * BOOT_PAGE;
    uint64_t Image = Stack + KERNEL_STACK_PAGES * BOOT_PAGE;

    Block.Version = LOADER_BLOCK_VERSION;
    Block.Size = sizeof(Block);
    Block.PageTableRoot = TablesBuild(&Block, Tables, TablePages);
    Block.KernelBase = LOADER_KERNEL_BASE;
    Block.KernelSize = Kernel.Pages * BOOT_PAGE;
    Block.ArchivePhysical = Input.ArchiveBase;
    Block.ArchiveSize = Input.ArchiveSize;
    Block.BootStackTop = LOADER_PHYSICAL_MAP + Image;
    __builtin_memcpy(Block.CommandLine, Input.CommandLine, sizeof(Block.CommandLine));
    uint64_t Entry = KernelLoad(&Kernel, Image);
    BootEnterKernel(Block.PageTableRoot, Entry, Block.BootStackTop,
                    LOADER_PHYSICAL_MAP + (uint64_t)&Block);
}
