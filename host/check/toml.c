/* SPDX-License-Identifier: MIT */
/*
 * One pass, no look-back: a line is empty, a comment, a header or "key = value"; only arrays go
 * over several lines. Seen holds what may not come again: keys as "table/entry/name", tables as
 * "[name]".
 */
#include "host/check/toml.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TOML_NAME 64
#define TOML_MOST_STRING 8192
#define TOML_MOST_ITEMS 10000u

typedef struct {
    const char *Next, *End, *LineStart;
    unsigned Line;
    char Table[TOML_NAME];
    unsigned Entry;
    json_t *Seen;
    char *Error;
    size_t ErrorSize;
} TOML;

static bool TomlFail(TOML *Toml, const char *Rule)
{
    snprintf(Toml->Error, Toml->ErrorSize, "%u:%u: %s", Toml->Line,
             (unsigned)(Toml->Next - Toml->LineStart) + 1, Rule);
    return false;
}

/* The next byte, or 0 at the end; a NUL in the file was refused before. */
static char TomlPeek(const TOML *Toml)
{
    return Toml->Next < Toml->End ? *Toml->Next : 0;
}

static void TomlBlanks(TOML *Toml)
{
    while (TomlPeek(Toml) == ' ' || TomlPeek(Toml) == '\t') {
        Toml->Next++;
    }
}

static bool TomlIsControl(char Char)
{
    return ((Char & 0xe0) == 0 && Char != '\t') || Char == 0x7f;
}

static bool TomlIsBare(char Char)
{
    return (Char >= 'a' && Char <= 'z') || (Char >= 'A' && Char <= 'Z') ||
           (Char >= '0' && Char <= '9') || Char == '-' || Char == '_';
}

/* Blanks, a comment, and the end of the line or of the file. */
static bool TomlLineEnd(TOML *Toml)
{
    TomlBlanks(Toml);
    if (TomlPeek(Toml) == '#') {
        while (TomlPeek(Toml) != 0 && TomlPeek(Toml) != '\n' && TomlPeek(Toml) != '\r') {
            if (TomlIsControl(TomlPeek(Toml))) {
                return TomlFail(Toml, "a control character in a comment");
            }
            Toml->Next++;
        }
    }
    if (TomlPeek(Toml) == '\r' && Toml->Next + 1 < Toml->End && Toml->Next[1] == '\n') {
        Toml->Next++;
    }
    if (TomlPeek(Toml) == '\n') {
        Toml->Next++;
        Toml->Line++;
        Toml->LineStart = Toml->Next;
        return true;
    }
    return Toml->Next == Toml->End || TomlFail(Toml, "more on the line than one key and value");
}

static bool TomlName(TOML *Toml, char Name[TOML_NAME])
{
    size_t Length = 0;
    TomlBlanks(Toml);
    if (TomlPeek(Toml) == '"' || TomlPeek(Toml) == '\'') {
        return TomlFail(Toml, "a name in quotes is not taken");
    }
    while (TomlIsBare(TomlPeek(Toml))) {
        if (Length + 1 == TOML_NAME) {
            return TomlFail(Toml, "a name is at most 63 characters long");
        }
        Name[Length++] = *Toml->Next++;
    }
    Name[Length] = 0;
    TomlBlanks(Toml);
    if (TomlPeek(Toml) == '.') {
        return TomlFail(Toml, "a name with dots is not taken");
    }
    return Length != 0 || TomlFail(Toml, "a name is expected: letters, digits, - and _");
}

static size_t TomlEncode(char *Out, uint32_t Code)
{
    if (Code < 0x80) {
        Out[0] = (char)Code;
        return 1;
    }
    size_t Size = Code < 0x800 ? 2 : Code < 0x10000 ? 3 : 4;
    for (size_t i = Size - 1; i > 0; i--) {
        Out[i] = (char)(0x80 | (Code & 0x3f));
        Code >>= 6;
    }
    Out[0] = (char)((0xf00u >> Size) | Code);
    return Size;
}

/* What follows a backslash; as many bytes as *Used grows by are in Out. */
static bool TomlEscape(TOML *Toml, char *Out, size_t *Used)
{
    static const char Letters[] = "btnfr\"\\", Values[] = "\b\t\n\f\r\"\\";
    char Letter = TomlPeek(Toml);
    const char *Known = Letter != 0 ? strchr(Letters, Letter) : NULL;
    if (Known != NULL) {
        Out[(*Used)++] = Values[Known - Letters];
        Toml->Next++;
        return true;
    }
    if (Letter != 'u' && Letter != 'U') {
        return TomlFail(Toml, "the escapes are \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX");
    }
    uint32_t Code = 0;
    Toml->Next++;
    for (int Digits = Letter == 'u' ? 4 : 8; Digits > 0; Digits--) {
        static const char Hex[] = "0123456789abcdef0123456789ABCDEF";
        const char *Digit = TomlPeek(Toml) != 0 ? strchr(Hex, TomlPeek(Toml)) : NULL;
        if (Digit == NULL) {
            return TomlFail(Toml, "a hexadecimal digit is expected");
        }
        Code = Code << 4 | (uint32_t)((Digit - Hex) & 15);
        Toml->Next++;
    }
    if (Code == 0 || Code > 0x10ffff || (Code >= 0xd800 && Code <= 0xdfff)) {
        return TomlFail(Toml, "no character has this number");
    }
    *Used += TomlEncode(Out + *Used, Code);
    return true;
}

static json_t *TomlString(TOML *Toml)
{
    char Text[TOML_MOST_STRING + 8];
    size_t Used = 0;
    char Quote = *Toml->Next++;
    if (Toml->End - Toml->Next >= 2 && Toml->Next[0] == Quote && Toml->Next[1] == Quote) {
        TomlFail(Toml, "a string over several lines is not taken");
        return NULL;
    }
    while (TomlPeek(Toml) != Quote) {
        char Char = TomlPeek(Toml);
        if (TomlIsControl(Char)) {
            TomlFail(Toml, "a string ends on its line and has no control characters");
            return NULL;
        }
        if (Used >= TOML_MOST_STRING) {
            TomlFail(Toml, "a string is at most 8192 bytes long");
            return NULL;
        }
        Toml->Next++;
        if (Char != '\\' || Quote == '\'') {
            Text[Used++] = Char;
        } else if (!TomlEscape(Toml, Text, &Used)) {
            return NULL;
        }
    }
    Toml->Next++;
    return json_stringn(Text, Used);
}

/* Decimal, with _ between digits. */
static json_t *TomlInteger(TOML *Toml)
{
    bool Negative = TomlPeek(Toml) == '-', Digit = false;
    uint64_t Number = 0;
    const char *First = NULL;

    Toml->Next += Negative || TomlPeek(Toml) == '+';
    First = Toml->Next;
    for (;; Toml->Next++) {
        char Char = TomlPeek(Toml);
        if (Char == '_' && Digit) {
            Digit = false;
        } else if (Char >= '0' && Char <= '9' && Number <= INT64_MAX / 10) {
            Number = Number * 10 + (uint64_t)(Char - '0');
            Digit = true;
        } else {
            break;
        }
    }
    if (!Digit || Number > INT64_MAX || TomlIsBare(TomlPeek(Toml)) || TomlPeek(Toml) == '.' ||
        TomlPeek(Toml) == ':' || (*First == '0' && Toml->Next != First + 1)) {
        TomlFail(Toml, "a value is a string in quotes, a decimal number, true, false or an array");
        return NULL;
    }
    return json_integer(Negative ? -(json_int_t)Number : (json_int_t)Number);
}

static json_t *TomlScalar(TOML *Toml)
{
    size_t Rest = (size_t)(Toml->End - Toml->Next);
    for (int True = 0; True < 2; True++) {
        const char *Word = True ? "true" : "false";
        size_t Length = strlen(Word);
        if (Rest >= Length && memcmp(Toml->Next, Word, Length) == 0 &&
            (Rest == Length || !TomlIsBare(Toml->Next[Length]))) {
            Toml->Next += Length;
            return json_boolean(True);
        }
    }
    switch (TomlPeek(Toml)) {
    case '"':
    case '\'': return TomlString(Toml);
    case '{': TomlFail(Toml, "a table on one line is not taken: use [name]"); return NULL;
    case '[': TomlFail(Toml, "an array in an array is not taken"); return NULL;
    default: return TomlInteger(Toml);
    }
}

/* Blanks, comments and line ends between the parts of an array. */
static bool TomlGap(TOML *Toml)
{
    for (;;) {
        TomlBlanks(Toml);
        char Char = TomlPeek(Toml);
        if (Char != '#' && Char != '\n' && Char != '\r') {
            return true;
        }
        if (!TomlLineEnd(Toml)) {
            return false;
        }
    }
}

static json_t *TomlArray(TOML *Toml)
{
    json_t *Array = json_array();
    Toml->Next++;
    for (;;) {
        if (!TomlGap(Toml)) {
            break;
        }
        if (TomlPeek(Toml) == ']') {
            Toml->Next++;
            return Array;
        }
        if (json_array_size(Array) == TOML_MOST_ITEMS) {
            TomlFail(Toml, "an array has at most 10000 items");
            break;
        }
        json_t *Item = TomlScalar(Toml);
        if (Item == NULL || json_array_append_new(Array, Item) != 0 || !TomlGap(Toml)) {
            break;
        }
        if (TomlPeek(Toml) == ',') {
            Toml->Next++;
        } else if (TomlPeek(Toml) != ']') {
            TomlFail(Toml, "an array goes on with a comma or ends with ]");
            break;
        }
    }
    json_decref(Array);
    return NULL;
}

static bool TomlOnce(TOML *Toml, const char *Name, const char *Rule)
{
    if (json_object_get(Toml->Seen, Name) != NULL) {
        return TomlFail(Toml, Rule);
    }
    return json_object_set_new(Toml->Seen, Name, json_integer(0)) == 0;
}

static bool TomlTake(TOML *Toml, TOML_TAKE *Take, void *Context, const char *Name, unsigned Line,
                     json_t *Value)
{
    TOML_KEY Key = {Toml->Table, Toml->Entry, Name, Line};
    char Why[2048];
    if (Take(Context, &Key, Value, Why, sizeof(Why))) {
        return true;
    }
    snprintf(Toml->Error, Toml->ErrorSize, "%u: %s", Line, Why);
    return false;
}

static bool TomlHeader(TOML *Toml, TOML_TAKE *Take, void *Context)
{
    char Mark[TOML_NAME + 4];
    unsigned Line = Toml->Line;
    bool IsArray = Toml->End - Toml->Next >= 2 && Toml->Next[1] == '[';
    Toml->Next += IsArray ? 2 : 1;
    if (!TomlName(Toml, Toml->Table)) {
        return false;
    }
    for (int i = IsArray ? 2 : 1; i > 0; i--) {
        if (TomlPeek(Toml) != ']') {
            return TomlFail(Toml, "the header ends with ]");
        }
        Toml->Next++;
    }
    snprintf(Mark, sizeof(Mark), "0/%s", Toml->Table);
    if (json_object_get(Toml->Seen, Mark) != NULL) {
        return TomlFail(Toml, "the name is that of a key above");
    }
    snprintf(Mark, sizeof(Mark), "[%s]", Toml->Table);
    json_t *Entries = json_object_get(Toml->Seen, Mark);
    bool WasArray = Entries != NULL && json_integer_value(Entries) >= 0;
    if (Entries != NULL && (!IsArray || !WasArray)) {
        return TomlFail(Toml, "the table was there before");
    }
    Toml->Entry = IsArray && WasArray ? (unsigned)json_integer_value(Entries) + 1 : 0;
    json_object_set_new(Toml->Seen, Mark, json_integer(IsArray ? (json_int_t)Toml->Entry : -1));
    return TomlLineEnd(Toml) && (!IsArray || TomlTake(Toml, Take, Context, "", Line, NULL));
}

static bool TomlPair(TOML *Toml, TOML_TAKE *Take, void *Context)
{
    char Name[TOML_NAME], Mark[2 * TOML_NAME + 16];
    unsigned Line = Toml->Line;
    if (!TomlName(Toml, Name)) {
        return false;
    }
    if (Toml->Table[0] == 0) {
        snprintf(Mark, sizeof(Mark), "0/%s", Name);
    } else {
        snprintf(Mark, sizeof(Mark), "%s/%u/%s", Toml->Table, Toml->Entry + 1, Name);
    }
    if (!TomlOnce(Toml, Mark, "the key was given before")) {
        return false;
    }
    if (TomlPeek(Toml) != '=') {
        return TomlFail(Toml, "= is expected after the name");
    }
    Toml->Next++;
    TomlBlanks(Toml);
    json_t *Value = TomlPeek(Toml) == '[' ? TomlArray(Toml) : TomlScalar(Toml);
    bool Good = Value != NULL && TomlLineEnd(Toml) &&
                TomlTake(Toml, Take, Context, Name, Line, Value);
    json_decref(Value);
    return Good;
}

bool TomlParse(const char *Text, size_t Size, TOML_TAKE *Take, void *Context, char *Error,
               size_t ErrorSize)
{
    TOML Toml = {.Next = Text, .End = Text + Size, .LineStart = Text, .Line = 1,
                 .Error = Error, .ErrorSize = ErrorSize};
    json_t *Whole = json_stringn(Text, Size); /* only of UTF-8 */
    bool Good = Whole != NULL && Size <= TOML_MOST_BYTES && memchr(Text, 0, Size) == NULL;
    json_decref(Whole);
    if (!Good) {
        snprintf(Error, ErrorSize, "1: the file is UTF-8 without NUL, at most 1 MB");
        return false;
    }
    snprintf(Error, ErrorSize, "1: not enough memory");
    Toml.Seen = json_object();
    while (Good && Toml.Next < Toml.End) {
        TomlBlanks(&Toml);
        char Char = TomlPeek(&Toml);
        if (Char == '[') {
            Good = TomlHeader(&Toml, Take, Context);
        } else if (Char == 0 || Char == '#' || Char == '\n' || Char == '\r') {
            Good = TomlLineEnd(&Toml);
        } else {
            Good = TomlPair(&Toml, Take, Context);
        }
    }
    json_decref(Toml.Seen);
    return Good;
}
