/* SPDX-License-Identifier: MIT */
/* What users set: period and scale in the registry, the label by a request. */
#include "correct/meter/meter.h"

PAGE_DATA ULONG MeterPeriod = 2;
PAGE_DATA ULONG MeterScale = 1;
static PAGE_DATA CHAR MeterLabel[METER_LABEL] = {0};
static PAGE_DATA ULONG MeterLabelLength = 0;

/* The value of the service's Parameters key; what is absent or absurd leaves Number as it is. */
static PAGE_CODE VOID MeterReadNumber(PCWSTR Name, ULONG Most, PULONG Number)
{
    RTL_QUERY_REGISTRY_TABLE Table[2];
    ULONG Value = *Number;

    PAGED_CODE();
    RtlZeroMemory(Table, sizeof(Table));
    Table[0].Flags = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;
    Table[0].Name = (PWSTR)Name;
    Table[0].EntryContext = &Value;
    Table[0].DefaultType = REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT | REG_NONE;
    if (NT_SUCCESS(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"meter\\Parameters", Table, NULL,
                                          NULL)) &&
        Value != 0 && Value <= Most) {
        *Number = Value;
    }
}

/* Drivers that need others to be there come back here; this one comes back once. */
PAGE_CODE VOID NTAPI MeterReinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    PAGED_CODE();
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Meter.Lock, TRUE);
    Meter.Sums.Reinitialized = Count;
    ExReleaseResourceLite(&Meter.Lock);
    KeLeaveCriticalRegion();
    if (Count == 1) {
        IoRegisterDriverReinitialization(DriverObject, MeterReinitialize, NULL);
        return;
    }
    MeterReadNumber(L"Period", 1000, &MeterPeriod);
    MeterReadNumber(L"Scale", 1000, &MeterScale);
}

PAGE_CODE NTSTATUS MeterExchangeLabel(PVOID New, ULONG NewLength, PVOID Old, ULONG OldLength,
                                      PULONG_PTR Information)
{
    CHAR Label[METER_LABEL];
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (NewLength > METER_LABEL) {
        return STATUS_INVALID_PARAMETER;
    }
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&Meter.Lock, TRUE);
    __try {
        ProbeForRead(New, NewLength, 1);
        RtlCopyMemory(Label, New, NewLength); /* it may change while it is looked at */
        if (OldLength >= MeterLabelLength) {
            ProbeForWrite(Old, MeterLabelLength, 1);
            RtlCopyMemory(Old, MeterLabel, MeterLabelLength);
        } else {
            Status = STATUS_BUFFER_TOO_SMALL;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    if (NT_SUCCESS(Status)) {
        *Information = MeterLabelLength;
        RtlCopyMemory(MeterLabel, Label, NewLength);
        MeterLabelLength = NewLength;
    }
    ExReleaseResourceLite(&Meter.Lock);
    KeLeaveCriticalRegion();
    return Status;
}
