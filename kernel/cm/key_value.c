/* SPDX-License-Identifier: MIT */
/* The values of a key. Changing one makes a new block, so that a failure leaves the old. */
#include "cm/cmp.h"

PCM_VALUE CmpFindValue(PCM_KEY_NODE Node, PCUNICODE_STRING Name)
{
    for (PLIST_ENTRY Entry = Node->Values.Flink; Entry != &Node->Values; Entry = Entry->Flink) {
        PCM_VALUE Value = CONTAINING_RECORD(Entry, CM_VALUE, Links);
        UNICODE_STRING Found = {Value->NameLength, Value->NameLength, Value->Name};
        if (RtlEqualUnicodeString(&Found, Name, TRUE)) {
            return Value;
        }
    }
    return NULL;
}

VOID CmpRemoveValue(PCM_KEY_NODE Node, PCM_VALUE Value)
{
    RemoveEntryList(&Value->Links);
    Node->ValueCount--;
    CmpFree(Value, Value->BlockBytes);
    CmpTouchNode(Node);
    CmpReportChange(Node, REG_NOTIFY_CHANGE_LAST_SET);
}

/* Copies what may be the caller's memory. The block goes when that raises. */
static VOID CmpFillValue(PCM_VALUE Value, PCUNICODE_STRING Name, const VOID *Data, ULONG Bytes)
{
    BOOLEAN Done = FALSE;
    __try {
        RtlCopyMemory(Value->Name, Name->Buffer, Value->NameLength);
        if (Bytes != 0) {
            RtlCopyMemory(CmpValueData(Value), Data, Bytes);
        }
        Done = TRUE;
    } __finally {
        if (!Done) {
            CmpFree(Value, Value->BlockBytes);
        }
    }
}

NTSTATUS CmpSetValue(PCM_KEY_NODE Node, PCUNICODE_STRING Name, ULONG Type, const VOID *Data,
                     ULONG Bytes)
{
    NTSTATUS Status;

    if (Node->Flags & CM_NODE_DELETED) {
        return STATUS_KEY_DELETED;
    }
    if (Name->Length > CMP_VALUE_NAME_BYTES || (Name->Length & 1)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Bytes > CMP_VALUE_DATA_BYTES) {
        return STATUS_REGISTRY_QUOTA_LIMIT; /* NV: the status of data beyond the limit */
    }
    ULONG BlockBytes = (((ULONG)offsetof(CM_VALUE, Name) + Name->Length + 7) & ~7u) + Bytes;
    PCM_VALUE New = CmpAllocate(BlockBytes, &Status);
    if (New == NULL) {
        return Status;
    }
    New->BlockBytes = BlockBytes;
    New->Type = Type;
    New->DataLength = Bytes;
    New->NameLength = Name->Length;
    CmpFillValue(New, Name, Data, Bytes);
    PCM_VALUE Old = CmpFindValue(Node, Name);
    if (Old != NULL) {
        /* The value keeps its place and the name it was created with. */
        RtlCopyMemory(New->Name, Old->Name, Old->NameLength);
        InsertTailList(&Old->Links, &New->Links);
        Node->ValueCount++;
        CmpRemoveValue(Node, Old);
    } else {
        InsertTailList(&Node->Values, &New->Links);
        Node->ValueCount++;
        CmpTouchNode(Node);
        CmpReportChange(Node, REG_NOTIFY_CHANGE_LAST_SET);
    }
    return STATUS_SUCCESS;
}
