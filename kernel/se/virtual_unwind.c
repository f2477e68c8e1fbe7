/* SPDX-License-Identifier: MIT */
/* Unwind steps (lib/unwind.h) on this kernel's own images and stacks; RtlVirtualUnwind. */
#include "se_internal.h"

static BOOLEAN RtlpReadOwnStack(const UNWIND_STACK *Stack, ULONG_PTR Address, PULONG64 Value)
{
    UNREFERENCED_PARAMETER(Stack);
    *Value = *(volatile ULONG64 *)Address;
    return TRUE;
}

BOOLEAN RtlpUnwindFrame(PCONTEXT Context, const UNWIND_STACK *Stack, ULONG HandlerType,
                        BOOLEAN IsReturnAddress, UNWIND_FRAME *Frame,
                        PKNONVOLATILE_CONTEXT_POINTERS Pointers)
{
    const UNWIND_STACK Readable = {Stack->Low, Stack->High, RtlpReadOwnStack, NULL};

    *Frame = (UNWIND_FRAME){.ControlPc = Context->Rip};
    if (RtlpFindImage(Context->Rip, &Frame->Image)) {
        Frame->Function = UnwindFindFunction(&Frame->Image, Context->Rip);
    }
    return UnwindFrame(Context, &Readable, HandlerType, IsReturnAddress, Frame, Pointers);
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
    const UNWIND_STACK Stack = {0, MAXULONG_PTR & ~(ULONG_PTR)7, RtlpReadOwnStack, NULL};
    UNWIND_FRAME Frame = {.ControlPc = ControlPc, .Function = FunctionEntry};

    *HandlerData = NULL;
    *EstablisherFrame = ContextRecord->Rsp;
    if (FunctionEntry == NULL || !RtlpFindImage(ControlPc, &Frame.Image) ||
        Frame.Image.Base != ImageBase ||
        !UnwindFrame(ContextRecord, &Stack, HandlerType, FALSE, &Frame, ContextPointers)) {
        ContextRecord->Rip = 0;
        return NULL;
    }
    *HandlerData = Frame.HandlerData;
    *EstablisherFrame = Frame.EstablisherFrame;
    return Frame.Handler;
}
