/* SPDX-License-Identifier: MIT */
/* Requests: completion routines, pending, cancellation, StartIo, work items, remove locks. */
#include "io_test_driver.h"

static NTSTATUS SimpleSuccess(PDEVICE_OBJECT Device, PIRP Irp)
{
    return IoTestComplete(Irp, STATUS_SUCCESS, 7);
}

static ULONG Calls;

static NTSTATUS CountCompletion(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    Calls++;
    EXPECT_EQUAL((ULONG_PTR)Device, (ULONG_PTR)Context);
    if (Irp->PendingReturned && Device != NULL) {
        IoMarkIrpPending(Irp);
    }
    return Device == NULL ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_CONTINUE_COMPLETION;
}

/* A filter above the test device: sends everything down with a completion routine. */
static NTSTATUS FilterDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (Device == IoTest.Device) {
        return SimpleSuccess(Device, Irp);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, CountCompletion, Device, TRUE, TRUE, TRUE);
    return IoCallDriver(IoTest.Device, Irp);
}

GUEST_TEST(io_completion_routines_get_their_devices)
{
    PDEVICE_OBJECT Filter, Lower;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = FilterDispatch;
    EXPECT_EQUAL(IoCreateDevice(IoTest.Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Filter),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)IoAttachDeviceToDeviceStack(Filter, IoTest.Device),
                 (ULONG_PTR)IoTest.Device);
    EXPECT_EQUAL(Filter->StackSize, 2);
    EXPECT_EQUAL((ULONG_PTR)IoGetAttachedDevice(IoTest.Device), (ULONG_PTR)Filter);
    Lower = IoGetLowerDeviceObject(Filter);
    EXPECT_EQUAL((ULONG_PTR)Lower, (ULONG_PTR)IoTest.Device);
    ObDereferenceObject(Lower);

    Calls = 0;
    PIRP Irp = IoAllocateIrp(Filter->StackSize, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoSetCompletionRoutine(Irp, CountCompletion, NULL, TRUE, TRUE, TRUE);
    EXPECT_EQUAL(IoCallDriver(Filter, Irp), STATUS_SUCCESS);
    EXPECT_EQUAL(Calls, 2);
    EXPECT_EQUAL(Irp->IoStatus.Information, 7);
    IoReuseIrp(Irp, STATUS_NOT_SUPPORTED);
    EXPECT_EQUAL(Irp->CurrentLocation, 3);
    EXPECT_EQUAL((ULONG)Irp->IoStatus.Status, (ULONG)STATUS_NOT_SUPPORTED);
    IoFreeIrp(Irp);
    IoDetachDevice(IoTest.Device);
    IoDeleteDevice(Filter);
    IoTestUnload();
}

/* Requests that wait in a cancel-safe queue. */
static IO_CSQ Queue;
static LIST_ENTRY QueueList;
static KSPIN_LOCK QueueLock;
static ULONG QueueCancelled;

static VOID QueueInsert(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&QueueList, &Irp->Tail.Overlay.ListEntry);
}

static VOID QueueRemove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static PIRP QueuePeek(PIO_CSQ Csq, PIRP Irp, PVOID Context)
{
    PLIST_ENTRY Next = Irp == NULL ? QueueList.Flink : Irp->Tail.Overlay.ListEntry.Flink;
    return Next == &QueueList ? NULL : CONTAINING_RECORD(Next, IRP, Tail.Overlay.ListEntry);
}

static VOID QueueAcquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&QueueLock, Irql);
}

static VOID QueueRelease(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&QueueLock, Irql);
}

static VOID QueueComplete(PIO_CSQ Csq, PIRP Irp)
{
    QueueCancelled++;
    IoTestComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS QueueDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoCsqInsertIrp(&Queue, Irp, NULL);
    return STATUS_PENDING;
}

static BOOLEAN StartQueueTest(VOID)
{
    if (!IoTestLoad(0, FALSE)) {
        return FALSE;
    }
    IoTest.Handle = QueueDispatch;
    InitializeListHead(&QueueList);
    KeInitializeSpinLock(&QueueLock);
    QueueCancelled = 0;
    IoCsqInitialize(&Queue, QueueInsert, QueueRemove, QueuePeek, QueueAcquire, QueueRelease,
                    QueueComplete);
    return TRUE;
}

GUEST_TEST(io_pending_request_completes_in_its_thread)
{
    KEVENT Event;
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    ULONG Output = 0;

    if (!StartQueueTest()) {
        return;
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildDeviceIoControlRequest(
        CTL_CODE(FILE_DEVICE_UNKNOWN, 1, METHOD_BUFFERED, FILE_ANY_ACCESS), IoTest.Device, NULL, 0,
        &Output, sizeof(Output), FALSE, &Event, &IoStatus);
    EXPECT(Irp != NULL);
    EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irp), STATUS_PENDING);
    EXPECT_EQUAL(TestPoll(&Event), STATUS_TIMEOUT);
    PIRP Removed = IoCsqRemoveNextIrp(&Queue, NULL);
    EXPECT_EQUAL((ULONG_PTR)Removed, (ULONG_PTR)Irp);
    EXPECT(IoCsqRemoveNextIrp(&Queue, NULL) == NULL);
    *(PULONG)Irp->AssociatedIrp.SystemBuffer = 42;
    IoTestComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
    EXPECT_EQUAL(KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Output, 42);
    EXPECT_EQUAL(IoStatus.Information, sizeof(ULONG));
    IoTestUnload();
}

GUEST_TEST(io_cancel_takes_a_queued_request)
{
    IO_STATUS_BLOCK IoStatus = {{STATUS_PENDING}, 0};
    KEVENT Event;
    if (!StartQueueTest()) {
        return;
    }
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, IoTest.Device, NULL, 0, NULL,
                                            &Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irp), STATUS_PENDING);
    EXPECT(IoCancelIrp(Irp));
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    EXPECT_EQUAL((ULONG)IoStatus.Status, (ULONG)STATUS_CANCELLED);
    EXPECT_EQUAL(QueueCancelled, 1);

    /* Cancelled before it is queued: completed at once by the queue. */
    KeClearEvent(&Event);
    Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, IoTest.Device, NULL, 0, NULL, &Event,
                                       &IoStatus);
    EXPECT(!IoCancelIrp(Irp));
    EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irp), STATUS_PENDING);
    KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    EXPECT_EQUAL(QueueCancelled, 2);
    IoTestUnload();
}

static VOID LeaveRequest(PVOID Context)
{
    static IO_STATUS_BLOCK IoStatus;
    static KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP Irp = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, IoTest.Device, NULL, 0, NULL,
                                            &Event, &IoStatus);
    EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irp), STATUS_PENDING);
}

GUEST_TEST(io_exiting_thread_cancels_its_requests)
{
    if (!StartQueueTest()) {
        return;
    }
    TestJoinThread(TestStartThread(LeaveRequest, NULL));
    EXPECT_EQUAL(QueueCancelled, 1);
    EXPECT(IsListEmpty(&QueueList));
    IoTestUnload();
}

/* StartIo: the DPC completes the current request and starts the next. */
static ULONG Started;

static VOID StartIo(PDEVICE_OBJECT Device, PIRP Irp)
{
    Started++;
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
    EXPECT_EQUAL((ULONG_PTR)Device->CurrentIrp, (ULONG_PTR)Irp);
    IoRequestDpc(Device, Irp, NULL);
}

static VOID StartIoDpc(PKDPC Dpc, PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PIRP Current = Device->CurrentIrp;
    IoStartNextPacket(Device, FALSE);
    IoTestComplete(Current, STATUS_SUCCESS, Started);
}

static NTSTATUS StartDispatch(PDEVICE_OBJECT Device, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoStartPacket(Device, Irp, NULL, NULL);
    return STATUS_PENDING;
}

GUEST_TEST(io_start_io_serializes_requests)
{
    IO_STATUS_BLOCK IoStatus[5];
    KEVENT Event[5];
    KIRQL OldIrql;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    Started = 0;
    IoTest.Handle = StartDispatch;
    IoTest.Driver->DriverStartIo = StartIo;
    IoInitializeDpcRequest(IoTest.Device, StartIoDpc);
    PIRP Irps[RTL_NUMBER_OF(Event)];
    for (ULONG i = 0; i < RTL_NUMBER_OF(Event); i++) {
        KeInitializeEvent(&Event[i], NotificationEvent, FALSE);
        Irps[i] = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, IoTest.Device, NULL, 0, NULL,
                                               &Event[i], &IoStatus[i]);
    }
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Event); i++) {
        EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irps[i]), STATUS_PENDING);
    }
    EXPECT_EQUAL(Started, 1);
    KeLowerIrql(OldIrql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Event); i++) {
        KeWaitForSingleObject(&Event[i], Executive, KernelMode, FALSE, NULL);
        EXPECT_EQUAL(IoStatus[i].Status, STATUS_SUCCESS);
    }
    EXPECT_EQUAL(Started, RTL_NUMBER_OF(Event));
    EXPECT(!IoTest.Device->DeviceQueue.Busy);
    IoTestUnload();
}

static KEVENT WorkDone;
static VOID WorkRoutine(PDEVICE_OBJECT Device, PVOID Context)
{
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    IoFreeWorkItem(Context);
    KeSetEvent(&WorkDone, 0, FALSE);
}

GUEST_TEST(io_work_item_runs_and_holds_its_device)
{
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    KeInitializeEvent(&WorkDone, SynchronizationEvent, FALSE);
    LONG64 Before = ObpHeaderOf(IoTest.Device)->PointerCount;
    PIO_WORKITEM Item = IoAllocateWorkItem(IoTest.Device);
    IoQueueWorkItem(Item, WorkRoutine, DelayedWorkQueue, Item);
    KeWaitForSingleObject(&WorkDone, Executive, KernelMode, FALSE, NULL);
    TEST_AWAIT(ObpHeaderOf(IoTest.Device)->PointerCount == Before);
    IoTestUnload();
}

static IO_REMOVE_LOCK RemoveLock;
static VOID HoldRemoveLock(PVOID Context)
{
    KeSetEvent(Context, 0, FALSE);
    TestSleep(30);
    IoReleaseRemoveLock(&RemoveLock, NULL);
}

GUEST_TEST(io_remove_lock_waits_for_holders)
{
    KEVENT Held;
    KeInitializeEvent(&Held, SynchronizationEvent, FALSE);
    IoInitializeRemoveLock(&RemoveLock, 'tseT', 0, 0);
    EXPECT_EQUAL(IoAcquireRemoveLock(&RemoveLock, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(IoAcquireRemoveLock(&RemoveLock, NULL), STATUS_SUCCESS);
    PKTHREAD Thread = TestStartThread(HoldRemoveLock, &Held);
    KeWaitForSingleObject(&Held, Executive, KernelMode, FALSE, NULL);
    IoReleaseRemoveLockAndWait(&RemoveLock, NULL);
    EXPECT_EQUAL(RemoveLock.Common.IoCount, 0);
    EXPECT_EQUAL((ULONG)IoAcquireRemoveLock(&RemoveLock, NULL), (ULONG)STATUS_DELETE_PENDING);
    TestJoinThread(Thread);
}

GUEST_TEST(io_partial_mdl_is_a_part)
{
    static UCHAR Buffer[3 * PAGE_SIZE];
    PMDL Whole = IoAllocateMdl(Buffer, sizeof(Buffer), FALSE, FALSE, NULL);
    PMDL Part = IoAllocateMdl(Buffer + PAGE_SIZE, PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Whole);
    IoBuildPartialMdl(Whole, Part, Buffer + PAGE_SIZE + 16, 100);
    EXPECT_EQUAL(MmGetMdlByteCount(Part), 100);
    EXPECT_EQUAL((ULONG_PTR)MmGetSystemAddressForMdlSafe(Part, NormalPagePriority),
                 (ULONG_PTR)(Buffer + PAGE_SIZE + 16));
    EXPECT_EQUAL(MmGetMdlPfnArray(Part)[0],
                 (ULONG64)MmGetPhysicalAddress(Buffer + PAGE_SIZE + 16).QuadPart >> PAGE_SHIFT);
    IoFreeMdl(Part);
    IoFreeMdl(Whole);
}
