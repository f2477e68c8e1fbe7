/* SPDX-License-Identifier: MIT */
/*
 * A PDB's types, as `llvm-pdbutil dump --types` prints them. Neither the text nor the types in it
 * are trusted: an index may lead nowhere or in a circle, so each walk is bounded.
 */
#pragma once

#include "host/symbols/pdb_symbols.h"

#define PDB_FIRST_TYPE 0x1000u /* below: types that need no record */
#define PDB_MAX_TYPES (4u << 20)
#define PDB_MAX_DEPTH 32u /* of types within types */

typedef enum {
    PdbTypeNone, /* not known, or a procedure */
    PdbTypeBasic,
    PdbTypeStructure,
    PdbTypeUnion,
    PdbTypeEnum,
    PdbTypePointer,
    PdbTypeArray,
    PdbTypeBitfield,
    PdbTypeModifier,
    PdbTypeFieldList,
} PDB_TYPE_KIND;

typedef struct {
    uint8_t Kind;             /* PDB_TYPE_KIND */
    uint8_t BitStart, BitCount; /* Bitfield */
    uint32_t Name;            /* offset in Strings; Structure, Union, Enum */
    uint32_t Element;         /* pointed to, of an array, underlying; of a structure its list */
    uint32_t Forward;         /* the index of the full type, 0: this is it */
    uint32_t First, Count;    /* FieldList: of Fields; Enum: Count is its field list */
    uint64_t Size;            /* bytes */
} PDB_TYPE;

typedef struct {
    uint32_t Name; /* offset in Strings */
    uint32_t Type; /* 0: an enumerator */
    uint64_t Offset; /* bytes; of an enumerator its value */
} PDB_FIELD;

typedef struct PDB_TYPES {
    PDB_TYPE *Types; /* by index less PDB_FIRST_TYPE */
    uint32_t TypeCount, TypeCapacity;
    PDB_FIELD *Fields;
    uint32_t FieldCount, FieldCapacity;
    STRING_POOL Strings;
    uint32_t *ByName; /* the full structures, unions and enums */
    uint32_t NameCount;
} PDB_TYPES;

/* False, with Error: it cannot be read, or has no types. */
bool PdbReadTypes(const char *Path, PDB_TYPES *Types, char *Error, size_t ErrorSize);
bool PdbParseTypes(const char *Text, size_t Size, PDB_TYPES *Types); /* Text[Size] is a NUL */
void PdbTypesFree(PDB_TYPES *Types);

/* The type behind modifiers and forward references; Kind PdbTypeNone when there is none. */
PDB_TYPE PdbTypeResolve(const PDB_TYPES *Types, uint32_t Index);
uint64_t PdbTypeSize(const PDB_TYPES *Types, uint32_t Index);
/* "_KTHREAD", also without the underscore. 0: no such. */
uint32_t PdbTypeFind(const PDB_TYPES *Types, const char *Name, size_t Length);
/* The field's place in the structure or union Index: "Tcb.ApcState.Process", "Fill[3]". */
typedef struct {
    uint64_t Offset;
    uint32_t Type;
} PDB_PLACE;
bool PdbTypeField(const PDB_TYPES *Types, uint32_t Index, const char *Path, PDB_PLACE *Place);
/* As WinDbg names it: "Uint4B", "Ptr64 _KTHREAD", "[15] Char", "Pos 0, 3 Bits". */
void PdbTypeText(const PDB_TYPES *Types, uint32_t Index, char *Out, size_t Capacity);
