/* SPDX-License-Identifier: MIT */
/* What the compiler calls by itself. No `rep` instructions: QEMU's translator runs them slowly. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *Destination, const void *Source, size_t Size);
void *memmove(void *Destination, const void *Source, size_t Size);
void *memset(void *Destination, int Value, size_t Size);
int memcmp(const void *First, const void *Second, size_t Size);

typedef uint64_t UNALIGNED __attribute__((aligned(1), may_alias));

__attribute__((no_builtin)) void *memcpy(void *Destination, const void *Source, size_t Size)
{
    uint8_t *To = Destination;
    const uint8_t *From = Source;
    for (; Size >= 8; Size -= 8, To += 8, From += 8) {
        *(UNALIGNED *)To = *(const UNALIGNED *)From;
    }
    while (Size-- != 0) {
        *To++ = *From++;
    }
    return Destination;
}

__attribute__((no_builtin)) void *memmove(void *Destination, const void *Source, size_t Size)
{
    uint8_t *To = Destination;
    const uint8_t *From = Source;
    if (To <= From || To >= From + Size) {
        return memcpy(Destination, Source, Size);
    }
    while (Size-- != 0) {
        To[Size] = From[Size];
    }
    return Destination;
}

__attribute__((no_builtin)) void *memset(void *Destination, int Value, size_t Size)
{
    uint8_t *To = Destination;
    uint64_t Pattern = 0x0101010101010101ull * (uint8_t)Value;
    for (; Size >= 8; Size -= 8, To += 8) {
        *(UNALIGNED *)To = Pattern;
    }
    while (Size-- != 0) {
        *To++ = (uint8_t)Value;
    }
    return Destination;
}

__attribute__((no_builtin)) int memcmp(const void *First, const void *Second, size_t Size)
{
    const uint8_t *A = First;
    const uint8_t *B = Second;
    for (; Size != 0; Size--, A++, B++) {
        if (*A != *B) {
            return *A < *B ? -1 : 1;
        }
    }
    return 0;
}
