/* SPDX-License-Identifier: MIT */
/* A driver's parameters in its service key, as drivers read and write them. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ParametersUnload;
DRIVER_DISPATCH ParametersCreateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ParametersUnload)
#pragma alloc_text(PAGE, ParametersCreateClose)

static UNICODE_STRING ServiceKey; /* a copy: RegistryPath ends with DriverEntry */

/* What an installation writes: Type 1, Start 3, ErrorControl 1, and where the image is. */
static NTSTATUS ParametersReadService(PUNICODE_STRING RegistryPath)
{
    ULONG Type = 0, Start = 0, Missing = 0, Default = 5;
    UNICODE_STRING Image = {0, 0, NULL};
    const ULONG Direct = RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;
    const ULONG Dword = REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    RTL_QUERY_REGISTRY_TABLE Table[] = {
        {NULL, Direct | RTL_QUERY_REGISTRY_REQUIRED, L"Type", &Type, Dword, NULL, 0},
        {NULL, Direct, L"Start", &Start, Dword, NULL, 0},
        {NULL, Direct, L"Missing", &Missing, Dword | REG_DWORD, &Default, sizeof(Default)},
        {NULL, RTL_QUERY_REGISTRY_DIRECT | RTL_QUERY_REGISTRY_NOEXPAND, L"ImagePath", &Image,
         REG_NONE, NULL, 0},
        {0},
    };
    NTSTATUS Status =
        RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, RegistryPath->Buffer, Table, NULL, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    BOOLEAN Good = Type == 1 && Start == 3 && Missing == 5 && Image.Length > 20;
    RtlFreeUnicodeString(&Image);
    return Good ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

static NTSTATUS ParametersCreate(PHANDLE Service, PHANDLE Parameters)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Parameters");
    OBJECT_ATTRIBUTES Attributes;

    InitializeObjectAttributes(&Attributes, &ServiceKey, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               NULL, NULL);
    NTSTATUS Status = ZwOpenKey(Service, KEY_ALL_ACCESS, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               *Service, NULL);
    Status = ZwCreateKey(Parameters, KEY_ALL_ACCESS, &Attributes, 0, NULL,
                         REG_OPTION_NON_VOLATILE, NULL);
    if (!NT_SUCCESS(Status)) {
        ZwClose(*Service);
    }
    return Status;
}

/* Each with the status its documentation names. */
static BOOLEAN ParametersBadArguments(HANDLE Key)
{
    UNICODE_STRING Missing = RTL_CONSTANT_STRING(L"Missing"), Count = RTL_CONSTANT_STRING(L"Count");
    KEY_VALUE_PARTIAL_INFORMATION Partial;
    ULONG Length = 0;
    return ZwQueryValueKey(Key, &Missing, KeyValuePartialInformation, &Partial, sizeof(Partial),
                           &Length) == STATUS_OBJECT_NAME_NOT_FOUND &&
           ZwQueryValueKey(Key, &Count, KeyValuePartialInformation, &Partial, 4, &Length) ==
               STATUS_BUFFER_TOO_SMALL &&
           Length == 16 &&
           ZwQueryValueKey(Key, &Count, KeyValuePartialInformation, &Partial, 12, &Length) ==
               STATUS_BUFFER_OVERFLOW &&
           ZwEnumerateValueKey(Key, 1, KeyValuePartialInformation, &Partial, 16, &Length) ==
               STATUS_NO_MORE_ENTRIES &&
           ZwEnumerateKey(Key, 0, KeyBasicInformation, &Partial, 16, &Length) ==
               STATUS_NO_MORE_ENTRIES &&
           ZwQueryKey(Key, (KEY_INFORMATION_CLASS)99, &Partial, 16, &Length) ==
               STATUS_INVALID_PARAMETER &&
           ZwDeleteValueKey(Key, &Missing) == STATUS_OBJECT_NAME_NOT_FOUND &&
           ZwFlushKey((HANDLE)0x7ffc) == STATUS_INVALID_HANDLE &&
           ZwDeleteKey((HANDLE)0x7ffc) == STATUS_INVALID_HANDLE;
}

/* Sets a count and reads it back, then deletes the key it was in. */
static NTSTATUS ParametersRoundTrip(VOID)
{
    UNICODE_STRING Count = RTL_CONSTANT_STRING(L"Count");
    HANDLE Service, Parameters;
    UCHAR Buffer[64];
    PKEY_VALUE_PARTIAL_INFORMATION Partial = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    ULONG Value = 0xabcd, Length;

    NTSTATUS Status = ParametersCreate(&Service, &Parameters);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwSetValueKey(Parameters, &Count, 0, REG_DWORD, &Value, sizeof(Value));
    if (NT_SUCCESS(Status)) {
        Status = ZwQueryValueKey(Parameters, &Count, KeyValuePartialInformation, Buffer,
                                 sizeof(Buffer), &Length);
    }
    if (NT_SUCCESS(Status) &&
        (Partial->Type != REG_DWORD || *(PULONG)Partial->Data != Value ||
         !ParametersBadArguments(Parameters) || ZwFlushKey(Parameters) != STATUS_SUCCESS ||
         ZwDeleteKey(Service) != STATUS_CANNOT_DELETE ||
         ZwDeleteKey(Parameters) != STATUS_SUCCESS ||
         ZwFlushKey(Parameters) != STATUS_KEY_DELETED)) {
        Status = STATUS_UNSUCCESSFUL;
    }
    ZwClose(Parameters);
    ZwClose(Service);
    return Status;
}

NTSTATUS ParametersCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    NTSTATUS Status = ParametersRoundTrip();
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID ParametersUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    RtlFreeUnicodeString(&ServiceKey);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;

    NTSTATUS Status = ParametersReadService(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!RtlCreateUnicodeString(&ServiceKey, RegistryPath->Buffer)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlInitUnicodeString(&Name, L"\\Device\\RegistryParameters");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ParametersCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ParametersCreateClose;
    DriverObject->DriverUnload = ParametersUnload;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        RtlFreeUnicodeString(&ServiceKey);
    }
    return Status;
}
