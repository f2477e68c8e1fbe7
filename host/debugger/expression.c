/* SPDX-License-Identifier: MIT */
/* Numbers; so far hexadecimal ones, with `. */
#include <ctype.h>
#include <string.h>

#include "host/debugger/debugger.h"
#include "host/text.h"

bool ExpressionEvaluate(DEBUGGER *Debugger, const char **Text, uint64_t *Value)
{
    const char *Start = *Text;
    char Clean[100];
    *Value = 0;
    for (; isxdigit((unsigned char)**Text) || **Text == '`'; (*Text)++) {
        if (**Text != '`') {
            char Digit = (char)tolower(**Text);
            *Value = *Value << 4 | (unsigned)(Digit <= '9' ? Digit - '0' : Digit - 'a' + 10);
        }
    }
    if (*Text == Start) {
        TextCleanString(Clean, sizeof(Clean), Start);
        return DebuggerError(Debugger, "Couldn't resolve error at '%s'", Clean);
    }
    *Text += strspn(*Text, " \t,");
    return true;
}

bool ExpressionEvaluateAll(DEBUGGER *Debugger, const char *Text, uint64_t *Value)
{
    return ExpressionEvaluate(Debugger, &Text, Value) && CommandEnd(Debugger, Text);
}

bool ExpressionRange(DEBUGGER *Debugger, const char **Text, unsigned ObjectSize, uint64_t Default,
                     DEBUG_RANGE *Range)
{
    Range->Count = Default;
    return ExpressionEvaluate(Debugger, Text, &Range->Address);
}
