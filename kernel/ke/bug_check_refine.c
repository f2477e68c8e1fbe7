/* SPDX-License-Identifier: MIT */
/*
 * Which bug check it really is. A page fault at raised IRQL starts as 0xA, one on an address that
 * nothing lies at as 0x50; who referenced what decides:
 *
 *   0xA   the code is a driver's                     0xD1
 *         the code is the kernel's, and the address
 *           lies in a driver                         0xD3  its portion must be nonpaged
 *           lay in a driver that is unloaded         0xD4
 *   0x50  the address lay in an unloaded driver      0xCE
 *
 * Only page faults are refined: a 0xA that a routine raises by itself stays what it is.
 */
#include "ke/bug_check.h"

#include "mm/mm.h"

#define NONPAGED_AREA_WRITE 2 /* bits of 0x50's second parameter */

VOID KiRefineBugCheck(PULONG Code, ULONG_PTR Parameter[4])
{
    CHAR Name[64];
    ULONG_PTR Address = Parameter[0];
    if (*Code == IRQL_NOT_LESS_OR_EQUAL) {
        if (MmFindImage((PVOID)Parameter[3]) != NULL) {
            *Code = DRIVER_IRQL_NOT_LESS_OR_EQUAL;
        } else if (MmFindImage((PVOID)Address) != NULL) {
            *Code = DRIVER_PORTION_MUST_BE_NONPAGED;
        } else if (MmFindUnloadedImage(Address, Name) != 0) {
            *Code = SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD;
        }
    } else if (*Code == PAGE_FAULT_IN_NONPAGED_AREA && MmFindUnloadedImage(Address, Name) != 0) {
        *Code = DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS;
        Parameter[1] = Parameter[1] == NONPAGED_AREA_WRITE; /* 0 read (or execute), 1 write */
        Parameter[3] = 0;
    }
}
