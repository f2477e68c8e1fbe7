/* SPDX-License-Identifier: MIT */
/* A flush request is sent on while a spin lock is held. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD StackUnload;
DRIVER_DISPATCH StackCreate, StackClose;
static IO_COMPLETION_ROUTINE StackFlushed;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, StackUnload)

/* Two devices in one stack: the function below has the name, the filter above it none. */
typedef struct _STACK_EXTENSION {
    PDEVICE_OBJECT Lower; /* NULL in the one below */
} STACK_EXTENSION, *PSTACK_EXTENSION;

static KSPIN_LOCK StackLock;
static ULONG StackFlushes;
static PDEVICE_OBJECT StackFilter;

static NTSTATUS StackComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The request is this driver's own. */
static NTSTATUS StackFlushed(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID StackFlush(PDEVICE_OBJECT Lower)
{
    PIRP Irp = IoAllocateIrp(Lower->StackSize, FALSE);
    if (Irp != NULL) {
        IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        IoSetCompletionRoutine(Irp, StackFlushed, NULL, TRUE, TRUE, TRUE);
        IoCallDriver(Lower, Irp);
    }
}

NTSTATUS StackCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSTACK_EXTENSION Extension = DeviceObject->DeviceExtension;
    if (Extension->Lower != NULL) {
        KIRQL OldIrql;
        KeAcquireSpinLock(&StackLock, &OldIrql);
        StackFlushes++;
        StackFlush(Extension->Lower); /* the mistake: DISPATCH_LEVEL */
        KeReleaseSpinLock(&StackLock, OldIrql);
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Extension->Lower, Irp);
    }
    return StackComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS StackClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSTACK_EXTENSION Extension = DeviceObject->DeviceExtension;
    if (Extension->Lower != NULL) {
        IoSkipCurrentIrpStackLocation(Irp);
        return IoCallDriver(Extension->Lower, Irp);
    }
    return StackComplete(Irp, STATUS_SUCCESS);
}

VOID StackUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    PSTACK_EXTENSION Extension = StackFilter->DeviceExtension;
    IoDetachDevice(Extension->Lower);
    IoDeleteDevice(StackFilter);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\FlushSent");
    KeInitializeSpinLock(&StackLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = StackCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = StackClose;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = StackClose;
    DriverObject->DriverUnload = StackUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(STACK_EXTENSION), &Name,
                                     FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateDevice(DriverObject, sizeof(STACK_EXTENSION), NULL, FILE_DEVICE_UNKNOWN, 0,
                            FALSE, &StackFilter);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    PSTACK_EXTENSION Extension = StackFilter->DeviceExtension;
    Device->Flags &= ~DO_DEVICE_INITIALIZING; /* else nothing can be attached to it yet */
    Extension->Lower = IoAttachDeviceToDeviceStack(StackFilter, Device);
    if (Extension->Lower == NULL) {
        IoDeleteDevice(StackFilter);
        IoDeleteDevice(Device);
        return STATUS_NO_SUCH_DEVICE;
    }
    return STATUS_SUCCESS;
}
