/* SPDX-License-Identifier: MIT */
/*
 * The second pass: from here outwards to the target frame, each frame's termination handlers run;
 * then everything is loaded as the target frame had it, at TargetIp, with ReturnValue in rax.
 *
 * A __finally that raises leaves this walk standing: RtlpExecuteHandlerForUnwind's frame is met by
 * the walk of the new exception, which takes over (ExceptionCollidedUnwind) at the frame and scope
 * where this one stood, so that no __finally runs twice.
 */
#include "se_internal.h"

#define STATUS_LONGJUMP ((NTSTATUS)0x80000026)

typedef struct _JUMP_BUFFER {
    ULONG64 Frame, Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15, Rip;
    ULONG MxCsr;
    USHORT FpCsr, Spare;
    M128A Xmm[10]; /* xmm6-xmm15 */
} JUMP_BUFFER, *PJUMP_BUFFER;
C_ASSERT(sizeof(JUMP_BUFFER) == 0x100);

typedef struct _UNWIND_PASS {
    ULONG_PTR TargetFrame;
    ULONG64 TargetIp;
    ULONG64 ReturnValue;
    PEXCEPTION_RECORD Record;
    PUNWIND_HISTORY_TABLE HistoryTable;
    ULONG Flags;
    PCONTEXT Current; /* the state inside Frame */
    CONTEXT Caller;   /* the state in its caller */
    SE_WALK Walk;
    UNWIND_FRAME Frame;
} UNWIND_PASS, *PUNWIND_PASS;

static BOOLEAN RtlpIsTarget(const UNWIND_PASS *Pass)
{
    return Pass->Frame.Function != NULL && Pass->TargetFrame != 0 &&
           Pass->Frame.EstablisherFrame == Pass->TargetFrame;
}

/* The walk is above the target: it was no frame of this stack. */
static BOOLEAN RtlpIsPastTarget(const UNWIND_PASS *Pass)
{
    const UNWIND_STACK *Stack = &Pass->Walk.Stack;

    return Pass->Frame.EstablisherFrame > Pass->TargetFrame && Pass->TargetFrame >= Stack->Low &&
           Pass->Frame.EstablisherFrame < Stack->High;
}

/* Runs the handler of Pass->Frame, and of the frames that collisions lead to. */
static VOID RtlpRunTerminationHandlers(PUNWIND_PASS Pass)
{
    DISPATCHER_CONTEXT Dispatcher;
    ULONG ScopeIndex = 0;

    while (Pass->Frame.Handler != NULL) {
        RtlpFillDispatcherContext(&Dispatcher, &Pass->Frame, Pass->Current, ScopeIndex);
        Dispatcher.TargetIp = Pass->TargetIp;
        Dispatcher.HistoryTable = Pass->HistoryTable;
        Pass->Current->Rax = Pass->ReturnValue;
        Pass->Record->ExceptionFlags =
            Pass->Flags | (RtlpIsTarget(Pass) ? EXCEPTION_TARGET_UNWIND : 0);
        EXCEPTION_DISPOSITION Disposition = RtlpExecuteHandlerForUnwind(
            Pass->Record, (PVOID)Pass->Frame.EstablisherFrame, Pass->Current, &Dispatcher);
        Pass->Flags &= ~EXCEPTION_COLLIDED_UNWIND;
        if (Disposition == ExceptionContinueSearch) {
            return;
        }
        if (Disposition != ExceptionCollidedUnwind) {
            RtlpRaiseNested(STATUS_INVALID_DISPOSITION, Pass->Record);
        }
        Pass->Flags |= EXCEPTION_COLLIDED_UNWIND;
        ScopeIndex = Dispatcher.ScopeIndex;
        *Pass->Current = *Dispatcher.ContextRecord;
        Pass->Current->Rip = Dispatcher.ControlPc;
        if (!RtlpRejoinWalk(&Pass->Walk, &Dispatcher, &Pass->Caller, &Pass->Frame) ||
            RtlpIsPastTarget(Pass)) {
            RtlRaiseStatus(STATUS_BAD_STACK);
        }
    }
}

/*
 * Does not return: continues at TargetIp in the frame TargetFrame, or raises (bad stack, target
 * not found). TargetFrame NULL: run all termination handlers to the end of the stack; as nothing
 * can follow that, it then raises STATUS_INVALID_UNWIND_TARGET.
 * OriginalContext is scratch; the state at the call is captured into it.
 */
VOID RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
                 PVOID ReturnValue, PCONTEXT OriginalContext, PUNWIND_HISTORY_TABLE HistoryTable)
{
    EXCEPTION_RECORD Unwind;
    UNWIND_PASS Pass;

    RtlCaptureContext(OriginalContext);
    if (ExceptionRecord == NULL) {
        Unwind = (EXCEPTION_RECORD){
            .ExceptionCode = STATUS_UNWIND, .ExceptionAddress = (PVOID)OriginalContext->Rip};
        ExceptionRecord = &Unwind;
    }
    Pass.TargetFrame = (ULONG_PTR)TargetFrame;
    Pass.TargetIp = (ULONG64)TargetIp;
    Pass.ReturnValue = (ULONG64)ReturnValue;
    Pass.Record = ExceptionRecord;
    Pass.HistoryTable = HistoryTable;
    Pass.Flags = (ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE) |
                 EXCEPTION_UNWINDING | (TargetFrame == NULL ? EXCEPTION_EXIT_UNWIND : 0);
    Pass.Current = OriginalContext;
    if (!RtlpStartWalk(&Pass.Walk, Pass.Current, TRUE)) {
        RtlRaiseStatus(STATUS_BAD_STACK);
    }
    for (;;) {
        Pass.Caller = *Pass.Current;
        if (!RtlpWalkFrame(&Pass.Walk, &Pass.Caller, UNW_FLAG_UHANDLER, &Pass.Frame)) {
            RtlRaiseStatus(STATUS_INVALID_UNWIND_TARGET);
        }
        if (Pass.TargetFrame != 0 && RtlpIsPastTarget(&Pass)) {
            RtlRaiseStatus(STATUS_BAD_STACK);
        }
        RtlpRunTerminationHandlers(&Pass);
        if (RtlpIsTarget(&Pass)) {
            break;
        }
        *Pass.Current = Pass.Caller;
    }
    Pass.Current->Rax = Pass.ReturnValue;
    Pass.Current->Rip = Pass.TargetIp;
    RtlRestoreContext(Pass.Current, ExceptionRecord);
}

VOID RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord,
               PVOID ReturnValue)
{
    CONTEXT Context;

    RtlUnwindEx(TargetFrame, TargetIp, ExceptionRecord, ReturnValue, &Context, NULL);
}

/* The compiler's call for a goto out of a __try with a __finally, to a label in the same frame. */
VOID _local_unwind(PVOID TargetFrame, PVOID TargetIp)
{
    CONTEXT Context;

    RtlUnwindEx(TargetFrame, TargetIp, NULL, NULL, &Context, NULL);
}

/*
 * Handler of RtlpExecuteHandlerForUnwind's frame: a termination handler raised, or is unwound
 * through. Hands the position of the unwind that stood here to the walk that met it.
 */
EXCEPTION_DISPOSITION RtlpUnwindHandler(PEXCEPTION_RECORD Record, PVOID EstablisherFrame,
                                        PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher);
EXCEPTION_DISPOSITION RtlpUnwindHandler(PEXCEPTION_RECORD Record, PVOID EstablisherFrame,
                                        PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher)
{
    const DISPATCHER_CONTEXT *Interrupted =
        *(PDISPATCHER_CONTEXT *)((ULONG_PTR)EstablisherFrame + SE_HANDLER_FRAME_CONTEXT);

    UNREFERENCED_PARAMETER(Record);
    UNREFERENCED_PARAMETER(Context);
    ULONG64 TargetIp = Dispatcher->TargetIp; /* the new walk's own */
    *Dispatcher = *Interrupted;
    Dispatcher->TargetIp = TargetIp;
    return ExceptionCollidedUnwind;
}

static VOID RtlpContextFromJumpBuffer(PCONTEXT Context, const JUMP_BUFFER *Jump)
{
    Context->Rbx = Jump->Rbx;
    Context->Rsp = Jump->Rsp;
    Context->Rbp = Jump->Rbp;
    Context->Rsi = Jump->Rsi;
    Context->Rdi = Jump->Rdi;
    Context->R12 = Jump->R12;
    Context->R13 = Jump->R13;
    Context->R14 = Jump->R14;
    Context->R15 = Jump->R15;
    Context->Rip = Jump->Rip;
    Context->MxCsr = Jump->MxCsr;
    for (ULONG Index = 0; Index < RTL_NUMBER_OF(Jump->Xmm); Index++) {
        (&Context->Xmm6)[Index] = Jump->Xmm[Index];
    }
}

/*
 * Any IRQL. Does not return. STATUS_LONGJUMP: the non-volatile registers come from the jump buffer
 * at ExceptionInformation[0]. STATUS_UNWIND_CONSOLIDATE (C++ catch blocks) is not implemented: its
 * callback would be skipped, so it is refused by name.
 */
DECLSPEC_NORETURN VOID RtlRestoreContext(PCONTEXT ContextRecord, PEXCEPTION_RECORD ExceptionRecord)
{
    if (ExceptionRecord != NULL && ExceptionRecord->NumberParameters >= 1) {
        if (ExceptionRecord->ExceptionCode == STATUS_LONGJUMP) {
            RtlpContextFromJumpBuffer(
                ContextRecord, (const JUMP_BUFFER *)ExceptionRecord->ExceptionInformation[0]);
        } else if (ExceptionRecord->ExceptionCode == STATUS_UNWIND_CONSOLIDATE) {
            KeBugCheckEx(NO_EXCEPTION_HANDLING_SUPPORT, (ULONG_PTR)STATUS_UNWIND_CONSOLIDATE,
                         (ULONG_PTR)ContextRecord->Rip, 0, 0);
        }
    }
    ContextRecord->EFlags = (ContextRecord->EFlags & SE_EFLAGS_ALLOWED) | SE_EFLAGS_FIXED;
    ContextRecord->MxCsr &= 0xffff;
    RtlpRestoreContext(ContextRecord);
}
