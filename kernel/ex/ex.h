/* SPDX-License-Identifier: MIT */
/* What Ex offers the rest of the kernel beyond nt/ex.h. */
#pragma once

#include "ex/pool.h"
#include "ke/ki.h"
#include "nt/ex.h"

/* Worker threads, their balancing thread, the Callback object type. After Ps, PASSIVE_LEVEL. */
VOID ExInitializeWorkers(VOID);
NTSTATUS ExpInitializeCallbackType(VOID);

/*
 * ---- caller_memory.c: by a service, for a caller of Mode. What a bad address of user mode raises
 * is the status; nothing is taken back. <= APC_LEVEL
 */
NTSTATUS ExCopyFromCaller(PVOID To, const VOID *From, SIZE_T Size, KPROCESSOR_MODE Mode);
NTSTATUS ExCopyToCaller(PVOID To, const VOID *From, SIZE_T Size, KPROCESSOR_MODE Mode);
/* Whether ExCopyToCaller would work now; so a service fails before it has done anything. */
NTSTATUS ExProbeCaller(PVOID Address, SIZE_T Size, ULONG Alignment, KPROCESSOR_MODE Mode);

/* Of ERESOURCE.SystemResourcesList; for the debugger. */
extern LIST_ENTRY ExpSystemResourcesList;

/* ---- debugger_worker.c ---- */
VOID ExpInitializeDebuggerWorker(VOID); /* when there are workers */
/* When the debugger is left: starts what it asked for. Any IRQL, interrupts off. */
VOID ExpQueueDebuggerWork(VOID);
