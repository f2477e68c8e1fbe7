/* SPDX-License-Identifier: MIT */
/*
 * Memory descriptor lists: locking the pages of a buffer, and mapping them into system space or
 * into a process (view.c). Pages that are allocated by an MDL: mdl_pages.c.
 *
 * A locked page has a reference in its frame entry; trimming skips it, and freeing its address
 * leaves the frame alive until MmUnlockPages. Locking takes a resident charge for each page.
 */
#include "mm/mi.h"
#include "vf/vf.h"

SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

static ULONG MiPagesOfMdl(PMDL Mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
}

/* The bytes of the range, for a bound check that cannot overflow. */
static BOOLEAN MiIsUserRange(ULONG64 Start, ULONG64 Length)
{
    return Start <= MM_HIGHEST_USER_ADDRESS && Length <= MM_HIGHEST_USER_ADDRESS - Start + 1;
}

/*
 * <= APC_LEVEL for pageable memory, <= DISPATCH_LEVEL for nonpaged. Raises STATUS_ACCESS_VIOLATION
 * for a bad range, STATUS_WORKING_SET_QUOTA when too little memory may be locked; then nothing is
 * locked.
 */
VOID MmProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG64 Va = (ULONG64)Mdl->StartVa;
    ULONG Pages = MiPagesOfMdl(Mdl);
    BOOLEAN Write = Operation != IoReadAccess;
    NTSTATUS Status = STATUS_SUCCESS;
    NT_VERIFY(!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)));
    BOOLEAN User = MiIsUserRange((ULONG64)MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
    if ((AccessMode == UserMode && !User) || (Va <= MM_HIGHEST_USER_ADDRESS && !User)) {
        ExRaiseStatus(STATUS_ACCESS_VIOLATION);
    }
    if (!MiChargeResident(Pages)) {
        ExRaiseStatus(STATUS_WORKING_SET_QUOTA);
    }
    ULONG Locked = 0;
    while (Locked < Pages && NT_SUCCESS(Status)) {
        ULONG Frame;
        Status = MiLockPage((PVOID)(Va + ((ULONG64)Locked << PAGE_SHIFT)), AccessMode, Write,
                            &Frame);
        if (NT_SUCCESS(Status)) {
            Frames[Locked++] = Frame;
        }
    }
    if (!NT_SUCCESS(Status)) {
        while (Locked > 0) {
            MiUnlockPage((ULONG)Frames[--Locked]);
        }
        MiReturnResident(Pages);
        ExRaiseStatus(Status);
    }
    Mdl->Process = User ? MiCurrentProcess() : NULL;
    if (User) {
        InterlockedExchangeAdd64(&Mdl->Process->LockedPages, Pages);
    }
    Mdl->MdlFlags |= MDL_PAGES_LOCKED | (Write ? MDL_WRITE_OPERATION : 0);
}

/* As MmProbeAndLockPages, of Process's memory. PASSIVE_LEVEL, APC_LEVEL */
VOID MmProbeAndLockProcessPages(PMDL Mdl, PEPROCESS Process, KPROCESSOR_MODE AccessMode,
                                LOCK_OPERATION Operation)
{
    KAPC_STATE State;

    KeStackAttachProcess(&Process->Pcb, &State);
    __try {
        MmProbeAndLockPages(Mdl, AccessMode, Operation);
    } __finally {
        KeUnstackDetachProcess(&State);
    }
}

/* Mdl NULL: one is made, which the caller frees with ExFreePool. */
PMDL MmCreateMdl(PMDL Mdl, PVOID Base, SIZE_T Length)
{
    if (Mdl == NULL) {
        Mdl = ExAllocatePoolWithTag(NonPagedPoolNx, MmSizeOfMdl(Base, Length), 'ldMM');
    }
    if (Mdl != NULL) {
        MmInitializeMdl(Mdl, Base, Length);
    }
    return Mdl;
}

VOID MmUnlockPages(PMDL Mdl)
{
    PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG Pages = MiPagesOfMdl(Mdl);
    if (!(Mdl->MdlFlags & MDL_PAGES_LOCKED)) {
        KeBugCheckEx(PROCESS_HAS_LOCKED_PAGES, 1, (ULONG_PTR)Mdl, 0, 0);
    }
    if (VfActive) {
        VfForget(VfHoldingPages, Mdl);
    }
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
    for (ULONG i = 0; i < Pages; i++) {
        MiUnlockPage((ULONG)Frames[i]);
    }
    if (Mdl->Process != NULL) {
        InterlockedExchangeAdd64(&Mdl->Process->LockedPages, -(LONG64)Pages);
        Mdl->Process = NULL;
    }
    MiReturnResident(Pages);
    Mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
}

/* The pages must be resident: a page that is not is bug check 0x1A, P1 = 0x1240. */
VOID MmBuildMdlForNonPagedPool(PMDL Mdl)
{
    PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG Pages = MiPagesOfMdl(Mdl);
    for (ULONG i = 0; i < Pages; i++) {
        PVOID Va = (PCHAR)Mdl->StartVa + ((ULONG64)i << PAGE_SHIFT);
        PMMPTE Pte = MiWalk(Va, NULL);
        if (Pte == NULL || !(*Pte & MI_PTE_VALID)) {
            KeBugCheckEx(MEMORY_MANAGEMENT, 0x1240, (ULONG_PTR)Mdl, (ULONG_PTR)Pte, 0);
        }
        Frames[i] = MI_PTE_FRAME(*Pte);
    }
    Mdl->MappedSystemVa = MmGetMdlVirtualAddress(Mdl);
    Mdl->Process = NULL;
    Mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

MMPTE MiCacheBits(MEMORY_CACHING_TYPE CacheType)
{
    switch (CacheType) {
    case MmNonCached:
    case MmNonCachedUnordered: return MI_PTE_CACHE_DISABLE | MI_PTE_WRITE_THROUGH;
    case MmWriteCombined:
    case MmUSWCCached: return MI_PTE_WRITE_THROUGH;
    default: return 0;
    }
}

BOOLEAN MiSplitProtection(ULONG PageProtect, PULONG Protection, MMPTE *CacheBits)
{
    ULONG Cache = PageProtect & (PAGE_NOCACHE | PAGE_WRITECOMBINE);
    *CacheBits = MiCacheBits(Cache == 0              ? MmCached
                             : Cache == PAGE_NOCACHE ? MmNonCached
                                                     : MmWriteCombined);
    *Protection = MiProtectionOfPage(PageProtect & ~Cache);
    return *Protection != 0 && !(*Protection & MI_GUARD) &&
           Cache != (PAGE_NOCACHE | PAGE_WRITECOMBINE);
}

VOID MiWriteFrames(ULONG64 Va, const PFN_NUMBER *Frames, ULONG64 First, ULONG64 Pages, MMPTE Bits)
{
    for (ULONG64 i = 0; i < Pages; i++) {
        PFN_NUMBER Frame = Frames != NULL ? Frames[i] : First + i;
        *MI_PTE_OF(Va + (i << PAGE_SHIFT)) = (Frame << PAGE_SHIFT) | MI_PTE_VALID |
                                             MI_PTE_ACCESSED | MI_PTE_DIRTY | Bits;
    }
}

VOID MiClearFrames(ULONG64 Va, ULONG64 Pages)
{
    for (ULONG64 i = 0; i < Pages; i++) {
        *MI_PTE_OF(Va + (i << PAGE_SHIFT)) = 0;
        MiInvalidatePage((PVOID)(Va + (i << PAGE_SHIFT)));
    }
}

/* System addresses for frames that somebody else keeps alive. NULL: none left. */
PVOID MiMapFrames(const PFN_NUMBER *Frames, ULONG64 First, ULONG64 Pages, MMPTE Bits)
{
    ULONG64 Index = MiReserveRange(&MiSystemPteRange, Pages);
    if (Index == MI_RANGE_FULL) {
        return NULL;
    }
    ULONG64 Va = MiSystemPteRange.Start + (Index << PAGE_SHIFT);
    if (!MiMakeSystemTables(Va, Pages)) {
        MiReleaseRange(&MiSystemPteRange, Index);
        return NULL;
    }
    MiWriteFrames(Va, Frames, First, Pages, Bits);
    return (PVOID)Va;
}

/* FALSE: Va is not the start of a mapping of so many pages. */
BOOLEAN MiUnmapFrames(ULONG64 Va, ULONG64 Pages)
{
    ULONG64 Index = (Va - MiSystemPteRange.Start) >> PAGE_SHIFT;
    if (Va < MiSystemPteRange.Start || MiQueryRange(&MiSystemPteRange, Index) != Pages) {
        return FALSE;
    }
    MiClearFrames(Va, Pages);
    return MiReleaseRange(&MiSystemPteRange, Index) == Pages;
}

/* What the caller's flags leave of all that may be done with a mapping. */
static ULONG MiMappingProtection(ULONG Priority)
{
    static const ULONG Protections[] = {MI_EXECUTE_READWRITE, MI_READWRITE, MI_EXECUTE_READ,
                                        MI_READONLY};
    return Protections[(Priority & MdlMappingNoWrite ? 2 : 0) +
                       (Priority & MdlMappingNoExecute ? 1 : 0)];
}

/* In the current process. Raises what kept it from being mapped. <= APC_LEVEL */
static PVOID MiMapMdlForUser(PMDL Mdl, MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                             ULONG Priority)
{
    MI_VIEW View = {
        .Frames = MmGetMdlPfnArray(Mdl),
        .Pages = MiPagesOfMdl(Mdl),
        .Protection = MiMappingProtection(Priority),
        .CacheBits = MiCacheBits(CacheType),
        .Kind = MiVadMdl,
    };
    PVOID Base = PAGE_ALIGN(RequestedAddress);
    NTSTATUS Status = MiMapView(&Base, &View);
    if (!NT_SUCCESS(Status)) {
        ExRaiseStatus(Status);
    }
    return (PCHAR)Base + Mdl->ByteOffset;
}

PVOID MmMapLockedPagesSpecifyCache(PMDL Mdl, KPROCESSOR_MODE AccessMode,
                                   MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                   ULONG BugCheckOnFailure, ULONG Priority)
{
    if (!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL))) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x1233, MmGetMdlPfnArray(Mdl)[0], 0, 0);
    }
    if (AccessMode != KernelMode) {
        return MiMapMdlForUser(Mdl, CacheType, RequestedAddress, Priority);
    }
    PVOID Va = MiMapFrames(MmGetMdlPfnArray(Mdl), 0, MiPagesOfMdl(Mdl),
                           MiProtectionToPte[MiMappingProtection(Priority)] |
                               MiCacheBits(CacheType));
    if (Va == NULL) {
        if (BugCheckOnFailure) {
            KeBugCheckEx(NO_MORE_SYSTEM_PTES, 0, MiPagesOfMdl(Mdl), 0, 0);
        }
        return NULL;
    }
    Mdl->MappedSystemVa = (PCHAR)Va + Mdl->ByteOffset;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (Mdl->MdlFlags & MDL_PARTIAL) {
        Mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED; /* IoFreeMdl unmaps those */
    }
    return Mdl->MappedSystemVa;
}

PVOID MmMapLockedPages(PMDL Mdl, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(Mdl, AccessMode, MmCached, NULL, TRUE, HighPagePriority);
}

VOID MmUnmapLockedPages(PVOID BaseAddress, PMDL Mdl)
{
    ULONG64 Va = (ULONG64)BaseAddress & ~(ULONG64)(PAGE_SIZE - 1);
    if (Va <= MM_HIGHEST_USER_ADDRESS) {
        if (BYTE_OFFSET(BaseAddress) != Mdl->ByteOffset ||
            !NT_SUCCESS(MiUnmapView(Va, MiPagesOfMdl(Mdl)))) {
            KeBugCheckEx(MEMORY_MANAGEMENT, 0x1235, (ULONG_PTR)BaseAddress, (ULONG_PTR)Mdl, 0);
        }
        return;
    }
    if (!(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) || BaseAddress != Mdl->MappedSystemVa ||
        !MiUnmapFrames(Va, MiPagesOfMdl(Mdl))) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x1235, (ULONG_PTR)BaseAddress, (ULONG_PTR)Mdl, 0);
    }
    Mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    Mdl->MappedSystemVa = NULL;
}
