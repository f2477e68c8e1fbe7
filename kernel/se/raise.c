/* SPDX-License-Identifier: MIT */
/*
 * Exceptions raised by code. The context is the caller's, as it will be when the raising routine
 * returns; ExceptionAddress is the return address. Nobody takes it: bug check 0x1E.
 */
#include "se_internal.h"

/* Context: the state in the calling function becomes the state in its caller. */
static VOID RtlpUnwindToCaller(PCONTEXT Context)
{
    UNWIND_STACK Stack;
    UNWIND_FRAME Frame;

    if (!KiGetStackLimits(Context->Rsp, &Stack.Low, &Stack.High) ||
        !RtlpUnwindFrame(Context, &Stack, UNW_FLAG_NHANDLER, TRUE, &Frame, NULL)) {
        KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)STATUS_BAD_STACK,
                     Context->Rip, Context->Rsp, 0);
    }
}

static DECLSPEC_NORETURN VOID RtlpRaise(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    if (KiOfferToDebugger(Record, Context, FALSE) || RtlDispatchException(Record, Context) ||
        KiOfferToDebugger(Record, Context, TRUE)) {
        RtlRestoreContext(Context, NULL);
    }
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)Record->ExceptionCode,
                 (ULONG_PTR)Record->ExceptionAddress,
                 Record->NumberParameters >= 1 ? Record->ExceptionInformation[0] : 0,
                 Record->NumberParameters >= 2 ? Record->ExceptionInformation[1] : 0);
}

/* Context: as RtlCaptureContext left it in an exported routine of this file. */
static DECLSPEC_NORETURN VOID RtlpRaiseStatusAt(NTSTATUS Status, PEXCEPTION_RECORD Cause,
                                                PCONTEXT Context)
{
    EXCEPTION_RECORD Record = {
        .ExceptionCode = Status,
        .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
        .ExceptionRecord = Cause,
    };

    RtlpUnwindToCaller(Context);
    Record.ExceptionAddress = (PVOID)Context->Rip;
    RtlpRaise(&Record, Context);
}

/* Returns when a filter answers EXCEPTION_CONTINUE_EXECUTION to a continuable exception. */
VOID RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpUnwindToCaller(&Context);
    ExceptionRecord->ExceptionAddress = (PVOID)Context.Rip;
    if (ExceptionRecord->NumberParameters > EXCEPTION_MAXIMUM_PARAMETERS) {
        ExceptionRecord->NumberParameters = EXCEPTION_MAXIMUM_PARAMETERS;
    }
    RtlpRaise(ExceptionRecord, &Context);
}

DECLSPEC_NORETURN VOID RtlRaiseStatus(NTSTATUS Status)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpRaiseStatusAt(Status, NULL, &Context);
}

DECLSPEC_NORETURN VOID RtlpRaiseNested(NTSTATUS Status, PEXCEPTION_RECORD Cause)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpRaiseStatusAt(Status, Cause, &Context);
}

DECLSPEC_NORETURN VOID ExRaiseStatus(NTSTATUS Status)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpRaiseStatusAt(Status, NULL, &Context);
}

DECLSPEC_NORETURN VOID ExRaiseAccessViolation(VOID)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpRaiseStatusAt(STATUS_ACCESS_VIOLATION, NULL, &Context);
}

DECLSPEC_NORETURN VOID ExRaiseDatatypeMisalignment(VOID)
{
    CONTEXT Context;

    RtlCaptureContext(&Context);
    RtlpRaiseStatusAt(STATUS_DATATYPE_MISALIGNMENT, NULL, &Context);
}
