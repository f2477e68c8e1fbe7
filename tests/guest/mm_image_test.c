/* SPDX-License-Identifier: MIT */
/*
 * Driver images from memory: what a good one looks like loaded, and that a malformed one is
 * refused with a text and leaves nothing behind. The image is built here, each byte of it
 * known: headers, .text, .rdata (import slots), .data, PAGEDATA, INIT (import names), .reloc.
 */
#include "test_image.h"

#include "nt/io.h"
#include "nt/rtl.h"
#include "vf/vf.h"

#define TAG 'gIdT'
#define SECTIONS 6u
#define FILE_SIZE 0x2800u
#define PAGED_PAGES 4u
#define RVA_TEXT 0x1000u
#define RVA_RDATA 0x2000u
#define RVA_DATA 0x3000u
#define RVA_PAGED 0x5000u
#define RVA_INIT 0x9000u
#define RVA_RELOC 0xa000u
#define IMAGE_SIZE 0xb000u

static const TEST_FILE_SECTION Layout[SECTIONS] = {
    {".text", RVA_TEXT, 0x100, 0x400, 0x200, 0x68000020},
    {".rdata", RVA_RDATA, 0x200, 0x600, 0x200, 0x48000040},
    {".data", RVA_DATA, 0x1800, 0x800, 0x200, 0xc8000040}, /* more memory than file */
    {"PAGEDATA", RVA_PAGED, PAGED_PAGES * PAGE_SIZE, 0xa00, 0x1800, 0xc0000040},
    {"INIT", RVA_INIT, 0x200, 0x2200, 0x200, 0xe2000020},
    {".reloc", RVA_RELOC, 0x10, 0x2400, 0x200, 0x42000040},
};

typedef struct _TEST_IMAGE {
    UCHAR Bytes[FILE_SIZE];
} TEST_IMAGE;

static PIMAGE_NT_HEADERS64 HeadersOf(TEST_IMAGE *File)
{
    return (PIMAGE_NT_HEADERS64)(File->Bytes + TEST_NT_OFFSET);
}

static PIMAGE_SECTION_HEADER SectionOf(TEST_IMAGE *File, ULONG Index)
{
    return (PIMAGE_SECTION_HEADER)(HeadersOf(File) + 1) + Index;
}

static VOID PutText(TEST_IMAGE *File, ULONG Offset, PCSTR Text)
{
    __builtin_memcpy(File->Bytes + Offset, Text, strlen(Text) + 1);
}

static VOID Put64(TEST_IMAGE *File, ULONG Offset, ULONG64 Value)
{
    __builtin_memcpy(File->Bytes + Offset, &Value, sizeof(Value));
}

/* Three descriptors, two of them for one DLL; the second DLL has a name that nobody exports. */
static VOID BuildImports(TEST_IMAGE *File)
{
    PIMAGE_IMPORT_DESCRIPTOR Dll = (PVOID)(File->Bytes + 0x2200);
    ULONG Names = RVA_INIT - 0x2200; /* RVA of file offset 0 */

    Dll[0].OriginalFirstThunk = Names + 0x2280;
    Dll[0].Name = Names + 0x2300;
    Dll[0].FirstThunk = RVA_RDATA;
    Dll[1].OriginalFirstThunk = Names + 0x22a0;
    Dll[1].Name = Names + 0x2310;
    Dll[1].FirstThunk = RVA_RDATA + 0x20;
    Dll[2].OriginalFirstThunk = Names + 0x22c0;
    Dll[2].Name = Names + 0x2300;
    Dll[2].FirstThunk = RVA_RDATA + 0x40;
    PutText(File, 0x2300, "ntoskrnl.exe");
    PutText(File, 0x2310, "HAL.dll");
    PutText(File, 0x2322, "IoDeleteDevice");
    PutText(File, 0x2342, "KeStallExecutionProcessor");
    PutText(File, 0x2362, "HalNobodyExportsThis");
    Put64(File, 0x2280, Names + 0x2320);
    Put64(File, 0x22a0, Names + 0x2340);
    Put64(File, 0x22a8, Names + 0x2360);
    PutText(File, 0x2392, "IoFreeMdl");
    Put64(File, 0x22c0, Names + 0x2390);
    __builtin_memcpy(File->Bytes + 0x600, File->Bytes + 0x2280, 0x10);
    __builtin_memcpy(File->Bytes + 0x620, File->Bytes + 0x22a0, 0x20);
    __builtin_memcpy(File->Bytes + 0x640, File->Bytes + 0x22c0, 0x10);
}

static VOID BuildImage(TEST_IMAGE *File)
{
    PIMAGE_NT_HEADERS64 Nt = HeadersOf(File);

    RtlZeroMemory(File, sizeof(*File));
    TestFillHeaders(File->Bytes, Layout, SECTIONS, IMAGE_SIZE);
    Nt->OptionalHeader.AddressOfEntryPoint = RVA_INIT + 0x1f0;
    Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress = RVA_INIT;
    Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].Size = 80;
    Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].VirtualAddress = RVA_RELOC;
    Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].Size = 12;
    BuildImports(File);
    for (ULONG i = 0; i < 0x1800; i++) {
        File->Bytes[0xa00 + i] = (UCHAR)(i * 7 + (i >> 8)); /* PAGEDATA, a page and a half */
    }
    Put64(File, 0x800, TEST_PREFERRED_BASE + RVA_PAGED); /* .data: an address to adjust */
    Put64(File, 0x2400, (12ull << 32) | RVA_DATA); /* one block, one entry for it */
    File->Bytes[0x2409] = IMAGE_REL_BASED_DIR64 << 4;
}

static NTSTATUS Load(const TEST_IMAGE *File, SIZE_T Size, PMM_IMAGE *Image, CHAR Text[256])
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\SystemRoot\\built-by-a-test.sys");

    *Image = NULL;
    Text[0] = 0;
    return MmLoadSystemImage(&Name, File, Size, Image, Text, 256);
}

static ULONG64 Committed(VOID)
{
    MM_COUNTERS Counters;
    MmQueryCounters(&Counters);
    return Counters.CommittedPages;
}

static ULONG MissingSeen;

static VOID CountMissing(PCSTR Dll, PCSTR Name)
{
    MissingSeen++;
    EXPECT(_stricmp(Dll, "hal.dll") == 0);
    EXPECT(strcmp(Name, "HalNobodyExportsThis") == 0);
}

static ULONG WrongPagedBytes(PUCHAR Paged)
{
    ULONG Wrong = 0;
    for (ULONG i = 0; i < PAGED_PAGES * PAGE_SIZE; i++) {
        Wrong += Paged[i] != (i < 0x1800 ? (UCHAR)(i * 7 + (i >> 8)) : 0);
    }
    return Wrong;
}

/* What an import leads to. Where drivers are verified that is named by the stub's record. */
static ULONG64 TargetOfImport(PVOID Slot)
{
    PUCHAR Stub = *(PUCHAR *)Slot;
    if (VfIsEnabled()) {
        EXPECT(Stub[0] == 0x49 && Stub[1] == 0xbb); /* movabs $record, %r11 */
        return (ULONG64)(*(PVF_IMPORT *)(Stub + 2))->Target;
    }
    return (ULONG64)Stub;
}

GUEST_TEST(mm_image_is_laid_out_bound_and_pageable)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(PagedPool, sizeof(*File), TAG);
    VOID (*OldHook)(PCSTR, PCSTR) = MmMissingImportHook;
    CONTROL_SECTION Rows[SECTIONS + 1];
    PMM_IMAGE Image;
    CHAR Text[256];

    BuildImage(File);
    MissingSeen = 0;
    MmMissingImportHook = CountMissing;
    EXPECT_EQUAL(Load(File, FILE_SIZE, &Image, Text), STATUS_SUCCESS);
    MmMissingImportHook = OldHook;
    RtlFillMemory(File, sizeof(*File), 0xee); /* [D10] the file may go */
    PUCHAR Base = MmImageBase(Image);
    EXPECT_EQUAL(MmImageSize(Image), IMAGE_SIZE);
    EXPECT_EQUAL((ULONG64)MmImageEntryPoint(Image), (ULONG64)Base + RVA_INIT + 0x1f0);
    EXPECT(MmFindImage(Base + RVA_PAGED) == Image);
    EXPECT_EQUAL(MissingSeen, 1);
    EXPECT_EQUAL(TargetOfImport(Base + RVA_RDATA), (ULONG64)IoDeleteDevice);
    EXPECT_EQUAL(TargetOfImport(Base + RVA_RDATA + 0x20), (ULONG64)KeStallExecutionProcessor);
    EXPECT(*(PULONG64)(Base + RVA_RDATA + 0x28) != 0);
    EXPECT_EQUAL(TargetOfImport(Base + RVA_RDATA + 0x40), (ULONG64)IoFreeMdl);
    EXPECT_EQUAL(*(PULONG64)(Base + RVA_DATA), (ULONG64)Base + RVA_PAGED); /* adjusted */
    EXPECT_EQUAL(Base[RVA_DATA + 0x17ff], 0);
    EXPECT_EQUAL(WrongPagedBytes(Base + RVA_PAGED), 0);

    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Base + RVA_PAGED));
    EXPECT(MmIsAddressValid(Base + RVA_TEXT) && MmIsAddressValid(Base + RVA_DATA + 0x1000));
    EXPECT_EQUAL(MmQueryImageSections(Image, Rows, SECTIONS + 1), SECTIONS + 1);
    EXPECT_EQUAL(Rows[4].Pages, PAGED_PAGES);
    EXPECT_EQUAL(Rows[4].ResidentPages, 0);
    EXPECT_EQUAL(WrongPagedBytes(Base + RVA_PAGED), 0);
    MmFreeImageInitialization(Image);
    EXPECT(!MmIsAddressValid(Base + RVA_INIT));
    EXPECT(!MmIsAddressValid(Base + RVA_RELOC));
    EXPECT(MmIsAddressValid(Base + RVA_DATA));
    MmUnloadSystemImage(Image);
    EXPECT(MmFindImage(Base) == NULL);
    ExFreePoolWithTag(File, TAG);
}

/* Not loaded, everything given back. */
static VOID ExpectStatus(const TEST_IMAGE *File, SIZE_T Size, NTSTATUS Expected, CHAR Text[256])
{
    PMM_IMAGE Image;
    ULONG64 Before = Committed();
    NTSTATUS Status = Load(File, Size, &Image, Text);

    EXPECT_EQUAL((ULONG)Status, (ULONG)Expected);
    EXPECT(Image == NULL);
    EXPECT_EQUAL(Committed(), Before);
}

/* Refused with the offset of the mistake. */
static VOID ExpectRefused(const TEST_IMAGE *File, SIZE_T Size, PCSTR Words)
{
    CHAR Text[256];
    ExpectStatus(File, Size, STATUS_INVALID_IMAGE_FORMAT, Text);
    if (strncmp(Text, "offset 0x", 9) != 0 || strstr(Text, Words) == NULL) {
        GuestTestFail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", Text, Words);
    }
}

/* Not bound, with the import by name. */
static VOID ExpectUnbound(const TEST_IMAGE *File, NTSTATUS Expected, PCSTR Words)
{
    CHAR Text[256];
    ExpectStatus(File, FILE_SIZE, Expected, Text);
    if (strcmp(Text, Words) != 0) {
        GuestTestFail(__FILE__, __LINE__, "\"%s\" is not \"%s\"", Text, Words);
    }
}

GUEST_TEST(mm_image_that_is_truncated_is_refused)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);

    BuildImage(File);
    /* The last bytes are needed by no section. */
    for (SIZE_T Size = 0; Size < 0x2600; Size += Size < 0x400 ? 1 : 13) {
        /* The bytes behind the end are poison: who reads them gets another message. */
        TEST_IMAGE *Cut = ExAllocatePoolWithTag(NonPagedPool, Size + 1, TAG);
        __builtin_memcpy(Cut, File, Size);
        ExpectRefused(Cut, Size, "");
        ExFreePoolWithTag(Cut, TAG);
    }
    ExFreePoolWithTag(File, TAG);
}

GUEST_TEST(mm_image_with_imports_from_elsewhere_is_refused)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);

    BuildImage(File);
    PutText(File, 0x2310, "wdfldr.sys");
    ExpectUnbound(File, STATUS_OBJECT_NAME_NOT_FOUND,
                  "imports KeStallExecutionProcessor from wdfldr.sys, a module that is not "
                  "provided");
    BuildImage(File);
    PutText(File, 0x2310, "wmilib.sys");
    ExpectUnbound(File, STATUS_DRIVER_ENTRYPOINT_NOT_FOUND,
                  "imports KeStallExecutionProcessor from wmilib.sys, which does not export it");
    BuildImage(File);
    Put64(File, 0x22a8, IMAGE_ORDINAL_FLAG64 | 77);
    Put64(File, 0x628, IMAGE_ORDINAL_FLAG64 | 77);
    ExpectUnbound(File, STATUS_DRIVER_ORDINAL_NOT_FOUND,
                  "imports #77 of HAL.dll: ordinals name no routine for sure");
    ExFreePoolWithTag(File, TAG);
}

GUEST_TEST(mm_image_with_a_broken_table_is_refused)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);
    PIMAGE_NT_HEADERS64 Nt = HeadersOf(File);

    BuildImage(File);
    SectionOf(File, 3)->PointerToRawData = 0xfffffe00;
    ExpectRefused(File, FILE_SIZE, "section's data");
    BuildImage(File);
    SectionOf(File, 2)->VirtualAddress = RVA_TEXT;
    ExpectRefused(File, FILE_SIZE, "overlaps");
    BuildImage(File);
    Nt->FileHeader.NumberOfSections = 0xffff;
    ExpectRefused(File, FILE_SIZE, "NumberOfSections");
    BuildImage(File);
    Nt->OptionalHeader.SizeOfImage = 0xffffffff;
    ExpectRefused(File, FILE_SIZE, "SizeOfImage");
    BuildImage(File);
    Nt->OptionalHeader.AddressOfEntryPoint = IMAGE_SIZE;
    ExpectRefused(File, FILE_SIZE, "AddressOfEntryPoint");
    BuildImage(File);
    ((PIMAGE_IMPORT_DESCRIPTOR)(File->Bytes + 0x2200))[1].Name = IMAGE_SIZE - 1;
    ExpectRefused(File, FILE_SIZE, "");
    BuildImage(File);
    ((PIMAGE_IMPORT_DESCRIPTOR)(File->Bytes + 0x2200))[1].FirstThunk = 0x7fffffff;
    ExpectRefused(File, FILE_SIZE, "");
    BuildImage(File);
    Put64(File, 0x2400, (12ull << 32) | (IMAGE_SIZE - 4)); /* the relocation hits the end */
    ExpectRefused(File, FILE_SIZE, "");
    BuildImage(File);
    Nt->FileHeader.Characteristics |= IMAGE_FILE_RELOCS_STRIPPED;
    Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].Size = 0;
    Nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].VirtualAddress = 0;
    /* Stripped relocations cannot be made up for; a directory that is merely empty can. */
    PMM_IMAGE Image;
    CHAR Text[256];
    NTSTATUS Status = Load(File, FILE_SIZE, &Image, Text);
    if (NT_SUCCESS(Status)) {
        MmUnloadSystemImage(Image);
    } else {
        EXPECT(Text[0] != 0);
    }
    ExFreePoolWithTag(File, TAG);
}

/* The largest image has failed once: its page directories stay, so that later counts compare. */
static VOID FailLargest(TEST_IMAGE *File, BOOLEAN Pageable)
{
    PIMAGE_SECTION_HEADER Section = SectionOf(File, SECTIONS - 1);
    PMM_IMAGE Image;
    CHAR Text[256];

    BuildImage(File);
    HeadersOf(File)->OptionalHeader.SizeOfImage = 0x7f000000;
    Section->Misc.VirtualSize = 0x7f000000 - RVA_RELOC;
    if (Pageable) {
        __builtin_memcpy(Section->Name, "PAGEHUGE", 8);
    }
    EXPECT_EQUAL((ULONG)Load(File, FILE_SIZE, &Image, Text),
                 (ULONG)STATUS_INSUFFICIENT_RESOURCES);
    EXPECT(strstr(Text, "not enough memory") != NULL);
}

/* A few bytes of the headers and tables changed: loaded or refused, and nothing left of it. */
GUEST_TEST(mm_image_with_changed_bytes_leaves_nothing)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);
    ULONG Random = (ULONG)GuestTestSeed() | 1, Loaded = 0, Refused = 0;
    PMM_IMAGE Image;
    CHAR Text[256];

    FailLargest(File, FALSE);
    ULONG64 Before = Committed();
    for (ULONG Try = 0; Try < 3000; Try++) {
        BuildImage(File);
        for (ULONG Changes = 1 + Try % 3; Changes > 0; Changes--) {
            Random = Random * 1664525 + 1013904223;
            ULONG Place = Random >> 8;
            Place = Try & 1 ? Place % 0x400 : 0x2200 + Place % 0x300;
            File->Bytes[Place] = (UCHAR)(Random >> 3);
        }
        NTSTATUS Status = Load(File, FILE_SIZE, &Image, Text);
        if (NT_SUCCESS(Status)) {
            Loaded++;
            MmFreeImageInitialization(Image);
            MmUnloadSystemImage(Image);
        } else {
            Refused++;
            EXPECT(Text[0] != 0);
            EXPECT(Status == STATUS_INVALID_IMAGE_FORMAT ||
                   Status == STATUS_INSUFFICIENT_RESOURCES ||
                   Status == STATUS_OBJECT_NAME_NOT_FOUND ||
                   Status == STATUS_DRIVER_ORDINAL_NOT_FOUND);
        }
    }
    EXPECT(Loaded > 100 && Refused > 100);
    EXPECT_EQUAL(Committed(), Before);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ExFreePoolWithTag(File, TAG);
}

GUEST_TEST(mm_image_too_large_is_refused)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);

    FailLargest(File, FALSE);
    ULONG64 Before = Committed();
    FailLargest(File, FALSE);
    FailLargest(File, TRUE);
    EXPECT_EQUAL(Committed(), Before);
    ExFreePoolWithTag(File, TAG);
}

/* A last section that its alignment rounds up beyond SizeOfImage stays within the image. */
GUEST_TEST(mm_image_with_large_section_alignment_stays_in_its_pages)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);
    PMM_IMAGE Image, Next;
    CHAR Text[256];

    BuildImage(File);
    PIMAGE_NT_HEADERS64 Nt = HeadersOf(File);
    Nt->FileHeader.NumberOfSections = 1;
    Nt->OptionalHeader.SectionAlignment = 0x10000;
    Nt->OptionalHeader.AddressOfEntryPoint = 0;
    Nt->OptionalHeader.SizeOfImage = 0x11000;
    RtlZeroMemory(Nt->OptionalHeader.DataDirectory, sizeof(Nt->OptionalHeader.DataDirectory));
    SectionOf(File, 0)->VirtualAddress = 0x10000;
    EXPECT_EQUAL(Load(File, FILE_SIZE, &Image, Text), STATUS_SUCCESS);
    BuildImage(File);
    EXPECT_EQUAL(Load(File, FILE_SIZE, &Next, Text), STATUS_SUCCESS);
    if (Image != NULL && Next != NULL) {
        PUCHAR Base = MmImageBase(Image);
        EXPECT(MmIsAddressValid(Base + 0x10000));
        for (ULONG i = 0; i < Image->SectionCount; i++) {
            EXPECT(Image->Section[i].Address + (Image->Section[i].Pages << PAGE_SHIFT) <=
                   (ULONG64)Base + (Image->Pages << PAGE_SHIFT));
        }
        MmUnloadSystemImage(Image);
        EXPECT_EQUAL(WrongPagedBytes((PUCHAR)MmImageBase(Next) + RVA_PAGED), 0);
        MmUnloadSystemImage(Next);
    }
    ExFreePoolWithTag(File, TAG);
}

GUEST_TEST(mm_image_count_is_limited)
{
    TEST_IMAGE *File = ExAllocatePoolWithTag(NonPagedPool, sizeof(*File), TAG);
    PMM_IMAGE *Images = ExAllocatePoolWithTag(NonPagedPool, MI_MAX_IMAGES * sizeof(PVOID), TAG);
    ULONG64 Before = Committed();
    ULONG Count = 0;
    PMM_IMAGE Image;
    CHAR Text[256];
    NTSTATUS Status = STATUS_SUCCESS;

    BuildImage(File);
    while (Count <= MI_MAX_IMAGES) {
        Status = Load(File, FILE_SIZE, &Image, Text);
        if (!NT_SUCCESS(Status) || Count == MI_MAX_IMAGES) {
            break;
        }
        Images[Count++] = Image;
    }
    EXPECT_EQUAL((ULONG)Status, (ULONG)STATUS_INSUFFICIENT_RESOURCES);
    EXPECT(Count > MI_MAX_IMAGES / 2);
    EXPECT(strstr(Text, "images are loaded") != NULL);
    MmPageOutEverything(TRUE);
    while (Count > 0) {
        Count--;
        EXPECT_EQUAL(WrongPagedBytes((PUCHAR)MmImageBase(Images[Count]) + RVA_PAGED), 0);
        MmUnloadSystemImage(Images[Count]);
    }
    EXPECT_EQUAL(Committed(), Before);
    ExFreePoolWithTag(Images, TAG);
    ExFreePoolWithTag(File, TAG);
}
