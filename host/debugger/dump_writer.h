/* SPDX-License-Identifier: MIT */
/*
 * Writes a crash dump (wire/dump.h, type 1) of a target: all of its physical memory. Over a KD line
 * that takes minutes; of a machine's memory in a file it takes the time to copy it.
 */
#pragma once

#include "host/debugger/target.h"

/* Asked between pieces. False: stop, and leave nothing. */
typedef bool DUMP_PROGRESS(void *Context, uint64_t BytesDone, uint64_t BytesTotal);

typedef struct {
    const char *Path;
    bool Overwrite;          /* else a file that is there is not touched */
    const char *Comment;     /* into the header, cut at 127 bytes */
    uint64_t DebuggerData;   /* address of the KDDEBUGGER_DATA64 */
    /*
     * A bit for each page, from page 0 on, that need not be read: it is free, and becomes zeros.
     * Pages beyond LeaveOutPages are read. NULL: all are.
     */
    const uint8_t *LeaveOut;
    uint64_t LeaveOutPages;
    DUMP_PROGRESS *Progress; /* or NULL */
    void *Context;
} DUMP_REQUEST;

/*
 * The file appears whole under its name or not at all; pages of zeros become holes. False: Error,
 * one line. *Bytes: its size, without regard to holes.
 */
bool DumpWrite(TARGET *Target, const DUMP_REQUEST *Request, uint64_t *Bytes, char *Error,
               size_t ErrorSize);
