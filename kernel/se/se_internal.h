/* SPDX-License-Identifier: MIT */
/*
 * Se's internals: one unwind step, the walk limits, and the contracts with the trap code and the
 * loader.
 *
 * Invariants that every file here keeps:
 *   1. An image is read only inside [Base, Base + Size) as KiFindImage gave it.
 *   2. A stack is read only inside the limits of the current processor's stacks.
 *   3. A walk ends: each step moves rsp up on the same stack, and stacks change at most
 *      SE_MAXIMUM_STACK_SWITCHES times.
 *   4. Damaged unwind data or a damaged stack means "no handler", never a guess.
 * No locks. Any IRQL, as far as the image and stack touched are resident.
 */
#pragma once

#include "ke/ki.h"
#include "lib/unwind.h"
#include "nt/se.h"

#define SE_MAXIMUM_STACK_SWITCHES 4

/* What iretq may load: no IOPL, NT, VM, VIF, VIP. */
#define SE_EFLAGS_ALLOWED 0x00250fd5u
#define SE_EFLAGS_FIXED 0x00000002u

/* Of the saved state that KTRAP_FRAME lacks; built by KiExceptionDispatch, public layout. */
typedef struct _KEXCEPTION_FRAME {
    ULONG64 P1Home, P2Home, P3Home, P4Home, P5;
    ULONG64 Spare1;
    M128A Xmm6, Xmm7, Xmm8, Xmm9, Xmm10, Xmm11, Xmm12, Xmm13, Xmm14, Xmm15;
    PKTRAP_FRAME TrapFrame;
    ULONG64 OutputBuffer, OutputLength, Spare2;
    ULONG64 MxCsr;
    ULONG64 Rbp, Rbx, Rdi, Rsi; /* not used here: KTRAP_FRAME has them */
    ULONG64 R12, R13, R14, R15;
    ULONG64 Return;
} KEXCEPTION_FRAME, *PKEXCEPTION_FRAME;

/* exception_dispatch.S and execute_handler.S know these offsets. */
C_ASSERT(sizeof(KEXCEPTION_FRAME) == 0x140);
C_ASSERT(offsetof(KEXCEPTION_FRAME, Xmm6) == 0x30);
C_ASSERT(offsetof(KEXCEPTION_FRAME, Xmm15) == 0xc0);
C_ASSERT(offsetof(KEXCEPTION_FRAME, TrapFrame) == 0xd0);
C_ASSERT(offsetof(KEXCEPTION_FRAME, R12) == 0x118);
C_ASSERT(offsetof(KEXCEPTION_FRAME, R15) == 0x130);
C_ASSERT(offsetof(KTRAP_FRAME, TrapFrame) == 0x138);
C_ASSERT(offsetof(EXCEPTION_RECORD, NumberParameters) == 0x18);
C_ASSERT(offsetof(EXCEPTION_RECORD, ExceptionInformation) == 0x20);

/* A walk up the stacks of this processor, and how far it has come. */
typedef struct _SE_WALK {
    UNWIND_STACK Stack;
    ULONG_PTR LastRsp;
    ULONG StackSwitches;
    BOOLEAN IsReturnAddress; /* Context->Rip follows a call */
} SE_WALK, *PSE_WALK;

/*
 * May one byte of an image be read? FALSE only in the walk of a bug check and for a page that is
 * not resident: that walk may not fault again. Elsewhere such a read is a fault like any other.
 */
BOOLEAN KiMayRead(ULONG_PTR Address);

/* ---- function_table.c ---- */
BOOLEAN RtlpFindImage(ULONG_PTR Address, UNWIND_IMAGE *Image);

/* ---- virtual_unwind.c ---- */
/* UnwindFrame for a frame of this kernel; of Stack only the limits count. */
BOOLEAN RtlpUnwindFrame(PCONTEXT Context, const UNWIND_STACK *Stack, ULONG HandlerType,
                        BOOLEAN IsReturnAddress, UNWIND_FRAME *Frame,
                        PKNONVOLATILE_CONTEXT_POINTERS Pointers);

/* ---- walk.c ---- */
BOOLEAN RtlpStartWalk(PSE_WALK Walk, const CONTEXT *Context, BOOLEAN IsReturnAddress);
/* One step with all checks of invariants 2 to 4. FALSE ends the walk. */
BOOLEAN RtlpWalkFrame(PSE_WALK Walk, PCONTEXT Context, ULONG HandlerType, UNWIND_FRAME *Frame);
BOOLEAN RtlpRejoinWalk(PSE_WALK Walk, const DISPATCHER_CONTEXT *Dispatcher, PCONTEXT Context,
                       UNWIND_FRAME *Frame);
VOID RtlpFillDispatcherContext(PDISPATCHER_CONTEXT Dispatcher, const UNWIND_FRAME *Frame,
                               PCONTEXT Context, ULONG ScopeIndex);

/* ---- stack_limits.c ---- */
/* The stack of this thread or processor that contains Address. FALSE: none. Any IRQL. */
BOOLEAN KiGetStackLimits(ULONG_PTR Address, PULONG_PTR Low, PULONG_PTR High);

/* ---- exception_walk.c ---- */
/* TRUE: continue at Context. FALSE: nobody wanted it. Does not return when a handler took it. */
BOOLEAN RtlDispatchException(PEXCEPTION_RECORD Record, PCONTEXT Context);

/* ---- context.S, execute_handler.S ---- */
DECLSPEC_NORETURN VOID RtlpRestoreContext(PCONTEXT Context);
EXCEPTION_DISPOSITION RtlpExecuteHandlerForException(PEXCEPTION_RECORD Record,
                                                     PVOID EstablisherFrame, PCONTEXT Context,
                                                     PDISPATCHER_CONTEXT DispatcherContext);
EXCEPTION_DISPOSITION RtlpExecuteHandlerForUnwind(PEXCEPTION_RECORD Record,
                                                  PVOID EstablisherFrame, PCONTEXT Context,
                                                  PDISPATCHER_CONTEXT DispatcherContext);
/* The DISPATCHER_CONTEXT pointer lies this far above the establisher frame of both routines. */
#define SE_HANDLER_FRAME_CONTEXT 0x20

/* ---- raise.c ---- */
DECLSPEC_NORETURN VOID RtlRaiseStatus(NTSTATUS Status);
/* Status, caused by what a handler did with Cause. */
DECLSPEC_NORETURN VOID RtlpRaiseNested(NTSTATUS Status, PEXCEPTION_RECORD Cause);

/* ---- dispatch.c ---- */
VOID KiContextFromFrames(PCONTEXT Context, const KTRAP_FRAME *Trap,
                         const KEXCEPTION_FRAME *Exception);
VOID KiContextToFrames(const CONTEXT *Context, PKTRAP_FRAME Trap, PKEXCEPTION_FRAME Exception,
                       KPROCESSOR_MODE PreviousMode);
/* The kernel debugger's entry; NULL: none. TRUE: handled, continue at Context. */
extern BOOLEAN (*KiDebugRoutine)(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance);
BOOLEAN KiOfferToDebugger(PEXCEPTION_RECORD Record, PCONTEXT Context, BOOLEAN SecondChance);
/* Top-level filter of system threads: __except(KiSystemThreadFilter(GetExceptionInformation())).
 * Does not return: bug check 0x7E. */
LONG KiSystemThreadFilter(PEXCEPTION_POINTERS ExceptionPointers);
