/* SPDX-License-Identifier: MIT */
/* Bytes that are put one after another: little-endian numbers, DWARF's LEB128, strings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *Bytes;
    size_t Used, Capacity;
    bool Failed; /* no memory, or too large: what was put since is lost */
} BYTE_BUFFER;

void BufferFree(BYTE_BUFFER *Buffer);
void BufferPut(BYTE_BUFFER *Buffer, const void *Bytes, size_t Size);
void BufferNumber(BYTE_BUFFER *Buffer, uint64_t Value, unsigned Size);
void BufferUnsigned(BYTE_BUFFER *Buffer, uint64_t Value);
void BufferSigned(BYTE_BUFFER *Buffer, int64_t Value);
void BufferString(BYTE_BUFFER *Buffer, const char *Text); /* with its NUL */
/* Writes a 4-byte number over what is at Offset. */
void BufferPatch(BYTE_BUFFER *Buffer, size_t Offset, uint32_t Value);
