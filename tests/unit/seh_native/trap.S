/* SPDX-License-Identifier: MIT */
/*
 * A trap entry and exit as the kernel's, in user mode: the signal handler has put the machine
 * frame (error code, rip, cs, rflags, rsp, ss) on the stack and came here. iretq works in ring 3.
 */
    .text

    .globl NativeTrapEntry
    .def NativeTrapEntry; .scl 2; .type 32; .endef
NativeTrapEntry:
    .seh_proc NativeTrapEntry
    .seh_pushframe @code
    subq    $0x160, %rsp
    .seh_stackalloc 0x160
    movq    %rbp, 0x158(%rsp)
    .seh_savereg %rbp, 0x158
    movq    %rbx, 0x140(%rsp)
    .seh_savereg %rbx, 0x140
    movq    %rdi, 0x148(%rsp)
    .seh_savereg %rdi, 0x148
    movq    %rsi, 0x150(%rsp)
    .seh_savereg %rsi, 0x150
    .seh_endprologue
    leaq    0x80(%rsp), %rbp
    cld
    movq    %rax, 0x30(%rsp)
    movq    %rcx, 0x38(%rsp)
    movq    %rdx, 0x40(%rsp)
    movq    %r8, 0x48(%rsp)
    movq    %r9, 0x50(%rsp)
    movq    %r10, 0x58(%rsp)
    movq    %r11, 0x60(%rsp)
    stmxcsr 0x2c(%rsp)
    movaps  %xmm0, 0x70(%rsp)
    movaps  %xmm1, 0x80(%rsp)
    movaps  %xmm2, 0x90(%rsp)
    movaps  %xmm3, 0xa0(%rsp)
    movaps  %xmm4, 0xb0(%rsp)
    movaps  %xmm5, 0xc0(%rsp)
    movw    $0x10, 0x170(%rsp)          /* as if the kernel had been interrupted */
    movl    NativeTrap(%rip), %ecx
    movl    NativeTrap+0x04(%rip), %edx
    movq    NativeTrap+0x08(%rip), %r8
    movq    NativeTrap+0x10(%rip), %r9
    movq    NativeTrap+0x18(%rip), %r10
    xorl    %r11d, %r11d
    movq    $-1, %rbx                   /* the frame must be the only source of these */
    movq    %rbx, %rsi
    movq    %rbx, %rdi
    callq   KiExceptionDispatch
    nop
    .seh_endproc

    .globl KiExceptionExit
    .def KiExceptionExit; .scl 2; .type 32; .endef
KiExceptionExit:
    movw    $0x33, 0x170(%rsp)
    movaps  0x70(%rsp), %xmm0
    movaps  0x80(%rsp), %xmm1
    movaps  0x90(%rsp), %xmm2
    movaps  0xa0(%rsp), %xmm3
    movaps  0xb0(%rsp), %xmm4
    movaps  0xc0(%rsp), %xmm5
    ldmxcsr 0x2c(%rsp)
    movq    0x30(%rsp), %rax
    movq    0x38(%rsp), %rcx
    movq    0x40(%rsp), %rdx
    movq    0x48(%rsp), %r8
    movq    0x50(%rsp), %r9
    movq    0x58(%rsp), %r10
    movq    0x60(%rsp), %r11
    movq    0x140(%rsp), %rbx
    movq    0x148(%rsp), %rdi
    movq    0x150(%rsp), %rsi
    movq    0x158(%rsp), %rbp
    addq    $0x168, %rsp
    iretq

/*
 * ULONG NativeLocalUnwind(VOID): what a compiler emits for
 *   __try { __try { goto out; } __finally { F1 } } __finally { F2; }  with the label in the
 * outer __try: only the inner __finally runs on _local_unwind.
 */
    .globl NativeLocalUnwind
    .def NativeLocalUnwind; .scl 2; .type 32; .endef
NativeLocalUnwind:
    .seh_proc NativeLocalUnwind
    .seh_handler __C_specific_handler, @except, @unwind
    subq    $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
LouterBegin:
LinnerBegin:
    movq    %rsp, %rcx
    leaq    Lout(%rip), %rdx
    callq   _local_unwind
    nop                                 /* the return address must lie in the scope */
LinnerEnd:
    ud2
Lout:
    movl    $0x77, %eax
LouterEnd:
    addq    $0x28, %rsp
    retq
    .seh_handlerdata
    .long   2
    .long   LinnerBegin@IMGREL, LinnerEnd@IMGREL, NativeInnerFinally@IMGREL, 0
    .long   LouterBegin@IMGREL, LouterEnd@IMGREL, NativeOuterFinally@IMGREL, 0
    .text
    .seh_endproc

/*
 * Epilogues: NativeStepEpilogue has every prologue code; the test unwinds from each instruction of
 * it. Its ends are exported.
 */
    .globl NativeEpilogueFunction
    .globl NativeEpilogueStart
    .globl NativeEpilogueEnd
    .def NativeEpilogueFunction; .scl 2; .type 32; .endef
NativeEpilogueFunction:
    .seh_proc NativeEpilogueFunction
    pushq   %rbp
    .seh_pushreg %rbp
    pushq   %r12
    .seh_pushreg %r12
    pushq   %rbx
    .seh_pushreg %rbx
    subq    $0x120, %rsp
    .seh_stackalloc 0x120
    leaq    0x80(%rsp), %rbp
    .seh_setframe %rbp, 0x80
    .seh_endprologue
    nop
NativeEpilogueStart:
    leaq    0xa0(%rbp), %rsp
    popq    %rbx
    popq    %r12
    popq    %rbp
    retq
NativeEpilogueEnd:
    int3
    .seh_endproc
