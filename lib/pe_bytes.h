/* SPDX-License-Identifier: MIT */
/* What the pe_*.c files share: unaligned loads at checked offsets, ranges, errors. */
#pragma once

#include "lib/pe_image.h"

#define PE_INLINE static inline __attribute__((always_inline))

PE_INLINE uint16_t PeRead16(const uint8_t *Bytes, uint64_t Offset)
{
    uint16_t Value;
    __builtin_memcpy(&Value, Bytes + Offset, sizeof(Value));
    return Value;
}

PE_INLINE uint32_t PeRead32(const uint8_t *Bytes, uint64_t Offset)
{
    uint32_t Value;
    __builtin_memcpy(&Value, Bytes + Offset, sizeof(Value));
    return Value;
}

PE_INLINE uint64_t PeRead64(const uint8_t *Bytes, uint64_t Offset)
{
    uint64_t Value;
    __builtin_memcpy(&Value, Bytes + Offset, sizeof(Value));
    return Value;
}

/* Whether Length bytes at Offset lie below Limit; nothing overflows. */
PE_INLINE bool PeRangeFits(uint64_t Offset, uint64_t Length, uint64_t Limit)
{
    return Offset <= Limit && Length <= Limit - Offset;
}

PE_INLINE bool PeIsPowerOfTwo(uint32_t Value)
{
    return Value != 0 && (Value & (Value - 1)) == 0;
}

/* Alignment is a power of two below 2^32, Value below 2^33. */
PE_INLINE uint64_t PeAlignUp(uint64_t Value, uint64_t Alignment)
{
    return (Value + Alignment - 1) & ~(Alignment - 1);
}

PE_INLINE bool PeFail(PE_ERROR *Error, uint64_t Offset, PE_ERROR_CODE Code, const char *Rule)
{
    if (Error != NULL) {
        Error->Offset = Offset;
        Error->Rule = Rule;
        Error->Code = Code;
    }
    return false;
}

PE_INLINE PE_STEP PeStepFail(PE_ERROR *Error, uint64_t Offset, PE_ERROR_CODE Code,
                             const char *Rule)
{
    PeFail(Error, Offset, Code, Rule);
    return PeStepError;
}

/* The file offset of the entry of a data directory, for messages. */
PE_INLINE uint64_t PeDirectoryEntryOffset(const PE_IMAGE *Image, uint32_t Index)
{
    return Image->NtHeaders + offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
           offsetof(IMAGE_OPTIONAL_HEADER64, DataDirectory) + Index * sizeof(IMAGE_DATA_DIRECTORY);
}

/*
 * The length of the string at an RVA, at most Limit; false unless its NUL is reached within
 * both Limit and the file's bytes of the section it is in.
 */
bool PeImageString(const PE_IMAGE *Image, uint32_t Rva, uint32_t Limit, const char **String,
                   uint32_t *Length);

/* Whether Length bytes at an RVA lie in one section, file bytes or zeros. */
bool PeImageRvaInSection(const PE_IMAGE *Image, uint32_t Rva, uint64_t Length);

/* Everything PeImageOpen checks beyond headers and sections. */
bool PeCheckDirectories(const PE_IMAGE *Image, PE_ERROR *Error);
