/* SPDX-License-Identifier: MIT */
/*
 * Frames with much to undo: non-volatile registers must be as the frame that takes the exception
 * had them; frames over 4 KiB. See seh_test.c.
 */
#ifdef SEH_NATIVE
#include "native_test.h"
#else
#include "test.h"
#endif
#include "nt/ke.h"
#include "nt/se.h"

#define NOINLINE __attribute__((noinline))
#define BAD_ADDRESS ((volatile ULONG *)0x10)
#define STATUS_TEST ((NTSTATUS)0xe0001234)

/*
 * SehClobber saves the non-volatile registers as its unwind data says, fills them with ones and
 * reads [rcx]. SehWithMarkedRegisters fills them with marks, calls Routine, and returns how many
 * of them are not as they were.
 */
VOID SehClobber(volatile ULONG *Address);
ULONG SehWithMarkedRegisters(VOID (*Routine)(VOID));
__asm__(".text\n"
        ".globl SehClobber\n"
        ".def SehClobber; .scl 2; .type 32; .endef\n"
        "SehClobber:\n"
        "    .seh_proc SehClobber\n"
        "    pushq %rbx\n .seh_pushreg %rbx\n"
        "    pushq %rsi\n .seh_pushreg %rsi\n"
        "    pushq %rdi\n .seh_pushreg %rdi\n"
        "    pushq %r12\n .seh_pushreg %r12\n"
        "    pushq %r13\n .seh_pushreg %r13\n"
        "    subq $0x50, %rsp\n .seh_stackalloc 0x50\n"
        "    movq %r14, 0x20(%rsp)\n .seh_savereg %r14, 0x20\n"
        "    movq %r15, 0x28(%rsp)\n .seh_savereg %r15, 0x28\n"
        "    movups %xmm6, 0x30(%rsp)\n .seh_savexmm %xmm6, 0x30\n"
        "    movups %xmm15, 0x40(%rsp)\n .seh_savexmm %xmm15, 0x40\n"
        "    .seh_endprologue\n"
        "    movq $-1, %rbx\n"
        "    movq %rbx, %rsi\n movq %rbx, %rdi\n movq %rbx, %r12\n"
        "    movq %rbx, %r13\n movq %rbx, %r14\n movq %rbx, %r15\n"
        "    pcmpeqd %xmm6, %xmm6\n pcmpeqd %xmm15, %xmm15\n"
        "    movl (%rcx), %eax\n"
        "    ud2\n"
        "    .seh_endproc\n"
        ".globl SehWithMarkedRegisters\n"
        ".def SehWithMarkedRegisters; .scl 2; .type 32; .endef\n"
        "SehWithMarkedRegisters:\n"
        "    .seh_proc SehWithMarkedRegisters\n"
        "    pushq %rbp\n .seh_pushreg %rbp\n"
        "    pushq %rbx\n .seh_pushreg %rbx\n"
        "    pushq %rsi\n .seh_pushreg %rsi\n"
        "    pushq %rdi\n .seh_pushreg %rdi\n"
        "    pushq %r12\n .seh_pushreg %r12\n"
        "    pushq %r13\n .seh_pushreg %r13\n"
        "    pushq %r14\n .seh_pushreg %r14\n"
        "    pushq %r15\n .seh_pushreg %r15\n"
        "    subq $0x48, %rsp\n .seh_stackalloc 0x48\n"
        "    movaps %xmm6, 0x20(%rsp)\n .seh_savexmm %xmm6, 0x20\n"
        "    movaps %xmm15, 0x30(%rsp)\n .seh_savexmm %xmm15, 0x30\n"
        "    .seh_endprologue\n"
        "    movl $0xb1, %ebx\n movl $0xb2, %esi\n movl $0xb3, %edi\n movl $0xb4, %ebp\n"
        "    movl $0xb5, %r12d\n movl $0xb6, %r13d\n movl $0xb7, %r14d\n movl $0xb8, %r15d\n"
        "    movd %ebx, %xmm6\n movd %esi, %xmm15\n"
        "    callq *%rcx\n"
        "    xorl %eax, %eax\n"
        "    cmpq $0xb1, %rbx\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb2, %rsi\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb3, %rdi\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb4, %rbp\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb5, %r12\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb6, %r13\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb7, %r14\n je 1f\n incl %eax\n 1:\n"
        "    cmpq $0xb8, %r15\n je 1f\n incl %eax\n 1:\n"
        "    movq %xmm6, %rcx\n cmpq $0xb1, %rcx\n je 1f\n incl %eax\n 1:\n"
        "    movq %xmm15, %rcx\n cmpq $0xb2, %rcx\n je 1f\n incl %eax\n 1:\n"
        "    movaps 0x20(%rsp), %xmm6\n"
        "    movaps 0x30(%rsp), %xmm15\n"
        "    addq $0x48, %rsp\n"
        "    popq %r15\n popq %r14\n popq %r13\n popq %r12\n"
        "    popq %rdi\n popq %rsi\n popq %rbx\n popq %rbp\n"
        "    retq\n"
        "    .seh_endproc\n");

static volatile ULONG SehClobberCaught;

static NOINLINE VOID SehCatchClobber(VOID)
{
    __try {
        SehClobber(BAD_ADDRESS);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        SehClobberCaught++;
    }
}

GUEST_TEST(SehRegistersAcrossTrapFrame)
{
    SehClobberCaught = 0;
    EXPECT(SehWithMarkedRegisters(SehCatchClobber) == 0);
    EXPECT(SehClobberCaught == 1);
}

static NOINLINE VOID SehRaiseAndCatch(VOID)
{
    __try {
        ExRaiseStatus(STATUS_TEST);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        SehClobberCaught++;
    }
}

GUEST_TEST(SehRegistersAfterRaise)
{
    SehClobberCaught = 0;
    EXPECT(SehWithMarkedRegisters(SehRaiseAndCatch) == 0);
    EXPECT(SehClobberCaught == 1);
}

static NOINLINE VOID SehTouch(volatile UCHAR *Buffer, ULONG Size)
{
    Buffer[0] = 1;
    Buffer[Size - 1] = 1;
    (void)*BAD_ADDRESS;
}

static NOINLINE VOID SehLargeFrame(VOID)
{
    volatile UCHAR Buffer[5000]; /* needs __chkstk */

    SehTouch(Buffer, sizeof(Buffer));
}

GUEST_TEST(SehLargeFrameUnwound)
{
    volatile ULONG Caught = 0;

    __try {
        SehLargeFrame();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        Caught = 1;
    }
    EXPECT(Caught == 1);
}
