/* SPDX-License-Identifier: MIT */
/* bp, bu, ba, bl, bc, bd, be. */
#include <ctype.h>
#include <string.h>

#include "host/debugger/breakpoint.h"
#include "host/text/text.h"

static bool CanBreak(DEBUGGER *Debugger)
{
    return TargetCan(Debugger->Target, SetBreakpoint) ||
           DebuggerError(Debugger, "This target has no breakpoints");
}

/* The rest of a line that begins with a quotation mark: commands, up to the closing one. */
static bool TakeCommands(DEBUGGER *Debugger, const char **Text, BREAKPOINT *One)
{
    size_t Used = 0;
    if (**Text != '"') {
        return true;
    }
    for (++*Text; **Text != '"'; ++*Text) {
        *Text += **Text == '\\' && ((*Text)[1] == '"' || (*Text)[1] == '\\');
        if (**Text == 0 || Used + 1 >= sizeof(One->Commands)) {
            return DebuggerError(Debugger, **Text == 0 ? "The commands' closing \" is missing"
                                                       : "The commands are too long");
        }
        One->Commands[Used++] = **Text;
    }
    One->Commands[Used] = 0;
    ++*Text;
    *Text += strspn(*Text, " \t");
    return true;
}

/* One expression as text, up to a blank outside of brackets. */
static size_t ExpressionLength(const char *Text)
{
    unsigned Depth = 0;
    size_t i = 0;
    for (; Text[i] != 0 && Text[i] != '"'; i++) {
        Depth += Text[i] == '(';
        Depth -= Text[i] == ')' && Depth != 0;
        if ((Text[i] == ' ' || Text[i] == '\t') && Depth == 0) {
            break;
        }
    }
    return i;
}

/*
 * The address; of a symbol the text is kept, so that it can be looked up again when its module is
 * loaded. What cannot be resolved but names a symbol is deferred.
 */
static bool TakeAddress(DEBUGGER *Debugger, const char **Text, BREAKPOINT *One)
{
    const char *Start = *Text;
    size_t Length = ExpressionLength(Start);
    char Clean[BREAKPOINT_TEXT];

    if (Length == 0 || Length >= sizeof(One->Text)) {
        if (Length != 0) {
            return DebuggerError(Debugger, "The expression is too long");
        }
        One->Resolved = RegisterRead(Debugger, "rip", 3, &One->Address);
        return One->Resolved || DebuggerError(Debugger, "Rip is not known");
    }
    memcpy(One->Text, Start, Length);
    One->Text[Length] = 0;
    *Text += Length;
    *Text += strspn(*Text, " \t");
    One->Resolved = ExpressionTry(Debugger, One->Text, &One->Address);
    bool Named = strchr(One->Text, '!') != NULL || One->IsSymbolic;
    if (!One->Resolved && !Named) {
        return ExpressionEvaluateAll(Debugger, One->Text, &One->Address);
    }
    if (!One->Resolved && !One->IsSymbolic) {
        TextCleanString(Clean, sizeof(Clean), One->Text);
        DebuggerPrint(Debugger, "Bp expression '%s' could not be resolved, adding deferred bp\n",
                      Clean);
    }
    if (!Named) {
        One->Text[0] = 0;
    }
    return true;
}

static bool TakeOptions(DEBUGGER *Debugger, const char **Text, BREAKPOINT *One)
{
    while (**Text == '/') {
        char Option = (*Text)[1];
        *Text += Option != 0 ? 2 : 1;
        *Text += strspn(*Text, " \t");
        if (Option == '1') {
            One->OneShot = true;
        } else if (Option == 't') {
            if (!ExpressionEvaluate(Debugger, Text, &One->Thread)) {
                return false;
            }
        } else {
            return DebuggerError(Debugger, "The options are /1 and /t Thread");
        }
    }
    return true;
}

/* After address or options: passes and commands. Then it stands in the table. */
static bool TakeRest(DEBUGGER *Debugger, const char *Text, BREAKPOINT *One)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    unsigned Number = 0;

    if (*Text != 0 && *Text != '"' && !ExpressionEvaluate(Debugger, &Text, &One->Passes)) {
        return false;
    }
    if (!TakeCommands(Debugger, &Text, One) || !CommandEnd(Debugger, Text)) {
        return false;
    }
    while (Number < BREAKPOINT_MAX && All->Table[Number].Used) {
        Number++;
    }
    if (Number == BREAKPOINT_MAX) {
        return DebuggerError(Debugger, "There are %u breakpoints already", BREAKPOINT_MAX);
    }
    One->Used = One->Enabled = true;
    One->Passes = One->Passes == 0 ? 1 : One->Passes;
    One->PassesLeft = One->Passes;
    All->Table[Number] = *One;
    return true;
}

static bool SetCode(DEBUGGER *Debugger, const char *Text, bool Symbolic)
{
    BREAKPOINT One = {.IsSymbolic = Symbolic};
    BREAKPOINTS *All = BreakpointsOf(Debugger);

    if (!CanBreak(Debugger) || !TakeOptions(Debugger, &Text, &One) ||
        !TakeAddress(Debugger, &Text, &One)) {
        return false;
    }
    for (unsigned i = 0; One.Resolved && i < BREAKPOINT_MAX; i++) {
        BREAKPOINT *Old = &All->Table[i];
        if (Old->Used && Old->Resolved && Old->Kind == BreakpointCode &&
            Old->Address == One.Address) {
            DebuggerPrint(Debugger, "breakpoint %u redefined\n", i);
            memset(Old, 0, sizeof(*Old));
        }
    }
    return TakeRest(Debugger, Text, &One);
}

static bool CommandBp(DEBUGGER *Debugger, const char *Arguments)
{
    return SetCode(Debugger, Arguments, false);
}

static bool CommandBu(DEBUGGER *Debugger, const char *Arguments)
{
    return SetCode(Debugger, Arguments, true);
}

static bool CommandBa(DEBUGGER *Debugger, const char *Arguments)
{
    static const struct {
        char Letter;
        BREAKPOINT_KIND Kind;
    } Kinds[] = {{'e', BreakpointExecute}, {'w', BreakpointWrite}, {'r', BreakpointAccess},
                 {'i', BreakpointIo}};
    BREAKPOINT One = {.Kind = BreakpointCode};
    uint64_t Size;

    if (!CanBreak(Debugger) || !TakeOptions(Debugger, &Arguments, &One)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
        if (tolower((unsigned char)*Arguments) == Kinds[i].Letter) {
            One.Kind = Kinds[i].Kind;
        }
    }
    if (One.Kind == BreakpointCode) {
        return DebuggerError(Debugger, "ba: the kinds of access are e, r, w and i");
    }
    Arguments++;
    Arguments += strspn(Arguments, " \t");
    if (!ExpressionEvaluate(Debugger, &Arguments, &Size)) {
        return false;
    }
    if ((Size != 1 && Size != 2 && Size != 4 && Size != 8) ||
        (One.Kind == BreakpointExecute && Size != 1)) {
        return DebuggerError(Debugger, "ba: the sizes are 1, 2, 4 and 8, and 1 for e");
    }
    One.Size = (unsigned)Size;
    if (!TakeOptions(Debugger, &Arguments, &One) || !TakeAddress(Debugger, &Arguments, &One)) {
        return false;
    }
    if (One.Resolved && One.Address % Size != 0) {
        return DebuggerError(Debugger, "ba: the address must be a multiple of the size");
    }
    return TakeRest(Debugger, Arguments, &One);
}

/* The target could not write the CC byte now, and owes it until the page comes in. */
static bool IsOwed(DEBUGGER *Debugger, const BREAKPOINT *One)
{
    TARGET *Target = Debugger->Target;
    uint8_t Byte;
    return One->Kind == BreakpointCode && One->Resolved && Target->Stopped &&
           !TargetRead(Target, One->Address, &Byte, 1);
}

static void PrintBreakpoint(DEBUGGER *Debugger, unsigned Number, const BREAKPOINT *One)
{
    static const char Kinds[] = {' ', 'e', 'w', 'r', 'i'};
    char Address[DEBUG_ADDRESS_SIZE] = "", Name[400] = "", Clean[4 * BREAKPOINT_TEXT],
         Access[8] = "   ";

    if (One->Kind != BreakpointCode) {
        snprintf(Access, sizeof(Access), "%c %u", Kinds[One->Kind], One->Size);
    }
    if (One->Resolved) {
        DebugAddressText(One->Address, Address);
        DebugSymbolText(Debugger, One->Address, Name, sizeof(Name));
    } else {
        TextCleanString(Clean, sizeof(Clean), One->Text);
        snprintf(Name, sizeof(Name), "(%s)", Clean);
    }
    DebuggerPrint(Debugger, "%2u %c%c %-17s %s %04llx (%04llx) %s", Number,
                  One->Enabled ? 'e' : 'd', One->Resolved ? ' ' : 'u', Address, Access,
                  (unsigned long long)One->PassesLeft, (unsigned long long)One->Passes, Name);
    if (One->Commands[0] != 0) {
        TextCleanString(Clean, sizeof(Clean), One->Commands);
        DebuggerPrint(Debugger, " \"%s\"", Clean);
    }
    DebuggerPrint(Debugger, "%s\n", IsOwed(Debugger, One) ? " (owed: the page is out)" : "");
}

static bool CommandBl(DEBUGGER *Debugger, const char *Arguments)
{
    const BREAKPOINTS *All = BreakpointsOf(Debugger);
    if (!CommandEnd(Debugger, Arguments)) {
        return false;
    }
    for (unsigned i = 0; i < BREAKPOINT_MAX; i++) {
        if (All->Table[i].Used) {
            PrintBreakpoint(Debugger, i, &All->Table[i]);
        }
    }
    return true;
}

typedef void BREAKPOINT_CHANGE(BREAKPOINT *One);

static void Clear(BREAKPOINT *One)
{
    memset(One, 0, sizeof(*One));
}

static void Disable(BREAKPOINT *One)
{
    One->Enabled = false;
}

static void Enable(BREAKPOINT *One)
{
    One->Enabled = true;
}

/* "*", or numbers in decimal, and first-last, separated by blanks or commas. */
static bool ChangeEach(DEBUGGER *Debugger, const char *Arguments, BREAKPOINT_CHANGE *Change)
{
    BREAKPOINTS *All = BreakpointsOf(Debugger);
    char Word[32], Clean[128];

    if (*Arguments == 0) {
        return DebuggerError(Debugger, "Which breakpoints? Numbers, first-last, or *");
    }
    while (CommandWord(&Arguments, Word, sizeof(Word))) {
        unsigned First = 0, Last = BREAKPOINT_MAX - 1;
        int Used = 0;
        bool Every = strcmp(Word, "*") == 0;
        if (!Every && (sscanf(Word, "%4u%n", &First, &Used) != 1 || Used == 0 ||
                       (Word[Used] == '-' ? sscanf(Word + Used + 1, "%4u", &Last) != 1
                                          : Word[Used] != 0))) {
            TextCleanString(Clean, sizeof(Clean), Word);
            return DebuggerError(Debugger, "'%s' is no breakpoint's number", Clean);
        }
        Last = Every || Word[Used] == '-' ? Last : First;
        for (unsigned i = First; i <= Last; i++) {
            if (i < BREAKPOINT_MAX && All->Table[i].Used) {
                Change(&All->Table[i]);
            } else if (First == Last) {
                return DebuggerError(Debugger, "There is no breakpoint %u", First);
            }
        }
    }
    return CommandEnd(Debugger, Arguments);
}

static bool CommandBc(DEBUGGER *Debugger, const char *Arguments)
{
    return ChangeEach(Debugger, Arguments, Clear);
}

static bool CommandBd(DEBUGGER *Debugger, const char *Arguments)
{
    return ChangeEach(Debugger, Arguments, Disable);
}

static bool CommandBe(DEBUGGER *Debugger, const char *Arguments)
{
    return ChangeEach(Debugger, Arguments, Enable);
}

const DEBUGGER_COMMAND CommandsBreakpoint[] = {
    {"bp", CommandBp, "bp [/1] [/t Thread] [Address [Passes]] [\"Commands\"]",
     "breakpoint at an address", true},
    {"bu", CommandBu, "bu [/1] [/t Thread] Symbol [Passes] [\"Commands\"]",
     "breakpoint at a symbol, also of a module that is not loaded yet", true},
    {"ba", CommandBa, "ba e|r|w|i Size [Address [Passes]] [\"Commands\"]",
     "breakpoint on an access, by a debug register", true},
    {"bl", CommandBl, "bl", "lists the breakpoints", true},
    {"bc", CommandBc, "bc *|Numbers", "removes breakpoints", true},
    {"bd", CommandBd, "bd *|Numbers", "disables breakpoints", true},
    {"be", CommandBe, "be *|Numbers", "enables breakpoints", true},
    {0},
};
