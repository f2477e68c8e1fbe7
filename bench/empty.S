# SPDX-License-Identifier: MIT
# The floor of a start: a PVH kernel whose first instructions leave the machine.
    .section .note.pvh, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long Entry
    .text
    .code32
    .globl Entry
Entry:
    movb $1, %al
    outb %al, $0xf4
    hlt
