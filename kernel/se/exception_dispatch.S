/* SPDX-License-Identifier: MIT */
/*
 * KiExceptionDispatch: from a trap entry to the C dispatcher and back.
 *
 * Called (with `call`, so that the trap entry can be unwound) by a trap entry that has built a
 * KTRAP_FRAME at rsp, with
 *   rbp = trap frame + 0x80          ecx = exception code       r8 = exception address
 *   edx = number of parameters, 0-3  r9, r10, r11 = the parameters
 * The frame holds the volatile registers and rbx, rdi, rsi, rbp; r12-r15 and xmm6-15 are still
 * those of the interrupted code and are saved here, where the unwinder and KiDispatchException
 * find them. It does not return: when the exception is handled by continuing, it jumps to
 * KiExceptionExit with rsp = trap frame, rbp = trap frame + 0x80. Interrupts and IRQL are as the
 * trap entry left them.
 *
 * Stack: 000 KEXCEPTION_FRAME (its head is the home space of the call)   138 EXCEPTION_RECORD
 */
#include "ke/exception_frame.h"

    .text

    .globl KiExceptionDispatch
    .def KiExceptionDispatch; .scl 2; .type 32; .endef
    .p2align 4
KiExceptionDispatch:
    .seh_proc KiExceptionDispatch
    subq    $0x1d8, %rsp
    .seh_stackalloc 0x1d8
    SAVE_EXCEPTION_FRAME prologue=1
    .seh_endprologue

    movl    %ecx, 0x138(%rsp)           /* ExceptionCode */
    movl    $0, 0x13c(%rsp)             /* ExceptionFlags */
    movq    $0, 0x140(%rsp)             /* ExceptionRecord */
    movq    %r8, 0x148(%rsp)            /* ExceptionAddress */
    movl    %edx, 0x150(%rsp)           /* NumberParameters */
    movl    $0, 0x154(%rsp)
    movq    %r9, 0x158(%rsp)
    movq    %r10, 0x160(%rsp)
    movq    %r11, 0x168(%rsp)

    leaq    0x138(%rsp), %rcx
    leaq    -0x80(%rbp), %rdx           /* KTRAP_FRAME */
    movq    %rdx, 0xd0(%rsp)            /* each frame points to the other */
    movq    %rsp, 0x138(%rdx)
    movzwl  0x170(%rdx), %r8d           /* SegCs: its privilege level is the previous mode */
    andl    $1, %r8d
    movl    $1, %r9d                    /* FirstChance */
    callq   KiDispatchException

    LOAD_EXCEPTION_FRAME
    leaq    -0x80(%rbp), %rsp
    jmp     KiExceptionExit
    .seh_endproc
