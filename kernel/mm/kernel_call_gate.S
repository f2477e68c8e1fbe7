# SPDX-License-Identifier: MIT
#
# The gate: a driver's call of a kernel routine comes here first when drivers are verified, or when
# pages leave at kernel calls. r11 is the VF_IMPORT of the call.
#
# Argument registers, integer and floating point, are kept; stack arguments stay where they are, as
# the gate leaves by a jump.
#include "mm/gate_registers.inc"

    .set GATE_SPACE, 0x78
    .set SAVED_IMPORT, 0x20
    .set SAVED_XMM, 0x30
    .set RETURN_ADDRESS, GATE_SPACE
    .set HOME, GATE_SPACE + 8

    .text
    .globl MiKernelCallGate
    .globl MiKernelCallGateEnd
    .def MiKernelCallGate; .scl 2; .type 32; .endef
    .seh_proc MiKernelCallGate
MiKernelCallGate:
    subq $GATE_SPACE, %rsp
    .seh_stackalloc GATE_SPACE
    .seh_endprologue
    ENTER_KERNEL_CALL
    RESTORE_INTEGER_ARGUMENTS
    addq $GATE_SPACE, %rsp
    jmp *IMPORT_TARGET(%r11)
MiKernelCallGateEnd:
    .seh_endproc
