/* SPDX-License-Identifier: MIT */
/*
 * From a trap to the handlers and back. The walk of an exception:
 *
 *   trap entry (ke/trap.S) -> KiExceptionDispatch (exception_dispatch.S) -> KiDispatchException
 *     -> debugger, first chance (breakpoints, single steps, assertions)
 *     -> RtlDispatchException (exception_walk.c) -> a language handler
 *          takes it: RtlUnwindEx restores its frame; the trap frame is abandoned
 *          continues: back here, the CONTEXT goes to the frames, KiExceptionExit resumes
 *     -> debugger, second chance
 *     -> bug check 0x1E
 */
#include "se_internal.h"

#include "ke/trap_dispatch.h"

#define KI_RFLAGS_INTERRUPT 0x200u

BOOLEAN (*KiDebugRoutine)(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance);
BOOLEAN (*KiUserExceptionRoutine)(PEXCEPTION_RECORD Record, PCONTEXT Context,
                                  BOOLEAN FirstChance);

/* Any IRQL. First chance: only what is meant for a debugger. Second chance: everything. */
BOOLEAN KiOfferToDebugger(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance)
{
    BOOLEAN (*Routine)(PEXCEPTION_RECORD, PCONTEXT, BOOLEAN) = KiDebugRoutine;

    if (Routine == NULL) {
        return FALSE;
    }
    if (!SecondChance && Record->ExceptionCode != STATUS_BREAKPOINT &&
        Record->ExceptionCode != STATUS_SINGLE_STEP &&
        Record->ExceptionCode != STATUS_ASSERTION_FAILURE) {
        return FALSE;
    }
    return Routine(Record, Context, SecondChance);
}

VOID KiContextFromFrames(PCONTEXT Context, const KTRAP_FRAME *Trap,
                         const KEXCEPTION_FRAME *Exception)
{
    *Context = (CONTEXT){
        .ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS,
        .MxCsr = Trap->MxCsr,
        .SegCs = Trap->SegCs,
        .SegSs = Trap->SegSs,
        .SegDs = KGDT64_R3_DATA | 3,
        .SegEs = KGDT64_R3_DATA | 3,
        .SegGs = KGDT64_R3_DATA | 3,
        .SegFs = KGDT64_R3_CMTEB | 3,
        .EFlags = Trap->EFlags,
        .Rax = Trap->Rax,
        .Rcx = Trap->Rcx,
        .Rdx = Trap->Rdx,
        .Rbx = Trap->Rbx,
        .Rsp = Trap->Rsp,
        .Rbp = Trap->Rbp,
        .Rsi = Trap->Rsi,
        .Rdi = Trap->Rdi,
        .R8 = Trap->R8,
        .R9 = Trap->R9,
        .R10 = Trap->R10,
        .R11 = Trap->R11,
        .R12 = Exception->R12,
        .R13 = Exception->R13,
        .R14 = Exception->R14,
        .R15 = Exception->R15,
        .Rip = Trap->Rip,
    };
    Context->FltSave.ControlWord = INITIAL_FPCSR; /* kernel code has no others */
    if (Trap->SegCs & 1) {
        KiReadFloatingState(&Context->FltSave);
    }
    Context->FltSave.MxCsr = Trap->MxCsr;
    for (ULONG Index = 0; Index < 6; Index++) {
        (&Context->Xmm0)[Index] = (M128A){Trap->Xmm[Index][0], (LONGLONG)Trap->Xmm[Index][1]};
    }
    for (ULONG Index = 0; Index < 10; Index++) {
        (&Context->Xmm6)[Index] = (&Exception->Xmm6)[Index];
    }
}

/* Selectors stay as they were: a filter cannot change the privilege level. */
VOID KiContextToFrames(const CONTEXT *Context, PKTRAP_FRAME Trap, PKEXCEPTION_FRAME Exception,
                       KPROCESSOR_MODE PreviousMode)
{
    Trap->MxCsr = Context->MxCsr & 0xffff;
    Trap->EFlags = (Context->EFlags & SE_EFLAGS_ALLOWED) | SE_EFLAGS_FIXED;
    if (PreviousMode != KernelMode) {
        Trap->EFlags |= KI_RFLAGS_INTERRUPT;
        KiWriteFloatingState(&Context->FltSave);
    }
    Trap->Rax = Context->Rax;
    Trap->Rcx = Context->Rcx;
    Trap->Rdx = Context->Rdx;
    Trap->Rbx = Context->Rbx;
    Trap->Rsp = Context->Rsp;
    Trap->Rbp = Context->Rbp;
    Trap->Rsi = Context->Rsi;
    Trap->Rdi = Context->Rdi;
    Trap->R8 = Context->R8;
    Trap->R9 = Context->R9;
    Trap->R10 = Context->R10;
    Trap->R11 = Context->R11;
    Trap->Rip = Context->Rip;
    Exception->R12 = Context->R12;
    Exception->R13 = Context->R13;
    Exception->R14 = Context->R14;
    Exception->R15 = Context->R15;
    for (ULONG Index = 0; Index < 6; Index++) {
        Trap->Xmm[Index][0] = (&Context->Xmm0)[Index].Low;
        Trap->Xmm[Index][1] = (ULONG64)(&Context->Xmm0)[Index].High;
    }
    for (ULONG Index = 0; Index < 10; Index++) {
        (&Exception->Xmm6)[Index] = (&Context->Xmm6)[Index];
    }
}

static BOOLEAN KiHandleException(PEXCEPTION_RECORD Record, PCONTEXT Context,
                                 KPROCESSOR_MODE PreviousMode, BOOLEAN FirstChance)
{
    if (FirstChance) {
        if (KiOfferToDebugger(Record, Context, FALSE)) {
            return TRUE;
        }
        if (PreviousMode == KernelMode && RtlDispatchException(Record, Context)) {
            return TRUE;
        }
    }
    if (PreviousMode != KernelMode && KiUserExceptionRoutine != NULL &&
        KiUserExceptionRoutine(Record, Context, FirstChance)) {
        return TRUE;
    }
    return KiOfferToDebugger(Record, Context, TRUE);
}

/*
 * Called by KiExceptionDispatch only, which links its exception frame and the trap frame to each
 * other. Returns when execution shall continue at the state in the frames. IRQL: that of the code
 * that faulted; page faults above APC_LEVEL never come here.
 */
VOID KiDispatchException(PEXCEPTION_RECORD Record, PKTRAP_FRAME TrapFrame,
                         KPROCESSOR_MODE PreviousMode, BOOLEAN FirstChance)
{
    PKEXCEPTION_FRAME ExceptionFrame = (PKEXCEPTION_FRAME)TrapFrame->TrapFrame;
    CONTEXT Context;

    NT_VERIFY(ExceptionFrame != NULL && ExceptionFrame->TrapFrame == TrapFrame);
    KiContextFromFrames(&Context, TrapFrame, ExceptionFrame);
    if (Record->ExceptionCode == STATUS_SINGLE_STEP) {
        Context.ContextFlags |= CONTEXT_DEBUG_REGISTERS;
        Context.Dr6 = TrapFrame->Dr6; /* why; the processor has forgotten it */
        Context.Dr7 = TrapFrame->Dr7;
    }
    /* The CPU reports int3 past the instruction; handlers and debuggers expect it at it. */
    if (Record->ExceptionCode == STATUS_BREAKPOINT &&
        Context.Rip == (ULONG64)Record->ExceptionAddress + 1) {
        Context.Rip -= 1;
    }
    if (!KiHandleException(Record, &Context, PreviousMode, FirstChance)) {
        KiBugCheckTrap(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)Record->ExceptionCode,
                       (ULONG_PTR)Record->ExceptionAddress,
                       Record->NumberParameters >= 1 ? Record->ExceptionInformation[0] : 0,
                       Record->NumberParameters >= 2 ? Record->ExceptionInformation[1] : 0,
                       TrapFrame);
    }
    KiContextToFrames(&Context, TrapFrame, ExceptionFrame, PreviousMode);
}

LONG KiSystemThreadFilter(PEXCEPTION_POINTERS ExceptionPointers)
{
    PEXCEPTION_RECORD Record = ExceptionPointers->ExceptionRecord;

    KeBugCheckEx(SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
                 (ULONG_PTR)(LONG_PTR)Record->ExceptionCode, (ULONG_PTR)Record->ExceptionAddress,
                 (ULONG_PTR)Record, (ULONG_PTR)ExceptionPointers->ContextRecord);
}
