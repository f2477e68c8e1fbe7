# SPDX-License-Identifier: MIT
#
# ULONG64 TestStep(VOID (*Routine)(PVOID Context), PVOID Context): calls Routine(Context) with the
# trap flag set and returns how many instructions ran, give or take the few around the call.
# TestStepTrap must be the handler of vector 1, and interrupts off: see test_cost.h.
    .text
    .globl TestStep
    .def TestStep; .scl 2; .type 32; .endef
TestStep:
    subq $40, %rsp
    movq %rcx, %rax
    movq %rdx, %rcx
    movq $0, TestSteps(%rip)
    pushfq
    orq $0x100, (%rsp)
    popfq
    call *%rax
    pushfq
    andq $~0x100, (%rsp)
    popfq
    movq TestSteps(%rip), %rax
    addq $40, %rsp
    ret

# The processor clears the flag on entry and iretq sets it again.
    .globl TestStepTrap
    .def TestStepTrap; .scl 2; .type 32; .endef
TestStepTrap:
    incq TestSteps(%rip)
    iretq

    .data
    .balign 8
TestSteps:
    .quad 0
