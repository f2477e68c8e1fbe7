/* SPDX-License-Identifier: MIT */
/*
 * Headers and sections of a PE32+ image. Other parts: pe_directories.c, pe_exports.c, pe_load.c.
 *
 * Invariants that a successful open establishes, and the rest relies on:
 *  1. Every header and the section table lie within Size and within SizeOfHeaders.
 *  2. SizeOfHeaders <= SizeOfImage <= PE_MAX_IMAGE_SIZE; so an RVA plus a size fits 64 bits easily.
 *  3. Sections ascend by RVA without overlap, begin at or after SizeOfHeaders, end within
 *     SizeOfImage, and their FileBytes lie within Size (file layout).
 */
#include "lib/pe_bytes.h"

#define PE_PAGE_SIZE 4096u
#define PE_MIN_FILE_ALIGNMENT 512u
#define PE_MAX_FILE_ALIGNMENT 65536u
#define PE_MAX_HEADER_OFFSET 0x10000000u /* keeps sums of header offsets within 32 bits */

#define NT_OPTIONAL offsetof(IMAGE_NT_HEADERS64, OptionalHeader)
#define NT_FILE(field) \
    (offsetof(IMAGE_NT_HEADERS64, FileHeader) + offsetof(IMAGE_FILE_HEADER, field))
#define NT_OPT(field) (NT_OPTIONAL + offsetof(IMAGE_OPTIONAL_HEADER64, field))
#define SECTION(field) offsetof(IMAGE_SECTION_HEADER, field)

static bool PeLooksLikeText(const uint8_t *Bytes, uint64_t Size)
{
    uint64_t Length = Size < 64 ? Size : 64;
    for (uint64_t i = 0; i < Length; i += 1) {
        uint8_t c = Bytes[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f') {
            return false;
        }
        if (c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* The file does not begin with MZ: say what it is, if that can be seen. */
static bool PeFailNotMz(const uint8_t *Bytes, uint64_t Size, PE_ERROR *Error)
{
    if (Size == 0) {
        return PeFail(Error, 0, PeErrorEmpty, "the file is empty");
    }
    if (Size >= 4 && PeRead32(Bytes, 0) == 0x464c457f) {
        return PeFail(Error, 0, PeErrorElf, "this is an ELF file, not a Windows driver (no MZ)");
    }
    if (Size >= 4 && (PeRead32(Bytes, 0) == 0x04034b50 || PeRead32(Bytes, 0) == 0x4643534d)) {
        return PeFail(Error, 0, PeErrorArchive,
                      "this is a zip or cabinet archive: extract the driver from it first");
    }
    if (PeLooksLikeText(Bytes, Size)) {
        return PeFail(Error, 0, PeErrorText, "this is a text file, not a Windows driver (no MZ)");
    }
    if (Size >= sizeof(IMAGE_FILE_HEADER) && PeRead16(Bytes, 0) == IMAGE_FILE_MACHINE_AMD64 &&
        PeRead16(Bytes, offsetof(IMAGE_FILE_HEADER, SizeOfOptionalHeader)) == 0) {
        return PeFail(Error, 0, PeErrorObjectFile,
                      "this is an x64 object file: it has not been linked");
    }
    return PeFail(Error, 0, PeErrorNotMz, "a PE image must begin with the letters MZ");
}

/* Finds the PE header and checks that the machine is x64. */
static bool PeOpenNtHeaders(PE_IMAGE *Image, PE_ERROR *Error)
{
    const uint8_t *Bytes = Image->Bytes;
    if (Image->Size < 2 || PeRead16(Bytes, 0) != IMAGE_DOS_SIGNATURE) {
        return PeFailNotMz(Bytes, Image->Size, Error);
    }
    if (Image->Size < sizeof(IMAGE_DOS_HEADER)) {
        return PeFail(Error, Image->Size, PeErrorTruncated,
                      "the file ends inside the 64-byte DOS header");
    }
    uint32_t Offset = PeRead32(Bytes, offsetof(IMAGE_DOS_HEADER, e_lfanew));
    if (Offset > PE_MAX_HEADER_OFFSET || !PeRangeFits(Offset, NT_OPTIONAL + 2, Image->Size)) {
        return PeFail(Error, offsetof(IMAGE_DOS_HEADER, e_lfanew), PeErrorTruncated,
                      "e_lfanew must point to a PE header inside the file (is it truncated?)");
    }
    if (PeRead32(Bytes, Offset) != IMAGE_NT_SIGNATURE) {
        uint16_t Old = PeRead16(Bytes, Offset);
        if (Old == IMAGE_OS2_SIGNATURE || Old == IMAGE_VXD_SIGNATURE) {
            return PeFail(Error, Offset, PeErrorDos16,
                          "this is a 16-bit or VxD executable, not a PE image");
        }
        return PeFail(Error, Offset, PeErrorNotPe,
                      "e_lfanew must point to the signature PE\\0\\0 (is this a DOS program?)");
    }
    Image->NtHeaders = Offset;
    switch (PeRead16(Bytes, Offset + NT_FILE(Machine))) {
    case IMAGE_FILE_MACHINE_AMD64:
        break;
    case IMAGE_FILE_MACHINE_I386:
        return PeFail(Error, Offset + NT_FILE(Machine), PeErrorMachine32,
                      "this driver is for 32-bit x86 (machine 014c); x64 (machine 8664) is needed");
    case IMAGE_FILE_MACHINE_ARM64:
        return PeFail(Error, Offset + NT_FILE(Machine), PeErrorMachineArm64,
                      "this driver is for ARM64 (machine aa64); x64 (machine 8664) is needed");
    default:
        return PeFail(Error, Offset + NT_FILE(Machine), PeErrorMachine,
                      "this driver is for another processor; x64 (machine 8664) is needed");
    }
    return true;
}

/* The optional header's size, magic and directory count; then all of it may be read. */
static bool PeOpenOptionalHeader(PE_IMAGE *Image, PE_ERROR *Error)
{
    const uint8_t *Bytes = Image->Bytes;
    uint64_t Nt = Image->NtHeaders;
    uint32_t HeaderSize = PeRead16(Bytes, Nt + NT_FILE(SizeOfOptionalHeader));
    uint32_t Fixed = offsetof(IMAGE_OPTIONAL_HEADER64, DataDirectory);

    if (HeaderSize >= 2 && PeRead16(Bytes, Nt + NT_OPT(Magic)) == IMAGE_NT_OPTIONAL_HDR32_MAGIC) {
        return PeFail(Error, Nt + NT_OPT(Magic), PeErrorMachine32,
                      "this is a 32-bit PE32 image (magic 010b); PE32+ (magic 020b) is needed");
    }
    if (HeaderSize < Fixed) {
        return PeFail(Error, Nt + NT_FILE(SizeOfOptionalHeader), PeErrorOptionalHeader,
                      "SizeOfOptionalHeader must be at least 112 in a PE32+ image");
    }
    if (PeRead16(Bytes, Nt + NT_OPT(Magic)) != IMAGE_NT_OPTIONAL_HDR64_MAGIC) {
        return PeFail(Error, Nt + NT_OPT(Magic), PeErrorOptionalHeader,
                      "the optional header's magic must be 020b (PE32+)");
    }
    if (!PeRangeFits(Nt + NT_OPTIONAL, HeaderSize, Image->Size)) {
        return PeFail(Error, Image->Size, PeErrorTruncated,
                      "the file ends inside the optional header");
    }
    uint32_t Count = PeRead32(Bytes, Nt + NT_OPT(NumberOfRvaAndSizes));
    if (Count > IMAGE_NUMBEROF_DIRECTORY_ENTRIES) {
        Count = IMAGE_NUMBEROF_DIRECTORY_ENTRIES;
    }
    if (Fixed + Count * sizeof(IMAGE_DATA_DIRECTORY) > HeaderSize) {
        return PeFail(Error, Nt + NT_OPT(NumberOfRvaAndSizes), PeErrorOptionalHeader,
                      "the data directories must fit in SizeOfOptionalHeader");
    }
    Image->DirectoryCount = Count;
    Image->SectionTable = (uint32_t)(Nt + NT_OPTIONAL + HeaderSize);
    Image->SectionCount = PeRead16(Bytes, Nt + NT_FILE(NumberOfSections));
    Image->Characteristics = PeRead16(Bytes, Nt + NT_FILE(Characteristics));
    Image->TimeDateStamp = PeRead32(Bytes, Nt + NT_FILE(TimeDateStamp));
    Image->SymbolTable = PeRead32(Bytes, Nt + NT_FILE(PointerToSymbolTable));
    Image->LinkerVersion = (uint16_t)(Bytes[Nt + NT_OPT(MajorLinkerVersion)] << 8 |
                                      Bytes[Nt + NT_OPT(MinorLinkerVersion)]);
    Image->SubsystemVersion =
        (uint16_t)((PeRead16(Bytes, Nt + NT_OPT(MajorSubsystemVersion)) & 0xff) << 8 |
                   (PeRead16(Bytes, Nt + NT_OPT(MinorSubsystemVersion)) & 0xff));
    Image->DllCharacteristics = PeRead16(Bytes, Nt + NT_OPT(DllCharacteristics));
    Image->CheckSum = PeRead32(Bytes, Nt + NT_OPT(CheckSum));
    Image->EntryPoint = PeRead32(Bytes, Nt + NT_OPT(AddressOfEntryPoint));
    Image->SectionAlignment = PeRead32(Bytes, Nt + NT_OPT(SectionAlignment));
    Image->FileAlignment = PeRead32(Bytes, Nt + NT_OPT(FileAlignment));
    Image->SizeOfHeaders = PeRead32(Bytes, Nt + NT_OPT(SizeOfHeaders));
    Image->SizeOfImage = PeRead32(Bytes, Nt + NT_OPT(SizeOfImage));
    Image->ImageBase = PeRead64(Bytes, Nt + NT_OPT(ImageBase));
    return true;
}

static bool PeCheckKind(const PE_IMAGE *Image, PE_ERROR *Error)
{
    uint64_t Nt = Image->NtHeaders;
    if ((Image->Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE) == 0) {
        return PeFail(Error, Nt + NT_FILE(Characteristics), PeErrorNotLinked,
                      "IMAGE_FILE_EXECUTABLE_IMAGE must be set: linking was not finished");
    }
    if (PeRead16(Image->Bytes, Nt + NT_OPT(Subsystem)) != IMAGE_SUBSYSTEM_NATIVE) {
        return PeFail(Error, Nt + NT_OPT(Subsystem), PeErrorSubsystem,
                      "the subsystem must be NATIVE (1): this is a user-mode program or DLL");
    }
    PE_DIRECTORY Com = PeImageDirectory(Image, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
    if (Com.Rva != 0) {
        return PeFail(Error, PeDirectoryEntryOffset(Image, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR),
                      PeErrorDotNet, "this is a .NET assembly, not a driver");
    }
    return true;
}

static bool PeCheckAlignment(PE_IMAGE *Image, PE_ERROR *Error)
{
    uint64_t Nt = Image->NtHeaders;
    if (!PeIsPowerOfTwo(Image->FileAlignment)) {
        return PeFail(Error, Nt + NT_OPT(FileAlignment), PeErrorAlignment,
                      "FileAlignment must be a power of two");
    }
    if (!PeIsPowerOfTwo(Image->SectionAlignment)) {
        return PeFail(Error, Nt + NT_OPT(SectionAlignment), PeErrorAlignment,
                      "SectionAlignment must be a power of two");
    }
    if (Image->SectionAlignment < PE_PAGE_SIZE) {
        if (Image->FileAlignment != Image->SectionAlignment) {
            return PeFail(Error, Nt + NT_OPT(SectionAlignment), PeErrorAlignment,
                          "SectionAlignment below 4096 must equal FileAlignment");
        }
        Image->Flat = true;
        return true;
    }
    if (Image->FileAlignment < PE_MIN_FILE_ALIGNMENT ||
        Image->FileAlignment > PE_MAX_FILE_ALIGNMENT ||
        Image->FileAlignment > Image->SectionAlignment) {
        return PeFail(Error, Nt + NT_OPT(FileAlignment), PeErrorAlignment,
                      "FileAlignment must be 512 to 65536 and at most SectionAlignment");
    }
    return true;
}

static bool PeCheckSizes(const PE_IMAGE *Image, PE_ERROR *Error)
{
    uint64_t Nt = Image->NtHeaders;
    if (Image->SizeOfImage == 0 || Image->SizeOfImage > PE_MAX_IMAGE_SIZE) {
        return PeFail(Error, Nt + NT_OPT(SizeOfImage), PeErrorImageSize,
                      "SizeOfImage must be above 0 and at most 2 GB");
    }
    if (Image->SizeOfHeaders > Image->SizeOfImage) {
        return PeFail(Error, Nt + NT_OPT(SizeOfHeaders), PeErrorHeaderSize,
                      "SizeOfHeaders must not exceed SizeOfImage");
    }
    if (Image->SizeOfHeaders > Image->Size) {
        return PeFail(Error, Image->Size, PeErrorTruncated, "the file ends inside its headers");
    }
    if (Image->Mapped && Image->SizeOfImage > Image->Size) {
        return PeFail(Error, Nt + NT_OPT(SizeOfImage), PeErrorImageSize,
                      "SizeOfImage exceeds the memory that the image occupies");
    }
    if (Image->SectionCount == 0 || Image->SectionCount > PE_MAX_SECTIONS) {
        return PeFail(Error, Nt + NT_FILE(NumberOfSections), PeErrorSectionCount,
                      "NumberOfSections must be 1 to 96");
    }
    uint64_t TableSize = Image->SectionCount * sizeof(IMAGE_SECTION_HEADER);
    if (!PeRangeFits(Image->SectionTable, TableSize, Image->SizeOfHeaders)) {
        return PeFail(Error, Nt + NT_OPT(SizeOfHeaders), PeErrorHeaderSize,
                      "the section table must lie within SizeOfHeaders");
    }
    return true;
}

/* One section; *NextRva is where the one before it ends, and is moved on. */
static bool PeCheckSection(const PE_IMAGE *Image, uint32_t Index, uint64_t *NextRva,
                           PE_ERROR *Error)
{
    uint64_t At = Image->SectionTable + Index * sizeof(IMAGE_SECTION_HEADER);
    PE_SECTION Section;
    PeImageSection(Image, Index, &Section);

    if (Section.Rva & (Image->SectionAlignment - 1)) {
        return PeFail(Error, At + SECTION(VirtualAddress), PeErrorSectionPlace,
                      "a section's VirtualAddress must be a multiple of SectionAlignment");
    }
    if (Section.Rva < *NextRva) {
        return PeFail(Error, At + SECTION(VirtualAddress), PeErrorSectionOverlap,
                      Index == 0 ? "the first section overlaps the headers in memory"
                                 : "a section overlaps the one before it in memory");
    }
    if (!Image->Flat && Index > 0 && Section.Rva != *NextRva) {
        return PeFail(Error, At + SECTION(VirtualAddress), PeErrorSectionPlace,
                      "sections must be adjacent in memory: there is a hole before this one");
    }
    /* Not MappedSize, which cannot hold a size near 4 GB rounded up. */
    uint64_t End = Section.Rva + PeAlignUp(Section.VirtualSize, Image->SectionAlignment);
    uint64_t Limit = PeAlignUp(Image->SizeOfImage, Image->SectionAlignment);
    if (End > Limit || (uint64_t)Section.Rva + Section.VirtualSize > Image->SizeOfImage) {
        return PeFail(Error, At + SECTION(Misc), PeErrorSectionPlace,
                      "a section must end within SizeOfImage");
    }
    *NextRva = End;
    if (Image->Mapped || Section.RawSize == 0) {
        return true;
    }
    if (Section.RawOffset & ((Image->Flat ? Image->FileAlignment : PE_MIN_FILE_ALIGNMENT) - 1)) {
        return PeFail(Error, At + SECTION(PointerToRawData), PeErrorSectionData,
                      "a section's PointerToRawData must be aligned as FileAlignment demands");
    }
    if (Image->Flat && Section.RawOffset != Section.Rva) {
        return PeFail(Error, At + SECTION(PointerToRawData), PeErrorSectionData,
                      "with SectionAlignment below 4096, PointerToRawData must equal "
                      "VirtualAddress");
    }
    if (!PeRangeFits(Section.RawOffset, Section.RawSize, Image->Size)) {
        return PeFail(Error, At + SECTION(SizeOfRawData), PeErrorTruncated,
                      "a section's data lies outside the file: the file is truncated");
    }
    return true;
}

static bool PeCheckSections(const PE_IMAGE *Image, PE_ERROR *Error)
{
    uint64_t NextRva = Image->SizeOfHeaders;
    for (uint32_t i = 0; i < Image->SectionCount; i += 1) {
        if (!PeCheckSection(Image, i, &NextRva, Error)) {
            return false;
        }
    }
    if (Image->EntryPoint != 0 && !PeImageRvaInSection(Image, Image->EntryPoint, 1)) {
        return PeFail(Error, Image->NtHeaders + NT_OPT(AddressOfEntryPoint), PeErrorEntryPoint,
                      "AddressOfEntryPoint must be 0 or lie inside a section");
    }
    return true;
}

static bool PeOpenHeaders(PE_IMAGE *Image, PE_ERROR *Error)
{
    PeFail(Error, 0, PeErrorNone, "");
    return PeOpenNtHeaders(Image, Error) && PeOpenOptionalHeader(Image, Error) &&
           PeCheckKind(Image, Error) && PeCheckAlignment(Image, Error) &&
           PeCheckSizes(Image, Error) && PeCheckSections(Image, Error);
}

bool PeImageOpen(PE_IMAGE *Image, const void *File, size_t Size, PE_ERROR *Error)
{
    *Image = (PE_IMAGE){.Bytes = File, .Size = Size};
    return PeOpenHeaders(Image, Error) && PeCheckDirectories(Image, Error);
}

bool PeMappedOpen(PE_IMAGE *Image, const void *Base, size_t Size, PE_ERROR *Error)
{
    *Image = (PE_IMAGE){.Bytes = Base, .Size = Size, .Mapped = true};
    return PeOpenHeaders(Image, Error);
}

void PeImageSection(const PE_IMAGE *Image, uint32_t Index, PE_SECTION *Section)
{
    uint64_t At = Image->SectionTable + (uint64_t)Index * sizeof(IMAGE_SECTION_HEADER);
    const uint8_t *Bytes = Image->Bytes;

    *Section = (PE_SECTION){.Index = Index};
    __builtin_memcpy(Section->Name, Bytes + At + SECTION(Name), IMAGE_SIZEOF_SHORT_NAME);
    Section->Characteristics = PeRead32(Bytes, At + SECTION(Characteristics));
    Section->Rva = PeRead32(Bytes, At + SECTION(VirtualAddress));
    Section->VirtualSize = PeRead32(Bytes, At + SECTION(Misc));
    Section->RawOffset = PeRead32(Bytes, At + SECTION(PointerToRawData));
    Section->RawSize = PeRead32(Bytes, At + SECTION(SizeOfRawData));
    if (Section->RawOffset == 0) {
        Section->RawSize = 0; /* uninitialised data: old linkers put its size here too */
    }
    if (Section->VirtualSize == 0) {
        Section->VirtualSize = PeRead32(Bytes, At + SECTION(SizeOfRawData));
    }
    Section->MappedSize = (uint32_t)PeAlignUp(Section->VirtualSize, Image->SectionAlignment);
    Section->FileBytes =
        Section->RawSize < Section->MappedSize ? Section->RawSize : Section->MappedSize;
    /* The last section of a flat image may be rounded up past SizeOfImage. */
    if (Section->FileBytes > Image->SizeOfImage - Section->Rva) {
        Section->FileBytes = Image->SizeOfImage - Section->Rva;
    }
}

bool PeImageSectionOfRva(const PE_IMAGE *Image, uint32_t Rva, PE_SECTION *Section)
{
    for (uint32_t i = 0; i < Image->SectionCount; i += 1) {
        PeImageSection(Image, i, Section);
        if (Rva >= Section->Rva && Rva - Section->Rva < Section->MappedSize &&
            Rva < Image->SizeOfImage) {
            return true;
        }
    }
    return false;
}

bool PeImageFindSection(const PE_IMAGE *Image, const char *Name, PE_SECTION *Section)
{
    for (uint32_t i = 0; i < Image->SectionCount; i += 1) {
        PeImageSection(Image, i, Section);
        uint32_t n = 0;
        while (Section->Name[n] != 0 && Section->Name[n] == Name[n]) {
            n += 1;
        }
        if (Section->Name[n] == Name[n]) {
            return true;
        }
    }
    return false;
}

bool PeSectionIsPageable(const PE_SECTION *Section)
{
    static const char Edata[IMAGE_SIZEOF_SHORT_NAME + 1] = ".edata";
    return __builtin_memcmp(Section->Name, "PAGE", 4) == 0 ||
           __builtin_memcmp(Section->Name, Edata, sizeof(".edata")) == 0;
}

PE_DIRECTORY PeImageDirectory(const PE_IMAGE *Image, uint32_t Index)
{
    PE_DIRECTORY Directory = {0, 0};
    if (Index < Image->DirectoryCount) {
        uint64_t At = PeDirectoryEntryOffset(Image, Index);
        Directory.Rva = PeRead32(Image->Bytes, At);
        Directory.Size = PeRead32(Image->Bytes, At + 4);
    }
    return Directory;
}

bool PeImageRvaInSection(const PE_IMAGE *Image, uint32_t Rva, uint64_t Length)
{
    PE_SECTION Section;
    if (!PeImageSectionOfRva(Image, Rva, &Section)) {
        return false;
    }
    return PeRangeFits(Rva - Section.Rva, Length, Section.MappedSize) &&
           PeRangeFits(Rva, Length, Image->SizeOfImage);
}

/* How many bytes from an RVA on come from the file and lie together; 0: none. */
static uint64_t PeFileBytesAt(const PE_IMAGE *Image, uint32_t Rva, uint64_t *Offset)
{
    PE_SECTION Section;
    if (Rva < Image->SizeOfHeaders) {
        *Offset = Rva;
        return Image->SizeOfHeaders - Rva;
    }
    if (!PeImageSectionOfRva(Image, Rva, &Section)) {
        return 0;
    }
    uint32_t Inside = Rva - Section.Rva;
    if (Image->Mapped) {
        uint64_t End = (uint64_t)Section.Rva + Section.MappedSize;
        *Offset = Rva;
        return (End < Image->SizeOfImage ? End : Image->SizeOfImage) - Rva;
    }
    if (Inside >= Section.FileBytes) {
        return 0;
    }
    *Offset = (uint64_t)Section.RawOffset + Inside;
    return Section.FileBytes - Inside;
}

bool PeImageRvaToFile(const PE_IMAGE *Image, uint32_t Rva, uint64_t Length, uint64_t *Offset)
{
    uint64_t Available = PeFileBytesAt(Image, Rva, Offset);
    return Available != 0 && Length <= Available;
}

const void *PeImageRvaToPointer(const PE_IMAGE *Image, uint32_t Rva, uint64_t Length)
{
    uint64_t Offset;
    return PeImageRvaToFile(Image, Rva, Length, &Offset) ? Image->Bytes + Offset : NULL;
}

bool PeImageString(const PE_IMAGE *Image, uint32_t Rva, uint32_t Limit, const char **String,
                   uint32_t *Length)
{
    uint64_t Offset;
    uint64_t Available = PeFileBytesAt(Image, Rva, &Offset);
    for (uint32_t i = 0; i <= Limit && i < Available; i += 1) {
        if (Image->Bytes[Offset + i] == 0) {
            *String = (const char *)Image->Bytes + Offset;
            *Length = i;
            return true;
        }
    }
    return false;
}

bool PeImageChecksumMatches(const PE_IMAGE *Image, uint32_t *Computed)
{
    uint64_t Field = Image->NtHeaders + NT_OPT(CheckSum);
    uint64_t Sum = 0;
    /* Ones' complement sum of 16-bit words without the field itself, plus the length. */
    for (uint64_t i = 0; i + 1 < Image->Size; i += 2) {
        Sum += PeRead16(Image->Bytes, i);
    }
    if (Image->Size & 1) {
        Sum += Image->Bytes[Image->Size - 1];
    }
    if (Field & 1) {
        Sum -= (uint64_t)Image->Bytes[Field] << 8;
        Sum -= PeRead16(Image->Bytes, Field + 1);
        Sum -= Image->Bytes[Field + 3];
    } else {
        Sum -= (uint64_t)PeRead16(Image->Bytes, Field) + PeRead16(Image->Bytes, Field + 2);
    }
    while (Sum >> 16 != 0) {
        Sum = (Sum & 0xffff) + (Sum >> 16);
    }
    *Computed = (uint32_t)(Sum + Image->Size);
    return *Computed == Image->CheckSum;
}
