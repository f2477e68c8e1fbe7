/* SPDX-License-Identifier: MIT */
/* strlen and its family. */
#include "rtlp.h"

#define UNIT char
#define UNSIGNED UCHAR
#define CHAR_ARGUMENT int
#define S(name) str##name
#define I(name) _str##name
#include "string_template.h"

CODE char *strpbrk(const char *s, const char *Set)
{
    s += strcspn(s, Set);
    return *s == 0 ? NULL : (char *)s;
}

/* A refusal leaves the destination as it was. */
errno_t memmove_s(void *Destination, size_t Size, const void *Source, size_t Count)
{
    if (Count == 0) {
        return 0;
    }
    if (Destination == NULL || Source == NULL) {
        return EINVAL;
    }
    if (Size < Count) {
        return ERANGE;
    }
    __builtin_memmove(Destination, Source, Count);
    return 0;
}

/* A refusal clears the destination. */
errno_t memcpy_s(void *Destination, size_t Size, const void *Source, size_t Count)
{
    errno_t Result = memmove_s(Destination, Size, Source, Count);
    if (Result != 0 && Destination != NULL) {
        __builtin_memset(Destination, 0, Size);
    }
    return Result;
}
