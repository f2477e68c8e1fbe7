/* SPDX-License-Identifier: MIT */
/*
 * From a line to commands. A line holds commands separated by ';', but not inside of "quotes" or
 * {braces}. `*` at a command's start makes the rest of the line a comment, `$$` the rest up to the
 * next ';'. A name is '!' or '.' and what follows up to a blank, or '?' or '~', or a run of
 * letters; the rest are its arguments.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "host/debugger/debugger.h"
#include "host/text/text.h"

#define COMMAND_MAX 4096u /* bytes of one command */

bool CommandEach(COMMAND_EACH *Each, void *Context)
{
    for (size_t i = 0; CommandTables[i] != NULL; i++) {
        const DEBUGGER_COMMAND *Command = CommandTables[i];
        for (; Command->Name != NULL; Command++) {
            if (!Each(Context, Command)) {
                return false;
            }
        }
    }
    return true;
}

bool CommandWord(const char **Text, char *Word, size_t Capacity)
{
    size_t Length = strcspn(*Text, " \t,");
    if (Length == 0 || Length >= Capacity) {
        return false;
    }
    memcpy(Word, *Text, Length);
    Word[Length] = 0;
    *Text += Length;
    *Text += strspn(*Text, " \t,");
    return true;
}

bool CommandEnd(DEBUGGER *Debugger, const char *Rest)
{
    char Clean[256];
    if (Rest[strspn(Rest, " \t")] == 0) {
        return true;
    }
    TextCleanString(Clean, sizeof(Clean), Rest);
    return DebuggerError(Debugger, "Extra character error in '%s'", Clean);
}

typedef struct {
    const char *Name;
    size_t Length;
    const DEBUGGER_COMMAND *Found;
} COMMAND_SEARCH;

/* d* and ds differ from dS; after '.' and '!' case does not matter. */
static bool CommandMatches(void *Context, const DEBUGGER_COMMAND *Command)
{
    COMMAND_SEARCH *Search = Context;
    bool AnyCase = *Search->Name == '.' || *Search->Name == '!';
    if (strlen(Command->Name) != Search->Length ||
        (AnyCase ? strncasecmp(Command->Name, Search->Name, Search->Length)
                 : strncmp(Command->Name, Search->Name, Search->Length)) != 0) {
        return true;
    }
    Search->Found = Command;
    return false;
}

static size_t CommandNameLength(const char *Text)
{
    size_t Length = 0;
    if (*Text == '.' || *Text == '!') {
        return strcspn(Text, " \t");
    }
    if (*Text == '?' || *Text == '~') {
        return 1;
    }
    while (isalpha((unsigned char)Text[Length])) {
        Length++;
    }
    return Length;
}

/* One command without blanks around it. */
static bool CommandRun(DEBUGGER *Debugger, const char *Text)
{
    COMMAND_SEARCH Search = {Text, CommandNameLength(Text), NULL};
    char Clean[256];

    CommandEach(CommandMatches, &Search);
    if (Search.Found == NULL) {
        TextClean(Clean, sizeof(Clean), Text, strcspn(Text, " \t"));
        return DebuggerError(Debugger, "%s: no such command; .help lists them", Clean);
    }
    if (Search.Found->LiveOnly && Debugger->Target->Kind != TargetLive) {
        return DebuggerError(Debugger, "%s needs a live target; this is a dump",
                             Search.Found->Name);
    }
    Text += Search.Length;
    Text += strspn(Text, " \t");
    return Search.Found->Run(Debugger, Text);
}

/* The length of the first command of Text, up to its ';' or the end. */
static size_t CommandLength(const char *Text)
{
    unsigned Depth = 0;
    bool Quoted = false;
    size_t i = 0;

    for (; Text[i] != 0; i++) {
        if (Text[i] == '\\' && Quoted && Text[i + 1] != 0) {
            i++;
        } else if (Text[i] == '"') {
            Quoted = !Quoted;
        } else if (!Quoted && Text[i] == '{') {
            Depth++;
        } else if (!Quoted && Text[i] == '}') {
            Depth -= Depth != 0;
        } else if (!Quoted && Depth == 0 && Text[i] == ';') {
            break;
        }
    }
    return i;
}

bool DebuggerRunLine(DEBUGGER *Debugger, const char *Line)
{
    char Command[COMMAND_MAX];
    bool Good = true;

    while (*Line != 0 && !Debugger->Quit) {
        Line += strspn(Line, " \t");
        if (*Line == '*') {
            break;
        }
        size_t Length = CommandLength(Line);
        size_t Kept = Length;
        while (Kept != 0 && isspace((unsigned char)Line[Kept - 1])) {
            Kept--;
        }
        if (Kept >= sizeof(Command)) {
            DebuggerError(Debugger, "a command has %zu bytes; %u are the most", Kept,
                          COMMAND_MAX - 1);
            Debugger->Failed = true;
            return false;
        }
        memcpy(Command, Line, Kept);
        Command[Kept] = 0;
        if (Kept != 0 && strncmp(Command, "$$", 2) != 0 && !CommandRun(Debugger, Command)) {
            Debugger->Failed = true;
            Good = false;
        }
        Line += Length + (Line[Length] == ';');
    }
    return Good;
}
