/* SPDX-License-Identifier: MIT */
/*
 * What both generic tables do alike. Included with RTLP_TABLE, the table's type; RTLP_TABLE_ROOT,
 * its first node; RTLP_ENTRY_SIZE, the bytes of an element before the caller's data.
 */
static PVOID RtlpUserData(PRTL_SPLAY_LINKS Node)
{
    return Node == NULL ? NULL : (PUCHAR)Node + RTLP_ENTRY_SIZE;
}

/* The node, or the one that it would be a child of. */
static TABLE_SEARCH_RESULT RtlpSearch(RTLP_TABLE *Table, PVOID Buffer, PRTL_SPLAY_LINKS *Node)
{
    PRTL_SPLAY_LINKS Next = RTLP_TABLE_ROOT(Table);
    TABLE_SEARCH_RESULT Result = TableEmptyTree;

    *Node = NULL;
    while (Next != NULL) {
        *Node = Next;
        switch (Table->CompareRoutine(Table, Buffer, RtlpUserData(Next))) {
        case GenericLessThan:
            Result = TableInsertAsLeft;
            Next = Next->LeftChild;
            break;
        case GenericGreaterThan:
            Result = TableInsertAsRight;
            Next = Next->RightChild;
            break;
        default: return TableFoundNode;
        }
    }
    return Result;
}

/* An element with the caller's data, counted and in no tree yet. NULL: no memory. */
static PVOID RtlpMakeEntry(RTLP_TABLE *Table, PVOID Buffer, CLONG BufferSize)
{
    if (BufferSize > 0xffffffffu - RTLP_ENTRY_SIZE) {
        return NULL;
    }
    PRTL_SPLAY_LINKS Node =
        Table->AllocateRoutine(Table, BufferSize + (CLONG)RTLP_ENTRY_SIZE);
    if (Node != NULL) {
        RtlZeroMemory(Node, RTLP_ENTRY_SIZE);
        RtlInitializeSplayLinks(Node);
        RtlCopyMemory(RtlpUserData(Node), Buffer, BufferSize);
        Table->NumberGenericTableElements++;
    }
    return Node;
}
