/* SPDX-License-Identifier: MIT */
/*
 * One frame undone. Three cases:
 *
 *   no RUNTIME_FUNCTION      a leaf: the return address is at rsp
 *   inside an epilogue       do what is left of it (unwind_epilogue.c)
 *   otherwise                undo, newest first, the prologue's codes that have run; then those of
 *                            each chained UNWIND_INFO; then pop the return address, unless a
 *                            machine frame gave rip and rsp
 *
 * A language handler is given only for the body: in the prologue and the epilogue the function's
 * scopes are not open.
 */
#include "lib/unwind.h"

#define UNWIND_RSP 4

typedef struct {
    PCONTEXT Context;
    const UNWIND_STACK *Stack;
    PKNONVOLATILE_CONTEXT_POINTERS Pointers; /* may be NULL */
    BOOLEAN MachineFrame;
} UNWIND_STATE;

static PULONG64 UnwindRegister(PCONTEXT Context, ULONG Number)
{
    return (PULONG64)((PUCHAR)Context + FIELD_OFFSET(CONTEXT, Rax)) + Number;
}

/* FALSE: not within the limits, or not aligned. */
static BOOLEAN UnwindReadStack(const UNWIND_STACK *Stack, ULONG_PTR Address, PULONG64 Value)
{
    if ((Address & 7) != 0 || Address < Stack->Low || Address >= Stack->High ||
        Stack->High - Address < sizeof(ULONG64)) {
        return FALSE;
    }
    return Stack->Read(Stack, Address, Value);
}

static BOOLEAN UnwindLoadRegister(UNWIND_STATE *State, ULONG Number, ULONG_PTR Address)
{
    if (!UnwindReadStack(State->Stack, Address, UnwindRegister(State->Context, Number))) {
        return FALSE;
    }
    if (State->Pointers != NULL) {
        State->Pointers->IntegerContext[Number] = (PULONG64)Address;
    }
    return TRUE;
}

static BOOLEAN UnwindLoadXmm(UNWIND_STATE *State, ULONG Number, ULONG_PTR Address)
{
    PM128A Xmm = &State->Context->Xmm0 + Number;
    ULONG64 High;

    if (!UnwindReadStack(State->Stack, Address, &Xmm->Low) ||
        !UnwindReadStack(State->Stack, Address + 8, &High)) {
        return FALSE;
    }
    Xmm->High = (LONGLONG)High;
    if (State->Pointers != NULL) {
        State->Pointers->FloatingContext[Number] = (PM128A)Address;
    }
    return TRUE;
}

static BOOLEAN UnwindPopReturnAddress(UNWIND_STATE *State)
{
    PCONTEXT Context = State->Context;

    if (!UnwindReadStack(State->Stack, Context->Rsp, &Context->Rip)) {
        return FALSE;
    }
    Context->Rsp += 8;
    return TRUE;
}

/* The frame the CPU pushed: [error code] rip cs rflags rsp ss. */
static BOOLEAN UnwindPopMachineFrame(UNWIND_STATE *State, ULONG HasErrorCode)
{
    PCONTEXT Context = State->Context;
    ULONG_PTR Frame = Context->Rsp + (HasErrorCode != 0 ? 8 : 0);
    ULONG64 Rsp;

    if (!UnwindReadStack(State->Stack, Frame, &Context->Rip) ||
        !UnwindReadStack(State->Stack, Frame + 0x18, &Rsp)) {
        return FALSE;
    }
    Context->Rsp = Rsp;
    State->MachineFrame = TRUE;
    return TRUE;
}

/* FrameBase: what UWOP_SAVE_* offsets count from. Slots have been checked. */
static BOOLEAN UnwindUndoCode(UNWIND_STATE *State, const UNWIND_DATA *Info,
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
        if (!UnwindLoadRegister(State, Number, Context->Rsp)) {
            return FALSE;
        }
        if (Number != UNWIND_RSP) {
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
        Context->Rsp = *UnwindRegister(Context, Info->FrameRegister) - Info->FrameOffset;
        return TRUE;
    case UWOP_SAVE_NONVOL:
        return UnwindLoadRegister(State, Number, FrameBase + Near * 8ull);
    case UWOP_SAVE_NONVOL_FAR:
        return UnwindLoadRegister(State, Number, FrameBase + Far);
    case UWOP_SAVE_XMM128:
        return UnwindLoadXmm(State, Number, FrameBase + Near * 16ull);
    case UWOP_SAVE_XMM128_FAR:
        return UnwindLoadXmm(State, Number, FrameBase + Far);
    case UWOP_PUSH_MACHFRAME:
        return UnwindPopMachineFrame(State, Number);
    case UWOP_EPILOG:
        return TRUE; /* says where epilogues are; we decode them */
    default:
        return FALSE;
    }
}

/* PrologOffset MAXULONG: all codes have run. */
static BOOLEAN UnwindUndoCodes(UNWIND_STATE *State, const UNWIND_DATA *Info, ULONG PrologOffset,
                             ULONG_PTR FrameBase)
{
    for (ULONG Index = 0; Index < Info->CountOfCodes;) {
        const UNWIND_CODE *Code = &Info->Codes[Index];
        if (Code->UnwindOp == UWOP_EPILOG || Code->CodeOffset <= PrologOffset) {
            if (!UnwindUndoCode(State, Info, Code, FrameBase)) {
                return FALSE;
            }
        }
        Index += UnwindCodeSlots(Info->Version, *Code);
    }
    return TRUE;
}

/*
 * rsp as it was right after the prologue's fixed allocation. With a frame register it counts from
 * that, once the prologue has set it.
 */
static ULONG_PTR UnwindEstablisherFrame(PCONTEXT Context, const UNWIND_DATA *Info,
                                      ULONG PrologOffset)
{
    if (Info->FrameRegister == 0) {
        return Context->Rsp;
    }
    BOOLEAN IsSet = PrologOffset >= Info->SizeOfProlog || Info->Chained != NULL;
    for (ULONG Index = 0; !IsSet && Index < Info->CountOfCodes;) {
        UNWIND_CODE Code = Info->Codes[Index];
        IsSet = Code.UnwindOp == UWOP_SET_FPREG && Code.CodeOffset <= PrologOffset;
        Index += UnwindCodeSlots(Info->Version, Code);
    }
    return IsSet ? *UnwindRegister(Context, Info->FrameRegister) - Info->FrameOffset : Context->Rsp;
}

static BOOLEAN UnwindFinishEpilogue(UNWIND_STATE *State, const UNWIND_DATA *Info,
                                  const UNWIND_EPILOGUE *Epilogue)
{
    PCONTEXT Context = State->Context;

    if (Epilogue->FromFrameRegister) {
        Context->Rsp = *UnwindRegister(Context, Info->FrameRegister);
    }
    Context->Rsp += (LONG64)Epilogue->Displacement;
    for (ULONG Pop = 0; Pop < Epilogue->PopCount; Pop++) {
        ULONG Number = Epilogue->Pops[Pop];
        ULONG_PTR Address = Context->Rsp;
        if (!UnwindLoadRegister(State, Number, Address)) {
            return FALSE;
        }
        if (Number != UNWIND_RSP) {
            Context->Rsp = Address + 8;
        }
    }
    return UnwindPopReturnAddress(State);
}

/* Codes of Info, then of all it is chained to. Info becomes the primary's. */
static BOOLEAN UnwindUndoFunction(UNWIND_STATE *State, const UNWIND_IMAGE *Image, UNWIND_DATA *Info,
                                ULONG PrologOffset, ULONG_PTR FrameBase)
{
    ULONG Offset = PrologOffset;

    for (ULONG Link = 0; Link < UNWIND_MAXIMUM_CHAIN; Link++) {
        if (!UnwindUndoCodes(State, Info, Offset, FrameBase)) {
            return FALSE;
        }
        if (Info->Chained == NULL) {
            return State->MachineFrame || UnwindPopReturnAddress(State);
        }
        if (!UnwindReadData(Image, Info->Chained, Info)) {
            return FALSE;
        }
        Offset = MAXULONG;
    }
    return FALSE;
}

static BOOLEAN UnwindFunction(UNWIND_STATE *State, ULONG HandlerType, BOOLEAN IsReturnAddress,
                              UNWIND_FRAME *Frame)
{
    ULONG PrologOffset = (ULONG)(Frame->ControlPc - Frame->Image.Base) -
                         Frame->Function->BeginAddress;
    UNWIND_DATA Info;
    UNWIND_EPILOGUE Epilogue;

    if (!UnwindReadData(&Frame->Image, Frame->Function, &Info)) {
        return FALSE;
    }
    Frame->EstablisherFrame = UnwindEstablisherFrame(State->Context, &Info, PrologOffset);
    BOOLEAN InBody = PrologOffset >= Info.SizeOfProlog;
    if (InBody && !IsReturnAddress &&
        UnwindDecodeEpilogue(&Frame->Image, Frame->Function, &Info, Frame->ControlPc, &Epilogue)) {
        return UnwindFinishEpilogue(State, &Info, &Epilogue);
    }
    if (!UnwindUndoFunction(State, &Frame->Image, &Info, PrologOffset, Frame->EstablisherFrame)) {
        return FALSE;
    }
    if (InBody && (Info.Flags & HandlerType) != 0) {
        Frame->Handler = (PEXCEPTION_ROUTINE)(Frame->Image.Base + Info.HandlerRva);
        Frame->HandlerData = Info.HandlerData;
    }
    return TRUE;
}

BOOLEAN UnwindFrame(PCONTEXT Context, const UNWIND_STACK *Stack, ULONG HandlerType,
                    BOOLEAN IsReturnAddress, UNWIND_FRAME *Frame,
                    PKNONVOLATILE_CONTEXT_POINTERS Pointers)
{
    UNWIND_STATE State = {.Context = Context, .Stack = Stack, .Pointers = Pointers};
    BOOLEAN Unwound;

    Frame->EstablisherFrame = Context->Rsp;
    Frame->Handler = NULL;
    Frame->HandlerData = NULL;
    if (Frame->Function == NULL) {
        Unwound = UnwindPopReturnAddress(&State);
    } else {
        Unwound = UnwindFunction(&State, HandlerType, IsReturnAddress, Frame);
    }
    Frame->MachineFrame = State.MachineFrame;
    return Unwound;
}
