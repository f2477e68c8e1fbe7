/* SPDX-License-Identifier: MIT */
/* sources: lib/pe_image.c lib/pe_exports.c lib/pe_directories.c lib/pe_load.c tests/fuzz/pe_sample.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pe_image.h"
#include "tests/fuzz/pe_sample.h"

static uint8_t File[SAMPLE_SIZE];
static PE_IMAGE Image;
static PE_ERROR Error;

static int Setup(void **state)
{
    SampleBuild(File);
    return 0;
}

static void Put(uint32_t At, uint64_t Value, size_t Bytes)
{
    memcpy(File + At, &Value, Bytes);
}

static bool Open(void)
{
    return PeImageOpen(&Image, File, SAMPLE_SIZE, &Error);
}

static void OpensSample(void **state)
{
    uint32_t CheckSum;
    assert_true(Open());
    assert_int_equal(Error.Code, PeErrorNone);
    assert_int_equal(Image.SectionCount, 6);
    assert_int_equal(Image.EntryPoint, 0x6000);
    assert_int_equal(Image.SizeOfImage, SAMPLE_IMAGE_SIZE);
    assert_true(PeImageChecksumMatches(&Image, &CheckSum));
    File[0x410] ^= 1;
    assert_true(Open());
    assert_false(PeImageChecksumMatches(&Image, &CheckSum));
}

static void DescribesSections(void **state)
{
    PE_SECTION Section;
    assert_true(Open());
    PeImageSection(&Image, 2, &Section);
    assert_string_equal(Section.Name, ".data");
    assert_int_equal(Section.VirtualSize, 0x1100);
    assert_int_equal(Section.MappedSize, 0x2000);
    assert_int_equal(Section.FileBytes, 0x200);
    assert_false(PeSectionIsPageable(&Section));
    assert_true(PeImageFindSection(&Image, "PAGE", &Section));
    assert_true(PeSectionIsPageable(&Section));
    assert_int_equal(Section.Rva, 0x5000);
    assert_int_equal(Section.FileBytes, 0);
    assert_false(PeImageFindSection(&Image, "PAG", &Section));
    assert_true(PeImageSectionOfRva(&Image, 0x4fff, &Section));
    assert_int_equal(Section.Index, 2);
    assert_false(PeImageSectionOfRva(&Image, 0x3ff, &Section));
    assert_false(PeImageSectionOfRva(&Image, 0x8000, &Section));
    uint64_t Offset;
    assert_true(PeImageRvaToFile(&Image, 0x3010, 0x1f0, &Offset));
    assert_int_equal(Offset, 0xa10);
    assert_false(PeImageRvaToFile(&Image, 0x3010, 0x1f1, &Offset));
    assert_false(PeImageRvaToFile(&Image, 0x3200, 1, &Offset));
}

static void KnowsPageableNames(void **state)
{
    static const struct {
        const char *Name;
        bool Pageable;
    } Cases[] = {{"PAGE", true},   {"PAGEABLE", true}, {"PAGELK", true}, {"page", false},
                 {".edata", true}, {".edat", false},   {"APAGE", false}, {"INIT", false},
                 {".edatax", false}};
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i += 1) {
        PE_SECTION Section = {0};
        memcpy(Section.Name, Cases[i].Name, strlen(Cases[i].Name));
        assert_int_equal(PeSectionIsPageable(&Section), Cases[i].Pageable);
    }
}

static void IteratesImports(void **state)
{
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    assert_true(Open());
    assert_int_equal(PeImageImportDll(&Image, 0, &Dll, &Error), PeStepItem);
    assert_string_equal(Dll.Name, "ntoskrnl.exe");
    assert_int_equal(PeImageImport(&Image, &Dll, 0, &Import, &Error), PeStepItem);
    assert_string_equal(Import.Name, "IoCreateDevice");
    assert_int_equal(Import.Ordinal, 7);
    assert_int_equal(Import.SlotRva, 0x2000);
    assert_int_equal(PeImageImport(&Image, &Dll, 1, &Import, &Error), PeStepItem);
    assert_string_equal(Import.Name, "IoDeleteDevice");
    assert_int_equal(Import.SlotRva, 0x2008);
    assert_int_equal(PeImageImport(&Image, &Dll, 2, &Import, &Error), PeStepEnd);
    assert_int_equal(PeImageImportDll(&Image, 1, &Dll, &Error), PeStepItem);
    assert_string_equal(Dll.Name, "HAL.dll");
    assert_int_equal(PeImageImportDll(&Image, 2, &Dll, &Error), PeStepItem);
    assert_string_equal(Dll.Name, "ntoskrnl.exe");
    assert_int_equal(PeImageImport(&Image, &Dll, 0, &Import, &Error), PeStepItem);
    assert_null(Import.Name);
    assert_int_equal(Import.Ordinal, 42);
    assert_int_equal(PeImageImportDll(&Image, 3, &Dll, &Error), PeStepEnd);
}

static void FindsExports(void **state)
{
    uint32_t Rva;
    assert_true(Open());
    assert_true(PeImageFindExport(&Image, "Alpha", &Rva, &Error));
    assert_int_equal(Rva, 0x1010);
    assert_true(PeImageFindExport(&Image, "Beta", &Rva, &Error));
    assert_int_equal(Rva, 0x3080);
    assert_false(PeImageFindExport(&Image, "Gamma", &Rva, &Error));
    assert_int_equal(Error.Code, PeErrorForwarder);
    static const char *Absent[] = {"", "A", "Alph", "Alpha1", "Azzz", "Gamm", "Zeta"};
    for (size_t i = 0; i < sizeof(Absent) / sizeof(Absent[0]); i += 1) {
        assert_false(PeImageFindExport(&Image, Absent[i], &Rva, &Error));
        assert_int_equal(Error.Code, PeErrorNotFound);
    }
    assert_true(PeImageFindExportOrdinal(&Image, 7, &Rva, &Error));
    assert_int_equal(Rva, 0x3080);
    assert_false(PeImageFindExportOrdinal(&Image, 6, &Rva, &Error));
    assert_false(PeImageFindExportOrdinal(&Image, 4, &Rva, &Error));
    assert_false(PeImageFindExportOrdinal(&Image, 9, &Rva, &Error));
}

static void ReadsConfigAndDebug(void **state)
{
    PE_LOAD_CONFIG Config;
    PE_CODEVIEW CodeView;
    PE_FUNCTION Function;
    assert_true(Open());
    assert_true(PeImageLoadConfig(&Image, &Config, &Error));
    assert_int_equal(Config.SecurityCookieRva, 0x3040);
    assert_int_equal(Config.GuardCheckPointerRva, 0x2100);
    assert_int_equal(Config.GuardDispatchPointerRva, 0);
    assert_true(PeImageCodeView(&Image, &CodeView, &Error));
    assert_string_equal(CodeView.Path, "sample.pdb");
    assert_int_equal(CodeView.Age, 3);
    assert_int_equal(CodeView.Guid[15], 0xab);
    assert_int_equal(PeImageFunction(&Image, 1, &Function, &Error), PeStepItem);
    assert_int_equal(Function.BeginRva, 0x1080);
    assert_int_equal(PeImageFunction(&Image, 2, &Function, &Error), PeStepEnd);
    /* A broken debug directory is no reason to refuse a driver. */
    Put(SAMPLE_RDATA(0x2140 + 24), 0xfffffff0, 4);
    assert_true(Open());
    assert_false(PeImageCodeView(&Image, &CodeView, &Error));
    assert_int_equal(Error.Code, PeErrorDebug);
}

static void LoadsAndRelocates(void **state)
{
    static uint8_t Memory[SAMPLE_IMAGE_SIZE];
    const uint64_t Base = 0xFFFFF88200000000ull;
    uint64_t Pointer;
    assert_true(Open());
    memset(Memory, 0xee, sizeof(Memory));
    assert_false(PeImageLoad(&Image, Memory, sizeof(Memory) - 1, Base, &Error));
    assert_int_equal(Error.Code, PeErrorBuffer);
    assert_true(PeImageLoad(&Image, Memory, sizeof(Memory), Base, &Error));
    memcpy(&Pointer, Memory + 0x3000, 8);
    assert_true(Pointer == Base + 0x1010);
    assert_int_equal(Memory[0x1000], 0xcc);
    for (uint32_t i = 0x3200; i < 0x6000; i += 1) {
        assert_int_equal(Memory[i], 0);
    }
    assert_memory_equal(Memory + 0x6000, File + 0xc00, 0x200);
    assert_ptr_equal(PeMappedFindExport(Memory, sizeof(Memory), "Alpha"), Memory + 0x1010);
    assert_null(PeMappedFindExport(Memory, sizeof(Memory), "Gamma"));
    assert_null(PeMappedFindExport(Memory, sizeof(Memory) - 1, "Alpha"));
    PE_IMAGE Mapped;
    PE_LOAD_CONFIG Config;
    assert_true(PeMappedOpen(&Mapped, Memory, sizeof(Memory), &Error));
    assert_true(Mapped.ImageBase == Base);
    assert_true(PeImageLoadConfig(&Mapped, &Config, &Error));
    assert_int_equal(Config.SecurityCookieRva, 0x3040);
    /* At its own base nothing changes. */
    assert_true(PeImageLoad(&Image, Memory, sizeof(Memory), SAMPLE_BASE, &Error));
    assert_memory_equal(Memory + 0x3000, File + 0xa00, 0x200);
}

static void LoadsWithoutRelocations(void **state)
{
    static uint8_t Memory[SAMPLE_IMAGE_SIZE];
    Put(SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_BASERELOC), 0, 8);
    assert_true(Open());
    assert_true(PeImageLoad(&Image, Memory, sizeof(Memory), 0x10000, &Error));
    Put(SAMPLE_FILE(Characteristics), IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_RELOCS_STRIPPED, 2);
    assert_true(Open());
    assert_true(PeImageLoad(&Image, Memory, sizeof(Memory), SAMPLE_BASE, &Error));
    assert_false(PeImageLoad(&Image, Memory, sizeof(Memory), 0x10000, &Error));
    assert_int_equal(Error.Code, PeErrorNotRelocatable);
}

typedef struct {
    const char *What;
    uint32_t At;
    uint32_t Bytes;
    uint64_t Value;
} CHANGE;

static void AcceptsOddities(void **state)
{
    static const CHANGE Cases[] = {
        {"entry point 0", SAMPLE_OPT(AddressOfEntryPoint), 4, 0},
        {"32-bit flag, DLL flag", SAMPLE_FILE(Characteristics), 2, 0x2102},
        {"wrong checksum", SAMPLE_OPT(CheckSum), 4, 0x12345},
        {"no imports", SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_IMPORT), 8, 0},
        {"no exports", SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_EXPORT), 8, 0},
        {"no functions", SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_EXCEPTION), 8, 0},
        {"no load configuration", SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG), 8, 0},
        {"short load configuration", SAMPLE_RDATA(0x20a0), 4, 0x60},
        {"lookup table only in the slots", SAMPLE_INIT(0x6020), 4, 0},
        {"bigger SizeOfImage", SAMPLE_OPT(SizeOfImage), 4, 0x9000},
        {"raw size above the mapped size", SAMPLE_SECTION(0, Misc), 4, 0x10},
        {"virtual size 0", SAMPLE_SECTION(0, Misc), 4, 0},
        {"padding at the relocations' end", SAMPLE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_BASERELOC) + 4,
         4, 40},
        {"more than 16 directories", SAMPLE_OPT(NumberOfRvaAndSizes), 4, 20},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i += 1) {
        SampleBuild(File);
        Put(Cases[i].At, Cases[i].Value, Cases[i].Bytes);
        if (!Open()) {
            fail_msg("%s: refused: %s", Cases[i].What, Error.Rule);
        }
        assert_true(SampleExercise(File, SAMPLE_SIZE));
    }
}

typedef struct {
    CHANGE Change;
    PE_ERROR_CODE Code;
    uint32_t ErrorAt; /* 0: not checked */
} REFUSAL;

#define NAME_RVA 0x60e2
static const REFUSAL Refusals[] = {
    {{"not MZ", 0, 2, 0x9090}, PeErrorNotMz, 0},
    {{"no PE signature", SAMPLE_NT, 4, 0x1234}, PeErrorNotPe, SAMPLE_NT},
    {{"NE", SAMPLE_NT, 4, IMAGE_OS2_SIGNATURE}, PeErrorDos16, SAMPLE_NT},
    {{"e_lfanew outside", 60, 4, 0xfffffff0}, PeErrorTruncated, 60},
    {{"x86", SAMPLE_FILE(Machine), 2, 0x14c}, PeErrorMachine32, SAMPLE_FILE(Machine)},
    {{"ARM64", SAMPLE_FILE(Machine), 2, 0xaa64}, PeErrorMachineArm64, SAMPLE_FILE(Machine)},
    {{"IA64", SAMPLE_FILE(Machine), 2, 0x200}, PeErrorMachine, SAMPLE_FILE(Machine)},
    {{"PE32", SAMPLE_OPT(Magic), 2, 0x10b}, PeErrorMachine32, SAMPLE_OPT(Magic)},
    {{"ROM magic", SAMPLE_OPT(Magic), 2, 0x107}, PeErrorOptionalHeader, SAMPLE_OPT(Magic)},
    {{"short optional header", SAMPLE_FILE(SizeOfOptionalHeader), 2, 100}, PeErrorOptionalHeader,
     0},
    {{"directories do not fit", SAMPLE_FILE(SizeOfOptionalHeader), 2, 232},
     PeErrorOptionalHeader, 0},
    {{"not linked", SAMPLE_FILE(Characteristics), 2, 0x20}, PeErrorNotLinked, 0},
    {{"user mode", SAMPLE_OPT(Subsystem), 2, 3}, PeErrorSubsystem, SAMPLE_OPT(Subsystem)},
    {{".NET", SAMPLE_DIRECTORY(14), 4, 0x2000}, PeErrorDotNet, SAMPLE_DIRECTORY(14)},
    {{"SectionAlignment 0", SAMPLE_OPT(SectionAlignment), 4, 0}, PeErrorAlignment, 0},
    {{"SectionAlignment 12288", SAMPLE_OPT(SectionAlignment), 4, 0x3000}, PeErrorAlignment, 0},
    {{"SectionAlignment 64", SAMPLE_OPT(SectionAlignment), 4, 64}, PeErrorAlignment, 0},
    {{"FileAlignment 384", SAMPLE_OPT(FileAlignment), 4, 384}, PeErrorAlignment, 0},
    {{"FileAlignment 256", SAMPLE_OPT(FileAlignment), 4, 256}, PeErrorAlignment, 0},
    {{"FileAlignment 8192", SAMPLE_OPT(FileAlignment), 4, 8192}, PeErrorAlignment, 0},
    {{"SizeOfImage 0", SAMPLE_OPT(SizeOfImage), 4, 0}, PeErrorImageSize, 0},
    {{"SizeOfImage above 2 GB", SAMPLE_OPT(SizeOfImage), 4, 0x80001000}, PeErrorImageSize, 0},
    {{"SizeOfHeaders above the image", SAMPLE_OPT(SizeOfHeaders), 4, 0x9000}, PeErrorHeaderSize,
     0},
    {{"SizeOfHeaders above the file", SAMPLE_OPT(SizeOfHeaders), 4, 0x7000}, PeErrorTruncated, 0},
    {{"table outside the headers", SAMPLE_OPT(SizeOfHeaders), 4, 0x200}, PeErrorHeaderSize, 0},
    {{"no section", SAMPLE_FILE(NumberOfSections), 2, 0}, PeErrorSectionCount, 0},
    {{"97 sections", SAMPLE_FILE(NumberOfSections), 2, 97}, PeErrorSectionCount, 0},
    {{"overlap", SAMPLE_SECTION(1, VirtualAddress), 4, 0x1000}, PeErrorSectionOverlap,
     SAMPLE_SECTION(1, VirtualAddress)},
    {{"overlap by size", SAMPLE_SECTION(0, Misc), 4, 0x1001}, PeErrorSectionOverlap, 0},
    {{"overlaps the headers", SAMPLE_SECTION(0, VirtualAddress), 4, 0}, PeErrorSectionOverlap, 0},
    {{"hole", SAMPLE_SECTION(5, VirtualAddress), 4, 0x8000}, PeErrorSectionPlace, 0},
    {{"unaligned", SAMPLE_SECTION(1, VirtualAddress), 4, 0x2010}, PeErrorSectionPlace, 0},
    {{"beyond SizeOfImage", SAMPLE_SECTION(5, Misc), 4, 0x1001}, PeErrorSectionPlace, 0},
    {{"size near 4 GB", SAMPLE_SECTION(5, Misc), 4, 0xffffffff}, PeErrorSectionPlace, 0},
    {{"data outside", SAMPLE_SECTION(5, PointerToRawData), 4, 0x10000}, PeErrorTruncated, 0},
    {{"data too long", SAMPLE_SECTION(0, SizeOfRawData), 4, 0xfffffff0}, PeErrorTruncated, 0},
    {{"data unaligned", SAMPLE_SECTION(0, PointerToRawData), 4, 0x410}, PeErrorSectionData, 0},
    {{"entry in the headers", SAMPLE_OPT(AddressOfEntryPoint), 4, 0x80}, PeErrorEntryPoint, 0},
    {{"entry outside", SAMPLE_OPT(AddressOfEntryPoint), 4, 0x8000}, PeErrorEntryPoint, 0},
    {{"certificate outside", SAMPLE_DIRECTORY(4), 8, 0x100000000f01}, PeErrorTruncated, 0},
    {{"imports outside", SAMPLE_DIRECTORY(1), 4, 0x7fff0000}, PeErrorImport, 0},
    {{"imports in what is not in the file", SAMPLE_DIRECTORY(1), 4, 0x5000}, PeErrorImport, 0},
    {{"DLL name outside", SAMPLE_INIT(0x602c), 4, 0x9000}, PeErrorImport, 0},
    {{"DLL name empty", SAMPLE_INIT(0x602c), 4, 0x61f0}, PeErrorImport, 0},
    {{"lookup table outside", SAMPLE_INIT(0x6020), 4, 0xfffffffc}, PeErrorImport, 0},
    {{"slots outside", SAMPLE_INIT(0x6030), 4, 0x7ffc}, PeErrorImport, 0},
    {{"slots in the headers", SAMPLE_INIT(0x6030), 4, 0x200}, PeErrorImport, 0},
    {{"import name outside", SAMPLE_INIT(0x6080), 8, 0x123456}, PeErrorImport,
     SAMPLE_INIT(0x6080)},
    {{"import name of 33 bits", SAMPLE_INIT(0x6080), 8, 0x1000060e0}, PeErrorImport, 0},
    {{"import name empty", SAMPLE_INIT(NAME_RVA), 1, 0}, PeErrorImport, 0},
    {{"exports outside", SAMPLE_DIRECTORY(0), 4, 0x23f0}, PeErrorExport, 0},
    {{"too many functions", SAMPLE_RDATA(0x2214), 4, 0xffffffff}, PeErrorExport, 0},
    {{"address table outside", SAMPLE_RDATA(0x221c), 4, 0x23f8}, PeErrorExport, 0},
    {{"name table outside", SAMPLE_RDATA(0x2220), 4, 0x5000}, PeErrorExport, 0},
    {{"ordinal table outside", SAMPLE_RDATA(0x2224), 4, 0x23ff}, PeErrorExport, 0},
    {{"export outside", SAMPLE_RDATA(0x2240), 4, 0x8000}, PeErrorExport, SAMPLE_RDATA(0x2240)},
    {{"export name outside", SAMPLE_RDATA(0x2254), 4, 0x9999}, PeErrorExport, 0},
    {{"ordinal too high", SAMPLE_RDATA(0x2262), 2, 4}, PeErrorExport, 0},
    {{"relocations outside", SAMPLE_DIRECTORY(5), 4, 0x71f0}, PeErrorRelocation, 0},
    {{"relocations too long", SAMPLE_DIRECTORY(5) + 4, 4, 0x201}, PeErrorRelocation, 0},
    {{"relocation block too short", SAMPLE_RELOC(0x7004), 4, 4}, PeErrorRelocation,
     SAMPLE_RELOC(0x7004)},
    {{"relocation block too long", SAMPLE_RELOC(0x7010), 4, 14}, PeErrorRelocation, 0},
    {{"relocation block odd", SAMPLE_RELOC(0x7004), 4, 11}, PeErrorRelocation, 0},
    {{"relocation type 3", SAMPLE_RELOC(0x7008), 2, 0x3000}, PeErrorRelocation, 0},
    {{"relocation outside", SAMPLE_RELOC(0x7000), 4, 0x7ff9}, PeErrorRelocation, 0},
    {{"relocation overflows", SAMPLE_RELOC(0x7000), 4, 0xfffffffc}, PeErrorRelocation, 0},
    {{"relocation in the headers", SAMPLE_RELOC(0x7000), 4, 0}, PeErrorRelocation, 0},
    {{"functions outside", SAMPLE_DIRECTORY(3), 4, 0x23f0}, PeErrorFunctionTable, 0},
    {{"function ends first", SAMPLE_RDATA(0x2064), 4, 0xfff}, PeErrorFunctionTable, 0},
    {{"function outside", SAMPLE_RDATA(0x2064), 4, 0x8001}, PeErrorFunctionTable, 0},
    {{"unwind data outside", SAMPLE_RDATA(0x2068), 4, 0x7ffe}, PeErrorFunctionTable, 0},
    {{"load configuration too long", SAMPLE_RDATA(0x20a0), 4, 0x1000}, PeErrorLoadConfig, 0},
    {{"cookie outside", SAMPLE_RDATA(0x20a0 + 88), 8, SAMPLE_BASE + 0x8000}, PeErrorLoadConfig,
     0},
    {{"cookie below", SAMPLE_RDATA(0x20a0 + 88), 8, 0x3040}, PeErrorLoadConfig, 0},
};

static void RefusesMalformed(void **state)
{
    for (size_t i = 0; i < sizeof(Refusals) / sizeof(Refusals[0]); i += 1) {
        const REFUSAL *Case = &Refusals[i];
        SampleBuild(File);
        Put(Case->Change.At, Case->Change.Value, Case->Change.Bytes);
        if (Open()) {
            fail_msg("%s: accepted", Case->Change.What);
        }
        if (Error.Code != Case->Code) {
            fail_msg("%s: code %d, rule %s", Case->Change.What, Error.Code, Error.Rule);
        }
        if (Case->ErrorAt != 0 && Error.Offset != Case->ErrorAt) {
            fail_msg("%s: offset %#lx", Case->Change.What, (unsigned long)Error.Offset);
        }
        assert_true(Error.Offset <= SAMPLE_SIZE);
    }
}

static void RefusesUnterminatedNames(void **state)
{
    /* Up to the end of INIT's data no NUL follows the name. */
    memset(File + SAMPLE_INIT(0x6190), 'x', SAMPLE_INIT(0x6200) - SAMPLE_INIT(0x6190));
    assert_false(Open());
    assert_int_equal(Error.Code, PeErrorImport);
    /* Descriptors without an end. */
    SampleBuild(File);
    for (uint32_t Rva = 0x6020; Rva + 20 <= 0x6200; Rva += 20) {
        memcpy(File + SAMPLE_INIT(Rva), File + SAMPLE_INIT(0x6020), 20);
    }
    assert_false(Open());
    assert_int_equal(Error.Code, PeErrorImport);
}

static void NamesForeignFiles(void **state)
{
    static const struct {
        const char *Bytes;
        size_t Size;
        PE_ERROR_CODE Code;
    } Cases[] = {
        {"", 0, PeErrorEmpty},
        {"\177ELF\2\1\1", 7, PeErrorElf},
        {"#!/bin/sh\necho\n", 15, PeErrorText},
        {"PK\3\4........", 12, PeErrorArchive},
        {"MSCF\0\0\0\0", 8, PeErrorArchive},
        {"\x64\x86\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, PeErrorObjectFile},
        {"M", 1, PeErrorText},
        {"MZ", 2, PeErrorTruncated},
        {"\0\0\0\0", 4, PeErrorNotMz},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i += 1) {
        uint8_t *Copy = malloc(Cases[i].Size + 1);
        memcpy(Copy, Cases[i].Bytes, Cases[i].Size);
        assert_false(PeImageOpen(&Image, Copy, Cases[i].Size, &Error));
        assert_int_equal(Error.Code, Cases[i].Code);
        free(Copy);
    }
}

static void RefusesEveryTruncation(void **state)
{
    for (size_t Size = 0; Size < SAMPLE_SIZE; Size += 1) {
        uint8_t *Copy = malloc(Size + (Size == 0));
        memcpy(Copy, File, Size);
        assert_false(PeImageOpen(&Image, Copy, Size, &Error));
        assert_true(Error.Offset <= Size);
        free(Copy);
    }
}

/* As ftdibus: both alignments 128, so memory and file are alike. */
static void LoadsFlatImages(void **state)
{
    static uint8_t Memory[0x1000];
    Put(SAMPLE_OPT(SectionAlignment), 128, 4);
    Put(SAMPLE_OPT(FileAlignment), 128, 4);
    Put(SAMPLE_OPT(SizeOfImage), 0xf00, 4);
    Put(SAMPLE_OPT(AddressOfEntryPoint), 0x480, 4);
    Put(SAMPLE_FILE(NumberOfSections), 2, 2);
    memset(File + SAMPLE_DIRECTORY(0), 0, 128);
    Put(SAMPLE_SECTION(0, Misc), 0x180, 4);
    Put(SAMPLE_SECTION(0, VirtualAddress), 0x400, 4);
    Put(SAMPLE_SECTION(0, SizeOfRawData), 0x180, 4);
    Put(SAMPLE_SECTION(1, Misc), 0x900, 4);
    Put(SAMPLE_SECTION(1, VirtualAddress), 0x600, 4);
    Put(SAMPLE_SECTION(1, SizeOfRawData), 0x400, 4);
    Put(SAMPLE_SECTION(1, PointerToRawData), 0x600, 4);
    assert_true(Open());
    assert_true(Image.Flat);
    assert_true(PeImageLoad(&Image, Memory, sizeof(Memory), 0x10000, &Error));
    assert_memory_equal(Memory + 0x400, File + 0x400, 0x180);
    assert_memory_equal(Memory + 0x600, File + 0x600, 0x400);
    for (uint32_t i = 0xa00; i < 0xf00; i += 1) {
        assert_int_equal(Memory[i], 0);
    }
    Put(SAMPLE_SECTION(1, VirtualAddress), 0x680, 4);
    Put(SAMPLE_SECTION(1, Misc), 0x400, 4);
    assert_false(Open());
    assert_int_equal(Error.Code, PeErrorSectionData);
}

/* Changes of a few bytes, from a fixed seed: nothing may go wrong, whatever is decided. */
static void SurvivesRandomChanges(void **state)
{
    uint32_t Seed = 12345;
    uint32_t Opened = 0;
    for (uint32_t Round = 0; Round < 20000; Round += 1) {
        SampleBuild(File);
        for (uint32_t k = 0; k <= Round % 6; k += 1) {
            Seed = Seed * 1664525 + 1013904223;
            uint32_t At = (Seed >> 8) % 0xf00;
            Seed = Seed * 1664525 + 1013904223;
            File[At] = (uint8_t)(Seed >> 24);
        }
        Opened += SampleExercise(File, SAMPLE_SIZE);
    }
    assert_true(Opened > 1000);
}

/* Whatever drivers the build has made so far; run in the build directory. */
static void OpensBuiltDrivers(void **state)
{
    static const char *Patterns[] = {"drivers/*/*.sys", "ntoskrnl.exe", "../drivers/*/*.sys"};
    glob_t Found = {0};
    for (size_t i = 0; i < sizeof(Patterns) / sizeof(Patterns[0]); i += 1) {
        glob(Patterns[i], i == 0 ? 0 : GLOB_APPEND, NULL, &Found);
    }
    for (size_t i = 0; i < Found.gl_pathc; i += 1) {
        FILE *Stream = fopen(Found.gl_pathv[i], "rb");
        assert_non_null(Stream);
        fseek(Stream, 0, SEEK_END);
        size_t Size = (size_t)ftell(Stream);
        rewind(Stream);
        uint8_t *Bytes = malloc(Size);
        assert_int_equal(fread(Bytes, 1, Size, Stream), Size);
        fclose(Stream);
        if (!PeImageOpen(&Image, Bytes, Size, &Error)) {
            fail_msg("%s: %#lx: %s", Found.gl_pathv[i], (unsigned long)Error.Offset, Error.Rule);
        }
        assert_true(SampleExercise(Bytes, Size));
        free(Bytes);
    }
    globfree(&Found);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup(OpensSample, Setup),
        cmocka_unit_test_setup(DescribesSections, Setup),
        cmocka_unit_test(KnowsPageableNames),
        cmocka_unit_test_setup(IteratesImports, Setup),
        cmocka_unit_test_setup(FindsExports, Setup),
        cmocka_unit_test_setup(ReadsConfigAndDebug, Setup),
        cmocka_unit_test_setup(LoadsAndRelocates, Setup),
        cmocka_unit_test_setup(LoadsWithoutRelocations, Setup),
        cmocka_unit_test(AcceptsOddities),
        cmocka_unit_test(RefusesMalformed),
        cmocka_unit_test_setup(RefusesUnterminatedNames, Setup),
        cmocka_unit_test(NamesForeignFiles),
        cmocka_unit_test_setup(RefusesEveryTruncation, Setup),
        cmocka_unit_test_setup(LoadsFlatImages, Setup),
        cmocka_unit_test(SurvivesRandomChanges),
        cmocka_unit_test(OpensBuiltDrivers),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
