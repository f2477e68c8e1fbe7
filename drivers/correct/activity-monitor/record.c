/* SPDX-License-Identifier: MIT */
/* From a callback to the queue, while somebody listens. */
#include "monitor.h"

static PAGE_DATA ULONG MonitorKinds = 0;

PAGE_CODE VOID MonitorRecord(MONITOR_KIND Kind, HANDLE Subject, ULONG64 Other,
                             PCUNICODE_STRING Name)
{
    PAGED_CODE();
    if ((MonitorKinds & 1u << Kind) == 0 || !ExAcquireRundownProtection(&Monitor.Listening)) {
        return;
    }
    MONITOR_EVENT *Event = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Event), MONITOR_TAG);
    if (Event != NULL) {
        RtlZeroMemory(Event, sizeof(*Event));
        Event->Kind = Kind;
        Event->Subject = (ULONG_PTR)Subject;
        Event->Other = Other;
        KeQuerySystemTime(&Event->Time);
        if (Name != NULL && Name->Buffer != NULL) {
            ULONG Most = sizeof(Event->Name);
            ULONG Length = Name->Length < Most ? Name->Length : Most;
            RtlCopyMemory(Event->Name, (PUCHAR)Name->Buffer + Name->Length - Length, Length);
            Event->NameLength = Length;
        }
        MonitorPost(Event);
        ExFreePoolWithTag(Event, MONITOR_TAG);
    }
    ExReleaseRundownProtection(&Monitor.Listening);
}

PAGE_CODE VOID MonitorSelect(ULONG Kinds)
{
    PAGED_CODE();
    MonitorKinds = Kinds;
}
