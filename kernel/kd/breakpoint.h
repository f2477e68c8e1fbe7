/* SPDX-License-Identifier: MIT */
/*
 * What Mm tells Kd about pages that come and go: a breakpoint's byte is only ever in a page that
 * is valid. Both are called after the PTE has changed, at any IRQL, under MiPfnLock or not.
 */
#pragma once

#include "ke/ki.h"

extern volatile BOOLEAN KdBreakpointsSet;  /* at least one breakpoint's byte is in memory */
extern volatile BOOLEAN KdBreakpointsOwed; /* at least one waits for its page */

VOID KdSetOwedBreakpoints(VOID);
VOID KdOweBreakpointsInFrame(ULONG64 Frame);

/* Pages became valid. */
FORCEINLINE VOID KdPagesArrived(VOID)
{
    if (KdBreakpointsOwed) {
        KdSetOwedBreakpoints();
    }
}

/* A page stopped to be valid; its contents are not written or freed before this. */
FORCEINLINE VOID KdPageLeft(ULONG64 Frame)
{
    if (KdBreakpointsSet) {
        KdOweBreakpointsInFrame(Frame);
    }
}
