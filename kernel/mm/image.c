/* SPDX-License-Identifier: MIT */
/*
 * Loading and unloading of driver images.
 *
 * Load: the file is checked as a whole (lib/pe_image.c), addresses are reserved, nonpaged sections
 * get frames and pageable sections demand-zero PTEs, the contents are copied and relocated, imports
 * are bound, and last each section gets its protection. A pageable section is thus pageable from
 * its first page on: a driver with more PAGE data than RAM loads.
 *
 * An image whose SectionAlignment is below a page is mapped flat, writable and executable as one
 * piece, and wholly nonpaged: sections share pages.
 */
#include "mm/image.h"

#include "kd/kd.h"
#include "ke/command_line.h"
#include "nt/rtl.h"
#include "vf/vf.h"

#define MI_TAG_IMAGE 'gmIM'
#define MI_DEFAULT_SECURITY_COOKIE 0x00002b992ddfa232ull /* the compiler's, documented by /GS */

static ULONG MiProtectionOfSection(ULONG Characteristics)
{
    BOOLEAN Write = (Characteristics & IMAGE_SCN_MEM_WRITE) != 0;
    if (Characteristics & IMAGE_SCN_MEM_EXECUTE) {
        return Write ? MI_EXECUTE_READWRITE : MI_EXECUTE_READ;
    }
    return Write ? MI_READWRITE : MI_READONLY;
}

VOID MiProtectPages(ULONG64 Va, ULONG64 Pages, ULONG Protection)
{
    ULONG64 Bits = (ULONG64)Protection << MI_PTE_PROTECTION_SHIFT;
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        PVOID Address = (PVOID)(Va + (Page << PAGE_SHIFT));
        PMMPTE Pte = MI_PTE_OF(Address);
        MMPTE Old = *Pte;
        BOOLEAN View = (Old & MI_PTE_VALID) && (Old & MI_PTE_VIEW); /* of whatever memory */
        if ((Old & (MI_PTE_VALID | MI_PTE_TRANSITION)) && !View) {
            PMMPFN Pfn = MI_PFN(MI_PTE_FRAME(Old));
            Pfn->OriginalPte = (Pfn->OriginalPte & ~MI_PTE_PROTECTION_MASK) | Bits;
        }
        if (Old & MI_PTE_VALID) {
            *Pte = (Old & ~(MI_PTE_WRITE | MI_PTE_NO_EXECUTE)) | MiProtectionToPte[Protection];
            MiInvalidatePage(Address);
        } else if (Old != 0) {
            *Pte = (Old & ~MI_PTE_PROTECTION_MASK) | Bits;
        }
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
}

static VOID MiSetSection(PMM_IMAGE Image, PMI_SECTION Section, PCSTR Name, ULONG Rva, ULONG Size)
{
    Section->Image = Image;
    for (ULONG i = 0; i < sizeof(Section->Name) - 1 && Name[i] != 0; i++) {
        Section->Name[i] = Name[i];
    }
    Section->Address = Image->Base + Rva;
    Section->Size = Size;
    Section->Pages = BYTES_TO_PAGES((ULONG64)Size);
}

/* Section 0 is the headers, then the file's sections; gaps between them stay unmapped. */
static VOID MiDescribeSections(PMM_IMAGE Image, const PE_IMAGE *Pe)
{
    ULONG64 Headers = Pe->Flat ? Pe->SizeOfImage : ROUND_TO_PAGES(Pe->SizeOfHeaders);
    MiSetSection(Image, &Image->Section[0], "headers", 0, (ULONG)Headers);
    Image->Section[0].Protection = Pe->Flat ? MI_EXECUTE_READWRITE : MI_READONLY;
    Image->Section[0].Resident = TRUE;
    for (ULONG i = 0; i < Pe->SectionCount; i++) {
        PE_SECTION From;
        PMI_SECTION Section = &Image->Section[i + 1];
        PeImageSection(Pe, i, &From);
        /* The alignment may round the last section up beyond the image's pages. */
        ULONG64 Room = (Image->Pages << PAGE_SHIFT) - From.Rva;
        MiSetSection(Image, Section, From.Name, From.Rva,
                     From.MappedSize < Room ? From.MappedSize : (ULONG)Room);
        Section->Characteristics = From.Characteristics;
        Section->Protection = MiProtectionOfSection(From.Characteristics);
        Section->Pageable = !Pe->Flat && PeSectionIsPageable(&From);
        Section->Resident = !Section->Pageable;
        Section->Discard = !Pe->Flat && __builtin_strcmp(Section->Name, "INIT") == 0;
        if (Pe->Flat) {
            Section->Pages = 0; /* its bytes are in the flat mapping of section 0 */
        }
    }
    for (ULONG i = Pe->SectionCount; i > 0 && !Pe->Flat; i--) {
        if (!(Image->Section[i].Characteristics & IMAGE_SCN_MEM_DISCARDABLE)) {
            break;
        }
        Image->Section[i].Discard = TRUE;
    }
}

static VOID MiUnmapSection(PMI_SECTION Section)
{
    if (Section->Pages == 0 || Section->Discarded) {
        return;
    }
    if (Section->Resident) {
        MiUnmapNonpaged(Section->Address, Section->Pages);
    } else {
        MiFreePageablePages(Section->Address, Section->Pages);
    }
    Section->Discarded = TRUE;
}

static BOOLEAN MiMapSections(PMM_IMAGE Image)
{
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PMI_SECTION Section = &Image->Section[i];
        BOOLEAN Mapped = TRUE;
        if (Section->Resident) {
            Mapped = MiMapNonpaged(Section->Address, Section->Pages, MI_READWRITE, TRUE);
        } else if (MiChargeCommit(Section->Pages)) {
            MiMapDemandZero(Section->Address, Section->Pages);
        } else {
            Mapped = FALSE;
        }
        if (!Mapped) {
            for (ULONG j = 0; j < i; j++) {
                MiUnmapSection(&Image->Section[j]);
            }
            return FALSE;
        }
    }
    return TRUE;
}

static VOID MiNameImage(PMM_IMAGE Image, PCUNICODE_STRING FullName)
{
    USHORT Length = FullName->Length;
    if (Length > sizeof(Image->NameBuffer) - 2) {
        Length = sizeof(Image->NameBuffer) - 2;
    }
    __builtin_memcpy(Image->NameBuffer, FullName->Buffer, Length);
    ULONG Chars = Length / 2;
    ULONG Base = Chars;
    while (Base > 0 && Image->NameBuffer[Base - 1] != L'\\') {
        Base--;
    }
    Image->Ldr.FullDllName = (UNICODE_STRING){Length, Length, Image->NameBuffer};
    Image->Ldr.BaseDllName = (UNICODE_STRING){(USHORT)((Chars - Base) * 2),
                                              (USHORT)((Chars - Base) * 2),
                                              Image->NameBuffer + Base};
    for (ULONG i = 0; Base + i < Chars && i < sizeof(Image->Name) - 1; i++) {
        WCHAR Char = Image->NameBuffer[Base + i];
        Image->Name[i] = Char < 0x7f && Char >= 0x20 ? (CHAR)Char : '?';
    }
}

static VOID MiFillLoaderEntry(PMM_IMAGE Image, const PE_IMAGE *Pe)
{
    PE_DIRECTORY Exceptions = PeImageDirectory(Pe, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    Image->Ldr.DllBase = (PVOID)Image->Base;
    Image->Ldr.EntryPoint = Pe->EntryPoint != 0 ? (PVOID)(Image->Base + Pe->EntryPoint) : NULL;
    Image->Ldr.SizeOfImage = Pe->SizeOfImage;
    Image->Ldr.SizeOfImageNotRounded = Pe->SizeOfImage;
    Image->Ldr.CheckSum = Pe->CheckSum;
    Image->Ldr.TimeDateStamp = Pe->TimeDateStamp;
    Image->Ldr.LoadCount = 1;
    if (Pe->DllCharacteristics & IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY) {
        Image->Ldr.Flags |= LDRP_IMAGE_INTEGRITY_FORCED;
    }
    if (Exceptions.Rva != 0) {
        Image->Ldr.ExceptionTable = (PVOID)(Image->Base + Exceptions.Rva);
        Image->Ldr.ExceptionTableSize = Exceptions.Size;
    }
}

/* Into the list and the lock-free table. FALSE: MI_MAX_IMAGES are loaded. */
static BOOLEAN MiPublishImage(PMM_IMAGE Image)
{
    BOOLEAN Published = FALSE;
    ExAcquireFastMutex(&MiImageLock);
    for (ULONG i = 0; i < MI_MAX_IMAGES && !Published; i++) {
        if (MiImages[i] == NULL) {
            InsertTailList(&PsLoadedModuleList, &Image->Ldr.InLoadOrderLinks);
            MiImages[i] = Image;
            Published = TRUE;
        }
    }
    ExReleaseFastMutex(&MiImageLock);
    return Published;
}

/*
 * Drivers built with /GS keep a value that guards return addresses. The compiler's start-up code
 * takes it as it is when the loader has replaced the default (as Windows' has since 8), and ends
 * the system by a fast fail otherwise; older code draws its own. The upper 16 bits are zero, so
 * that a string that overruns ends before them. From the run's seed: each run of one seed is the
 * same. The image is written but not yet protected.
 */
static VOID MiSetSecurityCookie(PMM_IMAGE Image, const PE_IMAGE *Pe)
{
    static ULONG Seed;
    PE_LOAD_CONFIG Config;
    PE_ERROR Error;
    if (!PeImageLoadConfig(Pe, &Config, &Error) || Config.SecurityCookieRva == 0) {
        return;
    }
    ULONG64 Cookie;
    PVOID Place = (PVOID)(Image->Base + Config.SecurityCookieRva); /* need not be aligned */
    __builtin_memcpy(&Cookie, Place, sizeof(Cookie));
    if (Cookie != MI_DEFAULT_SECURITY_COOKIE) {
        return;
    }
    Seed = Seed != 0 ? Seed : (ULONG)KiQueryCommandLineNumber("seed", 1);
    Cookie = (ULONG64)RtlRandomEx(&Seed) << 17 ^ RtlRandomEx(&Seed);
    Cookie += Cookie == MI_DEFAULT_SECURITY_COOKIE;
    __builtin_memcpy(Place, &Cookie, sizeof(Cookie));
}

static NTSTATUS MiFillImage(PMM_IMAGE Image, const PE_IMAGE *Pe, PCHAR ErrorText, SIZE_T ErrorSize)
{
    PE_ERROR Error;
    if (!PeImageLoadZeroed(Pe, (PVOID)Image->Base, Image->Pages << PAGE_SHIFT, Image->Base,
                           &Error)) {
        _snprintf(ErrorText, ErrorSize, "offset 0x%I64x: %s", Error.Offset, Error.Rule);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    MiSetSecurityCookie(Image, Pe);
    NTSTATUS Status = MiBindImports(Image, Pe, ErrorText, ErrorSize);
    for (ULONG i = 0; i < Image->SectionCount && NT_SUCCESS(Status); i++) {
        PMI_SECTION Section = &Image->Section[i];
        MiProtectPages(Section->Address, Section->Pages, Section->Protection);
    }
    return Status;
}

NTSTATUS MmLoadSystemImage(PCUNICODE_STRING FullName, const VOID *File, SIZE_T FileSize,
                           PMM_IMAGE *Loaded, PCHAR ErrorText, SIZE_T ErrorSize)
{
    PE_IMAGE Pe;
    PE_ERROR Error;
    KI_ASSERT_IRQL_AT_MOST(PASSIVE_LEVEL);
    if (!PeImageOpen(&Pe, File, FileSize, &Error)) {
        _snprintf(ErrorText, ErrorSize, "offset 0x%I64x: %s", Error.Offset, Error.Rule);
        return STATUS_INVALID_IMAGE_FORMAT;
    }
    SIZE_T Size = sizeof(MM_IMAGE) + (Pe.SectionCount + 1) * sizeof(MI_SECTION);
    PMM_IMAGE Image = ExAllocatePoolWithTag(NonPagedPool, Size, MI_TAG_IMAGE);
    ULONG64 Pages = BYTES_TO_PAGES((ULONG64)Pe.SizeOfImage);
    ULONG64 Index = Image != NULL ? MiReserveWithTables(&MiImageRange, Pages) : MI_RANGE_FULL;
    _snprintf(ErrorText, ErrorSize, "not enough memory for an image of %u bytes", Pe.SizeOfImage);
    if (Index == MI_RANGE_FULL) {
        if (Image != NULL) {
            ExFreePoolWithTag(Image, MI_TAG_IMAGE);
        }
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __builtin_memset(Image, 0, Size);
    Image->Base = MiImageRange.Start + (Index << PAGE_SHIFT);
    Image->Pages = Pages;
    Image->SectionCount = Pe.SectionCount + 1;
    MiNameImage(Image, FullName);
    MiDescribeSections(Image, &Pe);
    MiFillLoaderEntry(Image, &Pe);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    BOOLEAN Mapped = MiMapSections(Image);
    if (Mapped) {
        Status = MiFillImage(Image, &Pe, ErrorText, ErrorSize);
    }
    if (NT_SUCCESS(Status) && !MiPublishImage(Image)) {
        _snprintf(ErrorText, ErrorSize, "more than %u images are loaded", MI_MAX_IMAGES);
        Status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!NT_SUCCESS(Status)) {
        VfUnwatchImage(Image->Base);
        for (ULONG i = 0; Mapped && i < Image->SectionCount; i++) {
            MiUnmapSection(&Image->Section[i]);
        }
        MiReleaseWithTables(&MiImageRange, Index);
        MiFreeImportStubs(Image);
        ExFreePoolWithTag(Image, MI_TAG_IMAGE);
        return Status;
    }
    KdReportImage(&Image->Ldr.FullDllName, Image->Ldr.DllBase, Image->Ldr.SizeOfImage,
                  Image->Ldr.CheckSum, FALSE);
    MiRecordImage(Image);
    *Loaded = Image;
    return STATUS_SUCCESS;
}

VOID MmFreeImageInitialization(PMM_IMAGE Image)
{
    ExAcquireFastMutex(&MiImageLock);
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        if (Image->Section[i].Discard && Image->Section[i].LockCount == 0) {
            MiUnmapSection(&Image->Section[i]);
            if (VfTimelineOn) {
                VfRecord(TimelineDiscard, Image->Section[i].Address, Image->Section[i].Pages, 0,
                         TIMELINE_NO_NAME, 0);
            }
        }
    }
    Image->InitFreed = TRUE;
    ExReleaseFastMutex(&MiImageLock);
}

/*
 * A section that is still locked keeps its pages, as in NT: they are leaked, and a finding says so.
 */
VOID MmUnloadSystemImage(PMM_IMAGE Image)
{
    BOOLEAN Leaked = FALSE;
    VfCheckUnload(Image);
    VfUnwatchImage(Image->Base);
    if (VfTimelineOn) {
        VfRecord(TimelineUnload, Image->Base, 0, 0, TIMELINE_NO_NAME, 0);
    }
    KdReportImage(&Image->Ldr.FullDllName, Image->Ldr.DllBase, Image->Ldr.SizeOfImage,
                  Image->Ldr.CheckSum, TRUE);
    ExAcquireFastMutex(&MiImageLock);
    RemoveEntryList(&Image->Ldr.InLoadOrderLinks);
    for (ULONG i = 0; i < MI_MAX_IMAGES; i++) {
        if (MiImages[i] == Image) {
            MiImages[i] = NULL;
        }
    }
    ExReleaseFastMutex(&MiImageLock);
    MiRememberUnloadedImage(Image);
    for (ULONG i = 0; i < Image->SectionCount; i++) {
        PMI_SECTION Section = &Image->Section[i];
        if (Section->LockCount != 0 && !Section->Discarded) {
            CHAR Text[128];
            _snprintf(Text, sizeof(Text), "section %s of %s is unloaded with lock count %u",
                      Section->Name, Image->Name, Section->LockCount);
            MiReportFinding(0x1A1010, Text, Section->LockedBy);
            Leaked = TRUE;
            continue;
        }
        MiUnmapSection(Section);
    }
    if (!Leaked) {
        MiReleaseWithTables(&MiImageRange, (Image->Base - MiImageRange.Start) >> PAGE_SHIFT);
    }
    MiFreeImportStubs(Image);
    ExFreePoolWithTag(Image, MI_TAG_IMAGE);
}
