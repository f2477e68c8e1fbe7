/* SPDX-License-Identifier: MIT */
/*
 * From a trap frame to what NT does about it: an exception for the handlers (Se), a bug check, or
 * nothing more. The cases:
 *
 *   #DE #OF #BR #UD #AC #XF      exception; #AC in kernel mode cannot be
 *   #DB, int3, int 2Ch, int 2Dh  exception, first for the debugger
 *   #PF                          MiFastFault (in trap.S), MmAccessFault, or exception
 *   #GP                          exception: privileged instruction, or access violation at -1
 *   #MF                          exception in user mode, else 0x7F
 *   int 29h                      0x139 (user mode: exception)
 *   #NM #TS #NP #SS, reserved    0x7F (user mode: exception)
 *   #DF, NMI, #MC                0x7F, 0x80, 0x9C, on stacks of their own
 *
 * Interrupts are off on entry; they are set again, when the interrupted code had them on, before
 * anything that may take long.
 */
#include "ke/trap_dispatch.h"

#include "mm/mm.h"
#include "ps/psp.h"
#include "vf/vf.h"

/* trap.S knows these. */
C_ASSERT(offsetof(KTRAP_FRAME, PreviousMode) == 0x28);
C_ASSERT(offsetof(KTRAP_FRAME, MxCsr) == 0x2c);
C_ASSERT(offsetof(KTRAP_FRAME, Rax) == 0x30);
C_ASSERT(offsetof(KTRAP_FRAME, R11) == 0x60);
C_ASSERT(offsetof(KTRAP_FRAME, Rbp) == 0x158);
C_ASSERT(offsetof(KTRAP_FRAME, Rip) == 0x168);
C_ASSERT(offsetof(KTRAP_FRAME, SegCs) == 0x170);
C_ASSERT(offsetof(KPCR, Prcb.MxCsr) == 0x180);
C_ASSERT(offsetof(KI_TRAP_EXCEPTION, ParameterCount) == 4);
C_ASSERT(offsetof(KI_TRAP_EXCEPTION, Address) == 8);
C_ASSERT(offsetof(KI_TRAP_EXCEPTION, Parameter) == 0x10);

#define TRAP_DE 0x00
#define TRAP_DB 0x01
#define TRAP_NMI 0x02
#define TRAP_BP 0x03
#define TRAP_OF 0x04
#define TRAP_BR 0x05
#define TRAP_UD 0x06
#define TRAP_DF 0x08
#define TRAP_GP 0x0d
#define TRAP_MF 0x10
#define TRAP_AC 0x11
#define TRAP_MC 0x12
#define TRAP_XF 0x13
#define TRAP_FAST_FAIL 0x29
#define TRAP_ASSERTION 0x2c
#define TRAP_DEBUG_SERVICE 0x2d

#define RFLAGS_TRAP 0x100
#define RFLAGS_INTERRUPT 0x200
#define FAULT_EXECUTE 0x10 /* page fault error code */
#define FAULT_WRITE 0x02
#define MXCSR_FAULTS 0x07 /* invalid, denormal, divide: reported before the operation */
#define MAXIMUM_INSTRUCTION 15

static VOID KiEnableIfInterrupted(const KTRAP_FRAME *Frame)
{
    if (Frame->EFlags & RFLAGS_INTERRUPT) {
        __asm__ volatile("sti" : : : "memory");
    }
}

static BOOLEAN KiRaise(PKI_TRAP_EXCEPTION Exception, const KTRAP_FRAME *Frame, NTSTATUS Code)
{
    *Exception = (KI_TRAP_EXCEPTION){.Code = Code, .Address = Frame->Rip};
    KiEnableIfInterrupted(Frame);
    return TRUE;
}

/* DR6 says why; it is cleared, as the processor only ever sets bits in it. */
static BOOLEAN KiDebugTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    ULONG64 Cleared = 0xffff0ff0;
    __asm__ volatile("movq %%dr6, %0" : "=r"(Frame->Dr6));
    __asm__ volatile("movq %%dr7, %0" : "=r"(Frame->Dr7));
    __asm__ volatile("movq %0, %%dr6" : : "r"(Cleared));
    if (VfFunctionStepped(Frame)) {
        return FALSE;
    }
    Frame->EFlags &= ~RFLAGS_TRAP;
    return KiRaise(Exception, Frame, STATUS_SINGLE_STEP);
}

/* rip is past the CC byte; frame and exception say where the byte is. */
static BOOLEAN KiBreakpointTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    if (VfFunctionEntered(Frame)) {
        return FALSE;
    }
    Frame->Rip -= 1;
    KiRaise(Exception, Frame, STATUS_BREAKPOINT);
    Exception->ParameterCount = 1;
    return TRUE;
}

/*
 * int 2Dh: service in eax, arguments in rcx and rdx; the byte after it is an int3 to be skipped.
 * From user mode it is no more than a breakpoint: the arguments would be addresses of its choice.
 */
static BOOLEAN KiDebugServiceTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    if (Frame->PreviousMode != KernelMode) {
        return KiRaise(Exception, Frame, STATUS_BREAKPOINT);
    }
    Frame->Rip += 1;
    KiRaise(Exception, Frame, STATUS_BREAKPOINT);
    Exception->ParameterCount = 3;
    Exception->Parameter[0] = Frame->Rax;
    Exception->Parameter[1] = Frame->Rcx;
    Exception->Parameter[2] = Frame->Rdx;
    return TRUE;
}

/*
 * Kernel code only: its bytes were executed a moment ago, interrupts are still off, so they are
 * there; but not those of the next page. User code is not read, its pages may be anything.
 */
static BOOLEAN KiIsPrivilegedAt(const KTRAP_FRAME *Frame)
{
    ULONG OnPage = PAGE_SIZE - BYTE_OFFSET(Frame->Rip);
    return KiIsPrivilegedInstruction((const UCHAR *)Frame->Rip,
                                     OnPage < MAXIMUM_INSTRUCTION ? OnPage : MAXIMUM_INSTRUCTION);
}

/*
 * In kernel mode either a privileged instruction with a bad operand (an unknown MSR, reserved
 * bits) or an address that is not canonical, which the processor does not tell.
 */
static BOOLEAN KiGeneralProtectionTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    if (Frame->PreviousMode == KernelMode && KiIsPrivilegedAt(Frame)) {
        return KiRaise(Exception, Frame, STATUS_PRIVILEGED_INSTRUCTION);
    }
    KiRaise(Exception, Frame, STATUS_ACCESS_VIOLATION);
    Exception->ParameterCount = 2;
    Exception->Parameter[0] = 0;
    Exception->Parameter[1] = MAXULONG_PTR;
    return TRUE;
}

static BOOLEAN KiSimdTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    ULONG Unmasked = Frame->MxCsr & ~(Frame->MxCsr >> 7) & 0x3f;
    KiRaise(Exception, Frame,
            Unmasked & MXCSR_FAULTS ? STATUS_FLOAT_MULTIPLE_FAULTS : STATUS_FLOAT_MULTIPLE_TRAPS);
    Exception->ParameterCount = 2;
    Exception->Parameter[0] = 0;
    Exception->Parameter[1] = Frame->MxCsr;
    return TRUE;
}

BOOLEAN KiTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception, ULONG Vector)
{
    Frame->PreviousMode = (KPROCESSOR_MODE)(Frame->SegCs & 1);
    Frame->FaultAddress = 0;
    switch (Vector) {
    case TRAP_DE:
        return KiRaise(Exception, Frame, STATUS_INTEGER_DIVIDE_BY_ZERO);
    case TRAP_DB:
        return KiDebugTrap(Frame, Exception);
    case TRAP_BP:
        return KiBreakpointTrap(Frame, Exception);
    case TRAP_OF:
        return KiRaise(Exception, Frame, STATUS_INTEGER_OVERFLOW);
    case TRAP_BR:
        return KiRaise(Exception, Frame, STATUS_ARRAY_BOUNDS_EXCEEDED);
    case TRAP_UD:
        return KiRaise(Exception, Frame, STATUS_ILLEGAL_INSTRUCTION);
    case TRAP_GP:
        return KiGeneralProtectionTrap(Frame, Exception);
    case TRAP_AC:
        return KiRaise(Exception, Frame, STATUS_DATATYPE_MISALIGNMENT);
    case TRAP_XF:
        return KiSimdTrap(Frame, Exception);
    case TRAP_FAST_FAIL:
        return KiFastFail(Frame, Exception);
    case TRAP_ASSERTION:
        return KiAssertionTrap(Frame, Exception);
    case TRAP_DEBUG_SERVICE:
        return KiDebugServiceTrap(Frame, Exception);
    case TRAP_MF:
        if (Frame->PreviousMode != KernelMode) {
            return KiRaise(Exception, Frame, STATUS_FLOAT_MULTIPLE_FAULTS);
        }
        break;
    }
    if (Frame->PreviousMode != KernelMode) {
        return KiRaise(Exception, Frame, STATUS_ACCESS_VIOLATION); /* #SS and the like */
    }
    KiBugCheckTrap(UNEXPECTED_KERNEL_MODE_TRAP, Vector, Frame->ErrorCode, 0, 0, Frame);
}

/*
 * A page fault that MiFastFault left. Mm reads the fault's address and code from the arguments:
 * CR2 is free for the next fault once interrupts are on.
 */
extern const UCHAR ExpInterlockedPopEntrySListFault[], ExpInterlockedPopEntrySListResume[];

/*
 * A pop of a sequenced list reads the first entry's link before it knows that the entry is still
 * there (kernel/ex/slist.S). When another pop took and freed it, the read faults and the pop starts
 * again. The same address twice running is a broken list: that fault takes its course.
 */
static BOOLEAN KiIsLatePop(PKTRAP_FRAME Frame)
{
    PKTHREAD Thread = KiCurrentThread();
    if (Frame->Rip != (ULONG64)ExpInterlockedPopEntrySListFault ||
        Thread->SListFaultAddress == (PVOID)Frame->FaultAddress ||
        MmHasPage((PVOID)Frame->FaultAddress)) {
        return FALSE;
    }
    Thread->SListFaultAddress = (PVOID)Frame->FaultAddress;
    Frame->Rip = (ULONG64)ExpInterlockedPopEntrySListResume;
    return TRUE;
}

BOOLEAN KiPageFaultTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    if (KiIsLatePop(Frame)) {
        return FALSE;
    }
    ULONG FaultCode = (ULONG)Frame->ErrorCode;
    Frame->PreviousMode = (KPROCESSOR_MODE)(Frame->SegCs & 1);
    KiEnableIfInterrupted(Frame);
    VfLogFault(Frame->Rip, Frame->FaultAddress);
    if (VfTimelineOn) {
        VfSendTimeline(FALSE);
    }
    NTSTATUS Status =
        MmAccessFault(FaultCode, (PVOID)Frame->FaultAddress, Frame->PreviousMode, Frame);
    if (NT_SUCCESS(Status)) {
        return FALSE;
    }
    *Exception = (KI_TRAP_EXCEPTION){.Code = Status, .ParameterCount = 2, .Address = Frame->Rip};
    Exception->Parameter[0] = FaultCode & FAULT_EXECUTE ? EXCEPTION_EXECUTE_FAULT
                              : FaultCode & FAULT_WRITE ? EXCEPTION_WRITE_FAULT
                                                        : EXCEPTION_READ_FAULT;
    Exception->Parameter[1] = Frame->FaultAddress;
    if (Status == STATUS_IN_PAGE_ERROR) {
        Exception->ParameterCount = 3;
        Exception->Parameter[2] = (ULONG64)(LONG64)Status;
    }
    return TRUE;
}

VOID KiFatalTrap(PKTRAP_FRAME Frame, ULONG Vector)
{
    Frame->PreviousMode = (KPROCESSOR_MODE)(Frame->SegCs & 1);
    switch (Vector) {
    case TRAP_NMI:
        KiBugCheckTrap(NMI_HARDWARE_FAILURE, 0, 0, 0, 0, Frame);
    case TRAP_MC:
        KiBugCheckTrap(MACHINE_CHECK_EXCEPTION, 0, 0, 0, 0, Frame);
    default:
        /* Nearly always a stack that ran into its guard page: CR2 then is where. */
        __asm__ volatile("movq %%cr2, %0" : "=r"(Frame->FaultAddress));
        KiBugCheckTrap(UNEXPECTED_KERNEL_MODE_TRAP, TRAP_DF, 0, 0, 0, Frame);
    }
}

VOID KiPrepareUserReturn(PKTRAP_FRAME Frame, PKEXCEPTION_FRAME ExceptionFrame)
{
    PKTHREAD Thread = KiCurrentThread();

    Frame->TrapFrame = (ULONG64)ExceptionFrame; /* for KiInitializeUserApc */
    while (Thread->ApcState.UserApcPending) {
        __asm__ volatile("sti" : : : "memory");
        if (Thread->Terminating) {
            PspExitThread(PsGetCurrentThread()->TerminationStatus);
        }
        KiWriteIrql(APC_LEVEL);
        KiDeliverApc(UserMode, Frame);
        __asm__ volatile("cli" : : : "memory");
        KiWriteIrql(PASSIVE_LEVEL);
    }
}
