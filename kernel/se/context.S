/* SPDX-License-Identifier: MIT */
/*
 * RtlCaptureContext and the loading half of RtlRestoreContext. Offsets: CONTEXT in nt/se.h.
 */
    .text

/*
 * VOID RtlCaptureContext(PCONTEXT)
 * The state the caller has when this returns; rip is the return address. Any IRQL.
 */
    .globl RtlCaptureContext
    .def RtlCaptureContext; .scl 2; .type 32; .endef
    .p2align 4
RtlCaptureContext:
    .seh_proc RtlCaptureContext
    pushfq
    .seh_stackalloc 8
    .seh_endprologue
    movq    %rax, 0x78(%rcx)
    movq    %rcx, 0x80(%rcx)
    movq    %rdx, 0x88(%rcx)
    movq    %rbx, 0x90(%rcx)
    leaq    0x10(%rsp), %rax
    movq    %rax, 0x98(%rcx)
    movq    %rbp, 0xa0(%rcx)
    movq    %rsi, 0xa8(%rcx)
    movq    %rdi, 0xb0(%rcx)
    movq    %r8, 0xb8(%rcx)
    movq    %r9, 0xc0(%rcx)
    movq    %r10, 0xc8(%rcx)
    movq    %r11, 0xd0(%rcx)
    movq    %r12, 0xd8(%rcx)
    movq    %r13, 0xe0(%rcx)
    movq    %r14, 0xe8(%rcx)
    movq    %r15, 0xf0(%rcx)
    movq    8(%rsp), %rax
    movq    %rax, 0xf8(%rcx)
    movl    (%rsp), %eax
    movl    %eax, 0x44(%rcx)
    movw    %cs, 0x38(%rcx)
    movw    %ds, 0x3a(%rcx)
    movw    %es, 0x3c(%rcx)
    movw    %fs, 0x3e(%rcx)
    movw    %gs, 0x40(%rcx)
    movw    %ss, 0x42(%rcx)
    fxsave  0x100(%rcx)
    stmxcsr 0x34(%rcx)
    movl    $0x10000f, 0x30(%rcx)
    movq    0x78(%rcx), %rax
    addq    $8, %rsp
    retq
    .seh_endproc

/*
 * DECLSPEC_NORETURN VOID RtlpRestoreContext(PCONTEXT)
 * Loads everything and continues at Context. The last step is one iretq, so that rip, rsp and
 * rflags (with the interrupt flag) change together: an interrupt before it finds the present
 * stack, one after it the target's. The frame for iretq is on the present stack, which lies below
 * all that the target may use. The caller has made EFlags and MxCsr legal.
 */
    .globl RtlpRestoreContext
    .def RtlpRestoreContext; .scl 2; .type 32; .endef
    .p2align 4
RtlpRestoreContext:
    .seh_proc RtlpRestoreContext
    subq    $0x28, %rsp
    .seh_stackalloc 0x28
    .seh_endprologue
    movzwl  0x42(%rcx), %eax
    movq    %rax, 0x20(%rsp)
    movq    0x98(%rcx), %rax
    movq    %rax, 0x18(%rsp)
    movl    0x44(%rcx), %eax
    movq    %rax, 0x10(%rsp)
    movzwl  0x38(%rcx), %eax
    movq    %rax, 0x08(%rsp)
    movq    0xf8(%rcx), %rax
    movq    %rax, (%rsp)
    testl   $8, 0x30(%rcx)
    jz      1f
    movaps  0x1a0(%rcx), %xmm0
    movaps  0x1b0(%rcx), %xmm1
    movaps  0x1c0(%rcx), %xmm2
    movaps  0x1d0(%rcx), %xmm3
    movaps  0x1e0(%rcx), %xmm4
    movaps  0x1f0(%rcx), %xmm5
    movaps  0x200(%rcx), %xmm6
    movaps  0x210(%rcx), %xmm7
    movaps  0x220(%rcx), %xmm8
    movaps  0x230(%rcx), %xmm9
    movaps  0x240(%rcx), %xmm10
    movaps  0x250(%rcx), %xmm11
    movaps  0x260(%rcx), %xmm12
    movaps  0x270(%rcx), %xmm13
    movaps  0x280(%rcx), %xmm14
    movaps  0x290(%rcx), %xmm15
    ldmxcsr 0x34(%rcx)
1:
    movq    0x78(%rcx), %rax
    movq    0x88(%rcx), %rdx
    movq    0x90(%rcx), %rbx
    movq    0xa0(%rcx), %rbp
    movq    0xa8(%rcx), %rsi
    movq    0xb0(%rcx), %rdi
    movq    0xb8(%rcx), %r8
    movq    0xc0(%rcx), %r9
    movq    0xc8(%rcx), %r10
    movq    0xd0(%rcx), %r11
    movq    0xd8(%rcx), %r12
    movq    0xe0(%rcx), %r13
    movq    0xe8(%rcx), %r14
    movq    0xf0(%rcx), %r15
    movq    0x80(%rcx), %rcx
    iretq
    .seh_endproc
