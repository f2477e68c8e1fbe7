/* SPDX-License-Identifier: MIT */
/*
 * What is asked of files and volumes, and told to them. Most classes travel to the driver as
 * IRP_MJ_QUERY_INFORMATION and the like, buffered. The I/O manager answers by itself what it alone
 * knows: the handle's access, the mode and the alignment; and the position of a synchronous file.
 *
 * A class that is unknown: STATUS_INVALID_INFO_CLASS; a buffer shorter than the class's structure:
 * STATUS_INFO_LENGTH_MISMATCH. Both before anything is sent, as documented.
 */
#include "io/iop.h"

#include "ex/ex.h"
#include "nt/rtl.h"

typedef struct _IOP_CLASS {
    USHORT Query, Set; /* least bytes; 0: it cannot be */
    ACCESS_MASK QueryAccess, SetAccess;
} IOP_CLASS;

#define IOP_LENGTH(type) sizeof(type)
static const IOP_CLASS IopFileClasses[] = {
    [FileBasicInformation] = {IOP_LENGTH(FILE_BASIC_INFORMATION),
                              IOP_LENGTH(FILE_BASIC_INFORMATION), FILE_READ_ATTRIBUTES,
                              FILE_WRITE_ATTRIBUTES},
    [FileStandardInformation] = {IOP_LENGTH(FILE_STANDARD_INFORMATION), 0, 0, 0},
    [FileInternalInformation] = {IOP_LENGTH(FILE_INTERNAL_INFORMATION), 0, 0, 0},
    [FileEaInformation] = {IOP_LENGTH(FILE_EA_INFORMATION), 0, 0, 0},
    [FileAccessInformation] = {IOP_LENGTH(FILE_ACCESS_INFORMATION), 0, 0, 0},
    [FileNameInformation] = {IOP_LENGTH(FILE_NAME_INFORMATION), 0, 0, 0},
    [FileRenameInformation] = {0, IOP_LENGTH(FILE_RENAME_INFORMATION), 0, DELETE},
    [FileLinkInformation] = {0, IOP_LENGTH(FILE_RENAME_INFORMATION), 0, 0},
    [FileDispositionInformation] = {0, IOP_LENGTH(FILE_DISPOSITION_INFORMATION), 0, DELETE},
    [FilePositionInformation] = {IOP_LENGTH(FILE_POSITION_INFORMATION),
                                 IOP_LENGTH(FILE_POSITION_INFORMATION), 0, 0},
    [FileModeInformation] = {IOP_LENGTH(FILE_MODE_INFORMATION),
                             IOP_LENGTH(FILE_MODE_INFORMATION), 0, 0},
    [FileAlignmentInformation] = {IOP_LENGTH(FILE_ALIGNMENT_INFORMATION), 0, 0, 0},
    [FileAllInformation] = {IOP_LENGTH(FILE_ALL_INFORMATION), 0, FILE_READ_ATTRIBUTES, 0},
    [FileAllocationInformation] = {0, IOP_LENGTH(FILE_ALLOCATION_INFORMATION), 0,
                                   FILE_WRITE_DATA},
    [FileEndOfFileInformation] = {0, IOP_LENGTH(FILE_END_OF_FILE_INFORMATION), 0,
                                  FILE_WRITE_DATA},
    [FileStreamInformation] = {IOP_LENGTH(FILE_STREAM_INFORMATION), 0, 0, 0},
    [FileNetworkOpenInformation] = {IOP_LENGTH(FILE_NETWORK_OPEN_INFORMATION), 0,
                                    FILE_READ_ATTRIBUTES, 0},
    [FileAttributeTagInformation] = {IOP_LENGTH(FILE_ATTRIBUTE_TAG_INFORMATION), 0,
                                     FILE_READ_ATTRIBUTES, 0},
    [FileValidDataLengthInformation] = {0, IOP_LENGTH(FILE_VALID_DATA_LENGTH_INFORMATION), 0,
                                        FILE_WRITE_DATA},
    [FileDispositionInformationEx] = {0, IOP_LENGTH(FILE_DISPOSITION_INFORMATION_EX), 0, DELETE},
    [FileRenameInformationEx] = {0, IOP_LENGTH(FILE_RENAME_INFORMATION), 0, DELETE},
};

static const IOP_CLASS *IopFileClass(FILE_INFORMATION_CLASS Class)
{
    static const IOP_CLASS None = {0, 0, 0, 0};
    return (ULONG)Class < RTL_NUMBER_OF(IopFileClasses) ? &IopFileClasses[Class] : &None;
}

ULONG IopQueryFileLength(FILE_INFORMATION_CLASS Class)
{
    return IopFileClass(Class)->Query;
}

ULONG IopSetFileLength(FILE_INFORMATION_CLASS Class)
{
    return IopFileClass(Class)->Set;
}

ULONG IopQueryVolumeLength(FS_INFORMATION_CLASS Class)
{
    static const USHORT Lengths[] = {
        [FileFsVolumeInformation] = sizeof(FILE_FS_VOLUME_INFORMATION),
        [FileFsSizeInformation] = sizeof(FILE_FS_SIZE_INFORMATION),
        [FileFsDeviceInformation] = sizeof(FILE_FS_DEVICE_INFORMATION),
        [FileFsAttributeInformation] = sizeof(FILE_FS_ATTRIBUTE_INFORMATION),
        [FileFsFullSizeInformation] = sizeof(FILE_FS_FULL_SIZE_INFORMATION),
        [FileFsSectorSizeInformation] = sizeof(FILE_FS_SECTOR_SIZE_INFORMATION),
    };
    return (ULONG)Class < RTL_NUMBER_OF(Lengths) ? Lengths[Class] : 0;
}

ACCESS_MASK IopInformationAccess(UCHAR MajorFunction, FILE_INFORMATION_CLASS Class)
{
    return MajorFunction == IRP_MJ_QUERY_INFORMATION ? IopFileClass(Class)->QueryAccess
                                                     : IopFileClass(Class)->SetAccess;
}

#define IOP_MODE_OPTIONS                                                               \
    (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |      \
     FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE)

static ULONG IopModeOf(PFILE_OBJECT File)
{
    ULONG Mode = 0;
    Mode |= (File->Flags & FO_WRITE_THROUGH) ? FILE_WRITE_THROUGH : 0;
    Mode |= (File->Flags & FO_SEQUENTIAL_ONLY) ? FILE_SEQUENTIAL_ONLY : 0;
    Mode |= (File->Flags & FO_NO_INTERMEDIATE_BUFFERING) ? FILE_NO_INTERMEDIATE_BUFFERING : 0;
    if (File->Flags & FO_SYNCHRONOUS_IO) {
        Mode |= (File->Flags & FO_ALERTABLE_IO) ? FILE_SYNCHRONOUS_IO_ALERT
                                                : FILE_SYNCHRONOUS_IO_NONALERT;
    }
    return Mode | ((File->Flags & FO_DELETE_ON_CLOSE) ? FILE_DELETE_ON_CLOSE : 0);
}

/* What a driver is not asked. FALSE: the class is the driver's. */
static BOOLEAN IopAnswerQuery(PFILE_OBJECT File, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class,
                              PVOID Value, PULONG Bytes)
{
    *Bytes = IopQueryFileLength(Class);
    switch (Class) {
    case FileAccessInformation:
        ((PFILE_ACCESS_INFORMATION)Value)->AccessFlags = Granted;
        return TRUE;
    case FileModeInformation:
        ((PFILE_MODE_INFORMATION)Value)->Mode = IopModeOf(File);
        return TRUE;
    case FileAlignmentInformation:
        ((PFILE_ALIGNMENT_INFORMATION)Value)->AlignmentRequirement =
            File->DeviceObject->AlignmentRequirement;
        return TRUE;
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)Value)->CurrentByteOffset = File->CurrentByteOffset;
        return (File->Flags & FO_SYNCHRONOUS_IO) != 0;
    default:
        return FALSE;
    }
}

static NTSTATUS IopFinishQuery(PFILE_OBJECT File, ACCESS_MASK Granted, PVOID Buffer,
                               NTSTATUS Status)
{
    /* The parts of FileAllInformation that are the I/O manager's. */
    PFILE_ALL_INFORMATION All = Buffer;
    ULONG Values[3] = {Granted, IopModeOf(File), File->DeviceObject->AlignmentRequirement};
    if (NT_ERROR(Status)) {
        return Status;
    }
    NTSTATUS Copied = MmCopyGuarded(&All->AccessInformation, &Values[0], sizeof(ULONG));
    Copied = NT_SUCCESS(Copied) ? MmCopyGuarded(&All->ModeInformation, &Values[1], sizeof(ULONG))
                                : Copied;
    Copied = NT_SUCCESS(Copied)
                 ? MmCopyGuarded(&All->AlignmentInformation, &Values[2], sizeof(ULONG))
                 : Copied;
    return NT_SUCCESS(Copied) ? Status : Copied;
}

/* Least: of the class. */
static NTSTATUS IopCheckClass(ULONG Least, ULONG Length)
{
    if (Least == 0) {
        return STATUS_INVALID_INFO_CLASS;
    }
    return Length < Least ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

NTSTATUS IopQueryFile(PFILE_OBJECT File, const IOP_HANDLE_USE *Use, PVOID Buffer, ULONG Length,
                      FILE_INFORMATION_CLASS Class, PIO_STATUS_BLOCK IoStatus)
{
    FILE_POSITION_INFORMATION Value = {{.QuadPart = 0}}; /* the longest that is answered here */
    ACCESS_MASK Granted = Use != NULL ? Use->Granted : 0;
    ULONG Bytes;
    NTSTATUS Status = IopCheckClass(IopQueryFileLength(Class), Length);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (IopAnswerQuery(File, Granted, Class, &Value, &Bytes)) {
        Status = MmCopyGuarded(Buffer, &Value, Bytes);
        IoStatus->Status = Status;
        IoStatus->Information = NT_SUCCESS(Status) ? Bytes : 0;
        return Status;
    }
    IOP_REQUEST Request = {
        .File = File,
        .Unlocked = Use == NULL,
        .Mode = Use != NULL ? Use->Mode : KernelMode,
        .Wait = TRUE,
        .MajorFunction = IRP_MJ_QUERY_INFORMATION,
        .Code = (ULONG)Class,
        .Output = Buffer,
        .OutputLength = Length,
        .IoStatus = IoStatus,
    };
    Status = IopPerformRequest(&Request);
    return Class == FileAllInformation ? IopFinishQuery(File, Granted, Buffer, Status) : Status;
}

/* ---- by handle ---- */

/* Where the answer goes is in the caller's memory, and the request's status is the kernel's own. */
static NTSTATUS IopReferenceForClass(HANDLE Handle, UCHAR MajorFunction,
                                     FILE_INFORMATION_CLASS Class, PFILE_OBJECT *File,
                                     IOP_HANDLE_USE *Use)
{
    OBJECT_HANDLE_INFORMATION Information = {0};
    Use->Mode = ExGetPreviousMode();
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, IopInformationAccess(MajorFunction, Class),
                                  IoFileObjectType, Use->Mode, (PVOID *)File, &Information);
    Use->Granted = Information.GrantedAccess;
    return Status;
}

NTSTATUS NtQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                PVOID FileInformation, ULONG Length,
                                FILE_INFORMATION_CLASS FileInformationClass)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    IO_STATUS_BLOCK Result = {{STATUS_SUCCESS}, 0};
    IOP_HANDLE_USE Use;
    PFILE_OBJECT File;
    NTSTATUS Status = IopCheckClass(IopQueryFileLength(FileInformationClass), Length);
    if (NT_SUCCESS(Status)) {
        Status = ExProbeCaller(IoStatusBlock, sizeof(Result), sizeof(PVOID), Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = ExProbeCaller(FileInformation, Length, sizeof(ULONG), Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopReferenceForClass(FileHandle, IRP_MJ_QUERY_INFORMATION, FileInformationClass,
                                      &File, &Use);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IopQueryFile(File, &Use, FileInformation, Length, FileInformationClass, &Result);
    ObDereferenceObject(File);
    NTSTATUS Copied = ExCopyToCaller(IoStatusBlock, &Result, sizeof(Result), Mode);
    return NT_SUCCESS(Copied) ? Status : Copied;
}

NTSTATUS ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                PVOID FileInformation, ULONG Length,
                                FILE_INFORMATION_CLASS FileInformationClass)
{
    return KE_CALL_AS_KERNEL(NtQueryInformationFile(FileHandle, IoStatusBlock, FileInformation,
                                                    Length, FileInformationClass));
}

/* The position of a synchronous file, and the mode, which the driver need not know of. */
static BOOLEAN IopAnswerSet(PFILE_OBJECT File, const VOID *Buffer, FILE_INFORMATION_CLASS Class,
                            PNTSTATUS Status)
{
    *Status = STATUS_SUCCESS;
    if (Class == FilePositionInformation && (File->Flags & FO_SYNCHRONOUS_IO)) {
        LONGLONG Offset = ((const FILE_POSITION_INFORMATION *)Buffer)->CurrentByteOffset.QuadPart;
        ULONG Sector = File->DeviceObject->SectorSize;
        if (Offset < 0 || ((File->Flags & FO_NO_INTERMEDIATE_BUFFERING) && Sector != 0 &&
                           (Offset & (Sector - 1)) != 0)) {
            *Status = STATUS_INVALID_PARAMETER;
        } else {
            File->CurrentByteOffset.QuadPart = Offset;
        }
        return TRUE;
    }
    if (Class == FileModeInformation) {
        ULONG Mode = ((const FILE_MODE_INFORMATION *)Buffer)->Mode;
        ULONG Synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
        if ((Mode & ~(ULONG)IOP_MODE_OPTIONS) || (Mode & Synchronous) == Synchronous ||
            ((Mode & Synchronous) != 0) != ((File->Flags & FO_SYNCHRONOUS_IO) != 0)) {
            *Status = STATUS_INVALID_PARAMETER;
        } else {
            File->Flags &= ~(ULONG)(FO_WRITE_THROUGH | FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO);
            File->Flags |= (Mode & FILE_WRITE_THROUGH) ? FO_WRITE_THROUGH : 0;
            File->Flags |= (Mode & FILE_SEQUENTIAL_ONLY) ? FO_SEQUENTIAL_ONLY : 0;
            File->Flags |= (Mode & FILE_SYNCHRONOUS_IO_ALERT) ? FO_ALERTABLE_IO : 0;
        }
        return TRUE;
    }
    return FALSE;
}

/*
 * The directory a file is renamed into, opened for it; NULL: it stays where it is. User mode needs
 * access to it, and a handle of its own when it names a directory by one.
 */
static NTSTATUS IopOpenTarget(PFILE_OBJECT File, const FILE_RENAME_INFORMATION *Rename,
                              ULONG Length, KPROCESSOR_MODE Mode, PHANDLE Handle,
                              PFILE_OBJECT *Target)
{
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK IoStatus;
    UNICODE_STRING Name;

    *Handle = NULL;
    *Target = NULL;
    if (Rename->FileNameLength == 0 || (Rename->FileNameLength & 1) ||
        Rename->FileNameLength > UNICODE_STRING_MAX_BYTES ||
        Rename->FileNameLength > Length - offsetof(FILE_RENAME_INFORMATION, FileName)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Rename->FileName[0] != L'\\' && Rename->RootDirectory == NULL) {
        return STATUS_SUCCESS;
    }
    if (Mode != KernelMode && ObIsKernelHandle(Rename->RootDirectory)) {
        return STATUS_INVALID_HANDLE;
    }
    Name.Buffer = (PWCHAR)Rename->FileName;
    Name.Length = Name.MaximumLength = (USHORT)Rename->FileNameLength;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
                               Rename->RootDirectory, NULL);
    NTSTATUS Status = IoCreateFile(Handle, FILE_WRITE_DATA | SYNCHRONIZE, &Attributes, &IoStatus,
                                   NULL, 0,
                                   FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                   FILE_OPEN, FILE_OPEN_FOR_BACKUP_INTENT, NULL, 0, 0, NULL,
                                   IO_OPEN_TARGET_DIRECTORY | IO_NO_PARAMETER_CHECKING |
                                       (Mode != KernelMode ? IO_FORCE_ACCESS_CHECK : 0));
    if (!NT_SUCCESS(Status)) {
        *Handle = NULL;
        return Status;
    }
    Status = ObReferenceObjectByHandle(*Handle, 0, IoFileObjectType, KernelMode,
                                       (PVOID *)Target, NULL);
    if (NT_SUCCESS(Status) && IoGetRelatedDeviceObject(*Target) != IoGetRelatedDeviceObject(File)) {
        Status = STATUS_NOT_SAME_DEVICE;
    }
    return Status;
}

NTSTATUS IopSetFile(PFILE_OBJECT File, const IOP_HANDLE_USE *Use, PVOID Buffer, ULONG Length,
                    FILE_INFORMATION_CLASS Class, PIO_STATUS_BLOCK IoStatus)
{
    HANDLE Handle = NULL;
    NTSTATUS Status = IopCheckClass(IopSetFileLength(Class), Length);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (IopAnswerSet(File, Buffer, Class, &Status)) {
        IoStatus->Status = Status;
        IoStatus->Information = 0;
        return Status;
    }
    IOP_REQUEST Request = {
        .File = File,
        .Unlocked = Use == NULL,
        .Mode = Use != NULL ? Use->Mode : KernelMode,
        .Wait = TRUE,
        .MajorFunction = IRP_MJ_SET_INFORMATION,
        .Code = (ULONG)Class,
        .Output = Buffer,
        .OutputLength = Length,
        .IoStatus = IoStatus,
    };
    BOOLEAN Rename = Class == FileRenameInformation || Class == FileRenameInformationEx ||
                     Class == FileLinkInformation;
    if (Rename) {
        Request.ReplaceIfExists = ((PFILE_RENAME_INFORMATION)Buffer)->ReplaceIfExists;
        Status = IopOpenTarget(File, Buffer, Length, Request.Mode, &Handle, &Request.Target);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopPerformRequest(&Request);
    } else {
        IoStatus->Status = Status;
        IoStatus->Information = 0;
    }
    if (Request.Target != NULL) {
        ObDereferenceObject(Request.Target);
    }
    if (Handle != NULL) {
        ZwClose(Handle);
    }
    return Status;
}

NTSTATUS NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                              PVOID FileInformation, ULONG Length,
                              FILE_INFORMATION_CLASS FileInformationClass)
{
    KPROCESSOR_MODE Mode = ExGetPreviousMode();
    IO_STATUS_BLOCK Result = {{STATUS_SUCCESS}, 0};
    PVOID Captured = FileInformation;
    IOP_HANDLE_USE Use;
    PFILE_OBJECT File;
    NTSTATUS Status = IopCheckClass(IopSetFileLength(FileInformationClass), Length);
    if (NT_SUCCESS(Status)) {
        Status = ExProbeCaller(IoStatusBlock, sizeof(Result), sizeof(PVOID), Mode);
    }
    if (NT_SUCCESS(Status)) {
        Status = IopReferenceForClass(FileHandle, IRP_MJ_SET_INFORMATION, FileInformationClass,
                                      &File, &Use);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Mode != KernelMode) {
        Captured = ExAllocatePoolWithTag(NonPagedPoolNx, Length, IO_TAG_BUFFER);
        Status = Captured != NULL ? ExCopyFromCaller(Captured, FileInformation, Length, Mode)
                                  : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(Status)) {
        Status = IopSetFile(File, &Use, Captured, Length, FileInformationClass, &Result);
        NTSTATUS Copied = ExCopyToCaller(IoStatusBlock, &Result, sizeof(Result), Mode);
        Status = NT_SUCCESS(Copied) ? Status : Copied;
    }
    if (Mode != KernelMode && Captured != NULL) {
        ExFreePoolWithTag(Captured, IO_TAG_BUFFER);
    }
    ObDereferenceObject(File);
    return Status;
}

NTSTATUS ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                              PVOID FileInformation, ULONG Length,
                              FILE_INFORMATION_CLASS FileInformationClass)
{
    return KE_CALL_AS_KERNEL(NtSetInformationFile(FileHandle, IoStatusBlock, FileInformation,
                                                  Length, FileInformationClass));
}

/* ---- by file object, for file system filters; PASSIVE_LEVEL ---- */

NTSTATUS IoQueryFileInformation(PFILE_OBJECT FileObject, FILE_INFORMATION_CLASS Class,
                                ULONG Length, PVOID FileInformation, PULONG ReturnedLength)
{
    IO_STATUS_BLOCK IoStatus = {{STATUS_SUCCESS}, 0};
    NTSTATUS Status = IopQueryFile(FileObject, NULL, FileInformation, Length, Class,
                                   &IoStatus);
    *ReturnedLength = (ULONG)IoStatus.Information;
    return Status;
}

NTSTATUS IoSetInformation(PFILE_OBJECT FileObject, FILE_INFORMATION_CLASS Class, ULONG Length,
                          PVOID FileInformation)
{
    IO_STATUS_BLOCK IoStatus;
    return IopSetFile(FileObject, NULL, FileInformation, Length, Class, &IoStatus);
}
