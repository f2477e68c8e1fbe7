/* SPDX-License-Identifier: MIT */
/*
 * Finds in pageable code what raises the IRQL to DISPATCH_LEVEL or above, or may: the instruction
 * behind it may lie in a page that has left. Three kinds:
 *
 *     call [slot], call thunk, mov r, [slot]     of a routine that returns raised
 *     mov cr8, r                                 KeRaiseIrql and KeLowerIrql, inlined
 *     cli                                        interrupts off: no page fault may be taken either
 *
 * A pageable section is decoded from its first byte to its last: by function where .pdata has one,
 * and in between (leaf functions, which need no entry there) on from where the one before ended. A
 * byte that begins no instruction is passed over. Ranges never overlap, whatever .pdata says, so
 * the work is bounded by the section's bytes, and by INSPECT_CODE_LIMIT for all together.
 */
#include <string.h>

#include <Zydis/Zydis.h>

#include "host/inspect.h"
#include "lib/pe_bytes.h"

#define SLOTS_MOST 256u
#define THUNK_LENGTH 6u /* ff 25, displacement: jmp [rip+displacement] */
#define INT3 0xcc

/* These return at DISPATCH_LEVEL or above, whatever the IRQL was when they were called. */
static const char *const Raising[] = {
    "ExAcquireSpinLockExclusive",
    "ExAcquireSpinLockExclusiveAtDpcLevel",
    "ExAcquireSpinLockShared",
    "ExAcquireSpinLockSharedAtDpcLevel",
    "ExTryAcquireSpinLockExclusiveAtDpcLevel",
    "ExTryAcquireSpinLockSharedAtDpcLevel",
    "IoAcquireCancelSpinLock",
    "IoAcquireVpbSpinLock",
    "KeAcquireInStackQueuedSpinLock",
    "KeAcquireInStackQueuedSpinLockAtDpcLevel",
    "KeAcquireInStackQueuedSpinLockForDpc",
    "KeAcquireInStackQueuedSpinLockRaiseToSynch",
    "KeAcquireInterruptSpinLock",
    "KeAcquireQueuedSpinLock",
    "KeAcquireSpinLock",
    "KeAcquireSpinLockAtDpcLevel",
    "KeAcquireSpinLockForDpc",
    "KeAcquireSpinLockRaiseToDpc",
    "KeAcquireSpinLockRaiseToSynch",
    "KeRaiseIrqlToDpcLevel",
    "KeRaiseIrqlToSynchLevel",
    "KeTryToAcquireSpinLockAtDpcLevel",
    "KefAcquireSpinLockAtDpcLevel",
    "KfAcquireSpinLock",
    "StorPortAcquireSpinLock",
};

typedef struct {
    uint32_t Rva;
    const char *Name; /* in Raising */
} SLOT;

typedef struct {
    INSPECTION *Out;
    PE_SECTION Section;
    ZydisDecoder Decoder;
    SLOT Slots[SLOTS_MOST];
    unsigned SlotCount;
    uint64_t Decoded; /* bytes */
} SCAN;

static void ScanFindSlots(SCAN *Scan)
{
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    PE_ERROR Error;

    for (uint32_t i = 0; PeImageImportDll(Scan->Out->Image, i, &Dll, &Error) == PeStepItem; i++) {
        for (uint32_t k = 0;
             PeImageImport(Scan->Out->Image, &Dll, k, &Import, &Error) == PeStepItem; k++) {
            for (size_t n = 0; Import.Name != NULL && n < sizeof(Raising) / sizeof(Raising[0]);
                 n++) {
                if (strcmp(Import.Name, Raising[n]) == 0 && Scan->SlotCount < SLOTS_MOST) {
                    Scan->Slots[Scan->SlotCount++] = (SLOT){Import.SlotRva, Raising[n]};
                }
            }
        }
    }
}

static const char *ScanNameOfSlot(const SCAN *Scan, uint64_t Rva)
{
    for (unsigned i = 0; i < Scan->SlotCount; i++) {
        if (Scan->Slots[i].Rva == Rva) {
            return Scan->Slots[i].Name;
        }
    }
    return NULL;
}

/* A call of code that only jumps on through an import's slot. */
static const char *ScanNameOfThunk(const SCAN *Scan, uint64_t Rva)
{
    const uint8_t *Bytes =
        Rva < Scan->Out->Image->SizeOfImage
            ? PeImageRvaToPointer(Scan->Out->Image, (uint32_t)Rva, THUNK_LENGTH)
            : NULL;
    if (Bytes == NULL || Bytes[0] != 0xff || Bytes[1] != 0x25) {
        return NULL;
    }
    int64_t Displacement = (int32_t)PeRead32(Bytes, 2);
    return ScanNameOfSlot(Scan, Rva + THUNK_LENGTH + (uint64_t)Displacement);
}

/* What the instruction at Rva does to the IRQL, as a static text; NULL: nothing. */
static const char *ScanInstruction(const SCAN *Scan, uint64_t Rva,
                                   const ZydisDecodedInstruction *Instruction,
                                   const ZydisDecodedOperand *Operands)
{
    bool Call = Instruction->meta.category == ZYDIS_CATEGORY_CALL;
    bool Move = Instruction->mnemonic == ZYDIS_MNEMONIC_MOV;
    ZyanU64 Address;

    if (Instruction->mnemonic == ZYDIS_MNEMONIC_CLI) {
        return "cli";
    }
    if (Move && Operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        Operands[0].reg.value == ZYDIS_REGISTER_CR8) {
        return "mov cr8";
    }
    const ZydisDecodedOperand *Operand = Call ? &Operands[0] : Move ? &Operands[1] : NULL;
    if (Operand == NULL ||
        !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(Instruction, Operand, Rva, &Address))) {
        return NULL;
    }
    if (Operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        bool Relative = Operand->mem.base == ZYDIS_REGISTER_RIP;
        return Relative ? ScanNameOfSlot(Scan, Address) : NULL;
    }
    return Call ? ScanNameOfThunk(Scan, Address) : NULL;
}

static void ScanAddSite(SCAN *Scan, uint64_t Rva, uint64_t FunctionRva, const char *What)
{
    INSPECTION *Out = Scan->Out;
    bool Warning = !Out->CanLockSections || strcmp(Scan->Section.Name, "PAGE") == 0;

    Out->Warnings += Warning;
    if (Out->SiteCount == INSPECT_MOST_SITES) {
        Out->SitesLeftOut++;
        return;
    }
    Out->Sites[Out->SiteCount++] =
        (INSPECT_SITE){(uint32_t)Rva, (uint32_t)FunctionRva, Scan->Section.Index, What, Warning};
}

/* [Begin, End) lies in the section's bytes of the file. */
static void ScanRange(SCAN *Scan, uint64_t Begin, uint64_t End)
{
    const uint8_t *Bytes =
        Scan->Out->Image->Bytes + Scan->Section.RawOffset + (Begin - Scan->Section.Rva);
    uint64_t Function = Begin;
    bool Padding = false;

    if (End - Begin > INSPECT_CODE_LIMIT - Scan->Decoded) {
        Scan->Out->BytesNotDecoded += End - Begin;
        return;
    }
    Scan->Decoded += End - Begin;
    for (uint64_t Rva = Begin; Rva < End;) {
        const uint8_t *At = Bytes + (Rva - Begin);
        ZydisDecodedInstruction Instruction;
        ZydisDecodedOperand Operands[ZYDIS_MAX_OPERAND_COUNT];
        /* Padding separates leaf functions from each other. */
        Function = Padding && *At != INT3 ? Rva : Function;
        Padding = *At == INT3;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&Scan->Decoder, At, End - Rva, &Instruction,
                                                 Operands))) {
            Rva++;
            continue;
        }
        const char *What = ScanInstruction(Scan, Rva, &Instruction, Operands);
        if (What != NULL) {
            ScanAddSite(Scan, Rva, Function, What);
        }
        Rva += Instruction.length;
    }
}

static void ScanSection(SCAN *Scan)
{
    uint64_t Bytes = Scan->Section.FileBytes < Scan->Section.VirtualSize
                         ? Scan->Section.FileBytes
                         : Scan->Section.VirtualSize;
    uint64_t Next = Scan->Section.Rva, End = Next + Bytes;
    PE_FUNCTION Function;
    PE_ERROR Error;

    for (uint32_t i = 0;
         PeImageFunction(Scan->Out->Image, i, &Function, &Error) == PeStepItem; i++) {
        if (Function.BeginRva < Next || Function.EndRva > End) {
            continue; /* of another section; or what was decoded already */
        }
        if (Function.BeginRva != Function.EndRva) {
            ScanRange(Scan, Next, Function.BeginRva);
            ScanRange(Scan, Function.BeginRva, Function.EndRva);
            Next = Function.EndRva;
        }
    }
    ScanRange(Scan, Next, End);
}

void InspectCode(INSPECTION *Out)
{
    SCAN Scan = {.Out = Out};

    ZydisDecoderInit(&Scan.Decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ScanFindSlots(&Scan);
    for (uint32_t i = 0; i < Out->Image->SectionCount; i++) {
        PeImageSection(Out->Image, i, &Scan.Section);
        if (Out->Fate[i] == FatePageable && Scan.Section.FileBytes != 0 &&
            (Scan.Section.Characteristics & IMAGE_SCN_MEM_EXECUTE) != 0) {
            ScanSection(&Scan);
        }
    }
}
