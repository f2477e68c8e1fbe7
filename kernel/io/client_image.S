/* SPDX-License-Identifier: MIT */
/* The bytes of client.exe (user/), which is in the kernel so that no boot is without it. */
    .section .rdata,"dr"
    .globl IopClientImage
    .globl IopClientImageEnd
    .p2align 12
IopClientImage:
    .incbin "client.exe"
IopClientImageEnd:
    .byte 0
