/* SPDX-License-Identifier: MIT */
/*
 * The breakpoints of bp, bu and ba, and the temporary one of p and gu.
 *
 * All are out of the target whenever it stands, so that memory shows the program's own bytes, and
 * go in when it is let run. A code breakpoint is a handle of the target's, which writes the CC byte
 * itself; in a page that is out it owes it. A breakpoint on data, or with `ba e`, is one of four
 * debug registers.
 */
#pragma once

#include "host/debugger/debugger.h"

#define BREAKPOINT_MAX 100u /* numbers are 0 .. 99 */
#define BREAKPOINT_TEXT 256u

typedef enum {
    BreakpointCode,
    BreakpointExecute, /* the rest by debug registers */
    BreakpointWrite,
    BreakpointAccess,
    BreakpointIo,
} BREAKPOINT_KIND;

typedef struct {
    bool Used, Enabled, OneShot;
    bool IsSymbolic;  /* bu: Text is looked up anew whenever modules change */
    bool Resolved;    /* Address is known */
    BREAKPOINT_KIND Kind;
    unsigned Size;    /* bytes of data: 1, 2, 4 or 8 */
    uint64_t Address;
    uint64_t Passes, PassesLeft;
    uint64_t Thread;  /* KTHREAD, 0: any */
    char Text[BREAKPOINT_TEXT];    /* the expression, "" when it was a plain address */
    char Commands[BREAKPOINT_TEXT * 4];
} BREAKPOINT;

/* Where a step or gu ends: in Thread, with the stack at least up to Stack. */
typedef struct {
    bool Used;
    uint64_t Address, Thread, Stack;
} BREAKPOINT_TEMPORARY;

typedef struct {
    BREAKPOINT Table[BREAKPOINT_MAX];
    BREAKPOINT_TEMPORARY Temporary[11]; /* g takes ten addresses */
    struct {
        uint64_t Address;
        uint32_t Handle;
    } Inserted[KD_BREAKPOINT_MAX];
    unsigned InsertedCount;
    uint64_t Dr7;        /* for the next Continue */
    bool DebugRegisters; /* any of DR0 .. DR3 was set */
} BREAKPOINTS;

BREAKPOINTS *BreakpointsOf(DEBUGGER *Debugger);
/*
 * Before the target runs: all but a code breakpoint at Except (0: none). False: one could not be
 * set, and it has been said which; none is in.
 */
bool BreakpointsInsert(DEBUGGER *Debugger, uint64_t Except);
/* After it has stopped. A handle that the target dropped itself does not matter. */
void BreakpointsRemove(DEBUGGER *Debugger);
/* The target began anew; nothing is in it. */
void BreakpointsForget(DEBUGGER *Debugger);
/* An enabled code breakpoint is at Address; of a user or a temporary one. */
bool BreakpointIsAt(DEBUGGER *Debugger, uint64_t Address);
/* The number of the user's enabled breakpoint that this stop is at, or -1. */
int BreakpointHit(DEBUGGER *Debugger);
/* A temporary one is at the stop's address; *Mine: its thread and stack fit too. */
bool BreakpointTemporaryHit(DEBUGGER *Debugger, bool *Mine);
void BreakpointsClearTemporary(DEBUGGER *Debugger);
/* Modules have changed: what is symbolic is looked up anew. Unloaded: base and size of one that
   goes, or 0. */
void BreakpointsResolve(DEBUGGER *Debugger, uint64_t Unloaded, uint64_t UnloadedSize);
