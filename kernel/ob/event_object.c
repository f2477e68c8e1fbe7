/* SPDX-License-Identifier: MIT */
/* Events as objects, with names and handles. */
#include "ob/obp.h"

#include "ex/ex.h"

POBJECT_TYPE ExEventObjectType;

NTSTATUS ObpInitializeEventType(VOID)
{
    static const OBJECT_TYPE_INITIALIZER Info = {
        .GenericMapping = {STANDARD_RIGHTS_READ | EVENT_QUERY_STATE,
                           STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
                           STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, EVENT_ALL_ACCESS},
        .ValidAccessMask = EVENT_ALL_ACCESS,
        .PoolType = NonPagedPoolNx,
    };
    return ObCreateObjectType(L"Event", &Info, (PVOID)0, &ExEventObjectType);
}

static NTSTATUS ObpCreateEvent(POBJECT_ATTRIBUTES ObjectAttributes, KPROCESSOR_MODE Mode,
                               EVENT_TYPE EventType, BOOLEAN InitialState,
                               ACCESS_MASK DesiredAccess, PHANDLE Handle)
{
    PKEVENT Event;
    NTSTATUS Status = ObCreateObject(Mode, ExEventObjectType, ObjectAttributes, Mode, NULL,
                                     sizeof(KEVENT), 0, 0, (PVOID *)&Event);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(Event, EventType, InitialState);
    return ObInsertObject(Event, NULL, DesiredAccess, 0, NULL, Handle);
}

/*
 * STATUS_INVALID_PARAMETER_4: no event type. STATUS_OBJECT_NAME_EXISTS: with OBJ_OPENIF, an
 * event of that name was opened. PASSIVE_LEVEL
 */
NTSTATUS NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                       BOOLEAN InitialState)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    OB_CALLER_ATTRIBUTES Captured;
    HANDLE Handle;

    if (EventType != NotificationEvent && EventType != SynchronizationEvent) {
        return STATUS_INVALID_PARAMETER_4;
    }
    NTSTATUS Status = ExProbeCaller(EventHandle, sizeof(*EventHandle), sizeof(HANDLE), Mode);
    if (NT_SUCCESS(Status)) {
        Status = ObpCaptureAttributes(ObjectAttributes, Mode, &Captured);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpCreateEvent(Captured.Use, Mode, EventType, InitialState, DesiredAccess, &Handle);
    ObpReleaseAttributes(&Captured);
    if (NT_SUCCESS(Status)) {
        NTSTATUS Copied = ExCopyToCaller(EventHandle, &Handle, sizeof(Handle), Mode);
        Status = NT_SUCCESS(Copied) ? Status : Copied;
    }
    return Status;
}

NTSTATUS ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                       BOOLEAN InitialState)
{
    return KE_CALL_AS_KERNEL(
        NtCreateEvent(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState));
}

NTSTATUS ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                     POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, ExEventObjectType, KernelMode, NULL, DesiredAccess,
                              NULL, EventHandle);
}

NTSTATUS NtSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    PKEVENT Event;
    NTSTATUS Status = STATUS_SUCCESS;

    if (PreviousState != NULL) {
        Status = ExProbeCaller(PreviousState, sizeof(LONG), sizeof(LONG), Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(EventHandle, EVENT_MODIFY_STATE, ExEventObjectType,
                                           Mode, (PVOID *)&Event, NULL);
    }
    if (NT_SUCCESS(Status)) {
        LONG Previous = KeSetEvent(Event, EVENT_INCREMENT, FALSE);
        ObfDereferenceObject(Event);
        if (PreviousState != NULL) {
            Status = ExCopyToCaller(PreviousState, &Previous, sizeof(LONG), Mode);
        }
    }
    return Status;
}

NTSTATUS ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    return KE_CALL_AS_KERNEL(NtSetEvent(EventHandle, PreviousState));
}

/* Opens the event, or creates it not permanent; NULL when that fails. */
static PKEVENT ObpOpenNamedEvent(PUNICODE_STRING EventName, PHANDLE EventHandle, EVENT_TYPE Type)
{
    OBJECT_ATTRIBUTES Attributes;
    PKEVENT Event = NULL;
    HANDLE Handle;

    InitializeObjectAttributes(&Attributes, EventName, OBJ_OPENIF | OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status =
        ObpCreateEvent(&Attributes, KernelMode, Type, TRUE, EVENT_ALL_ACCESS, &Handle);
    if (!NT_SUCCESS(Status)) {
        return NULL;
    }
    Status = ObReferenceObjectByHandle(Handle, 0, ExEventObjectType, KernelMode, (PVOID *)&Event,
                                       NULL);
    if (!NT_SUCCESS(Status)) {
        ZwClose(Handle);
        return NULL;
    }
    /* The pointer lives as long as the handle does; that is the routine's contract. */
    ObfDereferenceObject(Event);
    *EventHandle = Handle;
    return Event;
}

/* A new event is created signalled, as documented. PASSIVE_LEVEL */
PKEVENT IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return ObpOpenNamedEvent(EventName, EventHandle, NotificationEvent);
}

PKEVENT IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return ObpOpenNamedEvent(EventName, EventHandle, SynchronizationEvent);
}
