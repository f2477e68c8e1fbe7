/* SPDX-License-Identifier: MIT */
/* Between the two halves of a KD target: kd_target.c, the line and its events; kd_request.c. */
#pragma once

#include "host/debugger/kd_link.h"
#include "host/debugger/target.h"

typedef struct {
    KD_LINK Link;
    bool HasVersion;
    bool StopPending;  /* a stop came where an answer was due; Wait reports it */
    unsigned Repeats;  /* requests that were asked again: the target may have done them twice */
    uint32_t Handles;  /* bit n: breakpoint n + 1 is one that we set */
} KD_TARGET;

/* Sets Error; false, for `return KdFail(...)`. */
bool KdFail(TARGET *Target, const char *Text);
/*
 * Sends a request and, if Answer is wanted, takes it: State becomes the target's, and up to
 * Capacity bytes of data go to Out, *OutSize says how many. True whatever ReturnStatus says.
 */
bool KdExchange(TARGET *Target, DBGKD_MANIPULATE_STATE64 *State, const void *Data, size_t DataSize,
                bool Answer, void *Out, size_t Capacity, size_t *OutSize);
/* A request whose answer has no data; also false when the target refuses. */
bool KdRequest(TARGET *Target, DBGKD_MANIPULATE_STATE64 *State, const void *Data, size_t DataSize);
bool KdClearBreakpoint(TARGET *Target, uint32_t Handle);
TARGET_EVENT KdWait(TARGET *Target, int Milliseconds, int Interrupt);
void KdClose(TARGET *Target);

extern const TARGET_OPERATIONS KdOperations;
