/* SPDX-License-Identifier: MIT */
/*
 * Sequenced singly linked lists: a 16-byte header changed as a whole by cmpxchg16b. Its low half
 * has the depth in bits 0..15 and a number above it that each change increments, so a header that
 * went through A, B, A is not taken for unchanged. Any IRQL at which header and entries are
 * resident.
 *
 * Pop reads the first entry's link before it owns the entry. Another processor, or an interrupt
 * here, may pop and free that entry in between; its page may even be gone. The exchange would fail
 * then, but the read faults first. So a page fault whose RIP is ExpInterlockedPopEntrySListFault,
 * on an address that is not valid, is no error: the trap handler continues at
 * ExpInterlockedPopEntrySListResume, which reads the header anew. (A fault that Mm can resolve, as
 * for a list in paged pool, is resolved and the instruction retried.)
 */
    .text

/* PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER rcx) */
    .globl ExpInterlockedPopEntrySList
    .globl ExpInterlockedPopEntrySListResume
    .globl ExpInterlockedPopEntrySListFault
    .p2align 4
    .seh_proc ExpInterlockedPopEntrySList
ExpInterlockedPopEntrySList:
    pushq %rbx
    .seh_pushreg %rbx
    .seh_endprologue
    movq %rcx, %r8
ExpInterlockedPopEntrySListResume:
    movq (%r8), %rax
    movq 8(%r8), %rdx
1:  movq %rdx, %r9
    andq $-16, %r9
    jz 2f
    leaq 0xffff(%rax), %rbx             /* sequence + 1, depth - 1 */
ExpInterlockedPopEntrySListFault:
    movq (%r9), %rcx
    lock cmpxchg16b (%r8)
    jne 1b
2:  movq %r9, %rax
    popq %rbx
    ret
    .seh_endproc

/*
 * PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER rcx, PSLIST_ENTRY rdx): the former first
 */
    .globl ExpInterlockedPushEntrySList
    .p2align 4
    .seh_proc ExpInterlockedPushEntrySList
ExpInterlockedPushEntrySList:
    pushq %rbx
    .seh_pushreg %rbx
    .seh_endprologue
    movq %rcx, %r8
    movq %rdx, %r9
    movq (%r8), %rax
    movq 8(%r8), %rdx
1:  movq %rdx, %r10
    andq $-16, %r10
    movq %r10, (%r9)
    leaq 0x10001(%rax), %rbx            /* sequence + 1, depth + 1 */
    movq %r9, %rcx
    lock cmpxchg16b (%r8)
    jne 1b
    movq %r10, %rax
    popq %rbx
    ret
    .seh_endproc

/* PSLIST_ENTRY ExpInterlockedFlushSList(PSLIST_HEADER rcx): all entries, in order */
    .globl ExpInterlockedFlushSList
    .p2align 4
    .seh_proc ExpInterlockedFlushSList
ExpInterlockedFlushSList:
    pushq %rbx
    .seh_pushreg %rbx
    .seh_endprologue
    movq %rcx, %r8
    movq (%r8), %rax
    movq 8(%r8), %rdx
1:  movq %rdx, %r9
    andq $-16, %r9
    jz 2f
    movq %rax, %rbx
    andq $-0x10000, %rbx                /* depth 0 */
    addq $0x10000, %rbx                 /* sequence + 1 */
    xorl %ecx, %ecx
    lock cmpxchg16b (%r8)
    jne 1b
2:  movq %r9, %rax
    popq %rbx
    ret
    .seh_endproc
