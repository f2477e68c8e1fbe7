/* SPDX-License-Identifier: MIT */
/*
 * int 2Dh: what a program asks the debugger for. Service in eax, arguments in rcx, rdx, r8, r9; the
 * int3 behind the instruction is skipped. Served without a debugger too, as far as that goes.
 *
 *   0  break          an exception like any other
 *   1  print          rcx text, rdx its length; r8 component, r9 level (not looked at)
 *   2  prompt         rcx prompt, rdx its length, r8 answer, r9 its room; eax: length of the answer
 *   3  load symbols   rcx STRING of the path, rdx KD_SYMBOLS_INFO
 *   4  unload symbols the same
 *   5  command string rcx, rdx: STRINGs, name and command
 *
 * Arguments are read as a debugger reads: what is not resident is not there.
 */
#include "kd/kd.h"
#include "mm/mm.h"

#define KDP_SERVICE_BREAK 0
#define KDP_SERVICE_PRINT 1
#define KDP_SERVICE_PROMPT 2
#define KDP_SERVICE_LOAD_SYMBOLS 3
#define KDP_SERVICE_UNLOAD_SYMBOLS 4
#define KDP_SERVICE_COMMAND_STRING 5

#define KDP_TEXT_MAX 512

BOOLEAN KdpIsService(const EXCEPTION_RECORD *Record)
{
    return Record->ExceptionCode == STATUS_BREAKPOINT && Record->NumberParameters != 0 &&
           Record->ExceptionInformation[0] != KDP_SERVICE_BREAK;
}

/* Interrupts off. FALSE: not all of it is there. */
static BOOLEAN KdpFetch(PVOID Out, ULONG64 Address, SIZE_T Size)
{
    return MmDbgCopyMemory(Address, Out, Size, 0) == Size;
}

static VOID KdpServePrint(const CONTEXT *Context)
{
    CHAR Text[KDP_TEXT_MAX];
    ULONG64 Flags = KiDisableInterrupts();
    SIZE_T Size = (USHORT)Context->Rdx;
    Size = MmDbgCopyMemory(Context->Rcx, Text, Size < sizeof(Text) ? Size : sizeof(Text), 0);
    KiRestoreInterrupts(Flags);
    KdpPrint(Text, (ULONG)Size);
}

static VOID KdpServePrompt(PCONTEXT Context)
{
    CHAR Prompt[KDP_TEXT_MAX], Response[KDP_TEXT_MAX];
    ULONG64 Flags = KiDisableInterrupts();
    SIZE_T Size = (USHORT)Context->Rdx;
    SIZE_T Room = (USHORT)Context->R9;
    Size = MmDbgCopyMemory(Context->Rcx, Prompt, Size < sizeof(Prompt) ? Size : sizeof(Prompt), 0);
    ULONG Length = KdpPrompt(Prompt, (ULONG)Size, Response,
                             (ULONG)(Room < sizeof(Response) ? Room : sizeof(Response)));
    Context->Rax = MmDbgCopyMemory(Context->R8, Response, Length, MM_DEBUG_WRITE);
    KiRestoreInterrupts(Flags);
}

static VOID KdpServeSymbols(PCONTEXT Context, BOOLEAN Unload)
{
    STRING Path;
    KD_SYMBOLS_INFO Info;
    if (!KdDebuggerEnabled) {
        return;
    }
    ULONG64 Flags = KiDisableInterrupts();
    BOOLEAN There = KdpFetch(&Path, Context->Rcx, sizeof(Path)) &&
                    KdpFetch(&Info, Context->Rdx, sizeof(Info));
    KiRestoreInterrupts(Flags);
    if (There && Unload) {
        KdpDeleteBreakpointRange((ULONG64)Info.BaseOfDll,
                                 (ULONG64)Info.BaseOfDll + Info.SizeOfImage - 1);
    } else if (There) {
        KdpRearmBreakpoints((ULONG64)Info.BaseOfDll,
                            (ULONG64)Info.BaseOfDll + Info.SizeOfImage - 1);
    }
    if (There && !KdDebuggerNotPresent && KdEnterDebugger(Context)) {
        KdpReportLoadSymbols(Path.Buffer, Path.Length, &Info, Unload,
                             &KeGetCurrentPrcb()->ProcessorState.ContextFrame);
        KdExitDebugger(Context);
    }
}

static VOID KdpServeCommand(PCONTEXT Context)
{
    STRING Name, Command;
    if (!KdDebuggerEnabled || KdDebuggerNotPresent) {
        return;
    }
    ULONG64 Flags = KiDisableInterrupts();
    BOOLEAN There = KdpFetch(&Name, Context->Rcx, sizeof(Name)) &&
                    KdpFetch(&Command, Context->Rdx, sizeof(Command));
    KiRestoreInterrupts(Flags);
    if (There && KdEnterDebugger(Context)) {
        KdpReportCommandString(Name.Buffer, Name.Length, Command.Buffer, Command.Length,
                               &KeGetCurrentPrcb()->ProcessorState.ContextFrame);
        KdExitDebugger(Context);
    }
}

BOOLEAN KdpService(PEXCEPTION_RECORD Record, PCONTEXT Context)
{
    switch (Record->ExceptionInformation[0]) {
    case KDP_SERVICE_PRINT: KdpServePrint(Context); return TRUE;
    case KDP_SERVICE_PROMPT: KdpServePrompt(Context); return TRUE;
    case KDP_SERVICE_LOAD_SYMBOLS: KdpServeSymbols(Context, FALSE); return TRUE;
    case KDP_SERVICE_UNLOAD_SYMBOLS: KdpServeSymbols(Context, TRUE); return TRUE;
    case KDP_SERVICE_COMMAND_STRING: KdpServeCommand(Context); return TRUE;
    }
    return FALSE;
}
