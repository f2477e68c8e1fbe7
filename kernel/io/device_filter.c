/* SPDX-License-Identifier: MIT */
/*
 * Filters in the stack of a root-enumerated device: the services that its hardware key names in
 * LowerFilters, which are added below the function driver, and UpperFilters, above it; each in the
 * order of the list, upwards. They are loaded for that device, and unloaded when it is gone.
 */
#include "cm/cmp.h"
#include "io/iop.h"

#define FILTER_VALUE_BYTES 4096u

struct _IOP_FILTER {
    PIOP_FILTER Next;
    PDRIVER_OBJECT Driver;
    PMM_IMAGE Image;
};

/* The names, each with a NUL, in paged pool; NULL: there are none. */
static NTSTATUS IopQueryFilters(PDEVICE_OBJECT Physical, PCWSTR ValueName,
                                PKEY_VALUE_PARTIAL_INFORMATION *Names)
{
    UNICODE_STRING Value;
    HANDLE Key;
    ULONG Length;

    RtlInitUnicodeString(&Value, ValueName);
    PKEY_VALUE_PARTIAL_INFORMATION Buffer =
        ExAllocatePoolWithTag(PagedPool, FILTER_VALUE_BYTES, IO_TAG_NAME);
    *Names = NULL;
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IopFindDeviceKey(Physical, KEY_READ, &Key);
    if (NT_SUCCESS(Status)) {
        Status = ZwQueryValueKey(Key, &Value, KeyValuePartialInformation, Buffer,
                                 FILTER_VALUE_BYTES, &Length);
        ZwClose(Key);
    }
    if (NT_SUCCESS(Status) && (Buffer->Type != REG_MULTI_SZ || (Buffer->DataLength & 1))) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (NT_SUCCESS(Status)) {
        *Names = Buffer;
        return STATUS_SUCCESS;
    }
    ExFreePoolWithTag(Buffer, IO_TAG_NAME);
    return Status == STATUS_OBJECT_NAME_NOT_FOUND || Status == STATUS_OBJECT_PATH_NOT_FOUND
               ? STATUS_SUCCESS
               : Status;
}

static NTSTATUS IopAddFilter(PDRIVER_OBJECT Function, PDEVICE_OBJECT Physical,
                             PCUNICODE_STRING Service)
{
    PIOP_FILTER *Link = &IopDriverExtension(Function)->Filters;
    PIOP_FILTER Filter = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Filter), IO_TAG_NAME);
    if (Filter == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status = IopLoadFilterDriver(Service, &Filter->Image, &Filter->Driver);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("io: the filter driver %wZ is not loaded: %08x\n", Service, Status);
        ExFreePoolWithTag(Filter, IO_TAG_NAME);
        return Status;
    }
    while (*Link != NULL) {
        Link = &(*Link)->Next;
    }
    Filter->Next = NULL;
    *Link = Filter;
    Status = Filter->Driver->DriverExtension->AddDevice == NULL
                 ? STATUS_INVALID_DEVICE_REQUEST
                 : IopCallAddDevice(Filter->Driver, Physical);
    if (!NT_SUCCESS(Status)) {
        DbgPrint("io: the filter driver %wZ does not add its device: %08x\n", Service, Status);
    }
    return Status;
}

NTSTATUS IopAddFilters(PDRIVER_OBJECT Function, PDEVICE_OBJECT Physical, PCWSTR ValueName)
{
    PKEY_VALUE_PARTIAL_INFORMATION Names;
    NTSTATUS Status = IopQueryFilters(Physical, ValueName, &Names);
    if (!NT_SUCCESS(Status) || Names == NULL) {
        return Status;
    }
    PWCHAR Text = (PWCHAR)Names->Data, End = Text + Names->DataLength / sizeof(WCHAR);
    while (NT_SUCCESS(Status) && Text < End && *Text != 0) {
        PWCHAR Start = Text;
        while (Text < End && *Text != 0) {
            Text++;
        }
        USHORT Length = (USHORT)((Text - Start) * sizeof(WCHAR));
        UNICODE_STRING Service = {Length, Length, Start};
        Status = IopAddFilter(Function, Physical, &Service);
        Text++;
    }
    ExFreePoolWithTag(Names, IO_TAG_NAME);
    return Status;
}

VOID IopUnloadFilters(PDRIVER_OBJECT Function)
{
    PIOP_FILTER Filter;
    while ((Filter = IopDriverExtension(Function)->Filters) != NULL) {
        IopDriverExtension(Function)->Filters = Filter->Next;
        if (NT_SUCCESS(IopUnloadDriver(Filter->Driver))) { /* else it stays, as it has no unload */
            IopUnloadServiceImage(Filter->Image);
        }
        ExFreePoolWithTag(Filter, IO_TAG_NAME);
    }
}

BOOLEAN IopIsFilter(PDRIVER_OBJECT Function, PDRIVER_OBJECT Driver)
{
    PIOP_FILTER Filter = IopDriverExtension(Function)->Filters;
    while (Filter != NULL && Filter->Driver != Driver) {
        Filter = Filter->Next;
    }
    return Filter != NULL;
}
