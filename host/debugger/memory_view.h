/* SPDX-License-Identifier: MIT */
/* A range of the target's memory, with the bytes that cannot be read marked. */
#pragma once

#include "host/debugger/debugger.h"

#define MEMORY_VIEW_MAX (1u << 20) /* bytes */

typedef struct {
    uint64_t Address;
    size_t Size;
    uint8_t *Bytes;
    bool *Valid; /* one for each byte */
} MEMORY_VIEW;

/* Reads as much as there is. False, said already: the size is none, or over the limit. */
bool MemoryViewRead(DEBUGGER *Debugger, uint64_t Address, uint64_t Size, MEMORY_VIEW *View);
void MemoryViewFree(MEMORY_VIEW *View);
bool MemoryViewHas(const MEMORY_VIEW *View, size_t At, size_t Size);
/* The first byte that could not be read; Size: there is none. */
size_t MemoryViewHole(const MEMORY_VIEW *View);

/* command_memory.c: up to 16 bytes as a line of d*; Size is that of an object. */
void MemoryViewPrintLine(DEBUGGER *Debugger, const MEMORY_VIEW *View, size_t At, unsigned Size,
                         bool Characters);
