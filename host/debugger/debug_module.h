/* SPDX-License-Identifier: MIT */
/*
 * What is known of one loaded module beyond its row: the image's bytes, names and lines, types.
 * Found and read when they are first asked for, kept until the module goes.
 */
#pragma once

#include "host/debugger/debugger.h"
#include "host/symbols/pdb_symbols.h"
#include "lib/pe_image.h"

struct PDB_TYPES; /* pdb_types.h */

/*
 * The image as it lies in memory. From its file when that was found: what was paged out or
 * discarded in the target is there all the same. Else page by page from the target.
 */
typedef struct {
    uint8_t *Bytes; /* Size of them, NULL: no memory */
    uint32_t Size;
    bool FromFile;
    uint8_t *Present; /* a byte for each page: it has been read */
    PE_IMAGE Pe;
    bool HasPe; /* the headers could be read */
} DEBUG_IMAGE;

typedef struct {
    DEBUG_IMAGE Image;
    bool ImageTried;
    char PdbName[260]; /* the base name in the RSDS record, "": none */
    SYMBOL_TABLE Table;
    bool FromExports; /* no PDB: Table has the exports only */
    struct PDB_TYPES *Types;
    bool TypesTried;
} DEBUG_MODULE_DATA;

/* Never NULL but for want of memory. */
DEBUG_MODULE_DATA *DebugModuleData(DEBUG_MODULE *Module);
void DebugModuleFree(DEBUG_MODULE *Module);

/* Finds the image, its RSDS record and its file. */
void DebugModuleFindImage(DEBUGGER *Debugger, DEBUG_MODULE *Module);
/* The same, then names and lines, once; says on the output when no PDB matches. NULL: none. */
const SYMBOL_TABLE *DebugModuleSymbols(DEBUGGER *Debugger, DEBUG_MODULE *Module);
/* Size bytes at an RVA of the image; NULL: they cannot be read. */
const void *DebugModuleBytes(DEBUGGER *Debugger, DEBUG_MODULE *Module, uint32_t Rva,
                             uint32_t Size);
