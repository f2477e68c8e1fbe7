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
    .text

    .globl KiExceptionDispatch
    .def KiExceptionDispatch; .scl 2; .type 32; .endef
    .p2align 4
KiExceptionDispatch:
    .seh_proc KiExceptionDispatch
    subq    $0x1d8, %rsp
    .seh_stackalloc 0x1d8
    movaps  %xmm6, 0x30(%rsp)
    .seh_savexmm %xmm6, 0x30
    movaps  %xmm7, 0x40(%rsp)
    .seh_savexmm %xmm7, 0x40
    movaps  %xmm8, 0x50(%rsp)
    .seh_savexmm %xmm8, 0x50
    movaps  %xmm9, 0x60(%rsp)
    .seh_savexmm %xmm9, 0x60
    movaps  %xmm10, 0x70(%rsp)
    .seh_savexmm %xmm10, 0x70
    movaps  %xmm11, 0x80(%rsp)
    .seh_savexmm %xmm11, 0x80
    movaps  %xmm12, 0x90(%rsp)
    .seh_savexmm %xmm12, 0x90
    movaps  %xmm13, 0xa0(%rsp)
    .seh_savexmm %xmm13, 0xa0
    movaps  %xmm14, 0xb0(%rsp)
    .seh_savexmm %xmm14, 0xb0
    movaps  %xmm15, 0xc0(%rsp)
    .seh_savexmm %xmm15, 0xc0
    movq    %r12, 0x118(%rsp)
    .seh_savereg %r12, 0x118
    movq    %r13, 0x120(%rsp)
    .seh_savereg %r13, 0x120
    movq    %r14, 0x128(%rsp)
    .seh_savereg %r14, 0x128
    movq    %r15, 0x130(%rsp)
    .seh_savereg %r15, 0x130
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

    movaps  0x30(%rsp), %xmm6
    movaps  0x40(%rsp), %xmm7
    movaps  0x50(%rsp), %xmm8
    movaps  0x60(%rsp), %xmm9
    movaps  0x70(%rsp), %xmm10
    movaps  0x80(%rsp), %xmm11
    movaps  0x90(%rsp), %xmm12
    movaps  0xa0(%rsp), %xmm13
    movaps  0xb0(%rsp), %xmm14
    movaps  0xc0(%rsp), %xmm15
    movq    0x118(%rsp), %r12
    movq    0x120(%rsp), %r13
    movq    0x128(%rsp), %r14
    movq    0x130(%rsp), %r15
    leaq    -0x80(%rbp), %rsp
    jmp     KiExceptionExit
    .seh_endproc
