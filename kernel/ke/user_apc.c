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
 * r12-r15 and xmm6-15 stay in the processor meanwhile, as a routine preserves them; the CONTEXT has
 * zeros for them, and NtContinue does not load them.
 */
#include "ke/trap_dispatch.h"

#include "ex/ex.h"
#include "mm/mm.h"
#include "ps/user_mode.h"
#include "se/se_internal.h"

VOID KiInitializeUserApc(PKTRAP_FRAME TrapFrame, PKNORMAL_ROUTINE NormalRoutine,
                         PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PEPROCESS Process = PsGetCurrentThread()->ThreadsProcess;
    KEXCEPTION_FRAME Unknown = {0};
    CONTEXT Context;

    if (Process->UserApcDispatcher == NULL) {
        return; /* the program has no use for APCs */
    }
    KiContextFromFrames(&Context, TrapFrame, &Unknown);
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

/*
 * Puts Context in the place of the state that the system call would return to. It does not return a
 * status then: rax is Context's. TestAlert: APCs that wait are delivered first.
 */
NTSTATUS NtContinue(PCONTEXT UserContext, BOOLEAN TestAlert)
{
    PKTHREAD Thread = KiCurrentThread();
    PKTRAP_FRAME TrapFrame = Thread->TrapFrame;
    KEXCEPTION_FRAME Dropped;
    CONTEXT Context;

    if (TrapFrame == NULL || Thread->PreviousMode != UserMode) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = ExCopyFromCaller(&Context, UserContext, sizeof(Context), UserMode);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Context.Rip > MM_HIGHEST_USER_ADDRESS) {
        return STATUS_ACCESS_VIOLATION; /* iretq itself might fault there */
    }
    KiContextToFrames(&Context, TrapFrame, &Dropped, UserMode);
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
