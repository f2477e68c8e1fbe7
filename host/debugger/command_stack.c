/* SPDX-License-Identifier: MIT */
/* k and its kin, .frame, .trap, .cxr. Columns as WinDbg's. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debug_unwind.h"
#include "host/debugger/execution.h"

#define STACK_DEFAULT_FRAMES 0x100u

typedef struct {
    bool Numbers;   /* n */
    bool Arguments; /* b, v: the four home slots, which hold the arguments only if stored there */
    bool Pointers;  /* all but b and c: Child-SP */
    bool Returns;   /* all but c */
    bool TrapFrames; /* v */
    bool Lines;     /* all but L */
} STACK_STYLE;

static void StackPrintHeader(DEBUGGER *Debugger, const STACK_STYLE *Style)
{
    DebuggerPrint(Debugger, "%s%s%s%sCall Site\n", Style->Numbers ? " # " : "",
                  Style->Pointers ? "Child-SP          " : "",
                  Style->Returns ? "RetAddr           " : "",
                  Style->Arguments ? ": Args to Child                                             "
                                     "              : " : "");
}

static void StackPrintArguments(DEBUGGER *Debugger, const DEBUG_WALK *Walk)
{
    uint64_t Home[4];
    char Text[DEBUG_ADDRESS_SIZE];
    bool Known = Walk->ArgumentHome != 0 &&
                 DebugReadSome(Debugger, Walk->ArgumentHome, Home, sizeof(Home)) == sizeof(Home);

    DebuggerPrint(Debugger, ":");
    for (unsigned i = 0; i < 4; i++) {
        DebuggerPrint(Debugger, " %s", Known ? DebugAddressText(Home[i], Text)
                                             : "????????`????????");
    }
    DebuggerPrint(Debugger, " : ");
}

/*
 * "nt!KeWaitForSingleObject+0x12 [kernel/ke/wait.c @ 34]"; of a return address the call before it
 * is meant.
 */
static void StackPrintSite(DEBUGGER *Debugger, const DEBUG_WALK *Walk, bool Lines)
{
    char Text[400], File[300];
    unsigned Line;

    DebugSymbolText(Debugger, Walk->Context.Rip, Text, sizeof(Text));
    DebuggerPrint(Debugger, "%s", Text);
    if (Lines && DebugSymbolLine(Debugger, Walk->Context.Rip, Walk->IsReturn, File, sizeof(File),
                                 &Line)) {
        DebuggerPrint(Debugger, " [%s @ %u]", File, Line);
    }
}

static void StackPrintFrame(DEBUGGER *Debugger, const DEBUG_WALK *Walk, const STACK_STYLE *Style,
                            unsigned Number)
{
    char Text[DEBUG_ADDRESS_SIZE];
    DEBUG_NAME Name;

    DebugSymbolNear(Debugger, Walk->Context.Rip, &Name); /* says now what it has to say */
    if (Style->Numbers) {
        DebuggerPrint(Debugger, "%02x ", Number);
    }
    if (Style->Pointers) {
        DebuggerPrint(Debugger, "%s ", DebugAddressText(Walk->Context.Rsp, Text));
    }
    if (Style->Returns) {
        DebuggerPrint(Debugger, "%s ", DebugAddressText(Walk->ReturnAddress, Text));
    }
    if (Style->Arguments) {
        StackPrintArguments(Debugger, Walk);
    }
    StackPrintSite(Debugger, Walk, Style->Lines);
    if (Style->TrapFrames && Walk->TrapFrame != 0) {
        DebuggerPrint(Debugger, " (TrapFrame @ %s)", DebugAddressText(Walk->TrapFrame, Text));
    }
    DebuggerPrint(Debugger, "\n");
}

static bool StackNeedsContext(DEBUGGER *Debugger)
{
    return Debugger->HasContext ||
           DebuggerError(Debugger, "There are no registers to begin with: the target has not "
                                   "stopped, or gives none");
}

/* Count, of at most so many frames; a number in hexadecimal. */
static bool StackRun(DEBUGGER *Debugger, const char *Arguments, STACK_STYLE Style)
{
    static DEBUG_WALK Walk;
    uint64_t Count = STACK_DEFAULT_FRAMES;
    unsigned Number = 0;

    if (*Arguments == 'L' && (Arguments[1] == 0 || isspace((unsigned char)Arguments[1]))) {
        Style.Lines = false;
        Arguments += 1 + strspn(Arguments + 1, " \t");
    }
    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Count)) {
        return false;
    }
    if (!StackNeedsContext(Debugger)) {
        return false;
    }
    StackPrintHeader(Debugger, &Style);
    DebugWalkStart(&Walk, Debugger, &Debugger->Context);
    while (Number < Count) {
        StackPrintFrame(Debugger, &Walk, &Style, Number++);
        if (DebuggerInterrupted(Debugger) || !DebugWalkNext(&Walk)) {
            break;
        }
    }
    if (Number < Count && Walk.Problem != NULL) {
        DebuggerPrint(Debugger, "*** the walk ends here: %s\n", Walk.Problem);
    }
    return true;
}

static bool CommandK(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){.Pointers = true, .Returns = true,
                                                       .Lines = true});
}

static bool CommandKL(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){.Pointers = true, .Returns = true});
}

static bool CommandKn(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){.Numbers = true, .Pointers = true,
                                                       .Returns = true, .Lines = true});
}

static bool CommandKnL(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){.Numbers = true, .Pointers = true,
                                                       .Returns = true});
}

static bool CommandKb(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){.Arguments = true, .Returns = true,
                                                       .Lines = true});
}

static bool CommandKv(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){.Pointers = true, .Returns = true,
                                                       .Arguments = true, .TrapFrames = true,
                                                       .Lines = true});
}

static bool CommandKc(DEBUGGER *Debugger, const char *Arguments)
{
    return StackRun(Debugger, Arguments, (STACK_STYLE){0});
}

/* Goes Number frames up from Context; the walk then stands on it. */
static bool StackFindFrame(DEBUGGER *Debugger, DEBUG_WALK *Walk, uint64_t Number)
{
    DebugWalkStart(Walk, Debugger, &Debugger->Context);
    for (uint64_t i = 0; i < Number; i++) {
        if (!DebugWalkNext(Walk)) {
            return DebuggerError(Debugger, "There is no frame 0x%llx: the stack has 0x%llx",
                                 (unsigned long long)Number, (unsigned long long)(i + 1));
        }
    }
    return true;
}

static bool CommandFrame(DEBUGGER *Debugger, const char *Arguments)
{
    static DEBUG_WALK Walk;
    static const STACK_STYLE Style = {.Numbers = true, .Pointers = true, .Returns = true,
                                      .Lines = true};
    bool MakeContext = false, Registers = false;
    uint64_t Number = 0;

    while (*Arguments == '/') {
        if ((Arguments[1] != 'c' && Arguments[1] != 'r') || isalnum((unsigned char)Arguments[2])) {
            return DebuggerError(Debugger, ".frame takes /c and /r");
        }
        MakeContext |= Arguments[1] == 'c';
        Registers |= Arguments[1] == 'r';
        Arguments += 2 + strspn(Arguments + 2, " \t");
    }
    if ((*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Number)) ||
        !StackNeedsContext(Debugger) || !StackFindFrame(Debugger, &Walk, Number)) {
        return false;
    }
    StackPrintFrame(Debugger, &Walk, &Style, (unsigned)Number);
    CONTEXT Saved = Debugger->Context;
    bool OfStop = Debugger->ContextIsOfStop;
    if (Number != 0) {
        Debugger->Context = Walk.Context;
        Debugger->ContextIsOfStop = false;
    }
    bool Good = !Registers || DebuggerRunLine(Debugger, "r");
    if (!MakeContext) {
        Debugger->Context = Saved;
        Debugger->ContextIsOfStop = OfStop;
    }
    return Good;
}

/* The registers that a KTRAP_FRAME holds, into Context; the others stay as they are. */
static bool StackReadTrapFrame(DEBUGGER *Debugger, uint64_t Address, CONTEXT *Context)
{
    const struct {
        const char *Field;
        ULONG64 *Register;
    } Fields[] = {
        {"Rax", &Context->Rax}, {"Rcx", &Context->Rcx}, {"Rdx", &Context->Rdx},
        {"R8", &Context->R8},   {"R9", &Context->R9},   {"R10", &Context->R10},
        {"R11", &Context->R11}, {"Rbx", &Context->Rbx}, {"Rdi", &Context->Rdi},
        {"Rsi", &Context->Rsi}, {"Rbp", &Context->Rbp}, {"Rip", &Context->Rip},
        {"Rsp", &Context->Rsp},
    };
    uint64_t Value;

    for (size_t i = 0; i < sizeof(Fields) / sizeof(Fields[0]); i++) {
        if (!DebugReadField(Debugger, Address, "nt!_KTRAP_FRAME", Fields[i].Field, &Value)) {
            return DebuggerError(Debugger, "%s", Debugger->Target->Error);
        }
        *Fields[i].Register = Value;
    }
    if (!DebugReadField(Debugger, Address, "nt!_KTRAP_FRAME", "EFlags", &Value)) {
        return DebuggerError(Debugger, "%s", Debugger->Target->Error);
    }
    Context->EFlags = (uint32_t)Value;
    return true;
}

/* The registers that commands use from now on; NULL: those of the stop again. */
static bool StackUseContext(DEBUGGER *Debugger, const CONTEXT *Context)
{
    if (Context == NULL) {
        Debugger->ImplicitThread = 0;
        return ExecutionTakeContext(Debugger)
                   ? true : DebuggerError(Debugger, "The registers of the stop cannot be read: %s",
                                          Debugger->Target->Error);
    }
    Debugger->Context = *Context;
    Debugger->HasContext = true;
    Debugger->ContextIsOfStop = false;
    return DebuggerRunLine(Debugger, "r");
}

static bool CommandTrap(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address;
    CONTEXT Context = Debugger->Context;

    if (*Arguments == 0) {
        return StackUseContext(Debugger, NULL);
    }
    return ExpressionEvaluateAll(Debugger, Arguments, &Address) &&
           StackReadTrapFrame(Debugger, Address, &Context) && StackUseContext(Debugger, &Context);
}

static bool CommandCxr(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address;
    CONTEXT Context;

    if (*Arguments == 0) {
        return StackUseContext(Debugger, NULL);
    }
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Address)) {
        return false;
    }
    if (!DebugRead(Debugger, Address, &Context, sizeof(Context))) {
        return DebuggerError(Debugger, "%s", Debugger->Target->Error);
    }
    if ((Context.ContextFlags & CONTEXT_AMD64) == 0) {
        return DebuggerError(Debugger, "There is no CONTEXT at that address: its flags are %x",
                             Context.ContextFlags);
    }
    return StackUseContext(Debugger, &Context);
}

const DEBUGGER_COMMAND CommandsStack[] = {
    {"k", CommandK, "k [L] [Frames]", "The stack: where each call was made from.", false},
    {"kL", CommandKL, "kL [Frames]", "The stack without source lines.", false},
    {"kn", CommandKn, "kn [L] [Frames]", "The stack with frame numbers, for .frame.", false},
    {"knL", CommandKnL, "knL [Frames]", "The same without source lines.", false},
    {"kb", CommandKb, "kb [L] [Frames]", "The stack with each call's home slots.", false},
    {"kp", CommandK, "kp [L] [Frames]", "As k.", false},
    {"kv", CommandKv, "kv [L] [Frames]", "As kb, with stack pointers and trap frames.", false},
    {"kc", CommandKc, "kc [Frames]", "The names alone.", false},
    {".frame", CommandFrame, ".frame [/c] [/r] [Frame]",
     "Shows a frame; /c makes its registers the ones that commands use, /r shows them.", false},
    {".trap", CommandTrap, ".trap [Address]",
     "Makes a trap frame's registers the ones in use; without an address those of the stop.",
     false},
    {".cxr", CommandCxr, ".cxr [Address]", "The same of a CONTEXT.", false},
    {0},
};
