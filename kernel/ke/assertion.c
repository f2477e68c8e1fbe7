/* SPDX-License-Identifier: MIT */
/*
 * Assertions: the kernel's own NT_VERIFY and NT_ASSERT, and int 2Ch, by which those of a checked
 * driver ask for STATUS_ASSERTION_FAILURE at the address of the instruction.
 */
#include "ke/trap_dispatch.h"

#include "hal/hal.h"
#include "ke/bug_check.h"

#define ASSERTION_INSTRUCTION_SIZE 2

BOOLEAN KiAssertionTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    Frame->Rip -= ASSERTION_INSTRUCTION_SIZE;
    *Exception = (KI_TRAP_EXCEPTION){.Code = STATUS_ASSERTION_FAILURE, .Address = Frame->Rip};
    if (Frame->EFlags & 0x200) {
        __asm__ volatile("sti" : : : "memory");
    }
    return TRUE;
}

/* Any IRQL; nothing may be taken for granted, so the text goes out before anything else. */
__attribute__((noinline)) VOID KiAssertionFailed(PCSTR Condition, PCSTR File, ULONG Line)
{
    ULONG_PTR Caller = (ULONG_PTR)KI_RETURN_ADDRESS();
    KiPrintDebug("*** Assertion failed: %s\n***   %s, line %u\n", Condition, File, Line);
    KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)STATUS_ASSERTION_FAILURE,
                 Caller, (ULONG_PTR)File, Line);
}
