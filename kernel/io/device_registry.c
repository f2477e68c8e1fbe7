/* SPDX-License-Identifier: MIT */
/*
 * The registry keys of a root-enumerated device: its hardware key Enum\ROOT\SERVICE\0000, its
 * software key Control\Class\{class}\NNNN, and those of its interfaces. They are made when the
 * device is, or when they are opened first, and stay: a driver finds what it wrote.
 */
#include "cm/cmp.h"
#include "io/pnp_notification.h"

#define IOP_SYSTEM L"\\Registry\\Machine\\System\\CurrentControlSet\\"
#define IOP_PROFILE IOP_SYSTEM L"Hardware Profiles\\Current\\System\\CurrentControlSet\\"
/* The class "System": a device that came without an INF has none of its own. */
#define IOP_CLASS L"{4D36E97D-E325-11CE-BFC1-08002BE10318}"
#define IOP_PATH_MOST 1024u /* characters */

typedef struct _IOP_PATH {
    UNICODE_STRING Name;
    WCHAR Text[IOP_PATH_MOST];
} IOP_PATH, *PIOP_PATH;

/* Creates what is missing of the path below \Registry\Machine\System\CurrentControlSet. */
static NTSTATUS IopCreateKeys(PCUNICODE_STRING Path, ACCESS_MASK Access, PHANDLE Key,
                              PULONG Disposition)
{
    ULONG Count = Path->Length / sizeof(WCHAR), Separators = 0;
    NTSTATUS Status = STATUS_OBJECT_NAME_INVALID;

    for (ULONG i = 0; i <= Count; i++) {
        OBJECT_ATTRIBUTES Attributes;
        UNICODE_STRING Part = {(USHORT)(i * sizeof(WCHAR)), (USHORT)(i * sizeof(WCHAR)),
                               Path->Buffer};
        if (i != Count && (Path->Buffer[i] != L'\\' || ++Separators <= 5)) {
            continue;
        }
        InitializeObjectAttributes(&Attributes, &Part, OBJ_KERNEL_HANDLE, NULL, NULL);
        Status = ZwCreateKey(Key, i == Count ? Access : KEY_READ, &Attributes, 0, NULL, 0,
                             i == Count ? Disposition : NULL);
        if (!NT_SUCCESS(Status) || i == Count) {
            break;
        }
        ZwClose(*Key);
    }
    return Status;
}

static PIOP_PATH IopStartPath(PCWSTR Text)
{
    PIOP_PATH Path = ExAllocatePoolWithTag(PagedPool, sizeof(*Path), IO_TAG_NAME);
    if (Path != NULL) {
        RtlInitEmptyUnicodeString(&Path->Name, Path->Text, sizeof(Path->Text));
        RtlAppendUnicodeToString(&Path->Name, Text);
    }
    return Path;
}

/* Creates what Path says, unless it has become too long, and frees it. */
static NTSTATUS IopEndPath(PIOP_PATH Path, NTSTATUS Status, ACCESS_MASK Access, PHANDLE Key)
{
    if (NT_SUCCESS(Status)) {
        Status = IopCreateKeys(&Path->Name, Access, Key, NULL);
    }
    ExFreePoolWithTag(Path, IO_TAG_NAME);
    return Status;
}

/* "Driver" of the hardware key: {class}\NNNN, the first that is free. */
static NTSTATUS IopChooseSoftwareKey(HANDLE Hardware, PIOP_PATH Path)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Driver");
    UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + 128];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    USHORT Start = Path->Name.Length;
    ULONG Length;

    RtlZeroMemory(Buffer, sizeof(Buffer));
    if (NT_SUCCESS(ZwQueryValueKey(Hardware, &Name, KeyValuePartialInformation, Value,
                                   sizeof(Buffer) - sizeof(WCHAR), &Length)) &&
        Value->Type == REG_SZ) {
        return RtlAppendUnicodeToString(&Path->Name, (PCWSTR)Value->Data);
    }
    for (ULONG Number = 0; Number < 10000; Number++) {
        WCHAR Text[] = IOP_CLASS L"\\0000";
        ULONG Disposition;
        HANDLE Key;
        for (ULONG i = 0, Rest = Number; i < 4; i++, Rest /= 10) {
            Text[RTL_NUMBER_OF(Text) - 2 - i] = (WCHAR)(L'0' + Rest % 10);
        }
        Path->Name.Length = Start;
        NTSTATUS Status = RtlAppendUnicodeToString(&Path->Name, Text);
        if (NT_SUCCESS(Status)) {
            Status = IopCreateKeys(&Path->Name, KEY_READ, &Key, &Disposition);
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        ZwClose(Key);
        if (Disposition == REG_CREATED_NEW_KEY) {
            return ZwSetValueKey(Hardware, &Name, 0, REG_SZ, Text, sizeof(Text));
        }
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS IopAppendHardwareKey(PIOP_PATH Path, PDEVICE_OBJECT Device, PCWSTR Below)
{
    NTSTATUS Status = RtlAppendUnicodeToString(&Path->Name, L"Enum\\ROOT\\");
    Status = NT_SUCCESS(Status) ? RtlAppendUnicodeStringToString(
                                      &Path->Name, IopRootDeviceService(Device))
                                : Status;
    Status = NT_SUCCESS(Status) ? RtlAppendUnicodeToString(&Path->Name, L"\\0000") : Status;
    return NT_SUCCESS(Status) ? RtlAppendUnicodeToString(&Path->Name, Below) : Status;
}

static NTSTATUS IopOpenHardwareKey(PDEVICE_OBJECT Device, PCWSTR Prefix, PCWSTR Below,
                                   ACCESS_MASK Access, PHANDLE Key)
{
    PIOP_PATH Path = IopStartPath(Prefix);
    if (Path == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return IopEndPath(Path, IopAppendHardwareKey(Path, Device, Below), Access, Key);
}

NTSTATUS IopFindDeviceKey(PDEVICE_OBJECT Device, ACCESS_MASK Access, PHANDLE Key)
{
    OBJECT_ATTRIBUTES Attributes;
    PIOP_PATH Path = IopStartPath(IOP_SYSTEM);
    if (Path == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IopAppendHardwareKey(Path, Device, L"");
    if (NT_SUCCESS(Status)) {
        InitializeObjectAttributes(&Attributes, &Path->Name,
                                   OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
        Status = ZwOpenKey(Key, Access, &Attributes);
    }
    ExFreePoolWithTag(Path, IO_TAG_NAME);
    return Status;
}

NTSTATUS IopOpenDeviceKey(PDEVICE_OBJECT Device, PCWSTR Below, ACCESS_MASK Access, PHANDLE Key)
{
    return IopOpenHardwareKey(Device, IOP_SYSTEM, Below, Access, Key);
}

static NTSTATUS IopOpenSoftwareKey(PDEVICE_OBJECT Device, PCWSTR Prefix, ACCESS_MASK Access,
                                   PHANDLE Key)
{
    HANDLE Hardware;
    NTSTATUS Status = IopOpenHardwareKey(Device, IOP_SYSTEM, L"", KEY_ALL_ACCESS, &Hardware);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIOP_PATH Path = IopStartPath(Prefix);
    if (Path == NULL) {
        ZwClose(Hardware);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = RtlAppendUnicodeToString(&Path->Name, L"Control\\Class\\");
    Status = NT_SUCCESS(Status) ? IopChooseSoftwareKey(Hardware, Path) : Status;
    ZwClose(Hardware);
    return IopEndPath(Path, Status, Access, Key);
}

/* STATUS_INVALID_DEVICE_REQUEST: not a physical device object. */
NTSTATUS IoOpenDeviceRegistryKey(PDEVICE_OBJECT DeviceObject, ULONG DevInstKeyType,
                                 ACCESS_MASK DesiredAccess, PHANDLE DeviceRegKey)
{
    PCWSTR Prefix = (DevInstKeyType & PLUGPLAY_REGKEY_CURRENT_HWPROFILE) ? IOP_PROFILE : IOP_SYSTEM;
    ULONG Kind = DevInstKeyType & ~(ULONG)PLUGPLAY_REGKEY_CURRENT_HWPROFILE;

    *DeviceRegKey = NULL;
    if (Kind != PLUGPLAY_REGKEY_DEVICE && Kind != PLUGPLAY_REGKEY_DRIVER) {
        return STATUS_INVALID_PARAMETER;
    }
    if (IopRootDeviceName(DeviceObject) == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return Kind == PLUGPLAY_REGKEY_DEVICE
               ? IopOpenHardwareKey(DeviceObject, Prefix, L"\\Device Parameters", DesiredAccess,
                                    DeviceRegKey)
               : IopOpenSoftwareKey(DeviceObject, Prefix, DesiredAccess, DeviceRegKey);
}

/* Control\DeviceClasses\{class}\##?#ROOT#...#{class}\#reference\Device Parameters */
NTSTATUS IopOpenInterfaceKey(PCUNICODE_STRING SymbolicLinkName, PCWSTR Below, ACCESS_MASK Access,
                             PHANDLE Key)
{
    UNICODE_STRING Link, Reference, Class, End;
    GUID Guid;

    *Key = NULL;
    if (!IopIsInterface(SymbolicLinkName, &Link, &Guid)) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    Reference.Length = Reference.MaximumLength = (USHORT)(SymbolicLinkName->Length - Link.Length);
    Reference.Buffer = Link.Buffer + Link.Length / sizeof(WCHAR);
    if (Reference.Length != 0) { /* without its backslash */
        Reference.Buffer++;
        Reference.Length -= sizeof(WCHAR);
    }
    Link.Buffer += 4; /* \??\ */
    Link.Length -= 4 * sizeof(WCHAR);
    NTSTATUS Status = RtlStringFromGUID(&Guid, &Class);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PIOP_PATH Path = IopStartPath(IOP_SYSTEM L"Control\\DeviceClasses\\");
    if (Path == NULL) {
        RtlFreeUnicodeString(&Class);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    const UNICODE_STRING Middle = RTL_CONSTANT_STRING(L"\\##?#");
    const UNICODE_STRING Hash = RTL_CONSTANT_STRING(L"\\#");
    RtlInitUnicodeString(&End, Below);
    const UNICODE_STRING *const Parts[] = {&Class, &Middle, &Link, &Hash, &Reference, &End};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Parts) && NT_SUCCESS(Status); i++) {
        Status = RtlAppendUnicodeStringToString(&Path->Name, Parts[i]);
    }
    RtlFreeUnicodeString(&Class);
    return IopEndPath(Path, Status, Access, Key);
}

NTSTATUS IoOpenDeviceInterfaceRegistryKey(PUNICODE_STRING SymbolicLinkName,
                                          ACCESS_MASK DesiredAccess,
                                          PHANDLE DeviceInterfaceRegKey)
{
    return IopOpenInterfaceKey(SymbolicLinkName, L"\\Device Parameters", DesiredAccess,
                               DeviceInterfaceRegKey);
}
