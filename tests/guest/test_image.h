/* SPDX-License-Identifier: MIT */
/*
 * Driver images that a test builds in memory and loads.
 *
 * TestFillHeaders writes the headers of a file whose sections are the caller's to fill.
 * TestLoadSections goes further: it loads an image of whole pages, section behind section from
 * RVA 1000h, in which every byte follows from its place:
 *   code   a routine every 16 bytes that returns its own RVA, to be called or compared
 *   data   zeros
 */
#pragma once

#include "test.h"

#include "mm/image.h"

#define TEST_NT_OFFSET 0x80u
#define TEST_HEADERS_SIZE 0x400u
#define TEST_PREFERRED_BASE 0x140000000ull
#define TEST_ROUTINE_SIZE 16u

typedef struct _TEST_FILE_SECTION {
    PCSTR Name;
    ULONG Rva, Size, Raw, RawSize, Characteristics;
} TEST_FILE_SECTION;

/* File: zeroed, at least TEST_HEADERS_SIZE bytes. No directory has an entry. */
VOID TestFillHeaders(PUCHAR File, const TEST_FILE_SECTION *Sections, ULONG Count,
                     ULONG SizeOfImage);

typedef struct _TEST_SECTION {
    PCSTR Name;
    ULONG Pages;
    BOOLEAN Code;
} TEST_SECTION;

#define TEST_MAX_SECTIONS 10u

/* NULL and a failed test when it does not load. Section i of the list is Image->Section[i + 1]. */
PMM_IMAGE TestLoadSections(PCWSTR Path, const TEST_SECTION *Sections, ULONG Count);
/* Calls the routine at Address, which is in a code section. Faults as any call does. */
ULONG TestCallRoutine(ULONG64 Address);
/* How many bytes of a code section are not what they were when it was loaded. <= APC_LEVEL */
ULONG TestWrongCode(const MI_SECTION *Section);
/* Pages of a section that are valid now. */
ULONG TestValidPages(const MI_SECTION *Section);
