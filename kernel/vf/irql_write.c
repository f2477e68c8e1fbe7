/* SPDX-License-Identifier: MIT */
/*
 * `mov cr8, reg` in a driver's code. WDK headers raise and lower the IRQL inline, so the kernel
 * would not see it. While the image is still writable, each such instruction is replaced by as many
 * bytes that enter the kernel:
 *
 *   44|45 0F 22 C0+r   ->   CD 20 C0+r 44|45
 *
 * The trap does what KfRaiseIrql and KeLowerIrql do (page-out at the raise, who raised last),
 * writes the history, and resumes behind the four bytes. Whether an instruction is meant as a raise
 * or as a lowering cannot be seen, so a raise to a lower level (30) is not told from a lowering;
 * what is checked is that the level exists (30) and that a DPC routine stays at DISPATCH_LEVEL
 * (31).
 *
 * Bytes that look like the instruction are taken for it only when decoding arrives exactly there.
 * It starts anew at each begin and end of a function (.pdata), so data among the code leads it
 * astray no further than that.
 */
#include "vf/vf.h"

#include "ke/trap_dispatch.h"
#include "lib/instruction_length.h"
#include "lib/pe_image.h"

#define RFLAGS_INTERRUPT 0x200
#define INSTRUCTION_BYTES 4

extern VOID KiIrqlWriteTrap(VOID); /* trap.S */

VOID VfStartIrqlWriteTraps(VOID)
{
    KiSetTrapHandler(VF_IRQL_WRITE_VECTOR, (PVOID)KiIrqlWriteTrap);
}

/* Quick, and nearly always the answer: no section of most drivers has such bytes at all. */
static BOOLEAN VfMayWriteCr8(const UCHAR *Base, ULONG Rva, ULONG End)
{
    ULONG Register;
    for (; Rva + INSTRUCTION_BYTES <= End; Rva++) {
        if (InstructionWritesCr8(Base + Rva, End - Rva, &Register)) {
            return TRUE;
        }
    }
    return FALSE;
}

/*
 * The next begin or end of a function behind Rva, at most End: there decoding starts anew. *Index
 * is the first function that may still matter; the table is sorted, so it only grows.
 */
static ULONG VfNextBoundary(const PE_IMAGE *Pe, PULONG Index, ULONG Rva, ULONG End)
{
    PE_FUNCTION Function;
    PE_ERROR Error;
    while (PeImageFunction(Pe, *Index, &Function, &Error) == PeStepItem) {
        if (Function.BeginRva > Rva) {
            return Function.BeginRva < End ? Function.BeginRva : End;
        }
        if (Function.EndRva > Rva) {
            return Function.EndRva < End ? Function.EndRva : End;
        }
        (*Index)++;
    }
    return End;
}

static VOID VfPatch(PUCHAR Code)
{
    UCHAR Rex = Code[0], ModRm = Code[3];
    Code[0] = 0xcd;
    Code[1] = VF_IRQL_WRITE_VECTOR;
    Code[2] = ModRm;
    Code[3] = Rex;
}

/* One pass over the code. What cannot be decoded is skipped up to the next boundary. */
static ULONG VfPatchSection(PUCHAR Base, const PE_IMAGE *Pe, ULONG Rva, ULONG End)
{
    ULONG Patched = 0, Register, Index = 0;
    while (Rva < End) {
        ULONG Boundary = VfNextBoundary(Pe, &Index, Rva, End);
        while (Rva < Boundary) {
            ULONG Length = InstructionLength(Base + Rva, Boundary - Rva);
            if (Length == 0) {
                break;
            }
            if (InstructionWritesCr8(Base + Rva, Length, &Register)) {
                VfPatch(Base + Rva);
                Patched++;
            }
            Rva += Length;
        }
        Rva = Boundary;
    }
    return Patched;
}

ULONG VfPatchIrqlWrites(PUCHAR Base, const PE_IMAGE *Pe)
{
    ULONG Patched = 0;
    for (ULONG i = 0; i < Pe->SectionCount; i++) {
        PE_SECTION Section;
        PeImageSection(Pe, i, &Section);
        ULONG End = Section.Rva + Section.FileBytes;
        if ((Section.Characteristics & IMAGE_SCN_MEM_EXECUTE) &&
            VfMayWriteCr8(Base, Section.Rva, End)) {
            Patched += VfPatchSection(Base, Pe, Section.Rva, End);
        }
    }
    return Patched;
}

static ULONG64 VfReadRegister(const KTRAP_FRAME *Frame, const ULONG64 Saved[4], ULONG Number)
{
    const ULONG64 Register[12] = {Frame->Rax, Frame->Rcx, Frame->Rdx, Frame->Rbx,
                                  Frame->Rsp, Frame->Rbp, Frame->Rsi, Frame->Rdi,
                                  Frame->R8,  Frame->R9,  Frame->R10, Frame->R11};
    return Number < 12 ? Register[Number] : Saved[Number - 12];
}

/* Below DISPATCH_LEVEL with interrupts on: Mm may wait for the disk. */
static VOID VfRaise(PKTRAP_FRAME Frame, KIRQL Old, KIRQL New, PVOID Caller)
{
    if (Old < DISPATCH_LEVEL && New >= DISPATCH_LEVEL) {
        if (Frame->EFlags & RFLAGS_INTERRUPT) {
            MmNotifyIrqlRaise(New);
        }
        KiWriteIrql(New);
        KeGetCurrentPrcb()->LastRaiseCaller = Caller;
        return;
    }
    KiWriteIrql(New);
}

/*
 * The bytes behind the interrupt may lie on a page that is out, as the instruction's own could
 * have: so they are read with interrupts as the driver had them, at its IRQL. An `int 20h` that is
 * not ours does nothing, as without the verifier.
 */
VOID VfIrqlWriteTrap(PKTRAP_FRAME Frame, const ULONG64 Saved[4])
{
    Frame->PreviousMode = (KPROCESSOR_MODE)(Frame->SegCs & 1);
    Frame->FaultAddress = 0;
    if (Frame->EFlags & RFLAGS_INTERRUPT) {
        __asm__ volatile("sti" : : : "memory");
    }
    if (MmFindImage((PVOID)Frame->Rip) == NULL) {
        return;
    }
    const volatile UCHAR *Operand = (const volatile UCHAR *)Frame->Rip;
    UCHAR Original[INSTRUCTION_BYTES] = {Operand[1], 0x0f, 0x22, Operand[0]};
    ULONG Number;
    if (!InstructionWritesCr8(Original, sizeof(Original), &Number)) {
        return;
    }
    ULONG64 Value = VfReadRegister(Frame, Saved, Number);
    PVOID Caller = (PVOID)(Frame->Rip - 2);
    KIRQL Old = KiReadIrql();
    if (Value > HIGH_LEVEL) {
        KiBugCheckTrap(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x30, Old, Value, 0, Frame);
    }
    KIRQL New = (KIRQL)Value;
    VfLogIrqlWrite(Caller, New);
    if (New < DISPATCH_LEVEL && New < Old && KeGetCurrentPrcb()->DpcRoutineActive) {
        KiBugCheckTrap(DRIVER_VERIFIER_DETECTED_VIOLATION, 0x31, Old, New, 1, Frame);
    }
    VfCheckLowering(New);
    Frame->Rip += 2;
    if (New > Old) {
        VfRaise(Frame, Old, New, Caller);
    } else {
        KiWriteIrql(New);
    }
}
