/* SPDX-License-Identifier: MIT */
/* SSE work for ke_sse_state_test.c, whose own code is compiled without SSE. */
    .text

.macro FUNCTION name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .p2align 4
\name:
.endm

/*
 * VOID TestSseCompute(TEST_SSE_WORK *Work): starts xmm0-15 from Work->Start, adds each register to
 * its neighbour Work->Rounds times, and touches a byte of each page of Work->Memory in turn; every
 * 32nd round writes Work->Command to *Work->CommandPort. Puts the registers into Work->End.
 */
    .set WORK_ROUNDS, 0x00
    .set WORK_MEMORY, 0x08
    .set WORK_PAGES, 0x10
    .set WORK_PORT, 0x18
    .set WORK_COMMAND, 0x20
    .set WORK_START, 0x30
    .set WORK_END, 0x130

FUNCTION TestSseCompute
    .seh_proc TestSseCompute
    subq    $0xa8, %rsp
    .seh_stackalloc 0xa8
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps  %xmm\n, (\n-6)*16(%rsp)
    .seh_savexmm %xmm\n, (\n-6)*16
    .endr
    .seh_endprologue
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups  WORK_START+\n*16(%rcx), %xmm\n
    .endr
    movq    WORK_ROUNDS(%rcx), %rdx
    movq    WORK_PORT(%rcx), %r8
    movl    WORK_COMMAND(%rcx), %r9d
    xorl    %r10d, %r10d
1:
    paddq   %xmm1, %xmm0
    paddq   %xmm2, %xmm1
    paddq   %xmm3, %xmm2
    paddq   %xmm4, %xmm3
    paddq   %xmm5, %xmm4
    paddq   %xmm6, %xmm5
    movq    %r10, %rax
    shlq    $12, %rax
    addq    WORK_MEMORY(%rcx), %rax
    incb    (%rax)
    paddq   %xmm7, %xmm6
    paddq   %xmm8, %xmm7
    paddq   %xmm9, %xmm8
    paddq   %xmm10, %xmm9
    paddq   %xmm11, %xmm10
    paddq   %xmm12, %xmm11
    paddq   %xmm13, %xmm12
    paddq   %xmm14, %xmm13
    paddq   %xmm15, %xmm14
    paddq   %xmm0, %xmm15
    incq    %r10
    cmpq    WORK_PAGES(%rcx), %r10
    jb      2f
    xorl    %r10d, %r10d
2:
    testb   $31, %dl
    jnz     3f
    testq   %r8, %r8
    jz      3f
    movl    %r9d, (%r8)
3:
    decq    %rdx
    jnz     1b
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups  %xmm\n, WORK_END+\n*16(%rcx)
    .endr
    .irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps  (\n-6)*16(%rsp), %xmm\n
    .endr
    addq    $0xa8, %rsp
    retq
    .seh_endproc

/* VOID TestSseClobber(VOID): what a compiled interrupt routine may do to the volatile registers. */
FUNCTION TestSseClobber
    .irp n, 0, 1, 2, 3, 4, 5
    pcmpeqb %xmm\n, %xmm\n
    .endr
    retq
