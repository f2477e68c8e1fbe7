/* SPDX-License-Identifier: MIT */
/*
 * The headers of an image in memory, as drivers ask for them. These routines know no size: they
 * trust that the caller's base is that of an image or a whole file, as NT's do, and check
 * only what the headers say about themselves. The kernel's own loader uses lib/pe_image.h.
 */
#include "lib/pe_image.h"
#include "rtlp.h"

#define MAX_HEADER_OFFSET 0x10000000

/* NULL when Base is no PE32+ image. Any IRQL at which the headers are resident. */
PIMAGE_NT_HEADERS RtlImageNtHeader(PVOID Base)
{
    const IMAGE_DOS_HEADER *Dos = Base;
    if (Base == NULL || Base == (PVOID)-1 || Dos->e_magic != IMAGE_DOS_SIGNATURE ||
        Dos->e_lfanew < 0 || Dos->e_lfanew > MAX_HEADER_OFFSET) {
        return NULL;
    }
    PIMAGE_NT_HEADERS Headers = (PIMAGE_NT_HEADERS)((PUCHAR)Base + Dos->e_lfanew);
    if (Headers->Signature != IMAGE_NT_SIGNATURE ||
        Headers->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC) {
        return NULL;
    }
    return Headers;
}

/* The place of an RVA in a file that is not mapped by its sections. */
static PVOID RtlpRvaInFile(PIMAGE_NT_HEADERS Headers, PVOID Base, ULONG Rva)
{
    const IMAGE_SECTION_HEADER *Section =
        (const IMAGE_SECTION_HEADER *)((PUCHAR)&Headers->OptionalHeader +
                                       Headers->FileHeader.SizeOfOptionalHeader);
    for (ULONG i = 0; i < Headers->FileHeader.NumberOfSections; i += 1, Section += 1) {
        if (Rva >= Section->VirtualAddress &&
            Rva - Section->VirtualAddress < Section->SizeOfRawData) {
            return (PUCHAR)Base + Section->PointerToRawData + (Rva - Section->VirtualAddress);
        }
    }
    return NULL;
}

/* NULL, and a size of 0, when the image has no such directory. */
PVOID RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT DirectoryEntry,
                                   PULONG Size)
{
    PIMAGE_NT_HEADERS Headers = RtlImageNtHeader(Base);
    *Size = 0;
    if (Headers == NULL || DirectoryEntry >= IMAGE_NUMBEROF_DIRECTORY_ENTRIES ||
        DirectoryEntry >= Headers->OptionalHeader.NumberOfRvaAndSizes) {
        return NULL;
    }
    IMAGE_DATA_DIRECTORY Directory = Headers->OptionalHeader.DataDirectory[DirectoryEntry];
    if (Directory.VirtualAddress == 0) {
        return NULL;
    }
    *Size = Directory.Size;
    if (MappedAsImage || Directory.VirtualAddress < Headers->OptionalHeader.SizeOfHeaders) {
        return (PUCHAR)Base + Directory.VirtualAddress;
    }
    return RtlpRvaInFile(Headers, Base, Directory.VirtualAddress);
}

/* <= APC_LEVEL: export tables may be paged. */
PVOID RtlFindExportedRoutineByName(PVOID ImageBase, PCSZ RoutineName)
{
    PIMAGE_NT_HEADERS Headers = RtlImageNtHeader(ImageBase);
    if (Headers == NULL) {
        return NULL;
    }
    return PeMappedFindExport(ImageBase, Headers->OptionalHeader.SizeOfImage, RoutineName);
}
