/* SPDX-License-Identifier: MIT */
/*
 * The PVH start info: command line, memory map, module list. Every pointer and count in it is
 * checked to lie below 4 GB, where memory is mapped, and is used once, here.
 */
#include "boot/boot.h"

#define START_MAGIC 0x336ec578u

typedef struct {
    uint32_t Magic;
    uint32_t Version;
    uint32_t Flags;
    uint32_t ModuleCount;
    uint64_t ModuleList;
    uint64_t CommandLine;
    uint64_t Rsdp;
    uint64_t MemoryMap; /* from version 1 on */
    uint32_t MemoryMapEntries;
    uint32_t Reserved;
} START_INFO;

typedef struct {
    uint64_t Address;
    uint64_t Size;
    uint64_t CommandLine;
    uint64_t Reserved;
} START_MODULE;

typedef struct {
    uint64_t Address;
    uint64_t Size;
    uint32_t Type;
    uint32_t Reserved;
} START_MEMORY;

static const void *Below4GB(uint64_t Physical, uint64_t Size, const char *What)
{
    if (Physical == 0 || Physical >= BOOT_4GB || Size > BOOT_4GB - Physical) {
        BootFail("the start info is bad", What);
    }
    return (const void *)Physical;
}

static void CopyCommandLine(uint64_t Physical, char *Text, size_t Size)
{
    if (Physical == 0) {
        return;
    }
    const char *Source = Below4GB(Physical, Size, "command line");
    for (size_t Index = 0; Index < Size; Index++) {
        Text[Index] = Source[Index];
        if (Text[Index] == 0) {
            return;
        }
    }
    BootFail("the command line is too long", NULL);
}

void BootReadStartInfo(uint32_t Physical, BOOT_INPUT *Input)
{
    const START_INFO *Info = Below4GB(Physical, sizeof(*Info), "address");
    if (Info->Magic != START_MAGIC || Info->Version < 1) {
        BootFail("the start info is bad", "magic or version");
    }
    CopyCommandLine(Info->CommandLine, Input->CommandLine, sizeof(Input->CommandLine));

    if (Info->MemoryMapEntries == 0 || Info->MemoryMapEntries > LOADER_MAX_MEMORY) {
        BootFail("the start info is bad", "number of memory map entries");
    }
    const START_MEMORY *Memory = Below4GB(
        Info->MemoryMap, Info->MemoryMapEntries * sizeof(*Memory), "memory map");
    Input->RangeCount = Info->MemoryMapEntries;
    for (uint32_t Index = 0; Index < Input->RangeCount; Index++) {
        Input->Range[Index].Base = Memory[Index].Address;
        Input->Range[Index].Size = Memory[Index].Size;
        Input->Range[Index].Type = Memory[Index].Type;
    }

    if (Info->ModuleCount == 0) {
        BootFail("there is no boot archive", "start QEMU with -initrd");
    }
    const START_MODULE *Module = Below4GB(Info->ModuleList, sizeof(*Module), "module list");
    Below4GB(Module->Address, Module->Size, "boot archive");
    Input->ArchiveBase = Module->Address;
    Input->ArchiveSize = Module->Size;
}
