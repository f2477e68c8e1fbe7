/* SPDX-License-Identifier: MIT */
/* An asynchronous read of ring 3 that ends by an APC of user mode. */
#include "io_test_driver.h"
#include "ring3.h"
#include "wire/system_service.h"

extern const UCHAR Ring3ReadWithApc[], Ring3ApcDispatcher[], Ring3Calls[], Ring3WaitWithState[],
    Ring3StateDispatcher[];

static PIRP PendingRead;

static NTSTATUS KeepRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction != IRP_MJ_READ) {
        return IoTestComplete(Irp, STATUS_SUCCESS, 0);
    }
    EXPECT_EQUAL(Irp->RequestorMode, UserMode);
    IoMarkIrpPending(Irp);
    PendingRead = Irp;
    return STATUS_PENDING;
}

static VOID OpenAsynchronously(RING3 *Test)
{
    static UNICODE_STRING Name = RTL_CONSTANT_STRING(IO_TEST_DEVICE);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    HANDLE File, Event;

    Ring3Attach(Test);
    InitializeObjectAttributes(&Attributes, &Name, 0, NULL, NULL);
    EXPECT_EQUAL(ZwOpenFile(&File, GENERIC_READ, &Attributes, &IoStatus, FILE_SHARE_READ, 0),
                 STATUS_SUCCESS);
    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    Ring3Detach(Test);
    Ring3Put(Test, 0, (ULONG64)File);
    Ring3Put(Test, 8, (ULONG64)Event);
}

/* A thread that has begun a read and waits, alertable, for its APC, which Dispatcher would get. */
static PETHREAD StartRead(RING3 *Test, PVOID Dispatcher)
{
    PendingRead = NULL;
    IoTest.Handle = KeepRead;
    Test->Process->UserApcDispatcher = Dispatcher;
    OpenAsynchronously(Test);
    PETHREAD Thread = Ring3Start(Test, Ring3ReadWithApc);
    TEST_AWAIT(PendingRead != NULL && Thread->Tcb.State == Waiting && Thread->Tcb.Alertable);
    return Thread;
}

GUEST_TEST(ke_user_apc_ends_a_read)
{
    RING3 Test;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    Ring3Create(&Test);
    PETHREAD Thread = StartRead(&Test, Test.Code + (Ring3ApcDispatcher - Ring3Program));
    EXPECT_EQUAL(Ring3Get(&Test, 0x48), 0);
    IoTestComplete(PendingRead, STATUS_SUCCESS, 5);
    EXPECT_EQUAL(Ring3Join(Thread), RING3_EXIT);
    EXPECT_EQUAL((ULONG)Ring3Get(&Test, 0x20), STATUS_PENDING);
    EXPECT_EQUAL((ULONG)Ring3Get(&Test, 0x28), STATUS_USER_APC);
    EXPECT_EQUAL(Ring3Get(&Test, 0x48), 1);
    EXPECT_EQUAL(Ring3Get(&Test, 0x30), (ULONG64)Test.Page);
    EXPECT_EQUAL(Ring3Get(&Test, 0x38), (ULONG64)Test.Page + 0x10);
    EXPECT_EQUAL(Ring3Get(&Test, 0x18), 5);      /* Information */
    EXPECT_EQUAL(Ring3Get(&Test, 0x50), 0xbbbb); /* rbx, which the routine changed */
    EXPECT_EQUAL(Ring3Get(&Test, 0x58), (ULONG64)Test.Page);
    Ring3Delete(&Test);
    IoTestUnload();
}

/*
 * The thread goes while its read is under way: the read is cancelled or waited for, no APC is left.
 */
GUEST_TEST(ke_user_apc_of_a_thread_that_ends)
{
    RING3 Test;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    Ring3Create(&Test);
    PETHREAD Thread = StartRead(&Test, (PVOID)0x1000); /* whoever is sent there crashes */
    EXPECT_EQUAL(PspTerminateThread(Thread, STATUS_CANCELLED), STATUS_SUCCESS);
    TestSettle();
    EXPECT(Thread->Tcb.Teb != NULL); /* nor is the stack gone, where the read may lead to */
    IoTestComplete(PendingRead, STATUS_SUCCESS, 5);
    EXPECT_EQUAL((ULONG)Ring3Join(Thread), (ULONG)STATUS_CANCELLED);
    Ring3Delete(&Test);
    IoTestUnload();
}

/* NtContinue with a CONTEXT that says nothing good. */
GUEST_TEST(ke_user_continue_is_checked)
{
    RING3 Test;
    Ring3Create(&Test);
    Ring3Put(&Test, 0, 1);
    Ring3Put(&Test, 0x10, SERVICE_NtContinue);
    Ring3Put(&Test, 0x20, (ULONG64)Test.Page + 0x800);
    Ring3Put(&Test, 0x800 + offsetof(CONTEXT, Rip), 0xfffff80000000000ull);
    /* No part of it is named, so none is taken and the call comes back. */
    EXPECT_EQUAL(Ring3Run(&Test, Ring3Calls), RING3_EXIT);
    EXPECT_EQUAL((ULONG)Ring3Get(&Test, 0x18), SERVICE_NtContinue);
    Ring3Put(&Test, 0x800 + offsetof(CONTEXT, ContextFlags), CONTEXT_CONTROL);
    EXPECT_EQUAL(Ring3Run(&Test, Ring3Calls), RING3_EXIT);
    EXPECT_EQUAL((ULONG)Ring3Get(&Test, 0x18), (ULONG)STATUS_ACCESS_VIOLATION);
    /*
     * IOPL 3, interrupts off, virtual 8086: none of that comes through; then it runs into nothing.
     */
    Ring3Put(&Test, 0x800 + offsetof(CONTEXT, Rip), 0x1000);
    Ring3Put(&Test, 0x800 + offsetof(CONTEXT, EFlags), 0x27000);
    EXPECT_EQUAL((ULONG)Ring3Run(&Test, Ring3Calls), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT(Test.Process->Terminating);
    Ring3Delete(&Test);
}

static VOID NothingToFree(PKAPC Apc, PKNORMAL_ROUTINE *Routine, PVOID *Context, PVOID *Argument1,
                          PVOID *Argument2)
{
}

static VOID TakeAway(PKAPC Apc, PKNORMAL_ROUTINE *Routine, PVOID *Context, PVOID *Argument1,
                     PVOID *Argument2)
{
    *Routine = NULL;
}

static VOID InitializeUserApc(PKAPC Apc, PETHREAD Thread, PKKERNEL_ROUTINE Kernel, PVOID Context)
{
    KeInitializeApc(Apc, &Thread->Tcb, OriginalApcEnvironment, Kernel, NULL,
                    (PKNORMAL_ROUTINE)(PVOID)0x1000, UserMode, Context);
}

/* A CONTEXT has all of the state that its thread had, and gives it back as the routine left it. One
   that was taken back by its kernel routine stands before it, and does not keep it waiting. */
GUEST_TEST(ke_user_apc_context_is_complete)
{
    static const ULONG Before[] = {0x1212, 0x1313, 0x1414, 0x1515, 0x1212, 0x1313, 0x1414, 0x77f};
    static const ULONG After[] = {0x1212, 0x3131, 0x1414, 0x1515, 0x1212, 0x5151, 0x7171, 0xb7f};
    RING3 Test;
    KAPC Apc, TakenBack;
    KIRQL OldIrql;
    if (!IoTestLoad(0, FALSE)) {
        return;
    }
    Ring3Create(&Test);
    Test.Process->UserApcDispatcher = Test.Code + (Ring3StateDispatcher - Ring3Program);
    OpenAsynchronously(&Test);
    Ring3Put(&Test, 0, Ring3Get(&Test, 8)); /* the event */
    PETHREAD Thread = Ring3Start(&Test, Ring3WaitWithState);
    TEST_AWAIT(Thread->Tcb.State == Waiting && Thread->Tcb.Alertable);
    InitializeUserApc(&TakenBack, Thread, TakeAway, NULL);
    InitializeUserApc(&Apc, Thread, NothingToFree, Test.Page);
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    EXPECT(KeInsertQueueApc(&TakenBack, NULL, NULL, 0));
    EXPECT(KeInsertQueueApc(&Apc, NULL, NULL, 0));
    KeLowerIrql(OldIrql);
    EXPECT_EQUAL(Ring3Join(Thread), RING3_EXIT);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Before); i++) {
        EXPECT_EQUAL(Ring3Get(&Test, 0x100 + 8 * i), Before[i]);
        EXPECT_EQUAL((USHORT)Ring3Get(&Test, 0x10 + 8 * i), After[i]);
    }
    Ring3Delete(&Test);
    IoTestUnload();
}
