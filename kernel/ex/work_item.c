/* SPDX-License-Identifier: MIT */
/*
 * Work items: routines that system worker threads run at PASSIVE_LEVEL.
 *
 * Three queues with their own threads: critical (priority 13), delayed (12), hypercritical (15).
 * Each is a KQUEUE with one running thread per processor; when that thread blocks, another takes
 * the next item. A work item may wait for a later one, so a fixed number of threads could hang: a
 * balancing thread looks once a second, and a queue that has items and has not taken one since the
 * last look gets one thread more, which goes again when it has had nothing to do for a while.
 *
 * WORK_QUEUE_ITEM.List.Flink is NULL while the item is not queued. It is cleared before the
 * routine runs: the routine may free the item or queue it again.
 */
#include "ex/ex.h"
#include "ke/dispatcher.h"
#include "ps/psp.h"
#include "vf/vf.h"

#define EXP_MAXIMUM_WORKERS 16
#define EXP_SECOND 10000000ll
#define EXP_IDLE_SECONDS 10

typedef struct _EXP_WORK_QUEUE {
    KQUEUE Queue;
    LONG PriorityIncrement; /* to the system process's 8 */
    ULONG InitialWorkers;
    volatile LONG Workers;
    volatile LONG ItemsTaken;
    LONG ItemsTakenAtLastLook;
} EXP_WORK_QUEUE;

static EXP_WORK_QUEUE ExpWorkQueues[] = {
    [CriticalWorkQueue] = {.PriorityIncrement = 5, .InitialWorkers = 2},
    [DelayedWorkQueue] = {.PriorityIncrement = 4, .InitialWorkers = 3},
    [HyperCriticalWorkQueue] = {.PriorityIncrement = 7, .InitialWorkers = 1},
};

/* A routine that returns above PASSIVE_LEVEL: bug check 0xE1 (routine, IRQL, parameter, item). */
static VOID ExpRunWorkItem(PWORK_QUEUE_ITEM Item)
{
    PWORKER_THREAD_ROUTINE Routine = Item->WorkerRoutine;
    PVOID Parameter = Item->Parameter;

    Item->List.Flink = NULL;
    ULONG64 Locks = VfMarkLocks();
    VfEnterRoutine(TimelineWorkItem, (PVOID)Routine, (ULONG64)Parameter);
    Routine(Parameter);
    VfLeaveRoutine(TimelineWorkItem, (PVOID)Routine, 0);

    KIRQL Irql = KiReadIrql();
    if (Irql != PASSIVE_LEVEL) {
        VfExplainHeldLock(Locks, "a work item");
        KeBugCheckEx(WORKER_THREAD_RETURNED_AT_BAD_IRQL, (ULONG_PTR)Routine, Irql,
                     (ULONG_PTR)Parameter, (ULONG_PTR)Item);
    }
}

/* Timeout NULL: for ever; else until no item came for that long. */
static VOID ExpServeQueue(EXP_WORK_QUEUE *Work, PLARGE_INTEGER Timeout)
{
    KeSetBasePriorityThread(KiCurrentThread(), Work->PriorityIncrement);
    for (;;) {
        PLIST_ENTRY Entry = KeRemoveQueue(&Work->Queue, KernelMode, Timeout);
        if ((LONG_PTR)Entry == STATUS_TIMEOUT) {
            break;
        }
        InterlockedIncrement(&Work->ItemsTaken);
        ExpRunWorkItem(CONTAINING_RECORD(Entry, WORK_QUEUE_ITEM, List));
    }
    InterlockedDecrement(&Work->Workers);
}

static VOID ExpWorkerThread(PVOID Context)
{
    ExpServeQueue(Context, NULL);
}

static VOID ExpDynamicWorkerThread(PVOID Context)
{
    LARGE_INTEGER Idle = {.QuadPart = -EXP_IDLE_SECONDS * EXP_SECOND};

    ExpServeQueue(Context, &Idle);
}

static NTSTATUS ExpCreateWorker(EXP_WORK_QUEUE *Work, PKSTART_ROUTINE Routine)
{
    HANDLE Thread;

    InterlockedIncrement(&Work->Workers);
    NTSTATUS Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine,
                                           Work);
    if (!NT_SUCCESS(Status)) {
        InterlockedDecrement(&Work->Workers);
        return Status;
    }
    ZwClose(Thread);
    return STATUS_SUCCESS;
}

/* No memory for a thread now: the next look tries again. */
static VOID ExpBalanceQueue(EXP_WORK_QUEUE *Work)
{
    LONG Taken = Work->ItemsTaken;

    if (KeReadStateQueue(&Work->Queue) > 0 && Taken == Work->ItemsTakenAtLastLook &&
        Work->Workers < EXP_MAXIMUM_WORKERS) {
        ExpCreateWorker(Work, ExpDynamicWorkerThread);
    }
    Work->ItemsTakenAtLastLook = Taken;
}

static VOID ExpBalanceThread(PVOID Context)
{
    LARGE_INTEGER Second = {.QuadPart = -EXP_SECOND};

    KeSetPriorityThread(KiCurrentThread(), LOW_REALTIME_PRIORITY);
    for (;;) {
        KeDelayExecutionThread(KernelMode, FALSE, &Second);
        for (ULONG i = 0; i < RTL_NUMBER_OF(ExpWorkQueues); i++) {
            ExpBalanceQueue(&ExpWorkQueues[i]);
        }
        KiBoostStarvedThreads();
    }
}

VOID ExInitializeWorkers(VOID)
{
    NTSTATUS Status = ExpInitializeCallbackType();

    NT_VERIFY(NT_SUCCESS(Status));
    for (ULONG i = 0; i < RTL_NUMBER_OF(ExpWorkQueues); i++) {
        EXP_WORK_QUEUE *Work = &ExpWorkQueues[i];

        KeInitializeQueue(&Work->Queue, 0);
        for (ULONG Worker = 0; Worker < Work->InitialWorkers; Worker++) {
            Status = ExpCreateWorker(Work, ExpWorkerThread);
            NT_VERIFY(NT_SUCCESS(Status));
        }
    }
    PsStartSystemThread(ExpBalanceThread);
    ExpInitializeDebuggerWorker();
}

static EXP_WORK_QUEUE *ExpQueueOfType(ULONG QueueType)
{
    switch (QueueType) {
    case CriticalWorkQueue:
        return &ExpWorkQueues[CriticalWorkQueue];
    case HyperCriticalWorkQueue:
    case RealTimeWorkQueue:
    case SuperCriticalWorkQueue:
        return &ExpWorkQueues[HyperCriticalWorkQueue];
    default:
        /* From CustomPriorityWorkQueue on, the type minus 32 is the priority wanted. */
        return &ExpWorkQueues[QueueType >= CustomPriorityWorkQueue + 13 ? CriticalWorkQueue
                                                                       : DelayedWorkQueue];
    }
}

/* <= DISPATCH_LEVEL. An item that is queued already: bug check 0xE4 (0, item, 0, 0). */
VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    EXP_WORK_QUEUE *Work = ExpQueueOfType((ULONG)QueueType);

    if (InterlockedCompareExchangePointer(&WorkItem->List.Flink, &WorkItem->List, NULL) != NULL) {
        KeBugCheckEx(WORKER_INVALID, 0, (ULONG_PTR)WorkItem, 0, 0);
    }
    KeInsertQueue(&Work->Queue, &WorkItem->List);
}
