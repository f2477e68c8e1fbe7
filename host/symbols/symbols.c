/* SPDX-License-Identifier: MIT */
#include "host/symbols/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/input/driver_file.h"
#include "host/symbols/symbolizer.h"
#include "host/text/text.h"

#define USER_FIRST 0x10000ull
#define USER_END 0x7fffffff0000ull

#define SYMBOLS_MAX_RUNS 40u /* a guest that reports findings without end must not keep us busy */
#define IMAGE_LIMIT (256u << 20)

void SymbolsAddModule(SYMBOLS *Symbols, uint64_t Base, uint64_t Size, const char *Name,
                      const char *Path)
{
    SYMBOL_MODULE *Module = NULL;
    Symbols->KnownCount = 0;
    for (unsigned i = 0; i < Symbols->Count && Module == NULL; i++) {
        if (Symbols->Modules[i].Base == Base) {
            Module = &Symbols->Modules[i];
        }
    }
    if (Module == NULL && Symbols->Count < SYMBOLS_MAX_MODULES) {
        Module = &Symbols->Modules[Symbols->Count++];
    }
    if (Module != NULL) {
        Module->Base = Base;
        Module->Size = Size;
        TextFormat(Module->Name, sizeof(Module->Name), "%s", Name);
        snprintf(Module->Path, sizeof(Module->Path), "%s", Path != NULL ? Path : "");
    }
}

const SYMBOL_MODULE *SymbolsFindModule(const SYMBOLS *Symbols, uint64_t Address)
{
    for (unsigned i = 0; i < Symbols->Count; i++) {
        const SYMBOL_MODULE *Module = &Symbols->Modules[i];
        if (Address >= Module->Base && Address - Module->Base < Module->Size) {
            return Module;
        }
    }
    return NULL;
}

/* The name WinDbg gives a module: without extension, nt for the kernel. */
static void SymbolsShortName(const SYMBOL_MODULE *Module, char Out[64])
{
    snprintf(Out, 64, "%s", Module->Name);
    char *Dot = strrchr(Out, '.');
    if (Dot != NULL && Dot != Out) {
        *Dot = 0;
    }
    if (strncmp(Out, "ntoskrnl", 8) == 0) {
        snprintf(Out, 64, "nt");
    }
}

/* The image of a module; its bytes are malloc's, NULL when there is none to read. */
static void *SymbolsOpenImage(const SYMBOL_MODULE *Module, PE_IMAGE *Image)
{
    char Error[256];
    size_t Size = 0;
    PE_ERROR PeError;
    void *Bytes = FileReadWhole(Module->Path, IMAGE_LIMIT, &Size, Error, sizeof(Error));
    if (Bytes != NULL && !PeImageOpen(Image, Bytes, Size, &PeError)) {
        free(Bytes);
        Bytes = NULL;
    }
    return Bytes;
}

/*
 * A stack may hold the address at which a trap came, among return addresses. One that is the first
 * of a function cannot be a return: the byte before it belongs to another function.
 */
static bool SymbolsIsFunctionStart(const PE_IMAGE *Image, uint64_t Rva)
{
    PE_FUNCTION Function;
    PE_ERROR PeError;
    for (uint32_t i = 0; PeImageFunction(Image, i, &Function, &PeError) == PeStepItem; i++) {
        if (Function.BeginRva == Rva) {
            return true;
        }
    }
    return false;
}

static void SymbolsUseExport(const SYMBOL_MODULE *Module, const PE_IMAGE *Image, SYMBOL *Entries,
                             unsigned Count)
{
    char Short[64], Name[129];
    PE_EXPORT Export;
    PE_ERROR PeError;

    SymbolsShortName(Module, Short);
    for (unsigned i = 0; i < Count; i++) {
        SYMBOL *Entry = &Entries[i];
        uint64_t Rva = Entry->Address - Module->Base;
        uint64_t Best = UINT64_MAX;
        if (Entry->Routine[0] != 0 || Entry->Address < Module->Base || Rva >= Module->Size) {
            continue;
        }
        for (uint32_t n = 0; PeImageNamedExport(Image, n, &Export, &PeError) == PeStepItem; n++) {
            if (!Export.Forwarder && Export.Rva <= Rva && Rva - Export.Rva < Best) {
                Best = Rva - Export.Rva;
                TextClean(Name, sizeof(Name), Export.Name, Export.NameLength);
                TextFormat(Entry->Routine, sizeof(Entry->Routine), "%s!%s+0x%llx", Short, Name,
                           (unsigned long long)Best);
            }
        }
    }
}

/*
 * An image with COFF symbols is gcc's. There the linker's own marks of where sections begin and end
 * have the address of the first routine, and the symbolizer would take one for its name; so the
 * debug information is asked first, and the symbols for what it does not name.
 */
static bool SymbolsRun(const SYMBOL_MODULE *Module, bool HasSymbolTable, const uint64_t *Rva,
                       unsigned Count, SYMBOLIZER_ANSWER *Answers)
{
    static SYMBOLIZER_ANSWER Symbols[SYMBOLS_MAX_BATCH];
    uint64_t Left[SYMBOLS_MAX_BATCH];
    unsigned Index[SYMBOLS_MAX_BATCH], Used = 0;

    if (!HasSymbolTable) {
        return SymbolizerRun(Module->Path, SymbolizerSymbolNames, Rva, Count, Answers);
    }
    if (!SymbolizerRun(Module->Path, SymbolizerDebugNames, Rva, Count, Answers)) {
        return false;
    }
    for (unsigned i = 0; i < Count; i++) {
        if (Answers[i].Function[0] == 0) {
            Index[Used] = i;
            Left[Used++] = Rva[i];
        }
    }
    if (SymbolizerRun(Module->Path, SymbolizerSymbolNames, Left, Used, Symbols)) {
        for (unsigned i = 0; i < Used; i++) {
            Answers[Index[i]] = Symbols[i];
        }
    }
    return true;
}

/* At most two runs of the symbolizer for the entries that lie in the module. */
static void SymbolsResolveModule(SYMBOLS *Symbols, const SYMBOL_MODULE *Module, SYMBOL *Entries,
                                 unsigned Count)
{
    static SYMBOLIZER_ANSWER Answers[SYMBOLS_MAX_BATCH];
    uint64_t Rva[SYMBOLS_MAX_BATCH];
    unsigned Index[SYMBOLS_MAX_BATCH], Used = 0;
    char Short[64];
    PE_IMAGE Image;
    void *Bytes;

    if (Module->Path[0] == 0 || Symbols->Runs >= SYMBOLS_MAX_RUNS) {
        return;
    }
    Bytes = SymbolsOpenImage(Module, &Image);
    for (unsigned i = 0; i < Count; i++) {
        if (Entries[i].Address != 0 && Entries[i].Routine[0] == 0 &&
            SymbolsFindModule(Symbols, Entries[i].Address) == Module) {
            Index[Used] = i;
            Rva[Used] = Entries[i].Address - Module->Base;
            bool Exact = !Entries[i].IsReturn ||
                         (Bytes != NULL && SymbolsIsFunctionStart(&Image, Rva[Used]));
            Rva[Used++] -= Exact ? 0 : 1;
        }
    }
    Symbols->Runs += Used != 0;
    SymbolsShortName(Module, Short);
    bool HasSymbolTable = Bytes != NULL && Image.SymbolTable != 0;
    bool Good = SymbolsRun(Module, HasSymbolTable, Rva, Used, Answers);
    for (unsigned i = 0; Good && i < Used; i++) {
        SYMBOL *Entry = &Entries[Index[i]];
        if (Answers[i].Function[0] != 0) {
            TextFormat(Entry->Routine, sizeof(Entry->Routine), "%s!%s", Short,
                       Answers[i].Function);
        }
        if (Answers[i].Function[0] != 0 && Answers[i].Line != 0) {
            char File[sizeof(Entry->Location) - 16];
            SourceMapApply(Symbols->Sources, Answers[i].File, File, sizeof(File));
            snprintf(Entry->Location, sizeof(Entry->Location), "%s:%u", File, Answers[i].Line);
            Entry->HasLine = true;
        }
    }
    if (Bytes != NULL) {
        SymbolsUseExport(Module, &Image, Entries, Count);
    }
    free(Bytes);
}

/* NULL: it was not resolved, or long ago. */
static const SYMBOL *SymbolsFindKnown(const SYMBOLS *Symbols, const SYMBOL *Entry)
{
    for (unsigned i = 0; i < Symbols->KnownCount && i < SYMBOLS_KNOWN; i++) {
        if (Symbols->Known[i].Address == Entry->Address &&
            Symbols->Known[i].IsReturn == Entry->IsReturn) {
            return &Symbols->Known[i];
        }
    }
    return NULL;
}

void SymbolsResolve(SYMBOLS *Symbols, SYMBOL *Entries, unsigned Count)
{
    Count = Count < SYMBOLS_MAX_BATCH ? Count : SYMBOLS_MAX_BATCH;
    for (unsigned i = 0; i < Count; i++) {
        const SYMBOL *Known = SymbolsFindKnown(Symbols, &Entries[i]);
        Entries[i] = Known != NULL ? *Known
                                   : (SYMBOL){.Address = Entries[i].Address,
                                              .IsReturn = Entries[i].IsReturn};
    }
    for (unsigned i = 0; i < Symbols->Count; i++) {
        SymbolsResolveModule(Symbols, &Symbols->Modules[i], Entries, Count);
    }
    for (unsigned i = 0; i < Count; i++) {
        SYMBOL *Entry = &Entries[i];
        const SYMBOL_MODULE *Module = SymbolsFindModule(Symbols, Entry->Address);
        char Text[TEXT_NUMBER], Short[64];
        if (Entry->Address == 0 || Entry->Routine[0] != 0) {
            continue;
        }
        if (Module != NULL) {
            SymbolsShortName(Module, Short);
            snprintf(Entry->Routine, sizeof(Entry->Routine), "%s+0x%llx", Short,
                     (unsigned long long)(Entry->Address - Module->Base));
        } else if (Entry->Address >= USER_FIRST && Entry->Address < USER_END) {
            snprintf(Entry->Routine, sizeof(Entry->Routine), "user mode");
        } else {
            snprintf(Entry->Routine, sizeof(Entry->Routine), "%s",
                     TextAddress(Text, Entry->Address));
        }
    }
    for (unsigned i = 0; i < Count; i++) {
        if (Entries[i].Address != 0 && SymbolsFindKnown(Symbols, &Entries[i]) == NULL) {
            Symbols->Known[Symbols->KnownCount++ % SYMBOLS_KNOWN] = Entries[i];
        }
    }
}

void SymbolText(const SYMBOL *Symbol, char *Out, size_t Capacity)
{
    if (Symbol->HasLine) {
        snprintf(Out, Capacity, "%s (%s)", Symbol->Routine, Symbol->Location);
    } else {
        snprintf(Out, Capacity, "%s", Symbol->Routine);
    }
}
