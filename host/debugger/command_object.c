/* SPDX-License-Identifier: MIT */
/* !object. */
#include "host/debugger/debugger.h"

#include <string.h>

#include "host/debugger/object_name.h"

static bool PrintEntry(DEBUGGER *Debugger, void *Context, unsigned Bucket,
                       const OBJECT_DESCRIPTION *Entry)
{
    unsigned *LastBucket = Context;
    char Text[DEBUG_ADDRESS_SIZE], Number[8] = "  ";
    if (*LastBucket != Bucket) {
        snprintf(Number, sizeof(Number), "%02u", Bucket);
    }
    *LastBucket = Bucket;
    DebuggerPrint(Debugger, "     %s  %s %-20s %s\n", Number,
                  DebugAddressText(Entry->Object, Text), Entry->Type, Entry->Name);
    return true;
}

/* !object Address | \Path */
static bool ObjectCommand(DEBUGGER *Debugger, const char *Arguments)
{
    OBJECT_DESCRIPTION Object;
    uint64_t Address;
    char Text[DEBUG_ADDRESS_SIZE], Type[DEBUG_ADDRESS_SIZE];
    unsigned Bucket = ~0u;
    if (*Arguments == 0) {
        Arguments = "\\";
    }
    if (*Arguments == '\\' ? !ObjectFind(Debugger, Arguments, &Address)
                           : !ExpressionEvaluateAll(Debugger, Arguments, &Address)) {
        return false;
    }
    if (!ObjectDescribe(Debugger, Address, &Object)) {
        return false;
    }
    DebuggerPrint(Debugger, "Object: %s  Type: %s\n", DebugAddressText(Address, Text), Object.Type);
    DebuggerPrint(Debugger, "    ObjectHeader: %s (new version)\n",
                  DebugAddressText(Object.Header, Type));
    DebuggerPrint(Debugger, "    HandleCount: %llu  PointerCount: %llu\n",
                  (unsigned long long)Object.HandleCount, (unsigned long long)Object.PointerCount);
    if (Object.NameStringAddress != 0) {
        DebuggerPrint(Debugger, "    Directory Object: %s  Name: %s\n",
                      DebugAddressText(Object.Directory, Text), Object.Name);
    }
    if (strcmp(Object.Type, "SymbolicLink") == 0) {
        uint64_t Offset;
        char Target[STRUCTURE_NAME];
        if (!StructureOffset(Debugger, "nt!_OBJECT_SYMBOLIC_LINK", "LinkTarget", &Offset) ||
            !StructureString(Debugger, Address + Offset, Target, sizeof(Target))) {
            return false;
        }
        DebuggerPrint(Debugger, "    Target String is '%s'\n", Target);
    }
    if (strcmp(Object.Type, "Directory") != 0) {
        return true;
    }
    DebuggerPrint(Debugger, "\n    Hash Address           Type                 Name\n"
                  "    ---- -------           ----                 ----\n");
    return ObjectEachInDirectory(Debugger, Address, PrintEntry, &Bucket);
}

const DEBUGGER_COMMAND CommandsObject[] = {
    {"!object", ObjectCommand, "!object Address | \\Path",
     "An object's header and name, and what a directory holds.", false},
    {0},
};
