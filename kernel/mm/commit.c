/* SPDX-License-Identifier: MIT */
/*
 * Commit accounting: the promise that every page handed out has somewhere to be.
 *
 *   committed        <= RAM that Mm may use + slots of the paging file
 *   resident charges <= RAM less a reserve, so that pageable pages can always move
 *
 * A charge that would break either fails, and with it the allocation; a page is never lost.
 * Nonpaged memory takes both charges, pageable memory commit alone; locking a pageable page takes a
 * resident charge while the lock lasts. Lock-free: the counters are added to, and backed out.
 */
#include "mm/mi.h"

volatile LONG64 MiCommittedPages;
volatile LONG64 MiCommitLimit;
volatile LONG64 MiResidentAvailable;

BOOLEAN MiChargeCommit(ULONG64 Pages)
{
    LONG64 New = InterlockedExchangeAdd64(&MiCommittedPages, (LONG64)Pages) + (LONG64)Pages;
    if (New > MiCommitLimit) {
        InterlockedExchangeAdd64(&MiCommittedPages, -(LONG64)Pages);
        return FALSE;
    }
    return TRUE;
}

VOID MiReturnCommit(ULONG64 Pages)
{
    LONG64 Old = InterlockedExchangeAdd64(&MiCommittedPages, -(LONG64)Pages);
    NT_VERIFY(Old >= (LONG64)Pages);
}

BOOLEAN MiChargeResident(ULONG64 Pages)
{
    LONG64 Old = InterlockedExchangeAdd64(&MiResidentAvailable, -(LONG64)Pages);
    if (Old < (LONG64)Pages) {
        InterlockedExchangeAdd64(&MiResidentAvailable, (LONG64)Pages);
        return FALSE;
    }
    if (!MiChargeCommit(Pages)) {
        InterlockedExchangeAdd64(&MiResidentAvailable, (LONG64)Pages);
        return FALSE;
    }
    return TRUE;
}

VOID MiReturnResident(ULONG64 Pages)
{
    InterlockedExchangeAdd64(&MiResidentAvailable, (LONG64)Pages);
    MiReturnCommit(Pages);
}
