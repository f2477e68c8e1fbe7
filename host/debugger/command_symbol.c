/* SPDX-License-Identifier: MIT */
/* Modules and names: lm, !lmi, x, ln, ld, .reload, .sympath. command_type.c has dt. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "host/debugger/debug_module.h"
#include "host/text/text.h"

/* How much of a module's names is known, as lm says it. */
static const char *SymbolState(const DEBUG_MODULE *Module)
{
    const DEBUG_MODULE_DATA *Data = Module->Private;
    if (!Module->SymbolsTried) {
        return "(deferred)";
    }
    return Module->SymbolsLoaded ? "(pdb symbols)"
           : Data != NULL && Data->FromExports && Data->Table.NameCount != 0 ? "(export symbols)"
                                                                             : "(no symbols)";
}

static void SymbolPrintModule(DEBUGGER *Debugger, const DEBUG_MODULE *Module, bool Verbose)
{
    char Start[DEBUG_ADDRESS_SIZE], End[DEBUG_ADDRESS_SIZE], Path[1100];
    TextCleanString(Path, sizeof(Path),
                    Verbose ? Module->PdbPath : TextBaseName(Module->PdbPath));
    DebuggerPrint(Debugger, "%s %s   %-10s %s%s%s\n", DebugAddressText(Module->Base, Start),
                  DebugAddressText(Module->Base + Module->Size, End), Module->Name,
                  SymbolState(Module), Path[0] != 0 ? "  " : "", Path);
    if (Verbose) {
        TextCleanString(Path, sizeof(Path), Module->ImagePath);
        DebuggerPrint(Debugger, "    Image name: %s\n    Image file: %s\n", Module->ImageName,
                      Path[0] != 0 ? Path : "not found");
        DebuggerPrint(Debugger,
                      "    Timestamp:  %08X\n    CheckSum:   %08X\n    ImageSize:  %08X\n",
                      Module->TimeDateStamp, Module->CheckSum, (unsigned)Module->Size);
    }
}

typedef struct {
    bool Verbose;
    const char *Pattern; /* NULL: all */
    uint64_t Address;
    bool ByAddress;
} SYMBOL_LIST;

static bool SymbolListModules(DEBUGGER *Debugger, const SYMBOL_LIST *List)
{
    unsigned Shown = 0;

    if (Debugger->ModuleCount == 0) {
        return DebuggerError(Debugger, "No modules are known; .reload reads the target's list");
    }
    DebuggerPrint(Debugger, "start             end                 module name\n");
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if ((List->ByAddress && Module != DebugFindModule(Debugger, List->Address)) ||
            (List->Pattern != NULL &&
             fnmatch(List->Pattern, Module->Name, FNM_CASEFOLD | FNM_NOESCAPE) != 0)) {
            continue;
        }
        if (List->Verbose) {
            DebugModuleFindImage(Debugger, Module);
        }
        SymbolPrintModule(Debugger, Module, List->Verbose);
        Shown++;
    }
    return Shown != 0 || DebuggerError(Debugger, "No module matches");
}

/* "lm", "lm v", "lm v m nt*", "lm a Address"; "lmvm nt" comes with its letters taken off. */
static bool SymbolRunLm(DEBUGGER *Debugger, const char *Letters, const char *Arguments)
{
    char Word[64], All[80];
    SYMBOL_LIST List = {0};

    snprintf(All, sizeof(All), "%s", Letters);
    while (strchr(All, 'm') == NULL && strchr(All, 'a') == NULL &&
           CommandWord(&Arguments, Word, sizeof(Word))) {
        if (strlen(Word) != 1 || strchr("vmakDnot", Word[0]) == NULL) {
            return DebuggerError(Debugger, "lm takes v, m Pattern and a Address");
        }
        TextAppendFormat(All, sizeof(All), "%c", Word[0]);
    }
    List.Verbose = strchr(All, 'v') != NULL;
    if (strchr(All, 'm') != NULL) {
        if (!CommandWord(&Arguments, Word, sizeof(Word))) {
            return DebuggerError(Debugger, "lm m needs a pattern");
        }
        List.Pattern = Word;
    }
    if (strchr(All, 'a') != NULL) {
        List.ByAddress = true;
        if (!ExpressionEvaluate(Debugger, &Arguments, &List.Address)) {
            return false;
        }
    }
    return CommandEnd(Debugger, Arguments) && SymbolListModules(Debugger, &List);
}

static bool CommandLm(DEBUGGER *Debugger, const char *Arguments)
{
    return SymbolRunLm(Debugger, "", Arguments);
}

static bool CommandLmv(DEBUGGER *Debugger, const char *Arguments)
{
    return SymbolRunLm(Debugger, "v", Arguments);
}

static bool CommandLmm(DEBUGGER *Debugger, const char *Arguments)
{
    return SymbolRunLm(Debugger, "m", Arguments);
}

static bool CommandLmvm(DEBUGGER *Debugger, const char *Arguments)
{
    return SymbolRunLm(Debugger, "vm", Arguments);
}

static bool CommandLma(DEBUGGER *Debugger, const char *Arguments)
{
    return SymbolRunLm(Debugger, "a", Arguments);
}

/* A module by its name, or by an address in it. */
static DEBUG_MODULE *SymbolFindModule(DEBUGGER *Debugger, const char *Text)
{
    uint64_t Address;
    DEBUG_MODULE *Module = DebugFindModuleByName(Debugger, Text, strcspn(Text, " \t"));

    if (Module == NULL && *Text != 0 && isxdigit((unsigned char)*Text) &&
        ExpressionEvaluateAll(Debugger, Text, &Address)) {
        Module = DebugFindModule(Debugger, Address);
    }
    if (Module == NULL) {
        char Clean[128];
        TextCleanString(Clean, sizeof(Clean), Text);
        DebuggerError(Debugger, *Text == 0 ? "The name of a module is needed%s"
                                           : "%s is no module; lm lists them", Clean);
    }
    return Module;
}

static bool CommandLmi(DEBUGGER *Debugger, const char *Arguments)
{
    DEBUG_MODULE *Module = SymbolFindModule(Debugger, Arguments);
    char Text[DEBUG_ADDRESS_SIZE], Path[1100];

    if (Module == NULL) {
        return false;
    }
    DebugModuleSymbols(Debugger, Module);
    const DEBUG_MODULE_DATA *Data = Module->Private;
    const uint8_t *g = Module->PdbGuid;
    DebuggerPrint(Debugger, "Loaded Module Info: [%s]\n", Module->Name);
    DebuggerPrint(Debugger, "   Base Address: %s\n", DebugAddressText(Module->Base, Text));
    DebuggerPrint(Debugger, "     Image Name: %s\n", Module->ImageName);
    DebuggerPrint(Debugger, "     Time Stamp: %08x\n", Module->TimeDateStamp);
    DebuggerPrint(Debugger, "           Size: %llx\n", (unsigned long long)Module->Size);
    DebuggerPrint(Debugger, "       CheckSum: %x\n", Module->CheckSum);
    if (Data != NULL && Data->PdbName[0] != 0) {
        DebuggerPrint(Debugger,
                      "       CODEVIEW: RSDS - GUID: {%02X%02X%02X%02X-%02X%02X-%02X%02X-"
                      "%02X%02X-%02X%02X%02X%02X%02X%02X}\n", g[3], g[2], g[1], g[0], g[5], g[4],
                      g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
        DebuggerPrint(Debugger, "                 Age: %x, Pdb: %s\n", Module->PdbAge,
                      Data->PdbName);
    } else {
        DebuggerPrint(Debugger, "       CODEVIEW: none, or it is out and the image's file was not "
                                "found\n");
    }
    TextCleanString(Path, sizeof(Path), Module->ImagePath);
    DebuggerPrint(Debugger, "     Image File: %s\n", Path[0] != 0 ? Path : "not found");
    TextCleanString(Path, sizeof(Path), Module->PdbPath);
    DebuggerPrint(Debugger, "        Symbols: %s %s\n", SymbolState(Module), Path);
    return true;
}

static bool SymbolPrintMatch(void *Context, DEBUG_MODULE *Module, const char *Name,
                             uint64_t Address)
{
    char Text[DEBUG_ADDRESS_SIZE];
    DEBUGGER *Debugger = Context;
    DebuggerPrint(Debugger, "%s %s!%s\n", DebugAddressText(Address, Text), Module->Name, Name);
    return !DebuggerInterrupted(Debugger);
}

static bool CommandX(DEBUGGER *Debugger, const char *Arguments)
{
    char Pattern[320];

    if (!CommandWord(&Arguments, Pattern, sizeof(Pattern))) {
        return DebuggerError(Debugger, "x needs a pattern: x nt!Mm*");
    }
    return CommandEnd(Debugger, Arguments) &&
           (DebugEachSymbol(Debugger, Pattern, SymbolPrintMatch, Debugger) || true);
}

/* The name before the address, the one after it, and those at it. */
static bool CommandLn(DEBUGGER *Debugger, const char *Arguments)
{
    uint64_t Address = Debugger->Context.Rip;
    char Text[DEBUG_ADDRESS_SIZE], File[300];
    unsigned Line;
    DEBUG_NAME Name;

    if (*Arguments != 0 && !ExpressionEvaluateAll(Debugger, Arguments, &Address)) {
        return false;
    }
    DEBUG_MODULE *Module = DebugFindModule(Debugger, Address);
    if (Module == NULL || !DebugSymbolNear(Debugger, Address, &Name)) {
        return DebuggerError(Debugger, "%s is in no module", DebugAddressText(Address, Text));
    }
    if (DebugSymbolLine(Debugger, Address, false, File, sizeof(File), &Line)) {
        DebuggerPrint(Debugger, "%s(%u)\n", File, Line);
    }
    DebuggerPrint(Debugger, "(%s)   %s", DebugAddressText(Address - Name.Displacement, Text),
                  Name.Text);
    if (Name.Displacement != 0) {
        DebuggerPrint(Debugger, "+0x%llx", (unsigned long long)Name.Displacement);
    }
    const SYMBOL_TABLE *Table = DebugModuleSymbols(Debugger, Module);
    uint32_t Rva = (uint32_t)(Address - Module->Base), Next = 0;
    while (Table != NULL && Next < Table->NameCount && Table->Names[Next].Rva <= Rva) {
        Next++;
    }
    if (Table != NULL && Next < Table->NameCount) {
        DebuggerPrint(Debugger, "   |  (%s)   %s!%s",
                      DebugAddressText(Module->Base + Table->Names[Next].Rva, Text), Module->Name,
                      SymbolTableText(Table, &Table->Names[Next]));
    }
    DebuggerPrint(Debugger, "\n");
    if (Name.Displacement == 0 && Table != NULL && Next != 0) {
        DebuggerPrint(Debugger, "Exact matches:\n");
        for (uint32_t i = Next; i-- != 0 && Table->Names[i].Rva == Rva;) {
            DebuggerPrint(Debugger, "    %s!%s\n", Module->Name,
                          SymbolTableText(Table, &Table->Names[i]));
        }
    }
    return true;
}

static bool CommandLd(DEBUGGER *Debugger, const char *Arguments)
{
    bool All = strcmp(Arguments, "*") == 0;
    DEBUG_MODULE *Module = All ? NULL : SymbolFindModule(Debugger, Arguments);

    if (!All && Module == NULL) {
        return false;
    }
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        if (All || Module == &Debugger->Modules[i]) {
            DebugModuleSymbols(Debugger, &Debugger->Modules[i]);
            DebuggerPrint(Debugger, "%s %s\n", Debugger->Modules[i].Name,
                          SymbolState(&Debugger->Modules[i]));
        }
    }
    return true;
}

/* What was not found is looked for again. */
static void SymbolForgetMissing(DEBUGGER *Debugger)
{
    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if (!Module->SymbolsLoaded) {
            DebugModuleFree(Module);
            Module->SymbolsTried = false;
            Module->ImagePath[0] = Module->PdbPath[0] = 0;
        }
    }
}

/* ".reload", ".reload /f", ".reload nt"; the extension of a module's name may be there. */
static bool CommandReload(DEBUGGER *Debugger, const char *Arguments)
{
    char Word[64];
    bool Load = false;
    DEBUG_MODULE *Only = NULL;

    if (!DebugReload(Debugger)) {
        return false;
    }
    SymbolForgetMissing(Debugger);
    while (CommandWord(&Arguments, Word, sizeof(Word))) {
        if (Word[0] == '/') {
            Load |= strchr(Word, 'f') != NULL;
            continue;
        }
        char *Dot = strrchr(Word, '.');
        Only = DebugFindModuleByName(Debugger, Word,
                                     Dot != NULL ? (size_t)(Dot - Word) : strlen(Word));
        if (Only == NULL) {
            return SymbolFindModule(Debugger, Word) != NULL;
        }
        Load = true;
    }
    for (unsigned i = 0; Load && i < Debugger->ModuleCount; i++) {
        if (Only == NULL || Only == &Debugger->Modules[i]) {
            DebugModuleSymbols(Debugger, &Debugger->Modules[i]);
        }
    }
    DebuggerPrint(Debugger, "%u module%s\n", Debugger->ModuleCount,
                  Debugger->ModuleCount == 1 ? "" : "s");
    return true;
}

static bool SymbolSetPath(DEBUGGER *Debugger, const char *Arguments, bool Append)
{
    char Path[sizeof(Debugger->SymbolPath)], Clean[sizeof(Path) + 64];
    bool Both = Append && Debugger->SymbolPath[0] != 0;

    if (*Arguments != 0) {
        int Length = snprintf(Path, sizeof(Path), "%s%s%s", Both ? Debugger->SymbolPath : "",
                              Both ? ";" : "", Arguments);
        if (Length < 0 || (size_t)Length >= sizeof(Path)) {
            return DebuggerError(Debugger, "The path is longer than %zu bytes", sizeof(Path) - 1);
        }
        memcpy(Debugger->SymbolPath, Path, (size_t)Length + 1);
        SymbolForgetMissing(Debugger);
    }
    TextCleanString(Clean, sizeof(Clean), Debugger->SymbolPath);
    DebuggerPrint(Debugger, "Symbol search path is: %s\n", Clean[0] != 0 ? Clean : "<empty>");
    return true;
}

static bool CommandSympath(DEBUGGER *Debugger, const char *Arguments)
{
    bool Append = *Arguments == '+';
    Arguments += Append;
    return SymbolSetPath(Debugger, Arguments + strspn(Arguments, " \t"), Append);
}

static bool CommandSympathPlus(DEBUGGER *Debugger, const char *Arguments)
{
    return SymbolSetPath(Debugger, Arguments, true);
}

const DEBUGGER_COMMAND CommandsSymbol[] = {
    {"lm", CommandLm, "lm [v] [m Pattern] [a Address]", "Lists modules.", false},
    {"lmv", CommandLmv, "lmv [m Pattern]", "The same with files, stamps and sizes.", false},
    {"lmm", CommandLmm, "lmm Pattern", "The modules whose names match.", false},
    {"lmvm", CommandLmvm, "lmvm Pattern", "lmv of those.", false},
    {"lma", CommandLma, "lma Address", "The module that holds the address.", false},
    {"!lmi", CommandLmi, "!lmi Module", "One module's headers and files.", false},
    {"x", CommandX, "x [Module!]Pattern", "Lists names with * and ?.", false},
    {"ln", CommandLn, "ln [Address]", "The nearest names.", false},
    {"ld", CommandLd, "ld Module|*", "Reads a module's names now.", false},
    {".reload", CommandReload, ".reload [/f] [Module]", "Reads the list of modules again.", false},
    {".sympath", CommandSympath, ".sympath [[+] Directories]",
     "Shows or sets where images and PDBs are looked for.", false},
    {".sympath+", CommandSympathPlus, ".sympath+ Directories", "Adds to it.", false},
    {0},
};
