/* SPDX-License-Identifier: MIT */
/*
 * The first pass: from the frame where the exception happened outwards, each frame's language
 * handler is asked. What it answers:
 *
 *   ContinueExecution   go on at Context (not for a noncontinuable exception)
 *   ContinueSearch      the next frame
 *   NestedException     the exception happened while a handler of an earlier one ran; the frames
 *                       up to that one's are marked EXCEPTION_NESTED_CALL; the next frame
 *   CollidedUnwind      the exception happened in a __finally of an unwind; that unwind is over,
 *                       and the search goes on at the frame and scope where it stood
 *
 * A handler that wants the exception does not answer: it unwinds (unwind.c).
 */
#include "se_internal.h"

typedef struct _EXCEPTION_SEARCH {
    ULONG Flags; /* of the record, as each handler shall see them */
    ULONG_PTR NestedFrame;
} EXCEPTION_SEARCH;

static EXCEPTION_DISPOSITION RtlpAskHandler(EXCEPTION_SEARCH *Search, PEXCEPTION_RECORD Record,
                                            PCONTEXT Context, const UNWIND_FRAME *Frame,
                                            PDISPATCHER_CONTEXT Dispatcher)
{
    Record->ExceptionFlags = Search->Flags;
    EXCEPTION_DISPOSITION Disposition = RtlpExecuteHandlerForException(
        Record, (PVOID)Frame->EstablisherFrame, Context, Dispatcher);
    Search->Flags |= Record->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    if (Search->NestedFrame == Frame->EstablisherFrame) {
        Search->Flags &= ~EXCEPTION_NESTED_CALL;
        Search->NestedFrame = 0;
    }
    return Disposition;
}

/* Any IRQL at which the handlers may run. Changes Record->ExceptionFlags. */
BOOLEAN RtlDispatchException(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    EXCEPTION_SEARCH Search = {.Flags = Record->ExceptionFlags & EXCEPTION_NONCONTINUABLE};
    CONTEXT Caller = *Context;
    DISPATCHER_CONTEXT Dispatcher;
    SE_WALK Walk;
    UNWIND_FRAME Frame;

    if (!RtlpStartWalk(&Walk, Context, FALSE)) {
        Record->ExceptionFlags = Search.Flags | EXCEPTION_STACK_INVALID;
        return FALSE;
    }
    while (RtlpWalkFrame(&Walk, &Caller, UNW_FLAG_EHANDLER, &Frame)) {
        ULONG ScopeIndex = 0;
        while (Frame.Handler != NULL) {
            RtlpFillDispatcherContext(&Dispatcher, &Frame, &Caller, ScopeIndex);
            switch (RtlpAskHandler(&Search, Record, Context, &Frame, &Dispatcher)) {
            case ExceptionContinueExecution:
                if ((Search.Flags & EXCEPTION_NONCONTINUABLE) != 0) {
                    RtlpRaiseNested(STATUS_NONCONTINUABLE_EXCEPTION, Record);
                }
                return TRUE;
            case ExceptionContinueSearch:
                Frame.Handler = NULL;
                break;
            case ExceptionNestedException:
                Search.Flags |= EXCEPTION_NESTED_CALL;
                if (Dispatcher.EstablisherFrame > Search.NestedFrame) {
                    Search.NestedFrame = Dispatcher.EstablisherFrame;
                }
                Frame.Handler = NULL;
                break;
            case ExceptionCollidedUnwind:
                ScopeIndex = Dispatcher.ScopeIndex;
                if (!RtlpRejoinWalk(&Walk, &Dispatcher, &Caller, &Frame)) {
                    Record->ExceptionFlags = Search.Flags | EXCEPTION_STACK_INVALID;
                    return FALSE;
                }
                break;
            default:
                RtlpRaiseNested(STATUS_INVALID_DISPOSITION, Record);
            }
        }
    }
    Record->ExceptionFlags = Search.Flags;
    return FALSE;
}

/*
 * Handler of RtlpExecuteHandlerForException's frame: a language handler or filter raised. Tells
 * the walk of the new exception how far the old one had come.
 */
EXCEPTION_DISPOSITION RtlpExceptionHandler(PEXCEPTION_RECORD Record, PVOID EstablisherFrame,
                                           PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher);
EXCEPTION_DISPOSITION RtlpExceptionHandler(PEXCEPTION_RECORD Record, PVOID EstablisherFrame,
                                           PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher)
{
    UNREFERENCED_PARAMETER(Context);
    if (IS_UNWINDING(Record->ExceptionFlags)) {
        return ExceptionContinueSearch;
    }
    PDISPATCHER_CONTEXT *Interrupted =
        (PDISPATCHER_CONTEXT *)((ULONG_PTR)EstablisherFrame + SE_HANDLER_FRAME_CONTEXT);
    Dispatcher->EstablisherFrame = (*Interrupted)->EstablisherFrame;
    return ExceptionNestedException;
}
