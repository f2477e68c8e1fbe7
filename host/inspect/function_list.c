/* SPDX-License-Identifier: MIT */
#include "host/inspect/function_list.h"

#include <stdlib.h>

#include "host/exports/export_table.h"
#include "host/inspect/code_scan.h"
#include "host/symbols/driver_pdb.h"
#include "host/symbols/pdb_symbols.h"
#include "lib/pe_bytes.h"

#define DISPATCH_LEVEL 2
#define SCAN_PASSES 16u /* depth of routines that return raised because they call such */
#define UNWIND_CHAINED 0x4u /* in the flags above the version's three bits */

static bool FunctionListAdd(FUNCTION_LIST *List, const PE_IMAGE *Image, uint32_t Rva,
                            uint32_t Size)
{
    PE_SECTION Section;
    if (Size == 0 || !PeImageSectionOfRva(Image, Rva, &Section) ||
        (Section.Characteristics & IMAGE_SCN_MEM_EXECUTE) == 0 ||
        Rva - Section.Rva >= Section.FileBytes ||
        Size > Section.FileBytes - (Rva - Section.Rva)) {
        return true; /* no code of the file */
    }
    if (List->Count == FUNCTION_LIST_MOST) {
        return true;
    }
    if (List->Count == List->Capacity) {
        uint32_t Capacity = List->Capacity * 2 + 256;
        DRIVER_FUNCTION *Grown = realloc(List->Functions, Capacity * sizeof(DRIVER_FUNCTION));
        if (Grown == NULL) {
            return false;
        }
        List->Functions = Grown;
        List->Capacity = Capacity;
    }
    List->Functions[List->Count++] =
        (DRIVER_FUNCTION){.Rva = Rva, .Size = Size, .Section = Section.Index};
    return true;
}

/* A chained entry is a further piece of the routine before it. */
static bool FunctionIsChained(const PE_IMAGE *Image, const PE_FUNCTION *Function)
{
    const uint8_t *Unwind = PeImageRvaToPointer(Image, Function->UnwindRva & ~1u, 4);
    return (Function->UnwindRva & 1) != 0 || Unwind == NULL ||
           ((Unwind[0] >> 3) & UNWIND_CHAINED) != 0;
}

static bool FunctionListFromTable(FUNCTION_LIST *List, const PE_IMAGE *Image)
{
    PE_FUNCTION Function;
    PE_ERROR Error;
    bool Good = true;
    for (uint32_t i = 0; Good && PeImageFunction(Image, i, &Function, &Error) == PeStepItem; i++) {
        if (Function.EndRva > Function.BeginRva && !FunctionIsChained(Image, &Function)) {
            Good = FunctionListAdd(List, Image, Function.BeginRva,
                                   Function.EndRva - Function.BeginRva);
        }
    }
    return Good;
}

static bool FunctionListFromPdb(FUNCTION_LIST *List, const DRIVER_FILE *Driver)
{
    char Path[1200], Error[512];
    SYMBOL_TABLE Table;
    bool Good = true;

    if (DriverFindPdb(Driver, Path, sizeof(Path)) != PdbBeside ||
        !PdbReadSymbols(Path, &Table, Error, sizeof(Error))) {
        return true;
    }
    for (uint32_t i = 0; Good && i < Table.NameCount; i++) {
        if (Table.Names[i].Kind == SymbolFunction) {
            Good = FunctionListAdd(List, &Driver->Image, Table.Names[i].Rva, Table.Names[i].Size);
        }
    }
    List->FromPdb = List->Count != 0;
    SymbolTableFree(&Table);
    return Good;
}

static int FunctionCompare(const void *Left, const void *Right)
{
    uint32_t A = ((const DRIVER_FUNCTION *)Left)->Rva, B = ((const DRIVER_FUNCTION *)Right)->Rva;
    return A < B ? -1 : A > B;
}

/* By address; of what overlaps the first, and of two at one address one. */
static void FunctionListSort(FUNCTION_LIST *List)
{
    uint32_t Kept = 0;
    if (List->Count != 0) {
        qsort(List->Functions, List->Count, sizeof(DRIVER_FUNCTION), FunctionCompare);
    }
    for (uint32_t i = 0; i < List->Count; i++) {
        const DRIVER_FUNCTION *Last = Kept != 0 ? &List->Functions[Kept - 1] : NULL;
        if (Last == NULL || List->Functions[i].Rva >= Last->Rva + Last->Size) {
            List->Functions[Kept++] = List->Functions[i];
        }
    }
    List->Count = Kept;
}

DRIVER_FUNCTION *FunctionListFind(const FUNCTION_LIST *List, uint32_t Rva)
{
    uint32_t Low = 0, High = List->Count;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        DRIVER_FUNCTION *Function = &List->Functions[Middle];
        if (Rva < Function->Rva) {
            High = Middle;
        } else if (Rva - Function->Rva >= Function->Size) {
            Low = Middle + 1;
        } else {
            return Function;
        }
    }
    return NULL;
}

static void FunctionNote(const FUNCTION_LIST *List, DRIVER_FUNCTION *Function,
                         const CODE_REFERENCE *Reference)
{
    const char *Raise = NULL;
    DRIVER_FUNCTION *Target;

    switch (Reference->Kind) {
    case CodeDisables: Raise = "cli"; break;
    case CodeWritesIrql:
        Raise = "mov cr8";
        Function->Lowers = true;
        break;
    case CodeCallsUnknown: Function->CallsUnknown = true; break;
    case CodeCallsImport: {
        const EXPORT_ROW *Row = ExportFind(Reference->Import);
        Raise = CodeRaisingRoutine(Reference->Import);
        Function->Lowers |= CodeIsLoweringRoutine(Reference->Import);
        if (Row != NULL && Row->IrqlMin >= DISPATCH_LEVEL && Function->NeedsDispatch == NULL) {
            Function->NeedsDispatch = Row->Name;
        }
        break;
    }
    case CodeCalls:
        Target = FunctionListFind(List, Reference->Target);
        Function->Lowers |= Target != NULL && Target->Lowers && Target->Raise == NULL;
        if (Target != NULL && Target->ReturnsRaised) {
            Raise = "a call of a routine that returns raised";
        }
        break;
    case CodeTakesAddress:
        Target = FunctionListFind(List, Reference->Target);
        if (Target != NULL && Target->Rva == Reference->Target && Target->TakenRva == 0) {
            Target->TakenRva = Reference->Rva;
        }
        break;
    case CodeOther: break;
    }
    if (Raise != NULL && Reference->Jump) {
        Function->ReturnsRaised = true; /* it does not come back to this code */
    } else if (Raise != NULL && Function->Raise == NULL) {
        Function->Raise = Raise;
        Function->RaiseRva = Reference->Rva;
    }
}

/* From what the pass before found of the routines called. True: something has changed. */
static bool FunctionListPass(FUNCTION_LIST *List, const CODE_SCAN *Scan)
{
    bool Changed = false;
    for (uint32_t i = 0; i < List->Count; i++) {
        DRIVER_FUNCTION *Function = &List->Functions[i];
        const uint8_t *Code = PeImageRvaToPointer(Scan->Image, Function->Rva, Function->Size);
        const DRIVER_FUNCTION Before = *Function;
        CODE_REFERENCE Reference;
        Function->Raise = NULL;
        Function->ReturnsRaised = false;
        for (uint32_t At = 0; Code != NULL && At < Function->Size;) {
            bool Decoded = CodeScanStep(Scan, Function->Rva + At, Code + At, Function->Size - At,
                                        &Reference);
            if (Decoded) {
                FunctionNote(List, Function, &Reference);
            }
            At += Decoded ? Reference.Length : 1;
        }
        Function->ReturnsRaised |= Function->Raise != NULL && !Function->Lowers;
        Changed |= Function->ReturnsRaised != Before.ReturnsRaised ||
                   Function->Lowers != Before.Lowers || Function->Raise != Before.Raise;
    }
    return Changed;
}

static bool FunctionListScan(FUNCTION_LIST *List, const PE_IMAGE *Image)
{
    CODE_SCAN Scan;
    if (!CodeScanOpen(&Scan, Image)) {
        return false;
    }
    for (unsigned Pass = 0; FunctionListPass(List, &Scan) && Pass < SCAN_PASSES; Pass++) {
    }
    CodeScanClose(&Scan);
    return true;
}

bool FunctionListOpen(FUNCTION_LIST *List, const DRIVER_FILE *Driver)
{
    *List = (FUNCTION_LIST){0};
    if (!FunctionListFromPdb(List, Driver) || !FunctionListFromTable(List, &Driver->Image)) {
        FunctionListClose(List);
        return false;
    }
    FunctionListSort(List);
    if (!FunctionListScan(List, &Driver->Image)) {
        FunctionListClose(List);
        return false;
    }
    return true;
}

void FunctionListClose(FUNCTION_LIST *List)
{
    free(List->Functions);
    *List = (FUNCTION_LIST){0};
}
