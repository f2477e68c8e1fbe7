/* SPDX-License-Identifier: MIT */
/*
 * The requests of the debugger, by number. A number that is not in the table, and what this target
 * does not do (special calls, internal and custom breakpoints, arrays of breakpoints, partitions,
 * the page-in request that NT 5 dropped, bus data: the machine has no bus with any), is answered by
 * the same header and STATUS_UNSUCCESSFUL.
 */
#include "kd/kd.h"

#include "hal/hal.h"

static KDP_ANSWER KdpGetVersion(PKDP_REQUEST Request)
{
    Request->Header.Version = KdVersionBlock;
    return KdpAnswer;
}

static KDP_ANSWER KdpContinue(PKDP_REQUEST Request)
{
    return NT_SUCCESS(Request->Header.Continue.Status) ? KdpContinueHandled
                                                       : KdpContinueNotHandled;
}

static KDP_ANSWER KdpContinue2(PKDP_REQUEST Request)
{
    KSPECIAL_REGISTERS *Special = &KeGetCurrentPrcb()->ProcessorState.SpecialRegisters;
    if (!NT_SUCCESS(Request->Header.Continue2.Status)) {
        return KdpContinueNotHandled;
    }
    if (Request->Header.Continue2.TraceFlag != 0) {
        Request->Context->EFlags |= KI_RFLAGS_TRAP;
    } else {
        Request->Context->EFlags &= ~KI_RFLAGS_TRAP;
    }
    Special->Dr6 = 0;
    Special->Dr7 = Request->Header.Continue2.Dr7;
    /* The symbol range is for counting calls by internal breakpoints, which there are none of. */
    return KdpContinueHandled;
}

static KDP_ANSWER KdpReboot(PKDP_REQUEST Request)
{
    HalExitMachine(GUEST_EXIT_REBOOT);
}

/* The bug check enters the debugger anew. */
static KDP_ANSWER KdpCauseBugCheck(PKDP_REQUEST Request)
{
    KdExitDebugger(Request->Context);
    KeBugCheckEx(MANUALLY_INITIATED_CRASH, 0, 0, 0, 0);
}

/* There is nowhere else to switch to: the state change is of this processor. */
static KDP_ANSWER KdpSwitchProcessor(PKDP_REQUEST Request)
{
    return KdpStateChange;
}

static KDP_ANSWER KdpNothingToDo(PKDP_REQUEST Request)
{
    return KdpAnswer;
}

static KDP_ANSWER KdpNoAnswer(PKDP_REQUEST Request)
{
    return KdpAnswerNothing;
}

static const struct {
    ULONG Api;
    KDP_MANIPULATE *Routine;
} KdpManipulateTable[] = {
    {DbgKdReadVirtualMemoryApi, KdpReadVirtual},
    {DbgKdWriteVirtualMemoryApi, KdpWriteVirtual},
    {DbgKdGetContextApi, KdpGetContext},
    {DbgKdSetContextApi, KdpSetContext},
    {DbgKdWriteBreakPointApi, KdpWriteBreakpoint},
    {DbgKdRestoreBreakPointApi, KdpRestoreBreakpoint},
    {DbgKdContinueApi, KdpContinue},
    {DbgKdReadControlSpaceApi, KdpReadControlSpace},
    {DbgKdWriteControlSpaceApi, KdpWriteControlSpace},
    {DbgKdReadIoSpaceApi, KdpReadIoSpace},
    {DbgKdWriteIoSpaceApi, KdpWriteIoSpace},
    {DbgKdRebootApi, KdpReboot},
    {DbgKdContinueApi2, KdpContinue2},
    {DbgKdReadPhysicalMemoryApi, KdpReadPhysical},
    {DbgKdWritePhysicalMemoryApi, KdpWritePhysical},
    {DbgKdReadIoSpaceExtendedApi, KdpReadIoSpaceExtended},
    {DbgKdWriteIoSpaceExtendedApi, KdpWriteIoSpaceExtended},
    {DbgKdGetVersionApi, KdpGetVersion},
    {DbgKdCauseBugCheckApi, KdpCauseBugCheck},
    {DbgKdSwitchProcessor, KdpSwitchProcessor},
    {DbgKdReadMachineSpecificRegister, KdpReadMsr},
    {DbgKdWriteMachineSpecificRegister, KdpWriteMsr},
    {DbgKdSearchMemoryApi, KdpSearchMemory},
    {DbgKdCheckLowMemoryApi, KdpNothingToDo},
    {DbgKdClearAllInternalBreakpointsApi, KdpNoAnswer},
    {DbgKdFillMemoryApi, KdpFillMemory},
    {DbgKdQueryMemoryApi, KdpQueryMemory},
    {DbgKdGetContextExApi, KdpGetContextEx},
    {DbgKdSetContextExApi, KdpSetContextEx},
};

KDP_ANSWER KdpManipulate(PKDP_REQUEST Request)
{
    for (ULONG i = 0; i < RTL_NUMBER_OF(KdpManipulateTable); i++) {
        if (KdpManipulateTable[i].Api == Request->Header.ApiNumber) {
            return KdpManipulateTable[i].Routine(Request);
        }
    }
    Request->Header.ReturnStatus = STATUS_UNSUCCESSFUL;
    return KdpAnswer;
}
