/* SPDX-License-Identifier: MIT */
/*
 * The paging disk's layout. Page 0 is the header, written by the host; slot n is page n. The CRC32C
 * of each slot is kept in the guest's memory, as the file means nothing after the guest has ended.
 */
#pragma once

#include <stdint.h>

#define PAGING_FILE_MAGIC 0x454c494647415045ull
#define PAGING_FILE_VERSION 1

typedef struct {
    uint64_t Magic;
    uint32_t Version;
    uint32_t PageSize;  /* 4096 */
    uint64_t PageCount; /* of the disk, with this page */
    uint32_t Crc;       /* CRC32C of the fields above */
    uint32_t Reserved;
} PAGING_FILE_HEADER;
