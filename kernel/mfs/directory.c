/* SPDX-License-Identifier: MIT */
/*
 * IRP_MJ_DIRECTORY_CONTROL: the entries of a directory, in the order of their names, "." and ".."
 * first where it has a parent. The pattern of the first query of an open stays for all others. An
 * open remembers the name it gave last, not a place in a list, so that what is created or deleted
 * between two queries does no harm.
 *
 *   nothing matches, first query        STATUS_NO_SUCH_FILE
 *   nothing more                        STATUS_NO_MORE_FILES
 *   the first entry does not fit        as much of it as fits, STATUS_BUFFER_OVERFLOW
 */
#include "mfs/mfs.h"

/* How a class lays an entry out; the name's offset is the size of what comes before it. */
typedef struct _MFS_LAYOUT {
    FILE_INFORMATION_CLASS Class;
    USHORT Name;
    USHORT EaSize, Id; /* 0: the class has none */
} MFS_LAYOUT;

static const MFS_LAYOUT MfsLayouts[] = {
    {FileDirectoryInformation, offsetof(FILE_DIRECTORY_INFORMATION, FileName), 0, 0},
    {FileFullDirectoryInformation, offsetof(FILE_FULL_DIR_INFORMATION, FileName),
     offsetof(FILE_FULL_DIR_INFORMATION, EaSize), 0},
    {FileBothDirectoryInformation, offsetof(FILE_BOTH_DIR_INFORMATION, FileName),
     offsetof(FILE_BOTH_DIR_INFORMATION, EaSize), 0},
    {FileNamesInformation, offsetof(FILE_NAMES_INFORMATION, FileName), 0, 0},
    {FileIdBothDirectoryInformation, offsetof(FILE_ID_BOTH_DIR_INFORMATION, FileName),
     offsetof(FILE_ID_BOTH_DIR_INFORMATION, EaSize),
     offsetof(FILE_ID_BOTH_DIR_INFORMATION, FileId)},
    {FileIdFullDirectoryInformation, offsetof(FILE_ID_FULL_DIR_INFORMATION, FileName),
     offsetof(FILE_ID_FULL_DIR_INFORMATION, EaSize),
     offsetof(FILE_ID_FULL_DIR_INFORMATION, FileId)},
};

#define MFS_HEAD_BYTES 128u /* more than any class's part before the name */

static const MFS_LAYOUT *MfsFindLayout(FILE_INFORMATION_CLASS Class)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(MfsLayouts); i++) {
        if (MfsLayouts[i].Class == Class) {
            return &MfsLayouts[i];
        }
    }
    return NULL;
}

/* The part of an entry before its name. */
static VOID MfsFillHead(const MFS_LAYOUT *Layout, PMFS_NODE Node, ULONG NameLength, PUCHAR Head)
{
    RtlZeroMemory(Head, Layout->Name);
    if (Layout->Class == FileNamesInformation) {
        ((PFILE_NAMES_INFORMATION)Head)->FileNameLength = NameLength;
        return;
    }
    PFILE_DIRECTORY_INFORMATION Entry = (PFILE_DIRECTORY_INFORMATION)Head;
    Entry->CreationTime = Node->CreationTime;
    Entry->LastAccessTime = Node->LastAccessTime;
    Entry->LastWriteTime = Node->LastWriteTime;
    Entry->ChangeTime = Node->ChangeTime;
    Entry->EndOfFile = Node->Header.FileSize;
    Entry->AllocationSize = Node->Header.AllocationSize;
    Entry->FileAttributes = Node->Attributes != 0 ? Node->Attributes : FILE_ATTRIBUTE_NORMAL;
    Entry->FileNameLength = NameLength;
    if (Layout->Id != 0) {
        RtlCopyMemory(Head + Layout->Id, &Node->Id, sizeof(Node->Id));
    }
}

/* How far a search has come; its name is the open's or, within one request, a node's. */
typedef struct _MFS_PLACE {
    ULONG Dots;
    UNICODE_STRING Last;
} MFS_PLACE, *PMFS_PLACE;

/* The next entry that the pattern lets through; its name is Name. NULL: there is none. */
static PMFS_NODE MfsNextEntry(PMFS_REQUEST Request, PMFS_PLACE Place, PUNICODE_STRING Name)
{
    static const UNICODE_STRING Dots[] = {RTL_CONSTANT_STRING(L"."), RTL_CONSTANT_STRING(L"..")};
    PUNICODE_STRING Pattern = &Request->Open->Pattern;
    PMFS_NODE Directory = Request->Node, Node;

    do {
        if (Directory != MfsRoot && Place->Dots < RTL_NUMBER_OF(Dots)) {
            Node = Place->Dots == 0 ? Directory : Directory->Parent;
            *Name = Dots[Place->Dots++];
        } else {
            Node = MfsNextChild(Directory, &Place->Last, Place->Last.Length != 0);
            if (Node == NULL) {
                return NULL;
            }
            *Name = Place->Last = Node->Name;
        }
    } while (Pattern->Length != 0 && !FsRtlIsNameInExpression(Pattern, Name, TRUE, NULL));
    return Node;
}

/* One entry at To in the caller's buffer, of its name as much as Bytes says. */
static NTSTATUS MfsPutEntry(const MFS_LAYOUT *Layout, PMFS_NODE Node, PCUNICODE_STRING Name,
                            PUCHAR To, ULONG Bytes)
{
    DECLSPEC_ALIGN(8) UCHAR Head[MFS_HEAD_BYTES];
    MfsFillHead(Layout, Node, Name->Length, Head);
    NTSTATUS Status = MmCopyGuarded(To, Head, Layout->Name);
    return NT_SUCCESS(Status) ? MmCopyGuarded(To + Layout->Name, Name->Buffer, Bytes) : Status;
}

/*
 * MfsLock held exclusive: the open's place changes. Buffer is the caller's; Length holds at least
 * the part before the name. Entries begin at multiples of eight.
 */
static NTSTATUS MfsFillEntries(PMFS_REQUEST Request, const MFS_LAYOUT *Layout, PUCHAR Buffer,
                               ULONG Length, BOOLEAN Single)
{
    PMFS_OPEN Open = Request->Open;
    MFS_PLACE Place = {Open->Dots, {Open->LastLength, Open->LastLength, Open->Last}};
    ULONG Used = 0, Previous = 0, Count = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    while (Status == STATUS_SUCCESS && !(Single && Count == 1)) {
        UNICODE_STRING Name;
        MFS_PLACE Ahead = Place;
        PMFS_NODE Node = MfsNextEntry(Request, &Ahead, &Name);
        if (Node == NULL) {
            break;
        }
        ULONG At = (Used + 7) & ~7u, Bytes = Name.Length;
        if (At > Length || Layout->Name + Bytes > Length - At) {
            if (Count != 0) {
                break; /* the next query begins with it */
            }
            Bytes = Length - Layout->Name;
            Status = STATUS_BUFFER_OVERFLOW;
        }
        NTSTATUS Copied = MfsPutEntry(Layout, Node, &Name, Buffer + At, Bytes);
        if (NT_SUCCESS(Copied) && Count != 0) {
            ULONG Distance = At - Previous;
            Copied = MmCopyGuarded(Buffer + Previous, &Distance, sizeof(Distance));
        }
        if (!NT_SUCCESS(Copied)) {
            return Copied;
        }
        Place = Ahead;
        Previous = At;
        Used = At + Layout->Name + Bytes;
        Count++;
    }
    Open->Dots = Place.Dots;
    Open->LastLength = Place.Last.Length;
    RtlMoveMemory(Open->Last, Place.Last.Buffer, Place.Last.Length);
    Request->Information = Used;
    return Count == 0 ? STATUS_NO_MORE_FILES : Status;
}

/* The first query's pattern, in upper case as FsRtlIsNameInExpression wants it. */
static NTSTATUS MfsSetPattern(PMFS_OPEN Open, PCUNICODE_STRING Pattern)
{
    if (Pattern == NULL || Pattern->Length == 0 ||
        (Pattern->Length == sizeof(WCHAR) && Pattern->Buffer[0] == L'*')) {
        return STATUS_SUCCESS;
    }
    NTSTATUS Status = MfsCheckName(Pattern, TRUE);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Pattern->Length, MFS_TAG);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Open->Pattern = (UNICODE_STRING){Pattern->Length, Pattern->Length, Buffer};
    return RtlUpcaseUnicodeString(&Open->Pattern, Pattern, FALSE);
}

/* MfsLock held exclusive. */
static NTSTATUS MfsQueryEntries(PMFS_REQUEST Request, const MFS_LAYOUT *Layout, PVOID Buffer)
{
    PIO_STACK_LOCATION Stack = Request->Stack;
    PMFS_OPEN Open = Request->Open;
    BOOLEAN First = !(Open->Flags & MFS_OPEN_SEARCHED);

    if (!(Request->Node->Flags & MFS_IN_TREE)) {
        return STATUS_DELETE_PENDING;
    }
    if (First) {
        NTSTATUS Status = MfsSetPattern(Open, Stack->Parameters.QueryDirectory.FileName);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        Open->Flags |= MFS_OPEN_SEARCHED;
    }
    if (Stack->Flags & SL_RESTART_SCAN) {
        Open->Dots = 0;
        Open->LastLength = 0;
    }
    NTSTATUS Status = MfsFillEntries(Request, Layout, Buffer,
                                     Stack->Parameters.QueryDirectory.Length,
                                     (Stack->Flags & SL_RETURN_SINGLE_ENTRY) != 0);
    return Status == STATUS_NO_MORE_FILES && First ? STATUS_NO_SUCH_FILE : Status;
}

NTSTATUS MfsQueryDirectory(PMFS_REQUEST Request)
{
    PIO_STACK_LOCATION Stack = Request->Stack;
    PMDL Mdl = Request->Irp->MdlAddress;
    const MFS_LAYOUT *Layout = MfsFindLayout(Stack->Parameters.QueryDirectory.FileInformationClass);

    if (Stack->MinorFunction != IRP_MN_QUERY_DIRECTORY) {
        return STATUS_INVALID_DEVICE_REQUEST; /* changes are not told */
    }
    if ((Request->Node->Flags & MFS_VOLUME) || !MfsIsDirectory(Request->Node)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Layout == NULL) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Stack->Parameters.QueryDirectory.Length < Layout->Name) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    PVOID Buffer = Mdl != NULL ? MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority)
                               : Request->Irp->UserBuffer;
    if (Buffer == NULL && Mdl != NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MfsLockExclusive();
    NTSTATUS Status = MfsQueryEntries(Request, Layout, Buffer);
    MfsUnlock();
    return Status;
}
