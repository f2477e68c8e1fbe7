/* SPDX-License-Identifier: MIT */
/* Error log entries, as a driver fills them in (wdm.h). */
#pragma once

#include "irp.h"

typedef struct _IO_ERROR_LOG_PACKET {
    UCHAR MajorFunctionCode;
    UCHAR RetryCount;
    USHORT DumpDataSize;    /* bytes of DumpData, a multiple of 4 */
    USHORT NumberOfStrings; /* each UTF-16 with its NUL, one after the other */
    USHORT StringOffset;    /* from the beginning of the packet */
    USHORT EventCategory;
    NTSTATUS ErrorCode;
    ULONG UniqueErrorValue;
    NTSTATUS FinalStatus;
    ULONG SequenceNumber;
    ULONG IoControlCode;
    LARGE_INTEGER DeviceOffset;
    ULONG DumpData[1];
} IO_ERROR_LOG_PACKET, *PIO_ERROR_LOG_PACKET;

C_ASSERT(sizeof(IO_ERROR_LOG_PACKET) == 0x30);
C_ASSERT(offsetof(IO_ERROR_LOG_PACKET, ErrorCode) == 0x0c);
C_ASSERT(offsetof(IO_ERROR_LOG_PACKET, DeviceOffset) == 0x20);
C_ASSERT(offsetof(IO_ERROR_LOG_PACKET, DumpData) == 0x28);

#define ERROR_LOG_LIMIT_SIZE 240
#define ERROR_LOG_MAXIMUM_SIZE ERROR_LOG_LIMIT_SIZE

#ifdef _WIN32

/*
 * IoObject: a device or driver object. NULL: it is neither, EntrySize is out of its range, or
 * there is no memory for it. All <= DISPATCH_LEVEL
 */
PVOID IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize);
VOID IoFreeErrorLogEntry(PVOID ElEntry);
/* Takes the entry over. */
VOID IoWriteErrorLogEntry(PVOID ElEntry);

#endif /* _WIN32 */
