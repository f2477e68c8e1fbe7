/* SPDX-License-Identifier: MIT */
/*
 * Upper and lower case of UTF-16 units, one unit to one unit, as names of the system compare.
 *
 * Covered: the letters of Unicode 3.2 whose other case is one unit, one to one, and Cyrillic up to
 * 052F. Every other unit, surrogates too, is its own upper and lower case; so are dotless i, sharp
 * s and others with another case that is no single unit or not one to one. Windows' own table
 * (l_intl.nls) is not published: NV.
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
    {0x0183, 0x0185, 2, 1},    /* Latin Extended-B */
    {0x0188, 0x0188, 1, 1},
    {0x018c, 0x018c, 1, 1},
    {0x0192, 0x0192, 1, 1},
    {0x0195, 0x0195, 1, -97},
    {0x0199, 0x0199, 1, 1},
    {0x019e, 0x019e, 1, -130},
    {0x01a1, 0x01a5, 2, 1},
    {0x01a8, 0x01a8, 1, 1},
    {0x01ad, 0x01ad, 1, 1},
    {0x01b0, 0x01b0, 1, 1},
    {0x01b4, 0x01b6, 2, 1},
    {0x01b9, 0x01b9, 1, 1},
    {0x01bd, 0x01bd, 1, 1},
    {0x01bf, 0x01bf, 1, -56},
    {0x01c6, 0x01cc, 3, 2},
    {0x01ce, 0x01dc, 2, 1},
    {0x01dd, 0x01dd, 1, 79},
    {0x01df, 0x01ef, 2, 1},
    {0x01f3, 0x01f3, 1, 2},
    {0x01f5, 0x01f5, 1, 1},
    {0x01f9, 0x021f, 2, 1},
    {0x0223, 0x0233, 2, 1},
    {0x0253, 0x0253, 1, 210},  /* phonetic letters */
    {0x0254, 0x0254, 1, 206},
    {0x0256, 0x0257, 1, 205},
    {0x0259, 0x0259, 1, 202},
    {0x025b, 0x025b, 1, 203},
    {0x0260, 0x0260, 1, 205},
    {0x0263, 0x0263, 1, 207},
    {0x0268, 0x0268, 1, 209},
    {0x0269, 0x026f, 6, 211},
    {0x0272, 0x0272, 1, 213},
    {0x0275, 0x0275, 1, 214},
    {0x0280, 0x0280, 1, 218},
    {0x0283, 0x0283, 1, 218},
    {0x0288, 0x0288, 1, 218},
    {0x028a, 0x028b, 1, 217},
    {0x0292, 0x0292, 1, 219},
    {0x03ac, 0x03ac, 1, 38},   /* Greek */
    {0x03ad, 0x03af, 1, 37},
    {0x03b1, 0x03c1, 1, 32},
    {0x03c3, 0x03cb, 1, 32},
    {0x03cc, 0x03cc, 1, 64},
    {0x03cd, 0x03ce, 1, 63},
    {0x03d9, 0x03ef, 2, 1},
    {0x0430, 0x044f, 1, 32},   /* Cyrillic */
    {0x0450, 0x045f, 1, 80},
    {0x0461, 0x0481, 2, 1},
    {0x048b, 0x04bf, 2, 1},
    {0x04c2, 0x04ce, 2, 1},
    {0x04d1, 0x052f, 2, 1},
    {0x0561, 0x0586, 1, 48},   /* Armenian */
    {0x1e01, 0x1e95, 2, 1},    /* Latin Extended Additional: Vietnamese and others */
    {0x1ea1, 0x1ef9, 2, 1},
    {0x1f00, 0x1f07, 1, -8},   /* Greek Extended */
    {0x1f10, 0x1f15, 1, -8},
    {0x1f20, 0x1f27, 1, -8},
    {0x1f30, 0x1f37, 1, -8},
    {0x1f40, 0x1f45, 1, -8},
    {0x1f51, 0x1f57, 2, -8},
    {0x1f60, 0x1f67, 1, -8},
    {0x1f70, 0x1f71, 1, -74},
    {0x1f72, 0x1f75, 1, -86},
    {0x1f76, 0x1f77, 1, -100},
    {0x1f78, 0x1f79, 1, -128},
    {0x1f7a, 0x1f7b, 1, -112},
    {0x1f7c, 0x1f7d, 1, -126},
    {0x1fb0, 0x1fb1, 1, -8},
    {0x1fd0, 0x1fd1, 1, -8},
    {0x1fe0, 0x1fe1, 1, -8},
    {0x1fe5, 0x1fe5, 1, -7},
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
