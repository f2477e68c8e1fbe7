/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/expression.c host/debugger/debug_register.c host/text/text.c */
/* Any text as an expression and as a range: it ends, and leaves its cursor inside of the text. */
#include <stdlib.h>
#include <string.h>

#include "host/debugger/debugger.h"

static const TARGET_OPERATIONS Operations;
static TARGET Target = {.Operations = &Operations, .Stopped = true};

bool DebuggerError(DEBUGGER *Debugger, const char *Format, ...)
{
    return false;
}

bool DebugReadSized(DEBUGGER *Debugger, uint64_t Address, unsigned Size, uint64_t *Value)
{
    *Value = Address * 31 + Size;
    return (Address & 1) == 0;
}

bool DebugRead64(DEBUGGER *Debugger, uint64_t Address, uint64_t *Value)
{
    return DebugReadSized(Debugger, Address, 8, Value);
}

bool DebugReadField(DEBUGGER *Debugger, uint64_t Address, const char *Type, const char *Field,
                    uint64_t *Value)
{
    return false;
}

bool DebugUnwind(DEBUGGER *Debugger, CONTEXT *Context)
{
    return false;
}

bool DebugSymbolAddress(DEBUGGER *Debugger, const char *Name, size_t Length, uint64_t *Address)
{
    *Address = Length;
    return Length % 2 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size)
{
    static DEBUGGER Debugger = {.Target = &Target, .Radix = 16, .HasContext = true};
    char *Text = malloc(Size + 1);
    DEBUG_RANGE Range;
    uint64_t Value, Tried;

    if (Text == NULL) {
        return 0;
    }
    memcpy(Text, Data, Size);
    Text[Size] = 0;
    const char *Rest = Text;
    bool Good = ExpressionEvaluateAll(&Debugger, Text, &Value);
    if (ExpressionTry(&Debugger, Text, &Tried) != Good || (Good && Tried != Value)) {
        abort();
    }
    while (*Rest != 0 && ExpressionRange(&Debugger, &Rest, 8, 1, &Range)) {
        if (Rest > Text + strlen(Text) || Range.Count > UINT64_MAX / 8) {
            abort();
        }
    }
    free(Text);
    return 0;
}
