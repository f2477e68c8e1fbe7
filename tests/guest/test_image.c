/* SPDX-License-Identifier: MIT */
#include "test_image.h"

#include "nt/rtl.h"

#define TAG 'mIsT'
#define CHARACTERISTICS_CODE 0x60000020u /* code, execute, read */
#define CHARACTERISTICS_DATA 0xc0000040u /* initialized data, read, write */

VOID TestFillHeaders(PUCHAR File, const TEST_FILE_SECTION *Sections, ULONG Count, ULONG SizeOfImage)
{
    PIMAGE_NT_HEADERS64 Nt = (PIMAGE_NT_HEADERS64)(File + TEST_NT_OFFSET);
    PIMAGE_SECTION_HEADER Section = (PIMAGE_SECTION_HEADER)(Nt + 1);

    NT_VERIFY((PUCHAR)(Section + Count) <= File + TEST_HEADERS_SIZE);
    ((PIMAGE_DOS_HEADER)File)->e_magic = IMAGE_DOS_SIGNATURE;
    ((PIMAGE_DOS_HEADER)File)->e_lfanew = TEST_NT_OFFSET;
    Nt->Signature = IMAGE_NT_SIGNATURE;
    Nt->FileHeader.Machine = IMAGE_FILE_MACHINE_AMD64;
    Nt->FileHeader.NumberOfSections = (USHORT)Count;
    Nt->FileHeader.SizeOfOptionalHeader = sizeof(IMAGE_OPTIONAL_HEADER64);
    Nt->FileHeader.Characteristics =
        IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_LARGE_ADDRESS_AWARE;
    Nt->OptionalHeader.Magic = IMAGE_NT_OPTIONAL_HDR64_MAGIC;
    Nt->OptionalHeader.ImageBase = TEST_PREFERRED_BASE;
    Nt->OptionalHeader.SectionAlignment = PAGE_SIZE;
    Nt->OptionalHeader.FileAlignment = 0x200;
    Nt->OptionalHeader.MajorSubsystemVersion = 10;
    Nt->OptionalHeader.SizeOfImage = SizeOfImage;
    Nt->OptionalHeader.SizeOfHeaders = TEST_HEADERS_SIZE;
    Nt->OptionalHeader.Subsystem = IMAGE_SUBSYSTEM_NATIVE;
    Nt->OptionalHeader.NumberOfRvaAndSizes = 16;
    for (ULONG i = 0; i < Count; i++, Section++) {
        __builtin_memcpy(Section->Name, Sections[i].Name, strlen(Sections[i].Name));
        Section->VirtualAddress = Sections[i].Rva;
        Section->Misc.VirtualSize = Sections[i].Size;
        Section->PointerToRawData = Sections[i].Raw;
        Section->SizeOfRawData = Sections[i].RawSize;
        Section->Characteristics = Sections[i].Characteristics;
    }
}

/* movl $Rva, %eax; ret; int3 ... */
static VOID FillRoutine(PUCHAR Routine, ULONG Rva)
{
    __builtin_memset(Routine, 0xcc, TEST_ROUTINE_SIZE);
    Routine[0] = 0xb8;
    __builtin_memcpy(Routine + 1, &Rva, sizeof(Rva));
    Routine[5] = 0xc3;
}

PMM_IMAGE TestLoadSections(PCWSTR Path, const TEST_SECTION *Sections, ULONG Count)
{
    TEST_FILE_SECTION Rows[TEST_MAX_SECTIONS];
    ULONG Rva = PAGE_SIZE, FileSize = TEST_HEADERS_SIZE;
    PMM_IMAGE Image = NULL;
    UNICODE_STRING Name;
    CHAR Text[256];

    NT_VERIFY(Count <= TEST_MAX_SECTIONS);
    for (ULONG i = 0; i < Count; i++) {
        ULONG Size = Sections[i].Pages * PAGE_SIZE, RawSize = Sections[i].Code ? Size : 0;
        Rows[i] = (TEST_FILE_SECTION){
            Sections[i].Name, Rva, Size, RawSize != 0 ? FileSize : 0, RawSize,
            Sections[i].Code ? CHARACTERISTICS_CODE : CHARACTERISTICS_DATA};
        Rva += Size;
        FileSize += RawSize;
    }
    PUCHAR File = ExAllocatePoolWithTag(PagedPool, FileSize, TAG);
    EXPECT(File != NULL);
    if (File == NULL) {
        return NULL;
    }
    RtlZeroMemory(File, FileSize);
    TestFillHeaders(File, Rows, Count, Rva);
    for (ULONG i = 0; i < Count; i++) {
        for (ULONG Byte = 0; Byte < Rows[i].RawSize; Byte += TEST_ROUTINE_SIZE) {
            FillRoutine(File + Rows[i].Raw + Byte, Rows[i].Rva + Byte);
        }
    }
    RtlInitUnicodeString(&Name, Path);
    NTSTATUS Status = MmLoadSystemImage(&Name, File, FileSize, &Image, Text, sizeof(Text));
    ExFreePoolWithTag(File, TAG);
    if (!NT_SUCCESS(Status)) {
        GuestTestFail(__FILE__, __LINE__, "the image does not load: %08x %s", Status, Text);
        return NULL;
    }
    return Image;
}

ULONG TestCallRoutine(ULONG64 Address)
{
    return ((ULONG(*)(VOID))Address)();
}

ULONG TestWrongCode(const MI_SECTION *Section)
{
    UCHAR Right[TEST_ROUTINE_SIZE];
    ULONG Wrong = 0;

    for (ULONG Byte = 0; Byte < Section->Size; Byte += TEST_ROUTINE_SIZE) {
        FillRoutine(Right, (ULONG)(Section->Address - Section->Image->Base) + Byte);
        for (ULONG i = 0; i < TEST_ROUTINE_SIZE; i++) {
            Wrong += ((volatile UCHAR *)Section->Address)[Byte + i] != Right[i];
        }
    }
    return Wrong;
}

ULONG TestValidPages(const MI_SECTION *Section)
{
    ULONG Valid = 0;

    for (ULONG64 Page = 0; Page < Section->Pages; Page++) {
        Valid += MmIsAddressValid((PVOID)(Section->Address + (Page << PAGE_SHIFT)));
    }
    return Valid;
}
