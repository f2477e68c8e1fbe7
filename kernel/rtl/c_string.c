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

static errno_t CheckedCopy(void *Destination, size_t Size, const void *Source, size_t Count)
{
    if (Count == 0) {
        return 0;
    }
    if (Destination == NULL) {
        return EINVAL;
    }
    if (Source == NULL || Size < Count) {
        __builtin_memset(Destination, 0, Size);
        return Source == NULL ? EINVAL : ERANGE;
    }
    __builtin_memmove(Destination, Source, Count);
    return 0;
}

errno_t memcpy_s(void *Destination, size_t Size, const void *Source, size_t Count)
{
    return CheckedCopy(Destination, Size, Source, Count);
}

errno_t memmove_s(void *Destination, size_t Size, const void *Source, size_t Count)
{
    return CheckedCopy(Destination, Size, Source, Count);
}
