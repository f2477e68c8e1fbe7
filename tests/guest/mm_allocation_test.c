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
