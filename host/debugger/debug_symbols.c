/* SPDX-License-Identifier: MIT */
/* Modules and their PDBs; so far none are known. */
#include "host/debugger/debugger.h"

bool DebugReload(DEBUGGER *Debugger)
{
    return DebuggerError(Debugger, "symbols cannot be loaded yet");
}

DEBUG_MODULE *DebugFindModule(DEBUGGER *Debugger, uint64_t Address)
{
    return NULL;
}

DEBUG_MODULE *DebugFindModuleByName(DEBUGGER *Debugger, const char *Name, size_t Length)
{
    return NULL;
}

bool DebugSymbolAddress(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Address)
{
    return false;
}

bool DebugSymbolNear(DEBUGGER *Debugger, uint64_t Address, DEBUG_NAME *Name)
{
    return false;
}

void DebugSymbolText(DEBUGGER *Debugger, uint64_t Address, char *Out, size_t Capacity)
{
    char Text[DEBUG_ADDRESS_SIZE];
    snprintf(Out, Capacity, "%s", DebugAddressText(Address, Text));
}

bool DebugSymbolLine(DEBUGGER *Debugger, uint64_t Address, bool IsReturn, char *File,
                     size_t Capacity, unsigned *Line)
{
    return false;
}

bool DebugEachSymbol(DEBUGGER *Debugger, const char *Pattern, DEBUG_EACH_SYMBOL *Each,
                     void *Context)
{
    return true;
}

void DebugFreeSymbols(DEBUGGER *Debugger)
{
}
