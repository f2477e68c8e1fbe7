/* SPDX-License-Identifier: MIT */
/*
 * User memory of a process: demand zero, out to the paging file and back, protections, guard pages,
 * separate address spaces, MDLs, and nothing left when the process goes. The threads are system
 * threads that attach, as the control agent's clients do.
 */
#include "ps/psp.h"
#include "test_thread.h"

#include "mm/mi.h"
#include "nt/rtl.h"

#define TAG 'uMmT'
#define USER_PAGES 40

static MM_COUNTERS Counters(VOID)
{
    MM_COUNTERS Now;
    MmQueryCounters(&Now);
    return Now;
}

static ULONG64 UserWord(ULONG64 Seed, ULONG64 Page)
{
    return (Seed + Page) * 0x9e3779b97f4a7c15ull;
}

/* Every page's first and last word. */
static VOID UserFill(PVOID Base, ULONG64 Pages, ULONG64 Seed)
{
    volatile ULONG64 *Words = Base;
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        Words[Page * 512] = UserWord(Seed, Page);
        Words[Page * 512 + 511] = ~UserWord(Seed, Page);
    }
}

static ULONG64 UserWrong(PVOID Base, ULONG64 Pages, ULONG64 Seed)
{
    volatile ULONG64 *Words = Base;
    ULONG64 Wrong = 0;
    for (ULONG64 Page = 0; Page < Pages; Page++) {
        Wrong += Words[Page * 512] != UserWord(Seed, Page);
        Wrong += Words[Page * 512 + 511] != ~UserWord(Seed, Page);
    }
    return Wrong;
}

static __attribute__((noinline)) NTSTATUS UserRead(volatile UCHAR *Address, PUCHAR Value)
{
    __try {
        *Value = *Address;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static __attribute__((noinline)) NTSTATUS UserWrite(volatile UCHAR *Address, UCHAR Value)
{
    __try {
        *Address = Value;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* A process with the current thread attached to it. */
typedef struct _TEST_PROCESS {
    PEPROCESS Process;
    KAPC_STATE ApcState;
} TEST_PROCESS;

static VOID UserCreate(TEST_PROCESS *Test)
{
    EXPECT_EQUAL(PspCreateProcess("user-memory", &Test->Process), STATUS_SUCCESS);
}

static VOID UserAttach(TEST_PROCESS *Test)
{
    KeStackAttachProcess(&Test->Process->Pcb, &Test->ApcState);
}

static VOID UserDetach(TEST_PROCESS *Test)
{
    KeUnstackDetachProcess(&Test->ApcState);
}

static VOID UserDelete(TEST_PROCESS *Test)
{
    PspExitProcess(Test->Process, STATUS_SUCCESS);
    ObDereferenceObject(Test->Process);
}

GUEST_TEST(mm_user_memory_goes_out_and_comes_back)
{
    TEST_PROCESS Test;
    PVOID Base = NULL;

    UserCreate(&Test);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory(&Base, USER_PAGES * PAGE_SIZE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT((ULONG64)Base != 0 && (ULONG64)Base <= MM_HIGHEST_USER_ADDRESS);
    MM_COUNTERS Before = Counters();
    UCHAR Sum = 0;
    for (ULONG i = 0; i < USER_PAGES * PAGE_SIZE; i += 64) {
        Sum |= ((volatile UCHAR *)Base)[i];
    }
    EXPECT_EQUAL(Sum, 0);
    EXPECT_EQUAL(Counters().DemandZeroFaults - Before.DemandZeroFaults, USER_PAGES);
    UserFill(Base, USER_PAGES, 1);

    MmPageOutEverything(FALSE);
    EXPECT(!MmIsAddressValid(Base));
    Before = Counters();
    EXPECT_EQUAL(UserWrong(Base, USER_PAGES, 1), 0);
    EXPECT(Counters().SoftFaults - Before.SoftFaults >= USER_PAGES);

    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Base));
    Before = Counters();
    EXPECT_EQUAL(UserWrong(Base, USER_PAGES, 1), 0);
    EXPECT(Counters().PagesRead - Before.PagesRead >= USER_PAGES);
    EXPECT(Counters().HardFaults > Before.HardFaults);

    /* The slots follow the pages: a change after the write is not lost. */
    UserFill(Base, USER_PAGES, 2);
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(UserWrong(Base, USER_PAGES, 2), 0);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    EXPECT_EQUAL(MmFreeUserMemory(Base), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)MmFreeUserMemory(Base), (ULONG)STATUS_MEMORY_NOT_ALLOCATED);
    UCHAR Value;
    EXPECT_EQUAL((ULONG)UserRead(Base, &Value), (ULONG)STATUS_ACCESS_VIOLATION);
    UserDetach(&Test);
    UserDelete(&Test);
}

GUEST_TEST(mm_user_protection_raises)
{
    TEST_PROCESS Test;
    PUCHAR ReadOnly = NULL, Middle = NULL;
    UCHAR Value = 9;

    UserCreate(&Test);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&ReadOnly, 2 * PAGE_SIZE, PAGE_READONLY),
                 STATUS_SUCCESS);
    /* Before the first touch, while the page is valid, and while it is out. */
    EXPECT_EQUAL((ULONG)UserWrite(ReadOnly, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(UserRead(ReadOnly, &Value), STATUS_SUCCESS);
    EXPECT_EQUAL(Value, 0);
    EXPECT_EQUAL((ULONG)UserWrite(ReadOnly, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    MmPageOutEverything(FALSE);
    EXPECT_EQUAL((ULONG)UserWrite(ReadOnly, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL((ULONG)UserWrite(ReadOnly, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(UserRead(ReadOnly, &Value), STATUS_SUCCESS);
    EXPECT_EQUAL(Value, 0);

    /* Just outside of an allocation, the zero page, the highest addresses, none at all. */
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Middle, PAGE_SIZE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(UserWrite(Middle + PAGE_SIZE - 1, 1), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)UserWrite(Middle + PAGE_SIZE, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)UserRead((PUCHAR)8, &Value), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)UserRead((PUCHAR)MM_HIGHEST_USER_ADDRESS, &Value),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)UserRead((PUCHAR)0x1234567890123456ull, &Value),
                 (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL((ULONG)UserWrite((PUCHAR)0x7ffe0000ull, 1), (ULONG)STATUS_ACCESS_VIOLATION);
    EXPECT_EQUAL(UserRead((PUCHAR)0x7ffe0000ull, &Value), STATUS_SUCCESS);
    UserDetach(&Test);
    UserDelete(&Test);
}

GUEST_TEST(mm_user_guard_page_fires_once)
{
    TEST_PROCESS Test;
    PUCHAR Base = NULL;
    UCHAR Value = 9;

    UserCreate(&Test);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Base, 2 * PAGE_SIZE, PAGE_READWRITE | PAGE_GUARD),
                 STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)UserRead(Base, &Value), (ULONG)STATUS_GUARD_PAGE_VIOLATION);
    EXPECT_EQUAL(UserRead(Base, &Value), STATUS_SUCCESS);
    EXPECT_EQUAL(Value, 0);
    EXPECT_EQUAL(UserWrite(Base, 1), STATUS_SUCCESS);
    /* Each page has its own guard; a page that was out has none again. */
    MmPageOutEverything(TRUE);
    EXPECT_EQUAL(UserRead(Base, &Value), STATUS_SUCCESS);
    EXPECT_EQUAL(Value, 1);
    EXPECT_EQUAL((ULONG)UserWrite(Base + PAGE_SIZE, 2), (ULONG)STATUS_GUARD_PAGE_VIOLATION);
    EXPECT_EQUAL(UserWrite(Base + PAGE_SIZE, 2), STATUS_SUCCESS);
    UserDetach(&Test);
    UserDelete(&Test);
}

GUEST_TEST(mm_user_allocation_checks_its_arguments)
{
    TEST_PROCESS Test;
    PVOID Base = (PVOID)0x30000, Same = (PVOID)0x30000, Odd = (PVOID)0x31000, None = NULL;

    /* The system process has no user memory. */
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&None, PAGE_SIZE, PAGE_READWRITE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    UserCreate(&Test);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory(&Base, PAGE_SIZE + 1, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG64)Base, 0x30000);
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&Same, PAGE_SIZE, PAGE_READWRITE),
                 (ULONG)STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&Odd, PAGE_SIZE, PAGE_READWRITE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&None, 0, PAGE_READWRITE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&None, PAGE_SIZE, 0x80000000),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&None, ~0ull, PAGE_READWRITE),
                 (ULONG)STATUS_INVALID_PARAMETER);
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&None, 0x7f000000, PAGE_READWRITE),
                 (ULONG)STATUS_COMMITMENT_LIMIT);
    Same = (PVOID)0x20000; /* one page fits below, two granules do not */
    EXPECT_EQUAL((ULONG)MmAllocateUserMemory(&Same, 0x10001, PAGE_READWRITE),
                 (ULONG)STATUS_CONFLICTING_ADDRESSES);
    EXPECT_EQUAL(MmAllocateUserMemory(&Same, 0x10000, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQUAL(UserWrite((PUCHAR)Same + 0xffff, 1), STATUS_SUCCESS);
    UserDetach(&Test);
    UserDelete(&Test);
}

GUEST_TEST(mm_user_address_means_another_page_in_each_process)
{
    TEST_PROCESS Test[3];
    PVOID Base[3] = {NULL, NULL, NULL};

    for (ULONG i = 0; i < 3; i++) {
        UserCreate(&Test[i]);
        UserAttach(&Test[i]);
        EXPECT_EQUAL(MmAllocateUserMemory(&Base[i], USER_PAGES * PAGE_SIZE, PAGE_READWRITE),
                     STATUS_SUCCESS);
        UserFill(Base[i], USER_PAGES, 100 * i);
        UserDetach(&Test[i]);
        EXPECT_EQUAL((ULONG64)Base[i], (ULONG64)Base[0]);
    }
    for (ULONG Round = 0; Round < 3; Round++) {
        MmPageOutEverything(Round != 0);
        for (ULONG i = 0; i < 3; i++) {
            UserAttach(&Test[i]);
            EXPECT_EQUAL(UserWrong(Base[i], USER_PAGES, 100 * i), 0);
            UserDetach(&Test[i]);
        }
    }
    /* Attached on top of another attach: the inner process's memory, then the outer one's. */
    UserAttach(&Test[0]);
    UserAttach(&Test[1]);
    EXPECT_EQUAL(UserWrong(Base[1], USER_PAGES, 100), 0);
    UserDetach(&Test[1]);
    EXPECT_EQUAL(UserWrong(Base[0], USER_PAGES, 0), 0);
    UserDetach(&Test[0]);
    UCHAR Value;
    EXPECT_EQUAL((ULONG)UserRead(Base[0], &Value), (ULONG)STATUS_ACCESS_VIOLATION);
    for (ULONG i = 0; i < 3; i++) {
        UserDelete(&Test[i]);
    }
}

GUEST_TEST(mm_user_process_leaves_nothing_behind)
{
    MmPageOutEverything(TRUE);
    MM_COUNTERS Before = Counters();
    for (ULONG Round = 0; Round < 5; Round++) {
        TEST_PROCESS Test;
        PVOID Base[4] = {NULL};
        UserCreate(&Test);
        UserAttach(&Test);
        for (ULONG i = 0; i < 4; i++) {
            EXPECT_EQUAL(MmAllocateUserMemory(&Base[i], USER_PAGES * PAGE_SIZE, PAGE_READWRITE),
                         STATUS_SUCCESS);
            UserFill(Base[i], USER_PAGES, i);
        }
        /* It goes with pages valid, on the lists, in the paging file, or of each kind. */
        if (Round != 0) {
            MmPageOutEverything(Round >= 2);
        }
        if (Round >= 3) {
            EXPECT_EQUAL(UserWrong(Base[1], USER_PAGES, 1), 0);
        }
        if (Round == 4) {
            UserFill(Base[2], USER_PAGES, 7);
            MmPageOutEverything(FALSE);
            EXPECT_EQUAL(MmFreeUserMemory(Base[1]), STATUS_SUCCESS);
        }
        EXPECT(Counters().CommittedPages >= Before.CommittedPages + 3 * USER_PAGES);
        UserDetach(&Test);
        UserDelete(&Test);
    }
    MmPageOutEverything(TRUE);
    MM_COUNTERS After = Counters();
    EXPECT_EQUAL(After.CommittedPages, Before.CommittedPages);
    EXPECT_EQUAL(After.PagingFileSlotsUsed, Before.PagingFileSlotsUsed);
    /* Other threads of the kernel move a few pages; a process has more than 160. */
    EXPECT(After.FreePages + After.ZeroedPages + After.StandbyPages + 16 >=
           Before.FreePages + Before.ZeroedPages + Before.StandbyPages);
    EXPECT_EQUAL(MiVerifyAll(), 0);
}

static __attribute__((noinline)) NTSTATUS UserLock(PMDL Mdl, LOCK_OPERATION Operation)
{
    __try {
        MmProbeAndLockPages(Mdl, UserMode, Operation);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static PMDL UserMdl(PVOID Base, ULONG Length)
{
    PMDL Mdl = ExAllocatePoolWithTag(NonPagedPool, MmSizeOfMdl(Base, Length), TAG);
    MmInitializeMdl(Mdl, Base, Length);
    return Mdl;
}

GUEST_TEST(mm_user_mdl_reaches_the_pages_from_elsewhere)
{
    TEST_PROCESS Test, Other;
    PUCHAR Base = NULL;
    ULONG Length = 3 * PAGE_SIZE;

    UserCreate(&Test);
    UserCreate(&Other);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Base, 4 * PAGE_SIZE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    UserFill(Base, 4, 5);
    MmPageOutEverything(TRUE);
    PMDL Mdl = UserMdl(Base + 100, Length);
    EXPECT_EQUAL(UserLock(Mdl, IoModifyAccess), STATUS_SUCCESS); /* brings the pages in */
    EXPECT_EQUAL(Test.Process->LockedPages, 4);
    EXPECT(Mdl->Process == Test.Process);
    UserDetach(&Test);

    MmPageOutEverything(TRUE);
    UserAttach(&Other);
    PUCHAR Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    EXPECT(Mapped != NULL && (ULONG64)Mapped > MM_SYSTEM_RANGE_START);
    EXPECT_EQUAL(BYTE_OFFSET(Mapped), 100);
    EXPECT(MmIsAddressValid(Mapped + Length - 1));
    EXPECT_EQUAL(*(PULONG64)(Mapped - 100 + PAGE_SIZE), UserWord(5, 1));
    Mapped[0] = 0xa5;
    Mapped[Length - 1] = 0x5a;
    UserDetach(&Other);

    UserAttach(&Test);
    EXPECT_EQUAL(Base[100], 0xa5);
    EXPECT(MmIsAddressValid(Base + 100)); /* locked pages did not leave */
    MmUnlockPages(Mdl);
    EXPECT_EQUAL(Test.Process->LockedPages, 0);
    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Base + 100));
    EXPECT_EQUAL(Base[100], 0xa5);
    EXPECT_EQUAL(Base[100 + Length - 1], 0x5a);
    UserDetach(&Test);
    ExFreePoolWithTag(Mdl, TAG);
    UserDelete(&Other);
    UserDelete(&Test);
}

GUEST_TEST(mm_user_mdl_of_bad_ranges_raises)
{
    TEST_PROCESS Test;
    PUCHAR Base = NULL, ReadOnly = NULL;
    PVOID Kernel = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    struct {
        PVOID Base;
        ULONG Length;
        LOCK_OPERATION Operation;
        NTSTATUS Status;
    } Cases[8] = {{0}};
    ULONG Count = 0;

    UserCreate(&Test);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&Base, 2 * PAGE_SIZE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(MmAllocateUserMemory((PVOID *)&ReadOnly, PAGE_SIZE, PAGE_READONLY),
                 STATUS_SUCCESS);
#define CASE(base, length, operation, status) \
    Cases[Count].Base = (PVOID)(base); \
    Cases[Count].Length = (length); \
    Cases[Count].Operation = (operation); \
    Cases[Count++].Status = (status)
    CASE(Base, 2 * PAGE_SIZE, IoWriteAccess, STATUS_SUCCESS);
    CASE(Base, 3 * PAGE_SIZE, IoReadAccess, STATUS_ACCESS_VIOLATION);
    CASE(ReadOnly, PAGE_SIZE, IoReadAccess, STATUS_SUCCESS);
    CASE(ReadOnly, PAGE_SIZE, IoWriteAccess, STATUS_ACCESS_VIOLATION);
    CASE(Kernel, PAGE_SIZE, IoReadAccess, STATUS_ACCESS_VIOLATION);
    CASE(MM_HIGHEST_USER_ADDRESS - 10, 100, IoReadAccess, STATUS_ACCESS_VIOLATION);
    CASE(NULL, 100, IoReadAccess, STATUS_ACCESS_VIOLATION);
#undef CASE
    for (ULONG i = 0; i < Count; i++) {
        PMDL Mdl = UserMdl(Cases[i].Base, Cases[i].Length);
        EXPECT_EQUAL((ULONG)UserLock(Mdl, Cases[i].Operation), (ULONG)Cases[i].Status);
        if (NT_SUCCESS(Cases[i].Status)) {
            MmUnlockPages(Mdl);
        }
        EXPECT_EQUAL(Test.Process->LockedPages, 0);
        EXPECT(!(Mdl->MdlFlags & MDL_PAGES_LOCKED));
        ExFreePoolWithTag(Mdl, TAG);
    }
    UserDetach(&Test);
    UserDelete(&Test);
    ExFreePoolWithTag(Kernel, TAG);
}

/* A client of its own: fills, checks after others have pushed it out, over and over. */
static VOID UserThread(PVOID Context)
{
    TEST_PROCESS Test;
    PVOID Base = NULL;
    ULONG64 Seed = (ULONG64)Context * 1000;

    UserCreate(&Test);
    UserAttach(&Test);
    EXPECT_EQUAL(MmAllocateUserMemory(&Base, USER_PAGES * PAGE_SIZE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    for (ULONG Round = 0; Round < 20; Round++) {
        UserFill(Base, USER_PAGES, Seed + Round);
        if (Round % 4 == (ULONG64)Context) {
            MmPageOutEverything(Round % 8 < 4);
        }
        TestSleep(1);
        EXPECT_EQUAL(UserWrong(Base, USER_PAGES, Seed + Round), 0);
    }
    UserDetach(&Test);
    UserDelete(&Test);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

GUEST_TEST(mm_user_processes_page_side_by_side)
{
    PKTHREAD Threads[4];
    for (ULONG i = 0; i < 4; i++) {
        Threads[i] = TestStartThread(UserThread, (PVOID)(ULONG_PTR)i);
    }
    for (ULONG i = 0; i < 4; i++) {
        TestJoinThread(Threads[i]);
    }
}
