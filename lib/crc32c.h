/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli), in plain C: no SSE4.2 crc32 instruction, which an emulator does bit by bit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CRC32C_PAGE_SIZE 4096

/*
 * Continues a CRC over more bytes. The first call passes 0; the result of the last is the CRC.
 * Any alignment, any IRQL (tables and code are resident).
 */
uint32_t Crc32c(uint32_t Crc, const void *Data, size_t Size);

/* The same as Crc32c(0, Page, 4096), about three times as fast. */
uint32_t Crc32cPage(const void *Page);
