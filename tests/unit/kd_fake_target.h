/* SPDX-License-Identifier: MIT */
/*
 * A small KD target in a thread of its own, for tests of the debugger's end: some memory, a
 * context, breakpoints that are only counted. Its line can be made bad: of a million bytes each
 * way, about LossPerMillion are dropped (an odd number) or doubled (an even one), by Seed.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "lib/kd_packet.h"
#include "nt/se.h"

#define FAKE_MEMORY_SIZE 0x4000u /* bytes, from FAKE_MEMORY_BASE on; nothing else is there */
#define FAKE_MEMORY_BASE 0xfffff80000001000ull

typedef struct FAKE_TARGET FAKE_TARGET;
struct FAKE_TARGET {
    unsigned LossPerMillion;
    uint32_t Seed;
    /* What Continue leads to: State is changed for the next stop and true is given, or false: the
       target runs until a break-in. May be NULL: always false. */
    bool (*OnContinue)(FAKE_TARGET *Fake, const DBGKD_MANIPULATE_STATE64 *State);
    bool WaitForBreakIn; /* runs at first */

    uint8_t Memory[FAKE_MEMORY_SIZE];
    CONTEXT Context;
    KSPECIAL_REGISTERS Special;
    DBGKD_ANY_WAIT_STATE_CHANGE State;
    char Path[64];           /* sent with a load-symbols state change */
    uint64_t Breakpoints[KD_BREAKPOINT_MAX];
    unsigned Continues, Requests, Resets;
    bool Ended;

    int Socket; /* the rest is the fake's own */
    uint32_t CurrentId, RemoteId;
    KD_PARSER Parser;
    uint8_t Input[256];
    size_t InputUsed, InputSize;
    bool Waiting, BreakInSeen;
    pthread_t Thread;
};

/* Returns the debugger's end of the line. */
int FakeStart(FAKE_TARGET *Fake);
/* After the debugger's end was closed. */
void FakeJoin(FAKE_TARGET *Fake);
/* From OnContinue: prints by DEBUG_IO. */
void FakePrint(FAKE_TARGET *Fake, const char *Text);
