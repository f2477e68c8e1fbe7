/* SPDX-License-Identifier: MIT */
/*
 * IRP_MJ_CREATE: from a name to a node, and what the disposition makes of it.
 *
 *   disposition    the file is there            it is not
 *   SUPERSEDE      replaced, SUPERSEDED         made, CREATED
 *   OPEN           opened, OPENED               STATUS_OBJECT_NAME_NOT_FOUND
 *   CREATE         STATUS_OBJECT_NAME_COLLISION made, CREATED
 *   OPEN_IF        opened, OPENED               made, CREATED
 *   OVERWRITE      emptied, OVERWRITTEN         STATUS_OBJECT_NAME_NOT_FOUND
 *   OVERWRITE_IF   emptied, OVERWRITTEN         made, CREATED
 *
 * With SL_OPEN_TARGET_DIRECTORY the directory that the last component is in is opened, and the
 * file object's name becomes that component: what a rename asks for.
 */
#include "mfs/mfs.h"
#include "nt/security.h"

#define MFS_WRITES ((ACCESS_MASK)(FILE_WRITE_DATA | FILE_APPEND_DATA))

/* What a create is about, from the request. */
typedef struct _MFS_CREATE {
    UNICODE_STRING Path; /* what is left of it */
    PMFS_NODE Start;
    BOOLEAN TrailingSlash;
    ULONG Disposition, Options, Attributes;
    ACCESS_MASK Asked, Access; /* the same, but for MAXIMUM_ALLOWED: Access is what may be done */
    USHORT Share;
    BOOLEAN TargetDirectory, IgnoresSharing;
} MFS_CREATE, *PMFS_CREATE;

static NTSTATUS MfsStartOfPath(PMFS_REQUEST Request, PMFS_CREATE Create)
{
    PFILE_OBJECT Related = Request->File->RelatedFileObject;
    PUNICODE_STRING Path = &Create->Path;

    *Path = Request->File->FileName;
    Create->Start = MfsRoot;
    if (Related != NULL) {
        Create->Start = Related->FsContext;
        if (Create->Start == NULL || Create->Start->Header.NodeTypeCode != MFS_NODE_TYPE ||
            (Create->Start->Flags & MFS_VOLUME)) {
            return STATUS_INVALID_PARAMETER;
        }
        if (Path->Length != 0 && Path->Buffer[0] == L'\\') {
            return STATUS_INVALID_PARAMETER;
        }
        if (Path->Length != 0 && !MfsIsDirectory(Create->Start)) {
            return STATUS_OBJECT_PATH_NOT_FOUND;
        }
        if (!(Create->Start->Flags & MFS_IN_TREE)) {
            return STATUS_DELETE_PENDING;
        }
    } else if (Path->Length != 0 && Path->Buffer[0] != L'\\') {
        return STATUS_INVALID_PARAMETER;
    }
    if (Path->Length != 0 && Path->Buffer[0] == L'\\') {
        Path->Buffer++;
        Path->Length -= sizeof(WCHAR);
    }
    /* Of a backslash that is all of the rest, the component before it is empty: MfsWalk says so. */
    if (Path->Length > sizeof(WCHAR) && Path->Buffer[Path->Length / sizeof(WCHAR) - 1] == L'\\') {
        Path->Length -= sizeof(WCHAR);
        Create->TrailingSlash = TRUE;
    }
    return STATUS_SUCCESS;
}

/*
 * Walks to the directory that the last component is in. *Node is what has that name, or NULL;
 * Last is empty when the path is that of Start itself.
 */
static NTSTATUS MfsWalk(PMFS_CREATE Create, PMFS_NODE *Directory, PMFS_NODE *Node,
                        PUNICODE_STRING Last)
{
    UNICODE_STRING Rest = Create->Path;
    *Directory = NULL;
    *Node = Create->Start;
    *Last = (UNICODE_STRING){0, 0, NULL};
    while (Rest.Length != 0) {
        UNICODE_STRING All = Rest;
        if (*Node == NULL || !MfsIsDirectory(*Node)) {
            return STATUS_OBJECT_PATH_NOT_FOUND;
        }
        if (All.Buffer[0] == L'\\') {
            return STATUS_OBJECT_NAME_INVALID; /* an empty component */
        }
        FsRtlDissectName(All, Last, &Rest);
        NTSTATUS Status = MfsCheckName(Last, FALSE);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        *Directory = *Node;
        *Node = MfsFindChild(*Directory, Last);
    }
    return STATUS_SUCCESS;
}

/* A file or directory that is there may be opened like this. */
static NTSTATUS MfsCheckOpen(PMFS_CREATE Create, PMFS_NODE Node)
{
    BOOLEAN Directory = MfsIsDirectory(Node);
    BOOLEAN Replaces = Create->Disposition == FILE_SUPERSEDE ||
                       Create->Disposition == FILE_OVERWRITE ||
                       Create->Disposition == FILE_OVERWRITE_IF;
    ULONG Kept = Node->Attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);

    if (Node->Flags & MFS_DELETE_PENDING) {
        return STATUS_DELETE_PENDING;
    }
    if (Create->Disposition == FILE_CREATE) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (Directory && (Create->Options & FILE_NON_DIRECTORY_FILE)) {
        return STATUS_FILE_IS_A_DIRECTORY;
    }
    if (!Directory && (Create->Options & FILE_DIRECTORY_FILE)) {
        return STATUS_NOT_A_DIRECTORY;
    }
    if (!Directory && Create->TrailingSlash) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Directory && Replaces) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (!Directory && (Node->Attributes & FILE_ATTRIBUTE_READONLY)) {
        if (Replaces || (Create->Asked & MFS_WRITES)) {
            return STATUS_ACCESS_DENIED;
        }
        Create->Access &= ~MFS_WRITES; /* of MAXIMUM_ALLOWED */
    }
    /* Documented: a hidden or system file is overwritten only by one who knows what it is. */
    if (Replaces && (Create->Attributes & Kept) != Kept) {
        return STATUS_ACCESS_DENIED;
    }
    if (Create->Options & FILE_DELETE_ON_CLOSE) {
        return MfsCheckDelete(Node, FALSE);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS MfsReplace(PMFS_CREATE Create, PMFS_NODE Node, ULONG64 Allocation)
{
    NTSTATUS Status = MfsSetAllocation(Node, 0);
    if (NT_SUCCESS(Status) && Allocation != 0) {
        Status = MfsSetAllocation(Node, Allocation);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Create->Disposition == FILE_SUPERSEDE) {
        Node->Attributes = 0;
        MfsQueryTime(&Node->CreationTime);
    }
    Node->Attributes |= (Create->Attributes & FILE_ATTRIBUTE_VALID_SET_FLAGS &
                         ~(ULONG)FILE_ATTRIBUTE_NORMAL) | FILE_ATTRIBUTE_ARCHIVE;
    MfsQueryTime(&Node->LastWriteTime);
    Node->ChangeTime = Node->LastWriteTime;
    return STATUS_SUCCESS;
}

static NTSTATUS MfsMakeNode(PMFS_CREATE Create, PMFS_NODE Directory, PCUNICODE_STRING Name,
                            ULONG64 Allocation, PMFS_NODE *Node)
{
    BOOLEAN IsDirectory = (Create->Options & FILE_DIRECTORY_FILE) != 0;
    ULONG Attributes = Create->Attributes & FILE_ATTRIBUTE_VALID_SET_FLAGS;

    if (Create->Disposition == FILE_OPEN || Create->Disposition == FILE_OVERWRITE) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (Create->TrailingSlash && !IsDirectory) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Directory->Flags & MFS_DELETE_PENDING) {
        return STATUS_DELETE_PENDING;
    }
    if ((Create->Options & FILE_DELETE_ON_CLOSE) && (Attributes & FILE_ATTRIBUTE_READONLY)) {
        return STATUS_CANNOT_DELETE;
    }
    NTSTATUS Status = MfsCreateNode(
        Directory, Name, Attributes | (IsDirectory ? FILE_ATTRIBUTE_DIRECTORY
                                                   : FILE_ATTRIBUTE_ARCHIVE), Node);
    if (NT_SUCCESS(Status) && !IsDirectory && Allocation != 0) {
        Status = MfsSetAllocation(*Node, Allocation);
        if (!NT_SUCCESS(Status)) {
            MfsRemoveNode(*Node);
        }
    }
    return Status;
}

/* The file object becomes an open of the node. Sharing has been settled. */
static VOID MfsAttachFile(PMFS_REQUEST Request, const MFS_CREATE *Create, PMFS_NODE Node,
                          PMFS_OPEN Open)
{
    PFILE_OBJECT File = Request->File;
    PACCESS_STATE State = Request->Stack->Parameters.Create.SecurityContext->AccessState;
    RtlZeroMemory(Open, sizeof(*Open));
    if ((Create->Asked & MAXIMUM_ALLOWED) && State != NULL) {
        State->PreviouslyGrantedAccess = Create->Access;
        State->RemainingDesiredAccess = 0;
    }
    Open->Access = Create->Access;
    Open->Flags = ((Create->Options & FILE_DELETE_ON_CLOSE) ? MFS_OPEN_DELETE_ON_CLOSE : 0) |
                  (Create->IgnoresSharing ? MFS_OPEN_IGNORES_SHARING : 0);
    Node->References++;
    Node->Opens++;
    File->FsContext = Node;
    File->FsContext2 = Open;
    File->SectionObjectPointer = &Node->SectionPointers;
    File->Flags |= (Create->Options & FILE_DELETE_ON_CLOSE) ? FO_DELETE_ON_CLOSE : 0;
    File->Vpb = MfsDiskDevice->Vpb;
}

static NTSTATUS MfsShare(PMFS_REQUEST Request, const MFS_CREATE *Create, PMFS_NODE Node,
                         BOOLEAN First)
{
    if (Create->IgnoresSharing) {
        return STATUS_SUCCESS;
    }
    if (First) {
        IoSetShareAccess(Create->Access, Create->Share, Request->File, &Node->ShareAccess);
        return STATUS_SUCCESS;
    }
    return IoCheckShareAccess(Create->Access, Create->Share, Request->File, &Node->ShareAccess,
                              TRUE);
}

static NTSTATUS MfsOpenExisting(PMFS_REQUEST Request, PMFS_CREATE Create, PMFS_NODE Node,
                                PMFS_OPEN Open)
{
    NTSTATUS Status = MfsCheckOpen(Create, Node);
    if (NT_SUCCESS(Status)) {
        Status = MfsShare(Request, Create, Node, FALSE);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Request->Information = FILE_OPENED;
    if (Create->Disposition == FILE_SUPERSEDE || Create->Disposition == FILE_OVERWRITE ||
        Create->Disposition == FILE_OVERWRITE_IF) {
        Status = MfsReplace(Create, Node, (ULONG64)Request->Irp->Overlay.AllocationSize.QuadPart);
        Request->Information =
            Create->Disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED : FILE_OVERWRITTEN;
    }
    if (!NT_SUCCESS(Status)) {
        if (!Create->IgnoresSharing) {
            IoRemoveShareAccess(Request->File, &Node->ShareAccess);
        }
        return Status;
    }
    MfsAttachFile(Request, Create, Node, Open);
    return STATUS_SUCCESS;
}

/* What is opened is Directory; the file object's name becomes Last. */
static NTSTATUS MfsOpenTarget(PMFS_REQUEST Request, PMFS_CREATE Create, PMFS_NODE Directory,
                              PMFS_NODE Node, PCUNICODE_STRING Last, PMFS_OPEN Open)
{
    PUNICODE_STRING Name = &Request->File->FileName;
    if (Directory == NULL) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    Create->Disposition = FILE_OPEN;
    Create->Options &= ~(ULONG)(FILE_NON_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE);
    NTSTATUS Status = MfsOpenExisting(Request, Create, Directory, Open);
    if (NT_SUCCESS(Status)) {
        RtlMoveMemory(Name->Buffer, Last->Buffer, Last->Length);
        Name->Length = Last->Length;
        Request->Information = Node != NULL ? FILE_EXISTS : FILE_DOES_NOT_EXIST;
    }
    return Status;
}

static NTSTATUS MfsOpenVolume(PMFS_REQUEST Request, PMFS_CREATE Create, PMFS_OPEN Open)
{
    if (Create->Options & (FILE_DIRECTORY_FILE | FILE_DELETE_ON_CLOSE)) {
        return STATUS_NOT_A_DIRECTORY;
    }
    if (Create->Disposition != FILE_OPEN && Create->Disposition != FILE_OPEN_IF) {
        return STATUS_ACCESS_DENIED;
    }
    NTSTATUS Status = MfsShare(Request, Create, MfsVolumeNode, MfsVolumeNode->Opens == 0);
    if (NT_SUCCESS(Status)) {
        MfsAttachFile(Request, Create, MfsVolumeNode, Open);
        Request->File->Flags |= FO_VOLUME_OPEN;
        Request->Information = FILE_OPENED;
    }
    return Status;
}

/* MfsLock held exclusive. */
static NTSTATUS MfsCreateLocked(PMFS_REQUEST Request, PMFS_CREATE Create, PMFS_OPEN Open)
{
    PMFS_NODE Directory, Node;
    UNICODE_STRING Last;

    if (Request->File->FileName.Length == 0 && Request->File->RelatedFileObject == NULL) {
        return MfsOpenVolume(Request, Create, Open);
    }
    NTSTATUS Status = MfsStartOfPath(Request, Create);
    if (NT_SUCCESS(Status)) {
        Status = MfsWalk(Create, &Directory, &Node, &Last);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Create->TargetDirectory) {
        return MfsOpenTarget(Request, Create, Directory, Node, &Last, Open);
    }
    if (Node != NULL) {
        return MfsOpenExisting(Request, Create, Node, Open);
    }
    Status = MfsMakeNode(Create, Directory, &Last,
                         (ULONG64)Request->Irp->Overlay.AllocationSize.QuadPart, &Node);
    if (NT_SUCCESS(Status)) {
        NT_VERIFY(NT_SUCCESS(MfsShare(Request, Create, Node, TRUE)));
        MfsAttachFile(Request, Create, Node, Open);
        Request->Information = FILE_CREATED;
    }
    return Status;
}

static NTSTATUS MfsReadParameters(PMFS_REQUEST Request, PMFS_CREATE Create)
{
    PIO_STACK_LOCATION Stack = Request->Stack;
    *Create = (MFS_CREATE){
        .Disposition = Stack->Parameters.Create.Options >> 24,
        .Options = Stack->Parameters.Create.Options & FILE_VALID_OPTION_FLAGS,
        .Attributes = Stack->Parameters.Create.FileAttributes,
        .Asked = Stack->Parameters.Create.SecurityContext->DesiredAccess,
        .Share = Stack->Parameters.Create.ShareAccess,
        .TargetDirectory = (Stack->Flags & SL_OPEN_TARGET_DIRECTORY) != 0,
        .IgnoresSharing = IoIsFileObjectIgnoringSharing(Request->File),
    };
    Create->Access = (Create->Asked & MAXIMUM_ALLOWED)
                         ? (Create->Asked & ~(ACCESS_MASK)MAXIMUM_ALLOWED) | FILE_ALL_ACCESS
                         : Create->Asked;
    if (Create->Options & FILE_OPEN_BY_FILE_ID) {
        return STATUS_NOT_SUPPORTED;
    }
    if (Stack->Parameters.Create.EaLength != 0) {
        return STATUS_EAS_NOT_SUPPORTED;
    }
    if (Request->Irp->Overlay.AllocationSize.QuadPart < 0 ||
        ((Create->Options & FILE_DIRECTORY_FILE) &&
         (Create->Attributes & FILE_ATTRIBUTE_TEMPORARY))) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

NTSTATUS MfsCreate(PMFS_REQUEST Request)
{
    MFS_CREATE Create;
    NTSTATUS Status = MfsReadParameters(Request, &Create);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PMFS_OPEN Open = ExAllocatePoolWithTag(PagedPool, sizeof(*Open), MFS_TAG);
    if (Open == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MfsLockExclusive();
    Status = MfsCreateLocked(Request, &Create, Open);
    MfsUnlock();
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Open, MFS_TAG);
    }
    return Status;
}
