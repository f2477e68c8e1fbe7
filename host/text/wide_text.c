/* SPDX-License-Identifier: MIT */
#include "host/text/wide_text.h"

#include "host/text/text.h"

bool WideFromUtf8(const void *Data, size_t Length, uint16_t *Out, size_t *Count)
{
    const uint8_t *Bytes = Data;
    size_t Used = 0, Size;

    for (size_t i = 0; i < Length; i += Size) {
        uint32_t Code;
        Size = TextDecode(Bytes + i, Length - i, &Code);
        if (Size == 0) {
            *Count = i;
            return false;
        }
        if (Code >= 0x10000) {
            Out[Used++] = (uint16_t)(0xd800 + ((Code - 0x10000) >> 10));
            Code = 0xdc00 + ((Code - 0x10000) & 0x3ff);
        }
        Out[Used++] = (uint16_t)Code;
    }
    *Count = Used;
    return true;
}

/* The character at Text[*Index], which moves past it. */
static uint32_t WideNext(const uint16_t *Text, size_t Count, size_t *Index)
{
    uint32_t Code = Text[(*Index)++];
    if (Code < 0xd800 || Code > 0xdfff) {
        return Code;
    }
    if (Code > 0xdbff || *Index == Count || Text[*Index] < 0xdc00 || Text[*Index] > 0xdfff) {
        return 0xfffd;
    }
    return 0x10000 + ((Code - 0xd800) << 10) + (Text[(*Index)++] - 0xdc00u);
}

size_t WideToUtf8(const uint16_t *Text, size_t Count, char *Out)
{
    static const uint8_t First[] = {0, 0xc0, 0xe0, 0xf0};
    size_t Used = 0;

    for (size_t i = 0; i < Count;) {
        uint32_t Code = WideNext(Text, Count, &i);
        unsigned Extra = Code < 0x80 ? 0 : Code < 0x800 ? 1 : Code < 0x10000 ? 2 : 3;
        Out[Used++] = (char)(First[Extra] | Code >> (6 * Extra));
        while (Extra != 0) {
            Out[Used++] = (char)(0x80 | (Code >> (6 * --Extra) & 0x3f));
        }
    }
    return Used;
}
