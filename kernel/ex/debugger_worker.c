/* SPDX-License-Identifier: MIT */
/*
 * What a debugger wants done that cannot be done while the system is stopped: .pagein, .process /i,
 * .kill, !pageout. The debugger knows the variables by name, writes the operands and then 1 to
 * ExpDebuggerWork, and lets the target go on:
 *
 *   0 ready        -> 1  the debugger
 *   1 start        -> 2  KdExitDebugger: ExpQueueDebuggerWork, a DPC, a work item
 *   2 initialized  -> 0  ExpDebuggerWorker, before it does anything, so that the next request can
 *                        be made at the break
 *
 * The worker attaches to the process, pages out, pages in, and breaks in with DBG_STATUS_WORKER, so
 * that the debugger finds itself in that address space with the page valid. When it goes on, all
 * that is undone. A request to end a process ends in no break.
 */
#include "ex/ex.h"

#include "kd/kd.h"
#include "mm/mm.h"
#include "ps/psp.h"
#include "ps/user_mode.h"

PEPROCESS ExpDebuggerProcessAttach;
PEPROCESS ExpDebuggerProcessKill;
PVOID ExpDebuggerPageIn;
volatile LONG ExpDebuggerWork;

static WORK_QUEUE_ITEM ExpDebuggerWorkItem;
static KDPC ExpDebuggerDpc;
static BOOLEAN ExpDebuggerReady; /* there are workers */
static volatile LONG ExpDebuggerQueued;  /* the item is in the queue */

/* With a reference; NULL: no such process is active, whatever Address points to. */
static PEPROCESS ExpFindProcess(PEPROCESS Address)
{
    PEPROCESS Found = NULL;
    KIRQL Irql = KiAcquireSpinLock(&PspActiveProcessLock);
    for (PLIST_ENTRY Link = PsActiveProcessHead.Flink;
         Address != NULL && Found == NULL && Link != &PsActiveProcessHead; Link = Link->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Link, EPROCESS, ActiveProcessLinks);
        if (Process == Address) {
            Found = Process;
            ObfReferenceObject(Found);
        }
    }
    KiReleaseSpinLock(&PspActiveProcessLock, Irql);
    if (Address != NULL && Found == NULL) {
        DbgPrint("EX debug work: Unable to find process %p\n", Address);
    }
    return Found;
}

/* Its threads end on their way back to user mode; a kernel thread is not ended from outside. */
static VOID ExpKillProcess(PEPROCESS Process)
{
    if (PspTerminateProcess(Process, DBG_TERMINATE_PROCESS) == STATUS_ACCESS_DENIED) {
        DbgPrint("EX debug work: process %p has kernel threads and cannot be ended\n", Process);
    }
}

static VOID ExpDebuggerWorker(PVOID Parameter)
{
    ExpDebuggerQueued = FALSE;
    if (InterlockedCompareExchange(&ExpDebuggerWork, WINKD_WORKER_READY,
                                   WINKD_WORKER_INITIALIZED) != WINKD_WORKER_INITIALIZED) {
        ExpDebuggerWork = WINKD_WORKER_READY; /* the debugger has changed its mind */
        return;
    }
    PEPROCESS Kill = ExpFindProcess(ExpDebuggerProcessKill);
    PEPROCESS Attach = ExpFindProcess(ExpDebuggerProcessAttach);
    PVOID PageIn = ExpDebuggerPageIn;
    BOOLEAN KillWanted = ExpDebuggerProcessKill != NULL;
    ULONG Frame;
    KAPC_STATE ApcState;
    ExpDebuggerProcessAttach = ExpDebuggerProcessKill = NULL;
    ExpDebuggerPageIn = NULL;
    if (Kill != NULL) {
        ExpKillProcess(Kill);
        ObfDereferenceObject(Kill);
    }
    if (!KillWanted) {
        if (Attach != NULL) {
            KeStackAttachProcess(&Attach->Pcb, &ApcState);
        }
        MiDebuggerPageOut();
        NTSTATUS Status = STATUS_ACCESS_VIOLATION;
        if (PageIn != NULL) {
            Status = MiDebuggerPageIn(PageIn, &Frame);
            if (!NT_SUCCESS(Status)) {
                DbgPrint("EX page in: Failed to page-in address 0x%p, Status 0x%08lx\n", PageIn,
                         Status);
            }
        }
        if (KdDebuggerEnabled) {
            DbgBreakPointWithStatus(DBG_STATUS_WORKER);
        }
        if (NT_SUCCESS(Status)) {
            MiDebuggerReleasePage(Frame);
        }
        if (Attach != NULL) {
            KeUnstackDetachProcess(&ApcState);
        }
    }
    if (Attach != NULL) {
        ObfDereferenceObject(Attach);
    }
}

static VOID ExpDebuggerDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    /* Once, whatever the debugger has written to the state meanwhile. */
    if (!InterlockedExchange(&ExpDebuggerQueued, TRUE)) {
        ExQueueWorkItem(&ExpDebuggerWorkItem, DelayedWorkQueue);
    }
}

VOID ExpInitializeDebuggerWorker(VOID)
{
    ExInitializeWorkItem(&ExpDebuggerWorkItem, ExpDebuggerWorker, NULL);
    KeInitializeDpc(&ExpDebuggerDpc, ExpDebuggerDpcRoutine, NULL);
    ExpDebuggerReady = TRUE;
}

/*
 * Any IRQL, interrupts off. Before there are workers the request stays, for the next stop.
 */
VOID ExpQueueDebuggerWork(VOID)
{
    if (ExpDebuggerReady &&
        InterlockedCompareExchange(&ExpDebuggerWork, WINKD_WORKER_INITIALIZED,
                                   WINKD_WORKER_START) == WINKD_WORKER_START) {
        KeInsertQueueDpc(&ExpDebuggerDpc, NULL, NULL);
    }
}
