/* SPDX-License-Identifier: MIT */
/*
 * QEMU's edu device, a PCI device for teaching: registers in BAR 0, to be accessed as 4 bytes
 * (those from 80h on as 8, too).
 * Source: "EDU device" of QEMU 7.2's specifications (edu.txt).
 */
#pragma once

#define EDU_VENDOR_ID 0x1234
#define EDU_DEVICE_ID 0x11e8

#define EDU_REGISTERS_SIZE 0x100 /* of 1 MB; the rest is its DMA buffer */

#define EDU_IDENTIFICATION 0x00   /* RRrr00EDh: major and minor version */
#define EDU_LIVENESS 0x04         /* gives back the complement of what is written */
#define EDU_FACTORIAL 0x08        /* a number; when computed, its factorial */
#define EDU_STATUS 0x20
#define EDU_INTERRUPT_STATUS 0x24 /* the bits that were raised and not acknowledged */
#define EDU_INTERRUPT_RAISE 0x60  /* sets these bits; the line is up while any is set */
#define EDU_INTERRUPT_ACKNOWLEDGE 0x64 /* clears these bits */

/* 8 bytes each. An address has 28 bits, or is one of the buffer. */
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98 /* reads 1 in bit 0 while a transfer runs */

#define EDU_DMA_START 0x1
#define EDU_DMA_FROM_DEVICE 0x2
#define EDU_DMA_BUFFER 0x40000u /* the device's own memory, in its addresses */
/* Of its 4096 bytes: QEMU 7.2 takes a transfer of all for one that is too long, and ends. */
#define EDU_DMA_MOST 4095u

#define EDU_STATUS_COMPUTING 0x01
#define EDU_STATUS_INTERRUPT 0x80   /* an interrupt when a factorial is there ... */
#define EDU_INTERRUPT_FACTORIAL 0x01 /* ... of this bit */
