/* SPDX-License-Identifier: MIT */
/*
 * The names and source lines of one image, by RVA: filled by pdb_symbols.c from a PDB, or from the
 * image's exports, then sorted once and searched. Pure but for malloc.
 */
#pragma once

#include "host/symbols/string_pool.h"

#define SYMBOL_TABLE_MAX_NAMES (4u << 20)
#define SYMBOL_TABLE_MAX_LINES (16u << 20)

/* Of several names at one address the one of the highest kind is shown. */
typedef enum {
    SymbolExport,
    SymbolPublic,
    SymbolData,
    SymbolFunction,
} SYMBOL_KIND;

typedef struct {
    uint32_t Rva;
    uint32_t Size; /* bytes; 0: not known */
    uint32_t Text; /* offset of the name in Strings */
    uint32_t Type; /* index in the PDB's type stream, 0: not known */
    uint8_t Kind;  /* SYMBOL_KIND */
} SYMBOL_NAME;

typedef struct {
    uint32_t Rva;
    uint32_t Line;  /* 0: the code of a line ends here */
    uint32_t File;  /* offset of the name in Strings */
    uint32_t Order; /* of equal addresses the last one counts */
} SYMBOL_LINE;

typedef struct {
    SYMBOL_NAME *Names;
    uint32_t NameCount, NameCapacity;
    SYMBOL_LINE *Lines;
    uint32_t LineCount, LineCapacity;
    STRING_POOL Strings; /* of names and files */
    uint32_t *ByText; /* indices of Names in the order of their text, cases folded */
} SYMBOL_TABLE;

void SymbolTableFree(SYMBOL_TABLE *Table);
/* Both: false when memory or the limits above are used up; the table is as before. Text need not
   be terminated and is not trusted. File: an offset in Strings. */
bool SymbolTableAddName(SYMBOL_TABLE *Table, SYMBOL_NAME Name, const char *Text, size_t Length);
bool SymbolTableAddLine(SYMBOL_TABLE *Table, uint32_t Rva, uint32_t Line, uint32_t File);
/* After the last of them. False: no memory; the table must then be freed. */
bool SymbolTableSort(SYMBOL_TABLE *Table);

/* After SymbolTableSort. */
const char *SymbolTableText(const SYMBOL_TABLE *Table, const SYMBOL_NAME *Name);
/* The last name at or before Rva, NULL: none. */
const SYMBOL_NAME *SymbolTableNear(const SYMBOL_TABLE *Table, uint32_t Rva);
/* By its name: as written, else without regard to case. NULL: none. */
const SYMBOL_NAME *SymbolTableFind(const SYMBOL_TABLE *Table, const char *Text, size_t Length);
/* The line whose code holds Rva, NULL: none. */
const SYMBOL_LINE *SymbolTableLine(const SYMBOL_TABLE *Table, uint32_t Rva);
