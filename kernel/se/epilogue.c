/* SPDX-License-Identifier: MIT */
/*
 * Is an address inside an epilogue? The x64 ABI fixes what an epilogue may look like, so that the
 * instruction stream itself answers:
 *
 *     [add rsp, n | lea rsp, n[frame register]]  (pop register)*  (ret | leaving jmp)
 *
 * Decoding starts at the interrupted instruction, so what has already run is simply not seen. A
 * jmp counts as leaving when its target is outside this function and all its fragments, when it
 * goes through memory (jmp [rip+n]), or when it carries REX.W, which compilers put there for this.
 */
#include "se_internal.h"

typedef struct _CODE_READER {
    const UCHAR *Bytes;
    ULONG Left;
    ULONG Used;
} CODE_READER;

/* The byte at Index, or -1 past the end of the function. */
static LONG RtlpPeek(const CODE_READER *Reader, ULONG Index)
{
    return Index < Reader->Left ? Reader->Bytes[Index] : -1;
}

static LONG RtlpPeekLong(const CODE_READER *Reader, ULONG Index)
{
    ULONG Value = 0;

    for (ULONG Byte = 0; Byte < 4; Byte++) {
        Value |= (ULONG)RtlpPeek(Reader, Index + Byte) << (8 * Byte);
    }
    return (LONG)Value;
}

static VOID RtlpSkip(CODE_READER *Reader, ULONG Count)
{
    ULONG Step = Count < Reader->Left ? Count : Reader->Left;

    Reader->Bytes += Step;
    Reader->Left -= Step;
    Reader->Used += Step;
}

/* add rsp, imm8 (48 83 C4 ib) or imm32 (48 81 C4 id). */
static BOOLEAN RtlpDecodeAdd(CODE_READER *Reader, PSE_EPILOGUE Epilogue)
{
    if (RtlpPeek(Reader, 0) != 0x48 || RtlpPeek(Reader, 2) != 0xc4) {
        return FALSE;
    }
    if (RtlpPeek(Reader, 1) == 0x83 && Reader->Left >= 4) {
        Epilogue->Displacement = (signed char)RtlpPeek(Reader, 3);
        RtlpSkip(Reader, 4);
        return TRUE;
    }
    if (RtlpPeek(Reader, 1) == 0x81 && Reader->Left >= 7) {
        Epilogue->Displacement = RtlpPeekLong(Reader, 3);
        RtlpSkip(Reader, 7);
        return TRUE;
    }
    return FALSE;
}

/* lea rsp, [frame register + disp]: 48/49 8D modrm [sib] disp, modrm.reg = rsp. */
static BOOLEAN RtlpDecodeLea(CODE_READER *Reader, UCHAR FrameRegister, PSE_EPILOGUE Epilogue)
{
    LONG Rex = RtlpPeek(Reader, 0);
    LONG ModRm = RtlpPeek(Reader, 2);
    ULONG Length = 3;

    if (FrameRegister == 0 || (Rex != 0x48 && Rex != 0x49) || RtlpPeek(Reader, 1) != 0x8d ||
        ModRm < 0 || (ModRm & 0x38) != 0x20) {
        return FALSE;
    }
    if (((ModRm & 7) | ((Rex & 1) << 3)) != FrameRegister) {
        return FALSE;
    }
    if ((ModRm & 7) == 4) { /* rsp and r12 as base take a SIB byte */
        if (RtlpPeek(Reader, 3) != 0x24) {
            return FALSE;
        }
        Length++;
    }
    Epilogue->FromFrameRegister = TRUE;
    switch (ModRm >> 6) {
    case 0:
        if ((ModRm & 7) == 5) {
            return FALSE; /* rip-relative */
        }
        Epilogue->Displacement = 0;
        break;
    case 1:
        Epilogue->Displacement = (signed char)RtlpPeek(Reader, Length);
        Length += 1;
        break;
    case 2:
        Epilogue->Displacement = RtlpPeekLong(Reader, Length);
        Length += 4;
        break;
    default:
        return FALSE;
    }
    if (Reader->Left < Length) {
        return FALSE;
    }
    RtlpSkip(Reader, Length);
    return TRUE;
}

/* pop reg (58+r) or REX.B pop (41 58+r). At most 16. */
static BOOLEAN RtlpDecodePops(CODE_READER *Reader, PSE_EPILOGUE Epilogue)
{
    for (;;) {
        LONG Byte = RtlpPeek(Reader, 0);
        UCHAR High = 0;
        ULONG Length = 1;
        if (Byte == 0x41) {
            High = 8;
            Length = 2;
            Byte = RtlpPeek(Reader, 1);
        }
        if (Byte < 0x58 || Byte > 0x5f) {
            return TRUE;
        }
        if (Epilogue->PopCount == RTL_NUMBER_OF(Epilogue->Pops)) {
            return FALSE;
        }
        Epilogue->Pops[Epilogue->PopCount++] = (UCHAR)(High + (Byte - 0x58));
        RtlpSkip(Reader, Length);
    }
}

/* Does a direct jump to TargetRva leave the function that Function is a part of? */
static BOOLEAN RtlpLeavesFunction(const SE_IMAGE *Image, PRUNTIME_FUNCTION Function,
                                  ULONG TargetRva)
{
    if (TargetRva >= Image->Size) {
        return FALSE; /* no jump of a linker; take it as code of the body */
    }
    PRUNTIME_FUNCTION Target = RtlpLookupFunction(Image, Image->Base + TargetRva);
    if (Target == NULL) {
        return TRUE; /* a leaf function */
    }
    PRUNTIME_FUNCTION Primary = RtlpPrimaryFunction(Image, Function);
    if (RtlpPrimaryFunction(Image, Target)->BeginAddress != Primary->BeginAddress) {
        return TRUE;
    }
    return TargetRva == Primary->BeginAddress; /* a recursive tail call */
}

static BOOLEAN RtlpDecodeLeave(const CODE_READER *Reader, const SE_IMAGE *Image,
                               PRUNTIME_FUNCTION Function, ULONG Rva)
{
    LONG Byte = RtlpPeek(Reader, 0);

    if (Byte == 0xc3 || Byte == 0xc2 || (Byte == 0xf3 && RtlpPeek(Reader, 1) == 0xc3)) {
        return TRUE;
    }
    if (Byte == 0xeb && Reader->Left >= 2) {
        return RtlpLeavesFunction(Image, Function,
                                  Rva + 2 + (ULONG)(signed char)RtlpPeek(Reader, 1));
    }
    if (Byte == 0xe9 && Reader->Left >= 5) {
        return RtlpLeavesFunction(Image, Function, Rva + 5 + (ULONG)RtlpPeekLong(Reader, 1));
    }
    if (Byte == 0xff) {
        return RtlpPeek(Reader, 1) == 0x25;
    }
    if (Byte >= 0x48 && Byte <= 0x4f && RtlpPeek(Reader, 1) == 0xff) {
        LONG ModRm = RtlpPeek(Reader, 2);
        return ModRm >= 0 && (ModRm & 0x38) == 0x20 && (ModRm >> 6 == 0 || ModRm >> 6 == 3);
    }
    return FALSE;
}

/*
 * TRUE: ControlPc is in an epilogue and Epilogue says what is left of it. Reads the code bytes of
 * the function from ControlPc on, so the page of ControlPc must be resident at raised IRQL.
 */
BOOLEAN RtlpDecodeEpilogue(const SE_IMAGE *Image, PRUNTIME_FUNCTION Function,
                           const SE_UNWIND_INFO *Info, ULONG_PTR ControlPc,
                           PSE_EPILOGUE Epilogue)
{
    ULONG Rva = (ULONG)(ControlPc - Image->Base);
    ULONG End = Function->EndAddress < Image->Size ? Function->EndAddress : Image->Size;

    if (Rva < Function->BeginAddress || Rva >= End) {
        return FALSE;
    }
    /* An epilogue is shorter than a page, so the code touches two pages at most. */
    ULONG Left = End - Rva;
    ULONG InPage = PAGE_SIZE - (ULONG)(ControlPc & (PAGE_SIZE - 1));
    if (!KiMayRead(ControlPc)) {
        return FALSE;
    }
    if (Left > InPage && !KiMayRead(ControlPc + InPage)) {
        Left = InPage;
    }
    CODE_READER Reader = {.Bytes = (const UCHAR *)ControlPc, .Left = Left};
    *Epilogue = (SE_EPILOGUE){0};
    if (!RtlpDecodeAdd(&Reader, Epilogue)) {
        RtlpDecodeLea(&Reader, Info->FrameRegister, Epilogue);
    }
    return RtlpDecodePops(&Reader, Epilogue) &&
           RtlpDecodeLeave(&Reader, Image, Function, Rva + Reader.Used);
}
