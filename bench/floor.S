# SPDX-License-Identifier: MIT
#
# The floors that bench/guest.c measures against: the least the machine can do for each operation.
    .text

# Page fault handler for the soft-fault floor: sets P in the one entry, and returns.
    .globl BenchFloorPageFault
    .def BenchFloorPageFault; .scl 2; .type 32; .endef
BenchFloorPageFault:
    pushq %rax
    movq BenchFloorPte(%rip), %rax
    orb $1, (%rax)
    popq %rax
    addq $8, %rsp
    iretq

# VOID BenchFloorSwitch(PVOID *SaveStack, PVOID LoadStack): the bare switch of stacks, with the
# registers that the x64 convention wants kept.
    .globl BenchFloorSwitch
    .def BenchFloorSwitch; .scl 2; .type 32; .endef
BenchFloorSwitch:
    pushq %rbx
    pushq %rbp
    pushq %rdi
    pushq %rsi
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rcx)
    movq %rdx, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rsi
    popq %rdi
    popq %rbp
    popq %rbx
    ret

    .data
    .globl BenchFloorPte
    .balign 8
BenchFloorPte:
    .quad 0
