/* SPDX-License-Identifier: MIT */
/*
 * Another name, in the same directory or another. For another directory the I/O manager has opened
 * it (SL_OPEN_TARGET_DIRECTORY) and hands its file object over, whose name is the new name's last
 * component.
 */
#include "mfs/mfs.h"

/* Something below the directory is open: NTFS does not rename it then. */
static BOOLEAN MfsIsOpenBelow(PMFS_NODE Directory)
{
    for (PMFS_NODE Node = MfsNextBelow(Directory, Directory); Node != NULL;
         Node = MfsNextBelow(Directory, Node)) {
        if (Node->Opens != 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Where the node goes and what it is called there. */
static NTSTATUS MfsTargetOf(PMFS_REQUEST Request, const FILE_RENAME_INFORMATION *Rename,
                            PMFS_NODE *Directory, PUNICODE_STRING Name)
{
    PFILE_OBJECT Target = Request->Stack->Parameters.SetFile.FileObject;
    if (Target == NULL) {
        *Directory = Request->Node->Parent;
        Name->Buffer = (PWCHAR)Rename->FileName;
        Name->Length = Name->MaximumLength = (USHORT)Rename->FileNameLength;
        return STATUS_SUCCESS;
    }
    *Directory = Target->FsContext;
    if (*Directory == NULL || (*Directory)->Header.NodeTypeCode != MFS_NODE_TYPE ||
        !MfsIsDirectory(*Directory)) {
        return STATUS_INVALID_PARAMETER;
    }
    *Name = Target->FileName;
    /* Who opened it otherwise than for this has the whole path in its name. */
    for (ULONG i = Name->Length / sizeof(WCHAR); i != 0; i--) {
        if (Name->Buffer[i - 1] == L'\\') {
            Name->Buffer += i;
            Name->Length = (USHORT)(Name->Length - i * sizeof(WCHAR));
            break;
        }
    }
    return STATUS_SUCCESS;
}

/* What has the new name already, and may go; NULL: nothing has. */
static NTSTATUS MfsFindReplaced(PMFS_NODE Node, PMFS_NODE Directory, PCUNICODE_STRING Name,
                                BOOLEAN Replace, PMFS_NODE *Replaced)
{
    PMFS_NODE Existing = MfsFindChild(Directory, Name);
    *Replaced = NULL;
    if (Existing == NULL || Existing == Node) {
        return STATUS_SUCCESS; /* its own name may change in case */
    }
    if (!Replace) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    if (MfsIsDirectory(Existing) || Existing->Opens != 0 ||
        (Existing->Attributes & FILE_ATTRIBUTE_READONLY)) {
        return STATUS_ACCESS_DENIED;
    }
    *Replaced = Existing;
    return STATUS_SUCCESS;
}

NTSTATUS MfsRename(PMFS_REQUEST Request, const FILE_RENAME_INFORMATION *Rename, ULONG Length,
                   BOOLEAN Replace)
{
    PMFS_NODE Node = Request->Node, Directory, Replaced;
    UNICODE_STRING Name;

    if (Rename->FileNameLength > Length - offsetof(FILE_RENAME_INFORMATION, FileName) ||
        (Rename->FileNameLength & 1) || Rename->FileNameLength > UNICODE_STRING_MAX_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Node->Flags & MFS_ROOT) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!(Node->Flags & MFS_IN_TREE) || (Node->Flags & MFS_DELETE_PENDING)) {
        return STATUS_ACCESS_DENIED;
    }
    NTSTATUS Status = MfsTargetOf(Request, Rename, &Directory, &Name);
    if (NT_SUCCESS(Status)) {
        Status = MfsCheckName(&Name, FALSE);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (PMFS_NODE Above = Directory; Above != NULL; Above = Above->Parent) {
        if (Above == Node) {
            return STATUS_INVALID_PARAMETER; /* a directory into itself */
        }
    }
    if (!(Directory->Flags & MFS_IN_TREE) || (Directory->Flags & MFS_DELETE_PENDING)) {
        return STATUS_DELETE_PENDING;
    }
    if (MfsIsDirectory(Node) && MfsIsOpenBelow(Node)) {
        return STATUS_ACCESS_DENIED;
    }
    Status = MfsFindReplaced(Node, Directory, &Name, Replace, &Replaced);
    return NT_SUCCESS(Status) ? MfsMoveNode(Node, Directory, &Name, Replaced) : Status;
}
