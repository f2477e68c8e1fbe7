/* SPDX-License-Identifier: MIT */
/*
 * u, ub, uf. Code that is out shows as ??, and a line says where it is; nothing is brought in,
 * which is .pagein's to do.
 */
#include <ctype.h>
#include <string.h>

#include "host/debugger/debug_module.h"
#include "host/debugger/page_walk.h"
#include "lib/unwind.h"

#define CODE_DEFAULT_COUNT 8u
#define CODE_MAX_COUNT 0x10000u
#define CODE_LINE 1100u
#define CODE_MAX_BACK 0x1000u /* bytes that ub goes back at most */

/* Where a u without an address goes on, until the target has moved. */
static struct {
    uint64_t Next, Rip;
} CodePlace;

typedef struct {
    uint64_t Address;
    uint64_t Count; /* instructions, or bytes when an end was given */
    bool IsBytes;
} CODE_RANGE;

/* "Address", "Address L8", "Address End", or nothing. */
static bool CodeParse(DEBUGGER *Debugger, const char *Arguments, CODE_RANGE *Range)
{
    uint64_t Value;

    *Range = (CODE_RANGE){.Address = CodePlace.Next, .Count = CODE_DEFAULT_COUNT};
    if (CodePlace.Rip != Debugger->Context.Rip || CodePlace.Next == 0) {
        Range->Address = Debugger->Context.Rip;
    }
    if (*Arguments == 0) {
        return Debugger->HasContext || CodePlace.Next != 0 ||
               DebuggerError(Debugger, "u needs an address: the target gives no registers");
    }
    if (!((*Arguments == 'L' || *Arguments == 'l') && isxdigit((unsigned char)Arguments[1])) &&
        !ExpressionEvaluate(Debugger, &Arguments, &Range->Address)) {
        return false;
    }
    Arguments += strspn(Arguments, " \t,");
    if (*Arguments == 0) {
        return true;
    }
    bool IsLength = *Arguments == 'L' || *Arguments == 'l';
    if (!ExpressionEvaluateAll(Debugger, Arguments + IsLength, &Value)) {
        return false;
    }
    Range->IsBytes = !IsLength;
    Range->Count = IsLength ? Value : Value - Range->Address + 1;
    if (!IsLength && Value < Range->Address) {
        return DebuggerError(Debugger, "The end is before the beginning");
    }
    if (Range->Count == 0 || Range->Count > CODE_MAX_COUNT * (IsLength ? 1ull : 16ull)) {
        return DebuggerError(Debugger, "The range is empty or too large");
    }
    return true;
}

/* "nt!KeWaitForSingleObject+0x10 [kernel/ke/wait.c @ 12]:" */
static void CodePrintName(DEBUGGER *Debugger, uint64_t Address)
{
    char Text[400], File[300];
    unsigned Line;

    if (DebugFindModule(Debugger, Address) == NULL) {
        return;
    }
    DebugSymbolText(Debugger, Address, Text, sizeof(Text));
    DebuggerPrint(Debugger, "%s", Text);
    if (DebugSymbolLine(Debugger, Address, false, File, sizeof(File), &Line)) {
        DebuggerPrint(Debugger, " [%s @ %u]", File, Line);
    }
    DebuggerPrint(Debugger, ":\n");
}

static void CodeExplain(DEBUGGER *Debugger, uint64_t Address)
{
    PAGE_WALK Walk;
    char Number[DEBUG_ADDRESS_SIZE], State[160];

    DebugAddressText(Address, Number);
    if (PageWalkCurrent(Debugger, Address, &Walk)) {
        bool Out = Walk.Form == PagePagingFile || Walk.Form == PageDemandZero;
        DebuggerPrint(Debugger, "*** the code at %s cannot be read: %s%s\n", Number,
                      PageWalkText(&Walk, State, sizeof(State)),
                      Out ? "; .pagein brings it in" : "");
    } else {
        DebuggerPrint(Debugger, "*** the code at %s cannot be read\n", Number);
    }
}

/* Prints one instruction. 0: it cannot be read, and that has been said. */
static unsigned CodePrint(DEBUGGER *Debugger, uint64_t Address)
{
    char Line[CODE_LINE];
    unsigned Length;

    DebugInstructionText(Debugger, Address, Line, sizeof(Line), &Length);
    DebuggerPrint(Debugger, "%s\n", Line);
    if (Length == 0) {
        CodeExplain(Debugger, Address);
    }
    return Length;
}

/* A name that begins at Address gets a line of its own. */
static void CodePrintNewName(DEBUGGER *Debugger, uint64_t Address)
{
    DEBUG_NAME Name;
    if (DebugSymbolNear(Debugger, Address, &Name) && Name.Displacement == 0) {
        CodePrintName(Debugger, Address);
    }
}

static bool CommandU(DEBUGGER *Debugger, const char *Arguments)
{
    CODE_RANGE Range;

    if (!CodeParse(Debugger, Arguments, &Range)) {
        return false;
    }
    uint64_t Address = Range.Address, Done = 0;
    CodePrintName(Debugger, Address);
    while (Done < Range.Count && !DebuggerInterrupted(Debugger)) {
        if (Address != Range.Address) {
            CodePrintNewName(Debugger, Address);
        }
        unsigned Length = CodePrint(Debugger, Address);
        if (Length == 0) {
            break;
        }
        Address += Length;
        Done += Range.IsBytes ? Length : 1;
    }
    CodePlace.Next = Address;
    CodePlace.Rip = Debugger->Context.Rip;
    return true;
}

/* The RUNTIME_FUNCTION around Address, as [Begin, End). False: none is known. */
static bool CodeFindFunction(DEBUGGER *Debugger, uint64_t Address, uint64_t *Begin, uint64_t *End)
{
    DEBUG_MODULE *Module = DebugFindModule(Debugger, Address);
    const SYMBOL_TABLE *Table = Module != NULL ? DebugModuleSymbols(Debugger, Module) : NULL;
    DEBUG_MODULE_DATA *Data = Module != NULL ? Module->Private : NULL;
    PE_FUNCTION Function;
    PE_ERROR Error;

    if (Data == NULL || !Data->Image.HasPe) {
        return false;
    }
    PE_DIRECTORY Directory = PeImageDirectory(&Data->Image.Pe, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    if (Directory.Rva != 0 &&
        DebugModuleBytes(Debugger, Module, Directory.Rva, Directory.Size) != NULL) {
        for (uint32_t i = 0;
             PeImageFunction(&Data->Image.Pe, i, &Function, &Error) == PeStepItem; i++) {
            if (Address - Module->Base >= Function.BeginRva &&
                Address - Module->Base < Function.EndRva) {
                *Begin = Module->Base + Function.BeginRva;
                *End = Module->Base + Function.EndRva;
                return true;
            }
        }
    }
    /* Assembly without unwind data: up to the next name. */
    const SYMBOL_NAME *Name =
        Table != NULL ? SymbolTableNear(Table, (uint32_t)(Address - Module->Base)) : NULL;
    if (Name == NULL) {
        return false;
    }
    const SYMBOL_NAME *Next = Name;
    while (Next < Table->Names + Table->NameCount && Next->Rva == Name->Rva) {
        Next++;
    }
    uint32_t Size = Next < Table->Names + Table->NameCount ? Next->Rva - Name->Rva : Name->Size;
    *Begin = Module->Base + Name->Rva;
    *End = *Begin + (Name->Size != 0 ? Name->Size : Size);
    return Address < *End;
}

/* Backwards only a beginning that is known helps: instructions do not say where they start. */
static bool CommandUb(DEBUGGER *Debugger, const char *Arguments)
{
    CODE_RANGE Range;
    uint64_t Begin, End, Starts[CODE_MAX_BACK];
    unsigned Count = 0;
    char Line[CODE_LINE];

    if (!CodeParse(Debugger, Arguments, &Range)) {
        return false;
    }
    if (Range.IsBytes) {
        return DebuggerError(Debugger, "ub takes an address and L and a count");
    }
    if (!CodeFindFunction(Debugger, Range.Address - 1, &Begin, &End) ||
        Range.Address - Begin > CODE_MAX_BACK) {
        return DebuggerError(Debugger, "ub: no function is known to begin shortly before that "
                                       "address");
    }
    for (uint64_t Address = Begin; Address < Range.Address && Count < CODE_MAX_BACK;) {
        unsigned Length;
        DebugInstructionText(Debugger, Address, Line, sizeof(Line), &Length);
        Starts[Count++] = Address;
        if (Length == 0) {
            break;
        }
        Address += Length;
    }
    unsigned First = Count > Range.Count ? Count - (unsigned)Range.Count : 0;
    CodePrintName(Debugger, Starts[First]);
    for (unsigned i = First; i < Count; i++) {
        if (CodePrint(Debugger, Starts[i]) == 0) {
            break;
        }
    }
    return true;
}

static bool CommandUf(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address = Debugger->Context.Rip, Begin, End;

    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Address)) {
        return false;
    }
    if (!CodeFindFunction(Debugger, Address, &Begin, &End)) {
        return DebuggerError(Debugger, "uf: no function is known at that address");
    }
    CodePrintName(Debugger, Begin);
    while (Begin < End && !DebuggerInterrupted(Debugger)) {
        unsigned Length = CodePrint(Debugger, Begin);
        if (Length == 0) {
            break;
        }
        Begin += Length;
    }
    return true;
}

const DEBUGGER_COMMAND CommandsDisassembly[] = {
    {"u", CommandU, "u [Address [L Count | End]]", "Disassembles, eight instructions by default.",
     false},
    {"ub", CommandUb, "ub [Address [L Count]]", "Disassembles what is before the address.", false},
    {"uf", CommandUf, "uf [Address]", "Disassembles the whole function around the address.", false},
    {0},
};
