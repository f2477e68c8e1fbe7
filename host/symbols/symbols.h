/* SPDX-License-Identifier: MIT */
/*
 * Guest addresses to routine and source line. llvm-symbolizer reads the PDB beside the image, as a
 * program of its own with limits on time and memory, since the image is untrusted; without it, or
 * without a PDB, the nearest export or the offset into the module must do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/symbols/source_map.h"

#define SYMBOLS_MAX_MODULES 32u
#define SYMBOLS_MAX_BATCH 64u
#define SYMBOLS_KNOWN 128u

typedef struct {
    uint64_t Base, Size;
    char Name[64];   /* with its extension */
    char Path[4096]; /* the image in our file system; "": not known */
} SYMBOL_MODULE;

typedef struct {
    uint64_t Address;
    bool IsReturn;     /* an address after a call: the call's line is meant */
    bool HasLine;
    char Routine[256]; /* module!routine, module!export+0x10, module+0x1234, or the bare address */
    char Location[512]; /* file.c:12, "" when HasLine is false */
} SYMBOL;

typedef struct {
    SYMBOL_MODULE Modules[SYMBOLS_MAX_MODULES];
    unsigned Count;
    unsigned Runs; /* of the symbolizer, which are bounded */
    const SOURCE_MAP *Sources; /* what Location says of a file; NULL: what the PDB says */
    SYMBOL Known[SYMBOLS_KNOWN]; /* the last that were resolved, until a module is added */
    unsigned KnownCount; /* in all: the next goes to this place, modulo SYMBOLS_KNOWN */
} SYMBOLS;

/* A module loaded at an address replaces what was known there. Name and Path are copied. */
void SymbolsAddModule(SYMBOLS *Symbols, uint64_t Base, uint64_t Size, const char *Name,
                      const char *Path);
const SYMBOL_MODULE *SymbolsFindModule(const SYMBOLS *Symbols, uint64_t Address);
/* Fills the rest of each of the Count entries (at most SYMBOLS_MAX_BATCH). Address 0 gives "". */
void SymbolsResolve(SYMBOLS *Symbols, SYMBOL *Entries, unsigned Count);
/* "module!routine (file.c:12)" */
void SymbolText(const SYMBOL *Symbol, char *Out, size_t Capacity);
