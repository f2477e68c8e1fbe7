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
/*
 * Where a service may write up to Length bytes for its caller: the caller's own buffer, or pool
 * that stands for it, of at most EX_CALLER_BUFFER_MOST bytes. Finish gives Used of them to the
 * caller and releases it, whatever it returns. <= APC_LEVEL
 */
#define EX_CALLER_BUFFER_MOST 0x10000u
typedef struct _EX_CALLER_BUFFER {
    PVOID Bytes;
    PVOID Address; /* the caller's */
    ULONG Length;  /* of Bytes */
    KPROCESSOR_MODE Mode;
} EX_CALLER_BUFFER, *PEX_CALLER_BUFFER;
NTSTATUS ExMakeCallerBuffer(PEX_CALLER_BUFFER Buffer, PVOID Address, ULONG Length,
                            KPROCESSOR_MODE Mode);
NTSTATUS ExFinishCallerBuffer(PEX_CALLER_BUFFER Buffer, ULONG Used);

/* Of ERESOURCE.SystemResourcesList; for the debugger. */
extern LIST_ENTRY ExpSystemResourcesList;

/* ---- debugger_worker.c ---- */
VOID ExpInitializeDebuggerWorker(VOID); /* when there are workers */
/* When the debugger is left: starts what it asked for. Any IRQL, interrupts off. */
VOID ExpQueueDebuggerWork(VOID);
