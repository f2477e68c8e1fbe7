/* SPDX-License-Identifier: MIT */
/*
 * Events: whether the session wants them, what they carry, their way to the host. Any IRQL; above
 * APC_LEVEL all that is passed must be resident, as documented. That is made sure of here: every
 * page of an event's data is touched, although the host gets no more than ETWP_SENT bytes of it.
 */
#include "etw/etwp.h"

#include "io/control_event.h"
#include "nt/rtl.h"

#define ETWP_SENT 512u          /* of an event's data; it is on the writer's stack */
#define ETWP_MOST (64u << 10)   /* of an event, data and header */
#define ETWP_HEADER 80u         /* sizeof(EVENT_HEADER) */

BOOLEAN EtwEventEnabled(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor)
{
    PETWP_PROVIDER Provider = EtwpReferenceHandle(RegHandle);
    return Provider != NULL &&
           EtwpWants(Provider, EventDescriptor->Level, EventDescriptor->Keyword);
}

BOOLEAN EtwProviderEnabled(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword)
{
    PETWP_PROVIDER Provider = EtwpReferenceHandle(RegHandle);
    return Provider != NULL && EtwpWants(Provider, Level, Keyword);
}

/* Copies Length bytes while there is room, and touches the pages of the rest. */
static VOID EtwpTake(PUCHAR Buffer, PULONG Taken, const volatile UCHAR *Data, ULONG Length)
{
    ULONG Copied = 0;
    for (; Copied < Length && *Taken < ETWP_SENT; Copied++) {
        Buffer[(*Taken)++] = Data[Copied];
    }
    for (ULONG At = Copied; At < Length; At += PAGE_SIZE) {
        (void)Data[At];
    }
    if (Length != 0) {
        (void)Data[Length - 1];
    }
}

/* The activity that is given, or the thread's. */
static VOID EtwpSetActivity(CONTROL_TRACE_EVENT *Event, LPCGUID Activity)
{
    if (Activity == NULL) {
        Activity = &PsGetCurrentThread()->ActivityId;
    }
    __builtin_memcpy(Event->Activity, Activity, sizeof(Event->Activity));
}

static NTSTATUS EtwpWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR Descriptor, LPCGUID Activity,
                          ULONG Count, const EVENT_DATA_DESCRIPTOR *Data, ULONG Flags)
{
    PETWP_PROVIDER Provider = EtwpReferenceHandle(RegHandle);
    UCHAR Buffer[ETWP_SENT];
    ULONG64 Length = 0;

    if (Provider == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    if (Descriptor == NULL || Count > MAX_EVENT_DATA_DESCRIPTORS || (Count != 0 && Data == NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!EtwpWants(Provider, Descriptor->Level, Descriptor->Keyword)) {
        return STATUS_SUCCESS;
    }
    for (ULONG i = 0; i < Count; i++) {
        Length += Data[i].Size;
    }
    if (Length > ETWP_MOST - ETWP_HEADER) {
        return STATUS_INTEGER_OVERFLOW;
    }
    CONTROL_TRACE_EVENT Event = {.Keyword = Descriptor->Keyword,
                                 .Thread = (ULONG64)PsGetCurrentThreadId(),
                                 .Id = Descriptor->Id,
                                 .Task = Descriptor->Task,
                                 .Version = Descriptor->Version,
                                 .Channel = Descriptor->Channel,
                                 .Level = Descriptor->Level,
                                 .Opcode = Descriptor->Opcode,
                                 .Flags = Flags,
                                 .WholeLength = (ULONG)Length};
    for (ULONG i = 0; i < Count; i++) {
        EtwpTake(Buffer, &Event.DataLength, (PVOID)Data[i].Ptr, Data[i].Size);
    }
    __builtin_memcpy(Event.Guid, &Provider->Guid, sizeof(Event.Guid));
    EtwpSetActivity(&Event, Activity);
    Event.NameLength = (ULONG)strnlen(Provider->Name, ETWP_NAME);
    IopSendControl(ControlTraceEvent, 0, &Event, IopControlBytes(Provider->Name, Event.NameLength),
                   IopControlBytes(Buffer, Event.DataLength));
    return STATUS_SUCCESS;
}

NTSTATUS EtwWrite(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, LPCGUID ActivityId,
                  ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData)
{
    return EtwpWrite(RegHandle, EventDescriptor, ActivityId, UserDataCount, UserData, 0);
}

/* What the event is related to is the reader's; it is not sent. */
NTSTATUS EtwWriteTransfer(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor,
                          LPCGUID ActivityId, LPCGUID RelatedActivityId, ULONG UserDataCount,
                          PEVENT_DATA_DESCRIPTOR UserData)
{
    UNREFERENCED_PARAMETER(RelatedActivityId);
    return EtwpWrite(RegHandle, EventDescriptor, ActivityId, UserDataCount, UserData, 0);
}

/* Filter has a bit for each session that is not to get it: ours is the first. */
NTSTATUS EtwWriteEx(REGHANDLE RegHandle, PCEVENT_DESCRIPTOR EventDescriptor, ULONG64 Filter,
                    ULONG Flags, LPCGUID ActivityId, LPCGUID RelatedActivityId,
                    ULONG UserDataCount, PEVENT_DATA_DESCRIPTOR UserData)
{
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(RelatedActivityId);
    if (Filter & 1) {
        return EtwpReferenceHandle(RegHandle) != NULL ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    }
    return EtwpWrite(RegHandle, EventDescriptor, ActivityId, UserDataCount, UserData, 0);
}

NTSTATUS EtwWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword, LPCGUID ActivityId,
                        PCWSTR String)
{
    EVENT_DESCRIPTOR Descriptor = {.Level = Level, .Keyword = Keyword};
    EVENT_DATA_DESCRIPTOR Data;

    if (String == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    SIZE_T Characters = 0;
    while (Characters < ETWP_MOST && String[Characters] != 0) {
        Characters++;
    }
    EventDataDescCreate(&Data, String, (ULONG)((Characters + 1) * sizeof(WCHAR)));
    return EtwpWrite(RegHandle, &Descriptor, ActivityId, 1, &Data, CONTROL_TRACE_STRING);
}

/* Of the current thread. */
NTSTATUS EtwActivityIdControl(ULONG ControlCode, GUID *ActivityId)
{
    static volatile LONG64 Created;
    GUID *Mine = &PsGetCurrentThread()->ActivityId;
    GUID Old = *Mine;

    if (ActivityId == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    /* Unlike every other of this boot, which is what a reader of the events needs. */
    GUID New = {(ULONG)__builtin_ia32_rdtsc(), 0, 0x1000, {0x80}};
    switch (ControlCode) {
    case EVENT_ACTIVITY_CTRL_GET_ID: *ActivityId = Old; break;
    case EVENT_ACTIVITY_CTRL_SET_ID: *Mine = *ActivityId; break;
    case EVENT_ACTIVITY_CTRL_GET_SET_ID:
        *Mine = *ActivityId;
        *ActivityId = Old;
        break;
    case EVENT_ACTIVITY_CTRL_CREATE_ID:
    case EVENT_ACTIVITY_CTRL_CREATE_SET_ID: {
        LONG Number = (LONG)InterlockedIncrement64(&Created);
        __builtin_memcpy(New.Data4 + 4, &Number, sizeof(Number));
        *ActivityId = ControlCode == EVENT_ACTIVITY_CTRL_CREATE_ID ? New : Old;
        if (ControlCode == EVENT_ACTIVITY_CTRL_CREATE_SET_ID) {
            *Mine = New;
        }
        break;
    }
    default: return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}
