/* SPDX-License-Identifier: MIT */
/* Return addresses of the present stack, by unwind data. Reads no code, so any IRQL will do. */
#include "se_internal.h"

#define RTL_WALK_USER_MODE_STACK 0x01u
#define RTL_STACK_WALKING_MODE_FRAMES_TO_SKIP_SHIFT 8
#define RTL_MAXIMUM_BACK_TRACE 0xfffeu

/* Context: of a routine in this file. Frame 0 is its caller. */
static ULONG RtlpCollectCallers(PCONTEXT Context, ULONG Skip, ULONG Count, PVOID *Callers)
{
    ULONG Stored = 0;
    SE_WALK Walk;
    UNWIND_FRAME Frame;

    if (!RtlpStartWalk(&Walk, Context, TRUE)) {
        return 0;
    }
    while (Stored < Count && RtlpWalkFrame(&Walk, Context, UNW_FLAG_NHANDLER, &Frame)) {
        UNWIND_IMAGE Image;
        if (!RtlpFindImage(Context->Rip, &Image)) {
            break;
        }
        if (Skip != 0) {
            Skip--;
        } else {
            Callers[Stored++] = (PVOID)Context->Rip;
        }
    }
    return Stored;
}

/* Flags: bits 8 and up, frames to skip; bit 0, the user stack, of which we keep none: 0 frames. */
ULONG RtlWalkFrameChain(PVOID *Callers, ULONG Count, ULONG Flags)
{
    CONTEXT Context;

    if ((Flags & RTL_WALK_USER_MODE_STACK) != 0) {
        return 0;
    }
    RtlCaptureContext(&Context);
    return RtlpCollectCallers(&Context, Flags >> RTL_STACK_WALKING_MODE_FRAMES_TO_SKIP_SHIFT,
                              Count, Callers);
}

USHORT RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                PULONG BackTraceHash)
{
    CONTEXT Context;
    ULONG Hash = 0;

    if (FramesToCapture > RTL_MAXIMUM_BACK_TRACE) {
        FramesToCapture = RTL_MAXIMUM_BACK_TRACE;
    }
    RtlCaptureContext(&Context);
    ULONG Count = RtlpCollectCallers(&Context, FramesToSkip, FramesToCapture, BackTrace);
    for (ULONG Index = 0; Index < Count; Index++) {
        Hash += (ULONG)(ULONG_PTR)BackTrace[Index];
    }
    if (BackTraceHash != NULL) {
        *BackTraceHash = Hash;
    }
    return (USHORT)Count;
}
