/* SPDX-License-Identifier: MIT */
/*
 * Generic tables on balanced links: at each node the heights of the two sides differ by one at
 * most. The tree hangs at BalancedRoot.RightChild, so that its root has a parent like any other
 * node, and BalancedRoot is its own parent. Look-ups change nothing, so that the caller may do
 * several of them at a time. Elements are numbered in their order; inserting and deleting forgets
 * where RtlGetElementGenericTableAvl was.
 *
 * Deleting the element where RtlEnumerateGenericTableAvl is moves that back by one: the next call
 * returns what comes after the deleted one.
 */
#include "rtl/tree_links.h"

#define RTLP_TABLE RTL_AVL_TABLE
#define RTLP_TABLE_ROOT(Table) (RtlpTop(Table)->RightChild)
#define RTLP_ENTRY_SIZE sizeof(RTL_BALANCED_LINKS)

/* Links are read and written as splay links everywhere here. */
static PRTL_SPLAY_LINKS RtlpTop(PRTL_AVL_TABLE Table)
{
    return (PRTL_SPLAY_LINKS)&Table->BalancedRoot;
}

#define RTLP_BALANCE(Node) (((PRTL_BALANCED_LINKS)(Node))->Balance)

#include "rtl/table_template.h"

VOID RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table, PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                  PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine,
                                  PRTL_AVL_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    *Table = (RTL_AVL_TABLE){.CompareRoutine = CompareRoutine,
                             .AllocateRoutine = AllocateRoutine,
                             .FreeRoutine = FreeRoutine,
                             .TableContext = TableContext};
    RtlInitializeSplayLinks(RtlpTop(Table));
}

/* NULL: Node is the first. */
static PRTL_SPLAY_LINKS RtlpPrevious(PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Previous = RtlRealPredecessor(Node);
    return Previous == NULL || RtlIsRoot(Previous) ? NULL : Previous;
}

static CHAR RtlpSideOf(PRTL_SPLAY_LINKS Node)
{
    return RtlIsLeftChild(Node) ? -1 : 1;
}

/* Node's Side (-1 left, 1 right) is higher by two. TRUE: what is there now is lower than it was. */
static BOOLEAN RtlpRebalance(PRTL_SPLAY_LINKS Node, CHAR Side)
{
    PRTL_SPLAY_LINKS Child = Side < 0 ? Node->LeftChild : Node->RightChild;

    if (RTLP_BALANCE(Child) == -Side) {
        PRTL_SPLAY_LINKS Inner = Side < 0 ? Child->RightChild : Child->LeftChild;
        RtlpRotateUp(Inner);
        RtlpRotateUp(Inner);
        RTLP_BALANCE(Node) = RTLP_BALANCE(Inner) == Side ? -Side : 0;
        RTLP_BALANCE(Child) = RTLP_BALANCE(Inner) == -Side ? Side : 0;
        RTLP_BALANCE(Inner) = 0;
        return TRUE;
    }
    RtlpRotateUp(Child);
    BOOLEAN Lower = RTLP_BALANCE(Child) != 0;
    RTLP_BALANCE(Node) = Lower ? 0 : Side;
    RTLP_BALANCE(Child) = Lower ? 0 : -Side;
    return Lower;
}

/* Node is new, or its height has grown by one. */
static VOID RtlpGrown(PRTL_AVL_TABLE Table, PRTL_SPLAY_LINKS Node)
{
    for (; Node->Parent != RtlpTop(Table); Node = Node->Parent) {
        PRTL_SPLAY_LINKS Parent = Node->Parent;
        CHAR Side = RtlpSideOf(Node);
        if (RTLP_BALANCE(Parent) == Side) {
            RtlpRebalance(Parent, Side);
            return;
        }
        RTLP_BALANCE(Parent) = (CHAR)(RTLP_BALANCE(Parent) + Side);
        if (RTLP_BALANCE(Parent) == 0) {
            return;
        }
    }
    Table->DepthOfTree++;
}

/* The Side of Node is lower by one. */
static VOID RtlpShrunk(PRTL_AVL_TABLE Table, PRTL_SPLAY_LINKS Node, CHAR Side)
{
    while (Node != RtlpTop(Table)) {
        if (RTLP_BALANCE(Node) == 0) {
            RTLP_BALANCE(Node) = -Side;
            return;
        }
        if (RTLP_BALANCE(Node) == Side) {
            RTLP_BALANCE(Node) = 0;
        } else {
            BOOLEAN Lower = RtlpRebalance(Node, -Side);
            Node = Node->Parent;
            if (!Lower) {
                return;
            }
        }
        Side = RtlpSideOf(Node);
        Node = Node->Parent;
    }
    Table->DepthOfTree--;
}

/* ---- insertion and deletion ---- */

/* What an earlier look-up found; nothing was inserted or deleted since. */
PVOID RtlInsertElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                          PBOOLEAN NewElement, PVOID NodeOrParent,
                                          TABLE_SEARCH_RESULT SearchResult)
{
    if (NewElement != NULL) {
        *NewElement = FALSE;
    }
    if (SearchResult == TableFoundNode) {
        return RtlpUserData(NodeOrParent);
    }
    PRTL_SPLAY_LINKS Node = RtlpMakeEntry(Table, Buffer, BufferSize);
    if (Node == NULL) {
        return NULL;
    }
    if (SearchResult == TableInsertAsLeft) {
        RtlInsertAsLeftChild(NodeOrParent, Node);
    } else {
        RtlInsertAsRightChild(SearchResult == TableEmptyTree ? RtlpTop(Table) : NodeOrParent, Node);
    }
    Table->OrderedPointer = NULL;
    Table->WhichOrderedElement = 0;
    RtlpGrown(Table, Node);
    if (NewElement != NULL) {
        *NewElement = TRUE;
    }
    return RtlpUserData(Node);
}

PVOID RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                      PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS Node;
    TABLE_SEARCH_RESULT Result = RtlpSearch(Table, Buffer, &Node);
    return RtlInsertElementGenericTableFullAvl(Table, Buffer, BufferSize, NewElement, Node, Result);
}

static VOID RtlpRemove(PRTL_AVL_TABLE Table, PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Heir = RtlpHeirOfLinks(Node), Top = RtlpTop(Table);
    CHAR Side = RtlpSideOf(Heir);
    CHAR Balance = RTLP_BALANCE(Node);
    PRTL_SPLAY_LINKS Changed = RtlpRemoveLinks(Node, &Top);
    if (Heir != Node) {
        RTLP_BALANCE(Heir) = Balance;
    }
    RtlpShrunk(Table, Changed, Side);
}

BOOLEAN RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Node;
    if (RtlpSearch(Table, Buffer, &Node) != TableFoundNode) {
        return FALSE;
    }
    if (Table->RestartKey == (PRTL_BALANCED_LINKS)Node) {
        Table->RestartKey = (PRTL_BALANCED_LINKS)RtlpPrevious(Node);
    }
    RtlpRemove(Table, Node);
    Table->DeleteCount++;
    Table->NumberGenericTableElements--;
    Table->OrderedPointer = NULL;
    Table->WhichOrderedElement = 0;
    Table->FreeRoutine(Table, Node);
    return TRUE;
}

/* ---- look-up and enumeration ---- */

PVOID RtlLookupElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer, PVOID *NodeOrParent,
                                          TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_SPLAY_LINKS Node;
    *SearchResult = RtlpSearch(Table, Buffer, &Node);
    *NodeOrParent = Node;
    return *SearchResult == TableFoundNode ? RtlpUserData(Node) : NULL;
}

PVOID RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PVOID Node;
    TABLE_SEARCH_RESULT Result;
    return RtlLookupElementGenericTableFullAvl(Table, Buffer, &Node, &Result);
}

/* Several elements may match where Buffer is less than an element has: the first of them. */
PVOID RtlLookupFirstMatchingElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                   PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS Node;
    *RestartKey = NULL;
    if (RtlpSearch(Table, Buffer, &Node) != TableFoundNode) {
        return NULL;
    }
    for (PRTL_SPLAY_LINKS Before = RtlpPrevious(Node);
         Before != NULL &&
         Table->CompareRoutine(Table, Buffer, RtlpUserData(Before)) == GenericEqual;
         Before = RtlpPrevious(Node)) {
        Node = Before;
    }
    *RestartKey = Node;
    return RtlpUserData(Node);
}

/* *RestartKey is NULL before the first one. It stays at the last one. */
PVOID RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS Node = *RestartKey == NULL ? RtlpSmallestLinks(RTLP_TABLE_ROOT(Table))
                                                   : RtlRealSuccessor(*RestartKey);
    if (Node != NULL) {
        *RestartKey = Node;
    }
    return RtlpUserData(Node);
}

PVOID RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart)
{
    PVOID Key = Restart ? NULL : Table->RestartKey;
    PVOID Data = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key);
    Table->RestartKey = Key;
    return Data;
}

/* The first that is not less than Buffer; with Next, not equal either. NULL: there is none. */
static PRTL_SPLAY_LINKS RtlpFrom(PRTL_AVL_TABLE Table, PVOID Buffer, BOOLEAN Next)
{
    PRTL_SPLAY_LINKS Node;
    TABLE_SEARCH_RESULT Result = RtlpSearch(Table, Buffer, &Node);
    if (Result == TableInsertAsRight || (Result == TableFoundNode && Next)) {
        Node = RtlRealSuccessor(Node);
    }
    return Node;
}

/*
 * Goes on after *RestartKey, or where that is NULL or elements were deleted since, at Buffer, and
 * returns the first element that MatchFunction calls STATUS_SUCCESS; STATUS_NO_MATCH goes on, and
 * any other status ends the search.
 */
PVOID RtlEnumerateGenericTableLikeADirectory(PRTL_AVL_TABLE Table,
                                             PRTL_AVL_MATCH_FUNCTION MatchFunction,
                                             PVOID MatchData, ULONG NextFlag, PVOID *RestartKey,
                                             PULONG DeleteCount, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Node = *RestartKey;
    if (*DeleteCount != Table->DeleteCount) {
        Node = NULL;
    }
    if (Node == NULL) {
        Node = RtlpFrom(Table, Buffer, NextFlag != 0);
    } else if (NextFlag) {
        Node = RtlRealSuccessor(Node);
    }
    NTSTATUS Status = STATUS_NO_MATCH;
    while (Node != NULL) {
        Status = MatchFunction == NULL ? STATUS_SUCCESS
                                       : MatchFunction(Table, RtlpUserData(Node), MatchData);
        if (Status != STATUS_NO_MATCH) {
            break;
        }
        Node = RtlRealSuccessor(Node);
    }
    *DeleteCount = Table->DeleteCount;
    *RestartKey = Node;
    return Status == STATUS_SUCCESS ? RtlpUserData(Node) : NULL;
}

/* The I'th in order, from 0. */
PVOID RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I)
{
    if (I >= Table->NumberGenericTableElements) {
        return NULL;
    }
    if (Table->WhichOrderedElement == 0 || I + 1 < Table->WhichOrderedElement) {
        Table->OrderedPointer = RtlpSmallestLinks(RTLP_TABLE_ROOT(Table));
        Table->WhichOrderedElement = 1;
    }
    while (Table->WhichOrderedElement != I + 1) {
        Table->OrderedPointer = RtlRealSuccessor(Table->OrderedPointer);
        Table->WhichOrderedElement++;
    }
    return RtlpUserData(Table->OrderedPointer);
}

ULONG RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

BOOLEAN RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements == 0;
}
