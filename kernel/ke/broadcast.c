/* SPDX-License-Identifier: MIT */
/* What is done on every processor at once. There is one. */
#include "ke/ki.h"

/* Below IPI_LEVEL. The routine runs at IPI_LEVEL and must not wait for anything. */
ULONG_PTR KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context)
{
    KIRQL OldIrql = KfRaiseIrql(IPI_LEVEL);
    ULONG_PTR Result = BroadcastFunction(Context);
    KeLowerIrql(OldIrql);
    return Result;
}

/* <= DISPATCH_LEVEL */
BOOLEAN KeInvalidateAllCaches(VOID)
{
    __asm__ volatile("wbinvd" : : : "memory");
    return TRUE;
}

/* No page is global, so that the table's address is all. */
VOID KeFlushEntireTb(BOOLEAN Invalid, BOOLEAN AllProcessors)
{
    ULONG_PTR Table;
    __asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(Table) : : "memory");
}
