# SPDX-License-Identifier: MIT
#
# The gate: a driver's call of a kernel routine comes here first when drivers are verified, or when
# pages leave at kernel calls. r11 is the VF_IMPORT of the call.
#
# The caller's home area receives the register arguments, so that the verifier sees all arguments in
# a row; the area is the called routine's to write. Argument registers, integer and floating point,
# are kept; stack arguments stay where they are, as the gate leaves by a jump.
    .set IMPORT_TARGET, 0
    .set GATE_SPACE, 0x78
    .set SAVED_IMPORT, 0x20
    .set SAVED_XMM, 0x30
    .set RETURN_ADDRESS, GATE_SPACE
    .set HOME, GATE_SPACE + 8

    .text
    .globl MiKernelCallGate
    .def MiKernelCallGate; .scl 2; .type 32; .endef
    .seh_proc MiKernelCallGate
MiKernelCallGate:
    subq $GATE_SPACE, %rsp
    .seh_stackalloc GATE_SPACE
    .seh_endprologue
    movq %rcx, HOME+0x00(%rsp)
    movq %rdx, HOME+0x08(%rsp)
    movq %r8, HOME+0x10(%rsp)
    movq %r9, HOME+0x18(%rsp)
    movq %r11, SAVED_IMPORT(%rsp)
    movaps %xmm0, SAVED_XMM+0x00(%rsp)
    movaps %xmm1, SAVED_XMM+0x10(%rsp)
    movaps %xmm2, SAVED_XMM+0x20(%rsp)
    movaps %xmm3, SAVED_XMM+0x30(%rsp)
    movq %r11, %rcx
    movq RETURN_ADDRESS(%rsp), %rdx
    leaq HOME(%rsp), %r8
    call VfEnterKernelCall
    movaps SAVED_XMM+0x30(%rsp), %xmm3
    movaps SAVED_XMM+0x20(%rsp), %xmm2
    movaps SAVED_XMM+0x10(%rsp), %xmm1
    movaps SAVED_XMM+0x00(%rsp), %xmm0
    movq SAVED_IMPORT(%rsp), %r11
    movq HOME+0x18(%rsp), %r9
    movq HOME+0x10(%rsp), %r8
    movq HOME+0x08(%rsp), %rdx
    movq HOME+0x00(%rsp), %rcx
    addq $GATE_SPACE, %rsp
    jmp *IMPORT_TARGET(%r11)
    .seh_endproc
