/* SPDX-License-Identifier: MIT */
/* ?, .formats, n, .echo, .help. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "host/debugger/debugger.h"
#include "host/text/text.h"

static bool PrintHelpLine(void *Context, const DEBUGGER_COMMAND *Command)
{
    DebuggerPrint(Context, "%-44s %s\n", Command->Synopsis, Command->Help);
    return true;
}

static bool CommandHelp(DEBUGGER *Debugger, const char *Arguments)
{
    DebuggerPrint(Debugger, "Commands are separated by ';'. Numbers are hexadecimal; 0n10 is ten. "
                            "Ctrl-C breaks in.\n");
    return CommandEach(PrintHelpLine, Debugger);
}

static bool CommandEvaluate(DEBUGGER *Debugger, const char *Arguments)
{
    char Text[DEBUG_ADDRESS_SIZE];
    uint64_t Value;
    if (*Arguments == 0) {
        return CommandHelp(Debugger, Arguments);
    }
    if (!ExpressionEvaluateAll(Debugger, Arguments, &Value)) {
        return false;
    }
    DebuggerPrint(Debugger, "Evaluate expression: %lld = %s\n", (long long)Value,
                  DebugAddressText(Value, Text));
    return true;
}

static void PrintBinary(DEBUGGER *Debugger, uint64_t Value)
{
    DebuggerPrint(Debugger, "  Binary: ");
    for (int Byte = 7; Byte >= 0; Byte--) {
        DebuggerPrint(Debugger, " ");
        for (int Bit = 7; Bit >= 0; Bit--) {
            DebuggerPrint(Debugger, "%d", (int)(Value >> (8 * Byte + Bit) & 1));
        }
    }
    DebuggerPrint(Debugger, "\n  Chars:   ");
    for (int Byte = 7; Byte >= 0; Byte--) {
        uint8_t Char = (uint8_t)(Value >> 8 * Byte);
        DebuggerPrint(Debugger, "%c", Char >= 0x20 && Char < 0x7f ? Char : '.');
    }
}

static bool CommandFormats(DEBUGGER *Debugger, const char *Arguments)
{
    char Text[DEBUG_ADDRESS_SIZE];
    uint64_t Value;
    double Double;
    float Float;

    if (!ExpressionEvaluateAll(Debugger, Arguments, &Value)) {
        return false;
    }
    uint32_t Low = (uint32_t)Value;
    memcpy(&Double, &Value, sizeof(Double));
    memcpy(&Float, &Low, sizeof(Float));
    DebuggerPrint(Debugger, "Evaluate expression:\n  Hex:     %s\n  Decimal: %lld\n"
                            "  Octal:   %022llo\n", DebugAddressText(Value, Text),
                  (long long)Value, (unsigned long long)Value);
    PrintBinary(Debugger, Value);
    /* up to 3000-12-31 seconds of Unix; else a time of Windows, in 100 ns since 1601 */
    bool Unix = Value < 32535215999u;
    uint64_t Seconds = Unix ? Value : Value / 10000000u - 11644473600u;
    struct tm Time;
    char Date[64] = "Invalid";
    if ((Unix || (int64_t)Value > 0) && gmtime_r(&(time_t){(time_t)Seconds}, &Time) != NULL) {
        strftime(Date, sizeof(Date), "%a %b %e %H:%M:%S %Y (UTC)", &Time);
    }
    DebuggerPrint(Debugger, "\n  Time:    %s\n  Float:   low %g high %g\n  Double:  %g\n", Date,
                  (double)Float, (double)*(float *)&(uint32_t){(uint32_t)(Value >> 32)}, Double);
    return true;
}

static bool CommandRadix(DEBUGGER *Debugger, const char *Arguments)
{
    if (*Arguments != 0) {
        static const struct {
            const char *Text;
            unsigned Radix;
        } Choices[] = {{"8", 8}, {"10", 10}, {"16", 16}};
        size_t i = 0;
        while (i < 3 && strcmp(Arguments, Choices[i].Text) != 0) {
            i++;
        }
        if (i == 3) {
            return DebuggerError(Debugger, "n: the bases are 8, 10 and 16");
        }
        Debugger->Radix = Choices[i].Radix;
    }
    DebuggerPrint(Debugger, "base is %u\n", Debugger->Radix);
    return true;
}

static bool CommandEcho(DEBUGGER *Debugger, const char *Arguments)
{
    char Clean[4096];
    size_t Length = strlen(Arguments);
    if (Length >= 2 && *Arguments == '"' && Arguments[Length - 1] == '"') {
        Arguments++;
        Length -= 2;
    }
    TextClean(Clean, sizeof(Clean), Arguments, Length);
    DebuggerPrint(Debugger, "%s\n", Clean);
    return true;
}

const DEBUGGER_COMMAND CommandsExpression[] = {
    {"?", CommandEvaluate, "? [Expression]", "evaluates; without an expression this help", false},
    {".formats", CommandFormats, ".formats Expression", "the value in all formats", false},
    {"n", CommandRadix, "n [8|10|16]", "base of numbers without a prefix", false},
    {".echo", CommandEcho, ".echo Text", "prints the text", false},
    {".help", CommandHelp, ".help", "lists the commands", false},
    {0},
};
