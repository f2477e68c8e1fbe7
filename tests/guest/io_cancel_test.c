/* SPDX-License-Identifier: MIT */
/* Cancelled requests: cancel routines, cancel-safe queues, threads that end with requests. */
#include "io_layer.h"

static KIRQL CancelIrql;
static volatile ULONG CancelCalls;

static VOID CancelHeld(PDEVICE_OBJECT Device, PIRP Irp)
{
    CancelCalls++;
    CancelIrql = KeGetCurrentIrql();
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    LayerLog('c');
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/* As a driver holds a request that may be cancelled, also one that was before it came here. */
static NTSTATUS HoldCancellable(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL OldIrql;

    IoAcquireCancelSpinLock(&OldIrql);
    if (Irp->Cancel) {
        IoReleaseCancelSpinLock(OldIrql);
        Irp->IoStatus.Status = STATUS_CANCELLED;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return STATUS_CANCELLED;
    }
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, CancelHeld);
    LayerOf(Device)->Held = Irp;
    IoReleaseCancelSpinLock(OldIrql);
    KeSetEvent(&LayerOf(Device)->Event, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
}

static PIRP BuildRequest(PKEVENT Event, PIO_STATUS_BLOCK IoStatus)
{
    KeInitializeEvent(Event, NotificationEvent, FALSE);
    return IoBuildDeviceIoControlRequest(LAYER_CODE(METHOD_BUFFERED), Layers.Top.Device,
                                         NULL, 0, NULL, 0, FALSE, Event, IoStatus);
}

GUEST_TEST(io_cancel_routine_completes_the_request)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    KEVENT Event;

    CancelCalls = 0;
    LayerCreate();
    Layers.Bottom.Dispatch = HoldCancellable;
    /* Invoked for a cancelled request though it is neither asked for success nor for error. */
    Layers.Middle.Completion = LayerNote;
    Layers.Middle.OnCancel = TRUE;
    PIRP Irp = BuildRequest(&Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    EXPECT_EQUAL(KeReadStateEvent(&Event), 0);
    EXPECT(IoCancelIrp(Irp));
    EXPECT_EQUAL(CancelCalls, 1);
    EXPECT_EQUAL(CancelIrql, DISPATCH_LEVEL);
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_EQUAL(KeReadStateEvent(&Event), 1);
    EXPECT_EQUAL((ULONG)IoStatus.Status, (ULONG)STATUS_CANCELLED);
    EXPECT_EQUAL(strcmp(Layers.Log, "tmbcM"), 0);
    LayerDelete();
}

GUEST_TEST(io_request_without_cancel_routine_is_only_marked)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    KEVENT Event;

    CancelCalls = 0;
    LayerCreate();
    Layers.Bottom.Dispatch = LayerHold;
    PIRP Irp = BuildRequest(&Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    EXPECT(!IoCancelIrp(Irp));
    EXPECT(Irp->Cancel);
    EXPECT_EQUAL(KeReadStateEvent(&Event), 0);
    LayerComplete(&Layers.Bottom, Irp);
    EXPECT_EQUAL(KeReadStateEvent(&Event), 1);
    EXPECT_EQUAL(IoStatus.Status, STATUS_SUCCESS);
    /* Cancelled on its way: who holds requests looks at the mark. */
    Layers.Bottom.Dispatch = HoldCancellable;
    Irp = BuildRequest(&Event, &IoStatus);
    EXPECT(!IoCancelIrp(Irp));
    EXPECT_EQUAL((ULONG)IoCallDriver(Layers.Top.Device, Irp), (ULONG)STATUS_CANCELLED);
    EXPECT_EQUAL(CancelCalls, 0);
    LayerDelete();
}

static VOID EndWithRequest(PVOID Context)
{
    static IO_STATUS_BLOCK IoStatus;
    static KEVENT Event;
    PIRP Irp = BuildRequest(&Event, &IoStatus);

    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

GUEST_TEST(io_thread_that_ends_cancels_its_requests)
{
    CancelCalls = 0;
    LayerCreate();
    Layers.Bottom.Dispatch = HoldCancellable;
    TestJoinThread(TestStartThread(EndWithRequest, NULL));
    EXPECT_EQUAL(CancelCalls, 1);

    /* A driver that cannot cancel: the thread stays until the request is complete. */
    Layers.Bottom.Dispatch = LayerHold;
    KeClearEvent(&Layers.Bottom.Event);
    PKTHREAD Thread = TestStartThread(EndWithRequest, NULL);
    KeWaitForSingleObject(&Layers.Bottom.Event, Executive, KernelMode, FALSE, NULL);
    TestSettle();
    EXPECT_EQUAL(TestPoll(Thread), STATUS_TIMEOUT);
    EXPECT(Layers.Bottom.Held->Cancel);
    LayerComplete(&Layers.Bottom, Layers.Bottom.Held);
    TestJoinThread(Thread);
    LayerDelete();
}

/* ---- a cancel-safe queue at the bottom ---- */

static struct {
    IO_CSQ Csq;
    LIST_ENTRY List;
    KSPIN_LOCK Lock;
    ULONG Cancelled;
} Queue;

static VOID QueueClear(VOID)
{
    RtlZeroMemory(&Queue, sizeof(Queue));
    InitializeListHead(&Queue.List);
    KeInitializeSpinLock(&Queue.Lock);
}

static VOID QueueInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&Queue.List, &Irp->Tail.Overlay.ListEntry);
}

static VOID QueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* PeekContext: the status block of the request that is wanted, or NULL for any. */
static PIRP QueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PLIST_ENTRY Entry = Irp == NULL ? Queue.List.Flink : Irp->Tail.Overlay.ListEntry.Flink;
    for (; Entry != &Queue.List; Entry = Entry->Flink) {
        Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || Irp->UserIosb == PeekContext) {
            return Irp;
        }
    }
    return NULL;
}

static VOID QueueLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&Queue.Lock, Irql);
}

static VOID QueueUnlock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&Queue.Lock, Irql);
}

static VOID QueueCancelled(PIO_CSQ Csq, PIRP Irp)
{
    Queue.Cancelled++;
    Irp->IoStatus.Status = STATUS_CANCELLED;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

static NTSTATUS QueueRequest(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoCsqInsertIrp(&Queue.Csq, Irp, NULL);
    return STATUS_PENDING;
}

GUEST_TEST(io_cancel_safe_queue_gives_each_request_to_one)
{
    IO_STATUS_BLOCK IoStatus[4];
    KEVENT Events[4];
    PIRP Irps[4];

    LayerCreate();
    QueueClear();
    EXPECT_EQUAL(IoCsqInitialize(&Queue.Csq, QueueInsert, QueueRemove, QueuePeek, QueueLock,
                                 QueueUnlock, QueueCancelled),
                 STATUS_SUCCESS);
    Layers.Bottom.Dispatch = QueueRequest;
    for (ULONG i = 0; i < 4; i++) {
        Irps[i] = BuildRequest(&Events[i], &IoStatus[i]);
        EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irps[i]), STATUS_PENDING);
    }
    EXPECT(IoCancelIrp(Irps[1]));
    EXPECT_EQUAL(Queue.Cancelled, 1);
    EXPECT_EQUAL(KeReadStateEvent(&Events[1]), 1);
    EXPECT_EQUAL((ULONG)IoStatus[1].Status, (ULONG)STATUS_CANCELLED);
    /* A chosen one, then the rest in order; who took it is not cancelled any more. */
    EXPECT(IoCsqRemoveNextIrp(&Queue.Csq, &IoStatus[2]) == Irps[2]);
    EXPECT(!IoCancelIrp(Irps[2]));
    EXPECT(IoCsqRemoveNextIrp(&Queue.Csq, NULL) == Irps[0]);
    EXPECT(IoCsqRemoveNextIrp(&Queue.Csq, NULL) == Irps[3]);
    EXPECT(IoCsqRemoveNextIrp(&Queue.Csq, NULL) == NULL);
    LayerComplete(&Layers.Bottom, Irps[0]);
    LayerComplete(&Layers.Bottom, Irps[2]);
    LayerComplete(&Layers.Bottom, Irps[3]);
    for (ULONG i = 0; i < 4; i++) {
        EXPECT_EQUAL(KeReadStateEvent(&Events[i]), 1);
    }
    /* Cancelled before it is inserted: completed at once. */
    Irps[0] = BuildRequest(&Events[0], &IoStatus[0]);
    EXPECT(!IoCancelIrp(Irps[0]));
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irps[0]), STATUS_PENDING);
    EXPECT_EQUAL(Queue.Cancelled, 2);
    EXPECT_EQUAL((ULONG)IoStatus[0].Status, (ULONG)STATUS_CANCELLED);
    EXPECT(IsListEmpty(&Queue.List));
    LayerDelete();
}

/* The extended form: insertion may fail, and then the request is the caller's still. */
static NTSTATUS QueueInsertEx(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    if (InsertContext != NULL) {
        return *(NTSTATUS *)InsertContext;
    }
    InsertTailList(&Queue.List, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static IO_CSQ_IRP_CONTEXT QueueContext;
static NTSTATUS QueueInsertStatus;

static NTSTATUS QueueRequestEx(PDEVICE_OBJECT Device, PIRP Irp)
{
    NTSTATUS Status = IoCsqInsertIrpEx(&Queue.Csq, Irp, &QueueContext,
                                       NT_SUCCESS(QueueInsertStatus) ? NULL : &QueueInsertStatus);
    if (NT_SUCCESS(Status)) {
        return STATUS_PENDING;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

GUEST_TEST(io_cancel_safe_queue_removes_by_context)
{
    IO_STATUS_BLOCK IoStatus = {{0}, 0};
    KEVENT Event;

    LayerCreate();
    QueueClear();
    EXPECT_EQUAL(IoCsqInitializeEx(&Queue.Csq, QueueInsertEx, QueueRemove, QueuePeek, QueueLock,
                                   QueueUnlock, QueueCancelled),
                 STATUS_SUCCESS);
    Layers.Bottom.Dispatch = QueueRequestEx;
    QueueInsertStatus = STATUS_DEVICE_BUSY;
    PIRP Irp = BuildRequest(&Event, &IoStatus);
    EXPECT_EQUAL((ULONG)IoCallDriver(Layers.Top.Device, Irp), (ULONG)STATUS_DEVICE_BUSY);
    EXPECT(IsListEmpty(&Queue.List) && Queue.Cancelled == 0);

    QueueInsertStatus = STATUS_SUCCESS;
    Irp = BuildRequest(&Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    EXPECT(IoCsqRemoveIrp(&Queue.Csq, &QueueContext) == Irp);
    EXPECT(IoCsqRemoveIrp(&Queue.Csq, &QueueContext) == NULL); /* it is out */
    LayerComplete(&Layers.Bottom, Irp);

    Irp = BuildRequest(&Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(Layers.Top.Device, Irp), STATUS_PENDING);
    EXPECT(IoCancelIrp(Irp));
    EXPECT_EQUAL(Queue.Cancelled, 1);
    EXPECT(IoCsqRemoveIrp(&Queue.Csq, &QueueContext) == NULL); /* it was cancelled */
    LayerDelete();
}

/* The cancel lock and the one of volume parameter blocks have numbers too. */
GUEST_TEST(io_locks_of_the_system_have_numbers)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);
    PDEVICE_OBJECT Device = (PDEVICE_OBJECT)&Irp; /* is not looked at */

    KIRQL Irql = KeAcquireQueuedSpinLock(LockQueueIoCancelLock);
    EXPECT(Irql == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
    EXPECT(IopCancelLock != 0);
    KIRQL Inner = KeAcquireQueuedSpinLock(LockQueueIoVpbLock);
    EXPECT(Inner == DISPATCH_LEVEL);
    KeReleaseQueuedSpinLock(LockQueueIoVpbLock, Inner);
    Inner = KeAcquireQueuedSpinLock(LockQueueIoDatabaseLock);
    KeReleaseQueuedSpinLock(LockQueueIoDatabaseLock, Inner);
    EXPECT(KeGetCurrentIrql() == DISPATCH_LEVEL);
    KeReleaseQueuedSpinLock(LockQueueIoCancelLock, Irql);
    EXPECT(IopCancelLock == 0 && KeGetCurrentIrql() == PASSIVE_LEVEL);

    EXPECT(IoGetDeviceToVerify(PsGetCurrentThread()) == NULL);
    Irp->Tail.Overlay.Thread = NULL;
    IoSetHardErrorOrVerifyDevice(Irp, Device);
    EXPECT(IoGetDeviceToVerify(PsGetCurrentThread()) == NULL);
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    IoSetHardErrorOrVerifyDevice(Irp, Device);
    EXPECT(IoGetDeviceToVerify(PsGetCurrentThread()) == Device);
    IoSetDeviceToVerify(PsGetCurrentThread(), NULL);
    EXPECT(IoGetDeviceToVerify(PsGetCurrentThread()) == NULL);
    IoFreeIrp(Irp);
}
