/* SPDX-License-Identifier: MIT */
/* From a callback to the queue, whether or not anybody listens. See README.md. */
#include "correct/activity-monitor/monitor.h"

static PAGE_DATA ULONG MonitorKinds = 0;

PAGE_CODE VOID MonitorRecord(MONITOR_KIND Kind, HANDLE Subject, ULONG64 Other,
                             PCUNICODE_STRING Name)
{
    PAGED_CODE();
    /* The mistake: nothing says that PAGEMON is locked, and MonitorPost takes a spin lock there. */
    if ((MonitorKinds & 1u << Kind) == 0) {
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
}

PAGE_CODE VOID MonitorSelect(ULONG Kinds)
{
    PAGED_CODE();
    MonitorKinds = Kinds;
}
