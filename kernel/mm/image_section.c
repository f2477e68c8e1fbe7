/* SPDX-License-Identifier: MIT */
/*
 * The routines of the mission: locking of pageable sections, and paging of an entire driver.
 * Source documents: MmLockPagableDataSection, MmLockPagableSectionByHandle,
 * MmUnlockPagableImageSection, MmPageEntireDriver, MmResetDriverPaging (WDK), and where those are
 * silent the decision table in docs/routines.md.
 *
 * All run at <= APC_LEVEL under MiImageLock. The lock of an already locked section changes a
 * counter and touches no page.
 */
#include "mm/image.h"

#include "ke/interrupt_object.h"

FAST_MUTEX MiImageLock;

/* MiImageLock held. Brings a section's pages to what the rule of image.h demands. */
static VOID MiApplyRule(PMI_SECTION Section)
{
    BOOLEAN Pageable =
        (Section->Pageable || Section->Image->WholePaged) && Section->LockCount == 0;
    if (Section->Discarded || Section->Pages == 0 || Section->Resident == !Pageable) {
        return;
    }
    if (Pageable) {
        MiMakePageable(Section->Address, Section->Pages);
    } else {
        MiMakeResident(Section->Address, Section->Pages);
    }
    Section->Resident = !Pageable;
}

/* MiImageLock held. Argument is what the driver gave, for the bug check when that was wrong. */
static VOID MiLockSection(PMI_SECTION Section, PVOID Argument, PVOID ReturnAddress)
{
    if (Section == NULL || Section->Discarded) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x1234, (ULONG_PTR)Argument, 0, 0);
    }
    Section->LockedBy = KI_CALL_SITE(ReturnAddress);
    Section->Locks++;
    Section->LockCount++;
    if (VfTimelineOn) {
        VfRecord(TimelineLock, (ULONG64)ReturnAddress, Section->Address, Section->LockCount,
                 TIMELINE_NO_NAME, 0);
    }
    if (Section->LockCount == 1) {
        MiApplyRule(Section);
    }
}

static PVOID MiLockByAddress(PVOID Address, PVOID ReturnAddress)
{
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    ExAcquireFastMutex(&MiImageLock);
    PMI_SECTION Section = MiFindSection(Address);
    MiLockSection(Section, Address, ReturnAddress);
    ExReleaseFastMutex(&MiImageLock);
    return Section;
}

PVOID MmLockPagableDataSection(PVOID AddressWithinSection)
{
    return MiLockByAddress(AddressWithinSection, KI_RETURN_ADDRESS());
}

PVOID MmLockPagableImageSection(PVOID AddressWithinSection)
{
    return MiLockByAddress(AddressWithinSection, KI_RETURN_ADDRESS());
}

/* A handle is a section record of a loaded image, and nothing else. */
PMI_SECTION MiSectionOfHandle(PVOID Handle)
{
    for (ULONG i = 0; i < MI_MAX_IMAGES; i++) {
        PMM_IMAGE Image = MiImages[i];
        if (Image == NULL || (ULONG64)Handle < (ULONG64)&Image->Section[0]) {
            continue;
        }
        ULONG64 Offset = (ULONG64)Handle - (ULONG64)&Image->Section[0];
        if (Offset % sizeof(MI_SECTION) == 0 && Offset / sizeof(MI_SECTION) < Image->SectionCount) {
            return Handle;
        }
    }
    return NULL;
}

VOID MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    ExAcquireFastMutex(&MiImageLock);
    MiLockSection(MiSectionOfHandle(ImageSectionHandle), ImageSectionHandle,
                  KI_RETURN_ADDRESS());
    ExReleaseFastMutex(&MiImageLock);
}

VOID MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    ExAcquireFastMutex(&MiImageLock);
    PMI_SECTION Section = MiSectionOfHandle(ImageSectionHandle);
    if (Section == NULL || Section->LockCount == 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, 0x1010, (ULONG_PTR)ImageSectionHandle, 0, 0);
    }
    Section->LockCount--;
    Section->Unlocks++;
    Section->UnlockedBy = KI_CALL_SITE(KI_RETURN_ADDRESS());
    if (VfTimelineOn) {
        VfRecord(TimelineUnlock, (ULONG64)KI_RETURN_ADDRESS(), Section->Address,
                 Section->LockCount, TIMELINE_NO_NAME, 0);
    }
    MiApplyRule(Section);
    ExReleaseFastMutex(&MiImageLock);
}

/* Everything but the headers follows the rule again. MiImageLock held. */
static VOID MiSetWholePaged(PMM_IMAGE Image, BOOLEAN WholePaged, PVOID ReturnAddress)
{
    if (Image->WholePaged == WholePaged) {
        return;
    }
    Image->WholePaged = WholePaged;
    if (VfTimelineOn) {
        VfRecord(TimelineWholeDriver, (ULONG64)ReturnAddress, WholePaged, 0, TIMELINE_NO_NAME, 0);
    }
    for (ULONG i = 1; i < Image->SectionCount; i++) {
        MiApplyRule(&Image->Section[i]);
    }
}

PVOID MmPageEntireDriver(PVOID AddressWithinSection)
{
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    PVOID Base = NULL;
    PMM_IMAGE Image = MmFindImage(AddressWithinSection); /* the caller's own: it stays */
    /* Said first, as the interrupt may come as soon as the pages can leave. */
    if (Image != NULL && KiIsInterruptConnected(Image->Base, Image->Pages << PAGE_SHIFT)) {
        MiReportFinding(0x1A0003, "MmPageEntireDriver with an interrupt of the driver connected",
                        KI_CALL_SITE(KI_RETURN_ADDRESS()));
    }
    ExAcquireFastMutex(&MiImageLock);
    Image = MmFindImage(AddressWithinSection);
    if (Image != NULL) {
        MiSetWholePaged(Image, TRUE, KI_RETURN_ADDRESS());
        Base = (PVOID)Image->Base;
    }
    ExReleaseFastMutex(&MiImageLock);
    if (Base == NULL) {
        MiReportFinding(0x1A0001, "MmPageEntireDriver: the address is in no driver",
                        KI_CALL_SITE(KI_RETURN_ADDRESS()));
    }
    return Base;
}

VOID MmResetDriverPaging(PVOID AddressWithinSection)
{
    KI_ASSERT_IRQL_AT_MOST(APC_LEVEL);
    ExAcquireFastMutex(&MiImageLock);
    PMM_IMAGE Image = MmFindImage(AddressWithinSection);
    if (Image != NULL) {
        MiSetWholePaged(Image, FALSE, KI_RETURN_ADDRESS());
    }
    ExReleaseFastMutex(&MiImageLock);
    if (Image == NULL) {
        MiReportFinding(0x1A0002, "MmResetDriverPaging: the address is in no driver",
                        KI_CALL_SITE(KI_RETURN_ADDRESS()));
    }
}
