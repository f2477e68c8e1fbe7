/* SPDX-License-Identifier: MIT */
/* One object on one line for each driver; docs/inspect.md describes it. */
#include <jansson.h>
#include <stdio.h>

#include "host/inspect/inspect.h"
#include "host/text/text.h"

static json_t *CleanJson(const char *Bytes)
{
    char Text[1400];
    TextCleanString(Text, sizeof(Text), Bytes);
    return json_string(Text);
}

static json_t *HexJson(uint64_t Number)
{
    char Text[TEXT_NUMBER];
    return json_string(TextHex(Text, Number));
}

static json_t *SectionsJson(const INSPECTION *Inspection)
{
    static const char *const Fates[] = {"nonpaged", "pageable", "freed"};
    json_t *Array = json_array();

    for (uint32_t i = 0; i < Inspection->Image->SectionCount; i++) {
        PE_SECTION Section;
        PeImageSection(Inspection->Image, i, &Section);
        json_array_append_new(
            Array, json_pack("{s:o, s:I, s:I, s:I, s:o, s:s}", "name", CleanJson(Section.Name),
                             "rva", (json_int_t)Section.Rva, "bytes",
                             (json_int_t)Section.VirtualSize, "pages",
                             ((json_int_t)Section.VirtualSize + 4095) / 4096, "characteristics",
                             HexJson(Section.Characteristics), "fate",
                             Fates[Inspection->Fate[i]]));
    }
    return Array;
}

static json_t *ImportsJson(const INSPECTION *Inspection)
{
    json_t *Array = json_array();
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    PE_ERROR Error;
    const char *Note;

    for (uint32_t i = 0;
         PeImageImportDll(Inspection->Image, i, &Dll, &Error) == PeStepItem; i++) {
        for (uint32_t k = 0;
             PeImageImport(Inspection->Image, &Dll, k, &Import, &Error) == PeStepItem; k++) {
            IMPORT_STATUS Status = InspectImport(Dll.Name, &Import, &Note);
            json_t *Object = json_pack("{s:o, s:s, s:s}", "dll", CleanJson(Dll.Name), "status",
                                       ImportStatusName(Status), "note", Note);
            if (Import.Name != NULL) {
                json_object_set_new(Object, "name", CleanJson(Import.Name));
            } else {
                json_object_set_new(Object, "ordinal", json_integer(Import.Ordinal));
            }
            json_array_append_new(Array, Object);
        }
    }
    return Array;
}

static json_t *SitesJson(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols)
{
    json_t *Array = json_array();
    for (uint32_t i = 0; i < Inspection->SiteCount; i++) {
        const INSPECT_SITE *Site = &Inspection->Sites[i];
        PE_SECTION Section;
        PeImageSection(Inspection->Image, Site->Section, &Section);
        json_array_append_new(
            Array, json_pack("{s:I, s:I, s:o, s:s, s:b, s:o, s:o}", "rva", (json_int_t)Site->Rva,
                             "function_rva", (json_int_t)Site->FunctionRva, "section",
                             CleanJson(Section.Name), "what", Site->What, "warning",
                             (int)Site->Warning, "routine", CleanJson(Symbols->Routine[i]),
                             "line", CleanJson(Symbols->Place[i])));
    }
    return Array;
}

static json_t *FindingsJson(const INSPECTION *Inspection)
{
    json_t *Array = json_array();
    for (uint32_t i = 0; i < Inspection->FindingCount; i++) {
        const INSPECT_FINDING *Finding = &Inspection->Findings[i];
        json_array_append_new(Array, json_pack("{s:s, s:b, s:s}", "code", Finding->Code, "warning",
                                               (int)Finding->Warning, "text", Finding->Text));
    }
    return Array;
}

static json_t *PdbJson(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols)
{
    static const char *const Found[] = {"none", "absent", "beside", "other", "unreadable"};
    char Guid[40];
    if (!Inspection->HasCodeView) {
        return json_null();
    }
    return json_pack("{s:o, s:s, s:I, s:s}", "path", CleanJson(Inspection->CodeView.Path), "guid",
                     InspectGuidText(Inspection->CodeView.Guid, Guid), "age",
                     (json_int_t)Inspection->CodeView.Age, "found", Found[Symbols->Pdb]);
}

static json_t *ImageJson(const INSPECTION *Inspection)
{
    const PE_IMAGE *Image = Inspection->Image;
    const char *Checksum = Image->CheckSum == 0 ? "none"
                           : Inspection->ChecksumRight ? "right" : "wrong";
    char Subsystem[TEXT_NUMBER];

    snprintf(Subsystem, sizeof(Subsystem), "%u.%u", Image->SubsystemVersion >> 8,
             Image->SubsystemVersion & 0xff);
    return json_pack(
        "{s:I, s:I, s:I, s:o, s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:b, s:I, s:b, s:I}", "file_bytes",
        (json_int_t)Image->Size, "image_bytes", (json_int_t)Image->SizeOfImage, "image_pages",
        (json_int_t)Inspection->ImagePages, "base", HexJson(Image->ImageBase), "subsystem",
        Subsystem, "section_alignment", (json_int_t)Image->SectionAlignment, "file_alignment",
        (json_int_t)Image->FileAlignment, "entry_rva", (json_int_t)Image->EntryPoint, "checksum",
        Checksum, "signature_bytes", (json_int_t)Inspection->SignatureBytes, "relocations",
        (json_int_t)Inspection->Relocations, "relocations_stripped",
        (Image->Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0, "functions",
        (json_int_t)Inspection->Functions, "control_flow_guard",
        (Image->DllCharacteristics & IMAGE_DLLCHARACTERISTICS_GUARD_CF) != 0, "cookie_rva",
        (json_int_t)(Inspection->HasConfig ? Inspection->Config.SecurityCookieRva : 0));
}

void InspectJson(const INSPECTION *Inspection, const INSPECT_SYMBOLS *Symbols, const char *Name)
{
    json_t *Object = json_pack(
        "{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "driver", Name,
        "loadable", (int)(Inspection->Refusals.Count == 0), "image",
        ImageJson(Inspection), "pdb", PdbJson(Inspection, Symbols), "sections",
        SectionsJson(Inspection), "imports", ImportsJson(Inspection), "raises",
        SitesJson(Inspection, Symbols), "findings", FindingsJson(Inspection), "pageable_bytes",
        (json_int_t)Inspection->PageableBytes, "pageable_pages",
        (json_int_t)Inspection->PageablePages, "freed_pages", (json_int_t)Inspection->FreedPages,
        "warnings", (json_int_t)Inspection->Warnings);
    json_dumpf(Object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(Object);
}
