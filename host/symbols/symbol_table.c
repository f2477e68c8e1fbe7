/* SPDX-License-Identifier: MIT */
#include "host/symbols/symbol_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void SymbolTableFree(SYMBOL_TABLE *Table)
{
    free(Table->Names);
    free(Table->Lines);
    StringPoolFree(&Table->Strings);
    free(Table->ByText);
    *Table = (SYMBOL_TABLE){0};
}

bool SymbolTableAddName(SYMBOL_TABLE *Table, SYMBOL_NAME Name, const char *Text, size_t Length)
{
    if (!ArrayGrow((void **)&Table->Names, &Table->NameCapacity,
                         Table->NameCount + 1ull, SYMBOL_TABLE_MAX_NAMES,
                         sizeof(*Table->Names)) ||
        !StringPoolAdd(&Table->Strings, Text, Length, &Name.Text)) {
        return false;
    }
    Table->Names[Table->NameCount++] = Name;
    return true;
}

bool SymbolTableAddLine(SYMBOL_TABLE *Table, uint32_t Rva, uint32_t Line, uint32_t File)
{
    if (!ArrayGrow((void **)&Table->Lines, &Table->LineCapacity, Table->LineCount + 1ull,
                         SYMBOL_TABLE_MAX_LINES, sizeof(*Table->Lines))) {
        return false;
    }
    Table->Lines[Table->LineCount] = (SYMBOL_LINE){Rva, Line, File, Table->LineCount};
    Table->LineCount++;
    return true;
}

/* The comparisons need the strings: qsort_r's last argument is the table. */
static int SymbolTableCompareNames(const void *Left, const void *Right, void *Context)
{
    const SYMBOL_TABLE *Table = Context;
    const SYMBOL_NAME *A = Left, *B = Right;
    if (A->Rva != B->Rva) {
        return A->Rva < B->Rva ? -1 : 1;
    }
    if (A->Kind != B->Kind) {
        return A->Kind > B->Kind ? -1 : 1;
    }
    return strcmp(Table->Strings.Bytes + A->Text, Table->Strings.Bytes + B->Text);
}

static int SymbolTableCompareText(const void *Left, const void *Right, void *Context)
{
    const SYMBOL_TABLE *Table = Context;
    uint32_t A = *(const uint32_t *)Left, B = *(const uint32_t *)Right;
    int Order = strcasecmp(Table->Strings.Bytes + Table->Names[A].Text,
                           Table->Strings.Bytes + Table->Names[B].Text);
    return Order != 0 ? Order : A < B ? -1 : A > B;
}

/* An end of code comes before a beginning at the same address. */
static int SymbolTableCompareLines(const void *Left, const void *Right)
{
    const SYMBOL_LINE *A = Left, *B = Right;
    if (A->Rva != B->Rva) {
        return A->Rva < B->Rva ? -1 : 1;
    }
    if ((A->Line == 0) != (B->Line == 0)) {
        return A->Line == 0 ? -1 : 1;
    }
    return A->Order < B->Order ? -1 : A->Order > B->Order;
}

/* A name that a PDB tells twice (public and private) stays once, as the higher kind. */
static void SymbolTableDropRepeated(SYMBOL_TABLE *Table)
{
    uint32_t Kept = 0, First = 0;
    for (uint32_t i = 0; i < Table->NameCount; i++) {
        const SYMBOL_NAME *Name = &Table->Names[i];
        bool Repeated = false;
        First = Kept != 0 && Table->Names[Kept - 1].Rva == Name->Rva ? First : Kept;
        /* Few names share an address; one with very many is only looked at near its end. */
        uint32_t Begin = Kept - First > 64 ? Kept - 64 : First;
        for (uint32_t n = Begin; n < Kept && !Repeated; n++) {
            Repeated = strcmp(Table->Strings.Bytes + Table->Names[n].Text,
                              Table->Strings.Bytes + Name->Text) == 0;
        }
        if (!Repeated) {
            Table->Names[Kept++] = *Name;
        }
    }
    Table->NameCount = Kept;
}

bool SymbolTableSort(SYMBOL_TABLE *Table)
{
    if (Table->LineCount != 0) {
        qsort(Table->Lines, Table->LineCount, sizeof(*Table->Lines), SymbolTableCompareLines);
    }
    if (Table->NameCount == 0) {
        return true;
    }
    qsort_r(Table->Names, Table->NameCount, sizeof(*Table->Names), SymbolTableCompareNames, Table);
    SymbolTableDropRepeated(Table);
    Table->ByText = malloc(Table->NameCount * sizeof(*Table->ByText));
    if (Table->ByText == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < Table->NameCount; i++) {
        Table->ByText[i] = i;
    }
    qsort_r(Table->ByText, Table->NameCount, sizeof(*Table->ByText), SymbolTableCompareText,
            Table);
    return true;
}

const char *SymbolTableText(const SYMBOL_TABLE *Table, const SYMBOL_NAME *Name)
{
    return Table->Strings.Bytes + Name->Text;
}

const SYMBOL_NAME *SymbolTableNear(const SYMBOL_TABLE *Table, uint32_t Rva)
{
    uint32_t Low = 0, High = Table->NameCount;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        if (Table->Names[Middle].Rva <= Rva) {
            Low = Middle + 1;
        } else {
            High = Middle;
        }
    }
    if (Low == 0) {
        return NULL;
    }
    const SYMBOL_NAME *Name = &Table->Names[Low - 1];
    while (Name > Table->Names && Name[-1].Rva == Name->Rva) {
        Name--; /* the highest kind comes first */
    }
    return Name;
}

/* Names in ByText that are equal when cases are folded stand together. */
const SYMBOL_NAME *SymbolTableFind(const SYMBOL_TABLE *Table, const char *Text, size_t Length)
{
    char Wanted[SYMBOL_NAME_MAX + 1];
    uint32_t Low = 0, High = Table->NameCount;

    if (Length == 0 || Length > SYMBOL_NAME_MAX || Table->ByText == NULL) {
        return NULL;
    }
    memcpy(Wanted, Text, Length);
    Wanted[Length] = 0;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        if (strcasecmp(SymbolTableText(Table, &Table->Names[Table->ByText[Middle]]), Wanted) < 0) {
            Low = Middle + 1;
        } else {
            High = Middle;
        }
    }
    const SYMBOL_NAME *Folded = NULL;
    for (; Low < Table->NameCount; Low++) {
        const SYMBOL_NAME *Name = &Table->Names[Table->ByText[Low]];
        if (strcasecmp(Table->Strings.Bytes + Name->Text, Wanted) != 0) {
            break;
        }
        if (strcmp(Table->Strings.Bytes + Name->Text, Wanted) == 0) {
            return Name;
        }
        Folded = Folded == NULL ? Name : Folded;
    }
    return Folded;
}

const SYMBOL_LINE *SymbolTableLine(const SYMBOL_TABLE *Table, uint32_t Rva)
{
    uint32_t Low = 0, High = Table->LineCount;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        if (Table->Lines[Middle].Rva <= Rva) {
            Low = Middle + 1;
        } else {
            High = Middle;
        }
    }
    return Low != 0 && Table->Lines[Low - 1].Line != 0 ? &Table->Lines[Low - 1] : NULL;
}
