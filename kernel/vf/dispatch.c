/* SPDX-License-Identifier: MIT */
/*
 * Critical and guarded regions around a dispatch routine: what it enters, it leaves before it
 * returns (rules CriticalRegions and GuardedRegions), and it releases its spin locks. A mutex
 * counts as a critical region while it is held and may be kept over the return, so a thread that
 * owns one is not looked at.
 */
#include "vf/vf.h"

VOID VfEnterDispatch(VF_DISPATCH *Before)
{
    PKTHREAD Thread = KiCurrentThread();
    *Before = (VF_DISPATCH){Thread, VfMarkLocks(), Thread->KernelApcDisable,
                            Thread->SpecialApcDisable, !IsListEmpty(&Thread->MutantListHead)};
}

VOID VfLeaveDispatch(const VF_DISPATCH *Before, PVOID Routine)
{
    PKTHREAD Thread = Before->Thread;
    if (MmFindImage(Routine) == NULL) {
        return; /* the kernel's own */
    }
    VfCheckLocksReleased(Before->Locks, "a dispatch routine");
    if (Thread->SpecialApcDisable != Before->SpecialApcDisable) {
        VfStopForRule(0x4000e, 0, 0,
                      "A dispatch routine must leave the guarded regions that it enters; "
                      "%p was called with %d and returned with %d",
                      Routine, Before->SpecialApcDisable, Thread->SpecialApcDisable);
    }
    if (Thread->KernelApcDisable != Before->KernelApcDisable && !Before->OwnsMutex &&
        IsListEmpty(&Thread->MutantListHead)) {
        VfStopForRule(0x40003, 0, 0,
                      "A dispatch routine must leave the critical regions that it enters; "
                      "%p was called with %d and returned with %d",
                      Routine, Before->KernelApcDisable, Thread->KernelApcDisable);
    }
}
