/* SPDX-License-Identifier: MIT */
/* Loading the descriptor tables: what C cannot say. */
    .set R0_CODE, 0x10
    .set R0_DATA, 0x18
    .set R3_DATA, 0x28 | 3
    .set R3_TEB, 0x50 | 3
    .set SYS_TSS, 0x40

    .text

/*
 * VOID KiLoadDescriptorTables(const KI_TABLE_POINTER *Gdt, const KI_TABLE_POINTER *Idt)
 * Interrupts off. Loading gs clears its base: the caller sets it afterwards.
 */
    .globl KiLoadDescriptorTables
    .def KiLoadDescriptorTables; .scl 2; .type 32; .endef
    .p2align 4
KiLoadDescriptorTables:
    lgdt    (%rcx)
    lidt    (%rdx)
    movl    $R0_DATA, %eax
    movl    %eax, %ss
    movl    $R3_DATA, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %gs
    movl    $R3_TEB, %eax
    movl    %eax, %fs
    movl    $SYS_TSS, %eax
    ltr     %ax
    popq    %rax
    pushq   $R0_CODE
    pushq   %rax
    lretq
