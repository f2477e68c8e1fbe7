/* SPDX-License-Identifier: MIT */
/*
 * Device interfaces: \??\ROOT#SERVICE#0000#{class}[\reference] names a physical device object.
 * Registering gives the name, enabling makes the symbolic link, disabling takes it away. A
 * registration ends with its device. IopInterfaceLock, outside of Ob's locks and of IopNotifyLock,
 * guards the list.
 */
#include "io/pnp_notification.h"

typedef struct _IOP_INTERFACE {
    LIST_ENTRY Links;
    BOOLEAN Enabled;
    GUID Class;
    UNICODE_STRING Name;   /* without the reference */
    UNICODE_STRING Target;
} IOP_INTERFACE, *PIOP_INTERFACE;

static LIST_ENTRY IopInterfaces;
static FAST_MUTEX IopInterfaceLock;

VOID IopInitializeInterfaces(VOID)
{
    InitializeListHead(&IopInterfaces);
    ExInitializeFastMutex(&IopInterfaceLock);
}

static NTSTATUS IopBuildInterfaceName(PCUNICODE_STRING Service, const GUID *ClassGuid,
                                      PCUNICODE_STRING Reference, PUNICODE_STRING Name)
{
    UNICODE_STRING Guid;
    NTSTATUS Status = RtlStringFromGUID(ClassGuid, &Guid);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ULONG Bytes = sizeof(L"\\??\\ROOT##0000#\\") + Service->Length + Guid.Length +
                  (Reference != NULL ? Reference->Length : 0);
    UNICODE_STRING Room = {0, (USHORT)Bytes, NULL};
    Room.Buffer = Bytes <= UNICODE_STRING_MAX_BYTES
                      ? ExAllocatePoolWithTag(PagedPool, Bytes, IO_TAG_NAME)
                      : NULL;
    if (Room.Buffer == NULL) {
        RtlFreeUnicodeString(&Guid);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Room.Buffer, Bytes);
    RtlAppendUnicodeToString(&Room, L"\\??\\ROOT#");
    RtlAppendUnicodeStringToString(&Room, Service);
    RtlAppendUnicodeToString(&Room, L"#0000#");
    RtlAppendUnicodeStringToString(&Room, &Guid);
    if (Reference != NULL && Reference->Length != 0) {
        RtlAppendUnicodeToString(&Room, L"\\");
        RtlAppendUnicodeStringToString(&Room, Reference);
    }
    RtlFreeUnicodeString(&Guid);
    *Name = Room;
    return STATUS_SUCCESS;
}

/* The part of a name up to the reference string; \??\ itself has two backslashes. */
static UNICODE_STRING IopInterfacePath(PCUNICODE_STRING Name)
{
    UNICODE_STRING Path = *Name;
    for (USHORT i = 4; i < Name->Length / sizeof(WCHAR); i++) {
        if (Name->Buffer[i] == L'\\') {
            Path.Length = (USHORT)(i * sizeof(WCHAR));
            break;
        }
    }
    return Path;
}

/* Lock held. */
static PIOP_INTERFACE IopFindInterface(PCUNICODE_STRING Path)
{
    for (PLIST_ENTRY Entry = IopInterfaces.Flink; Entry != &IopInterfaces; Entry = Entry->Flink) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Entry, IOP_INTERFACE, Links);
        if (RtlEqualUnicodeString(&Interface->Name, Path, TRUE)) {
            return Interface;
        }
    }
    return NULL;
}

/* Registering the same interface again is success. */
static NTSTATUS IopRememberInterface(PCUNICODE_STRING Path, const GUID *Class,
                                     PCUNICODE_STRING Target)
{
    PIOP_INTERFACE New = ExAllocatePoolWithTag(
        NonPagedPoolNx, sizeof(*New) + Path->Length + Target->Length, IO_TAG_NAME);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    New->Enabled = FALSE;
    New->Class = *Class;
    New->Name.Buffer = (PWCHAR)(New + 1);
    New->Name.Length = New->Name.MaximumLength = Path->Length;
    RtlCopyMemory(New->Name.Buffer, Path->Buffer, Path->Length);
    New->Target.Buffer = (PWCHAR)((PCHAR)New->Name.Buffer + Path->Length);
    New->Target.Length = New->Target.MaximumLength = Target->Length;
    RtlCopyMemory(New->Target.Buffer, Target->Buffer, Target->Length);
    ExAcquireFastMutex(&IopInterfaceLock);
    BOOLEAN Known = IopFindInterface(&New->Name) != NULL;
    if (!Known) {
        InsertTailList(&IopInterfaces, &New->Links);
    }
    ExReleaseFastMutex(&IopInterfaceLock);
    if (Known) {
        ExFreePoolWithTag(New, IO_TAG_NAME);
    }
    return STATUS_SUCCESS;
}

/* The device goes: what is still enabled is disabled, as PnP does. */
VOID IopForgetInterfaces(PCUNICODE_STRING Target)
{
    ExAcquireFastMutex(&IopInterfaceLock);
    PLIST_ENTRY Entry = IopInterfaces.Flink;
    while (Entry != &IopInterfaces) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Entry, IOP_INTERFACE, Links);
        Entry = Entry->Flink;
        if (RtlEqualUnicodeString(&Interface->Target, Target, TRUE)) {
            if (Interface->Enabled) {
                IoDeleteSymbolicLink(&Interface->Name);
                IopQueueInterfaceEvent(&GUID_DEVICE_INTERFACE_REMOVAL, &Interface->Class,
                                       &Interface->Name);
            }
            RemoveEntryList(&Interface->Links);
            ExFreePoolWithTag(Interface, IO_TAG_NAME);
        }
    }
    ExReleaseFastMutex(&IopInterfaceLock);
}

/* PASSIVE_LEVEL. SymbolicLinkName's buffer is the caller's to free. */
NTSTATUS IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
                                   const GUID *InterfaceClassGuid,
                                   PUNICODE_STRING ReferenceString,
                                   PUNICODE_STRING SymbolicLinkName)
{
    PCUNICODE_STRING Target = IopRootDeviceName(PhysicalDeviceObject);
    if (Target == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    NTSTATUS Status = IopBuildInterfaceName(IopRootDeviceService(PhysicalDeviceObject),
                                            InterfaceClassGuid, ReferenceString, SymbolicLinkName);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    UNICODE_STRING Path = IopInterfacePath(SymbolicLinkName);
    Status = IopRememberInterface(&Path, InterfaceClassGuid, Target);
    if (!NT_SUCCESS(Status)) {
        RtlFreeUnicodeString(SymbolicLinkName);
    }
    return Status;
}

/*
 * PASSIVE_LEVEL. STATUS_OBJECT_NAME_EXISTS: it is enabled already; STATUS_OBJECT_NAME_NOT_FOUND:
 * never registered, or not enabled.
 */
NTSTATUS IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
    UNICODE_STRING Path = IopInterfacePath(SymbolicLinkName);
    NTSTATUS Status;

    ExAcquireFastMutex(&IopInterfaceLock);
    PIOP_INTERFACE Interface = IopFindInterface(&Path);
    if (Interface == NULL || (!Enable && !Interface->Enabled)) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else if (Enable && Interface->Enabled) {
        Status = STATUS_OBJECT_NAME_EXISTS;
    } else {
        Status = Enable ? IoCreateSymbolicLink(&Path, &Interface->Target)
                        : IoDeleteSymbolicLink(&Path);
        Interface->Enabled = NT_SUCCESS(Status) ? Enable : Interface->Enabled;
        if (NT_SUCCESS(Status)) {
            IopQueueInterfaceEvent(Enable ? &GUID_DEVICE_INTERFACE_ARRIVAL
                                          : &GUID_DEVICE_INTERFACE_REMOVAL,
                                   &Interface->Class, &Path);
        }
    }
    ExReleaseFastMutex(&IopInterfaceLock);
    return Status;
}

BOOLEAN IopIsInterface(PCUNICODE_STRING Name, PUNICODE_STRING Path, GUID *Class)
{
    *Path = IopInterfacePath(Name);
    ExAcquireFastMutex(&IopInterfaceLock);
    PIOP_INTERFACE Interface = IopFindInterface(Path);
    if (Interface != NULL) {
        *Class = Interface->Class;
    }
    ExReleaseFastMutex(&IopInterfaceLock);
    return Interface != NULL;
}

static BOOLEAN IopListsInterface(PIOP_INTERFACE Interface, const GUID *Class,
                                 PCUNICODE_STRING Target, ULONG Flags)
{
    return RtlEqualMemory(&Interface->Class, Class, sizeof(GUID)) &&
           (Interface->Enabled || (Flags & DEVICE_INTERFACE_INCLUDE_NONACTIVE)) &&
           (Target == NULL || RtlEqualUnicodeString(&Interface->Target, Target, TRUE));
}

/*
 * PASSIVE_LEVEL. The interface of another class that the same device has, with the reference string
 * of SymbolicLinkName; the name's buffer is the caller's to free. STATUS_OBJECT_PATH_NOT_FOUND:
 * SymbolicLinkName is no interface's; STATUS_OBJECT_NAME_NOT_FOUND: the device has none of the
 * class. [?] Which of the two documented statuses stands for which.
 */
NTSTATUS IoGetDeviceInterfaceAlias(PUNICODE_STRING SymbolicLinkName,
                                   const GUID *AliasInterfaceClassGuid,
                                   PUNICODE_STRING AliasSymbolicLinkName)
{
    UNICODE_STRING Path = IopInterfacePath(SymbolicLinkName), Name = {0, 0, NULL};
    USHORT Reference = (USHORT)(SymbolicLinkName->Length - Path.Length);
    NTSTATUS Status = STATUS_OBJECT_NAME_NOT_FOUND;

    ExAcquireFastMutex(&IopInterfaceLock);
    PIOP_INTERFACE Interface = IopFindInterface(&Path);
    if (Interface == NULL) {
        Status = STATUS_OBJECT_PATH_NOT_FOUND;
    }
    for (PLIST_ENTRY Entry = IopInterfaces.Flink; Interface != NULL && Entry != &IopInterfaces;
         Entry = Entry->Flink) {
        PIOP_INTERFACE Alias = CONTAINING_RECORD(Entry, IOP_INTERFACE, Links);
        if (!IopListsInterface(Alias, AliasInterfaceClassGuid, &Interface->Target,
                               DEVICE_INTERFACE_INCLUDE_NONACTIVE)) {
            continue;
        }
        Name.MaximumLength = (USHORT)(Alias->Name.Length + Reference + sizeof(WCHAR));
        Name.Buffer = ExAllocatePoolWithTag(PagedPool, Name.MaximumLength, IO_TAG_NAME);
        Status = Name.Buffer != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
        if (NT_SUCCESS(Status)) {
            UNICODE_STRING End = {Reference, Reference, Path.Buffer + Path.Length / sizeof(WCHAR)};
            RtlCopyUnicodeString(&Name, &Alias->Name);
            RtlAppendUnicodeStringToString(&Name, &End);
        }
        break;
    }
    ExReleaseFastMutex(&IopInterfaceLock);
    *AliasSymbolicLinkName = Name;
    return Status;
}

/* Lock held. Bytes of the list; written to List when that is not NULL. */
static ULONG IopListInterfaces(const GUID *Class, PCUNICODE_STRING Target, ULONG Flags,
                               PWCHAR List)
{
    ULONG Bytes = sizeof(WCHAR);
    for (PLIST_ENTRY Entry = IopInterfaces.Flink; Entry != &IopInterfaces; Entry = Entry->Flink) {
        PIOP_INTERFACE Interface = CONTAINING_RECORD(Entry, IOP_INTERFACE, Links);
        if (IopListsInterface(Interface, Class, Target, Flags)) {
            Bytes += Interface->Name.Length + sizeof(WCHAR);
            if (List != NULL) {
                RtlCopyMemory(List, Interface->Name.Buffer, Interface->Name.Length);
                List += Interface->Name.Length / sizeof(WCHAR);
                *List++ = 0;
            }
        }
    }
    if (List != NULL) {
        *List = 0;
    }
    return Bytes;
}

/*
 * PASSIVE_LEVEL. The list, of names that end with NUL and an empty one at its end, is the caller's
 * to free. Reference strings are not in it: a registration keeps none.
 */
NTSTATUS IoGetDeviceInterfaces(const GUID *InterfaceClassGuid, PDEVICE_OBJECT PhysicalDeviceObject,
                               ULONG Flags, PWSTR *SymbolicLinkList)
{
    PCUNICODE_STRING Target = NULL;
    NTSTATUS Status = STATUS_SUCCESS;

    *SymbolicLinkList = NULL;
    if (PhysicalDeviceObject != NULL) {
        Target = IopRootDeviceName(PhysicalDeviceObject);
        if (Target == NULL) {
            return STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    ExAcquireFastMutex(&IopInterfaceLock);
    ULONG Bytes = IopListInterfaces(InterfaceClassGuid, Target, Flags, NULL);
    *SymbolicLinkList = ExAllocatePoolWithTag(PagedPool, Bytes, IO_TAG_NAME);
    if (*SymbolicLinkList == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        IopListInterfaces(InterfaceClassGuid, Target, Flags, *SymbolicLinkList);
    }
    ExReleaseFastMutex(&IopInterfaceLock);
    return Status;
}
