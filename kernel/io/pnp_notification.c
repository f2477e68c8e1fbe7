/* SPDX-License-Identifier: MIT */
/*
 * Plug and play notifications.
 *
 * Changes of device interfaces are told by a worker, in the order in which they happened, so that
 * who changes an interface may hold what a callback takes. Target device notifications are told in
 * the thread that removes the device: their answers decide. A registration is held by run-down
 * protection while its callback runs; unregistering waits for that.
 *
 * IopNotifyLock guards the registrations and the events to come; never held when a callback runs.
 * Hardware profiles do not change here: such a registration is kept and never called.
 */
#include "io/pnp_notification.h"

typedef struct _IOP_NOTIFY_ENTRY {
    LIST_ENTRY Links;
    EX_RUNDOWN_REF Rundown;
    IO_NOTIFICATION_EVENT_CATEGORY Category;
    GUID Class;               /* of interfaces */
    PFILE_OBJECT FileObject;  /* of a target device; referenced */
    PDEVICE_OBJECT Physical;  /* the bottom of its stack; compared, never touched */
    PDRIVER_OBJECT Driver;    /* referenced */
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE Callback;
    PVOID Context;
} IOP_NOTIFY_ENTRY, *PIOP_NOTIFY_ENTRY;

typedef struct _IOP_INTERFACE_EVENT {
    LIST_ENTRY Links;
    GUID Event, Class;
    UNICODE_STRING Name;
    WCHAR Text[];
} IOP_INTERFACE_EVENT, *PIOP_INTERFACE_EVENT;

static LIST_ENTRY IopNotifyEntries = {&IopNotifyEntries, &IopNotifyEntries};
static LIST_ENTRY IopInterfaceEvents = {&IopInterfaceEvents, &IopInterfaceEvents};
static FAST_MUTEX IopNotifyLock;
static WORK_QUEUE_ITEM IopNotifyWork;
static BOOLEAN IopNotifyWorking; /* the worker will look at IopInterfaceEvents again */

/* The next registration after Previous (NULL: the first), held; Previous is given back. */
static PIOP_NOTIFY_ENTRY IopNextNotifyEntry(PIOP_NOTIFY_ENTRY Previous)
{
    PIOP_NOTIFY_ENTRY Found = NULL;
    ExAcquireFastMutex(&IopNotifyLock);
    PLIST_ENTRY Entry = Previous != NULL ? Previous->Links.Flink : IopNotifyEntries.Flink;
    for (; Entry != &IopNotifyEntries && Found == NULL; Entry = Entry->Flink) {
        PIOP_NOTIFY_ENTRY Candidate = CONTAINING_RECORD(Entry, IOP_NOTIFY_ENTRY, Links);
        if (ExAcquireRundownProtection(&Candidate->Rundown)) {
            Found = Candidate;
        }
    }
    ExReleaseFastMutex(&IopNotifyLock);
    if (Previous != NULL) {
        ExReleaseRundownProtection(&Previous->Rundown);
    }
    return Found;
}

/* ---- device interfaces ---- */

static NTSTATUS IopCallInterfaceCallback(PIOP_NOTIFY_ENTRY Entry, const GUID *Event,
                                         const GUID *Class, PUNICODE_STRING Name)
{
    DEVICE_INTERFACE_CHANGE_NOTIFICATION Notification = {
        .Version = 1,
        .Size = sizeof(Notification),
        .Event = *Event,
        .InterfaceClassGuid = *Class,
        .SymbolicLinkName = Name,
    };
    return Entry->Callback(&Notification, Entry->Context);
}

static VOID IopTellInterfaceEvent(PIOP_INTERFACE_EVENT Event)
{
    for (PIOP_NOTIFY_ENTRY Entry = IopNextNotifyEntry(NULL); Entry != NULL;
         Entry = IopNextNotifyEntry(Entry)) {
        if (Entry->Category == EventCategoryDeviceInterfaceChange &&
            RtlEqualMemory(&Entry->Class, &Event->Class, sizeof(GUID))) {
            IopCallInterfaceCallback(Entry, &Event->Event, &Event->Class, &Event->Name);
        }
    }
}

static VOID IopNotifyWorker(PVOID Context)
{
    for (;;) {
        PIOP_INTERFACE_EVENT Event = NULL;
        ExAcquireFastMutex(&IopNotifyLock);
        if (IsListEmpty(&IopInterfaceEvents)) {
            IopNotifyWorking = FALSE;
        } else {
            Event = CONTAINING_RECORD(RemoveHeadList(&IopInterfaceEvents), IOP_INTERFACE_EVENT,
                                      Links);
        }
        ExReleaseFastMutex(&IopNotifyLock);
        if (Event == NULL) {
            return;
        }
        IopTellInterfaceEvent(Event);
        ExFreePoolWithTag(Event, IO_TAG_NAME);
    }
}

VOID IopQueueInterfaceEvent(const GUID *Event, const GUID *Class, PCUNICODE_STRING Name)
{
    ExAcquireFastMutex(&IopNotifyLock);
    BOOLEAN Wanted = !IsListEmpty(&IopNotifyEntries);
    ExReleaseFastMutex(&IopNotifyLock);
    PIOP_INTERFACE_EVENT New =
        Wanted ? ExAllocatePoolWithTag(PagedPool, sizeof(*New) + Name->Length, IO_TAG_NAME) : NULL;
    if (New == NULL) {
        return; /* nobody listens, or there is no memory: NT loses the event then, too */
    }
    New->Event = *Event;
    New->Class = *Class;
    New->Name.Buffer = New->Text;
    New->Name.Length = New->Name.MaximumLength = Name->Length;
    RtlCopyMemory(New->Text, Name->Buffer, Name->Length);
    ExAcquireFastMutex(&IopNotifyLock);
    InsertTailList(&IopInterfaceEvents, &New->Links);
    BOOLEAN Start = !IopNotifyWorking;
    IopNotifyWorking = TRUE;
    ExReleaseFastMutex(&IopNotifyLock);
    if (Start) {
        ExInitializeWorkItem(&IopNotifyWork, IopNotifyWorker, NULL);
        ExQueueWorkItem(&IopNotifyWork, DelayedWorkQueue);
    }
}

/* The interfaces that are there already, before the registration returns. */
static NTSTATUS IopTellExisting(PIOP_NOTIFY_ENTRY Entry)
{
    PWSTR List;
    NTSTATUS Status = IoGetDeviceInterfaces(&Entry->Class, NULL, 0, &List);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (PWSTR Text = List; *Text != 0; Text += wcslen(Text) + 1) {
        UNICODE_STRING Name;
        RtlInitUnicodeString(&Name, Text);
        IopCallInterfaceCallback(Entry, &GUID_DEVICE_INTERFACE_ARRIVAL, &Entry->Class, &Name);
    }
    ExFreePool(List);
    return STATUS_SUCCESS;
}

/* ---- target devices ---- */

static NTSTATUS IopCallTargetCallback(PIOP_NOTIFY_ENTRY Entry, const GUID *Event)
{
    TARGET_DEVICE_REMOVAL_NOTIFICATION Notification = {
        .Version = 1,
        .Size = sizeof(Notification),
        .Event = *Event,
        .FileObject = Entry->FileObject,
    };
    return Entry->Callback(&Notification, Entry->Context);
}

NTSTATUS IopNotifyTargetDevice(PDEVICE_OBJECT Physical, const GUID *Event)
{
    BOOLEAN Ask = RtlEqualMemory(Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID));
    for (PIOP_NOTIFY_ENTRY Entry = IopNextNotifyEntry(NULL); Entry != NULL;
         Entry = IopNextNotifyEntry(Entry)) {
        if (Entry->Category != EventCategoryTargetDeviceChange || Entry->Physical != Physical) {
            continue;
        }
        NTSTATUS Status = IopCallTargetCallback(Entry, Event);
        if (Ask && !NT_SUCCESS(Status)) {
            ExReleaseRundownProtection(&Entry->Rundown);
            /* NV: NT tells those that agreed; all are told here, as they must expect anyway. */
            IopNotifyTargetDevice(Physical, &GUID_TARGET_DEVICE_REMOVE_CANCELLED);
            return Status;
        }
    }
    return STATUS_SUCCESS;
}

/* A custom event, with its data: each registration gets a copy with its file object. */
static VOID IopTellCustom(PDEVICE_OBJECT Physical, const TARGET_DEVICE_CUSTOM_NOTIFICATION *Custom,
                          PTARGET_DEVICE_CUSTOM_NOTIFICATION Room)
{
    for (PIOP_NOTIFY_ENTRY Entry = IopNextNotifyEntry(NULL); Entry != NULL;
         Entry = IopNextNotifyEntry(Entry)) {
        if (Entry->Category == EventCategoryTargetDeviceChange && Entry->Physical == Physical) {
            RtlCopyMemory(Room, Custom, Custom->Size);
            Room->FileObject = Entry->FileObject;
            Entry->Callback(Room, Entry->Context);
        }
    }
}

/* The events of removals are PnP's own. */
static NTSTATUS IopCheckCustom(PDEVICE_OBJECT Physical,
                               const TARGET_DEVICE_CUSTOM_NOTIFICATION *Custom)
{
    const GUID *Event = &Custom->Event;
    if (IopRootDeviceName(Physical) == NULL ||
        Custom->Size < offsetof(TARGET_DEVICE_CUSTOM_NOTIFICATION, CustomDataBuffer) ||
        Custom->FileObject != NULL ||
        RtlEqualMemory(Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID)) ||
        RtlEqualMemory(Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED, sizeof(GUID)) ||
        RtlEqualMemory(Event, &GUID_TARGET_DEVICE_REMOVE_COMPLETE, sizeof(GUID))) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return STATUS_SUCCESS;
}

NTSTATUS IoReportTargetDeviceChange(PDEVICE_OBJECT PhysicalDeviceObject,
                                    PVOID NotificationStructure)
{
    const TARGET_DEVICE_CUSTOM_NOTIFICATION *Custom = NotificationStructure;
    NTSTATUS Status = IopCheckCustom(PhysicalDeviceObject, Custom);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PVOID Room = ExAllocatePoolWithTag(PagedPool, Custom->Size, IO_TAG_WORK);
    if (Room == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IopTellCustom(PhysicalDeviceObject, Custom, Room);
    ExFreePoolWithTag(Room, IO_TAG_WORK);
    return STATUS_SUCCESS;
}

typedef struct _IOP_CUSTOM_EVENT {
    WORK_QUEUE_ITEM Work;
    PDEVICE_OBJECT Physical; /* referenced */
    PDEVICE_CHANGE_COMPLETE_CALLBACK Callback;
    PVOID Context;
    ULONG RoomOffset; /* a second copy, for IopTellCustom */
    DECLSPEC_ALIGN(16) TARGET_DEVICE_CUSTOM_NOTIFICATION Custom;
} IOP_CUSTOM_EVENT, *PIOP_CUSTOM_EVENT;

static VOID IopCustomWorker(PVOID Context)
{
    PIOP_CUSTOM_EVENT Event = Context;
    IopTellCustom(Event->Physical, &Event->Custom, (PVOID)((PUCHAR)Event + Event->RoomOffset));
    if (Event->Callback != NULL) {
        Event->Callback(Event->Context);
    }
    ObfDereferenceObject(Event->Physical);
    ExFreePoolWithTag(Event, IO_TAG_WORK);
}

/* STATUS_PENDING: a worker tells it, then calls Callback. */
NTSTATUS IoReportTargetDeviceChangeAsynchronous(PDEVICE_OBJECT PhysicalDeviceObject,
                                                PVOID NotificationStructure,
                                                PDEVICE_CHANGE_COMPLETE_CALLBACK Callback,
                                                PVOID Context)
{
    const TARGET_DEVICE_CUSTOM_NOTIFICATION *Custom = NotificationStructure;
    NTSTATUS Status = IopCheckCustom(PhysicalDeviceObject, Custom);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ULONG First = (ULONG)((sizeof(IOP_CUSTOM_EVENT) + Custom->Size + 15) & ~15ull);
    PIOP_CUSTOM_EVENT Event =
        ExAllocatePoolWithTag(NonPagedPoolNx, First + Custom->Size, IO_TAG_WORK);
    if (Event == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Event = (IOP_CUSTOM_EVENT){.Physical = PhysicalDeviceObject, .Callback = Callback,
                                .Context = Context, .RoomOffset = First};
    RtlCopyMemory(&Event->Custom, Custom, Custom->Size);
    ObfReferenceObject(PhysicalDeviceObject);
    ExInitializeWorkItem(&Event->Work, IopCustomWorker, Event);
    ExQueueWorkItem(&Event->Work, DelayedWorkQueue);
    return STATUS_PENDING;
}

/* ---- registration ---- */

static VOID IopFreeNotifyEntry(PIOP_NOTIFY_ENTRY Entry)
{
    if (Entry->FileObject != NULL) {
        ObfDereferenceObject(Entry->FileObject);
    }
    ObfDereferenceObject(Entry->Driver);
    ExFreePoolWithTag(Entry, IO_TAG_WORK);
}

static NTSTATUS IopFillNotifyEntry(PIOP_NOTIFY_ENTRY Entry, PVOID Data)
{
    if (Entry->Category == EventCategoryDeviceInterfaceChange) {
        if (Data == NULL) {
            return STATUS_INVALID_PARAMETER;
        }
        Entry->Class = *(const GUID *)Data;
    } else if (Entry->Category == EventCategoryTargetDeviceChange) {
        if (Data == NULL) {
            return STATUS_INVALID_PARAMETER;
        }
        PDEVICE_OBJECT Base =
            IoGetDeviceAttachmentBaseRef(IoGetRelatedDeviceObject((PFILE_OBJECT)Data));
        Entry->Physical = Base;
        ObfDereferenceObject(Base);
        if (IopRootDeviceName(Base) == NULL) {
            return STATUS_INVALID_DEVICE_REQUEST; /* no stack of PnP's */
        }
        Entry->FileObject = Data;
        ObfReferenceObject(Data);
    } else if (Entry->Category != EventCategoryHardwareProfileChange) {
        return STATUS_NOT_SUPPORTED;
    }
    return STATUS_SUCCESS;
}

NTSTATUS IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                        ULONG EventCategoryFlags, PVOID EventCategoryData,
                                        PDRIVER_OBJECT DriverObject,
                                        PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                        PVOID Context, PVOID *NotificationEntry)
{
    PIOP_NOTIFY_ENTRY New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), IO_TAG_WORK);
    *NotificationEntry = NULL;
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *New = (IOP_NOTIFY_ENTRY){.Category = EventCategory, .Driver = DriverObject,
                              .Callback = CallbackRoutine, .Context = Context};
    ExInitializeRundownProtection(&New->Rundown);
    ObfReferenceObject(DriverObject);
    NTSTATUS Status = IopFillNotifyEntry(New, EventCategoryData);
    if (!NT_SUCCESS(Status)) {
        IopFreeNotifyEntry(New);
        return Status;
    }
    *NotificationEntry = New;
    ExAcquireFastMutex(&IopNotifyLock);
    InsertTailList(&IopNotifyEntries, &New->Links);
    ExReleaseFastMutex(&IopNotifyLock);
    if (EventCategory == EventCategoryDeviceInterfaceChange &&
        (EventCategoryFlags & PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES)) {
        IopTellExisting(New); /* without memory for the list: those to come are told */
    }
    return STATUS_SUCCESS;
}

/* Waits for a callback under way, so it must not be called from one. */
NTSTATUS IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    PIOP_NOTIFY_ENTRY Entry = NotificationEntry;
    ExWaitForRundownProtectionRelease(&Entry->Rundown);
    ExAcquireFastMutex(&IopNotifyLock);
    RemoveEntryList(&Entry->Links);
    ExReleaseFastMutex(&IopNotifyLock);
    IopFreeNotifyEntry(Entry);
    return STATUS_SUCCESS;
}

NTSTATUS IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    return IoUnregisterPlugPlayNotificationEx(NotificationEntry);
}

VOID IopInitializeNotifications(VOID)
{
    ExInitializeFastMutex(&IopNotifyLock);
}
