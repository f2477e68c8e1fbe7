/* SPDX-License-Identifier: MIT */
/*
 * An entry: a header of 6 bytes magic and 13 fields of 8 hexadecimal digits, the name with its NUL,
 * zeros to a multiple of 4, the data, zeros to a multiple of 4. The last is named TRAILER!!!.
 */
#include "lib/cpio.h"

#define CPIO_HEADER_SIZE 110u
#define CPIO_MAGIC_SIZE 6u
#define CPIO_DIGITS 8u
#define CPIO_FIELDS 13u

enum {
    CpioFieldInode,
    CpioFieldMode,
    CpioFieldUid,
    CpioFieldGid,
    CpioFieldLinks,
    CpioFieldTime,
    CpioFieldFileSize,
    CpioFieldDevMajor,
    CpioFieldDevMinor,
    CpioFieldRdevMajor,
    CpioFieldRdevMinor,
    CpioFieldNameSize,
    CpioFieldCheck,
};

static const char CpioMagic[CPIO_MAGIC_SIZE] = {'0', '7', '0', '7', '0', '1'};
static const char CpioTrailer[] = "TRAILER!!!";

static uint64_t CpioAlign(uint64_t Offset)
{
    return (Offset + 3) & ~3ull;
}

static bool CpioReadField(const uint8_t *Header, uint32_t Field, uint32_t *Value)
{
    const uint8_t *Digit = Header + CPIO_MAGIC_SIZE + Field * CPIO_DIGITS;
    *Value = 0;
    for (uint32_t i = 0; i < CPIO_DIGITS; i += 1) {
        uint8_t c = Digit[i];
        uint32_t d;
        if (c >= '0' && c <= '9') {
            d = c - '0';
        } else if (c >= 'a' && c <= 'f') {
            d = c - 'a' + 10u;
        } else if (c >= 'A' && c <= 'F') {
            d = c - 'A' + 10u;
        } else {
            return false;
        }
        *Value = *Value << 4 | d;
    }
    return true;
}

static bool CpioNamesEqual(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a += 1;
        b += 1;
    }
    return *a == *b;
}

static CPIO_STEP CpioFail(const char **Rule, const char *Sentence)
{
    *Rule = Sentence;
    return CpioStepError;
}

CPIO_STEP CpioNext(const void *Archive, size_t Size, uint64_t *Cursor, CPIO_ENTRY *Entry,
                   const char **Rule)
{
    uint64_t At = *Cursor;
    uint32_t NameSize;

    *Rule = "";
    *Entry = (CPIO_ENTRY){.Offset = At};
    if (At > Size || Size - At < CPIO_HEADER_SIZE) {
        return CpioFail(Rule, "the archive ends without a trailer");
    }
    const uint8_t *Header = (const uint8_t *)Archive + At;
    if (__builtin_memcmp(Header, CpioMagic, CPIO_MAGIC_SIZE) != 0) {
        return CpioFail(Rule, "an entry must begin with the magic 070701");
    }
    if (!CpioReadField(Header, CpioFieldMode, &Entry->Mode) ||
        !CpioReadField(Header, CpioFieldFileSize, &Entry->Size) ||
        !CpioReadField(Header, CpioFieldNameSize, &NameSize)) {
        return CpioFail(Rule, "an entry's fields must be hexadecimal digits");
    }
    uint64_t Name = At + CPIO_HEADER_SIZE;
    if (NameSize < 1 || NameSize > CPIO_MAX_NAME || NameSize > Size - Name) {
        return CpioFail(Rule, "an entry's name must be 1 to 4096 bytes inside the archive");
    }
    Entry->Name = (const char *)Archive + Name;
    Entry->NameLength = NameSize - 1;
    for (uint32_t i = 0; i < NameSize; i += 1) {
        if ((Entry->Name[i] == 0) != (i == Entry->NameLength)) {
            return CpioFail(Rule, "an entry's name must end with its only NUL");
        }
    }
    if (CpioNamesEqual(Entry->Name, CpioTrailer)) {
        return CpioStepEnd;
    }
    uint64_t Data = CpioAlign(Name + NameSize);
    if (Data > Size || Entry->Size > Size - Data) {
        return CpioFail(Rule, "an entry's data must lie inside the archive");
    }
    Entry->Data = (const uint8_t *)Archive + Data;
    *Cursor = CpioAlign(Data + Entry->Size);
    return CpioStepItem;
}

bool CpioFind(const void *Archive, size_t Size, const char *Name, CPIO_ENTRY *Entry)
{
    uint64_t Cursor = 0;
    const char *Rule;
    while (CpioNext(Archive, Size, &Cursor, Entry, &Rule) == CpioStepItem) {
        const char *Have = Entry->Name;
        if (Have[0] == '.' && Have[1] == '/') {
            Have += 2;
        }
        if (CpioNamesEqual(Have, Name)) {
            return true;
        }
    }
    return false;
}

void CpioWriterInit(CPIO_WRITER *Writer, void *Buffer, size_t Size)
{
    *Writer = (CPIO_WRITER){.Buffer = Buffer, .Size = Buffer == NULL ? 0 : Size, .NextInode = 1};
}

/* Bytes NULL: zeros. Counts always; writes only what fits as a whole. */
static void CpioPut(CPIO_WRITER *Writer, const void *Bytes, size_t Count)
{
    if (Count != 0 && Writer->Used <= Writer->Size && Count <= Writer->Size - Writer->Used) {
        if (Bytes == NULL) {
            __builtin_memset(Writer->Buffer + Writer->Used, 0, Count);
        } else {
            __builtin_memcpy(Writer->Buffer + Writer->Used, Bytes, Count);
        }
    }
    Writer->Used += Count;
}

static void CpioPad(CPIO_WRITER *Writer)
{
    CpioPut(Writer, NULL, CpioAlign(Writer->Used) - Writer->Used);
}

bool CpioWriteEntry(CPIO_WRITER *Writer, const char *Name, uint32_t Mode, const void *Data,
                    uint32_t Size)
{
    uint32_t Fields[CPIO_FIELDS] = {0};
    char Digits[CPIO_FIELDS * CPIO_DIGITS];
    uint32_t NameSize = 1;

    while (Name[NameSize - 1] != 0) {
        if (NameSize == CPIO_MAX_NAME) {
            return false;
        }
        NameSize += 1;
    }
    Fields[CpioFieldInode] = Writer->NextInode++;
    Fields[CpioFieldMode] = Mode;
    Fields[CpioFieldLinks] = 1;
    Fields[CpioFieldFileSize] = Size;
    Fields[CpioFieldNameSize] = NameSize;
    for (uint32_t i = 0; i < sizeof(Digits); i += 1) {
        uint32_t Shift = (CPIO_DIGITS - 1 - i % CPIO_DIGITS) * 4;
        Digits[i] = "0123456789abcdef"[Fields[i / CPIO_DIGITS] >> Shift & 0xf];
    }
    CpioPut(Writer, CpioMagic, sizeof(CpioMagic));
    CpioPut(Writer, Digits, sizeof(Digits));
    CpioPut(Writer, Name, NameSize);
    CpioPad(Writer);
    CpioPut(Writer, Data, Size);
    CpioPad(Writer);
    return Writer->Used <= Writer->Size;
}

bool CpioWriteTrailer(CPIO_WRITER *Writer)
{
    return CpioWriteEntry(Writer, CpioTrailer, 0, NULL, 0);
}
