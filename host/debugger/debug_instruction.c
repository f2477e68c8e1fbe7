/* SPDX-License-Identifier: MIT */
#include <Zydis/Zydis.h>

#include "host/debugger/execution.h"

#define INSTRUCTION_MAX 15 /* bytes */

bool DebugInstruction(DEBUGGER *Debugger, uint64_t Address, DEBUG_INSTRUCTION *Instruction)
{
    ZydisDecoder Decoder;
    ZydisDecodedInstruction Decoded;
    uint8_t Bytes[INSTRUCTION_MAX];
    size_t Size = DebugReadSome(Debugger, Address, Bytes, sizeof(Bytes));

    *Instruction = (DEBUG_INSTRUCTION){0};
    ZydisDecoderInit(&Decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (Size == 0 ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&Decoder, NULL, Bytes, Size, &Decoded))) {
        return false;
    }
    const ZydisInstructionAttributes Repeats =
        ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
    Instruction->Length = Decoded.length;
    Instruction->IsCall = Decoded.meta.category == ZYDIS_CATEGORY_CALL;
    Instruction->IsReturn = Decoded.meta.category == ZYDIS_CATEGORY_RET;
    Instruction->StepsOver = Instruction->IsCall || (Decoded.attributes & Repeats) != 0 ||
                             Decoded.meta.category == ZYDIS_CATEGORY_INTERRUPT;
    return true;
}
