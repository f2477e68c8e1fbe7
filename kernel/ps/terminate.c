/* SPDX-License-Identifier: MIT */
/*
 * The end of threads and processes that have a user mode.
 *
 *   PspTerminateThread    KTHREAD.Terminating is set; a wait with WaitMode UserMode ends
 *     ... the thread goes on in the kernel until it is about to return to user mode ...
 *   KiPrepareUserReturn   PspExitThread, in the thread itself, with nothing of the kernel held
 *   PspExitThread         the last thread of a process that is ending closes the process's handles
 *
 * There are no handlers of user mode: an exception of ring 3 ends its process.
 */
#include "ps/user_mode.h"

#include "ke/dispatcher.h"

VOID (*PspUserExceptionHook)(PEXCEPTION_RECORD Record, PCONTEXT Context);
VOID (*PspUserThreadEndHook)(PETHREAD Thread, NTSTATUS ExitStatus);
VOID (*PspProcessEndHook)(PEPROCESS Process);

NTSTATUS PspTerminateThread(PETHREAD Thread, NTSTATUS ExitStatus)
{
    if (PsIsSystemThread(Thread)) {
        return STATUS_ACCESS_DENIED;
    }
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    BOOLEAN First = !Thread->Tcb.Terminating;
    if (First) {
        Thread->TerminationStatus = ExitStatus;
        KeEndUserThread(&Thread->Tcb);
    }
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    return First ? STATUS_SUCCESS : STATUS_THREAD_IS_TERMINATING;
}

/* PspActiveProcessLock held. */
static VOID PspTerminateAllThreads(PEPROCESS Process, NTSTATUS ExitStatus)
{
    for (PLIST_ENTRY Link = Process->ThreadListHead.Flink; Link != &Process->ThreadListHead;
         Link = Link->Flink) {
        PETHREAD Thread = CONTAINING_RECORD(Link, ETHREAD, ThreadListEntry);
        if (!Thread->Tcb.Terminating) {
            Thread->TerminationStatus = ExitStatus;
            KeEndUserThread(&Thread->Tcb);
        }
    }
}

static BOOLEAN PspHasKernelThread(PEPROCESS Process)
{
    for (PLIST_ENTRY Link = Process->ThreadListHead.Flink; Link != &Process->ThreadListHead;
         Link = Link->Flink) {
        if (PsIsSystemThread(CONTAINING_RECORD(Link, ETHREAD, ThreadListEntry))) {
            return TRUE;
        }
    }
    return FALSE;
}

NTSTATUS PspTerminateProcess(PEPROCESS Process, NTSTATUS ExitStatus)
{
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN Empty = FALSE;
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);

    if (Process == PsInitialSystemProcess || PspHasKernelThread(Process)) {
        Status = STATUS_ACCESS_DENIED;
    } else if (Process->Terminating) {
        Status = STATUS_PROCESS_IS_TERMINATING;
    } else {
        Process->Terminating = TRUE;
        Process->ExitStatus = ExitStatus;
        Empty = Process->Exited = Process->ActiveThreads == 0;
        PspTerminateAllThreads(Process, ExitStatus);
    }
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    if (Empty) {
        PspExitProcess(Process, ExitStatus);
    }
    return Status;
}

NTSTATUS NtTerminateThread(HANDLE ThreadHandle, NTSTATUS ExitStatus)
{
    PETHREAD Thread;
    HANDLE Handle = ThreadHandle != NULL ? ThreadHandle : NtCurrentThread();
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, THREAD_TERMINATE, PsThreadType,
                                                ExGetPreviousMode(), (PVOID *)&Thread, NULL);
    if (NT_SUCCESS(Status)) {
        Status = PspTerminateThread(Thread, ExitStatus);
        ObfDereferenceObject(Thread);
    }
    return Status;
}

NTSTATUS NtTerminateProcess(HANDLE ProcessHandle, NTSTATUS ExitStatus)
{
    PEPROCESS Process;
    HANDLE Handle = ProcessHandle != NULL ? ProcessHandle : NtCurrentProcess();
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, PROCESS_TERMINATE, PsProcessType,
                                                ExGetPreviousMode(), (PVOID *)&Process, NULL);
    if (NT_SUCCESS(Status)) {
        Status = PspTerminateProcess(Process, ExitStatus);
        ObfDereferenceObject(Process);
    }
    return Status;
}

BOOLEAN PspUserException(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN FirstChance)
{
    __asm__ volatile("sti" : : : "memory"); /* user mode always has them on */
    PEPROCESS Process = PsGetCurrentThread()->ThreadsProcess;
    NTSTATUS Status = PspTerminateProcess(Process, Record->ExceptionCode);
    if (Status == STATUS_ACCESS_DENIED) { /* kernel threads live in it: this thread alone, then */
        Status = PspTerminateThread(PsGetCurrentThread(), Record->ExceptionCode);
    }
    if (Status == STATUS_SUCCESS && PspUserExceptionHook != NULL) {
        PspUserExceptionHook(Record, Context);
    }
    return TRUE; /* on its way back to user mode the thread ends */
}
