/* SPDX-License-Identifier: MIT */
/*
 * Physical addresses: device memory, contiguous memory, and questions about addresses.
 */
#include "mm/mi.h"

#define MI_TAG_RANGES 'rPmM'

static PVOID MiMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, MMPTE Bits)
{
    const ULONG64 End = 1ull << MI_PHYSICAL_ADDRESS_BITS;
    ULONG64 Start = (ULONG64)PhysicalAddress.QuadPart;
    if (NumberOfBytes == 0 || Start >= End || NumberOfBytes > End - Start ||
        NumberOfBytes > MM_SYSTEM_PTES_PAGES * PAGE_SIZE) {
        return NULL;
    }
    ULONG64 Offset = Start & (PAGE_SIZE - 1);
    ULONG64 Pages = BYTES_TO_PAGES(Offset + NumberOfBytes);
    PCHAR Va = MiMapFrames(NULL, Start >> PAGE_SHIFT, Pages, Bits);
    return Va != NULL ? Va + Offset : NULL;
}

/* <= DISPATCH_LEVEL. NULL: no addresses left, or a range that is no physical address. */
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                   MEMORY_CACHING_TYPE CacheType)
{
    return MiMapIoSpace(PhysicalAddress, NumberOfBytes,
                        MI_PTE_WRITE | MI_PTE_NO_EXECUTE | MiCacheBits(CacheType));
}

/* The same with PAGE_x. NULL also for a Protect that is none. */
PVOID MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect)
{
    ULONG Protection;
    MMPTE CacheBits;
    if (!MiSplitProtection(Protect, &Protection, &CacheBits)) {
        return NULL;
    }
    return MiMapIoSpace(PhysicalAddress, NumberOfBytes,
                        MiProtectionToPte[Protection] | CacheBits);
}

VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    ULONG64 Va = (ULONG64)BaseAddress & ~(ULONG64)(PAGE_SIZE - 1);
    ULONG64 Pages = BYTES_TO_PAGES(BYTE_OFFSET(BaseAddress) + NumberOfBytes);
    if (!MiUnmapFrames(Va, Pages)) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x1235, (ULONG_PTR)BaseAddress, NumberOfBytes, 0);
    }
}

/* Contiguous, free or zeroed frames [Low, High] aligned so as not to cross Boundary. 0: none. */
static ULONG MiTakeContiguous(ULONG64 Pages, ULONG64 Low, ULONG64 High, ULONG64 Boundary)
{
    ULONG64 Run = 0;
    High = High < MiHighestFrame ? High : MiHighestFrame;
    for (ULONG64 Frame = Low == 0 ? 1 : Low; Frame <= High; Frame++) {
        PMMPTE Entry = MiWalk(MI_PFN(Frame), NULL);
        BOOLEAN Usable = Entry != NULL && (*Entry & MI_PTE_VALID) &&
                         (MI_PFN(Frame)->State == MiFree || MI_PFN(Frame)->State == MiZeroed);
        if (Boundary != 0 && Frame % Boundary == 0) {
            Run = 0;
        }
        Run = Usable ? Run + 1 : 0;
        if (Run == Pages) {
            return (ULONG)(Frame - Pages + 1);
        }
    }
    return 0;
}

/* MiPfnLock held. The frame is of a list that is free; Pte, when not NULL, will map it. */
static VOID MiTakeFrame(ULONG Frame, PMMPTE Pte)
{
    PMMPFN Pfn = MI_PFN(Frame);
    MiUnlinkList(MiListOf(Pfn), Frame);
    MiMarkNonpaged(Frame);
    Pfn->PteAddress = Pte;
    Pfn->PteFrame = Pte != NULL ? MiFrameOfTable(Pte) : 0;
    Pfn->OriginalPte = MI_SOFTWARE_PTE(MI_READWRITE, 0);
}

ULONG MiAllocateContiguousFrames(ULONG64 Pages, ULONG64 Low, ULONG64 High)
{
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    ULONG First = MiTakeContiguous(Pages, Low, High, 0);
    for (ULONG64 i = 0; First != 0 && i < Pages; i++) {
        MiTakeFrame((ULONG)(First + i), NULL);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    return First;
}

/* A boundary that is no multiple of a page cannot be kept: NULL, as when there is no room. */
PVOID MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS Lowest,
                                             PHYSICAL_ADDRESS Highest, PHYSICAL_ADDRESS Boundary,
                                             MEMORY_CACHING_TYPE CacheType)
{
    ULONG64 Pages = BYTES_TO_PAGES(NumberOfBytes);
    if (Pages == 0 || BYTE_OFFSET((ULONG_PTR)Boundary.QuadPart) != 0 || !MiChargeResident(Pages)) {
        return NULL;
    }
    ULONG64 Index = MiReserveRange(&MiSystemPteRange, Pages);
    ULONG64 Va = MiSystemPteRange.Start + (Index << PAGE_SHIFT);
    if (Index == MI_RANGE_FULL || !MiMakeSystemTables(Va, Pages)) {
        goto NoAddresses;
    }
    KIRQL Irql = KiAcquireSpinLock(&MiPfnLock);
    ULONG First = MiTakeContiguous(Pages, BYTES_TO_PAGES((ULONG64)Lowest.QuadPart),
                                   (ULONG64)Highest.QuadPart >> PAGE_SHIFT,
                                   (ULONG64)Boundary.QuadPart >> PAGE_SHIFT);
    for (ULONG64 i = 0; First != 0 && i < Pages; i++) {
        PMMPTE Pte = MI_PTE_OF(Va + (i << PAGE_SHIFT));
        MiTakeFrame((ULONG)(First + i), Pte);
        *Pte = MiValidPte((ULONG)(First + i), MI_READWRITE, FALSE) | MI_PTE_DIRTY |
               (CacheType == MmCached ? 0 : MI_PTE_CACHE_DISABLE | MI_PTE_WRITE_THROUGH);
    }
    KiReleaseSpinLock(&MiPfnLock, Irql);
    if (First != 0) {
        return (PVOID)Va;
    }
NoAddresses:
    if (Index != MI_RANGE_FULL) {
        MiReleaseRange(&MiSystemPteRange, Index);
    }
    MiReturnResident(Pages);
    return NULL;
}

PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes, PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    PHYSICAL_ADDRESS Zero = {.QuadPart = 0};
    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, Zero, HighestAcceptableAddress,
                                                  Zero, MmCached);
}

VOID MmFreeContiguousMemory(PVOID BaseAddress)
{
    ULONG64 Index = ((ULONG64)BaseAddress - MiSystemPteRange.Start) >> PAGE_SHIFT;
    ULONG64 Pages = MiQueryRange(&MiSystemPteRange, Index);
    if (Pages == 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x1235, (ULONG_PTR)BaseAddress, 0, 0);
    }
    MiUnmapNonpaged((ULONG64)BaseAddress, Pages);
    MiReleaseRange(&MiSystemPteRange, Index);
}

VOID MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                        MEMORY_CACHING_TYPE CacheType)
{
    MmFreeContiguousMemory(BaseAddress);
}

PVOID MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    PHYSICAL_ADDRESS Zero = {.QuadPart = 0};
    PHYSICAL_ADDRESS All = {.QuadPart = -1};
    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, Zero, All, Zero, MmNonCached);
}

VOID MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    MmFreeContiguousMemory(BaseAddress);
}

PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress)
{
    PHYSICAL_ADDRESS Result = {.QuadPart = 0};
    ULONG64 Va = (ULONG64)BaseAddress;
    if (Va >= MM_PHYSICAL_MAP && Va < MM_PHYSICAL_MAP + 0x8000000000ull) {
        Result.QuadPart = (LONGLONG)(Va - MM_PHYSICAL_MAP);
        return Result;
    }
    PMMPTE Pte = MiWalk(BaseAddress, NULL);
    if (Pte != NULL && (*Pte & MI_PTE_VALID)) {
        Result.QuadPart = (LONGLONG)((*Pte & MI_PTE_FRAME_MASK) + BYTE_OFFSET(BaseAddress));
    }
    return Result;
}

/* The caller frees it. An element of zeros ends it; NULL: no pool. PASSIVE_LEVEL */
PPHYSICAL_MEMORY_RANGE MmGetPhysicalMemoryRanges(VOID)
{
    PPHYSICAL_MEMORY_RANGE Ranges =
        ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(MiPhysicalRanges), MI_TAG_RANGES);
    if (Ranges != NULL) {
        __builtin_memcpy(Ranges, MiPhysicalRanges, sizeof(MiPhysicalRanges));
    }
    return Ranges;
}

PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
    return MmPhysicalAddressToVirtual((ULONG64)PhysicalAddress.QuadPart);
}

/* TRUE: a touch now would not fault. Any IRQL in practice; documented for <= DISPATCH_LEVEL. */
BOOLEAN MmIsAddressValid(PVOID VirtualAddress)
{
    PMMPTE Bad = NULL;
    PMMPTE Pte = MiWalk(VirtualAddress, &Bad);
    if (Pte != NULL) {
        return (*Pte & MI_PTE_VALID) != 0;
    }
    return Bad != NULL && (*Bad & (MI_PTE_VALID | MI_PTE_LARGE)) == (MI_PTE_VALID | MI_PTE_LARGE);
}

BOOLEAN MmHasPage(PVOID Address)
{
    PMMPTE Pte = MiWalk(Address, NULL);
    return Pte != NULL && *Pte != 0;
}

BOOLEAN MmIsNonPagedSystemAddressValid(PVOID VirtualAddress)
{
    PMMPTE Pte = MiWalk(VirtualAddress, NULL);
    return Pte != NULL && (ULONG64)VirtualAddress >= MM_SYSTEM_RANGE_START &&
           (*Pte & MI_PTE_VALID) && MI_PTE_FRAME(*Pte) <= MiHighestFrame &&
           MI_PFN(MI_PTE_FRAME(*Pte))->Nonpaged;
}

MM_SYSTEMSIZE MmQuerySystemSize(VOID)
{
    return MiPhysicalPages < 0x2000   ? MmSmallSystem
           : MiPhysicalPages < 0x8000 ? MmMediumSystem
                                      : MmLargeSystem;
}

BOOLEAN MmIsThisAnNtAsSystem(VOID)
{
    return FALSE; /* a workstation, as KUSER_SHARED_DATA says */
}
