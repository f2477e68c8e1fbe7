/* SPDX-License-Identifier: MIT */
/*
 * Probes of user-mode addresses, which raise: the caller has a __try around them. A probe says
 * that a range lies in the user half, and of writing that each page could be written just now; the
 * access itself can still fault later.
 */
#include "io/iop.h"

static VOID IopCheckUserRange(ULONG_PTR Address, SIZE_T Length, ULONG Alignment)
{
    if (Alignment > 1 && (Address & (Alignment - 1)) != 0) {
        ExRaiseDatatypeMisalignment();
    }
    if (Address + Length < Address || Address + Length > MM_USER_PROBE_ADDRESS) {
        ExRaiseAccessViolation();
    }
}

/* <= APC_LEVEL. An empty range is good wherever it is. */
VOID ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    if (Length != 0) {
        IopCheckUserRange((ULONG_PTR)Address, Length, Alignment);
    }
}

VOID ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    if (Length == 0) {
        return;
    }
    IopCheckUserRange((ULONG_PTR)Address, Length, Alignment);
    volatile CHAR *Last = (volatile CHAR *)Address + Length - 1;
    for (volatile CHAR *Byte = Address; Byte <= Last;
         Byte = (volatile CHAR *)PAGE_ALIGN(Byte) + PAGE_SIZE) {
        *Byte = *Byte;
    }
}
