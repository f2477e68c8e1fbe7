/* SPDX-License-Identifier: MIT */
/*
 * ZwLoadDriver and ZwUnloadDriver: a driver that another one loads, by its service key. The image
 * is read from the volume, from the place that ImagePath says:
 *
 *   \SystemRoot\..., \??\C:\...   as it is
 *   anything else                 below \SystemRoot
 *   no value                      \SystemRoot\System32\drivers\NAME.sys
 *
 * DriverEntry and DriverUnload run in a system worker, whatever thread asks, as on Windows. One
 * at a time, by IopServiceMutex; a driver that loads another from its DriverEntry waits for ever
 * there if it was loaded so itself: the documented rule is not to do that.
 */
#include "io/control_event.h"
#include "io/iop.h"
#include "nt/cm.h"
#include "nt/rtl.h"

#define IO_TAG_SERVICE 0x76536f49u /* 'IoSv' */
#define IMAGE_LIMIT (64u << 20)
#define ERROR_TEXT 256u
#define PATH_BYTES 2048u
#define SERVICES L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

typedef struct _IOP_SERVICE {
    struct _IOP_SERVICE *Next;
    PDRIVER_OBJECT Driver;
    PMM_IMAGE Image;
} IOP_SERVICE, *PIOP_SERVICE;

/* A request to the worker. */
typedef struct _IOP_SERVICE_REQUEST {
    WORK_QUEUE_ITEM Item;
    KEVENT Done;
    PCUNICODE_STRING Key;
    BOOLEAN Load;
    NTSTATUS Status;
} IOP_SERVICE_REQUEST, *PIOP_SERVICE_REQUEST;

static IOP_SERVICE *IopServices; /* under the mutex */
static FAST_MUTEX IopServiceMutex;

VOID IopInitializeServices(VOID)
{
    ExInitializeFastMutex(&IopServiceMutex);
}

/* The last component of the key's path. */
static NTSTATUS IopServiceName(PCUNICODE_STRING Key, PUNICODE_STRING Name)
{
    ULONG Start = Key->Length / sizeof(WCHAR);
    while (Start != 0 && Key->Buffer[Start - 1] != L'\\') {
        Start--;
    }
    Name->Buffer = Key->Buffer + Start;
    Name->Length = Name->MaximumLength = (USHORT)(Key->Length - Start * sizeof(WCHAR));
    return Start != 0 && Name->Length != 0 ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

/* ImagePath's text, from Buffer of PATH_BYTES; empty: there is none. */
static NTSTATUS IopQueryImagePath(PCUNICODE_STRING Key, PKEY_VALUE_PARTIAL_INFORMATION Buffer,
                                  PUNICODE_STRING Path)
{
    UNICODE_STRING Value = RTL_CONSTANT_STRING(L"ImagePath");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Handle;
    ULONG Length;

    InitializeObjectAttributes(&Attributes, (PUNICODE_STRING)Key,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    NTSTATUS Status = ZwOpenKey(&Handle, KEY_READ, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *Path = (UNICODE_STRING){0, 0, NULL};
    Status = ZwQueryValueKey(Handle, &Value, KeyValuePartialInformation, Buffer, PATH_BYTES,
                             &Length);
    ZwClose(Handle);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((Buffer->Type != REG_SZ && Buffer->Type != REG_EXPAND_SZ) || (Buffer->DataLength & 1)) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Path->Buffer = (PWCHAR)Buffer->Data;
    Path->Length = Path->MaximumLength = (USHORT)Buffer->DataLength;
    while (Path->Length != 0 && Path->Buffer[Path->Length / sizeof(WCHAR) - 1] == 0) {
        Path->Length -= sizeof(WCHAR);
    }
    return STATUS_SUCCESS;
}

/* The image's full name, appended to Full, which is empty. */
static NTSTATUS IopImageName(PCUNICODE_STRING Key, PCUNICODE_STRING Name, PUNICODE_STRING Full)
{
    UNICODE_STRING Path;
    PVOID Buffer = ExAllocatePoolWithTag(PagedPool, PATH_BYTES, IO_TAG_SERVICE);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IopQueryImagePath(Key, Buffer, &Path);
    if (NT_SUCCESS(Status) && Path.Length == 0) {
        RtlAppendUnicodeToString(Full, L"\\SystemRoot\\System32\\drivers\\");
        Status = RtlAppendUnicodeStringToString(Full, Name);
        Status = NT_SUCCESS(Status) ? RtlAppendUnicodeToString(Full, L".sys") : Status;
    } else if (NT_SUCCESS(Status)) {
        if (Path.Buffer[0] != L'\\') {
            RtlAppendUnicodeToString(Full, L"\\SystemRoot\\");
        }
        Status = RtlAppendUnicodeStringToString(Full, &Path);
    }
    ExFreePoolWithTag(Buffer, IO_TAG_SERVICE);
    return Status;
}

/* The file's bytes in paged pool. */
static NTSTATUS IopReadImage(PUNICODE_STRING Full, PVOID *Bytes, PULONG Size)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    FILE_STANDARD_INFORMATION Standard;
    LARGE_INTEGER Start = {.QuadPart = 0};
    HANDLE File;

    *Bytes = NULL;
    InitializeObjectAttributes(&Attributes, Full, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    NTSTATUS Status = ZwOpenFile(&File, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &Attributes,
                                 &IoStatus, FILE_SHARE_READ | FILE_SHARE_DELETE,
                                 FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwQueryInformationFile(File, &IoStatus, &Standard, sizeof(Standard),
                                    FileStandardInformation);
    if (NT_SUCCESS(Status) && (Standard.EndOfFile.QuadPart == 0 ||
                               Standard.EndOfFile.QuadPart > IMAGE_LIMIT)) {
        Status = STATUS_INVALID_IMAGE_FORMAT;
    }
    if (NT_SUCCESS(Status)) {
        *Size = Standard.EndOfFile.LowPart;
        *Bytes = ExAllocatePoolWithTag(PagedPool, *Size, IO_TAG_SERVICE);
        Status = *Bytes == NULL ? STATUS_INSUFFICIENT_RESOURCES
                                : ZwReadFile(File, NULL, NULL, NULL, &IoStatus, *Bytes, *Size,
                                             &Start, NULL);
    }
    ZwClose(File);
    return Status;
}

/* A driver object of that name. */
static BOOLEAN IopIsLoaded(PCUNICODE_STRING Name)
{
    for (PIOP_SERVICE Service = IopServices; Service != NULL; Service = Service->Next) {
        PUNICODE_STRING Have = &Service->Driver->DriverExtension->ServiceKeyName;
        if (RtlEqualUnicodeString(Have, Name, TRUE)) {
            return TRUE;
        }
    }
    return FALSE;
}

static NTSTATUS IopLoadServiceImage(PCUNICODE_STRING Key, PCUNICODE_STRING Name,
                                    PUNICODE_STRING Full, PMM_IMAGE *Image)
{
    CHAR ErrorText[ERROR_TEXT] = {0};
    PVOID Bytes;
    ULONG Size;

    NTSTATUS Status = IopImageName(Key, Name, Full);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopReadImage(Full, &Bytes, &Size);
    if (NT_SUCCESS(Status)) {
        Status = MmLoadSystemImage(Full, Bytes, Size, Image, ErrorText, ERROR_TEXT);
        if (!NT_SUCCESS(Status)) {
            DbgPrint("io: %wZ is not loaded: %s\n", Full, ErrorText);
        } else {
            IopSendServiceImageEvent(ControlImageLoaded, *Image);
        }
    }
    if (Bytes != NULL) {
        ExFreePoolWithTag(Bytes, IO_TAG_SERVICE);
    }
    return Status;
}

VOID IopUnloadServiceImage(PMM_IMAGE Image)
{
    IopSendServiceImageEvent(ControlImageUnloaded, Image);
    MmUnloadSystemImage(Image);
}

/* Image and driver; Full is empty, and has room for the image's name. */
static NTSTATUS IopLoadServiceDriver(PCUNICODE_STRING Key, PCUNICODE_STRING Name,
                                     PUNICODE_STRING Full, BOOLEAN Filter, PMM_IMAGE *Image,
                                     PDRIVER_OBJECT *Driver)
{
    NTSTATUS Status = IopLoadServiceImage(Key, Name, Full, Image);
    if (NT_SUCCESS(Status)) {
        Status = IopLoadDriver(Name, *Image, Filter, Driver);
        if (!NT_SUCCESS(Status)) {
            IopUnloadServiceImage(*Image);
        }
    }
    return Status;
}

static NTSTATUS IopLoadService(PCUNICODE_STRING Key, PCUNICODE_STRING Name, PUNICODE_STRING Full)
{
    PIOP_SERVICE Service = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Service), IO_TAG_SERVICE);

    if (Service == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IopIsLoaded(Name) ? STATUS_IMAGE_ALREADY_LOADED
                                        : IopLoadServiceDriver(Key, Name, Full, FALSE,
                                                               &Service->Image, &Service->Driver);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Service, IO_TAG_SERVICE);
        return Status;
    }
    Service->Next = IopServices;
    IopServices = Service;
    return STATUS_SUCCESS;
}

static NTSTATUS IopUnloadService(PCUNICODE_STRING Name)
{
    for (PIOP_SERVICE *Link = &IopServices; *Link != NULL; Link = &(*Link)->Next) {
        PIOP_SERVICE Service = *Link;
        PUNICODE_STRING Have = &Service->Driver->DriverExtension->ServiceKeyName;
        if (RtlEqualUnicodeString(Have, Name, TRUE)) {
            NTSTATUS Status = IopUnloadDriver(Service->Driver);
            if (NT_SUCCESS(Status)) {
                IopUnloadServiceImage(Service->Image);
                *Link = Service->Next;
                ExFreePoolWithTag(Service, IO_TAG_SERVICE);
            }
            return Status;
        }
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS IopLoadFilterDriver(PCUNICODE_STRING Service, PMM_IMAGE *Image, PDRIVER_OBJECT *Driver)
{
    UNICODE_STRING Key, Full;
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, 2 * PATH_BYTES, IO_TAG_SERVICE);

    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlInitEmptyUnicodeString(&Key, Buffer, PATH_BYTES);
    RtlInitEmptyUnicodeString(&Full, Buffer + PATH_BYTES / sizeof(WCHAR), PATH_BYTES);
    RtlAppendUnicodeToString(&Key, SERVICES);
    NTSTATUS Status = RtlAppendUnicodeStringToString(&Key, Service);
    if (NT_SUCCESS(Status)) {
        Status = IopLoadServiceDriver(&Key, Service, &Full, TRUE, Image, Driver);
    }
    ExFreePoolWithTag(Buffer, IO_TAG_SERVICE);
    return Status;
}

static VOID IopServiceWorker(PVOID Context)
{
    PIOP_SERVICE_REQUEST Request = Context;
    UNICODE_STRING Name, Full;
    Request->Status = IopServiceName(Request->Key, &Name);
    PVOID Buffer = ExAllocatePoolWithTag(PagedPool, PATH_BYTES, IO_TAG_SERVICE);
    if (NT_SUCCESS(Request->Status) && Buffer == NULL) {
        Request->Status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(Request->Status)) {
        RtlInitEmptyUnicodeString(&Full, Buffer, PATH_BYTES);
        KeEnterCriticalRegion();
        ExAcquireFastMutexUnsafe(&IopServiceMutex);
        Request->Status = Request->Load ? IopLoadService(Request->Key, &Name, &Full)
                                        : IopUnloadService(&Name);
        ExReleaseFastMutexUnsafe(&IopServiceMutex);
        KeLeaveCriticalRegion();
    }
    if (Buffer != NULL) {
        ExFreePoolWithTag(Buffer, IO_TAG_SERVICE);
    }
    KeSetEvent(&Request->Done, 0, FALSE);
}

static NTSTATUS IopAskServiceWorker(PUNICODE_STRING Key, BOOLEAN Load)
{
    IOP_SERVICE_REQUEST Request = {.Key = Key, .Load = Load};
    if (Key == NULL || Key->Length == 0 || (Key->Length & 1)) {
        return STATUS_INVALID_PARAMETER;
    }
    KeInitializeEvent(&Request.Done, NotificationEvent, FALSE);
    ExInitializeWorkItem(&Request.Item, IopServiceWorker, &Request);
    ExQueueWorkItem(&Request.Item, DelayedWorkQueue);
    KeWaitForSingleObject(&Request.Done, Executive, KernelMode, FALSE, NULL);
    return Request.Status;
}

/* PASSIVE_LEVEL, both. DriverEntry's status when that fails. */
NTSTATUS ZwLoadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopAskServiceWorker(DriverServiceName, TRUE);
}

/* STATUS_INVALID_DEVICE_REQUEST: it has no DriverUnload, or is in use. */
NTSTATUS ZwUnloadDriver(PUNICODE_STRING DriverServiceName)
{
    return IopAskServiceWorker(DriverServiceName, FALSE);
}
