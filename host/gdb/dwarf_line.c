/* SPDX-License-Identifier: MIT */
/*
 * .debug_line. Only the standard opcodes are used: the table is somewhat larger than a compiler's,
 * and plain. A row with line 0 in the symbol table ends a sequence.
 */
#include <stdlib.h>

#include "host/gdb/dwarf.h"

#define DW_LNS_copy 1
#define DW_LNS_advance_pc 2
#define DW_LNS_advance_line 3
#define DW_LNS_set_file 4
#define DW_LNE_end_sequence 1
#define DW_LNE_set_address 2

typedef struct {
    uint32_t *Offsets; /* of file names in the string pool, ascending; file n is Offsets[n - 1] */
    uint32_t Count;
} FILE_LIST;

static int CompareOffsets(const void *Left, const void *Right)
{
    uint32_t A = *(const uint32_t *)Left, B = *(const uint32_t *)Right;
    return A < B ? -1 : A > B;
}

/* The files of all lines, each once. */
static FILE_LIST ListFiles(const SYMBOL_TABLE *Table)
{
    FILE_LIST List = {malloc((Table->LineCount + 1) * sizeof(uint32_t)), 0};
    uint32_t Kept = 0;
    if (List.Offsets == NULL) {
        return List;
    }
    for (uint32_t i = 0; i < Table->LineCount; i++) {
        if (Table->Lines[i].Line != 0 &&
            (List.Count == 0 || List.Offsets[List.Count - 1] != Table->Lines[i].File)) {
            List.Offsets[List.Count++] = Table->Lines[i].File;
        }
    }
    qsort(List.Offsets, List.Count, sizeof(uint32_t), CompareOffsets);
    for (uint32_t i = 0; i < List.Count; i++) {
        if (i == 0 || List.Offsets[i] != List.Offsets[Kept - 1]) {
            List.Offsets[Kept++] = List.Offsets[i];
        }
    }
    List.Count = Kept;
    return List;
}

static uint32_t FileNumber(const FILE_LIST *List, uint32_t Offset)
{
    const uint32_t *Found = bsearch(&Offset, List->Offsets, List->Count, sizeof(uint32_t),
                                    CompareOffsets);
    return Found != NULL ? (uint32_t)(Found - List->Offsets) + 1 : 1;
}

static void PutHeader(BYTE_BUFFER *Out, const SYMBOL_TABLE *Table, const FILE_LIST *Files)
{
    static const uint8_t OperandCounts[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
    BufferNumber(Out, 0, 4); /* length, by the caller */
    BufferNumber(Out, 4, 2);
    BufferNumber(Out, 0, 4); /* length of the rest of the header, below */
    size_t Begin = Out->Used;
    BufferNumber(Out, 1, 1);   /* bytes of the shortest instruction */
    BufferNumber(Out, 1, 1);   /* operations in one */
    BufferNumber(Out, 1, 1);   /* rows are statements */
    BufferNumber(Out, 0xfb, 1); /* line base -5 and range 14, for special opcodes: none here */
    BufferNumber(Out, 14, 1);
    BufferNumber(Out, sizeof(OperandCounts) + 1, 1);
    BufferPut(Out, OperandCounts, sizeof(OperandCounts));
    BufferNumber(Out, 0, 1); /* no directories: names are whole */
    for (uint32_t i = 0; i < Files->Count; i++) {
        BufferString(Out, Table->Strings.Bytes + Files->Offsets[i]);
        BufferNumber(Out, 0, 3); /* directory, time, size */
    }
    BufferNumber(Out, 0, 1);
    BufferPatch(Out, Begin - 4, (uint32_t)(Out->Used - Begin));
}

static void PutSetAddress(BYTE_BUFFER *Out, uint32_t Rva)
{
    BufferNumber(Out, 0, 1);
    BufferUnsigned(Out, 9);
    BufferNumber(Out, DW_LNE_set_address, 1);
    BufferNumber(Out, Rva, 8);
}

static void PutEndSequence(BYTE_BUFFER *Out, uint64_t Advance)
{
    BufferNumber(Out, DW_LNS_advance_pc, 1);
    BufferUnsigned(Out, Advance);
    BufferNumber(Out, 0, 1);
    BufferUnsigned(Out, 1);
    BufferNumber(Out, DW_LNE_end_sequence, 1);
}

/* The rows, which are in the order of addresses. */
static void PutRows(BYTE_BUFFER *Out, const SYMBOL_TABLE *Table, const FILE_LIST *Files)
{
    const SYMBOL_LINE *Before = NULL; /* in the sequence */
    uint32_t File = 1, Line = 1;
    for (uint32_t i = 0; i < Table->LineCount; i++) {
        const SYMBOL_LINE *Row = &Table->Lines[i];
        if (i + 1 < Table->LineCount && Table->Lines[i + 1].Rva == Row->Rva) {
            continue; /* of equal addresses the last one counts */
        }
        if (Row->Line == 0) {
            if (Before != NULL) {
                PutEndSequence(Out, Row->Rva - Before->Rva);
            }
            Before = NULL;
            continue;
        }
        if (Before == NULL) {
            PutSetAddress(Out, Row->Rva);
            File = Line = 1;
        } else {
            BufferNumber(Out, DW_LNS_advance_pc, 1);
            BufferUnsigned(Out, Row->Rva - Before->Rva);
        }
        if (FileNumber(Files, Row->File) != File) {
            File = FileNumber(Files, Row->File);
            BufferNumber(Out, DW_LNS_set_file, 1);
            BufferUnsigned(Out, File);
        }
        BufferNumber(Out, DW_LNS_advance_line, 1);
        BufferSigned(Out, (int64_t)Row->Line - Line);
        BufferNumber(Out, DW_LNS_copy, 1);
        Line = Row->Line;
        Before = Row;
    }
    if (Before != NULL) {
        PutEndSequence(Out, 1);
    }
}

void DwarfPutLines(BYTE_BUFFER *Out, const SYMBOL_TABLE *Table)
{
    FILE_LIST Files = ListFiles(Table);
    if (Files.Offsets == NULL) {
        Out->Failed = true;
        return;
    }
    PutHeader(Out, Table, &Files);
    PutRows(Out, Table, &Files);
    BufferPatch(Out, 0, (uint32_t)Out->Used - 4);
    free(Files.Offsets);
}
