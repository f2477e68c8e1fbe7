/* SPDX-License-Identifier: MIT */
/* IRP_MJ_SET_INFORMATION: times and attributes, sizes, the position, deletion; rename.c. */
#include "mfs/mfs.h"

/* 0: stays, -1: stays and this open's own requests do not change it, -2: they do again. */
static VOID MfsSetTime(PMFS_REQUEST Request, const LARGE_INTEGER *Given, PLARGE_INTEGER Time,
                       ULONG KeepFlag)
{
    if (Given->QuadPart > 0) {
        *Time = *Given;
    }
    if (Given->QuadPart == -2) {
        Request->Open->Flags &= ~KeepFlag;
    } else if (Given->QuadPart != 0) {
        /* What was set by hand is not overwritten by the same open's writes, as documented. */
        Request->Open->Flags |= KeepFlag;
    }
}

static NTSTATUS MfsSetBasic(PMFS_REQUEST Request, const FILE_BASIC_INFORMATION *Basic)
{
    PMFS_NODE Node = Request->Node;
    ULONG Attributes = Basic->FileAttributes;

    if ((Attributes & ~FILE_ATTRIBUTE_VALID_FLAGS) ||
        ((Attributes & FILE_ATTRIBUTE_DIRECTORY) && !MfsIsDirectory(Node)) ||
        ((Attributes & FILE_ATTRIBUTE_TEMPORARY) && MfsIsDirectory(Node))) {
        return STATUS_INVALID_PARAMETER;
    }
    struct {
        const LARGE_INTEGER *Given;
        PLARGE_INTEGER Time;
        ULONG Flag;
    } Times[] = {
        {&Basic->CreationTime, &Node->CreationTime, 0},
        {&Basic->LastAccessTime, &Node->LastAccessTime, MFS_OPEN_KEEP_ACCESS_TIME},
        {&Basic->LastWriteTime, &Node->LastWriteTime, MFS_OPEN_KEEP_WRITE_TIME},
        {&Basic->ChangeTime, &Node->ChangeTime, MFS_OPEN_KEEP_CHANGE_TIME},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Times); i++) {
        if (Times[i].Given->QuadPart < -2) {
            return STATUS_INVALID_PARAMETER; /* nothing has changed */
        }
    }
    if (Basic->ChangeTime.QuadPart == 0 && !(Request->Open->Flags & MFS_OPEN_KEEP_CHANGE_TIME)) {
        MfsQueryTime(&Node->ChangeTime);
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(Times); i++) {
        MfsSetTime(Request, Times[i].Given, Times[i].Time, Times[i].Flag);
    }
    if (Attributes != 0) {
        Node->Attributes = (Attributes & FILE_ATTRIBUTE_VALID_SET_FLAGS &
                            ~(ULONG)FILE_ATTRIBUTE_NORMAL) |
                           (Node->Attributes & FILE_ATTRIBUTE_DIRECTORY);
        Request->File->Flags &= ~(ULONG)FO_TEMPORARY_FILE;
        Request->File->Flags |= (Attributes & FILE_ATTRIBUTE_TEMPORARY) ? FO_TEMPORARY_FILE : 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS MfsCheckDelete(PMFS_NODE Node, BOOLEAN IgnoreReadOnly)
{
    if (Node->Flags & (MFS_ROOT | MFS_VOLUME)) {
        return STATUS_CANNOT_DELETE;
    }
    if ((Node->Attributes & FILE_ATTRIBUTE_READONLY) && !IgnoreReadOnly) {
        return STATUS_CANNOT_DELETE;
    }
    return IsListEmpty(&Node->Children) ? STATUS_SUCCESS : STATUS_DIRECTORY_NOT_EMPTY;
}

static NTSTATUS MfsSetDelete(PMFS_REQUEST Request, BOOLEAN Delete, BOOLEAN IgnoreReadOnly)
{
    NTSTATUS Status = STATUS_SUCCESS;
    if (!Delete) {
        Request->Node->Flags &= ~(ULONG)MFS_DELETE_PENDING;
    } else {
        Status = MfsCheckDelete(Request->Node, IgnoreReadOnly);
        Request->Node->Flags |= NT_SUCCESS(Status) ? MFS_DELETE_PENDING : 0;
    }
    Request->File->DeletePending = (Request->Node->Flags & MFS_DELETE_PENDING) != 0;
    return Status;
}

static NTSTATUS MfsSetDisposition(PMFS_REQUEST Request, ULONG Flags)
{
    if (Flags & ~(ULONG)(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK |
                         FILE_DISPOSITION_ON_CLOSE |
                         FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)) {
        return STATUS_NOT_SUPPORTED; /* POSIX semantics: the name would go at once */
    }
    if (Flags & FILE_DISPOSITION_ON_CLOSE) {
        Request->Open->Flags &= ~(ULONG)MFS_OPEN_DELETE_ON_CLOSE;
        Request->Open->Flags |= (Flags & FILE_DISPOSITION_DELETE) ? MFS_OPEN_DELETE_ON_CLOSE : 0;
        return STATUS_SUCCESS;
    }
    return MfsSetDelete(Request, (Flags & FILE_DISPOSITION_DELETE) != 0,
                        (Flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE) != 0);
}

static NTSTATUS MfsSetSize(PMFS_REQUEST Request, LONGLONG Size, BOOLEAN Allocation)
{
    PMFS_NODE Node = Request->Node;
    if (MfsIsDirectory(Node) || Size < 0) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = Allocation ? MfsSetAllocation(Node, (ULONG64)Size)
                                 : MfsSetFileSize(Node, (ULONG64)Size);
    if (NT_SUCCESS(Status)) {
        if (!(Request->Open->Flags & MFS_OPEN_KEEP_WRITE_TIME)) {
            MfsQueryTime(&Node->LastWriteTime);
        }
        Request->File->Flags |= FO_FILE_SIZE_CHANGED;
    }
    return Status;
}

static NTSTATUS MfsSetPosition(PMFS_REQUEST Request, LONGLONG Offset)
{
    if (Offset < 0 || ((Request->File->Flags & FO_NO_INTERMEDIATE_BUFFERING) &&
                       (Offset & (MFS_SECTOR_BYTES - 1)) != 0)) {
        return STATUS_INVALID_PARAMETER;
    }
    Request->File->CurrentByteOffset.QuadPart = Offset;
    return STATUS_SUCCESS;
}

/* MfsLock held exclusive; Length is at least what the class's structure takes. */
static NTSTATUS MfsSetLocked(PMFS_REQUEST Request, PVOID Buffer, ULONG Length)
{
    PIO_STACK_LOCATION Stack = Request->Stack;
    switch (Stack->Parameters.SetFile.FileInformationClass) {
    case FileBasicInformation:
        return MfsSetBasic(Request, Buffer);
    case FileDispositionInformation:
        return MfsSetDelete(Request, ((PFILE_DISPOSITION_INFORMATION)Buffer)->DeleteFile, FALSE);
    case FileDispositionInformationEx:
        return MfsSetDisposition(Request, ((PFILE_DISPOSITION_INFORMATION_EX)Buffer)->Flags);
    case FilePositionInformation:
        return MfsSetPosition(Request,
                              ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset.QuadPart);
    case FileAllocationInformation:
        return MfsSetSize(Request,
                          ((PFILE_ALLOCATION_INFORMATION)Buffer)->AllocationSize.QuadPart, TRUE);
    case FileEndOfFileInformation:
        return Stack->Parameters.SetFile.AdvanceOnly
                   ? STATUS_SUCCESS /* the cache's own: there is none */
                   : MfsSetSize(Request,
                                ((PFILE_END_OF_FILE_INFORMATION)Buffer)->EndOfFile.QuadPart,
                                FALSE);
    case FileValidDataLengthInformation: {
        LONGLONG Valid = ((PFILE_VALID_DATA_LENGTH_INFORMATION)Buffer)->ValidDataLength.QuadPart;
        /* All of a file is valid here, and it can not be made less. */
        return MfsIsDirectory(Request->Node) || Valid != Request->Node->Header.FileSize.QuadPart
                   ? STATUS_INVALID_PARAMETER
                   : STATUS_SUCCESS;
    }
    case FileRenameInformation:
        return MfsRename(Request, Buffer, Length, Stack->Parameters.SetFile.ReplaceIfExists);
    case FileRenameInformationEx: {
        ULONG Flags = ((PFILE_RENAME_INFORMATION)Buffer)->Flags;
        return Flags & ~(ULONG)FILE_RENAME_REPLACE_IF_EXISTS
                   ? STATUS_NOT_SUPPORTED
                   : MfsRename(Request, Buffer, Length, Flags != 0);
    }
    case FileLinkInformation:
        return STATUS_INVALID_DEVICE_REQUEST; /* a file has one name, as on FAT */
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS MfsSet(PMFS_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.SetFile.Length;
    ULONG Least = IopSetFileLength(Request->Stack->Parameters.SetFile.FileInformationClass);
    NTSTATUS Status = MfsCheckInformation(Request, Length, Least);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Request->Node->Flags & MFS_VOLUME) {
        return STATUS_INVALID_PARAMETER;
    }
    MfsLockExclusive();
    Status = MfsSetLocked(Request, Request->Irp->AssociatedIrp.SystemBuffer, Length);
    MfsUnlock();
    return Status;
}
