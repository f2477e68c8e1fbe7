# SPDX-License-Identifier: MIT
#
# VOID MiZeroPage(PVOID Page): SSE stores, as an emulator runs rep stos fourteen times slower.
# Only xmm0 is changed, which is volatile; trap entries have saved it.
    .text
    .globl MiZeroPage
    .def MiZeroPage; .scl 2; .type 32; .endef
    .seh_proc MiZeroPage
MiZeroPage:
    .seh_endprologue
    xorps %xmm0, %xmm0
    leaq 4096(%rcx), %rax
1:  movaps %xmm0, (%rcx)
    movaps %xmm0, 16(%rcx)
    movaps %xmm0, 32(%rcx)
    movaps %xmm0, 48(%rcx)
    movaps %xmm0, 64(%rcx)
    movaps %xmm0, 80(%rcx)
    movaps %xmm0, 96(%rcx)
    movaps %xmm0, 112(%rcx)
    subq $-128, %rcx
    cmpq %rax, %rcx
    jb 1b
    ret
    .seh_endproc
