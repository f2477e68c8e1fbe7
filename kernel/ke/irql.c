/* SPDX-License-Identifier: MIT */
/*
 * The exported ways to change the IRQL. The kernel's own code uses KiRaiseIrql and KiWriteIrql
 * (ki.h), so what passes here was done by a driver.
 */
#include "driver_irql.h"
#include "mm/mm.h"

KIRQL KiRaiseIrqlForDriver(KIRQL Irql, PVOID Caller)
{
    KIRQL Old = KiReadIrql();

    if (Irql < Old || Irql > HIGH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_GREATER_OR_EQUAL, Old, Irql, 0, (ULONG_PTR)Caller);
    }
    if (Old >= DISPATCH_LEVEL || Irql < DISPATCH_LEVEL) {
        KiWriteIrql(Irql);
        return Old;
    }
    MmNotifyIrqlRaise(Irql);
    KiWriteIrql(Irql);
    KeGetCurrentPrcb()->LastRaiseCaller = Caller;
    return Old;
}

VOID KiLowerIrqlForDriver(KIRQL Irql, PVOID Caller)
{
    KIRQL Current = KiReadIrql();

    if (Irql > Current) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, Irql, Current, 0, (ULONG_PTR)Caller);
    }
    KiWriteIrql(Irql);
}

KIRQL KfRaiseIrql(KIRQL NewIrql)
{
    return KiRaiseIrqlForDriver(NewIrql, KI_RETURN_ADDRESS());
}

VOID KeLowerIrql(KIRQL NewIrql)
{
    KiLowerIrqlForDriver(NewIrql, KI_RETURN_ADDRESS());
}

KIRQL KeRaiseIrqlToDpcLevel(VOID)
{
    return KiRaiseIrqlForDriver(DISPATCH_LEVEL, KI_RETURN_ADDRESS());
}

KIRQL KeRaiseIrqlToSynchLevel(VOID)
{
    return KiRaiseIrqlForDriver(SYNCH_LEVEL, KI_RETURN_ADDRESS());
}

/* For images that call ntoskrnl's export in place of reading CR8: alias KeGetCurrentIrql. */
KIRQL KiQueryCurrentIrql(VOID);
KIRQL KiQueryCurrentIrql(VOID)
{
    return KiReadIrql();
}
