/* SPDX-License-Identifier: MIT */
/* sources: host/symbols/pdb_symbols.c host/symbols/pdb_types.c host/symbols/pdb_type_query.c host/symbols/symbol_table.c host/symbols/string_pool.c host/symbols/child_program.c host/text/text.c */
/* llvm-pdbutil's text of a PDB's types, however far its records are indented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "host/symbols/pdb_symbols.h"
#include "host/symbols/pdb_types.h"

static void TestIndentation(void **State)
{
    for (int Blanks = 2; Blanks <= 5; Blanks++) {
        char Text[1000];
        PDB_TYPES Types = {0};
        snprintf(Text, sizeof(Text),
                 "%*s0x1000 | LF_FIELDLIST [size = 40]\n"
                 "            - LF_MEMBER [name = `A`, Type = 0x0074 (int), offset = 4]\n"
                 "%*s0x1001 | LF_STRUCTURE [size = 36] `_PAIR`\n"
                 "            vtable: <no type>, base list: <no type>, field list: 0x1000\n"
                 "            options: (none), sizeof 8\n",
                 Blanks, "", Blanks, "");
        assert_true(PdbParseTypes(Text, strlen(Text), &Types));
        assert_int_equal(Types.TypeCount, 2);
        assert_int_equal(Types.NameCount, 1);
        assert_int_equal(Types.Types[1].Size, 8);
        assert_int_equal(Types.FieldCount, 1);
        assert_int_equal(Types.Fields[0].Offset, 4);
        PdbTypesFree(&Types);
    }
}

static void TestNoTypes(void **State)
{
    static const char Text[] = "0x1000 | LF_FIELDLIST [size = 40]\n  0x1000: `x`\n      0x100";
    PDB_TYPES Types = {0};
    assert_false(PdbParseTypes(Text, sizeof(Text) - 1, &Types));
}

/* What the table held before does not count; in the build directory. */
static void TestTableOfAnything(void **State)
{
    SYMBOL_TABLE Table;
    char Error[512];
    memset(&Table, 0xa5, sizeof(Table));
    assert_true(PdbReadSymbols("ntoskrnl.pdb", &Table, Error, sizeof(Error)));
    assert_true(Table.NameCount != 0 && Table.LineCount != 0);
    SymbolTableFree(&Table);
    memset(&Table, 0xa5, sizeof(Table));
    assert_false(PdbReadSymbols("nowhere.pdb", &Table, Error, sizeof(Error)));
    assert_int_equal(Table.NameCount, 0);
    SymbolTableFree(&Table);
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test(TestIndentation),
        cmocka_unit_test(TestNoTypes),
        cmocka_unit_test(TestTableOfAnything),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
