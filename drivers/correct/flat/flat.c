/* SPDX-License-Identifier: MIT */
/* Linked with a section alignment of 128: all sections share pages. See README.md. */
#include <ntddk.h>

#define FLAT_PATTERN 0x9e3779b9u

/* Buffered: out, a ULONG: words of the tables that are wrong, which must be 0. */
#define IOCTL_FLAT_CHECK CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FlatUnload;
DRIVER_DISPATCH FlatCreateClose, FlatDeviceControl;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FlatUnload)
#pragma alloc_text(PAGE, FlatDeviceControl)

/*
 * By its name pageable, but nothing of this image is. All data has initial values: in a flat image
 * a place in the file is a place in memory, and this linker leaves zero data out of the file.
 */
#pragma data_seg("PAGEDATA")
static volatile ULONG FlatWords[64] = {1, 2, 3, 4};
static PVOID volatile FlatPointers[] = {(PVOID)FlatDeviceControl, (PVOID)&FlatWords[3]};
#pragma data_seg()

static volatile ULONG FlatData[100] = {FLAT_PATTERN, [99] = ~FLAT_PATTERN};

typedef struct _FLAT_DEVICE {
    KSPIN_LOCK Lock;
} FLAT_DEVICE, *PFLAT_DEVICE;

/* Holds a spin lock while it reads PAGEDATA: right only because the image is flat. */
static __attribute__((noinline)) ULONG FlatCheck(PFLAT_DEVICE Device)
{
    ULONG Wrong = 0;
    KIRQL OldIrql;
    KeAcquireSpinLock(&Device->Lock, &OldIrql);
    for (ULONG i = 0; i < RTL_NUMBER_OF(FlatWords); i++) {
        Wrong += FlatWords[i] != (i < 4 ? i + 1 : 0);
    }
    for (ULONG i = 1; i < RTL_NUMBER_OF(FlatData) - 1; i++) {
        Wrong += FlatData[i] != 0;
    }
    Wrong += FlatData[0] != ~FlatData[RTL_NUMBER_OF(FlatData) - 1];
    Wrong += FlatPointers[0] != (PVOID)FlatDeviceControl;
    Wrong += *(PULONG)FlatPointers[1] != 4;
    KeReleaseSpinLock(&Device->Lock, OldIrql);
    return Wrong;
}

/* A fault in it unwinds through the flat image's own tables. */
static __attribute__((noinline)) NTSTATUS FlatFault(VOID)
{
    __try {
        *(volatile ULONG *)8 = 1;
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static NTSTATUS FlatComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS FlatDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PAGED_CODE();
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_FLAT_CHECK ||
        Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(ULONG)) {
        return FlatComplete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    *(PULONG)Irp->AssociatedIrp.SystemBuffer =
        FlatCheck(DeviceObject->DeviceExtension) + (FlatFault() != STATUS_ACCESS_VIOLATION);
    return FlatComplete(Irp, STATUS_SUCCESS, sizeof(ULONG));
}

NTSTATUS FlatCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return FlatComplete(Irp, STATUS_SUCCESS, 0);
}

VOID FlatUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\Flat");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FlatCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FlatCreateClose;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FlatDeviceControl;
    DriverObject->DriverUnload = FlatUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(FLAT_DEVICE), &Name, FILE_DEVICE_UNKNOWN,
                                     0, FALSE, &Device);
    if (NT_SUCCESS(Status)) {
        KeInitializeSpinLock(&((PFLAT_DEVICE)Device->DeviceExtension)->Lock);
    }
    return Status;
}
