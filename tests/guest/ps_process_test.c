/* SPDX-License-Identifier: MIT */
/* Processes, threads, ids, notifications. */
#include "ps/psp.h"
#include "nt/process_information.h"
#include "nt/system_information.h"
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
                 (ULONG)STATUS_INVALID_PARAMETER);
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

typedef struct _ENDING {
    PEPROCESS Process;
    PVOID Event;
    NTSTATUS Status;
} ENDING;

static VOID EndProcess(PVOID Context)
{
    KeSetBasePriorityThread(KeGetCurrentThread(), 2);
    PspExitProcess(((ENDING *)Context)->Process, STATUS_SUCCESS);
}

static VOID OpenLate(PVOID Context)
{
    ENDING *Ending = Context;
    KAPC_STATE ApcState;
    HANDLE Handle;

    KeStackAttachProcess(&Ending->Process->Pcb, &ApcState);
    Ending->Status = ObOpenObjectByPointer(Ending->Event, 0, NULL, EVENT_ALL_ACCESS, NULL,
                                           KernelMode, &Handle);
    KeUnstackDetachProcess(&ApcState);
}

/* A thread that is attached waits for the lock of the handle table while the process ends. */
GUEST_TEST(ps_no_handle_is_made_in_a_process_that_has_ended)
{
    ENDING Ending = {.Status = STATUS_PENDING};
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Handle, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, NULL, KernelMode, &Ending.Event, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(PspCreateProcess("ended", &Ending.Process), STATUS_SUCCESS);
    PFAST_MUTEX Lock = Ending.Process->ObjectTable; /* which it begins with */
    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(Lock);
    PKTHREAD First = TestStartThread(EndProcess, &Ending);
    TestSettle();
    PKTHREAD Second = TestStartThread(OpenLate, &Ending);
    TestSettle();
    EXPECT_EQUAL(Lock->Contention, 2);
    ExReleaseFastMutexUnsafe(Lock);
    KeLeaveCriticalRegion();
    TestJoinThread(First);
    TestJoinThread(Second);
    EXPECT_EQUAL((ULONG)Ending.Status, (ULONG)STATUS_PROCESS_IS_TERMINATING);
    ObDereferenceObject(Ending.Process);
    ZwClose(Handle);
    ObDereferenceObject(Ending.Event);
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

static ULONG PsTestRefusals;

static VOID PsTestNotifyEx(PEPROCESS Process, HANDLE ProcessId, PPS_CREATE_NOTIFY_INFO CreateInfo)
{
    EXPECT_EQUAL(PsGetProcessId(Process), ProcessId);
    if (CreateInfo == NULL) {
        PsTestRefusals |= 2;
        return;
    }
    EXPECT_EQUAL(CreateInfo->Size, sizeof(*CreateInfo));
    EXPECT_EQUAL(CreateInfo->ParentProcessId, 4);
    EXPECT_EQUAL(CreateInfo->CreatingThreadId.UniqueThread, PsGetCurrentThreadId());
    EXPECT(CreateInfo->ImageFileName != NULL && CreateInfo->ImageFileName->Buffer[0] == L'\\');
    CreateInfo->CreationStatus = STATUS_ACCESS_DENIED;
    PsTestRefusals |= 1;
}

/* The kernel's own image needs no integrity check. */
GUEST_TEST(ps_a_notify_routine_refuses_a_process)
{
    PEPROCESS Process = NULL;
    PsTestRefusals = 0;
    EXPECT_EQUAL(PsSetCreateProcessNotifyRoutineEx(PsTestNotifyEx, FALSE), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PsSetCreateProcessNotifyRoutineEx(PsTestNotifyEx, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)PspCreateProcess("refused", &Process), (ULONG)STATUS_ACCESS_DENIED);
    EXPECT_EQUAL(PsTestRefusals, 3);
    EXPECT_EQUAL(PsSetCreateProcessNotifyRoutineEx(PsTestNotifyEx, TRUE), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PsSetCreateProcessNotifyRoutineEx2(1, PsTestNotifyEx, FALSE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)PsSetLoadImageNotifyRoutineEx(NULL, 2), (ULONG)STATUS_INVALID_PARAMETER_2);
}

GUEST_TEST(ps_a_process_is_terminated_once)
{
    PEPROCESS Process;
    HANDLE Handle, Thread;
    ULONG Count = 0;

    EXPECT_EQUAL(PspCreateProcess("ended", &Process), STATUS_SUCCESS);
    EXPECT_EQUAL(ObOpenObjectByPointer(Process, OBJ_KERNEL_HANDLE, NULL, PROCESS_ALL_ACCESS,
                                       PsProcessType, KernelMode, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(PsAcquireProcessExitSynchronization(Process), STATUS_SUCCESS);
    PsReleaseProcessExitSynchronization(Process);
    EXPECT_EQUAL(ZwTerminateProcess(Handle, STATUS_CANCELLED), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PsGetProcessExitStatus(Process), (ULONG)STATUS_CANCELLED);
    EXPECT_EQUAL((ULONG)ZwTerminateProcess(Handle, STATUS_SUCCESS),
                 (ULONG)STATUS_PROCESS_IS_TERMINATING);
    EXPECT_EQUAL((ULONG)PsAcquireProcessExitSynchronization(Process),
                 (ULONG)STATUS_PROCESS_IS_TERMINATING);
    EXPECT_EQUAL((ULONG)PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, Handle, NULL,
                                             ReportIds, &Count),
                 (ULONG)STATUS_PROCESS_IS_TERMINATING);
    EXPECT_EQUAL(ZwQueryInformationProcess(Handle, ProcessHandleCount, &Count, 4, NULL),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Count, 0);
    ZwClose(Handle);
    ObDereferenceObject(Process);
}

/* From user mode a bad address is a status; a good one is filled in, names with its addresses. */
GUEST_TEST(ps_information_for_user_mode)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    PVOID Base = NULL;
    ULONG Needed = 0;

    EXPECT_EQUAL(PspCreateProcess("asked", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    EXPECT_EQUAL(MmAllocateUserMemory(&Base, PAGE_SIZE, PAGE_READWRITE), STATUS_SUCCESS);
    PUNICODE_STRING Name = Base;
    PULONG Length = (PULONG)((PUCHAR)Base + 1024);
    CCHAR Mode = KiCurrentThread()->PreviousMode;
    KiCurrentThread()->PreviousMode = UserMode;
    EXPECT_EQUAL((ULONG)NtQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, Name,
                                                  512, &Needed),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)NtQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName,
                                                  (PUCHAR)Base + PAGE_SIZE, 512, Length),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(NtQueryInformationProcess(NtCurrentProcess(), ProcessImageFileName, Name, 512,
                                           Length),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG_PTR)Name->Buffer, (ULONG_PTR)(Name + 1));
    EXPECT_EQUAL(Name->Buffer[0], L'\\');
    EXPECT_EQUAL(*Length, sizeof(*Name) + Name->MaximumLength);
    EXPECT_EQUAL((ULONG)NtQuerySystemInformation(SystemProcessInformation, Base, 0x100, Length),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    EXPECT(*Length > 0x100);
    KiCurrentThread()->PreviousMode = Mode;
    EXPECT_EQUAL(MmFreeUserMemory(Base), STATUS_SUCCESS);
    KeUnstackDetachProcess(&ApcState);
    PspExitProcess(Process, STATUS_SUCCESS);
    ObDereferenceObject(Process);
}

GUEST_TEST(ps_handles_are_listed)
{
    ULONG Needed = 0;
    BOOLEAN Found = FALSE;
    HANDLE Handle;
    EXPECT_EQUAL(ObOpenObjectByPointer(PsInitialSystemProcess, OBJ_KERNEL_HANDLE, NULL,
                                       PROCESS_ALL_ACCESS, PsProcessType, KernelMode, &Handle),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)ZwQuerySystemInformation(SystemExtendedHandleInformation, NULL, 0, &Needed),
                 (ULONG)STATUS_INFO_LENGTH_MISMATCH);
    SYSTEM_HANDLE_INFORMATION_EX *List = ExAllocatePoolWithTag(PagedPool, Needed, 'tsTP');
    EXPECT_EQUAL(ZwQuerySystemInformation(SystemExtendedHandleInformation, List, Needed, &Needed),
                 STATUS_SUCCESS);
    for (ULONG_PTR i = 0; i < List->NumberOfHandles; i++) {
        Found = Found || (List->Handles[i].Object == PsInitialSystemProcess &&
                          List->Handles[i].UniqueProcessId == 4 &&
                          (ULONG)List->Handles[i].HandleValue ==
                              ((ULONG)(ULONG_PTR)Handle & 0x7fffffff));
    }
    EXPECT(Found);
    ExFreePoolWithTag(List, 'tsTP');
    EXPECT_EQUAL(ZwQuerySystemInformation(SystemHandleInformation, &Needed, 4, &Needed),
                 (ULONG64)(LONG)STATUS_INFO_LENGTH_MISMATCH);
    ZwClose(Handle);
}
