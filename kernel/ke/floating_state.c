/* SPDX-License-Identifier: MIT */
/*
 * x87 and MMX registers of user mode. 64-bit kernel code may not use them (documented for drivers;
 * the kernel is built without), so they stay in the processor while a thread is in the kernel, and
 * KiSwapContext changes them from thread to thread, for threads that have a user mode. The place is
 * above KTHREAD.InitialStack, as in NT: on the kernel stack, which is in memory whenever its thread
 * is switched to.
 */
#include "ke/trap_dispatch.h"

#include "nt/rtl.h"

PVOID KiInitializeFloatingState(PVOID StackTop)
{
    PXSAVE_FORMAT State = (PXSAVE_FORMAT)StackTop - 1;

    C_ASSERT(sizeof(XSAVE_FORMAT) == 0x200);
    NT_VERIFY(((ULONG_PTR)State & 15) == 0); /* fxsave faults otherwise */
    *State = (XSAVE_FORMAT){.ControlWord = INITIAL_FPCSR, .MxCsr = INITIAL_MXCSR};
    return State;
}

/* Everything of From that is x87's: the words before MXCSR, and the registers. */
static VOID KiCopyLegacyPart(PXSAVE_FORMAT To, const XSAVE_FORMAT *From)
{
    RtlCopyMemory(To, From, offsetof(XSAVE_FORMAT, MxCsr));
    RtlCopyMemory(To->FloatRegisters, From->FloatRegisters, sizeof(To->FloatRegisters));
}

VOID KiReadFloatingState(PXSAVE_FORMAT State)
{
    XSAVE_FORMAT Now;

    __asm__ volatile("fxsave64 %0" : "=m"(Now));
    KiCopyLegacyPart(State, &Now);
}

/*
 * Whatever State has can be loaded: reserved bits are a fault in MXCSR only. fxrstor loads MXCSR
 * and the XMM registers too, with what they are: kernel C uses none (-mgeneral-regs-only).
 */
VOID KiWriteFloatingState(const XSAVE_FORMAT *State)
{
    XSAVE_FORMAT Now;

    __asm__ volatile("fxsave64 %0" : "=m"(Now));
    KiCopyLegacyPart(&Now, State);
    __asm__ volatile("fxrstor64 %0" : : "m"(Now) : "memory");
}
