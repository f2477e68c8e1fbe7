/* SPDX-License-Identifier: MIT */
/* Work items and the queues beneath them; callbacks. */
#include "nt/ex.h"
#include "nt/rtl.h"
#include "test_thread.h"

typedef struct _WORK {
    WORK_QUEUE_ITEM Item;
    KEVENT *WaitFor;
    KSEMAPHORE *Done;
    KIRQL Irql;
    PKTHREAD Thread;
} WORK;

static VOID DoWork(PVOID Parameter)
{
    WORK *Work = Parameter;

    Work->Irql = KeGetCurrentIrql();
    Work->Thread = KeGetCurrentThread();
    if (Work->WaitFor != NULL) {
        KeWaitForSingleObject(Work->WaitFor, Executive, KernelMode, FALSE, NULL);
    }
    KeReleaseSemaphore(Work->Done, 0, 1, FALSE);
}

static VOID AwaitWork(KSEMAPHORE *Done, ULONG Count)
{
    LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};

    for (ULONG i = 0; i < Count; i++) {
        EXPECT_EQUAL(KeWaitForSingleObject(Done, Executive, KernelMode, FALSE, &Patience),
                     STATUS_SUCCESS);
    }
}

GUEST_TEST(ex_work_items_run_in_worker_threads)
{
    KSEMAPHORE Done;
    WORK Works[24] = {0};
    KIRQL OldIrql;

    KeInitializeSemaphore(&Done, 0, 100);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Works); i++) {
        Works[i].Done = &Done;
        Works[i].Irql = 0xff;
        ExInitializeWorkItem(&Works[i].Item, DoWork, &Works[i]);
        KeRaiseIrql(i % 2 != 0 ? DISPATCH_LEVEL : PASSIVE_LEVEL, &OldIrql);
        ExQueueWorkItem(&Works[i].Item, (WORK_QUEUE_TYPE)(i % 3));
        KeLowerIrql(OldIrql);
    }
    AwaitWork(&Done, RTL_NUMBER_OF(Works));
    for (ULONG i = 0; i < RTL_NUMBER_OF(Works); i++) {
        EXPECT_EQUAL(Works[i].Irql, PASSIVE_LEVEL);
        EXPECT(Works[i].Thread != KeGetCurrentThread());
        EXPECT(Works[i].Item.List.Flink == NULL);
    }
    /* An item that has run may be queued again. */
    ExQueueWorkItem(&Works[0].Item, DelayedWorkQueue);
    AwaitWork(&Done, 1);
}

GUEST_TEST(ex_blocked_work_items_do_not_stop_the_queue)
{
    KSEMAPHORE Done;
    KEVENT Go;
    WORK Works[3] = {0};

    KeInitializeSemaphore(&Done, 0, 100);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 3; i++) {
        Works[i].Done = &Done;
        Works[i].WaitFor = i < 2 ? &Go : NULL;
        ExInitializeWorkItem(&Works[i].Item, DoWork, &Works[i]);
        ExQueueWorkItem(&Works[i].Item, DelayedWorkQueue);
    }
    AwaitWork(&Done, 1);
    KeSetEvent(&Go, 0, FALSE);
    AwaitWork(&Done, 2);
}

typedef struct _QUEUE_TEST {
    KQUEUE Queue;
    KEVENT Block;
    volatile LONG Taken, Running, MostRunning, Blocked;
} QUEUE_TEST;

static VOID ServeQueue(PVOID Context)
{
    QUEUE_TEST *Test = Context;

    for (;;) {
        PLIST_ENTRY Entry = KeRemoveQueue(&Test->Queue, KernelMode, NULL);
        if ((LONG_PTR)Entry == STATUS_ABANDONED) {
            break;
        }
        LONG Running = InterlockedIncrement(&Test->Running);
        if (Running > Test->MostRunning) {
            Test->MostRunning = Running;
        }
        InterlockedDecrement(&Test->Running);
        if (InterlockedIncrement(&Test->Taken) == 5) {
            Test->Blocked = 1;
            KeWaitForSingleObject(&Test->Block, Executive, KernelMode, FALSE, NULL);
            Test->Blocked = 0;
        }
    }
}

GUEST_TEST(ke_queue_keeps_its_count)
{
    QUEUE_TEST Test = {.Taken = 0};
    LIST_ENTRY Entries[20];
    PKTHREAD Threads[3];
    LARGE_INTEGER Now = {.QuadPart = 0};

    KeInitializeQueue(&Test.Queue, 1);
    KeInitializeEvent(&Test.Block, NotificationEvent, FALSE);
    for (ULONG i = 0; i < 3; i++) {
        Threads[i] = TestStartThread(ServeQueue, &Test);
    }
    TestSettle();
    for (ULONG i = 0; i < RTL_NUMBER_OF(Entries); i++) {
        KeInsertQueue(&Test.Queue, &Entries[i]);
    }
    TestSettle();
    /* The fifth entry blocked its thread; another one took the rest. */
    EXPECT_EQUAL(Test.Taken, RTL_NUMBER_OF(Entries));
    EXPECT_EQUAL(Test.Blocked, 1);
    EXPECT_EQUAL(Test.MostRunning, 1);
    EXPECT_EQUAL(KeReadStateQueue(&Test.Queue), 0);
    KeSetEvent(&Test.Block, 0, FALSE);
    TestSettle();
    EXPECT_EQUAL(Test.Queue.CurrentCount, 0);
    EXPECT(KeRundownQueue(&Test.Queue) == NULL);
    for (ULONG i = 0; i < 3; i++) {
        TestJoinThread(Threads[i]);
    }
    KeInitializeQueue(&Test.Queue, 1);
    EXPECT_EQUAL((LONG_PTR)KeRemoveQueue(&Test.Queue, KernelMode, &Now), STATUS_TIMEOUT);
    KeInsertQueue(&Test.Queue, &Entries[0]);
    KeInsertHeadQueue(&Test.Queue, &Entries[1]);
    EXPECT(KeRemoveQueue(&Test.Queue, KernelMode, &Now) == &Entries[1]);
    EXPECT(KeRundownQueue(&Test.Queue) == &Entries[0]);
}

static VOID CountCall(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
{
    if (Argument1 == (PVOID)1 && Argument2 == (PVOID)2) {
        ++*(LONG *)CallbackContext;
    }
}

GUEST_TEST(ex_callbacks_are_found_by_name)
{
    PCALLBACK_OBJECT Callback, Same;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Callback\\PowerState");
    LONG Calls = 0;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    EXPECT_EQUAL(ExCreateCallback(&Callback, &Attributes, FALSE, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL(ExCreateCallback(&Same, &Attributes, TRUE, TRUE), STATUS_SUCCESS);
    EXPECT(Callback == Same);
    PVOID First = ExRegisterCallback(Callback, CountCall, &Calls);
    PVOID Second = ExRegisterCallback(Callback, CountCall, &Calls);
    ExNotifyCallback(Callback, (PVOID)1, (PVOID)2);
    EXPECT_EQUAL(Calls, 2);
    ExUnregisterCallback(First);
    ExNotifyCallback(Callback, (PVOID)1, (PVOID)2);
    EXPECT_EQUAL(Calls, 3);
    ExUnregisterCallback(Second);
    ExNotifyCallback(Callback, (PVOID)1, (PVOID)2);
    EXPECT_EQUAL(Calls, 3);
    ObDereferenceObject(Callback);
    ObDereferenceObject(Same);
}
