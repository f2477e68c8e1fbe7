/* SPDX-License-Identifier: MIT */
/* Questions about types: sizes, fields by path, names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/symbols/pdb_types.h"

/* Types below PDB_FIRST_TYPE: the low byte says what, the next bits whether a pointer to it. */
typedef struct {
    uint8_t Code;
    uint8_t Size;
    const char *Name;
} PDB_BASIC;

static const PDB_BASIC Basics[] = {
    {0x03, 0, "Void"},   {0x08, 4, "HRESULT"}, {0x10, 1, "Char"},   {0x11, 2, "Int2B"},
    {0x12, 4, "Int4B"},  {0x13, 8, "Int8B"},   {0x20, 1, "UChar"},  {0x21, 2, "Uint2B"},
    {0x22, 4, "Uint4B"}, {0x23, 8, "Uint8B"},  {0x30, 1, "Bool"},   {0x40, 4, "Float"},
    {0x41, 8, "Double"}, {0x68, 1, "Char"},    {0x69, 1, "UChar"},  {0x70, 1, "Char"},
    {0x71, 2, "Wchar"},  {0x72, 2, "Int2B"},   {0x73, 2, "Uint2B"}, {0x74, 4, "Int4B"},
    {0x75, 4, "Uint4B"}, {0x76, 8, "Int8B"},   {0x77, 8, "Uint8B"}, {0x7a, 2, "Wchar"},
    {0x7b, 4, "Uint4B"}, {0x7c, 1, "Char"},
};

static const PDB_BASIC *PdbBasic(uint32_t Index)
{
    for (size_t i = 0; i < sizeof(Basics) / sizeof(Basics[0]); i++) {
        if (Basics[i].Code == (Index & 0xff)) {
            return &Basics[i];
        }
    }
    return NULL;
}

static PDB_TYPE PdbBasicType(uint32_t Index)
{
    const PDB_BASIC *Basic = PdbBasic(Index);
    if (Basic == NULL) {
        return (PDB_TYPE){.Kind = PdbTypeNone};
    }
    if ((Index & 0xf00) != 0) {
        return (PDB_TYPE){.Kind = PdbTypePointer, .Element = Index & 0xff, .Size = 8};
    }
    return (PDB_TYPE){.Kind = PdbTypeBasic, .Element = Index, .Size = Basic->Size};
}

PDB_TYPE PdbTypeResolve(const PDB_TYPES *Types, uint32_t Index)
{
    for (unsigned Depth = 0; Depth < PDB_MAX_DEPTH; Depth++) {
        if (Index < PDB_FIRST_TYPE) {
            return PdbBasicType(Index);
        }
        if (Index - PDB_FIRST_TYPE >= Types->TypeCount) {
            break;
        }
        const PDB_TYPE *Type = &Types->Types[Index - PDB_FIRST_TYPE];
        if (Type->Kind == PdbTypeModifier) {
            Index = Type->Element;
        } else if (Type->Forward != 0) {
            Index = Type->Forward;
        } else {
            return *Type;
        }
    }
    return (PDB_TYPE){.Kind = PdbTypeNone};
}

uint64_t PdbTypeSize(const PDB_TYPES *Types, uint32_t Index)
{
    for (unsigned Depth = 0; Depth < PDB_MAX_DEPTH; Depth++) {
        PDB_TYPE Type = PdbTypeResolve(Types, Index);
        if (Type.Kind != PdbTypeEnum && Type.Kind != PdbTypeBitfield) {
            return Type.Size;
        }
        Index = Type.Element;
    }
    return 0;
}

static uint32_t PdbFindExact(const PDB_TYPES *Types, const char *Name)
{
    uint32_t Low = 0, High = Types->NameCount;
    while (Low < High) {
        uint32_t Middle = Low + (High - Low) / 2;
        const PDB_TYPE *Type = &Types->Types[Types->ByName[Middle]];
        if (strcmp(Types->Strings.Bytes + Type->Name, Name) < 0) {
            Low = Middle + 1;
        } else {
            High = Middle;
        }
    }
    if (Low == Types->NameCount ||
        strcmp(Types->Strings.Bytes + Types->Types[Types->ByName[Low]].Name, Name) != 0) {
        return 0;
    }
    return PDB_FIRST_TYPE + Types->ByName[Low];
}

uint32_t PdbTypeFind(const PDB_TYPES *Types, const char *Name, size_t Length)
{
    char Text[SYMBOL_NAME_MAX + 2] = "_";

    if (Length == 0 || Length > SYMBOL_NAME_MAX) {
        return 0;
    }
    memcpy(Text + 1, Name, Length);
    Text[Length + 1] = 0;
    uint32_t Index = PdbFindExact(Types, Text + 1);
    return Index != 0 ? Index : PdbFindExact(Types, Text);
}

/* One name of a path in a structure. */
static bool PdbMember(const PDB_TYPES *Types, uint32_t Index, const char *Name, size_t Length,
                      PDB_PLACE *Place)
{
    PDB_TYPE Type = PdbTypeResolve(Types, Index);

    if (Type.Kind != PdbTypeStructure && Type.Kind != PdbTypeUnion) {
        return false;
    }
    PDB_TYPE List = PdbTypeResolve(Types, Type.Element);
    for (uint32_t i = 0; List.Kind == PdbTypeFieldList && i < List.Count; i++) {
        const PDB_FIELD *Field = &Types->Fields[List.First + i];
        const char *Text = Types->Strings.Bytes + Field->Name;
        if (strlen(Text) == Length && memcmp(Text, Name, Length) == 0) {
            Place->Offset += Field->Offset;
            Place->Type = Field->Type;
            return true;
        }
    }
    return false;
}

bool PdbTypeField(const PDB_TYPES *Types, uint32_t Index, const char *Path, PDB_PLACE *Place)
{
    *Place = (PDB_PLACE){.Type = Index};
    for (unsigned Depth = 0; Depth < PDB_MAX_DEPTH; Depth++) {
        size_t Length = strcspn(Path, ".[");
        if (!PdbMember(Types, Place->Type, Path, Length, Place)) {
            return false;
        }
        Path += Length;
        while (*Path == '[') {
            char *After;
            PDB_TYPE Array = PdbTypeResolve(Types, Place->Type);
            uint64_t Element = strtoull(Path + 1, &After, 0);
            uint64_t Size = PdbTypeSize(Types, Array.Element);
            if (Array.Kind != PdbTypeArray || *After != ']' || Size == 0 ||
                Element >= Array.Size / Size) {
                return false;
            }
            Place->Offset += Element * Size;
            Place->Type = Array.Element;
            Path = After + 1;
        }
        if (*Path == 0) {
            return true;
        }
        if (*Path++ != '.') {
            return false;
        }
    }
    return false;
}

static void PdbAppendType(const PDB_TYPES *Types, uint32_t Index, char *Out, size_t Capacity,
                          unsigned Depth)
{
    PDB_TYPE Type = PdbTypeResolve(Types, Index);
    size_t Used = strlen(Out);
    char *End = Out + Used;
    size_t Left = Capacity - Used;
    uint64_t Size;

    if (Depth == PDB_MAX_DEPTH) {
        return;
    }
    switch (Type.Kind) {
    case PdbTypeBasic:
        snprintf(End, Left, "%s", PdbBasic(Type.Element)->Name);
        break;
    case PdbTypeStructure:
    case PdbTypeUnion:
    case PdbTypeEnum:
        snprintf(End, Left, "%s", Types->Strings.Bytes + Type.Name);
        break;
    case PdbTypePointer:
        snprintf(End, Left, "Ptr64 ");
        PdbAppendType(Types, Type.Element, Out, Capacity, Depth + 1);
        break;
    case PdbTypeArray:
        Size = PdbTypeSize(Types, Type.Element);
        snprintf(End, Left, "[%llu] ", (unsigned long long)(Size != 0 ? Type.Size / Size : 0));
        PdbAppendType(Types, Type.Element, Out, Capacity, Depth + 1);
        break;
    case PdbTypeBitfield:
        snprintf(End, Left, "Pos %u, %u Bit%s", Type.BitStart, Type.BitCount,
                 Type.BitCount == 1 ? "" : "s");
        break;
    default: /* a procedure, or a type that the PDB does not have */
        snprintf(End, Left, "     ");
        break;
    }
}

void PdbTypeText(const PDB_TYPES *Types, uint32_t Index, char *Out, size_t Capacity)
{
    Out[0] = 0;
    PdbAppendType(Types, Index, Out, Capacity, 0);
}
