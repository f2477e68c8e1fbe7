/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/pe_sample.h"

#include <stdlib.h>
#include <string.h>

#include "lib/pe_image.h"

#define MAX_LOADED (4u << 20)

static void Put16(uint8_t *File, uint32_t At, uint16_t Value)
{
    memcpy(File + At, &Value, sizeof(Value));
}

static void Put32(uint8_t *File, uint32_t At, uint32_t Value)
{
    memcpy(File + At, &Value, sizeof(Value));
}

static void Put64(uint8_t *File, uint32_t At, uint64_t Value)
{
    memcpy(File + At, &Value, sizeof(Value));
}

static void PutText(uint8_t *File, uint32_t At, const char *Text)
{
    memcpy(File + At, Text, strlen(Text) + 1);
}

static void PutDirectory(uint8_t *File, uint32_t Index, uint32_t Rva, uint32_t Size)
{
    Put32(File, SAMPLE_DIRECTORY(Index), Rva);
    Put32(File, SAMPLE_DIRECTORY(Index) + 4, Size);
}

static void PutSection(uint8_t *File, uint32_t n, const char *Name, uint32_t Rva, uint32_t Size,
                       uint32_t Raw, uint32_t RawSize, uint32_t Characteristics)
{
    memcpy(File + SAMPLE_SECTION(n, Name), Name, strlen(Name));
    Put32(File, SAMPLE_SECTION(n, Misc), Size);
    Put32(File, SAMPLE_SECTION(n, VirtualAddress), Rva);
    Put32(File, SAMPLE_SECTION(n, SizeOfRawData), RawSize);
    Put32(File, SAMPLE_SECTION(n, PointerToRawData), Raw);
    Put32(File, SAMPLE_SECTION(n, Characteristics), Characteristics);
}

static void PutHeaders(uint8_t *File)
{
    Put16(File, 0, IMAGE_DOS_SIGNATURE);
    Put32(File, 60, SAMPLE_NT);
    Put32(File, SAMPLE_NT, IMAGE_NT_SIGNATURE);
    Put16(File, SAMPLE_FILE(Machine), IMAGE_FILE_MACHINE_AMD64);
    Put16(File, SAMPLE_FILE(NumberOfSections), 6);
    Put16(File, SAMPLE_FILE(SizeOfOptionalHeader), sizeof(IMAGE_OPTIONAL_HEADER64));
    Put16(File, SAMPLE_FILE(Characteristics),
          IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_LARGE_ADDRESS_AWARE);
    Put16(File, SAMPLE_OPT(Magic), IMAGE_NT_OPTIONAL_HDR64_MAGIC);
    Put32(File, SAMPLE_OPT(AddressOfEntryPoint), 0x6000);
    Put64(File, SAMPLE_OPT(ImageBase), SAMPLE_BASE);
    Put32(File, SAMPLE_OPT(SectionAlignment), 0x1000);
    Put32(File, SAMPLE_OPT(FileAlignment), 0x200);
    Put16(File, SAMPLE_OPT(MajorSubsystemVersion), 10);
    Put32(File, SAMPLE_OPT(SizeOfImage), SAMPLE_IMAGE_SIZE);
    Put32(File, SAMPLE_OPT(SizeOfHeaders), 0x400);
    Put16(File, SAMPLE_OPT(Subsystem), IMAGE_SUBSYSTEM_NATIVE);
    Put32(File, SAMPLE_OPT(NumberOfRvaAndSizes), 16);
    PutDirectory(File, IMAGE_DIRECTORY_ENTRY_EXPORT, 0x2200, 0x100);
    PutDirectory(File, IMAGE_DIRECTORY_ENTRY_IMPORT, 0x6020, 80);
    PutDirectory(File, IMAGE_DIRECTORY_ENTRY_EXCEPTION, 0x2060, 24);
    PutDirectory(File, IMAGE_DIRECTORY_ENTRY_BASERELOC, 0x7000, 24);
    PutDirectory(File, IMAGE_DIRECTORY_ENTRY_DEBUG, 0x2140, 28);
    PutDirectory(File, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, 0x20a0, 0x94);
    PutSection(File, 0, ".text", 0x1000, 0x180, 0x400, 0x200, 0x68000020);
    PutSection(File, 1, ".rdata", 0x2000, 0x400, 0x600, 0x400, 0x48000040);
    PutSection(File, 2, ".data", 0x3000, 0x1100, 0xa00, 0x200, 0xc8000040);
    PutSection(File, 3, "PAGE", 0x5000, 0x1000, 0, 0, 0x60000020);
    PutSection(File, 4, "INIT", 0x6000, 0x200, 0xc00, 0x200, 0xe2000020);
    PutSection(File, 5, ".reloc", 0x7000, 0x18, 0xe00, 0x200, 0x42000040);
}

/* Two descriptors for ntoskrnl.exe, as two import libraries make them, and one for hal.dll. */
static void PutImports(uint8_t *File)
{
    static const struct {
        uint32_t Lookup, Slots, Name;
    } Dll[3] = {{0x6080, 0x2000, 0x6180}, {0x60a0, 0x2020, 0x6190}, {0x60b0, 0x2040, 0x6180}};
    for (uint32_t i = 0; i < 3; i += 1) {
        uint32_t At = SAMPLE_INIT(0x6020 + 20 * i);
        Put32(File, At, Dll[i].Lookup);
        Put32(File, At + 12, Dll[i].Name);
        Put32(File, At + 16, Dll[i].Slots);
    }
    PutText(File, SAMPLE_INIT(0x6180), "ntoskrnl.exe");
    PutText(File, SAMPLE_INIT(0x6190), "HAL.dll");
    Put16(File, SAMPLE_INIT(0x60e0), 7);
    PutText(File, SAMPLE_INIT(0x60e2), "IoCreateDevice");
    PutText(File, SAMPLE_INIT(0x6102), "IoDeleteDevice");
    PutText(File, SAMPLE_INIT(0x6122), "KeStallExecutionProcessor");
    Put64(File, SAMPLE_INIT(0x6080), 0x60e0);
    Put64(File, SAMPLE_INIT(0x6088), 0x6100);
    Put64(File, SAMPLE_INIT(0x60a0), 0x6120);
    Put64(File, SAMPLE_INIT(0x60b0), IMAGE_ORDINAL_FLAG64 | 42);
    memcpy(File + SAMPLE_RDATA(0x2000), File + SAMPLE_INIT(0x6080), 0x18);
    memcpy(File + SAMPLE_RDATA(0x2020), File + SAMPLE_INIT(0x60a0), 0x10);
    memcpy(File + SAMPLE_RDATA(0x2040), File + SAMPLE_INIT(0x60b0), 0x10);
}

/* Alpha at 1010, Beta (data) at 3080, Gamma forwarded; names sorted; ordinal base 5. */
static void PutExports(uint8_t *File)
{
    uint32_t At = SAMPLE_RDATA(0x2200);
    Put32(File, At + 16, 5);
    Put32(File, At + 20, 4);
    Put32(File, At + 24, 3);
    Put32(File, At + 28, 0x2240);
    Put32(File, At + 32, 0x2250);
    Put32(File, At + 36, 0x2260);
    Put32(File, SAMPLE_RDATA(0x2240), 0x1010);
    Put32(File, SAMPLE_RDATA(0x2244), 0);
    Put32(File, SAMPLE_RDATA(0x2248), 0x3080);
    Put32(File, SAMPLE_RDATA(0x224c), 0x22a0);
    Put32(File, SAMPLE_RDATA(0x2250), 0x2270);
    Put32(File, SAMPLE_RDATA(0x2254), 0x2278);
    Put32(File, SAMPLE_RDATA(0x2258), 0x2280);
    Put16(File, SAMPLE_RDATA(0x2260), 0);
    Put16(File, SAMPLE_RDATA(0x2262), 2);
    Put16(File, SAMPLE_RDATA(0x2264), 3);
    PutText(File, SAMPLE_RDATA(0x2270), "Alpha");
    PutText(File, SAMPLE_RDATA(0x2278), "Beta");
    PutText(File, SAMPLE_RDATA(0x2280), "Gamma");
    PutText(File, SAMPLE_RDATA(0x22a0), "OTHER.Gamma");
}

void SampleBuild(uint8_t File[SAMPLE_SIZE])
{
    memset(File, 0, SAMPLE_SIZE);
    PutHeaders(File);
    memset(File + 0x400, 0xcc, 0x200);
    PutImports(File);
    PutExports(File);
    Put32(File, SAMPLE_RDATA(0x2060), 0x1000);
    Put32(File, SAMPLE_RDATA(0x2064), 0x1080);
    Put32(File, SAMPLE_RDATA(0x2068), 0x2080);
    Put32(File, SAMPLE_RDATA(0x206c), 0x1080);
    Put32(File, SAMPLE_RDATA(0x2070), 0x1100);
    Put32(File, SAMPLE_RDATA(0x2074), 0x2084);
    Put32(File, SAMPLE_RDATA(0x20a0), 0x94);
    Put64(File, SAMPLE_RDATA(0x20a0 + 88), SAMPLE_BASE + 0x3040);
    Put64(File, SAMPLE_RDATA(0x20a0 + 112), SAMPLE_BASE + 0x2100);
    Put32(File, SAMPLE_RDATA(0x2140 + 12), IMAGE_DEBUG_TYPE_CODEVIEW);
    Put32(File, SAMPLE_RDATA(0x2140 + 16), 24 + sizeof("sample.pdb"));
    Put32(File, SAMPLE_RDATA(0x2140 + 20), 0x2160);
    Put32(File, SAMPLE_RDATA(0x2140 + 24), SAMPLE_RDATA(0x2160));
    Put32(File, SAMPLE_RDATA(0x2160), IMAGE_CODEVIEW_RSDS);
    memset(File + SAMPLE_RDATA(0x2164), 0xab, 16);
    Put32(File, SAMPLE_RDATA(0x2174), 3);
    PutText(File, SAMPLE_RDATA(0x2178), "sample.pdb");
    Put64(File, SAMPLE_DATA(0x3000), SAMPLE_BASE + 0x1010);
    Put32(File, SAMPLE_RELOC(0x7000), 0x3000);
    Put32(File, SAMPLE_RELOC(0x7004), 12);
    Put16(File, SAMPLE_RELOC(0x7008), IMAGE_REL_BASED_DIR64 << 12);
    Put32(File, SAMPLE_RELOC(0x700c), 0x2000); /* the load configuration's two pointers */
    Put32(File, SAMPLE_RELOC(0x7010), 12);
    Put16(File, SAMPLE_RELOC(0x7014), IMAGE_REL_BASED_DIR64 << 12 | (0x0a0 + 88));
    Put16(File, SAMPLE_RELOC(0x7016), IMAGE_REL_BASED_DIR64 << 12 | (0x0a0 + 112));

    PE_IMAGE Image;
    PE_ERROR Error;
    uint32_t CheckSum;
    if (PeImageOpen(&Image, File, SAMPLE_SIZE, &Error)) {
        PeImageChecksumMatches(&Image, &CheckSum);
        Put32(File, SAMPLE_OPT(CheckSum), CheckSum);
    }
}

static volatile uint64_t Sink; /* keeps the reads alive */

static void Require(bool Condition)
{
    if (!Condition) {
        abort();
    }
}

static void WalkImports(const PE_IMAGE *Image, bool MustSucceed)
{
    PE_ERROR Error;
    PE_IMPORT_DLL Dll;
    PE_STEP Step;
    for (uint32_t i = 0; (Step = PeImageImportDll(Image, i, &Dll, &Error)) == PeStepItem; i += 1) {
        PE_IMPORT Import;
        Sink += strlen(Dll.Name) - Dll.NameLength;
        for (uint32_t k = 0;
             (Step = PeImageImport(Image, &Dll, k, &Import, &Error)) == PeStepItem; k += 1) {
            Sink += Import.Name != NULL ? strlen(Import.Name) : Import.Ordinal;
            Require(Import.SlotRva <= Image->SizeOfImage - 8);
        }
        Require(!MustSucceed || Step == PeStepEnd);
    }
    Require(!MustSucceed || Step == PeStepEnd);
}

static void WalkExports(const PE_IMAGE *Image, bool MustSucceed)
{
    PE_ERROR Error;
    PE_EXPORT Export;
    PE_STEP Step;
    uint32_t Rva;
    for (uint32_t i = 0; (Step = PeImageExport(Image, i, &Export, &Error)) == PeStepItem; i += 1) {
        PeImageFindExportOrdinal(Image, Export.Ordinal, &Rva, &Error);
    }
    Require(!MustSucceed || Step == PeStepEnd);
    for (uint32_t i = 0; (Step = PeImageNamedExport(Image, i, &Export, &Error)) == PeStepItem;
         i += 1) {
        if (PeImageFindExport(Image, Export.Name, &Rva, &Error)) {
            Require(Rva < Image->SizeOfImage);
        }
    }
    Require(!MustSucceed || Step == PeStepEnd);
}

static void Walk(const PE_IMAGE *Image, bool MustSucceed)
{
    PE_ERROR Error;
    PE_STEP Step;
    PE_SECTION Section;
    uint32_t Rva;
    for (uint32_t i = 0; i < Image->SectionCount; i += 1) {
        PeImageSection(Image, i, &Section);
        Sink += PeSectionIsPageable(&Section) + PeImageFindSection(Image, Section.Name, &Section);
        const uint8_t *Bytes = PeImageRvaToPointer(Image, Section.Rva, Section.FileBytes);
        if (Bytes != NULL && Section.FileBytes != 0) {
            Sink += Bytes[0] + Bytes[Section.FileBytes - 1];
        }
    }
    WalkImports(Image, MustSucceed);
    WalkExports(Image, MustSucceed);
    PE_RELOCATION_CURSOR Cursor = {0, 0};
    while ((Step = PeImageRelocation(Image, &Cursor, &Rva, &Error)) == PeStepItem) {
        Require(Rva <= Image->SizeOfImage - 8);
    }
    Require(!MustSucceed || Step == PeStepEnd);
    PE_FUNCTION Function;
    for (uint32_t i = 0; (Step = PeImageFunction(Image, i, &Function, &Error)) == PeStepItem;
         i += 1) {
        Sink += Function.BeginRva;
    }
    Require(!MustSucceed || Step == PeStepEnd);
    PE_LOAD_CONFIG Config;
    PE_CODEVIEW CodeView;
    Sink += PeImageLoadConfig(Image, &Config, &Error);
    if (PeImageCodeView(Image, &CodeView, &Error)) {
        Require(strlen(CodeView.Path) == CodeView.PathLength);
    }
}

bool SampleExercise(const uint8_t *File, size_t Size)
{
    PE_IMAGE Image;
    PE_ERROR Error;
    if (!PeImageOpen(&Image, File, Size, &Error)) {
        Require(Error.Code != PeErrorNone && Error.Rule[0] != 0 && Error.Offset <= Size);
        return false;
    }
    uint32_t CheckSum;
    Sink += PeImageChecksumMatches(&Image, &CheckSum);
    Walk(&Image, true);
    if (Image.SizeOfImage > MAX_LOADED) {
        return true;
    }
    uint8_t *Memory = malloc(Image.SizeOfImage);
    uint8_t *Zeroed = calloc(1, Image.SizeOfImage);
    Require(Memory != NULL && Zeroed != NULL);
    memset(Memory, 0x5a, Image.SizeOfImage);
    uint64_t Base = Image.ImageBase + 0x123450000ull;
    bool Loaded = PeImageLoad(&Image, Memory, Image.SizeOfImage, Base, &Error);
    Require(Loaded == PeImageLoadZeroed(&Image, Zeroed, Image.SizeOfImage, Base, &Error));
    if (Loaded) {
        PE_IMAGE Mapped;
        Require(memcmp(Memory, Zeroed, Image.SizeOfImage) == 0);
        Require(PeMappedOpen(&Mapped, Memory, Image.SizeOfImage, &Error));
        Require(Mapped.ImageBase == Base);
        Walk(&Mapped, false);
        Sink += PeMappedFindExport(Memory, Image.SizeOfImage, "Alpha") != NULL;
    }
    free(Memory);
    free(Zeroed);
    return true;
}
