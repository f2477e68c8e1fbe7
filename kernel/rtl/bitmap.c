/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps over an array of 32-bit words. Bit n is bit n % 32 of word n / 32; bits past
 * SizeOfBitMap in the last word are never read as part of the map, nor changed. An index at
 * or past the size finds nothing and changes nothing.
 *
 * All searches stand on one step: the length of the run of equal bits that starts at an index.
 * It looks at whole words, so an empty map of n bits is searched in n / 32 steps.
 */
#include "rtlp.h"

#define NOT_FOUND 0xffffffffu
#define WORD_BITS 32u

VOID RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap)
{
    BitMapHeader->SizeOfBitMap = SizeOfBitMap;
    BitMapHeader->Buffer = BitMapBuffer;
}

/* Limits a range to the map; returns its length. */
static ULONG RtlpClip(PRTL_BITMAP BitMap, ULONG Start, ULONG Length)
{
    if (Start >= BitMap->SizeOfBitMap) {
        return 0;
    }
    ULONG Left = BitMap->SizeOfBitMap - Start;
    return Length < Left ? Length : Left;
}

static VOID RtlpWriteBits(PRTL_BITMAP BitMap, ULONG Start, ULONG Length, BOOLEAN Set)
{
    Length = RtlpClip(BitMap, Start, Length);
    while (Length > 0) {
        ULONG Shift = Start % WORD_BITS;
        ULONG Count = WORD_BITS - Shift < Length ? WORD_BITS - Shift : Length;
        ULONG Mask = (Count == WORD_BITS ? MAXULONG : (1u << Count) - 1) << Shift;
        if (Set) {
            BitMap->Buffer[Start / WORD_BITS] |= Mask;
        } else {
            BitMap->Buffer[Start / WORD_BITS] &= ~Mask;
        }
        Start += Count;
        Length -= Count;
    }
}

/* How many bits from Start on, at most Limit, equal Set; not past the end of the map. */
static ULONG RtlpRun(PRTL_BITMAP BitMap, ULONG Start, ULONG Limit, BOOLEAN Set)
{
    ULONG Left = RtlpClip(BitMap, Start, Limit);
    ULONG Run = 0;
    while (Run < Left) {
        ULONG Index = Start + Run;
        ULONG Shift = Index % WORD_BITS;
        ULONG Word = BitMap->Buffer[Index / WORD_BITS];
        ULONG Other = (Set ? ~Word : Word) >> Shift; /* ones where the run is broken */
        if (Other != 0) {
            Run += (ULONG)__builtin_ctz(Other);
            break;
        }
        Run += WORD_BITS - Shift;
    }
    return Run < Left ? Run : Left;
}

static ULONG RtlpCountSet(PRTL_BITMAP BitMap)
{
    ULONG Total = 0;
    for (ULONG i = 0; i < BitMap->SizeOfBitMap; i += WORD_BITS) {
        ULONG Word = BitMap->Buffer[i / WORD_BITS];
        ULONG Count = RtlpClip(BitMap, i, WORD_BITS);
        if (Count < WORD_BITS) {
            Word &= (1u << Count) - 1;
        }
        /* By hand: popcnt is not in the baseline, and a library call is not in the kernel. */
        Word -= Word >> 1 & 0x55555555u;
        Word = (Word & 0x33333333u) + (Word >> 2 & 0x33333333u);
        Word = (Word + (Word >> 4)) & 0x0f0f0f0fu;
        Total += Word * 0x01010101u >> 24;
    }
    return Total;
}

/* The first run of at least Count equal bits that starts in [From, To); NOT_FOUND. */
static ULONG RtlpFindIn(PRTL_BITMAP BitMap, ULONG Count, ULONG From, ULONG To, BOOLEAN Set)
{
    ULONG Index = From;
    while (Index < To && Index < BitMap->SizeOfBitMap) {
        Index += RtlpRun(BitMap, Index, MAXULONG, !Set);
        if (Index >= To) {
            break;
        }
        ULONG Run = RtlpRun(BitMap, Index, Count, Set);
        if (Run >= Count) {
            return Index;
        }
        Index += Run;
    }
    return NOT_FOUND;
}

/* From the hint to the end, then from the start. Count 0: the hint rounded down to a byte. */
static ULONG RtlpFind(PRTL_BITMAP BitMap, ULONG Count, ULONG Hint, BOOLEAN Set)
{
    if (Hint >= BitMap->SizeOfBitMap) {
        Hint = 0;
    }
    if (Count == 0) {
        return Hint & ~7u;
    }
    if (Count > BitMap->SizeOfBitMap) {
        return NOT_FOUND;
    }
    ULONG Index = RtlpFindIn(BitMap, Count, Hint, BitMap->SizeOfBitMap, Set);
    if (Index == NOT_FOUND) {
        Index = RtlpFindIn(BitMap, Count, 0, Hint, Set);
    }
    return Index;
}

VOID RtlClearAllBits(PRTL_BITMAP BitMapHeader)
{
    RtlpWriteBits(BitMapHeader, 0, MAXULONG, FALSE);
}

VOID RtlSetAllBits(PRTL_BITMAP BitMapHeader)
{
    RtlpWriteBits(BitMapHeader, 0, MAXULONG, TRUE);
}

VOID RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    RtlpWriteBits(BitMapHeader, BitNumber, 1, FALSE);
}

VOID RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    RtlpWriteBits(BitMapHeader, BitNumber, 1, TRUE);
}

BOOLEAN RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber)
{
    return RtlpRun(BitMapHeader, BitNumber, 1, TRUE) == 1;
}

VOID RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear)
{
    RtlpWriteBits(BitMapHeader, StartingIndex, NumberToClear, FALSE);
}

VOID RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet)
{
    RtlpWriteBits(BitMapHeader, StartingIndex, NumberToSet, TRUE);
}

/* FALSE for a range of length 0, or one that leaves the map. */
BOOLEAN RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return Length != 0 && RtlpRun(BitMapHeader, StartingIndex, Length, FALSE) == Length;
}

BOOLEAN RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length)
{
    return Length != 0 && RtlpRun(BitMapHeader, StartingIndex, Length, TRUE) == Length;
}

ULONG RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader)
{
    return RtlpCountSet(BitMapHeader);
}

ULONG RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader)
{
    return BitMapHeader->SizeOfBitMap - RtlpCountSet(BitMapHeader);
}

ULONG RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return RtlpFind(BitMapHeader, NumberToFind, HintIndex, FALSE);
}

ULONG RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    return RtlpFind(BitMapHeader, NumberToFind, HintIndex, TRUE);
}

ULONG RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG Index = RtlpFind(BitMapHeader, NumberToFind, HintIndex, FALSE);
    if (Index != NOT_FOUND) {
        RtlpWriteBits(BitMapHeader, Index, NumberToFind, TRUE);
    }
    return Index;
}

ULONG RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex)
{
    ULONG Index = RtlpFind(BitMapHeader, NumberToFind, HintIndex, TRUE);
    if (Index != NOT_FOUND) {
        RtlpWriteBits(BitMapHeader, Index, NumberToFind, FALSE);
    }
    return Index;
}

/* The first run of clear bits at or after FromIndex; 0 when there is none. */
ULONG RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                 PULONG StartingRunIndex)
{
    ULONG Start = FromIndex + RtlpRun(BitMapHeader, FromIndex, MAXULONG, TRUE);
    *StartingRunIndex = Start;
    return RtlpRun(BitMapHeader, Start, MAXULONG, FALSE);
}

ULONG RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    return RtlFindNextForwardRunClear(BitMapHeader, 0, StartingIndex);
}

/* The last run of clear bits that ends at or before FromIndex; 0 when there is none. */
ULONG RtlFindLastBackwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex,
                                  PULONG StartingRunIndex)
{
    ULONG End = FromIndex < BitMapHeader->SizeOfBitMap ? FromIndex + 1 : BitMapHeader->SizeOfBitMap;
    while (End > 0 && RtlTestBit(BitMapHeader, End - 1)) {
        End -= 1;
    }
    ULONG Start = End;
    while (Start > 0 && !RtlTestBit(BitMapHeader, Start - 1)) {
        Start -= 1;
    }
    *StartingRunIndex = Start;
    return End - Start;
}

/* Puts a run into an array sorted by falling length, of which Count are in use. */
static ULONG RtlpInsertRun(PRTL_BITMAP_RUN Runs, ULONG Count, ULONG Max, RTL_BITMAP_RUN Run)
{
    ULONG i = Count < Max ? Count : Max - 1;
    if (Count == Max && Runs[i].NumberOfBits >= Run.NumberOfBits) {
        return Count;
    }
    for (; i > 0 && Runs[i - 1].NumberOfBits < Run.NumberOfBits; i -= 1) {
        Runs[i] = Runs[i - 1];
    }
    Runs[i] = Run;
    return Count < Max ? Count + 1 : Max;
}

/* The first runs of the map, or the longest (then in order of falling length). */
ULONG RtlFindClearRuns(PRTL_BITMAP BitMapHeader, PRTL_BITMAP_RUN RunArray, ULONG SizeOfRunArray,
                       BOOLEAN LocateLongestRuns)
{
    RTL_BITMAP_RUN Run;
    ULONG Count = 0;
    ULONG From = 0;
    while (SizeOfRunArray != 0 && (LocateLongestRuns || Count < SizeOfRunArray)) {
        Run.NumberOfBits = RtlFindNextForwardRunClear(BitMapHeader, From, &Run.StartingIndex);
        if (Run.NumberOfBits == 0) {
            break;
        }
        From = Run.StartingIndex + Run.NumberOfBits;
        if (LocateLongestRuns) {
            Count = RtlpInsertRun(RunArray, Count, SizeOfRunArray, Run);
        } else {
            RunArray[Count] = Run;
            Count += 1;
        }
    }
    return Count;
}

ULONG RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex)
{
    RTL_BITMAP_RUN Run;
    if (RtlFindClearRuns(BitMapHeader, &Run, 1, TRUE) == 0) {
        *StartingIndex = 0;
        return 0;
    }
    *StartingIndex = Run.StartingIndex;
    return Run.NumberOfBits;
}

CCHAR RtlFindLeastSignificantBit(ULONGLONG Set)
{
    return Set == 0 ? -1 : (CCHAR)__builtin_ctzll(Set);
}

CCHAR RtlFindMostSignificantBit(ULONGLONG Set)
{
    return Set == 0 ? -1 : (CCHAR)(63 - __builtin_clzll(Set));
}
