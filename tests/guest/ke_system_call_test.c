/* SPDX-License-Identifier: MIT */
/* The way into the kernel from ring 3 and back: registers, arguments, exceptions, the end. */
#include "ke/system_service.h"
#include "ring3.h"

extern const UCHAR Ring3Registers[], Ring3Calls[], Ring3NoStack[], Ring3Exit[], Ring3Spin[],
    Ring3Wait[], Ring3KeepFloating[];

#define CALL_BLOCK(n) (0x10u + 0x70u * (n))
#define CALL_RESULT 8
#define CALL_ARGUMENT(n) (0x10u + 8u * (n))

typedef struct _SEEN_SERVICE {
    ULONG64 Argument[KI_SERVICE_ARGUMENTS];
    ULONG64 Flags;
    KIRQL Irql;
    KPROCESSOR_MODE Mode;
    PEPROCESS Process;
    BOOLEAN FromUserMode; /* says the trap frame, which is gone with the thread */
} SEEN_SERVICE;
static SEEN_SERVICE Seen;

static NTSTATUS SeeService(ULONG64 A0, ULONG64 A1, ULONG64 A2, ULONG64 A3, ULONG64 A4, ULONG64 A5,
                           ULONG64 A6, ULONG64 A7, ULONG64 A8, ULONG64 A9, ULONG64 A10)
{
    Seen = (SEEN_SERVICE){{A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10}};
    __asm__ volatile("pushfq; popq %0" : "=r"(Seen.Flags));
    Seen.Irql = KeGetCurrentIrql();
    Seen.Mode = ExGetPreviousMode();
    Seen.Process = PsGetCurrentProcess();
    PKTRAP_FRAME TrapFrame = KeGetCurrentThread()->TrapFrame;
    Seen.FromUserMode = TrapFrame != NULL && TrapFrame->PreviousMode == UserMode;
    return STATUS_ALERTED;
}

/* Puts a service of the test's in the place of one of eleven arguments while routine runs. */
static NTSTATUS RunWithService(RING3 *Test, const UCHAR *Routine)
{
    KI_SERVICE Saved = KiServiceTable[SERVICE_NtCreateFile];
    KiServiceTable[SERVICE_NtCreateFile].Routine = SeeService;
    NTSTATUS Status = Ring3Run(Test, Routine);
    KiServiceTable[SERVICE_NtCreateFile] = Saved;
    return Status;
}

GUEST_TEST(ke_system_call_preserves_registers)
{
    static const ULONG64 Expected[] = {
        0x2222, 0x8888, 0x9999, 0x1010, 0xbbbb, 0x5151, 0xd1d1, 0xb9b9,
        0x1313, 0x1414, 0x1515, 0x1313, 0x1414, 0x1515, 0xbbbb, 0x9f80,
    };
    RING3 Test;
    Ring3Create(&Test);
    Ring3Put(&Test, 0, SERVICE_NtCreateFile);
    EXPECT_EQUAL(RunWithService(&Test, Ring3Registers), RING3_EXIT);
    EXPECT_EQUAL(Ring3Get(&Test, 8), STATUS_ALERTED);
    EXPECT_EQUAL(Ring3Get(&Test, 0x10) & 0x600, 0x600); /* DF as it was, IF on */
    for (ULONG i = 0; i < RTL_NUMBER_OF(Expected); i++) {
        EXPECT_EQUAL(Ring3Get(&Test, 0x18 + 8 * i), Expected[i]);
    }
    EXPECT_EQUAL(Ring3Get(&Test, 0x98) & (PAGE_SIZE - 1), 0); /* gs:30h is the TEB */
    EXPECT_EQUAL(Ring3Get(&Test, 0xa0), 0x33);
    EXPECT_EQUAL(Seen.Argument[0], 0x1010);
    EXPECT_EQUAL(Seen.Argument[1], 0x2222);
    EXPECT_EQUAL(Seen.Flags & 0x44700, 0x200); /* in the kernel: IF on, DF, TF, NT, AC off */
    EXPECT_EQUAL(Seen.Irql, PASSIVE_LEVEL);
    EXPECT_EQUAL(Seen.Mode, UserMode);
    EXPECT_EQUAL((ULONG64)Seen.Process, (ULONG64)Test.Process);
    EXPECT(Seen.FromUserMode);
    Ring3Delete(&Test);
}

GUEST_TEST(ke_system_call_arguments_of_the_stack)
{
    RING3 Test;
    Ring3Create(&Test);
    Ring3Put(&Test, 0, 1);
    Ring3Put(&Test, CALL_BLOCK(0), SERVICE_NtCreateFile);
    for (ULONG i = 0; i < KI_SERVICE_ARGUMENTS; i++) {
        Ring3Put(&Test, CALL_BLOCK(0) + CALL_ARGUMENT(i), 0x1111111111111111ull * (i + 1));
    }
    EXPECT_EQUAL(RunWithService(&Test, Ring3Calls), RING3_EXIT);
    for (ULONG i = 0; i < KI_SERVICE_ARGUMENTS; i++) {
        EXPECT_EQUAL(Seen.Argument[i], 0x1111111111111111ull * (i + 1));
    }
    /* A stack that is none is an error for a service that has arguments there. */
    Seen = (SEEN_SERVICE){{0}};
    Ring3Put(&Test, 0, SERVICE_NtCreateFile);
    EXPECT_EQUAL(RunWithService(&Test, Ring3NoStack), RING3_EXIT);
    for (ULONG i = 0; i < 3; i++) {
        EXPECT_EQUAL((ULONG)Ring3Get(&Test, 8 + 8 * i), (ULONG)STATUS_ACCESS_VIOLATION);
    }
    EXPECT(!Seen.FromUserMode);
    Ring3Delete(&Test);
}

GUEST_TEST(ke_system_call_of_no_service)
{
    static const ULONG Numbers[] = {SERVICE_COUNT, 0x7fffffff, 0xffffffff};
    RING3 Test;
    Ring3Create(&Test);
    Ring3Put(&Test, 0, RTL_NUMBER_OF(Numbers));
    for (ULONG i = 0; i < RTL_NUMBER_OF(Numbers); i++) {
        Ring3Put(&Test, CALL_BLOCK(i), Numbers[i]);
    }
    EXPECT_EQUAL(Ring3Run(&Test, Ring3Calls), RING3_EXIT);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Numbers); i++) {
        EXPECT_EQUAL((ULONG)Ring3Get(&Test, CALL_BLOCK(i) + CALL_RESULT),
                     (ULONG)STATUS_INVALID_SYSTEM_SERVICE);
    }
    Ring3Delete(&Test);
}

/* Each service, each argument a bad address in turn: a status, never a bug check. */
GUEST_TEST(ke_system_call_bad_pointers)
{
    static const ULONG64 Bad[] = {0, 1, 0x1000, 0x7ffe0000, 0x7ffe0ffc, 0x7fffffff0000,
                                  0x800000000000, 0xfffff78000000000, 0xfffff6fb7dbed000,
                                  0xffffffffffffffff};
    RING3 Test;
    Ring3Create(&Test);
    for (ULONG Service = 0; Service < SERVICE_COUNT; Service++) {
        if (Service == SERVICE_NtTerminateProcess || Service == SERVICE_NtTerminateThread ||
            Service == SERVICE_NtContinue) { /* they do not come back */
            continue;
        }
        for (ULONG i = 0; i < RTL_NUMBER_OF(Bad); i++) {
            Ring3Put(&Test, 0, 1);
            Ring3Put(&Test, CALL_BLOCK(0), Service);
            Ring3Put(&Test, CALL_BLOCK(0) + CALL_RESULT, 0);
            for (ULONG Argument = 0; Argument < KI_SERVICE_ARGUMENTS; Argument++) {
                Ring3Put(&Test, CALL_BLOCK(0) + CALL_ARGUMENT(Argument), Bad[i]);
            }
            EXPECT_EQUAL(Ring3Run(&Test, Ring3Calls), RING3_EXIT);
            NTSTATUS Status = (NTSTATUS)Ring3Get(&Test, CALL_BLOCK(0) + CALL_RESULT);
            if (NT_SUCCESS(Status) && Service != SERVICE_NtClose &&
                Service != SERVICE_NtTestAlert) {
                GuestTestFail(__FILE__, __LINE__, "service %d with %I64x gave %x", Service, Bad[i],
                              Status);
            }
        }
    }
    Ring3Delete(&Test);
}

#define FAULT(name) extern const UCHAR name[];
FAULT(Ring3Privileged) FAULT(Ring3Undefined) FAULT(Ring3Breakpoint) FAULT(Ring3Divide)
FAULT(Ring3ReadKernel) FAULT(Ring3ReadNothing) FAULT(Ring3ReadNonCanonical)
FAULT(Ring3StackNonCanonical) FAULT(Ring3JumpKernel) FAULT(Ring3JumpData) FAULT(Ring3WriteCode)
FAULT(Ring3Trap) FAULT(Ring3FastFail) FAULT(Ring3DebugPrint)
FAULT(Ring3Interrupt) FAULT(Ring3CompatibilitySyscall) FAULT(Ring3BadGs)

static const struct {
    const UCHAR *Routine;
    NTSTATUS Status;
} Faults[] = {
    {Ring3Privileged, STATUS_ACCESS_VIOLATION},
    {Ring3Undefined, STATUS_ILLEGAL_INSTRUCTION},
    {Ring3Breakpoint, STATUS_BREAKPOINT},
    {Ring3Divide, STATUS_INTEGER_DIVIDE_BY_ZERO},
    {Ring3ReadKernel, STATUS_ACCESS_VIOLATION},
    {Ring3ReadNothing, STATUS_ACCESS_VIOLATION},
    {Ring3ReadNonCanonical, STATUS_ACCESS_VIOLATION},
    {Ring3StackNonCanonical, STATUS_ACCESS_VIOLATION},
    {Ring3JumpKernel, STATUS_ACCESS_VIOLATION},
    {Ring3JumpData, STATUS_ACCESS_VIOLATION},
    {Ring3WriteCode, STATUS_ACCESS_VIOLATION},
    {Ring3Trap, STATUS_SINGLE_STEP},
    {Ring3FastFail, STATUS_STACK_BUFFER_OVERRUN},
    {Ring3DebugPrint, STATUS_BREAKPOINT},
    {Ring3Interrupt, STATUS_ACCESS_VIOLATION},
    {Ring3CompatibilitySyscall, STATUS_ILLEGAL_INSTRUCTION},
    {Ring3BadGs, STATUS_ACCESS_VIOLATION},
};

static ULONG FaultsTold;
static NTSTATUS FaultTold;

static VOID TellFault(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    FaultsTold++;
    FaultTold = Record->ExceptionCode;
    EXPECT(Context->SegCs & 1);
}

/* An exception of ring 3 ends its process, with its code, and nothing else. */
GUEST_TEST(ke_exceptions_of_ring_3_end_the_process)
{
    VOID (*Hook)(PEXCEPTION_RECORD, PCONTEXT) = PspUserExceptionHook;
    PspUserExceptionHook = TellFault;
    for (ULONG i = 0; i < RTL_NUMBER_OF(Faults); i++) {
        RING3 Test;
        LARGE_INTEGER Patience = {.QuadPart = TEST_PATIENCE};
        ULONG Told = FaultsTold;
        Ring3Create(&Test);
        EXPECT_EQUAL((ULONG)Ring3Run(&Test, Faults[i].Routine), (ULONG)Faults[i].Status);
        EXPECT_EQUAL(FaultsTold, Told + 1);
        EXPECT_EQUAL((ULONG)FaultTold, (ULONG)Faults[i].Status);
        EXPECT(Test.Process->Terminating);
        EXPECT_EQUAL(KeWaitForSingleObject(Test.Process, Executive, KernelMode, FALSE, &Patience),
                     STATUS_SUCCESS);
        EXPECT_EQUAL((ULONG)PsGetProcessExitStatus(Test.Process), (ULONG)Faults[i].Status);
        Ring3Delete(&Test);
    }
    PspUserExceptionHook = Hook;
}

/* Threads that run, that wait, and that have not begun end when their process is ended. */
GUEST_TEST(ke_threads_of_ring_3_are_ended_from_outside)
{
    RING3 Test;
    PETHREAD Threads[3];
    HANDLE Event;

    Ring3Create(&Test);
    Ring3Attach(&Test);
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, NULL, 0, NULL, NULL);
    EXPECT_EQUAL(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, FALSE),
                 STATUS_SUCCESS);
    Ring3Detach(&Test);
    Ring3Put(&Test, 0, (ULONG64)Event);
    Threads[0] = Ring3Start(&Test, Ring3Wait);
    TEST_AWAIT(Threads[0]->Tcb.State == Waiting && Threads[0]->Tcb.WaitMode == UserMode);
    Threads[1] = Ring3Start(&Test, Ring3Spin);
    ULONG64 Before = Ring3Get(&Test, 0);
    TEST_AWAIT(Ring3Get(&Test, 0) > Before);
    Threads[2] = Ring3Start(&Test, Ring3Spin);
    EXPECT_EQUAL(PspTerminateProcess(Test.Process, STATUS_CANCELLED), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)PspTerminateProcess(Test.Process, 0), (ULONG)STATUS_PROCESS_IS_TERMINATING);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Threads); i++) {
        EXPECT_EQUAL((ULONG)Ring3Join(Threads[i]), (ULONG)STATUS_CANCELLED);
    }
    EXPECT_EQUAL(Ring3Get(&Test, 8), 0); /* the wait did not return to user mode */
    EXPECT_EQUAL(ObpHandleToClose(Test.Process->ObjectTable), NULL);
    Ring3Delete(&Test);
}

/* The pages of code, stack and data leave while ring 3 runs, and it does not notice. */
GUEST_TEST(ke_ring_3_is_pageable)
{
    RING3 Test;
    Ring3Create(&Test);
    PETHREAD Thread = Ring3Start(&Test, Ring3Spin);
    for (ULONG i = 0; i < 10; i++) {
        ULONG64 Before = Ring3Get(&Test, 0);
        MmPageOutEverything(TRUE);
        TEST_AWAIT(Ring3Get(&Test, 0) > Before);
    }
    EXPECT_EQUAL(PspTerminateThread(Thread, STATUS_CANCELLED), STATUS_SUCCESS);
    EXPECT_EQUAL((ULONG)Ring3Join(Thread), (ULONG)STATUS_CANCELLED);
    Ring3Delete(&Test);
}

#define FLOATING_THREADS 3
#define FLOATING_SWITCHES 20u

/* x87, MMX and SSE registers are each thread's own, however often threads take turns. */
GUEST_TEST(ke_floating_state_is_kept_for_each_thread)
{
    RING3 Test;
    PETHREAD Threads[FLOATING_THREADS];
    Ring3Create(&Test);
    for (ULONG i = 0; i < FLOATING_THREADS; i++) {
        Threads[i] = Ring3Start(&Test, Ring3KeepFloating);
    }
    for (ULONG i = 0; i < FLOATING_THREADS; i++) {
        TEST_AWAIT(Ring3Get(&Test, 0x20 + 8 * i) > 1);
        ULONG Before = Threads[i]->Tcb.ContextSwitches;
        TEST_AWAIT(Threads[i]->Tcb.ContextSwitches - Before >= FLOATING_SWITCHES);
    }
    Ring3Put(&Test, 8, 1);
    for (ULONG i = 0; i < FLOATING_THREADS; i++) {
        EXPECT_EQUAL(Ring3Join(Threads[i]), RING3_EXIT);
    }
    EXPECT_EQUAL(Ring3Get(&Test, 0x10), 0);
    EXPECT_EQUAL(Ring3Get(&Test, 0x18), 0);
    Ring3Delete(&Test);
}

/* ---- what ends in a bug check: tests/system/run runs these by name and looks for it ---- */

static NTSTATUS (*Misbehave)(VOID);

static NTSTATUS MisbehavingService(ULONG64 A0, ULONG64 A1, ULONG64 A2, ULONG64 A3, ULONG64 A4,
                                   ULONG64 A5, ULONG64 A6, ULONG64 A7, ULONG64 A8, ULONG64 A9,
                                   ULONG64 A10)
{
    return Misbehave();
}

static VOID CrashInService(NTSTATUS (*Routine)(VOID))
{
    RING3 Test;
    Misbehave = Routine;
    KiServiceTable[SERVICE_NtCreateFile].Routine = MisbehavingService;
    Ring3Create(&Test);
    Ring3Put(&Test, 0, 1);
    Ring3Put(&Test, CALL_BLOCK(0), SERVICE_NtCreateFile);
    Ring3Run(&Test, Ring3Calls);
    EXPECT(!"returned");
}

static NTSTATUS ReturnRaised(VOID)
{
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
    return STATUS_SUCCESS;
}

/* 0x4A: P1 the service's routine, P2 the IRQL. */
GUEST_TEST(crash_service_returns_raised)
{
    CrashInService(ReturnRaised);
}

static NTSTATUS ReturnInCriticalRegion(VOID)
{
    KeEnterCriticalRegion();
    return STATUS_SUCCESS;
}

/* 0x01: P3 the counts of disabled APCs, P4 0: a system call. */
GUEST_TEST(crash_service_leaves_apcs_disabled)
{
    CrashInService(ReturnInCriticalRegion);
}

static NTSTATUS ReturnAttached(VOID)
{
    static KAPC_STATE ApcState;
    KeStackAttachProcess(&PsInitialSystemProcess->Pcb, &ApcState);
    return STATUS_SUCCESS;
}

/* 0x01: P2 says that another address space is current. */
GUEST_TEST(crash_service_stays_attached)
{
    CrashInService(ReturnAttached);
}

static NTSTATUS ReturnByException(VOID)
{
    ExRaiseStatus(STATUS_DATA_ERROR);
}

/* 0x3B: P1 the exception. */
GUEST_TEST(crash_service_raises)
{
    CrashInService(ReturnByException);
}

/* [SMEP] 0xFC: kernel mode calls what user mode may execute. */
GUEST_TEST(crash_call_into_user_memory)
{
    RING3 Test;
    Ring3Create(&Test);
    Ring3Attach(&Test);
    ((VOID (*)(VOID))(ULONG_PTR)Test.Code)();
    EXPECT(!"returned");
}
