/* SPDX-License-Identifier: MIT */
/* Services on directories, and on files by name alone. PASSIVE_LEVEL, kernel-mode callers. */
#include "io/iop.h"

NTSTATUS ZwQueryDirectoryFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                              PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                              PVOID FileInformation, ULONG Length,
                              FILE_INFORMATION_CLASS FileInformationClass,
                              BOOLEAN ReturnSingleEntry, PUNICODE_STRING FileName,
                              BOOLEAN RestartScan)
{
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = KernelMode,
        /* The pattern is the caller's: the request ends before this returns where it can. */
        .Wait = ApcRoutine == NULL,
        .MajorFunction = IRP_MJ_DIRECTORY_CONTROL,
        .StackFlags = (UCHAR)((ReturnSingleEntry ? SL_RETURN_SINGLE_ENTRY : 0) |
                              (RestartScan ? SL_RESTART_SCAN : 0)),
        .Code = (ULONG)FileInformationClass,
        .Pattern = FileName,
        .Output = FileInformation,
        .OutputLength = Length,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
        .ApcContext = ApcContext,
        .IoStatus = IoStatusBlock,
    };
    switch (FileInformationClass) {
    case FileDirectoryInformation:
    case FileFullDirectoryInformation:
    case FileBothDirectoryInformation:
    case FileNamesInformation:
    case FileIdBothDirectoryInformation:
    case FileIdFullDirectoryInformation:
        return IopPerformRequest(&Request);
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

NTSTATUS ZwFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock)
{
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = KernelMode,
        .Wait = TRUE,
        .MajorFunction = IRP_MJ_FLUSH_BUFFERS,
        .IoStatus = IoStatusBlock,
    };
    return IopPerformRequest(&Request);
}

/* The file goes when its last handle does, as by any other way of deleting. */
NTSTATUS ZwDeleteFile(POBJECT_ATTRIBUTES ObjectAttributes)
{
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;
    NTSTATUS Status =
        ZwOpenFile(&Handle, DELETE, ObjectAttributes, &IoStatus,
                   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_DELETE_ON_CLOSE);
    return NT_SUCCESS(Status) ? ZwClose(Handle) : Status;
}

NTSTATUS ZwQueryFullAttributesFile(POBJECT_ATTRIBUTES ObjectAttributes,
                                   PFILE_NETWORK_OPEN_INFORMATION FileInformation)
{
    IO_STATUS_BLOCK IoStatus;
    HANDLE Handle;
    NTSTATUS Status =
        ZwOpenFile(&Handle, FILE_READ_ATTRIBUTES, ObjectAttributes, &IoStatus,
                   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                   FILE_OPEN_REPARSE_POINT);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ZwQueryInformationFile(Handle, &IoStatus, FileInformation, sizeof(*FileInformation),
                                    FileNetworkOpenInformation);
    ZwClose(Handle);
    return Status;
}
