/* SPDX-License-Identifier: MIT */
/*
 * A target made of pieces of our own memory: virtual pieces, a physical one, registers. What no
 * piece covers cannot be read, as a page that is out. Output of commands goes to a buffer.
 */
#pragma once

#include "host/debugger/debugger.h"

#define FAKE_MAX_PIECES 64u

typedef struct {
    TARGET Target;
    DEBUGGER *Debugger;
    struct {
        uint64_t Address;
        uint8_t *Bytes;
        size_t Size;
    } Pieces[FAKE_MAX_PIECES];
    unsigned PieceCount;
    uint8_t *Physical;
    size_t PhysicalSize;
    KSPECIAL_REGISTERS Special;
    char *Output; /* what was printed, and how much of it FakeTake has given */
    size_t OutputSize, Taken;
} FAKE_TARGET;

void FakeOpen(FAKE_TARGET *Fake);
void FakeClose(FAKE_TARGET *Fake);
/* A later piece hides an earlier one; Bytes NULL makes a hole. */
void FakeMap(FAKE_TARGET *Fake, uint64_t Address, void *Bytes, size_t Size);
/* The image of a PE file, laid out for Base, into the list of modules; the result is malloc's. */
uint8_t *FakeLoadImage(FAKE_TARGET *Fake, const char *Path, const char *Name, uint64_t Base,
                       size_t *Size);
/* What was printed; good until the next call. */
const char *FakeTake(FAKE_TARGET *Fake);
