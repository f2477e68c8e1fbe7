/* SPDX-License-Identifier: MIT */
/* Reads what a .reg file wrote. See README.md. */
#include <ntddk.h>

#define FILE_TAG 'FgeR'
#define DATA_MOST 64

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FileUnload;
static NTSTATUS FileCheckAll(HANDLE Parameters);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FileUnload)
#pragma alloc_text(PAGE, FileCheckAll)

typedef struct _FILE_VALUE {
    PCWSTR Name;
    ULONG Type, Length;
    const VOID *Data; /* NULL: the value must not be there */
} FILE_VALUE;

static const WCHAR FileGreeting[] = L"C:\\\x00fc \"quoted\"";
static const WCHAR FileList[] = L"one\0two\0";
static const ULONG FileCount = 0x1f;
static const ULONGLONG FileBig = 0x0102030405060708;
static const UCHAR FileBytes[] = {0xde, 0xad, 0xbe, 0xef, 0x01, 0x02, 0x03, 0x04, 0x05};

#pragma data_seg("PAGEDATA")
static FILE_VALUE FileValues[] = {
    {L"Greeting", REG_SZ, sizeof(FileGreeting), FileGreeting},
    {L"Expand", REG_EXPAND_SZ, 6, L"%A"},
    {L"List", REG_MULTI_SZ, sizeof(FileList), FileList},
    {L"Big", REG_QWORD, sizeof(FileBig), &FileBig},
    {L"Bytes", REG_BINARY, sizeof(FileBytes), FileBytes},
    {L"Empty", REG_BINARY, 0, L""},
    {L"Odd", 0x1234, 1, FileBytes},
    {L"", REG_SZ, 4, L"d"},
    {L"Gone", 0, 0, NULL},
};
#pragma data_seg()

static NTSTATUS FileCheck(HANDLE Key, const FILE_VALUE *Wanted)
{
    UCHAR Buffer[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + DATA_MOST];
    PKEY_VALUE_PARTIAL_INFORMATION Value = (PKEY_VALUE_PARTIAL_INFORMATION)Buffer;
    UNICODE_STRING Name;
    ULONG Length;

    RtlInitUnicodeString(&Name, Wanted->Name);
    NTSTATUS Status = ZwQueryValueKey(Key, &Name, KeyValuePartialInformation, Value,
                                      sizeof(Buffer), &Length);
    if (Wanted->Data == NULL) {
        return Status == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_SUCCESS
                                                      : STATUS_OBJECT_NAME_COLLISION;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return Value->Type == Wanted->Type && Value->DataLength == Wanted->Length &&
                   RtlEqualMemory(Value->Data, Wanted->Data, Wanted->Length)
               ? STATUS_SUCCESS
               : STATUS_DATA_ERROR;
}

static NTSTATUS FileCheckAll(HANDLE Parameters)
{
    static const FILE_VALUE Count = {L"Count", REG_DWORD, sizeof(FileCount), &FileCount};
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Answer");
    NTSTATUS Status = STATUS_SUCCESS;
    HANDLE Tree;
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING TreeName = RTL_CONSTANT_STRING(L"Tree");

    PAGED_CODE();
    for (ULONG i = 0; i < RTL_NUMBER_OF(FileValues) && NT_SUCCESS(Status); i++) {
        Status = FileCheck(Parameters, &FileValues[i]);
        if (!NT_SUCCESS(Status)) {
            DbgPrint("registry-file: value %ws: %08x\n", FileValues[i].Name, Status);
        }
    }
    InitializeObjectAttributes(&Attributes, &TreeName, OBJ_KERNEL_HANDLE, Parameters, NULL);
    if (NT_SUCCESS(Status) && ZwOpenKey(&Tree, KEY_READ, &Attributes) !=
                                  STATUS_OBJECT_NAME_NOT_FOUND) {
        DbgPrint("registry-file: the deleted tree is there\n");
        Status = STATUS_OBJECT_NAME_COLLISION;
    }
    if (NT_SUCCESS(Status)) {
        ULONG Answer = NT_SUCCESS(FileCheck(Parameters, &Count)) ? FileCount + 1 : 0;
        Status = ZwSetValueKey(Parameters, &Name, 0, REG_DWORD, &Answer, sizeof(Answer));
    }
    return Status;
}

VOID FileUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"Parameters");
    HANDLE Service, Parameters;

    DriverObject->DriverUnload = FileUnload;
    InitializeObjectAttributes(&Attributes, RegistryPath, OBJ_KERNEL_HANDLE, NULL, NULL);
    NTSTATUS Status = ZwOpenKey(&Service, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, Service, NULL);
    Status = ZwOpenKey(&Parameters, KEY_ALL_ACCESS, &Attributes);
    ZwClose(Service);
    if (NT_SUCCESS(Status)) {
        Status = FileCheckAll(Parameters);
        ZwClose(Parameters);
    }
    return Status;
}
