/* SPDX-License-Identifier: MIT */
/*
 * Which image an address is in: the loaded-module list, its lock-free shadow for raised IRQL, the
 * names of unloaded drivers (for 0xCE and 0xD4), and the rows that reports show.
 */
#include "mm/image.h"

#include "nt/rtl.h"
#include "vf/vf.h"

#define MI_UNLOADED_IMAGES 50 /* NT keeps as many */
#define MI_NULL_BYTES 0x10000 /* no process has memory there */

LIST_ENTRY PsLoadedModuleList = {&PsLoadedModuleList, &PsLoadedModuleList};
PMM_IMAGE volatile MiImages[MI_MAX_IMAGES];

static struct {
    ULONG64 Start, End;
    CHAR Name[64];
} MiUnloaded[MI_UNLOADED_IMAGES];
static ULONG MiNextUnloaded;

/* The kernel is in PsLoadedModuleList, as debuggers expect, but is no driver: not in MiImages. */
static LDR_DATA_TABLE_ENTRY MiKernelEntry;
static WCHAR MiKernelPath[] = L"\\SystemRoot\\system32\\ntoskrnl.exe";

VOID MiInitializeImages(LOADER_BLOCK *Loader)
{
    PE_IMAGE Pe;
    PE_ERROR Error;
    NT_VERIFY(PeMappedOpen(&Pe, (PVOID)Loader->KernelBase, Loader->KernelSize, &Error));
    PE_DIRECTORY Exceptions = PeImageDirectory(&Pe, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    PLDR_DATA_TABLE_ENTRY Ldr = &MiKernelEntry;
    ExInitializeFastMutex(&MiImageLock);
    Ldr->DllBase = (PVOID)Loader->KernelBase;
    Ldr->EntryPoint = (PVOID)(Loader->KernelBase + Pe.EntryPoint);
    Ldr->SizeOfImage = Pe.SizeOfImage;
    Ldr->ExceptionTable = (PVOID)(Loader->KernelBase + Exceptions.Rva);
    Ldr->ExceptionTableSize = Exceptions.Size;
    Ldr->CheckSum = Pe.CheckSum;
    Ldr->TimeDateStamp = Pe.TimeDateStamp;
    Ldr->LoadCount = 1;
    RtlInitUnicodeString(&Ldr->FullDllName, MiKernelPath);
    RtlInitUnicodeString(&Ldr->BaseDllName,
                         MiKernelPath + RTL_NUMBER_OF(L"\\SystemRoot\\system32"));
    InsertTailList(&PsLoadedModuleList, &Ldr->InLoadOrderLinks);
}

/* All drivers are verified, or none. <= APC_LEVEL; nonzero: this one is */
ULONG MmIsDriverVerifying(struct _DRIVER_OBJECT *DriverObject)
{
    return VfIsEnabled();
}

/* STATUS_NOT_SUPPORTED, and no flags: no driver is verified. */
NTSTATUS MmIsVerifierEnabled(PULONG VerifierFlags)
{
    *VerifierFlags = VfIsEnabled() ? DRIVER_VERIFIER_FORCE_IRQL_CHECKING |
                                         DRIVER_VERIFIER_TRACK_POOL_ALLOCATIONS |
                                         DRIVER_VERIFIER_IO_CHECKING
                                   : 0;
    return VfIsEnabled() ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
}

BOOLEAN MmImageForcesIntegrity(PMM_IMAGE Image)
{
    return (Image->Ldr.Flags & LDRP_IMAGE_INTEGRITY_FORCED) != 0;
}

PMM_IMAGE MmFindImage(PVOID Address)
{
    for (ULONG i = 0; i < MI_MAX_IMAGES; i++) {
        PMM_IMAGE Image = MiImages[i];
        if (Image != NULL && (ULONG64)Address >= Image->Base &&
            (ULONG64)Address < Image->Base + (Image->Pages << PAGE_SHIFT)) {
            return Image;
        }
    }
    return NULL;
}

PMI_SECTION MiFindSection(PVOID Address)
{
    PMM_IMAGE Image = MmFindImage(Address);
    for (ULONG i = 0; Image != NULL && i < Image->SectionCount; i++) {
        PMI_SECTION Section = &Image->Section[i];
        if ((ULONG64)Address >= Section->Address &&
            (ULONG64)Address - Section->Address < (Section->Pages << PAGE_SHIFT)) {
            return Section;
        }
    }
    return NULL;
}

BOOLEAN KiFindImage(ULONG_PTR Address, PULONG_PTR ImageBase, PULONG ImageSize,
                    struct _RUNTIME_FUNCTION **Table, PULONG TableCount)
{
    PLDR_DATA_TABLE_ENTRY Ldr = &MiKernelEntry;
    if (Address < (ULONG_PTR)Ldr->DllBase ||
        Address >= (ULONG_PTR)Ldr->DllBase + Ldr->SizeOfImage) {
        PMM_IMAGE Image = MmFindImage((PVOID)Address);
        if (Image == NULL) {
            return FALSE;
        }
        Ldr = &Image->Ldr;
    }
    *ImageBase = (ULONG_PTR)Ldr->DllBase;
    *ImageSize = Ldr->SizeOfImage;
    *Table = Ldr->ExceptionTable;
    *TableCount = Ldr->ExceptionTableSize / sizeof(RUNTIME_FUNCTION);
    return TRUE;
}

PVOID MmImageBase(PMM_IMAGE Image)
{
    return (PVOID)Image->Base;
}

ULONG MmImageSize(PMM_IMAGE Image)
{
    return Image->Ldr.SizeOfImage;
}

PVOID MmImageEntryPoint(PMM_IMAGE Image)
{
    return Image->Ldr.EntryPoint;
}

PVOID MmImageLoaderEntry(PMM_IMAGE Image)
{
    return &Image->Ldr;
}

PUNICODE_STRING MmImageFullName(PMM_IMAGE Image)
{
    return &Image->Ldr.FullDllName;
}

VOID MiRememberUnloadedImage(PMM_IMAGE Image)
{
    ULONG Index = MiNextUnloaded++ % MI_UNLOADED_IMAGES;
    MiUnloaded[Index].Start = Image->Base;
    MiUnloaded[Index].End = Image->Base + (Image->Pages << PAGE_SHIFT);
    __builtin_memcpy(MiUnloaded[Index].Name, Image->Name, sizeof(MiUnloaded[Index].Name));
}

ULONG_PTR MmFindUnloadedImage(ULONG_PTR Address, CHAR Name[64])
{
    for (ULONG i = 0; i < MI_UNLOADED_IMAGES; i++) {
        if (Address >= MiUnloaded[i].Start && Address < MiUnloaded[i].End) {
            __builtin_memcpy(Name, MiUnloaded[i].Name, sizeof(MiUnloaded[i].Name));
            return MiUnloaded[i].Start;
        }
    }
    return 0;
}

static ULONG MiKindOfSection(PMI_SECTION Section)
{
    if (Section == &Section->Image->Section[0]) {
        return ControlSectionHeaders;
    }
    if (Section->Discarded) {
        return ControlSectionDiscarded;
    }
    return Section->Pageable || Section->Image->WholePaged ? ControlSectionPageable
                                                           : ControlSectionNonpaged;
}

VOID MiNotePageOut(PVOID Address)
{
    PMI_SECTION Section = MiFindSection(Address);
    if (Section != NULL) {
        Section->OutSince = VfCountEvents() + 1;
    }
}

static CONTROL_MEMORY MiMemoryOf(ULONG64 Address)
{
    CHAR Name[64];
    if (Address < MI_NULL_BYTES) {
        return ControlMemoryNull;
    }
    if (Address < MM_SYSTEM_RANGE_START) {
        return ControlMemoryUser;
    }
    if (Address - MM_PAGED_POOL_START < MM_PAGED_POOL_PAGES << PAGE_SHIFT) {
        return ControlMemoryPagedPool;
    }
    if (Address - MM_NONPAGED_POOL_START < MM_NONPAGED_POOL_PAGES << PAGE_SHIFT) {
        return ControlMemoryNonpagedPool;
    }
    return MmFindImage((PVOID)Address) != NULL        ? ControlMemoryImage
           : MmFindUnloadedImage(Address, Name) != 0 ? ControlMemoryUnloadedImage
                                                     : ControlMemoryOther;
}

static VOID MiDescribeSection(PMI_SECTION Section, CONTROL_BUG_CHECK *Report)
{
    if (Section == NULL) {
        return;
    }
    __builtin_memcpy(Report->SectionName, Section->Name, sizeof(Section->Name));
    Report->SectionBase = Section->Address;
    Report->SectionKind = MiKindOfSection(Section);
    Report->SectionLockCount = Section->LockCount;
    Report->SectionWholePaged = Section->Image->WholePaged;
    Report->SectionLocks = Section->Locks;
    Report->SectionUnlocks = Section->Unlocks;
    Report->SectionLockedBy = (ULONG64)Section->LockedBy;
    Report->SectionUnlockedBy = (ULONG64)Section->UnlockedBy;
    Report->SectionOutSince = Section->OutSince;
}

VOID MmDescribeAddress(PVOID Address, CONTROL_BUG_CHECK *Report)
{
    Report->Memory = MiMemoryOf((ULONG64)Address);
    MiDescribeSection(MiFindSection(Address), Report);
}

VOID MmDescribeSectionHandle(PVOID Handle, CONTROL_BUG_CHECK *Report)
{
    MiDescribeSection(MiSectionOfHandle(Handle), Report);
}

/* MiPfnLock held. */
static VOID MiCountSectionPages(PMI_SECTION Section, CONTROL_SECTION *Row)
{
    for (ULONG64 Page = 0; Page < Section->Pages && !Section->Discarded; Page++) {
        MMPTE Pte = *MI_PTE_OF(Section->Address + (Page << PAGE_SHIFT));
        if (Pte & MI_PTE_VALID) {
            Row->ResidentPages++;
        } else if (Pte & MI_PTE_TRANSITION) {
            Row->TransitionPages++;
        } else if (MI_PTE_SLOT(Pte) != 0) {
            Row->OutPages++;
        }
    }
}

ULONG MmQueryImageSections(PMM_IMAGE Image, CONTROL_SECTION *Rows, ULONG Max)
{
    ExAcquireFastMutex(&MiImageLock);
    for (ULONG i = 0; i < Image->SectionCount && i < Max; i++) {
        PMI_SECTION Section = &Image->Section[i];
        CONTROL_SECTION *Row = &Rows[i];
        __builtin_memset(Row, 0, sizeof(*Row));
        __builtin_memcpy(Row->Name, Section->Name, sizeof(Row->Name));
        Row->Address = Section->Address;
        Row->Size = Section->Size;
        Row->Characteristics = Section->Characteristics;
        Row->Kind = MiKindOfSection(Section);
        Row->LockCount = Section->LockCount;
        Row->Locks = Section->Locks;
        Row->Pages = (ULONG)Section->Pages;
        KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
        MiCountSectionPages(Section, Row);
        KiReleaseSpinLock(&MiPfnLock, Irql);
    }
    ULONG Count = Image->SectionCount;
    ExReleaseFastMutex(&MiImageLock);
    return Count < Max ? Count : Max;
}
