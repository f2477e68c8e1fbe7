/* SPDX-License-Identifier: MIT */
/* Providers: IoWMIRegistrationControl, from a device's registration to its end. See wmip.h. */
#include "io/wmip.h"

LIST_ENTRY WmipProviders = {&WmipProviders, &WmipProviders};
FAST_MUTEX WmipLock;

VOID WmipInitialize(VOID)
{
    ExInitializeFastMutex(&WmipLock);
    WmipInitializeBlocks();
}

/* First IRP_MN_REGINFO_EX, which old drivers do not know; then IRP_MN_REGINFO. */
static NTSTATUS WmipAskRegistration(PWMIP_PROVIDER Provider, PVOID Buffer, ULONG Size,
                                    PBOOLEAN Extended)
{
    PVOID DataPath = (PVOID)(ULONG_PTR)Provider->Update;
    ULONG_PTR Information = 0;
    NTSTATUS Status = WmipSendRequest(Provider, IRP_MN_REGINFO_EX, DataPath, Size, Buffer,
                                      &Information);
    *Extended = NT_SUCCESS(Status);
    if (!NT_SUCCESS(Status) && Status != STATUS_BUFFER_TOO_SMALL) {
        Status = WmipSendRequest(Provider, IRP_MN_REGINFO, DataPath, Size, Buffer, &Information);
    }
    /* Too small: the first number is the size that is needed. */
    if (Information == sizeof(ULONG) && (NT_SUCCESS(Status) || Status == STATUS_BUFFER_TOO_SMALL)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    return Information > Size ? STATUS_BUFFER_OVERFLOW : Status;
}

static VOID WmipAskWorker(PVOID Parameter)
{
    PWMIP_PROVIDER Provider = Parameter;
    ULONG Size = PAGE_SIZE;
    BOOLEAN Extended;
    NTSTATUS Status = STATUS_BUFFER_TOO_SMALL;

    for (ULONG Try = 0; Try < 3 && Status == STATUS_BUFFER_TOO_SMALL; Try++) {
        PULONG Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Size, WMI_TAG);
        if (Buffer == NULL) {
            break;
        }
        RtlZeroMemory(Buffer, Size);
        Status = WmipAskRegistration(Provider, Buffer, Size, &Extended);
        ULONG Needed = Status == STATUS_BUFFER_TOO_SMALL ? *Buffer : 0;
        if (NT_SUCCESS(Status)) {
            Status = WmipTakeRegistration(Provider, (PWMIREGINFO)Buffer, Size, Extended);
        }
        ExFreePoolWithTag(Buffer, WMI_TAG);
        if (Needed > WMIP_BUFFER_MOST || Needed <= Size) {
            break;
        }
        Size = Needed;
    }
    KeSetEvent(&Provider->Asked, IO_NO_INCREMENT, FALSE);
}

/* WmipLock held. NULL: DeviceObject is not registered. */
static PWMIP_PROVIDER WmipFindProvider(PVOID DeviceObject)
{
    for (PLIST_ENTRY Link = WmipProviders.Flink; Link != &WmipProviders; Link = Link->Flink) {
        PWMIP_PROVIDER Provider = CONTAINING_RECORD(Link, WMIP_PROVIDER, Links);
        if (Provider->Device == DeviceObject || Provider->Callback == DeviceObject) {
            return Provider;
        }
    }
    return NULL;
}

static NTSTATUS WmipRegister(PVOID DeviceObject, BOOLEAN Callback, PVOID Caller)
{
    PWMIP_PROVIDER New = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New), WMI_TAG);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, sizeof(*New));
    New->Caller = Caller;
    New->Update = WMIREGISTER;
    ExInitializeRundownProtection(&New->Rundown);
    KeInitializeEvent(&New->Asked, NotificationEvent, Callback);
    ExInitializeWorkItem(&New->WorkItem, WmipAskWorker, New);
    if (Callback) {
        New->Callback = DeviceObject; /* of a tracer; nothing traces */
    } else {
        New->Device = DeviceObject;
        ObfReferenceObject(DeviceObject);
    }
    ExAcquireFastMutex(&WmipLock);
    BOOLEAN Known = WmipFindProvider(DeviceObject) != NULL;
    if (!Known) {
        InsertTailList(&WmipProviders, &New->Links);
    }
    ExReleaseFastMutex(&WmipLock);
    if (Known) {
        if (!Callback) {
            ObfDereferenceObject(DeviceObject);
        }
        ExFreePoolWithTag(New, WMI_TAG);
        return STATUS_INVALID_PARAMETER;
    }
    if (!Callback) {
        ExQueueWorkItem(&New->WorkItem, DelayedWorkQueue);
    }
    return STATUS_SUCCESS;
}

/* Taken out of the list already. Who has protection still may ask the driver once more. */
static VOID WmipDeleteProvider(PWMIP_PROVIDER Provider)
{
    ExWaitForRundownProtectionRelease(&Provider->Rundown);
    KeWaitForSingleObject(&Provider->Asked, Executive, KernelMode, FALSE, NULL);
    if (Provider->Device != NULL) {
        ObfDereferenceObject(Provider->Device);
    }
    if (Provider->Blocks != NULL) {
        ExFreePoolWithTag(Provider->Blocks, WMI_TAG);
    }
    ExFreePoolWithTag(Provider, WMI_TAG);
}

static NTSTATUS WmipDeregister(PVOID DeviceObject)
{
    ExAcquireFastMutex(&WmipLock);
    PWMIP_PROVIDER Provider = WmipFindProvider(DeviceObject);
    if (Provider != NULL) {
        RemoveEntryList(&Provider->Links);
    }
    ExReleaseFastMutex(&WmipLock);
    if (Provider == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    WmipDeleteProvider(Provider);
    return STATUS_SUCCESS;
}

/* UPDATE_GUIDS: asks again. BLOCK_IRPS: asks no more. */
static NTSTATUS WmipChange(PVOID DeviceObject, BOOLEAN Update)
{
    ExAcquireFastMutex(&WmipLock);
    PWMIP_PROVIDER Provider = WmipFindProvider(DeviceObject);
    BOOLEAN Held = Provider != NULL && ExAcquireRundownProtection(&Provider->Rundown);
    ExReleaseFastMutex(&WmipLock);
    if (!Held) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!Update) {
        Provider->Blocked = TRUE;
    } else if (Provider->Device != NULL) {
        do { /* of several that waited, one resets it */
            KeWaitForSingleObject(&Provider->Asked, Executive, KernelMode, FALSE, NULL);
        } while (KeResetEvent(&Provider->Asked) == 0);
        Provider->Update = WMIUPDATE;
        ExQueueWorkItem(&Provider->WorkItem, DelayedWorkQueue);
    }
    ExReleaseRundownProtection(&Provider->Rundown);
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL */
NTSTATUS IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action)
{
    BOOLEAN Callback = (Action & WMIREG_FLAG_CALLBACK) != 0;
    PVOID Caller = KI_RETURN_ADDRESS();
    NTSTATUS Status;

    if (DeviceObject == NULL || (!Callback && DeviceObject->Type != IO_TYPE_DEVICE)) {
        return STATUS_INVALID_PARAMETER;
    }
    switch (Action & 0xffff) {
    case WMIREG_ACTION_REGISTER:
        return WmipRegister(DeviceObject, Callback, Caller);
    case WMIREG_ACTION_DEREGISTER:
        return WmipDeregister(DeviceObject);
    case WMIREG_ACTION_REREGISTER:
        Status = WmipDeregister(DeviceObject);
        return NT_SUCCESS(Status) ? WmipRegister(DeviceObject, Callback, Caller) : Status;
    case WMIREG_ACTION_UPDATE_GUIDS:
        return WmipChange(DeviceObject, TRUE);
    case WMIREG_ACTION_BLOCK_IRPS:
        return WmipChange(DeviceObject, FALSE);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static BOOLEAN WmipIsOf(PWMIP_PROVIDER Provider, PDRIVER_OBJECT Driver)
{
    ULONG_PTR Start = (ULONG_PTR)Driver->DriverStart;
    ULONG_PTR Address = (ULONG_PTR)Provider->Callback;
    return Provider->Device != NULL
               ? Provider->Device->DriverObject == Driver
               : Start != 0 && Address >= Start && Address < Start + Driver->DriverSize;
}

/* One of Driver's, taken out; NULL: there is none. */
static PWMIP_PROVIDER WmipTakeProvider(PDRIVER_OBJECT Driver)
{
    PWMIP_PROVIDER Found = NULL;
    ExAcquireFastMutex(&WmipLock);
    for (PLIST_ENTRY Link = WmipProviders.Flink; Link != &WmipProviders; Link = Link->Flink) {
        PWMIP_PROVIDER Provider = CONTAINING_RECORD(Link, WMIP_PROVIDER, Links);
        if (WmipIsOf(Provider, Driver)) {
            RemoveEntryList(Link);
            Found = Provider;
            break;
        }
    }
    ExReleaseFastMutex(&WmipLock);
    return Found;
}

VOID WmipReportLeftProviders(PDRIVER_OBJECT Driver)
{
    PWMIP_PROVIDER Provider;
    while ((Provider = WmipTakeProvider(Driver)) != NULL) {
        IopReportFinding(IopFindingWmiRegistration,
                         "registered with WMI and not deregistered before the unload",
                         KI_CALL_SITE(Provider->Caller));
        WmipDeleteProvider(Provider);
    }
}
