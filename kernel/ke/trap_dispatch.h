/* SPDX-License-Identifier: MIT */
/* What trap.S shares with the C side of traps and interrupts. */
#pragma once

#include "ke/ki.h"
#include "se/se_internal.h"

/* An exception to raise, from a trap; layout known to trap.S (EXCEPTION_ there). */
typedef struct _KI_TRAP_EXCEPTION {
    NTSTATUS Code;
    ULONG ParameterCount;
    ULONG64 Address;
    ULONG64 Parameter[3];
} KI_TRAP_EXCEPTION, *PKI_TRAP_EXCEPTION;
C_ASSERT(sizeof(KI_TRAP_EXCEPTION) == 0x28);

#define KI_TRAP_STUB_SIZE 16

/* ---- trap.S ---- */
extern const UCHAR KiTrapStubs[];
extern const UCHAR KiInterruptStubs[];
VOID KiPageFault(VOID);
VOID KiSystemCall64(VOID);
VOID KiSpuriousInterrupt(VOID);

/* ---- trap_dispatch.c, called by trap.S with interrupts off ---- */
/* FALSE: resume. TRUE: raise Exception. */
BOOLEAN KiTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception, ULONG Vector);
BOOLEAN KiPageFaultTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception);
DECLSPEC_NORETURN VOID KiFatalTrap(PKTRAP_FRAME Frame, ULONG Vector);
/*
 * Delivers user APCs, or ends the thread; called when UserApcPending. Both frames are user mode's
 * state and are loaded afterwards. Interrupts stay off over the return.
 */
VOID KiPrepareUserReturn(PKTRAP_FRAME Frame, PKEXCEPTION_FRAME ExceptionFrame);

/* ---- system_service.c, called by trap.S with interrupts off; on return they are on ---- */
/* TRUE: what ExceptionFrame has is to be loaded. */
BOOLEAN KiSystemService(PKTRAP_FRAME Frame, PKEXCEPTION_FRAME ExceptionFrame);

/* ---- floating_state.c: of user mode; any IRQL ---- */
/* Below StackTop room for the state, which is set; returns the end of what calls may use. */
PVOID KiInitializeFloatingState(PVOID StackTop);
/* The current thread's x87 and MMX registers, to and from State; its other fields are not used. */
VOID KiReadFloatingState(PXSAVE_FORMAT State);
VOID KiWriteFloatingState(const XSAVE_FORMAT *State);

/* ---- fastfail.c ---- */
BOOLEAN KiFastFail(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception);

/* ---- assertion.c ---- */
BOOLEAN KiAssertionTrap(PKTRAP_FRAME Frame, PKI_TRAP_EXCEPTION Exception);

/* ---- privileged_instruction.c ---- */
/* Whether the code at Rip is an instruction that only ring 0 may execute, or with any operand. */
BOOLEAN KiIsPrivilegedInstruction(const UCHAR *Code, ULONG Size);

/* ---- interrupt.c ---- */
VOID KiInterrupt(PKTRAP_FRAME Frame, ULONG Vector);

/* ---- processor.c ---- */
/* Replaces a gate's handler by an entry of trap.S or of a benchmark; returns the old one. */
PVOID KiSetTrapHandler(UCHAR Vector, PVOID Handler);
