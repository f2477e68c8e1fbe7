/* SPDX-License-Identifier: MIT */
/*
 * Physical memory that lies in a file: a crash dump, or the RAM of a machine whose memory is a
 * file of ours. Read by pread and never mapped, so that a file that gets shorter meanwhile is an
 * error and no signal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PHYSICAL_PAGE 0x1000u
#define PHYSICAL_PAGE_LIMIT (1ull << 40) /* page numbers: 52-bit addresses */

typedef struct {
    uint64_t BasePage, PageCount;
    uint64_t Offset; /* of the first byte in the file */
} PHYSICAL_RUN;

typedef struct PHYSICAL_FILE {
    int File; /* descriptor, owned; -1: none */
    PHYSICAL_RUN *Runs; /* ascending, not overlapping */
    uint32_t Count, Capacity;
} PHYSICAL_FILE;

void PhysicalFileInitialize(PHYSICAL_FILE *Memory, int File);
void PhysicalFileClose(PHYSICAL_FILE *Memory);
/* A run above all others; made one with the last where they touch in both. False: it is not above,
   it is empty, it goes beyond PHYSICAL_PAGE_LIMIT, or there is no memory. */
bool PhysicalFileAdd(PHYSICAL_FILE *Memory, PHYSICAL_RUN Run);
/* Up to the end of a run: fewer bytes than asked are possible, but at least 1. False: none. */
bool PhysicalFileRead(const PHYSICAL_FILE *Memory, uint64_t Address, void *Out, size_t Size,
                      size_t *Done);
