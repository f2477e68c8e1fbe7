/* SPDX-License-Identifier: MIT */
/* Error log entries that are never written, written twice, and whose lengths lie. See README.md. */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_UNLOAD FaultyUnload;

static volatile ULONG FaultySteps; /* makes each routine go on after its last call */

static VOID FaultyAllocate(PDRIVER_OBJECT DriverObject)
{
    PIO_ERROR_LOG_PACKET Packet =
        IoAllocateErrorLogEntry(DriverObject, sizeof(IO_ERROR_LOG_PACKET));
    if (Packet != NULL) {
        Packet->ErrorCode = STATUS_DEVICE_NOT_READY;
    }
    FaultySteps++;
}

static VOID FaultyWriteTwice(PDRIVER_OBJECT DriverObject)
{
    PIO_ERROR_LOG_PACKET Packet =
        IoAllocateErrorLogEntry(DriverObject, sizeof(IO_ERROR_LOG_PACKET));
    if (Packet != NULL) {
        IoWriteErrorLogEntry(Packet);
        IoWriteErrorLogEntry(Packet);
    }
    FaultySteps++;
}

static VOID FaultyLengths(PDRIVER_OBJECT DriverObject)
{
    PIO_ERROR_LOG_PACKET Packet =
        IoAllocateErrorLogEntry(DriverObject, sizeof(IO_ERROR_LOG_PACKET) + 8);
    if (Packet != NULL) {
        Packet->DumpDataSize = 4;
        Packet->NumberOfStrings = 1;
        Packet->StringOffset = sizeof(IO_ERROR_LOG_PACKET);
        RtlFillMemory((PUCHAR)Packet + Packet->StringOffset, 8, 'x'); /* without a NUL */
        IoWriteErrorLogEntry(Packet);
    }
    FaultySteps++;
}

VOID FaultyUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = FaultyUnload;
    FaultyWriteTwice(DriverObject);
    FaultyLengths(DriverObject);
    FaultyAllocate(DriverObject);
    return STATUS_SUCCESS;
}
