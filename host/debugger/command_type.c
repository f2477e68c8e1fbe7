/* SPDX-License-Identifier: MIT */
/* dt: types, and structures of the target as their types say. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "host/debugger/debug_module.h"
#include "host/debugger/debug_types.h"
#include "host/text/text.h"

#define TYPE_MAX_FIELDS 8u /* that one dt may name */
#define TYPE_MAX_TEXT 64u  /* characters of a string field */
#define TYPE_INDENT 3

typedef struct {
    DEBUGGER *Debugger;
    const PDB_TYPES *Types;
    bool HasAddress;
    unsigned Depth; /* -r: structures within are shown so deep */
    char Fields[TYPE_MAX_FIELDS][64];
    unsigned FieldCount; /* 0: all */
} TYPE_VIEW;

static const char *TypeString(const TYPE_VIEW *View, uint32_t Offset)
{
    return View->Types->Strings.Bytes + Offset;
}

/* "System" of a char array; what is not ASCII as a dot. */
static void TypePrintCharacters(const TYPE_VIEW *View, uint64_t Address, uint64_t Count,
                                unsigned Size)
{
    uint8_t Bytes[2 * TYPE_MAX_TEXT];
    size_t Wanted = (size_t)(Count < TYPE_MAX_TEXT ? Count : TYPE_MAX_TEXT);
    size_t Got = DebugReadSome(View->Debugger, Address, Bytes, Wanted * Size) / Size;

    size_t Length = 0;
    DebuggerPrint(View->Debugger, "\"");
    for (; Length < Got && Bytes[Length * Size] != 0; Length++) {
        uint8_t Byte = Bytes[Length * Size];
        DebuggerPrint(View->Debugger, "%c", Byte >= 0x20 && Byte < 0x7f ? Byte : '.');
    }
    /* cut, by our limit or because the rest cannot be read */
    bool IsCut = Length == Got && (Got < Wanted || Wanted < Count);
    DebuggerPrint(View->Debugger, IsCut ? "\"..." : "\"");
}

/* What WinDbg adds to the name of some structures. */
static void TypePrintStructure(const TYPE_VIEW *View, PDB_TYPE Type, uint64_t Address)
{
    const char *Name = TypeString(View, Type.Name);
    char First[DEBUG_ADDRESS_SIZE], Second[DEBUG_ADDRESS_SIZE];
    uint64_t Values[2];

    DebuggerPrint(View->Debugger, "%s", Name);
    if (strcmp(Name, "_LIST_ENTRY") == 0 &&
        DebugReadSome(View->Debugger, Address, Values, 16) == 16) {
        DebuggerPrint(View->Debugger, " [ 0x%s - 0x%s ]", DebugAddressText(Values[0], First),
                      DebugAddressText(Values[1], Second));
    } else if (strcmp(Name, "_UNICODE_STRING") == 0 &&
               DebugReadSome(View->Debugger, Address, Values, 16) == 16) {
        DebuggerPrint(View->Debugger, " ");
        TypePrintCharacters(View, Values[1], (Values[0] & 0xffff) / 2, 2);
    } else if ((strcmp(Name, "_LARGE_INTEGER") == 0 || strcmp(Name, "_ULARGE_INTEGER") == 0) &&
               DebugReadSome(View->Debugger, Address, Values, 8) == 8) {
        DebuggerPrint(View->Debugger, " 0x%llx", (unsigned long long)Values[0]);
    }
}

static const char *TypeEnumerator(const TYPE_VIEW *View, PDB_TYPE Enum, uint64_t Value)
{
    PDB_TYPE List = PdbTypeResolve(View->Types, Enum.Count);
    for (uint32_t i = 0; List.Kind == PdbTypeFieldList && i < List.Count; i++) {
        const PDB_FIELD *Field = &View->Types->Fields[List.First + i];
        if ((uint32_t)Field->Offset == (uint32_t)Value) {
            return TypeString(View, Field->Name);
        }
    }
    return "no name";
}

static void TypePrintBits(const TYPE_VIEW *View, PDB_TYPE Type, uint64_t Value)
{
    DebuggerPrint(View->Debugger, "0y");
    for (unsigned Bit = Type.BitCount; Bit-- != 0;) {
        DebuggerPrint(View->Debugger, "%c", Value >> Bit & 1 ? '1' : '0');
    }
    if (Type.BitCount > 1) {
        DebuggerPrint(View->Debugger, " (0x%llx)", (unsigned long long)Value);
    }
}

static void TypePrintBasic(const TYPE_VIEW *View, uint32_t Index, PDB_TYPE Type, uint64_t Value)
{
    char Name[64];
    PdbTypeText(View->Types, Index, Name, sizeof(Name));
    unsigned Shift = (unsigned)(64 - 8 * Type.Size);
    long long Signed = (long long)(Value << Shift) >> Shift;
    bool IsCharacter = Type.Size == 1 && strcmp(Name, "Bool") != 0;
    if (IsCharacter) {
        DebuggerPrint(View->Debugger, "0x%llx '%.*s'", (unsigned long long)Value,
                      Value > 0x20 && Value < 0x7f ? 1 : 0, (const char *)&Value);
    } else if (strncmp(Name, "Int", 3) == 0) {
        DebuggerPrint(View->Debugger, "0n%lld", Signed);
    } else {
        DebuggerPrint(View->Debugger, "0x%llx", (unsigned long long)Value);
    }
}

/* A number, a pointer, an enumerator, bits. */
static void TypePrintScalar(const TYPE_VIEW *View, uint64_t Base, PDB_PLACE Place)
{
    PDB_TYPE Type = PdbTypeResolve(View->Types, Place.Type);
    char Text[320], Number[DEBUG_ADDRESS_SIZE];
    uint64_t Value;

    if (!DebugReadPlace(View->Debugger, Base, View->Types, Place, &Value)) {
        DebuggerPrint(View->Debugger, "??");
        return;
    }
    switch (Type.Kind) {
    case PdbTypePointer:
        PdbTypeText(View->Types, Type.Element, Text, sizeof(Text));
        if (Value == 0) {
            DebuggerPrint(View->Debugger, "(null)");
        } else if (strcmp(Text, "Wchar") == 0 || strcmp(Text, "Char") == 0) {
            DebuggerPrint(View->Debugger, "0x%s  ", DebugAddressText(Value, Number));
            TypePrintCharacters(View, Value, TYPE_MAX_TEXT + 1, *Text == 'W' ? 2 : 1);
        } else {
            DebuggerPrint(View->Debugger, "0x%s %s", DebugAddressText(Value, Number), Text);
        }
        break;
    case PdbTypeEnum:
        DebuggerPrint(View->Debugger, "%lld ( %s )", (long long)(int32_t)Value,
                      TypeEnumerator(View, Type, Value));
        break;
    case PdbTypeBitfield:
        TypePrintBits(View, Type, Value);
        break;
    default:
        TypePrintBasic(View, Place.Type, Type, Value);
        break;
    }
}

static void TypePrintValue(const TYPE_VIEW *View, uint64_t Base, PDB_PLACE Place)
{
    PDB_TYPE Type = PdbTypeResolve(View->Types, Place.Type);
    PDB_TYPE Element;
    char Text[320];

    switch (Type.Kind) {
    case PdbTypeStructure:
    case PdbTypeUnion:
        TypePrintStructure(View, Type, Base + Place.Offset);
        break;
    case PdbTypeArray:
        Element = PdbTypeResolve(View->Types, Type.Element);
        if (Element.Kind == PdbTypeBasic && (Element.Element & 0xff) == 0x70) {
            DebuggerPrint(View->Debugger, "[%llu]  ", (unsigned long long)Type.Size);
            TypePrintCharacters(View, Base + Place.Offset, Type.Size, 1);
            break;
        }
        PdbTypeText(View->Types, Place.Type, Text, sizeof(Text));
        DebuggerPrint(View->Debugger, "%s", Text);
        break;
    case PdbTypeNone:
        DebuggerPrint(View->Debugger, "??");
        break;
    default:
        TypePrintScalar(View, Base, Place);
        break;
    }
}

static void TypePrintFields(const TYPE_VIEW *View, uint32_t Index, uint64_t Address,
                            unsigned Level);

static void TypePrintField(const TYPE_VIEW *View, const char *Name, uint64_t Base, PDB_PLACE Place,
                           unsigned Level)
{
    char Text[320];
    PDB_TYPE Type = PdbTypeResolve(View->Types, Place.Type);

    DebuggerPrint(View->Debugger, "%*s+0x%03llx %-16s : ", (int)(TYPE_INDENT * (Level + 1)), "",
                  (unsigned long long)Place.Offset, Name);
    if (View->HasAddress) {
        TypePrintValue(View, Base, Place);
    } else {
        PdbTypeText(View->Types, Place.Type, Text, sizeof(Text));
        DebuggerPrint(View->Debugger, "%s", Text);
    }
    DebuggerPrint(View->Debugger, "\n");
    if (Level < View->Depth && (Type.Kind == PdbTypeStructure || Type.Kind == PdbTypeUnion)) {
        TypePrintFields(View, Place.Type, Base + Place.Offset, Level + 1);
    }
}

static void TypePrintFields(const TYPE_VIEW *View, uint32_t Index, uint64_t Address,
                            unsigned Level)
{
    PDB_TYPE Type = PdbTypeResolve(View->Types, Index);
    PDB_TYPE List = PdbTypeResolve(View->Types, Type.Kind == PdbTypeEnum ? Type.Count
                                                                         : Type.Element);

    for (uint32_t i = 0; List.Kind == PdbTypeFieldList && i < List.Count &&
                         !DebuggerInterrupted(View->Debugger); i++) {
        const PDB_FIELD *Field = &View->Types->Fields[List.First + i];
        if (Type.Kind == PdbTypeEnum) {
            DebuggerPrint(View->Debugger, "   %s = 0n%lld\n", TypeString(View, Field->Name),
                          (long long)Field->Offset);
        } else {
            TypePrintField(View, TypeString(View, Field->Name), Address,
                           (PDB_PLACE){Field->Offset, Field->Type}, Level);
        }
    }
}

/* "-r", "-r2", "-v", ...: only -r changes what we print. */
static bool TypeParseOptions(DEBUGGER *Debugger, const char **Arguments, TYPE_VIEW *View)
{
    char Word[32];
    while (**Arguments == '-' && CommandWord(Arguments, Word, sizeof(Word))) {
        if (Word[1] != 'r' && Word[1] != 'v' && Word[1] != 'b') {
            return DebuggerError(Debugger, "dt takes -r and -rDepth");
        }
        if (Word[1] == 'r') {
            View->Depth = isdigit((unsigned char)Word[2]) ? (unsigned)(Word[2] - '0') : 8;
        }
    }
    return true;
}

/* What follows the type: names of fields, and an address. */
static bool TypeParseRest(const char *Arguments, TYPE_VIEW *View, uint32_t Index,
                          uint64_t *Address)
{
    PDB_PLACE Place;

    while (*Arguments != 0) {
        const char *After = Arguments;
        char Word[64];
        bool IsWord = CommandWord(&After, Word, sizeof(Word));
        size_t Length = IsWord ? strlen(Word) : 0;
        if (Length > 1 && Word[Length - 1] == '.') {
            Word[Length - 1] = 0;
        }
        if (IsWord && PdbTypeField(View->Types, Index, Word, &Place)) {
            if (View->FieldCount == TYPE_MAX_FIELDS) {
                return DebuggerError(View->Debugger, "dt shows at most %u fields at once",
                                     TYPE_MAX_FIELDS);
            }
            memcpy(View->Fields[View->FieldCount++], Word, sizeof(Word));
            Arguments = After;
            continue;
        }
        if (View->HasAddress || !ExpressionEvaluate(View->Debugger, &Arguments, Address)) {
            return View->HasAddress && CommandEnd(View->Debugger, Arguments);
        }
        View->HasAddress = true;
        Arguments += strspn(Arguments, " \t,");
    }
    return true;
}

/* "dt nt!_KT*": the names that match. */
static bool TypeList(DEBUGGER *Debugger, const char *Pattern)
{
    const char *Mark = strchr(Pattern, '!');
    unsigned Shown = 0;

    for (unsigned i = 0; i < Debugger->ModuleCount; i++) {
        DEBUG_MODULE *Module = &Debugger->Modules[i];
        if (Mark != NULL &&
            Module != DebugFindModuleByName(Debugger, Pattern, (size_t)(Mark - Pattern))) {
            continue;
        }
        const PDB_TYPES *Types = DebugModuleTypes(Debugger, Module);
        const char *Last = "";
        for (uint32_t n = 0; Types != NULL && n < Types->NameCount; n++) {
            const char *Name = Types->Strings.Bytes + Types->Types[Types->ByName[n]].Name;
            if (strcmp(Name, Last) != 0 && fnmatch(Mark != NULL ? Mark + 1 : Pattern, Name,
                                                   FNM_CASEFOLD | FNM_NOESCAPE) == 0) {
                DebuggerPrint(Debugger, "          %s!%s\n", Module->Name, Name);
                Shown++;
            }
            Last = Name;
        }
    }
    return Shown != 0 || DebuggerError(Debugger, "No type matches");
}

/* The type of a variable, when the name is one. */
static bool TypeOfVariable(DEBUGGER *Debugger, const char *Name, DEBUG_TYPE *Type,
                           uint64_t *Address)
{
    if (!DebugSymbolAddress(Debugger, Name, strlen(Name), Address)) {
        return false;
    }
    Type->Module = DebugFindModule(Debugger, *Address);
    const SYMBOL_TABLE *Table =
        Type->Module != NULL ? DebugModuleSymbols(Debugger, Type->Module) : NULL;
    Type->Types = Type->Module != NULL ? DebugModuleTypes(Debugger, Type->Module) : NULL;
    const SYMBOL_NAME *Symbol =
        Table != NULL ? SymbolTableNear(Table, (uint32_t)(*Address - Type->Module->Base)) : NULL;
    Type->Index = Symbol != NULL ? Symbol->Type : 0;
    return Type->Types != NULL && Type->Index != 0;
}

static bool CommandDt(DEBUGGER *Debugger, const char *Arguments)
{
    TYPE_VIEW View = {.Debugger = Debugger};
    char Name[320];
    DEBUG_TYPE Type;
    uint64_t Address = 0;
    PDB_PLACE Place;

    if (!TypeParseOptions(Debugger, &Arguments, &View)) {
        return false;
    }
    if (!CommandWord(&Arguments, Name, sizeof(Name))) {
        return DebuggerError(Debugger, "dt needs a type: dt nt!_KTHREAD");
    }
    if (strpbrk(Name, "*?") != NULL) {
        return TypeList(Debugger, Name);
    }
    if (!DebugFindType(Debugger, Name, strlen(Name), &Type)) {
        if (!TypeOfVariable(Debugger, Name, &Type, &Address)) {
            char Clean[320];
            TextCleanString(Clean, sizeof(Clean), Name);
            return DebuggerError(Debugger, "Symbol %s not found", Clean);
        }
        View.HasAddress = true;
    }
    View.Types = Type.Types;
    if (!TypeParseRest(Arguments, &View, Type.Index, &Address)) {
        return false;
    }
    PDB_TYPE Resolved = PdbTypeResolve(Type.Types, Type.Index);
    if (Resolved.Kind != PdbTypeStructure && Resolved.Kind != PdbTypeUnion &&
        Resolved.Kind != PdbTypeEnum) {
        TypePrintValue(&View, Address, (PDB_PLACE){0, Type.Index});
        DebuggerPrint(Debugger, "\n");
        return true;
    }
    DebuggerPrint(Debugger, "%s!%s\n", Type.Module->Name, TypeString(&View, Resolved.Name));
    if (View.FieldCount == 0) {
        TypePrintFields(&View, Type.Index, Address, 0);
    }
    for (unsigned i = 0; i < View.FieldCount; i++) {
        if (PdbTypeField(View.Types, Type.Index, View.Fields[i], &Place)) {
            TypePrintField(&View, View.Fields[i], Address, Place, 0);
        }
    }
    if (View.HasAddress && !DebugReadSized(Debugger, Address, 1, &(uint64_t){0})) {
        DebuggerPrint(Debugger, "*** %s\n", Debugger->Target->Error);
    }
    return true;
}

const DEBUGGER_COMMAND CommandsType[] = {
    {"dt", CommandDt, "dt [-r[Depth]] [Module!]Type [Field...] [Address]",
     "A type's fields, or a structure of the target.", false},
    {0},
};
