/* SPDX-License-Identifier: MIT */
/*
 * The kernel debugger's start, and whether it is on. Words of the kernel's command line:
 *
 *   kd               the target side is on, over COM1; it waits for nobody
 *   kd-wait          also stops here, until a debugger lets it go on
 *   kd-max-read=N    answers at most N bytes to one read, for clients with small buffers
 *
 * Enabled and present are two things: enabled is ours to say, present is what the line says last.
 */
#include "kd/kd.h"

#include "ke/command_line.h"
#include "mm/image.h"
#include "se/se_internal.h"

BOOLEAN KdDebuggerEnabled;
BOOLEAN KdDebuggerNotPresent = TRUE;

static BOOLEAN KdpStarted; /* there is a line, whether the debugger is enabled now or not */

/* What user mode and drivers read without a call. */
static VOID KdpShowState(VOID)
{
    *(volatile UCHAR *)(KI_USER_SHARED_DATA + KI_SHARED_KD_DEBUGGER_ENABLED) =
        (UCHAR)(KdDebuggerEnabled | !KdDebuggerNotPresent << 1);
}

VOID KdpSetPresent(BOOLEAN Present)
{
    if (KdDebuggerNotPresent == Present) {
        KdDebuggerNotPresent = !Present;
        KdpShowState();
    }
}

/* TRUE: no debugger is there. What has come in meanwhile is looked at first. Any IRQL. */
BOOLEAN KdRefreshDebuggerNotPresent(VOID)
{
    if (KdDebuggerEnabled) {
        KdCheckForDebugBreak();
    }
    return KdDebuggerNotPresent;
}

NTSTATUS KdDisableDebugger(VOID)
{
    if (!KdDebuggerEnabled) {
        return STATUS_DEBUGGER_INACTIVE;
    }
    ULONG64 Flags = KiDisableInterrupts();
    KdpDeleteAllBreakpoints();
    KdDebuggerEnabled = FALSE;
    KdpShowState();
    KiRestoreInterrupts(Flags);
    return STATUS_SUCCESS;
}

NTSTATUS KdEnableDebugger(VOID)
{
    if (!KdpStarted) {
        return STATUS_ACCESS_DENIED; /* the system was started without */
    }
    if (KdpBlockEnable) {
        return STATUS_ACCESS_DENIED;
    }
    KdDebuggerEnabled = TRUE;
    KdpShowState();
    return STATUS_SUCCESS;
}

static VOID KdpReportKernel(VOID)
{
    PLDR_DATA_TABLE_ENTRY Entry =
        CONTAINING_RECORD(PsLoadedModuleList.Flink, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
    KdReportImage(&Entry->BaseDllName, Entry->DllBase, Entry->SizeOfImage, Entry->CheckSum, FALSE);
}

VOID KdInitSystem(VOID)
{
    KiDebugRoutine = KdpTrap; /* int 2Dh is served in any case */
    KdpInitializeDebuggerData();
    if (!KiQueryCommandLine("kd", NULL, 0)) {
        return;
    }
    if (!KdpInitializeUart()) {
        DbgPrint("kd: there is no UART at 3F8h\n");
        return;
    }
    ULONG64 MaximumRead = KiQueryCommandLineNumber("kd-max-read", KD_MAX_REPLY_DATA);
    if (MaximumRead >= 8 && MaximumRead < KD_MAX_REPLY_DATA) {
        KdpMaximumRead = (ULONG)MaximumRead;
    }
    KdpInitializePackets();
    KdpStarted = KdDebuggerEnabled = TRUE;
    KdpShowState();
    if (KiQueryCommandLine("kd-wait", NULL, 0)) {
        KdpSetPresent(TRUE); /* somebody is expected */
        KdpReportKernel();
        DbgBreakPointWithStatus(DBG_STATUS_CONTROL_C);
    } else {
        KdCheckForDebugBreak();
    }
}
