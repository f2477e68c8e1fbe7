/* SPDX-License-Identifier: MIT */
/*
 * Records the timeline of include/wire/timeline.h, when the kernel's command line has `timeline`:
 * else the hooks below test one byte.
 *
 * The ring is nonpaged. An entry is written with interrupts off, at any IRQL and under any lock.
 * It is sent by VfSendTimeline, from places that hold no lock of Mm's: the gate, faults, page-outs,
 * the modified page writer, and before each reply and bug check report. What comes while the ring
 * is full is counted as lost.
 */
#pragma once

#include "ke/ki.h"
#include "wire/timeline.h"

extern BOOLEAN VfTimelineOn;

/* Once, at PASSIVE_LEVEL, with the control channel open and no driver loaded. */
VOID VfStartTimeline(VOID);
/*
 * Sends what has been recorded when it is half a ring or more; All: whatever there is. <=
 * DISPATCH_LEVEL, interrupts on, no lock that a DPC could want; at higher IRQL nothing happens.
 */
VOID VfSendTimeline(BOOLEAN All);
/* Records the bug check and sends everything, polled: nothing else runs any more. */
VOID VfEndTimeline(ULONG Code, ULONG_PTR Address);

/* Stack 0: not known. Any IRQL, any lock. */
VOID VfRecord(TIMELINE_KIND Kind, ULONG64 Address, ULONG64 Value, ULONG Detail, USHORT Name,
              ULONG_PTR Stack);
/* The same if Routine is a driver's. Any IRQL. */
VOID VfRecordDriverRoutine(TIMELINE_KIND Kind, TIMELINE_ROUTINE What, PVOID Routine,
                           ULONG64 Value);

/* Around a call of a routine that may be a driver's. */
FORCEINLINE VOID VfEnterRoutine(TIMELINE_ROUTINE What, PVOID Routine, ULONG64 Value)
{
    if (VfTimelineOn) {
        VfRecordDriverRoutine(TimelineRoutine, What, Routine, Value);
    }
}

FORCEINLINE VOID VfLeaveRoutine(TIMELINE_ROUTINE What, PVOID Routine, ULONG64 Result)
{
    if (VfTimelineOn) {
        VfRecordDriverRoutine(TimelineRoutineEnd, What, Routine, Result);
    }
}
