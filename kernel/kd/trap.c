/* SPDX-License-Identifier: MIT */
/*
 * Into the debugger and out again. Who comes in:
 *
 *   KdpTrap                an exception for the debugger, from KiDispatchException
 *   KdCheckForDebugBreak   the clock interrupt, which found a break-in: by way of an int3
 *   KdpPrint, KdpPrompt    text, which needs no stop
 *
 * While it is in, interrupts are off, IRQL is HIGH_LEVEL and other processors are to be frozen;
 * there is only one processor so far. The state of the interrupted code is in
 * KPRCB.ProcessorState, where a debugger looks for it, and comes back from there.
 */
#include "kd/kd.h"

#include "ex/ex.h"
#include "ke/bug_check.h"

BOOLEAN KdpEntered;
static ULONG64 KdpInterruptFlags;
static KIRQL KdpOldIrql;
static ULONG KdpContextFlags;

static VOID KdpSaveState(const CONTEXT *Context)
{
    KPROCESSOR_STATE *State = &KeGetCurrentPrcb()->ProcessorState;
    KSPECIAL_REGISTERS *Special = &State->SpecialRegisters;
    CONTEXT *Frame = &State->ContextFrame;
    KiSaveProcessorControlState(State, KdpOldIrql);
    *Frame = *Context;
    if ((Context->ContextFlags & CONTEXT_DEBUG_REGISTERS) == CONTEXT_DEBUG_REGISTERS) {
        Special->Dr6 = Context->Dr6; /* the trap has cleared the register since */
    }
    Frame->Dr0 = Special->Dr0;
    Frame->Dr1 = Special->Dr1;
    Frame->Dr2 = Special->Dr2;
    Frame->Dr3 = Special->Dr3;
    Frame->Dr6 = Special->Dr6;
    Frame->Dr7 = Special->Dr7;
    KdpContextFlags = Frame->ContextFlags;
    Frame->ContextFlags = CONTEXT_ALL;
}

BOOLEAN KdEnterDebugger(PCONTEXT Context)
{
    ULONG64 Flags = KiDisableInterrupts();
    if (KdpEntered) {
        KiRestoreInterrupts(Flags);
        return FALSE;
    }
    KdpEntered = TRUE;
    KdpInterruptFlags = Flags;
    KdpOldIrql = KiRaiseIrql(HIGH_LEVEL);
    if (KiBugCheckData[0] == 0) { /* a bug check has kept its own */
        KeGetCurrentPrcb()->DebuggerSavedIRQL = KdpOldIrql;
    }
    if (Context != NULL) {
        KdpSaveState(Context);
    }
    return TRUE;
}

VOID KdExitDebugger(PCONTEXT Context)
{
    if (Context != NULL) {
        KPROCESSOR_STATE *State = &KeGetCurrentPrcb()->ProcessorState;
        KiRestoreProcessorControlState(State);
        *Context = State->ContextFrame;
        Context->ContextFlags = KdpContextFlags;
    }
    ExpQueueDebuggerWork();
    KiWriteIrql(KdpOldIrql);
    KdpEntered = FALSE;
    KiRestoreInterrupts(KdpInterruptFlags);
}

/* Any IRQL; the context is of kernel mode: there is no code in user mode yet. */
BOOLEAN KdpTrap(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance)
{
    if (KdpIsService(Record)) {
        return KdpService(Record, Context);
    }
    if (!KdDebuggerEnabled || !KdEnterDebugger(Context)) {
        return FALSE;
    }
    BOOLEAN Handled = KdpReportException(
        Record, &KeGetCurrentPrcb()->ProcessorState.ContextFrame, SecondChance);
    KdExitDebugger(Context);
    return Handled;
}

VOID KdCheckForDebugBreak(VOID)
{
    ULONG64 Flags = KiDisableInterrupts();
    BOOLEAN BreakIn = !KdpEntered && KdpTestBreakIn();
    KiRestoreInterrupts(Flags);
    if (BreakIn) {
        DbgBreakPointWithStatus(DBG_STATUS_CONTROL_C);
    }
}
