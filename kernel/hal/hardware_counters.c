/* SPDX-License-Identifier: MIT */
/*
 * Who may use the processor's performance counters: one at a time. The counters themselves are not
 * emulated.
 */
#include "ke/ki.h"
#include "nt/hal.h"
#include "nt/rtl.h"

#define HAL_COUNTER_SET ((HANDLE)(ULONG_PTR)0x50434d4bu) /* the only one there can be */

static volatile LONG HalpCountersTaken;

/* PASSIVE_LEVEL. ResourceList is for the future, as documented. */
NTSTATUS HalAllocateHardwareCounters(PGROUP_AFFINITY GroupAffinity, ULONG GroupCount,
                                     PPHYSICAL_COUNTER_RESOURCE_LIST ResourceList,
                                     PHANDLE CounterSetHandle)
{
    BOOLEAN All = GroupAffinity == NULL;
    *CounterSetHandle = NULL;
    if (All != (GroupCount == 0) || GroupCount > 1 || ResourceList != NULL ||
        (!All && (GroupAffinity->Group != 0 ||
                  (GroupAffinity->Mask & ~KeQueryActiveProcessors()) != 0))) {
        return STATUS_INVALID_PARAMETER;
    }
    if (InterlockedExchange(&HalpCountersTaken, TRUE)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *CounterSetHandle = HAL_COUNTER_SET;
    return STATUS_SUCCESS;
}

NTSTATUS HalFreeHardwareCounters(HANDLE CounterSetHandle)
{
    if (CounterSetHandle != HAL_COUNTER_SET || !InterlockedExchange(&HalpCountersTaken, FALSE)) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}
