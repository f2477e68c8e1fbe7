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
#include "lib/unwind.h"

/* add or lea (8 bytes), 16 pops (2 each), a leaving jump (8): no epilogue is longer. */
#define EPILOGUE_BYTES 48u

typedef struct _CODE_READER {
    const UCHAR *Bytes;
    ULONG Left;
    ULONG Used;
} CODE_READER;

/* The byte at Index, or -1 past the end of the function. */
static LONG UnwindPeek(const CODE_READER *Reader, ULONG Index)
{
    return Index < Reader->Left ? Reader->Bytes[Index] : -1;
}

static LONG UnwindPeekLong(const CODE_READER *Reader, ULONG Index)
{
    ULONG Value = 0;

    for (ULONG Byte = 0; Byte < 4; Byte++) {
        Value |= (ULONG)UnwindPeek(Reader, Index + Byte) << (8 * Byte);
    }
    return (LONG)Value;
}

static VOID UnwindSkip(CODE_READER *Reader, ULONG Count)
{
    ULONG Step = Count < Reader->Left ? Count : Reader->Left;

    Reader->Bytes += Step;
    Reader->Left -= Step;
    Reader->Used += Step;
}

/* add rsp, imm8 (48 83 C4 ib) or imm32 (48 81 C4 id). */
static BOOLEAN UnwindDecodeAdd(CODE_READER *Reader, UNWIND_EPILOGUE *Epilogue)
{
    if (UnwindPeek(Reader, 0) != 0x48 || UnwindPeek(Reader, 2) != 0xc4) {
        return FALSE;
    }
    if (UnwindPeek(Reader, 1) == 0x83 && Reader->Left >= 4) {
        Epilogue->Displacement = (signed char)UnwindPeek(Reader, 3);
        UnwindSkip(Reader, 4);
        return TRUE;
    }
    if (UnwindPeek(Reader, 1) == 0x81 && Reader->Left >= 7) {
        Epilogue->Displacement = UnwindPeekLong(Reader, 3);
        UnwindSkip(Reader, 7);
        return TRUE;
    }
    return FALSE;
}

/* lea rsp, [frame register + disp]: 48/49 8D modrm [sib] disp, modrm.reg = rsp. */
static BOOLEAN UnwindDecodeLea(CODE_READER *Reader, UCHAR FrameRegister, UNWIND_EPILOGUE *Epilogue)
{
    LONG Rex = UnwindPeek(Reader, 0);
    LONG ModRm = UnwindPeek(Reader, 2);
    ULONG Length = 3;

    if (FrameRegister == 0 || (Rex != 0x48 && Rex != 0x49) || UnwindPeek(Reader, 1) != 0x8d ||
        ModRm < 0 || (ModRm & 0x38) != 0x20) {
        return FALSE;
    }
    if (((ModRm & 7) | ((Rex & 1) << 3)) != FrameRegister) {
        return FALSE;
    }
    if ((ModRm & 7) == 4) { /* rsp and r12 as base take a SIB byte */
        if (UnwindPeek(Reader, 3) != 0x24) {
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
        Epilogue->Displacement = (signed char)UnwindPeek(Reader, Length);
        Length += 1;
        break;
    case 2:
        Epilogue->Displacement = UnwindPeekLong(Reader, Length);
        Length += 4;
        break;
    default:
        return FALSE;
    }
    if (Reader->Left < Length) {
        return FALSE;
    }
    UnwindSkip(Reader, Length);
    return TRUE;
}

/* pop reg (58+r) or REX.B pop (41 58+r). At most 16. */
static BOOLEAN UnwindDecodePops(CODE_READER *Reader, UNWIND_EPILOGUE *Epilogue)
{
    for (;;) {
        LONG Byte = UnwindPeek(Reader, 0);
        UCHAR High = 0;
        ULONG Length = 1;
        if (Byte == 0x41) {
            High = 8;
            Length = 2;
            Byte = UnwindPeek(Reader, 1);
        }
        if (Byte < 0x58 || Byte > 0x5f) {
            return TRUE;
        }
        if (Epilogue->PopCount == RTL_NUMBER_OF(Epilogue->Pops)) {
            return FALSE;
        }
        Epilogue->Pops[Epilogue->PopCount++] = (UCHAR)(High + (Byte - 0x58));
        UnwindSkip(Reader, Length);
    }
}

/* Does a direct jump to TargetRva leave the function that Function is a part of? */
static BOOLEAN UnwindLeavesFunction(const UNWIND_IMAGE *Image, PRUNTIME_FUNCTION Function,
                                  ULONG TargetRva)
{
    if (TargetRva >= Image->Size) {
        return FALSE; /* no jump of a linker; take it as code of the body */
    }
    PRUNTIME_FUNCTION Target = UnwindFindFunction(Image, Image->Base + TargetRva);
    if (Target == NULL) {
        return TRUE; /* a leaf function */
    }
    PRUNTIME_FUNCTION Primary = UnwindPrimaryFunction(Image, Function);
    if (UnwindPrimaryFunction(Image, Target)->BeginAddress != Primary->BeginAddress) {
        return TRUE;
    }
    return TargetRva == Primary->BeginAddress; /* a recursive tail call */
}

static BOOLEAN UnwindDecodeLeave(const CODE_READER *Reader, const UNWIND_IMAGE *Image,
                               PRUNTIME_FUNCTION Function, ULONG Rva)
{
    LONG Byte = UnwindPeek(Reader, 0);

    if (Byte == 0xc3 || Byte == 0xc2 || (Byte == 0xf3 && UnwindPeek(Reader, 1) == 0xc3)) {
        return TRUE;
    }
    if (Byte == 0xeb && Reader->Left >= 2) {
        return UnwindLeavesFunction(Image, Function,
                                  Rva + 2 + (ULONG)(signed char)UnwindPeek(Reader, 1));
    }
    if (Byte == 0xe9 && Reader->Left >= 5) {
        return UnwindLeavesFunction(Image, Function, Rva + 5 + (ULONG)UnwindPeekLong(Reader, 1));
    }
    if (Byte == 0xff) {
        return UnwindPeek(Reader, 1) == 0x25;
    }
    if (Byte >= 0x48 && Byte <= 0x4f && UnwindPeek(Reader, 1) == 0xff) {
        LONG ModRm = UnwindPeek(Reader, 2);
        return ModRm >= 0 && (ModRm & 0x38) == 0x20 && (ModRm >> 6 == 0 || ModRm >> 6 == 3);
    }
    return FALSE;
}

/*
 * TRUE: ControlPc is in an epilogue and Epilogue says what is left of it. Reads the code bytes of
 * the function from ControlPc on, so the page of ControlPc must be resident at raised IRQL.
 */
BOOLEAN UnwindDecodeEpilogue(const UNWIND_IMAGE *Image, PRUNTIME_FUNCTION Function,
                           const UNWIND_DATA *Info, ULONG_PTR ControlPc,
                           UNWIND_EPILOGUE *Epilogue)
{
    ULONG Rva = (ULONG)(ControlPc - Image->Base);
    ULONG End = Function->EndAddress < Image->Size ? Function->EndAddress : Image->Size;

    if (Rva < Function->BeginAddress || Rva >= End) {
        return FALSE;
    }
    /* When the next page is out, what there is on this one must do. */
    ULONG Left = End - Rva < EPILOGUE_BYTES ? End - Rva : EPILOGUE_BYTES;
    ULONG InPage = 0x1000 - (ULONG)(ControlPc & 0xfff);
    const UCHAR *Bytes = Image->Bytes(Image, Rva, Left);
    if (Bytes == NULL && Left > InPage) {
        Left = InPage;
        Bytes = Image->Bytes(Image, Rva, Left);
    }
    if (Bytes == NULL) {
        return FALSE;
    }
    CODE_READER Reader = {.Bytes = Bytes, .Left = Left};
    *Epilogue = (UNWIND_EPILOGUE){0};
    if (!UnwindDecodeAdd(&Reader, Epilogue)) {
        UnwindDecodeLea(&Reader, Info->FrameRegister, Epilogue);
    }
    return UnwindDecodePops(&Reader, Epilogue) &&
           UnwindDecodeLeave(&Reader, Image, Function, Rva + Reader.Used);
}
