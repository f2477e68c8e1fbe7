/* SPDX-License-Identifier: MIT */
/*
 * The bug check: interrupts off, IRQL up, and never back. In this order, so that what may fail
 * comes after what matters more:
 *
 *   KiBugCheckData, the text on the debug console     touches nothing but this file's data
 *   break into a kernel debugger, when one is present
 *   registers into the KPRCB, for a crash dump        touches only that
 *   stack, driver, section                            reads stacks, images, Mm's records
 *   the report over the control channel
 *   callbacks of drivers                              their code
 *   break into the debugger again
 *   exit
 *
 * A fault or a bug check on the way comes back here: then the report goes out as it is, if it has
 * not yet, and the machine ends.
 */
#include "ke/bug_check.h"

#include "hal/hal.h"
#include "kd/kd.h"
#include "nt/rtl.h"
#include "vf/vf.h"

typedef enum _KI_BUG_CHECK_STAGE {
    KiStageRunning,
    KiStageGathering,
    KiStageReporting,
    KiStageCallbacks,
} KI_BUG_CHECK_STAGE;

ULONG_PTR KiBugCheckData[5];
VOID (*KiBugCheckReport)(const CONTROL_BUG_CHECK *Report, const CONTROL_HISTORY *History);

static volatile LONG KiBugCheckStage;
static CONTROL_BUG_CHECK KiReport; /* there is one bug check only, and stacks may be short */
static const CONTROL_HISTORY *KiHistory; /* KiReport.HistoryLength bytes of it */

VOID KiPrintDebug(PCSTR Format, ...)
{
    CHAR Text[256];
    va_list Arguments;
    va_start(Arguments, Format);
    int Length = _vsnprintf(Text, sizeof(Text) - 1, Format, Arguments);
    va_end(Arguments);
    /* Negative: cut off at the size given. */
    SIZE_T Size = Length < 0 ? sizeof(Text) - 1 : (SIZE_T)Length;
    HalWriteDebugString(Text, Size);
    KdpPrintToDebugger(Text, (ULONG)Size);
}

static VOID KiPrintBugCheck(PCSTR Title, ULONG Code, const ULONG64 Parameter[4])
{
    KiPrintDebug("\n*** %s: 0x%08x\n", Title, Code);
    KiPrintDebug("                       (0x%016llX,0x%016llX,0x%016llX,0x%016llX)\n",
                 Parameter[0], Parameter[1], Parameter[2], Parameter[3]);
    KiPrintDebug("    %s\n", KiBugCheckName(Code));
}

static VOID KiPrintFrames(const CONTROL_BUG_CHECK *Report)
{
    if (Report->DriverName[0] != 0) {
        KiPrintDebug("Driver at fault: %s.\n", Report->DriverName);
    }
    for (ULONG Index = 0; Index < Report->FrameCount; Index++) {
        ULONG_PTR Base;
        ULONG Size, TableCount;
        struct _RUNTIME_FUNCTION *Table;
        if (KiFindImage(Report->Frame[Index], &Base, &Size, &Table, &TableCount)) {
            KiPrintDebug("    %016llX = %016llX + %llX\n", Report->Frame[Index], Base,
                         Report->Frame[Index] - Base);
        } else {
            KiPrintDebug("    %016llX\n", Report->Frame[Index]);
        }
    }
}

static VOID KiSendReport(VOID)
{
    KiBugCheckStage = KiStageReporting;
    VfEndTimeline(KiReport.Code, KiReport.Rip);
    if (KiBugCheckReport != NULL) {
        KiBugCheckReport(&KiReport, KiHistory);
    }
}

static DECLSPEC_NORETURN VOID KiNestedBugCheck(ULONG Code, const ULONG64 Parameter[4])
{
    static volatile LONG Nested;
    if (InterlockedExchange(&Nested, 1) == 0) {
        KiPrintBugCheck("Bug check in a bug check", Code, Parameter);
        if (KiBugCheckStage == KiStageGathering) {
            KiSendReport();
        }
    }
    HalExitMachine(GUEST_EXIT_NESTED_BUG_CHECK);
}

/* A debugger that listens looks at the system now, and once more before the machine ends. */
static VOID KiBugCheckDebugBreak(ULONG Status)
{
    if (KdDebuggerEnabled && !KdDebuggerNotPresent && !KdpEntered) {
        DbgBreakPointWithStatus(Status);
    }
}

static UCHAR KiExitCode(VOID)
{
    BOOLEAN Assertion = KiReport.Code == KMODE_EXCEPTION_NOT_HANDLED &&
                        (ULONG)KiReport.Parameter[0] == (ULONG)STATUS_ASSERTION_FAILURE;
    return Assertion ? GUEST_EXIT_ASSERTION : GUEST_EXIT_BUG_CHECK;
}

static DECLSPEC_NORETURN VOID KiBugCheck(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                         ULONG_PTR P4, PKTRAP_FRAME TrapFrame, ULONG_PTR Caller)
{
    ULONG64 Parameter[4] = {P1, P2, P3, P4};
    KiDisableInterrupts();
    KIRQL Irql = KiRaiseIrql(HIGH_LEVEL);
    if (InterlockedCompareExchange(&KiBugCheckStage, KiStageGathering, KiStageRunning) !=
        KiStageRunning) {
        KiNestedBugCheck(Code, Parameter);
    }
    if (TrapFrame != NULL) {
        KiRefineBugCheck(&Code, Parameter);
    }
    KiReport.Code = Code;
    KiReport.Irql = Irql;
    KeGetCurrentPrcb()->DebuggerSavedIRQL = Irql;
    KiBugCheckData[0] = Code;
    for (ULONG Index = 0; Index < 4; Index++) {
        KiReport.Parameter[Index] = Parameter[Index];
        KiBugCheckData[Index + 1] = Parameter[Index];
    }
    KiPrintBugCheck("Fatal System Error", Code, Parameter);
    KiBugCheckDebugBreak(DBG_STATUS_BUGCHECK_FIRST);
    /*
     * The reader of a dump begins to unwind in here, as in Windows, and goes up through the trap
     * frame when there is one. This frame stays: nothing here returns.
     */
    RtlCaptureContext(&KeGetCurrentPrcb()->ProcessorState.ContextFrame);
    KiSaveProcessorControlState(&KeGetCurrentPrcb()->ProcessorState, Irql);
    KiFillBugCheckReport(&KiReport, TrapFrame, Caller);
    KiPrintFrames(&KiReport);
    VfPrintHistory();
    ULONG Entries;
    KiHistory = VfCollectHistory(&Entries);
    KiReport.HistoryLength = Entries * sizeof(*KiHistory);
    KiSendReport();
    KiBugCheckStage = KiStageCallbacks;
    KiCallBugCheckCallbacks();
    KiBugCheckDebugBreak(DBG_STATUS_BUGCHECK_SECOND);
    HalExitMachine(KiExitCode());
}

DECLSPEC_NORETURN VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                    ULONG_PTR P4)
{
    KiBugCheck(BugCheckCode, P1, P2, P3, P4, NULL, (ULONG_PTR)KI_RETURN_ADDRESS());
}

DECLSPEC_NORETURN VOID KeBugCheck(ULONG BugCheckCode)
{
    KiBugCheck(BugCheckCode, 0, 0, 0, 0, NULL, (ULONG_PTR)KI_RETURN_ADDRESS());
}

DECLSPEC_NORETURN VOID KiBugCheckTrap(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                                      ULONG_PTR P4, PKTRAP_FRAME TrapFrame)
{
    KiBugCheck(Code, P1, P2, P3, P4, TrapFrame, (ULONG_PTR)KI_RETURN_ADDRESS());
}
