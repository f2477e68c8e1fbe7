/* SPDX-License-Identifier: MIT */
#include "host/inspect/inspect.h"

#include <stdio.h>
#include <string.h>

#include "host/exports/export_table.h"
#include "lib/pe_bytes.h"

#define PAGE_SIZE 4096u

const char *InspectFateName(INSPECT_FATE Fate)
{
    static const char *const Names[] = {"nonpaged", "pageable", "freed after DriverEntry"};
    return Names[Fate];
}

const char *ImportStatusName(IMPORT_STATUS Status)
{
    static const char *const Names[ImportStatuses] = {"implemented", "partial", "stub", "missing",
                                                      "no such DLL", "by ordinal"};
    return Names[Status];
}

/*
 * As MiDescribeSections, kernel/mm/image.c: what is discardable goes only at the image's end,
 * except for INIT.
 */
static void InspectFates(INSPECTION *Out)
{
    const PE_IMAGE *Image = Out->Image;
    bool AtEnd = true;

    for (uint32_t i = Image->SectionCount; i-- > 0;) {
        PE_SECTION Section;
        PeImageSection(Image, i, &Section);
        AtEnd = AtEnd && (Section.Characteristics & IMAGE_SCN_MEM_DISCARDABLE) != 0;
        uint32_t Pages = (uint32_t)(PeAlignUp(Section.VirtualSize, PAGE_SIZE) / PAGE_SIZE);
        if (Image->Flat) {
            Out->Fate[i] = FateNonpaged;
        } else if (AtEnd || strcmp(Section.Name, "INIT") == 0) {
            Out->Fate[i] = FateFreed;
            Out->FreedPages += Pages;
        } else if (PeSectionIsPageable(&Section)) {
            Out->Fate[i] = FatePageable;
            Out->PageablePages += Pages;
            Out->PageableBytes += Section.VirtualSize;
        }
    }
    Out->ImagePages = (uint32_t)(PeAlignUp(Image->SizeOfImage, PAGE_SIZE) / PAGE_SIZE);
}

IMPORT_STATUS InspectImport(const char *Dll, const PE_IMPORT *Import, const char **Note)
{
    const EXPORT_ROW *Row = Import->Name != NULL ? ExportOfImport(Dll, Import->Name) : NULL;

    *Note = Row != NULL ? Row->Note : "";
    if (Import->Name == NULL) {
        return ImportOrdinal;
    }
    if (Row == NULL) {
        return ExportDllIsProvided(Dll) ? ImportMissing : ImportNoDll;
    }
    if (strcmp(Row->Status, "implemented") == 0) {
        return ImportImplemented;
    }
    return strcmp(Row->Status, "partial") == 0 ? ImportPartial : ImportStub;
}

static void InspectImports(INSPECTION *Out)
{
    static const char *const Locks[] = {"MmLockPagableDataSection", "MmLockPagableSectionByHandle",
                                        "MmLockPagableImageSection"};
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    PE_ERROR Error;
    const char *Note;

    for (uint32_t i = 0; PeImageImportDll(Out->Image, i, &Dll, &Error) == PeStepItem; i++) {
        for (uint32_t k = 0; PeImageImport(Out->Image, &Dll, k, &Import, &Error) == PeStepItem;
             k++) {
            Out->Imports[InspectImport(Dll.Name, &Import, &Note)]++;
            for (size_t n = 0; Import.Name != NULL && n < sizeof(Locks) / sizeof(Locks[0]); n++) {
                Out->CanLockSections |= strcmp(Import.Name, Locks[n]) == 0;
            }
        }
    }
    LoadRefusals(&Out->Refusals, Out->Image);
}

static void InspectTables(INSPECTION *Out)
{
    PE_RELOCATION_CURSOR Cursor = {0};
    PE_FUNCTION Function;
    PE_ERROR Error;
    uint32_t Rva;

    while (PeImageRelocation(Out->Image, &Cursor, &Rva, &Error) == PeStepItem) {
        Out->Relocations++;
    }
    for (uint32_t i = 0; PeImageFunction(Out->Image, i, &Function, &Error) == PeStepItem; i++) {
        Out->Functions += Function.BeginRva != Function.EndRva;
    }
    Out->HasConfig = PeImageLoadConfig(Out->Image, &Out->Config, &Error);
    Out->HasCodeView = PeImageCodeView(Out->Image, &Out->CodeView, &Error);
    Out->SignatureBytes = PeImageDirectory(Out->Image, IMAGE_DIRECTORY_ENTRY_SECURITY).Size;
    Out->ChecksumRight = PeImageChecksumMatches(Out->Image, &Out->Checksum);
}

void InspectImage(INSPECTION *Out, const PE_IMAGE *Image)
{
    memset(Out, 0, sizeof(*Out));
    Out->Image = Image;
    InspectFates(Out);
    InspectImports(Out);
    InspectTables(Out);
    InspectCode(Out);
    InspectFindings(Out);
}
