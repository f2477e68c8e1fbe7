/* SPDX-License-Identifier: MIT */
/* The tree of directories and files: names, lookup, creation, moves, removal. */
#include "mfs/mfs.h"

PMFS_NODE MfsRoot, MfsVolumeNode;
static ULONG MfsNodeCount;
static ULONG64 MfsNextId = 5; /* as NTFS' root has */

BOOLEAN MfsIsDirectory(PMFS_NODE Node)
{
    return (Node->Attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

PMFS_NODE MfsNextChild(PMFS_NODE Directory, PCUNICODE_STRING Name, BOOLEAN Above)
{
    for (PLIST_ENTRY Entry = Directory->Children.Flink; Entry != &Directory->Children;
         Entry = Entry->Flink) {
        PMFS_NODE Node = CONTAINING_RECORD(Entry, MFS_NODE, Siblings);
        LONG Order = RtlCompareUnicodeString(&Node->Name, Name, TRUE);
        if (Order > 0 || (Order == 0 && !Above)) {
            return Node;
        }
    }
    return NULL;
}

PMFS_NODE MfsFindChild(PMFS_NODE Directory, PCUNICODE_STRING Name)
{
    PMFS_NODE Node = MfsNextChild(Directory, Name, FALSE);
    return Node != NULL && RtlEqualUnicodeString(&Node->Name, Name, TRUE) ? Node : NULL;
}

NTSTATUS MfsCheckName(PCUNICODE_STRING Name, BOOLEAN Wild)
{
    static const WCHAR Never[] = L"/\\:|", Wildcards[] = L"*?<>\"";
    ULONG Count = Name->Length / sizeof(WCHAR);

    if (Count == 0 || Name->Length > MFS_NAME_BYTES) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    for (ULONG i = 0; i < Count; i++) {
        WCHAR Character = Name->Buffer[i];
        if (Character < L' ' || wcschr(Never, Character) != NULL ||
            (!Wild && wcschr(Wildcards, Character) != NULL)) {
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    BOOLEAN Dots = Name->Buffer[0] == L'.' &&
                   (Count == 1 || (Count == 2 && Name->Buffer[1] == L'.'));
    return Dots ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
}

static NTSTATUS MfsCopyName(PCUNICODE_STRING Name, PUNICODE_STRING Copy)
{
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Name->Length + sizeof(WCHAR),
                                          MFS_TAG_VOLUME);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlCopyMemory(Buffer, Name->Buffer, Name->Length);
    Buffer[Name->Length / sizeof(WCHAR)] = 0;
    *Copy = (UNICODE_STRING){Name->Length, Name->Length, Buffer};
    return STATUS_SUCCESS;
}

static VOID MfsTouchDirectory(PMFS_NODE Directory)
{
    MfsQueryTime(&Directory->LastWriteTime);
    Directory->ChangeTime = Directory->LastWriteTime;
}

static VOID MfsInsertNode(PMFS_NODE Directory, PMFS_NODE Node)
{
    PMFS_NODE Next = MfsNextChild(Directory, &Node->Name, FALSE);
    InsertTailList(Next != NULL ? &Next->Siblings : &Directory->Children, &Node->Siblings);
    Node->Parent = Directory;
    Node->Depth = Directory->Depth + 1;
    MfsTouchDirectory(Directory);
}

/* Directory NULL: a node without a place, the root's or the volume's. */
NTSTATUS MfsCreateNode(PMFS_NODE Directory, PCUNICODE_STRING Name, ULONG Attributes,
                       PMFS_NODE *NewNode)
{
    *NewNode = NULL;
    if (MfsNodeCount >= MFS_NODES) {
        return STATUS_DISK_FULL;
    }
    if (Directory != NULL && Directory->Depth + 1 > MFS_DEPTH) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    PMFS_NODE Node = ExAllocatePoolWithTag(PagedPool, sizeof(*Node), MFS_TAG_VOLUME);
    if (Node == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlZeroMemory(Node, sizeof(*Node));
    NTSTATUS Status = MfsCopyName(Name, &Node->Name);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Node, MFS_TAG_VOLUME);
        return Status;
    }
    Node->Header.NodeTypeCode = MFS_NODE_TYPE;
    Node->Header.NodeByteSize = sizeof(*Node);
    Node->References = 1;
    Node->Flags = MFS_IN_TREE;
    Node->Attributes = Attributes & ~(ULONG)FILE_ATTRIBUTE_NORMAL;
    Node->Id = MfsNextId++;
    InitializeListHead(&Node->Children);
    MfsQueryTime(&Node->CreationTime);
    Node->LastAccessTime = Node->LastWriteTime = Node->ChangeTime = Node->CreationTime;
    MfsNodeCount++;
    if (Directory != NULL) {
        MfsInsertNode(Directory, Node);
    }
    *NewNode = Node;
    return STATUS_SUCCESS;
}

VOID MfsRemoveNode(PMFS_NODE Node)
{
    NT_VERIFY((Node->Flags & MFS_IN_TREE) && IsListEmpty(&Node->Children));
    RemoveEntryList(&Node->Siblings);
    MfsTouchDirectory(Node->Parent);
    Node->Flags &= ~(ULONG)MFS_IN_TREE;
    MfsDereferenceNode(Node);
}

PMFS_NODE MfsNextBelow(PMFS_NODE Top, PMFS_NODE Node)
{
    if (!IsListEmpty(&Node->Children)) {
        return CONTAINING_RECORD(Node->Children.Flink, MFS_NODE, Siblings);
    }
    while (Node != Top && Node->Siblings.Flink == &Node->Parent->Children) {
        Node = Node->Parent;
    }
    return Node == Top ? NULL : CONTAINING_RECORD(Node->Siblings.Flink, MFS_NODE, Siblings);
}

/* How many levels there are below Node. */
static ULONG MfsHeight(PMFS_NODE Node)
{
    ULONG Height = 0;
    for (PMFS_NODE Below = Node; Below != NULL; Below = MfsNextBelow(Node, Below)) {
        Height = Below->Depth - Node->Depth > Height ? Below->Depth - Node->Depth : Height;
    }
    return Height;
}

NTSTATUS MfsMoveNode(PMFS_NODE Node, PMFS_NODE Directory, PCUNICODE_STRING Name,
                     PMFS_NODE Replaced)
{
    UNICODE_STRING Copy;
    if (Directory->Depth + 1 + MfsHeight(Node) > MFS_DEPTH) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    NTSTATUS Status = MfsCopyName(Name, &Copy);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Replaced != NULL) {
        MfsRemoveNode(Replaced);
    }
    RemoveEntryList(&Node->Siblings);
    MfsTouchDirectory(Node->Parent);
    ExFreePoolWithTag(Node->Name.Buffer, MFS_TAG_VOLUME);
    Node->Name = Copy;
    MfsInsertNode(Directory, Node);
    for (PMFS_NODE Below = MfsNextBelow(Node, Node); Below != NULL;
         Below = MfsNextBelow(Node, Below)) {
        Below->Depth = Below->Parent->Depth + 1;
    }
    MfsQueryTime(&Node->ChangeTime);
    return STATUS_SUCCESS;
}

/* A node that is not in the tree any more keeps its parent's pointer, but not its place. */
VOID MfsDereferenceNode(PMFS_NODE Node)
{
    NT_VERIFY(Node->References != 0);
    if (--Node->References == 0) {
        NT_VERIFY(Node->Opens == 0 && !(Node->Flags & MFS_IN_TREE));
        MfsFreeContent(Node);
        MfsNodeCount--;
        ExFreePoolWithTag(Node->Name.Buffer, MFS_TAG_VOLUME);
        ExFreePoolWithTag(Node, MFS_TAG_VOLUME);
    }
}

ULONG MfsBuildPath(PMFS_NODE Node, PCHAR End)
{
    ULONG Length = 0;
    if (Node == MfsRoot) {
        if (End != NULL) {
            *(PWCHAR)(End - sizeof(WCHAR)) = L'\\';
        }
        return sizeof(WCHAR);
    }
    for (; Node != MfsRoot && Node != NULL && Node != MfsVolumeNode; Node = Node->Parent) {
        Length += sizeof(WCHAR) + Node->Name.Length;
        if (End != NULL) {
            End -= Node->Name.Length;
            RtlCopyMemory(End, Node->Name.Buffer, Node->Name.Length);
            End -= sizeof(WCHAR);
            *(PWCHAR)End = L'\\';
        }
    }
    return Length;
}
