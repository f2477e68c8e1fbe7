/* SPDX-License-Identifier: MIT */
/*
 * The formatter behind every printf routine and DbgPrint: Microsoft's format language, for narrow
 * and wide output, with a bound on what is written. Any IRQL at which format and arguments are
 * resident.
 *
 *   %[flags][width][.precision][size]type
 *   flags   - + space # 0
 *   size    hh h l ll L w I32 I64 I j z t
 *   type    d i u o x X b p, c C s S, Z (ANSI_STRING; with w or l UNICODE_STRING), n (ignored)
 *
 * A string or character is as wide as the output; the capital type is the other width; h makes it
 * narrow, l and w wide. Floating point is not formatted, as in NT's kernel: the argument is passed
 * over and the specification printed as it stands. So is an unknown type, without an argument.
 */
#include "rtlp.h"

#define MAX_DIGITS 66u
#define NO_PRECISION 0xffffffffu
#define MAX_FIELD 0x000fffffu /* width and precision: what a hostile format can make us write */

typedef struct _RTLP_OUTPUT {
    BOOLEAN Wide;
    union {
        CHAR *Narrow;
        WCHAR *Units;
    };
    SIZE_T Capacity;
    SIZE_T Count;
} RTLP_OUTPUT;

typedef struct _RTLP_FORMAT {
    BOOLEAN Wide;
    union {
        const CHAR *Narrow;
        const WCHAR *Units;
    };
    va_list Arguments;
} RTLP_FORMAT;

typedef enum _RTLP_SIZE {
    RtlpSizeDefault,
    RtlpSizeChar,
    RtlpSizeShort,
    RtlpSizeLong,
    RtlpSizeWide, /* w: as l for strings */
    RtlpSize64,
} RTLP_SIZE;

typedef struct _RTLP_SPEC {
    BOOLEAN Left;
    BOOLEAN Plus;
    BOOLEAN Space;
    BOOLEAN Alternate;
    BOOLEAN Zero;
    ULONG Width;
    ULONG Precision;
    RTLP_SIZE Size;
} RTLP_SPEC;

static VOID RtlpEmit(RTLP_OUTPUT *Output, ULONG Unit)
{
    if (Output->Count >= RTLP_MAX_OUTPUT) {
        return;
    }
    if (Output->Count < Output->Capacity) {
        if (Output->Wide) {
            Output->Units[Output->Count] = (WCHAR)Unit;
        } else {
            Output->Narrow[Output->Count] = (CHAR)Unit;
        }
    }
    Output->Count += 1;
}

static VOID RtlpEmitMany(RTLP_OUTPUT *Output, ULONG Unit, ULONG Count)
{
    for (; Count > 0; Count -= 1) {
        RtlpEmit(Output, Unit);
    }
}

static ULONG RtlpPeekFormat(const RTLP_FORMAT *Format)
{
    return Format->Wide ? (ULONG)*Format->Units : (UCHAR)*Format->Narrow;
}

static VOID RtlpNextFormat(RTLP_FORMAT *Format)
{
    if (Format->Wide) {
        Format->Units += 1;
    } else {
        Format->Narrow += 1;
    }
}

static BOOLEAN RtlpAccept(RTLP_FORMAT *Format, ULONG Unit)
{
    if (RtlpPeekFormat(Format) != Unit) {
        return FALSE;
    }
    RtlpNextFormat(Format);
    return TRUE;
}

/* Digits, or * for an argument; may be negative. */
static LONG RtlpReadNumber(RTLP_FORMAT *Format)
{
    ULONG Value = 0;
    if (RtlpAccept(Format, '*')) {
        LONG Argument = va_arg(Format->Arguments, int);
        return Argument > (LONG)MAX_FIELD    ? (LONG)MAX_FIELD
               : Argument < -(LONG)MAX_FIELD ? -(LONG)MAX_FIELD
                                             : Argument;
    }
    while (RtlpPeekFormat(Format) - '0' < 10) {
        Value = Value * 10 + (RtlpPeekFormat(Format) - '0');
        Value = Value > MAX_FIELD ? MAX_FIELD : Value;
        RtlpNextFormat(Format);
    }
    return (LONG)Value;
}

static RTLP_SIZE RtlpReadSize(RTLP_FORMAT *Format)
{
    if (RtlpAccept(Format, 'h')) {
        return RtlpAccept(Format, 'h') ? RtlpSizeChar : RtlpSizeShort;
    }
    if (RtlpAccept(Format, 'l')) {
        return RtlpAccept(Format, 'l') ? RtlpSize64 : RtlpSizeLong;
    }
    if (RtlpAccept(Format, 'w')) {
        return RtlpSizeWide;
    }
    if (RtlpAccept(Format, 'I')) {
        RTLP_FORMAT Ahead = *Format;
        if (RtlpAccept(&Ahead, '3') && RtlpAccept(&Ahead, '2')) {
            RtlpNextFormat(Format);
            RtlpNextFormat(Format);
            return RtlpSizeLong;
        }
        Ahead = *Format;
        if (RtlpAccept(&Ahead, '6') && RtlpAccept(&Ahead, '4')) {
            RtlpNextFormat(Format);
            RtlpNextFormat(Format);
        }
        return RtlpSize64;
    }
    if (RtlpAccept(Format, 'L') || RtlpAccept(Format, 'j') || RtlpAccept(Format, 'z') ||
        RtlpAccept(Format, 't')) {
        return RtlpSize64;
    }
    return RtlpSizeDefault;
}

static RTLP_SPEC RtlpReadSpec(RTLP_FORMAT *Format)
{
    RTLP_SPEC Spec = {.Precision = NO_PRECISION};
    for (;;) {
        if (RtlpAccept(Format, '-')) {
            Spec.Left = TRUE;
        } else if (RtlpAccept(Format, '+')) {
            Spec.Plus = TRUE;
        } else if (RtlpAccept(Format, ' ')) {
            Spec.Space = TRUE;
        } else if (RtlpAccept(Format, '#')) {
            Spec.Alternate = TRUE;
        } else if (RtlpAccept(Format, '0')) {
            Spec.Zero = TRUE;
        } else {
            break;
        }
    }
    LONG Width = RtlpReadNumber(Format);
    if (Width < 0) {
        Spec.Left = TRUE;
        Width = -Width;
    }
    Spec.Width = (ULONG)Width;
    if (RtlpAccept(Format, '.')) {
        LONG Precision = RtlpReadNumber(Format);
        Spec.Precision = Precision < 0 ? NO_PRECISION : (ULONG)Precision;
    }
    Spec.Size = RtlpReadSize(Format);
    return Spec;
}

static ULONG64 RtlpReadInteger(RTLP_FORMAT *Format, RTLP_SIZE Size, BOOLEAN Signed)
{
    if (Size == RtlpSize64) {
        return va_arg(Format->Arguments, ULONGLONG);
    }
    LONG Value = va_arg(Format->Arguments, int);
    if (Size == RtlpSizeShort) {
        return Signed ? (ULONG64)(SHORT)Value : (USHORT)Value;
    }
    if (Size == RtlpSizeChar) {
        return Signed ? (ULONG64)(signed char)Value : (UCHAR)Value;
    }
    return Signed ? (ULONG64)(LONG64)Value : (ULONG)Value;
}

/* Sign or prefix, zeros, digits, within the field. */
static VOID RtlpEmitNumber(RTLP_OUTPUT *Output, const RTLP_SPEC *Spec, ULONG64 Value, ULONG Base,
                           BOOLEAN Capital, PCSZ Prefix)
{
    CHAR Digits[MAX_DIGITS];
    ULONG Count = 0;
    ULONG PrefixLength = 0;
    for (; Value != 0; Value /= Base) {
        Digits[Count] = (Capital ? "0123456789ABCDEF" : "0123456789abcdef")[Value % Base];
        Count += 1;
    }
    while (Prefix[PrefixLength] != 0) {
        PrefixLength += 1;
    }
    ULONG Least = Spec->Precision == NO_PRECISION ? 1 : Spec->Precision;
    if (Spec->Alternate && Base == 8 && Least <= Count) {
        Least = Count + 1;
    }
    ULONG Zeros = Count < Least ? Least - Count : 0;
    ULONG Used = PrefixLength + Zeros + Count;
    ULONG Padding = Used < Spec->Width ? Spec->Width - Used : 0;
    if (Spec->Zero && !Spec->Left && Spec->Precision == NO_PRECISION) {
        Zeros += Padding;
        Padding = 0;
    }
    if (!Spec->Left) {
        RtlpEmitMany(Output, ' ', Padding);
    }
    for (ULONG i = 0; i < PrefixLength; i += 1) {
        RtlpEmit(Output, (UCHAR)Prefix[i]);
    }
    RtlpEmitMany(Output, '0', Zeros);
    for (; Count > 0; Count -= 1) {
        RtlpEmit(Output, (UCHAR)Digits[Count - 1]);
    }
    if (Spec->Left) {
        RtlpEmitMany(Output, ' ', Padding);
    }
}

static VOID RtlpEmitSigned(RTLP_OUTPUT *Output, const RTLP_SPEC *Spec, ULONG64 Value)
{
    BOOLEAN Negative = (LONG64)Value < 0;
    RtlpEmitNumber(Output, Spec, Negative ? 0 - Value : Value, 10, FALSE,
                   Negative      ? "-"
                   : Spec->Plus  ? "+"
                   : Spec->Space ? " "
                                 : "");
}

/* Length units of either width; converts where source and output differ. */
static VOID RtlpEmitUnits(RTLP_OUTPUT *Output, const RTLP_SPEC *Spec, const VOID *Source,
                          BOOLEAN Wide, ULONG Length)
{
    ULONG Padding = Length < Spec->Width ? Spec->Width - Length : 0;
    if (!Spec->Left) {
        RtlpEmitMany(Output, Spec->Zero ? '0' : ' ', Padding);
    }
    for (ULONG i = 0; i < Length; i += 1) {
        ULONG Unit;
        if (Wide) {
            Unit = ((const WCHAR *)Source)[i];
            Unit = Output->Wide ? Unit : RtlpUnicodeToAnsi((WCHAR)Unit);
        } else {
            Unit = ((const UCHAR *)Source)[i];
            Unit = Output->Wide ? RtlpAnsiToUnicode((UCHAR)Unit) : Unit;
        }
        RtlpEmit(Output, Unit);
    }
    if (Spec->Left) {
        RtlpEmitMany(Output, ' ', Padding);
    }
}

static BOOLEAN RtlpIsWide(const RTLP_OUTPUT *Output, RTLP_SIZE Size, BOOLEAN Capital)
{
    if (Size == RtlpSizeShort || Size == RtlpSizeChar) {
        return FALSE;
    }
    if (Size == RtlpSizeLong || Size == RtlpSizeWide || Size == RtlpSize64) {
        return TRUE;
    }
    return Capital ? !Output->Wide : Output->Wide;
}

/* Reads no further than the precision: the string need not be terminated then. */
static VOID RtlpEmitString(RTLP_OUTPUT *Output, const RTLP_SPEC *Spec, const VOID *String,
                           BOOLEAN Wide)
{
    ULONG Limit = Spec->Precision == NO_PRECISION ? RTLP_MAX_OUTPUT : Spec->Precision;
    ULONG Length = 0;
    if (String == NULL) {
        String = "(null)";
        Wide = FALSE;
    }
    while (Length < Limit &&
           (Wide ? ((const WCHAR *)String)[Length] : ((const UCHAR *)String)[Length]) != 0) {
        Length += 1;
    }
    RtlpEmitUnits(Output, Spec, String, Wide, Length);
}

static VOID RtlpEmitCounted(RTLP_OUTPUT *Output, const RTLP_SPEC *Spec, const VOID *Counted)
{
    BOOLEAN Wide = Spec->Size == RtlpSizeWide || Spec->Size == RtlpSizeLong;
    /* STRING and UNICODE_STRING differ in what Buffer points to only. */
    const UNICODE_STRING *String = Counted;
    if (String == NULL || String->Buffer == NULL) {
        RtlpEmitString(Output, Spec, NULL, FALSE);
        return;
    }
    ULONG Length = Wide ? String->Length / sizeof(WCHAR) : String->Length;
    if (Length > Spec->Precision) {
        Length = Spec->Precision;
    }
    RtlpEmitUnits(Output, Spec, String->Buffer, Wide, Length);
}

/* One conversion; FALSE when the type is not known. */
static BOOLEAN RtlpConvert(RTLP_OUTPUT *Output, RTLP_FORMAT *Format, RTLP_SPEC *Spec, ULONG Type)
{
    WCHAR Character;
    switch (Type) {
    case 'd':
    case 'i':
        RtlpEmitSigned(Output, Spec, RtlpReadInteger(Format, Spec->Size, TRUE));
        return TRUE;
    case 'u':
        RtlpEmitNumber(Output, Spec, RtlpReadInteger(Format, Spec->Size, FALSE), 10, FALSE, "");
        return TRUE;
    case 'o':
        RtlpEmitNumber(Output, Spec, RtlpReadInteger(Format, Spec->Size, FALSE), 8, FALSE, "");
        return TRUE;
    case 'b':
        RtlpEmitNumber(Output, Spec, RtlpReadInteger(Format, Spec->Size, FALSE), 2, FALSE, "");
        return TRUE;
    case 'x':
    case 'X': {
        ULONG64 Value = RtlpReadInteger(Format, Spec->Size, FALSE);
        PCSZ Prefix = !Spec->Alternate || Value == 0 ? "" : Type == 'x' ? "0x" : "0X";
        RtlpEmitNumber(Output, Spec, Value, 16, Type == 'X', Prefix);
        return TRUE;
    }
    case 'p':
        Spec->Precision = 2 * sizeof(PVOID);
        RtlpEmitNumber(Output, Spec, (ULONG_PTR)va_arg(Format->Arguments, PVOID), 16, TRUE,
                       Spec->Alternate ? "0X" : "");
        return TRUE;
    case 'c':
    case 'C':
        Character = (WCHAR)va_arg(Format->Arguments, int);
        /* Little-endian: a narrow character is the first byte of the wide one. */
        RtlpEmitUnits(Output, Spec, &Character, RtlpIsWide(Output, Spec->Size, Type == 'C'), 1);
        return TRUE;
    case 's':
    case 'S':
        RtlpEmitString(Output, Spec, va_arg(Format->Arguments, const VOID *),
                       RtlpIsWide(Output, Spec->Size, Type == 'S'));
        return TRUE;
    case 'Z':
        RtlpEmitCounted(Output, Spec, va_arg(Format->Arguments, const VOID *));
        return TRUE;
    case 'n': /* a way to write memory: never done */
        (void)va_arg(Format->Arguments, PVOID);
        return TRUE;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
        (void)va_arg(Format->Arguments, ULONG64);
        return FALSE;
    default:
        return FALSE;
    }
}

static SIZE_T RtlpFormatAll(RTLP_OUTPUT *Output, RTLP_FORMAT *Format)
{
    for (;;) {
        ULONG Unit = RtlpPeekFormat(Format);
        if (Unit == 0) {
            return Output->Count;
        }
        RtlpNextFormat(Format);
        if (Unit != '%' || RtlpAccept(Format, '%')) {
            RtlpEmit(Output, Unit);
            continue;
        }
        const CHAR *Start = Format->Narrow; /* same storage as Units */
        RTLP_SPEC Spec = RtlpReadSpec(Format);
        ULONG Type = RtlpPeekFormat(Format);
        if (Type != 0) {
            RtlpNextFormat(Format);
        }
        if (!RtlpConvert(Output, Format, &Spec, Type)) {
            RtlpEmit(Output, '%');
            for (; Start != Format->Narrow; Start += Format->Wide ? sizeof(WCHAR) : 1) {
                RtlpEmit(Output, Format->Wide ? *(const WCHAR *)Start : (ULONG)(UCHAR)*Start);
            }
        }
    }
}

SIZE_T RtlpFormat(CHAR *Output, SIZE_T Capacity, const CHAR *Format, va_list Arguments)
{
    RTLP_OUTPUT To = {.Wide = FALSE, .Narrow = Output, .Capacity = Capacity};
    RTLP_FORMAT From = {.Wide = FALSE, .Narrow = Format};
    va_copy(From.Arguments, Arguments);
    SIZE_T Count = RtlpFormatAll(&To, &From);
    va_end(From.Arguments);
    return Count;
}

SIZE_T RtlpFormatWide(WCHAR *Output, SIZE_T Capacity, const WCHAR *Format, va_list Arguments)
{
    RTLP_OUTPUT To = {.Wide = TRUE, .Units = Output, .Capacity = Capacity};
    RTLP_FORMAT From = {.Wide = TRUE, .Units = Format};
    va_copy(From.Arguments, Arguments);
    SIZE_T Count = RtlpFormatAll(&To, &From);
    va_end(From.Arguments);
    return Count;
}
