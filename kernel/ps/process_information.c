/* SPDX-License-Identifier: MIT */
/*
 * Zw/NtQueryInformationProcess and ZwSetInformationProcess. There are no jobs, no 32-bit processes
 * and no debuggers of processes; processor time is not counted.
 */
#include "ex/information.h"
#include "mm/mm.h"
#include "nt/process_information.h"
#include "ps/psp.h"

/* Base priorities by class, as the Windows scheduling priorities are documented. */
static const SCHAR PspClassPriority[] = {
    [PROCESS_PRIORITY_CLASS_IDLE] = 4,          [PROCESS_PRIORITY_CLASS_NORMAL] = 8,
    [PROCESS_PRIORITY_CLASS_HIGH] = 13,         [PROCESS_PRIORITY_CLASS_REALTIME] = 24,
    [PROCESS_PRIORITY_CLASS_BELOW_NORMAL] = 6,  [PROCESS_PRIORITY_CLASS_ABOVE_NORMAL] = 10,
};

static NTSTATUS PspAnswerBasic(PEX_QUERY Query, PEPROCESS Process)
{
    PROCESS_BASIC_INFORMATION Basic = {
        .ExitStatus = Process->ExitStatus,
        .PebBaseAddress = Process->Peb,
        .AffinityMask = KeQueryActiveProcessors(),
        .BasePriority = Process->Pcb.BasePriority,
        .UniqueProcessId = (ULONG_PTR)Process->UniqueProcessId,
        .InheritedFromUniqueProcessId = (ULONG_PTR)Process->InheritedFromUniqueProcessId,
    };
    return ExAnswer(Query, &Basic, sizeof(Basic));
}

static NTSTATUS PspAnswerTimes(PEX_QUERY Query, PEPROCESS Process)
{
    KERNEL_USER_TIMES Times = {.CreateTime = Process->CreateTime, .ExitTime = Process->ExitTime};
    return ExAnswer(Query, &Times, sizeof(Times));
}

/* A UNICODE_STRING and its text behind it; a name of no characters for the system process. */
static NTSTATUS PspAnswerImageName(PEX_QUERY Query, PEPROCESS Process)
{
    PCUNICODE_STRING Name = PspImageName(Process);
    ULONG Length = Name->Length + (Name->Length != 0 ? sizeof(WCHAR) : 0);

    Query->Needed = (ULONG)sizeof(UNICODE_STRING) + Length;
    if (Query->Length < Query->Needed) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    PUNICODE_STRING Answer = (PUNICODE_STRING)Query->Buffer;
    Answer->Length = Name->Length;
    Answer->MaximumLength = (USHORT)Length;
    Answer->Buffer = Length != 0 ? (PWSTR)(Query->Target + sizeof(*Answer)) : NULL;
    RtlCopyMemory(Answer + 1, Name->Buffer, Name->Length);
    if (Length != 0) {
        *(PWCHAR)(Query->Buffer + Query->Needed - sizeof(WCHAR)) = 0;
    }
    Query->Written = Query->Needed;
    return STATUS_SUCCESS;
}

static NTSTATUS PspAnswerHandleCount(PEX_QUERY Query, PEPROCESS Process)
{
    ULONG Count = ObGetProcessHandleCount(Process);
    return ExAnswer(Query, &Count, sizeof(Count));
}

static NTSTATUS PspAnswerNumber(PEX_QUERY Query, ULONG Number)
{
    return ExAnswer(Query, &Number, sizeof(Number));
}

static NTSTATUS PspAnswerPointer(PEX_QUERY Query, ULONG_PTR Pointer)
{
    return ExAnswer(Query, &Pointer, sizeof(Pointer));
}

static NTSTATUS PspQueryProcess(PEX_QUERY Query)
{
    PEPROCESS Process = Query->Object;
    PROCESS_PRIORITY_CLASS Class = {FALSE, Process->PriorityClass};
    VM_COUNTERS Counters = {0};
    UCHAR Unprotected = 0;

    switch (Query->Class) {
    case ProcessBasicInformation:
        return PspAnswerBasic(Query, Process);
    case ProcessVmCounters:
        MmQueryProcessCounters(Process, &Counters);
        return ExAnswer(Query, &Counters, sizeof(Counters));
    case ProcessTimes:
        return PspAnswerTimes(Query, Process);
    case ProcessPriorityClass:
        return ExAnswer(Query, &Class, sizeof(Class));
    case ProcessHandleCount:
        return PspAnswerHandleCount(Query, Process);
    case ProcessSessionInformation:
        return PspAnswerNumber(Query, 0);
    case ProcessDebugPort:
    case ProcessWow64Information:
        return PspAnswerPointer(Query, 0);
    case ProcessImageFileName:
        return PspAnswerImageName(Query, Process);
    case ProcessBreakOnTermination:
        return PspAnswerNumber(Query, Process->BreakOnTermination);
    case ProcessDebugObjectHandle:
        Query->Needed = sizeof(HANDLE);
        return Query->Length == sizeof(HANDLE) ? STATUS_PORT_NOT_SET : STATUS_INFO_LENGTH_MISMATCH;
    case ProcessDebugFlags: /* 1: children are not debugged */
        return PspAnswerNumber(Query, 1);
    case ProcessProtectionInformation:
        return ExAnswer(Query, &Unprotected, sizeof(Unprotected));
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

static NTSTATUS PspQueryInformationProcess(KPROCESSOR_MODE Mode, HANDLE Handle, ULONG Class,
                                           PVOID Buffer, ULONG Length, PULONG ReturnLength)
{
    PEPROCESS Process;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, PROCESS_QUERY_INFORMATION, PsProcessType,
                                                Mode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    EX_QUERY Query = {.Object = Process, .Class = Class};
    Status = ExQueryInformation(Mode, PspQueryProcess, &Query, Buffer, Length, ReturnLength);
    ObfDereferenceObject(Process);
    return Status;
}

NTSTATUS ZwQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
                                   PVOID ProcessInformation, ULONG ProcessInformationLength,
                                   PULONG ReturnLength)
{
    return PspQueryInformationProcess(KernelMode, ProcessHandle, ProcessInformationClass,
                                      ProcessInformation, ProcessInformationLength, ReturnLength);
}

NTSTATUS NtQueryInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
                                   PVOID ProcessInformation, ULONG ProcessInformationLength,
                                   PULONG ReturnLength)
{
    return PspQueryInformationProcess(ExGetPreviousMode(), ProcessHandle, ProcessInformationClass,
                                      ProcessInformation, ProcessInformationLength, ReturnLength);
}

/* Threads that are there keep their distance from the base. */
static NTSTATUS PspSetBasePriority(PEPROCESS Process, KPRIORITY Priority)
{
    if (Priority < 1 || Priority > HIGH_PRIORITY) {
        return STATUS_INVALID_PARAMETER;
    }
    KIRQL OldIrql = KiAcquireSpinLock(&PspActiveProcessLock);
    KPRIORITY Old = Process->Pcb.BasePriority;
    Process->Pcb.BasePriority = Priority;
    KiReleaseSpinLock(&PspActiveProcessLock, OldIrql);
    ULONG Count;
    PETHREAD *Threads = PspSnapshotThreads(Process, &Count);
    if (Threads == NULL && Count != 0) {
        Process->Pcb.BasePriority = Old;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONG i = 0; i < Count; i++) {
        KeSetBasePriorityThread(&Threads[i]->Tcb, Threads[i]->Tcb.BasePriority - Old);
    }
    PspFreeSnapshot((PVOID *)Threads, Count);
    return STATUS_SUCCESS;
}

static NTSTATUS PspSetPriorityClass(PEPROCESS Process, const PROCESS_PRIORITY_CLASS *Class)
{
    if (Class->PriorityClass == PROCESS_PRIORITY_CLASS_UNKNOWN ||
        Class->PriorityClass >= RTL_NUMBER_OF(PspClassPriority)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = PspSetBasePriority(Process, PspClassPriority[Class->PriorityClass]);
    if (NT_SUCCESS(Status)) {
        Process->PriorityClass = Class->PriorityClass;
    }
    return Status;
}

static NTSTATUS PspSetProcess(PEPROCESS Process, ULONG Class, const VOID *Information)
{
    switch (Class) {
    case ProcessBasePriority:
        return PspSetBasePriority(Process, *(const KPRIORITY *)Information);
    case ProcessPriorityClass:
        return PspSetPriorityClass(Process, Information);
    case ProcessAffinityMask:
        return *(const KAFFINITY *)Information == KeQueryActiveProcessors()
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER;
    default:
        Process->BreakOnTermination = *(const ULONG *)Information != 0;
        return STATUS_SUCCESS;
    }
}

/* Bytes of the class. 0: it cannot be set. */
static ULONG PspSizeOfSetting(ULONG Class)
{
    switch (Class) {
    case ProcessBasePriority:
    case ProcessBreakOnTermination:
        return sizeof(ULONG);
    case ProcessPriorityClass:
        return sizeof(PROCESS_PRIORITY_CLASS);
    case ProcessAffinityMask:
        return sizeof(KAFFINITY);
    default:
        return 0;
    }
}

NTSTATUS ZwSetInformationProcess(HANDLE ProcessHandle, PROCESSINFOCLASS ProcessInformationClass,
                                 PVOID ProcessInformation, ULONG ProcessInformationLength)
{
    PEPROCESS Process;
    ULONG Size = PspSizeOfSetting(ProcessInformationClass);

    if (Size == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (ProcessInformationLength != Size) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    NTSTATUS Status = ObReferenceObjectByHandle(ProcessHandle, PROCESS_SET_INFORMATION,
                                                PsProcessType, KernelMode, (PVOID *)&Process, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = PspSetProcess(Process, ProcessInformationClass, ProcessInformation);
    ObfDereferenceObject(Process);
    return Status;
}
