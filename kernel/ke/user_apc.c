/* SPDX-License-Identifier: MIT */
/*
 * User APCs: on its way back to user mode a thread is sent to its process's dispatcher of APCs
 * (KiUserApcDispatcher, ntdll's on Windows, the program's own here), with the state that it would
 * have gone back to in a CONTEXT on its stack. That calls the routine and hands the CONTEXT back by
 * NtContinue, which delivers the next APC or resumes.
 *
 *   rsp at the dispatcher = the CONTEXT: P1Home to P3Home are the routine's arguments, P4Home is
 *   the routine
 *
 * Both frames of the state, KTRAP_FRAME and KEXCEPTION_FRAME, are at hand in both routines: the one
 * points to the other (trap.S, system_service.c).
 */
#include "ke/trap_dispatch.h"

#include "ex/ex.h"
#include "mm/mm.h"
#include "nt/rtl.h"
#include "ps/user_mode.h"

VOID KiInitializeUserApc(PKTRAP_FRAME TrapFrame, PKNORMAL_ROUTINE NormalRoutine,
                         PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PEPROCESS Process = PsGetCurrentThread()->ThreadsProcess;
    CONTEXT Context;

    if (Process->UserApcDispatcher == NULL) {
        return; /* the program has no use for APCs */
    }
    KiContextFromFrames(&Context, TrapFrame, (PKEXCEPTION_FRAME)TrapFrame->TrapFrame);
    Context.P1Home = (ULONG64)NormalContext;
    Context.P2Home = (ULONG64)SystemArgument1;
    Context.P3Home = (ULONG64)SystemArgument2;
    Context.P4Home = (ULONG64)NormalRoutine;
    ULONG64 Stack = (TrapFrame->Rsp - sizeof(CONTEXT)) & ~15ull;
    NTSTATUS Status = ExCopyToCaller((PVOID)Stack, &Context, sizeof(Context), UserMode);
    if (!NT_SUCCESS(Status)) {
        PspTerminateProcess(Process, Status); /* there is no stack to run on */
        return;
    }
    TrapFrame->Rsp = Stack;
    TrapFrame->Rip = (ULONG64)Process->UserApcDispatcher;
}

/* What From's ContextFlags name; debug registers and segments are not user mode's. */
static VOID KiMergeContext(PCONTEXT Into, const CONTEXT *From)
{
    if ((From->ContextFlags & CONTEXT_CONTROL) == CONTEXT_CONTROL) {
        Into->Rip = From->Rip;
        Into->Rsp = From->Rsp;
        Into->EFlags = From->EFlags;
    }
    if ((From->ContextFlags & CONTEXT_INTEGER) == CONTEXT_INTEGER) {
        ULONG64 Rsp = Into->Rsp; /* stands among them */
        RtlCopyMemory(&Into->Rax, &From->Rax, offsetof(CONTEXT, Rip) - offsetof(CONTEXT, Rax));
        Into->Rsp = Rsp;
    }
    if ((From->ContextFlags & CONTEXT_FLOATING_POINT) == CONTEXT_FLOATING_POINT) {
        Into->MxCsr = From->MxCsr;
        Into->FltSave = From->FltSave;
    }
}

/*
 * Puts what UserContext says in the place of the state that the system call would return to. It
 * does not return a status then: rax is that state's. TestAlert: APCs that wait come first.
 */
NTSTATUS NtContinue(PCONTEXT UserContext, BOOLEAN TestAlert)
{
    PKTHREAD Thread = KiCurrentThread();
    PKTRAP_FRAME TrapFrame = Thread->TrapFrame;
    CONTEXT Context, State;

    if (TrapFrame == NULL || Thread->PreviousMode != UserMode) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ExCopyFromCaller(&Context, UserContext, sizeof(Context), UserMode);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PKEXCEPTION_FRAME ExceptionFrame = (PKEXCEPTION_FRAME)TrapFrame->TrapFrame;
    KiContextFromFrames(&State, TrapFrame, ExceptionFrame);
    KiMergeContext(&State, &Context);
    if (State.Rip > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_ACCESS_VIOLATION; /* iretq itself might fault there */
    }
    KiContextToFrames(&State, TrapFrame, ExceptionFrame, UserMode);
    Thread->TrapFrame = NULL; /* KiSystemService leaves rax alone */
    if (TestAlert) {
        KeTestAlertThread(UserMode);
    }
    return STATUS_SUCCESS;
}

/* APCs that wait are delivered at the return. STATUS_ALERTED: the thread was alerted. */
NTSTATUS NtTestAlert(VOID)
{
    return KeTestAlertThread(UserMode) ? STATUS_ALERTED : STATUS_SUCCESS;
}
