/* SPDX-License-Identifier: MIT */
/*
 * Random numbers from a seed that the caller keeps; the same seed gives the same sequence, always.
 * Uniform over 0 .. MAXLONG - 1 as documented; not for secrets.
 */
#include "rtlp.h"

#define MODULUS 0x7fffffffull /* 2^31 - 1, a prime */
#define MULTIPLIER 48271ull   /* a primitive root of it */

/* Lehmer's generator; a seed that is a multiple of the modulus would stay there. */
static ULONG RtlpNext(PULONG Seed)
{
    ULONG64 State = *Seed % MODULUS;
    if (State == 0) {
        State = 1;
    }
    State = State * MULTIPLIER % MODULUS;
    *Seed = (ULONG)State;
    return (ULONG)State - 1;
}

ULONG RtlUniform(PULONG Seed)
{
    return RtlpNext(Seed);
}

/* Mixed further, as neighbouring states of the generator above are correlated. */
ULONG RtlRandomEx(PULONG Seed)
{
    ULONG64 Mixed = (ULONG64)RtlpNext(Seed) << 31;
    Mixed |= RtlpNext(Seed);
    Mixed ^= Mixed >> 31;
    Mixed *= 0x7fb5d329728ea185ull;
    Mixed ^= Mixed >> 27;
    Mixed *= 0x81dadef4bc2dd44dull;
    Mixed ^= Mixed >> 33;
    return (ULONG)(Mixed % MODULUS);
}

ULONG RtlRandom(PULONG Seed)
{
    return RtlRandomEx(Seed);
}
