/* SPDX-License-Identifier: MIT */
/*
 * Queues of work (KQUEUE). A thread belongs to the queue it last removed from. CurrentCount is the
 * number of its threads that are not waiting; entries are handed out only while it is below
 * MaximumCount, and when a thread of the queue blocks elsewhere, the next waiter gets an entry in
 * its place. Waiters are served last in, first out: the last one's stack is still in the cache.
 * SignalState is the number of entries in the list.
 */
#include "dispatcher.h"

VOID KeInitializeQueue(PRKQUEUE Queue, ULONG Count)
{
    Queue->Header.Type = QueueObject;
    Queue->Header.Signalling = 0;
    Queue->Header.Size = sizeof(KQUEUE) / sizeof(LONG);
    Queue->Header.Reserved1 = 0;
    Queue->Header.SignalState = 0;
    InitializeListHead(&Queue->Header.WaitListHead);
    InitializeListHead(&Queue->EntryListHead);
    InitializeListHead(&Queue->ThreadListHead);
    Queue->CurrentCount = 0;
    Queue->MaximumCount = Count != 0 ? Count : (ULONG)KeNumberProcessors;
}

LONG KeReadStateQueue(PRKQUEUE Queue)
{
    return Queue->Header.SignalState;
}

/* Lock held. The first entry, taken out; NULL when there is none or the queue's threads suffice. */
static PLIST_ENTRY KiTakeQueueEntry(PKQUEUE Queue)
{
    if (IsListEmpty(&Queue->EntryListHead) || Queue->CurrentCount >= Queue->MaximumCount) {
        return NULL;
    }
    PLIST_ENTRY Entry = RemoveHeadList(&Queue->EntryListHead);
    Queue->Header.SignalState--;
    return Entry;
}

static PKTHREAD KiLastQueueWaiter(PKQUEUE Queue)
{
    PLIST_ENTRY Last = Queue->Header.WaitListHead.Blink;

    return Last == &Queue->Header.WaitListHead
               ? NULL
               : CONTAINING_RECORD(Last, KWAIT_BLOCK, WaitListEntry)->Thread;
}

/* A thread of the queue stops running. */
VOID KiActivateQueueWaiter(PKQUEUE Queue)
{
    Queue->CurrentCount--;
    PKTHREAD Waiter = KiLastQueueWaiter(Queue);
    if (Waiter != NULL) {
        PLIST_ENTRY Entry = KiTakeQueueEntry(Queue);
        if (Entry != NULL) {
            KiUnwaitThread(Waiter, (LONG_PTR)Entry, 0);
        }
    }
}

VOID KiLeaveQueue(PKTHREAD Thread)
{
    PKQUEUE Queue = Thread->Queue;

    if (Queue != NULL) {
        RemoveEntryList(&Thread->QueueListEntry);
        Thread->Queue = NULL;
        KiActivateQueueWaiter(Queue);
    }
}

static LONG KiInsertQueue(PKQUEUE Queue, PLIST_ENTRY Entry, BOOLEAN AtHead)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG Old = Queue->Header.SignalState;
    PKTHREAD Waiter = KiLastQueueWaiter(Queue);

    if (Old == 0 && Waiter != NULL && Queue->CurrentCount < Queue->MaximumCount) {
        KiUnwaitThread(Waiter, (LONG_PTR)Entry, 0);
    } else {
        Queue->Header.SignalState++;
        if (AtHead) {
            InsertHeadList(&Queue->EntryListHead, Entry);
        } else {
            InsertTailList(&Queue->EntryListHead, Entry);
        }
    }
    KiExitDispatcher(OldIrql);
    return Old;
}

LONG KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    return KiInsertQueue(Queue, Entry, FALSE);
}

LONG KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry)
{
    return KiInsertQueue(Queue, Entry, TRUE);
}

static VOID KiJoinQueue(PKTHREAD Thread, PKQUEUE Queue)
{
    if (Thread->Queue == Queue) {
        return;
    }
    KiLeaveQueue(Thread);
    Thread->Queue = Queue;
    InsertTailList(&Queue->ThreadListHead, &Thread->QueueListEntry);
    Queue->CurrentCount++;
}

/*
 * The entry, or in its place STATUS_TIMEOUT, STATUS_USER_APC or STATUS_ABANDONED (the queue was
 * run down). At DISPATCH_LEVEL only with a time-out of zero.
 */
PLIST_ENTRY KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout)
{
    PKTHREAD Thread = KiCurrentThread();
    ULONG64 DueTime = KiComputeDueTime(Timeout);
    PKWAIT_BLOCK Block = &Thread->WaitBlock[0];
    LONG_PTR Status;

    do {
        KIRQL OldIrql = KiEnterWait(Thread);
        KiJoinQueue(Thread, Queue);
        /* The thread itself does not count while it asks for more. */
        Queue->CurrentCount--;
        PLIST_ENTRY Entry = KiTakeQueueEntry(Queue);
        Queue->CurrentCount++;
        Status = (LONG_PTR)Entry;
        if (Entry == NULL) {
            Status = KiTestAlerts(Thread, WaitMode, FALSE);
            if (Status == STATUS_PENDING && DueTime <= KeQueryInterruptTime()) {
                Status = STATUS_TIMEOUT;
            }
        }
        if (Status != STATUS_PENDING) {
            KiExitDispatcher(OldIrql);
            break;
        }
        if (OldIrql >= DISPATCH_LEVEL || KeGetCurrentPrcb()->DpcRoutineActive) {
            KiBadWaitIrql(Queue, OldIrql, KI_RETURN_ADDRESS());
        }
        if (KiDeliverApcsBeforeWait(Thread, OldIrql)) {
            Status = KI_STATUS_KERNEL_APC;
            continue;
        }
        Block->WaitType = WaitAny;
        Block->WaitKey = 0;
        Block->Thread = Thread;
        Block->Object = Queue;
        InsertTailList(&Queue->Header.WaitListHead, &Block->WaitListEntry);
        Thread->WaitBlockList = Block;
        Thread->WaitBlockCount = 1;
        Thread->WaitReason = WrQueue;
        Thread->WaitMode = WaitMode;
        Thread->Alertable = FALSE;
        Status = KiBlockThread(Thread, OldIrql, DueTime);
    } while (Status == KI_STATUS_KERNEL_APC);
    return (PLIST_ENTRY)Status;
}

/*
 * Ends a queue: its threads leave it, those that wait get STATUS_ABANDONED. Returns the first of
 * the entries left, which are linked in a ring without a head, or NULL.
 */
PLIST_ENTRY KeRundownQueue(PRKQUEUE Queue)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY First = NULL;
    PKTHREAD Waiter;

    if (!IsListEmpty(&Queue->EntryListHead)) {
        First = Queue->EntryListHead.Flink;
        RemoveEntryList(&Queue->EntryListHead);
        InitializeListHead(&Queue->EntryListHead);
        Queue->Header.SignalState = 0;
    }
    while (!IsListEmpty(&Queue->ThreadListHead)) {
        PKTHREAD Thread = CONTAINING_RECORD(RemoveHeadList(&Queue->ThreadListHead), KTHREAD,
                                            QueueListEntry);
        Thread->Queue = NULL;
    }
    Queue->CurrentCount = 0;
    while ((Waiter = KiLastQueueWaiter(Queue)) != NULL) {
        KiUnwaitThread(Waiter, STATUS_ABANDONED, 0);
    }
    KiExitDispatcher(OldIrql);
    return First;
}
