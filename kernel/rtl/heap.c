/* SPDX-License-Identifier: MIT */
/*
 * Heaps of a driver's own: RtlCreateHeap and what goes with it.
 *
 * A heap is a list of blocks, each of paged pool with a header before it; destroying the heap frees
 * them all. NT's heaps are memory of the current process, so that a driver may give a block to a
 * program; these are not, and a heap in memory of the caller's (HeapBase) is refused.
 * The lock of a heap orders its list, also with HEAP_NO_SERIALIZE. <= APC_LEVEL
 */
#include "rtlp.h"

#include "nt/ex.h"
#include "nt/heap.h"
#include "nt/pool.h"
#include "nt/se.h"

#define RTLP_HEAP_TAG 0x70484c52u /* 'RLHp' */
#define RTLP_HEAP_SIGNATURE 0xeeffeeffu
#define RTLP_HEAP_FLAGS \
    (HEAP_NO_SERIALIZE | HEAP_GROWABLE | HEAP_GENERATE_EXCEPTIONS | HEAP_ZERO_MEMORY)
#define RTLP_HEAP_DEFAULT_RESERVE (64u * PAGE_SIZE)

typedef struct _RTLP_HEAP {
    ULONG Signature;
    ULONG Flags;
    SIZE_T Limit; /* bytes of all blocks; of a heap that may grow, none */
    SIZE_T Used;
    LIST_ENTRY Blocks;
    FAST_MUTEX Lock;
} RTLP_HEAP, *PRTLP_HEAP;

typedef struct DECLSPEC_ALIGN(16) _RTLP_HEAP_BLOCK {
    LIST_ENTRY Links;
    SIZE_T Size;
    PRTLP_HEAP Heap;
} RTLP_HEAP_BLOCK, *PRTLP_HEAP_BLOCK;

/* NULL: no memory, or arguments that no heap has. Lock and Parameters are for heaps of NT's own. */
PVOID RtlCreateHeap(ULONG Flags, PVOID HeapBase, SIZE_T ReserveSize, SIZE_T CommitSize, PVOID Lock,
                    PVOID Parameters)
{
    UNREFERENCED_PARAMETER(Parameters);
    if (HeapBase != NULL || Lock != NULL || (Flags & ~(ULONG)RTLP_HEAP_FLAGS)) {
        return NULL;
    }
    PRTLP_HEAP Heap = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Heap), RTLP_HEAP_TAG);
    if (Heap == NULL) {
        return NULL;
    }
    SIZE_T Limit = ReserveSize > CommitSize ? ReserveSize : CommitSize;
    *Heap = (RTLP_HEAP){
        .Signature = RTLP_HEAP_SIGNATURE,
        .Flags = Flags,
        .Limit = Flags & HEAP_GROWABLE ? ~(SIZE_T)0
                 : Limit != 0          ? Limit
                                       : RTLP_HEAP_DEFAULT_RESERVE,
    };
    InitializeListHead(&Heap->Blocks);
    ExInitializeFastMutex(&Heap->Lock);
    return Heap;
}

static PVOID RtlpRefuseHeap(ULONG Flags)
{
    if (Flags & HEAP_GENERATE_EXCEPTIONS) {
        ExRaiseStatus(STATUS_NO_MEMORY);
    }
    return NULL;
}

/* Flags of the heap and of the call. NULL, or STATUS_NO_MEMORY raised: there is no room. */
PVOID RtlAllocateHeap(PVOID HeapHandle, ULONG Flags, SIZE_T Size)
{
    PRTLP_HEAP Heap = HeapHandle;
    SIZE_T Bytes = sizeof(RTLP_HEAP_BLOCK) + Size;

    Flags |= Heap->Flags;
    if (Bytes < Size || Heap->Signature != RTLP_HEAP_SIGNATURE) {
        return RtlpRefuseHeap(Flags);
    }
    PRTLP_HEAP_BLOCK Block = ExAllocatePoolWithTag(PagedPool, Bytes, RTLP_HEAP_TAG);
    if (Block == NULL) {
        return RtlpRefuseHeap(Flags);
    }
    Block->Size = Bytes;
    Block->Heap = Heap;
    if (Flags & HEAP_ZERO_MEMORY) {
        RtlZeroMemory(Block + 1, Size);
    }
    ExAcquireFastMutex(&Heap->Lock);
    BOOLEAN Room = Bytes <= Heap->Limit - Heap->Used;
    if (Room) {
        Heap->Used += Bytes;
        InsertTailList(&Heap->Blocks, &Block->Links);
    }
    ExReleaseFastMutex(&Heap->Lock);
    if (!Room) {
        ExFreePoolWithTag(Block, RTLP_HEAP_TAG);
        return RtlpRefuseHeap(Flags);
    }
    return Block + 1;
}

/* FALSE: Address is no block of this heap. NULL is let pass. */
BOOLEAN RtlFreeHeap(PVOID HeapHandle, ULONG Flags, PVOID Address)
{
    PRTLP_HEAP Heap = HeapHandle;
    PRTLP_HEAP_BLOCK Block = (PRTLP_HEAP_BLOCK)Address - 1;

    UNREFERENCED_PARAMETER(Flags);
    if (Address == NULL) {
        return TRUE;
    }
    ExAcquireFastMutex(&Heap->Lock);
    BOOLEAN Found = FALSE;
    for (PLIST_ENTRY Entry = Heap->Blocks.Flink; Entry != &Heap->Blocks && !Found;
         Entry = Entry->Flink) {
        Found = Entry == &Block->Links;
    }
    if (Found) {
        RemoveEntryList(&Block->Links);
        Heap->Used -= Block->Size;
    }
    ExReleaseFastMutex(&Heap->Lock);
    if (Found) {
        ExFreePoolWithTag(Block, RTLP_HEAP_TAG);
    }
    return Found;
}

/* NULL: it is gone, with all its blocks; else the heap, as it is none. */
PVOID RtlDestroyHeap(PVOID HeapHandle)
{
    PRTLP_HEAP Heap = HeapHandle;

    if (Heap == NULL || Heap->Signature != RTLP_HEAP_SIGNATURE) {
        return Heap;
    }
    while (!IsListEmpty(&Heap->Blocks)) {
        ExFreePoolWithTag(
            CONTAINING_RECORD(RemoveHeadList(&Heap->Blocks), RTLP_HEAP_BLOCK, Links),
            RTLP_HEAP_TAG);
    }
    Heap->Signature = 0;
    ExFreePoolWithTag(Heap, RTLP_HEAP_TAG);
    return NULL;
}
