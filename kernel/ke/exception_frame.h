/* SPDX-License-Identifier: MIT */
/*
 * For assembly: KEXCEPTION_FRAME (se/se_internal.h, which checks the offsets), the part of a
 * processor's state that C code preserves and a KTRAP_FRAME therefore has not.
 */
#define EXCEPTION_FRAME_SIZE 0x140
#define EXCEPTION_FRAME_XMM6 0x30
#define EXCEPTION_FRAME_R12 0x118

/* To a frame at rsp. prologue=1: with unwind data, in a function's prologue. */
.macro SAVE_EXCEPTION_FRAME prologue=0
    .irp number, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps  %xmm\number, EXCEPTION_FRAME_XMM6 + 0x10 * (\number - 6)(%rsp)
    .if \prologue
    .seh_savexmm %xmm\number, EXCEPTION_FRAME_XMM6 + 0x10 * (\number - 6)
    .endif
    .endr
    .irp number, 12, 13, 14, 15
    movq    %r\number, EXCEPTION_FRAME_R12 + 8 * (\number - 12)(%rsp)
    .if \prologue
    .seh_savereg %r\number, EXCEPTION_FRAME_R12 + 8 * (\number - 12)
    .endif
    .endr
.endm

/* From a frame at rsp. */
.macro LOAD_EXCEPTION_FRAME
    .irp number, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movaps  EXCEPTION_FRAME_XMM6 + 0x10 * (\number - 6)(%rsp), %xmm\number
    .endr
    .irp number, 12, 13, 14, 15
    movq    EXCEPTION_FRAME_R12 + 8 * (\number - 12)(%rsp), %r\number
    .endr
.endm
