/* SPDX-License-Identifier: MIT */
/*
 * One frame undone. Three cases:
 *
 *   no RUNTIME_FUNCTION      a leaf: the return address is at rsp
 *   inside an epilogue       do what is left of it (epilogue.c)
 *   otherwise                undo, newest first, the prologue's codes that have run; then those of
 *                            each chained UNWIND_INFO; then pop the return address, unless a
 *                            machine frame gave rip and rsp
 *
 * A language handler is given only for the body: in the prologue and the epilogue the function's
 * scopes are not open.
 */
#include "se_internal.h"

#define SE_RSP 4

typedef struct _UNWIND_STATE {
    PCONTEXT Context;
    const SE_STACK *Stack;
    PKNONVOLATILE_CONTEXT_POINTERS Pointers; /* may be NULL */
    BOOLEAN MachineFrame;
} UNWIND_STATE, *PUNWIND_STATE;

static PULONG64 RtlpRegister(PCONTEXT Context, ULONG Number)
{
    return (PULONG64)((PUCHAR)Context + FIELD_OFFSET(CONTEXT, Rax)) + Number;
}

/* FALSE: not within the limits, or not aligned. */
BOOLEAN RtlpReadStack(const SE_STACK *Stack, ULONG_PTR Address, PULONG64 Value)
{
    if ((Address & 7) != 0 || Address < Stack->Low || Address >= Stack->High ||
        Stack->High - Address < sizeof(ULONG64)) {
        return FALSE;
    }
    *Value = *(volatile ULONG64 *)Address;
    return TRUE;
}

static BOOLEAN RtlpLoadRegister(PUNWIND_STATE State, ULONG Number, ULONG_PTR Address)
{
    if (!RtlpReadStack(State->Stack, Address, RtlpRegister(State->Context, Number))) {
        return FALSE;
    }
    if (State->Pointers != NULL) {
        State->Pointers->IntegerContext[Number] = (PULONG64)Address;
    }
    return TRUE;
}

static BOOLEAN RtlpLoadXmm(PUNWIND_STATE State, ULONG Number, ULONG_PTR Address)
{
    PM128A Xmm = &State->Context->Xmm0 + Number;
    ULONG64 High;

    if (!RtlpReadStack(State->Stack, Address, &Xmm->Low) ||
        !RtlpReadStack(State->Stack, Address + 8, &High)) {
        return FALSE;
    }
    Xmm->High = (LONGLONG)High;
    if (State->Pointers != NULL) {
        State->Pointers->FloatingContext[Number] = (PM128A)Address;
    }
    return TRUE;
}

static BOOLEAN RtlpPopReturnAddress(PUNWIND_STATE State)
{
    PCONTEXT Context = State->Context;

    if (!RtlpReadStack(State->Stack, Context->Rsp, &Context->Rip)) {
        return FALSE;
    }
    Context->Rsp += 8;
    return TRUE;
}

/* The frame the CPU pushed: [error code] rip cs rflags rsp ss. */
static BOOLEAN RtlpPopMachineFrame(PUNWIND_STATE State, ULONG HasErrorCode)
{
    PCONTEXT Context = State->Context;
    ULONG_PTR Frame = Context->Rsp + (HasErrorCode != 0 ? 8 : 0);
    ULONG64 Rsp;

    if (!RtlpReadStack(State->Stack, Frame, &Context->Rip) ||
        !RtlpReadStack(State->Stack, Frame + 0x18, &Rsp)) {
        return FALSE;
    }
    Context->Rsp = Rsp;
    State->MachineFrame = TRUE;
    return TRUE;
}

/* FrameBase: what UWOP_SAVE_* offsets count from. Slots have been checked. */
static BOOLEAN RtlpUndoCode(PUNWIND_STATE State, const SE_UNWIND_INFO *Info,
                            const UNWIND_CODE *Code, ULONG_PTR FrameBase)
{
    PCONTEXT Context = State->Context;
    ULONG Number = Code->OpInfo;
    ULONG Near = 0;
    ULONG Far = 0;

    switch (Code->UnwindOp) {
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SAVE_XMM128_FAR:
        Far = Code[1].FrameOffset | (ULONG)Code[2].FrameOffset << 16;
        break;
    case UWOP_ALLOC_LARGE:
        Near = Code[1].FrameOffset;
        Far = Number == 1 ? Near | (ULONG)Code[2].FrameOffset << 16 : Near * 8;
        break;
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
        Near = Code[1].FrameOffset;
        break;
    }

    switch (Code->UnwindOp) {
    case UWOP_PUSH_NONVOL:
        if (!RtlpLoadRegister(State, Number, Context->Rsp)) {
            return FALSE;
        }
        if (Number != SE_RSP) {
            Context->Rsp += 8;
        }
        return TRUE;
    case UWOP_ALLOC_LARGE:
        Context->Rsp += Far;
        return TRUE;
    case UWOP_ALLOC_SMALL:
        Context->Rsp += Number * 8 + 8;
        return TRUE;
    case UWOP_SET_FPREG:
        if (Info->FrameRegister == 0) {
            return FALSE;
        }
        Context->Rsp = *RtlpRegister(Context, Info->FrameRegister) - Info->FrameOffset;
        return TRUE;
    case UWOP_SAVE_NONVOL:
        return RtlpLoadRegister(State, Number, FrameBase + Near * 8ull);
    case UWOP_SAVE_NONVOL_FAR:
        return RtlpLoadRegister(State, Number, FrameBase + Far);
    case UWOP_SAVE_XMM128:
        return RtlpLoadXmm(State, Number, FrameBase + Near * 16ull);
    case UWOP_SAVE_XMM128_FAR:
        return RtlpLoadXmm(State, Number, FrameBase + Far);
    case UWOP_PUSH_MACHFRAME:
        return RtlpPopMachineFrame(State, Number);
    case UWOP_EPILOG:
        return TRUE; /* says where epilogues are; we decode them */
    default:
        return FALSE;
    }
}

/* PrologOffset MAXULONG: all codes have run. */
static BOOLEAN RtlpUndoCodes(PUNWIND_STATE State, const SE_UNWIND_INFO *Info, ULONG PrologOffset,
                             ULONG_PTR FrameBase)
{
    for (ULONG Index = 0; Index < Info->CountOfCodes;) {
        const UNWIND_CODE *Code = &Info->Codes[Index];
        if (Code->UnwindOp == UWOP_EPILOG || Code->CodeOffset <= PrologOffset) {
            if (!RtlpUndoCode(State, Info, Code, FrameBase)) {
                return FALSE;
            }
        }
        Index += RtlpUnwindCodeSlots(Info->Version, *Code);
    }
    return TRUE;
}

/*
 * rsp as it was right after the prologue's fixed allocation. With a frame register it counts from
 * that, once the prologue has set it.
 */
static ULONG_PTR RtlpEstablisherFrame(PCONTEXT Context, const SE_UNWIND_INFO *Info,
                                      ULONG PrologOffset)
{
    if (Info->FrameRegister == 0) {
        return Context->Rsp;
    }
    BOOLEAN IsSet = PrologOffset >= Info->SizeOfProlog || Info->Chained != NULL;
    for (ULONG Index = 0; !IsSet && Index < Info->CountOfCodes;) {
        UNWIND_CODE Code = Info->Codes[Index];
        IsSet = Code.UnwindOp == UWOP_SET_FPREG && Code.CodeOffset <= PrologOffset;
        Index += RtlpUnwindCodeSlots(Info->Version, Code);
    }
    return IsSet ? *RtlpRegister(Context, Info->FrameRegister) - Info->FrameOffset : Context->Rsp;
}

static BOOLEAN RtlpFinishEpilogue(PUNWIND_STATE State, const SE_UNWIND_INFO *Info,
                                  const SE_EPILOGUE *Epilogue)
{
    PCONTEXT Context = State->Context;

    if (Epilogue->FromFrameRegister) {
        Context->Rsp = *RtlpRegister(Context, Info->FrameRegister);
    }
    Context->Rsp += (LONG64)Epilogue->Displacement;
    for (ULONG Pop = 0; Pop < Epilogue->PopCount; Pop++) {
        ULONG Number = Epilogue->Pops[Pop];
        ULONG_PTR Address = Context->Rsp;
        if (!RtlpLoadRegister(State, Number, Address)) {
            return FALSE;
        }
        if (Number != SE_RSP) {
            Context->Rsp = Address + 8;
        }
    }
    return RtlpPopReturnAddress(State);
}

/* Codes of Info, then of all it is chained to. Info becomes the primary's. */
static BOOLEAN RtlpUndoFunction(PUNWIND_STATE State, const SE_IMAGE *Image, PSE_UNWIND_INFO Info,
                                ULONG PrologOffset, ULONG_PTR FrameBase)
{
    ULONG Offset = PrologOffset;

    for (ULONG Link = 0; Link < SE_MAXIMUM_CHAIN; Link++) {
        if (!RtlpUndoCodes(State, Info, Offset, FrameBase)) {
            return FALSE;
        }
        if (Info->Chained == NULL) {
            return State->MachineFrame || RtlpPopReturnAddress(State);
        }
        if (!RtlpReadUnwindInfo(Image, Info->Chained, Info)) {
            return FALSE;
        }
        Offset = MAXULONG;
    }
    return FALSE;
}

static BOOLEAN RtlpUnwindFunction(PUNWIND_STATE State, ULONG HandlerType, BOOLEAN IsReturnAddress,
                                  PSE_FRAME Frame)
{
    ULONG PrologOffset = (ULONG)(Frame->ControlPc - Frame->Image.Base) -
                         Frame->Function->BeginAddress;
    SE_UNWIND_INFO Info;
    SE_EPILOGUE Epilogue;

    if (!RtlpReadUnwindInfo(&Frame->Image, Frame->Function, &Info)) {
        return FALSE;
    }
    Frame->EstablisherFrame = RtlpEstablisherFrame(State->Context, &Info, PrologOffset);
    BOOLEAN InBody = PrologOffset >= Info.SizeOfProlog;
    if (InBody && !IsReturnAddress &&
        RtlpDecodeEpilogue(&Frame->Image, Frame->Function, &Info, Frame->ControlPc, &Epilogue)) {
        return RtlpFinishEpilogue(State, &Info, &Epilogue);
    }
    if (!RtlpUndoFunction(State, &Frame->Image, &Info, PrologOffset, Frame->EstablisherFrame)) {
        return FALSE;
    }
    if (InBody && (Info.Flags & HandlerType) != 0) {
        Frame->Handler = (PEXCEPTION_ROUTINE)(Frame->Image.Base + Info.HandlerRva);
        Frame->HandlerData = Info.HandlerData;
    }
    return TRUE;
}

BOOLEAN RtlpUnwindFrame(PCONTEXT Context, const SE_STACK *Stack, ULONG HandlerType,
                        BOOLEAN IsReturnAddress, PSE_FRAME Frame,
                        PKNONVOLATILE_CONTEXT_POINTERS Pointers)
{
    UNWIND_STATE State = {.Context = Context, .Stack = Stack, .Pointers = Pointers};
    BOOLEAN Unwound;

    *Frame = (SE_FRAME){.ControlPc = Context->Rip, .EstablisherFrame = Context->Rsp};
    if (RtlpFindImage(Context->Rip, &Frame->Image)) {
        Frame->Function = RtlpLookupFunction(&Frame->Image, Context->Rip);
    }
    if (Frame->Function == NULL) {
        Unwound = RtlpPopReturnAddress(&State);
    } else {
        Unwound = RtlpUnwindFunction(&State, HandlerType, IsReturnAddress, Frame);
    }
    Frame->MachineFrame = State.MachineFrame;
    return Unwound;
}

/*
 * As documented, plus: unwind data that is damaged, or of no loaded image, leaves Rip = 0, which
 * ends every walk. The caller answers for the stack, as this routine cannot know which it is.
 */
PEXCEPTION_ROUTINE RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                    PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                    PVOID *HandlerData, PULONG64 EstablisherFrame,
                                    PKNONVOLATILE_CONTEXT_POINTERS ContextPointers)
{
    const SE_STACK Stack = {.Low = 0, .High = MAXULONG_PTR & ~(ULONG_PTR)7};
    UNWIND_STATE State = {
        .Context = ContextRecord, .Stack = &Stack, .Pointers = ContextPointers};
    SE_FRAME Frame = {.ControlPc = ControlPc, .Function = FunctionEntry};

    *HandlerData = NULL;
    *EstablisherFrame = ContextRecord->Rsp;
    if (FunctionEntry == NULL || !RtlpFindImage(ControlPc, &Frame.Image) ||
        Frame.Image.Base != ImageBase ||
        !RtlpUnwindFunction(&State, HandlerType, FALSE, &Frame)) {
        ContextRecord->Rip = 0;
        return NULL;
    }
    *HandlerData = Frame.HandlerData;
    *EstablisherFrame = Frame.EstablisherFrame;
    return Frame.Handler;
}
