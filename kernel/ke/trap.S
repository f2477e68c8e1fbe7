/* SPDX-License-Identifier: MIT */
/*
 * Where the processor enters the kernel: exceptions, page faults, interrupts, system calls; and the
 * way back.
 *
 * Every entry builds a KTRAP_FRAME with rsp at its start and rbp 0x80 into it. The frame's first
 * 0x28 bytes are the home area of the C routines called from here. Unwind data makes each entry
 * look like a function with a machine frame, so that a walk up the stack crosses it. All gates are
 * interrupt gates: entered with IF clear, and C code decides when to set it.
 *
 * r12-r15 and xmm6-15 stay in the processor, as C code preserves them; a KEXCEPTION_FRAME has them
 * where user mode's state may be read or replaced: in system calls (NtContinue) and on the way back
 * with a user APC. xmm0-5 are saved, since handlers and interrupt routines of drivers use them;
 * only the fast page fault path leaves them alone, as MiFastFault uses none.
 *
 * Offsets are checked in trap_dispatch.c.
 */
#include "ke/exception_frame.h"

    .set FRAME_PREVIOUS_MODE, 0x28
    .set FRAME_MXCSR, 0x2c
    .set FRAME_RAX, 0x30
    .set FRAME_RCX, 0x38
    .set FRAME_RDX, 0x40
    .set FRAME_R8, 0x48
    .set FRAME_R9, 0x50
    .set FRAME_R10, 0x58
    .set FRAME_R11, 0x60
    .set FRAME_XMM0, 0x70
    .set FRAME_FAULT_ADDRESS, 0xd0
    .set FRAME_RBX, 0x140
    .set FRAME_RDI, 0x148
    .set FRAME_RSI, 0x150
    .set FRAME_RBP, 0x158
    .set FRAME_EFLAGS, 0x178
    .set FRAME_ERROR_CODE, 0x160
    .set FRAME_CS, 0x170
    .set FRAME_BELOW_RBP, 0x158 /* bytes of the frame below the saved rbp */
    .set FRAME_TO_IRET, 0x168
    .set PCR_MXCSR, 0x180
    .set PCR_TSS, 0x08
    .set PCR_USER_RSP, 0x10
    .set PCR_CURRENT_THREAD, 0x188
    .set KTHREAD_USER_APC_PENDING, 0x8a
    .set TSS_RSP0, 0x04
    .set R3_CODE, 0x33
    .set R3_DATA, 0x2b
    .set MSR_GS_BASE, 0xc0000101

    .text

.macro FUNCTION name
    .globl \name
    .def \name; .scl 2; .type 32; .endef
    .p2align 4
\name:
.endm

/* From "error code pushed, rbp pushed" to a frame with its integer registers. */
.macro BUILD_FRAME
    subq    $FRAME_BELOW_RBP, %rsp
    .seh_stackalloc FRAME_BELOW_RBP
    movq    %rbx, FRAME_RBX(%rsp)
    .seh_savereg %rbx, FRAME_RBX
    movq    %rdi, FRAME_RDI(%rsp)
    .seh_savereg %rdi, FRAME_RDI
    movq    %rsi, FRAME_RSI(%rsp)
    .seh_savereg %rsi, FRAME_RSI
    movq    %rax, FRAME_RAX(%rsp)
    movl    %ebp, %eax /* exceptions: the vector number */
    leaq    0x80(%rsp), %rbp
    .seh_setframe %rbp, 0x80
    .seh_endprologue
    movq    %rcx, FRAME_RCX(%rsp)
    movq    %rdx, FRAME_RDX(%rsp)
    movq    %r8, FRAME_R8(%rsp)
    movq    %r9, FRAME_R9(%rsp)
    movq    %r10, FRAME_R10(%rsp)
    movq    %r11, FRAME_R11(%rsp)
.endm

/* For code that is entered by a jump with the frame complete: unwind data without a prologue. */
.macro FRAME_IS_BUILT name
    .seh_proc \name
    .seh_pushframe @code
    .seh_pushreg %rbp
    .seh_stackalloc FRAME_BELOW_RBP
    .seh_savereg %rbx, FRAME_RBX
    .seh_savereg %rdi, FRAME_RDI
    .seh_savereg %rsi, FRAME_RSI
    .seh_setframe %rbp, 0x80
    .seh_endprologue
.endm

.macro SAVE_FLOATING
    stmxcsr FRAME_MXCSR(%rsp)
    movaps  %xmm0, FRAME_XMM0+0x00(%rsp)
    movaps  %xmm1, FRAME_XMM0+0x10(%rsp)
    movaps  %xmm2, FRAME_XMM0+0x20(%rsp)
    movaps  %xmm3, FRAME_XMM0+0x30(%rsp)
    movaps  %xmm4, FRAME_XMM0+0x40(%rsp)
    movaps  %xmm5, FRAME_XMM0+0x50(%rsp)
    ldmxcsr %gs:PCR_MXCSR
.endm

/* From user mode: to the kernel's gs. ZF set: from kernel mode. */
.macro ENTER_GS
    testb   $1, FRAME_CS(%rsp)
    jz      .Lkernel\@
    swapgs
.Lkernel\@:
    cld
.endm

/* Interrupts off, rsp at the frame: resumes what was interrupted. */
.macro RESTORE_INTEGER_AND_RETURN
    testb   $1, FRAME_CS(%rsp)
    jz      .Lkernel\@
    swapgs
.Lkernel\@:
    movq    FRAME_RAX(%rsp), %rax
    movq    FRAME_RCX(%rsp), %rcx
    movq    FRAME_RDX(%rsp), %rdx
    movq    FRAME_R8(%rsp), %r8
    movq    FRAME_R9(%rsp), %r9
    movq    FRAME_R10(%rsp), %r10
    movq    FRAME_R11(%rsp), %r11
    movq    FRAME_RBP(%rsp), %rbp
    addq    $FRAME_TO_IRET, %rsp
    iretq
.endm

/*
 * Back to what a trap or interrupt stopped. Entered by a jump with rsp = frame, rbp = frame + 80h,
 * interrupts on or off; the whole of the state that the frame holds is loaded.
 */
FUNCTION KiExceptionExit
    FRAME_IS_BUILT KiExceptionExit
    cli
    testb   $1, FRAME_CS(%rsp)
    jz      1f
    movq    %gs:PCR_CURRENT_THREAD, %rax
    cmpb    $0, KTHREAD_USER_APC_PENDING(%rax)
    je      1f
    movq    %rsp, %rcx
    subq    $EXCEPTION_FRAME_SIZE, %rsp
    SAVE_EXCEPTION_FRAME
    movq    %rsp, %rdx
    callq   KiPrepareUserReturn
    LOAD_EXCEPTION_FRAME
    addq    $EXCEPTION_FRAME_SIZE, %rsp
1:
    ldmxcsr FRAME_MXCSR(%rsp)
    movaps  FRAME_XMM0+0x00(%rsp), %xmm0
    movaps  FRAME_XMM0+0x10(%rsp), %xmm1
    movaps  FRAME_XMM0+0x20(%rsp), %xmm2
    movaps  FRAME_XMM0+0x30(%rsp), %xmm3
    movaps  FRAME_XMM0+0x40(%rsp), %xmm4
    movaps  FRAME_XMM0+0x50(%rsp), %xmm5
    movq    FRAME_RBX(%rsp), %rbx
    movq    FRAME_RDI(%rsp), %rdi
    movq    FRAME_RSI(%rsp), %rsi
    RESTORE_INTEGER_AND_RETURN
    .seh_endproc

/*
 * Exceptions but page faults. The stubs leave: error code or 0 pushed, rbp pushed, ebp = vector.
 * KiTrap(frame, exception, vector) returns FALSE to resume, or TRUE and the exception to raise.
 */
FUNCTION KiExceptionEntry
    .seh_proc KiExceptionEntry
    .seh_pushframe @code
    .seh_pushreg %rbp
    BUILD_FRAME
    ENTER_GS
    SAVE_FLOATING
    movq    %rsp, %rcx
    movl    %eax, %r8d
    leaq    KiTrap(%rip), %rax
    jmp     KiRaiseTrap
    .seh_endproc

/*
 * Calls rax(frame rcx, KI_TRAP_EXCEPTION *rdx, r8), which is below the frame, and raises the
 * exception that it describes, if any.
 */
    .set EXCEPTION_SPACE, 0x50 /* home area and a KI_TRAP_EXCEPTION */
    .set EXCEPTION_CODE, 0x20
    .set EXCEPTION_COUNT, 0x24
    .set EXCEPTION_ADDRESS, 0x28
    .set EXCEPTION_PARAMETER0, 0x30
    .set EXCEPTION_PARAMETER1, 0x38
    .set EXCEPTION_PARAMETER2, 0x40
FUNCTION KiRaiseTrap
    FRAME_IS_BUILT KiRaiseTrap
    subq    $EXCEPTION_SPACE, %rsp
    leaq    EXCEPTION_CODE(%rsp), %rdx
    callq   *%rax
    testb   %al, %al
    jz      1f
    movl    EXCEPTION_CODE(%rsp), %ecx
    movl    EXCEPTION_COUNT(%rsp), %edx
    movq    EXCEPTION_ADDRESS(%rsp), %r8
    movq    EXCEPTION_PARAMETER0(%rsp), %r9
    movq    EXCEPTION_PARAMETER1(%rsp), %r10
    movq    EXCEPTION_PARAMETER2(%rsp), %r11
    addq    $EXCEPTION_SPACE, %rsp
    callq   KiExceptionDispatch
    int3
1:
    addq    $EXCEPTION_SPACE, %rsp
    jmp     KiExceptionExit
    .seh_endproc

/*
 * Page faults. A fault that MiFastFault resolves goes straight back: interrupts stay off, CR2 is
 * read before anything can fault again, and no floating-point state is touched.
 */
FUNCTION KiPageFault
    .seh_proc KiPageFault
    .seh_pushframe @code
    pushq   %rbp
    .seh_pushreg %rbp
    BUILD_FRAME
    movq    %cr2, %rdx
    movl    FRAME_ERROR_CODE(%rsp), %ecx
    movq    %rdx, FRAME_FAULT_ADDRESS(%rsp)
    ENTER_GS
    testl   $0x200, FRAME_EFLAGS(%rsp) /* code with interrupts off may not fault: MmAccessFault */
    jz      1f
    callq   MiFastFault
    testb   %al, %al
    jz      1f
    RESTORE_INTEGER_AND_RETURN
1:
    SAVE_FLOATING
    movq    %rsp, %rcx
    leaq    KiPageFaultTrap(%rip), %rax
    jmp     KiRaiseTrap
    .seh_endproc

/*
 * Interrupts. The stubs have pushed the vector where exceptions have their error code; vectors
 * above 7Fh arrive as they are, since the immediate is 32 bits wide.
 */
FUNCTION KiInterruptEntry
    .seh_proc KiInterruptEntry
    .seh_pushframe @code
    pushq   %rbp
    .seh_pushreg %rbp
    BUILD_FRAME
    ENTER_GS
    SAVE_FLOATING
    movq    %rsp, %rcx
    movl    FRAME_ERROR_CODE(%rsp), %edx
    callq   KiInterrupt
    jmp     KiExceptionExit
    .seh_endproc

/*
 * The interrupt that stands in the place of a verified driver's `mov cr8, reg`. The routine gets
 * the registers that may be the operand and are not in the frame.
 */
    .set SAVED_SPACE, 0x40 /* home area, r12 to r15 */
FUNCTION KiIrqlWriteTrap
    pushq   $0
    jmp     KiIrqlWriteEntry

FUNCTION KiIrqlWriteEntry
    .seh_proc KiIrqlWriteEntry
    .seh_pushframe @code
    pushq   %rbp
    .seh_pushreg %rbp
    BUILD_FRAME
    ENTER_GS
    SAVE_FLOATING
    movq    %rsp, %rcx
    subq    $SAVED_SPACE, %rsp
    leaq    0x20(%rsp), %rdx
    movq    %r12, 0x00(%rdx)
    movq    %r13, 0x08(%rdx)
    movq    %r14, 0x10(%rdx)
    movq    %r15, 0x18(%rdx)
    callq   VfIrqlWriteTrap
    addq    $SAVED_SPACE, %rsp
    jmp     KiExceptionExit
    .seh_endproc

/*
 * A system call of ring 3: eax is the service, the arguments are in r10, rdx, r8, r9 and on the
 * user's stack; rcx is the address to return to and r11 the flags. SFMASK has cleared IF, DF, TF
 * and AC; rsp is still the user's, so gs and rsp are changed before anything else. The frame looks
 * as a trap's does, and the way back is the same: all registers but rax come back as they were,
 * which is more than Windows promises. C code preserves r12-r15 and xmm6-15; they are loaded from
 * the exception frame when KiSystemService says that NtContinue has put others there.
 */
FUNCTION KiSystemCall64
    .seh_proc KiSystemCall64
    .seh_pushframe @code
    swapgs
    movq    %rsp, %gs:PCR_USER_RSP
    movq    %gs:PCR_TSS, %rsp
    movq    TSS_RSP0(%rsp), %rsp
    pushq   $R3_DATA
    pushq   %gs:PCR_USER_RSP
    pushq   %r11
    pushq   $R3_CODE
    pushq   %rcx
    pushq   $0
    pushq   %rbp
    .seh_pushreg %rbp
    BUILD_FRAME
    SAVE_FLOATING
    movq    %rsp, %rcx
    subq    $EXCEPTION_FRAME_SIZE, %rsp
    SAVE_EXCEPTION_FRAME
    movq    %rsp, %rdx
    callq   KiSystemService
    testb   %al, %al
    jz      1f
    LOAD_EXCEPTION_FRAME
1:
    addq    $EXCEPTION_FRAME_SIZE, %rsp
    jmp     KiExceptionExit
    .seh_endproc

/*
 * VOID KiReturnToUserMode(PKTRAP_FRAME Frame): a thread's first way to user mode. Whatever the
 * stack holds is left behind: the next entry begins at its top. What the frame has not is cleared.
 */
FUNCTION KiReturnToUserMode
    cli
    movq    %rcx, %rsp
    leaq    0x80(%rsp), %rbp
    xorl    %r12d, %r12d
    xorl    %r13d, %r13d
    xorl    %r14d, %r14d
    xorl    %r15d, %r15d
    pxor    %xmm6, %xmm6
    pxor    %xmm7, %xmm7
    pxor    %xmm8, %xmm8
    pxor    %xmm9, %xmm9
    pxor    %xmm10, %xmm10
    pxor    %xmm11, %xmm11
    pxor    %xmm12, %xmm12
    pxor    %xmm13, %xmm13
    pxor    %xmm14, %xmm14
    pxor    %xmm15, %xmm15
    jmp     KiExceptionExit

/* The local APIC withdrew a request it had announced: nothing to serve, nothing to end. */
FUNCTION KiSpuriousInterrupt
    iretq

/*
 * Double fault, NMI and machine check: on stacks of their own, possibly between any two
 * instructions of the entries above, so the gs base is looked at instead of the interrupted cs.
 * None of them returns. The stubs are as for KiExceptionEntry.
 */
FUNCTION KiFatalEntry
    .seh_proc KiFatalEntry
    .seh_pushframe @code
    .seh_pushreg %rbp
    BUILD_FRAME
    movl    %eax, %ebx
    movl    $MSR_GS_BASE, %ecx
    rdmsr
    testl   %edx, %edx
    js      1f
    swapgs
1:
    cld
    SAVE_FLOATING
    movq    %rsp, %rcx
    movl    %ebx, %edx
    callq   KiFatalTrap
    int3
    .seh_endproc

/* ---- stubs: 16 bytes for each vector, in the order of KiTrapVectors of processor.c ---- */

.macro EXCEPTION_STUB vector, entry=KiExceptionEntry
    .p2align 4
    pushq   $0
    pushq   %rbp
    movl    $\vector, %ebp
    jmp     \entry
.endm

.macro EXCEPTION_STUB_WITH_CODE vector, entry=KiExceptionEntry
    .p2align 4
    pushq   %rbp
    movl    $\vector, %ebp
    jmp     \entry
.endm

FUNCTION KiTrapStubs
    EXCEPTION_STUB 0x00
    EXCEPTION_STUB 0x01
    EXCEPTION_STUB 0x02, KiFatalEntry
    EXCEPTION_STUB 0x03
    EXCEPTION_STUB 0x04
    EXCEPTION_STUB 0x05
    EXCEPTION_STUB 0x06
    EXCEPTION_STUB 0x07
    EXCEPTION_STUB_WITH_CODE 0x08, KiFatalEntry
    EXCEPTION_STUB 0x09
    EXCEPTION_STUB_WITH_CODE 0x0a
    EXCEPTION_STUB_WITH_CODE 0x0b
    EXCEPTION_STUB_WITH_CODE 0x0c
    EXCEPTION_STUB_WITH_CODE 0x0d
    EXCEPTION_STUB_WITH_CODE 0x0e /* not used: the gate leads to KiPageFault */
    EXCEPTION_STUB 0x0f
    EXCEPTION_STUB 0x10
    EXCEPTION_STUB_WITH_CODE 0x11
    EXCEPTION_STUB 0x12, KiFatalEntry
    EXCEPTION_STUB 0x13
    EXCEPTION_STUB 0x29
    EXCEPTION_STUB 0x2c
    EXCEPTION_STUB 0x2d

/* One for each vector from 0 on, so that an index is enough; those of exceptions are not used. */
FUNCTION KiInterruptStubs
    .set vector, 0
    .rept 256
    .p2align 4
    pushq   $vector
    jmp     KiInterruptEntry
    .set vector, vector + 1
    .endr
