/* SPDX-License-Identifier: MIT */
#include "host/text/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

size_t TextDecode(const uint8_t *Bytes, size_t Length, uint32_t *Code)
{
    static const uint32_t Least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t Size = Bytes[0] < 0x80   ? 1
                  : Bytes[0] < 0xc2 ? 0
                  : Bytes[0] < 0xe0 ? 2
                  : Bytes[0] < 0xf0 ? 3
                  : Bytes[0] < 0xf5 ? 4
                                    : 0;
    *Code = Bytes[0];
    if (Size < 2 || Size > Length) {
        return Size <= Length ? Size : 0;
    }
    *Code = Bytes[0] & (0x7fu >> Size);
    for (size_t i = 1; i < Size; i++) {
        if ((Bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        *Code = *Code << 6 | (Bytes[i] & 0x3f);
    }
    bool Valid = *Code >= Least[Size] && *Code <= 0x10ffff && (*Code < 0xd800 || *Code > 0xdfff);
    return Valid ? Size : 0;
}

/* C1 controls (two bytes in UTF-8), and the characters that reorder text on a terminal. */
static bool TextIsHarmful(const uint8_t *Bytes, size_t Size)
{
    if (Size == 1) {
        return Bytes[0] < 0x20 || Bytes[0] == 0x7f;
    }
    if (Size == 2) {
        return Bytes[0] == 0xc2 && Bytes[1] < 0xa0;
    }
    if (Size == 3 && Bytes[0] == 0xe2) {
        return (Bytes[1] == 0x80 && ((Bytes[2] >= 0x8e && Bytes[2] <= 0x8f) ||
                                     (Bytes[2] >= 0xa8 && Bytes[2] <= 0xae))) ||
               (Bytes[1] == 0x81 && Bytes[2] >= 0xa6 && Bytes[2] <= 0xa9);
    }
    return false;
}

size_t TextClean(char *Out, size_t Capacity, const void *Data, size_t Length)
{
    static const char Digits[] = "0123456789abcdef";
    const uint8_t *Bytes = Data;
    size_t Used = 0;

    for (size_t i = 0; i < Length;) {
        uint32_t Code;
        size_t Size = TextDecode(Bytes + i, Length - i, &Code);
        char Escape[4];
        const char *Piece = (const char *)Bytes + i;
        size_t PieceSize = Size;
        if (Size == 1 && Bytes[i] == '\t') {
            Piece = " ";
        } else if (Size == 0 || TextIsHarmful(Bytes + i, Size)) {
            Size = 1;
            Escape[0] = '\\';
            Escape[1] = 'x';
            Escape[2] = Digits[Bytes[i] >> 4];
            Escape[3] = Digits[Bytes[i] & 15];
            Piece = Escape;
            PieceSize = 4;
        }
        if (Used + PieceSize >= Capacity) {
            break;
        }
        memcpy(Out + Used, Piece, PieceSize);
        Used += PieceSize;
        i += Size;
    }
    if (Capacity != 0) {
        Out[Used] = 0;
    }
    return Used;
}

size_t TextCleanString(char *Out, size_t Capacity, const char *String)
{
    return TextClean(Out, Capacity, String, strlen(String));
}

const char *TextGroups(char Out[TEXT_NUMBER], uint64_t Number)
{
    char Digits[TEXT_NUMBER];
    int Count = snprintf(Digits, sizeof(Digits), "%" PRIu64, Number);
    int Used = 0;
    for (int i = 0; i < Count; i++) {
        if (i != 0 && (Count - i) % 3 == 0) {
            Out[Used++] = ',';
        }
        Out[Used++] = Digits[i];
    }
    Out[Used] = 0;
    return Out;
}

const char *TextAddress(char Out[TEXT_NUMBER], uint64_t Address)
{
    snprintf(Out, TEXT_NUMBER, "%08x`%08x", (unsigned)(Address >> 32), (unsigned)Address);
    return Out;
}

const char *TextHex(char Out[TEXT_NUMBER], uint64_t Number)
{
    snprintf(Out, TEXT_NUMBER, "0x%" PRIx64, Number);
    return Out;
}

const char *TextSize(char Out[TEXT_NUMBER], uint64_t Bytes)
{
    static const char Units[] = "GMK";
    for (int i = 0; i < 3; i++) {
        int Shift = 30 - 10 * i;
        if (Bytes != 0 && (Bytes & ((1ull << Shift) - 1)) == 0) {
            snprintf(Out, TEXT_NUMBER, "%" PRIu64 "%c", Bytes >> Shift, Units[i]);
            return Out;
        }
    }
    snprintf(Out, TEXT_NUMBER, "%" PRIu64, Bytes);
    return Out;
}

static unsigned TextDigit(char Char)
{
    if (Char >= '0' && Char <= '9') {
        return (unsigned)(Char - '0');
    }
    Char |= 0x20;
    return Char >= 'a' && Char <= 'f' ? (unsigned)(Char - 'a' + 10) : 99;
}

/* Digits of a base up to the first character that is none; false without any, or on overflow. */
static bool TextParseDigits(const char **Text, unsigned Base, uint64_t *Number)
{
    const char *Start = *Text;
    uint64_t Value = 0;
    for (; TextDigit(**Text) < Base; (*Text)++) {
        if (__builtin_mul_overflow(Value, (uint64_t)Base, &Value) ||
            __builtin_add_overflow(Value, (uint64_t)TextDigit(**Text), &Value)) {
            return false;
        }
    }
    *Number = Value;
    return *Text != Start;
}

bool TextParseSize(const char *Text, uint64_t *Bytes)
{
    uint64_t Value;
    unsigned Shift = 0;
    if (!TextParseDigits(&Text, 10, &Value)) {
        return false;
    }
    switch (*Text) {
    case 'k': case 'K': Shift = 10; Text++; break;
    case 'm': case 'M': Shift = 20; Text++; break;
    case 'g': case 'G': Shift = 30; Text++; break;
    default: break;
    }
    if (*Text != 0 || (Shift != 0 && Value >> (64 - Shift) != 0)) {
        return false;
    }
    *Bytes = Value << Shift;
    return true;
}

bool TextParseNumber(const char *Text, uint64_t *Number)
{
    unsigned Base = Text[0] == '0' && (Text[1] | 0x20) == 'x' ? 16 : 10;
    Text += Base == 16 ? 2 : 0;
    return TextParseDigits(&Text, Base, Number) && *Text == 0;
}

/* Takes out what is left of characters that were cut. */
static void TextDropCut(char *Text)
{
    size_t Length = strlen(Text), Used = 0;
    for (size_t i = 0; i < Length;) {
        uint32_t Code;
        size_t Size = TextDecode((const uint8_t *)Text + i, Length - i, &Code);
        memmove(Text + Used, Text + i, Size);
        Used += Size;
        i += Size != 0 ? Size : 1;
    }
    Text[Used] = 0;
}

void TextFormat(char *Out, size_t Capacity, const char *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    vsnprintf(Out, Capacity, Format, Arguments);
    va_end(Arguments);
    TextDropCut(Out);
}

void TextAppendFormat(char *Line, size_t Capacity, const char *Format, ...)
{
    size_t Used = strlen(Line);
    va_list Arguments;
    va_start(Arguments, Format);
    if (Used < Capacity) {
        vsnprintf(Line + Used, Capacity - Used, Format, Arguments);
        TextDropCut(Line + Used);
    }
    va_end(Arguments);
}

typedef enum { WordPlain, WordQuoted, WordEscaped } TEXT_WORD;

/* The length of what stands at Text, and how little quoting it needs; 0 at the end. */
static size_t TextWordPart(const char *Text, size_t Length, TEXT_WORD *Needs)
{
    static const char Plain[] = "%+,-./:=@_";
    uint32_t Code;
    if (Length == 0) {
        return 0;
    }
    size_t Size = TextDecode((const uint8_t *)Text, Length, &Code);
    if (Size == 0 || TextIsHarmful((const uint8_t *)Text, Size)) {
        *Needs = WordEscaped;
        return 1;
    }
    *Needs = Code < 0x80 && (isalnum((int)Code) || strchr(Plain, (int)Code) != NULL) ? WordPlain
                                                                                    : WordQuoted;
    return Size;
}

void TextAppendWord(char *Line, size_t Capacity, const char *Word)
{
    static const char *const Begin[] = {"", "'", "$'"};
    TEXT_WORD Style = *Word == 0 ? WordQuoted : WordPlain, Needs;
    const size_t Length = strlen(Word);
    size_t Size;

    for (size_t i = 0; (Size = TextWordPart(Word + i, Length - i, &Needs)) != 0; i += Size) {
        Style = Needs > Style ? Needs : Style;
    }
    TextAppendFormat(Line, Capacity, "%s%s", *Line != 0 ? " " : "", Begin[Style]);
    for (size_t i = 0; (Size = TextWordPart(Word + i, Length - i, &Needs)) != 0; i += Size) {
        if (Needs == WordEscaped) {
            TextAppendFormat(Line, Capacity, "\\x%02x", (uint8_t)Word[i]);
        } else if (Style == WordEscaped && (Word[i] == '\'' || Word[i] == '\\')) {
            TextAppendFormat(Line, Capacity, "\\%c", Word[i]);
        } else if (Word[i] == '\'') {
            TextAppendFormat(Line, Capacity, "'\\''");
        } else {
            TextAppendFormat(Line, Capacity, "%.*s", (int)Size, Word + i);
        }
    }
    TextAppendFormat(Line, Capacity, "%s", Style != WordPlain ? "'" : "");
}

const char *TextBaseName(const char *Path)
{
    const char *Slash = strrchr(Path, '/');
    return Slash != NULL ? Slash + 1 : Path;
}

void TextTurnSlashes(char *File)
{
    if (strchr(File, ':') == NULL && strncmp(File, "\\\\", 2) != 0) {
        for (char *c = File; *c != 0; c++) {
            *c = *c == '\\' ? '/' : *c;
        }
    }
}

uint64_t TextNow(void)
{
    struct timespec Now;
    clock_gettime(CLOCK_MONOTONIC, &Now);
    return (uint64_t)Now.tv_sec * 1000 + (uint64_t)Now.tv_nsec / 1000000;
}

void TextGuid(char Out[TEXT_GUID], const uint8_t Guid[16])
{
    snprintf(Out, TEXT_GUID,
             "{%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x}", Guid[3],
             Guid[2], Guid[1], Guid[0], Guid[5], Guid[4], Guid[7], Guid[6], Guid[8], Guid[9],
             Guid[10], Guid[11], Guid[12], Guid[13], Guid[14], Guid[15]);
}
