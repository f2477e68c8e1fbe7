/* SPDX-License-Identifier: MIT */
/*
 * Driver objects: \Driver\NAME, the dispatch table, extensions that clients hang on to it, and
 * reinitialization routines.
 */
#include "io/iop.h"

/* What DRIVER_OBJECT.HardwareDatabase points to, as in NT: a key of the registry. */
static UNICODE_STRING IopHardwareDatabase =
    RTL_CONSTANT_STRING(L"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");
static const WCHAR IopServicesKey[] = L"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\";

/* The type's delete procedure. */
VOID IopDeleteDriver(PVOID Object)
{
    PDRIVER_OBJECT Driver = Object;
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);

    while (Extension->ClientExtensions != NULL) {
        PIOP_CLIENT_EXTENSION Next = Extension->ClientExtensions->Next;
        ExFreePoolWithTag(Extension->ClientExtensions, IO_TAG_EXTENSION);
        Extension->ClientExtensions = Next;
    }
    while (!IsListEmpty(&Extension->Reinitialize)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Extension->Reinitialize);
        ExFreePoolWithTag(CONTAINING_RECORD(Entry, IOP_REINITIALIZE, Links), IO_TAG_EXTENSION);
    }
    if (Driver->DriverName.Buffer != NULL) {
        ExFreePoolWithTag(Driver->DriverName.Buffer, IO_TAG_NAME);
    }
    if (Extension->RegistryPath.Buffer != NULL) {
        ExFreePoolWithTag(Extension->RegistryPath.Buffer, IO_TAG_NAME);
    }
}

/* Prefix + Name, NUL-terminated, in pool. */
static NTSTATUS IopJoinName(PCWSTR Prefix, PCUNICODE_STRING Name, PUNICODE_STRING Joined)
{
    SIZE_T Bytes = (wcslen(Prefix) + 1) * sizeof(WCHAR) + Name->Length;
    if (Bytes > UNICODE_STRING_MAX_BYTES) {
        return STATUS_NAME_TOO_LONG;
    }
    PWCHAR Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, IO_TAG_NAME);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Buffer, Bytes);
    RtlInitEmptyUnicodeString(Joined, Buffer, (USHORT)Bytes);
    RtlAppendUnicodeToString(Joined, Prefix);
    return RtlAppendUnicodeStringToString(Joined, Name);
}

/* Name is the service's, without a path; it may not contain a backslash. */
NTSTATUS IopCreateDriverObject(PCUNICODE_STRING Name, PDRIVER_INITIALIZE Entry,
                               PDRIVER_OBJECT *NewDriver)
{
    PDRIVER_OBJECT Driver;
    UNICODE_STRING Path;

    for (ULONG i = 0; i < Name->Length / sizeof(WCHAR); i++) {
        if (Name->Buffer[i] == L'\\') {
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    NTSTATUS Status = IopJoinName(L"\\Driver\\", Name, &Path);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpAllocateObject(IoDriverObjectType, &Path,
                               sizeof(DRIVER_OBJECT) + sizeof(IOP_DRIVER_EXTENSION),
                               (PVOID *)&Driver);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Path.Buffer, IO_TAG_NAME);
        return Status;
    }
    PIOP_DRIVER_EXTENSION Extension = (PIOP_DRIVER_EXTENSION)(Driver + 1);
    Driver->Type = IO_TYPE_DRIVER;
    Driver->Size = sizeof(DRIVER_OBJECT);
    Driver->DriverExtension = &Extension->Public;
    Driver->DriverName = Path;
    Driver->HardwareDatabase = &IopHardwareDatabase;
    Driver->DriverInit = Entry;
    Driver->Flags = DRVO_LEGACY_DRIVER;
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        Driver->MajorFunction[i] = IopInvalidDeviceRequest;
    }
    Extension->Public.DriverObject = Driver;
    InitializeListHead(&Extension->Reinitialize);
    Status = IopJoinName(IopServicesKey, Name, &Extension->RegistryPath);
    if (NT_SUCCESS(Status)) {
        /* The service's name is the tail of its key. */
        Extension->Public.ServiceKeyName.Buffer =
            Extension->RegistryPath.Buffer + RTL_NUMBER_OF(IopServicesKey) - 1;
        Extension->Public.ServiceKeyName.Length = Name->Length;
        Extension->Public.ServiceKeyName.MaximumLength = (USHORT)(Name->Length + sizeof(WCHAR));
        Status = ObpInsertNamedObject(Driver, &Path, OBJ_PERMANENT);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Driver);
        return Status;
    }
    *NewDriver = Driver;
    return STATUS_SUCCESS;
}

VOID IopDeleteDriverObject(PDRIVER_OBJECT Driver)
{
    ObMakeTemporaryObject(Driver);
    ObfDereferenceObject(Driver);
}

/* A driver without image: DriverName NULL gives it a name of its own. PASSIVE_LEVEL */
NTSTATUS IoCreateDriver(PUNICODE_STRING DriverName, PDRIVER_INITIALIZE InitializationFunction)
{
    static volatile LONG Next;
    WCHAR Buffer[24];
    UNICODE_STRING Name;
    PDRIVER_OBJECT Driver;
    static const UNICODE_STRING Prefix = RTL_CONSTANT_STRING(L"\\Driver\\");

    if (DriverName == NULL) {
        RtlInitEmptyUnicodeString(&Name, Buffer, sizeof(Buffer));
        RtlIntegerToUnicodeString((ULONG)InterlockedIncrement(&Next), 10, &Name);
    } else if (RtlPrefixUnicodeString(&Prefix, DriverName, TRUE)) {
        Name.Buffer = DriverName->Buffer + Prefix.Length / sizeof(WCHAR);
        Name.Length = Name.MaximumLength = (USHORT)(DriverName->Length - Prefix.Length);
    } else {
        return STATUS_OBJECT_NAME_INVALID;
    }
    NTSTATUS Status = IopCreateDriverObject(&Name, InitializationFunction, &Driver);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Driver->Flags |= DRVO_BUILTIN_DRIVER;
    Status = InitializationFunction(Driver, NULL);
    if (!NT_SUCCESS(Status)) {
        IopDeleteDriverObject(Driver);
        return Status;
    }
    Driver->Flags |= DRVO_INITIALIZED;
    for (PDEVICE_OBJECT Device = Driver->DeviceObject; Device != NULL;
         Device = Device->NextDevice) {
        Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    }
    return STATUS_SUCCESS;
}

VOID IoDeleteDriver(PDRIVER_OBJECT DriverObject)
{
    IopDeleteDriverObject(DriverObject);
}

NTSTATUS IoAllocateDriverObjectExtension(PDRIVER_OBJECT DriverObject,
                                         PVOID ClientIdentificationAddress, ULONG Size,
                                         PVOID *ExtensionBody)
{
    PIOP_DRIVER_EXTENSION Driver = IopDriverExtension(DriverObject);
    *ExtensionBody = NULL;
    if (Size > 0x10000000) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PIOP_CLIENT_EXTENSION New =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*New) + Size, IO_TAG_EXTENSION);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(New, sizeof(*New) + Size);
    New->Identification = ClientIdentificationAddress;
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PIOP_CLIENT_EXTENSION Old = Driver->ClientExtensions;
    while (Old != NULL && Old->Identification != ClientIdentificationAddress) {
        Old = Old->Next;
    }
    if (Old == NULL) {
        New->Next = Driver->ClientExtensions;
        Driver->ClientExtensions = New;
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    if (Old != NULL) {
        ExFreePoolWithTag(New, IO_TAG_EXTENSION);
        return STATUS_OBJECT_NAME_COLLISION;
    }
    *ExtensionBody = New->Data;
    return STATUS_SUCCESS;
}

PVOID IoGetDriverObjectExtension(PDRIVER_OBJECT DriverObject, PVOID ClientIdentificationAddress)
{
    KIRQL OldIrql = KiAcquireSpinLock(&IopDatabaseLock);
    PIOP_CLIENT_EXTENSION Entry = IopDriverExtension(DriverObject)->ClientExtensions;
    while (Entry != NULL && Entry->Identification != ClientIdentificationAddress) {
        Entry = Entry->Next;
    }
    KiReleaseSpinLock(&IopDatabaseLock, OldIrql);
    return Entry == NULL ? NULL : Entry->Data;
}

/* From DriverEntry or from a reinitialization routine; the routine is called once. PASSIVE */
VOID IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject, PDRIVER_REINITIALIZE Routine,
                                      PVOID Context)
{
    PIOP_REINITIALIZE Entry =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Entry), IO_TAG_EXTENSION);
    if (Entry == NULL) {
        return; /* the routine has no way to say so; NT leaves it out too */
    }
    Entry->Routine = Routine;
    Entry->Context = Context;
    DriverObject->Flags |= DRVO_REINIT_REGISTERED;
    InsertTailList(&IopDriverExtension(DriverObject)->Reinitialize, &Entry->Links);
}

/* Boot drivers are initialized when they are loaded, like all others. */
VOID IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                          PDRIVER_REINITIALIZE Routine, PVOID Context)
{
    IoRegisterDriverReinitialization(DriverObject, Routine, Context);
}

VOID IopCallReinitializeRoutines(PDRIVER_OBJECT Driver)
{
    PIOP_DRIVER_EXTENSION Extension = IopDriverExtension(Driver);
    while (!IsListEmpty(&Extension->Reinitialize)) {
        PIOP_REINITIALIZE Entry = CONTAINING_RECORD(RemoveHeadList(&Extension->Reinitialize),
                                                    IOP_REINITIALIZE, Links);
        IOP_REINITIALIZE Copy = *Entry;
        ExFreePoolWithTag(Entry, IO_TAG_EXTENSION);
        Extension->Public.Count++;
        Copy.Routine(Driver, Copy.Context, Extension->Public.Count);
    }
    Driver->Flags &= ~(ULONG)DRVO_REINIT_REGISTERED;
}
