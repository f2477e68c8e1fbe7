/* SPDX-License-Identifier: MIT */
/*
 * __chkstk: the compiler calls it before it moves rsp down by rax bytes (frames over 4 KiB). Each
 * page is touched in order, from rsp down, so that a frame too large for the stack meets the guard
 * page under it (double fault, bug check 0x7F) instead of stepping over into other memory. Changes
 * r10 and r11 only; the caller subtracts rax itself.
 */
    .text

    .globl __chkstk
    .def __chkstk; .scl 2; .type 32; .endef
    .p2align 4
__chkstk:
    .seh_proc __chkstk
    .seh_endprologue
    leaq    8(%rsp), %r10               /* rsp of the caller */
    movq    %r10, %r11
    subq    %rax, %r11                  /* where its frame will end */
    jae     1f
    xorl    %r11d, %r11d                /* more than the address space: run into the guard page */
1:
    andq    $-0x1000, %r10
2:
    cmpq    %r11, %r10
    jbe     3f
    subq    $0x1000, %r10
    testb   %al, (%r10)
    jmp     2b
3:
    retq
    .seh_endproc
