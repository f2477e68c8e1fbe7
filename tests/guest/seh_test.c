/* SPDX-License-Identifier: MIT */
/*
 * Structured exception handling, as kernel and driver code use it. Runs in the guest, and natively
 * under Linux by tests/unit/seh_native (SEH_NATIVE), where signals take the place of traps.
 *
 * 10h lies in the lowest page of the user half, which nobody maps: a kernel reference to it is an
 * access violation and not a bug check. The tests run at PASSIVE_LEVEL.
 */
#ifdef SEH_NATIVE
#include "native_test.h"
#else
#include "test.h"
#endif
#include "nt/ke.h"
#include "nt/se.h"

#define NOINLINE __attribute__((noinline))
#define BAD_ADDRESS ((volatile ULONG *)0x10)
#define STATUS_TEST ((NTSTATUS)0xe0001234)

static volatile ULONG SehTrace[16];
static volatile ULONG SehTraceCount;

static VOID SehTraceClear(VOID)
{
    SehTraceCount = 0;
}

static NOINLINE VOID SehTraceAdd(ULONG Mark)
{
    if (SehTraceCount < RTL_NUMBER_OF(SehTrace)) {
        SehTrace[SehTraceCount] = Mark;
    }
    SehTraceCount++;
}

static BOOLEAN SehTraceIs(ULONG Count, const ULONG *Marks)
{
    if (SehTraceCount != Count) {
        return FALSE;
    }
    for (ULONG Index = 0; Index < Count; Index++) {
        if (SehTrace[Index] != Marks[Index]) {
            return FALSE;
        }
    }
    return TRUE;
}

#define EXPECT_TRACE(...)                                           \
    do {                                                            \
        static const ULONG Marks[] = {__VA_ARGS__};                 \
        EXPECT(SehTraceIs((ULONG)RTL_NUMBER_OF(Marks), Marks));     \
    } while (0)

/* ---- faults ---- */

GUEST_TEST(SehReadFaultIsCaught)
{
    volatile ULONG State = 0;

    __try {
        State = 1;
        (void)*BAD_ADDRESS;
        State = 2;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        EXPECT(GetExceptionCode() == STATUS_ACCESS_VIOLATION);
        EXPECT(State == 1);
        State = 3;
    }
    EXPECT(State == 3);
}

static NOINLINE LONG SehCheckInformation(PEXCEPTION_POINTERS Pointers, ULONG_PTR Access,
                                         ULONG_PTR Address)
{
    PEXCEPTION_RECORD Record = Pointers->ExceptionRecord;

    EXPECT(Record->ExceptionCode == STATUS_ACCESS_VIOLATION);
    EXPECT(Record->ExceptionFlags == 0);
    EXPECT(Record->NumberParameters == 2);
    EXPECT(Record->ExceptionInformation[0] == Access);
    EXPECT(Record->ExceptionInformation[1] == Address);
    EXPECT((ULONG64)Record->ExceptionAddress == Pointers->ContextRecord->Rip);
    return EXCEPTION_EXECUTE_HANDLER;
}

GUEST_TEST(SehExceptionInformation)
{
    volatile ULONG Caught = 0;

    __try {
        (void)*BAD_ADDRESS;
    } __except (SehCheckInformation(GetExceptionInformation(), EXCEPTION_READ_FAULT, 0x10)) {
        Caught++;
    }
    __try {
        *BAD_ADDRESS = 5;
    } __except (SehCheckInformation(GetExceptionInformation(), EXCEPTION_WRITE_FAULT, 0x10)) {
        Caught++;
    }
    EXPECT(Caught == 2);
}

GUEST_TEST(SehCallThroughNullPointer)
{
    VOID (*volatile Routine)(VOID) = NULL;
    volatile NTSTATUS Code = 0;

    __try {
        Routine();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_ACCESS_VIOLATION);
}

static NOINLINE ULONG SehDivide(ULONG Dividend, volatile ULONG *Divisor)
{
    return Dividend / *Divisor;
}

GUEST_TEST(SehDivideByZero)
{
    volatile ULONG Zero = 0;
    volatile ULONG Result = 77;
    volatile NTSTATUS Code = 0;

    __try {
        Result = SehDivide(100, &Zero);
    } __except (GetExceptionCode() == STATUS_INTEGER_DIVIDE_BY_ZERO ? EXCEPTION_EXECUTE_HANDLER
                                                                    : EXCEPTION_CONTINUE_SEARCH) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_INTEGER_DIVIDE_BY_ZERO);
    EXPECT(Result == 77);
}

/* ---- filters ---- */

GUEST_TEST(SehFilterChoosesByCode)
{
    volatile ULONG Where = 0;

    __try {
        __try {
            ExRaiseStatus(STATUS_TEST);
        } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION) {
            Where = 1;
        }
    } __except (GetExceptionCode() == STATUS_TEST) {
        Where = 2;
        EXPECT(GetExceptionCode() == STATUS_TEST);
    }
    EXPECT(Where == 2);
}

static volatile ULONG SehGoodValue = 0x600d;

/* A leaf without unwind data: reads [rcx] through rax. */
ULONG SehLoadThroughRax(volatile ULONG *Address);
__asm__(".text\n"
        ".globl SehLoadThroughRax\n"
        "SehLoadThroughRax:\n"
        "    movq %rcx, %rax\n"
        "    movl (%rax), %eax\n"
        "    retq\n");

static NOINLINE LONG SehRepairRax(PEXCEPTION_POINTERS Pointers)
{
    EXPECT(Pointers->ContextRecord->Rax == 0x10);
    Pointers->ContextRecord->Rax = (ULONG64)&SehGoodValue;
    return EXCEPTION_CONTINUE_EXECUTION;
}

GUEST_TEST(SehContinueExecution)
{
    volatile ULONG Value = 0;
    volatile ULONG Handled = 0;

    __try {
        Value = SehLoadThroughRax(BAD_ADDRESS);
    } __except (SehRepairRax(GetExceptionInformation())) {
        Handled = 1;
    }
    EXPECT(Value == 0x600d);
    EXPECT(Handled == 0);
}

static volatile ULONG SehFilterRuns;

/* Faults the first time it runs, and then passes on. */
static NOINLINE LONG SehFaultingFilter(VOID)
{
    SehFilterRuns++;
    if (SehFilterRuns == 1) {
        (void)*BAD_ADDRESS;
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

GUEST_TEST(SehFilterThatFaults)
{
    volatile NTSTATUS Code = 0;

    SehFilterRuns = 0;
    __try {
        __try {
            ExRaiseStatus(STATUS_TEST);
        } __except (SehFaultingFilter()) {
            EXPECT(FALSE);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_ACCESS_VIOLATION); /* of the filter: the newer exception wins */
    EXPECT(SehFilterRuns == 2);
}

static NOINLINE LONG SehGuardedFilter(VOID)
{
    volatile LONG Answer = EXCEPTION_CONTINUE_SEARCH;

    __try {
        (void)*BAD_ADDRESS;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Answer = EXCEPTION_EXECUTE_HANDLER;
    }
    return Answer;
}

GUEST_TEST(SehFilterWithOwnHandler)
{
    volatile NTSTATUS Code = 0;

    __try {
        ExRaiseStatus(STATUS_TEST);
    } __except (SehGuardedFilter()) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_TEST);
}

GUEST_TEST(SehNoncontinuable)
{
    volatile NTSTATUS Code = 0;

    __try {
        __try {
            ExRaiseStatus(STATUS_TEST);
        } __except (GetExceptionCode() == STATUS_TEST ? EXCEPTION_CONTINUE_EXECUTION
                                                      : EXCEPTION_CONTINUE_SEARCH) {
            EXPECT(FALSE);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_NONCONTINUABLE_EXCEPTION);
}

/* ---- raising ---- */

static NOINLINE VOID SehRaiseWithParameters(PEXCEPTION_RECORD Record)
{
    RtlRaiseException(Record);
    SehTraceAdd(1); /* reached when a filter continues */
}

static NOINLINE LONG SehCheckParameters(PEXCEPTION_POINTERS Pointers, LONG Answer)
{
    PEXCEPTION_RECORD Record = Pointers->ExceptionRecord;

    EXPECT(Record->NumberParameters == 2);
    EXPECT(Record->ExceptionInformation[0] == 0x1111);
    EXPECT(Record->ExceptionInformation[1] == 0x2222);
    EXPECT((ULONG64)Record->ExceptionAddress > (ULONG64)SehRaiseWithParameters);
    EXPECT((ULONG64)Record->ExceptionAddress < (ULONG64)SehRaiseWithParameters + 0x80);
    return Answer;
}

GUEST_TEST(SehRaiseException)
{
    EXCEPTION_RECORD Record = {
        .ExceptionCode = STATUS_TEST,
        .NumberParameters = 2,
        .ExceptionInformation = {0x1111, 0x2222},
    };

    SehTraceClear();
    __try {
        SehRaiseWithParameters(&Record);
        SehTraceAdd(2);
    } __except (SehCheckParameters(GetExceptionInformation(), EXCEPTION_CONTINUE_EXECUTION)) {
        SehTraceAdd(3);
    }
    __try {
        SehRaiseWithParameters(&Record);
        SehTraceAdd(4);
    } __except (SehCheckParameters(GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
        SehTraceAdd(5);
    }
    EXPECT_TRACE(1, 2, 5);
}

GUEST_TEST(SehExRaise)
{
    volatile NTSTATUS Code = 0;

    __try {
        ExRaiseAccessViolation();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_ACCESS_VIOLATION);
    __try {
        ExRaiseDatatypeMisalignment();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_DATATYPE_MISALIGNMENT);
}

/* ---- __finally ---- */

static NOINLINE VOID SehFinallyPair(BOOLEAN Fault)
{
    __try {
        __try {
            SehTraceAdd(1);
            if (Fault) {
                (void)*BAD_ADDRESS;
            }
            SehTraceAdd(2);
        } __finally {
            SehTraceAdd(AbnormalTermination() ? 13 : 3);
        }
    } __finally {
        SehTraceAdd(AbnormalTermination() ? 14 : 4);
    }
}

GUEST_TEST(SehFinallyWithoutException)
{
    SehTraceClear();
    SehFinallyPair(FALSE);
    EXPECT_TRACE(1, 2, 3, 4);
}

GUEST_TEST(SehNestedFinallyOrder)
{
    SehTraceClear();
    __try {
        __try {
            SehFinallyPair(TRUE);
        } __finally {
            SehTraceAdd(AbnormalTermination() ? 15 : 5);
        }
    } __except (SehTraceAdd(20), EXCEPTION_EXECUTE_HANDLER) {
        SehTraceAdd(21);
    }
    /* the filter runs before any __finally */
    EXPECT_TRACE(1, 20, 13, 14, 15, 21);
}

static NOINLINE VOID SehOuterFinallyStays(VOID)
{
    __try {
        __try {
            __try {
                (void)*BAD_ADDRESS;
            } __finally {
                SehTraceAdd(1);
            }
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            SehTraceAdd(2);
        }
        SehTraceAdd(3);
    } __finally {
        SehTraceAdd(AbnormalTermination() ? 14 : 4);
    }
}

GUEST_TEST(SehTargetInsideOuterFinally)
{
    SehTraceClear();
    SehOuterFinallyStays();
    EXPECT_TRACE(1, 2, 3, 4);
}

GUEST_TEST(SehLeave)
{
    volatile ULONG State = 0;

    __try {
        State = 1;
        if (SehGoodValue == 0x600d) {
            __leave;
        }
        State = 2;
    } __finally {
        EXPECT(State == 1);
        State = 3;
    }
    EXPECT(State == 3);
}

/* ---- collisions ---- */

/*
 * Not known to the compiler to raise: clang leaves the outer scopes out of the scope table when it
 * sees that a __finally body cannot end.
 */
static NOINLINE VOID SehMayRaise(VOID)
{
    if (SehGoodValue == 0x600d) {
        ExRaiseStatus(STATUS_TEST);
    }
}

static NOINLINE VOID SehFinallyThatRaises(VOID)
{
    __try {
        __try {
            (void)*BAD_ADDRESS;
        } __finally {
            SehTraceAdd(1);
            SehMayRaise();
        }
    } __finally {
        SehTraceAdd(2);
    }
}

GUEST_TEST(SehCollidedUnwind)
{
    volatile NTSTATUS Code = 0;

    SehTraceClear();
    __try {
        __try {
            SehFinallyThatRaises();
        } __finally {
            SehTraceAdd(3);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_TEST);
    EXPECT_TRACE(1, 2, 3); /* each once */
}

/* The second exception is taken nearer than the first would have been. */
GUEST_TEST(SehCollidedUnwindTakenInside)
{
    SehTraceClear();
    __try {
        __try {
            SehFinallyThatRaises();
        } __except (GetExceptionCode() == STATUS_TEST) {
            SehTraceAdd(4);
        }
        SehTraceAdd(5);
    } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION) {
        SehTraceAdd(6);
    }
    EXPECT_TRACE(1, 2, 4, 5);
}

static NOINLINE VOID SehFaultingFinally(VOID)
{
    __try {
        __try {
            ExRaiseStatus(STATUS_TEST);
        } __finally {
            SehTraceAdd(1);
            *BAD_ADDRESS = 1; /* a trap frame between the two unwinds */
        }
    } __finally {
        SehTraceAdd(2);
    }
}

GUEST_TEST(SehCollidedUnwindByFault)
{
    volatile NTSTATUS Code = 0;

    SehTraceClear();
    __try {
        SehFaultingFinally();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_ACCESS_VIOLATION);
    EXPECT_TRACE(1, 2);
}

static NOINLINE VOID SehCaughtInside(VOID)
{
    __try {
        ExRaiseStatus(STATUS_TEST);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        SehTraceAdd(2);
    }
}

GUEST_TEST(SehFinallyWithOwnHandler)
{
    volatile NTSTATUS Code = 0;

    SehTraceClear();
    __try {
        __try {
            (void)*BAD_ADDRESS;
        } __finally {
            SehTraceAdd(1);
            SehCaughtInside();
            SehTraceAdd(3);
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_ACCESS_VIOLATION); /* the first unwind went on */
    EXPECT_TRACE(1, 2, 3);
}

/* ---- many frames ---- */

static NOINLINE ULONG SehDescend(ULONG Depth)
{
    volatile ULONG Result = 0;

    __try {
        if (Depth == 0) {
            ExRaiseStatus(STATUS_TEST);
        }
        Result = SehDescend(Depth - 1) + 1;
    } __finally {
        SehTraceAdd(Depth);
    }
    return Result;
}

GUEST_TEST(SehDeepUnwind)
{
    volatile NTSTATUS Code = 0;

    SehTraceClear();
    __try {
        SehDescend(40);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Code = GetExceptionCode();
    }
    EXPECT(Code == STATUS_TEST);
    EXPECT(SehTraceCount == 41);
    EXPECT(SehTrace[0] == 0 && SehTrace[15] == 15);
}

/* Locals that the compiler would keep in registers at -O2 must survive. */
GUEST_TEST(SehLocalsAtO2)
{
    ULONG64 Sum = 0;

    for (ULONG Round = 0; Round < 1000; Round++) {
        __try {
            if ((Round & 1) != 0) {
                (void)*BAD_ADDRESS;
            }
            Sum += 1;
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            Sum += 1000;
        }
    }
    EXPECT(Sum == 500 + 500 * 1000);
}

static PVOID SehTraceFrames[8];

static NOINLINE USHORT SehBackTrace(VOID)
{
    USHORT Count = RtlCaptureStackBackTrace(0, RTL_NUMBER_OF(SehTraceFrames), SehTraceFrames, NULL);
    SehTraceAdd(Count);
    return Count;
}

GUEST_TEST(SehStackBackTrace)
{
    SehTraceClear();
    USHORT Count = SehBackTrace();
    EXPECT(Count >= 2);
    EXPECT((ULONG64)SehTraceFrames[0] > (ULONG64)SehBackTrace);
    EXPECT((ULONG64)SehTraceFrames[0] < (ULONG64)SehBackTrace + 0x80);
}
