/* SPDX-License-Identifier: MIT */
/* A dispatch routine in PAGE is reached from a DPC. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD StackUnload;
DRIVER_DISPATCH StackCreate, StackClose, StackInternalControl;
static KDEFERRED_ROUTINE StackDpc;
static IO_COMPLETION_ROUTINE StackSent;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, StackUnload)
#pragma alloc_text(PAGE, StackCreate)
#pragma alloc_text(PAGE, StackInternalControl)

/* Tells the device below, from the DPC of the one above, that it is in use. */
#define IOCTL_STACK_IN_USE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

/* Two devices in one stack: the function below has the name, the filter above counts. */
typedef struct _STACK_EXTENSION {
    PDEVICE_OBJECT Lower; /* NULL in the one below */
} STACK_EXTENSION, *PSTACK_EXTENSION;

static KDPC StackDpcObject;
static PDEVICE_OBJECT StackFilter;
static KEVENT StackDone;
static LONG StackUses;

static NTSTATUS StackComplete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The mistake: IoCallDriver keeps the IRQL, the caller below is a DPC, and this is in PAGE. */
NTSTATUS StackInternalControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    InterlockedIncrement(&StackUses);
    return StackComplete(Irp, STATUS_SUCCESS);
}

NTSTATUS StackSent(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    IoFreeIrp(Irp);
    KeSetEvent(&StackDone, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static VOID StackDpc(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    PSTACK_EXTENSION Extension = StackFilter->DeviceExtension;
    PIRP Irp = IoAllocateIrp(Extension->Lower->StackSize, FALSE);
    if (Irp == NULL) {
        KeSetEvent(&StackDone, IO_NO_INCREMENT, FALSE);
        return;
    }
    PIO_STACK_LOCATION Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    Stack->Parameters.DeviceIoControl.IoControlCode = IOCTL_STACK_IN_USE;
    IoSetCompletionRoutine(Irp, StackSent, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->Lower, Irp);
}

NTSTATUS StackCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSTACK_EXTENSION Extension = DeviceObject->DeviceExtension;
    PAGED_CODE();
    if (Extension->Lower == NULL) {
        return StackComplete(Irp, STATUS_SUCCESS);
    }
    KeClearEvent(&StackDone);
    KeInsertQueueDpc(&StackDpcObject, NULL, NULL);
    KeWaitForSingleObject(&StackDone, Executive, KernelMode, FALSE, NULL);
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Extension->Lower, Irp);
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
    KeFlushQueuedDpcs();
    IoDetachDevice(Extension->Lower);
    IoDeleteDevice(StackFilter);
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    RtlInitUnicodeString(&Name, L"\\Device\\StackForward");
    KeInitializeDpc(&StackDpcObject, StackDpc, NULL);
    KeInitializeEvent(&StackDone, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = StackCreate;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = StackClose;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = StackInternalControl;
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
