/* SPDX-License-Identifier: MIT */
/* Which stack is an address on: the thread's, this processor's DPC stack, or its fault stack. */
#include "se_internal.h"

static BOOLEAN KiIsInStack(ULONG_PTR Address, ULONG_PTR Bottom, ULONG_PTR Top, PULONG_PTR Low,
                           PULONG_PTR High)
{
    if (Top == 0 || Address < Bottom || Address >= Top) {
        return FALSE;
    }
    *Low = Bottom;
    *High = Top;
    return TRUE;
}

BOOLEAN KiGetStackLimits(ULONG_PTR Address, PULONG_PTR Low, PULONG_PTR High)
{
    PKTHREAD Thread = KiCurrentThread();

    if (Thread != NULL && KiIsInStack(Address, (ULONG_PTR)Thread->StackLimit,
                                      (ULONG_PTR)Thread->StackBase, Low, High)) {
        return TRUE;
    }
    /* Code on these two runs at DISPATCH_LEVEL or above, so the processor stays the same. */
    PKPRCB Prcb = KeGetCurrentPrcb();
    ULONG_PTR DpcTop = (ULONG_PTR)Prcb->DpcStack;
    ULONG_PTR FaultTop = (ULONG_PTR)Prcb->FaultStack;
    return KiIsInStack(Address, DpcTop - KERNEL_STACK_SIZE, DpcTop, Low, High) ||
           KiIsInStack(Address, FaultTop - KERNEL_STACK_SIZE, FaultTop, Low, High);
}
