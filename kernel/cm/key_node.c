/* SPDX-License-Identifier: MIT */
/* The tree of keys: memory within the quota, lookup, creation, deletion. */
#include "cm/cmp.h"

PCM_KEY_NODE CmpRootNode;
static ERESOURCE CmpLock;
static ULONG CmpPoolBytes;

VOID CmpInitializeNodes(VOID)
{
    NT_VERIFY(NT_SUCCESS(ExInitializeResourceLite(&CmpLock)));
}

VOID CmpLockRegistry(VOID)
{
    ExEnterCriticalRegionAndAcquireResourceExclusive(&CmpLock);
}

VOID CmpUnlockRegistry(VOID)
{
    ExReleaseResourceAndLeaveCriticalRegion(&CmpLock);
}

PVOID CmpAllocate(ULONG Bytes, PNTSTATUS Status)
{
    NT_VERIFY(ExIsResourceAcquiredExclusiveLite(&CmpLock));
    if (Bytes > CMP_QUOTA - CmpPoolBytes) {
        *Status = STATUS_REGISTRY_QUOTA_LIMIT;
        return NULL;
    }
    PVOID Block = ExAllocatePoolWithTag(PagedPool, Bytes, CM_TAG_HIVE);
    if (Block == NULL) {
        *Status = STATUS_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    RtlZeroMemory(Block, Bytes);
    CmpPoolBytes += Bytes;
    return Block;
}

VOID CmpFree(PVOID Block, ULONG Bytes)
{
    NT_VERIFY(CmpPoolBytes >= Bytes);
    CmpPoolBytes -= Bytes;
    ExFreePoolWithTag(Block, CM_TAG_HIVE);
}

/* The first subkey whose name is not below Name; the list's head when there is none. */
static PLIST_ENTRY CmpSubKeyPlace(PCM_KEY_NODE Parent, PCUNICODE_STRING Name, PBOOLEAN Equal)
{
    PLIST_ENTRY Entry = Parent->SubKeys.Flink;
    *Equal = FALSE;
    for (; Entry != &Parent->SubKeys; Entry = Entry->Flink) {
        PCM_KEY_NODE Node = CONTAINING_RECORD(Entry, CM_KEY_NODE, Siblings);
        LONG Order = RtlCompareUnicodeString(&Node->Name, Name, TRUE);
        if (Order >= 0) {
            *Equal = Order == 0;
            break;
        }
    }
    return Entry;
}

PCM_KEY_NODE CmpFindSubKey(PCM_KEY_NODE Parent, PCUNICODE_STRING Name)
{
    BOOLEAN Equal;
    PLIST_ENTRY Entry = CmpSubKeyPlace(Parent, Name, &Equal);
    return Equal ? CONTAINING_RECORD(Entry, CM_KEY_NODE, Siblings) : NULL;
}

VOID CmpTouchNode(PCM_KEY_NODE Node)
{
    KeQuerySystemTimePrecise(&Node->LastWriteTime);
}

static NTSTATUS CmpCheckNewNode(PCM_KEY_NODE Parent, PCUNICODE_STRING Name, ULONG Flags)
{
    if (Name->Length == 0 || Name->Length > CMP_KEY_NAME_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Parent == NULL) {
        return STATUS_SUCCESS;
    }
    if (Parent->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    if ((Parent->Flags & CM_NODE_VOLATILE) && !(Flags & CM_NODE_VOLATILE)) {
        return STATUS_CHILD_MUST_BE_VOLATILE;
    }
    if (Parent->Depth + 1 > CMP_DEPTH ||
        CmpBuildPath(Parent, NULL) + sizeof(WCHAR) + Name->Length >
            UNICODE_STRING_MAX_BYTES - sizeof(WCHAR)) {
        return STATUS_INVALID_PARAMETER; /* NV: which status a path too deep gives */
    }
    return STATUS_SUCCESS;
}

NTSTATUS CmpCreateNode(PCM_KEY_NODE Parent, PCUNICODE_STRING Name, PCUNICODE_STRING Class,
                       ULONG Flags, PCM_KEY_NODE *NewNode)
{
    NTSTATUS Status = CmpCheckNewNode(Parent, Name, Flags);
    ULONG ClassLength = Class != NULL ? Class->Length : 0;
    ULONG Bytes = (ULONG)offsetof(CM_KEY_NODE, Text) + Name->Length + ClassLength;
    BOOLEAN Equal;

    *NewNode = NULL;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    PCM_KEY_NODE Node = CmpAllocate(Bytes, &Status);
    if (Node == NULL) {
        return Status;
    }
    Node->BlockBytes = Bytes;
    Node->References = 1;
    Node->Flags = Flags;
    Node->Parent = Parent;
    InitializeListHead(&Node->SubKeys);
    InitializeListHead(&Node->Values);
    CmpTouchNode(Node);
    Node->Name.Buffer = Node->Text;
    Node->Name.Length = Node->Name.MaximumLength = Name->Length;
    RtlCopyMemory(Node->Text, Name->Buffer, Name->Length);
    if (ClassLength != 0) {
        Node->Class.Buffer = Node->Text + Name->Length / sizeof(WCHAR);
        Node->Class.Length = Node->Class.MaximumLength = (USHORT)ClassLength;
        RtlCopyMemory(Node->Class.Buffer, Class->Buffer, ClassLength);
    }
    if (Parent != NULL) {
        PLIST_ENTRY Place = CmpSubKeyPlace(Parent, &Node->Name, &Equal);
        NT_VERIFY(!Equal);
        InsertTailList(Place, &Node->Siblings); /* before Place */
        Node->Depth = Parent->Depth + 1;
        Parent->SubKeyCount++;
        CmpTouchNode(Parent);
        CmpReportChange(Parent, REG_NOTIFY_CHANGE_NAME);
    }
    *NewNode = Node;
    return STATUS_SUCCESS;
}

VOID CmpDereferenceNode(PCM_KEY_NODE Node)
{
    NT_VERIFY(Node->References != 0);
    if (--Node->References == 0) {
        NT_VERIFY(Node->SubKeyCount == 0 && Node->ValueCount == 0);
        CmpFree(Node, Node->BlockBytes);
    }
}

NTSTATUS CmpDeleteNode(PCM_KEY_NODE Node)
{
    if (Node->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    if (Node->SubKeyCount != 0 || (Node->Flags & CM_NODE_BUILT_IN)) {
        return STATUS_CANNOT_DELETE;
    }
    while (!IsListEmpty(&Node->Values)) {
        CmpRemoveValue(Node, CONTAINING_RECORD(Node->Values.Flink, CM_VALUE, Links));
    }
    RemoveEntryList(&Node->Siblings);
    Node->Parent->SubKeyCount--;
    CmpTouchNode(Node->Parent);
    CmpReportDeletion(Node);
    CmpReportChange(Node->Parent, REG_NOTIFY_CHANGE_NAME);
    Node->Parent = NULL;
    Node->Flags |= CM_NODE_DELETED;
    CmpDereferenceNode(Node);
    return STATUS_SUCCESS;
}

ULONG CmpBuildPath(PCM_KEY_NODE Node, PCHAR End)
{
    ULONG Length = 0;
    for (; Node != NULL; Node = Node->Parent) {
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
