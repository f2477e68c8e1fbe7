/* SPDX-License-Identifier: MIT */
#include "host/symbols/string_pool.h"

#include <stdlib.h>
#include <string.h>

#include "host/text/text.h"

#define STRING_POOL_LIMIT (1u << 30)

bool ArrayGrow(void **Elements, uint32_t *Capacity, uint64_t Wanted, uint32_t Limit,
               size_t ElementSize)
{
    if (Wanted <= *Capacity) {
        return true;
    }
    uint64_t Larger = *Capacity < 512 ? 1024 : *Capacity * 2ull;
    Larger = Larger < Wanted ? Wanted : Larger;
    Larger = Larger < Limit ? Larger : Limit;
    void *Moved = Larger >= Wanted ? realloc(*Elements, Larger * ElementSize) : NULL;
    if (Moved == NULL) {
        return false;
    }
    *Elements = Moved;
    *Capacity = (uint32_t)Larger;
    return true;
}

bool StringPoolAdd(STRING_POOL *Pool, const char *Text, size_t Length, uint32_t *Offset)
{
    char Clean[SYMBOL_NAME_MAX + 1];
    size_t Size = TextClean(Clean, sizeof(Clean), Text, Length) + 1;

    if (!ArrayGrow((void **)&Pool->Bytes, &Pool->Capacity, (uint64_t)Pool->Used + Size,
                   STRING_POOL_LIMIT, 1)) {
        return false;
    }
    memcpy(Pool->Bytes + Pool->Used, Clean, Size);
    *Offset = Pool->Used;
    Pool->Used += (uint32_t)Size;
    return true;
}

void StringPoolFree(STRING_POOL *Pool)
{
    free(Pool->Bytes);
    *Pool = (STRING_POOL){0};
}
