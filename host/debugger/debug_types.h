/* SPDX-License-Identifier: MIT */
/* Types for dt and its like; debugger.h has what other commands need. */
#pragma once

#include "host/debugger/debugger.h"
#include "host/symbols/pdb_types.h"

typedef struct {
    DEBUG_MODULE *Module;
    const PDB_TYPES *Types;
    uint32_t Index;
} DEBUG_TYPE;

/* NULL: the module has no PDB, or that has no types. */
const PDB_TYPES *DebugModuleTypes(DEBUGGER *Debugger, DEBUG_MODULE *Module);
/* "nt!_KTHREAD", or "_KTHREAD" of the first module that has it. */
bool DebugFindType(DEBUGGER *Debugger, const char *Name, size_t Length, DEBUG_TYPE *Type);
/* A number of at most 8 bytes; of a bit field its bits alone. False: Target->Error. */
bool DebugReadPlace(DEBUGGER *Debugger, uint64_t Address, const PDB_TYPES *Types, PDB_PLACE Place,
                    uint64_t *Value);
