/* SPDX-License-Identifier: MIT */
/*
 * From the PVH entry (32-bit protected mode, paging off, ebx = hvm_start_info) to long mode with
 * the first 4 GB identity mapped, and from there to BootMain; the exception stubs; and the last
 * jump, into the kernel.
 */
    .set CR0_PE, 1 << 0
    .set CR0_MP, 1 << 1
    .set CR0_NE, 1 << 5
    .set CR0_WP, 1 << 16
    .set CR0_PG, 1 << 31
    .set CR4_PAE, 1 << 5
    .set MSR_EFER, 0xc0000080
    .set EFER_SCE_LME_NXE, 1 << 0 | 1 << 8 | 1 << 11
    .set CPUID_NX, 1 << 20
    .set CPUID_LM, 1 << 29
    .set BOOT_STACK_SIZE, 0x8000
    .set DEBUG_CONSOLE, 0xe9
    .set EXIT_PORT, 0xf4
    .set EXIT_BOOT_FAILURE, 0x7e /* GUEST_EXIT_BOOT_FAILURE of include/wire/exit_codes.h */

    .section .note.Xen, "a", @note
    .p2align 2
    .long 4, 8, 18 /* name and descriptor size; type XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad BootStart

    .text
    .code32
    .globl BootStart
BootStart:
    cli
    cld
    movl    $BootStackEnd, %esp
    movl    %ebx, %ebp

    movl    $0x80000000, %eax
    cpuid
    cmpl    $0x80000001, %eax
    jb      BootNoLongMode
    movl    $0x80000001, %eax
    cpuid
    andl    $CPUID_LM | CPUID_NX, %edx
    cmpl    $CPUID_LM | CPUID_NX, %edx
    jne     BootNoLongMode

    /* Four page directories of 2 MB pages: all below 4 GB at its own address. */
    movl    $BootIdentityDirectories, %edi
    movl    $0x83, %eax
1:  movl    %eax, (%edi)
    movl    $0, 4(%edi)
    addl    $8, %edi
    addl    $0x200000, %eax
    jnc     1b
    movl    $BootIdentityDirectories + 3, %eax
    movl    $BootIdentityPointers, %edi
    movl    $4, %ecx
2:  movl    %eax, (%edi)
    addl    $8, %edi
    addl    $0x1000, %eax
    loop    2b
    movl    $BootIdentityPointers + 3, BootIdentityRoot

    movl    $CR4_PAE, %eax
    movl    %eax, %cr4
    movl    $BootIdentityRoot, %eax
    movl    %eax, %cr3
    movl    $MSR_EFER, %ecx
    movl    $EFER_SCE_LME_NXE, %eax
    xorl    %edx, %edx
    wrmsr
    movl    $CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_PG, %eax
    movl    %eax, %cr0
    lgdt    BootGdtPointer
    ljmp    $0x08, $BootLongMode

BootNoLongMode:
    movl    $BootNoLongModeText, %esi
3:  lodsb
    testb   %al, %al
    jz      4f
    outb    %al, $DEBUG_CONSOLE
    jmp     3b
4:  movb    $EXIT_BOOT_FAILURE, %al
    outb    %al, $EXIT_PORT
5:  hlt
    jmp     5b

    .code64
BootLongMode:
    movl    $0x10, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    xorl    %eax, %eax
    movl    %eax, %fs
    movl    %eax, %gs
    movl    $BootStackEnd, %esp
    movl    %ebp, %edi
    xorl    %ebp, %ebp
    callq   BootMain
    ud2

/*
 * void BootEnterKernel(uint64_t Root, uint64_t Entry, uint64_t StackTop, uint64_t Block)
 * The new tables map this code at the same address. The kernel's ABI: first argument in rcx, a
 * home area of 32 bytes, and a return address, 0, at which a walk up the stack ends.
 */
    .globl BootEnterKernel
BootEnterKernel:
    movq    %rcx, %r8
    movq    %rdi, %cr3
    leaq    -0x20(%rdx), %rsp
    movq    %r8, %rcx
    pushq   $0
    xorl    %ebp, %ebp
    jmpq    *%rsi

/* Exceptions while booting: all end in BootException(vector, stack at the error code or rip). */
    .globl BootExceptionStubs
    .p2align 4
BootExceptionStubs:
    .set vector, 0
    .rept 32
    .p2align 4
    movl    $vector, %edi
    jmp     BootExceptionEntry
    .set vector, vector + 1
    .endr
BootExceptionEntry:
    movq    %rsp, %rsi
    andq    $-16, %rsp
    callq   BootException
    ud2

    .section .rodata
BootNoLongModeText:
    .asciz "boot: the processor has no long mode, or no no-execute bit\n"
    .p2align 3
BootGdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
BootGdtPointer:
    .word . - BootGdt - 1
    .long BootGdt

    .bss
    .p2align 12
BootIdentityRoot:
    .skip 0x1000
    .globl BootIdentityPointers
BootIdentityPointers:
    .skip 0x1000
BootIdentityDirectories:
    .skip 0x4000
BootStack:
    .skip BOOT_STACK_SIZE
BootStackEnd:
