/* SPDX-License-Identifier: MIT */
/*
 * A PDB's names and lines, as `llvm-pdbutil dump` prints them. The text is not trusted: what has
 * not the form expected is passed over.
 */
#pragma once

#include "host/symbols/symbol_table.h"

typedef struct {
    uint8_t Guid[16]; /* as in an RSDS record */
    uint32_t Age;
} PDB_IDENTITY;

/*
 * Runs llvm-pdbutil on the PDB at Path; $PAGEABLE_PDBUTIL names another program. What: the options
 * of `dump`, up to a NULL, at most 8. The text is malloc's; NULL with Error when there is none.
 */
char *PdbDump(const char *Path, const char *const *What, size_t *Size, char *Error,
              size_t ErrorSize);

/* False, with Error: the PDB cannot be read. Takes a few hundredths of a second. */
bool PdbReadIdentity(const char *Path, PDB_IDENTITY *Identity, char *Error, size_t ErrorSize);
/* False, with Error, and an empty table: it cannot be read, or has no names. */
bool PdbReadSymbols(const char *Path, SYMBOL_TABLE *Table, char *Error, size_t ErrorSize);

/* The parsers behind the two. Text has a NUL at [Size]. */
bool PdbParseIdentity(const char *Text, size_t Size, PDB_IDENTITY *Identity);
bool PdbParseSymbols(const char *Text, size_t Size, SYMBOL_TABLE *Table);
