/* SPDX-License-Identifier: MIT */
/* The debugger's !pageout: what it takes out, what it must leave alone. */
#include "test.h"

#include "mm/mi.h"

#define TAG 'tseT'
#define PAGES 4u

extern ULONG64 MiDebuggerPageOutAddress, MiDebuggerPageOutSize, MiDebuggerPagesOut;

static ULONG64 PageOut(ULONG64 Address, ULONG64 Size)
{
    MiDebuggerPageOutAddress = Address;
    MiDebuggerPageOutSize = Size;
    MiDebuggerPageOut();
    EXPECT_EQUAL(MiDebuggerPageOutSize, 0); /* taken: the next request starts anew */
    return MiDebuggerPagesOut;
}

/* How many of the pages are in the paging file and nowhere else. */
static ULONG CountOut(const UCHAR *Memory)
{
    ULONG Out = 0;
    for (ULONG i = 0; i < PAGES; i++) {
        MMPTE Pte = *MI_PTE_OF(Memory + i * PAGE_SIZE);
        Out += !(Pte & (MI_PTE_VALID | MI_PTE_TRANSITION)) && MI_PTE_SLOT(Pte) != 0;
    }
    return Out;
}

static PUCHAR Allocate(VOID)
{
    PUCHAR Memory = ExAllocatePoolWithTag(PagedPool, PAGES * PAGE_SIZE, TAG);
    for (ULONG i = 0; Memory != NULL && i < PAGES * PAGE_SIZE; i++) {
        Memory[i] = (UCHAR)(i * 7 + i / PAGE_SIZE);
    }
    return Memory;
}

static ULONG CountWrong(const UCHAR *Memory)
{
    ULONG Wrong = 0;
    for (ULONG i = 0; i < PAGES * PAGE_SIZE; i++) {
        Wrong += Memory[i] != (UCHAR)(i * 7 + i / PAGE_SIZE);
    }
    return Wrong;
}

GUEST_TEST(mm_debugger_pages_out_one_page)
{
    PUCHAR Memory = Allocate();
    EXPECT(Memory != NULL);
    EXPECT_EQUAL(PageOut((ULONG64)Memory + PAGE_SIZE + 17, 1), 1);
    EXPECT_EQUAL(CountOut(Memory), 1);
    EXPECT(!(*MI_PTE_OF(Memory + PAGE_SIZE) & MI_PTE_VALID));
    EXPECT_EQUAL(CountWrong(Memory), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_debugger_pages_out_a_range)
{
    PUCHAR Memory = Allocate();
    EXPECT(Memory != NULL);
    EXPECT_EQUAL(PageOut((ULONG64)Memory, PAGES * PAGE_SIZE), PAGES);
    EXPECT_EQUAL(CountOut(Memory), PAGES);
    EXPECT_EQUAL(PageOut((ULONG64)Memory, PAGES * PAGE_SIZE), 0); /* they are out */
    EXPECT_EQUAL(CountWrong(Memory), 0);
    EXPECT_EQUAL(PageOut(0, ~0ull) >= PAGES, TRUE);
    EXPECT_EQUAL(CountOut(Memory), PAGES);
    EXPECT_EQUAL(CountWrong(Memory), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_debugger_leaves_locked_pages)
{
    ULONG Frame;
    PUCHAR Memory = Allocate();
    EXPECT(Memory != NULL);
    EXPECT_EQUAL(MiLockPage(Memory, KernelMode, FALSE, &Frame), STATUS_SUCCESS);
    EXPECT_EQUAL(PageOut((ULONG64)Memory, PAGES * PAGE_SIZE), PAGES - 1);
    EXPECT(*MI_PTE_OF(Memory) & MI_PTE_VALID);
    MiUnlockPage(Frame);
    EXPECT_EQUAL(CountWrong(Memory), 0);
    ExFreePoolWithTag(Memory, TAG);
}

GUEST_TEST(mm_debugger_leaves_what_is_not_pageable)
{
    PVOID Nonpaged = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    EXPECT(Nonpaged != NULL);
    EXPECT_EQUAL(PageOut((ULONG64)Nonpaged, PAGE_SIZE), 0);
    EXPECT_EQUAL(PageOut((ULONG64)&MiDebuggerPagesOut, PAGE_SIZE), 0); /* the kernel itself */
    EXPECT_EQUAL(PageOut(MM_PHYSICAL_MAP, PAGE_SIZE), 0);              /* large pages */
    EXPECT_EQUAL(PageOut(MM_PTE_BASE, PAGE_SIZE), 0);
    EXPECT_EQUAL(PageOut(0x1000, PAGE_SIZE), 0);                       /* nothing there */
    EXPECT_EQUAL(PageOut(0x8000000000000ull, PAGE_SIZE), 0);           /* not canonical */
    EXPECT_EQUAL(PageOut(~0ull - 10, 4096), 0);                        /* wraps */
    EXPECT_EQUAL(PageOut(MM_PAGED_POOL_START, ~0ull - 1), 0);          /* too large */
    ExFreePoolWithTag(Nonpaged, TAG);
}
