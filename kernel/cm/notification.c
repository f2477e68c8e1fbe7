/* SPDX-License-Identifier: MIT */
/*
 * ZwNotifyChangeKey: waiting for a key, or all below it, to change.
 *
 * A watch stands for one call. The first change that its filter lets through ends it; what changes
 * between two calls is not remembered (NT remembers it for the handle). All watches are in one
 * list, CmpWatches, guarded by CmpLock, which whoever changes the registry holds.
 *
 * A watch of a synchronous call lies on its stack; the others are nonpaged pool and hold a
 * reference to the key body and the event.
 */
#include "cm/cmp.h"

typedef struct _CM_WATCH {
    LIST_ENTRY Links;
    PCM_KEY_BODY Body;
    ULONG Filter;
    BOOLEAN Tree;
    BOOLEAN Asynchronous;
    PIO_STATUS_BLOCK IoStatus;
    PKEVENT Event;          /* NULL: none */
    PWORK_QUEUE_ITEM Work;  /* NULL: none */
    WORK_QUEUE_TYPE Queue;
    WORK_QUEUE_ITEM Finish; /* asynchronous: gives the references back, without CmpLock */
} CM_WATCH, *PCM_WATCH;

static LIST_ENTRY CmpWatches;

VOID CmpInitializeNotifications(VOID)
{
    InitializeListHead(&CmpWatches);
}

/* A key body's last reference takes CmpLock, so it is not given back under it. */
static VOID CmpFinishWatch(PVOID Context)
{
    PCM_WATCH Watch = Context;
    ObfDereferenceObject(Watch->Body);
    if (Watch->Event != NULL) {
        ObfDereferenceObject(Watch->Event);
    }
    ExFreePoolWithTag(Watch, CM_TAG);
}

/* CmpLock held. A synchronous watch may be gone when this returns. */
static VOID CmpEndWatch(PCM_WATCH Watch, NTSTATUS Status)
{
    RemoveEntryList(&Watch->Links);
    Watch->IoStatus->Status = Status;
    Watch->IoStatus->Information = 0;
    if (!Watch->Asynchronous) {
        KeSetEvent(Watch->Event, IO_NO_INCREMENT, FALSE);
        return;
    }
    if (Watch->Event != NULL) {
        KeSetEvent(Watch->Event, IO_NO_INCREMENT, FALSE);
    }
    if (Watch->Work != NULL) {
        ExQueueWorkItem(Watch->Work, Watch->Queue);
    }
    ExInitializeWorkItem(&Watch->Finish, CmpFinishWatch, Watch);
    ExQueueWorkItem(&Watch->Finish, DelayedWorkQueue);
}

static BOOLEAN CmpIsBelow(PCM_KEY_NODE Node, PCM_KEY_NODE Ancestor)
{
    while (Node != NULL && Node != Ancestor) {
        Node = Node->Parent;
    }
    return Node != NULL;
}

VOID CmpReportChange(PCM_KEY_NODE Node, ULONG Filter)
{
    for (PLIST_ENTRY Entry = CmpWatches.Flink; Entry != &CmpWatches;) {
        PCM_WATCH Watch = CONTAINING_RECORD(Entry, CM_WATCH, Links);
        Entry = Entry->Flink;
        if ((Watch->Filter & Filter) &&
            (Watch->Tree ? CmpIsBelow(Node, Watch->Body->Node) : Watch->Body->Node == Node)) {
            CmpEndWatch(Watch, STATUS_NOTIFY_ENUM_DIR);
        }
    }
}

VOID CmpReportDeletion(PCM_KEY_NODE Node)
{
    for (PLIST_ENTRY Entry = CmpWatches.Flink; Entry != &CmpWatches;) {
        PCM_WATCH Watch = CONTAINING_RECORD(Entry, CM_WATCH, Links);
        Entry = Entry->Flink;
        if (Watch->Body->Node == Node) {
            CmpEndWatch(Watch, STATUS_NOTIFY_ENUM_DIR); /* NV: which status NT gives */
        }
    }
}

VOID CmpEndNotifications(PCM_KEY_BODY Body)
{
    CmpLockRegistry();
    for (PLIST_ENTRY Entry = CmpWatches.Flink; Entry != &CmpWatches;) {
        PCM_WATCH Watch = CONTAINING_RECORD(Entry, CM_WATCH, Links);
        Entry = Entry->Flink;
        if (Watch->Body == Body) {
            CmpEndWatch(Watch, STATUS_NOTIFY_CLEANUP);
        }
    }
    CmpUnlockRegistry();
}

/* STATUS_KEY_DELETED: not watched. */
static NTSTATUS CmpStartWatch(PCM_WATCH Watch)
{
    NTSTATUS Status = STATUS_PENDING;
    CmpLockRegistry();
    if (Watch->Body->Node->Flags & CM_NODE_DELETED) {
        Status = STATUS_KEY_DELETED;
    } else {
        InsertTailList(&CmpWatches, &Watch->Links);
    }
    CmpUnlockRegistry();
    return Status;
}

/* Gives IoStatus what ended the wait. */
static NTSTATUS CmpWatchAndWait(PCM_KEY_BODY Body, ULONG Filter, BOOLEAN Tree,
                                PIO_STATUS_BLOCK IoStatus)
{
    KEVENT Event;
    CM_WATCH Watch = {.Body = Body, .Filter = Filter, .Tree = Tree, .IoStatus = IoStatus,
                      .Event = &Event};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    NTSTATUS Status = CmpStartWatch(&Watch);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
        /* Whoever set the event holds the lock until it is done with the watch. */
        CmpLockRegistry();
        CmpUnlockRegistry();
        Status = IoStatus->Status;
    }
    return Status;
}

static NTSTATUS CmpWatchLater(const CM_WATCH *Template)
{
    PCM_WATCH Watch = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Watch), CM_TAG);
    if (Watch == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Watch = *Template;
    ObfReferenceObject(Watch->Body);
    if (Watch->Event != NULL) {
        KeClearEvent(Watch->Event);
        ObfReferenceObject(Watch->Event);
    }
    NTSTATUS Status = CmpStartWatch(Watch);
    if (Status != STATUS_PENDING) {
        CmpFinishWatch(Watch);
    }
    return Status;
}

/*
 * For a kernel-mode caller ApcRoutine is a WORK_QUEUE_ITEM and ApcContext its queue's type. Nothing
 * says what changed: Buffer is not used, as on NT. PASSIVE_LEVEL
 */
NTSTATUS ZwNotifyChangeKey(HANDLE KeyHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                           PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                           ULONG CompletionFilter, BOOLEAN WatchTree, PVOID Buffer,
                           ULONG BufferSize, BOOLEAN Asynchronous)
{
    CM_WATCH Watch = {
        .Filter = CompletionFilter,
        .Tree = WatchTree,
        .Asynchronous = TRUE,
        .IoStatus = IoStatusBlock,
        .Work = (PWORK_QUEUE_ITEM)(PVOID)ApcRoutine,
        .Queue = (WORK_QUEUE_TYPE)(ULONG_PTR)ApcContext,
    };
    if (CompletionFilter == 0 || (CompletionFilter & ~(ULONG)REG_LEGAL_CHANGE_FILTER)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = CmpReferenceKey(KeyHandle, KEY_NOTIFY, &Watch.Body);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!Asynchronous) {
        Status = CmpWatchAndWait(Watch.Body, CompletionFilter, WatchTree, IoStatusBlock);
        ObfDereferenceObject(Watch.Body);
        return Status;
    }
    if (Event != NULL) {
        Status = ObReferenceObjectByHandle(Event, EVENT_MODIFY_STATE, ExEventObjectType,
                                           KernelMode, (PVOID *)&Watch.Event, NULL);
    }
    if (NT_SUCCESS(Status)) {
        Status = CmpWatchLater(&Watch);
        if (Watch.Event != NULL) {
            ObfDereferenceObject(Watch.Event);
        }
    }
    ObfDereferenceObject(Watch.Body);
    return Status;
}
