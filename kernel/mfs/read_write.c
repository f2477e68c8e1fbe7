/* SPDX-License-Identifier: MIT */
/*
 * IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS. The buffer is the packet's MDL when it has one,
 * else its user buffer, in the context of the thread that asked.
 */
#include "mfs/mfs.h"

static NTSTATUS MfsBuffer(PMFS_REQUEST Request, PVOID *Buffer)
{
    PMDL Mdl = Request->Irp->MdlAddress;
    *Buffer = Mdl != NULL ? MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority)
                          : Request->Irp->UserBuffer;
    return *Buffer != NULL || Mdl == NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS MfsCheckTransfer(PMFS_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.Read.Length;
    LONGLONG Offset = Request->Stack->Parameters.Read.ByteOffset.QuadPart;
    BOOLEAN Paging = (Request->Irp->Flags & IRP_PAGING_IO) != 0;

    if ((Request->Node->Flags & MFS_VOLUME) || MfsIsDirectory(Request->Node)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if ((Request->File->Flags & FO_NO_INTERMEDIATE_BUFFERING) && !Paging &&
        ((Length | (ULONG)Offset) & (MFS_SECTOR_BYTES - 1)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    /* The services refuse it, but a driver's own packet may say anything. */
    return Offset < 0 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* A synchronous file's position moves with each transfer, but not with paging I/O. */
static VOID MfsMovePosition(PMFS_REQUEST Request, ULONG64 End)
{
    if ((Request->File->Flags & FO_SYNCHRONOUS_IO) && !(Request->Irp->Flags & IRP_PAGING_IO)) {
        Request->File->CurrentByteOffset.QuadPart = (LONGLONG)End;
    }
}

NTSTATUS MfsRead(PMFS_REQUEST Request)
{
    PMFS_NODE Node = Request->Node;
    ULONG64 Offset = (ULONG64)Request->Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Request->Stack->Parameters.Read.Length;
    PVOID Buffer;
    NTSTATUS Status = MfsCheckTransfer(Request);

    if (NT_SUCCESS(Status)) {
        Status = MfsBuffer(Request, &Buffer);
    }
    if (!NT_SUCCESS(Status) || Length == 0) {
        return Status;
    }
    MfsLockShared();
    ULONG64 Size = (ULONG64)Node->Header.FileSize.QuadPart;
    if (Offset >= Size) {
        Status = STATUS_END_OF_FILE;
    } else {
        Length = Length < Size - Offset ? Length : (ULONG)(Size - Offset);
        Status = MmCopyGuarded(Buffer, Node->Content + Offset, Length);
    }
    MfsUnlock();
    if (NT_SUCCESS(Status)) {
        Request->Information = Length;
        MfsMovePosition(Request, Offset + Length);
    }
    return Status;
}

/* MfsLock held exclusive. Paging I/O does not make a file longer. */
static NTSTATUS MfsWriteLocked(PMFS_REQUEST Request, PVOID Buffer, ULONG64 Offset, ULONG Length)
{
    PMFS_NODE Node = Request->Node;
    ULONG64 Size = (ULONG64)Node->Header.FileSize.QuadPart;

    if (Request->Irp->Flags & IRP_PAGING_IO) {
        Length = Offset >= Size ? 0 : Length < Size - Offset ? Length : (ULONG)(Size - Offset);
    }
    if (Length > (ULONG64)INT64_MAX - Offset) {
        return STATUS_INVALID_PARAMETER;
    }
    NTSTATUS Status = Offset + Length > Size && Length != 0
                          ? MfsSetFileSize(Node, Offset + Length)
                          : MfsOwnContent(Node);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MmCopyGuarded(Node->Content + Offset, Buffer, Length);
    if (!NT_SUCCESS(Status)) {
        if (Offset + Length > Size) {
            MfsSetFileSize(Node, Size); /* as it was: to cut cannot fail */
        }
        return Status;
    }
    if (!(Request->Open->Flags & MFS_OPEN_KEEP_WRITE_TIME)) {
        MfsQueryTime(&Node->LastWriteTime);
    }
    if (!(Request->Open->Flags & MFS_OPEN_KEEP_CHANGE_TIME)) {
        MfsQueryTime(&Node->ChangeTime);
    }
    Node->Attributes |= FILE_ATTRIBUTE_ARCHIVE;
    Request->File->Flags |= FO_FILE_MODIFIED | (Offset + Length > Size ? FO_FILE_SIZE_CHANGED : 0);
    Request->Information = Length;
    return STATUS_SUCCESS;
}

NTSTATUS MfsWrite(PMFS_REQUEST Request)
{
    LARGE_INTEGER Given = Request->Stack->Parameters.Write.ByteOffset;
    ULONG Length = Request->Stack->Parameters.Write.Length;
    BOOLEAN Append = (Given.LowPart == FILE_WRITE_TO_END_OF_FILE && Given.HighPart == -1) ||
                     (Request->Open->Access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) ==
                         FILE_APPEND_DATA;
    PVOID Buffer;

    if (Append) {
        Request->Stack->Parameters.Write.ByteOffset.QuadPart = 0;
    }
    NTSTATUS Status = MfsCheckTransfer(Request);
    if (NT_SUCCESS(Status)) {
        Status = MfsBuffer(Request, &Buffer);
    }
    if (!NT_SUCCESS(Status) || Length == 0) {
        return Status;
    }
    MfsLockExclusive();
    ULONG64 Offset = Append ? (ULONG64)Request->Node->Header.FileSize.QuadPart
                            : (ULONG64)Given.QuadPart;
    Status = MfsWriteLocked(Request, Buffer, Offset, Length);
    MfsUnlock();
    if (NT_SUCCESS(Status)) {
        MfsMovePosition(Request, Offset + Request->Information);
    }
    return Status;
}

/* There is nothing between the file and its memory. */
NTSTATUS MfsFlush(PMFS_REQUEST Request)
{
    return STATUS_SUCCESS;
}
