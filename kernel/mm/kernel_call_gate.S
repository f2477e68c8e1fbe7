# SPDX-License-Identifier: MIT
#
# Page-out modes always and random: a driver's call of a kernel routine comes here first, with the
# routine in r11. Argument registers, integer and floating point, are kept; stack arguments stay
# where they are, as the gate leaves by a jump.
    .text
    .globl MiKernelCallGate
    .def MiKernelCallGate; .scl 2; .type 32; .endef
    .seh_proc MiKernelCallGate
MiKernelCallGate:
    subq $0x98, %rsp
    .seh_stackalloc 0x98
    .seh_endprologue
    movq %rcx, 0x20(%rsp)
    movq %rdx, 0x28(%rsp)
    movq %r8, 0x30(%rsp)
    movq %r9, 0x38(%rsp)
    movq %r11, 0x40(%rsp)
    movaps %xmm0, 0x50(%rsp)
    movaps %xmm1, 0x60(%rsp)
    movaps %xmm2, 0x70(%rsp)
    movaps %xmm3, 0x80(%rsp)
    call MmNotifyKernelCall
    movaps 0x80(%rsp), %xmm3
    movaps 0x70(%rsp), %xmm2
    movaps 0x60(%rsp), %xmm1
    movaps 0x50(%rsp), %xmm0
    movq 0x40(%rsp), %r11
    movq 0x38(%rsp), %r9
    movq 0x30(%rsp), %r8
    movq 0x28(%rsp), %rdx
    movq 0x20(%rsp), %rcx
    addq $0x98, %rsp
    jmp *%r11
    .seh_endproc
