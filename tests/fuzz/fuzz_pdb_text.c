/* SPDX-License-Identifier: MIT */
/* sources: host/symbols/pdb_symbols.c host/symbols/pdb_types.c host/symbols/pdb_type_query.c host/symbols/symbol_table.c host/symbols/string_pool.c host/symbols/child_program.c host/text/text.c */
/*
 * What llvm-pdbutil may be made to print by a hostile PDB, parsed, and then every question asked.
 * An input that begins with a blank is the text itself; of any other each byte stands for a piece
 * of a line, so that the records' words need not be guessed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/symbols/pdb_types.h"

static const char *const Pieces[] = {
    "\n", "`", "Name", "_TYPE", " 0", "1", "2", "7", "9", "A", "F", ":", "-", " | ", "  0x1000",
    "  0x1001", "  0x1002", "  0x1003", "\n  0x1000 | LF_FIELDLIST [size = 4]\n",
    "\n  0x1001 | LF_STRUCTURE [size = 4] `_S`\n", "\n  0x1002 | LF_UNION [size = 4] `_U`\n",
    "\n  0x1003 | LF_ARRAY [size = 4]\n", "\n  0x1004 | LF_POINTER [size = 4]\n",
    "\n  0x1005 | LF_BITFIELD [size = 4]\n", "\n  0x1006 | LF_MODIFIER [size = 4]\n",
    "\n  0x1007 | LF_ENUM [size = 4] `_E`\n", " - LF_MEMBER [name = `", "`, Type = 0x100",
    ", offset = ", " - LF_ENUMERATE [", " = ", "field list: 0x100",
    "options: forward ref (-> 0x100",
    "options: , sizeof ", "referent = 0x100", "size: ", "element type: 0x100",
    "underlying type: 0x0074", "type = 0x100", "bit offset = ", "# bits = ", "SECTION HEADER #1\n",
    " virtual address\n", "  76 | S_GPROC32 [size = 68] `", "  9 | S_PUB32 [size = 32] `",
    "  4 | S_LDATA32 [size = 32] `", "??_C@_0BD@", "\n  addr = 0001:", ", code size = ",
    "Mod 0000 | `x`:\n", "a\\b.c (MD5: ", "(no checksum)\n", "  0001:00000000-000000",
    ", line/addr entries = 6\n", "    50 000000", " ! ", "\n  GUID: {",
    "34D4049E-C821-79C6-4C4C-4420",
    "5044422E}", "\n  Age: ", "\xff", "\x1b[31m", "99999999999999999999", "FFFFFFFF",
};

static void AskSymbols(const char *Text, size_t Size)
{
    SYMBOL_TABLE Table = {0};
    PDB_IDENTITY Identity;

    PdbParseIdentity(Text, Size, &Identity);
    if (!PdbParseSymbols(Text, Size, &Table)) {
        return;
    }
    for (uint32_t i = 0; i < Table.NameCount; i++) {
        const SYMBOL_NAME *Name = &Table.Names[i];
        const SYMBOL_NAME *Near = SymbolTableNear(&Table, Name->Rva);
        const char *String = SymbolTableText(&Table, Name);
        if (Near == NULL || Near->Rva != Name->Rva ||
            (*String != 0 && SymbolTableFind(&Table, String, strlen(String)) == NULL)) {
            abort(); /* a name that cannot be found */
        }
        SymbolTableLine(&Table, Name->Rva);
    }
    SymbolTableLine(&Table, UINT32_MAX);
    SymbolTableFree(&Table);
}

static void AskTypes(const char *Text, size_t Size)
{
    PDB_TYPES Types = {0};
    PDB_PLACE Place;
    char Out[64];

    if (!PdbParseTypes(Text, Size, &Types)) {
        return;
    }
    PdbTypeFind(&Types, "S", 1);
    for (uint32_t i = 0; i < Types.TypeCount && i < 64; i++) {
        PdbTypeSize(&Types, PDB_FIRST_TYPE + i);
        PdbTypeText(&Types, PDB_FIRST_TYPE + i, Out, sizeof(Out));
        PdbTypeField(&Types, PDB_FIRST_TYPE + i, "Name.Name[1].Name", &Place);
    }
    PdbTypesFree(&Types);
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    size_t Used = 0;
    char *Text = malloc(Size * 48 + 1); /* no piece is longer */

    bool AsItIs = Size != 0 && Data[0] == ' ';
    for (size_t i = 0; i < Size; i++) {
        const char *Piece = Pieces[Data[i] % (sizeof(Pieces) / sizeof(Pieces[0]))];
        size_t Length = AsItIs ? 1 : strlen(Piece);
        memcpy(Text + Used, AsItIs ? (const char *)&Data[i] : Piece, Length);
        Used += Length;
    }
    char *Exact = malloc(Used + 1); /* of the exact size, for the address sanitizer */
    memcpy(Exact, Text, Used);
    Exact[Used] = 0;
    AskSymbols(Exact, Used);
    AskTypes(Exact, Used);
    free(Exact);
    free(Text);
    return 0;
}
