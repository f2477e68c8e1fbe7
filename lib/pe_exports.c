/* SPDX-License-Identifier: MIT */
/* The export directory of a PE image. */
#include "lib/pe_bytes.h"

/* Offsets are into Image->Bytes; all entries of the three tables may be read. */
typedef struct _PE_EXPORT_TABLES {
    PE_DIRECTORY Directory;
    uint64_t Header;
    uint32_t OrdinalBase;
    uint32_t FunctionCount;
    uint32_t NameCount;
    uint64_t Functions;
    uint64_t Names;
    uint64_t Ordinals;
} PE_EXPORT_TABLES;

#define EXPORT(field) offsetof(IMAGE_EXPORT_DIRECTORY, field)

static PE_STEP PeOpenExports(const PE_IMAGE *Image, PE_EXPORT_TABLES *Tables, PE_ERROR *Error)
{
    const uint8_t *Bytes = Image->Bytes;
    *Tables = (PE_EXPORT_TABLES){0};
    Tables->Directory = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_EXPORT);
    if (Tables->Directory.Rva == 0) {
        return PeStepEnd;
    }
    uint64_t At;
    if (!PeImageRvaToFile(Image, Tables->Directory.Rva, sizeof(IMAGE_EXPORT_DIRECTORY), &At)) {
        return PeStepFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_EXPORT),
                          PeErrorExport, "the export directory must lie inside the image's data");
    }
    Tables->Header = At;
    Tables->OrdinalBase = PeRead32(Bytes, At + EXPORT(Base));
    Tables->FunctionCount = PeRead32(Bytes, At + EXPORT(NumberOfFunctions));
    Tables->NameCount = PeRead32(Bytes, At + EXPORT(NumberOfNames));
    if (Tables->FunctionCount > PE_MAX_EXPORTS || Tables->NameCount > PE_MAX_EXPORTS) {
        return PeStepFail(Error, At + EXPORT(NumberOfFunctions), PeErrorExport,
                          "an image may export at most 65536 functions and names");
    }
    if (Tables->FunctionCount != 0 &&
        !PeImageRvaToFile(Image, PeRead32(Bytes, At + EXPORT(AddressOfFunctions)),
                          Tables->FunctionCount * 4ull, &Tables->Functions)) {
        return PeStepFail(Error, At + EXPORT(AddressOfFunctions), PeErrorExport,
                          "the export address table must lie inside the image's data");
    }
    if (Tables->NameCount != 0 &&
        !PeImageRvaToFile(Image, PeRead32(Bytes, At + EXPORT(AddressOfNames)),
                          Tables->NameCount * 4ull, &Tables->Names)) {
        return PeStepFail(Error, At + EXPORT(AddressOfNames), PeErrorExport,
                          "the export name table must lie inside the image's data");
    }
    if (Tables->NameCount != 0 &&
        !PeImageRvaToFile(Image, PeRead32(Bytes, At + EXPORT(AddressOfNameOrdinals)),
                          Tables->NameCount * 2ull, &Tables->Ordinals)) {
        return PeStepFail(Error, At + EXPORT(AddressOfNameOrdinals), PeErrorExport,
                          "the export ordinal table must lie inside the image's data");
    }
    return PeStepItem;
}

/* Index < FunctionCount. */
static bool PeReadExport(const PE_IMAGE *Image, const PE_EXPORT_TABLES *Tables, uint32_t Index,
                         PE_EXPORT *Export, PE_ERROR *Error)
{
    uint64_t At = Tables->Functions + Index * 4ull;
    Export->Rva = PeRead32(Image->Bytes, At);
    Export->Ordinal = Tables->OrdinalBase + Index;
    Export->Forwarder = Export->Rva >= Tables->Directory.Rva &&
                        Export->Rva - Tables->Directory.Rva < Tables->Directory.Size;
    if (Export->Forwarder) {
        const char *Target;
        uint32_t Length;
        if (!PeImageString(Image, Export->Rva, PE_MAX_NAME, &Target, &Length)) {
            return PeFail(Error, At, PeErrorExport,
                          "an export forwarder must be a terminated string inside the image");
        }
    } else if (Export->Rva != 0 && !PeImageRvaInSection(Image, Export->Rva, 1)) {
        return PeFail(Error, At, PeErrorExport, "an exported address must lie inside a section");
    }
    return true;
}

static bool PeReadExportName(const PE_IMAGE *Image, const PE_EXPORT_TABLES *Tables, uint32_t Index,
                             PE_EXPORT *Export, PE_ERROR *Error)
{
    uint64_t At = Tables->Names + Index * 4ull;
    if (!PeImageString(Image, PeRead32(Image->Bytes, At), PE_MAX_NAME, &Export->Name,
                       &Export->NameLength)) {
        return PeFail(Error, At, PeErrorExport,
                      "an export name must be a terminated string inside the image");
    }
    return true;
}

/* From the name's number to its address; Index < NameCount. */
static bool PeReadNamedExport(const PE_IMAGE *Image, const PE_EXPORT_TABLES *Tables,
                              uint32_t Index, PE_EXPORT *Export, PE_ERROR *Error)
{
    uint64_t At = Tables->Ordinals + Index * 2ull;
    uint16_t Function = PeRead16(Image->Bytes, At);
    if (Function >= Tables->FunctionCount) {
        return PeFail(Error, At, PeErrorExport,
                      "an export's entry in the ordinal table must be below NumberOfFunctions");
    }
    return PeReadExport(Image, Tables, Function, Export, Error);
}

PE_STEP PeImageExport(const PE_IMAGE *Image, uint32_t Index, PE_EXPORT *Export, PE_ERROR *Error)
{
    PE_EXPORT_TABLES Tables;
    PE_STEP Step = PeOpenExports(Image, &Tables, Error);
    if (Step != PeStepItem) {
        return Step;
    }
    if (Index >= Tables.FunctionCount) {
        return PeStepEnd;
    }
    *Export = (PE_EXPORT){0};
    return PeReadExport(Image, &Tables, Index, Export, Error) ? PeStepItem : PeStepError;
}

PE_STEP PeImageNamedExport(const PE_IMAGE *Image, uint32_t Index, PE_EXPORT *Export,
                           PE_ERROR *Error)
{
    PE_EXPORT_TABLES Tables;
    PE_STEP Step = PeOpenExports(Image, &Tables, Error);
    if (Step != PeStepItem) {
        return Step;
    }
    if (Index >= Tables.NameCount) {
        return PeStepEnd;
    }
    *Export = (PE_EXPORT){0};
    return PeReadExportName(Image, &Tables, Index, Export, Error) &&
                   PeReadNamedExport(Image, &Tables, Index, Export, Error)
               ? PeStepItem
               : PeStepError;
}

/* Both are terminated. */
static int PeCompareNames(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a += 1;
        b += 1;
    }
    return (int)(uint8_t)*a - (int)(uint8_t)*b;
}

static bool PeAcceptFound(const PE_EXPORT_TABLES *Tables, const PE_EXPORT *Export, uint32_t *Rva,
                          PE_ERROR *Error)
{
    if (Export->Forwarder) {
        return PeFail(Error, Tables->Header, PeErrorForwarder,
                      "the export is forwarded to another image, which is not supported");
    }
    if (Export->Rva == 0) {
        return PeFail(Error, Tables->Header, PeErrorNotFound, "the export's entry is empty");
    }
    *Rva = Export->Rva;
    return true;
}

bool PeImageFindExport(const PE_IMAGE *Image, const char *Name, uint32_t *Rva, PE_ERROR *Error)
{
    PE_EXPORT_TABLES Tables;
    if (PeOpenExports(Image, &Tables, Error) == PeStepError) {
        return false;
    }
    uint32_t Low = 0;
    uint32_t High = Tables.NameCount;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        PE_EXPORT Export = {0};
        if (!PeReadExportName(Image, &Tables, Middle, &Export, Error)) {
            return false;
        }
        int Order = PeCompareNames(Name, Export.Name);
        if (Order == 0) {
            return PeReadNamedExport(Image, &Tables, Middle, &Export, Error) &&
                   PeAcceptFound(&Tables, &Export, Rva, Error);
        }
        if (Order < 0) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    return PeFail(Error, Tables.Header, PeErrorNotFound, "the image exports no such name");
}

bool PeImageFindExportOrdinal(const PE_IMAGE *Image, uint32_t Ordinal, uint32_t *Rva,
                              PE_ERROR *Error)
{
    PE_EXPORT_TABLES Tables;
    if (PeOpenExports(Image, &Tables, Error) == PeStepError) {
        return false;
    }
    uint32_t Index = Ordinal - Tables.OrdinalBase;
    if (Index >= Tables.FunctionCount) {
        return PeFail(Error, Tables.Header, PeErrorNotFound, "the image exports no such ordinal");
    }
    PE_EXPORT Export = {0};
    return PeReadExport(Image, &Tables, Index, &Export, Error) &&
           PeAcceptFound(&Tables, &Export, Rva, Error);
}

void *PeMappedFindExport(const void *Base, size_t Size, const char *Name)
{
    PE_IMAGE Image;
    PE_ERROR Error;
    uint32_t Rva;
    if (!PeMappedOpen(&Image, Base, Size, &Error) ||
        !PeImageFindExport(&Image, Name, &Rva, &Error)) {
        return NULL;
    }
    return (uint8_t *)Base + Rva;
}
