/* SPDX-License-Identifier: MIT */
/*
 * A hash that never changes: fingerprints stand in baselines, and shards are chosen by it. FNV-1a
 * of 64 bits (draft-eastlake-fnv); it is no defence against who makes collisions on purpose.
 */
#pragma once

#include <stdint.h>

#define HASH_START 0xcbf29ce484222325ull

/* Goes on with a text and the NUL behind it. */
static inline uint64_t HashText(uint64_t Hash, const char *Text)
{
    do {
        Hash = (Hash ^ (uint8_t)*Text) * 0x100000001b3ull;
    } while (*Text++ != 0);
    return Hash;
}

/* Mixes the high bits into the low ones, for a remainder. */
static inline uint64_t HashSpread(uint64_t Hash)
{
    Hash ^= Hash >> 32;
    Hash *= 0xd6e8feb86659fd93ull;
    return Hash ^ Hash >> 32;
}
