/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints in code: the byte CC in the place of another. There are 32, by handle. One is
 *
 *   free -> owed   its page is not resident
 *   owed -> set    the page has come (KdPagesArrived), or was there at once
 *   set  -> owed   the page leaves (KdPageLeft): the byte is put back before the page can be
 *                  written, so that neither the paging file nor a CRC ever has a CC in it
 *   any  -> free   the debugger takes it away, or the target stops on it
 *
 * The table is touched with interrupts off only: the debugger may stop the system anywhere else.
 * A debugger learns that a breakpoint is owed by looking at the page's PTE.
 */
#include "kd/breakpoint.h"

#include "kd/kd.h"
#include "mm/mm.h"

#define KDP_BREAKPOINT_BYTE 0xcc

typedef enum { KdpFree, KdpOwed, KdpSet } KDP_BREAKPOINT_STATE;

static struct {
    KDP_BREAKPOINT_STATE State;
    UCHAR Original;
    ULONG64 Address;
    ULONG64 Directory; /* of a user address: the CR3 it counts in; else 0 */
    ULONG64 Physical;  /* while set */
} KdpBreakpoints[KD_BREAKPOINT_MAX];

volatile BOOLEAN KdBreakpointsSet, KdBreakpointsOwed;

static VOID KdpCountBreakpoints(VOID)
{
    BOOLEAN Set = FALSE, Owed = FALSE;
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        Set |= KdpBreakpoints[i].State == KdpSet;
        Owed |= KdpBreakpoints[i].State == KdpOwed;
    }
    KdBreakpointsSet = Set;
    KdBreakpointsOwed = Owed;
}

static ULONG64 KdpDirectoryOf(ULONG64 Address)
{
    ULONG64 Directory = 0;
    if (Address <= MM_HIGHEST_USER_ADDRESS) {
        __asm__ volatile("movq %%cr3, %0" : "=r"(Directory));
    }
    return Directory;
}

/* Owed becomes set, when the page is there. */
static VOID KdpTryToSet(ULONG Index)
{
    UCHAR Byte = KDP_BREAKPOINT_BYTE;
    ULONG64 Address = KdpBreakpoints[Index].Address;
    if (KdpBreakpoints[Index].Directory != KdpDirectoryOf(Address) ||
        !MmDbgTranslate(Address, &KdpBreakpoints[Index].Physical) ||
        MmDbgCopyMemory(Address, &KdpBreakpoints[Index].Original, 1, 0) != 1 ||
        MmDbgCopyMemory(Address, &Byte, 1, MM_DEBUG_WRITE | MM_DEBUG_BREAKPOINT) != 1) {
        return;
    }
    KdpBreakpoints[Index].State = KdpSet;
}

/* The byte as it was, unless somebody has written there since. */
static VOID KdpTakeOut(ULONG Index)
{
    UCHAR Byte = 0;
    ULONG64 Physical = KdpBreakpoints[Index].Physical;
    if (KdpBreakpoints[Index].State == KdpSet &&
        MmDbgCopyMemory(Physical, &Byte, 1, MM_DEBUG_PHYSICAL) == 1 &&
        Byte == KDP_BREAKPOINT_BYTE) {
        MmDbgCopyMemory(Physical, &KdpBreakpoints[Index].Original, 1,
                        MM_DEBUG_PHYSICAL | MM_DEBUG_WRITE);
    }
}

VOID KdSetOwedBreakpoints(VOID)
{
    ULONG64 Flags = KiDisableInterrupts();
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        if (KdpBreakpoints[i].State == KdpOwed) {
            KdpTryToSet(i);
        }
    }
    KdpCountBreakpoints();
    KiRestoreInterrupts(Flags);
}

/* An image was laid out over breakpoints that had been set while its pages were still empty. */
VOID KdpRearmBreakpoints(ULONG64 First, ULONG64 Last)
{
    UCHAR Byte;
    ULONG64 Flags = KiDisableInterrupts();
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        ULONG64 Address = KdpBreakpoints[i].Address;
        if (KdpBreakpoints[i].State == KdpSet && Address >= First && Address <= Last &&
            MmDbgCopyMemory(Address, &Byte, 1, 0) == 1 && Byte != KDP_BREAKPOINT_BYTE) {
            KdpBreakpoints[i].State = KdpOwed;
        }
    }
    KdSetOwedBreakpoints();
    KiRestoreInterrupts(Flags);
}

VOID KdOweBreakpointsInFrame(ULONG64 Frame)
{
    ULONG64 Flags = KiDisableInterrupts();
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        if (KdpBreakpoints[i].State == KdpSet &&
            KdpBreakpoints[i].Physical >> PAGE_SHIFT == Frame) {
            KdpTakeOut(i);
            KdpBreakpoints[i].State = KdpOwed;
        }
    }
    KdpCountBreakpoints();
    KiRestoreInterrupts(Flags);
}

VOID KdpDeleteBreakpointRange(ULONG64 First, ULONG64 Last)
{
    ULONG64 Flags = KiDisableInterrupts();
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        ULONG64 Address = KdpBreakpoints[i].Address;
        if (KdpBreakpoints[i].State != KdpFree && Address >= First && Address <= Last &&
            KdpBreakpoints[i].Directory == KdpDirectoryOf(Address)) {
            KdpTakeOut(i);
            KdpBreakpoints[i].State = KdpFree;
        }
    }
    KdpCountBreakpoints();
    KiRestoreInterrupts(Flags);
}

VOID KdpDeleteAllBreakpoints(VOID)
{
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        KdpTakeOut(i);
        KdpBreakpoints[i].State = KdpFree;
    }
    KdpCountBreakpoints();
}

static BOOLEAN KdpIsCanonical(ULONG64 Address)
{
    return Address >> 47 == 0 || Address >> 47 == 0x1ffff;
}

/* Fails when all handles are in use, the address is none, or has a breakpoint already. */
KDP_ANSWER KdpWriteBreakpoint(PKDP_REQUEST Request)
{
    ULONG64 Address = Request->Header.WriteBreakPoint.Address;
    ULONG Free = KD_BREAKPOINT_MAX;
    Request->Header.WriteBreakPoint.Handle = 0;
    Request->Header.ReturnStatus = STATUS_UNSUCCESSFUL;
    for (ULONG i = 0; i < KD_BREAKPOINT_MAX; i++) {
        if (KdpBreakpoints[i].State == KdpFree) {
            Free = Free == KD_BREAKPOINT_MAX ? i : Free;
        } else if (KdpBreakpoints[i].Address == Address &&
                   KdpBreakpoints[i].Directory == KdpDirectoryOf(Address)) {
            return KdpAnswer;
        }
    }
    if (Free == KD_BREAKPOINT_MAX || !KdpIsCanonical(Address)) {
        return KdpAnswer;
    }
    KdpBreakpoints[Free].State = KdpOwed;
    KdpBreakpoints[Free].Address = Address;
    KdpBreakpoints[Free].Directory = KdpDirectoryOf(Address);
    KdpTryToSet(Free);
    KdpCountBreakpoints();
    Request->Header.WriteBreakPoint.Handle = Free + 1;
    Request->Header.ReturnStatus = STATUS_SUCCESS;
    return KdpAnswer;
}

KDP_ANSWER KdpRestoreBreakpoint(PKDP_REQUEST Request)
{
    ULONG Index = Request->Header.RestoreBreakPoint.Handle - 1;
    if (Index >= KD_BREAKPOINT_MAX || KdpBreakpoints[Index].State == KdpFree) {
        Request->Header.ReturnStatus = STATUS_UNSUCCESSFUL;
        return KdpAnswer;
    }
    KdpTakeOut(Index);
    KdpBreakpoints[Index].State = KdpFree;
    KdpCountBreakpoints();
    return KdpAnswer;
}
