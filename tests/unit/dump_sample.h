/* SPDX-License-Identifier: MIT */
/*
 * A small machine for tests of crash dumps: 24 pages of RAM in two runs, page tables that map some
 * of it, a kernel's debugger data, processor block and physical memory block. Written with bare
 * offsets from the documents, not with the structures that are under test.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_PAGES 24u
#define SAMPLE_FIRST_RUN 4u  /* pages from page 1 on; the others from page 10h on */
#define SAMPLE_BYTES (0x24u * 0x1000u) /* as a file: physical address = offset */
#define SAMPLE_DIRECTORY 0x10000ull
#define SAMPLE_BASE 0xfffff80000000000ull /* maps pages 14h .. 19h, one after another */
#define SAMPLE_KDBG (SAMPLE_BASE + 0x100)
#define SAMPLE_PRCB (SAMPLE_BASE + 0x2180)
#define SAMPLE_THREAD 0xffffc00000001000ull
#define SAMPLE_OUT (SAMPLE_BASE + 0x6000)  /* in the paging file */
#define SAMPLE_TEXT (SAMPLE_BASE + 0x4ff8) /* 16 bytes over two pages */

/* Fills a memory of SAMPLE_BYTES. */
void SampleMemory(uint8_t *Memory);
/* A dump of type 1 or 5 with all pages of it; returns its size, at most Capacity. */
size_t SampleDump(uint8_t *Out, size_t Capacity, unsigned Type);
void SamplePut(uint8_t *At, uint64_t Value, unsigned Size);
uint64_t SampleGet(const uint8_t *At, unsigned Size);
