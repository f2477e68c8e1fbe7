/* SPDX-License-Identifier: MIT */
/*
 * The C library's string routines, once for both kinds of unit. Included by c_string.c and
 * wide_string.c, which define UNIT, UNSIGNED (to compare as), and S(x), I(x): the names of
 * routine x with and without leading underscore. Case means ASCII, as in the "C" locale.
 *
 * The _s routines report EINVAL for bad arguments and ERANGE when the destination is too small, and
 * leave an empty string then; a count of _TRUNCATE cuts instead and gives STRUNCATE.
 */

#define CODE __attribute__((no_builtin))
#define EINVAL 22
#define ERANGE 34
#define STRUNCATE 80
#define TRUNCATE_COUNT ((size_t)-1)

static ULONG Fold(UNIT Value)
{
    ULONG c = (UNSIGNED)Value;
    return c - 'A' < 26 ? c + 32 : c;
}

CODE size_t S(len)(const UNIT *s)
{
    size_t n = 0;
    while (s[n] != 0) {
        n += 1;
    }
    return n;
}

CODE size_t S(nlen)(const UNIT *s, size_t Max)
{
    size_t n = 0;
    while (n < Max && s[n] != 0) {
        n += 1;
    }
    return n;
}

CODE int S(ncmp)(const UNIT *a, const UNIT *b, size_t Count)
{
    for (; Count > 0; Count -= 1, a += 1, b += 1) {
        if (*a != *b || *a == 0) {
            return (int)(UNSIGNED)*a - (int)(UNSIGNED)*b;
        }
    }
    return 0;
}

CODE int S(cmp)(const UNIT *a, const UNIT *b)
{
    return S(ncmp)(a, b, (size_t)-1);
}

CODE int I(nicmp)(const UNIT *a, const UNIT *b, size_t Count)
{
    for (; Count > 0; Count -= 1, a += 1, b += 1) {
        if (Fold(*a) != Fold(*b) || *a == 0) {
            return (int)Fold(*a) - (int)Fold(*b);
        }
    }
    return 0;
}

CODE int I(icmp)(const UNIT *a, const UNIT *b)
{
    return I(nicmp)(a, b, (size_t)-1);
}

CODE UNIT *S(cpy)(UNIT *Destination, const UNIT *Source)
{
    size_t i = 0;
    while ((Destination[i] = Source[i]) != 0) {
        i += 1;
    }
    return Destination;
}

/* Pads with NULs up to Count; adds none when Source has Count units or more. */
CODE UNIT *S(ncpy)(UNIT *Destination, const UNIT *Source, size_t Count)
{
    size_t i = 0;
    for (; i < Count && Source[i] != 0; i += 1) {
        Destination[i] = Source[i];
    }
    for (; i < Count; i += 1) {
        Destination[i] = 0;
    }
    return Destination;
}

CODE UNIT *S(cat)(UNIT *Destination, const UNIT *Source)
{
    S(cpy)(Destination + S(len)(Destination), Source);
    return Destination;
}

CODE UNIT *S(ncat)(UNIT *Destination, const UNIT *Source, size_t Count)
{
    UNIT *End = Destination + S(len)(Destination);
    size_t n = S(nlen)(Source, Count);
    for (size_t i = 0; i < n; i += 1) {
        End[i] = Source[i];
    }
    End[n] = 0;
    return Destination;
}

CODE UNIT *S(chr)(const UNIT *s, CHAR_ARGUMENT c)
{
    for (;; s += 1) {
        if (*s == (UNIT)c) {
            return (UNIT *)s;
        }
        if (*s == 0) {
            return NULL;
        }
    }
}

CODE UNIT *S(rchr)(const UNIT *s, CHAR_ARGUMENT c)
{
    const UNIT *Last = NULL;
    for (;; s += 1) {
        if (*s == (UNIT)c) {
            Last = s;
        }
        if (*s == 0) {
            return (UNIT *)Last;
        }
    }
}

CODE UNIT *S(str)(const UNIT *s, const UNIT *Sub)
{
    size_t n = S(len)(Sub);
    for (;; s += 1) {
        if (S(ncmp)(s, Sub, n) == 0) {
            return (UNIT *)s;
        }
        if (*s == 0) {
            return NULL;
        }
    }
}

static BOOLEAN IsIn(UNIT c, const UNIT *Set)
{
    while (*Set != 0 && *Set != c) {
        Set += 1;
    }
    return *Set != 0;
}

CODE size_t S(spn)(const UNIT *s, const UNIT *Set)
{
    size_t n = 0;
    while (s[n] != 0 && IsIn(s[n], Set)) {
        n += 1;
    }
    return n;
}

CODE size_t S(cspn)(const UNIT *s, const UNIT *Set)
{
    size_t n = 0;
    while (s[n] != 0 && !IsIn(s[n], Set)) {
        n += 1;
    }
    return n;
}

CODE UNIT *I(lwr)(UNIT *s)
{
    for (size_t i = 0; s[i] != 0; i += 1) {
        s[i] = (UNIT)Fold(s[i]);
    }
    return s;
}

CODE UNIT *I(upr)(UNIT *s)
{
    for (size_t i = 0; s[i] != 0; i += 1) {
        ULONG c = (UNSIGNED)s[i];
        s[i] = (UNIT)(c - 'a' < 26 ? c - 32 : c);
    }
    return s;
}

static errno_t Refuse(UNIT *Destination, size_t Size, errno_t Error)
{
    if (Destination != NULL && Size != 0) {
        Destination[0] = 0;
    }
    return Error;
}

/* Appends at most Count units at Used < Size. */
static errno_t Append(UNIT *Destination, size_t Size, size_t Used, const UNIT *Source,
                      size_t Count)
{
    size_t Room = Size - Used - 1;
    size_t n = S(nlen)(Source, Count);
    errno_t Result = 0;
    if (n > Room) {
        if (Count != TRUNCATE_COUNT) {
            return Refuse(Destination, Size, ERANGE);
        }
        n = Room;
        Result = STRUNCATE;
    }
    for (size_t i = 0; i < n; i += 1) {
        Destination[Used + i] = Source[i];
    }
    Destination[Used + n] = 0;
    return Result;
}

CODE errno_t S(ncpy_s)(UNIT *Destination, size_t Size, const UNIT *Source, size_t Count)
{
    if (Destination == NULL || Size == 0 || Source == NULL) {
        return Refuse(Destination, Size, EINVAL);
    }
    return Append(Destination, Size, 0, Source, Count);
}

CODE errno_t S(cpy_s)(UNIT *Destination, size_t Size, const UNIT *Source)
{
    return S(ncpy_s)(Destination, Size, Source, TRUNCATE_COUNT - 1);
}

CODE errno_t S(ncat_s)(UNIT *Destination, size_t Size, const UNIT *Source, size_t Count)
{
    if (Destination == NULL || Size == 0 || Source == NULL) {
        return Refuse(Destination, Size, EINVAL);
    }
    size_t Used = S(nlen)(Destination, Size);
    if (Used == Size) {
        return Refuse(Destination, Size, EINVAL); /* not a string */
    }
    return Append(Destination, Size, Used, Source, Count);
}

CODE errno_t S(cat_s)(UNIT *Destination, size_t Size, const UNIT *Source)
{
    return S(ncat_s)(Destination, Size, Source, TRUNCATE_COUNT - 1);
}
