/* SPDX-License-Identifier: MIT */
/* What the Linux loader and the PE image under test share. Fixed-width; MS calling convention. */
#pragma once

#include <stdint.h>

typedef struct NATIVE_SERVICES {
    /* PE -> Linux */
    void(__attribute__((ms_abi)) * Print)(const char *Text);
    void(__attribute__((ms_abi)) * Exit)(int Code);
    /* Linux -> PE */
    uint64_t StackLow;
    uint64_t StackHigh;
    uint64_t GuardedImage; /* GuardedSize bytes; unreadable pages on both sides */
    uint64_t GuardedStack;
    uint64_t GuardedSize;
    uint64_t Seed;
    /* set by the image at start */
    uint64_t TrapEntry;
} NATIVE_SERVICES;

/* The last trap, for NativeTrapEntry: filled by the signal handler. Offsets known to trap.S. */
typedef struct NATIVE_TRAP {
    uint32_t Code;       /* 00 */
    uint32_t Parameters; /* 04 */
    uint64_t Address;    /* 08 */
    uint64_t P0, P1;     /* 10 18 */
} NATIVE_TRAP;

/* The entry point of the image. */
typedef int(__attribute__((ms_abi)) * NATIVE_MAIN)(NATIVE_SERVICES *Services, NATIVE_TRAP **Trap);
