/* SPDX-License-Identifier: MIT */
/*
 * Generic tables on splay links. What is looked up, inserted or enumerated with splaying becomes
 * the root; a list keeps the order of insertion, which is what RtlGetElementGenericTable numbers.
 * The caller serializes, look-ups too: they change the tree. Its routines compare, allocate and
 * free.
 */
#include "rtl/tree_links.h"

typedef struct _RTLP_TABLE_ENTRY {
    RTL_SPLAY_LINKS Links;
    LIST_ENTRY InsertOrder;
    DECLSPEC_ALIGN(8) UCHAR UserData[];
} RTLP_TABLE_ENTRY, *PRTLP_TABLE_ENTRY;
C_ASSERT(offsetof(RTLP_TABLE_ENTRY, UserData) == sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY));

#define RTLP_TABLE RTL_GENERIC_TABLE
#define RTLP_TABLE_ROOT(Table) ((Table)->TableRoot)
#define RTLP_ENTRY_SIZE sizeof(RTLP_TABLE_ENTRY)
#include "rtl/table_template.h"

VOID RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table,
                               PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                               PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                               PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    *Table = (RTL_GENERIC_TABLE){.CompareRoutine = CompareRoutine,
                                 .AllocateRoutine = AllocateRoutine,
                                 .FreeRoutine = FreeRoutine,
                                 .TableContext = TableContext};
    Table->InsertOrderList.Flink = Table->InsertOrderList.Blink = &Table->InsertOrderList;
}

/* What an earlier look-up found; nothing was inserted or deleted since. */
PVOID RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                       PBOOLEAN NewElement, PVOID NodeOrParent,
                                       TABLE_SEARCH_RESULT SearchResult)
{
    PRTL_SPLAY_LINKS Node = NodeOrParent;

    if (NewElement != NULL) {
        *NewElement = FALSE;
    }
    if (SearchResult != TableFoundNode) {
        PRTLP_TABLE_ENTRY Entry = RtlpMakeEntry(Table, Buffer, BufferSize);
        if (Entry == NULL) {
            return NULL;
        }
        InsertTailList(&Table->InsertOrderList, &Entry->InsertOrder);
        if (SearchResult == TableInsertAsLeft) {
            RtlInsertAsLeftChild(Node, &Entry->Links);
        } else if (SearchResult == TableInsertAsRight) {
            RtlInsertAsRightChild(Node, &Entry->Links);
        }
        Node = &Entry->Links;
        if (NewElement != NULL) {
            *NewElement = TRUE;
        }
    }
    Table->TableRoot = RtlSplay(Node);
    return RtlpUserData(Node);
}

PVOID RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                   PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS Node;
    TABLE_SEARCH_RESULT Result = RtlpSearch(Table, Buffer, &Node);
    return RtlInsertElementGenericTableFull(Table, Buffer, BufferSize, NewElement, Node, Result);
}

BOOLEAN RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Node;
    if (RtlpSearch(Table, Buffer, &Node) != TableFoundNode) {
        return FALSE;
    }
    Table->TableRoot = RtlDelete(Node);
    RemoveEntryList(&((PRTLP_TABLE_ENTRY)Node)->InsertOrder);
    Table->NumberGenericTableElements--;
    Table->WhichOrderedElement = 0;
    Table->OrderedPointer = NULL;
    Table->FreeRoutine(Table, Node);
    return TRUE;
}

PVOID RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                       PVOID *NodeOrParent, TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_SPLAY_LINKS Node;
    *SearchResult = RtlpSearch(Table, Buffer, &Node);
    *NodeOrParent = Node;
    if (*SearchResult != TableFoundNode) {
        return NULL;
    }
    Table->TableRoot = RtlSplay(Node);
    return RtlpUserData(Node);
}

PVOID RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PVOID Node;
    TABLE_SEARCH_RESULT Result;
    return RtlLookupElementGenericTableFull(Table, Buffer, &Node, &Result);
}

/* The last one is the root. */
PVOID RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart)
{
    PRTL_SPLAY_LINKS Root = Table->TableRoot, Node = NULL;
    if (Root != NULL) {
        Node = Restart ? RtlpSmallestLinks(Root) : RtlRealSuccessor(Root);
    }
    if (Node != NULL) {
        Table->TableRoot = RtlSplay(Node);
    }
    return RtlpUserData(Node);
}

/* *RestartKey is NULL before the first one. It stays at the last one. */
PVOID RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS Node = NULL;
    if (Table->TableRoot != NULL) {
        Node = *RestartKey == NULL ? RtlpSmallestLinks(Table->TableRoot)
                                   : RtlRealSuccessor(*RestartKey);
    }
    if (Node != NULL) {
        *RestartKey = Node;
    }
    return RtlpUserData(Node);
}

/* The I'th of those that are there, in the order of insertion, from 0. */
PVOID RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    if (I >= Table->NumberGenericTableElements) {
        return NULL;
    }
    if (Table->WhichOrderedElement == 0 || I + 1 < Table->WhichOrderedElement) {
        Table->OrderedPointer = Table->InsertOrderList.Flink;
        Table->WhichOrderedElement = 1;
    }
    while (Table->WhichOrderedElement != I + 1) {
        Table->OrderedPointer = Table->OrderedPointer->Flink;
        Table->WhichOrderedElement++;
    }
    return CONTAINING_RECORD(Table->OrderedPointer, RTLP_TABLE_ENTRY, InsertOrder)->UserData;
}

ULONG RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

BOOLEAN RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    return Table->TableRoot == NULL;
}
