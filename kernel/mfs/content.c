/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file: one block of paged pool, which grows by half its size when it must, so that
 * a file written piece by piece is copied a bounded number of times. What is behind the end of the
 * file is zero, so that a file that grows shows zeros.
 */
#include "mfs/mfs.h"

ULONG MfsUsedClusters;

static ULONG64 MfsRoundUp(ULONG64 Bytes)
{
    return (Bytes + MFS_CLUSTER_BYTES - 1) & ~(ULONG64)(MFS_CLUSTER_BYTES - 1);
}

VOID MfsFreeContent(PMFS_NODE Node)
{
    if (Node->Content != NULL && !(Node->Flags & MFS_ARCHIVED)) {
        ExFreePoolWithTag(Node->Content, MFS_TAG_VOLUME);
    }
    MfsUsedClusters -= (ULONG)(Node->Header.AllocationSize.QuadPart / MFS_CLUSTER_BYTES);
    Node->Content = NULL;
    Node->Header.AllocationSize.QuadPart = 0;
    Node->Flags &= ~(ULONG)MFS_ARCHIVED;
}

/* Another block, of Room bytes (rounded up already); the content that fits is kept. */
static NTSTATUS MfsReplaceContent(PMFS_NODE Node, ULONG64 Room)
{
    ULONG64 Old = (ULONG64)Node->Header.AllocationSize.QuadPart;
    ULONG64 Keep = (ULONG64)Node->Header.FileSize.QuadPart;
    ULONG64 Others = MfsUsedClusters - Old / MFS_CLUSTER_BYTES;
    PUCHAR New = NULL;

    if (Room / MFS_CLUSTER_BYTES > MFS_CLUSTERS - Others) {
        return STATUS_DISK_FULL;
    }
    if (Room != 0) {
        New = ExAllocatePoolWithTag(PagedPool, Room, MFS_TAG_VOLUME);
        if (New == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        Keep = Keep < Room ? Keep : Room;
        RtlCopyMemory(New, Node->Content, Keep);
        RtlZeroMemory(New + Keep, Room - Keep);
    }
    MfsFreeContent(Node);
    Node->Content = New;
    Node->Header.AllocationSize.QuadPart = (LONGLONG)Room;
    MfsUsedClusters += (ULONG)(Room / MFS_CLUSTER_BYTES);
    return STATUS_SUCCESS;
}

NTSTATUS MfsOwnContent(PMFS_NODE Node)
{
    return (Node->Flags & MFS_ARCHIVED)
               ? MfsReplaceContent(Node, (ULONG64)Node->Header.AllocationSize.QuadPart)
               : STATUS_SUCCESS;
}

NTSTATUS MfsSetFileSize(PMFS_NODE Node, ULONG64 Size)
{
    ULONG64 Room = (ULONG64)Node->Header.AllocationSize.QuadPart;
    ULONG64 Old = (ULONG64)Node->Header.FileSize.QuadPart;
    NTSTATUS Status = MfsOwnContent(Node);

    if (NT_SUCCESS(Status) && Size > Room) {
        if (Size > (ULONG64)MFS_CLUSTERS * MFS_CLUSTER_BYTES) {
            return STATUS_DISK_FULL;
        }
        ULONG64 Wanted = MfsRoundUp(Size > Room + Room / 2 ? Size : Room + Room / 2);
        Status = MfsReplaceContent(Node, Wanted);
        if (!NT_SUCCESS(Status) && Wanted > MfsRoundUp(Size)) {
            Status = MfsReplaceContent(Node, MfsRoundUp(Size));
        }
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Size < Old) {
        RtlZeroMemory(Node->Content + Size, Old - Size);
    }
    Node->Header.FileSize.QuadPart = Node->Header.ValidDataLength.QuadPart = (LONGLONG)Size;
    return STATUS_SUCCESS;
}

NTSTATUS MfsSetAllocation(PMFS_NODE Node, ULONG64 Size)
{
    if (Size > (ULONG64)MFS_CLUSTERS * MFS_CLUSTER_BYTES) {
        return STATUS_DISK_FULL;
    }
    if (Size < (ULONG64)Node->Header.FileSize.QuadPart) {
        NTSTATUS Status = MfsSetFileSize(Node, Size);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    return MfsReplaceContent(Node, MfsRoundUp(Size));
}

VOID MfsTrimContent(PMFS_NODE Node)
{
    ULONG64 Size = MfsRoundUp((ULONG64)Node->Header.FileSize.QuadPart);
    if (!(Node->Flags & MFS_ARCHIVED) && Size < (ULONG64)Node->Header.AllocationSize.QuadPart) {
        MfsReplaceContent(Node, Size); /* without memory for it, it stays larger */
    }
}
