/* SPDX-License-Identifier: MIT */
/* The end of the system: bug_check.c and the files that it draws on. */
#pragma once

#include "ke/ki.h"
#include "wire/control.h"

/* What `dq nt!KiBugCheckData L5` shows: the code and its parameters. */
extern ULONG_PTR KiBugCheckData[5];
/* The driver at fault, or NULL. */
extern PUNICODE_STRING KiBugCheckDriver;

/*
 * Set by the control agent: sends the report by polling. Called once, interrupts off, HIGH_LEVEL,
 * on whatever stack the system ended.
 */
extern VOID (*KiBugCheckReport)(const CONTROL_BUG_CHECK *Report, const CONTROL_HISTORY *History);

/* printf to the debug console, at most 255 characters. Any IRQL. */
VOID KiPrintDebug(PCSTR Format, ...) __attribute__((format(printf, 1, 2)));

/* ---- bug_check_name.c ---- */
PCSTR KiBugCheckName(ULONG Code); /* "" when it has none here */

/* ---- bug_check_refine.c ---- */
/* 0xA and 0x50 by whose code and whose memory it was: 0xD1, 0xD3, 0xD4, 0xCE. */
VOID KiRefineBugCheck(PULONG Code, ULONG_PTR Parameter[4]);

/* ---- bug_check_report.c ---- */
/*
 * Fills all but code, parameters and IRQL. TrapFrame: of the interrupted code; NULL: Caller, a
 * return address, asked for the bug check.
 */
VOID KiFillBugCheckReport(CONTROL_BUG_CHECK *Report, PKTRAP_FRAME TrapFrame, ULONG_PTR Caller);

/* ---- bug_check_callback.c ---- */
/* Calls what drivers registered. HIGH_LEVEL, interrupts off. */
VOID KiCallBugCheckCallbacks(VOID);
