/* SPDX-License-Identifier: MIT */
/* Types of the PDBs; so far none are known. */
#include "host/debugger/debugger.h"

bool DebugTypeSize(DEBUGGER *Debugger, const char *Type, uint64_t *Size)
{
    return false;
}

bool DebugFieldOffset(DEBUGGER *Debugger, const char *Type, const char *Field, uint64_t *Offset,
                      uint64_t *Size)
{
    return false;
}

bool DebugReadField(DEBUGGER *Debugger, uint64_t Address, const char *Type, const char *Field,
                    uint64_t *Value)
{
    return false;
}
