/* SPDX-License-Identifier: MIT */
/* The way of a driver's call through the verifier. */
#include "vf/vf.h"

#include "ke/command_line.h"
#include "nt/rtl.h"

enum { VfUnknown, VfOff, VfOn };

BOOLEAN VfActive;
static volatile LONG VfState; /* VfUnknown: the command line was not asked yet */

BOOLEAN VfIsEnabled(VOID)
{
    if (VfState == VfUnknown) {
        BOOLEAN On = KiQueryCommandLine("verify", NULL, 0);
        if (InterlockedCompareExchange(&VfState, On ? VfOn : VfOff, VfUnknown) == VfUnknown && On) {
            VfStartIrqlWriteTraps();
            VfActive = TRUE;
        }
    }
    return VfState == VfOn;
}

const VF_EXPORT *VfFindExport(PCSTR Name)
{
    ULONG Low = 0, High = VfExportCount;
    while (Low < High) {
        ULONG Middle = Low + (High - Low) / 2;
        int Order = strcmp(Name, VfExports[Middle].Name);
        if (Order == 0) {
            return &VfExports[Middle];
        }
        if (Order < 0) {
            High = Middle;
        } else {
            Low = Middle + 1;
        }
    }
    return NULL;
}

/*
 * __chkstk takes rax and is called before the caller has a home area; the handler is called by the
 * unwinder in the middle of an exception.
 */
BOOLEAN VfIsCompilerRoutine(PCSTR Name)
{
    static const PCSTR Names[] = {"__chkstk", "__C_specific_handler", "_local_unwind"};
    for (ULONG i = 0; i < RTL_NUMBER_OF(Names); i++) {
        if (strcmp(Name, Names[i]) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* With any number of arguments, or of interest in the frame of their caller. */
static BOOLEAN VfMustJump(PCSTR Name)
{
    static const PCSTR Names[] = {
        "DbgPrint",    "DbgPrintEx",  "DbgPrintReturnControlC", "RtlCaptureContext",
        "_snprintf",   "_snprintf_s", "_snscanf_s",             "_snwprintf",
        "_snwprintf_s", "_setjmp",    "_setjmpex",              "longjmp",
        "sprintf",     "sprintf_s",   "sscanf",                 "sscanf_s",
        "swprintf",    "swprintf_s",  "swscanf_s",              "StorPortDebugPrint",
        "StorPortNotification",       "WmiTraceMessage",
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(Names); i++) {
        if (strcmp(Name, Names[i]) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

VOID VfDescribeImport(PVF_IMPORT Import, PCSTR Name, PVOID Target)
{
    *Import = (VF_IMPORT){.Target = Target, .OnlyEntered = TRUE};
    if (!VfIsEnabled() || Name == NULL) {
        return;
    }
    Import->Export = VfFindExport(Name);
    Import->OnlyEntered = Import->Export == NULL || VfMustJump(Name);
    Import->Rule = VfFindRule(Name) != NULL ? VfFindRule(Name) : VfFindLockRule(Name);
    PVOID Wrapper = VfFindWrapper(Name) != NULL ? VfFindWrapper(Name) : VfFindLockWrapper(Name);
    if (Wrapper != NULL) {
        Import->Target = Wrapper;
    }
}

/*
 * The order matters: a routine's own rule knows more than its range, and the call stands in the
 * history when a check stops the system. Pages leave last, as if at the routine's first access.
 */
VOID VfEnterKernelCall(PVF_IMPORT Import, PVOID Caller, const ULONG64 *Argument)
{
    const VF_EXPORT *Export = Import->Export;
    if (Export != NULL) {
        KIRQL Irql = KiReadIrql();
        VfLogCall(Export, Caller, Argument[0]);
        if (VfTimelineOn) {
            VfRecord(TimelineCall, (ULONG64)Caller, Argument[0], 0, (USHORT)(Export - VfExports),
                     (ULONG_PTR)Argument);
            VfSendTimeline(FALSE);
        }
        if (Import->Miniport != NULL) {
            VfCallFromMiniport(Import, Caller);
        }
        if (Import->Rule != NULL) {
            Import->Rule(Export, Irql, Argument);
        }
        if (Irql < Export->IrqlMin || Irql > Export->IrqlMax) {
            VfStopForIrql(Export, Irql, Argument);
        }
    }
    MmNotifyKernelCall();
}
