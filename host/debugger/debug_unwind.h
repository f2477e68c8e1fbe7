/* SPDX-License-Identifier: MIT */
/* A walk up a stack of the target: what k, .frame, gu and !thread show. */
#pragma once

#include "host/debugger/debugger.h"

#define DEBUG_WALK_MAX_FRAMES 0xffffu

typedef struct {
    DEBUGGER *Debugger;
    CONTEXT Context;       /* of the frame shown now */
    bool IsReturn;         /* its Rip follows a call; false: it was interrupted there */
    uint64_t ReturnAddress; /* the caller's Rip; 0: there is none, or it cannot be found */
    uint64_t ArgumentHome;  /* address of the four home slots above the return address; 0: none */
    uint64_t TrapFrame;     /* a trap was crossed: where its KTRAP_FRAME is; else 0 */
    const char *Problem;    /* why the walk ends here; NULL: it has come to its end */
    CONTEXT Caller;
    bool HasCaller, CallerIsReturn;
    unsigned Frames, StackSwitches;
    uint64_t CachedPage;    /* of the stack; ~0: none */
    uint8_t Cache[0x1000];
} DEBUG_WALK;

/* The first frame. Large: callers keep it off small stacks. */
void DebugWalkStart(DEBUG_WALK *Walk, DEBUGGER *Debugger, const CONTEXT *Context);
/* The frame above. False: that was the last one, and Problem may say why. */
bool DebugWalkNext(DEBUG_WALK *Walk);
/*
 * The registers with which a thread waits, or those of the stop for the current thread. False:
 * Target->Error.
 */
bool DebugThreadContext(DEBUGGER *Debugger, uint64_t Thread, CONTEXT *Context);
