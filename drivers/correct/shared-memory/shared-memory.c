/* SPDX-License-Identifier: MIT */
/* Memory that a driver and a program see: an MDL, a section, physical memory. See README.md. */
#include <ntddk.h>

#define SHARED_TAG 'rahS'
#define SHARED_PAGES 5
#define SHARED_BYTES (SHARED_PAGES * PAGE_SIZE)
#define SHARED_CODE(n, method) CTL_CODE(FILE_DEVICE_UNKNOWN, (n), (method), FILE_ANY_ACCESS)
/* Out: a 64-bit user address that shows the driver's buffer. */
#define IOCTL_SHARED_MAP SHARED_CODE(0x800, METHOD_BUFFERED)
#define IOCTL_SHARED_UNMAP SHARED_CODE(0x801, METHOD_BUFFERED)
/* The output buffer is a user address: it is probed, and its first byte incremented. */
#define IOCTL_SHARED_TOUCH SHARED_CODE(0x802, METHOD_NEITHER)
/* Out: the first byte of the driver's buffer. */
#define IOCTL_SHARED_FIRST SHARED_CODE(0x803, METHOD_BUFFERED)
/* The buffer through \Device\PhysicalMemory and MmMapIoSpaceEx: the same bytes? */
#define IOCTL_SHARED_PHYSICAL SHARED_CODE(0x804, METHOD_BUFFERED)
/* A section, two views of it, and one that outlives the handle. */
#define IOCTL_SHARED_SECTION SHARED_CODE(0x805, METHOD_BUFFERED)

typedef struct _SHARED_DEVICE {
    PUCHAR Buffer; /* nonpaged, of whole pages */
    PMDL Mdl;
    PVOID UserAddress; /* in the process that has the device open; one at a time */
} SHARED_DEVICE, *PSHARED_DEVICE;

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD SharedUnload;
DRIVER_DISPATCH SharedCreateClose, SharedCleanup, SharedDeviceControl;
static NTSTATUS SharedMap(PSHARED_DEVICE Device);
static VOID SharedUnmap(PSHARED_DEVICE Device);
static NTSTATUS SharedTouch(PVOID Address);
static NTSTATUS SharedComparePhysical(PSHARED_DEVICE Device);
static NTSTATUS SharedTrySection(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, SharedUnload)
#pragma alloc_text(PAGE, SharedCreateClose)
#pragma alloc_text(PAGE, SharedCleanup)
#pragma alloc_text(PAGE, SharedDeviceControl)
#pragma alloc_text(PAGE, SharedMap)
#pragma alloc_text(PAGE, SharedUnmap)
#pragma alloc_text(PAGE, SharedTouch)
#pragma alloc_text(PAGE, SharedComparePhysical)
#pragma alloc_text(PAGE, SharedTrySection)

static NTSTATUS SharedComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS SharedMap(PSHARED_DEVICE Device)
{
    PAGED_CODE();
    if (Device->UserAddress != NULL) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    __try {
        Device->UserAddress = MmMapLockedPagesSpecifyCache(Device->Mdl, UserMode, MmCached, NULL,
                                                           FALSE, NormalPagePriority);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return Device->UserAddress != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static VOID SharedUnmap(PSHARED_DEVICE Device)
{
    PAGED_CODE();
    if (Device->UserAddress != NULL) {
        MmUnmapLockedPages(Device->UserAddress, Device->Mdl);
        Device->UserAddress = NULL;
    }
}

static NTSTATUS SharedTouch(PVOID Address)
{
    PAGED_CODE();
    __try {
        ProbeForWrite(Address, SHARED_BYTES, 1);
        ++*(volatile UCHAR *)Address;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* Page by page, as the pages of a buffer need not be neighbours. */
static NTSTATUS SharedComparePage(HANDLE Section, PUCHAR Page)
{
    PHYSICAL_ADDRESS Physical = MmGetPhysicalAddress(Page);
    LARGE_INTEGER Offset = Physical;
    SIZE_T Size = PAGE_SIZE;
    PVOID View = NULL;
    NTSTATUS Status = ZwMapViewOfSection(Section, ZwCurrentProcess(), &View, 0, PAGE_SIZE, &Offset,
                                         &Size, ViewUnmap, 0, PAGE_READWRITE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PUCHAR Seen = (PUCHAR)View + (Physical.QuadPart - Offset.QuadPart);
    PUCHAR Mapped = MmMapIoSpaceEx(Physical, PAGE_SIZE, PAGE_READWRITE);
    if (Mapped == NULL) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        Seen[0]++;
        Mapped[1]++;
        if (RtlCompareMemory(Seen, Page, PAGE_SIZE) != PAGE_SIZE ||
            RtlCompareMemory(Mapped, Page, PAGE_SIZE) != PAGE_SIZE) {
            Status = STATUS_DATA_ERROR;
        }
        MmUnmapIoSpace(Mapped, PAGE_SIZE);
    }
    NTSTATUS Unmapped = ZwUnmapViewOfSection(ZwCurrentProcess(), View);
    return NT_SUCCESS(Status) ? Unmapped : Status;
}

static NTSTATUS SharedComparePhysical(PSHARED_DEVICE Device)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Section;
    PVOID Object;
    PAGED_CODE();
    RtlInitUnicodeString(&Name, L"\\Device\\PhysicalMemory");
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    NTSTATUS Status = ZwOpenSection(&Section, SECTION_ALL_ACCESS, &Attributes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* As drivers of that time do it, for a reference of the section beside the handle's. */
    Status = ObReferenceObjectByHandle(Section, SECTION_ALL_ACCESS, *MmSectionObjectType,
                                       KernelMode, &Object, NULL);
    if (NT_SUCCESS(Status)) {
        for (ULONG Page = 0; Page < SHARED_PAGES && NT_SUCCESS(Status); Page++) {
            Status = SharedComparePage(Section, Device->Buffer + Page * PAGE_SIZE);
        }
        ObDereferenceObject(Object);
    }
    ZwClose(Section);
    return Status;
}

static NTSTATUS SharedTrySection(VOID)
{
    LARGE_INTEGER Maximum = {.QuadPart = 0x10000 + SHARED_BYTES}, Offset = {.QuadPart = 0x10000};
    HANDLE Section;
    PUCHAR Whole = NULL, Tail = NULL;
    SIZE_T WholeSize = 0, TailSize = 0;
    PAGED_CODE();
    NTSTATUS Status = ZwCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Maximum, PAGE_READWRITE,
                                      SEC_COMMIT, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwMapViewOfSection(Section, ZwCurrentProcess(), (PVOID *)&Whole, 0, 0, NULL,
                                &WholeSize, ViewUnmap, 0, PAGE_READWRITE);
    if (NT_SUCCESS(Status)) {
        Status = ZwMapViewOfSection(Section, ZwCurrentProcess(), (PVOID *)&Tail, 0, 0, &Offset,
                                    &TailSize, ViewUnmap, 0, PAGE_READONLY);
    }
    ZwClose(Section);
    if (NT_SUCCESS(Status)) {
        RtlFillMemory(Whole + 0x10000, SHARED_BYTES, 0xa5);
        if (TailSize != SHARED_BYTES || Tail[0] != 0xa5 || Tail[SHARED_BYTES - 1] != 0xa5) {
            Status = STATUS_DATA_ERROR;
        }
        ZwUnmapViewOfSection(ZwCurrentProcess(), Tail);
    }
    if (Whole != NULL) {
        ZwUnmapViewOfSection(ZwCurrentProcess(), Whole);
    }
    return Status;
}

NTSTATUS SharedDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSHARED_DEVICE Device = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = STATUS_SUCCESS;
    PAGED_CODE();
    switch (Stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SHARED_MAP:
        if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(PVOID)) {
            return SharedComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        Status = SharedMap(Device);
        *(PVOID *)Irp->AssociatedIrp.SystemBuffer = Device->UserAddress;
        return SharedComplete(Irp, Status, sizeof(PVOID));
    case IOCTL_SHARED_UNMAP: SharedUnmap(Device); break;
    case IOCTL_SHARED_TOUCH: Status = SharedTouch(Irp->UserBuffer); break;
    case IOCTL_SHARED_FIRST:
        if (Stack->Parameters.DeviceIoControl.OutputBufferLength == 0) {
            return SharedComplete(Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        *(PUCHAR)Irp->AssociatedIrp.SystemBuffer = Device->Buffer[0];
        return SharedComplete(Irp, STATUS_SUCCESS, 1);
    case IOCTL_SHARED_PHYSICAL: Status = SharedComparePhysical(Device); break;
    case IOCTL_SHARED_SECTION: Status = SharedTrySection(); break;
    default: Status = STATUS_INVALID_DEVICE_REQUEST; break;
    }
    return SharedComplete(Irp, Status, 0);
}

NTSTATUS SharedCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return SharedComplete(Irp, STATUS_SUCCESS, 0);
}

/* In the process that closes its last handle: the only place where its view can be unmapped. */
NTSTATUS SharedCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    SharedUnmap(DeviceObject->DeviceExtension);
    return SharedComplete(Irp, STATUS_SUCCESS, 0);
}

VOID SharedUnload(PDRIVER_OBJECT DriverObject)
{
    PSHARED_DEVICE Device = DriverObject->DeviceObject->DeviceExtension;
    PAGED_CODE();
    IoFreeMdl(Device->Mdl);
    ExFreePoolWithTag(Device->Buffer, SHARED_TAG);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT DeviceObject;
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, L"\\Device\\SharedMemory");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SharedCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SharedCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SharedCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SharedDeviceControl;
    DriverObject->DriverUnload = SharedUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(SHARED_DEVICE), &Name,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &DeviceObject);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PSHARED_DEVICE Device = DeviceObject->DeviceExtension;
    Device->Buffer = ExAllocatePoolWithTag(NonPagedPoolNx, SHARED_BYTES, SHARED_TAG);
    if (Device->Buffer != NULL) {
        RtlZeroMemory(Device->Buffer, SHARED_BYTES);
        Device->Mdl = IoAllocateMdl(Device->Buffer, SHARED_BYTES, FALSE, FALSE, NULL);
    }
    if (Device->Mdl == NULL) {
        if (Device->Buffer != NULL) {
            ExFreePoolWithTag(Device->Buffer, SHARED_TAG);
        }
        IoDeleteDevice(DeviceObject);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MmBuildMdlForNonPagedPool(Device->Mdl);
    return STATUS_SUCCESS;
}
