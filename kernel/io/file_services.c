/* SPDX-License-Identifier: MIT */
/*
 * The file services. Nt: for the previous mode of the thread; what user mode passes is probed and
 * captured. Zw: for kernel mode.
 */
#include "io/iop.h"

#include "ex/ex.h"

#define IOP_MAXIMUM_EA_LENGTH 0x10000u

/* What a directory may be opened with. */
#define IOP_DIRECTORY_OPTIONS                                                               \
    (FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT |       \
     FILE_WRITE_THROUGH | FILE_COMPLETE_IF_OPLOCKED | FILE_OPEN_FOR_BACKUP_INTENT |         \
     FILE_DELETE_ON_CLOSE | FILE_OPEN_BY_FILE_ID | FILE_NO_COMPRESSION |                    \
     FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_FREE_SPACE_QUERY)

/* The rules of NtCreateFile's WDK page. */
static NTSTATUS IopCheckCreateParameters(ACCESS_MASK DesiredAccess, ULONG FileAttributes,
                                         ULONG ShareAccess, ULONG Disposition,
                                         ULONG CreateOptions, ULONG EaLength)
{
    const ULONG All = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    ULONG Synchronous = CreateOptions & All;
    ACCESS_MASK Generic = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;

    if (Disposition > FILE_OVERWRITE_IF || (CreateOptions & ~FILE_VALID_OPTION_FLAGS) ||
        EaLength > IOP_MAXIMUM_EA_LENGTH || (FileAttributes & ~FILE_ATTRIBUTE_VALID_FLAGS) ||
        (ShareAccess & ~(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE))) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Synchronous == All || (Synchronous != 0 && !(DesiredAccess & (SYNCHRONIZE | Generic |
                                                                      MAXIMUM_ALLOWED)))) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((CreateOptions & FILE_DIRECTORY_FILE) &&
        ((CreateOptions & ~IOP_DIRECTORY_OPTIONS) ||
         (Disposition != FILE_OPEN && Disposition != FILE_CREATE && Disposition != FILE_OPEN_IF))) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((CreateOptions & FILE_NO_INTERMEDIATE_BUFFERING) && (DesiredAccess & FILE_APPEND_DATA)) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((CreateOptions & FILE_DELETE_ON_CLOSE) &&
        !(DesiredAccess & (DELETE | GENERIC_ALL | MAXIMUM_ALLOWED))) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

/* Packet and attributes are the kernel's own; what they point to in the caller's memory is not. */
static NTSTATUS IopCreateFile(KPROCESSOR_MODE Mode, PIOP_OPEN_PACKET Packet,
                              POBJECT_ATTRIBUTES ObjectAttributes, ACCESS_MASK DesiredAccess,
                              const VOID *EaBuffer, PHANDLE FileHandle)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (Packet->EaLength != 0) {
        Packet->EaBuffer = ExAllocatePoolWithTag(NonPagedPoolNx, Packet->EaLength, IO_TAG_BUFFER);
        if (Packet->EaBuffer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Status = ExCopyFromCaller(Packet->EaBuffer, EaBuffer, Packet->EaLength, Mode);
        if (NT_SUCCESS(Status) && Mode != KernelMode) {
            ULONG Where;
            Status = IoCheckEaBufferValidity(Packet->EaBuffer, Packet->EaLength, &Where);
        }
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

/* For a caller of the thread's previous mode; Packet has what is not a pointer. */
static NTSTATUS IopCreateForCaller(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                                   POBJECT_ATTRIBUTES ObjectAttributes,
                                   PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize,
                                   const VOID *EaBuffer, PIOP_OPEN_PACKET Packet)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    OB_CALLER_ATTRIBUTES Captured;
    HANDLE Handle = NULL;

    Packet->Type = IO_TYPE_OPEN_PACKET;
    Packet->Size = sizeof(IOP_OPEN_PACKET);
    NTSTATUS Status = ExProbeCaller(FileHandle, sizeof(HANDLE), sizeof(HANDLE), Mode);
    if (NT_SUCCESS(Status)) {
        Status = ExProbeCaller(IoStatusBlock, sizeof(IO_STATUS_BLOCK), sizeof(PVOID), Mode);
    }
    if (NT_SUCCESS(Status) && AllocationSize != NULL) {
        Status = ExCopyFromCaller(&Packet->AllocationSize, AllocationSize,
                                  sizeof(*AllocationSize), Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpCaptureAttributes(ObjectAttributes, Mode, &Captured);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopCreateFile(Mode, Packet, Captured.Use, DesiredAccess, EaBuffer, &Handle);
    ObpReleaseAttributes(&Captured);
    if (NT_SUCCESS(Status)) {
        IO_STATUS_BLOCK Result = {{Packet->FinalStatus}, Packet->Information};
        NTSTATUS Copied = ExCopyToCaller(FileHandle, &Handle, sizeof(Handle), Mode);
        if (NT_SUCCESS(Copied)) {
            Copied = ExCopyToCaller(IoStatusBlock, &Result, sizeof(Result), Mode);
        }
        Status = NT_SUCCESS(Copied) ? Status : Copied;
    }
    return Status;
}

NTSTATUS NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer,
                      ULONG EaLength)
{
    IOP_OPEN_PACKET Packet = {
        .CreateOptions = CreateOptions,
        .Disposition = CreateDisposition,
        .FileAttributes = (USHORT)FileAttributes,
        .ShareAccess = (USHORT)ShareAccess,
        .EaLength = EaLength,
    };
    NTSTATUS Status = IopCheckCreateParameters(DesiredAccess, FileAttributes, ShareAccess,
                                               CreateDisposition, CreateOptions, EaLength);
    return NT_SUCCESS(Status) ? IopCreateForCaller(FileHandle, DesiredAccess, ObjectAttributes,
                                                   IoStatusBlock, AllocationSize, EaBuffer,
                                                   &Packet)
                              : Status;
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

/*
 * The caller is the thread's previous mode, as documented: in a thread that is in a system call of
 * user mode, addresses of the kernel are an access violation. IO_NO_PARAMETER_CHECKING makes it
 * kernel mode; IO_FORCE_ACCESS_CHECK has the device's descriptor asked all the same.
 */
NTSTATUS IoCreateFileSpecifyDeviceObjectHint(
    PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
    PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
    ULONG ShareAccess, ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
    ULONG CreateFileType, PVOID InternalParameters, ULONG Options, PVOID DeviceObject)
{
    IOP_OPEN_PACKET Packet = {
        .CreateOptions = CreateOptions,
        .Disposition = Disposition,
        .FileAttributes = (USHORT)FileAttributes,
        .ShareAccess = (USHORT)ShareAccess,
        .EaLength = EaLength,
        .StackFlags = (UCHAR)(Options & (IO_FORCE_ACCESS_CHECK | IO_OPEN_TARGET_DIRECTORY)),
        .IgnoresSharing = (Options & IO_IGNORE_SHARE_ACCESS_CHECK) != 0,
        .Hint = DeviceObject,
    };
    if (CreateFileType != 0) {
        return STATUS_NOT_SUPPORTED; /* named pipes and mailslots */
    }
    NTSTATUS Status = STATUS_SUCCESS;
    if (!(Options & IO_NO_PARAMETER_CHECKING)) {
        Status = IopCheckCreateParameters(DesiredAccess, FileAttributes, ShareAccess, Disposition,
                                          CreateOptions, EaLength);
    } else if (EaLength > IOP_MAXIMUM_EA_LENGTH) {
        Status = STATUS_INVALID_PARAMETER;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Options & IO_NO_PARAMETER_CHECKING) {
        return KE_CALL_AS_KERNEL(IopCreateForCaller(FileHandle, DesiredAccess, ObjectAttributes,
                                                    IoStatusBlock, AllocationSize, EaBuffer,
                                                    &Packet));
    }
    return IopCreateForCaller(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock,
                              AllocationSize, EaBuffer, &Packet);
}

NTSTATUS IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                      POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                      PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                      ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                      ULONG CreateFileType, PVOID InternalParameters, ULONG Options)
{
    return IoCreateFileSpecifyDeviceObjectHint(
        FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize, FileAttributes,
        ShareAccess, Disposition, CreateOptions, EaBuffer, EaLength, CreateFileType,
        InternalParameters, Options, NULL);
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

/* ExtraCreateParameters and the like of DriverContext: only the device hint is looked at. */
NTSTATUS IoCreateFileEx(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                        POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                        PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                        ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                        ULONG CreateFileType, PVOID InternalParameters, ULONG Options,
                        PIO_DRIVER_CREATE_CONTEXT DriverContext)
{
    PVOID Hint = NULL;
    if (DriverContext != NULL) {
        if (DriverContext->Size < (CSHORT)sizeof(*DriverContext)) {
            return STATUS_INVALID_PARAMETER;
        }
        if (DriverContext->ExtraCreateParameter != NULL || DriverContext->TxnParameters != NULL) {
            return STATUS_NOT_SUPPORTED;
        }
        Hint = DriverContext->DeviceObjectHint;
    }
    return IoCreateFileSpecifyDeviceObjectHint(
        FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize, FileAttributes,
        ShareAccess, Disposition, CreateOptions, EaBuffer, EaLength, CreateFileType,
        InternalParameters, Options, Hint);
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

static NTSTATUS IopControlFile(UCHAR MajorFunction, HANDLE FileHandle, HANDLE Event,
                               PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                               PIO_STATUS_BLOCK IoStatusBlock, ULONG Code, IOP_TRANSFER Transfer)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    IOP_REQUEST Request = {
        .Handle = FileHandle,
        .Mode = Mode,
        .MajorFunction = MajorFunction,
        .Code = Code,
        .Input = Transfer.Input,
        .InputLength = Transfer.InputLength,
        .Output = Transfer.Output,
        .OutputLength = Transfer.OutputLength,
        .Event = Event,
        .ApcRoutine = ApcRoutine,
        .ApcContext = ApcContext,
        .IoStatus = IoStatusBlock,
    };
    NTSTATUS Status =
        ExProbeCaller(IoStatusBlock, sizeof(IO_STATUS_BLOCK), sizeof(PVOID), Mode);
    return NT_SUCCESS(Status) ? IopPerformRequest(&Request) : Status;
}

NTSTATUS NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG IoControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    IOP_TRANSFER Transfer = {0, InputBuffer, InputBufferLength, OutputBuffer,
                             OutputBufferLength};
    return IopControlFile(IRP_MJ_DEVICE_CONTROL, FileHandle, Event, ApcRoutine, ApcContext,
                          IoStatusBlock, IoControlCode, Transfer);
}

NTSTATUS ZwDeviceIoControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                               PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                               ULONG IoControlCode, PVOID InputBuffer, ULONG InputBufferLength,
                               PVOID OutputBuffer, ULONG OutputBufferLength)
{
    return KE_CALL_AS_KERNEL(NtDeviceIoControlFile(FileHandle, Event, ApcRoutine, ApcContext,
                                      IoStatusBlock, IoControlCode, InputBuffer, InputBufferLength,
                                      OutputBuffer, OutputBufferLength));
}

NTSTATUS NtFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                         PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode,
                         PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
                         ULONG OutputBufferLength)
{
    IOP_TRANSFER Transfer = {0, InputBuffer, InputBufferLength, OutputBuffer,
                             OutputBufferLength};
    return IopControlFile(IRP_MJ_FILE_SYSTEM_CONTROL, FileHandle, Event, ApcRoutine, ApcContext,
                          IoStatusBlock, FsControlCode, Transfer);
}

NTSTATUS ZwFsControlFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                         PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode,
                         PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
                         ULONG OutputBufferLength)
{
    return KE_CALL_AS_KERNEL(NtFsControlFile(FileHandle, Event, ApcRoutine, ApcContext,
                                      IoStatusBlock, FsControlCode, InputBuffer, InputBufferLength,
                                      OutputBuffer, OutputBufferLength));
}
