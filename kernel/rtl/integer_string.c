/* SPDX-License-Identifier: MIT */
/*
 * Numbers to strings and back. Base 0 means 10 when writing, and "look at the prefix" when reading.
 */
#include "rtlp.h"

#define MAX_DIGITS 64

static BOOLEAN RtlpBaseIsValid(ULONG Base)
{
    return Base == 0 || Base == 2 || Base == 8 || Base == 10 || Base == 16;
}

NTSTATUS RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    WCHAR Digits[MAX_DIGITS];
    ULONG Count = 0;
    if (!RtlpBaseIsValid(Base)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Base == 0) {
        Base = 10;
    }
    do {
        Digits[MAX_DIGITS - 1 - Count] = (WCHAR)"0123456789ABCDEF"[Value % Base];
        Value /= Base;
        Count += 1;
    } while (Value != 0);
    ULONG Bytes = Count * sizeof(WCHAR);
    if (Bytes > String->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    RtlCopyMemory(String->Buffer, Digits + MAX_DIGITS - Count, Bytes);
    String->Length = (USHORT)Bytes;
    if (Bytes + sizeof(WCHAR) <= String->MaximumLength) {
        String->Buffer[Count] = 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return RtlInt64ToUnicodeString(Value, Base, String);
}

/* Units one at a time from either kind of string; 0 at the end of the counted one. */
typedef struct _RTLP_READER {
    PCWCH Wide;
    PCSZ Narrow;
    ULONG Left; /* of Wide */
} RTLP_READER;

static ULONG RtlpPeek(const RTLP_READER *Reader)
{
    if (Reader->Narrow != NULL) {
        return (UCHAR)*Reader->Narrow;
    }
    return Reader->Left != 0 ? *Reader->Wide : 0;
}

static VOID RtlpSkip(RTLP_READER *Reader)
{
    if (Reader->Narrow != NULL) {
        Reader->Narrow += 1;
    } else {
        Reader->Wide += 1;
        Reader->Left -= 1;
    }
}

static ULONG RtlpDigit(ULONG c)
{
    if (c - '0' < 10) {
        return c - '0';
    }
    c |= 0x20;
    return c - 'a' < 6 ? c - 'a' + 10 : 0xff;
}

/* White space, sign, prefix, digits up to the first that is none. Overflow wraps, as in NT. */
static NTSTATUS RtlpReadInteger(RTLP_READER *Reader, ULONG Base, PULONG Value)
{
    BOOLEAN Negative = FALSE;
    ULONG Result = 0;
    if (!RtlpBaseIsValid(Base)) {
        return STATUS_INVALID_PARAMETER;
    }
    while (RtlpPeek(Reader) != 0 && RtlpPeek(Reader) <= ' ') {
        RtlpSkip(Reader);
    }
    if (RtlpPeek(Reader) == '-' || RtlpPeek(Reader) == '+') {
        Negative = RtlpPeek(Reader) == '-';
        RtlpSkip(Reader);
    }
    if (Base == 0) {
        Base = 10;
        if (RtlpPeek(Reader) == '0') {
            RtlpSkip(Reader);
            ULONG c = RtlpPeek(Reader);
            Base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
            if (Base != 10) {
                RtlpSkip(Reader);
            }
        }
    }
    while (RtlpDigit(RtlpPeek(Reader)) < Base) {
        Result = Result * Base + RtlpDigit(RtlpPeek(Reader));
        RtlpSkip(Reader);
    }
    *Value = Negative ? 0 - Result : Result;
    return STATUS_SUCCESS;
}

/* *Value is 0 when the base is none. */
NTSTATUS RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    RTLP_READER Reader = {.Wide = String->Buffer, .Left = String->Length / sizeof(WCHAR)};

    *Value = 0;
    return RtlpReadInteger(&Reader, Base, Value);
}

NTSTATUS RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value)
{
    RTLP_READER Reader = {.Narrow = String};
    return RtlpReadInteger(&Reader, Base, Value);
}
