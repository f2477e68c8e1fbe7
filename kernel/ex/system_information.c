/* SPDX-License-Identifier: MIT */
/*
 * Zw/NtQuerySystemInformation. A class that is not here is named in the log, and the answer is
 * STATUS_INVALID_INFO_CLASS.
 */
#include "ex/ex.h"
#include "ex/information.h"
#include "nt/kd.h"
#include "nt/rtl.h"
#include "nt/system_information.h"

#define EX_ARCHITECTURE_AMD64 9

static NTSTATUS ExpAnswerProcessor(PEX_QUERY Query)
{
    ULONG Registers[4];
    __asm__("cpuid" : "=a"(Registers[0]), "=b"(Registers[1]), "=c"(Registers[2]), "=d"(Registers[3])
            : "a"(1), "c"(0));
    SYSTEM_PROCESSOR_INFORMATION Processor = {
        .ProcessorArchitecture = EX_ARCHITECTURE_AMD64,
        .ProcessorLevel = (USHORT)(Registers[0] >> 8 & 0xf),
        .ProcessorRevision =
            (USHORT)((Registers[0] >> 12 & 0xf0) << 4 | (Registers[0] & 0xff)),
        .MaximumProcessors = KeNumberProcessors,
        .ProcessorFeatureBits = Registers[3],
    };
    return ExAnswer(Query, &Processor, sizeof(Processor));
}

/* Any length up to the whole is answered. */
static NTSTATUS ExpAnswerTimeOfDay(PEX_QUERY Query)
{
    SYSTEM_TIMEOFDAY_INFORMATION Time = {0};
    KeQuerySystemTimePrecise(&Time.CurrentTime);
    Time.BootTime.QuadPart = Time.CurrentTime.QuadPart - (LONG64)KeQueryInterruptTime();
    Query->Needed = Query->Length < sizeof(Time) ? Query->Length : (ULONG)sizeof(Time);
    if (Query->Length > sizeof(Time)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlCopyMemory(Query->Buffer, &Time, Query->Needed);
    Query->Written = Query->Needed;
    return STATUS_SUCCESS;
}

static NTSTATUS ExpAnswerDebugger(PEX_QUERY Query)
{
    UCHAR Debugger[2] = {KdDebuggerEnabled, KdDebuggerNotPresent};
    Query->Needed = sizeof(Debugger);
    if (Query->Length < sizeof(Debugger)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    RtlCopyMemory(Query->Buffer, Debugger, sizeof(Debugger));
    Query->Written = sizeof(Debugger);
    return STATUS_SUCCESS;
}

/* Unsigned drivers are loaded, as on a Windows in test mode. */
static NTSTATUS ExpAnswerCodeIntegrity(PEX_QUERY Query)
{
    SYSTEM_CODEINTEGRITY_INFORMATION *Asked = (PVOID)Query->Buffer;
    Query->Needed = sizeof(*Asked);
    if (Query->Length != sizeof(*Asked)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    Asked->Length = sizeof(*Asked);
    Asked->CodeIntegrityOptions = CODEINTEGRITY_OPTION_ENABLED | CODEINTEGRITY_OPTION_TESTSIGN;
    Query->Written = sizeof(*Asked);
    return STATUS_SUCCESS;
}

static NTSTATUS ExpQuerySystem(PEX_QUERY Query)
{
    static const UCHAR SecureBoot[2] = {FALSE, FALSE}; /* enabled, capable */
    UCHAR Allowed[3] = {TRUE, KdDebuggerEnabled, !KdDebuggerNotPresent};

    switch (Query->Class) {
    case SystemBasicInformation:
    case SystemEmulationBasicInformation:
        return MmQueryBasicInformation(Query);
    case SystemProcessorInformation:
        return ExpAnswerProcessor(Query);
    case SystemTimeOfDayInformation:
        return ExpAnswerTimeOfDay(Query);
    case SystemProcessInformation:
        return PsQueryProcessList(Query);
    case SystemModuleInformation:
        return MmQueryModules(Query);
    case SystemHandleInformation:
        return ObQueryHandles(Query, FALSE);
    case SystemExtendedHandleInformation:
        return ObQueryHandles(Query, TRUE);
    case SystemKernelDebuggerInformation:
        return ExpAnswerDebugger(Query);
    case SystemKernelDebuggerInformationEx:
        return ExAnswer(Query, Allowed, sizeof(Allowed));
    case SystemCodeIntegrityInformation:
        return ExpAnswerCodeIntegrity(Query);
    case SystemSecureBootInformation:
        return ExAnswer(Query, SecureBoot, sizeof(SecureBoot));
    default:
        DbgPrint("Zw/NtQuerySystemInformation: class %lu is not implemented\n", Query->Class);
        return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS ZwQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation,
                                  ULONG SystemInformationLength, PULONG ReturnLength)
{
    EX_QUERY Query = {.Class = SystemInformationClass};
    return ExQueryInformation(KernelMode, ExpQuerySystem, &Query, SystemInformation,
                              SystemInformationLength, ReturnLength);
}

NTSTATUS NtQuerySystemInformation(ULONG SystemInformationClass, PVOID SystemInformation,
                                  ULONG SystemInformationLength, PULONG ReturnLength)
{
    EX_QUERY Query = {.Class = SystemInformationClass};
    return ExQueryInformation(ExGetPreviousMode(), ExpQuerySystem, &Query, SystemInformation,
                              SystemInformationLength, ReturnLength);
}

/* PASSIVE_LEVEL. There is nothing that can be set: no class is one that is. */
NTSTATUS ZwSetSystemInformation(ULONG SystemInformationClass, PVOID SystemInformation,
                                ULONG SystemInformationLength)
{
    UNREFERENCED_PARAMETER(SystemInformationClass);
    UNREFERENCED_PARAMETER(SystemInformation);
    UNREFERENCED_PARAMETER(SystemInformationLength);
    return STATUS_INVALID_INFO_CLASS;
}
