/* SPDX-License-Identifier: MIT */
/* The Zw file services, as kernel-mode callers get them: previous mode is kernel, no probing. */
#include "io/iop.h"

#define IOP_MAXIMUM_EA_LENGTH 0x10000u

static NTSTATUS IopCheckCreateParameters(ACCESS_MASK DesiredAccess, ULONG Disposition,
                                         ULONG CreateOptions, ULONG EaLength)
{
    ULONG Synchronous =
        CreateOptions & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT);
    if (Disposition > FILE_OVERWRITE_IF || (CreateOptions & ~FILE_VALID_OPTION_FLAGS) ||
        EaLength > IOP_MAXIMUM_EA_LENGTH) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Synchronous == (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Synchronous != 0 &&
        !(DesiredAccess & (SYNCHRONIZE | GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE |
                           GENERIC_ALL | MAXIMUM_ALLOWED))) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((CreateOptions & FILE_DIRECTORY_FILE) && (CreateOptions & FILE_NON_DIRECTORY_FILE)) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                      ULONG CreateFileType, PVOID InternalParameters, ULONG Options)
{
    IOP_OPEN_PACKET Packet = {
        .Type = IO_TYPE_OPEN_PACKET,
        .Size = sizeof(IOP_OPEN_PACKET),
        .CreateOptions = CreateOptions,
        .Disposition = Disposition,
        .FileAttributes = (USHORT)FileAttributes,
        .ShareAccess = (USHORT)ShareAccess,
    };
    if (CreateFileType != 0) {
        return STATUS_NOT_SUPPORTED; /* named pipes and mailslots */
    }
    NTSTATUS Status =
        IopCheckCreateParameters(DesiredAccess, Disposition, CreateOptions, EaLength);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (EaLength != 0) {
        Packet.EaBuffer = ExAllocatePoolWithTag(NonPagedPoolNx, EaLength, IO_TAG_BUFFER);
        if (Packet.EaBuffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        RtlCopyMemory(Packet.EaBuffer, EaBuffer, EaLength);
        Packet.EaLength = EaLength;
    }
    PKTHREAD Thread = KeGetCurrentThread();
    CCHAR PreviousMode = Thread->PreviousMode;
    Thread->PreviousMode = KernelMode;
    Status = ObOpenObjectByName(ObjectAttributes, IoFileObjectType, KernelMode, NULL,
                                DesiredAccess, &Packet, FileHandle);
    Thread->PreviousMode = PreviousMode;
    if (Packet.EaBuffer != NULL) {
        ExFreePoolWithTag(Packet.EaBuffer, IO_TAG_BUFFER);
    }
    if (NT_SUCCESS(Status)) {
        IoStatusBlock->Status = Packet.FinalStatus;
        IoStatusBlock->Information = Packet.Information;
    }
    return Status;
}

NTSTATUS ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                      ULONG EaLength)
{
    return IoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                        FileAttributes, ShareAccess, CreateDisposition, CreateOptions, EaBuffer,
                        EaLength, 0, NULL, 0);
}

NTSTATUS ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                    POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                    ULONG ShareAccess, ULONG OpenOptions)
{
    return IoCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0, 0, NULL, 0);
}

static NTSTATUS IopTransfer(UCHAR MajorFunction, HANDLE FileHandle, HANDLE Event,
                            PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                            PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                            PLARGE_INTEGER ByteOffset, PULONG Key)
{
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = KernelMode,
        .MajorFunction = MajorFunction,
        .Output = Buffer,
        .OutputLength = Length,
        .Offset = ByteOffset,
        .Key = Key != NULL ? *Key : 0,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
        .ApcContext = ApcContext,
        .IoStatus = IoStatusBlock,
    };
    return IopPerformRequest(&Request);
}

NTSTATUS ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                    PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(IRP_MJ_READ, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                       Buffer, Length, ByteOffset, Key);
}

NTSTATUS ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                     PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(IRP_MJ_WRITE, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                       Buffer, Length, ByteOffset, Key);
}

NTSTATUS ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG IoControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = KernelMode,
        .MajorFunction = IRP_MJ_DEVICE_CONTROL,
        .Code = IoControlCode,
        .Input = InputBuffer,
        .InputLength = InputBufferLength,
        .Output = OutputBuffer,
        .OutputLength = OutputBufferLength,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
        .ApcContext = ApcContext,
        .IoStatus = IoStatusBlock,
    };
    return IopPerformRequest(&Request);
}
