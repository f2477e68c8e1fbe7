/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints that a program asks for, and the services of int 2Dh (service.c). A debugger knows
 * DbgBreakPointWithStatus by address and reads the status from rcx; the return follows the int3, so
 * that going on needs no more than a step over it.
 */
    .text

.macro BREAK name
    .globl \name
    .p2align 4
    .seh_proc \name
\name:
    .seh_endprologue
    int3
    ret
    .seh_endproc
.endm

/* The arguments are where the service wants them: rcx, rdx, r8, r9. */
.macro SERVICE name, number
    .globl \name
    .p2align 4
    .seh_proc \name
\name:
    .seh_endprologue
    movl    $\number, %eax
    int     $0x2d
    int3
    ret
    .seh_endproc
.endm

    BREAK   DbgBreakPoint
    BREAK   DbgBreakPointWithStatus
    SERVICE DbgpPrintString, 1
    SERVICE DbgpPromptString, 2
    SERVICE DbgLoadImageSymbols, 3
    SERVICE DbgUnLoadImageSymbols, 4
    SERVICE DbgpCommandString, 5
