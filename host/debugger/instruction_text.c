/* SPDX-License-Identifier: MIT */
/*
 * One instruction as WinDbg prints it, decoded by Zydis:
 *
 *     fffff800`00012340 4883ec28        sub     rsp,28h
 *     fffff800`00012344 e8b7000000      call    nt!KiFoo (fffff800`00012400)
 *
 * Numbers below 10 are bare, others end in h; the conditions are e, ne, a, ae, g, ge; an address is
 * named when a module holds it.
 */
#include <ctype.h>
#include <string.h>

#include <Zycore/Format.h>
#include <Zydis/Zydis.h>

#include "host/debugger/debugger.h"

#define INSTRUCTION_MAX 15u /* bytes */
#define BYTES_COLUMN 15     /* characters */
#define MNEMONIC_COLUMN 7

/* Zydis's names of conditions, and the ones that WinDbg has. */
static const struct {
    const char *Zydis, *Ours;
} Conditions[] = {
    {"z", "e"}, {"nz", "ne"}, {"nb", "ae"}, {"nbe", "a"}, {"nl", "ge"}, {"nle", "g"},
};

static ZyanStatus AppendText(ZydisFormatterBuffer *Buffer, const char *Text)
{
    ZyanString *String;
    ZYAN_CHECK(ZydisFormatterBufferAppend(Buffer, ZYDIS_TOKEN_SYMBOL));
    ZYAN_CHECK(ZydisFormatterBufferGetString(Buffer, &String));
    return ZyanStringAppendFormat(String, "%s", Text);
}

/* "8", "28h", "0FFFFFFFFh" */
static const char *NumberText(uint64_t Number, char Out[32])
{
    if (Number < 10) {
        snprintf(Out, 32, "%llu", (unsigned long long)Number);
    } else {
        snprintf(Out, 32, "%llXh", (unsigned long long)Number);
        if (isalpha((unsigned char)Out[0])) {
            snprintf(Out, 32, "0%llXh", (unsigned long long)Number);
        }
    }
    return Out;
}

static ZyanStatus PrintImmediate(const ZydisFormatter *Formatter, ZydisFormatterBuffer *Buffer,
                                 ZydisFormatterContext *Context)
{
    char Text[32];
    uint64_t Value = Context->operand->imm.value.u;
    unsigned Bits = Context->instruction->operand_width;

    if (Bits != 0 && Bits < 64) {
        Value &= (1ull << Bits) - 1;
    }
    return AppendText(Buffer, NumberText(Value, Text));
}

static ZyanStatus PrintDisplacement(const ZydisFormatter *Formatter, ZydisFormatterBuffer *Buffer,
                                    ZydisFormatterContext *Context)
{
    char Text[33], Number[32];
    const ZydisDecodedOperand *Operand = Context->operand;
    int64_t Value = Operand->mem.disp.value;
    bool HasRegister = Operand->mem.base != ZYDIS_REGISTER_NONE ||
                       Operand->mem.index != ZYDIS_REGISTER_NONE;

    if (HasRegister && Value == 0) {
        return ZYAN_STATUS_SUCCESS;
    }
    uint64_t Magnitude = Value < 0 && HasRegister ? 0 - (uint64_t)Value : (uint64_t)Value;
    snprintf(Text, sizeof(Text), "%s%s", !HasRegister ? "" : Value < 0 ? "-" : "+",
             NumberText(Magnitude, Number));
    return AppendText(Buffer, Text);
}

/* "nt!KiFoo (fffff800`00012400)", or the address alone. */
static ZyanStatus PrintAddress(const ZydisFormatter *Formatter, ZydisFormatterBuffer *Buffer,
                               ZydisFormatterContext *Context)
{
    DEBUGGER *Debugger = Context->user_data;
    char Text[460], Name[400], Number[DEBUG_ADDRESS_SIZE], Plain[32];
    ZyanU64 Address;

    ZYAN_CHECK(ZydisCalcAbsoluteAddress(Context->instruction, Context->operand,
                                        Context->runtime_address, &Address));
    bool IsSegment = Context->operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
                     (Context->operand->mem.segment == ZYDIS_REGISTER_GS ||
                      Context->operand->mem.segment == ZYDIS_REGISTER_FS);
    if (IsSegment) {
        snprintf(Text, sizeof(Text), "%s", NumberText(Address, Plain));
    } else if (DebugFindModule(Debugger, Address) != NULL) {
        DebugSymbolText(Debugger, Address, Name, sizeof(Name));
        snprintf(Text, sizeof(Text), "%s (%s)", Name, DebugAddressText(Address, Number));
    } else {
        snprintf(Text, sizeof(Text), "%s", DebugAddressText(Address, Number));
    }
    return AppendText(Buffer, Text);
}

static const ZydisFormatter *InstructionFormatter(void)
{
    static ZydisFormatter Formatter;
    static bool Ready;
    ZydisFormatterFunc Immediate = PrintImmediate, Displacement = PrintDisplacement;
    ZydisFormatterFunc Absolute = PrintAddress, Relative = PrintAddress;

    if (!Ready) {
        ZydisFormatterInit(&Formatter, ZYDIS_FORMATTER_STYLE_INTEL);
        ZydisFormatterSetProperty(&Formatter, ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_TRUE);
        ZydisFormatterSetProperty(&Formatter, ZYDIS_FORMATTER_PROP_FORCE_SCALE_ONE, ZYAN_FALSE);
        ZydisFormatterSetHook(&Formatter, ZYDIS_FORMATTER_FUNC_PRINT_IMM,
                              (const void **)(void *)&Immediate);
        ZydisFormatterSetHook(&Formatter, ZYDIS_FORMATTER_FUNC_PRINT_DISP,
                              (const void **)(void *)&Displacement);
        ZydisFormatterSetHook(&Formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS,
                              (const void **)(void *)&Absolute);
        ZydisFormatterSetHook(&Formatter, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_REL,
                              (const void **)(void *)&Relative);
        Ready = true;
    }
    return &Formatter;
}

/* "jnz" becomes "jne"; the same for cmov and set. */
static void RenameCondition(char *Mnemonic, size_t Capacity)
{
    static const char *const Families[] = {"j", "cmov", "set"};
    for (size_t f = 0; f < sizeof(Families) / sizeof(Families[0]); f++) {
        size_t Length = strlen(Families[f]);
        if (strncmp(Mnemonic, Families[f], Length) != 0) {
            continue;
        }
        for (size_t i = 0; i < sizeof(Conditions) / sizeof(Conditions[0]); i++) {
            if (strcmp(Mnemonic + Length, Conditions[i].Zydis) == 0) {
                snprintf(Mnemonic + Length, Capacity - Length, "%s", Conditions[i].Ours);
                return;
            }
        }
    }
}

/* Zydis's line in two columns, without the blanks behind commas. */
static void LayOut(const char *Line, char *Out, size_t Capacity)
{
    static const char *const Prefixes[] = {"lock ", "rep ", "repe ", "repne ", "repz ", "repnz "};
    char Mnemonic[64], Operands[500];
    size_t Skip = 0, Used = 0;

    for (size_t i = 0; i < sizeof(Prefixes) / sizeof(Prefixes[0]); i++) {
        if (strncmp(Line, Prefixes[i], strlen(Prefixes[i])) == 0) {
            Skip = strlen(Prefixes[i]);
        }
    }
    size_t Length = Skip + strcspn(Line + Skip, " ");
    Length = Length < sizeof(Mnemonic) ? Length : sizeof(Mnemonic) - 1;
    memcpy(Mnemonic, Line, Length);
    Mnemonic[Length] = 0;
    RenameCondition(Mnemonic, sizeof(Mnemonic));
    for (const char *c = Line + Length + (Line[Length] == ' '); *c != 0; c++) {
        if (Used + 1 < sizeof(Operands) && !(*c == ' ' && Used != 0 && Operands[Used - 1] == ',')) {
            Operands[Used++] = *c;
        }
    }
    Operands[Used] = 0;
    if (strcmp(Mnemonic, "int3") == 0) {
        snprintf(Out, Capacity, "%-*s 3", MNEMONIC_COLUMN, "int");
    } else if (Used == 0) {
        snprintf(Out, Capacity, "%s", Mnemonic);
    } else {
        snprintf(Out, Capacity, "%-*s %s", MNEMONIC_COLUMN, Mnemonic, Operands);
    }
}

void DebugInstructionText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity,
                          unsigned *Length)
{
    uint8_t Bytes[INSTRUCTION_MAX];
    char Hex[2 * INSTRUCTION_MAX + 1] = "??", Line[600], Text[600] = "???";
    char Number[DEBUG_ADDRESS_SIZE];
    ZydisDecoder Decoder;
    ZydisDecodedInstruction Instruction;
    ZydisDecodedOperand Operands[ZYDIS_MAX_OPERAND_COUNT];
    size_t Size = DebugReadSome(Debugger, Address, Bytes, sizeof(Bytes));

    *Length = 0;
    ZydisDecoderInit(&Decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZyanStatus Status =
        ZydisDecoderDecodeFull(&Decoder, Bytes, Size, &Instruction, Operands);
    if (ZYAN_SUCCESS(Status)) {
        *Length = Instruction.length;
        if (Instruction.mnemonic == ZYDIS_MNEMONIC_NOP && Instruction.operand_count_visible > 1) {
            Instruction.operand_count_visible = 1; /* the second one says nothing */
        }
        if (ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
                InstructionFormatter(), &Instruction, Operands,
                Instruction.operand_count_visible, Line, sizeof(Line), Address, Debugger))) {
            LayOut(Line, Text, sizeof(Text));
        }
    } else if (Size != 0 && Status != ZYDIS_STATUS_NO_MORE_DATA) {
        *Length = 1; /* no instruction: a byte that is data */
    }
    for (unsigned i = 0; i < *Length; i++) {
        snprintf(Hex + 2 * i, 3, "%02x", Bytes[i]);
    }
    snprintf(Out, Capacity, "%s %-*s %s", DebugAddressText(Address, Number), BYTES_COLUMN, Hex,
             Text);
}
