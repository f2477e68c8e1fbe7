/* SPDX-License-Identifier: MIT */
/*
 * Lists and numbers changed under a caller's spin lock, sequenced lists, lookaside lists of the
 * extended form. Expected values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "ex/ex.h"
#include "nt/pool.h"
#include "nt/rtl.h"
#include "test.h"

GUEST_TEST(ex_interlocked_lists_return_what_was_there)
{
    LIST_ENTRY Head, A, B, C;
    KSPIN_LOCK Lock;

    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Head);
    EXPECT(ExInterlockedRemoveHeadList(&Head, &Lock) == NULL);
    EXPECT(ExInterlockedInsertHeadList(&Head, &A, &Lock) == NULL);
    EXPECT(ExInterlockedInsertHeadList(&Head, &B, &Lock) == &A);
    EXPECT(ExInterlockedInsertTailList(&Head, &C, &Lock) == &A);
    EXPECT(ExInterlockedRemoveHeadList(&Head, &Lock) == &B);
    EXPECT(ExInterlockedRemoveHeadList(&Head, &Lock) == &A);
    EXPECT(ExInterlockedRemoveHeadList(&Head, &Lock) == &C);
    EXPECT(IsListEmpty(&Head));
    EXPECT_EQUAL(Lock, 0);

    SINGLE_LIST_ENTRY Single = {NULL}, X, Y;
    KIRQL OldIrql;
    KeRaiseIrql(DISPATCH_LEVEL + 1, &OldIrql); /* any IRQL */
    EXPECT(ExInterlockedPopEntryList(&Single, &Lock) == NULL);
    EXPECT(ExInterlockedPushEntryList(&Single, &X, &Lock) == NULL);
    EXPECT(ExInterlockedPushEntryList(&Single, &Y, &Lock) == &X);
    EXPECT(ExInterlockedPopEntryList(&Single, &Lock) == &Y);
    EXPECT(ExInterlockedPopEntryList(&Single, &Lock) == &X);
    EXPECT(ExInterlockedPopEntryList(&Single, &Lock) == NULL);
    EXPECT_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL + 1);
    KeLowerIrql(OldIrql);
}

GUEST_TEST(ex_interlocked_sums_return_the_value_before)
{
    KSPIN_LOCK Lock;
    ULONG Number = MAXULONG;
    LARGE_INTEGER Large = {.QuadPart = 0x7fffffffffffffffll}, One = {.QuadPart = 1};

    KeInitializeSpinLock(&Lock);
    EXPECT_EQUAL(ExInterlockedAddUlong(&Number, 2, &Lock), MAXULONG);
    EXPECT_EQUAL(Number, 1);
    EXPECT_EQUAL(ExInterlockedAddLargeInteger(&Large, One, &Lock).QuadPart, 0x7fffffffffffffffll);
    EXPECT_EQUAL(Large.QuadPart, 0x8000000000000000ull);
    One.QuadPart = -1;
    EXPECT_EQUAL(ExInterlockedAddLargeInteger(&Large, One, &Lock).QuadPart, 0x8000000000000000ull);
    EXPECT_EQUAL(Large.QuadPart, 0x7fffffffffffffffll);
}

GUEST_TEST(ex_sequenced_list_is_last_in_first_out)
{
    static SLIST_HEADER Head;
    static SLIST_ENTRY Entries[3];

    RtlFillMemory(&Head, sizeof(Head), 0xff);
    InitializeSListHead(&Head);
    EXPECT_EQUAL(ExQueryDepthSList(&Head), 0);
    EXPECT(ExpInterlockedPopEntrySList(&Head) == NULL);
    EXPECT(ExpInterlockedFlushSList(&Head) == NULL);
    EXPECT(ExpInterlockedPushEntrySList(&Head, &Entries[0]) == NULL);
    EXPECT(ExpInterlockedPushEntrySList(&Head, &Entries[1]) == &Entries[0]);
    EXPECT(ExpInterlockedPushEntrySList(&Head, &Entries[2]) == &Entries[1]);
    EXPECT_EQUAL(ExQueryDepthSList(&Head), 3);
    EXPECT(ExpInterlockedPopEntrySList(&Head) == &Entries[2]);
    EXPECT_EQUAL(ExQueryDepthSList(&Head), 2);
    PSLIST_ENTRY All = ExpInterlockedFlushSList(&Head);
    EXPECT(All == &Entries[1] && All->Next == &Entries[0] && All->Next->Next == NULL);
    EXPECT_EQUAL(ExQueryDepthSList(&Head), 0);
}

static ULONG LookasideAllocations, LookasideFrees;
static PLOOKASIDE_LIST_EX LookasideSeen;

static PVOID LookasideAllocate(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                               PLOOKASIDE_LIST_EX Lookaside)
{
    LookasideAllocations++;
    LookasideSeen = Lookaside;
    EXPECT_EQUAL(NumberOfBytes, 64);
    EXPECT_EQUAL(Tag, 'akoL');
    return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

static VOID LookasideFree(PVOID Buffer, PLOOKASIDE_LIST_EX Lookaside)
{
    LookasideFrees++;
    LookasideSeen = Lookaside;
    ExFreePoolWithTag(Buffer, 'akoL');
}

/* A freed entry is the next one given, without the allocation routine; a flush frees all. */
GUEST_TEST(ex_lookaside_list_ex_keeps_what_is_freed)
{
    static LOOKASIDE_LIST_EX List;

    LookasideAllocations = LookasideFrees = 0;
    EXPECT_EQUAL((ULONG)ExInitializeLookasideListEx(&List, NULL, NULL, NonPagedPoolMustSucceed, 0,
                                                    64, 'akoL', 0),
                 (ULONG)STATUS_INVALID_PARAMETER_4);
    EXPECT_EQUAL((ULONG)ExInitializeLookasideListEx(&List, NULL, NULL, NonPagedPoolNx, 3, 64,
                                                    'akoL', 0),
                 (ULONG)STATUS_INVALID_PARAMETER_5); /* both flags, or an unknown one */
    EXPECT_EQUAL(ExInitializeLookasideListEx(&List, LookasideAllocate, LookasideFree,
                                             NonPagedPoolNx, 0, 64, 'akoL', 0),
                 STATUS_SUCCESS);
    PVOID First = ExAllocateFromLookasideListEx(&List);
    PVOID Second = ExAllocateFromLookasideListEx(&List);
    EXPECT(First != NULL && Second != NULL && First != Second && LookasideSeen == &List);
    EXPECT_EQUAL(LookasideAllocations, 2);
    ExFreeToLookasideListEx(&List, First);
    EXPECT_EQUAL(LookasideFrees, 0);
    EXPECT(ExAllocateFromLookasideListEx(&List) == First);
    EXPECT_EQUAL(LookasideAllocations, 2);
    ExFreeToLookasideListEx(&List, First);
    ExFreeToLookasideListEx(&List, Second);
    ExFlushLookasideListEx(&List);
    EXPECT_EQUAL(LookasideFrees, 2);
    PVOID Third = ExAllocateFromLookasideListEx(&List);
    EXPECT_EQUAL(LookasideAllocations, 3);
    ExFreeToLookasideListEx(&List, Third);
    ExDeleteLookasideListEx(&List); /* an entry in the list goes with it */
    EXPECT_EQUAL(LookasideFrees, 3);
}

GUEST_TEST(ex_lookaside_list_ex_without_routines_uses_pool)
{
    static LOOKASIDE_LIST_EX List;

    EXPECT_EQUAL(ExInitializeLookasideListEx(&List, NULL, NULL, PagedPool,
                                             EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL, 1, 'akoL',
                                             0),
                 STATUS_SUCCESS);
    PVOID Entry = ExAllocateFromLookasideListEx(&List);
    EXPECT(Entry != NULL);
    ExFreeToLookasideListEx(&List, Entry);
    ExDeleteLookasideListEx(&List);
}

/* As ExAllocatePoolWithTag with the tag "None"; zero bytes are a block all the same. */
GUEST_TEST(ex_pool_without_a_tag)
{
    PVOID Small = ExAllocatePool(NonPagedPool, 0), Large = ExAllocatePool(PagedPool, 2 * PAGE_SIZE);

    EXPECT(Small != NULL && Large != NULL);
    EXPECT_EQUAL((ULONG_PTR)Small & 15, 0);
    EXPECT_EQUAL((ULONG_PTR)Large & (PAGE_SIZE - 1), 0); /* a page or more begins at one */
    ExFreePoolWithTag(Small, 'enoN');
    ExFreePool(Large);
}
