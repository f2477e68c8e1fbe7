/* SPDX-License-Identifier: MIT */
/*
 * Packets: made in a driver's own memory, asked where they come from, with completion routines that
 * hold their device; queues of them, work items of all forms, sharing of files. Expected values:
 * the page of each routine in the Windows Driver Kit's reference.
 */
#include "io_test_driver.h"
#include "nt/rtl.h"
#include "ps/psp.h"

GUEST_TEST(io_packet_in_a_drivers_own_memory)
{
    USHORT Size = IoSizeOfIrp(3);
    PIRP Irp = ExAllocatePoolWithTag(NonPagedPoolNx, Size, 'tseT');

    RtlFillMemory(Irp, Size, 0xcc);
    IoInitializeIrp(Irp, Size, 3);
    EXPECT(Irp->Type == IO_TYPE_IRP && Irp->Size == Size);
    EXPECT(Irp->StackCount == 3 && Irp->CurrentLocation == 4);
    EXPECT(IoGetNextIrpStackLocation(Irp) == (PIO_STACK_LOCATION)(Irp + 1) + 2);
    EXPECT(IsListEmpty(&Irp->ThreadListEntry));
    for (PUCHAR Byte = (PUCHAR)(Irp + 1); Byte < (PUCHAR)Irp + Size; Byte++) {
        EXPECT_EQUAL(*Byte, 0);
    }
    ExFreePoolWithTag(Irp, 'tseT');
}

GUEST_TEST(io_packet_is_asked_where_it_comes_from)
{
    PEPROCESS Process;
    FILE_OBJECT File = {.Flags = 0};

    PIRP Irp = IoAllocateIrp(1, FALSE);
    EXPECT(IoGetRequestorProcess(Irp) == NULL); /* a driver's own */
    EXPECT_EQUAL(IoGetRequestorProcessId(Irp), 0);
    EXPECT(!IoIs32bitProcess(Irp) && !IoIs32bitProcess(NULL));
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    EXPECT(IoGetRequestorProcess(Irp) == PsInitialSystemProcess);
    EXPECT_EQUAL(IoGetRequestorProcessId(Irp), 4);
    EXPECT(IoThreadToProcess(PsGetCurrentThread()) == PsInitialSystemProcess);

    EXPECT(!IoIsOperationSynchronous(Irp));
    Irp->Tail.Overlay.OriginalFileObject = &File;
    EXPECT(!IoIsOperationSynchronous(Irp));
    File.Flags = FO_SYNCHRONOUS_IO;
    EXPECT(IoIsOperationSynchronous(Irp));
    File.Flags = 0;
    Irp->Flags = IRP_SYNCHRONOUS_API;
    EXPECT(IoIsOperationSynchronous(Irp));
    Irp->Flags = IRP_PAGING_IO; /* asynchronous paging I/O is not */
    EXPECT(!IoIsOperationSynchronous(Irp));
    Irp->Flags = IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO;
    EXPECT(IoIsOperationSynchronous(Irp));
    Irp->Flags = 0;
    IoFreeIrp(Irp);

    /* One made by a thread that is attached to another process is of that process. */
    EXPECT_EQUAL(PspCreateProcess("requestor", &Process), STATUS_SUCCESS);
    KAPC_STATE ApcState;
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Irp = IoAllocateIrp(1, FALSE);
    Irp->Tail.Overlay.Thread = PsGetCurrentThread();
    EXPECT(IoGetRequestorProcess(Irp) == Process);
    EXPECT_EQUAL(IoGetRequestorProcessId(Irp), (ULONG_PTR)PsGetProcessId(Process));
    KeUnstackDetachProcess(&ApcState);
    IoFreeIrp(Irp);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}

GUEST_TEST(io_top_level_packet_is_the_threads)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    EXPECT(IoGetTopLevelIrp() == NULL);
    IoSetTopLevelIrp(Irp);
    EXPECT(IoGetTopLevelIrp() == Irp);
    IoSetTopLevelIrp((PIRP)1); /* FSRTL_FSP_TOP_LEVEL_IRP: values below 5 are marks */
    EXPECT_EQUAL((ULONG_PTR)IoGetTopLevelIrp(), 1);
    IoSetTopLevelIrp(NULL);
    EXPECT(IoGetTopLevelIrp() == NULL);
    IoFreeIrp(Irp);
}

static ULONG_PTR DpcStackLow, DpcStackHigh, DpcStackHere;

static VOID StackDpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    DpcStackHere = (ULONG_PTR)__builtin_frame_address(0);
    IoGetStackLimits(&DpcStackLow, &DpcStackHigh);
}

GUEST_TEST(io_stack_limits_hold_the_frame)
{
    ULONG_PTR Low = 0, High = 0, Here = (ULONG_PTR)__builtin_frame_address(0);
    KDPC Dpc;

    IoGetStackLimits(&Low, &High);
    EXPECT(Low < Here && Here < High);
    ULONG_PTR Initial = (ULONG_PTR)IoGetInitialStack();
    EXPECT(Here < Initial && Initial <= High);
    EXPECT(IoGetRemainingStackSize() > 0x400 && IoGetRemainingStackSize() < High - Low);
    KeInitializeDpc(&Dpc, StackDpc, NULL);
    KeInsertQueueDpc(&Dpc, NULL, NULL);
    KeFlushQueuedDpcs();
    EXPECT(DpcStackLow < DpcStackHere && DpcStackHere < DpcStackHigh);
    EXPECT(DpcStackHigh <= Low || DpcStackLow >= High); /* DPCs have a stack of their own */
}

GUEST_TEST(io_wdm_versions)
{
    EXPECT(IoIsWdmVersionAvailable(1, 0x30) && IoIsWdmVersionAvailable(6, 0));
    EXPECT(!IoIsWdmVersionAvailable(6, 1) && !IoIsWdmVersionAvailable(7, 0));
}

static NTSTATUS SafeCompletion(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    LONG64 *Seen = Context;
    *Seen = ObpHeaderOf(IoTest.Device)->PointerCount;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS CompleteNow(PDEVICE_OBJECT Device, PIRP Irp)
{
    return IoTestComplete(Irp, STATUS_SUCCESS, 0);
}

GUEST_TEST(io_completion_routine_holds_its_device)
{
    LONG64 Seen = 0;

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Handle = CompleteNow;
    LONG64 Before = ObpHeaderOf(IoTest.Device)->PointerCount;
    PIRP Irp = IoAllocateIrp(IoTest.Device->StackSize, FALSE);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    EXPECT_EQUAL(IoSetCompletionRoutineEx(IoTest.Device, Irp, SafeCompletion, &Seen, TRUE, TRUE,
                                          TRUE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(IoCallDriver(IoTest.Device, Irp), STATUS_SUCCESS);
    EXPECT_EQUAL(Seen, Before + 1);
    EXPECT_EQUAL(ObpHeaderOf(IoTest.Device)->PointerCount, Before);
    IoFreeIrp(Irp);
    IoTestUnload();
}

/* ---- StartIo by keys, deferred ---- */

#define HIGH_KEY 0x80000000u /* a key is no signed number */

static ULONG StartDepth, StartDeepest, StartOrder[4], StartedCount;

static VOID StartNested(PDEVICE_OBJECT Device, PIRP Irp)
{
    StartDepth++;
    StartDeepest = StartDepth > StartDeepest ? StartDepth : StartDeepest;
    StartOrder[StartedCount++] = Irp->Tail.Overlay.DeviceQueueEntry.SortKey;
    IoStartNextPacketByKey(Device, FALSE, HIGH_KEY + 20);
    StartDepth--;
    IoTestComplete(Irp, STATUS_SUCCESS, 0);
}

static VOID StartFour(BOOLEAN Deferred)
{
    static const ULONG Keys[] = {5, 10, HIGH_KEY + 30, HIGH_KEY + 20};
    IO_STATUS_BLOCK IoStatus[4];
    KEVENT Event[4];
    PKDEVICE_QUEUE Queue = &IoTest.Device->DeviceQueue;
    PIRP Irps[4];
    KIRQL OldIrql;

    StartDepth = StartDeepest = StartedCount = 0;
    IoSetStartIoAttributes(IoTest.Device, Deferred, FALSE);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    KDEVICE_QUEUE_ENTRY Busy;
    KeInsertDeviceQueue(Queue, &Busy); /* the device works on something */
    for (ULONG i = 0; i < 4; i++) {
        ULONG Key = Keys[i];
        KeInitializeEvent(&Event[i], NotificationEvent, FALSE);
        KeLowerIrql(OldIrql);
        Irps[i] = IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, IoTest.Device, NULL, 0, NULL,
                                               &Event[i], &IoStatus[i]);
        KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
        IoSetNextIrpStackLocation(Irps[i]);
        IoMarkIrpPending(Irps[i]);
        IoStartPacket(IoTest.Device, Irps[i], &Key, NULL);
    }
    EXPECT_EQUAL(StartedCount, 0);
    IoStartNextPacketByKey(IoTest.Device, FALSE, 10);
    KeLowerIrql(OldIrql);
    for (ULONG i = 0; i < 4; i++) {
        KeWaitForSingleObject(&Event[i], Executive, KernelMode, FALSE, NULL);
    }
    EXPECT_EQUAL(StartedCount, 4);
    /* 10 was asked for, then the first of at least HIGH_KEY + 20 while there is one, then any. */
    EXPECT_EQUAL(StartOrder[0], 10);
    EXPECT_EQUAL(StartOrder[1], HIGH_KEY + 20);
    EXPECT_EQUAL(StartOrder[2], HIGH_KEY + 30);
    EXPECT_EQUAL(StartOrder[3], 5);
}

GUEST_TEST(io_start_io_by_key_nests_unless_deferred)
{
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    IoTest.Driver->DriverStartIo = StartNested;
    StartFour(FALSE);
    EXPECT_EQUAL(StartDeepest, 4);
    StartFour(TRUE);
    EXPECT_EQUAL(StartDeepest, 1);
    EXPECT(!IoTest.Device->DeviceQueue.Busy);
    IoTestUnload();
}

/* ---- work items ---- */

typedef struct _WORK_TEST {
    KEVENT Run, Go;
    PVOID Object;
    PIO_WORKITEM Item;
    volatile LONG Calls;
} WORK_TEST;

static VOID WorkEx(PVOID IoObject, PVOID Context, PIO_WORKITEM Item)
{
    WORK_TEST *Test = Context;
    Test->Object = IoObject;
    Test->Item = Item;
    InterlockedIncrement(&Test->Calls);
    KeWaitForSingleObject(&Test->Go, Executive, KernelMode, FALSE, NULL);
    KeSetEvent(&Test->Run, 0, FALSE);
}

GUEST_TEST(io_work_item_in_a_drivers_own_memory)
{
    static WORK_TEST Test;
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    Test = (WORK_TEST){.Calls = 0};
    KeInitializeEvent(&Test.Run, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Test.Go, SynchronizationEvent, FALSE);
    EXPECT(IoSizeofWorkItem() >= sizeof(WORK_QUEUE_ITEM));
    PIO_WORKITEM Item = ExAllocatePoolWithTag(NonPagedPoolNx, IoSizeofWorkItem(), 'tseT');
    IoInitializeWorkItem(IoTest.Driver, Item); /* a driver object will do */
    IoQueueWorkItemEx(Item, WorkEx, DelayedWorkQueue, &Test);
    KeSetEvent(&Test.Go, 0, FALSE);
    EXPECT_EQUAL(KeWaitForSingleObject(&Test.Run, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT(Test.Object == IoTest.Driver && Test.Item == Item && Test.Calls == 1);

    /* Tried twice before a worker takes it: the second is refused. */
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(IoTryQueueWorkItem(Item, WorkEx, CriticalWorkQueue, &Test));
    EXPECT(!IoTryQueueWorkItem(Item, WorkEx, CriticalWorkQueue, &Test));
    KeLowerIrql(OldIrql);
    KeSetEvent(&Test.Go, 0, FALSE);
    EXPECT_EQUAL(KeWaitForSingleObject(&Test.Run, Executive, KernelMode, FALSE, &Patience),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Test.Calls, 2);
    IoUninitializeWorkItem(Item);
    ExFreePoolWithTag(Item, 'tseT');
    IoTestUnload();
}

/* ---- sharing ---- */

typedef struct _SHARE_CASE {
    ACCESS_MASK Access;
    ULONG Share;
    NTSTATUS Status;
} SHARE_CASE;

GUEST_TEST(io_share_access_is_checked_both_ways)
{
    static const SHARE_CASE Cases[] = {
        {FILE_READ_DATA, FILE_SHARE_READ, STATUS_SUCCESS},
        {FILE_EXECUTE, FILE_SHARE_READ | FILE_SHARE_WRITE, STATUS_SUCCESS}, /* as reading */
        {FILE_READ_DATA, 0, STATUS_SHARING_VIOLATION},              /* there is a reader */
        {FILE_WRITE_DATA, FILE_SHARE_READ, STATUS_SHARING_VIOLATION}, /* it shares no writing */
        {FILE_APPEND_DATA, FILE_SHARE_READ, STATUS_SHARING_VIOLATION},
        {DELETE, FILE_SHARE_READ, STATUS_SHARING_VIOLATION},
        {FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0, STATUS_SUCCESS}, /* does not count */
    };
    FILE_OBJECT First = {0}, File, Second = {0};
    SHARE_ACCESS Share;

    RtlFillMemory(&Share, sizeof(Share), 0xff);
    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &First, &Share);
    EXPECT(First.ReadAccess && !First.WriteAccess && !First.DeleteAccess);
    EXPECT(First.SharedRead && !First.SharedWrite && !First.SharedDelete);
    EXPECT(Share.OpenCount == 1 && Share.Readers == 1 && Share.SharedRead == 1);
    EXPECT(Share.Writers == 0 && Share.Deleters == 0 && Share.SharedWrite == 0);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        RtlZeroMemory(&File, sizeof(File));
        EXPECT_EQUAL((ULONG)IoCheckShareAccess(Cases[i].Access, Cases[i].Share, &File, &Share,
                                               FALSE),
                     (ULONG)Cases[i].Status);
        EXPECT_EQUAL(Share.OpenCount, 1); /* Update FALSE */
    }
    EXPECT_EQUAL(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ | FILE_SHARE_DELETE, &Second,
                                    &Share, TRUE),
                 STATUS_SUCCESS);
    EXPECT(Share.OpenCount == 2 && Share.Readers == 2 && Share.SharedDelete == 1);
    IoRemoveShareAccess(&First, &Share);
    EXPECT(Share.OpenCount == 1 && Share.SharedRead == 1);
    EXPECT_EQUAL(IoCheckShareAccess(DELETE, FILE_SHARE_READ, &File, &Share, FALSE),
                 STATUS_SUCCESS); /* who is left allows it */
    IoUpdateShareAccess(&First, &Share);
    EXPECT_EQUAL(Share.OpenCount, 2);
    IoRemoveShareAccess(&First, &Share);
    IoRemoveShareAccess(&Second, &Share);
    EXPECT(Share.OpenCount == 0 && Share.Readers == 0 && Share.SharedRead == 0);
    EXPECT_EQUAL(IoCheckShareAccess(FILE_WRITE_DATA | DELETE, 0, &File, &Share, TRUE),
                 STATUS_SUCCESS); /* alone */
}
