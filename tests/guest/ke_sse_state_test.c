/* SPDX-License-Identifier: MIT */
/*
 * A thread's SSE registers survive what interrupts it: device interrupts and DPCs that use them,
 * context switches to threads that use them, soft and hard page faults.
 */
#include "test_thread.h"

#include "hal/hal.h"
#include "ke/interrupt_object.h"
#include "mm/mm.h"
#include "nt/ex.h"
#include "nt/io.h"
#include "nt/rtl.h"

#define TAG 'esTS'
#define SSE_VECTOR 0x63 /* IRQL 6, no ISA line */
#define SSE_PAGES 48
#define APIC_COMMAND_LOW 0x300
#define COMMAND_SELF (1u << 18)

typedef struct _TEST_SSE_WORK {
    ULONG64 Rounds;
    volatile UCHAR *Memory; /* Pages pages; each is touched in turn */
    ULONG64 Pages;
    volatile ULONG *CommandPort; /* gets Command every 32nd round, or NULL */
    ULONG64 Command;
    ULONG64 Reserved;
    ULONG64 Start[16][2];
    ULONG64 End[16][2];
} TEST_SSE_WORK;
C_ASSERT(offsetof(TEST_SSE_WORK, Start) == 0x30);
C_ASSERT(offsetof(TEST_SSE_WORK, End) == 0x130);

VOID TestSseCompute(TEST_SSE_WORK *Work);
VOID TestSseClobber(VOID);

static VOID SseSeed(TEST_SSE_WORK *Work, ULONG64 Seed)
{
    for (ULONG i = 0; i < 16; i++) {
        for (ULONG Half = 0; Half < 2; Half++) {
            Seed = Seed * 6364136223846793005ull + 1442695040888963407ull;
            Work->Start[i][Half] = Seed;
        }
    }
}

/* The same rounds in integer registers, which nothing of this test can disturb. */
static VOID SseReference(const TEST_SSE_WORK *Work, ULONG64 Rounds, ULONG64 End[16][2])
{
    __builtin_memcpy(End, Work->Start, sizeof(Work->Start));
    for (ULONG64 Round = 0; Round < Rounds; Round++) {
        for (ULONG i = 0; i < 16; i++) {
            End[i][0] += End[(i + 1) % 16][0];
            End[i][1] += End[(i + 1) % 16][1];
        }
    }
}

static ULONG SseWrongRegisters(const TEST_SSE_WORK *Work)
{
    ULONG64 End[16][2];
    ULONG Wrong = 0;

    SseReference(Work, Work->Rounds, End);
    for (ULONG i = 0; i < 16; i++) {
        Wrong |= (End[i][0] != Work->End[i][0] || End[i][1] != Work->End[i][1]) << i;
    }
    return Wrong;
}

static volatile ULONG SseInterrupts, SseDpcs;
static KDPC SseDpc;

static VOID SseDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    TestSseClobber();
    SseDpcs++;
}

static BOOLEAN SseInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    TestSseClobber();
    SseInterrupts++;
    KeInsertQueueDpc(&SseDpc, NULL, NULL);
    return TRUE;
}

GUEST_TEST(ke_sse_state_survives_interrupts_and_dpcs)
{
    TEST_SSE_WORK *Work = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Work), TAG);
    PVOID Memory = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    PKINTERRUPT Interrupt;

    SseInterrupts = SseDpcs = 0;
    KeInitializeDpc(&SseDpc, SseDpcRoutine, NULL);
    EXPECT_EQUAL(IoConnectInterrupt(&Interrupt, SseInterrupt, NULL, NULL, SSE_VECTOR,
                                    SSE_VECTOR >> 4, SSE_VECTOR >> 4, Latched, FALSE, 1, FALSE),
                 STATUS_SUCCESS);
    RtlZeroMemory(Work, sizeof(*Work));
    SseSeed(Work, GuestTestSeed());
    Work->Rounds = 200000;
    Work->Memory = Memory;
    Work->Pages = 1;
    Work->CommandPort = HalpLocalApic(APIC_COMMAND_LOW);
    Work->Command = COMMAND_SELF | SSE_VECTOR;
    TestSseCompute(Work);
    IoDisconnectInterrupt(Interrupt);
    KeFlushQueuedDpcs();
    EXPECT_EQUAL(SseWrongRegisters(Work), 0);
    EXPECT(SseInterrupts > 1000);
    EXPECT(SseDpcs > 1000);
    ExFreePoolWithTag(Memory, TAG);
    ExFreePoolWithTag(Work, TAG);
}

/* Passes over pageable memory that was sent away before each pass. */
static VOID SseOverFaults(BOOLEAN Evict, ULONG Passes)
{
    TEST_SSE_WORK *Work = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Work), TAG);
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, SSE_PAGES * PAGE_SIZE, TAG);
    MM_COUNTERS Before, After;

    RtlZeroMemory(Work, sizeof(*Work));
    RtlZeroMemory(Memory, SSE_PAGES * PAGE_SIZE);
    Work->Memory = Memory;
    Work->Pages = SSE_PAGES;
    Work->Rounds = 3 * SSE_PAGES;
    MmQueryCounters(&Before);
    for (ULONG Pass = 0; Pass < Passes; Pass++) {
        SseSeed(Work, GuestTestSeed() + Pass);
        MmPageOutEverything(Evict);
        TestSseCompute(Work);
        EXPECT_EQUAL(SseWrongRegisters(Work), 0);
    }
    MmQueryCounters(&After);
    if (Evict) {
        EXPECT(After.HardFaults - Before.HardFaults >= Passes);
        EXPECT(After.PagesRead - Before.PagesRead >= Passes * SSE_PAGES);
    } else {
        EXPECT(After.SoftFaults - Before.SoftFaults >= Passes * SSE_PAGES);
    }
    for (ULONG Page = 0; Page < SSE_PAGES; Page++) {
        EXPECT_EQUAL(Memory[Page * PAGE_SIZE], (UCHAR)(3 * Passes));
    }
    ExFreePoolWithTag(Memory, TAG);
    ExFreePoolWithTag(Work, TAG);
}

GUEST_TEST(ke_sse_state_survives_soft_faults)
{
    SseOverFaults(FALSE, 40);
}

GUEST_TEST(ke_sse_state_survives_hard_faults)
{
    SseOverFaults(TRUE, 10);
}

#define SSE_THREADS 3

static volatile LONG SseThreadsLeft;
static volatile ULONG SseWrong;

static VOID SseThread(PVOID Context)
{
    TEST_SSE_WORK *Work = Context;

    TestSseCompute(Work);
    SseWrong |= SseWrongRegisters(Work);
    InterlockedDecrement(&SseThreadsLeft);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Threads of one priority share the processor while another sends their pages away. */
GUEST_TEST(ke_sse_state_survives_context_switches)
{
    TEST_SSE_WORK *Work[SSE_THREADS];
    PKTHREAD Threads[SSE_THREADS];
    PVOID Memory[SSE_THREADS];
    ULONG Switches = 0;

    SseThreadsLeft = SSE_THREADS;
    SseWrong = 0;
    for (ULONG i = 0; i < SSE_THREADS; i++) {
        Work[i] = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Work[i]), TAG);
        Memory[i] = ExAllocatePoolWithTag(PagedPool, 8 * PAGE_SIZE, TAG);
        RtlZeroMemory(Work[i], sizeof(*Work[i]));
        SseSeed(Work[i], GuestTestSeed() + i);
        Work[i]->Memory = Memory[i];
        Work[i]->Pages = 8;
        Work[i]->Rounds = 4000000; /* several quanta */
        Threads[i] = TestStartThread(SseThread, Work[i]);
    }
    KPRIORITY Priority = KeSetPriorityThread(KeGetCurrentThread(), LOW_REALTIME_PRIORITY);
    for (ULONG Try = 0; SseThreadsLeft > 0 && Try < 1000; Try++) {
        MmPageOutEverything((Try & 3) == 0);
        TestSleep(10);
    }
    KeSetPriorityThread(KeGetCurrentThread(), Priority);
    for (ULONG i = 0; i < SSE_THREADS; i++) {
        LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
        KeWaitForSingleObject(Threads[i], Executive, KernelMode, FALSE, &Patience);
        Switches += Threads[i]->ContextSwitches;
        TestJoinThread(Threads[i]);
        ExFreePoolWithTag(Memory[i], TAG);
        ExFreePoolWithTag(Work[i], TAG);
    }
    EXPECT_EQUAL(SseWrong, 0);
    EXPECT(Switches > 5 * SSE_THREADS);
}
