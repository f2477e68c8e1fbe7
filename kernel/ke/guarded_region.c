/* SPDX-License-Identifier: MIT */
/*
 * Critical regions hold back normal kernel APCs (and user ones), guarded regions all APCs. Both
 * nest, and belong to the current thread: no lock. What was held back runs when the last one ends.
 */
#include "dispatcher.h"

VOID KeEnterCriticalRegion(VOID)
{
    KiCurrentThread()->KernelApcDisable--;
}

VOID KeLeaveCriticalRegion(VOID)
{
    PKTHREAD Thread = KiCurrentThread();

    /* The count becomes 0 first: an APC inserted from here on asks for delivery by itself. */
    if (++Thread->KernelApcDisable == 0 && Thread->SpecialApcDisable == 0 &&
        !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        KiCheckForKernelApcDelivery();
    }
}

VOID KeEnterGuardedRegion(VOID)
{
    KiCurrentThread()->SpecialApcDisable--;
}

VOID KeLeaveGuardedRegion(VOID)
{
    PKTHREAD Thread = KiCurrentThread();

    if (++Thread->SpecialApcDisable == 0 &&
        !IsListEmpty(&Thread->ApcState.ApcListHead[KernelMode])) {
        KiCheckForKernelApcDelivery();
    }
}

BOOLEAN KeAreApcsDisabled(VOID)
{
    PKTHREAD Thread = KiCurrentThread();

    return Thread->KernelApcDisable != 0 || Thread->SpecialApcDisable != 0;
}

BOOLEAN KeAreAllApcsDisabled(VOID)
{
    return KiCurrentThread()->SpecialApcDisable != 0 || KiReadIrql() >= APC_LEVEL;
}
