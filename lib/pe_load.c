/* SPDX-License-Identifier: MIT */
/*
 * Lays out a PE image in memory. Relocations are read from the file bytes, never from the copy,
 * so an image cannot change its own relocations while they are applied.
 */
#include "lib/pe_bytes.h"

#define BASE_OFFSET                                  \
    (offsetof(IMAGE_NT_HEADERS64, OptionalHeader) + \
     offsetof(IMAGE_OPTIONAL_HEADER64, ImageBase))


static void PeCopySections(const PE_IMAGE *Image, uint8_t *Destination, bool Zeroed)
{
    uint32_t Done = Image->SizeOfHeaders;
    __builtin_memcpy(Destination, Image->Bytes, Done);
    for (uint32_t i = 0; i < Image->SectionCount; i += 1) {
        PE_SECTION Section;
        PeImageSection(Image, i, &Section);
        if (!Zeroed && Section.Rva > Done) {
            __builtin_memset(Destination + Done, 0, Section.Rva - Done);
        }
        if (Section.FileBytes != 0) {
            __builtin_memcpy(Destination + Section.Rva, Image->Bytes + Section.RawOffset,
                             Section.FileBytes);
        }
        Done = Section.Rva + Section.FileBytes;
    }
    if (!Zeroed) {
        __builtin_memset(Destination + Done, 0, Image->SizeOfImage - Done);
    }
}

static bool PeRelocate(const PE_IMAGE *Image, uint8_t *Destination, uint64_t Delta,
                       PE_ERROR *Error)
{
    PE_RELOCATION_CURSOR Cursor = {0, 0};
    uint32_t Rva;
    for (;;) {
        PE_STEP Step = PeImageRelocation(Image, &Cursor, &Rva, Error);
        if (Step != PeStepItem) {
            return Step == PeStepEnd;
        }
        uint64_t Address = PeRead64(Destination, Rva) + Delta;
        __builtin_memcpy(Destination + Rva, &Address, sizeof(Address));
    }
}

static bool PeLoad(const PE_IMAGE *Image, void *Destination, size_t Size, uint64_t Base,
                   bool Zeroed, PE_ERROR *Error)
{
    uint64_t Delta = Base - Image->ImageBase;
    if (Image->Mapped) {
        return PeFail(Error, 0, PeErrorBuffer, "an image already in memory cannot be loaded again");
    }
    if (Size < Image->SizeOfImage) {
        return PeFail(Error, 0, PeErrorBuffer, "the destination is smaller than SizeOfImage");
    }
    if (Delta != 0 && (Image->Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0) {
        return PeFail(Error,
                      Image->NtHeaders + offsetof(IMAGE_NT_HEADERS64, FileHeader) +
                          offsetof(IMAGE_FILE_HEADER, Characteristics),
                      PeErrorNotRelocatable,
                      "the image's relocations were stripped: it runs at its preferred base only");
    }
    PeCopySections(Image, Destination, Zeroed);
    if (Delta == 0) {
        return true;
    }
    if (!PeRelocate(Image, Destination, Delta, Error)) {
        return false;
    }
    __builtin_memcpy((uint8_t *)Destination + Image->NtHeaders + BASE_OFFSET, &Base, sizeof(Base));
    return true;
}

bool PeImageLoad(const PE_IMAGE *Image, void *Destination, size_t Size, uint64_t Base,
                 PE_ERROR *Error)
{
    return PeLoad(Image, Destination, Size, Base, false, Error);
}

bool PeImageLoadZeroed(const PE_IMAGE *Image, void *Destination, size_t Size, uint64_t Base,
                       PE_ERROR *Error)
{
    return PeLoad(Image, Destination, Size, Base, true, Error);
}
