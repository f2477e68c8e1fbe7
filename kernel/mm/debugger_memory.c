/* SPDX-License-Identifier: MIT */
/*
 * Memory for the kernel debugger, which may look at any address at any moment and must not fault:
 * page tables are walked first, and the bytes are reached through the map of physical memory, so
 * that neither a missing page nor a read-only one matters.
 *
 * Called with interrupts off and nothing else running, at any IRQL; MiPfnLock may be held by the
 * code that was stopped, and is not taken.
 *
 * A page that a debugger writes becomes dirty, so that the change survives in the paging file. A
 * breakpoint's byte does not make it dirty: Kd takes it out before the page leaves. Only when the
 * page is being written right then, its slot is marked as out of date.
 */
#include "mm/mi.h"

BOOLEAN MmDbgTranslate(ULONG64 Address, PULONG64 Physical)
{
    PMMPTE Entry = NULL;
    PMMPTE Pte = MiWalk((PVOID)Address, &Entry);
    ULONG64 Span = PAGE_SIZE;
    if (Pte != NULL) {
        Entry = Pte;
    } else if (Entry != NULL && (*Entry & MI_PTE_VALID)) {
        Span = Entry == MI_PDE_OF(Address) ? 1ull << 21 : 1ull << 30; /* a large page */
    }
    if (Entry == NULL || !(*Entry & MI_PTE_VALID)) {
        return FALSE;
    }
    *Physical = (*Entry & MI_PTE_FRAME_MASK & ~(Span - 1)) | (Address & (Span - 1));
    return TRUE;
}

/* Where the byte can be touched, or NULL. */
static PUCHAR MiDbgReach(ULONG64 Address, ULONG Flags)
{
    ULONG64 Physical = Address;
    if (!(Flags & MM_DEBUG_PHYSICAL) && !MmDbgTranslate(Address, &Physical)) {
        return NULL;
    }
    PVOID Alias = MmPhysicalAddressToVirtual(Physical);
    return Physical < MM_PHYSICAL_LIMIT && MmIsAddressValid(Alias) ? Alias : NULL;
}

/* After a write to a virtual address: its slot in the paging file is no longer the page. */
static VOID MiDbgNoteWrite(ULONG64 Address, ULONG Flags)
{
    PMMPTE Pte = MiWalk((PVOID)Address, NULL);
    if (Pte == NULL || MI_PTE_FRAME(*Pte) > MiHighestFrame) {
        return;
    }
    if (!(Flags & MM_DEBUG_BREAKPOINT)) {
        *Pte |= MI_PTE_DIRTY;
    } else if (MmIsAddressValid(MI_PFN(MI_PTE_FRAME(*Pte))) &&
               MI_PFN(MI_PTE_FRAME(*Pte))->WriteInProgress) {
        MI_PFN(MI_PTE_FRAME(*Pte))->Rewrite = TRUE;
    }
}

/* One access of the size asked for: a device's register may know no other. */
static VOID MiDbgMove(PVOID To, const VOID *From, SIZE_T Size)
{
    BOOLEAN Aligned = (((ULONG64)To | (ULONG64)From) & (Size - 1)) == 0;
    if (Size == 8 && Aligned) {
        *(volatile ULONG64 *)To = *(const volatile ULONG64 *)From;
    } else if (Size == 4 && Aligned) {
        *(volatile ULONG *)To = *(const volatile ULONG *)From;
    } else if (Size == 2 && Aligned) {
        *(volatile USHORT *)To = *(const volatile USHORT *)From;
    } else {
        __builtin_memcpy(To, From, Size);
    }
}

SIZE_T MmDbgCopyMemory(ULONG64 Address, PVOID Buffer, SIZE_T Size, ULONG Flags)
{
    SIZE_T Done = 0;
    while (Done < Size) {
        SIZE_T Length = PAGE_SIZE - BYTE_OFFSET(Address + Done);
        if (Length > Size - Done) {
            Length = Size - Done;
        }
        PUCHAR Alias = MiDbgReach(Address + Done, Flags);
        if (Alias == NULL) {
            break;
        }
        if (Flags & MM_DEBUG_WRITE) {
            MiDbgMove(Alias, (PUCHAR)Buffer + Done, Length);
            if (!(Flags & MM_DEBUG_PHYSICAL)) {
                MiDbgNoteWrite(Address + Done, Flags);
            }
        } else {
            MiDbgMove((PUCHAR)Buffer + Done, Alias, Length);
        }
        Done += Length;
    }
    return Done;
}
