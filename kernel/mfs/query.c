/* SPDX-License-Identifier: MIT */
/*
 * IRP_MJ_QUERY_INFORMATION. The buffer is the packet's system buffer. A name that does not fit is
 * given in part, with STATUS_BUFFER_OVERFLOW and its whole length, as documented. What the I/O
 * manager knows better (access, mode, alignment) it answers itself.
 */
#include "mfs/mfs.h"

static VOID MfsFillBasic(PMFS_NODE Node, PFILE_BASIC_INFORMATION Basic)
{
    Basic->CreationTime = Node->CreationTime;
    Basic->LastAccessTime = Node->LastAccessTime;
    Basic->LastWriteTime = Node->LastWriteTime;
    Basic->ChangeTime = Node->ChangeTime;
    Basic->FileAttributes = Node->Attributes != 0 ? Node->Attributes : FILE_ATTRIBUTE_NORMAL;
}

static VOID MfsFillStandard(PMFS_NODE Node, PFILE_STANDARD_INFORMATION Standard)
{
    Standard->AllocationSize = Node->Header.AllocationSize;
    Standard->EndOfFile = Node->Header.FileSize;
    Standard->DeletePending = (Node->Flags & MFS_DELETE_PENDING) != 0;
    Standard->NumberOfLinks = (Node->Flags & MFS_IN_TREE) && !Standard->DeletePending ? 1 : 0;
    Standard->Directory = MfsIsDirectory(Node);
}

static VOID MfsFillNetworkOpen(PMFS_NODE Node, PFILE_NETWORK_OPEN_INFORMATION Open)
{
    FILE_BASIC_INFORMATION Basic;
    MfsFillBasic(Node, &Basic);
    Open->CreationTime = Basic.CreationTime;
    Open->LastAccessTime = Basic.LastAccessTime;
    Open->LastWriteTime = Basic.LastWriteTime;
    Open->ChangeTime = Basic.ChangeTime;
    Open->AllocationSize = Node->Header.AllocationSize;
    Open->EndOfFile = Node->Header.FileSize;
    Open->FileAttributes = Basic.FileAttributes;
}

/* Name has room for Length bytes of text behind its count. */
static NTSTATUS MfsFillName(PMFS_NODE Node, PFILE_NAME_INFORMATION Name, ULONG Length,
                            PULONG_PTR Written)
{
    ULONG Bytes = MfsBuildPath(Node, NULL);
    Name->FileNameLength = Bytes;
    *Written = Bytes < Length ? Bytes : Length;
    if (Bytes <= Length) {
        MfsBuildPath(Node, (PCHAR)Name->FileName + Bytes);
        return STATUS_SUCCESS;
    }
    PCHAR Whole = ExAllocatePoolWithTag(PagedPool, Bytes, MFS_TAG);
    if (Whole == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MfsBuildPath(Node, Whole + Bytes);
    RtlCopyMemory(Name->FileName, Whole, Length);
    ExFreePoolWithTag(Whole, MFS_TAG);
    return STATUS_BUFFER_OVERFLOW;
}

static NTSTATUS MfsFillStream(PMFS_NODE Node, PFILE_STREAM_INFORMATION Stream, ULONG Length,
                              PULONG_PTR Written)
{
    static const WCHAR Data[] = L"::$DATA";
    ULONG Head = offsetof(FILE_STREAM_INFORMATION, StreamName), Text = sizeof(Data) - sizeof(WCHAR);
    *Written = 0;
    if (MfsIsDirectory(Node)) {
        return STATUS_SUCCESS; /* a directory has no streams */
    }
    if (Length < Head + Text) {
        return STATUS_BUFFER_OVERFLOW;
    }
    Stream->NextEntryOffset = 0;
    Stream->StreamNameLength = Text;
    Stream->StreamSize = Node->Header.FileSize;
    Stream->StreamAllocationSize = Node->Header.AllocationSize;
    RtlCopyMemory(Stream->StreamName, Data, Text);
    *Written = Head + Text;
    return STATUS_SUCCESS;
}

static NTSTATUS MfsFillAll(PMFS_REQUEST Request, PFILE_ALL_INFORMATION All, ULONG Length)
{
    ULONG Head = offsetof(FILE_ALL_INFORMATION, NameInformation.FileName);
    ULONG_PTR Written;
    MfsFillBasic(Request->Node, &All->BasicInformation);
    MfsFillStandard(Request->Node, &All->StandardInformation);
    All->InternalInformation.IndexNumber.QuadPart = (LONGLONG)Request->Node->Id;
    All->EaInformation.EaSize = 0;
    All->PositionInformation.CurrentByteOffset = Request->File->CurrentByteOffset;
    NTSTATUS Status = MfsFillName(Request->Node, &All->NameInformation, Length - Head, &Written);
    Request->Information = Head + Written;
    return Status;
}

/* MfsLock held shared; Length is at least what the class's structure takes. */
static NTSTATUS MfsQueryLocked(PMFS_REQUEST Request, PVOID Buffer, ULONG Length)
{
    PMFS_NODE Node = Request->Node;
    NTSTATUS Status = STATUS_SUCCESS;
    FILE_INFORMATION_CLASS Class = Request->Stack->Parameters.QueryFile.FileInformationClass;

    Request->Information = IopQueryFileLength(Class);
    switch (Class) {
    case FileBasicInformation:
        MfsFillBasic(Node, Buffer);
        break;
    case FileStandardInformation:
        MfsFillStandard(Node, Buffer);
        break;
    case FileInternalInformation:
        ((PFILE_INTERNAL_INFORMATION)Buffer)->IndexNumber.QuadPart = (LONGLONG)Node->Id;
        break;
    case FileEaInformation:
        ((PFILE_EA_INFORMATION)Buffer)->EaSize = 0;
        break;
    case FilePositionInformation:
        ((PFILE_POSITION_INFORMATION)Buffer)->CurrentByteOffset =
            Request->File->CurrentByteOffset;
        break;
    case FileNetworkOpenInformation:
        MfsFillNetworkOpen(Node, Buffer);
        break;
    case FileAttributeTagInformation:
        ((PFILE_ATTRIBUTE_TAG_INFORMATION)Buffer)->FileAttributes =
            Node->Attributes != 0 ? Node->Attributes : FILE_ATTRIBUTE_NORMAL;
        ((PFILE_ATTRIBUTE_TAG_INFORMATION)Buffer)->ReparseTag = 0;
        break;
    case FileNameInformation: {
        ULONG Head = offsetof(FILE_NAME_INFORMATION, FileName);
        ULONG_PTR Written;
        Status = MfsFillName(Node, Buffer, Length - Head, &Written);
        Request->Information = Head + Written;
        break;
    }
    case FileAllInformation:
        Status = MfsFillAll(Request, Buffer, Length);
        break;
    case FileStreamInformation:
        Status = MfsFillStream(Node, Buffer, Length, &Request->Information);
        break;
    default:
        Status = STATUS_INVALID_PARAMETER; /* documented of what a file system has not */
        break;
    }
    return Status;
}

NTSTATUS MfsQuery(PMFS_REQUEST Request)
{
    ULONG Length = Request->Stack->Parameters.QueryFile.Length;
    ULONG Least = IopQueryFileLength(Request->Stack->Parameters.QueryFile.FileInformationClass);
    NTSTATUS Status = MfsCheckInformation(Request, Length, Least);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Request->Node->Flags & MFS_VOLUME) {
        return STATUS_INVALID_PARAMETER;
    }
    MfsLockShared();
    Status = MfsQueryLocked(Request, Request->Irp->AssociatedIrp.SystemBuffer, Length);
    MfsUnlock();
    return Status;
}
