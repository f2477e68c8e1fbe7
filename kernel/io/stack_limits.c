/* SPDX-License-Identifier: MIT */
/* The stack the caller runs on: its thread's, or the processor's DPC stack. */
#include "io/iop.h"

VOID IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    ULONG_PTR Here = (ULONG_PTR)__builtin_frame_address(0);
    PKTHREAD Thread = KiCurrentThread();
    ULONG_PTR DpcTop = (ULONG_PTR)KeGetCurrentPrcb()->DpcStack;

    *LowLimit = (ULONG_PTR)Thread->StackLimit;
    *HighLimit = (ULONG_PTR)Thread->StackBase;
    if (Here <= DpcTop && Here > DpcTop - KERNEL_STACK_SIZE) {
        *LowLimit = DpcTop - KERNEL_STACK_SIZE;
        *HighLimit = DpcTop;
    }
}

PVOID IoGetInitialStack(VOID)
{
    return KiCurrentThread()->InitialStack;
}
