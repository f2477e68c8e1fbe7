/* SPDX-License-Identifier: MIT */
/* What Mm knows of the questions about the system: memory, and the images that are loaded. */
#include "ex/information.h"
#include "mm/image.h"
#include "nt/rtl.h"
#include "nt/system_information.h"

static VOID MiDescribeModule(const LDR_DATA_TABLE_ENTRY *Ldr, ULONG Index,
                             RTL_PROCESS_MODULE_INFORMATION *Module)
{
    ULONG Length = 0;
    RtlZeroMemory(Module, sizeof(*Module));
    Module->ImageBase = Ldr->DllBase;
    Module->ImageSize = Ldr->SizeOfImage;
    Module->LoadOrderIndex = (USHORT)Index;
    Module->LoadCount = Ldr->LoadCount;
    RtlUnicodeToMultiByteN(Module->FullPathName, sizeof(Module->FullPathName) - 1, &Length,
                           Ldr->FullDllName.Buffer, Ldr->FullDllName.Length);
    for (ULONG i = 0; i < Length; i++) {
        if (Module->FullPathName[i] == '\\') {
            Module->OffsetToFileName = (USHORT)(i + 1);
        }
    }
}

/* As many as fit are filled in, in the order of their loading. */
NTSTATUS MmQueryModules(PEX_QUERY Query)
{
    RTL_PROCESS_MODULES *Modules = (PVOID)Query->Buffer;
    ULONG Count = 0;
    ULONG Length = Query->Length;
    ULONG Room = Length < sizeof(*Modules) ? 0
                                           : (Length - (ULONG)sizeof(*Modules)) /
                                                 (ULONG)sizeof(Modules->Modules[0]);
    ExAcquireFastMutex(&MiImageLock);
    for (PLIST_ENTRY Link = PsLoadedModuleList.Flink; Link != &PsLoadedModuleList;
         Link = Link->Flink) {
        if (Count < Room) {
            MiDescribeModule(CONTAINING_RECORD(Link, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks),
                             Count, &Modules->Modules[Count]);
        }
        Count++;
    }
    ExReleaseFastMutex(&MiImageLock);
    Query->Needed = (ULONG)(sizeof(*Modules) + Count * sizeof(Modules->Modules[0]));
    if (Length < sizeof(*Modules)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Modules->NumberOfModules = Count;
    Query->Written = Query->Needed < Length ? Query->Needed : Length;
    return Count > Room ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

NTSTATUS MmQueryBasicInformation(PEX_QUERY Query)
{
    SYSTEM_BASIC_INFORMATION Basic = {
        .TimerResolution = KeQueryTimeIncrement(),
        .PageSize = PAGE_SIZE,
        .NumberOfPhysicalPages = (ULONG)MiPhysicalPages,
        .LowestPhysicalPageNumber = 1,
        .HighestPhysicalPageNumber = (ULONG)MiHighestFrame,
        .AllocationGranularity = MI_ALLOCATION_GRANULARITY,
        .MinimumUserModeAddress = MI_ALLOCATION_GRANULARITY,
        .MaximumUserModeAddress = MM_HIGHEST_USER_ADDRESS,
        .ActiveProcessorsAffinityMask = KeQueryActiveProcessors(),
        .NumberOfProcessors = KeNumberProcessors,
    };
    return ExAnswer(Query, &Basic, sizeof(Basic));
}
