/* SPDX-License-Identifier: MIT */
/* Character classes (ASCII, the "C" locale), numbers in C strings, sorting, rand. */
#include "rtlp.h"

#define LEAST_RADIX 2u
#define LARGEST_RADIX 36u
#define MAX_DIGITS 33u /* with a sign or a terminator */

int islower(int c)
{
    return c >= 'a' && c <= 'z';
}

int isupper(int c)
{
    return c >= 'A' && c <= 'Z';
}

int isdigit(int c)
{
    return c >= '0' && c <= '9';
}

int isalpha(int c)
{
    return islower(c | 0x20) && c >= 0 && c < 0x80;
}

int isalnum(int c)
{
    return isalpha(c) || isdigit(c);
}

int isxdigit(int c)
{
    return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int isspace(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int isprint(int c)
{
    return c >= 0x20 && c < 0x7f;
}

int tolower(int c)
{
    return isupper(c) ? c + 32 : c;
}

int toupper(int c)
{
    return islower(c) ? c - 32 : c;
}

USHORT towlower(USHORT c)
{
    return RtlDowncaseUnicodeChar((WCHAR)c);
}

USHORT towupper(USHORT c)
{
    return RtlUpcaseUnicodeChar((WCHAR)c);
}

/* Wraps on overflow, of which the standard says nothing. */
LONGLONG _atoi64(const char *s)
{
    ULONGLONG Value = 0;
    while (isspace((UCHAR)*s)) {
        s += 1;
    }
    BOOLEAN Negative = *s == '-';
    if (*s == '-' || *s == '+') {
        s += 1;
    }
    for (; isdigit((UCHAR)*s); s += 1) {
        Value = Value * 10 + (ULONGLONG)(*s - '0');
    }
    return (LONGLONG)(Negative ? 0 - Value : Value);
}

int atoi(const char *s)
{
    return (int)_atoi64(s);
}

LONG atol(const char *s)
{
    return (LONG)_atoi64(s);
}

int _wtoi(const WCHAR *s)
{
    ULONG Value = 0;
    while (*s < 0x80 && isspace((int)*s)) {
        s += 1;
    }
    BOOLEAN Negative = *s == '-';
    if (*s == '-' || *s == '+') {
        s += 1;
    }
    for (; *s >= '0' && *s <= '9'; s += 1) {
        Value = Value * 10 + (ULONG)(*s - '0');
    }
    return (int)(Negative ? 0 - Value : Value);
}

/*
 * Only radix 10 has a sign. Returns the first digit's place in Digits; the rest follow, then NUL.
 */
static ULONG RtlpDigits(int Value, int Radix, CHAR Digits[MAX_DIGITS + 1])
{
    ULONG i = MAX_DIGITS;
    BOOLEAN Negative = Radix == 10 && Value < 0;
    ULONG Rest = Negative ? 0 - (ULONG)Value : (ULONG)Value;
    Digits[i] = 0;
    if ((ULONG)Radix < LEAST_RADIX || (ULONG)Radix > LARGEST_RADIX) {
        return i;
    }
    do {
        i -= 1;
        Digits[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[Rest % (ULONG)Radix];
        Rest /= (ULONG)Radix;
    } while (Rest != 0);
    if (Negative) {
        i -= 1;
        Digits[i] = '-';
    }
    return i;
}

char *_itoa(int Value, char *Buffer, int Radix)
{
    CHAR Digits[MAX_DIGITS + 1];
    ULONG First = RtlpDigits(Value, Radix, Digits);
    for (ULONG i = First; i <= MAX_DIGITS; i += 1) {
        Buffer[i - First] = Digits[i];
    }
    return Buffer;
}

WCHAR *_itow(int Value, WCHAR *Buffer, int Radix)
{
    CHAR Digits[MAX_DIGITS + 1];
    ULONG First = RtlpDigits(Value, Radix, Digits);
    for (ULONG i = First; i <= MAX_DIGITS; i += 1) {
        Buffer[i - First] = (WCHAR)Digits[i];
    }
    return Buffer;
}

static VOID RtlpSwap(UCHAR *a, UCHAR *b, size_t Width)
{
    for (size_t i = 0; i < Width; i += 1) {
        UCHAR Byte = a[i];
        a[i] = b[i];
        b[i] = Byte;
    }
}

static VOID RtlpSiftDown(UCHAR *Base, size_t Root, size_t Count, size_t Width,
                         int (*Compare)(const void *, const void *))
{
    for (;;) {
        size_t Child = Root * 2 + 1;
        if (Child >= Count) {
            return;
        }
        if (Child + 1 < Count && Compare(Base + Child * Width, Base + (Child + 1) * Width) < 0) {
            Child += 1;
        }
        if (Compare(Base + Root * Width, Base + Child * Width) >= 0) {
            return;
        }
        RtlpSwap(Base + Root * Width, Base + Child * Width, Width);
        Root = Child;
    }
}

/* Heap sort: no recursion, no worst case; kernel stacks are small. */
void qsort(void *Base, size_t Count, size_t Width, int (*Compare)(const void *, const void *))
{
    UCHAR *Items = Base;
    for (size_t i = Count / 2; i > 0; i -= 1) {
        RtlpSiftDown(Items, i - 1, Count, Width, Compare);
    }
    for (size_t i = Count; i > 1; i -= 1) {
        RtlpSwap(Items, Items + (i - 1) * Width, Width);
        RtlpSiftDown(Items, 0, i - 1, Width, Compare);
    }
}

void *bsearch(const void *Key, const void *Base, size_t Count, size_t Width,
              int (*Compare)(const void *, const void *))
{
    const UCHAR *Low = Base;
    while (Count > 0) {
        const UCHAR *Middle = Low + Count / 2 * Width;
        int Order = Compare(Key, Middle);
        if (Order == 0) {
            return (void *)Middle;
        }
        if (Order > 0) {
            Low = Middle + Width;
            Count -= 1;
        }
        Count /= 2;
    }
    return NULL;
}

static ULONG RtlpRandState = 1;

int rand(void)
{
    RtlpRandState = RtlpRandState * 214013 + 2531011;
    return (int)(RtlpRandState >> 16 & 0x7fff);
}

void srand(UINT Seed)
{
    RtlpRandState = Seed;
}
