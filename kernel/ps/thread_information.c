/* SPDX-License-Identifier: MIT */
/* Zw/NtQueryInformationThread and ZwSetInformationThread. */
#include "ex/information.h"
#include "nt/impersonation.h"
#include "nt/process_information.h"
#include "ps/psp.h"

/* Of ThreadBasePriority, outside of the real-time class. */
#define PSP_INCREMENT_MOST 2
#define PSP_INCREMENT_SATURATED 15
#define PSP_PAGE_PRIORITY_MOST 5

static NTSTATUS PspAnswerThreadBasic(PEX_QUERY Query, PETHREAD Thread)
{
    THREAD_BASIC_INFORMATION Basic = {
        .ExitStatus = Thread->ExitStatus,
        .TebBaseAddress = Thread->Tcb.Teb,
        .ClientId = Thread->Cid,
        .AffinityMask = KeQueryActiveProcessors(),
        .Priority = Thread->Tcb.Priority,
        .BasePriority = Thread->Tcb.BasePriority - Thread->ThreadsProcess->Pcb.BasePriority,
    };
    return ExAnswer(Query, &Basic, sizeof(Basic));
}

static BOOLEAN PspIsIoPending(PETHREAD Thread)
{
    KIRQL OldIrql = KiAcquireSpinLock(&Thread->IrpListLock);
    BOOLEAN Pending = !IsListEmpty(&Thread->IrpList);
    KiReleaseSpinLock(&Thread->IrpListLock, OldIrql);
    return Pending;
}

static NTSTATUS PspAnswerFlag(PEX_QUERY Query, BOOLEAN Set)
{
    ULONG Number = Set;
    return ExAnswer(Query, &Number, sizeof(Number));
}

static NTSTATUS PspQueryThread(PEX_QUERY Query)
{
    PETHREAD Thread = Query->Object;
    KERNEL_USER_TIMES Times = {.CreateTime = Thread->CreateTime, .ExitTime = Thread->ExitTime};
    BOOLEAN Hidden = (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER) != 0;

    switch (Query->Class) {
    case ThreadBasicInformation:
        return PspAnswerThreadBasic(Query, Thread);
    case ThreadTimes:
        return ExAnswer(Query, &Times, sizeof(Times));
    case ThreadQuerySetWin32StartAddress:
        return ExAnswer(Query, &Thread->Win32StartAddress, sizeof(PVOID));
    case ThreadAmILastThread:
        return PspAnswerFlag(Query, PsGetCurrentThread()->ThreadsProcess->ActiveThreads == 1);
    case ThreadIsIoPending:
        return PspAnswerFlag(Query, PspIsIoPending(Thread));
    case ThreadHideFromDebugger:
        return ExAnswer(Query, &Hidden, sizeof(Hidden));
    case ThreadBreakOnTermination:
        return PspAnswerFlag(Query, (Thread->CrossThreadFlags &
                                     PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION) != 0);
    case ThreadIsTerminated:
        return PspAnswerFlag(Query, PsIsThreadTerminating(Thread));
    case ThreadPagePriority:
        return ExAnswer(Query, &Thread->PagePriority, sizeof(Thread->PagePriority));
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

static NTSTATUS PspQueryInformationThread(KPROCESSOR_MODE Mode, HANDLE Handle, ULONG Class,
                                          PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    PETHREAD Thread;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, THREAD_QUERY_INFORMATION, PsThreadType,
                                                Mode, (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    EX_QUERY Query = {.Object = Thread, .Class = Class};
    Status = ExQueryInformation(Mode, PspQueryThread, &Query, Buffer, Length, ReturnLength);
    ObfDereferenceObject(Thread);
    return Status;
}

NTSTATUS ZwQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                  PVOID ThreadInformation, ULONG ThreadInformationLength,
                                  PULONG ReturnLength)
{
    return PspQueryInformationThread(KernelMode, ThreadHandle, ThreadInformationClass,
                                     ThreadInformation, ThreadInformationLength, ReturnLength);
}

NTSTATUS NtQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                  PVOID ThreadInformation, ULONG ThreadInformationLength,
                                  PULONG ReturnLength)
{
    return PspQueryInformationThread(ExGetPreviousMode(), ThreadHandle, ThreadInformationClass,
                                     ThreadInformation, ThreadInformationLength, ReturnLength);
}

VOID PspSetThreadFlag(PETHREAD Thread, ULONG Flag, BOOLEAN Set)
{
    if (Set) {
        __sync_fetch_and_or(&Thread->CrossThreadFlags, (ULONG64)Flag);
    } else {
        __sync_fetch_and_and(&Thread->CrossThreadFlags, ~(ULONG64)Flag);
    }
}

static NTSTATUS PspSetThreadBasePriority(PETHREAD Thread, LONG Increment)
{
    BOOLEAN RealTime = Thread->ThreadsProcess->Pcb.BasePriority >= LOW_REALTIME_PRIORITY;
    LONG Most = RealTime ? PSP_INCREMENT_SATURATED : PSP_INCREMENT_MOST;
    if ((Increment < -Most || Increment > Most) && Increment != PSP_INCREMENT_SATURATED &&
        Increment != -PSP_INCREMENT_SATURATED) {
        return STATUS_INVALID_PARAMETER;
    }
    KeSetBasePriorityThread(&Thread->Tcb, Increment);
    return STATUS_SUCCESS;
}

/* Information has the bytes of the class. */
static NTSTATUS PspSetThread(PETHREAD Thread, ULONG Class, const VOID *Information)
{
    switch (Class) {
    case ThreadPriority: {
        KPRIORITY Priority = *(const KPRIORITY *)Information;
        if (Priority <= LOW_PRIORITY || Priority > HIGH_PRIORITY) {
            return STATUS_INVALID_PARAMETER;
        }
        KeSetPriorityThread(&Thread->Tcb, Priority);
        return STATUS_SUCCESS;
    }
    case ThreadBasePriority:
        return PspSetThreadBasePriority(Thread, *(const LONG *)Information);
    case ThreadAffinityMask:
        return *(const KAFFINITY *)Information == KeQueryActiveProcessors()
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER;
    case ThreadImpersonationToken:
        return KE_CALL_AS_KERNEL(
            PsAssignImpersonationToken(Thread, *(const HANDLE *)Information));
    case ThreadQuerySetWin32StartAddress:
        Thread->Win32StartAddress = *(const PVOID *)Information;
        return STATUS_SUCCESS;
    case ThreadHideFromDebugger:
        PspSetThreadFlag(Thread, PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER, TRUE);
        return STATUS_SUCCESS;
    case ThreadBreakOnTermination:
        PspSetThreadFlag(Thread, PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION,
                         *(const ULONG *)Information != 0);
        return STATUS_SUCCESS;
    default: /* ThreadPagePriority: kept; pages leave by their age alone */
        if (*(const ULONG *)Information > PSP_PAGE_PRIORITY_MOST) {
            return STATUS_INVALID_PARAMETER;
        }
        Thread->PagePriority = *(const ULONG *)Information;
        return STATUS_SUCCESS;
    }
}

/* FALSE: the class cannot be set. */
static BOOLEAN PspSizeOfThreadSetting(ULONG Class, PULONG Size)
{
    switch (Class) {
    case ThreadPriority:
    case ThreadBasePriority:
    case ThreadBreakOnTermination:
    case ThreadPagePriority:
        *Size = sizeof(ULONG);
        return TRUE;
    case ThreadAffinityMask:
    case ThreadQuerySetWin32StartAddress:
    case ThreadImpersonationToken:
        *Size = sizeof(PVOID);
        return TRUE;
    case ThreadHideFromDebugger:
        *Size = 0;
        return TRUE;
    default:
        return FALSE;
    }
}

NTSTATUS ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    PETHREAD Thread;
    ULONG Size;

    if (!PspSizeOfThreadSetting(ThreadInformationClass, &Size)) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ThreadInformationLength != Size) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    ACCESS_MASK Access = ThreadInformationClass == ThreadImpersonationToken
                             ? THREAD_SET_THREAD_TOKEN
                             : THREAD_SET_INFORMATION;
    NTSTATUS Status = ObReferenceObjectByHandle(ThreadHandle, Access, PsThreadType, KernelMode,
                                                (PVOID *)&Thread, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = PspSetThread(Thread, ThreadInformationClass, ThreadInformation);
    ObfDereferenceObject(Thread);
    return Status;
}
