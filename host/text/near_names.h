/* SPDX-License-Identifier: MIT */
/* Names that a mistyped word may have been meant for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define NEAR_NAMES_MOST 3
#define NEAR_NAMES_LENGTH 100 /* longer names are not near to anything */

typedef struct {
    size_t Index[NEAR_NAMES_MOST];
    unsigned Distance[NEAR_NAMES_MOST];
    unsigned Count; /* the nearest first */
} NEAR_NAMES;

/*
 * Offers the name number Index. It counts as near when it contains Typed (of three characters or
 * more; at its start, of any length), or when at most Limit characters must be put in, taken out
 * or changed; upper and lower case are the same.
 */
void NearNamesOffer(NEAR_NAMES *Near, const char *Typed, const char *Name, size_t Index,
                    unsigned Limit);
