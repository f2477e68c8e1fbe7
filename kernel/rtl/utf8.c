/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 to UTF-16 and back. Both directions: a NULL destination asks for the size only; what is
 * malformed becomes U+FFFD and the status STATUS_SOME_NOT_MAPPED; no character is written in part:
 * STATUS_BUFFER_TOO_SMALL then, with what was written before it counted.
 */
#include "rtlp.h"

#define REPLACEMENT 0xfffdu
#define MALFORMED 0xffffffffu

/*
 * One character of at most Left bytes (> 0). A malformed one takes the bytes that a valid start
 * had.
 */
static ULONG RtlpReadUtf8(const UCHAR *s, ULONG Left, ULONG *Used)
{
    ULONG c = s[0];
    ULONG Length = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3
                 : c >= 0xf0 && c < 0xf5                ? 4
                                                        : 0;
    *Used = 1;
    if (Length <= 1) {
        return Length == 1 ? c : MALFORMED;
    }
    c &= 0x7fu >> Length;
    for (ULONG i = 1; i < Length; i += 1) {
        if (i >= Left || (s[i] & 0xc0) != 0x80) {
            return MALFORMED;
        }
        /* Overlong forms, surrogates and what exceeds U+10FFFF show in the second byte. */
        if (i == 1 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
                       (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))) {
            return MALFORMED;
        }
        c = c << 6 | (s[i] & 0x3fu);
        *Used = i + 1;
    }
    return c;
}

NTSTATUS RtlUTF8ToUnicodeN(PWSTR UnicodeString, ULONG MaxBytes, PULONG ActualBytes,
                           PCSTR Utf8String, ULONG Utf8Bytes)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Out = 0;
    if (Utf8String == NULL) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (UnicodeString == NULL && ActualBytes == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG In = 0; In < Utf8Bytes;) {
        ULONG Used;
        ULONG c = RtlpReadUtf8((const UCHAR *)Utf8String + In, Utf8Bytes - In, &Used);
        In += Used;
        if (c == MALFORMED) {
            c = REPLACEMENT;
            Status = STATUS_SOME_NOT_MAPPED;
        }
        ULONG Units = c >= 0x10000 ? 2 : 1;
        if (UnicodeString != NULL) {
            if (MaxBytes / sizeof(WCHAR) - Out < Units) {
                Status = STATUS_BUFFER_TOO_SMALL;
                break;
            }
            if (Units == 2) {
                UnicodeString[Out] = (WCHAR)(0xd7c0 + (c >> 10));
                UnicodeString[Out + 1] = (WCHAR)(0xdc00 + (c & 0x3ff));
            } else {
                UnicodeString[Out] = (WCHAR)c;
            }
        }
        Out += Units;
    }
    if (ActualBytes != NULL) {
        *ActualBytes = Out * sizeof(WCHAR);
    }
    return Status;
}

static ULONG RtlpReadUtf16(PCWCH s, ULONG Left, ULONG *Used)
{
    ULONG c = s[0];
    *Used = 1;
    if (c < 0xd800 || c > 0xdfff) {
        return c;
    }
    if (c < 0xdc00 && Left > 1 && s[1] >= 0xdc00 && s[1] <= 0xdfff) {
        *Used = 2;
        return ((c - 0xd7c0) << 10) + (s[1] - 0xdc00u);
    }
    return MALFORMED;
}

static ULONG RtlpWriteUtf8(ULONG c, UCHAR Bytes[4])
{
    if (c < 0x80) {
        Bytes[0] = (UCHAR)c;
        return 1;
    }
    if (c < 0x800) {
        Bytes[0] = (UCHAR)(0xc0 | c >> 6);
        Bytes[1] = (UCHAR)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        Bytes[0] = (UCHAR)(0xe0 | c >> 12);
        Bytes[1] = (UCHAR)(0x80 | (c >> 6 & 0x3f));
        Bytes[2] = (UCHAR)(0x80 | (c & 0x3f));
        return 3;
    }
    Bytes[0] = (UCHAR)(0xf0 | c >> 18);
    Bytes[1] = (UCHAR)(0x80 | (c >> 12 & 0x3f));
    Bytes[2] = (UCHAR)(0x80 | (c >> 6 & 0x3f));
    Bytes[3] = (UCHAR)(0x80 | (c & 0x3f));
    return 4;
}

NTSTATUS RtlUnicodeToUTF8N(PCHAR Utf8String, ULONG MaxBytes, PULONG ActualBytes,
                           PCWCH UnicodeString, ULONG UnicodeBytes)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Out = 0;
    if (UnicodeString == NULL) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if (UnicodeBytes % sizeof(WCHAR) != 0) {
        return STATUS_INVALID_PARAMETER_5;
    }
    if (Utf8String == NULL && ActualBytes == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    for (ULONG In = 0; In < UnicodeBytes / sizeof(WCHAR);) {
        UCHAR Bytes[4];
        ULONG Used;
        ULONG c = RtlpReadUtf16(UnicodeString + In, UnicodeBytes / sizeof(WCHAR) - In, &Used);
        In += Used;
        if (c == MALFORMED) {
            c = REPLACEMENT;
            Status = STATUS_SOME_NOT_MAPPED;
        }
        ULONG Length = RtlpWriteUtf8(c, Bytes);
        if (Utf8String != NULL) {
            if (MaxBytes - Out < Length) {
                Status = STATUS_BUFFER_TOO_SMALL;
                break;
            }
            for (ULONG i = 0; i < Length; i += 1) {
                Utf8String[Out + i] = (CHAR)Bytes[i];
            }
        }
        Out += Length;
    }
    if (ActualBytes != NULL) {
        *ActualBytes = Out;
    }
    return Status;
}
