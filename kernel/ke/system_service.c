/* SPDX-License-Identifier: MIT */
/*
 * A system call between its entry (KiSystemCall64 of trap.S) and its return to user mode
 * (KiExceptionExit).
 *
 *   KiSystemCall64    kernel stack, KTRAP_FRAME
 *     KiSystemService    previous mode is UserMode, interrupts on, arguments of the user's stack
 *       NtXxx             probes what the user says, captures it, does the work
 *     KiCheckServiceExit  what must not be taken along to user mode
 *   KiExceptionExit   user APCs, or the end of the thread; registers; iretq
 *
 * Nothing that a user passes ends in a bug check: bad addresses are a status. What a driver leaves
 * behind does, as in NT: IRQL above PASSIVE_LEVEL 0x4A, APCs disabled or another process attached
 * 0x01, an exception that nobody handled 0x3B.
 */
#include "ke/system_service.h"
#include "ke/trap_dispatch.h"
#include "nt/io.h"

#define KI_REGISTER_ARGUMENTS 4
#define KI_STACK_ARGUMENTS_OFFSET 0x28 /* above the return address and the home area */
#define KI_SYSTEM_CALL 0               /* bug check 0x01, P4 */

/* From the user's stack, which may be anything. */
static __attribute__((noinline)) NTSTATUS KiCopyArguments(ULONG64 UserRsp, ULONG Count,
                                                          PULONG64 Arguments)
{
    const volatile ULONG64 *Stack = (const volatile ULONG64 *)(UserRsp + KI_STACK_ARGUMENTS_OFFSET);

    __try {
        ProbeForRead(Stack, (SIZE_T)Count * sizeof(ULONG64), 1);
        for (ULONG Index = 0; Index < Count; Index++) {
            Arguments[Index] = Stack[Index];
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static LONG KiServiceFilter(PEXCEPTION_POINTERS Pointers)
{
    PEXCEPTION_RECORD Record = Pointers->ExceptionRecord;

    KeBugCheckEx(SYSTEM_SERVICE_EXCEPTION, (ULONG_PTR)(LONG_PTR)Record->ExceptionCode,
                 (ULONG_PTR)Record->ExceptionAddress, (ULONG_PTR)Pointers->ContextRecord, 0);
}

static __attribute__((noinline)) NTSTATUS KiCallService(const KI_SERVICE *Service,
                                                        const ULONG64 *Arguments)
{
    NTSTATUS Status = STATUS_SUCCESS;

    __try {
        Status = Service->Routine(Arguments[0], Arguments[1], Arguments[2], Arguments[3],
                                  Arguments[4], Arguments[5], Arguments[6], Arguments[7],
                                  Arguments[8], Arguments[9], Arguments[10]);
    } __except (KiServiceFilter(GetExceptionInformation())) {
        KeBugCheck(SYSTEM_SERVICE_EXCEPTION); /* the filter does not return */
    }
    return Status;
}

static VOID KiCheckServiceExit(PKTHREAD Thread, const KI_SERVICE *Service)
{
    KIRQL Irql = KiReadIrql();

    if (Irql != PASSIVE_LEVEL) {
        KeBugCheckEx(IRQL_GT_ZERO_AT_SYSTEM_SERVICE, (ULONG_PTR)Service->Routine, Irql, 0, 0);
    }
    if (Thread->ApcStateIndex != OriginalApcEnvironment || Thread->KernelApcDisable != 0 ||
        Thread->SpecialApcDisable != 0) {
        ULONG Disabled = (ULONG)(USHORT)Thread->SpecialApcDisable << 16 |
                         (USHORT)Thread->KernelApcDisable;
        KeBugCheckEx(APC_INDEX_MISMATCH, (ULONG_PTR)Service->Routine, Thread->ApcStateIndex,
                     Disabled, KI_SYSTEM_CALL);
    }
}

BOOLEAN KiSystemService(PKTRAP_FRAME Frame, PKEXCEPTION_FRAME ExceptionFrame)
{
    PKTHREAD Thread = KiCurrentThread();
    ULONG Number = (ULONG)Frame->Rax;
    ULONG64 Arguments[KI_SERVICE_ARGUMENTS] = {Frame->R10, Frame->Rdx, Frame->R8, Frame->R9};

    Frame->PreviousMode = UserMode;
    Frame->FaultAddress = 0;
    Frame->TrapFrame = (ULONG64)ExceptionFrame; /* for NtContinue */
    Thread->PreviousMode = UserMode;
    Thread->TrapFrame = Frame;
    __asm__ volatile("sti" : : : "memory");
    NTSTATUS Status = STATUS_INVALID_SYSTEM_SERVICE;
    if (Number < SERVICE_COUNT) {
        const KI_SERVICE *Service = &KiServiceTable[Number];
        Status = STATUS_SUCCESS;
        if (Service->Arguments > KI_REGISTER_ARGUMENTS) {
            Status = KiCopyArguments(Frame->Rsp, Service->Arguments - KI_REGISTER_ARGUMENTS,
                                     Arguments + KI_REGISTER_ARGUMENTS);
        }
        if (NT_SUCCESS(Status)) {
            Status = KiCallService(Service, Arguments);
            KiCheckServiceExit(Thread, Service);
        }
    }
    BOOLEAN Replaced = Thread->TrapFrame == NULL; /* by NtContinue, rax too */
    if (!Replaced) {
        Frame->Rax = (ULONG)Status;
    }
    Thread->TrapFrame = NULL;
    return Replaced;
}
