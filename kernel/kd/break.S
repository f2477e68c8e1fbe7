/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints that a program asks for. A debugger knows the routines by name and reads the status
 * from rcx; the return follows the int3, so that going on needs no more than a step over it.
 */
    .text
    .globl DbgBreakPoint
    .p2align 4
    .seh_proc DbgBreakPoint
DbgBreakPoint:
    .seh_endprologue
    int3
    ret
    .seh_endproc

    .globl DbgBreakPointWithStatus
    .p2align 4
    .seh_proc DbgBreakPointWithStatus
DbgBreakPointWithStatus:
    .seh_endprologue
    int3
    ret
    .seh_endproc
