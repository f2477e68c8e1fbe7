/* SPDX-License-Identifier: MIT */
/* Heaps of a driver's own. Expected values: the page of each routine in the WDK's reference. */
#include "nt/heap.h"
#include "test_thread.h"

static NTSTATUS HeapTestRaised(PVOID Heap, SIZE_T Size)
{
    NTSTATUS Status = STATUS_SUCCESS;
    __try {
        RtlAllocateHeap(Heap, HEAP_GENERATE_EXCEPTIONS, Size);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Status = GetExceptionCode();
    }
    return Status;
}

/* What is left in a heap goes with it: the test's balance of pool shows it. */
GUEST_TEST(rtl_heap_has_its_own_blocks)
{
    PVOID Heap = RtlCreateHeap(HEAP_GROWABLE, NULL, 0, 0, NULL, NULL);
    PVOID Other = RtlCreateHeap(HEAP_GROWABLE | HEAP_NO_SERIALIZE, NULL, 0, 0, NULL, NULL);
    PUCHAR Blocks[20];

    EXPECT(Heap != NULL && Other != NULL);
    for (ULONG i = 0; i < 20; i++) {
        Blocks[i] = RtlAllocateHeap(Heap, HEAP_ZERO_MEMORY, i * 777);
        EXPECT(Blocks[i] != NULL && ((ULONG_PTR)Blocks[i] & 15) == 0);
        EXPECT(i == 0 || (Blocks[i][0] == 0 && Blocks[i][i * 777 - 1] == 0));
    }
    for (ULONG i = 0; i < 20; i += 2) {
        EXPECT(RtlFreeHeap(Heap, 0, Blocks[i]));
    }
    EXPECT(!RtlFreeHeap(Heap, 0, Blocks[0])); /* it was freed */
    EXPECT(!RtlFreeHeap(Other, 0, Blocks[1])); /* it is the other's */
    EXPECT(RtlFreeHeap(Heap, 0, NULL));
    EXPECT(RtlDestroyHeap(Heap) == NULL && RtlDestroyHeap(Other) == NULL);
    EXPECT(RtlDestroyHeap(NULL) == NULL);
}

GUEST_TEST(rtl_heap_that_may_not_grow_is_full)
{
    PVOID Heap = RtlCreateHeap(0, NULL, 4 * PAGE_SIZE, 0, NULL, NULL);
    PVOID Block = RtlAllocateHeap(Heap, 0, 3 * PAGE_SIZE);

    EXPECT(Block != NULL);
    EXPECT(RtlAllocateHeap(Heap, 0, PAGE_SIZE) == NULL);
    EXPECT_EQUAL((ULONG)HeapTestRaised(Heap, PAGE_SIZE), (ULONG)STATUS_NO_MEMORY);
    EXPECT(RtlAllocateHeap(Heap, 0, ~(SIZE_T)0) == NULL);
    EXPECT(RtlFreeHeap(Heap, 0, Block));
    EXPECT(RtlAllocateHeap(Heap, 0, PAGE_SIZE) != NULL);
    EXPECT(RtlDestroyHeap(Heap) == NULL);
    EXPECT(RtlCreateHeap(0, &Heap, 0, 0, NULL, NULL) == NULL);
    EXPECT(RtlCreateHeap(0x80000000, NULL, 0, 0, NULL, NULL) == NULL);
}
