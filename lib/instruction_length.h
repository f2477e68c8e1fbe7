/* SPDX-License-Identifier: MIT */
/*
 * How many bytes an x86-64 instruction has. Pure and bounded: hostile bytes are read within Size
 * only, and at most 15 of them.
 *
 * Known: the one-byte, 0F, 0F38 and 0F3A maps, 3DNow!, VEX, EVEX and XOP. Whether an opcode exists
 * on some processor is not looked at beyond what the length needs, with one exception: what 64-bit
 * mode has taken away is refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INSTRUCTION_MAXIMUM 15

/* The length of the instruction at Code, or 0: invalid, or not whole within Size bytes. */
uint32_t InstructionLength(const uint8_t *Code, size_t Size);

/*
 * Whether the bytes are `mov cr8, reg`, four bytes 44/45/4C/4D 0F 22 C0..C7; if so, *Register is
 * the number of the source register (0 rax .. 15 r15).
 */
int InstructionWritesCr8(const uint8_t *Code, size_t Size, uint32_t *Register);
