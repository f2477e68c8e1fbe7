/* SPDX-License-Identifier: MIT */
/*
 * Nonpaged and paged pool: what drivers and the kernel allocate from.
 *
 *   size with header     taken from                     freed to
 *   32 bytes .. 4080     a free list of its pool,       its neighbours in the page; a page
 *                        else a new page (pool_block.c) all free goes back to Mm at once
 *   more                 whole pages from Mm            Mm (pool_large.c knows them)
 *
 * There are three pools: nonpaged (executable), nonpaged no-execute, and paged. Small blocks are
 * never page-aligned and whole pages always are, so an address tells which it is.
 *
 * Locks: nonpaged pools and the table of large allocations, the spin lock ExpNonPagedLock at
 * DISPATCH_LEVEL; paged pool, the fast mutex ExpPagedLock at APC_LEVEL, because headers and links
 * of paged blocks lie in paged memory. The mutex comes before the spin lock; both before Mm's
 * locks. Pages go back to Mm with neither held.
 *
 * Bug checks (all as documented): 0xC2 P1 = 7 freed twice, 8 and 9 wrong IRQL, 0xA wrong tag, 0x40
 * user address, 0x42 never in pool, 0x44/0x50 nothing allocated there, 0x46 not a block, 0x9A must-
 * succeed failed; 0x19 P1 = 3 free list damaged, 0x20 block header damaged. A tag of 0 counts as
 * "None": free builds of NT let it pass. Per-process quota is not charged.
 */
#include "ex/pool.h"
#include "mm/mm.h"
#include "nt/bugcodes.h"
#include "nt/ex.h"
#include "nt/ke.h"
#include "nt/se.h"
#include "vf/vf.h"

enum { BaseNonPaged, BasePaged, BaseNonPagedNx, BasePools };

/* First parameters of BAD_POOL_CALLER and BAD_POOL_HEADER. */
#define CALLER_FREED_TWICE 0x07
#define CALLER_ALLOCATE_IRQL 0x08
#define CALLER_FREE_IRQL 0x09
#define CALLER_WRONG_TAG 0x0a
#define CALLER_USER_ADDRESS 0x40
#define CALLER_NEVER_POOL 0x42
#define CALLER_NOT_ALLOCATED 0x44
#define CALLER_NOT_A_BLOCK 0x46
#define CALLER_PAGED_NOT_ALLOCATED 0x50
#define CALLER_MUST_SUCCEED 0x9a
#define HEADER_LINKS 0x03
#define HEADER_SIZE 0x20

#define BASE_TYPE_MASK 7u
#define MAX_LARGE_PAGES 0x7fffffffull

static EXP_POOL ExpPools[BasePools];
static KSPIN_LOCK ExpNonPagedLock;
static FAST_MUTEX ExpPagedLock;
static POOL_USAGE ExpUsage; /* interlocked */

static BOOLEAN ExpIsPaged(ULONG PoolType)
{
    return (PoolType & PagedPool) != 0;
}

static ULONG ExpBaseOf(ULONG PoolType)
{
    return ExpIsPaged(PoolType) ? BasePaged
           : (PoolType & POOL_NX_ALLOCATION) != 0 ? BaseNonPagedNx
                                                  : BaseNonPaged;
}

static KIRQL ExpLock(BOOLEAN Paged)
{
    if (Paged) {
        ExAcquireFastMutex(&ExpPagedLock);
        return APC_LEVEL;
    }
    return KiAcquireSpinLock(&ExpNonPagedLock);
}

static VOID ExpUnlock(BOOLEAN Paged, KIRQL Irql)
{
    if (Paged) {
        ExReleaseFastMutex(&ExpPagedLock);
    } else {
        KiReleaseSpinLock(&ExpNonPagedLock, Irql);
    }
}

static VOID ExpCount(BOOLEAN Paged, ULONG Tag, LONG64 Blocks, LONG64 Bytes)
{
    InterlockedExchangeAdd64(Paged ? &ExpUsage.PagedBlocks : &ExpUsage.NonPagedBlocks, Blocks);
    InterlockedExchangeAdd64(Paged ? &ExpUsage.PagedBytes : &ExpUsage.NonPagedBytes, Bytes);
    InterlockedIncrement64(Blocks > 0 ? &ExpUsage.Allocations : &ExpUsage.Frees);
    ExpTrack(Tag, Paged, Blocks, Bytes);
}

static PVOID ExpAllocatePages(ULONG PoolType, SIZE_T Pages)
{
    BOOLEAN Paged = ExpIsPaged(PoolType);
    POOL_TYPE Type = Paged ? PagedPool
                     : (PoolType & POOL_NX_ALLOCATION) != 0 ? NonPagedPoolNx
                                                            : NonPagedPool;
    PVOID Va = MiAllocatePoolPages(Type, Pages);
    if (Va != NULL) {
        InterlockedExchangeAdd64(Paged ? &ExpUsage.PagedPages : &ExpUsage.NonPagedPages,
                                 (LONG64)Pages);
    }
    return Va;
}

static VOID ExpFreePages(BOOLEAN Paged, PVOID Va)
{
    SIZE_T Pages = MiFreePoolPages(Va);
    InterlockedExchangeAdd64(Paged ? &ExpUsage.PagedPages : &ExpUsage.NonPagedPages,
                             -(LONG64)Pages);
}

static DECLSPEC_NORETURN VOID ExpStopForDamage(const EXP_DAMAGE *Damage)
{
    KeBugCheckEx(BAD_POOL_HEADER, Damage->Fault == ExpPoolBadLinks ? HEADER_LINKS : HEADER_SIZE,
                 (ULONG_PTR)Damage->Entry, (ULONG_PTR)Damage->Other, (ULONG_PTR)Damage->Third);
}

static PVOID ExpAllocateSmall(ULONG PoolType, ULONG Units, ULONG Tag)
{
    BOOLEAN Paged = ExpIsPaged(PoolType);
    BOOLEAN Aligned = (PoolType & NonPagedPoolCacheAligned) != 0;
    PEXP_POOL Pool = &ExpPools[ExpBaseOf(PoolType)];
    EXP_DAMAGE Damage;

    KIRQL Irql = ExpLock(Paged);
    PPOOL_HEADER Header = ExpTakeBlock(Pool, Units, Aligned, &Damage);
    if (Damage.Fault != ExpPoolSound) {
        ExpStopForDamage(&Damage);
    }
    if (Header == NULL) {
        ExpUnlock(Paged, Irql);
        PVOID Page = ExpAllocatePages(PoolType, 1);
        if (Page == NULL) {
            return NULL;
        }
        Irql = ExpLock(Paged);
        Header = ExpTakeFromNewPage(Pool, Page, Units, Aligned);
    }
    Header->PoolType = (UCHAR)((PoolType & PagedPool) + 1);
    Header->PoolTag = Tag;
    ExpUnlock(Paged, Irql);
    ExpCount(Paged, Tag, 1, Units * POOL_UNIT);
    return Header + 1;
}

/* Makes room in the table of large allocations, and enters one. FALSE: memory is short. */
static BOOLEAN ExpEnterLarge(PVOID Va, ULONG Tag, ULONG Pages)
{
    for (;;) {
        KIRQL Irql = ExpLock(FALSE);
        ULONG Growth = ExpLargeGrowth();
        if (Growth == 0) {
            ExpLargeInsert(Va, Tag, Pages);
            ExpUnlock(FALSE, Irql);
            return TRUE;
        }
        ExpUnlock(FALSE, Irql);
        PVOID Table = ExpAllocatePages(NonPagedPool, Growth);
        if (Table == NULL) {
            return FALSE;
        }
        __builtin_memset(Table, 0, (SIZE_T)Growth << PAGE_SHIFT);
        Irql = ExpLock(FALSE);
        if (ExpLargeGrowth() == Growth) {
            Table = ExpLargeMove(Table, Growth);
        } /* else another processor was first: Table is the one to free */
        ExpUnlock(FALSE, Irql);
        if (Table != NULL) {
            ExpFreePages(FALSE, Table);
        }
    }
}

static PVOID ExpAllocateLarge(ULONG PoolType, SIZE_T Bytes, ULONG Tag)
{
    SIZE_T Pages = BYTES_TO_PAGES(Bytes);
    if (Pages > MAX_LARGE_PAGES) {
        return NULL;
    }
    PVOID Va = ExpAllocatePages(PoolType, Pages);
    if (Va == NULL) {
        return NULL;
    }
    if (!ExpEnterLarge(Va, Tag, (ULONG)Pages)) {
        ExpFreePages(ExpIsPaged(PoolType), Va);
        return NULL;
    }
    ExpCount(ExpIsPaged(PoolType), Tag, 1, (LONG64)(Pages << PAGE_SHIFT));
    return Va;
}

/*
 * All allocations. <= APC_LEVEL for paged pool, <= DISPATCH_LEVEL for nonpaged; takes and drops
 * the pool's lock; NULL leaves nothing behind.
 */
static PVOID ExpAllocate(ULONG PoolType, SIZE_T Bytes, ULONG Tag)
{
    KIRQL Irql = KeGetCurrentIrql();
    if (Irql > (ExpIsPaged(PoolType) ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_ALLOCATE_IRQL, Irql, PoolType, Bytes);
    }
    if (Tag == 0) {
        Tag = POOL_NO_TAG;
    }
    ULONG Room = (PoolType & NonPagedPoolCacheAligned) != 0 ? POOL_CACHE_LINE - POOL_UNIT : 0;
    PVOID P;
    if (Bytes > POOL_MAX_SMALL_BYTES - Room) {
        P = ExpAllocateLarge(PoolType, Bytes, Tag);
    } else {
        ULONG Units = 1 + ((ULONG)Bytes + POOL_UNIT - 1) / POOL_UNIT;
        P = ExpAllocateSmall(PoolType, Units < POOL_MIN_UNITS ? POOL_MIN_UNITS : Units, Tag);
    }
    if (P != NULL) {
        if ((PoolType & POOL_ZERO_ALLOCATION) != 0) {
            __builtin_memset(P, 0, Bytes);
        }
        return P;
    }
    InterlockedIncrement64(&ExpUsage.Failures);
    ULONG Base = PoolType & BASE_TYPE_MASK;
    if (Base == NonPagedPoolMustSucceed || Base == NonPagedPoolCacheAlignedMustS) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_MUST_SUCCEED, PoolType, Bytes, Tag);
    }
    if ((PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE) != 0) {
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    }
    return NULL;
}

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ExpAllocate((ULONG)PoolType, NumberOfBytes, Tag);
}

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExpAllocate((ULONG)PoolType, NumberOfBytes, POOL_NO_TAG);
}

/* Priority says who fails first when memory is short; here all allocations fail alike. */
PVOID ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                    EX_POOL_PRIORITY Priority)
{
    return ExpAllocate((ULONG)PoolType, NumberOfBytes, Tag);
}

/* Raises STATUS_INSUFFICIENT_RESOURCES on failure unless told not to. */
PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    ULONG Type = (ULONG)PoolType;
    if ((Type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE) == 0) {
        Type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    }
    return ExpAllocate(Type & ~(ULONG)POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, NumberOfBytes, Tag);
}

PVOID ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, POOL_NO_TAG);
}

/* NULL for flags that are missing, contradict each other, or are required and unknown. */
PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    const POOL_FLAGS Kinds =
        POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
    const POOL_FLAGS Known = Kinds | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED |
                             POOL_FLAG_SESSION | POOL_FLAG_CACHE_ALIGNED |
                             POOL_FLAG_RAISE_ON_FAILURE;
    ULONG Type;
    switch (Flags & Kinds) {
    case POOL_FLAG_NON_PAGED:
        Type = NonPagedPoolNx;
        break;
    case POOL_FLAG_NON_PAGED_EXECUTE:
        Type = NonPagedPool;
        break;
    case POOL_FLAG_PAGED:
        Type = PagedPool;
        break;
    default:
        Type = MaxPoolType;
        break;
    }
    if (Type == MaxPoolType || Tag == 0 ||
        (Flags & ~Known & (POOL_FLAG_OPTIONAL_START - 1)) != 0) {
        if ((Flags & POOL_FLAG_RAISE_ON_FAILURE) != 0) {
            ExRaiseStatus(STATUS_INVALID_PARAMETER);
        }
        return NULL;
    }
    if ((Flags & POOL_FLAG_UNINITIALIZED) == 0) {
        Type |= POOL_ZERO_ALLOCATION;
    }
    if ((Flags & POOL_FLAG_CACHE_ALIGNED) != 0) {
        Type |= NonPagedPoolCacheAligned;
    }
    if ((Flags & POOL_FLAG_RAISE_ON_FAILURE) != 0) {
        Type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    }
    return ExpAllocate(Type, NumberOfBytes, Tag);
}

/*
 * A priority and a node are wishes, which change nothing here; there is no secure pool, so that it
 * is passed over when it is optional, and refused when it is not, as what is unknown is.
 */
static BOOLEAN ExpCanHonour(PCPOOL_EXTENDED_PARAMETER Parameters, ULONG Count)
{
    for (ULONG i = 0; i < Count; i++) {
        if (Parameters[i].Type != PoolExtendedParameterPriority &&
            Parameters[i].Type != PoolExtendedParameterNumaNode && !Parameters[i].Optional) {
            return FALSE;
        }
    }
    return TRUE;
}

/* As ExAllocatePool2. */
PVOID ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                      PCPOOL_EXTENDED_PARAMETER ExtendedParameters, ULONG ExtendedParametersCount)
{
    if (ExpCanHonour(ExtendedParameters, ExtendedParametersCount)) {
        return ExAllocatePool2(Flags, NumberOfBytes, Tag);
    }
    if ((Flags & POOL_FLAG_RAISE_ON_FAILURE) != 0) {
        ExRaiseStatus(STATUS_INVALID_PARAMETER);
    }
    return NULL;
}

static VOID ExpCheckTag(PVOID P, ULONG Allocated, ULONG Given)
{
    if (Given != 0 && Given != Allocated) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_WRONG_TAG, (ULONG_PTR)P, Allocated, Given);
    }
}

static VOID ExpFreeLarge(PVOID P, BOOLEAN Paged, ULONG Tag)
{
    KIRQL Irql = ExpLock(FALSE);
    EXP_LARGE *Entry = ExpLargeFind(P);
    if (Entry == NULL && Paged) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_PAGED_NOT_ALLOCATED, (ULONG_PTR)P,
                     ((ULONG_PTR)P - MM_PAGED_POOL_START) >> PAGE_SHIFT,
                     MM_PAGED_POOL_PAGES << PAGE_SHIFT);
    }
    if (Entry == NULL) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_NOT_ALLOCATED, (ULONG_PTR)P, 0, 0);
    }
    ExpCheckTag(P, Entry->Tag, Tag);
    ULONG Allocated = Entry->Tag;
    LONG64 Bytes = (LONG64)Entry->Pages << PAGE_SHIFT;
    ExpLargeRemove(Entry);
    ExpUnlock(FALSE, Irql);
    ExpCount(Paged, Allocated, -1, -Bytes);
    ExpFreePages(Paged, P);
}

static VOID ExpFreeSmall(PVOID P, BOOLEAN Paged, ULONG Tag)
{
    PPOOL_HEADER Header = (PPOOL_HEADER)P - 1;
    EXP_DAMAGE Damage;

    KIRQL Irql = ExpLock(Paged);
    if (Header->PoolType == 0) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_FREED_TWICE, 0, *(ULONG64 *)Header, (ULONG_PTR)P);
    }
    if (!ExpCheckBlock(Header, &Damage)) {
        ExpStopForDamage(&Damage);
    }
    if (Header->PoolIndex >= BasePools || (Header->PoolIndex == BasePaged) != Paged) {
        KeBugCheckEx(BAD_POOL_HEADER, HEADER_SIZE, (ULONG_PTR)Header,
                     (ULONG_PTR)Header + Header->BlockSize * POOL_UNIT, 0);
    }
    ExpCheckTag(P, Header->PoolTag, Tag);
    ULONG Allocated = Header->PoolTag;
    LONG64 Bytes = Header->BlockSize * POOL_UNIT;
    PVOID Page = ExpReturnBlock(&ExpPools[Header->PoolIndex], Header, &Damage);
    if (Damage.Fault != ExpPoolSound) {
        ExpStopForDamage(&Damage);
    }
    ExpUnlock(Paged, Irql);
    ExpCount(Paged, Allocated, -1, -Bytes);
    if (Page != NULL) {
        ExpFreePages(Paged, Page);
    }
}

static BOOLEAN ExpInRange(PVOID P, ULONG64 Start, ULONG64 Pages)
{
    return (ULONG_PTR)P - Start < Pages << PAGE_SHIFT;
}

/* <= APC_LEVEL for paged pool, <= DISPATCH_LEVEL for nonpaged. Tag 0: any. */
VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    BOOLEAN Paged = ExpInRange(P, MM_PAGED_POOL_START, MM_PAGED_POOL_PAGES);
    KIRQL Irql = KeGetCurrentIrql();
    if (!Paged && !ExpInRange(P, MM_NONPAGED_POOL_START, MM_NONPAGED_POOL_PAGES)) {
        if ((ULONG_PTR)P < MM_SYSTEM_RANGE_START) {
            KeBugCheckEx(BAD_POOL_CALLER, CALLER_USER_ADDRESS, (ULONG_PTR)P,
                         MM_SYSTEM_RANGE_START, 0);
        }
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_NEVER_POOL, (ULONG_PTR)P, 0, 0);
    }
    if (Irql > (Paged ? APC_LEVEL : DISPATCH_LEVEL)) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_FREE_IRQL, Irql, Paged ? PagedPool : NonPagedPool,
                     (ULONG_PTR)P);
    }
    if (VfActive) {
        VfForget(VfHoldingPool, P);
    }
    if (BYTE_OFFSET(P) == 0) {
        ExpFreeLarge(P, Paged, Tag);
    } else if (BYTE_OFFSET(P) % POOL_UNIT != 0) {
        KeBugCheckEx(BAD_POOL_CALLER, CALLER_NOT_A_BLOCK, (ULONG_PTR)P, 0, 0);
    } else {
        ExpFreeSmall(P, Paged, Tag);
    }
}

VOID ExFreePool(PVOID P)
{
    ExFreePoolWithTag(P, 0);
}

VOID ExInitializePool(VOID)
{
    KeInitializeSpinLock(&ExpNonPagedLock);
    ExInitializeFastMutex(&ExpPagedLock);
    for (ULONG i = 0; i < BasePools; i += 1) {
        ExpInitializeBlocks(&ExpPools[i], (UCHAR)i);
    }
}

VOID ExQueryPoolUsage(POOL_USAGE *Usage)
{
    *Usage = ExpUsage;
}

ULONG ExVerifyPool(VOID)
{
    ULONG Violations = 0;
    for (ULONG i = 0; i < BasePools; i += 1) {
        KIRQL Irql = ExpLock(i == BasePaged);
        Violations += ExpVerifyBlocks(&ExpPools[i]);
        ExpUnlock(i == BasePaged, Irql);
    }
    return Violations;
}

/* What is there is of no secure pool: parameters say nothing about it. */
VOID ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                 ULONG ExtendedParametersCount)
{
    UNREFERENCED_PARAMETER(ExtendedParameters);
    UNREFERENCED_PARAMETER(ExtendedParametersCount);
    ExFreePoolWithTag(P, Tag);
}
