/* SPDX-License-Identifier: MIT */
/*
 * What the target's debugger worker is asked to do: .pagein, .process /i, .kill, !pageout.
 *
 * A stopped target cannot page. So a request is written into variables of the kernel, found by
 * symbol: nt!ExpDebuggerProcessAttach, nt!ExpDebuggerProcessKill, nt!ExpDebuggerPageIn, and last
 * nt!ExpDebuggerWork = 1. When the user lets the target run, the kernel queues a worker thread,
 * which takes the request, attaches to the process, does the work and stops in
 * nt!DbgBreakPointWithStatus with 7 in rcx. (Facts: NT's own protocol for .pagein.)
 *
 * One request at a time: Debugger->PageInPending. Another breakpoint may stop the target first; the
 * request is pending until the worker's own stop, which PageInOnStop knows.
 */
#pragma once

#include "host/debugger/debugger.h"

typedef enum {
    PageInPage,    /* .pagein: one page becomes valid */
    PageInProcess, /* .process /i: only the process is attached to */
    PageInKill,    /* .kill: no stop follows */
    PageInOut,     /* !pageout, ours: pages leave for the paging file */
} PAGE_IN_KIND;

typedef struct {
    PAGE_IN_KIND Kind;
    uint64_t Process; /* EPROCESS, 0: none to attach to */
    uint64_t Address; /* Page, Out */
    uint64_t Size;    /* Out: bytes, 0: everything that may leave */
    bool SetsProcess; /* the process context is set at the stop */
} PAGE_IN_REQUEST;

/*
 * Schedules it; the target does it once it runs. False, and nothing is scheduled: the reason has
 * been printed (a dump, one pending already, a process that is none, variables not found).
 */
bool PageInSchedule(DEBUGGER *Debugger, const PAGE_IN_REQUEST *Request);
