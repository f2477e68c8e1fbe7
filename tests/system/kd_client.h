/* SPDX-License-Identifier: MIT */
#pragma once

#include "kd_wire.h"

typedef struct {
    const char *Name; /* NULL ends a table */
    void (*Run)(void);
} KD_TEST;

uint64_t KernelBase(void);
uint64_t Symbol(const char *Name); /* an address, by an argument of the program */
uint64_t DataBlock(void);          /* of KDDEBUGGER_DATA64 */
/* The state change is of an exception with that code; returns the PC. */
uint64_t ExpectBreak(const WIRE_PACKET *State, uint32_t Code);
/* rcx must be Status; rip goes over the int3. */
void StepOverBreak(uint64_t Status);
