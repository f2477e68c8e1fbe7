/* SPDX-License-Identifier: MIT */
/*
 * Lengths by table: a letter for each opcode says what follows it.
 *
 *   .  nothing            m  ModRM                 d  rel32
 *   b  imm8               B  ModRM, imm8           o  an address: 8 bytes, 4 with prefix 67
 *   w  imm16              Z  ModRM, imm16 or 32    e  imm16, imm8 (enter)
 *   z  imm16 or 32        r  ModRM of two registers, whatever its mod says (mov cr, dr)
 *   v  imm16, 32 or 64    g  ModRM, and imm8 when reg is 0 or 1 (test); G the same with imm16/32
 *   -  invalid            *  not an opcode in itself: prefix or escape, taken care of before
 */
#include "lib/instruction_length.h"

static const char OneByteMap[] =
    "mmmmbz--mmmmbz-*"  /* 00 */
    "mmmmbz--mmmmbz--"  /* 10 */
    "mmmmbz*-mmmmbz*-"  /* 20 */
    "mmmmbz*-mmmmbz*-"  /* 30 */
    "****************"  /* 40: REX */
    "................"  /* 50 */
    "--*m****zZbB...."  /* 60 */
    "bbbbbbbbbbbbbbbb"  /* 70 */
    "BZ-Bmmmmmmmmmmmm"  /* 80 */
    "..........-....."  /* 90 */
    "oooo....bz......"  /* A0 */
    "bbbbbbbbvvvvvvvv"  /* B0 */
    "BBw.**BZe.w..b-."  /* C0 */
    "mmmm---.mmmmmmmm"  /* D0 */
    "bbbbbbbbdd-b...."  /* E0 */
    "*.**..gG......mm"; /* F0 */

static const char TwoByteMap[] =
    "mmmm-.....-.-m.B"  /* 00; 0F is 3DNow!, its opcode comes last */
    "mmmmmmmmmmmmmmmm"  /* 10 */
    "rrrr----mmmmmmmm"  /* 20 */
    "......-.*-*-----"  /* 30 */
    "mmmmmmmmmmmmmmmm"  /* 40 */
    "mmmmmmmmmmmmmmmm"  /* 50 */
    "mmmmmmmmmmmmmmmm"  /* 60 */
    "BBBBmmm.mm--mmmm"  /* 70 */
    "dddddddddddddddd"  /* 80 */
    "mmmmmmmmmmmmmmmm"  /* 90 */
    "...mBm--...mBmmm"  /* A0 */
    "mmmmmmmmmmBmmmmm"  /* B0 */
    "mmBmBBBm........"  /* C0 */
    "mmmmmmmmmmmmmmmm"  /* D0 */
    "mmmmmmmmmmmmmmmm"  /* E0 */
    "mmmmmmmmmmmmmmmm"; /* F0 */

typedef struct _DECODER {
    const uint8_t *Code;
    size_t Size;
    uint32_t Next;
    int OperandSize16, AddressSize32, Wide; /* prefixes 66, 67, REX.W */
    int Repeat;                             /* F2 or F3, or 0 */
} DECODER;

/* The next byte, or -1. */
static int Take(DECODER *Decoder)
{
    if (Decoder->Next >= Decoder->Size || Decoder->Next >= INSTRUCTION_MAXIMUM) {
        return -1;
    }
    return Decoder->Code[Decoder->Next++];
}

/* The length when Count more bytes are there, else 0. */
static uint32_t Finish(const DECODER *Decoder, uint32_t Count)
{
    uint32_t Length = Decoder->Next + Count;
    return Length <= Decoder->Size && Length <= INSTRUCTION_MAXIMUM ? Length : 0;
}

/* Past ModRM, SIB and displacement; returns ModRM or -1. */
static int TakeModRm(DECODER *Decoder)
{
    int ModRm = Take(Decoder);
    int Mod = ModRm >> 6;
    if (ModRm < 0 || Mod == 3) {
        return ModRm;
    }
    int Base = ModRm & 7;
    if (Base == 4) {
        int Sib = Take(Decoder);
        if (Sib < 0) {
            return -1;
        }
        Base = Sib & 7;
    }
    uint32_t Displacement = Mod == 1 ? 1 : Mod == 2 || Base == 5 ? 4 : 0;
    if (Finish(Decoder, Displacement) == 0) {
        return -1;
    }
    Decoder->Next += Displacement;
    return ModRm;
}

static uint32_t FinishWithModRm(DECODER *Decoder, uint32_t Immediate)
{
    return TakeModRm(Decoder) < 0 ? 0 : Finish(Decoder, Immediate);
}

static uint32_t FinishAs(DECODER *Decoder, char Form)
{
    uint32_t WordOrLong = Decoder->OperandSize16 && !Decoder->Wide ? 2 : 4;
    int ModRm;
    switch (Form) {
    case '.':
        return Finish(Decoder, 0);
    case 'b':
        return Finish(Decoder, 1);
    case 'w':
        return Finish(Decoder, 2);
    case 'e':
        return Finish(Decoder, 3);
    case 'd':
        return Finish(Decoder, 4);
    case 'z':
        return Finish(Decoder, WordOrLong);
    case 'v':
        return Finish(Decoder, Decoder->Wide ? 8 : WordOrLong);
    case 'o':
        return Finish(Decoder, Decoder->AddressSize32 ? 4 : 8);
    case 'r':
        return Finish(Decoder, 1);
    case 'm':
        return FinishWithModRm(Decoder, 0);
    case 'B':
        return FinishWithModRm(Decoder, 1);
    case 'Z':
        return FinishWithModRm(Decoder, WordOrLong);
    case 'g':
    case 'G':
        ModRm = TakeModRm(Decoder);
        if (ModRm < 0 || (ModRm & 0x38) >= 0x10) {
            return ModRm < 0 ? 0 : Finish(Decoder, 0);
        }
        return Finish(Decoder, Form == 'g' ? 1 : WordOrLong);
    }
    return 0;
}

/* The vector encodings: one rule for all maps, where nearly everything has a ModRM. */
static uint32_t FinishVector(DECODER *Decoder, int Map)
{
    int Opcode = Take(Decoder);
    if (Opcode < 0 || Map == 0) {
        return 0;
    }
    if (Map == 1 && Opcode == 0x77) {
        return Finish(Decoder, 0); /* vzeroupper, vzeroall */
    }
    int Immediate = Map == 3 || (Map == 1 && TwoByteMap[Opcode] == 'B');
    return FinishWithModRm(Decoder, Immediate ? 1 : 0);
}

static uint32_t FinishVex(DECODER *Decoder, int Opcode)
{
    int Byte = Take(Decoder);
    if (Byte < 0) {
        return 0;
    }
    if (Opcode == 0xc5) {
        return FinishVector(Decoder, 1);
    }
    int Map = Byte & (Opcode == 0x62 ? 7 : 31);
    for (int More = Opcode == 0x62 ? 2 : 1; More > 0; More--) {
        if (Take(Decoder) < 0) {
            return 0;
        }
    }
    return Map <= 7 ? FinishVector(Decoder, Map) : 0;
}

/* 8F with a map number of 8 and above in the next byte; below, it is pop. */
static uint32_t FinishXop(DECODER *Decoder, int Map)
{
    Decoder->Next += 1;
    if (Take(Decoder) < 0 || Take(Decoder) < 0 || Map > 10) {
        return 0;
    }
    return FinishWithModRm(Decoder, Map == 8 ? 1 : Map == 9 ? 0 : 4);
}

static uint32_t FinishTwoByte(DECODER *Decoder)
{
    int Opcode = Take(Decoder);
    if (Opcode < 0) {
        return 0;
    }
    if (Opcode == 0x38) {
        return Take(Decoder) < 0 ? 0 : FinishWithModRm(Decoder, 0);
    }
    if (Opcode == 0x3a) {
        return Take(Decoder) < 0 ? 0 : FinishWithModRm(Decoder, 1);
    }
    if (Opcode == 0x78 && (Decoder->OperandSize16 || Decoder->Repeat == 0xf2)) {
        return FinishWithModRm(Decoder, 2); /* extrq, insertq */
    }
    return FinishAs(Decoder, TwoByteMap[Opcode]);
}

/* Takes the prefixes, and the opcode, which it returns; -1 when there is none. */
static int TakePrefixes(DECODER *Decoder)
{
    for (;;) {
        int Byte = Take(Decoder);
        switch (Byte) {
        case 0x66:
            Decoder->OperandSize16 = 1;
            break;
        case 0x67:
            Decoder->AddressSize32 = 1;
            break;
        case 0xf2:
        case 0xf3:
            Decoder->Repeat = Byte;
            break;
        case 0xf0:
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
            break;
        default:
            if (Byte < 0x40 || Byte > 0x4f) {
                return Byte;
            }
            /* REX counts when the opcode follows at once; another prefix makes it void. */
            Decoder->Wide = (Byte & 8) != 0;
            Byte = Take(Decoder);
            if (Byte < 0 || OneByteMap[Byte] != '*' || Byte == 0x0f || Byte == 0xc4 ||
                Byte == 0xc5 || Byte == 0x62) {
                return Byte;
            }
            Decoder->Wide = 0;
            Decoder->Next -= 1;
            break;
        }
    }
}

uint32_t InstructionLength(const uint8_t *Code, size_t Size)
{
    DECODER Decoder = {.Code = Code, .Size = Size};
    int Opcode = TakePrefixes(&Decoder);
    if (Opcode < 0) {
        return 0;
    }
    if (Opcode == 0x0f) {
        return FinishTwoByte(&Decoder);
    }
    if (Opcode == 0xc4 || Opcode == 0xc5 || Opcode == 0x62) {
        return FinishVex(&Decoder, Opcode);
    }
    if (Opcode == 0x8f && Decoder.Next < Size && (Code[Decoder.Next] & 31) >= 8) {
        return FinishXop(&Decoder, Code[Decoder.Next] & 31);
    }
    return FinishAs(&Decoder, OneByteMap[Opcode]);
}

int InstructionWritesCr8(const uint8_t *Code, size_t Size, uint32_t *Register)
{
    if (Size < 4 || (Code[0] & 0xf6) != 0x44 || Code[1] != 0x0f || Code[2] != 0x22 ||
        (Code[3] & 0xf8) != 0xc0) {
        return 0;
    }
    *Register = (uint32_t)((Code[0] & 1) << 3 | (Code[3] & 7));
    return 1;
}
