/* SPDX-License-Identifier: MIT */
/* Types of the modules' PDBs, read when the first one is asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debug_module.h"
#include "host/debugger/debug_types.h"

const PDB_TYPES *DebugModuleTypes(DEBUGGER *Debugger, DEBUG_MODULE *Module)
{
    DEBUG_MODULE_DATA *Data;
    char Error[800];

    if (DebugModuleSymbols(Debugger, Module) == NULL || !Module->SymbolsLoaded) {
        return NULL;
    }
    Data = Module->Private;
    if (!Data->TypesTried) {
        Data->TypesTried = true;
        Data->Types = calloc(1, sizeof(*Data->Types));
        if (Data->Types != NULL &&
            !PdbReadTypes(Module->PdbPath, Data->Types, Error, sizeof(Error))) {
            DebuggerPrint(Debugger, "*** %s\n", Error);
            free(Data->Types);
            Data->Types = NULL;
        }
    }
    return Data->Types;
}

bool DebugFindType(DEBUGGER *Debugger, const char *Name, size_t Length, DEBUG_TYPE *Type)
{
    const char *Mark = memchr(Name, '!', Length);
    size_t ModuleLength = Mark != NULL ? (size_t)(Mark - Name) : 0;
    const char *Bare = Mark != NULL ? Mark + 1 : Name;
    size_t BareLength = Length - (size_t)(Bare - Name);

    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if (Mark != NULL && Module != DebugFindModuleByName(Debugger, Name, ModuleLength)) {
            continue;
        }
        Type->Module = Module;
        Type->Types = DebugModuleTypes(Debugger, Module);
        Type->Index = Type->Types != NULL ? PdbTypeFind(Type->Types, Bare, BareLength) : 0;
        if (Type->Index != 0) {
            return true;
        }
    }
    return false;
}

bool DebugTypeSize(DEBUGGER *Debugger, const char *Name, uint64_t *Size)
{
    DEBUG_TYPE Type;
    if (!DebugFindType(Debugger, Name, strlen(Name), &Type)) {
        return false;
    }
    *Size = PdbTypeSize(Type.Types, Type.Index);
    return true;
}

static bool DebugFieldPlace(DEBUGGER *Debugger, const char *Name, const char *Field,
                            DEBUG_TYPE *Type, PDB_PLACE *Place)
{
    return DebugFindType(Debugger, Name, strlen(Name), Type) &&
           PdbTypeField(Type->Types, Type->Index, Field, Place);
}

bool DebugFieldOffset(DEBUGGER *Debugger, const char *Name, const char *Field, uint64_t *Offset,
                      uint64_t *Size)
{
    DEBUG_TYPE Type;
    PDB_PLACE Place;
    if (!DebugFieldPlace(Debugger, Name, Field, &Type, &Place)) {
        return false;
    }
    *Offset = Place.Offset;
    if (Size != NULL) {
        *Size = PdbTypeSize(Type.Types, Place.Type);
    }
    return true;
}

/* The number at Place in a structure's first Size bytes. */
static bool DebugPlaceValue(DEBUGGER *Debugger, const void *Bytes, size_t Size,
                            const PDB_TYPES *Types, PDB_PLACE Place, uint64_t *Value)
{
    PDB_TYPE Type = PdbTypeResolve(Types, Place.Type);
    uint64_t FieldSize = PdbTypeSize(Types, Place.Type);

    *Value = 0;
    if (FieldSize == 0 || FieldSize > 8 || FieldSize > Size || Place.Offset > Size - FieldSize) {
        snprintf(Debugger->Target->Error, sizeof(Debugger->Target->Error),
                 "a field of %llu bytes is no number", (unsigned long long)FieldSize);
        return false;
    }
    memcpy(Value, (const uint8_t *)Bytes + Place.Offset, FieldSize);
    if (Type.Kind == PdbTypeBitfield) {
        uint64_t Mask = Type.BitCount == 64 ? ~0ull : (1ull << Type.BitCount) - 1;
        *Value = *Value >> Type.BitStart & Mask;
    }
    return true;
}

bool DebugReadPlace(DEBUGGER *Debugger, uint64_t Address, const PDB_TYPES *Types, PDB_PLACE Place,
                    uint64_t *Value)
{
    uint64_t Size = PdbTypeSize(Types, Place.Type), Bytes = 0;
    Address += Place.Offset;
    Place.Offset = 0;
    if (Size <= sizeof(Bytes) && !DebugReadSized(Debugger, Address, (unsigned)Size, &Bytes)) {
        return false;
    }
    return DebugPlaceValue(Debugger, &Bytes, sizeof(Bytes), Types, Place, Value);
}

bool DebugFieldValue(DEBUGGER *Debugger, const void *Bytes, size_t Size, const char *Name,
                     const char *Field, uint64_t *Value)
{
    DEBUG_TYPE Type;
    PDB_PLACE Place;
    return DebugFieldPlace(Debugger, Name, Field, &Type, &Place) &&
           DebugPlaceValue(Debugger, Bytes, Size, Type.Types, Place, Value);
}

bool DebugReadField(DEBUGGER *Debugger, uint64_t Address, const char *Name, const char *Field,
                    uint64_t *Value)
{
    DEBUG_TYPE Type;
    PDB_PLACE Place;
    if (!DebugFieldPlace(Debugger, Name, Field, &Type, &Place)) {
        snprintf(Debugger->Target->Error, sizeof(Debugger->Target->Error),
                 "no PDB has the field %s.%s", Name, Field);
        return false;
    }
    return DebugReadPlace(Debugger, Address, Type.Types, Place, Value);
}
