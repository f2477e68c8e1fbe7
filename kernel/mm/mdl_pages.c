/* SPDX-License-Identifier: MIT */
/*
 * Pages for a driver that has no address for them: MmAllocatePagesForMdl, and MDLs that lose pages
 * at their front. The pages are nonpaged, and in no mapping until the driver maps the MDL.
 */
#include "mm/mi.h"
#include "nt/rtl.h"

#define MI_TAG_MDL 'ldMM'
#define MI_MDL_PAGES_MOST (0x7fff / sizeof(PFN_NUMBER) * 64)
#define MI_MDL_FLAGS                                                                 \
    (MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_FROM_LOCAL_NODE_ONLY |                    \
     MM_ALLOCATE_FULLY_REQUIRED | MM_ALLOCATE_NO_WAIT | MM_ALLOCATE_PREFER_CONTIGUOUS | \
     MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS)

/* What is being gathered; charged as resident when it is taken. */
typedef struct _MI_GATHER {
    PFN_NUMBER *Frames;
    ULONG64 Got, Wanted; /* pages */
    ULONG64 Chunk;       /* pages that must follow each other */
    BOOLEAN Zero;
} MI_GATHER, *PMI_GATHER;

/* Anywhere in memory: standby pages too. FALSE: there are no more. */
static BOOLEAN MiGatherAnyPage(PMI_GATHER Gather)
{
    if (!MiChargeResident(1)) {
        return FALSE;
    }
    ULONG Frame = MiAllocateNonpagedFrame(NULL, 0, Gather->Zero);
    if (Frame == MI_NO_PAGE) {
        MiReturnResident(1);
        return FALSE;
    }
    Gather->Frames[Gather->Got++] = Frame;
    return TRUE;
}

/* Of frames [*Low, High]: free and zeroed ones. *Low goes past what was taken. */
static BOOLEAN MiGatherChunk(PMI_GATHER Gather, PULONG64 Low, ULONG64 High)
{
    if (!MiChargeResident(Gather->Chunk)) {
        return FALSE;
    }
    ULONG First = MiAllocateContiguousFrames(Gather->Chunk, *Low, High);
    if (First == 0) {
        MiReturnResident(Gather->Chunk);
        return FALSE;
    }
    for (ULONG64 Page = 0; Page < Gather->Chunk; Page++) {
        if (Gather->Zero) {
            MiZeroPage(MiFrameToVirtual(First + Page));
        }
        Gather->Frames[Gather->Got++] = First + Page;
    }
    *Low = First + Gather->Chunk;
    return TRUE;
}

/* Between two addresses: pages all of whose bytes are. */
static VOID MiGatherBetween(PMI_GATHER Gather, ULONG64 Low, ULONG64 High)
{
    if (High < PAGE_SIZE - 1) {
        return;
    }
    ULONG64 First = BYTES_TO_PAGES(Low), Last = ((High + 1) >> PAGE_SHIFT) - 1;
    BOOLEAN Anywhere = First == 0 && Last >= MiHighestFrame && Gather->Chunk == 1;
    while (Gather->Got < Gather->Wanted &&
           (Anywhere ? MiGatherAnyPage(Gather) : MiGatherChunk(Gather, &First, Last))) {
    }
}

/* From Low to High, and with Skip then as far above that, and so on. */
static VOID MiGatherRanges(PMI_GATHER Gather, ULONG64 Low, ULONG64 High, ULONG64 Skip)
{
    while (Gather->Got < Gather->Wanted && Low >> PAGE_SHIFT <= MiHighestFrame) {
        MiGatherBetween(Gather, Low, High);
        if (Skip == 0 || Skip > ~0ull - Low || Skip > ~0ull - High) {
            return;
        }
        Low += Skip;
        High += Skip;
    }
}

/*
 * Fewer pages than asked for is a documented answer, unless Flags want all; NULL: none, or Flags or
 * chunks that are wrong. With MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS SkipBytes is a chunk's size, a
 * power of two. CacheType is the driver's promise how it will map them; frames here have none.
 * <= APC_LEVEL
 */
PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                             PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
                             MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
    ULONG64 Skip = (ULONG64)SkipBytes.QuadPart;
    MI_GATHER Gather = {.Wanted = BYTES_TO_PAGES(TotalBytes), .Chunk = 1,
                        .Zero = !(Flags & MM_DONT_ZERO_ALLOCATION)};

    if (Gather.Wanted == 0 || Gather.Wanted > MI_MDL_PAGES_MOST || (Flags & ~MI_MDL_FLAGS) ||
        (ULONG)CacheType >= MmMaximumCacheType) {
        return NULL;
    }
    if (Flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) {
        if (Skip < PAGE_SIZE || (Skip & (Skip - 1)) != 0 || TotalBytes % Skip != 0) {
            return NULL;
        }
        Gather.Chunk = Skip >> PAGE_SHIFT;
        Skip = 0;
    }
    PMDL Mdl = ExAllocatePoolWithTag(
        NonPagedPool, sizeof(MDL) + Gather.Wanted * sizeof(PFN_NUMBER), MI_TAG_MDL);
    if (Mdl == NULL) {
        return NULL;
    }
    RtlZeroMemory(Mdl, sizeof(*Mdl));
    MmInitializeMdl(Mdl, NULL, TotalBytes);
    Gather.Frames = MmGetMdlPfnArray(Mdl);
    MiGatherRanges(&Gather, (ULONG64)LowAddress.QuadPart, (ULONG64)HighAddress.QuadPart, Skip);
    BOOLEAN All = Gather.Got == Gather.Wanted;
    Mdl->ByteCount = All ? (ULONG)TotalBytes : (ULONG)(Gather.Got << PAGE_SHIFT);
    Mdl->MdlFlags |= MDL_PAGES_LOCKED;
    if (Gather.Got == 0 || (!All && (Flags & MM_ALLOCATE_FULLY_REQUIRED))) {
        MmFreePagesFromMdl(Mdl);
        ExFreePoolWithTag(Mdl, MI_TAG_MDL);
        return NULL;
    }
    return Mdl;
}

PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                           PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached, 0);
}

VOID MmFreePagesFromMdl(PMDL Mdl)
{
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
    for (ULONG i = 0; i < Pages; i++) {
        MiFreeNonpagedFrame((ULONG)MmGetMdlPfnArray(Mdl)[i]);
    }
    MiReturnResident(Pages);
    Mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
}

/* The first Pages of the mapping at Va are no longer in it; the addresses after them stay. */
static VOID MiTrimMapping(PMDL Mdl, ULONG64 Pages)
{
    ULONG64 Va = (ULONG64)PAGE_ALIGN(Mdl->MappedSystemVa);

    MiClearFrames(Va, Pages);
    MiReleaseFront(&MiSystemPteRange, (Va - MiSystemPteRange.Start) >> PAGE_SHIFT, Pages);
}

/*
 * The MDL describes what follows its first NumberOfBytes; pages that it leaves behind whole are
 * unlocked and unmapped. STATUS_INVALID_PARAMETER_2: it is shorter. <= DISPATCH_LEVEL
 */
NTSTATUS MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
    PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);

    if (NumberOfBytes > Mdl->ByteCount) {
        return STATUS_INVALID_PARAMETER_2;
    }
    ULONG Offset = Mdl->ByteOffset + NumberOfBytes, Passed = Offset >> PAGE_SHIFT;
    if (NumberOfBytes == Mdl->ByteCount && BYTE_OFFSET((ULONG_PTR)Offset) == 0) {
        Passed = Pages;
    }
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        MiTrimMapping(Mdl, Passed);
        if (Passed == Pages) {
            Mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
        }
    }
    if (Mdl->MdlFlags & MDL_PAGES_LOCKED) {
        for (ULONG i = 0; i < Passed; i++) {
            MiUnlockPage((ULONG)Frames[i]);
        }
        MiReturnResident(Passed);
        if (Mdl->Process != NULL) {
            InterlockedExchangeAdd64(&Mdl->Process->LockedPages, -(LONG64)Passed);
        }
    }
    RtlMoveMemory(Frames, Frames + Passed, (Pages - Passed) * sizeof(PFN_NUMBER));
    Mdl->StartVa = (PCHAR)Mdl->StartVa + ((ULONG64)Passed << PAGE_SHIFT);
    Mdl->ByteOffset = BYTE_OFFSET((ULONG_PTR)Offset);
    Mdl->ByteCount -= NumberOfBytes;
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) {
        Mdl->MappedSystemVa = (PCHAR)Mdl->MappedSystemVa + NumberOfBytes;
    }
    return STATUS_SUCCESS;
}
