/* SPDX-License-Identifier: MIT */
/*
 * Upper and lower case of UTF-16 units, one unit to one unit, as names of the system compare.
 *
 * Covered: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic, Armenian, Roman numerals, circled
 * and full-width letters. Every other unit, surrogates too, is its own upper and lower case;
 * so are dotless i, sharp s and others whose other case is not a single unit or not one to one.
 */
#include "rtlp.h"

/* Lower-case units First, First + Step, ... Last have their upper case Delta below. */
typedef struct _RTLP_CASE_RANGE {
    USHORT First;
    USHORT Last;
    USHORT Step;
    SHORT Delta;
} RTLP_CASE_RANGE;

static const RTLP_CASE_RANGE RtlpCaseRanges[] = {
    {0x0061, 0x007a, 1, 32},   /* ASCII */
    {0x00e0, 0x00f6, 1, 32},   /* Latin-1, but not the division sign */
    {0x00f8, 0x00fe, 1, 32},
    {0x00ff, 0x00ff, 1, -121}, /* y with diaeresis */
    {0x0101, 0x012f, 2, 1},    /* Latin Extended-A */
    {0x0133, 0x0137, 2, 1},
    {0x013a, 0x0148, 2, 1},
    {0x014b, 0x0177, 2, 1},
    {0x017a, 0x017e, 2, 1},
    {0x03ac, 0x03ac, 1, 38},   /* Greek */
    {0x03ad, 0x03af, 1, 37},
    {0x03b1, 0x03c1, 1, 32},
    {0x03c3, 0x03cb, 1, 32},
    {0x03cc, 0x03cc, 1, 64},
    {0x03cd, 0x03ce, 1, 63},
    {0x0430, 0x044f, 1, 32},   /* Cyrillic */
    {0x0450, 0x045f, 1, 80},
    {0x0461, 0x0481, 2, 1},
    {0x048b, 0x04bf, 2, 1},
    {0x04c2, 0x04ce, 2, 1},
    {0x04d1, 0x052f, 2, 1},
    {0x0561, 0x0586, 1, 48},   /* Armenian */
    {0x2170, 0x217f, 1, 16},   /* Roman numerals */
    {0x24d0, 0x24e9, 1, 26},   /* circled */
    {0xff41, 0xff5a, 1, 32},   /* full width */
};

static BOOLEAN RtlpCaseInRange(ULONG c, ULONG First, ULONG Last, ULONG Step)
{
    return c >= First && c <= Last && (c - First) % Step == 0;
}

WCHAR RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
    ULONG c = SourceCharacter;
    if (c < 0x80) {
        return (WCHAR)(c - 'a' < 26 ? c - 32 : c);
    }
    for (ULONG i = 1; i < RTL_NUMBER_OF(RtlpCaseRanges); i += 1) {
        const RTLP_CASE_RANGE *Range = &RtlpCaseRanges[i];
        if (RtlpCaseInRange(c, Range->First, Range->Last, Range->Step)) {
            return (WCHAR)(c - (ULONG)Range->Delta);
        }
    }
    return SourceCharacter;
}

WCHAR RtlDowncaseUnicodeChar(WCHAR SourceCharacter)
{
    ULONG c = SourceCharacter;
    if (c < 0x80) {
        return (WCHAR)(c - 'A' < 26 ? c + 32 : c);
    }
    for (ULONG i = 1; i < RTL_NUMBER_OF(RtlpCaseRanges); i += 1) {
        const RTLP_CASE_RANGE *Range = &RtlpCaseRanges[i];
        ULONG Lower = (c + (ULONG)Range->Delta) & 0xffff;
        if (RtlpCaseInRange(Lower, Range->First, Range->Last, Range->Step)) {
            return (WCHAR)Lower;
        }
    }
    return SourceCharacter;
}

CHAR RtlUpperChar(CHAR Character)
{
    UCHAR c = (UCHAR)Character;
    if (c < 0x80) {
        return (CHAR)((UCHAR)(c - 'a') < 26 ? c - 32 : c);
    }
    WCHAR Upper = RtlUpcaseUnicodeChar(RtlpAnsiToUnicode(c));
    UCHAR Ansi = RtlpUnicodeToAnsi(Upper);
    return (CHAR)(RtlpAnsiToUnicode(Ansi) == Upper ? Ansi : c);
}
