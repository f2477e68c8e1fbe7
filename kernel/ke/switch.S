/* SPDX-License-Identifier: MIT */
/*
 * Changing stacks: from thread to thread, into a new thread, and to the processor's DPC stack.
 * Offsets are checked in ki.h and dispatcher.h.
 */
    .set KTHREAD_INITIAL_STACK, 0x28
    .set KTHREAD_KERNEL_STACK, 0x58
    .set KTHREAD_APC_PROCESS, 0x80
    .set KTHREAD_TEB, 0xf0
    .set MSR_KERNEL_GS_BASE, 0xc0000102
    .set KPROCESS_DIRECTORY_TABLE, 0x28
    .set KPCR_TSS, 0x08
    .set KPCR_CURRENT_THREAD, 0x188
    .set TSS_RSP0, 0x04

    .text

/*
 * VOID KiSwapContext(PKTHREAD Old, PKTHREAD New)
 * At DISPATCH_LEVEL, dispatcher lock held. Returns on New's stack, in the call that New made when
 * it was switched away, or at KiThreadStartup. From the change of rsp until all of the processor's
 * state is New's, interrupts are off: an interrupt must find a stack and a thread that agree.
 */
    .globl KiSwapContext
    .def KiSwapContext; .scl 2; .type 32; .endef
    .p2align 4
KiSwapContext:
    .seh_proc KiSwapContext
    pushq   %rbp
    .seh_pushreg %rbp
    pushq   %rbx
    .seh_pushreg %rbx
    pushq   %rdi
    .seh_pushreg %rdi
    pushq   %rsi
    .seh_pushreg %rsi
    pushq   %r12
    .seh_pushreg %r12
    pushq   %r13
    .seh_pushreg %r13
    pushq   %r14
    .seh_pushreg %r14
    pushq   %r15
    .seh_pushreg %r15
    subq    $0xb8, %rsp
    .seh_stackalloc 0xb8
    movaps  %xmm6, 0x00(%rsp)
    .seh_savexmm %xmm6, 0x00
    movaps  %xmm7, 0x10(%rsp)
    .seh_savexmm %xmm7, 0x10
    movaps  %xmm8, 0x20(%rsp)
    .seh_savexmm %xmm8, 0x20
    movaps  %xmm9, 0x30(%rsp)
    .seh_savexmm %xmm9, 0x30
    movaps  %xmm10, 0x40(%rsp)
    .seh_savexmm %xmm10, 0x40
    movaps  %xmm11, 0x50(%rsp)
    .seh_savexmm %xmm11, 0x50
    movaps  %xmm12, 0x60(%rsp)
    .seh_savexmm %xmm12, 0x60
    movaps  %xmm13, 0x70(%rsp)
    .seh_savexmm %xmm13, 0x70
    movaps  %xmm14, 0x80(%rsp)
    .seh_savexmm %xmm14, 0x80
    movaps  %xmm15, 0x90(%rsp)
    .seh_savexmm %xmm15, 0x90
    .seh_endprologue

    stmxcsr 0xa0(%rsp)
    pushfq
    popq    %rax
    movq    %rax, 0xa8(%rsp)

    movq    KTHREAD_APC_PROCESS(%rdx), %r8
    movq    KTHREAD_APC_PROCESS(%rcx), %r9
    movq    KPROCESS_DIRECTORY_TABLE(%r8), %r8
    movq    KTHREAD_INITIAL_STACK(%rdx), %r10
    movq    %gs:KPCR_TSS, %r11
    /* x87 and MMX: only user mode uses them. */
    cmpq    $0, KTHREAD_TEB(%rcx)
    je      4f
    movq    KTHREAD_INITIAL_STACK(%rcx), %rax
    fxsave64 (%rax)
4:

    cli
    movq    %rsp, KTHREAD_KERNEL_STACK(%rcx)
    movq    KTHREAD_KERNEL_STACK(%rdx), %rsp
    movq    %rdx, %gs:KPCR_CURRENT_THREAD
    movq    %r10, TSS_RSP0(%r11)
    /* Most switches stay in one address space; loading cr3 would empty the TLB for nothing. */
    cmpq    KPROCESS_DIRECTORY_TABLE(%r9), %r8
    je      1f
    movq    %r8, %cr3
1:
    /* The user's gs is the TEB. It may have loaded gs with another, so it is not compared. */
    movq    KTHREAD_TEB(%rdx), %rax
    testq   %rax, %rax
    jz      3f
    fxrstor64 (%r10)
    movq    %rax, %rdx
    shrq    $32, %rdx
    movl    $MSR_KERNEL_GS_BASE, %ecx
    wrmsr
3:
    testl   $0x200, 0xa8(%rsp)
    jz      2f
    sti
2:
    ldmxcsr 0xa0(%rsp)
    movaps  0x00(%rsp), %xmm6
    movaps  0x10(%rsp), %xmm7
    movaps  0x20(%rsp), %xmm8
    movaps  0x30(%rsp), %xmm9
    movaps  0x40(%rsp), %xmm10
    movaps  0x50(%rsp), %xmm11
    movaps  0x60(%rsp), %xmm12
    movaps  0x70(%rsp), %xmm13
    movaps  0x80(%rsp), %xmm14
    movaps  0x90(%rsp), %xmm15
    addq    $0xb8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rsi
    popq    %rdi
    popq    %rbx
    popq    %rbp
    retq
    .seh_endproc

/*
 * Entered by the retq of the first switch to a thread, on the stack KeInitializeThread laid out:
 * home space and a return address of 0, at which a walk up the stack ends. It is not the first
 * byte of its function, so that an unwinder that looks at rip - 1 finds this function.
 */
    .p2align 4
KiThreadStartupFrame:
    .seh_proc KiThreadStartupFrame
    .seh_stackalloc 0x28
    .seh_endprologue
    nop
    .globl KiThreadStartup
    .def KiThreadStartup; .scl 2; .type 32; .endef
KiThreadStartup:
    callq   KiRunNewThread
    int3
    .seh_endproc

/*
 * VOID KiCallOnStack(VOID (*Routine)(VOID), PVOID StackTop)
 * Runs Routine on the other stack. rbp keeps the old one, so the unwinder finds its way back.
 */
    .globl KiCallOnStack
    .def KiCallOnStack; .scl 2; .type 32; .endef
    .p2align 4
KiCallOnStack:
    .seh_proc KiCallOnStack
    pushq   %rbp
    .seh_pushreg %rbp
    movq    %rsp, %rbp
    .seh_setframe %rbp, 0
    .seh_endprologue
    andq    $-16, %rdx
    leaq    -0x20(%rdx), %rsp
    callq   *%rcx
    leaq    0(%rbp), %rsp
    popq    %rbp
    retq
    .seh_endproc
