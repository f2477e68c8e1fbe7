/* SPDX-License-Identifier: MIT */
/*
 * The "newc" cpio format, in which files reach the guest (QEMU's -initrd). Pure: no allocation. The
 * reader takes hostile bytes; the writer fills a buffer of the caller.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPIO_MAX_NAME 4096 /* bytes, with the NUL */
#define CPIO_MODE_FILE 0100644u
#define CPIO_MODE_DIRECTORY 0040755u
#define CPIO_MODE_TYPE 0170000u

typedef enum _CPIO_STEP { CpioStepEnd, CpioStepItem, CpioStepError } CPIO_STEP;

typedef struct _CPIO_ENTRY {
    const char *Name; /* NUL-terminated, in the archive's bytes */
    uint32_t NameLength;
    uint32_t Mode;
    const void *Data; /* in the archive's bytes */
    uint32_t Size;
    uint64_t Offset; /* of the entry's header */
} CPIO_ENTRY;

/*
 * The entry at *Cursor (0 at first), which moves on. CpioStepEnd at the trailer; an archive
 * that ends without one is an error. On an error *Rule is one sentence and *Cursor stays at
 * the offending entry.
 */
CPIO_STEP CpioNext(const void *Archive, size_t Size, uint64_t *Cursor, CPIO_ENTRY *Entry,
                   const char **Rule);

/* The first entry of that name, a leading "./" in the archive aside. */
bool CpioFind(const void *Archive, size_t Size, const char *Name, CPIO_ENTRY *Entry);

typedef struct _CPIO_WRITER {
    uint8_t *Buffer; /* NULL: only count */
    size_t Size;
    size_t Used; /* goes on counting when the buffer is full */
    uint32_t NextInode;
} CPIO_WRITER;

void CpioWriterInit(CPIO_WRITER *Writer, void *Buffer, size_t Size);
/*
 * Both: false when the buffer is full (Used then says how large it must be) or the name too long.
 */
bool CpioWriteEntry(CPIO_WRITER *Writer, const char *Name, uint32_t Mode, const void *Data,
                    uint32_t Size);
bool CpioWriteTrailer(CPIO_WRITER *Writer);
