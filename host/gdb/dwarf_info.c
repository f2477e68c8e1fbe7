/* SPDX-License-Identifier: MIT */
/* .debug_abbrev and .debug_info: one unit, and in it the functions whose size is known. */
#include "host/gdb/dwarf.h"

#define DW_TAG_compile_unit 0x11
#define DW_TAG_subprogram 0x2e
#define DW_AT_name 0x03
#define DW_AT_stmt_list 0x10
#define DW_AT_low_pc 0x11
#define DW_AT_high_pc 0x12
#define DW_AT_language 0x13
#define DW_AT_producer 0x25
#define DW_AT_external 0x3f
#define DW_FORM_addr 0x01
#define DW_FORM_data2 0x05
#define DW_FORM_data8 0x07
#define DW_FORM_string 0x08
#define DW_FORM_sec_offset 0x17
#define DW_FORM_flag_present 0x19
#define DW_LANG_C99 0x0c
#define UNIT 1
#define FUNCTION 2
/* gdb trusts the line table to say where a prologue ends only when clang made it. */
#define PRODUCER "clang version 19, by way of a PDB"

static void PutPairs(BYTE_BUFFER *Out, const uint8_t *Pairs)
{
    for (; Pairs[0] != 0; Pairs += 2) {
        BufferUnsigned(Out, Pairs[0]);
        BufferUnsigned(Out, Pairs[1]);
    }
    BufferNumber(Out, 0, 2);
}

void DwarfPutAbbreviations(BYTE_BUFFER *Out)
{
    static const uint8_t Unit[] = {
        DW_AT_producer, DW_FORM_string, DW_AT_language, DW_FORM_data2, DW_AT_name, DW_FORM_string,
        DW_AT_stmt_list, DW_FORM_sec_offset, DW_AT_low_pc, DW_FORM_addr,
        DW_AT_high_pc, DW_FORM_data8, 0,
    };
    static const uint8_t Function[] = {
        DW_AT_name, DW_FORM_string, DW_AT_external, DW_FORM_flag_present,
        DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8, 0,
    };
    BufferUnsigned(Out, UNIT);
    BufferUnsigned(Out, DW_TAG_compile_unit);
    BufferNumber(Out, 1, 1); /* it has children */
    PutPairs(Out, Unit);
    BufferUnsigned(Out, FUNCTION);
    BufferUnsigned(Out, DW_TAG_subprogram);
    BufferNumber(Out, 0, 1);
    PutPairs(Out, Function);
    BufferUnsigned(Out, 0);
}

void DwarfPutInfo(BYTE_BUFFER *Out, const SYMBOL_TABLE *Table, const char *ImageName,
                  uint32_t ImageSize)
{
    BufferNumber(Out, 0, 4); /* length, below */
    BufferNumber(Out, 4, 2); /* DWARF 4 */
    BufferNumber(Out, 0, 4); /* where the abbreviations are */
    BufferNumber(Out, 8, 1); /* bytes of an address */
    BufferUnsigned(Out, UNIT);
    BufferString(Out, PRODUCER);
    BufferNumber(Out, DW_LANG_C99, 2);
    BufferString(Out, ImageName);
    BufferNumber(Out, 0, 4); /* where the lines are */
    BufferNumber(Out, 0, 8);
    BufferNumber(Out, ImageSize, 8);
    for (uint32_t i = 0; i < Table->NameCount; i++) {
        const SYMBOL_NAME *Name = &Table->Names[i];
        if (Name->Kind == SymbolFunction && Name->Size != 0) {
            BufferUnsigned(Out, FUNCTION);
            BufferString(Out, SymbolTableText(Table, Name));
            BufferNumber(Out, Name->Rva, 8);
            BufferNumber(Out, Name->Size, 8);
        }
    }
    BufferUnsigned(Out, 0);
    BufferPatch(Out, 0, (uint32_t)Out->Used - 4);
}
