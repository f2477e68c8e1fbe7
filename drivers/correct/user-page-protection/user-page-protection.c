/* SPDX-License-Identifier: MIT */
/* ZwProtectVirtualMemory, MmSecureVirtualMemory, MmUnsecureVirtualMemory. See README.md. */
#include <ntifs.h>

#define IOCTL_PROTECTION_TRY \
    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ProtectionUnload;
DRIVER_DISPATCH ProtectionCreateClose, ProtectionDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ProtectionUnload)
#pragma alloc_text(PAGE, ProtectionCreateClose)
#pragma alloc_text(PAGE, ProtectionDeviceControl)

#define PAGES 4u
#define CHECK(condition)                                     \
    do {                                                     \
        if (!(condition)) {                                  \
            DbgPrint("line %u: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                      \
        }                                                    \
    } while (0)

#pragma code_seg("PAGE")

static NTSTATUS ProtectionTouch(volatile ULONG *Address, BOOLEAN Write)
{
    PAGED_CODE();
    __try {
        ULONG Value = *Address;
        if (Write) {
            *Address = Value + 1;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS ProtectionSet(PUCHAR Start, SIZE_T Bytes, ULONG New, PULONG Old)
{
    PVOID Base = Start;
    SIZE_T Size = Bytes;
    PAGED_CODE();
    NTSTATUS Status = ZwProtectVirtualMemory(NtCurrentProcess(), &Base, &Size, New, Old);
    if (NT_SUCCESS(Status) && (Base != PAGE_ALIGN(Start) || Size % PAGE_SIZE != 0)) {
        return STATUS_DATA_ERROR;
    }
    return Status;
}

/* One page of several, touched and not touched; the regions that a query tells. */
static NTSTATUS ProtectionPages(PUCHAR Base)
{
    MEMORY_BASIC_INFORMATION Basic;
    ULONG Old = 0;
    PUCHAR Second = Base + PAGE_SIZE;

    PAGED_CODE();
    CHECK(ProtectionTouch((PULONG)Second, TRUE) == STATUS_SUCCESS);
    CHECK(ProtectionSet(Second + 5, 1, PAGE_READONLY, &Old) == STATUS_SUCCESS);
    CHECK(Old == PAGE_READWRITE);
    CHECK(ProtectionTouch((PULONG)Second, FALSE) == STATUS_SUCCESS);
    CHECK(ProtectionTouch((PULONG)Second, TRUE) == STATUS_ACCESS_VIOLATION);
    CHECK(ProtectionTouch((PULONG)Base, TRUE) == STATUS_SUCCESS);
    CHECK(ZwQueryVirtualMemory(NtCurrentProcess(), Base, MemoryBasicInformation, &Basic,
                               sizeof(Basic), NULL) == STATUS_SUCCESS);
    CHECK(Basic.RegionSize == PAGE_SIZE && Basic.Protect == PAGE_READWRITE);
    CHECK(ZwQueryVirtualMemory(NtCurrentProcess(), Second, MemoryBasicInformation, &Basic,
                               sizeof(Basic), NULL) == STATUS_SUCCESS);
    CHECK(Basic.RegionSize == PAGE_SIZE && Basic.Protect == PAGE_READONLY);
    CHECK(Basic.AllocationBase == Base && Basic.AllocationProtect == PAGE_READWRITE);
    /* never touched; then all of them at once */
    CHECK(ProtectionSet(Base + 3 * PAGE_SIZE, 1, PAGE_EXECUTE_READ, &Old) == STATUS_SUCCESS);
    CHECK(ProtectionTouch((PULONG)(Base + 3 * PAGE_SIZE), TRUE) == STATUS_ACCESS_VIOLATION);
    CHECK(ProtectionSet(Base, PAGES * PAGE_SIZE, PAGE_READWRITE, &Old) == STATUS_SUCCESS);
    for (ULONG i = 0; i < PAGES; i++) {
        CHECK(ProtectionTouch((PULONG)(Base + i * PAGE_SIZE), TRUE) == STATUS_SUCCESS);
    }
    CHECK(*(PULONG)Second == 2);
    return STATUS_SUCCESS;
}

static NTSTATUS ProtectionBad(PUCHAR Base)
{
    PVOID Start = Base;
    SIZE_T Size = PAGE_SIZE;
    ULONG Old = 77;

    PAGED_CODE();
    CHECK(ProtectionSet(Base, PAGE_SIZE, 0x77, &Old) == STATUS_INVALID_PAGE_PROTECTION);
    CHECK(ProtectionSet((PUCHAR)MmSystemRangeStart, 1, PAGE_READONLY, &Old) ==
          STATUS_INVALID_PARAMETER_2);
    CHECK(ProtectionSet(Base, 0, PAGE_READONLY, &Old) == STATUS_INVALID_PARAMETER_3);
    CHECK(ProtectionSet(Base, 17 * PAGE_SIZE, PAGE_READONLY, &Old) ==
          STATUS_CONFLICTING_ADDRESSES);
    CHECK(ProtectionSet((PUCHAR)0x10, 1, PAGE_READONLY, &Old) == STATUS_CONFLICTING_ADDRESSES);
    CHECK(ZwProtectVirtualMemory((HANDLE)0x7ffc, &Start, &Size, PAGE_READONLY, &Old) ==
          STATUS_INVALID_HANDLE);
    CHECK(Old == 77);
    CHECK(MmSecureVirtualMemory(Base, 0, PAGE_READWRITE) == NULL);
    CHECK(MmSecureVirtualMemory(Base, PAGE_SIZE, PAGE_NOACCESS) == NULL);
    CHECK(MmSecureVirtualMemory(Base, 17 * PAGE_SIZE, PAGE_READWRITE) == NULL);
    CHECK(MmSecureVirtualMemory(MmSystemRangeStart, PAGE_SIZE, PAGE_READONLY) == NULL);
    CHECK(MmSecureVirtualMemory((PVOID)0x10, 1, PAGE_READONLY) == NULL);
    MmUnsecureVirtualMemory((HANDLE)Base);
    return STATUS_SUCCESS;
}

/* "cannot be freed, and its protection cannot be made more restrictive" [MmSecureVirtualMemory] */
static NTSTATUS ProtectionSecured(PUCHAR Base)
{
    PVOID Start = Base;
    SIZE_T Size = 0;
    ULONG Old;

    PAGED_CODE();
    HANDLE Write = MmSecureVirtualMemory(Base + 10, PAGE_SIZE, PAGE_READWRITE); /* two pages */
    HANDLE Read = MmSecureVirtualMemory(Base + 2 * PAGE_SIZE, PAGE_SIZE, PAGE_READONLY);
    CHECK(Write != NULL && Read != NULL && Read != Write);
    CHECK(ProtectionSet(Base + PAGE_SIZE, 1, PAGE_READONLY, &Old) ==
          STATUS_INVALID_PAGE_PROTECTION);
    CHECK(ProtectionSet(Base + 2 * PAGE_SIZE, 1, PAGE_READONLY, &Old) == STATUS_SUCCESS);
    CHECK(ProtectionSet(Base + 3 * PAGE_SIZE, 1, PAGE_READONLY, &Old) == STATUS_SUCCESS);
    CHECK(MmSecureVirtualMemory(Base, PAGES * PAGE_SIZE, PAGE_READWRITE) == NULL);
    CHECK(ZwFreeVirtualMemory(NtCurrentProcess(), &Start, &Size, MEM_RELEASE) ==
          STATUS_INVALID_PAGE_PROTECTION);
    MmUnsecureVirtualMemory(Write);
    MmUnsecureVirtualMemory(Write);
    CHECK(ProtectionSet(Base + PAGE_SIZE, 1, PAGE_READONLY, &Old) == STATUS_SUCCESS);
    CHECK(ZwFreeVirtualMemory(NtCurrentProcess(), &Start, &Size, MEM_RELEASE) ==
          STATUS_INVALID_PAGE_PROTECTION);
    MmUnsecureVirtualMemory(Read);
    CHECK(ZwFreeVirtualMemory(NtCurrentProcess(), &Start, &Size, MEM_RELEASE) == STATUS_SUCCESS);
    CHECK(Start == Base && Size == PAGES * PAGE_SIZE);
    return STATUS_SUCCESS;
}

/* In the program that asks. */
static NTSTATUS ProtectionTry(VOID)
{
    PVOID Base = NULL;
    SIZE_T Size = PAGES * PAGE_SIZE;

    PAGED_CODE();
    CHECK(ZwAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Size, MEM_COMMIT | MEM_RESERVE,
                                  PAGE_READWRITE) == STATUS_SUCCESS);
    NTSTATUS Status = ProtectionPages(Base);
    if (NT_SUCCESS(Status)) {
        Status = ProtectionBad(Base);
    }
    return NT_SUCCESS(Status) ? ProtectionSecured(Base) : Status;
}

#pragma code_seg()

NTSTATUS ProtectionDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_INVALID_DEVICE_REQUEST;
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_PROTECTION_TRY) {
        Status = ProtectionTry();
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS ProtectionCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

VOID ProtectionUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\PageProtection");
    PDEVICE_OBJECT Device;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        DriverObject->MajorFunction[IRP_MJ_CREATE] = ProtectionCreateClose;
        DriverObject->MajorFunction[IRP_MJ_CLOSE] = ProtectionCreateClose;
        DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ProtectionDeviceControl;
        DriverObject->DriverUnload = ProtectionUnload;
    }
    return Status;
}
