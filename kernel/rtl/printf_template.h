/* SPDX-License-Identifier: MIT */
/*
 * The printf routines, once for both kinds of unit; included by printf.c with UNIT, FORMAT (the
 * formatter) and the names. Three manners of dealing with an output that does not fit:
 *   plain    no bound: what overruns is the caller's bug, as in C
 *   counted  (_vsnprintf) cut without terminator, -1; just filled: no terminator, the count;
 *            NULL and 0 ask for the length
 *   secure   (_s) an empty string and -1; a count, or _TRUNCATE, cuts with a terminator and -1
 */

#define UNBOUNDED RTLP_MAX_OUTPUT

static int Plain(UNIT *Buffer, const UNIT *Format, va_list Arguments)
{
    SIZE_T n = FORMAT(Buffer, UNBOUNDED, Format, Arguments);
    Buffer[n] = 0;
    return (int)n;
}

static int Counted(UNIT *Buffer, size_t Count, const UNIT *Format, va_list Arguments)
{
    SIZE_T n = FORMAT(Buffer, Count, Format, Arguments);
    if (n < Count) {
        Buffer[n] = 0;
    } else if (n > Count && !(Buffer == NULL && Count == 0)) {
        return -1;
    }
    return (int)n;
}

static int Secure(UNIT *Buffer, size_t Size, size_t Count, const UNIT *Format, va_list Arguments)
{
    if (Buffer == NULL || Size == 0 || Format == NULL) {
        return -1;
    }
    BOOLEAN MayCut = Count == (size_t)-1 || Count < Size;
    size_t Limit = Count < Size ? Count : Size - 1;
    SIZE_T n = FORMAT(Buffer, Limit, Format, Arguments);
    if (n <= Limit) {
        Buffer[n] = 0;
        return (int)n;
    }
    Buffer[MayCut ? Limit : 0] = 0;
    return -1;
}

int NAME_V(UNIT *Buffer, const UNIT *Format, va_list Arguments)
{
    return Plain(Buffer, Format, Arguments);
}

int NAME(UNIT *Buffer, const UNIT *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int n = Plain(Buffer, Format, Arguments);
    va_end(Arguments);
    return n;
}

int NAME_VN(UNIT *Buffer, size_t Count, const UNIT *Format, va_list Arguments)
{
    return Counted(Buffer, Count, Format, Arguments);
}

int NAME_N(UNIT *Buffer, size_t Count, const UNIT *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int n = Counted(Buffer, Count, Format, Arguments);
    va_end(Arguments);
    return n;
}

int NAME_VS(UNIT *Buffer, size_t Size, const UNIT *Format, va_list Arguments)
{
    return Secure(Buffer, Size, Size, Format, Arguments);
}

int NAME_S(UNIT *Buffer, size_t Size, const UNIT *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int n = Secure(Buffer, Size, Size, Format, Arguments);
    va_end(Arguments);
    return n;
}

int NAME_VNS(UNIT *Buffer, size_t Size, size_t Count, const UNIT *Format, va_list Arguments)
{
    return Secure(Buffer, Size, Count, Format, Arguments);
}

int NAME_NS(UNIT *Buffer, size_t Size, size_t Count, const UNIT *Format, ...)
{
    va_list Arguments;
    va_start(Arguments, Format);
    int n = Secure(Buffer, Size, Count, Format, Arguments);
    va_end(Arguments);
    return n;
}
