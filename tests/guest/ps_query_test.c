/* SPDX-License-Identifier: MIT */
/*
 * What is asked of processes and threads; notifications of threads and images. Expected values:
 * the page of each routine in the Windows Driver Kit's reference; routines without one answer for a
 * system without jobs, 32-bit processes, sessions and windows.
 */
#include "io/iop.h"
#include "mm/mm.h"
#include "nt/cm.h"
#include "nt/kd.h"
#include "ps/user_mode.h"
#include "ring3.h"
#include "test_image.h"

/* Drivers declare these themselves. */
extern ULONG NtBuildNumber, InitSafeBootMode;
extern BOOLEAN NlsMbCodePageTag, NlsMbOemCodePageTag;

static PETHREAD Self(VOID)
{
    return PsGetCurrentThread();
}

GUEST_TEST(ps_threads_know_their_process)
{
    PEPROCESS Process = NULL;
    PETHREAD Thread = NULL;
    CLIENT_ID Id = {PsGetCurrentProcessId(), PsGetCurrentThreadId()};

    EXPECT_EQUAL(PsGetThreadId(Self()), Id.UniqueThread);
    EXPECT_EQUAL(PsGetThreadProcessId(Self()), Id.UniqueProcess);
    EXPECT(PsGetThreadProcess(Self()) == PsInitialSystemProcess);
    EXPECT_EQUAL(PsLookupProcessThreadByCid(&Id, &Process, &Thread), STATUS_SUCCESS);
    EXPECT(Process == PsInitialSystemProcess && Thread == Self());
    ObDereferenceObject(Process);
    ObDereferenceObject(Thread);
    EXPECT_EQUAL(PsLookupProcessThreadByCid(&Id, NULL, &Thread), STATUS_SUCCESS);
    ObDereferenceObject(Thread);
    Id.UniqueProcess = (HANDLE)8; /* not the thread's */
    EXPECT_EQUAL((ULONG)PsLookupProcessThreadByCid(&Id, &Process, &Thread),
                 (ULONG)STATUS_INVALID_CID);
    Id.UniqueThread = (HANDLE)0x7ffffff0;
    EXPECT_EQUAL((ULONG)PsLookupProcessThreadByCid(&Id, &Process, &Thread),
                 (ULONG)STATUS_INVALID_CID);
    /* The page of PsLookupThreadByThreadId gives this status alone. */
    EXPECT_EQUAL((ULONG)PsLookupThreadByThreadId((HANDLE)0x7ffffff0, &Thread),
                 (ULONG)STATUS_INVALID_PARAMETER);
}

GUEST_TEST(ps_what_a_system_process_has_not)
{
    PEPROCESS System = PsInitialSystemProcess;

    EXPECT(PsGetProcessPeb(System) == NULL && PsGetProcessSectionBaseAddress(System) == NULL);
    EXPECT(PsGetProcessWow64Process(System) == NULL && PsGetCurrentProcessWow64Process() == NULL);
    EXPECT(PsGetProcessWin32Process(System) == NULL && PsGetThreadWin32Thread(Self()) == NULL);
    EXPECT(PsGetProcessJob(System) == NULL);
    EXPECT(PsGetThreadTeb(Self()) == NULL && PsGetCurrentThreadTeb() == NULL);
    EXPECT(!PsIsProtectedProcess(System) && !PsIsProcessBeingDebugged(System));
    EXPECT_EQUAL(PsGetProcessSessionId(System), 0);
    EXPECT_EQUAL(PsGetProcessSessionIdEx(System), 0);
    EXPECT_EQUAL(PsGetCurrentProcessSessionId(), 0);
    EXPECT_EQUAL(PsGetThreadSessionId(Self()), 0);
    EXPECT_EQUAL(PsGetProcessExitTime().QuadPart, 0); /* it runs */
}

extern const UCHAR Ring3Spin[];

GUEST_TEST(ps_what_a_user_process_has)
{
    RING3 Test;

    Ring3Create(&Test);
    PETHREAD Thread = Ring3Start(&Test, Ring3Spin); /* one that does not end by itself */
    EXPECT(PsGetThreadProcess(Thread) == Test.Process);
    EXPECT_EQUAL(PsGetThreadProcessId(Thread), PsGetProcessId(Test.Process));
    ULONG_PTR Teb = (ULONG_PTR)PsGetThreadTeb(Thread);
    EXPECT(Teb != 0 && Teb < MM_USER_PROBE_ADDRESS);
    EXPECT_EQUAL(PspTerminateThread(Thread, STATUS_CANCELLED), STATUS_SUCCESS);
    Ring3Join(Thread);
    Ring3Attach(&Test);
    EXPECT_EQUAL(PsGetCurrentProcessSessionId(), 0);
    Ring3Detach(&Test);
    Ring3Delete(&Test);
}

GUEST_TEST(ps_versions)
{
    ULONG Major = 0, Minor = 99, Build = 0;
    UNICODE_STRING ServicePack = {2, 2, (PWSTR)&Major};

    EXPECT(!PsGetVersion(&Major, &Minor, &Build, &ServicePack)); /* a free build */
    EXPECT(Major == 10 && Minor == 0 && Build == (NtBuildNumber & 0xffff));
    EXPECT_EQUAL(NtBuildNumber >> 28, 0xf);
    EXPECT_EQUAL(ServicePack.Length, 0);
    EXPECT(!PsGetVersion(NULL, NULL, NULL, NULL));
    EXPECT(InitSafeBootMode == 0 && !NlsMbCodePageTag && !NlsMbOemCodePageTag);
}

GUEST_TEST(ps_process_is_opened_by_client_id)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"x");
    CLIENT_ID Id = {(HANDLE)4, NULL}, NoProcess = {(HANDLE)0x7ffffff0, NULL};
    HANDLE Handle = NULL;
    PVOID Process;

    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    EXPECT_EQUAL(NtOpenProcess(&Handle, PROCESS_ALL_ACCESS, &Attributes, &Id), STATUS_SUCCESS);
    EXPECT_EQUAL(ObReferenceObjectByHandle(Handle, 0, PsProcessType, KernelMode, &Process, NULL),
                 STATUS_SUCCESS);
    EXPECT(Process == PsInitialSystemProcess);
    ObDereferenceObject(Process);
    ZwClose(Handle);
    EXPECT_EQUAL((ULONG)NtOpenProcess(&Handle, PROCESS_ALL_ACCESS, &Attributes, &NoProcess),
                 (ULONG)STATUS_INVALID_CID);
    EXPECT_EQUAL((ULONG)NtOpenProcess(&Handle, PROCESS_ALL_ACCESS, &Attributes, NULL),
                 (ULONG)STATUS_INVALID_PARAMETER_MIX);
    Attributes.ObjectName = &Name; /* a name and an id */
    EXPECT_EQUAL((ULONG)NtOpenProcess(&Handle, PROCESS_ALL_ACCESS, &Attributes, &Id),
                 (ULONG)STATUS_INVALID_PARAMETER_MIX);
}

static volatile LONG ThreadsCreated, ThreadsEnded;
static HANDLE ThreadNotified;

static VOID ThreadNotify(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    EXPECT_EQUAL(ProcessId, 4);
    ThreadNotified = ThreadId;
    EXPECT_EQUAL(PsIsThreadTerminating(PsGetCurrentThread()), !Create);
    InterlockedIncrement(Create ? &ThreadsCreated : &ThreadsEnded);
}

static VOID DoNothing(PVOID Context)
{
}

GUEST_TEST(ps_thread_notifications)
{
    ThreadsCreated = ThreadsEnded = 0;
    EXPECT_EQUAL((ULONG)PsRemoveCreateThreadNotifyRoutine(ThreadNotify),
                 (ULONG)STATUS_PROCEDURE_NOT_FOUND);
    EXPECT_EQUAL(PsSetCreateThreadNotifyRoutine(ThreadNotify), STATUS_SUCCESS);
    PKTHREAD Thread = TestStartThread(DoNothing, NULL);
    HANDLE Id = PsGetThreadId((PETHREAD)Thread);
    TestJoinThread(Thread);
    EXPECT_EQUAL(PsRemoveCreateThreadNotifyRoutine(ThreadNotify), STATUS_SUCCESS);
    EXPECT(ThreadsCreated == 1 && ThreadsEnded == 1 && ThreadNotified == Id);
    TestJoinThread(TestStartThread(DoNothing, NULL));
    EXPECT_EQUAL(ThreadsCreated, 1);
    /* The table has room for 64. */
    ULONG Count = 0;
    while (Count < 100 && NT_SUCCESS(PsSetCreateThreadNotifyRoutine(ThreadNotify))) {
        Count++;
    }
    EXPECT_EQUAL(Count, 64);
    EXPECT_EQUAL((ULONG)PsSetCreateThreadNotifyRoutine(ThreadNotify),
                 (ULONG)STATUS_INSUFFICIENT_RESOURCES);
    while (NT_SUCCESS(PsRemoveCreateThreadNotifyRoutine(ThreadNotify))) {
        Count--;
    }
    EXPECT_EQUAL(Count, 0);
}

static LONG NotifyDepth;
static KEVENT RoutineRuns, RoutineMayEnd;

/* Waits for a thread, of which this routine is told in turn, at its end in the thread itself. */
static VOID ThreadNotifyThatWaits(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    EXPECT(KeAreApcsDisabled());
    InterlockedIncrement(Create ? &ThreadsCreated : &ThreadsEnded);
    if (InterlockedIncrement(&NotifyDepth) == 1) {
        TestJoinThread(TestStartThread(DoNothing, NULL));
    }
}

GUEST_TEST(ps_a_notify_routine_may_wait_for_a_thread)
{
    ThreadsCreated = ThreadsEnded = NotifyDepth = 0;
    EXPECT_EQUAL(PsSetCreateThreadNotifyRoutine(ThreadNotifyThatWaits), STATUS_SUCCESS);
    TestJoinThread(TestStartThread(DoNothing, NULL));
    EXPECT_EQUAL(PsRemoveCreateThreadNotifyRoutine(ThreadNotifyThatWaits), STATUS_SUCCESS);
    EXPECT_EQUAL(ThreadsCreated, 2);
    EXPECT_EQUAL(ThreadsEnded, 2);
    EXPECT_EQUAL((ULONG)PsSetCreateThreadNotifyRoutine(NULL), (ULONG)STATUS_INVALID_PARAMETER);
}

static VOID ThreadNotifyThatStays(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    if (!Create) {
        KeSetEvent(&RoutineRuns, 0, FALSE);
        KeWaitForSingleObject(&RoutineMayEnd, Executive, KernelMode, FALSE, NULL);
        InterlockedIncrement(&ThreadsEnded);
    }
}

static VOID RemoveRoutine(PVOID Context)
{
    EXPECT_EQUAL(PsRemoveCreateThreadNotifyRoutine(ThreadNotifyThatStays), STATUS_SUCCESS);
    EXPECT_EQUAL(ThreadsEnded, 1);
}

GUEST_TEST(ps_a_notify_routine_has_ended_when_it_is_removed)
{
    KeInitializeEvent(&RoutineRuns, NotificationEvent, FALSE);
    KeInitializeEvent(&RoutineMayEnd, NotificationEvent, FALSE);
    ThreadsEnded = 0;
    EXPECT_EQUAL(PsSetCreateThreadNotifyRoutine(ThreadNotifyThatStays), STATUS_SUCCESS);
    PKTHREAD Ending = TestStartThread(DoNothing, NULL);
    KeWaitForSingleObject(&RoutineRuns, Executive, KernelMode, FALSE, NULL);
    PKTHREAD Remover = TestStartThread(RemoveRoutine, NULL);
    TestSettle();
    EXPECT_EQUAL((ULONG)TestPoll(Remover), (ULONG)STATUS_TIMEOUT);
    /* While it is leaving it is not there for others, and its slot is not free. */
    EXPECT_EQUAL((ULONG)PsRemoveCreateThreadNotifyRoutine(ThreadNotifyThatStays),
                 (ULONG)STATUS_PROCEDURE_NOT_FOUND);
    KeSetEvent(&RoutineMayEnd, 0, FALSE);
    TestJoinThread(Ending);
    TestJoinThread(Remover);
    TestJoinThread(TestStartThread(DoNothing, NULL));
    EXPECT_EQUAL(ThreadsEnded, 1);
}

static ULONG ImagesSeen;
static PVOID ImageBase;

/* FullImageName identifies the image's file. */
static VOID ImageNotify(PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo)
{
    static const WCHAR Name[] = L"\\SystemRoot\\System32\\drivers\\notified.sys";
    ImagesSeen++;
    ImageBase = ImageInfo->ImageBase;
    EXPECT_EQUAL(ProcessId, 0); /* a driver is in no process */
    EXPECT(ImageInfo->SystemModeImage);
    EXPECT_EQUAL(ImageInfo->ImageAddressingMode, IMAGE_ADDRESSING_MODE_32BIT);
    EXPECT(ImageInfo->ImageSize >= 2 * PAGE_SIZE);
    EXPECT(FullImageName->Length == sizeof(Name) - sizeof(WCHAR) &&
           RtlEqualMemory(FullImageName->Buffer, Name, FullImageName->Length));
}

/* An image without an entry point. */
static VOID LoadAndUnload(VOID)
{
    static const TEST_SECTION Sections[] = {{"PAGE", 1, TRUE}};
    UNICODE_STRING Service = RTL_CONSTANT_STRING(L"notified");
    OBJECT_ATTRIBUTES Attributes;
    PDRIVER_OBJECT Driver = NULL;
    HANDLE Key;

    PMM_IMAGE Image =
        TestLoadSections(L"\\SystemRoot\\System32\\drivers\\notified.sys", Sections, 1);
    EXPECT_EQUAL(IopLoadDriver(&Service, Image, FALSE, &Driver), STATUS_SUCCESS);
    EXPECT(ImageBase == NULL || ImageBase == (PVOID)Image->Base);
    InitializeObjectAttributes(&Attributes, &IopDriverExtension(Driver)->RegistryPath,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    EXPECT_EQUAL(ZwOpenKey(&Key, KEY_ALL_ACCESS, &Attributes), STATUS_SUCCESS);
    EXPECT_EQUAL(ZwDeleteKey(Key), STATUS_SUCCESS);
    ZwClose(Key);
    IopDeleteDriverObject(Driver);
    MmUnloadSystemImage(Image);
}

GUEST_TEST(ps_image_notifications)
{
    ImagesSeen = 0;
    ImageBase = NULL;
    EXPECT_EQUAL((ULONG)PsRemoveLoadImageNotifyRoutine(ImageNotify),
                 (ULONG)STATUS_PROCEDURE_NOT_FOUND);
    EXPECT_EQUAL(PsSetLoadImageNotifyRoutine(ImageNotify), STATUS_SUCCESS);
    LoadAndUnload();
    EXPECT(ImagesSeen == 1 && ImageBase != NULL);
    EXPECT_EQUAL(PsRemoveLoadImageNotifyRoutine(ImageNotify), STATUS_SUCCESS);
    ImageBase = NULL;
    LoadAndUnload();
    EXPECT_EQUAL(ImagesSeen, 1);
}

extern const UCHAR Ring3Exit[];
static volatile LONG UserThreadsCreated, UserThreadsEnded;

/* Of threads with a user mode only, and in the thread itself. */
static VOID UserThreadNotify(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create)
{
    EXPECT_EQUAL(PsGetCurrentThreadId(), ThreadId);
    EXPECT_EQUAL(PsGetCurrentProcessId(), ProcessId);
    InterlockedIncrement(Create ? &UserThreadsCreated : &UserThreadsEnded);
}

GUEST_TEST(ps_notifications_of_user_threads_run_in_them)
{
    RING3 Test;

    UserThreadsCreated = UserThreadsEnded = ThreadsCreated = ThreadsEnded = 0;
    EXPECT_EQUAL((ULONG)PsSetCreateThreadNotifyRoutineEx((PSCREATETHREADNOTIFYTYPE)2,
                                                         (PVOID)UserThreadNotify),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL(PsSetCreateThreadNotifyRoutineEx(PsCreateThreadNotifyNonSystem,
                                                  (PVOID)UserThreadNotify),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(PsSetCreateThreadNotifyRoutineEx(PsCreateThreadNotifySubsystems,
                                                  (PVOID)ThreadNotify),
                 STATUS_SUCCESS);
    TestJoinThread(TestStartThread(DoNothing, NULL));
    EXPECT(UserThreadsCreated == 0 && UserThreadsEnded == 0);
    EXPECT(ThreadsCreated == 1 && ThreadsEnded == 1);
    EXPECT_EQUAL(PsRemoveCreateThreadNotifyRoutine(ThreadNotify), STATUS_SUCCESS);
    Ring3Create(&Test);
    EXPECT_EQUAL(Ring3Run(&Test, Ring3Exit), RING3_EXIT);
    EXPECT(UserThreadsCreated == 1 && UserThreadsEnded == 1);
    EXPECT_EQUAL(PsRemoveCreateThreadNotifyRoutine(UserThreadNotify), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PsRemoveCreateThreadNotifyRoutine(UserThreadNotify),
                 (ULONG)STATUS_PROCEDURE_NOT_FOUND);
    EXPECT_EQUAL(Ring3Run(&Test, Ring3Exit), RING3_EXIT);
    EXPECT_EQUAL(UserThreadsCreated, 1);
    Ring3Delete(&Test);
}

GUEST_TEST(ps_hard_errors_are_a_threads_own_matter)
{
    EXPECT(IoSetThreadHardErrorMode(FALSE)); /* they are enabled */
    EXPECT(!IoSetThreadHardErrorMode(FALSE));
    EXPECT(!IoSetThreadHardErrorMode(TRUE));
    EXPECT(IoSetThreadHardErrorMode(TRUE));
}
