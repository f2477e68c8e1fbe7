/* SPDX-License-Identifier: MIT */
/* .bugcheck, !analyze. The words are those of `pageable explain`: one table, bug_check_names.h. */
#include "host/debugger/debugger.h"

#include <stdlib.h>
#include <string.h>

#include "bugcodes.h"
#include "host/debugger/debug_unwind.h"
#include "host/debugger/page_walk.h"
#include "host/debugger/structure.h"
#include "host/text/bug_check_names.h"

#define PARAMETERS 4u
#define MAX_FRAMES 64u

typedef struct {
    uint32_t Code; /* 0: there was none */
    uint64_t Parameter[PARAMETERS];
} BUG_CHECK_DATA;

/* nt!KiBugCheckData: the code and four parameters, all zero until there is one. */
static bool ReadBugCheck(DEBUGGER *Debugger, BUG_CHECK_DATA *Data)
{
    uint64_t Address, Values[1 + PARAMETERS];
    if (Debugger->DebuggerData == 0 ||
        !DebugRead64(Debugger, Debugger->DebuggerData + offsetof(KDDEBUGGER_DATA64, KiBugcheckData),
                     &Address) ||
        !DebugRead(Debugger, Address, Values, sizeof(Values))) {
        return DebuggerError(Debugger, "the target's bug check data cannot be read");
    }
    Data->Code = (uint32_t)Values[0];
    memcpy(Data->Parameter, Values + 1, sizeof(Data->Parameter));
    return true;
}

static bool BugCheckCommand(DEBUGGER *Debugger, const char *Arguments)
{
    BUG_CHECK_DATA Data;
    char Text[PARAMETERS][DEBUG_ADDRESS_SIZE];
    if (!CommandEnd(Debugger, Arguments) || !ReadBugCheck(Debugger, &Data)) {
        return false;
    }
    DebuggerPrint(Debugger, "Bugcheck code %08X\nArguments %s %s %s %s\n", Data.Code,
                  DebugAddressText(Data.Parameter[0], Text[0]),
                  DebugAddressText(Data.Parameter[1], Text[1]),
                  DebugAddressText(Data.Parameter[2], Text[2]),
                  DebugAddressText(Data.Parameter[3], Text[3]));
    return true;
}

static void PrintBanner(DEBUGGER *Debugger, const char *Title)
{
    static const char Stars[] =
        "*******************************************************************************";
    int Width = (int)sizeof(Stars) - 3, Left = (Width - (int)strlen(Title)) / 2;
    DebuggerPrint(Debugger, "%s\n*%*s*\n*%*s%-*s*\n*%*s*\n%s\n\n", Stars, Width, "", Left, "",
                  Width - Left, Title, Width, "", Stars);
}

/* Name, cause and the parameters in words. */
static void PrintBugCheck(DEBUGGER *Debugger, const BUG_CHECK_DATA *Data)
{
    const BUG_CHECK_NAME *Name = BugCheckName(Data->Code);
    const BUG_CHECK_CASE_NAME *Case = BugCheckCase(Data->Code, Data->Parameter[0]);
    char Words[BUG_CHECK_TEXT];
    DebuggerPrint(Debugger, "%s (%x)\n%s\n", Name->Name, Data->Code, Name->Cause);
    if (Case != NULL) {
        DebuggerPrint(Debugger, "Here: %s.\n", Case->Cause);
    }
    DebuggerPrint(Debugger, "Arguments:\n");
    for (unsigned i = 0; i < PARAMETERS; i++) {
        BUG_CHECK_PARAMETER Parameter = BugCheckParameter(Data->Code, Data->Parameter[0], i);
        const char *Value = BugCheckValueName(Data->Code, Data->Parameter[0], i,
                                              Data->Parameter[i], Words);
        DebuggerPrint(Debugger, "Arg%u: %016llx%s%s%s%s\n", i + 1,
                      (unsigned long long)Data->Parameter[i], Parameter.Words != NULL ? ", " : "",
                      Parameter.Words != NULL ? Parameter.Words : "", Value != NULL ? ": " : "",
                      Value != NULL ? Value : "");
    }
    DebuggerPrint(Debugger, "\n");
}

/* The parameter is the address of memory that was referenced. */
static bool FirstIsMemory(uint32_t Code)
{
    switch (Code) {
    case IRQL_NOT_LESS_OR_EQUAL:
    case DRIVER_IRQL_NOT_LESS_OR_EQUAL:
    case DRIVER_PORTION_MUST_BE_NONPAGED:
    case PAGE_FAULT_IN_NONPAGED_AREA:
    case ATTEMPTED_WRITE_TO_READONLY_MEMORY:
    case ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY:
        return true;
    default:
        return false;
    }
}

static void PrintMemory(DEBUGGER *Debugger, uint64_t Address)
{
    char Text[DEBUG_ADDRESS_SIZE], Symbol[400], Page[80];
    PAGE_WALK Walk;
    DebugSymbolText(Debugger, Address, Symbol, sizeof(Symbol));
    DebuggerPrint(Debugger, "MEMORY:  %s%s%s\n\n", DebugAddressText(Address, Text),
                  DebugFindModule(Debugger, Address) != NULL ? "  " : "",
                  DebugFindModule(Debugger, Address) != NULL ? Symbol : "");
    if (PageWalkCurrent(Debugger, Address, &Walk)) {
        DebuggerPrint(Debugger, "PAGE:  %s\n\n", PageWalkText(&Walk, Page, sizeof(Page)));
    }
}

static bool IsKernel(const DEBUG_MODULE *Module)
{
    return Module == NULL || strcmp(Module->Name, "nt") == 0;
}

/*
 * The first frame that is not the kernel's own: whom to look at. *Found 0: there is none. A routine
 * that could not be executed where it is (NotAt) is not at fault: its caller is.
 */
static bool FindCulprit(DEBUGGER *Debugger, uint64_t NotAt, uint64_t *Found, bool *IsReturn)
{
    DEBUG_WALK *Walk = malloc(sizeof(*Walk));
    *Found = 0;
    if (Walk == NULL || !Debugger->HasContext) {
        free(Walk);
        return false;
    }
    DebugWalkStart(Walk, Debugger, &Debugger->Context);
    for (unsigned i = 0; i < MAX_FRAMES; i++) {
        if (Walk->Context.Rip != NotAt &&
            !IsKernel(DebugFindModule(Debugger, Walk->Context.Rip))) {
            *Found = Walk->Context.Rip;
            *IsReturn = Walk->IsReturn;
            break;
        }
        if (!DebugWalkNext(Walk)) {
            break;
        }
    }
    free(Walk);
    return *Found != 0;
}

static void PrintCulprit(DEBUGGER *Debugger, const BUG_CHECK_DATA *Data)
{
    uint64_t Address, NotAt = FirstIsMemory(Data->Code) ? Data->Parameter[0] : 0;
    bool IsReturn;
    char Symbol[400], File[512];
    unsigned Line;
    if (!FindCulprit(Debugger, NotAt, &Address, &IsReturn)) {
        return;
    }
    DEBUG_MODULE *Module = DebugFindModule(Debugger, Address);
    DebugSymbolText(Debugger, Address, Symbol, sizeof(Symbol));
    DebuggerPrint(Debugger, "SYMBOL_NAME:  %s\n\n", Symbol);
    if (DebugSymbolLine(Debugger, Address, IsReturn, File, sizeof(File), &Line)) {
        DebuggerPrint(Debugger, "FAULTING_SOURCE_LINE:  %s @ %u\n\n", File, Line);
    }
    DebuggerPrint(Debugger, "MODULE_NAME: %s\n\nIMAGE_NAME:  %s\n\n", Module->Name,
                  Module->ImageName);
}

static void PrintProcessName(DEBUGGER *Debugger)
{
    uint64_t Process, Offset;
    char Name[64];
    if (DebugCurrentProcess(Debugger, &Process) &&
        StructureOffset(Debugger, "nt!_EPROCESS", "ImageFileName", &Offset) &&
        StructureChars(Debugger, Process + Offset, 15, Name, sizeof(Name))) {
        DebuggerPrint(Debugger, "PROCESS_NAME:  %s\n\n", Name);
    }
}

/* Of the fault, where the bug check tells it: stopping has raised it since. */
static void PrintCurrentIrql(DEBUGGER *Debugger, const BUG_CHECK_DATA *Data)
{
    KSPECIAL_REGISTERS Special;
    TARGET *Target = Debugger->Target;
    for (unsigned i = 0; Data->Code != 0 && i < PARAMETERS; i++) {
        if (BugCheckParameter(Data->Code, Data->Parameter[0], i).Values == BugCheckIrql) {
            DebuggerPrint(Debugger, "CURRENT_IRQL:  %llx\n\n",
                          (unsigned long long)Data->Parameter[i]);
            return;
        }
    }
    if (TargetCan(Target, GetSpecial) && Target->Operations->GetSpecial(Target, &Special)) {
        DebuggerPrint(Debugger, "CURRENT_IRQL:  %llx\n\n", (unsigned long long)Special.Cr8 & 0xf);
    }
}

static bool PrintDetails(DEBUGGER *Debugger, const BUG_CHECK_DATA *Data)
{
    DebuggerPrint(Debugger, "Debugging Details:\n------------------\n\n");
    if (Data->Code != 0 && FirstIsMemory(Data->Code)) {
        PrintMemory(Debugger, Data->Parameter[0]);
    }
    PrintProcessName(Debugger);
    PrintCurrentIrql(Debugger, Data);
    DebuggerPrint(Debugger, "STACK_TEXT:\n");
    bool Good = DebuggerRunLine(Debugger, "k");
    DebuggerPrint(Debugger, "\n");
    PrintCulprit(Debugger, Data);
    if (Data->Code != 0) {
        DebuggerPrint(Debugger, "ADVICE:  %s\n", BugCheckAdvice(Data->Code, Data->Parameter[0]));
    }
    return Good;
}

/* !analyze -show Code [P1 [P2 [P3 [P4]]]] */
static bool ShowBugCheck(DEBUGGER *Debugger, const char *Arguments)
{
    BUG_CHECK_DATA Data = {0};
    uint64_t Code;
    if (*Arguments == 0) {
        return DebuggerError(Debugger, "!analyze -show needs a bug check code");
    }
    if (!ExpressionEvaluate(Debugger, &Arguments, &Code)) {
        return false;
    }
    Data.Code = (uint32_t)Code;
    for (unsigned i = 0; i < PARAMETERS; i++) {
        Arguments += strspn(Arguments, " \t,");
        if (*Arguments != 0 &&
            !ExpressionEvaluate(Debugger, &Arguments, &Data.Parameter[i])) {
            return false;
        }
    }
    if (!CommandEnd(Debugger, Arguments)) {
        return false;
    }
    PrintBugCheck(Debugger, &Data);
    DebuggerPrint(Debugger, "ADVICE:  %s\n", BugCheckAdvice(Data.Code, Data.Parameter[0]));
    return true;
}

/* !analyze [-v], !analyze -show Code [Parameters] */
static bool AnalyzeCommand(DEBUGGER *Debugger, const char *Arguments)
{
    BUG_CHECK_DATA Data;
    const DBGKD_ANY_WAIT_STATE_CHANGE *State = &Debugger->Target->State;
    char Word[16] = "";
    if (*Arguments != 0 && !CommandWord(&Arguments, Word, sizeof(Word))) {
        return DebuggerError(Debugger, "!analyze: there are -v and -show Code");
    }
    if (strcmp(Word, "-show") == 0) {
        return ShowBugCheck(Debugger, Arguments);
    }
    bool Verbose = strcmp(Word, "-v") == 0;
    if ((Word[0] != 0 && !Verbose) || !CommandEnd(Debugger, Arguments)) {
        return DebuggerError(Debugger, "!analyze: there are -v and -show Code");
    }
    if (!ReadBugCheck(Debugger, &Data)) {
        return false;
    }
    if (Data.Code != 0) {
        PrintBanner(Debugger, "Bugcheck Analysis");
        PrintBugCheck(Debugger, &Data);
    } else {
        PrintBanner(Debugger, "Exception Analysis");
        DebuggerPrint(Debugger, "There is no bug check. EXCEPTION_CODE: %08x\n\n",
                      State->NewState == DBGKD_EXCEPTION_STATE_CHANGE
                          ? State->Exception.Record.ExceptionCode
                          : 0);
    }
    if (!Verbose) {
        DebuggerPrint(Debugger, "Use !analyze -v to get detailed debugging information.\n\n");
        PrintCulprit(Debugger, &Data);
        return true;
    }
    return PrintDetails(Debugger, &Data);
}

const DEBUGGER_COMMAND CommandsAnalyze[] = {
    {".bugcheck", BugCheckCommand, ".bugcheck", "The bug check's code and arguments.", false},
    {"!analyze", AnalyzeCommand, "!analyze [-v] | -show Code [P1 P2 P3 P4]",
     "What the bug check means, where it happened, what to do.", false},
    {0},
};
