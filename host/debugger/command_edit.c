/* SPDX-License-Identifier: MIT */
/* e*, f, s: memory changed, filled, searched. */
#include <ctype.h>
#include <string.h>

#include "host/debugger/memory_view.h"

#define EDIT_MAX_BYTES 0x1000u /* of values, a pattern or a text */
#define SEARCH_MAX_BYTES (256ull << 20)
#define SEARCH_STEP 0x10000u
#define FILL_MAX_BYTES (16ull << 20)

typedef struct {
    uint8_t Bytes[EDIT_MAX_BYTES];
    size_t Size;
} EDIT_VALUES;

static bool EditAppend(DEBUGGER *Debugger, EDIT_VALUES *Values, uint64_t Value, unsigned Size)
{
    if (Values->Size + Size > EDIT_MAX_BYTES) {
        return DebuggerError(Debugger, "The values are over 0x%x bytes", EDIT_MAX_BYTES);
    }
    memcpy(Values->Bytes + Values->Size, &Value, Size);
    Values->Size += Size;
    return true;
}

/* "text" or 'c', as characters of Size bytes. */
static bool EditParseText(DEBUGGER *Debugger, const char **Text, unsigned Size,
                          EDIT_VALUES *Values)
{
    char Quote = *(*Text)++;

    while (**Text != 0 && **Text != Quote) {
        if (!EditAppend(Debugger, Values, (uint8_t) * (*Text)++, Size)) {
            return false;
        }
    }
    if (**Text != Quote) {
        return DebuggerError(Debugger, "The text has no end");
    }
    ++*Text;
    return true;
}

/* The values up to the end of the arguments: numbers of Size bytes, and text. At least one. */
static bool EditParseValues(DEBUGGER *Debugger, const char *Text, unsigned Size,
                            unsigned CharacterSize, EDIT_VALUES *Values)
{
    Values->Size = 0;
    while (Text += strspn(Text, " \t,"), *Text != 0) {
        if (*Text == '"' || *Text == '\'') {
            if (!EditParseText(Debugger, &Text, CharacterSize, Values)) {
                return false;
            }
            continue;
        }
        uint64_t Value;
        if (!ExpressionEvaluate(Debugger, &Text, &Value)) {
            return false;
        }
        int64_t Signed = (int64_t)Value;
        int64_t Least = Size == 8 ? INT64_MIN : -(1ll << (8 * Size - 1));
        if (Size < 8 && Value >> (8 * Size) != 0 && (Signed >= 0 || Signed < Least)) {
            return DebuggerError(Debugger, "%llx does not fit into %u byte%s",
                                 (unsigned long long)Value, Size, Size == 1 ? "" : "s");
        }
        if (!EditAppend(Debugger, Values, Value, Size)) {
            return false;
        }
    }
    return Values->Size != 0 ||
           DebuggerError(Debugger, "Values are needed after the address");
}

static bool EditRun(DEBUGGER *Debugger, const char *Arguments, unsigned Size,
                    unsigned CharacterSize, bool AddNul)
{
    static EDIT_VALUES Values;
    uint64_t Address;

    if (*Arguments == 0) {
        return DebuggerError(Debugger, "An address and values are needed");
    }
    if (!ExpressionEvaluate(Debugger, &Arguments, &Address) ||
        !EditParseValues(Debugger, Arguments, Size, CharacterSize, &Values) ||
        (AddNul && !EditAppend(Debugger, &Values, 0, CharacterSize))) {
        return false;
    }
    return DebugWrite(Debugger, Address, Values.Bytes, Values.Size) ||
           DebuggerError(Debugger, "%s", Debugger->Target->Error);
}

#define EDIT_COMMAND(name, ...)                                           \
    static bool CommandE##name(DEBUGGER *Debugger, const char *Arguments) \
    {                                                                     \
        return EditRun(Debugger, Arguments, __VA_ARGS__);                 \
    }

EDIT_COMMAND(a, 1, 1, false)
EDIT_COMMAND(b, 1, 1, false)
EDIT_COMMAND(d, 4, 1, false)
EDIT_COMMAND(q, 8, 1, false)
EDIT_COMMAND(u, 2, 2, false)
EDIT_COMMAND(w, 2, 1, false)
EDIT_COMMAND(za, 1, 1, true)
EDIT_COMMAND(zu, 2, 2, true)

static bool CommandF(DEBUGGER *Debugger, const char *Arguments)
{
    static EDIT_VALUES Values;
    DEBUG_RANGE Range;

    if (*Arguments == 0) {
        return DebuggerError(Debugger, "f needs a range and values: f Address L10 0");
    }
    if (!ExpressionRange(Debugger, &Arguments, 1, 0, &Range) ||
        !EditParseValues(Debugger, Arguments, 1, 1, &Values)) {
        return false;
    }
    if (Range.Count == 0 || Range.Count > FILL_MAX_BYTES) {
        return DebuggerError(Debugger, "The range is empty or over 0x%llx bytes", FILL_MAX_BYTES);
    }
    for (uint64_t Done = 0; Done < Range.Count;) {
        uint64_t Left = Range.Count - Done;
        size_t Part = Left < Values.Size ? (size_t)Left : Values.Size;
        if (DebuggerInterrupted(Debugger) ||
            !DebugWrite(Debugger, Range.Address + Done, Values.Bytes, Part)) {
            return DebuggerError(Debugger, "Filled 0x%llx bytes; %s", (unsigned long long)Done,
                                 Debugger->Target->Error);
        }
        Done += Part;
    }
    DebuggerPrint(Debugger, "Filled 0x%llx bytes\n", (unsigned long long)Range.Count);
    return true;
}

typedef struct {
    unsigned Size;          /* of a number */
    unsigned CharacterSize; /* of a text's character */
} SEARCH_STYLE;

/* "-b", "-w", "-d", "-q", "-a", "-u", or none: bytes. */
static bool SearchParseStyle(DEBUGGER *Debugger, const char **Arguments, SEARCH_STYLE *Style)
{
    *Style = (SEARCH_STYLE){1, 1};
    if (**Arguments != '-') {
        return true;
    }
    char Letter = (*Arguments)[1];
    switch (Letter) {
    case 'a':
    case 'b':
        break;
    case 'u':
        *Style = (SEARCH_STYLE){2, 2};
        break;
    case 'w':
        Style->Size = 2;
        break;
    case 'd':
        Style->Size = 4;
        break;
    case 'q':
        Style->Size = 8;
        break;
    default:
        return DebuggerError(Debugger, "s takes -a, -b, -d, -q, -u and -w");
    }
    *Arguments += 2;
    *Arguments += strspn(*Arguments, " \t");
    return true;
}

static void SearchPrint(DEBUGGER *Debugger, uint64_t Address, const SEARCH_STYLE *Style)
{
    MEMORY_VIEW View;
    if (MemoryViewRead(Debugger, Address, 16, &View)) {
        MemoryViewPrintLine(Debugger, &View, 0, Style->Size, Style->Size < 8);
        MemoryViewFree(&View);
    }
}

/* Pages that cannot be read hold no match. Steps overlap, so that none is lost between two. */
static bool SearchRun(DEBUGGER *Debugger, const DEBUG_RANGE *Range, const SEARCH_STYLE *Style,
                      const EDIT_VALUES *Pattern)
{
    MEMORY_VIEW View;

    for (uint64_t Done = 0; Done < Range->Count && !DebuggerInterrupted(Debugger);
         Done += SEARCH_STEP) {
        uint64_t Left = Range->Count - Done;
        uint64_t Starts = Left < SEARCH_STEP ? Left : SEARCH_STEP;
        uint64_t Size = Left < Starts + Pattern->Size - 1 ? Left : Starts + Pattern->Size - 1;
        if (!MemoryViewRead(Debugger, Range->Address + Done, Size, &View)) {
            return false;
        }
        for (size_t At = 0; At < Starts; At += Style->Size) {
            if (MemoryViewHas(&View, At, Pattern->Size) &&
                memcmp(View.Bytes + At, Pattern->Bytes, Pattern->Size) == 0) {
                SearchPrint(Debugger, View.Address + At, Style);
            }
        }
        MemoryViewFree(&View);
    }
    return true;
}

static bool CommandS(DEBUGGER *Debugger, const char *Arguments)
{
    static EDIT_VALUES Pattern;
    SEARCH_STYLE Style;
    DEBUG_RANGE Range;

    if (*Arguments == 0) {
        return DebuggerError(Debugger, "s needs a range and a pattern: s -a nt L1000 \"text\"");
    }
    if (!SearchParseStyle(Debugger, &Arguments, &Style) ||
        !ExpressionRange(Debugger, &Arguments, Style.Size, 0, &Range) ||
        !EditParseValues(Debugger, Arguments, Style.Size, Style.CharacterSize, &Pattern)) {
        return false;
    }
    if (Range.Count == 0 || Range.Count > SEARCH_MAX_BYTES / Style.Size) {
        return DebuggerError(Debugger, "The range is empty or over 0x%llx bytes",
                             SEARCH_MAX_BYTES);
    }
    Range.Count *= Style.Size;
    return SearchRun(Debugger, &Range, &Style, &Pattern);
}

const DEBUGGER_COMMAND CommandsEdit[] = {
    {"ea", CommandEa, "ea Address \"text\"", "Writes characters.", false},
    {"eb", CommandEb, "eb Address Values", "Writes bytes.", false},
    {"ed", CommandEd, "ed Address Values", "Writes 32-bit values.", false},
    {"ep", CommandEq, "ep Address Values", "Writes pointers.", false},
    {"eq", CommandEq, "eq Address Values", "Writes 64-bit values.", false},
    {"eu", CommandEu, "eu Address \"text\"", "Writes UTF-16 characters.", false},
    {"ew", CommandEw, "ew Address Values", "Writes 16-bit values.", false},
    {"eza", CommandEza, "eza Address \"text\"", "Writes characters and a NUL.", false},
    {"ezu", CommandEzu, "ezu Address \"text\"", "Writes UTF-16 characters and a NUL.", false},
    {"f", CommandF, "f Range Values", "Fills a range with a pattern of bytes.", false},
    {"s", CommandS, "s [-a|-b|-d|-q|-u|-w] Range Values", "Searches a range.", false},
    {0},
};
