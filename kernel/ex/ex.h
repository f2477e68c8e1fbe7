/* SPDX-License-Identifier: MIT */
/* What Ex offers the rest of the kernel beyond nt/ex.h. */
#pragma once

#include "ex/pool.h"
#include "ke/ki.h"
#include "nt/ex.h"

/* Worker threads, their balancing thread, the Callback object type. After Ps, PASSIVE_LEVEL. */
VOID ExInitializeWorkers(VOID);
NTSTATUS ExpInitializeCallbackType(VOID);

/* Of ERESOURCE.SystemResourcesList; for the debugger. */
extern LIST_ENTRY ExpSystemResourcesList;

/* ---- debugger_worker.c ---- */
VOID ExpInitializeDebuggerWorker(VOID); /* when there are workers */
/* When the debugger is left: starts what it asked for. Any IRQL, interrupts off. */
VOID ExpQueueDebuggerWork(VOID);
