/* SPDX-License-Identifier: MIT */
/*
 * What is checked beyond the IRQL range, routine by routine, before the routine runs. Source: the
 * WDK's pages of the routines and of bug check 0xC4. Each check is one that code which follows
 * those pages cannot fail.
 *
 *   raises and lowers           30 31
 *   pool                        01 02 11 12
 *   waits, Wait TRUE            3B 20016 E5, and a finding
 *   mutexes, resources, regions 34 37 38 39 3A 3E EA EB 4000E
 *   MDLs                        74-7A 7C 7D 7E 7F B0 140 E5
 *   objects that must stay      E1 131
 *   requests sent on            0xC9 23A
 */
#include "vf/vf.h"

#include "mm/image.h"
#include "nt/io.h"
#include "nt/kd.h"
#include "nt/rtl.h"

/* In a rule: stops with a sub-code of 0xC4 and its parameters. */
#define VIOLATION(subcode, p2, p3, p4) \
    VfStop(Export, Irql, (subcode), (ULONG_PTR)(p2), (ULONG_PTR)(p3), (ULONG_PTR)(p4))

#define MDL_NOT_TO_BE_LOCKED \
    (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL | MDL_IO_SPACE)

static DECLSPEC_NORETURN VOID VfStop(const VF_EXPORT *Export, KIRQL Irql, ULONG Subcode,
                                     ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4)
{
    DbgPrint("*** Verifier: %s at IRQL %u, violation %X\n", Export->Name, Irql, Subcode);
    KeBugCheckEx(DRIVER_VERIFIER_DETECTED_VIOLATION, Subcode, P2, P3, P4);
}

static BOOLEAN VfIsPagedPool(ULONG64 Address)
{
    return Address - MM_PAGED_POOL_START < MM_PAGED_POOL_PAGES << PAGE_SHIFT;
}

/* MmPageEntireDriver alone makes nothing pageable here: the driver may reset it before the use. */
BOOLEAN VfIsPageable(PVOID Address)
{
    if ((ULONG64)Address < MM_SYSTEM_RANGE_START || VfIsPagedPool((ULONG64)Address)) {
        return TRUE;
    }
    PMI_SECTION Section = MiFindSection(Address);
    return Section != NULL && Section->Pageable && !Section->Resident && Section->LockCount == 0;
}

/* As in the thread object of NT: special in the upper half, normal in the lower. */
static ULONG VfApcDisableCount(VOID)
{
    PKTHREAD Thread = KiCurrentThread();
    return (ULONG)(USHORT)Thread->SpecialApcDisable << 16 | (USHORT)Thread->KernelApcDisable;
}

/* ---- raises and lowers ---- */

static VOID VfCheckRaise(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    KIRQL New = (KIRQL)Argument[0];
    if (New < Irql || New > HIGH_LEVEL) {
        VIOLATION(0x30, Irql, New, 0);
    }
}

static VOID VfCheckRaiseToDpc(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql > DISPATCH_LEVEL) {
        VIOLATION(0x30, Irql, DISPATCH_LEVEL, 0);
    }
}

static VOID VfCheckLower(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    KIRQL New = (KIRQL)Argument[0];
    if (New > Irql) {
        VIOLATION(0x31, Irql, New, 0);
    }
    if (New < DISPATCH_LEVEL && KeGetCurrentPrcb()->DpcRoutineActive) {
        VIOLATION(0x31, Irql, New, 1);
    }
    VfCheckLowering(New);
}

/* ---- pool ---- */

static VOID VfCheckAllocation(const VF_EXPORT *Export, KIRQL Irql, BOOLEAN Paged, ULONG64 Type,
                              ULONG64 Size)
{
    if (Paged && Irql > APC_LEVEL) {
        VIOLATION(0x01, Irql, Type, Size);
    }
    if (Irql > DISPATCH_LEVEL) {
        VIOLATION(0x02, Irql, Type, Size);
    }
}

static VOID VfCheckAllocate(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    ULONG Type = (ULONG)Argument[0];
    VfCheckAllocation(Export, Irql, (Type & PagedPool) != 0, Type, Argument[1]);
}

static VOID VfCheckAllocate2(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckAllocation(Export, Irql, (Argument[0] & POOL_FLAG_PAGED) != 0, Argument[0], Argument[1]);
}

static VOID VfCheckFree(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfIsPagedPool(Argument[0]) && Irql > APC_LEVEL) {
        VIOLATION(0x11, Irql, PagedPool, Argument[0]);
    }
    if (Irql > DISPATCH_LEVEL) {
        VIOLATION(0x12, Irql, NonPagedPool, Argument[0]);
    }
}

/* ---- waits ---- */

/*
 * A time-out that cannot be read here is one the wait itself will stumble over. After a KeSet...
 * with Wait TRUE the thread is at DISPATCH_LEVEL until the wait that must follow.
 */
static VOID VfCheckWait(const VF_EXPORT *Export, KIRQL Irql, ULONG64 Object,
                        const LARGE_INTEGER *Timeout)
{
    if (Irql < DISPATCH_LEVEL || KiCurrentThread()->WaitNext) {
        return;
    }
    if (Timeout != NULL && (!MmIsAddressValid((PVOID)Timeout) || Timeout->QuadPart == 0)) {
        return;
    }
    VIOLATION(0x3b, Irql, Object, Timeout);
}

static VOID VfCheckWaitForSingle(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckWait(Export, Irql, Argument[0], (const LARGE_INTEGER *)Argument[4]);
}

static VOID VfCheckWaitForMultiple(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckWait(Export, Irql, Argument[1], (const LARGE_INTEGER *)Argument[6]);
}

static VOID VfCheckRemoveQueue(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckWait(Export, Irql, Argument[0], (const LARGE_INTEGER *)Argument[2]);
}

/*
 * With Wait TRUE the routine returns at DISPATCH_LEVEL, so its caller must not be in pages that may
 * leave: the WDK's pages say so, and name no bug check. A finding, once in a row for a place.
 */
static VOID VfCheckWaitTrue(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    static PVOID volatile LastPlace;
    PVOID Place = KI_CALL_SITE(Argument[VF_RETURN_ADDRESS]);
    PMI_SECTION Section = MiFindSection(Place);
    if (Irql > APC_LEVEL || Section == NULL || Section->Resident ||
        InterlockedExchangePointer(&LastPlace, Place) == Place) {
        return;
    }
    CHAR Text[128];
    _snprintf(Text, sizeof(Text) - 1,
              "%s with Wait TRUE returns at DISPATCH_LEVEL, to pageable section %s", Export->Name,
              Section->Name);
    Text[sizeof(Text) - 1] = 0;
    MiReportFinding(VF_FINDING_WAIT_TRUE, Text, Place);
}

/* With Wait TRUE the caller goes into a wait, so the limit is that of waits. */
static VOID VfCheckSetEvent(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if ((BOOLEAN)Argument[2]) {
        VfCheckWaitTrue(Export, Irql, Argument);
    }
    if ((BOOLEAN)Argument[2] && Irql == DISPATCH_LEVEL) {
        VfStopForRule(0x20016, 0, 0,
                      "KeSetEvent with Wait TRUE must be called at IRQL <= APC_LEVEL; "
                      "it was called at DISPATCH_LEVEL");
    }
}

static VOID VfCheckReleaseMutex(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if ((BOOLEAN)Argument[1]) {
        VfCheckWaitTrue(Export, Irql, Argument);
    }
    if ((BOOLEAN)Argument[1] && Irql == DISPATCH_LEVEL) {
        VIOLATION(0xe5, Irql, 0, 0);
    }
}

/* Semaphores, and KeReleaseMutant. */
static VOID VfCheckReleaseSemaphore(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if ((BOOLEAN)Argument[3]) {
        VfCheckWaitTrue(Export, Irql, Argument);
    }
    if ((BOOLEAN)Argument[3] && Irql == DISPATCH_LEVEL) {
        VIOLATION(0xe5, Irql, 0, 0);
    }
}

/* Pulsing has no rule about Wait TRUE at DISPATCH_LEVEL. */
static VOID VfCheckPulseEvent(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if ((BOOLEAN)Argument[2]) {
        VfCheckWaitTrue(Export, Irql, Argument);
    }
}

/* ---- mutexes, resources, regions ---- */

static VOID VfCheckReleaseFastMutex(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql != APC_LEVEL) {
        VIOLATION(0x34, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static VOID VfCheckAcquireUnsafe(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql > APC_LEVEL) {
        VIOLATION(0x39, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static VOID VfCheckReleaseUnsafe(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql > APC_LEVEL) {
        VIOLATION(0x3a, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static BOOLEAN VfMayGetNormalApc(KIRQL Irql)
{
    return Irql == PASSIVE_LEVEL && VfApcDisableCount() == 0 &&
           !KiCurrentThread()->ApcState.KernelApcInProgress;
}

static VOID VfCheckAcquireResource(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfMayGetNormalApc(Irql)) {
        VIOLATION(0x37, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static VOID VfCheckReleaseResource(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfMayGetNormalApc(Irql)) {
        VIOLATION(0x38, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static VOID VfCheckAcquirePushLock(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfMayGetNormalApc(Irql)) {
        VIOLATION(0xea, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static VOID VfCheckReleasePushLock(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfMayGetNormalApc(Irql)) {
        VIOLATION(0xeb, Irql, VfApcDisableCount(), Argument[0]);
    }
}

static VOID VfCheckLeaveCritical(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql <= APC_LEVEL && KiCurrentThread()->KernelApcDisable >= 0) {
        VIOLATION(0x3e, 0, 0, 0);
    }
}

static VOID VfCheckLeaveGuarded(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql <= APC_LEVEL && KiCurrentThread()->SpecialApcDisable >= 0) {
        VfStopForRule(0x4000e, 0, 0,
                      "KeLeaveGuardedRegion must follow KeEnterGuardedRegion; "
                      "the thread is in no guarded region");
    }
}

/* ---- MDLs ---- */

static VOID VfCheckMapping(const VF_EXPORT *Export, KIRQL Irql, ULONG Kernel,
                           const ULONG64 *Argument)
{
    KPROCESSOR_MODE Mode = (KPROCESSOR_MODE)Argument[1];
    if (Irql > (Mode == KernelMode ? DISPATCH_LEVEL : APC_LEVEL)) {
        VIOLATION(Mode == KernelMode ? Kernel : Kernel + 1, Irql, Argument[0], Mode);
    }
}

static VOID VfCheckMap(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckMapping(Export, Irql, 0x74, Argument);
}

static VOID VfCheckMapSpecifyCache(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    VfCheckMapping(Export, Irql, 0x76, Argument);
}

static VOID VfCheckUnmap(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    BOOLEAN Kernel = Argument[0] >= MM_SYSTEM_RANGE_START;
    if (Irql > (Kernel ? DISPATCH_LEVEL : APC_LEVEL)) {
        VIOLATION(Kernel ? 0x79 : 0x7a, Irql, Argument[0], Argument[1]);
    }
}

static VOID VfCheckLockPages(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    PMDL Mdl = (PMDL)Argument[0];
    if (Irql > DISPATCH_LEVEL) {
        return; /* 70, by the range */
    }
    if (Mdl->MdlFlags & MDL_NOT_TO_BE_LOCKED) {
        VIOLATION(0xb0, Mdl, Mdl->MdlFlags, Mdl->MdlFlags & MDL_NOT_TO_BE_LOCKED);
    }
    if (Irql == DISPATCH_LEVEL && VfIsPageable(MmGetMdlVirtualAddress(Mdl))) {
        VIOLATION(0xe5, Irql, 0, 0);
    }
}

static VOID VfCheckUnlockPages(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    PMDL Mdl = (PMDL)Argument[0];
    if (Irql <= DISPATCH_LEVEL && !(Mdl->MdlFlags & MDL_PAGES_LOCKED)) {
        BOOLEAN NonPaged = (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) != 0;
        VIOLATION(NonPaged ? 0x7d : 0x7c, Mdl, Mdl->MdlFlags, 0);
    }
}

static VOID VfCheckBuildMdl(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    PMDL Mdl = (PMDL)Argument[0];
    PVOID Va = MmGetMdlVirtualAddress(Mdl);
    if (VfIsPagedPool((ULONG64)Va)) {
        VIOLATION(0x7f, Irql, Mdl, Mdl->MdlFlags);
    }
    if (VfIsPageable(Va)) {
        VIOLATION(0x140, Irql, Mdl, Va);
    }
}

static VOID VfCheckAllocatePages(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (Irql > DISPATCH_LEVEL) {
        VIOLATION(0x7e, Irql, DISPATCH_LEVEL, 0);
    }
}

/* ---- requests ---- */

/*
 * At DISPATCH_LEVEL only transfers, controls and power requests may be sent on (the rules
 * ForwardedAtBadIrql). The parameters of 23A are not known to us: P2 and P3 are those of 0E.
 */
static VOID VfCheckCallDriver(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    PIRP Irp = (PIRP)Argument[1];
    if (Irql != DISPATCH_LEVEL || Irp->Type != IO_TYPE_IRP || Irp->CurrentLocation <= 1) {
        return; /* what is wrong with the packet, the I/O manager finds */
    }
    switch (IoGetNextIrpStackLocation(Irp)->MajorFunction) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
    case IRP_MJ_POWER:
        return;
    }
    DbgPrint("*** Verifier: %s at DISPATCH_LEVEL with a request of major function %02X, which must "
             "be sent below it\n",
             Export->Name, IoGetNextIrpStackLocation(Irp)->MajorFunction);
    KeBugCheckEx(DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x23a, Irql, (ULONG_PTR)Irp, 0);
}

/* ---- objects that are used at raised IRQL ---- */

static VOID VfCheckObject(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfIsPageable((PVOID)Argument[0])) {
        VIOLATION(0xe1, Argument[0], 0, 0);
    }
}

static VOID VfCheckWorkItem(const VF_EXPORT *Export, KIRQL Irql, const ULONG64 *Argument)
{
    if (VfIsPageable((PVOID)Argument[0])) {
        VIOLATION(0x131, Argument[0], 0, 0);
    }
}

static const struct {
    PCSTR Name;
    VF_RULE *Rule;
} VfRules[] = {
    {"ExAcquireFastMutexUnsafe", VfCheckAcquireUnsafe},
    {"ExAcquirePushLockExclusiveEx", VfCheckAcquirePushLock},
    {"ExAcquirePushLockSharedEx", VfCheckAcquirePushLock},
    {"ExAcquireResourceExclusiveLite", VfCheckAcquireResource},
    {"ExAcquireResourceSharedLite", VfCheckAcquireResource},
    {"ExAcquireSharedStarveExclusive", VfCheckAcquireResource},
    {"ExAcquireSharedWaitForExclusive", VfCheckAcquireResource},
    {"ExAllocatePool", VfCheckAllocate},
    {"ExAllocatePool2", VfCheckAllocate2},
    {"ExAllocatePool3", VfCheckAllocate2},
    {"ExAllocatePoolWithQuota", VfCheckAllocate},
    {"ExAllocatePoolWithQuotaTag", VfCheckAllocate},
    {"ExAllocatePoolWithTag", VfCheckAllocate},
    {"ExAllocatePoolWithTagPriority", VfCheckAllocate},
    {"ExFreePool", VfCheckFree},
    {"ExFreePool2", VfCheckFree},
    {"ExFreePoolWithTag", VfCheckFree},
    {"ExInitializeResourceLite", VfCheckObject},
    {"ExQueueWorkItem", VfCheckWorkItem},
    {"ExReleaseFastMutex", VfCheckReleaseFastMutex},
    {"ExReleaseFastMutexUnsafe", VfCheckReleaseUnsafe},
    {"ExReleasePushLockEx", VfCheckReleasePushLock},
    {"ExReleasePushLockExclusiveEx", VfCheckReleasePushLock},
    {"ExReleasePushLockSharedEx", VfCheckReleasePushLock},
    {"ExReleaseResourceLite", VfCheckReleaseResource},
    {"ExfAcquirePushLockExclusive", VfCheckAcquirePushLock},
    {"ExfAcquirePushLockShared", VfCheckAcquirePushLock},
    {"ExfReleasePushLock", VfCheckReleasePushLock},
    {"ExfReleasePushLockExclusive", VfCheckReleasePushLock},
    {"ExfReleasePushLockShared", VfCheckReleasePushLock},
    {"IofCallDriver", VfCheckCallDriver},
    {"KeAcquireInStackQueuedSpinLock", VfCheckObject},
    {"KeAcquireInStackQueuedSpinLockAtDpcLevel", VfCheckObject},
    {"KeAcquireSpinLockAtDpcLevel", VfCheckObject},
    {"KeAcquireSpinLockForDpc", VfCheckObject},
    {"KeAcquireSpinLockRaiseToDpc", VfCheckObject},
    {"KeInitializeEvent", VfCheckObject},
    {"KeInitializeMutex", VfCheckObject},
    {"KeInitializeSemaphore", VfCheckObject},
    {"KeInitializeSpinLock", VfCheckObject},
    {"KeInitializeTimer", VfCheckObject},
    {"KeInitializeTimerEx", VfCheckObject},
    {"KeLeaveCriticalRegion", VfCheckLeaveCritical},
    {"KeLeaveGuardedRegion", VfCheckLeaveGuarded},
    {"KeLowerIrql", VfCheckLower},
    {"KePulseEvent", VfCheckPulseEvent},
    {"KeRaiseIrqlToDpcLevel", VfCheckRaiseToDpc},
    {"KeReleaseMutant", VfCheckReleaseSemaphore},
    {"KeReleaseMutex", VfCheckReleaseMutex},
    {"KeReleaseSemaphore", VfCheckReleaseSemaphore},
    {"KeRemoveQueue", VfCheckRemoveQueue},
    {"KeSetEvent", VfCheckSetEvent},
    {"KeSetTimer", VfCheckObject},
    {"KeSetTimerEx", VfCheckObject},
    {"KeWaitForMultipleObjects", VfCheckWaitForMultiple},
    {"KeWaitForMutexObject", VfCheckWaitForSingle},
    {"KeWaitForSingleObject", VfCheckWaitForSingle},
    {"KefAcquireSpinLockAtDpcLevel", VfCheckObject},
    {"KfRaiseIrql", VfCheckRaise},
    {"MmAllocatePagesForMdl", VfCheckAllocatePages},
    {"MmAllocatePagesForMdlEx", VfCheckAllocatePages},
    {"MmBuildMdlForNonPagedPool", VfCheckBuildMdl},
    {"MmMapLockedPages", VfCheckMap},
    {"MmMapLockedPagesSpecifyCache", VfCheckMapSpecifyCache},
    {"MmProbeAndLockPages", VfCheckLockPages},
    {"MmUnlockPages", VfCheckUnlockPages},
    {"MmUnmapLockedPages", VfCheckUnmap},
    {"PoCallDriver", VfCheckCallDriver},
};

VF_RULE *VfFindRule(PCSTR Name)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(VfRules); i++) {
        if (strcmp(VfRules[i].Name, Name) == 0) {
            return VfRules[i].Rule;
        }
    }
    return NULL;
}
