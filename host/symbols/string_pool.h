/* SPDX-License-Identifier: MIT */
/* Names kept in one block, by offset, and arrays that grow: what tables from a PDB are made of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_MAX 255u /* bytes; a longer name is cut */

typedef struct {
    char *Bytes;
    uint32_t Used, Capacity;
} STRING_POOL;

/* Keeps a copy, cleaned for a terminal; Text need not be terminated. False: no memory. */
bool StringPoolAdd(STRING_POOL *Pool, const char *Text, size_t Length, uint32_t *Offset);
void StringPoolFree(STRING_POOL *Pool);

/* Room for Wanted elements, at most Limit. False: too many, or no memory; nothing has changed. */
bool ArrayGrow(void **Elements, uint32_t *Capacity, uint64_t Wanted, uint32_t Limit,
               size_t ElementSize);
