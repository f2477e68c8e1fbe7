/* SPDX-License-Identifier: MIT */
/* System calls of any number with any arguments. fuzz_program.h says what each routine does. */
#include "wire/system_service.h"

    .set CONTEXT_RSP, 0x98
    .set CONTEXT_RIP, 0xf8

    .text
.macro ROUTINE name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .p2align 4
\name:
.endm

ROUTINE FuzzCall
    subq    $0x68, %rsp
    movq    %rcx, %rax
    movq    %rdx, %r11
    .irp slot, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50
    movq    \slot(%r11), %r10
    movq    %r10, \slot + 8(%rsp)
    .endr
    movq    0x00(%r11), %r10
    movq    0x08(%r11), %rdx
    movq    0x10(%r11), %r8
    movq    0x18(%r11), %r9
    syscall
    addq    $0x68, %rsp
    retq

ROUTINE FuzzContinue
    pushq   %rbx
    pushq   %rbp
    pushq   %rdi
    pushq   %rsi
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    testb   %r8b, %r8b
    jz      1f
    leaq    FuzzResume(%rip), %rax
    movq    %rax, CONTEXT_RIP(%rcx)
    movq    %rsp, CONTEXT_RSP(%rcx)
1:
    movq    %rcx, %r10
    movl    $SERVICE_NtContinue, %eax
    syscall
FuzzResume:
    cld
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rsi
    popq    %rdi
    popq    %rbp
    popq    %rbx
    retq

ROUTINE FuzzApcRoutine
    retq

/* What the compiler may call. */
ROUTINE memset
    movq    %rdi, %r11
    movq    %rcx, %rax
    movq    %rcx, %rdi
    movq    %r8, %rcx
    xchgq   %rax, %rdx
    rep stosb
    movq    %rdx, %rax
    movq    %r11, %rdi
    retq

ROUTINE memcpy
    movq    %rdi, %r11
    movq    %rsi, %r10
    movq    %rcx, %rax
    movq    %rcx, %rdi
    movq    %rdx, %rsi
    movq    %r8, %rcx
    rep movsb
    movq    %r11, %rdi
    movq    %r10, %rsi
    retq
