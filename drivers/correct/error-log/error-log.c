/* SPDX-License-Identifier: MIT */
/* Entries of the error log: of the driver, of its device, from a DPC. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD ErrorLogUnload;
DRIVER_DISPATCH ErrorLogCreateClose;

#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ErrorLogUnload)
#pragma alloc_text(PAGE, ErrorLogCreateClose)

#define ERROR_LOG_SAMPLE ((NTSTATUS)0xC0040001)
#define ENTRY_OF(extra) ((UCHAR)(sizeof(IO_ERROR_LOG_PACKET) + (extra)))

/* Sizes and objects that the documentation refuses: NULL. */
static BOOLEAN ErrorLogRefuses(PDRIVER_OBJECT DriverObject)
{
    UCHAR NoObject[sizeof(DEVICE_OBJECT)] = {0};

    return IoAllocateErrorLogEntry(DriverObject, sizeof(IO_ERROR_LOG_PACKET) - 1) == NULL &&
           IoAllocateErrorLogEntry(DriverObject, ERROR_LOG_MAXIMUM_SIZE + 1) == NULL &&
           IoAllocateErrorLogEntry(DriverObject, 0) == NULL &&
           IoAllocateErrorLogEntry(NULL, sizeof(IO_ERROR_LOG_PACKET)) == NULL &&
           IoAllocateErrorLogEntry(NoObject, sizeof(IO_ERROR_LOG_PACKET)) == NULL;
}

/* As many as there may be at a time; then NULL, and again one when another was freed. */
static BOOLEAN ErrorLogRunsOut(PDEVICE_OBJECT Device)
{
    PIO_ERROR_LOG_PACKET Last = NULL, Entry;
    ULONG Count = 0;
    while ((Entry = IoAllocateErrorLogEntry(Device, ENTRY_OF(0))) != NULL && Count < 10000) {
        *(PVOID *)Entry->DumpData = Last; /* a chain through the entries themselves */
        Last = Entry;
        Count++;
    }
    BOOLEAN Ended = Entry == NULL && Count != 0;
    while (Last != NULL) {
        Entry = *(PVOID *)Last->DumpData;
        IoFreeErrorLogEntry(Last);
        Last = Entry;
    }
    Entry = IoAllocateErrorLogEntry(Device, ENTRY_OF(0));
    if (Entry != NULL) {
        IoFreeErrorLogEntry(Entry);
    }
    return Ended && Entry != NULL;
}

/* Two numbers of dump data, then two strings, the last of them to the end of the entry. */
static BOOLEAN ErrorLogWriteFull(PVOID Object, ULONG Sequence)
{
    static const WCHAR Strings[] = L"disk\0sector 7"; /* a NUL between, a NUL at the end */
    const ULONG Dump = 2 * sizeof(ULONG);
    const ULONG Data = FIELD_OFFSET(IO_ERROR_LOG_PACKET, DumpData);
    PIO_ERROR_LOG_PACKET Packet =
        IoAllocateErrorLogEntry(Object, (UCHAR)(Data + Dump + sizeof(Strings)));

    if (Packet == NULL) {
        return FALSE;
    }
    Packet->MajorFunctionCode = IRP_MJ_READ;
    Packet->RetryCount = 3;
    Packet->DumpDataSize = (USHORT)Dump;
    Packet->NumberOfStrings = 2;
    Packet->StringOffset = (USHORT)(Data + Dump);
    Packet->ErrorCode = ERROR_LOG_SAMPLE;
    Packet->UniqueErrorValue = 0x77;
    Packet->FinalStatus = STATUS_IO_DEVICE_ERROR;
    Packet->SequenceNumber = Sequence;
    Packet->DumpData[0] = 0x11111111;
    ((PULONG)Packet->DumpData)[1] = Sequence;
    RtlCopyMemory((PUCHAR)Packet + Packet->StringOffset, Strings, sizeof(Strings));
    IoWriteErrorLogEntry(Packet);
    return TRUE;
}

static KDPC ErrorLogDpc;
static KEVENT ErrorLogDpcDone;

static VOID ErrorLogDpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PIO_ERROR_LOG_PACKET Packet = IoAllocateErrorLogEntry(Context, ENTRY_OF(0));
    if (Packet != NULL) {
        Packet->ErrorCode = ERROR_LOG_SAMPLE + 1;
        IoWriteErrorLogEntry(Packet);
    }
    KeSetEvent(&ErrorLogDpcDone, IO_NO_INCREMENT, FALSE);
}

NTSTATUS ErrorLogCreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_CREATE) {
        if (!ErrorLogWriteFull(DeviceObject, 1) ||
            !ErrorLogWriteFull(DeviceObject->DriverObject, 2)) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
        }
        KeInsertQueueDpc(&ErrorLogDpc, NULL, NULL);
        KeWaitForSingleObject(&ErrorLogDpcDone, Executive, KernelMode, FALSE, NULL);
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

VOID ErrorLogUnload(PDRIVER_OBJECT DriverObject)
{
    PAGED_CODE();
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;

    RtlInitUnicodeString(&Name, L"\\Device\\ErrorLog");
    DriverObject->MajorFunction[IRP_MJ_CREATE] = ErrorLogCreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = ErrorLogCreateClose;
    DriverObject->DriverUnload = ErrorLogUnload;
    NTSTATUS Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeDpc(&ErrorLogDpc, ErrorLogDpcRoutine, Device);
    KeInitializeEvent(&ErrorLogDpcDone, SynchronizationEvent, FALSE);
    if (!ErrorLogRefuses(DriverObject) || !ErrorLogRunsOut(Device)) {
        IoDeleteDevice(Device);
        return STATUS_UNSUCCESSFUL;
    }
    return STATUS_SUCCESS;
}
