/* SPDX-License-Identifier: MIT */
/*
 * The syntax is regedit's (Microsoft KB 310516): a header, then [key] and [-key] lines, each
 * followed by "name"=value and @=value lines. A value is "text", dword:8 digits, hex:bytes,
 * hex(type):bytes, or - (delete). A backslash ends a line of bytes that goes on; a text may hold
 * line ends. ; begins a comment.
 */
#include "host/input/registry_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/text/text.h"
#include "host/text/wide_text.h"

#define REG_SZ 1u
#define REG_BINARY 3u
#define REG_DWORD 4u
#define END 0x10000u /* not a character */
#define COMPONENT_MOST 255u /* characters of one key's name: documented */
#define PATH_MOST (CONTROL_REGISTRY_KEY_MOST / 2)

typedef struct {
    REGISTRY_FILE *File;
    const uint16_t *Text;
    size_t Count, At;
    uint32_t Line;
    bool HasKey; /* values may follow */
    uint32_t Key, KeyLength;
    char *Error;
    size_t ErrorSize;
} PARSE;

__attribute__((format(printf, 2, 3))) static bool Fail(PARSE *Parse, const char *Format, ...)
{
    char Path[512];
    va_list Arguments;
    size_t Used;

    TextCleanString(Path, sizeof(Path), Parse->File->Path);
    snprintf(Parse->Error, Parse->ErrorSize, "%s:%u: ", Path, Parse->Line);
    Used = strlen(Parse->Error);
    va_start(Arguments, Format);
    vsnprintf(Parse->Error + Used, Parse->ErrorSize - Used, Format, Arguments);
    va_end(Arguments);
    return false;
}

/* ---- characters ---- */

static uint32_t Peek(const PARSE *Parse)
{
    return Parse->At < Parse->Count ? Parse->Text[Parse->At] : END;
}

static uint32_t Next(PARSE *Parse)
{
    uint32_t Character = Peek(Parse);
    Parse->At += Character != END;
    Parse->Line += Character == '\n';
    return Character;
}

static bool Accept(PARSE *Parse, uint32_t Character)
{
    bool Found = Peek(Parse) == Character;
    if (Found) {
        Next(Parse);
    }
    return Found;
}

/* Letters without case; ASCII only. */
static bool AcceptWord(PARSE *Parse, const char *Word)
{
    size_t Length = strlen(Word);
    for (size_t i = 0; i < Length; i++) {
        uint32_t Character = Parse->At + i < Parse->Count ? Parse->Text[Parse->At + i] : END;
        Character += Character >= 'A' && Character <= 'Z' ? 32 : 0;
        if (Character != (uint32_t)Word[i]) {
            return false;
        }
    }
    Parse->At += Length;
    return true;
}

static void SkipBlanks(PARSE *Parse)
{
    while (Peek(Parse) == ' ' || Peek(Parse) == '\t') {
        Next(Parse);
    }
}

/* Blanks, perhaps a comment, the end of the line. */
static bool EndLine(PARSE *Parse, const char *After)
{
    SkipBlanks(Parse);
    if (Peek(Parse) == ';') {
        while (Peek(Parse) != '\n' && Peek(Parse) != END) {
            Next(Parse);
        }
        Accept(Parse, '\n');
        return true;
    }
    Accept(Parse, '\r');
    return Accept(Parse, '\n') || Peek(Parse) == END || Fail(Parse, "something follows %s", After);
}

static int HexDigit(uint32_t Character)
{
    return Character >= '0' && Character <= '9'   ? (int)Character - '0'
           : Character >= 'a' && Character <= 'f' ? (int)Character - 'a' + 10
           : Character >= 'A' && Character <= 'F' ? (int)Character - 'A' + 10
                                                  : -1;
}

/* How many digits there were, Most at most. */
static unsigned Hex(PARSE *Parse, unsigned Most, uint32_t *Number)
{
    unsigned Count = 0;
    *Number = 0;
    while (Count < Most && HexDigit(Peek(Parse)) >= 0) {
        *Number = *Number << 4 | (uint32_t)HexDigit(Next(Parse));
        Count++;
    }
    return Count;
}

/* ---- what is kept ---- */

static bool Put(PARSE *Parse, const void *Bytes, size_t Length)
{
    REGISTRY_FILE *File = Parse->File;
    if (File->ByteRoom - File->ByteCount < Length) {
        size_t Room = File->ByteRoom * 2 + Length + 4096;
        uint8_t *New = realloc(File->Bytes, Room);
        if (New == NULL) {
            return Fail(Parse, "not enough memory");
        }
        File->Bytes = New;
        File->ByteRoom = Room;
    }
    memcpy(File->Bytes + File->ByteCount, Bytes, Length);
    File->ByteCount += Length;
    return true;
}

static bool PutCharacter(PARSE *Parse, uint32_t Character)
{
    uint16_t Narrow = (uint16_t)Character;
    return Put(Parse, &Narrow, sizeof(Narrow));
}

static bool AddChange(PARSE *Parse, const REGISTRY_CHANGE *Change)
{
    REGISTRY_FILE *File = Parse->File;
    if (File->ChangeCount == File->ChangeRoom) {
        size_t Room = File->ChangeRoom * 2 + 64;
        REGISTRY_CHANGE *New = realloc(File->Changes, Room * sizeof(*New));
        if (New == NULL) {
            return Fail(Parse, "not enough memory");
        }
        File->Changes = New;
        File->ChangeRoom = Room;
    }
    File->Changes[File->ChangeCount++] = *Change;
    return true;
}

/* ---- keys ---- */

size_t RegistryFullPath(const uint16_t *Path, size_t Count, uint16_t *Out, size_t Room)
{
    static const struct {
        const char *Name, *Full;
    } Roots[] = {
        {"hkey_local_machine", "\\REGISTRY\\MACHINE"},
        {"hklm", "\\REGISTRY\\MACHINE"},
        {"hkey_users", "\\REGISTRY\\USER"},
        {"hku", "\\REGISTRY\\USER"},
        {"hkey_current_user", "\\REGISTRY\\USER\\.DEFAULT"},
        {"hkcu", "\\REGISTRY\\USER\\.DEFAULT"},
        {"hkey_classes_root", "\\REGISTRY\\MACHINE\\SOFTWARE\\Classes"},
        {"hkcr", "\\REGISTRY\\MACHINE\\SOFTWARE\\Classes"},
        {"\\registry", "\\REGISTRY"},
    };
    for (size_t i = 0; i < sizeof(Roots) / sizeof(Roots[0]); i++) {
        PARSE Parse = {.Text = Path, .Count = Count};
        size_t Length = strlen(Roots[i].Full);
        if (!AcceptWord(&Parse, Roots[i].Name) || (Parse.At < Count && Path[Parse.At] != '\\')) {
            continue;
        }
        if (Length + (Count - Parse.At) > Room) {
            return 0;
        }
        for (size_t k = 0; k < Length; k++) {
            Out[k] = (uint8_t)Roots[i].Full[k];
        }
        memcpy(Out + Length, Path + Parse.At, (Count - Parse.At) * sizeof(*Out));
        return Length + (Count - Parse.At);
    }
    return 0;
}

/* [key] or [-key], up to the last ] of the line: a key's name may hold one. */
static bool KeyLine(PARSE *Parse)
{
    static uint16_t Path[PATH_MOST];
    bool Delete = Accept(Parse, '-');
    size_t First = Parse->At, Last = 0, Component = 0;

    while (Peek(Parse) != '\r' && Peek(Parse) != '\n' && Peek(Parse) != END) {
        if (Peek(Parse) == ']') {
            Last = Parse->At;
        } else if (Peek(Parse) == 0) {
            return Fail(Parse, "a key's name holds a NUL");
        }
        Component = Peek(Parse) == '\\' ? 0 : Component + 1;
        if (Component > COMPONENT_MOST && Last == 0) {
            return Fail(Parse, "a key's name has more than 255 characters");
        }
        Next(Parse);
    }
    if (Last == 0) {
        return Fail(Parse, "a line that begins with [ ends with ]");
    }
    size_t Count = RegistryFullPath(Parse->Text + First, Last - First, Path, PATH_MOST);
    Parse->At = Last + 1;
    if (Count == 0) {
        return Fail(Parse, "a key's path begins with HKEY_LOCAL_MACHINE, HKEY_USERS, "
                           "HKEY_CURRENT_USER or HKEY_CLASSES_ROOT, and has at most %u characters",
                    PATH_MOST);
    }
    Parse->Key = (uint32_t)Parse->File->ByteCount;
    Parse->KeyLength = (uint32_t)(Count * sizeof(*Path));
    Parse->HasKey = !Delete;
    REGISTRY_CHANGE Change = {
        .Operation = Delete ? ControlRegistryDeleteKey : ControlRegistryCreateKey,
        .Line = Parse->Line,
        .Key = Parse->Key,
        .KeyLength = Parse->KeyLength,
    };
    return Put(Parse, Path, Parse->KeyLength) && AddChange(Parse, &Change) &&
           EndLine(Parse, "the key");
}

/* ---- values ---- */

/* After the opening quote: up to the closing one. \\ and \" are \ and ". */
static bool Quoted(PARSE *Parse, size_t Most, const char *What)
{
    const uint32_t Line = Parse->Line;
    for (size_t Count = 0;; Count++) {
        uint32_t Character = Next(Parse);
        if (Character == '"') {
            return true;
        }
        if (Character == END) {
            Parse->Line = Line;
            return Fail(Parse, "%s does not end", What);
        }
        if (Character == '\\') {
            Character = Next(Parse);
            if (Character != '\\' && Character != '"') {
                return Fail(Parse, "%s: after a \\ comes \\ or \"", What);
            }
        }
        if (Count == Most) {
            return Fail(Parse, "%s has more than %zu characters", What, Most);
        }
        if (!PutCharacter(Parse, Character)) {
            return false;
        }
    }
}

/* Bytes with commas between; a \ at a line's end goes on in the next. */
static bool HexBytes(PARSE *Parse)
{
    uint32_t Number;
    size_t First = Parse->File->ByteCount;

    for (bool Wanted = false;;) {
        SkipBlanks(Parse);
        if (Accept(Parse, '\\')) {
            SkipBlanks(Parse);
            Accept(Parse, '\r');
            if (!Accept(Parse, '\n')) {
                return Fail(Parse, "hex: a \\ stands at the end of its line");
            }
            continue;
        }
        unsigned Digits = Hex(Parse, 2, &Number);
        if (Digits == 0) {
            return !Wanted || Fail(Parse, "hex: a byte of two digits follows a comma");
        }
        if (Digits == 1 || HexDigit(Peek(Parse)) >= 0) {
            return Fail(Parse, "hex: a byte has two digits");
        }
        if (Parse->File->ByteCount - First == CONTROL_REGISTRY_DATA_MOST) {
            return Fail(Parse, "a value has more than %u bytes", CONTROL_REGISTRY_DATA_MOST);
        }
        uint8_t Byte = (uint8_t)Number;
        if (!Put(Parse, &Byte, 1)) {
            return false;
        }
        SkipBlanks(Parse);
        Wanted = Accept(Parse, ',');
        if (!Wanted) {
            return true;
        }
    }
}

static bool HexValue(PARSE *Parse, REGISTRY_CHANGE *Change)
{
    Change->Type = REG_BINARY;
    if (Accept(Parse, '(')) {
        if (Hex(Parse, 8, &Change->Type) == 0 || !Accept(Parse, ')')) {
            return Fail(Parse, "hex(: a type of 1 to 8 hexadecimal digits, then )");
        }
    }
    return Accept(Parse, ':') ? HexBytes(Parse) : Fail(Parse, "hex: needs its colon");
}

static bool Value(PARSE *Parse, REGISTRY_CHANGE *Change)
{
    uint32_t Number;

    Change->Operation = ControlRegistrySetValue;
    Change->Data = (uint32_t)Parse->File->ByteCount;
    if (Accept(Parse, '-')) {
        Change->Operation = ControlRegistryDeleteValue;
    } else if (Accept(Parse, '"')) {
        Change->Type = REG_SZ;
        if (!Quoted(Parse, CONTROL_REGISTRY_DATA_MOST / 2 - 1, "a text") ||
            !PutCharacter(Parse, 0)) {
            return false;
        }
    } else if (AcceptWord(Parse, "dword:")) {
        Change->Type = REG_DWORD;
        SkipBlanks(Parse);
        if (Hex(Parse, 8, &Number) == 0 || HexDigit(Peek(Parse)) >= 0) {
            return Fail(Parse, "dword: 1 to 8 hexadecimal digits");
        }
        if (!Put(Parse, &Number, sizeof(Number))) {
            return false;
        }
    } else if (AcceptWord(Parse, "hex")) {
        if (!HexValue(Parse, Change)) {
            return false;
        }
    } else {
        return Fail(Parse, "a value is \"text\", dword:, hex:, hex(type):, or - to delete it");
    }
    Change->DataLength = (uint32_t)(Parse->File->ByteCount - Change->Data);
    return true;
}

static bool ValueLine(PARSE *Parse)
{
    REGISTRY_CHANGE Change = {
        .Line = Parse->Line, .Key = Parse->Key, .KeyLength = Parse->KeyLength};

    if (!Parse->HasKey) {
        return Fail(Parse, "a value stands below the [key] that it belongs to");
    }
    Change.Name = (uint32_t)Parse->File->ByteCount;
    if (!Accept(Parse, '@')) {
        Next(Parse); /* the quote */
        if (!Quoted(Parse, CONTROL_REGISTRY_NAME_MOST / 2, "a value's name")) {
            return false;
        }
    }
    Change.NameLength = (uint32_t)(Parse->File->ByteCount - Change.Name);
    SkipBlanks(Parse);
    if (!Accept(Parse, '=')) {
        return Fail(Parse, "= follows a value's name");
    }
    SkipBlanks(Parse);
    return Value(Parse, &Change) && EndLine(Parse, "the value") && AddChange(Parse, &Change);
}

static bool Header(PARSE *Parse)
{
    if (AcceptWord(Parse, "regedit4")) {
        return Fail(Parse, "the format REGEDIT4 is not read: export as Version 5.00");
    }
    if (!AcceptWord(Parse, "windows registry editor version 5.00")) {
        return Fail(Parse, "a .reg file begins with: Windows Registry Editor Version 5.00");
    }
    return EndLine(Parse, "the header");
}

static bool ParseText(PARSE *Parse)
{
    if (!Header(Parse)) {
        return false;
    }
    for (;;) {
        SkipBlanks(Parse);
        uint32_t Character = Peek(Parse);
        bool Good;
        if (Character == END) {
            return true;
        }
        if (Character == '\r' || Character == '\n' || Character == ';') {
            Good = EndLine(Parse, "an empty line");
        } else if (Accept(Parse, '[')) {
            Good = KeyLine(Parse);
        } else if (Character == '"' || Character == '@') {
            Good = ValueLine(Parse);
        } else {
            return Fail(Parse, "a line is a [key], a \"name\"=value, @=value or a ; comment");
        }
        if (!Good) {
            return false;
        }
    }
}

/* ---- the whole ---- */

/* Malloc's; NULL: Error. */
static uint16_t *Widen(PARSE *Parse, const uint8_t *Text, size_t Size, size_t *Count)
{
    uint16_t *Wide = malloc((Size + 1) * sizeof(*Wide));

    if (Wide == NULL) {
        Fail(Parse, "not enough memory");
        return NULL;
    }
    if (Size >= 2 && Text[0] == 0xff && Text[1] == 0xfe) {
        *Count = (Size - 2) / 2;
        memcpy(Wide, Text + 2, *Count * 2);
        return Wide;
    }
    if (Size >= 3 && memcmp(Text, "\xef\xbb\xbf", 3) == 0) {
        Text += 3;
        Size -= 3;
    }
    if (!WideFromUtf8(Text, Size, Wide, Count)) {
        for (size_t i = 0; i < *Count; i++) {
            Parse->Line += Text[i] == '\n';
        }
        Fail(Parse, "neither UTF-8 nor UTF-16LE with its mark (byte 0x%02x)", Text[*Count]);
        free(Wide);
        return NULL;
    }
    return Wide;
}

bool RegistryFileParse(REGISTRY_FILE *File, const char *Path, const void *Text, size_t Size,
                       char *Error, size_t ErrorSize)
{
    PARSE Parse = {.File = File, .Line = 1, .Error = Error, .ErrorSize = ErrorSize};

    *File = (REGISTRY_FILE){.Path = Path};
    if (Size > REGISTRY_FILE_MOST) {
        return Fail(&Parse, "a .reg file has at most 4 MB");
    }
    uint16_t *Wide = Widen(&Parse, Text, Size, &Parse.Count);
    Parse.Text = Wide;
    bool Good = Wide != NULL && ParseText(&Parse);
    free(Wide);
    if (!Good) {
        RegistryFileFree(File);
    }
    return Good;
}

void RegistryFileFree(REGISTRY_FILE *File)
{
    free(File->Changes);
    free(File->Bytes);
    *File = (REGISTRY_FILE){.Path = File->Path};
}

CONTROL_REGISTRY RegistryChangeRequest(const REGISTRY_FILE *File, const REGISTRY_CHANGE *Change,
                                       uint8_t TextAndData[REGISTRY_REQUEST_MOST])
{
    const CONTROL_REGISTRY Request = {
        .Operation = Change->Operation,
        .Type = Change->Type,
        .TextLength = Change->KeyLength + Change->NameLength,
        .KeyLength = Change->KeyLength,
        .DataLength = Change->DataLength,
    };
    memcpy(TextAndData, File->Bytes + Change->Key, Change->KeyLength);
    memcpy(TextAndData + Change->KeyLength, File->Bytes + Change->Name, Change->NameLength);
    memcpy(TextAndData + Request.TextLength, File->Bytes + Change->Data, Change->DataLength);
    return Request;
}
