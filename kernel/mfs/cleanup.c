/* SPDX-License-Identifier: MIT */
/*
 * The end of an open: IRP_MJ_CLEANUP when the last handle goes (sharing ends, a file marked for
 * deletion goes from its directory), IRP_MJ_CLOSE with the last reference (memory).
 */
#include "mfs/mfs.h"

NTSTATUS MfsCleanup(PMFS_REQUEST Request)
{
    PMFS_NODE Node = Request->Node;
    PMFS_OPEN Open = Request->Open;

    MfsLockExclusive();
    if (!(Open->Flags & MFS_OPEN_IGNORES_SHARING)) {
        IoRemoveShareAccess(Request->File, &Node->ShareAccess);
    }
    if ((Open->Flags & MFS_OPEN_DELETE_ON_CLOSE) && IsListEmpty(&Node->Children)) {
        Node->Flags |= MFS_DELETE_PENDING;
    }
    NT_VERIFY(Node->Opens != 0);
    Node->Opens--;
    if (Node->Opens == 0 && (Node->Flags & MFS_IN_TREE)) {
        if ((Node->Flags & MFS_DELETE_PENDING) && Node->Parent != NULL) {
            MfsRemoveNode(Node);
        } else {
            MfsTrimContent(Node);
        }
    }
    MfsUnlock();
    return STATUS_SUCCESS;
}

NTSTATUS MfsClose(PMFS_REQUEST Request)
{
    if (Request->Open->Pattern.Buffer != NULL) {
        ExFreePoolWithTag(Request->Open->Pattern.Buffer, MFS_TAG);
    }
    ExFreePoolWithTag(Request->Open, MFS_TAG);
    MfsLockExclusive();
    MfsDereferenceNode(Request->Node);
    MfsUnlock();
    return STATUS_SUCCESS;
}
