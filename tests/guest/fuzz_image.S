/* SPDX-License-Identifier: MIT */
/* The bytes of fuzz.exe (tests/user). */
    .section .rdata,"dr"
    .globl FuzzImage
    .globl FuzzImageEnd
    .p2align 12
FuzzImage:
    .incbin "fuzz.exe"
FuzzImageEnd:
    .byte 0
