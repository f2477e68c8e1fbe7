/* SPDX-License-Identifier: MIT */
/*
 * An ELF file with the names, lines and unwind data of a PE image, for gdb's add-symbol-file: gdb
 * reads no PDBs. It holds no code; its addresses are RVAs.
 */
#pragma once

#include "host/gdb/byte_buffer.h"
#include "host/symbols/symbol_table.h"
#include "lib/unwind.h"

typedef struct {
    const char *Name;          /* "notepad.sys" */
    uint32_t Size;             /* bytes of the image in memory */
    const SYMBOL_TABLE *Table; /* sorted */
    UNWIND_IMAGE Unwind;       /* TableRva 0: none */
} SYMBOL_FILE_IMAGE;

/* Out must be empty; Failed there: no memory. */
void SymbolFileMake(const SYMBOL_FILE_IMAGE *Image, BYTE_BUFFER *Out);

/* `pageable gdb-symbols IMAGE -o FILE`, which host/gdb/pageable-gdb.py calls. Returns EXIT_CODE. */
int GdbSymbolsCommand(int Count, char **Arguments);
