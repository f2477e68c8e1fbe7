/* SPDX-License-Identifier: MIT */
/*
 * The language handler of C: __try/__except and __try/__finally by the scope table.
 *
 * Scopes stand in the table innermost first. In the first pass the filters of the scopes that
 * enclose the address are asked; in the second, the __finally bodies run, up to the scope of the
 * __except that took the exception when this is the target frame. ScopeIndex is advanced before a
 * body runs, so that a collision resumes with the next scope.
 */
#include "se_internal.h"

/* The compiler's mark for __except(EXCEPTION_EXECUTE_HANDLER). */
#define SE_CONSTANT_FILTER 1

/* NULL: the table is not inside its image. */
static const SCOPE_TABLE *RtlpScopeTable(const DISPATCHER_CONTEXT *Dispatcher, UNWIND_IMAGE *Image)
{
    if (!RtlpFindImage(Dispatcher->ImageBase, Image) || Image->Base != Dispatcher->ImageBase) {
        return NULL;
    }
    ULONG_PTR Offset = (ULONG_PTR)Dispatcher->HandlerData - Image->Base;
    if (Offset >= Image->Size) {
        return NULL;
    }
    const SCOPE_TABLE *Table = UnwindImageBytes(Image, (ULONG)Offset, sizeof(ULONG));
    if (Table == NULL) {
        return NULL;
    }
    SIZE_T Size = sizeof(ULONG) + (SIZE_T)Table->Count * sizeof(Table->ScopeRecord[0]);
    return UnwindImageBytes(Image, (ULONG)Offset, Size);
}

static BOOLEAN RtlpIsInScope(const SCOPE_TABLE *Table, ULONG Index, ULONG Rva)
{
    return Rva >= Table->ScopeRecord[Index].BeginAddress &&
           Rva < Table->ScopeRecord[Index].EndAddress;
}

static LONG RtlpCallFilter(const UNWIND_IMAGE *Image, ULONG HandlerRva,
                           PEXCEPTION_POINTERS Pointers, PVOID EstablisherFrame)
{
    if (HandlerRva == SE_CONSTANT_FILTER) {
        return EXCEPTION_EXECUTE_HANDLER;
    }
    if (HandlerRva == 0 || HandlerRva >= Image->Size) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    return ((PEXCEPTION_FILTER)(Image->Base + HandlerRva))(Pointers, EstablisherFrame);
}

static EXCEPTION_DISPOSITION RtlpFindExcept(PEXCEPTION_RECORD Record, PVOID EstablisherFrame,
                                            PCONTEXT Context, PDISPATCHER_CONTEXT Dispatcher,
                                            const UNWIND_IMAGE *Image, const SCOPE_TABLE *Table)
{
    ULONG Rva = (ULONG)(Dispatcher->ControlPc - Dispatcher->ImageBase);
    EXCEPTION_POINTERS Pointers = {Record, Context};

    for (ULONG Index = Dispatcher->ScopeIndex; Index < Table->Count; Index++) {
        ULONG JumpTarget = Table->ScopeRecord[Index].JumpTarget;
        if (!RtlpIsInScope(Table, Index, Rva) || JumpTarget == 0 || JumpTarget >= Image->Size) {
            continue;
        }
        LONG Answer = RtlpCallFilter(Image, Table->ScopeRecord[Index].HandlerAddress, &Pointers,
                                     EstablisherFrame);
        if (Answer < 0) {
            return ExceptionContinueExecution;
        }
        if (Answer > 0) {
            /* The code goes along as rax: GetExceptionCode() in the __except body reads it. */
            RtlUnwindEx(EstablisherFrame, (PVOID)(Image->Base + JumpTarget), Record,
                        (PVOID)(ULONG_PTR)(ULONG)Record->ExceptionCode,
                        Dispatcher->ContextRecord, Dispatcher->HistoryTable);
        }
    }
    return ExceptionContinueSearch;
}

static EXCEPTION_DISPOSITION RtlpRunFinally(PEXCEPTION_RECORD Record, PVOID EstablisherFrame,
                                            PDISPATCHER_CONTEXT Dispatcher,
                                            const UNWIND_IMAGE *Image, const SCOPE_TABLE *Table)
{
    ULONG Rva = (ULONG)(Dispatcher->ControlPc - Dispatcher->ImageBase);
    ULONG64 Target = Dispatcher->TargetIp - Dispatcher->ImageBase;
    BOOLEAN IsTarget = IS_TARGET_UNWIND(Record->ExceptionFlags) && Target < Image->Size;

    for (ULONG Index = Dispatcher->ScopeIndex; Index < Table->Count; Index++) {
        ULONG JumpTarget = Table->ScopeRecord[Index].JumpTarget;
        ULONG HandlerRva = Table->ScopeRecord[Index].HandlerAddress;
        if (!RtlpIsInScope(Table, Index, Rva)) {
            continue;
        }
        if (IsTarget && RtlpIsInScope(Table, Index, (ULONG)Target)) {
            break; /* the target is inside this scope: it is not left */
        }
        if (JumpTarget != 0) {
            if (IsTarget && JumpTarget == Target) {
                break; /* the __except that took it */
            }
            continue;
        }
        Dispatcher->ScopeIndex = Index + 1;
        if (HandlerRva != 0 && HandlerRva < Image->Size) {
            ((PTERMINATION_HANDLER)(Image->Base + HandlerRva))(TRUE, EstablisherFrame);
        }
    }
    return ExceptionContinueSearch;
}

EXCEPTION_DISPOSITION __C_specific_handler(PEXCEPTION_RECORD ExceptionRecord,
                                           PVOID EstablisherFrame, PCONTEXT ContextRecord,
                                           PDISPATCHER_CONTEXT DispatcherContext)
{
    UNWIND_IMAGE Image;
    const SCOPE_TABLE *Table = RtlpScopeTable(DispatcherContext, &Image);

    if (Table == NULL) {
        return ExceptionContinueSearch;
    }
    if (IS_UNWINDING(ExceptionRecord->ExceptionFlags)) {
        return RtlpRunFinally(ExceptionRecord, EstablisherFrame, DispatcherContext, &Image, Table);
    }
    return RtlpFindExcept(ExceptionRecord, EstablisherFrame, ContextRecord, DispatcherContext,
                          &Image, Table);
}
