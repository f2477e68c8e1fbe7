/* SPDX-License-Identifier: MIT */
/* Processes, threads, ids, notifications. */
#include "ps/psp.h"
#include "mm/mm.h"
#include "test_thread.h"

static VOID ReportIds(PVOID Context)
{
    PCLIENT_ID Cid = Context;
    Cid->UniqueProcess = PsGetCurrentProcessId();
    Cid->UniqueThread = PsGetCurrentThreadId();
    PsTerminateSystemThread(STATUS_ALERTED);
}

GUEST_TEST(ps_system_thread_has_ids_and_exit_status)
{
    CLIENT_ID Seen = {0}, Given = {0};
    HANDLE Handle;
    PETHREAD Thread, Found;

    EXPECT_EQUAL(PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, &Given, ReportIds,
                                      &Seen),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, PsThreadType, KernelMode, (PVOID *)&Thread,
                                           NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ZwWaitForSingleObject(Handle, FALSE, NULL), STATUS_SUCCESS);
    EXPECT_EQUAL(Seen.UniqueProcess, Given.UniqueProcess);
    EXPECT_EQUAL(Seen.UniqueThread, Given.UniqueThread);
    EXPECT_EQUAL(Seen.UniqueProcess, 4);
    EXPECT_EQUAL((ULONG_PTR)Seen.UniqueThread & 3, 0);
    EXPECT_EQUAL(PsGetThreadExitStatus(Thread), STATUS_ALERTED);
    EXPECT(PsIsSystemThread(Thread) && PsIsThreadTerminating(Thread));
    /* An ended thread has no id any more. */
    EXPECT_EQUAL((ULONG)PsLookupThreadByThreadId(Given.UniqueThread, &Found),
                 (ULONG)STATUS_INVALID_CID);
    ObDereferenceObject(Thread);
    ZwClose(Handle);
}

GUEST_TEST(ps_look_ups_find_what_runs)
{
    PEPROCESS Process;
    PETHREAD Thread;
    EXPECT_EQUAL(PsLookupProcessByProcessId((HANDLE)4, &Process), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Process, (ULONG_PTR)PsInitialSystemProcess);
    ObDereferenceObject(Process);
    EXPECT_EQUAL(PsLookupThreadByThreadId(PsGetCurrentThreadId(), &Thread), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Thread, (ULONG_PTR)PsGetCurrentThread());
    ObDereferenceObject(Thread);
    /* A thread's id is no process's. */
    EXPECT_EQUAL((ULONG)PsLookupProcessByProcessId(PsGetCurrentThreadId(), &Process),
                 (ULONG)STATUS_INVALID_CID);
    EXPECT_EQUAL((ULONG)PsLookupProcessByProcessId((HANDLE)0xfffffff0, &Process),
                 (ULONG)STATUS_INVALID_CID);
    EXPECT_EQUAL((ULONG)PsLookupProcessByProcessId((HANDLE)5, &Process),
                 (ULONG)STATUS_INVALID_CID);
}

static ULONG PsTestNotifications[2];
static HANDLE PsTestNotified;

static VOID PsTestNotify(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create)
{
    PsTestNotifications[Create ? 1 : 0]++;
    PsTestNotified = ProcessId;
}

GUEST_TEST(ps_process_has_an_address_space_of_its_own)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    PVOID Base = NULL;
    LARGE_INTEGER Now = {.QuadPart = 0};

    RtlZeroMemory(PsTestNotifications, sizeof(PsTestNotifications));
    EXPECT_EQUAL(PsSetCreateProcessNotifyRoutine(PsTestNotify, FALSE), STATUS_SUCCESS);
    EXPECT_EQUAL(PspCreateProcess("client-with-a-long-name", &Process), STATUS_SUCCESS);
    EXPECT_EQUAL(PsTestNotifications[1], 1);
    EXPECT_EQUAL(PsTestNotified, PsGetProcessId(Process));
    EXPECT_EQUAL(strcmp(PsGetProcessImageFileName(Process), "client-with-a-"), 0);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    EXPECT_EQUAL((ULONG_PTR)PsGetCurrentProcess(), (ULONG_PTR)Process);
    EXPECT_EQUAL(PsGetCurrentProcessId(), 4);
    EXPECT_EQUAL(MmAllocateUserMemory(&Base, 3 * PAGE_SIZE, PAGE_READWRITE), STATUS_SUCCESS);
    *(volatile ULONG *)Base = 0x12345678;
    EXPECT_EQUAL(*(volatile ULONG *)Base, 0x12345678);
    KeUnstackDetachProcess(&ApcState);
    EXPECT_EQUAL(KeWaitForSingleObject(Process, Executive, KernelMode, FALSE, &Now),
                 STATUS_TIMEOUT);
    PspExitProcess(Process, STATUS_CANCELLED);
    EXPECT_EQUAL(PsTestNotifications[0], 1);
    EXPECT_EQUAL(KeWaitForSingleObject(Process, Executive, KernelMode, FALSE, &Now),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PsGetProcessExitStatus(Process), (ULONG)STATUS_CANCELLED);
    ObDereferenceObject(Process);
    EXPECT_EQUAL(PsSetCreateProcessNotifyRoutine(PsTestNotify, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PsSetCreateProcessNotifyRoutine(PsTestNotify, TRUE),
                 (ULONG)STATUS_INVALID_PARAMETER);
}

GUEST_TEST(ps_exiting_process_closes_its_handles)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    PVOID Event;

    EXPECT_EQUAL(PspCreateProcess("client", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Event, NULL),
                 STATUS_SUCCESS);
    KeUnstackDetachProcess(&ApcState);
    EXPECT_EQUAL(ObpHeaderOf(Event)->HandleCount, 1);
    PspExitProcess(Process, STATUS_SUCCESS);
    EXPECT_EQUAL(ObpHeaderOf(Event)->HandleCount, 0);
    ObDereferenceObject(Event);
    ObDereferenceObject(Process);
}

GUEST_TEST(ps_many_threads_are_reaped)
{
    CLIENT_ID Seen[8];
    for (ULONG Round = 0; Round < 25; Round++) {
        PKTHREAD Threads[RTL_NUMBER_OF(Seen)];
        for (ULONG i = 0; i < RTL_NUMBER_OF(Seen); i++) {
            Threads[i] = TestStartThread(ReportIds, &Seen[i]);
        }
        for (ULONG i = 0; i < RTL_NUMBER_OF(Seen); i++) {
            TestJoinThread(Threads[i]);
        }
    }
}
