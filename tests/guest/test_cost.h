/* SPDX-License-Identifier: MIT */
/*
 * What an operation costs, in instructions: the processor steps through it, with interrupts off, so
 * the count is the same in every run. The operation must not wait.
 */
#pragma once

#include "test.h"

#include "ke/trap_dispatch.h"

extern ULONG64 TestStep(VOID (*Routine)(PVOID Context), PVOID Context);
extern VOID TestStepTrap(VOID);

static inline ULONG64 TestCountInstructions(VOID (*Routine)(PVOID Context), PVOID Context)
{
    PVOID Old = KiSetTrapHandler(1, (PVOID)TestStepTrap);
    ULONG64 Flags = KiDisableInterrupts();
    ULONG64 Count = TestStep(Routine, Context);
    KiRestoreInterrupts(Flags);
    KiSetTrapHandler(1, Old);
    return Count;
}
