/* SPDX-License-Identifier: MIT */
#include "host/gdb/byte_buffer.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_LIMIT (256u << 20) /* bytes */

void BufferFree(BYTE_BUFFER *Buffer)
{
    free(Buffer->Bytes);
    *Buffer = (BYTE_BUFFER){0};
}

void BufferPut(BYTE_BUFFER *Buffer, const void *Bytes, size_t Size)
{
    if (Buffer->Failed || Size > BUFFER_LIMIT - Buffer->Used) {
        Buffer->Failed = true;
        return;
    }
    if (Buffer->Used + Size > Buffer->Capacity) {
        size_t Capacity = 2 * (Buffer->Used + Size) + 4096;
        uint8_t *Larger = realloc(Buffer->Bytes, Capacity);
        if (Larger == NULL) {
            Buffer->Failed = true;
            return;
        }
        Buffer->Bytes = Larger;
        Buffer->Capacity = Capacity;
    }
    memcpy(Buffer->Bytes + Buffer->Used, Bytes, Size);
    Buffer->Used += Size;
}

void BufferNumber(BYTE_BUFFER *Buffer, uint64_t Value, unsigned Size)
{
    BufferPut(Buffer, &Value, Size); /* little-endian, as the host is */
}

void BufferUnsigned(BYTE_BUFFER *Buffer, uint64_t Value)
{
    do {
        BufferNumber(Buffer, (Value & 0x7f) | (Value > 0x7f ? 0x80 : 0), 1);
        Value >>= 7;
    } while (Value != 0);
}

void BufferSigned(BYTE_BUFFER *Buffer, int64_t Value)
{
    bool More = true;
    while (More) {
        uint8_t Byte = Value & 0x7f;
        Value >>= 7;
        More = !((Value == 0 && (Byte & 0x40) == 0) || (Value == -1 && (Byte & 0x40) != 0));
        BufferNumber(Buffer, Byte | (More ? 0x80 : 0), 1);
    }
}

void BufferString(BYTE_BUFFER *Buffer, const char *Text)
{
    BufferPut(Buffer, Text, strlen(Text) + 1);
}

void BufferPatch(BYTE_BUFFER *Buffer, size_t Offset, uint32_t Value)
{
    if (!Buffer->Failed) {
        memcpy(Buffer->Bytes + Offset, &Value, sizeof(Value));
    }
}
