/* SPDX-License-Identifier: MIT */
/*
 * Reads and loads PE32+ x64 driver images. Pure: no allocation, no I/O, no global state; the same
 * code runs in the kernel, in boot code and on the host. The bytes are hostile: every offset is
 * checked before use, every loop is bounded, and what is refused is refused with the file offset
 * of the offending field and one sentence that states the rule.
 *
 * A PE_IMAGE refers to the caller's bytes, which must stay unchanged while it is in use. There are
 * two layouts: as in the file (PeImageOpen) and as in memory (PeMappedOpen, where an offset is
 * an RVA). PeImageOpen checks everything at once: headers, sections, imports, exports, relocations,
 * function table, load configuration; after it the accessors cannot fail on the same bytes.
 * PeMappedOpen checks the headers only, as the rest may have been discarded or paged out; each
 * accessor checks again what it touches. The debug directory is never fatal: only its accessor
 * complains, since the system loader ignores it as well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nt/pe.h"

#define PE_MAX_IMAGE_SIZE 0x80000000ull /* bytes in memory: RIP-relative addressing reaches 2 GB */
#define PE_MAX_SECTIONS 96              /* the loader's documented limit */
#define PE_MAX_IMPORT_DLLS 256
#define PE_MAX_IMPORTS 65536 /* of one DLL entry, and of all together */
#define PE_MAX_EXPORTS 65536
#define PE_MAX_NAME 4096 /* bytes of an imported or exported name, without the NUL */
#define PE_MAX_DLL_NAME 255
#define PE_MAX_PATH 1024 /* bytes of a PDB path */

typedef enum _PE_ERROR_CODE {
    PeErrorNone,
    PeErrorEmpty,
    PeErrorElf,
    PeErrorText,
    PeErrorArchive,
    PeErrorObjectFile,
    PeErrorNotMz,
    PeErrorNotPe,
    PeErrorDos16,
    PeErrorTruncated,
    PeErrorMachine32,
    PeErrorMachineArm64,
    PeErrorMachine,
    PeErrorOptionalHeader,
    PeErrorNotLinked,
    PeErrorSubsystem,
    PeErrorDotNet,
    PeErrorAlignment,
    PeErrorImageSize,
    PeErrorHeaderSize,
    PeErrorSectionCount,
    PeErrorSectionPlace,
    PeErrorSectionOverlap,
    PeErrorSectionData,
    PeErrorEntryPoint,
    PeErrorDirectory,
    PeErrorImport,
    PeErrorExport,
    PeErrorRelocation,
    PeErrorFunctionTable,
    PeErrorLoadConfig,
    PeErrorDebug,
    PeErrorBuffer,
    PeErrorNotRelocatable,
    PeErrorNotFound,
    PeErrorForwarder,
} PE_ERROR_CODE;

typedef struct _PE_ERROR {
    uint64_t Offset;  /* into the file; into the image for one that is mapped */
    const char *Rule; /* one sentence, static */
    PE_ERROR_CODE Code;
} PE_ERROR;

typedef enum _PE_STEP { PeStepEnd, PeStepItem, PeStepError } PE_STEP;

typedef struct _PE_IMAGE {
    const uint8_t *Bytes;
    uint64_t Size; /* of Bytes */
    bool Mapped;
    bool Flat; /* SectionAlignment below a page: file and memory layout are the same */
    uint32_t NtHeaders;    /* file offset */
    uint32_t SectionTable; /* file offset */
    uint32_t SectionCount;
    uint32_t DirectoryCount;
    uint16_t Characteristics;
    uint16_t DllCharacteristics;
    uint16_t SubsystemVersion; /* major << 8 | minor, each cut to a byte */
    uint16_t LinkerVersion;
    uint32_t TimeDateStamp;
    uint32_t CheckSum; /* as recorded; 0: none */
    uint32_t SymbolTable; /* as recorded: file offset of COFF symbols, unchecked; 0: none */
    uint32_t EntryPoint; /* RVA; 0: none */
    uint32_t SectionAlignment;
    uint32_t FileAlignment;
    uint32_t SizeOfHeaders;
    uint32_t SizeOfImage;
    uint64_t ImageBase; /* preferred; in a mapped image the one it was loaded at */
} PE_IMAGE;

typedef struct _PE_DIRECTORY {
    uint32_t Rva; /* 0: absent */
    uint32_t Size;
} PE_DIRECTORY;

typedef struct _PE_SECTION {
    char Name[IMAGE_SIZEOF_SHORT_NAME + 1];
    uint32_t Index;
    uint32_t Characteristics;
    uint32_t Rva;
    uint32_t VirtualSize; /* as recorded, or SizeOfRawData where that is 0 */
    uint32_t MappedSize;  /* VirtualSize rounded up to SectionAlignment */
    uint32_t RawOffset;
    uint32_t RawSize;
    uint32_t FileBytes; /* how many of RawSize get into memory */
} PE_SECTION;

typedef struct _PE_IMPORT_DLL {
    const char *Name; /* NUL-terminated, in the image's bytes */
    uint32_t NameLength;
    uint32_t LookupRva; /* the thunks that tell name or ordinal */
    uint32_t SlotRva;   /* the first slot to fill in */
} PE_IMPORT_DLL;

typedef struct _PE_IMPORT {
    const char *Name; /* NULL: by ordinal */
    uint32_t NameLength;
    uint16_t Ordinal; /* or the hint */
    uint32_t SlotRva; /* where the 64-bit address goes */
} PE_IMPORT;

typedef struct _PE_EXPORT {
    const char *Name; /* NULL: not asked for by name */
    uint32_t NameLength;
    uint32_t Ordinal;
    uint32_t Rva;
    bool Forwarder; /* Rva is that of a string which names another image's export */
} PE_EXPORT;

typedef struct _PE_RELOCATION_CURSOR {
    uint32_t Block; /* offset into the directory */
    uint32_t Entry; /* offset into the block; 0: at its header */
} PE_RELOCATION_CURSOR;

typedef struct _PE_FUNCTION {
    uint32_t BeginRva;
    uint32_t EndRva;
    uint32_t UnwindRva;
} PE_FUNCTION;

typedef struct _PE_LOAD_CONFIG {
    uint32_t Size;
    uint32_t GuardFlags;
    uint32_t SecurityCookieRva; /* 0: none. So with the next two. */
    uint32_t GuardCheckPointerRva;
    uint32_t GuardDispatchPointerRva;
} PE_LOAD_CONFIG;

typedef struct _PE_CODEVIEW {
    uint8_t Guid[16]; /* as in the file */
    uint32_t Age;
    uint32_t PathLength;
    const char *Path; /* NUL-terminated, in the image's bytes */
} PE_CODEVIEW;

bool PeImageOpen(PE_IMAGE *Image, const void *File, size_t Size, PE_ERROR *Error);
bool PeMappedOpen(PE_IMAGE *Image, const void *Base, size_t Size, PE_ERROR *Error);

/*
 * Whether CheckSum is that of the bytes. A wrong one is no reason to refuse: real drivers have it.
 */
bool PeImageChecksumMatches(const PE_IMAGE *Image, uint32_t *Computed);

/* Index < SectionCount. */
void PeImageSection(const PE_IMAGE *Image, uint32_t Index, PE_SECTION *Section);
/* False: the RVA is in the headers or in none. */
bool PeImageSectionOfRva(const PE_IMAGE *Image, uint32_t Rva, PE_SECTION *Section);
bool PeImageFindSection(const PE_IMAGE *Image, const char *Name, PE_SECTION *Section);
/* NT's rule: the name begins with PAGE (case matters), or it is .edata. */
bool PeSectionIsPageable(const PE_SECTION *Section);

PE_DIRECTORY PeImageDirectory(const PE_IMAGE *Image, uint32_t Index);

/* The offset in Bytes of Length bytes at an RVA; false unless all of them come from the file. */
bool PeImageRvaToFile(const PE_IMAGE *Image, uint32_t Rva, uint64_t Length, uint64_t *Offset);
/* The same, as a pointer or NULL. */
const void *PeImageRvaToPointer(const PE_IMAGE *Image, uint32_t Rva, uint64_t Length);

/*
 * Imports by number, from 0 until PeStepEnd. One DLL may have several entries. Slots lie in
 * sections of the image.
 */
PE_STEP PeImageImportDll(const PE_IMAGE *Image, uint32_t Index, PE_IMPORT_DLL *Dll,
                         PE_ERROR *Error);
PE_STEP PeImageImport(const PE_IMAGE *Image, const PE_IMPORT_DLL *Dll, uint32_t Index,
                      PE_IMPORT *Import, PE_ERROR *Error);

/* Exports by number of the address table, without names; empty entries have Rva 0. */
PE_STEP PeImageExport(const PE_IMAGE *Image, uint32_t Index, PE_EXPORT *Export, PE_ERROR *Error);
/* Exports by number of the name table, in the order of names. */
PE_STEP PeImageNamedExport(const PE_IMAGE *Image, uint32_t Index, PE_EXPORT *Export,
                           PE_ERROR *Error);
/*
 * By binary search, as the specification demands sorted names. Forwarders are refused with
 * PeErrorForwarder, an unknown name with PeErrorNotFound.
 */
bool PeImageFindExport(const PE_IMAGE *Image, const char *Name, uint32_t *Rva, PE_ERROR *Error);
bool PeImageFindExportOrdinal(const PE_IMAGE *Image, uint32_t Ordinal, uint32_t *Rva,
                              PE_ERROR *Error);
/* The address of an export of an image in memory, or NULL. */
void *PeMappedFindExport(const void *Base, size_t Size, const char *Name);

/* Cursor starts as {0}. Rva is that of a 64-bit address to adjust. */
PE_STEP PeImageRelocation(const PE_IMAGE *Image, PE_RELOCATION_CURSOR *Cursor, uint32_t *Rva,
                          PE_ERROR *Error);

/* Functions with unwind data (.pdata), by number. Zero entries are padding. */
PE_STEP PeImageFunction(const PE_IMAGE *Image, uint32_t Index, PE_FUNCTION *Function,
                        PE_ERROR *Error);

/* Both: false with PeErrorNotFound when the image has none. */
bool PeImageLoadConfig(const PE_IMAGE *Image, PE_LOAD_CONFIG *Config, PE_ERROR *Error);
bool PeImageCodeView(const PE_IMAGE *Image, PE_CODEVIEW *CodeView, PE_ERROR *Error);

/*
 * Lays an image out in memory for address Base: headers, sections, zeros, relocations, and the new
 * base in the headers. Destination need not be at Base. PeImageLoadZeroed is for memory
 * that is all zero already: it leaves untouched what the file does not fill. On failure the content
 * of Destination is undefined. No other side effect. May fault where Destination is pageable.
 */
bool PeImageLoad(const PE_IMAGE *Image, void *Destination, size_t Size, uint64_t Base,
                 PE_ERROR *Error);
bool PeImageLoadZeroed(const PE_IMAGE *Image, void *Destination, size_t Size, uint64_t Base,
                       PE_ERROR *Error);
