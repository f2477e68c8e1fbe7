/* SPDX-License-Identifier: MIT */
/*
 * .debug_frame from .pdata and .xdata. Both describe the same prologue: x64 unwind codes say what
 * each instruction did, DWARF how to find the caller from there. CFA, the canonical frame address,
 * is rsp before the call; Depth is how far rsp is below it. Epilogues are not described: a stop in
 * the middle of one shows a wrong caller.
 *
 * A trap's machine frame: its rip stands where a return address would, its rsp three slots above.
 */
#include "host/gdb/dwarf.h"

#define DW_CFA_advance_loc4 0x04
#define DW_CFA_offset_extended_sf 0x11
#define DW_CFA_def_cfa 0x0c
#define DW_CFA_def_cfa_offset 0x0e
#define DW_CFA_offset 0x80
#define REGISTER_RSP 7
#define REGISTER_RIP 16
#define SLOT 8
#define PADDING 8u

/* DWARF's numbers of rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 .. r15 */
static const uint8_t Registers[16] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};

typedef struct {
    BYTE_BUFFER *Out;
    uint32_t Depth;     /* of rsp below the CFA */
    uint32_t Base;      /* of what saves are relative to, below the CFA */
    uint32_t At;        /* offset of the instruction told last, in the function */
    bool FromRegister;  /* the CFA is told by the frame register */
} FRAME_WRITER;

static void PutEntryHead(BYTE_BUFFER *Out, size_t *Start, uint32_t Id)
{
    *Start = Out->Used;
    BufferNumber(Out, 0, 4);
    BufferNumber(Out, Id, 4);
}

static void PutEntryTail(BYTE_BUFFER *Out, size_t Start)
{
    while ((Out->Used - Start - 4) % PADDING != 0 && !Out->Failed) {
        BufferNumber(Out, 0, 1); /* DW_CFA_nop */
    }
    BufferPatch(Out, Start, (uint32_t)(Out->Used - Start - 4));
}

/* Signal: the code was interrupted, so its rip is no return address. */
static uint32_t PutCommon(BYTE_BUFFER *Out, bool Signal)
{
    size_t Start;
    PutEntryHead(Out, &Start, 0xffffffff);
    BufferNumber(Out, 3, 1);
    BufferString(Out, Signal ? "zS" : "z");
    BufferUnsigned(Out, 1);   /* code is told in bytes */
    BufferSigned(Out, -SLOT); /* places in slots below the CFA */
    BufferUnsigned(Out, REGISTER_RIP);
    BufferUnsigned(Out, 0); /* bytes of augmentation */
    BufferNumber(Out, DW_CFA_def_cfa, 1);
    BufferUnsigned(Out, REGISTER_RSP);
    BufferUnsigned(Out, SLOT);
    BufferNumber(Out, DW_CFA_offset | REGISTER_RIP, 1);
    BufferUnsigned(Out, 1);
    PutEntryTail(Out, Start);
    return (uint32_t)Start;
}

static void PutSaved(FRAME_WRITER *Writer, unsigned Register, int64_t BelowCfa)
{
    BufferNumber(Writer->Out, DW_CFA_offset_extended_sf, 1);
    BufferUnsigned(Writer->Out, Register);
    BufferSigned(Writer->Out, BelowCfa / SLOT);
}

static void PutDepth(FRAME_WRITER *Writer)
{
    if (!Writer->FromRegister) {
        BufferNumber(Writer->Out, DW_CFA_def_cfa_offset, 1);
        BufferUnsigned(Writer->Out, Writer->Depth);
    }
}

static uint32_t AllocatedBytes(const UNWIND_CODE *Code)
{
    if (Code->UnwindOp == UWOP_ALLOC_SMALL) {
        return Code->OpInfo * 8u + 8u;
    }
    return Code->OpInfo == 0 ? Code[1].FrameOffset * 8u
                             : Code[1].FrameOffset | (uint32_t)Code[2].FrameOffset << 16;
}

/* One code, in the order of execution. */
static void PutCode(FRAME_WRITER *Writer, const UNWIND_DATA *Data, const UNWIND_CODE *Code)
{
    uint32_t Saved = Code->UnwindOp == UWOP_SAVE_NONVOL ? Code[1].FrameOffset * 8u
                     : Code->UnwindOp == UWOP_SAVE_NONVOL_FAR
                         ? Code[1].FrameOffset | (uint32_t)Code[2].FrameOffset << 16 : 0;
    switch (Code->UnwindOp) {
    case UWOP_PUSH_NONVOL:
        Writer->Depth += SLOT;
        PutDepth(Writer);
        PutSaved(Writer, Registers[Code->OpInfo], Writer->Depth);
        break;
    case UWOP_ALLOC_SMALL:
    case UWOP_ALLOC_LARGE:
        Writer->Depth += AllocatedBytes(Code);
        PutDepth(Writer);
        break;
    case UWOP_SET_FPREG:
        Writer->FromRegister = true;
        BufferNumber(Writer->Out, DW_CFA_def_cfa, 1);
        BufferUnsigned(Writer->Out, Registers[Data->FrameRegister]);
        BufferUnsigned(Writer->Out, Writer->Depth - Data->FrameOffset);
        break;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_NONVOL_FAR:
        PutSaved(Writer, Registers[Code->OpInfo], (int64_t)Writer->Base - Saved);
        break;
    case UWOP_PUSH_MACHFRAME:
        Writer->Depth = SLOT + (Code->OpInfo != 0 ? SLOT : 0);
        PutDepth(Writer);
        PutSaved(Writer, REGISTER_RSP, -2 * SLOT);
        break;
    }
}

/* The codes' places in the order of execution, which is the reverse of the array's. */
static unsigned ListCodes(const UNWIND_DATA *Data, uint8_t Places[256])
{
    unsigned Count = 0;
    for (unsigned i = 0; i < Data->CountOfCodes;
         i += UnwindCodeSlots(Data->Version, Data->Codes[i])) {
        Places[Count++] = (uint8_t)i;
    }
    for (unsigned i = 0; i < Count / 2; i++) {
        uint8_t Place = Places[i];
        Places[i] = Places[Count - 1 - i];
        Places[Count - 1 - i] = Place;
    }
    return Count;
}

/* rsp after the prologue, or at the point where the frame register was set: saves count there. */
static uint32_t BaseDepth(const UNWIND_DATA *Data, uint32_t Depth)
{
    uint8_t Places[256];
    unsigned Count = ListCodes(Data, Places);
    for (unsigned i = 0; i < Count; i++) {
        const UNWIND_CODE *Code = &Data->Codes[Places[i]];
        if (Code->UnwindOp == UWOP_SET_FPREG) {
            return Depth;
        }
        Depth += Code->UnwindOp == UWOP_PUSH_NONVOL ? SLOT
                 : Code->UnwindOp == UWOP_ALLOC_SMALL || Code->UnwindOp == UWOP_ALLOC_LARGE
                     ? AllocatedBytes(Code) : 0;
    }
    return Depth;
}

/* Inherited: the codes of a fragment's parent, all done when the fragment begins. */
static void PutCodes(FRAME_WRITER *Writer, const UNWIND_DATA *Data, bool Inherited)
{
    uint8_t Places[256];
    unsigned Count = ListCodes(Data, Places);
    Writer->Base = BaseDepth(Data, Writer->Depth);
    for (unsigned i = 0; i < Count; i++) {
        const UNWIND_CODE *Code = &Data->Codes[Places[i]];
        if (!Inherited && Code->CodeOffset > Writer->At) {
            BufferNumber(Writer->Out, DW_CFA_advance_loc4, 1);
            BufferNumber(Writer->Out, Code->CodeOffset - Writer->At, 4);
            Writer->At = Code->CodeOffset;
        }
        PutCode(Writer, Data, Code);
    }
}

/* Of Function and the fragments it is chained to, outermost first; 0: damaged. */
static unsigned ReadChain(const UNWIND_IMAGE *Image, const RUNTIME_FUNCTION *Function,
                          UNWIND_DATA Chain[UNWIND_MAXIMUM_CHAIN])
{
    unsigned Count = 0;
    while (Function != NULL) {
        if (Count == UNWIND_MAXIMUM_CHAIN || !UnwindReadData(Image, Function, &Chain[Count])) {
            return 0;
        }
        Function = Chain[Count++].Chained;
    }
    return Count;
}

static bool HasMachineFrame(const UNWIND_DATA *Data)
{
    for (unsigned i = 0; i < Data->CountOfCodes;
         i += UnwindCodeSlots(Data->Version, Data->Codes[i])) {
        if (Data->Codes[i].UnwindOp == UWOP_PUSH_MACHFRAME) {
            return true;
        }
    }
    return false;
}

static void PutFunction(BYTE_BUFFER *Out, const UNWIND_IMAGE *Image,
                        const RUNTIME_FUNCTION *Function, const uint32_t Common[2])
{
    UNWIND_DATA Chain[UNWIND_MAXIMUM_CHAIN];
    FRAME_WRITER Writer = {.Out = Out, .Depth = SLOT};
    unsigned Count = ReadChain(Image, Function, Chain);
    size_t Start;

    if (Count == 0 || Function->EndAddress <= Function->BeginAddress) {
        return;
    }
    PutEntryHead(Out, &Start, Common[HasMachineFrame(&Chain[Count - 1])]);
    BufferNumber(Out, Function->BeginAddress, 8);
    BufferNumber(Out, Function->EndAddress - Function->BeginAddress, 8);
    BufferUnsigned(Out, 0); /* bytes of augmentation */
    for (unsigned i = Count; i-- > 0;) {
        PutCodes(&Writer, &Chain[i], i != 0);
    }
    PutEntryTail(Out, Start);
}

void DwarfPutFrames(BYTE_BUFFER *Out, const UNWIND_IMAGE *Image)
{
    const uint32_t Common[2] = {PutCommon(Out, false), PutCommon(Out, true)};
    for (ULONG i = 0; i < Image->TableCount; i++) {
        ULONG64 Rva = Image->TableRva + (ULONG64)i * sizeof(RUNTIME_FUNCTION);
        const RUNTIME_FUNCTION *Function =
            Rva < Image->Size ? UnwindImageBytes(Image, (ULONG)Rva, sizeof(*Function)) : NULL;
        if (Function != NULL && (Function->UnwindData & RUNTIME_FUNCTION_INDIRECT) == 0) {
            PutFunction(Out, Image, Function, Common);
        }
    }
}
