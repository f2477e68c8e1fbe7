/* SPDX-License-Identifier: MIT */
/* sources: kernel/rtl/splay_links.c kernel/rtl/generic_table.c kernel/rtl/avl_table.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "nt/rtl_table.h"

#define KEYS 97u

typedef struct {
    ULONG Key;
    ULONG Value;
} RECORD;

static ULONG Seed = 7, Live, Budget;
static BOOLEAN Present[KEYS];
static ULONG Order[KEYS], Count; /* keys in the order of their insertion */

static ULONG Random(ULONG Limit)
{
    Seed = Seed * 1664525 + 1013904223;
    return (Seed >> 8) % Limit;
}

static RTL_GENERIC_COMPARE_RESULTS Compare(PVOID First, PVOID Second)
{
    ULONG a = ((RECORD *)First)->Key, b = ((RECORD *)Second)->Key;
    return a < b ? GenericLessThan : a > b ? GenericGreaterThan : GenericEqual;
}

static PVOID Allocate(CLONG Size)
{
    if (Budget == 0) {
        return NULL;
    }
    Budget--;
    Live++;
    return malloc(Size);
}

static VOID Free(PVOID Buffer)
{
    Live--;
    free(Buffer);
}

static RTL_GENERIC_COMPARE_RESULTS CompareAvl(PRTL_AVL_TABLE Table, PVOID First, PVOID Second)
{
    assert_ptr_equal(Table->TableContext, Present);
    return Compare(First, Second);
}

static PVOID AllocateAvl(PRTL_AVL_TABLE Table, CLONG Size)
{
    assert_int_equal(Size, sizeof(RTL_BALANCED_LINKS) + sizeof(RECORD)); /* as documented */
    return Allocate(Size);
}

static VOID FreeAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    Free(Buffer);
}

static RTL_GENERIC_COMPARE_RESULTS CompareSplay(PRTL_GENERIC_TABLE Table, PVOID First,
                                                PVOID Second)
{
    assert_ptr_equal(Table->TableContext, Present);
    return Compare(First, Second);
}

static PVOID AllocateSplay(PRTL_GENERIC_TABLE Table, CLONG Size)
{
    /* As documented: sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY) before the data. */
    assert_int_equal(Size, sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY) + sizeof(RECORD));
    return Allocate(Size);
}

static VOID FreeSplay(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    Free(Buffer);
}

static VOID Reset(VOID)
{
    memset(Present, 0, sizeof(Present));
    Count = Live = 0;
    Budget = 0xffffffff;
}

static VOID NoteInserted(ULONG Key)
{
    Present[Key] = TRUE;
    Order[Count++] = Key;
}

static VOID NoteDeleted(ULONG Key)
{
    ULONG i = 0;
    Present[Key] = FALSE;
    while (Order[i] != Key) {
        i++;
    }
    memmove(Order + i, Order + i + 1, (--Count - i) * sizeof(ULONG));
}

/* The height; each node's parent, balance and order are right. */
static int CheckAvl(PRTL_BALANCED_LINKS Node, PRTL_BALANCED_LINKS Parent, long Low, long High)
{
    if (Node == NULL) {
        return 0;
    }
    long Key = ((RECORD *)(Node + 1))->Key;
    assert_ptr_equal(Node->Parent, Parent);
    assert_true(Low < Key && Key < High);
    int Left = CheckAvl(Node->LeftChild, Node, Low, Key);
    int Right = CheckAvl(Node->RightChild, Node, Key, High);
    assert_int_equal(Node->Balance, Right - Left);
    assert_true(Right - Left <= 1 && Left - Right <= 1);
    return 1 + (Left > Right ? Left : Right);
}

static VOID CheckAvlTable(PRTL_AVL_TABLE Table)
{
    int Depth = CheckAvl(Table->BalancedRoot.RightChild, &Table->BalancedRoot, -1, KEYS);
    ULONG Seen = 0;
    PVOID Key = NULL;

    assert_int_equal(Table->DepthOfTree, Depth);
    assert_int_equal(RtlNumberGenericTableElementsAvl(Table), Count);
    assert_int_equal(RtlIsGenericTableEmptyAvl(Table), Count == 0);
    assert_int_equal(Live, Count);
    RECORD *Record = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key);
    for (ULONG i = 0; i < KEYS; i++) {
        if (Present[i]) {
            assert_int_equal(Record->Key, i);
            assert_ptr_equal(RtlGetElementGenericTableAvl(Table, Seen), Record);
            Seen++;
            Record = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &Key);
        }
    }
    assert_null(Record);
    assert_null(RtlGetElementGenericTableAvl(Table, Count));
}

static VOID MakeAvl(PRTL_AVL_TABLE Table)
{
    Reset();
    RtlInitializeGenericTableAvl(Table, CompareAvl, AllocateAvl, FreeAvl, Present);
}

static RECORD *InsertAvl(PRTL_AVL_TABLE Table, ULONG Key, BOOLEAN Expected)
{
    RECORD Record = {Key, Key + 1};
    BOOLEAN New = !Expected;
    RECORD *Result = RtlInsertElementGenericTableAvl(Table, &Record, sizeof(Record), &New);
    assert_int_equal(New, Expected);
    assert_true(Result != NULL && Result->Key == Key && Result->Value == Key + 1);
    if (New) {
        NoteInserted(Key);
    }
    return Result;
}

static VOID EmptyAvl(PRTL_AVL_TABLE Table)
{
    RECORD *Record;
    while ((Record = RtlGetElementGenericTableAvl(Table, 0)) != NULL) {
        RECORD Copy = *Record;
        NoteDeleted(Copy.Key);
        assert_true(RtlDeleteElementGenericTableAvl(Table, &Copy));
    }
    assert_int_equal(Live, 0);
    assert_int_equal(Table->DepthOfTree, 0);
    assert_true(RtlIsGenericTableEmptyAvl(Table));
}

static void avl_table_is_its_model(void **State)
{
    RTL_AVL_TABLE Table;
    MakeAvl(&Table);
    CheckAvlTable(&Table);
    for (ULONG Step = 0; Step < 6000; Step++) {
        RECORD Key = {Random(KEYS), 0};
        /* in turn it grows and shrinks */
        if (Random(100) < (Step / 700 % 2 == 0 ? 70u : 30u)) {
            InsertAvl(&Table, Key.Key, !Present[Key.Key]);
        } else {
            BOOLEAN Was = Present[Key.Key];
            if (Was) {
                NoteDeleted(Key.Key);
            }
            assert_int_equal(RtlDeleteElementGenericTableAvl(&Table, &Key), Was);
        }
        Key.Key = Random(KEYS);
        RECORD *Found = RtlLookupElementGenericTableAvl(&Table, &Key);
        assert_int_equal(Found != NULL, Present[Key.Key]);
        CheckAvlTable(&Table);
    }
    EmptyAvl(&Table);
}

static void avl_insertion_without_memory_changes_nothing(void **State)
{
    RTL_AVL_TABLE Table;
    RECORD Record = {5, 6};
    BOOLEAN New = TRUE;
    MakeAvl(&Table);
    InsertAvl(&Table, 3, TRUE);
    Budget = 0;
    assert_null(RtlInsertElementGenericTableAvl(&Table, &Record, sizeof(Record), &New));
    assert_false(New);
    assert_null(RtlInsertElementGenericTableAvl(&Table, &Record, 0xfffffff0, &New));
    Record.Key = 3;
    assert_non_null(RtlInsertElementGenericTableAvl(&Table, &Record, sizeof(Record), NULL));
    CheckAvlTable(&Table);
    EmptyAvl(&Table);
}

static void avl_full_routines_insert_where_the_search_ended(void **State)
{
    RTL_AVL_TABLE Table;
    MakeAvl(&Table);
    for (ULONG Step = 0; Step < 300; Step++) {
        RECORD Record = {Random(KEYS), 0}, *Found;
        TABLE_SEARCH_RESULT Result;
        BOOLEAN New = FALSE;
        PVOID Node;
        Record.Value = Record.Key + 1;
        Found = RtlLookupElementGenericTableFullAvl(&Table, &Record, &Node, &Result);
        assert_int_equal(Found != NULL, Present[Record.Key]);
        assert_int_equal(Result == TableFoundNode, Present[Record.Key]);
        assert_int_equal(Result == TableEmptyTree, Count == 0);
        if (Result == TableInsertAsLeft) {
            assert_null(((PRTL_BALANCED_LINKS)Node)->LeftChild);
        }
        RECORD *At = RtlInsertElementGenericTableFullAvl(&Table, &Record, sizeof(Record), &New,
                                                         Node, Result);
        assert_int_equal(New, Found == NULL);
        assert_true(Found == NULL || At == Found);
        if (New) {
            NoteInserted(Record.Key);
        }
        CheckAvlTable(&Table);
    }
    EmptyAvl(&Table);
}

/* The documented way to empty a table: enumerate and delete. */
static void avl_enumeration_goes_on_after_a_deletion(void **State)
{
    RTL_AVL_TABLE Table;
    ULONG Next = 0;
    MakeAvl(&Table);
    assert_null(RtlEnumerateGenericTableAvl(&Table, TRUE));
    for (ULONG i = 0; i < KEYS; i++) {
        InsertAvl(&Table, i, TRUE);
    }
    for (RECORD *Record = RtlEnumerateGenericTableAvl(&Table, TRUE); Record != NULL;
         Record = RtlEnumerateGenericTableAvl(&Table, FALSE)) {
        assert_int_equal(Record->Key, Next++);
        if (Record->Key % 3 == 0) {
            RECORD Copy = *Record;
            NoteDeleted(Copy.Key);
            assert_true(RtlDeleteElementGenericTableAvl(&Table, &Copy));
        }
    }
    assert_int_equal(Next, KEYS);
    CheckAvlTable(&Table);
    EmptyAvl(&Table);
}

/* MatchData: the tens that match. Above 80 nothing does any more. */
static NTSTATUS Match(PRTL_AVL_TABLE Table, PVOID UserData, PVOID MatchData)
{
    RECORD *Record = UserData;
    if (Record->Key > 80) {
        return STATUS_NO_MORE_MATCHES;
    }
    return Record->Key / 10 % *(ULONG *)MatchData == 0 ? STATUS_SUCCESS : STATUS_NO_MATCH;
}

static void avl_directory_goes_on_where_it_was(void **State)
{
    RTL_AVL_TABLE Table;
    ULONG Every = 4, Deletes = 0, Seen = 0;
    PVOID Key = NULL;
    RECORD Start = {7, 0};
    MakeAvl(&Table);
    for (ULONG i = 0; i < KEYS; i += 2) {
        InsertAvl(&Table, i, TRUE);
    }
    RECORD *Record = RtlEnumerateGenericTableLikeADirectory(&Table, Match, &Every, TRUE, &Key,
                                                            &Deletes, &Start);
    assert_int_equal(Record->Key, 8); /* the first behind 7, in the tens of 0 */
    for (; Record != NULL; Seen++) {
        Start = *Record;
        if (Record->Key == 44) { /* the key is stale then: it goes on by Start */
            RECORD Other = {2, 0};
            NoteDeleted(2);
            assert_true(RtlDeleteElementGenericTableAvl(&Table, &Other));
        }
        RECORD *Same = Deletes == Table.DeleteCount
                           ? RtlEnumerateGenericTableLikeADirectory(&Table, Match, &Every, FALSE,
                                                                    &Key, &Deletes, &Start)
                           : Record;
        assert_ptr_equal(Same, Record);
        Record = RtlEnumerateGenericTableLikeADirectory(&Table, Match, &Every, TRUE, &Key, &Deletes,
                                                        &Start);
        assert_true(Record == NULL || Record->Key > Start.Key);
    }
    assert_int_equal(Seen, 1 + 5 + 1); /* 8; 40 to 48; 80 */
    EmptyAvl(&Table);
}

static RTL_GENERIC_COMPARE_RESULTS CompareTens(PRTL_AVL_TABLE Table, PVOID First, PVOID Second)
{
    RECORD a = {((RECORD *)First)->Key / 10, 0}, b = {((RECORD *)Second)->Key / 10, 0};
    return Compare(&a, &b);
}

static void avl_first_match_is_the_smallest(void **State)
{
    RTL_AVL_TABLE Table;
    PVOID Key = &Table;
    RECORD Wanted = {45, 0};
    MakeAvl(&Table);
    for (ULONG i = 0; i < KEYS; i++) {
        InsertAvl(&Table, i * 31 % KEYS, TRUE);
    }
    Table.CompareRoutine = CompareTens;
    RECORD *Record = RtlLookupFirstMatchingElementGenericTableAvl(&Table, &Wanted, &Key);
    assert_int_equal(Record->Key, 40);
    Record = RtlEnumerateGenericTableWithoutSplayingAvl(&Table, &Key);
    assert_int_equal(Record->Key, 41);
    Wanted.Key = 5;
    Record = RtlLookupFirstMatchingElementGenericTableAvl(&Table, &Wanted, &Key);
    assert_int_equal(Record->Key, 0);
    Wanted.Key = 1000;
    assert_null(RtlLookupFirstMatchingElementGenericTableAvl(&Table, &Wanted, &Key));
    assert_null(Key);
    Table.CompareRoutine = CompareAvl;
    EmptyAvl(&Table);
}

/* ---- splay ---- */

static VOID CheckSplay(PRTL_SPLAY_LINKS Node, PRTL_SPLAY_LINKS Parent, long Low, long High,
                       SIZE_T Header)
{
    if (Node == NULL) {
        return;
    }
    long Key = ((RECORD *)((PUCHAR)Node + Header))->Key;
    assert_ptr_equal(Node->Parent, Parent == NULL ? Node : Parent);
    assert_true(Low < Key && Key < High);
    CheckSplay(Node->LeftChild, Node, Low, Key, Header);
    CheckSplay(Node->RightChild, Node, Key, High, Header);
}

#define SPLAY_HEADER (sizeof(RTL_SPLAY_LINKS) + sizeof(LIST_ENTRY))

static VOID CheckSplayTable(PRTL_GENERIC_TABLE Table)
{
    PVOID Key = NULL;
    CheckSplay(Table->TableRoot, NULL, -1, KEYS, SPLAY_HEADER);
    assert_int_equal(RtlNumberGenericTableElements(Table), Count);
    assert_int_equal(RtlIsGenericTableEmpty(Table), Count == 0);
    assert_int_equal(Live, Count);
    for (ULONG i = 0; i < KEYS; i++) {
        if (Present[i]) {
            RECORD *Record = RtlEnumerateGenericTableWithoutSplaying(Table, &Key);
            assert_int_equal(Record->Key, i);
        }
    }
    assert_null(RtlEnumerateGenericTableWithoutSplaying(Table, &Key));
    for (ULONG i = 0; i < Count; i++) {
        assert_int_equal(((RECORD *)RtlGetElementGenericTable(Table, i))->Key, Order[i]);
    }
    assert_null(RtlGetElementGenericTable(Table, Count));
}

static void splay_table_is_its_model(void **State)
{
    RTL_GENERIC_TABLE Table;
    Reset();
    RtlInitializeGenericTable(&Table, CompareSplay, AllocateSplay, FreeSplay, Present);
    CheckSplayTable(&Table);
    for (ULONG Step = 0; Step < 6000; Step++) {
        RECORD Record = {Random(KEYS), 0};
        BOOLEAN Was = Present[Record.Key], New;
        Record.Value = Record.Key + 1;
        if (Random(100) < (Step / 700 % 2 == 0 ? 70u : 30u)) {
            TABLE_SEARCH_RESULT Result;
            PVOID Node;
            RECORD *At;
            if (Step % 2 == 0) {
                At = RtlInsertElementGenericTable(&Table, &Record, sizeof(Record), &New);
            } else { /* the same in two steps */
                At = RtlLookupElementGenericTableFull(&Table, &Record, &Node, &Result);
                assert_int_equal(At != NULL, Was);
                At = RtlInsertElementGenericTableFull(&Table, &Record, sizeof(Record), &New, Node,
                                                      Result);
            }
            assert_int_equal(New, !Was);
            assert_true(At->Key == Record.Key && At->Value == Record.Value);
            assert_ptr_equal((PUCHAR)Table.TableRoot + SPLAY_HEADER, At); /* splayed */
            if (New) {
                NoteInserted(Record.Key);
            }
        } else {
            if (Was) {
                NoteDeleted(Record.Key);
            }
            assert_int_equal(RtlDeleteElementGenericTable(&Table, &Record), Was);
        }
        Record.Key = Random(KEYS);
        RECORD *Found = RtlLookupElementGenericTable(&Table, &Record);
        assert_int_equal(Found != NULL, Present[Record.Key]);
        assert_true(Found == NULL || (PUCHAR)Table.TableRoot + SPLAY_HEADER == (PUCHAR)Found);
        CheckSplayTable(&Table);
    }
    ULONG Next = 0;
    for (RECORD *Record = RtlEnumerateGenericTable(&Table, TRUE); Record != NULL;
         Record = RtlEnumerateGenericTable(&Table, FALSE)) {
        assert_true(Record->Key >= Next && Present[Record->Key]);
        Next = Record->Key + 1;
    }
    RECORD *Record;
    while ((Record = RtlEnumerateGenericTable(&Table, TRUE)) != NULL) { /* as documented */
        RECORD Copy = *Record;
        assert_true(RtlDeleteElementGenericTable(&Table, &Copy));
    }
    assert_int_equal(Live, 0);
    Budget = 0;
    BOOLEAN New = TRUE;
    RECORD Last = {1, 2};
    assert_null(RtlInsertElementGenericTable(&Table, &Last, sizeof(Last), &New));
    assert_true(!New && RtlIsGenericTableEmpty(&Table));
}

typedef struct {
    RTL_SPLAY_LINKS Links;
    RECORD Record;
} NODE;

static void splay_links_keep_their_order(void **State)
{
    static NODE Node[KEYS];
    PRTL_SPLAY_LINKS Root = NULL;
    for (ULONG i = 0; i < KEYS; i++) {
        NODE *New = &Node[i * 31 % KEYS];
        New->Record.Key = (ULONG)(New - Node);
        RtlInitializeSplayLinks(&New->Links);
        for (PRTL_SPLAY_LINKS At = Root; At != NULL;) {
            PRTL_SPLAY_LINKS Next = (NODE *)At > New ? At->LeftChild : At->RightChild;
            if (Next == NULL && (NODE *)At > New) {
                RtlInsertAsLeftChild(At, &New->Links);
            } else if (Next == NULL) {
                RtlInsertAsRightChild(At, &New->Links);
            }
            At = Next;
        }
        Root = RtlSplay(&New->Links);
        assert_ptr_equal(Root, &New->Links);
        CheckSplay(Root, NULL, -1, KEYS, offsetof(NODE, Record));
    }
    for (ULONG i = 0; i < KEYS; i++) {
        assert_ptr_equal(RtlRealSuccessor(&Node[i].Links), i + 1 < KEYS ? &Node[i + 1] : NULL);
        assert_ptr_equal(RtlRealPredecessor(&Node[i].Links), i > 0 ? &Node[i - 1] : NULL);
    }
    RtlSplay(&Node[0].Links);
    assert_null(RtlSubtreePredecessor(&Node[0].Links));
    assert_ptr_equal(RtlSubtreeSuccessor(&Node[0].Links), &Node[1]);
    Root = &Node[0].Links;
    for (ULONG i = 0; i < KEYS; i++) {
        PRTL_SPLAY_LINKS Out = &Node[i * 53 % KEYS].Links;
        if (i % 2 == 0) {
            Root = RtlDelete(Out);
        } else {
            RtlDeleteNoSplay(Out, &Root);
        }
        assert_ptr_not_equal(Root, Out);
        CheckSplay(Root, NULL, -1, KEYS, offsetof(NODE, Record));
    }
    assert_null(Root);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(avl_table_is_its_model),
        cmocka_unit_test(avl_insertion_without_memory_changes_nothing),
        cmocka_unit_test(avl_full_routines_insert_where_the_search_ended),
        cmocka_unit_test(avl_enumeration_goes_on_after_a_deletion),
        cmocka_unit_test(avl_directory_goes_on_where_it_was),
        cmocka_unit_test(avl_first_match_is_the_smallest),
        cmocka_unit_test(splay_table_is_its_model),
        cmocka_unit_test(splay_links_keep_their_order),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
