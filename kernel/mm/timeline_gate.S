# SPDX-License-Identifier: MIT
#
# The gate of a recorded run (vf/timeline.h), in place of the one in kernel_call_gate.S: it calls
# the routine and so sees it return. r11 is the VF_IMPORT of the call.
#
# Arguments on the stack are copied, STACK_ARGUMENTS of them: more than any routine takes that is
# not variadic. The variadic ones, and those that look at their caller's frame, have OnlyEntered set
# and are jumped to. Who asks for his return address gets the driver's: KI_RETURN_ADDRESS.
#include "mm/gate_registers.inc"

    .set IMPORT_ONLY_ENTERED, 48
    .set STACK_ARGUMENTS, 14
    .set OUTGOING, 0x20                 # behind the home area of the called routine
    .set SAVED_XMM, 0x90
    .set SAVED_IMPORT, 0xd0
    .set GATE_FRAME, 0xd8               # KI_TIMELINE_GATE_FRAME
    .set RETURN_ADDRESS, GATE_FRAME
    .set HOME, GATE_FRAME + 8

    .text
    .globl MiTimelineGate
    .globl MiTimelineGateReturn
    .globl MiTimelineGateEnd
    .def MiTimelineGate; .scl 2; .type 32; .endef
    .seh_proc MiTimelineGate
MiTimelineGate:
    subq $GATE_FRAME, %rsp
    .seh_stackalloc GATE_FRAME
    .seh_endprologue
    ENTER_KERNEL_CALL
    cmpb $0, IMPORT_ONLY_ENTERED(%r11)
    jne 1f
    .set ARGUMENT, 0
    .rept STACK_ARGUMENTS
    movq HOME+0x20+ARGUMENT(%rsp), %rax
    movq %rax, OUTGOING+ARGUMENT(%rsp)
    .set ARGUMENT, ARGUMENT + 8
    .endr
    RESTORE_INTEGER_ARGUMENTS
    call *IMPORT_TARGET(%r11)
MiTimelineGateReturn:
    movq SAVED_IMPORT(%rsp), %rcx
    movq RETURN_ADDRESS(%rsp), %rdx
    movq %rax, %r8
    leaq HOME(%rsp), %r9
    movq %rax, SAVED_IMPORT(%rsp)
    movaps %xmm0, SAVED_XMM(%rsp)
    call VfLeaveKernelCall
    movaps SAVED_XMM(%rsp), %xmm0
    movq SAVED_IMPORT(%rsp), %rax
    addq $GATE_FRAME, %rsp
    ret
1:
    RESTORE_INTEGER_ARGUMENTS
    addq $GATE_FRAME, %rsp
    jmp *IMPORT_TARGET(%r11)
MiTimelineGateEnd:
    .seh_endproc
