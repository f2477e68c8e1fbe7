/* SPDX-License-Identifier: MIT */
/* Plug and play and power, step by step. See README.md. */
#include <ntddk.h>

#define IOCTL_EVENTS_LOG CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_EVENTS_REFUSE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_EVENTS_REPORT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_EVENTS_TARGET CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)

#define REFUSE_STOP 1
#define REFUSE_REMOVE 2
#define REFUSE_SLEEP 4
#define REFUSE_TARGET 8

typedef struct _EVENTS_DEVICE {
    PDEVICE_OBJECT Self, Physical, Lower;
    UNICODE_STRING Link;
} EVENTS_DEVICE, *PEVENTS_DEVICE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD EventsUnload;
DRIVER_ADD_DEVICE EventsAddDevice;
DRIVER_DISPATCH EventsOpen, EventsControl, EventsPnp, EventsPower;
static DRIVER_NOTIFICATION_CALLBACK_ROUTINE EventsInterface, EventsTarget;
static POWER_SETTING_CALLBACK EventsSetting;
static REQUEST_POWER_COMPLETE EventsPowered;
static VOID EventsTestKeys(PEVENTS_DEVICE Device);
static VOID EventsTestArguments(PEVENTS_DEVICE Device);
static VOID EventsTestProperties(PEVENTS_DEVICE Device);
static VOID EventsTestInterface(PEVENTS_DEVICE Device);
static NTSTATUS EventsPassPnp(PEVENTS_DEVICE Device, PIRP Irp);
static NTSTATUS EventsRemove(PEVENTS_DEVICE Device, PIRP Irp);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, EventsUnload)
#pragma alloc_text(PAGE, EventsAddDevice)
#pragma alloc_text(PAGE, EventsOpen)
#pragma alloc_text(PAGE, EventsControl)
#pragma alloc_text(PAGE, EventsPnp)
#pragma alloc_text(PAGE, EventsPower)
#pragma alloc_text(PAGE, EventsInterface)
#pragma alloc_text(PAGE, EventsTarget)
#pragma alloc_text(PAGE, EventsSetting)
#pragma alloc_text(PAGE, EventsTestKeys)
#pragma alloc_text(PAGE, EventsTestArguments)
#pragma alloc_text(PAGE, EventsTestProperties)
#pragma alloc_text(PAGE, EventsTestInterface)
#pragma alloc_text(PAGE, EventsPassPnp)
#pragma alloc_text(PAGE, EventsRemove)

static const GUID EventsClass = {
    0x3e1d0a55, 0x7a11, 0x4c66, {0x91, 0x0e, 0x52, 0x6f, 0x01, 0xd8, 0x77, 0x2c}};
static const GUID EventsAlias = {
    0x9a1b2c3d, 0x4e5f, 0x6071, {0x82, 0x93, 0xa4, 0xb5, 0xc6, 0xd7, 0xe8, 0xfa}};
static const GUID EventsCustom = {
    0x0c0ffee0, 0x1111, 0x2222, {0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa}};

/* One character an event, in their order. Nonpaged: the power completion comes at any IRQL. */
static CHAR EventsLog[256];
static ULONG EventsLength;
static KSPIN_LOCK EventsLock;

#pragma data_seg("PAGEDATA")
static ULONG EventsRefuse = 0;
static ULONG EventsFailures = 0;
static PVOID EventsInterfaceEntry = NULL, EventsTargetEntry = NULL, EventsSettingHandle = NULL;
static PVOID EventsUnknownHandle = NULL, EventsState = NULL;
static ULONG EventsSettingCalls = 0;
#pragma data_seg()

#define CHECK(condition)                                                   \
    do {                                                                   \
        if (!(condition)) {                                                \
            EventsFailures++;                                              \
            DbgPrint("pnp-events: line %d: %s\n", __LINE__, #condition);   \
        }                                                                  \
    } while (0)

static VOID EventsAdd(CHAR Event)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&EventsLock, &OldIrql);
    if (EventsLength < sizeof(EventsLog) - 1) {
        EventsLog[EventsLength++] = Event;
    }
    KeReleaseSpinLock(&EventsLock, OldIrql);
}

static NTSTATUS EventsComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* ---- what is told ---- */

static NTSTATUS EventsInterface(PVOID Structure, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION Change = Structure;
    UNICODE_STRING Prefix = RTL_CONSTANT_STRING(L"\\??\\ROOT#pnp-events#0000#{3E1D0A55-");
    PAGED_CODE();
    CHECK(Change->Version == 1 && Change->Size == sizeof(*Change));
    CHECK(RtlEqualMemory(&Change->InterfaceClassGuid, &EventsClass, sizeof(GUID)));
    CHECK(RtlPrefixUnicodeString(&Prefix, Change->SymbolicLinkName, TRUE));
    EventsAdd(RtlEqualMemory(&Change->Event, &GUID_DEVICE_INTERFACE_ARRIVAL, sizeof(GUID)) ? 'A'
              : RtlEqualMemory(&Change->Event, &GUID_DEVICE_INTERFACE_REMOVAL, sizeof(GUID))
                  ? 'R'
                  : '?');
    return STATUS_SUCCESS;
}

static NTSTATUS EventsTarget(PVOID Structure, PVOID Context)
{
    PTARGET_DEVICE_CUSTOM_NOTIFICATION Event = Structure;
    PAGED_CODE();
    CHECK(Event->Version == 1 && Event->FileObject == Context);
    if (RtlEqualMemory(&Event->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE, sizeof(GUID))) {
        EventsAdd('q');
        return (EventsRefuse & REFUSE_TARGET) ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
    }
    if (RtlEqualMemory(&Event->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED, sizeof(GUID))) {
        EventsAdd('n');
    } else if (RtlEqualMemory(&Event->Event, &EventsCustom, sizeof(GUID))) {
        CHECK(Event->NameBufferOffset == -1 && Event->CustomDataBuffer[0] == 0x5a);
        EventsAdd('c');
    } else {
        EventsAdd('?');
    }
    return STATUS_SUCCESS;
}

static NTSTATUS EventsSetting(const GUID *Setting, PVOID Value, ULONG Length, PVOID Context)
{
    PAGED_CODE();
    CHECK(RtlEqualMemory(Setting, &GUID_ACDC_POWER_SOURCE, sizeof(GUID)));
    CHECK(Length == sizeof(ULONG) && *(PULONG)Value == 0 && Context == &EventsClass);
    EventsSettingCalls++;
    return STATUS_SUCCESS;
}

static VOID EventsReported(PVOID Context)
{
    EventsAdd('d');
    KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
}

/* ---- registry keys, interfaces, bad arguments ---- */

static VOID EventsCount(HANDLE Key)
{
    UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Count");
    ULONG Count = 0, Length;
    if (NT_SUCCESS(ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Value, sizeof(Buffer),
                                   &Length))) {
        RtlCopyMemory(&Count, Value->Data, sizeof(Count));
    }
    Count++;
    CHECK(ZwSetValueKey(Key, &Name, 0, REG_DWORD, &Count, sizeof(Count)) == STATUS_SUCCESS);
    ZwClose(Key);
}

static VOID EventsTestKeys(PEVENTS_DEVICE Device)
{
    static const ULONG Kinds[] = {PLUGPLAY_REGKEY_DEVICE, PLUGPLAY_REGKEY_DRIVER,
                                  PLUGPLAY_REGKEY_DEVICE | PLUGPLAY_REGKEY_CURRENT_HWPROFILE};
    UNICODE_STRING Unknown = RTL_CONSTANT_STRING(L"\\??\\ROOT#nothing#0000#{x}");
    HANDLE Key;

    PAGED_CODE();
    for (ULONG i = 0; i < RTL_NUMBER_OF(Kinds); i++) {
        NTSTATUS Status =
            IoOpenDeviceRegistryKey(Device->Physical, Kinds[i], KEY_ALL_ACCESS, &Key);
        CHECK(Status == STATUS_SUCCESS);
        if (NT_SUCCESS(Status)) {
            EventsCount(Key);
        }
    }
    CHECK(IoOpenDeviceRegistryKey(Device->Physical, 0, KEY_READ, &Key) ==
          STATUS_INVALID_PARAMETER);
    CHECK(IoOpenDeviceRegistryKey(Device->Self, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &Key) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoOpenDeviceInterfaceRegistryKey(&Device->Link, KEY_ALL_ACCESS, &Key) ==
          STATUS_SUCCESS);
    EventsCount(Key);
    CHECK(IoOpenDeviceInterfaceRegistryKey(&Unknown, KEY_ALL_ACCESS, &Key) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
}

/* An interface of another class that the device has; properties of an interface. */
static VOID EventsTestInterface(PEVENTS_DEVICE Device)
{
    static const DEVPROPKEY Key = {{0x10203040, 0x5060, 0x7080, {1, 2, 3, 4, 5, 6, 7, 8}}, 5};
    static const DEVPROPKEY Bad = {{0x10203040, 0x5060, 0x7080, {1, 2, 3, 4, 5, 6, 7, 8}}, 0};
    UNICODE_STRING Unknown = RTL_CONSTANT_STRING(L"\\??\\ROOT#none#0000#{0}"), Alias, Other;
    ULONG Number = 77, Back = 0, Length = 9;
    DEVPROPTYPE Type = 99;

    PAGED_CODE();
    CHECK(IoGetDeviceInterfaceAlias(&Unknown, &EventsClass, &Alias) ==
          STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK(IoGetDeviceInterfaceAlias(&Device->Link, &EventsCustom, &Alias) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(Alias.Buffer == NULL);
    CHECK(IoGetDeviceInterfaceAlias(&Device->Link, &EventsClass, &Alias) == STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&Alias, &Device->Link, TRUE)); /* it is its own alias */
    RtlFreeUnicodeString(&Alias);
    CHECK(IoRegisterDeviceInterface(Device->Physical, &EventsAlias, NULL, &Other) ==
          STATUS_SUCCESS);
    CHECK(IoGetDeviceInterfaceAlias(&Device->Link, &EventsAlias, &Alias) == STATUS_SUCCESS);
    CHECK(RtlEqualUnicodeString(&Alias, &Other, TRUE));
    RtlFreeUnicodeString(&Alias);

    CHECK(IoSetDeviceInterfacePropertyData(&Unknown, &Key, 0, 0, DEVPROP_TYPE_UINT32, 4,
                                           &Number) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoSetDeviceInterfacePropertyData(&Other, &Bad, 0, 0, DEVPROP_TYPE_UINT32, 4, &Number) ==
          STATUS_INVALID_PARAMETER);
    CHECK(IoSetDeviceInterfacePropertyData(&Other, &Key, 0, PLUGPLAY_PROPERTY_PERSISTENT,
                                           DEVPROP_TYPE_UINT32, 4, &Number) == STATUS_SUCCESS);
    CHECK(IoGetDeviceInterfacePropertyData(&Other, &Key, 0, 0, 3, &Back, &Length, &Type) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(Length == 4 && Back == 0);
    CHECK(IoGetDeviceInterfacePropertyData(&Other, &Key, 0, 0, 4, &Back, &Length, &Type) ==
          STATUS_SUCCESS);
    CHECK(Back == Number && Type == DEVPROP_TYPE_UINT32);
    CHECK(IoGetDeviceInterfacePropertyData(&Device->Link, &Key, 0, 0, 4, &Back, &Length, &Type) ==
          STATUS_OBJECT_NAME_NOT_FOUND); /* each has its own */
    RtlFreeUnicodeString(&Other);
}

/* From the registry: what the driver wrote there, else what every device has. */
static VOID EventsTestProperties(PEVENTS_DEVICE Device)
{
    static const DEVPROPKEY Key = {{0x10203040, 0x5060, 0x7080, {1, 2, 3, 4, 5, 6, 7, 8}}, 2};
    static const DEVPROPKEY Bad = {{0x10203040, 0x5060, 0x7080, {1, 2, 3, 4, 5, 6, 7, 8}}, 1};
    WCHAR Text[64];
    ULONG Length = 0, Number = 0x12345678, Back = 0;
    DEVPROPTYPE Type = 99;

    PAGED_CODE();
    CHECK(IoGetDeviceProperty(Device->Physical, DevicePropertyDriverKeyName, 4, Text, &Length) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(Length == sizeof(L"{4D36E97D-E325-11CE-BFC1-08002BE10318}\\0000"));
    CHECK(IoGetDeviceProperty(Device->Physical, DevicePropertyManufacturer, sizeof(Text), Text,
                              &Length) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoGetDeviceProperty(Device->Physical, DevicePropertyDeviceDescription, sizeof(Text),
                              Text, &Length) == STATUS_SUCCESS);
    CHECK(wcscmp(Text, L"pnp-events") == 0);

    CHECK(IoSetDevicePropertyData(Device->Self, &Key, 0, 0, DEVPROP_TYPE_UINT32, 4, &Number) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoSetDevicePropertyData(Device->Physical, &Bad, 0, 0, DEVPROP_TYPE_UINT32, 4,
                                  &Number) == STATUS_INVALID_PARAMETER);
    CHECK(IoSetDevicePropertyData(Device->Physical, &Key, 0, PLUGPLAY_PROPERTY_PERSISTENT,
                                  DEVPROP_TYPE_UINT32, 4, &Number) == STATUS_SUCCESS);
    CHECK(IoGetDevicePropertyData(Device->Physical, &Key, 0, 0, 3, &Back, &Length, &Type) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(Length == 4 && Back == 0);
    CHECK(IoGetDevicePropertyData(Device->Physical, &Key, 0, 0, 4, &Back, &Length, &Type) ==
          STATUS_SUCCESS);
    CHECK(Back == Number && Type == DEVPROP_TYPE_UINT32);
    CHECK(IoSetDevicePropertyData(Device->Physical, &Key, 0, 0, DEVPROP_TYPE_EMPTY, 0, NULL) ==
          STATUS_SUCCESS);
    CHECK(IoGetDevicePropertyData(Device->Physical, &Key, 0, 0, 4, &Back, &Length, &Type) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID EventsTestArguments(PEVENTS_DEVICE Device)
{
    POWER_STATE State = {.DeviceState = PowerDeviceD0};
    TARGET_DEVICE_CUSTOM_NOTIFICATION Bad = {.Version = 1, .Size = sizeof(Bad),
                                             .Event = GUID_TARGET_DEVICE_QUERY_REMOVE};
    PVOID Entry = &Bad;
    PWSTR List;

    PAGED_CODE();
    CHECK(IoGetDeviceInterfaces(&EventsClass, Device->Self, 0, &List) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoGetDeviceInterfaces(&EventsClass, Device->Physical, 0, &List) == STATUS_SUCCESS);
    CHECK(List[0] == 0); /* not enabled yet */
    ExFreePool(List);
    CHECK(IoGetDeviceInterfaces(&EventsClass, NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &List) ==
          STATUS_SUCCESS);
    CHECK(wcslen(List) == Device->Link.Length / sizeof(WCHAR) && List[wcslen(List) + 1] == 0);
    ExFreePool(List);
    CHECK(IoGetDeviceInterfaces(&EventsCustom, NULL, DEVICE_INTERFACE_INCLUDE_NONACTIVE, &List) ==
          STATUS_SUCCESS);
    CHECK(List[0] == 0);
    ExFreePool(List);
    CHECK(IoRegisterPlugPlayNotification(EventCategoryDeviceInterfaceChange, 0, NULL,
                                         Device->Self->DriverObject, EventsInterface, NULL,
                                         &Entry) == STATUS_INVALID_PARAMETER);
    CHECK(Entry == NULL);
    CHECK(IoRegisterPlugPlayNotification(EventCategoryReserved, 0, NULL,
                                         Device->Self->DriverObject, EventsInterface, NULL,
                                         &Entry) == STATUS_NOT_SUPPORTED);
    CHECK(IoReportTargetDeviceChange(Device->Physical, &Bad) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoReportTargetDeviceChangeAsynchronous(Device->Self, &Bad, NULL, NULL) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(PoRequestPowerIrp(Device->Physical, IRP_MN_POWER_SEQUENCE, State, NULL, NULL, NULL) ==
          STATUS_INVALID_PARAMETER_2);
    CHECK(PoRegisterPowerSettingCallback(NULL, NULL, EventsSetting, NULL, NULL) ==
          STATUS_INVALID_PARAMETER);
    CHECK(PoUnregisterPowerSettingCallback(&Bad) == STATUS_INVALID_PARAMETER);
}

/* ---- files ---- */

NTSTATUS EventsOpen(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CLEANUP &&
        EventsTargetEntry != NULL) {
        IoUnregisterPlugPlayNotification(EventsTargetEntry);
        EventsTargetEntry = NULL;
    }
    return EventsComplete(Irp, STATUS_SUCCESS, 0);
}

/* Both ways to report; the asynchronous one is waited for. */
static NTSTATUS EventsReport(PEVENTS_DEVICE Device)
{
    TARGET_DEVICE_CUSTOM_NOTIFICATION Custom = {
        .Version = 1, .Size = sizeof(Custom), .Event = EventsCustom, .NameBufferOffset = -1,
        .CustomDataBuffer = {0x5a}};
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    CHECK(IoReportTargetDeviceChange(Device->Physical, &Custom) == STATUS_SUCCESS);
    CHECK(IoReportTargetDeviceChangeAsynchronous(Device->Physical, &Custom, EventsReported,
                                                 &Done) == STATUS_PENDING);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return STATUS_SUCCESS;
}

/* Nonpaged, for the lock. */
static NTSTATUS EventsTakeLog(PIRP Irp, ULONG Room)
{
    KIRQL OldIrql;
    ULONG Length = 0;
    if (EventsFailures != 0) {
        return EventsComplete(Irp, STATUS_UNSUCCESSFUL, 0);
    }
    if (Room < sizeof(EventsLog)) {
        return EventsComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
    }
    KeAcquireSpinLock(&EventsLock, &OldIrql);
    Length = EventsLength;
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, EventsLog, Length);
    EventsLength = 0;
    KeReleaseSpinLock(&EventsLock, OldIrql);
    return EventsComplete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS EventsControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEVENTS_DEVICE Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_EVENTS_LOG:
        return EventsTakeLog(Irp, Stack->Parameters.DeviceIoControl.OutputBufferLength);
    case IOCTL_EVENTS_REFUSE:
        EventsRefuse = *(PUCHAR)Irp->AssociatedIrp.SystemBuffer;
        return EventsComplete(Irp, STATUS_SUCCESS, 0);
    case IOCTL_EVENTS_REPORT:
        return EventsComplete(Irp, EventsReport(Device), 0);
    case IOCTL_EVENTS_TARGET: {
        NTSTATUS Status = IoRegisterPlugPlayNotification(
            EventCategoryTargetDeviceChange, 0, Stack->FileObject, DeviceObject->DriverObject,
            EventsTarget, Stack->FileObject, &EventsTargetEntry);
        return EventsComplete(Irp, Status, 0);
    }
    default:
        return EventsComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

/* ---- power ---- */

typedef struct _EVENTS_SYSTEM_IRP {
    PEVENTS_DEVICE Device;
    PIRP Irp;
} EVENTS_SYSTEM_IRP;

/* The device has the state that goes with the system's: the system's request goes on. */
static VOID EventsPowered(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE State,
                          PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    EVENTS_SYSTEM_IRP *Saved = Context;
    PEVENTS_DEVICE Device = Saved->Device;
    PIRP Irp = Saved->Irp;
    EventsAdd(NT_SUCCESS(IoStatus->Status) ? 'p' : '?');
    ExFreePoolWithTag(Saved, 'tvEP');
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    PoCallDriver(Device->Lower, Irp);
}

static NTSTATUS EventsSystemPower(PEVENTS_DEVICE Device, PIRP Irp, SYSTEM_POWER_STATE System)
{
    POWER_STATE State = {.DeviceState = System == PowerSystemWorking ? PowerDeviceD0
                                                                     : PowerDeviceD3};
    EVENTS_SYSTEM_IRP *Saved = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Saved), 'tvEP');
    if (Saved == NULL) {
        PoStartNextPowerIrp(Irp);
        return EventsComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    *Saved = (EVENTS_SYSTEM_IRP){Device, Irp};
    IoMarkIrpPending(Irp);
    NTSTATUS Status = PoRequestPowerIrp(Device->Physical, IRP_MN_SET_POWER, State, EventsPowered,
                                        Saved, NULL);
    if (Status != STATUS_PENDING) {
        ExFreePoolWithTag(Saved, 'tvEP');
        PoStartNextPowerIrp(Irp);
        EventsComplete(Irp, Status, 0);
    }
    return STATUS_PENDING;
}

/* Device states are digits, 0 to 3; sleep is s, the working state w, a query y. */
NTSTATUS EventsPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEVENTS_DEVICE Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    POWER_STATE State = Stack->Parameters.Power.State;

    PAGED_CODE();
    if (Stack->MinorFunction == IRP_MN_SET_POWER &&
        Stack->Parameters.Power.Type == SystemPowerState) {
        EventsAdd(State.SystemState == PowerSystemWorking ? 'w' : 's');
        return EventsSystemPower(Device, Irp, State.SystemState);
    }
    if (Stack->MinorFunction == IRP_MN_SET_POWER) {
        POWER_STATE Before = PoSetPowerState(Device->Self, DevicePowerState, State);
        EventsAdd((CHAR)('0' + State.DeviceState - PowerDeviceD0));
        POWER_STATE Now = PoSetPowerState(Device->Self, DevicePowerState, State);
        CHECK(Now.DeviceState == State.DeviceState && Before.DeviceState < PowerDeviceMaximum);
    } else if (Stack->MinorFunction == IRP_MN_QUERY_POWER) {
        EventsAdd('y');
        if (EventsRefuse & REFUSE_SLEEP) {
            PoStartNextPowerIrp(Irp);
            return EventsComplete(Irp, STATUS_UNSUCCESSFUL, 0);
        }
        Irp->IoStatus.Status = STATUS_SUCCESS;
    }
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Device->Lower, Irp);
}

/* ---- plug and play ---- */

static NTSTATUS EventsPassPnp(PEVENTS_DEVICE Device, PIRP Irp)
{
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

static NTSTATUS EventsRemove(PEVENTS_DEVICE Device, PIRP Irp)
{
    PAGED_CODE();
    IoSetDeviceInterfaceState(&Device->Link, FALSE);
    NTSTATUS Status = EventsPassPnp(Device, Irp);
    IoDetachDevice(Device->Lower);
    RtlFreeUnicodeString(&Device->Link);
    IoDeleteDevice(Device->Self);
    return Status;
}

NTSTATUS EventsPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    static const struct {
        UCHAR Minor;
        CHAR Event;
        UCHAR Refuse;
    } Known[] = {
        {IRP_MN_QUERY_STOP_DEVICE, 'Q', REFUSE_STOP}, {IRP_MN_CANCEL_STOP_DEVICE, 'C', 0},
        {IRP_MN_STOP_DEVICE, 'T', 0},                 {IRP_MN_QUERY_REMOVE_DEVICE, 'V',
                                                       REFUSE_REMOVE},
        {IRP_MN_CANCEL_REMOVE_DEVICE, 'N', 0},        {IRP_MN_SURPRISE_REMOVAL, 'X', 0},
    };
    PEVENTS_DEVICE Device = DeviceObject->DeviceExtension;
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS Status = STATUS_UNSUCCESSFUL;

    PAGED_CODE();
    if (Minor == IRP_MN_START_DEVICE) {
        EventsAdd('S');
        if (IoForwardIrpSynchronously(Device->Lower, Irp)) {
            Status = Irp->IoStatus.Status;
        }
        if (NT_SUCCESS(Status)) {
            IoSetDeviceInterfaceState(&Device->Link, TRUE); /* enabled already after a stop */
        }
        return EventsComplete(Irp, Status, 0);
    }
    if (Minor == IRP_MN_REMOVE_DEVICE) {
        EventsAdd('M');
        return EventsRemove(Device, Irp);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Known); i++) {
        if (Known[i].Minor == Minor) {
            EventsAdd(Known[i].Event);
            if (EventsRefuse & Known[i].Refuse) {
                return EventsComplete(Irp, STATUS_DEVICE_BUSY, 0);
            }
            if (Minor == IRP_MN_SURPRISE_REMOVAL) {
                IoSetDeviceInterfaceState(&Device->Link, FALSE);
            }
            return EventsPassPnp(Device, Irp);
        }
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Device->Lower, Irp);
}

NTSTATUS EventsAddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT Self;
    PAGED_CODE();
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(EVENTS_DEVICE), NULL,
                                     FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &Self);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PEVENTS_DEVICE Device = Self->DeviceExtension;
    Device->Self = Self;
    Device->Physical = PhysicalDeviceObject;
    Device->Lower = IoAttachDeviceToDeviceStack(Self, PhysicalDeviceObject);
    Status = Device->Lower == NULL ? STATUS_NO_SUCH_DEVICE
                                   : IoRegisterDeviceInterface(PhysicalDeviceObject, &EventsClass,
                                                               NULL, &Device->Link);
    if (!NT_SUCCESS(Status)) {
        if (Device->Lower != NULL) {
            IoDetachDevice(Device->Lower);
        }
        IoDeleteDevice(Self);
        return Status;
    }
    Self->Flags |= DO_POWER_PAGABLE;
    Self->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    EventsAdd('a');
    EventsTestKeys(Device);
    EventsTestProperties(Device);
    EventsTestInterface(Device);
    EventsTestArguments(Device);
    return STATUS_SUCCESS;
}

VOID EventsUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    if (EventsInterfaceEntry != NULL) {
        IoUnregisterPlugPlayNotificationEx(EventsInterfaceEntry);
    }
    PoUnregisterPowerSettingCallback(EventsUnknownHandle);
    PoUnregisterPowerSettingCallback(EventsSettingHandle); /* waits for the call under way */
    PoUnregisterSystemState(EventsState);
    EventsLog[EventsLength] = 0;
    DbgPrint("pnp-events: %u failures, setting told %u times, since: %s\n", EventsFailures,
             EventsSettingCalls, EventsLog);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KeInitializeSpinLock(&EventsLock);
    DriverObject->DriverExtension->AddDevice = EventsAddDevice;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = EventsOpen;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = EventsOpen;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = EventsOpen;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = EventsControl;
    DriverObject->MajorFunction[IRP_MJ_POWER] = EventsPower;
    DriverObject->MajorFunction[IRP_MJ_PNP] = EventsPnp;
    DriverObject->DriverUnload = EventsUnload;
    EventsState = PoRegisterSystemState(NULL, ES_SYSTEM_REQUIRED | ES_CONTINUOUS);
    NTSTATUS Status = IoRegisterPlugPlayNotification(
        EventCategoryDeviceInterfaceChange,
        PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, (PVOID)&EventsClass, DriverObject,
        EventsInterface, NULL, &EventsInterfaceEntry);
    if (NT_SUCCESS(Status)) {
        Status = PoRegisterPowerSettingCallback(NULL, &GUID_ACDC_POWER_SOURCE, EventsSetting,
                                                (PVOID)&EventsClass, &EventsSettingHandle);
    }
    if (NT_SUCCESS(Status)) {
        Status = PoRegisterPowerSettingCallback(NULL, &EventsCustom, EventsSetting, NULL,
                                                &EventsUnknownHandle);
    }
    return Status;
}
