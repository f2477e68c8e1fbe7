/* SPDX-License-Identifier: MIT */
/*
 * ZwQuerySystemInformation: what of it drivers ask for. Layouts are the public ones of the classes;
 * *ReturnLength is what the whole answer takes, also when the buffer is too short for it.
 */
#include "mm/image.h"

#include "nt/kd.h"
#include "nt/rtl.h"

#define MI_BASIC_INFORMATION 0
#define MI_MODULE_INFORMATION 11
#define MI_KERNEL_DEBUGGER_INFORMATION 35

typedef struct _SYSTEM_BASIC_INFORMATION {
    ULONG Reserved;
    ULONG TimerResolution; /* of 100 ns */
    ULONG PageSize;
    ULONG NumberOfPhysicalPages;
    ULONG LowestPhysicalPageNumber;
    ULONG HighestPhysicalPageNumber;
    ULONG AllocationGranularity;
    ULONG_PTR MinimumUserModeAddress;
    ULONG_PTR MaximumUserModeAddress;
    ULONG_PTR ActiveProcessorsAffinityMask;
    CCHAR NumberOfProcessors;
} SYSTEM_BASIC_INFORMATION;
C_ASSERT(sizeof(SYSTEM_BASIC_INFORMATION) == 64);

typedef struct _RTL_PROCESS_MODULE_INFORMATION {
    HANDLE Section;
    PVOID MappedBase;
    PVOID ImageBase;
    ULONG ImageSize;
    ULONG Flags;
    USHORT LoadOrderIndex;
    USHORT InitOrderIndex;
    USHORT LoadCount;
    USHORT OffsetToFileName;
    CHAR FullPathName[256];
} RTL_PROCESS_MODULE_INFORMATION;
C_ASSERT(sizeof(RTL_PROCESS_MODULE_INFORMATION) == 296);

typedef struct _RTL_PROCESS_MODULES {
    ULONG NumberOfModules;
    RTL_PROCESS_MODULE_INFORMATION Modules[];
} RTL_PROCESS_MODULES;
C_ASSERT(offsetof(RTL_PROCESS_MODULES, Modules) == 8);

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
static NTSTATUS MiQueryModules(RTL_PROCESS_MODULES *Modules, ULONG Length, PULONG Needed)
{
    ULONG Count = 0;
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
    if (Length >= sizeof(*Modules)) {
        Modules->NumberOfModules = Count;
    }
    *Needed = (ULONG)(sizeof(*Modules) + Count * sizeof(Modules->Modules[0]));
    return Count > Room || Length < sizeof(*Modules) ? STATUS_INFO_LENGTH_MISMATCH
                                                      : STATUS_SUCCESS;
}

static NTSTATUS MiQueryBasic(SYSTEM_BASIC_INFORMATION *Basic, ULONG Length, PULONG Needed)
{
    *Needed = sizeof(*Basic);
    if (Length != sizeof(*Basic)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    *Basic = (SYSTEM_BASIC_INFORMATION){
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
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. The buffer is the kernel's own: Zw routines probe nothing. */
NTSTATUS ZwQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation,
                                  ULONG SystemInformationLength, PULONG ReturnLength)
{
    PUCHAR Debugger = SystemInformation;
    ULONG Needed = 0;
    NTSTATUS Status = STATUS_INVALID_INFO_CLASS;
    switch (SystemInformationClass) {
    case MI_BASIC_INFORMATION:
        Status = MiQueryBasic(SystemInformation, SystemInformationLength, &Needed);
        break;
    case MI_MODULE_INFORMATION:
        Status = MiQueryModules(SystemInformation, SystemInformationLength, &Needed);
        break;
    case MI_KERNEL_DEBUGGER_INFORMATION:
        Needed = 2;
        Status = STATUS_INFO_LENGTH_MISMATCH;
        if (SystemInformationLength >= Needed) {
            Debugger[0] = KdDebuggerEnabled;
            Debugger[1] = KdDebuggerNotPresent;
            Status = STATUS_SUCCESS;
        }
        break;
    default:
        DbgPrint("ZwQuerySystemInformation: class %lu is not implemented\n",
                 SystemInformationClass);
        break;
    }
    if (ReturnLength != NULL) {
        *ReturnLength = Needed;
    }
    return Status;
}
