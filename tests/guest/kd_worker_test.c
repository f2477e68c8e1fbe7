/* SPDX-License-Identifier: MIT */
/* The worker of .pagein, without the break at its end, as no debugger is enabled here. */
#include "test.h"

#include "ex/ex.h"
#include "kd/kd.h"
#include "mm/mi.h"
#include "ps/psp.h"

#define TAG 'tsKT'

extern PEPROCESS ExpDebuggerProcessAttach, ExpDebuggerProcessKill;
extern PVOID ExpDebuggerPageIn;
extern volatile LONG ExpDebuggerWork;

/* What a debugger does: operands, 1, and the target goes on. TRUE: the worker has taken them. */
static BOOLEAN Request(PEPROCESS Attach, PEPROCESS Kill, PVOID Address)
{
    LARGE_INTEGER Tick = {.QuadPart = -100000};
    EXPECT(KdEnterDebugger(NULL));
    ExpDebuggerProcessAttach = Attach;
    ExpDebuggerProcessKill = Kill;
    ExpDebuggerPageIn = Address;
    ExpDebuggerWork = WINKD_WORKER_START;
    KdExitDebugger(NULL);
    EXPECT(ExpDebuggerWork != WINKD_WORKER_START); /* queued at once */
    for (ULONG Try = 0; Try < 500 && ExpDebuggerWork != WINKD_WORKER_READY; Try++) {
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    return ExpDebuggerWork == WINKD_WORKER_READY && ExpDebuggerPageIn == NULL;
}

/* The worker works at PASSIVE_LEVEL and may be preempted: its result comes a moment later. */
static BOOLEAN BecomesValid(PVOID Address)
{
    LARGE_INTEGER Tick = {.QuadPart = -100000};
    for (ULONG Try = 0; Try < 500 && !MmIsAddressValid(Address); Try++) {
        KeDelayExecutionThread(KernelMode, FALSE, &Tick);
    }
    return MmIsAddressValid(Address);
}

GUEST_TEST(kd_worker_pages_in_paged_pool)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG);
    EXPECT(Memory != NULL);
    Memory[0] = 1;
    Memory[PAGE_SIZE] = 2;
    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Memory) && !MmIsAddressValid(Memory + PAGE_SIZE));
    EXPECT(Request(NULL, NULL, Memory + 100));
    EXPECT(BecomesValid(Memory));
    EXPECT(!MmIsAddressValid(Memory + PAGE_SIZE)); /* one page */
    EXPECT(Request(NULL, NULL, Memory));           /* again: it is resident */
    EXPECT(MmIsAddressValid(Memory));
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(kd_worker_survives_any_address)
{
    PVOID Nonpaged = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    PVOID Freed = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    EXPECT(Nonpaged != NULL && Freed != NULL);
    ExFreePoolWithTag(Freed, TAG);
    PVOID const Addresses[] = {
        (PVOID)1, (PVOID)0x1000, (PVOID)MM_HIGHEST_USER_ADDRESS, (PVOID)0x8000000000000ull,
        (PVOID)MM_SYSTEM_RANGE_START, (PVOID)MM_PTE_BASE, (PVOID)MM_PHYSICAL_MAP,
        (PVOID)(MM_PHYSICAL_MAP + 0x7000000000ull), (PVOID)KI_USER_SHARED_DATA,
        (PVOID)MM_SYSTEM_PTES_START, (PVOID)MM_IMAGES_START, (PVOID)MM_PAGED_POOL_START,
        (PVOID)MM_PFN_DATABASE, (PVOID)~0ull, (PVOID)DbgBreakPoint, &ExpDebuggerPageIn, Nonpaged,
        Freed, KiCurrentThread()->StackLimit, (PUCHAR)KiCurrentThread()->StackLimit - PAGE_SIZE,
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Addresses); i++) {
        EXPECT(Request(NULL, NULL, Addresses[i]));
    }
    ULONG64 State = TestRandomState(0);
    for (ULONG i = 0; i < 200; i++) {
        ULONG Frame;
        PVOID Address = (PVOID)(TestNextRandom(&State) | (i % 2 ? MM_SYSTEM_RANGE_START : 0));
        if (NT_SUCCESS(MiDebuggerPageIn(Address, &Frame))) {
            EXPECT(MmIsAddressValid(Address));
            MiDebuggerReleasePage(Frame);
        }
    }
    EXPECT_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_EQUAL(MiVerifyAll(), 0);
    ExFreePoolWithTag(Nonpaged, TAG);
}

GUEST_TEST(kd_worker_attaches_to_a_process)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    PVOID Base = NULL, Guard = NULL;
    ULONG Frame;
    EXPECT_EQUAL(PspCreateProcess("kd-worker", &Process), STATUS_SUCCESS);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    EXPECT_EQUAL(MmAllocateUserMemory(&Base, PAGE_SIZE, PAGE_READWRITE), STATUS_SUCCESS);
    EXPECT_EQUAL(MmAllocateUserMemory(&Guard, PAGE_SIZE, PAGE_READWRITE | PAGE_GUARD),
                 STATUS_SUCCESS);
    *(volatile UCHAR *)Base = 5;
    MmPageOutEverything(TRUE);
    EXPECT(!MmIsAddressValid(Base));
    EXPECT(Request(Process, NULL, Base));
    EXPECT(BecomesValid(Base));
    EXPECT_EQUAL(*(volatile UCHAR *)Base, 5);
    /* The guard is not sprung, however often it is asked for. */
    EXPECT_EQUAL(MiDebuggerPageIn(Guard, &Frame), STATUS_GUARD_PAGE_VIOLATION);
    EXPECT_EQUAL(MiDebuggerPageIn(Guard, &Frame), STATUS_GUARD_PAGE_VIOLATION);
    KeUnstackDetachProcess(&ApcState);
    EXPECT(Request((PEPROCESS)0x1234, NULL, NULL)); /* no such process: told, and no harm */
    EXPECT(Request(NULL, PsInitialSystemProcess, NULL));
    EXPECT_EQUAL(PsInitialSystemProcess->ExitStatus, STATUS_PENDING);

    LARGE_INTEGER Limit = {.QuadPart = -50000000};
    EXPECT(Request(NULL, Process, NULL));
    EXPECT_EQUAL(KeWaitForSingleObject(Process, Executive, KernelMode, FALSE, &Limit),
                 STATUS_SUCCESS);
    EXPECT_EQUAL(Process->ExitStatus, DBG_TERMINATE_PROCESS);
    ObDereferenceObject(Process);
}
