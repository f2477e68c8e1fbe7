/* SPDX-License-Identifier: MIT */
/*
 * What the tests of user mode run in ring 3: position-independent, copied to user memory as one
 * piece, each routine entered with rcx = the test's page of user memory. Results go there.
 */
#include "wire/system_service.h"

    .text
    .p2align 4
.macro ROUTINE name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .p2align 4
\name:
.endm

ROUTINE Ring3Program

/* Page: 0 number of the service; 8 what it returned; 10h.. registers and flags after the call. */
ROUTINE Ring3Registers
    movq    %rcx, %r12
    movq    $0x2222, %rdx
    movq    $0x8888, %r8
    movq    $0x9999, %r9
    movq    $0x1010, %r10
    movq    $0xbbbb, %rbx
    movq    $0x5151, %rsi
    movq    $0xd1d1, %rdi
    movq    $0xb9b9, %rbp
    movq    $0x1313, %r13
    movq    $0x1414, %r14
    movq    $0x1515, %r15
    movq    %r13, %xmm0
    movq    %r14, %xmm5
    movq    %r15, %xmm6
    movq    %rbx, %xmm15
    movl    $0x9f80, 0x100(%r12)
    ldmxcsr 0x100(%r12)
    std
    movl    (%r12), %eax
    syscall
    movq    %rax, 0x08(%r12)
    pushfq
    popq    0x10(%r12)
    cld
    movq    %rdx, 0x18(%r12)
    movq    %r8, 0x20(%r12)
    movq    %r9, 0x28(%r12)
    movq    %r10, 0x30(%r12)
    movq    %rbx, 0x38(%r12)
    movq    %rsi, 0x40(%r12)
    movq    %rdi, 0x48(%r12)
    movq    %rbp, 0x50(%r12)
    movq    %r13, 0x58(%r12)
    movq    %r14, 0x60(%r12)
    movq    %r15, 0x68(%r12)
    movq    %xmm0, 0x70(%r12)
    movq    %xmm5, 0x78(%r12)
    movq    %xmm6, 0x80(%r12)
    movq    %xmm15, 0x88(%r12)
    stmxcsr 0x90(%r12)
    movq    %gs:0x30, %rax
    movq    %rax, 0x98(%r12)
    movq    %cs, %rax
    movq    %rax, 0xa0(%r12)
    movq    0x7ffe0014, %rax
    movq    %rax, 0xa8(%r12)
    jmp     Ring3Exit

/*
 * Page: 0 number of calls; then for each 10h-aligned block of 70h from 10h on: number of the
 * service, what it returned, four register arguments, seven of the stack.
 */
ROUTINE Ring3Calls
    movq    %rcx, %r12
    movq    (%rcx), %r13
    leaq    0x10(%rcx), %rbx
1:
    testq   %r13, %r13
    jz      Ring3Exit
    subq    $0x68, %rsp
    movq    0x30(%rbx), %rax
    movq    %rax, 0x28(%rsp)
    movq    0x38(%rbx), %rax
    movq    %rax, 0x30(%rsp)
    movq    0x40(%rbx), %rax
    movq    %rax, 0x38(%rsp)
    movq    0x48(%rbx), %rax
    movq    %rax, 0x40(%rsp)
    movq    0x50(%rbx), %rax
    movq    %rax, 0x48(%rsp)
    movq    0x58(%rbx), %rax
    movq    %rax, 0x50(%rsp)
    movq    0x60(%rbx), %rax
    movq    %rax, 0x58(%rsp)
    movq    0x10(%rbx), %r10
    movq    0x18(%rbx), %rdx
    movq    0x20(%rbx), %r8
    movq    0x28(%rbx), %r9
    movl    (%rbx), %eax
    syscall
    movq    %rax, 0x08(%rbx)
    addq    $0x68, %rsp
    addq    $0x70, %rbx
    decq    %r13
    jmp     1b

/* Page: 0 how often; from 10h on the block of a call that is made so often. */
ROUTINE Ring3Repeat
    movq    %rcx, %r12
    movq    (%rcx), %r13
    leaq    0x10(%rcx), %rbx
    subq    $0x68, %rsp
    leaq    0x30(%rbx), %rsi
    leaq    0x28(%rsp), %rdi
    movl    $7, %ecx
    rep movsq
2:
    movq    0x10(%rbx), %r10
    movq    0x18(%rbx), %rdx
    movq    0x20(%rbx), %r8
    movq    0x28(%rbx), %r9
    movl    (%rbx), %eax
    syscall
    decq    %r13
    jnz     2b
    movq    %rax, 0x08(%rbx)
    addq    $0x68, %rsp
    jmp     Ring3Exit

/* With no stack that could be read: the arguments of the stack are not to be had. */
ROUTINE Ring3NoStack
    movq    %rcx, %r12
    movl    (%rcx), %eax
    movq    %rsp, %r13
    movq    $0x1000, %rsp
    syscall
    movq    %rax, 0x08(%r12)
    movq    $0xfffff78000000000, %rsp
    movl    (%r12), %eax
    syscall
    movq    %rax, 0x10(%r12)
    movq    $0xffffffffffffffe0, %rsp
    movl    (%r12), %eax
    syscall
    movq    %rax, 0x18(%r12)
    movq    %r13, %rsp
    jmp     Ring3Exit

/* rcx: the exit status. */
ROUTINE Ring3Exit
    xorl    %r10d, %r10d
    movl    $0x12345, %edx
    movl    $SERVICE_NtTerminateThread, %eax
    syscall
    ud2

/* Writes its progress for ever; ended from outside. */
ROUTINE Ring3Spin
    incq    (%rcx)
    jmp     Ring3Spin

/* Waits for the handle at 0 of the page, for ever; then counts. */
ROUTINE Ring3Wait
    movq    %rcx, %r12
1:
    movq    (%r12), %r10
    xorl    %edx, %edx
    xorl    %r8d, %r8d
    movl    $SERVICE_NtWaitForSingleObject, %eax
    syscall
    incq    0x08(%r12)
    jmp     1b

/*
 * Starts a read of the handle at 0 with an APC routine and waits alertably for the event at 8.
 * Page: 10h status block; 20h status of the read, 28h of the wait, 30h-40h what the routine was
 * given, 48h how often it ran; 50h rbx and r12 after the wait.
 */
ROUTINE Ring3ReadWithApc
    movq    %rcx, %r12
    movq    $0xbbbb, %rbx
    subq    $0x68, %rsp
    leaq    0x10(%r12), %rax
    movq    %rax, 0x28(%rsp)
    leaq    0x100(%r12), %rax
    movq    %rax, 0x30(%rsp)
    movq    $8, 0x38(%rsp)
    leaq    0x80(%r12), %rax
    movq    %rax, 0x40(%rsp)
    movq    $0, 0x48(%rsp)
    movq    (%r12), %r10
    xorl    %edx, %edx
    leaq    Ring3ApcRoutine(%rip), %r8
    movq    %r12, %r9
    movl    $SERVICE_NtReadFile, %eax
    syscall
    movq    %rax, 0x20(%r12)
    movq    0x08(%r12), %r10
    movl    $1, %edx
    xorl    %r8d, %r8d
    movl    $SERVICE_NtWaitForSingleObject, %eax
    syscall
    movq    %rax, 0x28(%r12)
    movq    %rbx, 0x50(%r12)
    movq    %r12, 0x58(%r12)
    addq    $0x68, %rsp
    jmp     Ring3Exit

ROUTINE Ring3ApcRoutine
    movq    %rcx, 0x30(%rcx)
    movq    %rdx, 0x38(%rcx)
    movq    %r8, 0x40(%rcx)
    incq    0x48(%rcx)
    xorl    %ebx, %ebx
    retq

/*
 * Fills XMM, MMX (the x87 stack), MXCSR and the x87 control word with what no other thread has and
 * looks whether they stay. Page: 0 threads so far; 8 not 0: end; 10h how often something was
 * wrong; 18h what; from 20h on each thread's rounds. r15 is the thread's number from 1 on.
 */
ROUTINE Ring3KeepFloating
    movq    %rcx, %r12
    movl    $1, %r15d
    lock xaddq %r15, (%rcx)
    incq    %r15
    movabsq $0x0101010101010101, %rbx
    imulq   %r15, %rbx
    subq    $0x28, %rsp
    movl    %r15d, %eax
    shll    $13, %eax            /* rounding */
    andl    $0x6000, %eax
    orl     $0x1f80, %eax
    movl    %eax, 0x10(%rsp)
    ldmxcsr 0x10(%rsp)
    movl    %r15d, %eax
    shll    $10, %eax
    andl    $0xc00, %eax
    orl     $0x37f, %eax
    movw    %ax, 0x18(%rsp)
    fldcw   0x18(%rsp)
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    leaq    \number(%rbx), %rax
    movq    %rax, %mm\number
    .endr
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    leaq    0x10 + \number(%rbx), %rax
    movq    %rax, %xmm\number
    pinsrw  $7, %r15d, %xmm\number
    .endr
1:
    xorl    %r13d, %r13d
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    movq    %mm\number, %rax
    leaq    \number(%rbx), %rdx
    xorq    %rdx, %rax
    orq     %rax, %r13
    .endr
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq    %xmm\number, %rax
    leaq    0x10 + \number(%rbx), %rdx
    xorq    %rdx, %rax
    orq     %rax, %r13
    pextrw  $7, %xmm\number, %eax
    xorq    %r15, %rax
    orq     %rax, %r13
    .endr
    stmxcsr 0x14(%rsp)
    movl    0x14(%rsp), %eax
    xorl    0x10(%rsp), %eax
    orq     %rax, %r13
    fnstcw  0x1a(%rsp)
    movzwl  0x1a(%rsp), %eax
    xorw    0x18(%rsp), %ax
    orq     %rax, %r13
    jz      2f
    incq    0x10(%r12)
    movq    %r13, 0x18(%r12)
2:
    incq    0x18(%r12,%r15,8)
    movl    $SERVICE_NtTestAlert, %eax
    syscall
    cmpq    $0, 0x08(%r12)
    je      1b
    addq    $0x28, %rsp
    jmp     Ring3Exit

/*
 * Waits alertably for the event at 0 of the page, with a state that nothing else has. Page: 10h-28h
 * r12-r15, 30h xmm6, 38h xmm15, 40h mm7, 48h the x87 control word, all after the wait.
 */
ROUTINE Ring3WaitWithState
    movq    %rcx, %rbx
    movq    $0x1212, %r12
    movq    $0x1313, %r13
    movq    $0x1414, %r14
    movq    $0x1515, %r15
    movq    %r12, %xmm6
    movq    %r13, %xmm15
    movq    %r14, %mm7
    movw    $0x77f, 0x48(%rbx)
    fldcw   0x48(%rbx)
    movq    (%rbx), %r10
    movl    $1, %edx
    xorl    %r8d, %r8d
    movl    $SERVICE_NtWaitForSingleObject, %eax
    syscall
    movq    %r12, 0x10(%rbx)
    movq    %r13, 0x18(%rbx)
    movq    %r14, 0x20(%rbx)
    movq    %r15, 0x28(%rbx)
    movq    %xmm6, 0x30(%rbx)
    movq    %xmm15, 0x38(%rbx)
    movq    %mm7, 0x40(%rbx)
    fnstcw  0x48(%rbx)
    jmp     Ring3Exit

/*
 * The dispatcher of an APC whose context is the page: tells what the CONTEXT says, at 100h of the
 * page in the order of above; changes r13, xmm15, mm7 and the control word there; spoils them all
 * in the processor and goes back.
 */
ROUTINE Ring3StateDispatcher
    movq    (%rsp), %rcx
    .irp number, 12, 13, 14, 15
    movq    0xd8 + 8 * (\number - 12)(%rsp), %rax
    movq    %rax, 0x100 + 8 * (\number - 12)(%rcx)
    .endr
    movq    0x200(%rsp), %rax
    movq    %rax, 0x120(%rcx)
    movq    0x290(%rsp), %rax
    movq    %rax, 0x128(%rcx)
    movq    0x190(%rsp), %rax
    movq    %rax, 0x130(%rcx)
    movzwl  0x100(%rsp), %eax
    movq    %rax, 0x138(%rcx)
    movq    $0x3131, 0xe0(%rsp)
    movq    $0x5151, 0x290(%rsp)
    movq    $0x7171, 0x190(%rsp)
    movw    $0xb7f, 0x100(%rsp)
    fninit
    xorl    %r12d, %r12d
    xorl    %r13d, %r13d
    xorl    %r14d, %r14d
    xorl    %r15d, %r15d
    pxor    %xmm6, %xmm6
    pxor    %xmm15, %xmm15
    jmp     Ring3Continue

ROUTINE Ring3ApcDispatcher
    movq    0x00(%rsp), %rcx
    movq    0x08(%rsp), %rdx
    movq    0x10(%rsp), %r8
    movq    0x18(%rsp), %rax
    subq    $0x20, %rsp
    callq   *%rax
    addq    $0x20, %rsp
    jmp     Ring3Continue

/* rsp: the CONTEXT. */
ROUTINE Ring3Continue
    movq    %rsp, %r10
    movl    $1, %edx
    movl    $SERVICE_NtContinue, %eax
    syscall
    ud2

/* ---- what ring 3 may not do, each at an address of its own ---- */
ROUTINE Ring3Privileged
    cli
ROUTINE Ring3Undefined
    ud2
ROUTINE Ring3Breakpoint
    int3
ROUTINE Ring3Divide
    xorl    %edx, %edx
    xorl    %ecx, %ecx
    divl    %ecx
ROUTINE Ring3ReadKernel
    movabsq $0xfffff78000000014, %rax
    movq    (%rax), %rax
ROUTINE Ring3ReadNothing
    movq    0x1000, %rax
ROUTINE Ring3ReadNonCanonical
    movabsq $0x1234567812345678, %rax
    movq    (%rax), %rax
ROUTINE Ring3StackNonCanonical
    movabsq $0x1234567812345678, %rsp
    pushq   %rax
ROUTINE Ring3JumpKernel
    movabsq $0xfffff78000000014, %rax
    jmp     *%rax
ROUTINE Ring3JumpData
    jmp     *%rcx
ROUTINE Ring3WriteCode
    movq    %rax, Ring3Program(%rip)
ROUTINE Ring3Trap
    pushfq
    orq     $0x100, (%rsp)
    popfq
    nop
    nop
ROUTINE Ring3FastFail
    movl    $7, %ecx
    int     $0x29
ROUTINE Ring3DebugPrint
    movl    $1, %eax
    movabsq $0xfffff78000000014, %rcx
    movl    $0x1000, %edx
    int     $0x2d
    int3
ROUTINE Ring3Interrupt
    int     $0xd1
ROUTINE Ring3CompatibilitySyscall
    pushq   $0x23
    leaq    1f(%rip), %rax
    pushq   %rax
    lretq
    .code32
1:
    movl    $0xffff, %eax
    syscall
    .code64
    ud2
ROUTINE Ring3BadGs
    movl    $0x2b, %eax
    movw    %ax, %gs
    movl    $0xffff, %eax
    syscall
    movq    %gs:0x30, %rax
ROUTINE Ring3ProgramEnd
