/* SPDX-License-Identifier: MIT */
/* An MDL of paged pool is probed and locked. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FrameUnload;
DRIVER_DISPATCH FrameCreate, FrameClose;
static NTSTATUS FrameShow(VOID);

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, FrameUnload)
#pragma alloc_text(PAGE, FrameCreate)

#define FRAME_TAG 'marF'
#define FRAME_BYTES (2 * PAGE_SIZE)

static KSPIN_LOCK FrameLock;
static ULONG FrameShown;
static PUCHAR FramePixels; /* pageable: drawn at PASSIVE_LEVEL */

static NTSTATUS FrameComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static ULONG FrameCount(VOID)
{
    KIRQL OldIrql;
    KeAcquireSpinLock(&FrameLock, &OldIrql);
    ULONG Number = ++FrameShown;
    KeReleaseSpinLock(&FrameLock, OldIrql);
    return Number;
}

/* Draws, and makes the MDL that a device would be given for its transfer. */
static DECLSPEC_NOINLINE NTSTATUS FrameShow(VOID)
{
    NTSTATUS Status = STATUS_SUCCESS;
    RtlFillMemory(FramePixels, FRAME_BYTES, 0x55);
    FramePixels[0] = (UCHAR)FrameCount();
    PMDL Mdl = IoAllocateMdl(FramePixels, FRAME_BYTES, FALSE, FALSE, NULL);
    if (Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __try {
        MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
        MmUnlockPages(Mdl); /* here, when the transfer has ended */
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    IoFreeMdl(Mdl);
    return Status;
}

NTSTATUS FrameCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return FrameComplete(Irp, FrameShow());
}

NTSTATUS FrameClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return FrameComplete(Irp, STATUS_SUCCESS);
}

VOID FrameUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    ExFreePoolWithTag(FramePixels, FRAME_TAG);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\FrameGrabber");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = FrameCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = FrameClose;
    DriverObject->DriverUnload = FrameUnload;
    KeInitializeSpinLock(&FrameLock);
    FramePixels = ExAllocatePoolWithTag(PagedPool, FRAME_BYTES, FRAME_TAG);
    if (FramePixels == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NTSTATUS Status =
        IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, TRUE, &Device);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(FramePixels, FRAME_TAG);
    }
    return Status;
}
