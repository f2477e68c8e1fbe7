/* SPDX-License-Identifier: MIT */
/* The stubs that ntdll has on Windows: a service is called as any function is. */
#include "wire/system_service.h"

    .text

.macro SERVICE name, number
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .p2align 4
\name:
    movq    %rcx, %r10
    movl    $\number, %eax
    syscall
    retq
.endm

    SERVICE NtClose, SERVICE_NtClose
    SERVICE NtContinue, SERVICE_NtContinue
    SERVICE NtCreateEvent, SERVICE_NtCreateEvent
    SERVICE NtCreateFile, SERVICE_NtCreateFile
    SERVICE NtDeviceIoControlFile, SERVICE_NtDeviceIoControlFile
    SERVICE NtNextClientRequest, SERVICE_NtNextClientRequest
    SERVICE NtReadFile, SERVICE_NtReadFile
    SERVICE NtTerminateThread, SERVICE_NtTerminateThread
    SERVICE NtWaitForSingleObject, SERVICE_NtWaitForSingleObject
    SERVICE NtWriteFile, SERVICE_NtWriteFile

/*
 * Where the kernel sends a thread that has a user APC: rsp is at a CONTEXT (kernel/ke/user_apc.c).
 */
    .globl KiUserApcDispatcher
    .def KiUserApcDispatcher; .scl 2; .type 32; .endef
    .p2align 4
KiUserApcDispatcher:
    movq    0x00(%rsp), %rcx
    movq    0x08(%rsp), %rdx
    movq    0x10(%rsp), %r8
    movq    0x18(%rsp), %rax
    movq    %rsp, %rbx
    subq    $0x20, %rsp
    callq   *%rax
    movq    %rbx, %rcx
    movl    $1, %edx
    callq   NtContinue
    ud2
