/* SPDX-License-Identifier: MIT */
/* Registry callbacks and ZwNotifyChangeKey. See README.md. */
#include <ntddk.h>

#define CALLBACKS 4
#define EVENTS_MOST 64

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD CallbacksUnload;
DRIVER_DISPATCH CallbacksOpen;
static EX_CALLBACK_FUNCTION CallbacksNotify;
static NTSTATUS CallbacksRegister(PDRIVER_OBJECT DriverObject);
static VOID CallbacksTestOrder(HANDLE Key);
static VOID CallbacksTestVerdicts(HANDLE Key);
static VOID CallbacksTestArguments(PDRIVER_OBJECT DriverObject, HANDLE Key);
static VOID CallbacksTestNotification(HANDLE Key);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CallbacksUnload)
#pragma alloc_text(PAGE, CallbacksOpen)
#pragma alloc_text(PAGE, CallbacksNotify)
#pragma alloc_text(PAGE, CallbacksRegister)
#pragma alloc_text(PAGE, CallbacksTestOrder)
#pragma alloc_text(PAGE, CallbacksTestVerdicts)
#pragma alloc_text(PAGE, CallbacksTestArguments)
#pragma alloc_text(PAGE, CallbacksTestNotification)

typedef struct _CALLBACK {
    LARGE_INTEGER Cookie;
    BOOLEAN Registered;
    NTSTATUS Answer;      /* to a pre-notification of OnlyClass */
    NTSTATUS PostAnswer;
    NTSTATUS ReturnStatus;
    LONG OnlyClass;
    ULONG Cleanups;
    BOOLEAN Attach;       /* an object context at the next set */
    ULONG ObjectContexts; /* seen */
} CALLBACK;

#pragma data_seg("PAGEDATA")
static CALLBACK Callbacks[CALLBACKS] = {0};
static UCHAR Events[EVENTS_MOST] = {0}; /* class << 2 | callback */
static ULONG EventCount = 0;
static BOOLEAN Recording = FALSE;
static ULONG Failures = 0;
static PWCHAR ServiceText = NULL;
static UNICODE_STRING Service = {0, 0, NULL};
#pragma data_seg()

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            Failures++;                                                         \
            DbgPrint("registry-callbacks: line %d: %s\n", __LINE__, #condition); \
        }                                                                       \
    } while (0)

static ULONG EventOf(ULONG Class, ULONG Index)
{
    return Class << 2 | Index;
}

/* Each callback: records what it sees, and answers as told. */
static NTSTATUS CallbacksNotify(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CALLBACK *Callback = Context;
    ULONG Index = (ULONG)(Callback - Callbacks), Class = (ULONG)(ULONG_PTR)Argument1;

    PAGED_CODE();
    if (Class == RegNtCallbackObjectContextCleanup) {
        PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION Cleanup = Argument2;
        CHECK(Cleanup->ObjectContext == Callback);
        Callback->Cleanups++;
        return STATUS_SUCCESS;
    }
    if (Recording && EventCount < EVENTS_MOST) {
        Events[EventCount++] = (UCHAR)EventOf(Class, Index);
    }
    if (Class == RegNtPreSetValueKey) {
        PREG_SET_VALUE_KEY_INFORMATION Set = Argument2;
        Set->CallContext = Callback;
        Callback->ObjectContexts += Set->ObjectContext == Callback;
        if (Callback->Attach) {
            PVOID Old = Callback;
            CHECK(CmSetCallbackObjectContext(Set->Object, &Callback->Cookie, Callback, &Old) ==
                  STATUS_SUCCESS);
            CHECK(Old == NULL);
            Callback->Attach = FALSE;
        }
    }
    if (Class == RegNtPostSetValueKey) {
        PREG_POST_OPERATION_INFORMATION Post = Argument2;
        PREG_SET_VALUE_KEY_INFORMATION Set = Post->PreInformation;
        CHECK(Post->CallContext == Callback && Post->Object == Set->Object);
    }
    if (Class == RegNtPostSetValueKey && Callback->PostAnswer != STATUS_SUCCESS) {
        ((PREG_POST_OPERATION_INFORMATION)Argument2)->ReturnStatus = Callback->ReturnStatus;
        return Callback->PostAnswer;
    }
    return (LONG)Class == Callback->OnlyClass ? Callback->Answer : STATUS_SUCCESS;
}

static NTSTATUS SetNumber(HANDLE Key, PCWSTR Text, ULONG Number)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Text);
    return ZwSetValueKey(Key, &Name, 0, REG_DWORD, &Number, sizeof(Number));
}

static NTSTATUS GetNumber(HANDLE Key, PCWSTR Text)
{
    UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 8];
    UNICODE_STRING Name;
    ULONG Length;
    RtlInitUnicodeString(&Name, Text);
    return ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Buffer, sizeof(Buffer),
                           &Length);
}

static VOID Reset(VOID)
{
    for (ULONG i = 0; i < CALLBACKS; i++) {
        Callbacks[i].OnlyClass = -1;
        Callbacks[i].PostAnswer = STATUS_SUCCESS;
    }
    EventCount = 0;
    Recording = TRUE;
}

/* Callback 0 has the highest altitude, 3 none. */
static VOID CallbacksTestOrder(HANDLE Key)
{
    static const UCHAR Wanted[] = {
        RegNtPreSetValueKey << 2 | 0,  RegNtPreSetValueKey << 2 | 1,
        RegNtPreSetValueKey << 2 | 2,  RegNtPreSetValueKey << 2 | 3,
        RegNtPostSetValueKey << 2 | 3, RegNtPostSetValueKey << 2 | 2,
        RegNtPostSetValueKey << 2 | 1, RegNtPostSetValueKey << 2 | 0,
    };
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Again;

    PAGED_CODE();
    Reset();
    CHECK(SetNumber(Key, L"Order", 1) == STATUS_SUCCESS);
    Recording = FALSE;
    CHECK(EventCount == sizeof(Wanted) && RtlEqualMemory(Events, Wanted, sizeof(Wanted)));

    /* The context of an object is that object's alone, and ends with its last handle. */
    Callbacks[1].Attach = TRUE;
    CHECK(SetNumber(Key, L"Order", 2) == STATUS_SUCCESS);
    ULONG Before = Callbacks[1].ObjectContexts;
    CHECK(SetNumber(Key, L"Order", 3) == STATUS_SUCCESS);
    CHECK(Callbacks[1].ObjectContexts == Before + 1);
    InitializeObjectAttributes(&Attributes, &Service, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwOpenKey(&Again, KEY_ALL_ACCESS, &Attributes) == STATUS_SUCCESS);
    CHECK(SetNumber(Again, L"Order", 4) == STATUS_SUCCESS);
    CHECK(Callbacks[1].ObjectContexts == Before + 1);
    Callbacks[2].Attach = TRUE;
    CHECK(SetNumber(Again, L"Order", 5) == STATUS_SUCCESS);
    CHECK(Callbacks[2].Cleanups == 0);
    Reset();
    ZwClose(Again);
    Recording = FALSE;
    CHECK(Callbacks[2].Cleanups == 1 && Callbacks[1].Cleanups == 0);
    CHECK(EventCount == 2 * CALLBACKS && Events[0] == EventOf(RegNtPreKeyHandleClose, 0) &&
          Events[CALLBACKS] == EventOf(RegNtPostKeyHandleClose, CALLBACKS - 1));
}

static VOID CallbacksTestVerdicts(HANDLE Key)
{
    UNICODE_STRING Sub = RTL_CONSTANT_STRING(L"Sub");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE SubKey;

    PAGED_CODE();
    /* Blocked by the second: the third is not asked, the first hears how it ended. */
    Reset();
    Callbacks[1].OnlyClass = RegNtPreSetValueKey;
    Callbacks[1].Answer = STATUS_ACCESS_DENIED;
    CHECK(SetNumber(Key, L"Blocked", 1) == STATUS_ACCESS_DENIED);
    CHECK(EventCount == 3 && Events[2] == EventOf(RegNtPostSetValueKey, 0));
    /* Done by the callback itself: success, and nothing is written. */
    Callbacks[1].Answer = STATUS_CALLBACK_BYPASS;
    CHECK(SetNumber(Key, L"Blocked", 1) == STATUS_SUCCESS);
    Reset();
    CHECK(GetNumber(Key, L"Blocked") == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(EventCount == 2 * CALLBACKS && Events[0] == EventOf(RegNtPreQueryValueKey, 0));
    /* Written, but the caller is told otherwise; another status than the bypass changes nothing. */
    Callbacks[2].PostAnswer = STATUS_CALLBACK_BYPASS;
    Callbacks[2].ReturnStatus = STATUS_DISK_FULL;
    CHECK(SetNumber(Key, L"Written", 1) == STATUS_DISK_FULL);
    Callbacks[2].PostAnswer = STATUS_UNSUCCESSFUL;
    CHECK(SetNumber(Key, L"Written", 2) == STATUS_SUCCESS);
    Reset();
    CHECK(GetNumber(Key, L"Written") == STATUS_SUCCESS);
    /* Creating, opening, deleting. */
    InitializeObjectAttributes(&Attributes, &Sub, OBJ_KERNEL_HANDLE, Key, NULL);
    Callbacks[3].OnlyClass = RegNtPreCreateKeyEx;
    Callbacks[3].Answer = STATUS_ACCESS_DENIED;
    CHECK(ZwCreateKey(&SubKey, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL) ==
          STATUS_ACCESS_DENIED);
    Callbacks[3].Answer = STATUS_CALLBACK_BYPASS; /* without a key of its own */
    CHECK(!NT_SUCCESS(ZwCreateKey(&SubKey, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL)));
    Reset();
    CHECK(ZwOpenKey(&SubKey, KEY_ALL_ACCESS, &Attributes) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(EventCount == 2 * CALLBACKS && Events[0] == EventOf(RegNtPreOpenKeyEx, 0));
    CHECK(ZwCreateKey(&SubKey, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL) == STATUS_SUCCESS);
    Callbacks[0].OnlyClass = RegNtPreDeleteKey;
    Callbacks[0].Answer = STATUS_CANNOT_DELETE;
    CHECK(ZwDeleteKey(SubKey) == STATUS_CANNOT_DELETE);
    Callbacks[0].OnlyClass = -1;
    CHECK(ZwDeleteKey(SubKey) == STATUS_SUCCESS);
    CHECK(ZwFlushKey(SubKey) == STATUS_KEY_DELETED);
    ZwClose(SubKey);
    Recording = FALSE;
}

static VOID CallbacksTestArguments(PDRIVER_OBJECT DriverObject, HANDLE Key)
{
    UNICODE_STRING Same = RTL_CONSTANT_STRING(L"0370000.50");
    UNICODE_STRING Bad = RTL_CONSTANT_STRING(L"37a"), Empty = {0, 0, NULL};
    LARGE_INTEGER Cookie = {.QuadPart = 0x123456789};
    PCUNICODE_STRING Name = NULL;
    ULONG_PTR Id = 0, IdAgain = 0;
    ULONG Major = 0, Minor = 9;
    PVOID Object;

    PAGED_CODE();
    CmGetCallbackVersion(&Major, &Minor);
    CHECK(Major == 1 && Minor == 1);
    CmGetCallbackVersion(NULL, NULL);
    CHECK(CmUnRegisterCallback(Cookie) == STATUS_INVALID_PARAMETER);
    CHECK(CmRegisterCallbackEx(CallbacksNotify, &Same, DriverObject, NULL, &Cookie, NULL) ==
          STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    CHECK(CmRegisterCallbackEx(CallbacksNotify, &Bad, DriverObject, NULL, &Cookie, NULL) ==
          STATUS_INVALID_PARAMETER);
    CHECK(CmRegisterCallbackEx(CallbacksNotify, &Empty, DriverObject, NULL, &Cookie, NULL) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ObReferenceObjectByHandle(Key, 0, NULL, KernelMode, &Object, NULL) == STATUS_SUCCESS);
    CHECK(CmCallbackGetKeyObjectID(&Cookie, Object, &Id, &Name) == STATUS_INVALID_PARAMETER);
    CHECK(CmCallbackGetKeyObjectID(&Callbacks[0].Cookie, Object, &Id, &Name) == STATUS_SUCCESS);
    CHECK(Id != 0 && Name != NULL && Name->Length > sizeof(L"\\REGISTRY\\MACHINE"));
    CHECK(CmCallbackGetKeyObjectID(&Callbacks[0].Cookie, NULL, &Id, &Name) ==
          STATUS_INVALID_PARAMETER);
    CHECK(CmCallbackGetKeyObjectIDEx(&Callbacks[0].Cookie, Object, NULL, &Name, 1) ==
          STATUS_INVALID_PARAMETER);
    CHECK(CmCallbackGetKeyObjectIDEx(&Callbacks[0].Cookie, Object, &IdAgain, &Name, 0) ==
          STATUS_SUCCESS);
    CHECK(IdAgain == Id);
    CmCallbackReleaseKeyObjectIDEx(Name);
    CHECK(CmGetBoundTransaction(&Callbacks[0].Cookie, Object) == NULL);
    CHECK(CmSetCallbackObjectContext(Object, &Cookie, Object, NULL) == STATUS_INVALID_PARAMETER);
    ObDereferenceObject(Object);
}

static VOID CallbacksTestNotification(HANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Sub = RTL_CONSTANT_STRING(L"Watched");
    IO_STATUS_BLOCK IoStatus = {0};
    LARGE_INTEGER Zero = {0};
    HANDLE Event, SubKey;

    PAGED_CODE();
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwCreateEvent(&Event, EVENT_ALL_ACCESS, &Attributes, NotificationEvent, TRUE) ==
          STATUS_SUCCESS);
    CHECK(ZwNotifyChangeKey(Key, Event, NULL, NULL, &IoStatus, 0, FALSE, NULL, 0, TRUE) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwNotifyChangeKey(Key, Event, NULL, NULL, &IoStatus, 0x10, FALSE, NULL, 0, TRUE) ==
          STATUS_INVALID_PARAMETER);
    CHECK(ZwNotifyChangeKey(Event, Event, NULL, NULL, &IoStatus, REG_NOTIFY_CHANGE_NAME, FALSE,
                            NULL, 0, TRUE) == STATUS_OBJECT_TYPE_MISMATCH);
    /* A value of the key itself is no change of name; a subkey is. */
    CHECK(ZwNotifyChangeKey(Key, Event, NULL, NULL, &IoStatus, REG_NOTIFY_CHANGE_NAME, FALSE,
                            NULL, 0, TRUE) == STATUS_PENDING);
    CHECK(SetNumber(Key, L"Noise", 1) == STATUS_SUCCESS);
    CHECK(ZwWaitForSingleObject(Event, FALSE, &Zero) == STATUS_TIMEOUT);
    InitializeObjectAttributes(&Attributes, &Sub, OBJ_KERNEL_HANDLE, Key, NULL);
    CHECK(ZwCreateKey(&SubKey, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL) == STATUS_SUCCESS);
    CHECK(ZwWaitForSingleObject(Event, FALSE, &Zero) == STATUS_SUCCESS);
    CHECK(IoStatus.Status == STATUS_NOTIFY_ENUM_DIR);
    /* A value below is seen with the tree only. */
    CHECK(ZwNotifyChangeKey(Key, Event, NULL, NULL, &IoStatus, REG_NOTIFY_CHANGE_LAST_SET, TRUE,
                            NULL, 0, TRUE) == STATUS_PENDING);
    CHECK(ZwWaitForSingleObject(Event, FALSE, &Zero) == STATUS_TIMEOUT);
    CHECK(SetNumber(SubKey, L"Deep", 1) == STATUS_SUCCESS);
    CHECK(ZwWaitForSingleObject(Event, FALSE, &Zero) == STATUS_SUCCESS);
    /* The key goes; then its handle. */
    CHECK(ZwNotifyChangeKey(SubKey, Event, NULL, NULL, &IoStatus, REG_LEGAL_CHANGE_FILTER, FALSE,
                            NULL, 0, TRUE) == STATUS_PENDING);
    CHECK(ZwDeleteKey(SubKey) == STATUS_SUCCESS);
    CHECK(ZwWaitForSingleObject(Event, FALSE, &Zero) == STATUS_SUCCESS);
    CHECK(ZwNotifyChangeKey(SubKey, Event, NULL, NULL, &IoStatus, REG_LEGAL_CHANGE_FILTER, FALSE,
                            NULL, 0, TRUE) == STATUS_KEY_DELETED);
    ZwClose(SubKey);
    InitializeObjectAttributes(&Attributes, &Service, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwOpenKey(&SubKey, KEY_NOTIFY, &Attributes) == STATUS_SUCCESS);
    CHECK(ZwNotifyChangeKey(SubKey, Event, NULL, NULL, &IoStatus, REG_LEGAL_CHANGE_FILTER, FALSE,
                            NULL, 0, TRUE) == STATUS_PENDING);
    ZwClose(SubKey);
    CHECK(ZwWaitForSingleObject(Event, FALSE, &Zero) == STATUS_SUCCESS);
    CHECK(IoStatus.Status == STATUS_NOTIFY_CLEANUP);
    ZwClose(Event);
}

static NTSTATUS CallbacksRegister(PDRIVER_OBJECT DriverObject)
{
    static const UNICODE_STRING Altitudes[] = {
        RTL_CONSTANT_STRING(L"1000000"), RTL_CONSTANT_STRING(L"370000.5"),
        RTL_CONSTANT_STRING(L"370000.05")};
    static const ULONG Order[] = {1, 2, 0}; /* not by altitude */
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    for (ULONG i = 0; i < RTL_NUMBER_OF(Order) && NT_SUCCESS(Status); i++) {
        CALLBACK *Callback = &Callbacks[Order[i]];
        Callback->OnlyClass = -1;
        Status = CmRegisterCallbackEx(CallbacksNotify, &Altitudes[Order[i]], DriverObject,
                                      Callback, &Callback->Cookie, NULL);
        Callback->Registered = NT_SUCCESS(Status);
    }
    if (NT_SUCCESS(Status)) {
        Callbacks[3].OnlyClass = -1;
        Status = CmRegisterCallback(CallbacksNotify, &Callbacks[3], &Callbacks[3].Cookie);
        Callbacks[3].Registered = NT_SUCCESS(Status);
    }
    return Status;
}

NTSTATUS CallbacksOpen(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;

    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        InitializeObjectAttributes(&Attributes, &Service, OBJ_KERNEL_HANDLE, NULL, NULL);
        CHECK(ZwOpenKey(&Key, KEY_ALL_ACCESS, &Attributes) == STATUS_SUCCESS);
        for (ULONG i = 0; i < CALLBACKS; i++) {
            Callbacks[i].Cleanups = 0;
        }
        CallbacksTestOrder(Key);
        CallbacksTestVerdicts(Key);
        CallbacksTestArguments(DeviceObject->DriverObject, Key);
        CallbacksTestNotification(Key);
        Reset();
        Recording = FALSE;
        ZwClose(Key);
        CHECK(Callbacks[1].Cleanups == 1);
        /* The scenario's changes meet this. */
        Callbacks[1].OnlyClass = RegNtPreSetValueKey;
        Callbacks[1].Answer = STATUS_ACCESS_DENIED;
    }
    Irp->IoStatus.Status = Failures == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Failures == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

VOID CallbacksUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\RegistryCallbacks");
    PAGED_CODE();
    for (ULONG i = 0; i < CALLBACKS; i++) {
        if (Callbacks[i].Registered) {
            CmUnRegisterCallback(Callbacks[i].Cookie);
        }
    }
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
    ExFreePool(ServiceText);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\RegistryCallbacks");
    UNICODE_STRING Link = RTL_CONSTANT_STRING(L"\\??\\RegistryCallbacks");
    PDEVICE_OBJECT Device;

    ServiceText = ExAllocatePoolWithTag(PagedPool, RegistryPath->Length, 'bCgR');
    if (ServiceText == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlInitEmptyUnicodeString(&Service, ServiceText, RegistryPath->Length);
    RtlCopyUnicodeString(&Service, RegistryPath);
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                                     &Device);
    if (!NT_SUCCESS(Status)) {
        ExFreePool(ServiceText);
        return Status;
    }
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CallbacksOpen;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CallbacksOpen;
    DriverObject->DriverUnload = CallbacksUnload;
    Status = IoCreateSymbolicLink(&Link, &Name);
    if (NT_SUCCESS(Status)) {
        Status = CallbacksRegister(DriverObject);
    }
    if (!NT_SUCCESS(Status)) {
        CallbacksUnload(DriverObject);
    }
    return Status;
}
