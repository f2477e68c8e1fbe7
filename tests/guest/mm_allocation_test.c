/* SPDX-License-Identifier: MIT */
/*
 * Contiguous and noncached memory, pages for MDLs, mappings the older way, questions about memory.
 * Expected values: the page of each routine in the Windows Driver Kit's reference.
 */
#include "mm/mi.h"
#include "nt/io.h"
#include "nt/rtl.h"
#include "test.h"

static PHYSICAL_ADDRESS At(ULONG64 Address)
{
    return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)Address};
}

GUEST_TEST(mm_contiguous_memory_keeps_its_limits)
{
    PUCHAR Memory = MmAllocateContiguousMemorySpecifyCache(3 * PAGE_SIZE, At(0x400000),
                                                           At(0x7fffffff), At(0), MmCached);
    EXPECT(Memory != NULL && BYTE_OFFSET(Memory) == 0);
    ULONG64 Start = (ULONG64)MmGetPhysicalAddress(Memory).QuadPart;
    EXPECT(Start >= 0x400000 && Start + 3 * PAGE_SIZE <= 0x80000000);
    for (ULONG i = 0; i < 3 * PAGE_SIZE; i += 512) {
        EXPECT_EQUAL(MmGetPhysicalAddress(Memory + i).QuadPart, Start + i);
        Memory[i] = (UCHAR)i;
    }
    EXPECT(MmIsNonPagedSystemAddressValid(Memory));
    MmFreeContiguousMemorySpecifyCache(Memory, 3 * PAGE_SIZE, MmCached);

    /* Not across a multiple of the boundary. */
    for (ULONG i = 0; i < 8; i++) {
        Memory = MmAllocateContiguousMemorySpecifyCache(3 * PAGE_SIZE, At(0), At(~0ull >> 1),
                                                        At(4 * PAGE_SIZE), MmNonCached);
        EXPECT(Memory != NULL);
        Start = (ULONG64)MmGetPhysicalAddress(Memory).QuadPart;
        EXPECT_EQUAL(Start / (4 * PAGE_SIZE), (Start + 3 * PAGE_SIZE - 1) / (4 * PAGE_SIZE));
        MmFreeContiguousMemorySpecifyCache(Memory, 3 * PAGE_SIZE, MmNonCached);
    }
    EXPECT(MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, At(1ull << 40), At(~0ull >> 1), At(0),
                                                  MmCached) == NULL); /* no RAM is there */
    EXPECT(MmAllocateContiguousMemorySpecifyCache(5 * PAGE_SIZE, At(0), At(~0ull >> 1),
                                                  At(4 * PAGE_SIZE), MmCached) == NULL);
    EXPECT(MmAllocateContiguousMemorySpecifyCache(0, At(0), At(~0ull >> 1), At(0), MmCached) ==
           NULL);
}

/* The pages' bytes are within the limits, which need be no page's; a boundary is of pages. */
GUEST_TEST(mm_contiguous_memory_between_odd_limits)
{
    PUCHAR First = MmAllocateContiguousMemory(PAGE_SIZE, At(~0ull >> 1));
    EXPECT(First != NULL);
    ULONG64 Start = (ULONG64)MmGetPhysicalAddress(First).QuadPart;
    MmFreeContiguousMemory(First);
    /* That page is free now, and the lowest that is: one byte more is the next page. */
    PUCHAR Next = MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, At(Start + 1),
                                                         At(~0ull >> 1), At(0), MmCached);
    EXPECT(Next != NULL && (ULONG64)MmGetPhysicalAddress(Next).QuadPart > Start);
    MmFreeContiguousMemory(Next);
    Next = MmAllocateContiguousMemory(PAGE_SIZE, At(Start + PAGE_SIZE - 1));
    EXPECT(Next != NULL && (ULONG64)MmGetPhysicalAddress(Next).QuadPart <= Start);
    MmFreeContiguousMemory(Next);
    EXPECT(MmAllocateContiguousMemory(PAGE_SIZE, At(Start - 1)) == NULL);
    EXPECT(MmAllocateContiguousMemory(0, At(~0ull >> 1)) == NULL);
    EXPECT(MmAllocateContiguousMemory(~(SIZE_T)0, At(~0ull >> 1)) == NULL);
    EXPECT(MmAllocateContiguousMemory(1ull << 40, At(~0ull >> 1)) == NULL);
    EXPECT(MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, At(0), At(~0ull >> 1), At(0x800),
                                                  MmCached) == NULL);
    EXPECT(MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, At(0x800000), At(0x7fffff), At(0),
                                                  MmCached) == NULL);
}

/* All of a range of device memory must be physical addresses. */
GUEST_TEST(mm_io_space_ends_with_the_physical_addresses)
{
    const ULONG64 End = 1ull << MI_PHYSICAL_ADDRESS_BITS;
    EXPECT(MmMapIoSpace(At(End), PAGE_SIZE, MmNonCached) == NULL);
    EXPECT(MmMapIoSpace(At(End - PAGE_SIZE), PAGE_SIZE + 1, MmNonCached) == NULL);
    EXPECT(MmMapIoSpace(At(End - 1), 2, MmNonCached) == NULL);
    EXPECT(MmMapIoSpace(At(~0ull), 1, MmNonCached) == NULL);
    EXPECT(MmMapIoSpace(At(0xfee00000), 0, MmNonCached) == NULL);
    EXPECT(MmMapIoSpace(At(0xfee00000), ~(SIZE_T)0, MmNonCached) == NULL);
    PUCHAR Last = MmMapIoSpace(At(End - 1), 1, MmNonCached); /* mapped, and not touched */
    EXPECT(Last != NULL && BYTE_OFFSET(Last) == PAGE_SIZE - 1);
    MmUnmapIoSpace(Last, 1);
    EXPECT(MmMapIoSpaceEx(At(0xfee00000), PAGE_SIZE, PAGE_READWRITE | PAGE_GUARD) == NULL);
    EXPECT(MmMapIoSpaceEx(At(0xfee00000), PAGE_SIZE,
                          PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE) == NULL);
    EXPECT(MmMapIoSpaceEx(At(0xfee00000), PAGE_SIZE, 0) == NULL);
}

GUEST_TEST(mm_noncached_memory)
{
    PULONG Memory = MmAllocateNonCachedMemory(PAGE_SIZE + 1);

    EXPECT(Memory != NULL && BYTE_OFFSET(Memory) == 0);
    Memory[PAGE_SIZE / sizeof(ULONG)] = 0x12345678; /* the second page is there */
    EXPECT_EQUAL(Memory[PAGE_SIZE / sizeof(ULONG)], 0x12345678);
    EXPECT(*MI_PTE_OF(Memory) & MI_PTE_CACHE_DISABLE);
    MmFreeNonCachedMemory(Memory, PAGE_SIZE + 1);
}

GUEST_TEST(mm_pages_for_an_mdl_are_mapped_by_their_owner)
{
    PMDL Mdl = MmAllocatePagesForMdl(At(0), At(~0ull >> 1), At(0), 3 * PAGE_SIZE - 8);

    EXPECT(Mdl != NULL && Mdl->ByteCount == 3 * PAGE_SIZE - 8);
    EXPECT(MmAllocatePagesForMdl(At(0), At(~0ull >> 1), At(0), 0) == NULL);
    PUCHAR Va = MmMapLockedPages(Mdl, KernelMode);
    EXPECT(Va != NULL && Va == Mdl->MappedSystemVa && (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    for (ULONG i = 0; i < Mdl->ByteCount; i += 128) {
        EXPECT_EQUAL(Va[i], 0); /* pages that nobody's data is in */
    }
    for (ULONG i = 0; i < 3; i++) {
        EXPECT_EQUAL(MmGetPhysicalAddress(Va + i * PAGE_SIZE).QuadPart,
                     MmGetMdlPfnArray(Mdl)[i] << PAGE_SHIFT);
    }
    MmUnmapLockedPages(Va, Mdl);
    EXPECT(!(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
}

static VOID ExpectPagesWithin(PMDL Mdl, ULONG64 Low, ULONG64 High)
{
    for (ULONG i = 0; i < Mdl->ByteCount / PAGE_SIZE; i++) {
        ULONG64 Physical = MmGetMdlPfnArray(Mdl)[i] << PAGE_SHIFT;
        EXPECT(Physical >= Low && Physical + PAGE_SIZE - 1 <= High);
    }
}

/* MmAllocatePagesForMdl's page: pages between the limits, then between the limits + SkipBytes. */
GUEST_TEST(mm_pages_for_an_mdl_are_between_the_limits)
{
    /* The second one's limits are no page's. */
    const struct {
        ULONG64 Low, High;
    } Ranges[] = {{0, 0xffffff}, {0x800001, 0xfffffe}, {0x1000000, 0x17fffff}};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Ranges); i++) {
        PMDL Mdl = MmAllocatePagesForMdl(At(Ranges[i].Low), At(Ranges[i].High), At(0),
                                         4 * PAGE_SIZE);
        EXPECT(Mdl != NULL);
        if (Mdl != NULL) {
            EXPECT_EQUAL(Mdl->ByteCount, 4 * PAGE_SIZE);
            ExpectPagesWithin(Mdl, Ranges[i].Low, Ranges[i].High);
            PULONG64 Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                                       NormalPagePriority);
            for (ULONG At8 = 0; At8 < Mdl->ByteCount / 8; At8 += 16) {
                EXPECT_EQUAL(Va[At8], 0);
                Va[At8] = At8 + 1;
            }
            MmUnmapLockedPages(Va, Mdl);
            MmFreePagesFromMdl(Mdl);
            ExFreePool(Mdl);
        }
    }
    EXPECT(MmAllocatePagesForMdl(At(1ull << 40), At(~0ull >> 1), At(0), PAGE_SIZE) == NULL);
    EXPECT(MmAllocatePagesForMdl(At(0x2000000), At(0x1000000), At(0), PAGE_SIZE) == NULL);
    /* Each range has two pages: the third and fourth are of the next one. */
    PMDL Two = MmAllocatePagesForMdl(At(0x1000000), At(0x1001fff), At(0), 4 * PAGE_SIZE);
    EXPECT(Two != NULL && Two->ByteCount <= 2 * PAGE_SIZE);
    MmFreePagesFromMdl(Two);
    ExFreePool(Two);
    Two = MmAllocatePagesForMdl(At(0x1000000), At(0x1001fff), At(0x100000), 4 * PAGE_SIZE);
    EXPECT(Two != NULL && Two->ByteCount == 4 * PAGE_SIZE);
    for (ULONG i = 0; i < Two->ByteCount / PAGE_SIZE; i++) {
        ULONG64 Physical = MmGetMdlPfnArray(Two)[i] << PAGE_SHIFT;
        EXPECT(Physical >= 0x1000000 && (Physical & 0xfffff) <= 0x1fff);
    }
    MmFreePagesFromMdl(Two);
    ExFreePool(Two);
}

/* MmMapLockedPagesSpecifyCache's page: MdlMappingNoWrite and MdlMappingNoExecute. */
GUEST_TEST(mm_mappings_have_the_protection_that_is_asked)
{
    static const struct {
        ULONG Flags;
        MMPTE Bits;
    } Cases[] = {
        {0, MI_PTE_WRITE},
        {MdlMappingNoExecute, MI_PTE_WRITE | MI_PTE_NO_EXECUTE},
        {MdlMappingNoWrite, 0},
        {MdlMappingNoWrite | MdlMappingNoExecute, MI_PTE_NO_EXECUTE},
    };
    PMDL Mdl = MmAllocatePagesForMdl(At(0), At(~0ull >> 1), At(0), PAGE_SIZE);
    EXPECT(Mdl != NULL);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        PVOID Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                                NormalPagePriority | Cases[i].Flags);
        EXPECT(Va != NULL);
        EXPECT_EQUAL(*MI_PTE_OF(Va) & (MI_PTE_WRITE | MI_PTE_NO_EXECUTE), Cases[i].Bits);
        /* The older flags of a protection that is none. */
        EXPECT_EQUAL((ULONG)MmProtectMdlSystemAddress(Mdl, PAGE_READWRITE | PAGE_GUARD),
                     (ULONG)STATUS_INVALID_PAGE_PROTECTION);
        EXPECT_EQUAL((ULONG)MmProtectMdlSystemAddress(Mdl, PAGE_WRITECOPY),
                     (ULONG)STATUS_INVALID_PAGE_PROTECTION);
        EXPECT_EQUAL(MmProtectMdlSystemAddress(Mdl, PAGE_EXECUTE_READ), STATUS_SUCCESS);
        EXPECT_EQUAL(*MI_PTE_OF(Va) & (MI_PTE_WRITE | MI_PTE_NO_EXECUTE), 0);
        MmUnmapLockedPages(Va, Mdl);
    }
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
}

GUEST_TEST(mm_addresses_and_sizes_of_the_system)
{
    PVOID Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, 'tseT');
    PVOID NonPaged = ExAllocatePoolWithTag(NonPagedPoolNx, 16, 'tseT');

    *(volatile ULONG *)Paged = 1;
    EXPECT(MmIsNonPagedSystemAddressValid(NonPaged) && !MmIsNonPagedSystemAddressValid(Paged));
    EXPECT(!MmIsNonPagedSystemAddressValid((PVOID)0x10000));
    EXPECT(!MmIsNonPagedSystemAddressValid(NULL));
    ExFreePoolWithTag(Paged, 'tseT');
    ExFreePoolWithTag(NonPaged, 'tseT');
    /* Of x64 since Windows 8.1: 128 TB for user mode, of which the last 64 KB are not given. */
    EXPECT_EQUAL((ULONG_PTR)MmSystemRangeStart, 0xffff800000000000ull);
    EXPECT_EQUAL((ULONG_PTR)MmHighestUserAddress, 0x7ffffffeffffull);
    EXPECT_EQUAL(MmUserProbeAddress, 0x7fffffff0000ull);
    EXPECT(MmQuerySystemSize() <= MmLargeSystem);
    EXPECT(!MmIsThisAnNtAsSystem()); /* a workstation, as RtlGetVersion says */
}
