/* SPDX-License-Identifier: MIT */
/*
 * d*: memory in WinDbg's columns. What cannot be read shows as ??, and a line after the columns
 * says why for the first such byte. command_edit.c has what changes or searches memory.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debugger.h"
#include "host/debugger/memory_view.h"
#include "host/text/text.h"

#define DUMP_DEFAULT_BYTES 128u
#define DUMP_MAX_STRING 0x1000u /* characters */
#define DUMP_LINE_CHARACTERS 32u

typedef enum {
    DumpBytes,
    DumpNumbers,
    DumpPointersWithNames, /* dps: what it points to */
    DumpPointed,           /* dpp: and the pointer-sized value there */
    DumpText,              /* da, du: to the NUL */
    DumpString,            /* ds, dS: a counted string's header is at the address */
} DUMP_FORM;

typedef struct {
    DUMP_FORM Form;
    unsigned Size;   /* bytes of an object */
    bool Characters; /* dc, dW: and as text */
} DUMP_STYLE;

/* What a d without an address goes on with. */
static struct {
    uint64_t Next;
    DUMP_STYLE Style;
} DumpPlace = {.Style = {DumpBytes, 1, true}};

static void DumpExplain(DEBUGGER *Debugger, const MEMORY_VIEW *View)
{
    uint8_t Byte;
    size_t Hole = MemoryViewHole(View);
    if (Hole < View->Size && !DebugRead(Debugger, View->Address + Hole, &Byte, 1)) {
        DebuggerPrint(Debugger, "*** %s\n", Debugger->Target->Error);
    }
}

/* One object's digits; ? for each when a byte of it is missing. */
static void DumpNumber(DEBUGGER *Debugger, const MEMORY_VIEW *View, size_t At, unsigned Size)
{
    uint64_t Value = 0;
    char Text[DEBUG_ADDRESS_SIZE];

    if (!MemoryViewHas(View, At, Size)) {
        DebuggerPrint(Debugger, "%s", Size == 8 ? "????????`????????"
                                      : Size == 4 ? "????????" : Size == 2 ? "????" : "??");
        return;
    }
    memcpy(&Value, View->Bytes + At, Size);
    if (Size == 8) {
        DebuggerPrint(Debugger, "%s", DebugAddressText(Value, Text));
    } else {
        DebuggerPrint(Debugger, "%0*llx", (int)(2 * Size), (unsigned long long)Value);
    }
}

/* One line of at most 16 bytes from At: numbers, then characters. */
void MemoryViewPrintLine(DEBUGGER *Debugger, const MEMORY_VIEW *View, size_t At, unsigned Size,
                         bool Characters)
{
    char Text[DEBUG_ADDRESS_SIZE];
    size_t End = View->Size - At < 16 ? View->Size : At + 16;

    DebuggerPrint(Debugger, "%s ", DebugAddressText(View->Address + At, Text));
    for (size_t i = At; i < At + 16; i += Size) {
        if (i + Size <= End) {
            DebuggerPrint(Debugger, "%s", Size == 1 && i == At + 8 ? "-" : " ");
            DumpNumber(Debugger, View, i, Size);
        } else if (Characters) { /* the characters stand under those of other lines */
            DebuggerPrint(Debugger, "%*s", (int)(Size == 8 ? 18 : 2 * Size + 1), "");
        }
    }
    if (Characters) {
        DebuggerPrint(Debugger, "  ");
        for (size_t i = At; i < End; i++) {
            uint8_t Byte = View->Bytes[i];
            bool Visible = Byte >= 0x20 && Byte < 0x7f;
            DebuggerPrint(Debugger, "%c", !View->Valid[i] ? '?' : Visible ? Byte : '.');
        }
    }
    DebuggerPrint(Debugger, "\n");
}

/* dps: a line for each; dpp: with what is at the place it points to. The name is looked for before
   anything is printed, as reading a PDB may have something to say. */
static void DumpPointers(DEBUGGER *Debugger, const MEMORY_VIEW *View, const DUMP_STYLE *Style)
{
    char Text[DEBUG_ADDRESS_SIZE], Pointed[DEBUG_ADDRESS_SIZE + 1], Name[400];

    for (size_t At = 0; At + Style->Size <= View->Size && !DebuggerInterrupted(Debugger);
         At += Style->Size) {
        uint64_t Value = 0;
        bool Known = MemoryViewHas(View, At, Style->Size);
        memcpy(&Value, View->Bytes + At, Known ? Style->Size : 0);
        Name[0] = Pointed[0] = 0;
        if (Known && Style->Form == DumpPointed) {
            Known = DebugReadSome(Debugger, Value, &Value, sizeof(Value)) == sizeof(Value);
            snprintf(Pointed, sizeof(Pointed), " %s",
                     Known ? DebugAddressText(Value, Text) : "????????`????????");
        }
        if (Known && DebugFindModule(Debugger, Value) != NULL) {
            DebugSymbolText(Debugger, Value, Name, sizeof(Name));
        }
        DebuggerPrint(Debugger, "%s  ", DebugAddressText(View->Address + At, Text));
        DumpNumber(Debugger, View, At, Style->Size);
        DebuggerPrint(Debugger, "%s%s%s\n", Pointed, Name[0] != 0 ? " " : "", Name);
    }
}

/* Characters up to a NUL or Count, as "lines" of 32; returns how many were taken. */
static size_t DumpCharacters(DEBUGGER *Debugger, uint64_t Address, uint64_t Count, unsigned Size,
                             bool ToNul)
{
    char Line[DUMP_LINE_CHARACTERS + 1], Text[DEBUG_ADDRESS_SIZE];
    size_t Taken = 0;
    bool More = true;

    while (More && Taken < Count) {
        uint64_t Begin = Address + Taken * Size;
        unsigned Used = 0;
        while (Used < DUMP_LINE_CHARACTERS && Taken < Count) {
            uint64_t Value = 0;
            if (DebugReadSome(Debugger, Begin + Used * Size, &Value, Size) != Size) {
                DebuggerPrint(Debugger, "%s  \"%.*s\"\n", DebugAddressText(Begin, Text),
                              (int)Used, Line);
                if (!DebugReadSized(Debugger, Begin + Used * Size, Size, &Value)) {
                    DebuggerPrint(Debugger, "*** %s\n", Debugger->Target->Error);
                }
                return Taken;
            }
            if (Value == 0 && ToNul) {
                More = false;
                break;
            }
            Line[Used++] = Value >= 0x20 && Value < 0x7f ? (char)Value : '.';
            Taken++;
        }
        Line[Used] = 0;
        if (Used != 0 || Taken == 0) {
            DebuggerPrint(Debugger, "%s  \"%s\"\n", DebugAddressText(Begin, Text), Line);
        }
    }
    return Taken;
}

/* STRING and UNICODE_STRING: length in bytes, room, buffer. */
static bool DumpCounted(DEBUGGER *Debugger, uint64_t Address, unsigned Size)
{
    uint64_t Length, Buffer;

    if (!DebugReadSized(Debugger, Address, 2, &Length) ||
        !DebugRead64(Debugger, Address + 8, &Buffer)) {
        return DebuggerError(Debugger, "%s", Debugger->Target->Error);
    }
    DumpCharacters(Debugger, Buffer, Length / Size, Size, false);
    return true;
}

static bool DumpMemory(DEBUGGER *Debugger, uint64_t Address, uint64_t Count,
                       const DUMP_STYLE *Style)
{
    MEMORY_VIEW View;

    if (!MemoryViewRead(Debugger, Address, Count * Style->Size, &View)) {
        return false;
    }
    if (Style->Form == DumpPointersWithNames || Style->Form == DumpPointed) {
        DumpPointers(Debugger, &View, Style);
    } else {
        for (size_t At = 0; At < View.Size && !DebuggerInterrupted(Debugger); At += 16) {
            MemoryViewPrintLine(Debugger, &View, At, Style->Size, Style->Characters);
        }
    }
    DumpExplain(Debugger, &View);
    DumpPlace.Next = Address + View.Size;
    MemoryViewFree(&View);
    return true;
}

static bool DumpRun(DEBUGGER *Debugger, const char *Arguments, DUMP_STYLE Style)
{
    bool IsText = Style.Form == DumpText || Style.Form == DumpString;
    DEBUG_RANGE Range = {.Address = DumpPlace.Next,
                         .Count = IsText ? DUMP_MAX_STRING : DUMP_DEFAULT_BYTES / Style.Size};

    if (*Arguments != 0 &&
        (!ExpressionRange(Debugger, &Arguments, Style.Size, Range.Count, &Range) ||
         !CommandEnd(Debugger, Arguments))) {
        return false;
    }
    DumpPlace.Style = Style;
    if (Style.Form == DumpString) {
        return DumpCounted(Debugger, Range.Address, Style.Size);
    }
    if (Style.Form == DumpText) {
        size_t Taken = DumpCharacters(Debugger, Range.Address, Range.Count, Style.Size, true);
        DumpPlace.Next = Range.Address + (Taken + 1) * Style.Size;
        return true;
    }
    return DumpMemory(Debugger, Range.Address, Range.Count, &Style);
}

static bool CommandD(DEBUGGER *Debugger, const char *Arguments)
{
    return DumpRun(Debugger, Arguments, DumpPlace.Style);
}

#define DUMP_COMMAND(name, form, size, characters)                                \
    static bool CommandD##name(DEBUGGER *Debugger, const char *Arguments)         \
    {                                                                             \
        return DumpRun(Debugger, Arguments, (DUMP_STYLE){form, size, characters}); \
    }

DUMP_COMMAND(a, DumpText, 1, false)
DUMP_COMMAND(b, DumpBytes, 1, true)
DUMP_COMMAND(c, DumpNumbers, 4, true)
DUMP_COMMAND(d, DumpNumbers, 4, false)
DUMP_COMMAND(ds, DumpPointersWithNames, 4, false)
DUMP_COMMAND(pp, DumpPointed, 8, false)
DUMP_COMMAND(ps, DumpPointersWithNames, 8, false)
DUMP_COMMAND(q, DumpNumbers, 8, false)
DUMP_COMMAND(s, DumpString, 1, false)
DUMP_COMMAND(S, DumpString, 2, false)
DUMP_COMMAND(u, DumpText, 2, false)
DUMP_COMMAND(w, DumpNumbers, 2, false)
DUMP_COMMAND(W, DumpNumbers, 2, true)

const DEBUGGER_COMMAND CommandsMemory[] = {
    {"d", CommandD, "d [Range]", "Goes on as the last d* command.", false},
    {"da", CommandDa, "da [Range]", "ASCII characters up to a NUL.", false},
    {"db", CommandDb, "db [Range]", "Bytes and characters.", false},
    {"dc", CommandDc, "dc [Range]", "32-bit values and characters.", false},
    {"dd", CommandDd, "dd [Range]", "32-bit values.", false},
    {"dds", CommandDds, "dds [Range]", "32-bit values with the names at them.", false},
    {"dp", CommandDq, "dp [Range]", "Pointers, as dq.", false},
    {"dpp", CommandDpp, "dpp [Range]", "Pointers, what they point to, and its name.", false},
    {"dps", CommandDps, "dps [Range]", "Pointers with the names at them.", false},
    {"dq", CommandDq, "dq [Range]", "64-bit values.", false},
    {"dqs", CommandDps, "dqs [Range]", "As dps.", false},
    {"ds", CommandDs, "ds Address", "The text of a STRING.", false},
    {"dS", CommandDS, "dS Address", "The text of a UNICODE_STRING.", false},
    {"du", CommandDu, "du [Range]", "UTF-16 characters up to a NUL.", false},
    {"dw", CommandDw, "dw [Range]", "16-bit values.", false},
    {"dW", CommandDW, "dW [Range]", "16-bit values and characters.", false},
    {0},
};
