/* SPDX-License-Identifier: MIT */
/*
 * What a verified driver holds, so that what it leaves behind at its unload is found:
 *
 *   blocks of pool   bug check 0xC4 with 62 (name of the driver, 0, number of blocks)
 *   locked pages     bug check 0xCB (record, 0, MDL, number of pages)
 *
 * A record is made by the wrapper of the routine, which the driver's import leads to; it goes with
 * the block or the lock, whoever ends that: the I/O manager frees and unlocks much on a driver's
 * behalf. Records are pool themselves. VfHoldingLock guards the table, <= DISPATCH_LEVEL, and is
 * held over no call but DbgPrint.
 */
#include "vf/vf.h"

#include "mm/image.h"
#include "nt/ex.h"
#include "nt/kd.h"
#include "nt/rtl.h"

#define VF_TAG 'loPV'
#define VF_BUCKETS 1024
#define VF_MAXIMUM_PRINTED 8

typedef struct _VF_HOLDING {
    struct _VF_HOLDING *Next;
    PVOID Object; /* block or MDL: an MDL may be a block as well, so Kind is part of the key */
    PMM_IMAGE Image;
    PVOID Caller;
    SIZE_T Size; /* bytes, or pages */
    ULONG Tag;
    VF_HOLDING_KIND Kind;
} VF_HOLDING;

static VF_HOLDING *VfHoldings[VF_BUCKETS];
static KSPIN_LOCK VfHoldingLock;

static VF_HOLDING **VfBucketOf(PVOID Object)
{
    ULONG64 Units = (ULONG64)Object >> 4;
    return &VfHoldings[(Units ^ Units >> 8 ^ Units >> 16) % VF_BUCKETS];
}

/* Without memory for the record the object is not tracked. <= DISPATCH_LEVEL. */
static VOID VfRemember(VF_HOLDING_KIND Kind, PVOID Object, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    PMM_IMAGE Image = MmFindImage(Caller);
    VF_HOLDING *Record =
        Image != NULL ? ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*Record), VF_TAG) : NULL;
    if (Record == NULL) {
        return;
    }
    VF_HOLDING **Bucket = VfBucketOf(Object);
    *Record = (VF_HOLDING){NULL, Object, Image, Caller, Size, Tag, Kind};
    KIRQL Irql = KiAcquireSpinLock(&VfHoldingLock);
    Record->Next = *Bucket;
    *Bucket = Record;
    KiReleaseSpinLock(&VfHoldingLock, Irql);
}

VOID VfForget(VF_HOLDING_KIND Kind, PVOID Object)
{
    KIRQL Irql = KiAcquireSpinLock(&VfHoldingLock);
    VF_HOLDING **Link = VfBucketOf(Object);
    while (*Link != NULL && ((*Link)->Object != Object || (*Link)->Kind != Kind)) {
        Link = &(*Link)->Next;
    }
    VF_HOLDING *Record = *Link;
    if (Record != NULL) {
        *Link = Record->Next;
    }
    KiReleaseSpinLock(&VfHoldingLock, Irql);
    if (Record != NULL) {
        if (Kind == VfHoldingPool) {
            VfCheckFreedMemory(Object, Record->Size);
        }
        ExFreePoolWithTag(Record, VF_TAG);
    }
}

static VOID VfPrintHolding(const VF_HOLDING *Record)
{
    CHAR Tag[5];
    ULONG64 Offset = (ULONG64)Record->Caller - Record->Image->Base;
    if (Record->Kind == VfHoldingPages) {
        DbgPrint("***   %I64u pages of the MDL at %p, locked by %s+%I64X\n", (ULONG64)Record->Size,
                 Record->Object, Record->Image->Name, Offset);
        return;
    }
    for (ULONG i = 0; i < 4; i++) {
        CHAR Char = (CHAR)(Record->Tag >> (8 * i));
        Tag[i] = Char >= 0x20 && Char < 0x7f ? Char : '.';
    }
    Tag[4] = 0;
    DbgPrint("***   %I64u bytes at %p, tag %s, allocated by %s+%I64X\n", (ULONG64)Record->Size,
             Record->Object, Tag, Record->Image->Name, Offset);
}

/* How many of a kind an image holds; *Last is one of them. Prints the first ones. */
static ULONG VfCountHoldings(PMM_IMAGE Image, VF_HOLDING_KIND Kind, VF_HOLDING **Last)
{
    ULONG Count = 0;
    KIRQL Irql = KiAcquireSpinLock(&VfHoldingLock);
    for (ULONG i = 0; i < VF_BUCKETS; i++) {
        for (VF_HOLDING *Record = VfHoldings[i]; Record != NULL; Record = Record->Next) {
            if (Record->Image != Image || Record->Kind != Kind) {
                continue;
            }
            *Last = Record;
            if (Count++ < VF_MAXIMUM_PRINTED) {
                VfPrintHolding(Record);
            }
        }
    }
    KiReleaseSpinLock(&VfHoldingLock, Irql);
    return Count;
}

VOID VfCheckUnload(PMM_IMAGE Image)
{
    static CHAR Name[64]; /* P2 points to it */
    VF_HOLDING *Last = NULL;
    if (!VfActive) {
        return;
    }
    __builtin_memcpy(Name, Image->Name, sizeof(Name));
    ULONG Count = VfCountHoldings(Image, VfHoldingPages, &Last);
    if (Count != 0) {
        DbgPrint("*** Verifier: %s was unloaded and left the pages of %u MDLs locked, one of them "
                 "by %p\n", Name, Count, KI_CALL_SITE(Last->Caller));
        KeBugCheckEx(DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS, (ULONG_PTR)Last, 0,
                     (ULONG_PTR)Last->Object, Last->Size);
    }
    Count = VfCountHoldings(Image, VfHoldingPool, &Last);
    if (Count != 0) {
        DbgPrint("*** Verifier: %s was unloaded and left %u blocks of pool, one of them "
                 "allocated by %p\n", Name, Count, KI_CALL_SITE(Last->Caller));
        KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x62, (ULONG_PTR)Name, 0, Count);
    }
}

/* ---- the wrappers: the gate leaves by a jump, so the return address is the driver's ---- */

static PVOID VfRememberPool(PVOID Block, SIZE_T Size, ULONG Tag, PVOID Caller)
{
    if (Block != NULL) {
        VfRemember(VfHoldingPool, Block, Size, Tag, Caller);
    }
    return Block;
}

static PVOID VfAllocatePool(POOL_TYPE PoolType, SIZE_T Size)
{
    return VfRememberPool(ExAllocatePool(PoolType, Size), Size, 'enoN',
                          KI_RETURN_ADDRESS());
}

static PVOID VfAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag)
{
    return VfRememberPool(ExAllocatePoolWithTag(PoolType, Size, Tag), Size, Tag,
                          KI_RETURN_ADDRESS());
}

static PVOID VfAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag,
                                           EX_POOL_PRIORITY Priority)
{
    return VfRememberPool(ExAllocatePoolWithTagPriority(PoolType, Size, Tag, Priority), Size, Tag,
                          KI_RETURN_ADDRESS());
}

static PVOID VfAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T Size)
{
    return VfRememberPool(ExAllocatePoolWithQuota(PoolType, Size), Size, 'enoN',
                          KI_RETURN_ADDRESS());
}

static PVOID VfAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T Size, ULONG Tag)
{
    return VfRememberPool(ExAllocatePoolWithQuotaTag(PoolType, Size, Tag), Size, Tag,
                          KI_RETURN_ADDRESS());
}

static PVOID VfAllocatePool2(POOL_FLAGS Flags, SIZE_T Size, ULONG Tag)
{
    return VfRememberPool(ExAllocatePool2(Flags, Size, Tag), Size, Tag,
                          KI_RETURN_ADDRESS());
}

static PVOID VfAllocatePool3(POOL_FLAGS Flags, SIZE_T Size, ULONG Tag,
                             PCPOOL_EXTENDED_PARAMETER Parameters, ULONG Count)
{
    return VfRememberPool(ExAllocatePool3(Flags, Size, Tag, Parameters, Count), Size, Tag,
                          KI_RETURN_ADDRESS());
}

/* On failure the routine raises an exception, and nothing is locked. */
static VOID VfProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
    MmProbeAndLockPages(Mdl, AccessMode, Operation);
    VfRemember(VfHoldingPages, Mdl,
               ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount), 0,
               KI_RETURN_ADDRESS());
}

PVOID VfFindWrapper(PCSTR Name)
{
    static const struct {
        PCSTR Name;
        PVOID Wrapper;
    } Wrappers[] = {
        {"ExAllocatePool", (PVOID)VfAllocatePool},
        {"ExAllocatePool2", (PVOID)VfAllocatePool2},
        {"ExAllocatePool3", (PVOID)VfAllocatePool3},
        {"ExAllocatePoolWithQuota", (PVOID)VfAllocatePoolWithQuota},
        {"ExAllocatePoolWithQuotaTag", (PVOID)VfAllocatePoolWithQuotaTag},
        {"ExAllocatePoolWithTag", (PVOID)VfAllocatePoolWithTag},
        {"ExAllocatePoolWithTagPriority", (PVOID)VfAllocatePoolWithTagPriority},
        {"MmProbeAndLockPages", (PVOID)VfProbeAndLockPages},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Wrappers); i++) {
        if (strcmp(Wrappers[i].Name, Name) == 0) {
            return Wrappers[i].Wrapper;
        }
    }
    return NULL;
}
