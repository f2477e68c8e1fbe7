/* SPDX-License-Identifier: MIT */
/* Entry, unload, open and close, read and write. */
#include "correct/serial-loop/serial-loop.h"

static const WCHAR SerialDeviceName[] = L"\\Device\\SerialLoop0";
static const WCHAR SerialLinkName[] = L"\\??\\LOOP1";

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD SerialUnload;
static DRIVER_DISPATCH SerialCreate, SerialCleanup, SerialClose, SerialRead, SerialWrite;

/* Nonpaged: requests are completed at any IRQL up to DISPATCH_LEVEL, also when PAGESER is out. */
NTSTATUS SerialComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_SERIAL_INCREMENT);
    return Status;
}

static PAGE_CODE NTSTATUS SerialStart(SERIAL_PORT *Port)
{
    LARGE_INTEGER Due;
    PAGED_CODE();
    Port->In = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Port->In), SERIAL_TAG);
    Port->Out = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Port->Out), SERIAL_TAG);
    if (Port->In == NULL || Port->Out == NULL) {
        if (Port->In != NULL) {
            ExFreePoolWithTag(Port->In, SERIAL_TAG);
        }
        if (Port->Out != NULL) {
            ExFreePoolWithTag(Port->Out, SERIAL_TAG);
        }
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Port->In->Head = Port->In->Tail = 0;
    Port->Out->Head = Port->Out->Tail = 0;
    Port->BitsPerSecond = 115200;
    Port->BitsLeft = 0;
    Port->ReadLimit = SERIAL_NO_LIMIT;
    Port->Mask = Port->Events = 0;
    Port->Busy = FALSE;
    RtlZeroMemory(&Port->Counts, sizeof(Port->Counts));
    Port->LockedCode = MmLockPagableCodeSection(SerialLineDpc);
    Due.QuadPart = -10000 * SERIAL_PERIOD_MS;
    KeSetTimerEx(&Port->Timer, Due, SERIAL_PERIOD_MS, &Port->Dpc);
    return STATUS_SUCCESS;
}

static PAGE_CODE VOID SerialStop(SERIAL_PORT *Port)
{
    PAGED_CODE();
    KeCancelTimer(&Port->Timer);
    KeFlushQueuedDpcs();
    MmUnlockPagableImageSection(Port->LockedCode);
    Port->LockedCode = NULL;
    ExFreePoolWithTag(Port->In, SERIAL_TAG);
    ExFreePoolWithTag(Port->Out, SERIAL_TAG);
    Port->In = Port->Out = NULL;
}

static PAGE_CODE NTSTATUS NTAPI SerialCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SERIAL_PORT *Port = DeviceObject->DeviceExtension;
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->FileObject->FileName.Length != 0) {
        return SerialComplete(Irp, STATUS_OBJECT_NAME_NOT_FOUND, 0); /* no files in a port */
    }
    KeWaitForSingleObject(&Port->OpenLock, Executive, KernelMode, FALSE, NULL);
    if (Port->Opens != 0) {
        Status = STATUS_ACCESS_DENIED; /* one at a time, as with serial ports */
    } else {
        /* What follows allocates and waits; the section is locked under the mutex. */
        Status = SerialStart(Port);
    }
    if (NT_SUCCESS(Status)) {
        Port->Opens++;
    }
    KeReleaseMutex(&Port->OpenLock, FALSE);
    return SerialComplete(Irp, Status, 0);
}

/* The last handle is closed: what is of this file is cancelled. */
static PAGE_CODE NTSTATUS NTAPI SerialCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SERIAL_PORT *Port = DeviceObject->DeviceExtension;
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    PAGED_CODE();
    SerialQueueCancel(&Port->Reads, File);
    SerialQueueCancel(&Port->Writes, File);
    SerialQueueCancel(&Port->Waits, File);
    return SerialComplete(Irp, STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS NTAPI SerialClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SERIAL_PORT *Port = DeviceObject->DeviceExtension;

    PAGED_CODE();
    KeWaitForSingleObject(&Port->OpenLock, Executive, KernelMode, FALSE, NULL);
    if (--Port->Opens == 0) {
        SerialStop(Port);
    }
    KeReleaseMutex(&Port->OpenLock, FALSE);
    return SerialComplete(Irp, STATUS_SUCCESS, 0);
}

static PAGE_CODE NTSTATUS NTAPI SerialRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SERIAL_PORT *Port = DeviceObject->DeviceExtension;
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;

    PAGED_CODE();
    if (Length == 0) {
        return SerialComplete(Irp, STATUS_SUCCESS, 0);
    }
    SERIAL_DEADLINE(Irp) = Port->ReadLimit == SERIAL_NO_LIMIT
                               ? 0
                               : KeQueryInterruptTime() + Port->ReadLimit * 10000ull;
    return SerialQueueAdd(&Port->Reads, Irp);
}

static PAGE_CODE NTSTATUS NTAPI SerialWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SERIAL_PORT *Port = DeviceObject->DeviceExtension;

    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length == 0) {
        return SerialComplete(Irp, STATUS_SUCCESS, 0);
    }
    SERIAL_DONE(Irp) = 0;
    return SerialQueueAdd(&Port->Writes, Irp);
}

static PAGE_CODE VOID NTAPI SerialUnload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Link;
    PAGED_CODE();
    RtlInitUnicodeString(&Link, SerialLinkName);
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static INIT_CODE NTSTATUS SerialInitializePort(PDEVICE_OBJECT Device)
{
    SERIAL_PORT *Port = Device->DeviceExtension;
    RtlZeroMemory(Port, sizeof(*Port));
    Port->Device = Device;
    KeInitializeMutex(&Port->OpenLock, 0);
    KeInitializeSpinLock(&Port->Lock);
    KeInitializeTimerEx(&Port->Timer, NotificationTimer);
    KeInitializeDpc(&Port->Dpc, SerialLineDpc, Port);
    NTSTATUS Status = SerialQueueInitialize(&Port->Reads, Port);
    if (NT_SUCCESS(Status)) {
        Status = SerialQueueInitialize(&Port->Writes, Port);
    }
    if (NT_SUCCESS(Status)) {
        Status = SerialQueueInitialize(&Port->Waits, Port);
    }
    return Status;
}

INIT_CODE NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name, Link;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, SerialDeviceName);
    RtlInitUnicodeString(&Link, SerialLinkName);
    NTSTATUS Status = IoCreateDevice(DriverObject, sizeof(SERIAL_PORT), &Name,
                                     FILE_DEVICE_SERIAL_PORT, FILE_DEVICE_SECURE_OPEN, FALSE,
                                     &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = SerialInitializePort(Device);
    if (NT_SUCCESS(Status)) {
        Status = IoCreateSymbolicLink(&Link, &Name);
    }
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Device);
        return Status;
    }
    Device->Flags |= DO_BUFFERED_IO;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SerialCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = SerialCleanup;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SerialClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = SerialRead;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = SerialWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SerialDeviceControl;
    DriverObject->DriverUnload = SerialUnload;
    return STATUS_SUCCESS;
}
