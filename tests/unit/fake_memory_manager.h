/* SPDX-License-Identifier: MIT */
/* Page tables and page frames for a fake debugger (fake_debugger.h): 16 frames of RAM. */
#pragma once

#include "tests/unit/fake_debugger.h"

#define KeGetCurrentIrql() ((unsigned char)0) /* only the kernel's layouts are wanted */
#include "mm/image.h"

#define FAKE_FRAMES 16u
#define FAKE_PFN_DATABASE 0xfffffa8000000000ull
#define FAKE_DATA_BLOCK 0xfffff80000100000ull

extern MMPFN FakeFrames[FAKE_FRAMES];
/* The data block's variables, PFN database, tables whose top is frame 1, and Mm's types. */
void FakeMemoryManager(void);
/* Maps the page of Address; all pages must share their PDE. */
void FakeSetPte(uint64_t Address, uint64_t Entry);
