/* SPDX-License-Identifier: MIT */
/*
 * The file services. Nt: for the previous mode of the thread; what user mode passes is probed and
 * captured. Zw: for kernel mode.
 */
#include "io/iop.h"

#include "ex/ex.h"

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

/* The arguments are the kernel's own, but for the bytes at EaBuffer. */
static NTSTATUS IopCreateFile(KPROCESSOR_MODE Mode, PIOP_OPEN_PACKET Packet,
                              POBJECT_ATTRIBUTES ObjectAttributes, ACCESS_MASK DesiredAccess,
                              const VOID *EaBuffer, ULONG EaLength, PHANDLE FileHandle)
{
    NTSTATUS Status = IopCheckCreateParameters(DesiredAccess, Packet->Disposition,
                                               Packet->CreateOptions, EaLength);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (EaLength != 0) {
        Packet->EaBuffer = ExAllocatePoolWithTag(NonPagedPoolNx, EaLength, IO_TAG_BUFFER);
        if (Packet->EaBuffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Packet->EaLength = EaLength;
        Status = ExCopyFromCaller(Packet->EaBuffer, EaBuffer, EaLength, Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObOpenObjectByName(ObjectAttributes, IoFileObjectType, Mode, NULL, DesiredAccess,
                                    Packet, FileHandle);
    }
    if (Packet->EaBuffer != NULL) {
        ExFreePoolWithTag(Packet->EaBuffer, IO_TAG_BUFFER);
    }
    return Status;
}

NTSTATUS NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                      ULONG EaLength)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    OB_CALLER_ATTRIBUTES Captured;
    HANDLE Handle = NULL;
    IOP_OPEN_PACKET Packet = {
        .Type = IO_TYPE_OPEN_PACKET,
        .Size = sizeof(IOP_OPEN_PACKET),
        .CreateOptions = CreateOptions,
        .Disposition = CreateDisposition,
        .FileAttributes = (USHORT)FileAttributes,
        .ShareAccess = (USHORT)ShareAccess,
    };
    NTSTATUS Status = ExProbeCaller(FileHandle, sizeof(HANDLE), sizeof(HANDLE), Mode);
    if (NT_SUCCESS(Status)) {
        Status = ExProbeCaller(IoStatusBlock, sizeof(IO_STATUS_BLOCK), sizeof(PVOID), Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpCaptureAttributes(ObjectAttributes, Mode, &Captured);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCreateFile(Mode, &Packet, Captured.Use, DesiredAccess, EaBuffer, EaLength,
                           &Handle);
    ObpReleaseAttributes(&Captured);
    if (NT_SUCCESS(Status)) {
        IO_STATUS_BLOCK Result = {{Packet.FinalStatus}, Packet.Information};
        NTSTATUS Copied = ExCopyToCaller(FileHandle, &Handle, sizeof(Handle), Mode);
        if (NT_SUCCESS(Copied)) {
            Copied = ExCopyToCaller(IoStatusBlock, &Result, sizeof(Result), Mode);
        }
        Status = NT_SUCCESS(Copied) ? Status : Copied;
    }
    return Status;
}

NTSTATUS ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                      ULONG EaLength)
{
    return KE_CALL_AS_KERNEL(NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes,
                                          IoStatusBlock, AllocationSize, FileAttributes,
                                          ShareAccess, CreateDisposition, CreateOptions, EaBuffer,
                                          EaLength));
}

/* The caller is taken for kernel mode with or without IO_NO_PARAMETER_CHECKING. */
NTSTATUS IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                      ULONG CreateFileType, PVOID InternalParameters, ULONG Options)
{
    if (CreateFileType != 0) {
        return STATUS_NOT_SUPPORTED; /* named pipes and mailslots */
    }
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                        FileAttributes, ShareAccess, Disposition, CreateOptions, EaBuffer,
                        EaLength);
}

NTSTATUS NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                    POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                    ULONG ShareAccess, ULONG OpenOptions)
{
    return NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, NULL, 0,
                        ShareAccess, FILE_OPEN, OpenOptions, NULL, 0);
}

NTSTATUS ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                    POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                    ULONG ShareAccess, ULONG OpenOptions)
{
    return KE_CALL_AS_KERNEL(NtOpenFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                                        ShareAccess, OpenOptions));
}

static NTSTATUS IopTransfer(UCHAR MajorFunction, HANDLE FileHandle, HANDLE Event,
                            PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                            PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                            PLARGE_INTEGER ByteOffset, PULONG Key)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    LARGE_INTEGER Offset;
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = Mode,
        .MajorFunction = MajorFunction,
        .Output = Buffer,
        .OutputLength = Length,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
        .ApcContext = ApcContext,
        .IoStatus = IoStatusBlock,
    };
    NTSTATUS Status =
        ExProbeCaller(IoStatusBlock, sizeof(IO_STATUS_BLOCK), sizeof(PVOID), Mode);
    if (NT_SUCCESS(Status) && ByteOffset != NULL) {
        Status = ExCopyFromCaller(&Offset, ByteOffset, sizeof(Offset), Mode);
        Request.Offset = &Offset;
    }
    if (NT_SUCCESS(Status) && Key != NULL) {
        Status = ExCopyFromCaller(&Request.Key, Key, sizeof(ULONG), Mode);
    }
    return NT_SUCCESS(Status) ? IopPerformRequest(&Request) : Status;
}

NTSTATUS NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                    PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(IRP_MJ_READ, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                       Buffer, Length, ByteOffset, Key);
}

NTSTATUS ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                    PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return KE_CALL_AS_KERNEL(NtReadFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                                        Buffer, Length, ByteOffset, Key));
}

NTSTATUS NtWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                     PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return IopTransfer(IRP_MJ_WRITE, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                       Buffer, Length, ByteOffset, Key);
}

NTSTATUS ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                     PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                     PLARGE_INTEGER ByteOffset, PULONG Key)
{
    return KE_CALL_AS_KERNEL(NtWriteFile(FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock,
                                         Buffer, Length, ByteOffset, Key));
}

NTSTATUS NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG IoControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = Mode,
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
    NTSTATUS Status =
        ExProbeCaller(IoStatusBlock, sizeof(IO_STATUS_BLOCK), sizeof(PVOID), Mode);
    return NT_SUCCESS(Status) ? IopPerformRequest(&Request) : Status;
}

NTSTATUS ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG IoControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    return KE_CALL_AS_KERNEL(NtDeviceIoControlFile(
        FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, IoControlCode, InputBuffer,
        InputBufferLength, OutputBuffer, OutputBufferLength));
}
