/* SPDX-License-Identifier: MIT */
/* A driver that loads another one: itself, as the service LoadedCopy. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD LoadUnload;
DRIVER_DISPATCH LoadCreateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, LoadUnload)
#pragma alloc_text(PAGE, LoadCreateClose)

#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"
#define COPY SERVICES L"LoadedCopy"
#define OWN_FILE L"\\SystemRoot\\System32\\drivers\\load-another.sys"
#define LOAD_FILE_LIMIT 65536u

static ULONG LoadWrongLine; /* the first thing that was not as documented */
#define CHECK(condition)                                                   \
    do {                                                                   \
        if (!(condition) && LoadWrongLine == 0) {                          \
            LoadWrongLine = __LINE__;                                      \
            DbgPrint("load-another: line %u: %s\n", __LINE__, #condition); \
        }                                                                  \
    } while (0)

static NTSTATUS LoadSetPath(HANDLE Key, PCWSTR Path)
{
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"ImagePath");
    return ZwSetValueKey(Key, &Value, 0, REG_EXPAND_SZ, (PVOID)Path,
                         (ULONG)((wcslen(Path) + 1) * sizeof(WCHAR)));
}

static BOOLEAN LoadIsThere(PCWSTR Device)
{
    UNICODE_STRING Name;
    PFILE_OBJECT File;
    PDEVICE_OBJECT Object;
    RtlInitUnicodeString(&Name, Device);
    NTSTATUS Status = IoGetDeviceObjectPointer(&Name, FILE_READ_DATA, &File, &Object);
    if (NT_SUCCESS(Status)) {
        ObDereferenceObject(File);
    }
    return NT_SUCCESS(Status);
}

/* Both at their start. File is closed. */
static NTSTATUS LoadTransfer(PCWSTR Path, PVOID Bytes, PULONG Size, BOOLEAN Write)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    LARGE_INTEGER Start = {.QuadPart = 0};
    HANDLE File;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS Status = ZwCreateFile(
        &File, (Write ? FILE_WRITE_DATA : FILE_READ_DATA) | SYNCHRONIZE, &Attributes, &IoStatus,
        NULL, FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ, Write ? FILE_OVERWRITE_IF : FILE_OPEN,
        FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = Write ? ZwWriteFile(File, NULL, NULL, NULL, &IoStatus, Bytes, *Size, &Start, NULL)
                   : ZwReadFile(File, NULL, NULL, NULL, &IoStatus, Bytes, *Size, &Start, NULL);
    *Size = (ULONG)IoStatus.Information;
    ZwClose(File);
    return Status;
}

/* This driver's own file, but that its imports are from a framework that is not there. */
static VOID LoadForeign(PUNICODE_STRING Service, HANDLE Key)
{
    static const CHAR Tail[] = "toskrnl.exe", Foreign[sizeof("ntoskrnl.exe")] = "wdfldr.sys";
    ULONG Size = LOAD_FILE_LIMIT, Found = 0;
    PCHAR Bytes = ExAllocatePoolWithTag(PagedPool, Size, 'dnaL');

    CHECK(Bytes != NULL);
    if (Bytes == NULL) {
        return;
    }
    CHECK(LoadTransfer(OWN_FILE, Bytes, &Size, FALSE) == STATUS_SUCCESS);
    for (ULONG i = 0; i + sizeof(Foreign) <= Size; i++) {
        if (Bytes[i] == 'n' && RtlEqualMemory(Bytes + i + 1, Tail, sizeof(Tail))) {
            RtlCopyMemory(Bytes + i, Foreign, sizeof(Foreign));
            Found++;
        }
    }
    CHECK(Found == 1);
    CHECK(LoadTransfer(L"\\SystemRoot\\Temp\\foreign.sys", Bytes, &Size, TRUE) == STATUS_SUCCESS);
    ExFreePoolWithTag(Bytes, 'dnaL');
    CHECK(LoadSetPath(Key, L"Temp\\foreign.sys") == STATUS_SUCCESS);
    CHECK(ZwLoadDriver(Service) == STATUS_OBJECT_NAME_NOT_FOUND);
}

static VOID LoadCopy(VOID)
{
    UNICODE_STRING Copy = RTL_CONSTANT_STRING(COPY);
    UNICODE_STRING Nowhere = RTL_CONSTANT_STRING(SERVICES L"LoadNowhere");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Key;

    CHECK(ZwLoadDriver(&Nowhere) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwUnloadDriver(&Nowhere) == STATUS_OBJECT_NAME_NOT_FOUND);
    InitializeObjectAttributes(&Attributes, &Copy, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS Status = ZwCreateKey(&Key, KEY_ALL_ACCESS, &Attributes, 0, NULL, 0, NULL);
    CHECK(Status == STATUS_SUCCESS);
    if (!NT_SUCCESS(Status)) {
        return;
    }
    CHECK(ZwLoadDriver(&Copy) == STATUS_OBJECT_NAME_NOT_FOUND); /* LoadedCopy.sys */
    CHECK(LoadSetPath(Key, L"\\??\\C:\\no\\such.sys") == STATUS_SUCCESS);
    CHECK(ZwLoadDriver(&Copy) == STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK(LoadSetPath(Key, L"Temp\\text.sys") == STATUS_SUCCESS);
    CHECK(ZwLoadDriver(&Copy) == STATUS_INVALID_IMAGE_FORMAT);
    LoadForeign(&Copy, Key);
    CHECK(LoadSetPath(Key, L"System32\\drivers\\load-another.sys") == STATUS_SUCCESS);
    CHECK(ZwLoadDriver(&Copy) == STATUS_SUCCESS);
    CHECK(LoadIsThere(L"\\Device\\LoadedCopy"));
    CHECK(ZwLoadDriver(&Copy) == STATUS_IMAGE_ALREADY_LOADED);
    CHECK(ZwUnloadDriver(&Copy) == STATUS_SUCCESS);
    CHECK(!LoadIsThere(L"\\Device\\LoadedCopy"));
    CHECK(ZwUnloadDriver(&Copy) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwDeleteKey(Key) == STATUS_SUCCESS);
    ZwClose(Key);
}

NTSTATUS LoadCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    /* The copy's device has an extension; opening it is all there is to it. */
    BOOLEAN First = DeviceObject->DeviceExtension == NULL;
    NTSTATUS Status = STATUS_SUCCESS;
    PAGED_CODE();
    if (First && IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        LoadCopy();
        Status = LoadWrongLine == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID LoadUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\LoadAnother");
    UNICODE_STRING CopyName = RTL_CONSTANT_STRING(L"\\Device\\LoadedCopy");
    UNICODE_STRING Tail = RTL_CONSTANT_STRING(L"\\LoadedCopy");
    UNICODE_STRING End = {Tail.Length, Tail.Length, NULL};
    BOOLEAN IsCopy = FALSE;
    PDEVICE_OBJECT Device;

    if (RegistryPath->Length > Tail.Length) {
        End.Buffer = RegistryPath->Buffer + (RegistryPath->Length - Tail.Length) / sizeof(WCHAR);
        IsCopy = RtlEqualUnicodeString(&End, &Tail, TRUE);
    }
    NTSTATUS Status = IoCreateDevice(DriverObject, IsCopy ? 1 : 0, IsCopy ? &CopyName : &Name,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        DriverObject->MajorFunction[IRP_MJ_CREATE] = LoadCreateClose;
        DriverObject->MajorFunction[IRP_MJ_CLOSE] = LoadCreateClose;
        DriverObject->DriverUnload = LoadUnload;
    }
    return Status;
}
