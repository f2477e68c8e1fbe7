/* SPDX-License-Identifier: MIT */
/*
 * What is read of llvm-pdbutil's text (version 19; earlier ones print the same here):
 *
 *     GUID: {34D4049E-C821-79C6-4C4C-44205044422E}                            summary
 *     Age: 1
 *     SECTION HEADER #1                                                       section headers
 *         1000 virtual address
 *     76 | S_GPROC32 [size = 68] `Name`                                       symbols, publics,
 *          parent = 0, end = 372, addr = 0001:0000, code size = 100           globals
 *     9 | S_PUB32 [size = 32] `Name`
 *          flags = function, addr = 0001:50112
 *     4 | S_LDATA32 [size = 32] `Name`
 *          type = 0x1005 (_LIST_ENTRY), addr = 0003:0352
 *     kernel\ke\dpc.c (MD5: 7F2B...)                                          lines
 *       0001:00000000-00000064, line/addr entries = 6
 *         50 00000000 !   57 00000006 !
 *
 * Offsets are decimal in records and hexadecimal in lines. Sections come last in the text, so they
 * are looked for first.
 */
#include "host/symbols/pdb_symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/symbols/child_program.h"
#include "host/text/text.h"

#define PDB_DUMP_LIMIT_MS 60000
#define PDB_DUMP_OUTPUT (512u << 20)
#define PDB_MAX_SECTIONS 96u
#define PDB_MAX_OPTIONS 8u

typedef struct {
    SYMBOL_TABLE *Table;
    uint32_t SectionRva[PDB_MAX_SECTIONS + 1]; /* by number, from 1 */
    unsigned SectionCount;
    const char *Name; /* of the record whose second line is awaited; NULL: none */
    size_t NameLength;
    SYMBOL_KIND Kind;
    uint32_t File; /* of the lines that follow */
    bool HasFile;
    uint32_t Section, Begin, End; /* of the lines that follow; Section 0: passed over */
    bool Full; /* the table took no more */
} PDB_PARSER;

char *PdbDump(const char *Path, const char *const *What, size_t *Size, char *Error,
              size_t ErrorSize)
{
    static const char *const Programs[] = {"llvm-pdbutil-19", "llvm-pdbutil", NULL};
    char *Words[PDB_MAX_OPTIONS + 4] = {NULL, (char *)"dump"};
    unsigned Used = 2;

    while (*What != NULL && Used < PDB_MAX_OPTIONS + 2) {
        Words[Used++] = (char *)*What++;
    }
    Words[Used] = (char *)Path;
    const CHILD_PROGRAM Program = {"PAGEABLE_PDBUTIL", Programs, Words, PDB_DUMP_LIMIT_MS,
                                   PDB_DUMP_OUTPUT};
    char *Text = ChildProgramRun(&Program, Size);
    if (Text == NULL || *Size == 0) {
        char Clean[512];
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, ErrorSize, "%s: llvm-pdbutil-19 (package llvm-19) %s", Clean,
                 Text == NULL ? "did not end in time or wrote too much"
                              : "is not there or cannot read it");
        free(Text);
        return NULL;
    }
    return Text;
}

/* The next line of *Text up to End, without its newline; false at the end. */
static bool PdbNextLine(const char **Text, const char *End, const char **Line, size_t *Length)
{
    if (*Text >= End) {
        return false;
    }
    const char *Newline = memchr(*Text, '\n', (size_t)(End - *Text));
    *Line = *Text;
    *Length = (size_t)((Newline != NULL ? Newline : End) - *Text);
    *Text = Newline != NULL ? Newline + 1 : End;
    return true;
}

/* Where Word begins in the line, behind it; NULL: it does not occur. */
static const char *PdbAfter(const char *Line, size_t Length, const char *Word)
{
    const char *Found = memmem(Line, Length, Word, strlen(Word));
    return Found != NULL ? Found + strlen(Word) : NULL;
}

/* "0001:157856" of "addr = 0001:157856". The text ends with a NUL, so that strtoul is safe. */
static bool PdbParseAddress(const char *Text, int Base, uint32_t *Section, uint32_t *Offset)
{
    char *After;
    unsigned long First = strtoul(Text, &After, 10);
    if (After == Text || *After != ':') {
        return false;
    }
    const char *Number = After + 1;
    unsigned long Second = strtoul(Number, &After, Base);
    if (After == Number || First > UINT16_MAX || Second > UINT32_MAX) {
        return false;
    }
    *Section = (uint32_t)First;
    *Offset = (uint32_t)Second;
    return true;
}

static bool PdbToRva(const PDB_PARSER *Parser, uint32_t Section, uint32_t Offset, uint32_t *Rva)
{
    if (Section == 0 || Section > Parser->SectionCount ||
        Offset > UINT32_MAX - Parser->SectionRva[Section]) {
        return false;
    }
    *Rva = Parser->SectionRva[Section] + Offset;
    return true;
}

static void PdbParseSections(PDB_PARSER *Parser, const char *Text, const char *End)
{
    const char *Line;
    size_t Length;

    Text = PdbAfter(Text, (size_t)(End - Text), "SECTION HEADER #");
    while (Text != NULL && PdbNextLine(&Text, End, &Line, &Length)) {
        const char *Behind = PdbAfter(Line, Length, " virtual address");
        if (Behind != NULL && Parser->SectionCount < PDB_MAX_SECTIONS) {
            Parser->SectionRva[++Parser->SectionCount] = (uint32_t)strtoul(Line, NULL, 16);
        }
    }
}

/* The first line of a record that has a name we keep. */
static bool PdbParseRecord(PDB_PARSER *Parser, const char *Line, size_t Length)
{
    static const struct {
        const char *Word;
        SYMBOL_KIND Kind;
    } Records[] = {
        {"| S_GPROC32 [", SymbolFunction}, {"| S_LPROC32 [", SymbolFunction},
        {"| S_GDATA32 [", SymbolData},     {"| S_LDATA32 [", SymbolData},
        {"| S_PUB32 [", SymbolPublic},     {"| S_LABEL32 [", SymbolPublic},
    };
    const char *Bar = memchr(Line, '|', Length < 24 ? Length : 24);
    size_t Left = Bar != NULL ? Length - (size_t)(Bar - Line) : 0;

    for (size_t i = 0; i < sizeof(Records) / sizeof(Records[0]); i++) {
        size_t Word = strlen(Records[i].Word);
        if (Left <= Word || memcmp(Bar, Records[i].Word, Word) != 0) {
            continue;
        }
        const char *Open = memchr(Bar, '`', Left);
        const char *Close = memrchr(Bar, '`', Left);
        if (Open == NULL || Close <= Open + 1) {
            return false;
        }
        Parser->Name = Open + 1;
        Parser->NameLength = (size_t)(Close - Parser->Name);
        Parser->Kind = Records[i].Kind;
        return true;
    }
    return false;
}

/* The second line: where it is. */
static void PdbParsePlace(PDB_PARSER *Parser, const char *Line, size_t Length)
{
    static const char String[] = "`string'";
    const char *Address = PdbAfter(Line, Length, "addr = ");
    const char *Size = PdbAfter(Line, Length, "code size = ");
    const char *Type = PdbAfter(Line, Length, "type = 0x");
    SYMBOL_NAME Name = {.Kind = (uint8_t)Parser->Kind};
    uint32_t Section, Offset;

    if (Address != NULL && PdbParseAddress(Address, 10, &Section, &Offset) &&
        PdbToRva(Parser, Section, Offset, &Name.Rva)) {
        Name.Size = Size != NULL ? (uint32_t)strtoul(Size, NULL, 10) : 0;
        Name.Type = Type != NULL && Parser->Kind == SymbolData
                        ? (uint32_t)strtoul(Type, NULL, 16) : 0;
        /* A string constant: its name is its contents, mangled. */
        bool IsString = Parser->NameLength > 5 && memcmp(Parser->Name, "??_C@", 5) == 0;
        if (!SymbolTableAddName(Parser->Table, Name, IsString ? String : Parser->Name,
                                IsString ? sizeof(String) - 1 : Parser->NameLength)) {
            Parser->Full = true;
        }
    }
    Parser->Name = NULL;
}

/* "kernel\ke\dpc.c (MD5: 7F2B...)", at a line's beginning. */
static bool PdbParseFile(PDB_PARSER *Parser, const char *Line, size_t Length)
{
    char Name[SYMBOL_NAME_MAX + 1];
    const char *Open = memrchr(Line, '(', Length);

    if (Length == 0 || *Line == ' ' || Open == NULL || Open == Line) {
        return false;
    }
    if (PdbAfter(Open, Length - (size_t)(Open - Line), "MD5: ") == NULL &&
        PdbAfter(Open, Length - (size_t)(Open - Line), "SHA-") == NULL &&
        PdbAfter(Open, Length - (size_t)(Open - Line), "no checksum") == NULL) {
        return false;
    }
    size_t Size = (size_t)(Open - Line);
    Size -= Line[Size - 1] == ' ';
    Size = Size < sizeof(Name) ? Size : sizeof(Name) - 1;
    memcpy(Name, Line, Size);
    Name[Size] = 0;
    TextTurnSlashes(Name);
    Parser->HasFile = StringPoolAdd(&Parser->Table->Strings, Name, strlen(Name), &Parser->File);
    Parser->Full |= !Parser->HasFile;
    Parser->Section = 0;
    return true;
}

/* "  0001:00000000-00000064, line/addr entries = 6": the code whose lines follow. */
static bool PdbParseBlock(PDB_PARSER *Parser, const char *Line, size_t Length)
{
    const char *Dash = memchr(Line, '-', Length < 24 ? Length : 24);
    uint32_t End;

    if (Dash == NULL || PdbAfter(Line, Length, "line/addr entries") == NULL ||
        !PdbParseAddress(Line, 16, &Parser->Section, &Parser->Begin)) {
        return false;
    }
    Parser->End = (uint32_t)strtoul(Dash + 1, NULL, 16);
    if (!Parser->HasFile || Parser->End < Parser->Begin ||
        !PdbToRva(Parser, Parser->Section, Parser->End, &End)) {
        Parser->Section = 0;
    } else {
        Parser->Full |= !SymbolTableAddLine(Parser->Table, End, 0, 0);
    }
    return true;
}

/* "    50 00000000 !   57 00000006 !": lines and the offsets of their code in the section. */
static void PdbParseLines(PDB_PARSER *Parser, const char *Line, size_t Length)
{
    const char *End = Line + Length;

    while (Parser->Section != 0 && Line < End) {
        char *After;
        unsigned long Number = strtoul(Line, &After, 10);
        if (After == Line || After >= End || *After != ' ') {
            break;
        }
        const char *Offset = After + 1;
        unsigned long Place = strtoul(Offset, &After, 16);
        uint32_t Rva;
        if (After == Offset || After > End) {
            break;
        }
        if (Number != 0 && Number < 0xf00000 && Place >= Parser->Begin && Place < Parser->End &&
            PdbToRva(Parser, Parser->Section, (uint32_t)Place, &Rva)) {
            Parser->Full |= !SymbolTableAddLine(Parser->Table, Rva, (uint32_t)Number, Parser->File);
        }
        Line = After;
        while (Line < End && (*Line == ' ' || *Line == '!')) {
            Line++;
        }
    }
}

static void PdbParseLine(PDB_PARSER *Parser, const char *Line, size_t Length)
{
    if (Parser->Name != NULL) {
        PdbParsePlace(Parser, Line, Length);
        return;
    }
    if (Length == 0) {
        return;
    }
    if (*Line != ' ') {
        bool IsModule = Length > 4 && memcmp(Line, "Mod ", 4) == 0;
        if (IsModule || !PdbParseFile(Parser, Line, Length)) {
            Parser->HasFile = false;
            Parser->Section = 0;
        }
        return;
    }
    if (!PdbParseRecord(Parser, Line, Length) && !PdbParseBlock(Parser, Line, Length)) {
        PdbParseLines(Parser, Line, Length);
    }
}

bool PdbParseSymbols(const char *Text, size_t Size, SYMBOL_TABLE *Table)
{
    PDB_PARSER Parser = {.Table = Table};
    const char *End = Text + Size, *Line;
    size_t Length;

    PdbParseSections(&Parser, Text, End);
    while (!Parser.Full && PdbNextLine(&Text, End, &Line, &Length)) {
        PdbParseLine(&Parser, Line, Length);
    }
    if (!SymbolTableSort(Table) || Table->NameCount == 0) {
        SymbolTableFree(Table);
        return false;
    }
    return true;
}

/* Digits of a GUID's text, and where each pair of them goes: the first three parts are numbers,
   stored little endian. */
static bool PdbParseGuid(const char *Text, size_t Length, uint8_t Guid[16])
{
    static const uint8_t Place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    unsigned Pairs = 0;

    for (size_t i = 0; i + 1 < Length && Pairs < 16;) {
        char Pair[3] = {Text[i], Text[i + 1], 0};
        char *After;
        if (Text[i] == '-') {
            i++;
            continue;
        }
        Guid[Place[Pairs++]] = (uint8_t)strtoul(Pair, &After, 16);
        if (After != Pair + 2) {
            return false;
        }
        i += 2;
    }
    return Pairs == 16;
}

bool PdbParseIdentity(const char *Text, size_t Size, PDB_IDENTITY *Identity)
{
    const char *Guid = PdbAfter(Text, Size, "\n  GUID: {");
    const char *Age = PdbAfter(Text, Size, "\n  Age: ");

    if (Guid == NULL || Age == NULL) {
        return false;
    }
    Identity->Age = (uint32_t)strtoul(Age, NULL, 10);
    return PdbParseGuid(Guid, Size - (size_t)(Guid - Text), Identity->Guid);
}

/* Says what Path lacks, when its text could be had. */
static void PdbCheck(bool Good, const char *Text, const char *Path, const char *Problem,
                     char *Error, size_t ErrorSize)
{
    if (Text != NULL && !Good) {
        char Clean[512];
        TextCleanString(Clean, sizeof(Clean), Path);
        snprintf(Error, ErrorSize, "%s: %s", Clean, Problem);
    }
}

bool PdbReadIdentity(const char *Path, PDB_IDENTITY *Identity, char *Error, size_t ErrorSize)
{
    static const char *const What[] = {"--summary", NULL};
    size_t Size;
    char *Text = PdbDump(Path, What, &Size, Error, ErrorSize);
    bool Good = Text != NULL && PdbParseIdentity(Text, Size, Identity);
    PdbCheck(Good, Text, Path, "no GUID and age in what llvm-pdbutil says of it", Error, ErrorSize);
    free(Text);
    return Good;
}

bool PdbReadSymbols(const char *Path, SYMBOL_TABLE *Table, char *Error, size_t ErrorSize)
{
    static const char *const What[] = {"--section-headers", "--publics", "--globals", "--symbols",
                                       "-l", NULL};
    size_t Size;
    *Table = (SYMBOL_TABLE){0};
    char *Text = PdbDump(Path, What, &Size, Error, ErrorSize);
    bool Good = Text != NULL && PdbParseSymbols(Text, Size, Table);
    PdbCheck(Good, Text, Path, "no names in it", Error, ErrorSize);
    free(Text);
    return Good;
}
