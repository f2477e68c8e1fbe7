/* SPDX-License-Identifier: MIT */
/* Imports, base relocations, function table, load configuration and debug record of a PE image. */
#include "lib/pe_bytes.h"

#define DESCRIPTOR(field) offsetof(IMAGE_IMPORT_DESCRIPTOR, field)
#define THUNK_SIZE 8u
#define FUNCTION_SIZE 12u
#define PE_MAX_DEBUG_ENTRIES 64u
#define RSDS_GUID 4u /* offsets in the CodeView record */
#define RSDS_AGE 20u
#define RSDS_PATH 24u

PE_STEP PeImageImportDll(const PE_IMAGE *Image, uint32_t Index, PE_IMPORT_DLL *Dll,
                         PE_ERROR *Error)
{
    PE_DIRECTORY Directory = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_IMPORT);
    uint64_t At;
    *Dll = (PE_IMPORT_DLL){0};
    if (Directory.Rva == 0) {
        return PeStepEnd;
    }
    uint64_t Rva = Directory.Rva + (uint64_t)Index * sizeof(IMAGE_IMPORT_DESCRIPTOR);
    if (Rva > UINT32_MAX ||
        !PeImageRvaToFile(Image, (uint32_t)Rva, sizeof(IMAGE_IMPORT_DESCRIPTOR), &At)) {
        return PeStepFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_IMPORT),
                          PeErrorImport,
                          "the import descriptors must lie inside the image's data and end with a "
                          "zero entry");
    }
    uint32_t Name = PeRead32(Image->Bytes, At + DESCRIPTOR(Name));
    Dll->LookupRva = PeRead32(Image->Bytes, At + DESCRIPTOR(OriginalFirstThunk));
    Dll->SlotRva = PeRead32(Image->Bytes, At + DESCRIPTOR(FirstThunk));
    if (Name == 0 || Dll->SlotRva == 0) {
        return PeStepEnd;
    }
    if (Index >= PE_MAX_IMPORT_DLLS) {
        return PeStepFail(Error, At, PeErrorImport,
                          "an image may have at most 256 import descriptors");
    }
    if (!PeImageString(Image, Name, PE_MAX_DLL_NAME, &Dll->Name, &Dll->NameLength) ||
        Dll->NameLength == 0) {
        return PeStepFail(Error, At + DESCRIPTOR(Name), PeErrorImport,
                          "an imported DLL's name must be a terminated string of 1 to 255 bytes "
                          "inside the image");
    }
    if (Dll->LookupRva == 0) {
        if (Image->Mapped) {
            return PeStepFail(Error, At, PeErrorImport,
                              "without OriginalFirstThunk the names are lost after binding");
        }
        Dll->LookupRva = Dll->SlotRva;
    }
    return PeStepItem;
}

PE_STEP PeImageImport(const PE_IMAGE *Image, const PE_IMPORT_DLL *Dll, uint32_t Index,
                      PE_IMPORT *Import, PE_ERROR *Error)
{
    uint64_t Rva = Dll->LookupRva + (uint64_t)Index * THUNK_SIZE;
    uint64_t Slot = Dll->SlotRva + (uint64_t)Index * THUNK_SIZE;
    uint64_t At;
    *Import = (PE_IMPORT){0};
    if (Rva > UINT32_MAX || !PeImageRvaToFile(Image, (uint32_t)Rva, THUNK_SIZE, &At)) {
        uint64_t First = 0;
        PeImageRvaToFile(Image, Dll->LookupRva, 0, &First);
        return PeStepFail(Error, First, PeErrorImport,
                          "an import lookup table must lie inside the image's data and end with a "
                          "zero entry");
    }
    uint64_t Thunk = PeRead64(Image->Bytes, At);
    if (Thunk == 0) {
        return PeStepEnd;
    }
    if (Index >= PE_MAX_IMPORTS) {
        return PeStepFail(Error, At, PeErrorImport, "one DLL entry may have at most 65536 imports");
    }
    if (Slot > UINT32_MAX || !PeImageRvaInSection(Image, (uint32_t)Slot, THUNK_SIZE)) {
        return PeStepFail(Error, At, PeErrorImport,
                          "an import's address slot must lie inside a section");
    }
    Import->SlotRva = (uint32_t)Slot;
    if (Thunk & IMAGE_ORDINAL_FLAG64) {
        Import->Ordinal = (uint16_t)Thunk;
        return PeStepItem;
    }
    uint64_t Hint;
    if (Thunk > 0x7fffffff || !PeImageRvaToFile(Image, (uint32_t)Thunk, 2, &Hint)) {
        return PeStepFail(Error, At, PeErrorImport,
                          "an import by name must point to a hint and name inside the image");
    }
    Import->Ordinal = PeRead16(Image->Bytes, Hint);
    if (!PeImageString(Image, (uint32_t)Thunk + 2, PE_MAX_NAME, &Import->Name,
                       &Import->NameLength) ||
        Import->NameLength == 0) {
        return PeStepFail(Error, Hint, PeErrorImport,
                          "an import's name must be a terminated string of 1 to 4096 bytes inside "
                          "the image");
    }
    return PeStepItem;
}

/* At a block header: checks it; PeStepEnd when the directory is used up. */
static PE_STEP PeRelocationBlock(const PE_IMAGE *Image, PE_DIRECTORY Directory, uint64_t Base,
                                 uint32_t Block, uint32_t *BlockSize, PE_ERROR *Error)
{
    uint32_t Left = Directory.Size - Block;
    if (Left == 0) {
        return PeStepEnd;
    }
    if (Left < sizeof(IMAGE_BASE_RELOCATION)) {
        return PeStepFail(Error, Base + Block, PeErrorRelocation,
                          "the relocation directory ends inside a block header");
    }
    *BlockSize = PeRead32(Image->Bytes, Base + Block + 4);
    if (*BlockSize == 0 && PeRead32(Image->Bytes, Base + Block) == 0) {
        return PeStepEnd; /* padding */
    }
    if (*BlockSize < sizeof(IMAGE_BASE_RELOCATION) || *BlockSize > Left || *BlockSize % 2 != 0) {
        return PeStepFail(Error, Base + Block + 4, PeErrorRelocation,
                          "a relocation block's size must be even, at least 8, and within the "
                          "directory");
    }
    return PeStepItem;
}

PE_STEP PeImageRelocation(const PE_IMAGE *Image, PE_RELOCATION_CURSOR *Cursor, uint32_t *Rva,
                          PE_ERROR *Error)
{
    PE_DIRECTORY Directory = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_BASERELOC);
    uint64_t Base;
    if (Directory.Rva == 0 || Directory.Size == 0) {
        return PeStepEnd;
    }
    if (!PeImageRvaToFile(Image, Directory.Rva, Directory.Size, &Base)) {
        return PeStepFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_BASERELOC),
                          PeErrorRelocation,
                          "the relocation directory must lie inside the image's data");
    }
    while (Cursor->Block <= Directory.Size) {
        uint32_t BlockSize;
        PE_STEP Step = PeRelocationBlock(Image, Directory, Base, Cursor->Block, &BlockSize, Error);
        if (Step != PeStepItem) {
            return Step;
        }
        if (Cursor->Entry < sizeof(IMAGE_BASE_RELOCATION)) {
            Cursor->Entry = sizeof(IMAGE_BASE_RELOCATION);
        }
        while (Cursor->Entry < BlockSize) {
            uint64_t At = Base + Cursor->Block + Cursor->Entry;
            uint16_t Entry = PeRead16(Image->Bytes, At);
            Cursor->Entry += 2;
            if (Entry >> 12 == IMAGE_REL_BASED_ABSOLUTE) {
                continue;
            }
            if (Entry >> 12 != IMAGE_REL_BASED_DIR64) {
                return PeStepFail(Error, At, PeErrorRelocation,
                                  "a relocation on x64 must be of type ABSOLUTE (0) or DIR64 (10)");
            }
            uint64_t Page = PeRead32(Image->Bytes, Base + Cursor->Block);
            uint64_t Target = Page + (Entry & 0xfff);
            if (Target < Image->SizeOfHeaders || !PeRangeFits(Target, 8, Image->SizeOfImage)) {
                return PeStepFail(Error, At, PeErrorRelocation,
                                  "a relocation must change eight bytes inside the image, behind "
                                  "its headers");
            }
            *Rva = (uint32_t)Target;
            return PeStepItem;
        }
        Cursor->Block += BlockSize;
        Cursor->Entry = 0;
    }
    return PeStepEnd;
}

PE_STEP PeImageFunction(const PE_IMAGE *Image, uint32_t Index, PE_FUNCTION *Function,
                        PE_ERROR *Error)
{
    PE_DIRECTORY Directory = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    uint64_t Base;
    if (Directory.Rva == 0 || Index >= Directory.Size / FUNCTION_SIZE) {
        return PeStepEnd;
    }
    if (!PeImageRvaToFile(Image, Directory.Rva, Directory.Size, &Base)) {
        return PeStepFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_EXCEPTION),
                          PeErrorFunctionTable,
                          "the function table (.pdata) must lie inside the image's data");
    }
    uint64_t At = Base + (uint64_t)Index * FUNCTION_SIZE;
    Function->BeginRva = PeRead32(Image->Bytes, At);
    Function->EndRva = PeRead32(Image->Bytes, At + 4);
    Function->UnwindRva = PeRead32(Image->Bytes, At + 8);
    if (Function->BeginRva == 0 && Function->EndRva == 0) {
        return PeStepItem;
    }
    if (Function->BeginRva >= Function->EndRva || Function->EndRva > Image->SizeOfImage) {
        return PeStepFail(Error, At, PeErrorFunctionTable,
                          "a function's code must begin before it ends and lie inside the image");
    }
    /* Bit 0 says that the RVA is that of another entry, not of unwind codes. */
    if (!PeImageRvaInSection(Image, Function->UnwindRva & ~1u, 4)) {
        return PeStepFail(Error, At + 8, PeErrorFunctionTable,
                          "a function's unwind data must lie inside a section");
    }
    return PeStepItem;
}

/* The RVA of the pointer field at Field of the load configuration; false when it is outside. */
static bool PeConfigRva(const PE_IMAGE *Image, uint64_t At, uint32_t Size, uint32_t Field,
                        uint32_t *Rva)
{
    *Rva = 0;
    if (Size < Field + sizeof(uint64_t)) {
        return true;
    }
    uint64_t Address = PeRead64(Image->Bytes, At + Field);
    if (Address == 0) {
        return true;
    }
    uint64_t Distance = Address - Image->ImageBase;
    if (Address < Image->ImageBase || Distance >= Image->SizeOfImage ||
        !PeImageRvaInSection(Image, (uint32_t)Distance, sizeof(uint64_t))) {
        return false;
    }
    *Rva = (uint32_t)Distance;
    return true;
}

bool PeImageLoadConfig(const PE_IMAGE *Image, PE_LOAD_CONFIG *Config, PE_ERROR *Error)
{
    typedef IMAGE_LOAD_CONFIG_DIRECTORY64 CONFIG;
    PE_DIRECTORY Directory = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG);
    uint64_t At;
    *Config = (PE_LOAD_CONFIG){0};
    if (Directory.Rva == 0) {
        return PeFail(Error, 0, PeErrorNotFound, "the image has no load configuration");
    }
    if (!PeImageRvaToFile(Image, Directory.Rva, sizeof(uint32_t), &At) ||
        !PeImageRvaToFile(Image, Directory.Rva, PeRead32(Image->Bytes, At), &At)) {
        return PeFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG),
                      PeErrorLoadConfig, "the load configuration must lie inside the image's data");
    }
    Config->Size = PeRead32(Image->Bytes, At);
    if (Config->Size >= offsetof(CONFIG, GuardFlags) + sizeof(uint32_t)) {
        Config->GuardFlags = PeRead32(Image->Bytes, At + offsetof(CONFIG, GuardFlags));
    }
    if (!PeConfigRva(Image, At, Config->Size, offsetof(CONFIG, SecurityCookie),
                     &Config->SecurityCookieRva) ||
        !PeConfigRva(Image, At, Config->Size, offsetof(CONFIG, GuardCFCheckFunctionPointer),
                     &Config->GuardCheckPointerRva) ||
        !PeConfigRva(Image, At, Config->Size, offsetof(CONFIG, GuardCFDispatchFunctionPointer),
                     &Config->GuardDispatchPointerRva)) {
        return PeFail(Error, At, PeErrorLoadConfig,
                      "the addresses in the load configuration must lie inside the image");
    }
    return true;
}

/* One CodeView record of Size bytes at Offset, all readable. */
static bool PeReadCodeView(const PE_IMAGE *Image, uint64_t Offset, uint32_t Size,
                           PE_CODEVIEW *CodeView, PE_ERROR *Error)
{
    const uint8_t *Record = Image->Bytes + Offset;
    if (Size <= RSDS_PATH || PeRead32(Record, 0) != IMAGE_CODEVIEW_RSDS) {
        return PeFail(Error, Offset, PeErrorDebug, "only CodeView records of type RSDS are known");
    }
    __builtin_memcpy(CodeView->Guid, Record + RSDS_GUID, sizeof(CodeView->Guid));
    CodeView->Age = PeRead32(Record, RSDS_AGE);
    CodeView->Path = (const char *)Record + RSDS_PATH;
    for (uint32_t i = 0; i < Size - RSDS_PATH && i <= PE_MAX_PATH; i += 1) {
        if (CodeView->Path[i] == 0) {
            CodeView->PathLength = i;
            return true;
        }
    }
    return PeFail(Error, Offset + RSDS_PATH, PeErrorDebug,
                  "the PDB path must be a terminated string of at most 1024 bytes");
}

bool PeImageCodeView(const PE_IMAGE *Image, PE_CODEVIEW *CodeView, PE_ERROR *Error)
{
    typedef IMAGE_DEBUG_DIRECTORY ENTRY;
    PE_DIRECTORY Directory = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_DEBUG);
    uint32_t Count = Directory.Size / sizeof(ENTRY);
    uint64_t At;
    *CodeView = (PE_CODEVIEW){0};
    if (Directory.Rva == 0 || Count == 0) {
        return PeFail(Error, 0, PeErrorNotFound, "the image has no debug directory");
    }
    if (Count > PE_MAX_DEBUG_ENTRIES ||
        !PeImageRvaToFile(Image, Directory.Rva, Directory.Size, &At)) {
        return PeFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_DEBUG),
                      PeErrorDebug,
                      "the debug directory must lie inside the image's data and have at most 64 "
                      "entries");
    }
    for (uint32_t i = 0; i < Count; i += 1, At += sizeof(ENTRY)) {
        if (PeRead32(Image->Bytes, At + offsetof(ENTRY, Type)) != IMAGE_DEBUG_TYPE_CODEVIEW) {
            continue;
        }
        uint32_t Size = PeRead32(Image->Bytes, At + offsetof(ENTRY, SizeOfData));
        uint32_t Rva = PeRead32(Image->Bytes, At + offsetof(ENTRY, AddressOfRawData));
        uint64_t Record = PeRead32(Image->Bytes, At + offsetof(ENTRY, PointerToRawData));
        bool Inside = Image->Mapped ? PeImageRvaToFile(Image, Rva, Size, &Record)
                                    : PeRangeFits(Record, Size, Image->Size);
        if (!Inside) {
            return PeFail(Error, At, PeErrorDebug, "the CodeView record must lie inside the file");
        }
        return PeReadCodeView(Image, Record, Size, CodeView, Error);
    }
    return PeFail(Error, At, PeErrorNotFound, "the debug directory has no CodeView record");
}

static bool PeCheckImports(const PE_IMAGE *Image, PE_ERROR *Error)
{
    uint32_t Total = 0;
    for (uint32_t i = 0;; i += 1) {
        PE_IMPORT_DLL Dll;
        PE_STEP Step = PeImageImportDll(Image, i, &Dll, Error);
        if (Step != PeStepItem) {
            return Step == PeStepEnd;
        }
        for (uint32_t k = 0;; k += 1) {
            PE_IMPORT Import;
            Step = PeImageImport(Image, &Dll, k, &Import, Error);
            if (Step == PeStepError) {
                return false;
            }
            if (Step == PeStepEnd) {
                break;
            }
            Total += 1;
            if (Total > PE_MAX_IMPORTS) {
                return PeFail(Error,
                              PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_IMPORT),
                              PeErrorImport, "an image may have at most 65536 imports");
            }
        }
    }
}

static bool PeCheckExports(const PE_IMAGE *Image, PE_ERROR *Error)
{
    PE_EXPORT Export;
    PE_STEP Step = PeStepItem;
    for (uint32_t i = 0; Step == PeStepItem; i += 1) {
        Step = PeImageExport(Image, i, &Export, Error);
    }
    if (Step == PeStepError) {
        return false;
    }
    Step = PeStepItem;
    for (uint32_t i = 0; Step == PeStepItem; i += 1) {
        Step = PeImageNamedExport(Image, i, &Export, Error);
    }
    return Step == PeStepEnd;
}

bool PeCheckDirectories(const PE_IMAGE *Image, PE_ERROR *Error)
{
    PE_DIRECTORY Security = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_SECURITY);
    if (!PeRangeFits(Security.Rva, Security.Size, Image->Size)) {
        return PeFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_SECURITY),
                      PeErrorTruncated,
                      "the certificate table lies outside the file: the file is truncated");
    }
    if (!PeCheckImports(Image, Error) || !PeCheckExports(Image, Error)) {
        return false;
    }
    PE_RELOCATION_CURSOR Cursor = {0, 0};
    uint32_t Rva;
    PE_STEP Step = PeStepItem;
    while (Step == PeStepItem) {
        Step = PeImageRelocation(Image, &Cursor, &Rva, Error);
    }
    if (Step == PeStepError) {
        return false;
    }
    Step = PeStepItem;
    for (uint32_t i = 0; Step == PeStepItem; i += 1) {
        PE_FUNCTION Function;
        Step = PeImageFunction(Image, i, &Function, Error);
    }
    if (Step == PeStepError) {
        return false;
    }
    PE_LOAD_CONFIG Config;
    return PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG).Rva == 0 ||
           PeImageLoadConfig(Image, &Config, Error);
}
