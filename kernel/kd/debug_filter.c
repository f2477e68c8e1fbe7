/* SPDX-License-Identifier: MIT */
/*
 * The component filter of DbgPrintEx: a mask of levels for each component. On Windows most levels
 * are off at first; here all are on, as what a driver prints is what its tester wants to see. What
 * DbgSetDebugFilterState turns off stays unprinted.
 */
#include "kd/kd.h"

#define KD_COMPONENTS 256 /* as many as there is room for; Windows names about 150 */

static volatile ULONG KdpHidden[KD_COMPONENTS]; /* bits of levels that are off */

/* A level is a bit's number up to 31, else the mask itself. */
static ULONG KdpLevelMask(ULONG Level)
{
    return Level < 32 ? 1u << Level : Level & ~DPFLTR_MASK;
}

BOOLEAN KdpIsFiltered(ULONG ComponentId, ULONG Level)
{
    /* Unknown components are told by the mask of the default one. */
    ULONG Component = ComponentId < KD_COMPONENTS ? ComponentId : DPFLTR_DEFAULT_ID;
    return (KdpHidden[Component] & KdpLevelMask(Level)) != 0;
}

NTSTATUS DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level)
{
    if (ComponentId >= KD_COMPONENTS) {
        return STATUS_INVALID_PARAMETER_1;
    }
    return KdpIsFiltered(ComponentId, Level) ? FALSE : TRUE;
}

NTSTATUS DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
    if (ComponentId >= KD_COMPONENTS) {
        return STATUS_INVALID_PARAMETER_1;
    }
    if (State) {
        __sync_fetch_and_and(&KdpHidden[ComponentId], ~KdpLevelMask(Level));
    } else {
        __sync_fetch_and_or(&KdpHidden[ComponentId], KdpLevelMask(Level));
    }
    return STATUS_SUCCESS;
}
