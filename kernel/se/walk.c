/* SPDX-License-Identifier: MIT */
/*
 * The walk up the stacks: unwind steps with the checks that make it end (se_internal.h, 2 to 4).
 * A step may leave one stack of this processor for another (trap on a DPC stack, DPC stack to
 * thread stack), but only a few times; on one stack rsp only goes up.
 */
#include "se_internal.h"

static BOOLEAN RtlpIsInStack(const UNWIND_STACK *Stack, ULONG_PTR Address)
{
    return Address >= Stack->Low && Address < Stack->High;
}

static BOOLEAN RtlpEnterStack(PSE_WALK Walk, ULONG_PTR Rsp)
{
    if ((Rsp & 7) != 0 || !KiGetStackLimits(Rsp, &Walk->Stack.Low, &Walk->Stack.High)) {
        Walk->Stack = (UNWIND_STACK){0}; /* nothing more can be read */
        return FALSE;
    }
    Walk->LastRsp = Rsp;
    return TRUE;
}

BOOLEAN RtlpStartWalk(PSE_WALK Walk, const CONTEXT *Context, BOOLEAN IsReturnAddress)
{
    *Walk = (SE_WALK){.IsReturnAddress = IsReturnAddress};
    return RtlpEnterStack(Walk, Context->Rsp);
}

/* Has the walk moved up? An unusable stack ends it at the next step: this frame is still good. */
static BOOLEAN RtlpAdvance(PSE_WALK Walk, ULONG_PTR Rsp)
{
    if (RtlpIsInStack(&Walk->Stack, Rsp) || Rsp == Walk->Stack.High) {
        if (Rsp <= Walk->LastRsp) {
            return FALSE;
        }
        Walk->LastRsp = Rsp;
        return TRUE;
    }
    if (++Walk->StackSwitches > SE_MAXIMUM_STACK_SWITCHES) {
        return FALSE;
    }
    RtlpEnterStack(Walk, Rsp);
    return TRUE;
}

BOOLEAN RtlpWalkFrame(PSE_WALK Walk, PCONTEXT Context, ULONG HandlerType, UNWIND_FRAME *Frame)
{
    UNWIND_STACK Stack = Walk->Stack;

    if (!RtlpUnwindFrame(Context, &Stack, HandlerType, Walk->IsReturnAddress, Frame, NULL)) {
        return FALSE;
    }
    if (Frame->Image.Base == 0 && Walk->IsReturnAddress) {
        return FALSE; /* a return address in no image: above the first frame */
    }
    if ((Frame->EstablisherFrame & 7) != 0 || !RtlpIsInStack(&Stack, Frame->EstablisherFrame)) {
        return FALSE;
    }
    Walk->IsReturnAddress = !Frame->MachineFrame;
    return RtlpAdvance(Walk, Context->Rsp);
}

/*
 * After a collision: go on at the frame where the interrupted unwind stood. Context becomes the
 * state of that frame's caller, Frame the frame with its handler. The frame must lie above all
 * that this walk has passed.
 */
BOOLEAN RtlpRejoinWalk(PSE_WALK Walk, const DISPATCHER_CONTEXT *Dispatcher, PCONTEXT Context,
                       UNWIND_FRAME *Frame)
{
    ULONG_PTR Rsp = Dispatcher->ContextRecord->Rsp;

    if (RtlpIsInStack(&Walk->Stack, Rsp)) {
        if (Rsp < Walk->LastRsp) {
            return FALSE;
        }
    } else if (++Walk->StackSwitches > SE_MAXIMUM_STACK_SWITCHES || !RtlpEnterStack(Walk, Rsp)) {
        return FALSE;
    }
    if (Context != Dispatcher->ContextRecord) {
        *Context = *Dispatcher->ContextRecord;
    }
    Context->Rip = Dispatcher->ControlPc;
    Walk->IsReturnAddress = FALSE;
    if (!RtlpWalkFrame(Walk, Context, UNW_FLAG_NHANDLER, Frame)) {
        return FALSE;
    }
    Frame->Handler = Dispatcher->LanguageHandler;
    Frame->HandlerData = Dispatcher->HandlerData;
    return Frame->Handler != NULL;
}

VOID RtlpFillDispatcherContext(PDISPATCHER_CONTEXT Dispatcher, const UNWIND_FRAME *Frame,
                               PCONTEXT Context, ULONG ScopeIndex)
{
    *Dispatcher = (DISPATCHER_CONTEXT){
        .ControlPc = Frame->ControlPc,
        .ImageBase = Frame->Image.Base,
        .FunctionEntry = Frame->Function,
        .EstablisherFrame = Frame->EstablisherFrame,
        .ContextRecord = Context,
        .LanguageHandler = Frame->Handler,
        .HandlerData = Frame->HandlerData,
        .ScopeIndex = ScopeIndex,
    };
}
