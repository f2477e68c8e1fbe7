/* SPDX-License-Identifier: MIT */
/*
 * Page tables: walking them, making them, and what a protection means in hardware bits.
 *
 * System space's top level is shared by copying: every PML4 entry the kernel uses exists since
 * boot, so a table made in one address space is seen in all. Tables are nonpaged; those of system
 * space are never freed, those of a process go with it.
 */
#include "mm/mi.h"

/* By MI_ protection; NT's 32 codes, of which the guard bit (10h) does not reach the hardware. */
const ULONG64 MiProtectionToPte[32] = {
    [MI_READONLY] = MI_PTE_NO_EXECUTE,
    [2] = 0,
    [MI_EXECUTE_READ] = 0,
    [MI_READWRITE] = MI_PTE_WRITE | MI_PTE_NO_EXECUTE,
    [MI_EXECUTE_READWRITE] = MI_PTE_WRITE,
    [MI_GUARD | MI_READONLY] = MI_PTE_NO_EXECUTE,
    [MI_GUARD | MI_EXECUTE_READ] = 0,
    [MI_GUARD | MI_READWRITE] = MI_PTE_WRITE | MI_PTE_NO_EXECUTE,
    [MI_GUARD | MI_EXECUTE_READWRITE] = MI_PTE_WRITE,
};

/* The accessed bit is set at once: the fault that maps a page is an access. */
MMPTE MiValidPte(ULONG Frame, ULONG Protection, BOOLEAN User)
{
    return ((ULONG64)Frame << PAGE_SHIFT) | MI_PTE_VALID | MI_PTE_ACCESSED |
           MiProtectionToPte[Protection] | (User ? MI_PTE_USER : 0);
}

ULONG MiProtectionOfPage(ULONG PageProtect)
{
    ULONG Guard = PageProtect & PAGE_GUARD ? MI_GUARD : 0;
    switch (PageProtect & ~(ULONG)PAGE_GUARD) {
    case PAGE_READONLY: return Guard | MI_READONLY;
    case PAGE_READWRITE: return Guard | MI_READWRITE;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ: return Guard | MI_EXECUTE_READ;
    case PAGE_EXECUTE_READWRITE: return Guard | MI_EXECUTE_READWRITE;
    default: return 0;
    }
}

ULONG MiPageOfProtection(ULONG Protection)
{
    static const ULONG Pages[] = {PAGE_READONLY, PAGE_READWRITE, PAGE_EXECUTE_READ,
                                  PAGE_EXECUTE_READWRITE};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Pages); i++) {
        if (MiProtectionOfPage(Pages[i]) == (Protection & ~(ULONG)MI_GUARD)) {
            return Pages[i] | (Protection & MI_GUARD ? PAGE_GUARD : 0);
        }
    }
    return PAGE_NOACCESS;
}

static BOOLEAN MiIsCanonical(ULONG64 Va)
{
    return (Va >> 47) == 0 || (Va >> 47) == 0x1ffff;
}

/*
 * The PTE of Va when every table above it is there. *BadEntry, when asked for, is the entry that
 * is not valid. A large page has no PTE: NULL, and *BadEntry the entry that maps it.
 */
PMMPTE MiWalk(PVOID Va, PMMPTE *BadEntry)
{
    PMMPTE Entry = NULL;
    if (!MiIsCanonical((ULONG64)Va)) {
        goto Missing;
    }
    Entry = MI_PXE_OF(Va);
    if (!(*Entry & MI_PTE_VALID)) {
        goto Missing;
    }
    Entry = MI_PPE_OF(Va);
    if ((*Entry & (MI_PTE_VALID | MI_PTE_LARGE)) != MI_PTE_VALID) {
        goto Missing;
    }
    Entry = MI_PDE_OF(Va);
    if ((*Entry & (MI_PTE_VALID | MI_PTE_LARGE)) != MI_PTE_VALID) {
        goto Missing;
    }
    return MI_PTE_OF(Va);
Missing:
    if (BadEntry != NULL) {
        *BadEntry = Entry;
    }
    return NULL;
}

ULONG MiFrameOfTable(PMMPTE Pte)
{
    return (ULONG)MI_PTE_FRAME(*MI_PTE_OF(Pte));
}

/* Makes one level: Entry will point to a fresh zeroed table. */
static BOOLEAN MiMakeTable(PMMPTE Entry, BOOLEAN User)
{
    if (*Entry & MI_PTE_VALID) {
        return TRUE;
    }
    if (!MiChargeResident(1)) {
        return FALSE;
    }
    ULONG Frame = MiAllocateChargedFrame(Entry, MiFrameOfTable(Entry), TRUE);
    if (Frame == MI_NO_PAGE) {
        MiReturnResident(1);
        return FALSE;
    }
    MMPTE New = MiValidPte(Frame, MI_EXECUTE_READWRITE, User);
    if (__sync_val_compare_and_swap(Entry, 0, New) != 0) {
        MiFreeNonpagedFrame(Frame); /* another thread made it first */
        MiReturnResident(1);
    }
    return TRUE;
}

static BOOLEAN MiMakeTables(ULONG64 Va, BOOLEAN User)
{
    return MiMakeTable(MI_PXE_OF(Va), User) && MiMakeTable(MI_PPE_OF(Va), User) &&
           MiMakeTable(MI_PDE_OF(Va), User);
}

BOOLEAN MiMakeSystemTables(ULONG64 Va, ULONG64 Pages)
{
    ULONG64 Last = Va + (Pages << PAGE_SHIFT) - 1;
    for (ULONG64 Next = Va & ~0x1fffffull; Next <= Last; Next += 0x200000) {
        if (!(*MI_PXE_OF(Next) & MI_PTE_VALID)) {
            /* A new PML4 entry would be missing in the other address spaces. */
            KeBugCheckEx(MEMORY_MANAGEMENT, 0x3452, Next, 0, 0);
        }
        if (!MiMakeTables(Next, FALSE)) {
            return FALSE;
        }
    }
    return TRUE;
}

BOOLEAN MiMakeUserTables(ULONG64 Va)
{
    NT_VERIFY(Va <= MM_HIGHEST_USER_ADDRESS);
    return MiMakeTables(Va, TRUE);
}
