/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "host/inspect/inspect.h"
#include "host/text/text.h"

const char *InspectGuidText(const uint8_t Guid[16], char Out[40])
{
    snprintf(Out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             Guid[3], Guid[2], Guid[1], Guid[0], Guid[5], Guid[4], Guid[7], Guid[6], Guid[8],
             Guid[9], Guid[10], Guid[11], Guid[12], Guid[13], Guid[14], Guid[15]);
    return Out;
}

static const char *SectionPlace(const PE_IMAGE *Image, uint32_t Rva, char Out[64])
{
    PE_SECTION Section;
    char Name[40] = "headers";
    uint32_t Offset = Rva;
    if (PeImageSectionOfRva(Image, Rva, &Section)) {
        TextCleanString(Name, sizeof(Name), Section.Name);
        Offset = Rva - Section.Rva;
    }
    snprintf(Out, 64, "%s+0x%x", Name, Offset);
    return Out;
}

static void ReportHeaders(const INSPECTION *Inspection, const char *Name)
{
    const PE_IMAGE *Image = Inspection->Image;
    char File[TEXT_NUMBER], Memory[TEXT_NUMBER], Place[64];

    printf("%-12s%s, %s bytes\n", "driver", Name, TextGroups(File, Image->Size));
    printf("%-12s%s bytes in memory, %u pages; preferred base %llx\n", "image",
           TextGroups(Memory, Image->SizeOfImage), Inspection->ImagePages,
           (unsigned long long)Image->ImageBase);
    printf("%-12ssubsystem %u.%02u, linker %u.%u; aligned to %u in memory, %u in the file\n",
           "version", Image->SubsystemVersion >> 8, Image->SubsystemVersion & 0xff,
           Image->LinkerVersion >> 8, Image->LinkerVersion & 0xff, Image->SectionAlignment,
           Image->FileAlignment);
    printf("%-12s%s\n", "entry",
           Image->EntryPoint != 0 ? SectionPlace(Image, Image->EntryPoint, Place) : "none");
    printf("%-12s", "checksum");
    if (Image->CheckSum == 0) {
        printf("none\n");
    } else if (Inspection->ChecksumRight) {
        printf("%08x, right\n", Image->CheckSum);
    } else {
        printf("%08x, wrong: the file's is %08x\n", Image->CheckSum, Inspection->Checksum);
    }
    printf("%-12s", "signature");
    if (Inspection->SignatureBytes != 0) {
        printf("present, %s bytes (not verified)\n", TextGroups(File, Inspection->SignatureBytes));
    } else {
        printf("none\n");
    }
}

static void ReportTables(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols)
{
    const PE_IMAGE *Image = Inspection->Image;
    const PE_LOAD_CONFIG *Config = &Inspection->Config;
    static const char *const Pdb[] = {"", "not beside the driver", "found beside the driver",
                                      "the file beside the driver is of another build",
                                      "the file beside the driver cannot be read"};
    char Number[TEXT_NUMBER], Guid[40], Place[64], Path[1200];

    printf("%-12s%s%s\n", "relocations", TextGroups(Number, Inspection->Relocations),
           (Image->Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0 ? ", stripped" : "");
    printf("%-12s%s with unwind data\n", "functions", TextGroups(Number, Inspection->Functions));
    printf("%-12scontrol flow guard %s; security cookie %s\n", "guards",
           (Image->DllCharacteristics & IMAGE_DLLCHARACTERISTICS_GUARD_CF) != 0 ? "on" : "off",
           Inspection->HasConfig && Config->SecurityCookieRva != 0
               ? SectionPlace(Image, Config->SecurityCookieRva, Place)
               : "none");
    if (Inspection->HasCodeView) {
        TextCleanString(Path, sizeof(Path), Inspection->CodeView.Path);
        printf("%-12s%s\n%-12s%s, age %u: %s\n", "PDB", Path, "",
               InspectGuidText(Inspection->CodeView.Guid, Guid), Inspection->CodeView.Age,
               Pdb[Symbols->Pdb]);
    } else {
        printf("%-12snone recorded\n", "PDB");
    }
}

static void ReportSections(const INSPECTION *Inspection)
{
    const PE_IMAGE *Image = Inspection->Image;
    char Name[40], Size[TEXT_NUMBER];

    printf("\n%-10s  %8s  %10s  %5s  %-5s  %s\n", "section", "RVA", "bytes", "pages", "flags",
           "what happens to it");
    for (uint32_t i = 0; i < Image->SectionCount; i++) {
        PE_SECTION Section;
        PeImageSection(Image, i, &Section);
        TextCleanString(Name, sizeof(Name), Section.Name);
        uint32_t Flags = Section.Characteristics;
        printf("%-10s  %08x  %10s  %5llu  %c%c%c    %s\n", Name, Section.Rva,
               TextGroups(Size, Section.VirtualSize),
               ((unsigned long long)Section.VirtualSize + 4095) / 4096,
               (Flags & IMAGE_SCN_MEM_READ) != 0 ? 'r' : '-',
               (Flags & IMAGE_SCN_MEM_WRITE) != 0 ? 'w' : '-',
               (Flags & IMAGE_SCN_MEM_EXECUTE) != 0 ? 'x' : '-',
               InspectFateName(Inspection->Fate[i]));
    }
}

static void ReportDll(const INSPECTION *Inspection, const PE_IMPORT_DLL *Dll, bool Verbose)
{
    uint32_t Counts[ImportStatuses] = {0};
    char Name[600];
    PE_IMPORT Import;
    PE_ERROR Error;
    const char *Note, *Between = ": ";
    uint32_t Total = 0;

    for (; PeImageImport(Inspection->Image, Dll, Total, &Import, &Error) == PeStepItem; Total++) {
        Counts[InspectImport(Dll->Name, &Import, &Note)]++;
    }
    TextCleanString(Name, sizeof(Name), Dll->Name);
    printf("%s, %u", Name, Total);
    for (int i = 0; i < ImportStatuses; i++) {
        if (Counts[i] != 0) {
            printf("%s%u %s", Between, Counts[i], ImportStatusName((IMPORT_STATUS)i));
            Between = ", ";
        }
    }
    putchar('\n');
    for (uint32_t i = 0;
         PeImageImport(Inspection->Image, Dll, i, &Import, &Error) == PeStepItem; i++) {
        IMPORT_STATUS Status = InspectImport(Dll->Name, &Import, &Note);
        if (Status == ImportImplemented && !Verbose) {
            continue;
        }
        snprintf(Name, sizeof(Name), "#%u", Import.Ordinal);
        if (Import.Name != NULL) {
            TextCleanString(Name, sizeof(Name), Import.Name);
        }
        printf("  %-11s  %s%s%s\n", ImportStatusName(Status), Name, Note[0] != 0 ? ": " : "", Note);
    }
}

static void ReportImports(const INSPECTION *Inspection, bool Verbose)
{
    PE_IMPORT_DLL Dll;
    PE_ERROR Error;

    printf("\nimports from\n");
    for (uint32_t i = 0;
         PeImageImportDll(Inspection->Image, i, &Dll, &Error) == PeStepItem; i++) {
        ReportDll(Inspection, &Dll, Verbose);
    }
}

static void ReportSites(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols)
{
    char Place[64], Function[64];

    if (Inspection->SiteCount != 0) {
        printf("\nraises the IRQL in pageable code\n");
    }
    for (uint32_t i = 0; i < Inspection->SiteCount; i++) {
        const INSPECT_SITE *Site = &Inspection->Sites[i];
        const char *Routine = Symbols->Routine[i][0] != 0
                                  ? Symbols->Routine[i]
                                  : SectionPlace(Inspection->Image, Site->FunctionRva, Function);
        printf("  %-8s  %-16s  %s in %s%s%s%s\n", Site->Warning ? "warning" : "remark",
               SectionPlace(Inspection->Image, Site->Rva, Place), Site->What, Routine,
               Symbols->Place[i][0] != 0 ? " (" : "", Symbols->Place[i],
               Symbols->Place[i][0] != 0 ? ")" : "");
    }
    if (Inspection->SitesLeftOut != 0) {
        printf("  and %u more\n", Inspection->SitesLeftOut);
    }
    if (Inspection->SiteCount != 0) {
        printf("  What follows there runs at the raised IRQL, and may not be in memory then%s.\n",
               Inspection->CanLockSections
                   ? ".\n  A remark: the driver can lock this section; it must have done so"
                   : "");
    }
}

static void ReportFindings(const INSPECTION *Inspection)
{
    if (Inspection->FindingCount != 0) {
        printf("\nfindings\n");
    }
    for (uint32_t i = 0; i < Inspection->FindingCount; i++) {
        const INSPECT_FINDING *Finding = &Inspection->Findings[i];
        printf("  %-8s  %s\n", Finding->Warning ? "warning" : "remark", Finding->Text);
    }
    if (Inspection->FindingsLeftOut != 0) {
        printf("  and %u more\n", Inspection->FindingsLeftOut);
    }
}

void InspectReport(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols, const char *Name,
                   const INSPECT_OPTIONS *Options)
{
    char Bytes[TEXT_NUMBER], Lost[TEXT_NUMBER];
    uint64_t Rounding = Inspection->PageablePages * 4096ull - Inspection->PageableBytes;
    const uint32_t *Imports = Inspection->Imports;

    ReportHeaders(Inspection, Name);
    ReportTables(Inspection, Symbols);
    ReportSections(Inspection);
    ReportImports(Inspection, Options->Verbose);
    ReportSites(Inspection, Symbols);
    ReportFindings(Inspection);
    printf("\n%-12s%s bytes in %u of %u pages, %s lost to rounding; pages freed: %u\n",
           "pageable", TextGroups(Bytes, Inspection->PageableBytes), Inspection->PageablePages,
           Inspection->ImagePages, TextGroups(Lost, Rounding), Inspection->FreedPages);
    printf("%-12s%s, %u warning%s\n", "verdict",
           Inspection->Refusals.Count != 0 ? "cannot be loaded"
           : Imports[ImportMissing] == 0   ? "all imports are provided"
                                           : "imports are missing",
           Inspection->Warnings, Inspection->Warnings == 1 ? "" : "s");
}
