/* SPDX-License-Identifier: MIT */
/*
 * The documented lines of the section routines, one by one. A number in brackets is that of the
 * line in docs/coverage-of-paging-semantics.md; tests/coverage checks that none is without a test.
 */
#include "test_image.h"
#include "test_thread.h"

#include "io/iop.h"
#include "nt/rtl.h"

enum { Text, Data, PageCode, PageData, LowerCase, Init, Sections };

static const TEST_SECTION Layout[Sections] = {
    {".text", 2, TRUE},      {".data", 2, FALSE},   {"PAGELKC", 3, TRUE},
    {"PAGEDATA", 3, FALSE}, {"pagelow", 1, FALSE}, {"INIT", 1, TRUE},
};

static PMM_IMAGE LoadDriver(VOID)
{
    return TestLoadSections(L"\\SystemRoot\\rules.sys", Layout, Sections);
}

static PMI_SECTION SectionOf(PMM_IMAGE Image, ULONG Index)
{
    return &Image->Section[Index + 1];
}

static PVOID AddressIn(PMM_IMAGE Image, ULONG Index, ULONG Offset)
{
    return (PVOID)(SectionOf(Image, Index)->Address + Offset);
}

/* After everything has left that may: all pages of the section are there, or none is. */
static BOOLEAN Stays(PMM_IMAGE Image, ULONG Index)
{
    MmPageOutEverything(TRUE);
    ULONG Valid = TestValidPages(SectionOf(Image, Index));
    EXPECT(Valid == 0 || Valid == SectionOf(Image, Index)->Pages);
    return Valid != 0;
}

/* ---- MmPageEntireDriver, MmResetDriverPaging ---- */

/*
 * [1.1.1] any address in the image will do; [1.1.3] the base is returned; [1.1.2] all code and
 * data leave, sections that are not PAGE too; [1.1.4] a second call changes nothing and returns the
 * base.
 */
GUEST_TEST(mm_rules_page_entire_takes_any_address_and_pages_all)
{
    PMM_IMAGE Image = LoadDriver();
    EXPECT(Stays(Image, Text) && Stays(Image, Data) && Stays(Image, LowerCase));
    for (ULONG Index = 0; Index < Sections; Index++) {
        ULONG Last = SectionOf(Image, Index)->Size - 1;
        EXPECT(MmPageEntireDriver(AddressIn(Image, Index, Last)) == (PVOID)Image->Base);
        for (ULONG Other = 0; Other < Sections; Other++) {
            EXPECT(!Stays(Image, Other));
        }
    }
    EXPECT(MmPageEntireDriver((PVOID)Image->Base) == (PVOID)Image->Base);
    EXPECT(MmIsAddressValid((PVOID)Image->Base)); /* the headers stay: unwinding reads them */
    EXPECT_EQUAL(TestWrongCode(SectionOf(Image, Text)), 0);
    MmUnloadSystemImage(Image);
}

/*
 * [1.2.1] reset pages .text and .data in and makes them nonpaged, PAGE sections stay pageable;
 * [1.1.6] that undoes page-entire; [D5] one reset is enough after two calls of page-entire.
 */
GUEST_TEST(mm_rules_reset_restores_the_attributes)
{
    PMM_IMAGE Image = LoadDriver();
    volatile ULONG *Word = AddressIn(Image, Data, PAGE_SIZE);
    *Word = 0x12345678;
    MmPageEntireDriver(AddressIn(Image, Text, 0));
    MmPageEntireDriver(AddressIn(Image, Data, 0));
    EXPECT(!Stays(Image, Text) && !Stays(Image, Data));
    MmResetDriverPaging(AddressIn(Image, PageData, 1));
    EXPECT_EQUAL(TestValidPages(SectionOf(Image, Text)), 2); /* at once, not by faults */
    EXPECT_EQUAL(TestValidPages(SectionOf(Image, Data)), 2);
    EXPECT(Stays(Image, Text) && Stays(Image, Data) && Stays(Image, LowerCase));
    EXPECT(!Stays(Image, PageCode) && !Stays(Image, PageData));
    EXPECT_EQUAL(*Word, 0x12345678);
    EXPECT_EQUAL(TestWrongCode(SectionOf(Image, Text)), 0);
    MmUnloadSystemImage(Image);
}

/* [1.2.2] Without a page-entire before it, reset does nothing; twice neither. */
GUEST_TEST(mm_rules_reset_alone_does_nothing)
{
    PMM_IMAGE Image = LoadDriver();
    for (ULONG Try = 0; Try < 2; Try++) {
        MmPageOutEverything(TRUE);
        MmResetDriverPaging(AddressIn(Image, Text, 5));
        EXPECT_EQUAL(TestValidPages(SectionOf(Image, PageCode)), 0);
        EXPECT(Stays(Image, Text) && Stays(Image, Data));
        EXPECT(!Image->WholePaged);
    }
    MmUnloadSystemImage(Image);
}

static struct {
    ULONG Code, Count;
    CHAR Text[100];
} Finding;

static VOID KeepFinding(ULONG Code, PCSTR Text, PVOID Address)
{
    Finding.Code = Code;
    Finding.Count++;
    strncpy(Finding.Text, Text, sizeof(Finding.Text) - 1);
}

/* [D6] An address in no driver: NULL from page-entire, no effect of reset, and a finding each. */
GUEST_TEST(mm_rules_page_entire_of_no_driver)
{
    VOID (*Old)(ULONG, PCSTR, PVOID) = IopFinding;
    PMM_IMAGE Image = LoadDriver();
    RtlZeroMemory(&Finding, sizeof(Finding));
    IopFinding = KeepFinding;
    EXPECT(MmPageEntireDriver((PVOID)(Image->Base - PAGE_SIZE)) == NULL);
    EXPECT_EQUAL(Finding.Code, 0x1A0001);
    MmPageEntireDriver((PVOID)Image->Base);
    MmResetDriverPaging(&Finding);
    EXPECT_EQUAL(Finding.Code, 0x1A0002);
    EXPECT(strstr(Finding.Text, "in no driver") != NULL);
    IopFinding = Old;
    EXPECT_EQUAL(Finding.Count, 2);
    EXPECT(Image->WholePaged);
    MmUnloadSystemImage(Image);
}

/* ---- locks ---- */

/*
 * [1.3.1] [1.4.1] a lock by any address locks the whole section, all of it resident on return, and
 * gives the section's handle; [1.8.4] locked it behaves as a nonpaged one: it is called and written
 * at DISPATCH_LEVEL.
 */
static VOID LockWholeSection(PMM_IMAGE Image, ULONG Index, ULONG Offset)
{
    PMI_SECTION Section = SectionOf(Image, Index);
    MmPageOutEverything(TRUE);
    PVOID Handle = MmLockPagableDataSection(AddressIn(Image, Index, Offset));
    EXPECT(Handle != NULL);
    EXPECT_EQUAL(TestValidPages(Section), Section->Pages);
    EXPECT(Stays(Image, Index));
    KIRQL Irql = KfRaiseIrql(DISPATCH_LEVEL);
    for (ULONG64 Page = 0; Page < Section->Pages; Page++) {
        ULONG64 Address = Section->Address + (Page << PAGE_SHIFT);
        if (Layout[Index].Code) {
            EXPECT_EQUAL(TestCallRoutine(Address), Address - Image->Base);
        } else {
            *(volatile ULONG64 *)Address = Page + 1;
        }
    }
    KeLowerIrql(Irql);
    MmUnlockPagableImageSection(Handle);
    EXPECT(!Stays(Image, Index));
}

GUEST_TEST(mm_rules_lock_is_of_the_whole_section)
{
    PMM_IMAGE Image = LoadDriver();
    LockWholeSection(Image, PageCode, 0);
    LockWholeSection(Image, PageCode, 3 * PAGE_SIZE - 1);
    LockWholeSection(Image, PageData, PAGE_SIZE + 7);
    for (ULONG Page = 0; Page < 3; Page++) {
        EXPECT_EQUAL(*(volatile ULONG64 *)AddressIn(Image, PageData, Page * PAGE_SIZE), Page + 1);
    }
    MmUnloadSystemImage(Image);
}

/*
 * [1.8.1] one count for each section, by address and by handle alike, N locks need N unlocks;
 * [1.8.2] a lock by address of what is locked counts on; [1.5.1] by handle with a count: one more,
 * without: paged in, locked, 1; [1.6.1] an unlock takes one off; at 0 the section is pageable.
 */
GUEST_TEST(mm_rules_locks_count)
{
    PMM_IMAGE Image = LoadDriver();
    PMI_SECTION Code = SectionOf(Image, PageCode), Other = SectionOf(Image, PageData);
    PVOID Handle = MmLockPagableDataSection(AddressIn(Image, PageCode, 0));
    EXPECT_EQUAL(Code->LockCount, 1);
    EXPECT(MmLockPagableDataSection(AddressIn(Image, PageCode, PAGE_SIZE)) == Handle);
    EXPECT_EQUAL(Code->LockCount, 2);
    MmLockPagableSectionByHandle(Handle);
    EXPECT_EQUAL(Code->LockCount, 3);
    EXPECT_EQUAL(Other->LockCount, 0);
    EXPECT(!Stays(Image, PageData));
    for (ULONG Left = 3; Left > 0; Left--) {
        EXPECT(Stays(Image, PageCode));
        MmUnlockPagableImageSection(Handle);
        EXPECT_EQUAL(Code->LockCount, Left - 1);
    }
    EXPECT(!Stays(Image, PageCode));
    MmLockPagableSectionByHandle(Handle);
    EXPECT_EQUAL(Code->LockCount, 1);
    EXPECT_EQUAL(TestValidPages(Code), Code->Pages);
    EXPECT(Stays(Image, PageCode));
    MmUnlockPagableImageSection(Handle);
    MmUnloadSystemImage(Image);
}

/* [1.8.3] The handle is good as long as the driver is loaded, whatever the count and for ever. */
GUEST_TEST(mm_rules_handle_lives_as_long_as_the_driver)
{
    PMM_IMAGE Image = LoadDriver();
    PVOID Handle = MmLockPagableDataSection(AddressIn(Image, PageData, 0));
    MmUnlockPagableImageSection(Handle);
    for (ULONG Try = 0; Try < 100; Try++) {
        if (Try % 10 == 0) {
            MmPageOutEverything(TRUE);
        }
        MmLockPagableSectionByHandle(Handle);
        EXPECT_EQUAL(TestValidPages(SectionOf(Image, PageData)), 3);
        MmUnlockPagableImageSection(Handle);
    }
    EXPECT(MmLockPagableDataSection(AddressIn(Image, PageData, 9)) == Handle);
    MmUnlockPagableImageSection(Handle);
    MmUnloadSystemImage(Image);
}

/* [1.7.1] MmLockPagableImageSection is MmLockPagableDataSection by another name. */
GUEST_TEST(mm_rules_lock_image_section_is_the_same)
{
    PMM_IMAGE Image = LoadDriver();
    PVOID Handle = MmLockPagableImageSection(AddressIn(Image, PageCode, 100));
    EXPECT(MmLockPagableDataSection(AddressIn(Image, PageCode, 0)) == Handle);
    EXPECT_EQUAL(SectionOf(Image, PageCode)->LockCount, 2);
    MmUnlockPagableImageSection(Handle);
    MmUnlockPagableImageSection(Handle);
    MmUnloadSystemImage(Image);
}

/* [1.3.2] [1.9.4] MmLockPagableCodeSection is a macro, and not exported: no driver imports it. */
GUEST_TEST(mm_rules_lock_code_section_is_a_macro)
{
    UNICODE_STRING Code = RTL_CONSTANT_STRING(L"MmLockPagableCodeSection");
    UNICODE_STRING DataName = RTL_CONSTANT_STRING(L"MmLockPagableDataSection");
    PMM_IMAGE Image = LoadDriver();
    EXPECT(MmGetSystemRoutineAddress(&Code) == NULL);
    EXPECT(MmGetSystemRoutineAddress(&DataName) == (PVOID)MmLockPagableDataSection);
    PVOID Handle = MmLockPagableCodeSection(AddressIn(Image, PageCode, 0));
    EXPECT_EQUAL(SectionOf(Image, PageCode)->LockCount, 1);
    MmUnlockPagableImageSection(Handle);
    MmUnloadSystemImage(Image);
}

/* [1.8.6] PAGE in capitals makes a section pageable; "pagelow" is resident. */
GUEST_TEST(mm_rules_page_is_in_capitals)
{
    PMM_IMAGE Image = LoadDriver();
    EXPECT(Stays(Image, LowerCase));
    EXPECT(!Stays(Image, PageCode) && !Stays(Image, PageData));
    MmUnloadSystemImage(Image);
}

/* [D1] A lock of a nonpaged section: a handle and a count, and nothing else changes. */
GUEST_TEST(mm_rules_lock_of_a_nonpaged_section_counts)
{
    PMM_IMAGE Image = LoadDriver();
    MM_COUNTERS Before, After;
    MmQueryCounters(&Before);
    PVOID Handle = MmLockPagableDataSection(AddressIn(Image, Text, 0));
    MmQueryCounters(&After);
    EXPECT(Handle != NULL);
    EXPECT_EQUAL(SectionOf(Image, Text)->LockCount, 1);
    EXPECT_EQUAL(After.SystemWorkingSetPages, Before.SystemWorkingSetPages);
    MmUnlockPagableImageSection(Handle);
    EXPECT(Stays(Image, Text));
    EXPECT_EQUAL(TestWrongCode(SectionOf(Image, Text)), 0);
    MmUnloadSystemImage(Image);
}

/*
 * [D4] Locks win over page-entire: what is locked stays, and leaves at its last unlock; a section
 * that is no PAGE section too. A reset does not touch the counts.
 */
GUEST_TEST(mm_rules_locks_win_over_page_entire)
{
    PMM_IMAGE Image = LoadDriver();
    PVOID Code = MmLockPagableDataSection(AddressIn(Image, PageCode, 0));
    PVOID Nonpaged = MmLockPagableDataSection(AddressIn(Image, Data, 0));
    MmPageEntireDriver((PVOID)Image->Base);
    EXPECT(Stays(Image, PageCode) && Stays(Image, Data));
    EXPECT(!Stays(Image, Text) && !Stays(Image, PageData));
    MmUnlockPagableImageSection(Nonpaged);
    EXPECT(!Stays(Image, Data));
    MmResetDriverPaging((PVOID)Image->Base);
    EXPECT(Stays(Image, Text) && Stays(Image, Data) && Stays(Image, PageCode));
    EXPECT_EQUAL(SectionOf(Image, PageCode)->LockCount, 1);
    MmUnlockPagableImageSection(Code);
    EXPECT(!Stays(Image, PageCode));
    MmUnloadSystemImage(Image);
}

/* ---- what ends in a bug check: tests/system/run runs these by name and looks for it ---- */

/* [D2] A lock by the handle of a driver that is gone: 0x1A, P1 1234h. */
GUEST_TEST(crash_lock_by_handle_of_an_unloaded_driver)
{
    PMM_IMAGE Image = LoadDriver();
    PVOID Handle = MmLockPagableDataSection(AddressIn(Image, PageCode, 0));
    MmUnlockPagableImageSection(Handle);
    MmUnloadSystemImage(Image);
    MmLockPagableSectionByHandle(Handle);
    EXPECT(!"returned");
}

/* [1.9.2] A lock of a section that does not exist any more: INIT after DriverEntry. */
GUEST_TEST(crash_lock_of_init_after_its_end)
{
    PMM_IMAGE Image = LoadDriver();
    MmUnlockPagableImageSection(MmLockPagableDataSection(AddressIn(Image, Init, 0)));
    MmFreeImageInitialization(Image);
    MmLockPagableDataSection(AddressIn(Image, Init, 0));
    EXPECT(!"returned");
}

/* [D3] An unlock by an address, which is no handle: 0x1A, P1 1010h. */
GUEST_TEST(crash_unlock_by_address)
{
    PMM_IMAGE Image = LoadDriver();
    MmLockPagableDataSection(AddressIn(Image, PageCode, 0));
    MmUnlockPagableImageSection(AddressIn(Image, PageCode, 0));
    EXPECT(!"returned");
}

/* [1.2.3] Reset has no status to return: pages that cannot be read are bug check 0x7A. */
GUEST_TEST(crash_reset_of_what_cannot_be_read)
{
    PMM_IMAGE Image = LoadDriver();
    MmPageEntireDriver((PVOID)Image->Base);
    MmPageOutEverything(TRUE);
    MmResetDriverPaging((PVOID)Image->Base);
    EXPECT(!"returned");
}
