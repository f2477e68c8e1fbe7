/* SPDX-License-Identifier: MIT */
/*
 * int 29h, __fastfail: the code found its own memory corrupt and asks to be ended at once, with a
 * reason in ecx. No handler runs in kernel mode.
 */
#include "ke/trap_dispatch.h"

static EXCEPTION_RECORD KiFastFailRecord; /* the bug check's third parameter points to it */

BOOLEAN KiFastFail(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception)
{
    ULONG Reason = (ULONG)Frame->Rcx;
    if (Frame->PreviousMode != KernelMode) {
        *Exception = (KI_TRAP_EXCEPTION){.Code = STATUS_STACK_BUFFER_OVERRUN,
                                         .ParameterCount = 1,
                                         .Address = Frame->Rip,
                                         .Parameter = {Reason}};
        return TRUE;
    }
    KiFastFailRecord = (EXCEPTION_RECORD){.ExceptionCode = STATUS_STACK_BUFFER_OVERRUN,
                                          .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                                          .ExceptionAddress = (PVOID)Frame->Rip,
                                          .NumberParameters = 1,
                                          .ExceptionInformation = {Reason}};
    KiBugCheckTrap(KERNEL_SECURITY_CHECK_FAILURE, Reason, (ULONG_PTR)Frame,
                   (ULONG_PTR)&KiFastFailRecord, 0, Frame);
}
