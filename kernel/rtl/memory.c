/* SPDX-License-Identifier: MIT */
/*
 * Filling, copying and comparing memory. Any IRQL at which the memory is resident; a fault in it is
 * the caller's and unwinds through here.
 *
 * Plain 64-bit loads and stores, eight to a turn. Not `rep movs` and `rep stos`: an emulator runs
 * them one element at a time through its slowest path. The compiler must not recognise these
 * loops and replace them by calls of the very routines they make up, hence no_builtin.
 */
#include "rtlp.h"

#define NO_BUILTIN __attribute__((no_builtin))
#define CORE static inline __attribute__((always_inline))
#define UNIT sizeof(ULONG64)
#define TURN (8 * UNIT)

/* Unaligned and free of aliasing rules. */
typedef ULONG64 __attribute__((aligned(1), may_alias)) RTLP_UNIT;

CORE ULONG64 RtlpLoad(const UCHAR *Address)
{
    return *(const RTLP_UNIT *)Address;
}

CORE VOID RtlpStore(UCHAR *Address, ULONG64 Value)
{
    *(RTLP_UNIT *)Address = Value;
}

CORE VOID RtlpFill(UCHAR *To, UCHAR Value, size_t Count)
{
    ULONG64 Unit = Value * 0x0101010101010101ull;
    if (Count >= 2 * UNIT) {
        while (((ULONG_PTR)To & (UNIT - 1)) != 0) {
            *To++ = Value;
            Count -= 1;
        }
        for (; Count >= TURN; Count -= TURN, To += TURN) {
            RtlpStore(To, Unit);
            RtlpStore(To + 8, Unit);
            RtlpStore(To + 16, Unit);
            RtlpStore(To + 24, Unit);
            RtlpStore(To + 32, Unit);
            RtlpStore(To + 40, Unit);
            RtlpStore(To + 48, Unit);
            RtlpStore(To + 56, Unit);
        }
        for (; Count >= UNIT; Count -= UNIT, To += UNIT) {
            RtlpStore(To, Unit);
        }
    }
    for (; Count > 0; Count -= 1) {
        *To++ = Value;
    }
}

CORE VOID RtlpCopyForward(UCHAR *To, const UCHAR *From, size_t Count)
{
    if (Count >= 2 * UNIT) {
        while (((ULONG_PTR)To & (UNIT - 1)) != 0) {
            *To++ = *From++;
            Count -= 1;
        }
        /* Each unit is stored before the next is loaded: right even if To is just below From. */
        for (; Count >= TURN; Count -= TURN, To += TURN, From += TURN) {
            RtlpStore(To, RtlpLoad(From));
            RtlpStore(To + 8, RtlpLoad(From + 8));
            RtlpStore(To + 16, RtlpLoad(From + 16));
            RtlpStore(To + 24, RtlpLoad(From + 24));
            RtlpStore(To + 32, RtlpLoad(From + 32));
            RtlpStore(To + 40, RtlpLoad(From + 40));
            RtlpStore(To + 48, RtlpLoad(From + 48));
            RtlpStore(To + 56, RtlpLoad(From + 56));
        }
        for (; Count >= UNIT; Count -= UNIT, To += UNIT, From += UNIT) {
            RtlpStore(To, RtlpLoad(From));
        }
    }
    for (; Count > 0; Count -= 1) {
        *To++ = *From++;
    }
}

CORE VOID RtlpCopyBackward(UCHAR *To, const UCHAR *From, size_t Count)
{
    To += Count;
    From += Count;
    if (Count >= 2 * UNIT) {
        while (((ULONG_PTR)To & (UNIT - 1)) != 0) {
            *--To = *--From;
            Count -= 1;
        }
        for (; Count >= UNIT; Count -= UNIT) {
            To -= UNIT;
            From -= UNIT;
            RtlpStore(To, RtlpLoad(From));
        }
    }
    for (; Count > 0; Count -= 1) {
        *--To = *--From;
    }
}

/* How many bytes at the start are equal. */
CORE size_t RtlpEqualBytes(const UCHAR *a, const UCHAR *b, size_t Count)
{
    size_t i = 0;
    for (; Count - i >= UNIT; i += UNIT) {
        ULONG64 Difference = RtlpLoad(a + i) ^ RtlpLoad(b + i);
        if (Difference != 0) {
            return i + (size_t)__builtin_ctzll(Difference) / 8;
        }
    }
    while (i < Count && a[i] == b[i]) {
        i += 1;
    }
    return i;
}

NO_BUILTIN void *memset(void *Destination, int Value, size_t Count)
{
    RtlpFill(Destination, (UCHAR)Value, Count);
    return Destination;
}

NO_BUILTIN void *memmove(void *Destination, const void *Source, size_t Count)
{
    if ((ULONG_PTR)Destination - (ULONG_PTR)Source >= Count) {
        RtlpCopyForward(Destination, Source, Count);
    } else {
        RtlpCopyBackward(Destination, Source, Count);
    }
    return Destination;
}

/* As on x64 NT, memcpy allows overlap too: drivers have come to rely on it. */
NO_BUILTIN void *memcpy(void *Destination, const void *Source, size_t Count)
{
    if ((ULONG_PTR)Destination - (ULONG_PTR)Source >= Count) {
        RtlpCopyForward(Destination, Source, Count);
    } else {
        RtlpCopyBackward(Destination, Source, Count);
    }
    return Destination;
}

NO_BUILTIN int memcmp(const void *a, const void *b, size_t Count)
{
    size_t i = RtlpEqualBytes(a, b, Count);
    return i == Count ? 0 : (int)((const UCHAR *)a)[i] - (int)((const UCHAR *)b)[i];
}

NO_BUILTIN void *memchr(const void *Buffer, int Value, size_t Count)
{
    const UCHAR *Byte = Buffer;
    for (; Count > 0; Count -= 1, Byte += 1) {
        if (*Byte == (UCHAR)Value) {
            return (void *)Byte;
        }
    }
    return NULL;
}

NO_BUILTIN SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
    return RtlpEqualBytes(Source1, Source2, Length);
}

/* Length is rounded down to whole ULONGs; returns how many bytes match. */
SIZE_T RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern)
{
    const ULONG *Word = Source;
    SIZE_T Count = Length / sizeof(ULONG);
    SIZE_T i = 0;
    while (i < Count && Word[i] == Pattern) {
        i += 1;
    }
    return i * sizeof(ULONG);
}

#ifdef _WIN32 /* exports under the names of header macros */
#undef RtlCopyMemory
#undef RtlMoveMemory
#undef RtlFillMemory
#undef RtlZeroMemory

NO_BUILTIN VOID RtlCopyMemory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    memmove(Destination, Source, Length);
}

NO_BUILTIN VOID RtlMoveMemory(PVOID Destination, const VOID *Source, SIZE_T Length)
{
    memmove(Destination, Source, Length);
}

NO_BUILTIN VOID RtlFillMemory(PVOID Destination, SIZE_T Length, UCHAR Fill)
{
    RtlpFill(Destination, Fill, Length);
}

NO_BUILTIN VOID RtlZeroMemory(PVOID Destination, SIZE_T Length)
{
    RtlpFill(Destination, 0, Length);
}
#endif
