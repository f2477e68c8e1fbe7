/* SPDX-License-Identifier: MIT */
/* Counted 8-bit strings and their conversion from and to UTF-16, in code page 1252. */
#include "rtlp.h"

#define MAX_BYTES 0xfffeu /* so that a terminator still fits 16 bits of length */

/* 0x80..0x9f of code page 1252; its five undefined places map to the C1 controls. */
static const USHORT RtlpAnsiHigh[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

WCHAR RtlpAnsiToUnicode(UCHAR c)
{
    return c >= 0x80 && c < 0xa0 ? (WCHAR)RtlpAnsiHigh[c - 0x80] : (WCHAR)c;
}

UCHAR RtlpUnicodeToAnsi(WCHAR c)
{
    if (c < 0x80 || (c >= 0xa0 && c <= 0xff)) {
        return (UCHAR)c;
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(RtlpAnsiHigh); i += 1) {
        if (RtlpAnsiHigh[i] == c) {
            return (UCHAR)(0x80 + i);
        }
    }
    return '?';
}

static SIZE_T RtlpBytes(PCSZ s)
{
    SIZE_T n = 0;
    while (s[n] != 0) {
        n += 1;
    }
    return n;
}


VOID RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString)
{
    *DestinationString = (STRING){.Buffer = (PCHAR)SourceString};
    if (SourceString != NULL) {
        SIZE_T Bytes = RtlpBytes(SourceString);
        if (Bytes > MAX_BYTES) {
            Bytes = MAX_BYTES;
        }
        DestinationString->Length = (USHORT)Bytes;
        DestinationString->MaximumLength = (USHORT)(Bytes + 1);
    }
}

VOID RtlInitString(PSTRING DestinationString, PCSZ SourceString)
{
    RtlInitAnsiString(DestinationString, SourceString);
}

NTSTATUS RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSZ SourceString)
{
    *DestinationString = (STRING){0};
    if (SourceString != NULL && RtlpBytes(SourceString) > MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    RtlInitAnsiString(DestinationString, SourceString);
    return STATUS_SUCCESS;
}

VOID RtlCopyString(PSTRING DestinationString, const STRING *SourceString)
{
    DestinationString->Length = 0;
    if (SourceString == NULL) {
        return;
    }
    USHORT Bytes = SourceString->Length;
    if (Bytes > DestinationString->MaximumLength) {
        Bytes = DestinationString->MaximumLength;
    }
    RtlMoveMemory(DestinationString->Buffer, SourceString->Buffer, Bytes);
    DestinationString->Length = Bytes;
}

NTSTATUS RtlAppendStringToString(PSTRING Destination, const STRING *Source)
{
    if (Source->Length > Destination->MaximumLength ||
        Destination->Length > Destination->MaximumLength - Source->Length) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlMoveMemory(Destination->Buffer + Destination->Length, Source->Buffer, Source->Length);
    Destination->Length = (USHORT)(Destination->Length + Source->Length);
    return STATUS_SUCCESS;
}

static LONG RtlpCompareBytes(const STRING *String1, const STRING *String2, ULONG Count,
                             BOOLEAN CaseInSensitive)
{
    for (ULONG i = 0; i < Count; i += 1) {
        CHAR a = String1->Buffer[i];
        CHAR b = String2->Buffer[i];
        if (a != b && CaseInSensitive) {
            a = RtlUpperChar(a);
            b = RtlUpperChar(b);
        }
        if (a != b) {
            return (LONG)(UCHAR)a - (LONG)(UCHAR)b;
        }
    }
    return 0;
}

LONG RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    ULONG Common = String1->Length < String2->Length ? String1->Length : String2->Length;
    LONG Order = RtlpCompareBytes(String1, String2, Common, CaseInSensitive);
    return Order != 0 ? Order : (LONG)String1->Length - (LONG)String2->Length;
}

BOOLEAN RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length == String2->Length &&
           RtlpCompareBytes(String1, String2, String1->Length, CaseInSensitive) == 0;
}

BOOLEAN RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive)
{
    return String1->Length <= String2->Length &&
           RtlpCompareBytes(String1, String2, String1->Length, CaseInSensitive) == 0;
}

VOID RtlUpperString(PSTRING DestinationString, const STRING *SourceString)
{
    USHORT Bytes = SourceString->Length;
    if (Bytes > DestinationString->MaximumLength) {
        Bytes = DestinationString->MaximumLength;
    }
    for (ULONG i = 0; i < Bytes; i += 1) {
        DestinationString->Buffer[i] = RtlUpperChar(SourceString->Buffer[i]);
    }
    DestinationString->Length = Bytes;
}

/* Both sizes are in bytes, with a terminator. */
ULONG RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString)
{
    return ((ULONG)AnsiString->Length + 1) * sizeof(WCHAR);
}

ULONG RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString)
{
    return UnicodeString->Length / sizeof(WCHAR) + 1u;
}

/* PASSIVE_LEVEL. Nothing is written when the destination is too small. */
NTSTATUS RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    ULONG Size = RtlxAnsiStringToUnicodeSize(SourceString);
    if (Size > UNICODE_STRING_MAX_BYTES) {
        return STATUS_INVALID_PARAMETER_2;
    }
    if (AllocateDestinationString) {
        PWCH Buffer = ExAllocatePoolWithTag(PagedPool, Size, RTLP_STRING_TAG);
        if (Buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
        *DestinationString = (UNICODE_STRING){.MaximumLength = (USHORT)Size, .Buffer = Buffer};
    } else if (Size > DestinationString->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (ULONG i = 0; i < SourceString->Length; i += 1) {
        DestinationString->Buffer[i] = RtlpAnsiToUnicode((UCHAR)SourceString->Buffer[i]);
    }
    DestinationString->Buffer[SourceString->Length] = 0;
    DestinationString->Length = (USHORT)(Size - sizeof(WCHAR));
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. Too small a destination gets what fits, and STATUS_BUFFER_OVERFLOW. */
NTSTATUS RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    ULONG Size = RtlxUnicodeStringToAnsiSize(SourceString);
    NTSTATUS Status = STATUS_SUCCESS;
    if (AllocateDestinationString) {
        PCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Size, RTLP_STRING_TAG);
        if (Buffer == NULL) {
            return STATUS_NO_MEMORY;
        }
        *DestinationString = (STRING){.MaximumLength = (USHORT)Size, .Buffer = Buffer};
    } else if (Size > DestinationString->MaximumLength) {
        if (DestinationString->MaximumLength == 0) {
            return STATUS_BUFFER_OVERFLOW;
        }
        Size = DestinationString->MaximumLength;
        Status = STATUS_BUFFER_OVERFLOW;
    }
    for (ULONG i = 0; i < Size - 1; i += 1) {
        DestinationString->Buffer[i] = (CHAR)RtlpUnicodeToAnsi(SourceString->Buffer[i]);
    }
    DestinationString->Buffer[Size - 1] = 0;
    DestinationString->Length = (USHORT)(Size - 1);
    return Status;
}

VOID RtlFreeAnsiString(PANSI_STRING AnsiString)
{
    if (AnsiString->Buffer != NULL) {
        ExFreePoolWithTag(AnsiString->Buffer, 0);
        *AnsiString = (STRING){0};
    }
}

WCHAR RtlAnsiCharToUnicodeChar(PUCHAR *SourceCharacter)
{
    UCHAR c = **SourceCharacter;
    *SourceCharacter += 1;
    return RtlpAnsiToUnicode(c);
}

NTSTATUS RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString,
                                PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                ULONG BytesInMultiByteString)
{
    ULONG Units = MaxBytesInUnicodeString / sizeof(WCHAR);
    if (Units > BytesInMultiByteString) {
        Units = BytesInMultiByteString;
    }
    for (ULONG i = 0; i < Units; i += 1) {
        UnicodeString[i] = RtlpAnsiToUnicode((UCHAR)MultiByteString[i]);
    }
    if (BytesInUnicodeString != NULL) {
        *BytesInUnicodeString = Units * sizeof(WCHAR);
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString,
                                   ULONG BytesInMultiByteString)
{
    *BytesInUnicodeString = BytesInMultiByteString * sizeof(WCHAR);
    return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString,
                                PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                ULONG BytesInUnicodeString)
{
    ULONG Units = BytesInUnicodeString / sizeof(WCHAR);
    if (Units > MaxBytesInMultiByteString) {
        Units = MaxBytesInMultiByteString;
    }
    for (ULONG i = 0; i < Units; i += 1) {
        MultiByteString[i] = (CHAR)RtlpUnicodeToAnsi(UnicodeString[i]);
    }
    if (BytesInMultiByteString != NULL) {
        *BytesInMultiByteString = Units;
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString,
                                   ULONG BytesInUnicodeString)
{
    *BytesInMultiByteString = BytesInUnicodeString / sizeof(WCHAR);
    return STATUS_SUCCESS;
}
