/* SPDX-License-Identifier: MIT */
/*
 * Properties of the root-enumerated devices: what is known of every one of them, and what the
 * device's hardware key says (from a .reg file, or by a driver). Others do not exist:
 * STATUS_OBJECT_NAME_NOT_FOUND. Those of devices and interfaces with a DEVPROPKEY are in the keys
 * below Properties, whose default values have the property's type in the low half of theirs, as
 * in NT.
 */
#include "cm/cmp.h"
#include "io/iop.h"
#include "nt/pnp.h"

#define IOP_PROPERTY_MOST 0xf000u /* bytes */
#define IOP_PROPERTY_TYPE 0xffff0000u

typedef struct _IOP_PROPERTY_WRITER {
    PCHAR Buffer;
    ULONG Room;
    ULONG Length; /* needed */
} IOP_PROPERTY_WRITER, *PIOP_PROPERTY_WRITER;

/* What does not fit is counted, not written. */
static VOID IopWriteProperty(PIOP_PROPERTY_WRITER Writer, const VOID *Data, ULONG Bytes)
{
    if (Writer->Length + Bytes <= Writer->Room) {
        RtlCopyMemory(Writer->Buffer + Writer->Length, Data, Bytes);
    }
    Writer->Length += Bytes;
}

static VOID IopWriteText(PIOP_PROPERTY_WRITER Writer, PCWSTR Text)
{
    IopWriteProperty(Writer, Text, (ULONG)(wcslen(Text) * sizeof(WCHAR)));
}

static const WCHAR IopTerminators[2];

/*
 * A value of the device's key: into Data as far as it fits. STATUS_BUFFER_TOO_SMALL: nothing is
 * written; *Required says how many bytes it has.
 */
static NTSTATUS IopReadDeviceValue(HANDLE Key, PCWSTR Text, PVOID Data, ULONG Size,
                                   PULONG Required, PULONG Type)
{
    UNICODE_STRING Name;
    KEY_VALUE_PARTIAL_INFORMATION Header, *Value;
    ULONG Length;

    RtlInitUnicodeString(&Name, Text);
    NTSTATUS Status = ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, &Header,
                                      sizeof(Header), &Length);
    if (Status != STATUS_SUCCESS && Status != STATUS_BUFFER_OVERFLOW) {
        return Status;
    }
    *Required = Header.DataLength;
    *Type = Header.Type;
    if (Header.DataLength > Size) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Value = ExAllocatePoolWithTag(PagedPool, Length, IO_TAG_NAME);
    if (Value == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Value, Length, &Length);
    if (NT_SUCCESS(Status)) { /* which another thread may have changed meanwhile */
        *Required = Value->DataLength;
        *Type = Value->Type;
        if (Value->DataLength > Size) {
            Status = STATUS_BUFFER_TOO_SMALL;
        } else {
            RtlCopyMemory(Data, Value->Data, Value->DataLength);
        }
    }
    ExFreePoolWithTag(Value, IO_TAG_NAME);
    return Status;
}

/* The value's name in the hardware key; NULL: the property is none of those. */
static PCWSTR IopPropertyValueName(DEVICE_REGISTRY_PROPERTY Property)
{
    switch (Property) {
    case DevicePropertyDeviceDescription: return L"DeviceDesc";
    case DevicePropertyHardwareID: return L"HardwareID";
    case DevicePropertyCompatibleIDs: return L"CompatibleIDs";
    case DevicePropertyClassName: return L"Class";
    case DevicePropertyClassGuid: return L"ClassGUID";
    case DevicePropertyDriverKeyName: return L"Driver";
    case DevicePropertyManufacturer: return L"Mfg";
    case DevicePropertyFriendlyName: return L"FriendlyName";
    case DevicePropertyLocationInformation: return L"LocationInformation";
    default: return NULL;
    }
}

/* STATUS_OBJECT_NAME_NOT_FOUND: the registry does not say. */
static NTSTATUS IopReadRegistryProperty(PDEVICE_OBJECT Device, DEVICE_REGISTRY_PROPERTY Property,
                                        ULONG Length, PVOID Buffer, PULONG ResultLength)
{
    PCWSTR Name = IopPropertyValueName(Property);
    HANDLE Key;
    ULONG Type;

    if (Name == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    NTSTATUS Status = IopOpenDeviceKey(Device, L"", KEY_READ, &Key);
    if (NT_SUCCESS(Status)) {
        Status = IopReadDeviceValue(Key, Name, Buffer, Length, ResultLength, &Type);
        ZwClose(Key);
    }
    return Status;
}

/*
 * PASSIVE_LEVEL. STATUS_INVALID_DEVICE_REQUEST: not a physical device object;
 * STATUS_INVALID_PARAMETER_2: no such property.
 */
NTSTATUS IoGetDeviceProperty(PDEVICE_OBJECT DeviceObject, DEVICE_REGISTRY_PROPERTY Property,
                             ULONG BufferLength, PVOID PropertyBuffer, PULONG ResultLength)
{
    PCUNICODE_STRING Name = IopRootDeviceName(DeviceObject);
    PCUNICODE_STRING Service = IopRootDeviceService(DeviceObject);
    IOP_PROPERTY_WRITER Writer = {PropertyBuffer, BufferLength, 0};

    *ResultLength = 0;
    if (Name == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if ((ULONG)Property > DevicePropertyContainerID) {
        return STATUS_INVALID_PARAMETER_2;
    }
    NTSTATUS Status = IopReadRegistryProperty(DeviceObject, Property, BufferLength, PropertyBuffer,
                                              ResultLength);
    if (Status != STATUS_OBJECT_NAME_NOT_FOUND) {
        return Status;
    }
    switch (Property) {
    case DevicePropertyPhysicalDeviceObjectName:
        IopWriteProperty(&Writer, Name->Buffer, Name->Length);
        IopWriteProperty(&Writer, IopTerminators, sizeof(WCHAR));
        break;
    case DevicePropertyEnumeratorName:
        IopWriteText(&Writer, L"ROOT");
        IopWriteProperty(&Writer, IopTerminators, sizeof(WCHAR));
        break;
    case DevicePropertyDeviceDescription:
        IopWriteProperty(&Writer, Service->Buffer, Service->Length);
        IopWriteProperty(&Writer, IopTerminators, sizeof(WCHAR));
        break;
    case DevicePropertyHardwareID:
        IopWriteText(&Writer, L"ROOT\\");
        IopWriteProperty(&Writer, Service->Buffer, Service->Length);
        IopWriteProperty(&Writer, IopTerminators, sizeof(IopTerminators));
        break;
    case DevicePropertyInstallState:
    case DevicePropertyRemovalPolicy: {
        /* InstallStateInstalled is 0, RemovalPolicyExpectNoRemoval is 1. */
        ULONG Value = Property == DevicePropertyRemovalPolicy ? 1 : 0;
        IopWriteProperty(&Writer, &Value, sizeof(Value));
        break;
    }
    default:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *ResultLength = Writer.Length;
    return Writer.Length > BufferLength ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

#define IOP_PROPERTY_PATH 80 /* characters */

/* \Properties\{fmtid}\pid, the pid in hexadecimal. */
static NTSTATUS IopPropertyPath(const DEVPROPKEY *Property, WCHAR *Text)
{
    UNICODE_STRING Path, Guid, Number;
    WCHAR Digits[9];

    RtlInitEmptyUnicodeString(&Path, Text, (IOP_PROPERTY_PATH - 1) * sizeof(WCHAR));
    RtlInitEmptyUnicodeString(&Number, Digits, sizeof(Digits));
    NTSTATUS Status = RtlStringFromGUID(&Property->fmtid, &Guid);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    RtlAppendUnicodeToString(&Path, L"\\Properties\\");
    RtlAppendUnicodeStringToString(&Path, &Guid);
    RtlFreeUnicodeString(&Guid);
    RtlAppendUnicodeToString(&Path, L"\\");
    NT_VERIFY(NT_SUCCESS(RtlIntegerToUnicodeString(Property->pid, 16, &Number)));
    NT_VERIFY(NT_SUCCESS(RtlAppendUnicodeStringToString(&Path, &Number)));
    Text[Path.Length / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

static BOOLEAN IopIsPropertySetting(const DEVPROPKEY *Property, ULONG Flags, DEVPROPTYPE Type,
                                    ULONG Size)
{
    return Property->pid >= DEVPROPID_FIRST_USABLE && Size <= IOP_PROPERTY_MOST &&
           !(Type & IOP_PROPERTY_TYPE) && !(Flags & ~(ULONG)PLUGPLAY_PROPERTY_PERSISTENT);
}

/* Opened is how Key was opened; it is closed. Size 0: the property goes. */
static NTSTATUS IopStoreProperty(NTSTATUS Opened, HANDLE Key, DEVPROPTYPE Type, ULONG Size,
                                 PVOID Data)
{
    static UNICODE_STRING Default;

    if (!NT_SUCCESS(Opened)) {
        return Opened;
    }
    NTSTATUS Status = Size == 0 || Data == NULL
                          ? ZwDeleteValueKey(Key, &Default)
                          : ZwSetValueKey(Key, &Default, 0, IOP_PROPERTY_TYPE | Type, Data, Size);
    ZwClose(Key);
    return Status;
}

static NTSTATUS IopLoadProperty(NTSTATUS Opened, HANDLE Key, ULONG Size, PVOID Data,
                                PULONG RequiredSize, PDEVPROPTYPE Type)
{
    ULONG Stored = 0;

    if (NT_SUCCESS(Opened)) {
        Opened = IopReadDeviceValue(Key, L"", Data, Size, RequiredSize, &Stored);
        ZwClose(Key);
    }
    *Type = Stored & ~IOP_PROPERTY_TYPE;
    return Opened;
}

/* Lcid is not used: a property has one value for all languages. Size 0: the property goes. */
NTSTATUS IoSetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, ULONG Lcid,
                                 ULONG Flags, DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    WCHAR Path[IOP_PROPERTY_PATH];
    HANDLE Key = NULL;

    if (IopRootDeviceName(Pdo) == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!IopIsPropertySetting(PropertyKey, Flags, Type, Size)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = IopPropertyPath(PropertyKey, Path);
    if (NT_SUCCESS(Status)) {
        Status = IopOpenDeviceKey(Pdo, Path, KEY_ALL_ACCESS, &Key);
    }
    return IopStoreProperty(Status, Key, Type, Size, Data);
}

/* STATUS_BUFFER_TOO_SMALL: *RequiredSize bytes are needed. */
NTSTATUS IoGetDevicePropertyData(PDEVICE_OBJECT Pdo, const DEVPROPKEY *PropertyKey, ULONG Lcid,
                                 ULONG Flags, ULONG Size, PVOID Data, PULONG RequiredSize,
                                 PDEVPROPTYPE Type)
{
    WCHAR Path[IOP_PROPERTY_PATH];
    HANDLE Key = NULL;

    *RequiredSize = 0;
    *Type = DEVPROP_TYPE_EMPTY;
    if (IopRootDeviceName(Pdo) == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    NTSTATUS Status = IopPropertyPath(PropertyKey, Path);
    if (NT_SUCCESS(Status)) {
        Status = IopOpenDeviceKey(Pdo, Path, KEY_ALL_ACCESS, &Key);
    }
    return IopLoadProperty(Status, Key, Size, Data, RequiredSize, Type);
}

/* As of devices. [?] For a name that is no interface's, and arguments, NT's status is not known. */
NTSTATUS IoSetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                          const DEVPROPKEY *PropertyKey, ULONG Lcid, ULONG Flags,
                                          DEVPROPTYPE Type, ULONG Size, PVOID Data)
{
    WCHAR Path[IOP_PROPERTY_PATH];
    HANDLE Key = NULL;

    if (!IopIsPropertySetting(PropertyKey, Flags, Type, Size)) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = IopPropertyPath(PropertyKey, Path);
    if (NT_SUCCESS(Status)) {
        Status = IopOpenInterfaceKey(SymbolicLinkName, Path, KEY_ALL_ACCESS, &Key);
    }
    return IopStoreProperty(Status, Key, Type, Size, Data);
}

NTSTATUS IoGetDeviceInterfacePropertyData(PUNICODE_STRING SymbolicLinkName,
                                          const DEVPROPKEY *PropertyKey, ULONG Lcid, ULONG Flags,
                                          ULONG Size, PVOID Data, PULONG RequiredSize,
                                          PDEVPROPTYPE Type)
{
    WCHAR Path[IOP_PROPERTY_PATH];
    HANDLE Key = NULL;

    *RequiredSize = 0;
    *Type = DEVPROP_TYPE_EMPTY;
    NTSTATUS Status = IopPropertyPath(PropertyKey, Path);
    if (NT_SUCCESS(Status)) {
        Status = IopOpenInterfaceKey(SymbolicLinkName, Path, KEY_ALL_ACCESS, &Key);
    }
    return IopLoadProperty(Status, Key, Size, Data, RequiredSize, Type);
}
