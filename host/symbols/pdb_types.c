/* SPDX-License-Identifier: MIT */
/*
 * What is read of llvm-pdbutil's text, a record and the lines that belong to it:
 *
 *     0x1005 | LF_STRUCTURE [size = 36] `_LIST_ENTRY`                    and LF_UNION, LF_CLASS
 *              vtable: <no type>, base list: <no type>, field list: 0x1004
 *              options: , sizeof 16                    or: options: forward ref (-> 0x1005), ...
 *     0x101C | LF_ENUM [size = 28] `_POOL_TYPE`
 *              field list: 0x101B, underlying type: 0x0074 (int)
 *     0x1001 | LF_POINTER [size = 12]
 *              referent = 0x1000, mode = pointer, opts = None, kind = ptr64
 *     0x1012 | LF_MODIFIER [size = 12]
 *              referent = 0x1000, modifiers = const
 *     0x1035 | LF_ARRAY [size = 16]
 *              size: 184, index type: 0x0023 (unsigned __int64), element type: 0x0020 (...)
 *     0x10F1 | LF_BITFIELD [size = 12]
 *              type = 0x0023 (unsigned __int64), bit offset = 0, # bits = 16
 *     0x1004 | LF_FIELDLIST [size = 36]
 *              - LF_MEMBER [name = `Flink`, Type = 0x1001, offset = 0, attrs = public]
 *              - LF_ENUMERATE [NonPagedPool = 0]
 *
 * Members of anonymous structures and unions stand in the list of the one around them.
 */
#include "host/symbols/pdb_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/text/text.h"

typedef struct {
    PDB_TYPES *Types;
    PDB_TYPE *Current; /* of the lines that follow; NULL: none that we read */
    bool Full;
} PDB_TYPE_PARSER;

static const char *PdbValueAfter(const char *Line, size_t Length, const char *Word)
{
    const char *Found = memmem(Line, Length, Word, strlen(Word));
    return Found != NULL ? Found + strlen(Word) : NULL;
}

static uint64_t PdbNumberAfter(const char *Line, size_t Length, const char *Word, int Base)
{
    const char *Found = PdbValueAfter(Line, Length, Word);
    return Found != NULL ? strtoull(Found, NULL, Base) : 0;
}

static uint32_t PdbIndexAfter(const char *Line, size_t Length, const char *Word)
{
    uint64_t Index = PdbNumberAfter(Line, Length, Word, 16);
    return Index <= UINT32_MAX ? (uint32_t)Index : 0;
}

/*
 * "  0x1005 | LF_STRUCTURE [size = 36] `_LIST_ENTRY`": records come in the order of their index.
 * The blanks before it are more when the last index has more digits.
 */
static bool PdbParseTypeRecord(PDB_TYPE_PARSER *Parser, const char *Line, size_t Length)
{
    static const struct {
        const char *Word;
        PDB_TYPE_KIND Kind;
    } Kinds[] = {
        {"LF_STRUCTURE [", PdbTypeStructure}, {"LF_CLASS [", PdbTypeStructure},
        {"LF_UNION [", PdbTypeUnion},         {"LF_ENUM [", PdbTypeEnum},
        {"LF_POINTER [", PdbTypePointer},     {"LF_ARRAY [", PdbTypeArray},
        {"LF_BITFIELD [", PdbTypeBitfield},   {"LF_MODIFIER [", PdbTypeModifier},
        {"LF_FIELDLIST [", PdbTypeFieldList},
    };
    PDB_TYPES *Types = Parser->Types;
    char *After;

    size_t Blanks = 0;
    while (Blanks < Length && Line[Blanks] == ' ') {
        Blanks++;
    }
    if (Blanks < 2 || Length - Blanks < 10 || strncmp(Line + Blanks, "0x", 2) != 0) {
        return false;
    }
    unsigned long Index = strtoul(Line + Blanks, &After, 16);
    if (strncmp(After, " | LF_", 6) != 0) {
        return false;
    }
    Parser->Current = NULL;
    if (Index != PDB_FIRST_TYPE + Types->TypeCount) {
        return true; /* out of order: it has no place */
    }
    if (!ArrayGrow((void **)&Types->Types, &Types->TypeCapacity, Types->TypeCount + 1ull,
                   PDB_MAX_TYPES, sizeof(*Types->Types))) {
        Parser->Full = true;
        return true;
    }
    PDB_TYPE *Type = &Types->Types[Types->TypeCount++];
    *Type = (PDB_TYPE){.First = Types->FieldCount};
    for (size_t i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
        if (strncmp(After + 3, Kinds[i].Word, strlen(Kinds[i].Word)) == 0) {
            Type->Kind = (uint8_t)Kinds[i].Kind;
            Parser->Current = Type;
        }
    }
    const char *Open = memchr(Line, '`', Length), *Close = memrchr(Line, '`', Length);
    bool HasName = Open != NULL && Close > Open;
    if (!StringPoolAdd(&Types->Strings, HasName ? Open + 1 : "",
                       HasName ? (size_t)(Close - Open - 1) : 0, &Type->Name)) {
        Parser->Full = true;
    }
    return true;
}

static void PdbParseField(PDB_TYPE_PARSER *Parser, const char *Line, size_t Length)
{
    PDB_TYPES *Types = Parser->Types;
    PDB_FIELD Field = {0};
    const char *Name = PdbValueAfter(Line, Length, "- LF_MEMBER [name = `");
    const char *End = NULL;

    if (Name != NULL) {
        size_t Left = Length - (size_t)(Name - Line);
        End = PdbValueAfter(Name, Left, "`, Type = ");
        if (End == NULL) {
            return;
        }
        Field.Type = (uint32_t)strtoul(End, NULL, 16);
        Field.Offset = PdbNumberAfter(End, Length - (size_t)(End - Line), ", offset = ", 10);
        End -= strlen("`, Type = ");
    } else {
        Name = PdbValueAfter(Line, Length, "- LF_ENUMERATE [");
        End = Name != NULL ? PdbValueAfter(Name, Length - (size_t)(Name - Line), " = ") : NULL;
        if (End == NULL) {
            return;
        }
        Field.Offset = (uint64_t)strtoll(End, NULL, 10);
        End -= strlen(" = ");
    }
    if (!ArrayGrow((void **)&Types->Fields, &Types->FieldCapacity, Types->FieldCount + 1ull,
                   PDB_MAX_TYPES, sizeof(*Types->Fields)) ||
        !StringPoolAdd(&Types->Strings, Name, (size_t)(End - Name), &Field.Name)) {
        Parser->Full = true;
        return;
    }
    Types->Fields[Types->FieldCount++] = Field;
    Parser->Current->Count++;
}

/* A line that belongs to the current record. */
static void PdbParseTypeDetail(PDB_TYPE_PARSER *Parser, const char *Line, size_t Length)
{
    PDB_TYPE *Type = Parser->Current;

    switch (Type->Kind) {
    case PdbTypeStructure:
    case PdbTypeUnion:
    case PdbTypeEnum:
        if (PdbValueAfter(Line, Length, "field list: ") != NULL) {
            Type->Element = PdbIndexAfter(Line, Length, Type->Kind == PdbTypeEnum
                                                            ? "underlying type: "
                                                            : "field list: ");
            Type->Count = PdbIndexAfter(Line, Length, "field list: ");
        }
        if (PdbValueAfter(Line, Length, "options: ") != NULL) {
            Type->Forward = PdbIndexAfter(Line, Length, "forward ref (-> ");
            Type->Size = PdbNumberAfter(Line, Length, "sizeof ", 10);
            /* A forward reference that leads nowhere is no type. */
            bool IsForward = PdbValueAfter(Line, Length, "forward ref") != NULL;
            Type->Kind = IsForward && Type->Forward == 0 ? PdbTypeNone : Type->Kind;
        }
        break;
    case PdbTypePointer:
        Type->Element = PdbIndexAfter(Line, Length, "referent = ");
        Type->Size = 8;
        break;
    case PdbTypeModifier:
        Type->Element = PdbIndexAfter(Line, Length, "referent = ");
        break;
    case PdbTypeArray:
        Type->Size = PdbNumberAfter(Line, Length, "size: ", 10);
        Type->Element = PdbIndexAfter(Line, Length, "element type: ");
        break;
    case PdbTypeBitfield:
        Type->Element = PdbIndexAfter(Line, Length, "type = ");
        Type->BitStart = (uint8_t)(PdbNumberAfter(Line, Length, "bit offset = ", 10) & 63);
        Type->BitCount = (uint8_t)(PdbNumberAfter(Line, Length, "# bits = ", 10) & 127);
        Type->BitCount = Type->BitCount + Type->BitStart > 64 ? 64 - Type->BitStart
                                                              : Type->BitCount;
        break;
    case PdbTypeFieldList:
        PdbParseField(Parser, Line, Length);
        break;
    }
}

static int PdbCompareTypes(const void *Left, const void *Right, void *Context)
{
    const PDB_TYPES *Types = Context;
    uint32_t A = *(const uint32_t *)Left, B = *(const uint32_t *)Right;
    int Order = strcmp(Types->Strings.Bytes + Types->Types[A].Name,
                       Types->Strings.Bytes + Types->Types[B].Name);
    return Order != 0 ? Order : A < B ? -1 : A > B;
}

static bool PdbSortTypes(PDB_TYPES *Types)
{
    Types->ByName = malloc((Types->TypeCount + 1ull) * sizeof(*Types->ByName));
    if (Types->ByName == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < Types->TypeCount; i++) {
        const PDB_TYPE *Type = &Types->Types[i];
        bool Named = Type->Kind == PdbTypeStructure || Type->Kind == PdbTypeUnion ||
                     Type->Kind == PdbTypeEnum;
        if (Named && Type->Forward == 0) {
            Types->ByName[Types->NameCount++] = i;
        }
    }
    qsort_r(Types->ByName, Types->NameCount, sizeof(*Types->ByName), PdbCompareTypes, Types);
    return true;
}

bool PdbParseTypes(const char *Text, size_t Size, PDB_TYPES *Types)
{
    PDB_TYPE_PARSER Parser = {.Types = Types};
    const char *End = Text + Size;

    while (Text < End && !Parser.Full) {
        const char *Newline = memchr(Text, '\n', (size_t)(End - Text));
        size_t Length = (size_t)((Newline != NULL ? Newline : End) - Text);
        if (!PdbParseTypeRecord(&Parser, Text, Length) && Parser.Current != NULL) {
            PdbParseTypeDetail(&Parser, Text, Length);
        }
        Text += Length + 1;
    }
    if (Types->TypeCount == 0 || !PdbSortTypes(Types)) {
        PdbTypesFree(Types);
        return false;
    }
    return true;
}

void PdbTypesFree(PDB_TYPES *Types)
{
    free(Types->Types);
    free(Types->Fields);
    free(Types->ByName);
    StringPoolFree(&Types->Strings);
    *Types = (PDB_TYPES){0};
}

bool PdbReadTypes(const char *Path, PDB_TYPES *Types, char *Error, size_t ErrorSize)
{
    static const char *const What[] = {"--types", NULL};
    size_t Size;
    char *Text = PdbDump(Path, What, &Size, Error, ErrorSize);
    bool Good = Text != NULL && PdbParseTypes(Text, Size, Types);
    if (Text != NULL && !Good) {
        char Clean[512];
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, ErrorSize, "%s: no types in it", Clean);
    }
    free(Text);
    return Good;
}
