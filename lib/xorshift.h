/* SPDX-License-Identifier: MIT */
/* xorshift64: numbers that follow from a seed, for choices that a replay must make again. */
#pragma once

#include <stdint.h>

/* The next state, which is the number drawn. A state is never 0; the low bits are the weakest. */
static inline uint64_t XorShift64(uint64_t State)
{
    State ^= State << 13;
    State ^= State >> 7;
    return State ^ State << 17;
}
