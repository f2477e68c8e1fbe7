/* SPDX-License-Identifier: MIT */
/*
 * What a bug check tells about itself: the stack of the code that was interrupted or that asked
 * for it, the address concerned and its section, and the driver at fault. HIGH_LEVEL, interrupts
 * off. Reads stacks and images only through Se's walk, which checks each step.
 */
#include "ke/bug_check.h"

#include "mm/image.h"
#include "ps/psp.h"
#include "se/se_internal.h"

/* First parameters of MEMORY_MANAGEMENT whose second is the handle of a section. */
#define UNLOCK_OF_UNLOCKED 0x1010
#define BAD_LOCK 0x1234

PUNICODE_STRING KiBugCheckDriver;
static CONTEXT KiReportContext; /* large, and there is one report only */
static BOOLEAN KiCollecting;    /* the walk for the report is under way */

BOOLEAN KiMayRead(ULONG_PTR Address)
{
    return !KiCollecting || MmIsAddressValid((PVOID)Address);
}

/* The address that a page fault, or a code's parameters, speak of; FALSE: none. */
static BOOLEAN KiFindAddress(const CONTROL_BUG_CHECK *Report, PKTRAP_FRAME TrapFrame,
                             PULONG_PTR Address)
{
    switch (Report->Code) {
    case IRQL_NOT_LESS_OR_EQUAL:
    case DRIVER_IRQL_NOT_LESS_OR_EQUAL:
    case DRIVER_PORTION_MUST_BE_NONPAGED:
    case SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD:
    case PAGE_FAULT_IN_NONPAGED_AREA:
    case DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS:
    case ATTEMPTED_WRITE_TO_READONLY_MEMORY:
    case ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY:
        *Address = Report->Parameter[0];
        return TrapFrame != NULL;
    case KERNEL_DATA_INPAGE_ERROR:
        *Address = Report->Parameter[3];
        return TRUE;
    }
    *Address = 0;
    return FALSE;
}

static BOOLEAN KiIsStart(const CONTEXT *Context, PKTRAP_FRAME TrapFrame, ULONG_PTR Caller)
{
    if (TrapFrame != NULL) {
        return Context->Rip == TrapFrame->Rip && Context->Rsp == TrapFrame->Rsp;
    }
    return Context->Rip == Caller;
}

/* The gates are the verifier's, and a run that is recorded is to report what another does. */
static BOOLEAN KiIsGate(ULONG_PTR Rip)
{
    return (Rip >= (ULONG_PTR)MiKernelCallGate && Rip < (ULONG_PTR)MiKernelCallGateEnd) ||
           (Rip >= (ULONG_PTR)MiTimelineGate && Rip < (ULONG_PTR)MiTimelineGateEnd);
}

/* Return addresses from the start on; the frames of the bug check itself are left out. */
static __attribute__((noinline)) VOID KiCollectFrames(CONTROL_BUG_CHECK *Report,
                                                      PKTRAP_FRAME TrapFrame, ULONG_PTR Caller)
{
    SE_WALK Walk;
    UNWIND_FRAME Frame;
    ULONG Stored = 0;
    RtlCaptureContext(&KiReportContext);
    if (!RtlpStartWalk(&Walk, &KiReportContext, TRUE)) {
        return;
    }
    while (Stored < CONTROL_STACK_FRAMES &&
           RtlpWalkFrame(&Walk, &KiReportContext, UNW_FLAG_NHANDLER, &Frame)) {
        if (Stored == 0 && !KiIsStart(&KiReportContext, TrapFrame, Caller)) {
            continue;
        }
        if (KiReportContext.Rip == 0) {
            return;
        }
        if (KiIsGate(KiReportContext.Rip)) {
            continue;
        }
        if (Stored == 0) {
            Report->Rsp = KiReportContext.Rsp;
        }
        Report->Frame[Stored++] = KiReportContext.Rip;
        Report->FrameCount = Stored;
    }
}

/* Codes that say the disk or the kernel's own records are bad: no driver is to blame for them. */
static BOOLEAN KiBlamesStack(ULONG Code)
{
    return Code != MEMORY_MANAGEMENT && Code != PFN_LIST_CORRUPT &&
           Code != KERNEL_DATA_INPAGE_ERROR && Code != KERNEL_STACK_INPAGE_ERROR;
}

/* The thread in whose kernel stack Address is, if the stack is out; 0: none. No lock is needed. */
static ULONG_PTR KiFindSwappedStack(ULONG_PTR Address)
{
    for (PLIST_ENTRY Link = PsActiveProcessHead.Flink; Link != &PsActiveProcessHead;
         Link = Link->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Link, EPROCESS, ActiveProcessLinks);
        PLIST_ENTRY Head = &Process->Pcb.ThreadListHead;
        for (PLIST_ENTRY Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
            PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);
            if (!Thread->KernelStackResident && Address >= (ULONG_PTR)Thread->StackLimit &&
                Address < (ULONG_PTR)Thread->StackBase) {
                return (ULONG_PTR)Thread;
            }
        }
    }
    return 0;
}

static PMM_IMAGE KiFindDriverAtFault(const CONTROL_BUG_CHECK *Report, ULONG_PTR Address)
{
    if (Report->Code == DRIVER_PORTION_MUST_BE_NONPAGED) {
        return MmFindImage((PVOID)Address);
    }
    PMM_IMAGE Image = MmFindImage((PVOID)Report->Rip);
    for (ULONG Index = 0; Image == NULL && KiBlamesStack(Report->Code) &&
                          Index < Report->FrameCount; Index++) {
        Image = MmFindImage((PVOID)Report->Frame[Index]);
    }
    return Image;
}

static VOID KiNameDriver(CONTROL_BUG_CHECK *Report, ULONG_PTR Address)
{
    if (Report->Code == SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD ||
        Report->Code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS) {
        Report->DriverBase = MmFindUnloadedImage(Address, Report->DriverName);
        if (Report->DriverBase != 0) {
            return;
        }
    }
    PMM_IMAGE Image = KiFindDriverAtFault(Report, Address);
    if (Image == NULL) {
        return;
    }
    PLDR_DATA_TABLE_ENTRY Entry = MmImageLoaderEntry(Image);
    KiBugCheckDriver = &Entry->BaseDllName;
    Report->DriverBase = (ULONG_PTR)MmImageBase(Image);
    ULONG Length = Entry->BaseDllName.Length / sizeof(WCHAR);
    for (ULONG Index = 0; Index < Length && Index < sizeof(Report->DriverName) - 1; Index++) {
        WCHAR Unit = Entry->BaseDllName.Buffer[Index];
        Report->DriverName[Index] = Unit >= 0x20 && Unit < 0x7f ? (CHAR)Unit : '?';
    }
}

VOID KiFillBugCheckReport(CONTROL_BUG_CHECK *Report, PKTRAP_FRAME TrapFrame, ULONG_PTR Caller)
{
    ULONG_PTR Address;
    BOOLEAN HasAddress = KiFindAddress(Report, TrapFrame, &Address);
    Report->IsTrap = TrapFrame != NULL;
    Report->FaultAddress = HasAddress ? Address : 0;
    Report->Rip = TrapFrame != NULL ? TrapFrame->Rip : Caller;
    Report->Rsp = TrapFrame != NULL ? TrapFrame->Rsp : 0;
    Report->Frame[0] = Report->Rip;
    Report->FrameCount = 1;
    if (Report->Irql >= DISPATCH_LEVEL) {
        Report->IrqlRaisedBy = (ULONG_PTR)KeGetCurrentPrcb()->LastRaiseCaller;
    }
    KiCollecting = TRUE;
    KiCollectFrames(Report, TrapFrame, Caller);
    KiCollecting = FALSE;
    KiNameDriver(Report, Address);
    if (HasAddress) {
        MmDescribeAddress((PVOID)Address, Report);
        Report->StackThread = KiFindSwappedStack(Address);
        if (Report->StackThread != 0) {
            Report->Memory = ControlMemoryKernelStack;
        }
    } else if (Report->Code == MEMORY_MANAGEMENT &&
               (Report->Parameter[0] == UNLOCK_OF_UNLOCKED || Report->Parameter[0] == BAD_LOCK)) {
        MmDescribeSectionHandle((PVOID)Report->Parameter[1], Report);
    }
}
