/* SPDX-License-Identifier: MIT */
#include "host/inspect/code_scan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/pe_bytes.h"

#define THUNK_LENGTH 6u /* ff 25, displacement: jmp [rip+displacement] */

const char *CodeRaisingRoutine(const char *Name)
{
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
    for (size_t i = 0; i < sizeof(Raising) / sizeof(Raising[0]); i++) {
        if (strcmp(Name, Raising[i]) == 0) {
            return Raising[i];
        }
    }
    return NULL;
}

bool CodeIsLoweringRoutine(const char *Name)
{
    return strstr(Name, "ReleaseSpinLock") != NULL || strstr(Name, "LowerIrql") != NULL ||
           strstr(Name, "ReleaseCancelSpinLock") != NULL || strstr(Name, "ReleaseVpb") != NULL ||
           strstr(Name, "ReleaseInStackQueuedSpinLock") != NULL ||
           strstr(Name, "ReleaseInterruptSpinLock") != NULL ||
           strstr(Name, "ReleaseQueuedSpinLock") != NULL;
}

static int CodeCompareSlots(const void *Left, const void *Right)
{
    uint32_t A = ((const CODE_SLOT *)Left)->Rva, B = ((const CODE_SLOT *)Right)->Rva;
    return A < B ? -1 : A > B;
}

bool CodeScanOpen(CODE_SCAN *Scan, const PE_IMAGE *Image)
{
    PE_IMPORT_DLL Dll;
    PE_IMPORT Import;
    PE_ERROR Error;
    uint32_t Capacity = 0;

    *Scan = (CODE_SCAN){.Image = Image};
    ZydisDecoderInit(&Scan->Decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (uint32_t i = 0; PeImageImportDll(Image, i, &Dll, &Error) == PeStepItem; i++) {
        for (uint32_t k = 0; PeImageImport(Image, &Dll, k, &Import, &Error) == PeStepItem; k++) {
            if (Scan->SlotCount == Capacity) {
                Capacity = Capacity * 2 + 64;
                CODE_SLOT *Grown = realloc(Scan->Slots, Capacity * sizeof(CODE_SLOT));
                if (Grown == NULL) {
                    CodeScanClose(Scan);
                    return false;
                }
                Scan->Slots = Grown;
            }
            if (Import.Name != NULL) {
                Scan->Slots[Scan->SlotCount++] = (CODE_SLOT){Import.SlotRva, Import.Name};
            }
        }
    }
    if (Scan->SlotCount != 0) {
        qsort(Scan->Slots, Scan->SlotCount, sizeof(CODE_SLOT), CodeCompareSlots);
    }
    return true;
}

void CodeScanClose(CODE_SCAN *Scan)
{
    free(Scan->Slots);
    Scan->Slots = NULL;
    Scan->SlotCount = 0;
}

static const char *CodeNameOfSlot(const CODE_SCAN *Scan, uint64_t Rva)
{
    CODE_SLOT Key = {(uint32_t)Rva, NULL};
    const CODE_SLOT *Found =
        Rva > UINT32_MAX || Scan->SlotCount == 0
            ? NULL
            : bsearch(&Key, Scan->Slots, Scan->SlotCount, sizeof(CODE_SLOT), CodeCompareSlots);
    return Found != NULL ? Found->Name : NULL;
}

/* Code that only jumps on through an import's slot. */
static const char *CodeNameOfThunk(const CODE_SCAN *Scan, uint64_t Rva)
{
    const uint8_t *Bytes = Rva < Scan->Image->SizeOfImage
                               ? PeImageRvaToPointer(Scan->Image, (uint32_t)Rva, THUNK_LENGTH)
                               : NULL;
    if (Bytes == NULL || Bytes[0] != 0xff || Bytes[1] != 0x25) {
        return NULL;
    }
    int64_t Displacement = (int32_t)PeRead32(Bytes, 2);
    return CodeNameOfSlot(Scan, Rva + THUNK_LENGTH + (uint64_t)Displacement);
}

/* Of calls, jumps, moves and lea: what the operand that matters refers to. */
static void CodeResolve(const CODE_SCAN *Scan, const ZydisDecodedInstruction *Instruction,
                        const ZydisDecodedOperand *Operand, CODE_REFERENCE *Reference)
{
    ZyanU64 Address;
    if (!ZYAN_SUCCESS(
            ZydisCalcAbsoluteAddress(Instruction, Operand, Reference->Rva, &Address))) {
        Reference->Kind = Instruction->mnemonic == ZYDIS_MNEMONIC_CALL ? CodeCallsUnknown
                                                                       : CodeOther;
        return;
    }
    if (Instruction->mnemonic == ZYDIS_MNEMONIC_LEA) {
        bool Relative = Operand->mem.base == ZYDIS_REGISTER_RIP;
        if (Relative && Address < Scan->Image->SizeOfImage) {
            Reference->Kind = CodeTakesAddress;
            Reference->Target = (uint32_t)Address;
        }
        return;
    }
    if (Operand->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        bool Relative = Operand->mem.base == ZYDIS_REGISTER_RIP;
        Reference->Import = Relative ? CodeNameOfSlot(Scan, Address) : NULL;
    } else {
        Reference->Import = CodeNameOfThunk(Scan, Address);
        if (Reference->Import == NULL && Address < Scan->Image->SizeOfImage) {
            Reference->Kind = CodeCalls;
            Reference->Target = (uint32_t)Address;
        }
    }
    if (Reference->Import != NULL) {
        Reference->Kind = CodeCallsImport;
    } else if (Reference->Kind == CodeOther && Instruction->mnemonic == ZYDIS_MNEMONIC_CALL) {
        Reference->Kind = CodeCallsUnknown;
    }
}

bool CodeScanStep(const CODE_SCAN *Scan, uint32_t Rva, const uint8_t *Code, uint64_t Size,
                  CODE_REFERENCE *Reference)
{
    ZydisDecodedInstruction Instruction;
    ZydisDecodedOperand Operands[ZYDIS_MAX_OPERAND_COUNT];

    *Reference = (CODE_REFERENCE){.Rva = Rva};
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&Scan->Decoder, Code, Size, &Instruction, Operands))) {
        return false;
    }
    Reference->Length = Instruction.length;
    Reference->Jump = Instruction.mnemonic == ZYDIS_MNEMONIC_JMP;
    switch (Instruction.mnemonic) {
    case ZYDIS_MNEMONIC_CLI:
        Reference->Kind = CodeDisables;
        break;
    case ZYDIS_MNEMONIC_MOV:
        if (Operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            Operands[0].reg.value == ZYDIS_REGISTER_CR8) {
            Reference->Kind = CodeWritesIrql;
        } else if (Operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY) {
            CodeResolve(Scan, &Instruction, &Operands[1], Reference);
        }
        break;
    case ZYDIS_MNEMONIC_LEA:
        CodeResolve(Scan, &Instruction, &Operands[1], Reference);
        break;
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_JMP:
        CodeResolve(Scan, &Instruction, &Operands[0], Reference);
        break;
    default:
        break;
    }
    return true;
}
