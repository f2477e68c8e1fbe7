/* SPDX-License-Identifier: MIT */
/* sources: host/debugger/expression.c host/debugger/debug_register.c host/text/text.c */
/*
 * Numbers and expressions by WinDbg's MASM rules, over a debugger that knows two symbols, one
 * context and sixteen bytes of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/debugger/debugger.h"

#define MEMORY 0xfffff80000001000ull

static TARGET Target;
static const TARGET_OPERATIONS Operations;
static DEBUGGER Debugger = {.Target = &Target, .Radix = 16, .HasContext = true};
static char LastError[300];
static const uint8_t Memory[16] = {1,    2,    3, 4, 5, 6,    7,    0x88,
                                   0x10, 0x10, 0, 0, 0, 0xf8, 0xff, 0xff};

bool DebuggerError(DEBUGGER *Unused, const char *Format, ...)
{
    va_list Values;
    va_start(Values, Format);
    vsnprintf(LastError, sizeof(LastError), Format, Values);
    va_end(Values);
    return false;
}

bool DebugReadSized(DEBUGGER *Unused, uint64_t Address, unsigned Size, uint64_t *Value)
{
    *Value = 0;
    if (Address - MEMORY > sizeof(Memory) - Size) {
        return false;
    }
    memcpy(Value, Memory + (Address - MEMORY), Size);
    return true;
}

bool DebugRead64(DEBUGGER *Unused, uint64_t Address, uint64_t *Value)
{
    return DebugReadSized(Unused, Address, 8, Value);
}

bool DebugReadField(DEBUGGER *Unused, uint64_t Address, const char *Type, const char *Field,
                    uint64_t *Value)
{
    *Value = 0x77;
    return Address == 0x1234 && strcmp(Field, "ApcState.Process") == 0;
}

bool DebugUnwind(DEBUGGER *Unused, CONTEXT *Context)
{
    Context->Rip = 0x4711;
    return true;
}

bool DebugSymbolAddress(DEBUGGER *Unused, const char *Name, size_t Length, uint64_t *Address)
{
    static const struct {
        const char *Name;
        uint64_t Address;
    } Symbols[] = {{"nt!KeBugCheckEx", 0xfffff80000012340}, {"Start", 0x400000},
                   {"add", 0x500000}, {"a::b", 0x600000}};
    for (size_t i = 0; i < sizeof(Symbols) / sizeof(Symbols[0]); i++) {
        if (strlen(Symbols[i].Name) == Length && memcmp(Symbols[i].Name, Name, Length) == 0) {
            *Address = Symbols[i].Address;
            return true;
        }
    }
    return false;
}

static int SetUp(void **State)
{
    Target.Operations = &Operations;
    Target.Stopped = true;
    Target.State.Thread = 0x1234;
    Debugger.Radix = 16;
    Debugger.Context = (CONTEXT){.Rax = 0x1122334455667788, .Rsp = MEMORY, .Rip = 0x401000,
                                 .R9 = 9, .EFlags = 0x246, .SegCs = 0x10};
    return 0;
}

static void TestValues(void **State)
{
    static const struct {
        const char *Text;
        uint64_t Value;
    } Cases[] = {
        {"10", 0x10}, {"0n10", 10}, {"0x10", 0x10}, {"0t17", 15}, {"0y101", 5}, {"10h", 0x10},
        {"fffff880`01234000", 0xfffff88001234000}, {" 1 + 2 ", 3}, {"2*3+4", 10}, {"2+3*4", 14},
        {"(2+3)*4", 20}, {"10-3-2", 0xb}, {"-1", ~0ull}, {"- 1 + 2", 1}, {"7 mod 4", 3},
        {"7%4", 3}, {"7/2", 3}, {"1<<4", 16}, {"100>>4", 16}, {"-10>>>4", ~0ull},
        {"-10>>4", 0x0fffffffffffffff}, {"1<<40", 0}, {"6&3", 2}, {"6 and 3", 2}, {"6|1", 7},
        {"6 or 1", 7}, {"6^3", 5}, {"6 xor 3", 5}, {"1|2&2", 3}, {"1==1", 1}, {"1=2", 0},
        {"1!=2", 1}, {"-1<1", 1}, {"2>=2", 1}, {"1<=0", 0}, {"3>2", 1}, {"not 0", 1},
        {"not(5)", 0}, {"hi(12345678)", 0x1234}, {"low(12345678)", 0x5678},
        {"by(rsp)", 1}, {"wo(@rsp)", 0x201}, {"dwo(rsp)", 0x04030201},
        {"qwo(rsp)", 0x8807060504030201}, {"poi(rsp+8)", 0xfffff80000001010},
        {"poi rsp + 1", 0x8807060504030202}, {"poi(poi(rsp+8)-8)", 0xfffff80000001010},
        {"@rax", 0x1122334455667788}, {"eax", 0x55667788}, {"ax", 0x7788}, {"@al", 0x88},
        {"@ah", 0x77}, {"r9", 9}, {"r9d", 9}, {"@cs", 0x10}, {"@zf", 1}, {"@$ip", 0x401000},
        {".", 0x401000}, {". + 2", 0x401002}, {"@$ra", 0x4711}, {"@$t3", 0}, {"$csp", MEMORY},
        {"@$retreg", 0x1122334455667788}, {"@$thread", 0x1234}, {"@$proc", 0x77},
        {"nt!KeBugCheckEx+0n16", 0xfffff80000012350}, {"Start", 0x400000}, {"add", 0xadd},
        {"@!add", 0x500000}, {"a::b", 0x600000}, {"[1+1]*2", 4},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        uint64_t Value = 0xdead;
        LastError[0] = 0;
        if (!ExpressionEvaluateAll(&Debugger, Cases[i].Text, &Value) || Value != Cases[i].Value) {
            fail_msg("'%s' gave %llx, not %llx; %s", Cases[i].Text, (unsigned long long)Value,
                     (unsigned long long)Cases[i].Value, LastError);
        }
    }
}

static void TestErrors(void **State)
{
    static const struct {
        const char *Text, *Error;
    } Cases[] = {
        {"", "Numeric expression missing at '<EOL>'"},
        {"1+", "Numeric expression missing at '<EOL>'"},
        {"(1", "Missing closing bracket at '<EOL>'"},
        {"1)", "Syntax error at ')'"},
        {"1 2", "Syntax error at '2'"},
        {"zork+1", "Couldn't resolve error at 'zork+1'"},
        {"@zork", "Bad register error at '@zork'"},
        {"1/0", "Divide by zero at '<EOL>'"},
        {"poi(0)", "Memory access error at 'poi(0)'"},
        {"12345678`123456789", "Couldn't resolve error at '12345678`123456789'"},
        {"0n99999999999999999999", "Couldn't resolve error at '0n99999999999999999999'"},
        {"a\x1b[31m", "Syntax error at '\\x1b[31m'"},
    };
    for (size_t i = 0; i < sizeof(Cases) / sizeof(Cases[0]); i++) {
        uint64_t Value;
        assert_false(ExpressionEvaluateAll(&Debugger, Cases[i].Text, &Value));
        assert_string_equal(LastError, Cases[i].Error);
        LastError[0] = 0;
        assert_false(ExpressionTry(&Debugger, Cases[i].Text, &Value));
        assert_string_equal(LastError, "");
    }
}

static void TestDepthIsBounded(void **State)
{
    char Text[4001];
    uint64_t Value;
    memset(Text, '(', 4000);
    Text[4000] = 0;
    assert_false(ExpressionEvaluateAll(&Debugger, Text, &Value));
    memset(Text, '-', 4000);
    assert_false(ExpressionEvaluateAll(&Debugger, Text, &Value));
}

/* In a list of arguments an expression ends at a blank, but not inside of brackets. */
static void TestArguments(void **State)
{
    const char *Text = "rsp+(1 + 1), 5 L10";
    uint64_t Value;
    DEBUG_RANGE Range;
    assert_true(ExpressionEvaluate(&Debugger, &Text, &Value));
    assert_true(Value == MEMORY + 2);
    assert_string_equal(Text, "5 L10");
    assert_true(ExpressionRange(&Debugger, &Text, 4, 99, &Range));
    assert_true(Range.Address == 5 && Range.Count == 0x10);
    assert_string_equal(Text, "");
    Text = "1000";
    assert_true(ExpressionRange(&Debugger, &Text, 4, 99, &Range) && Range.Count == 99);
    Text = "1000 100f";
    assert_true(ExpressionRange(&Debugger, &Text, 4, 99, &Range) && Range.Count == 4);
    Text = "1000 L-4";
    assert_true(ExpressionRange(&Debugger, &Text, 8, 99, &Range) && Range.Address == 0xfe0);
    Text = "1000 L10000000";
    assert_false(ExpressionRange(&Debugger, &Text, 8, 99, &Range));
    Text = "1000 L?10000000";
    assert_true(ExpressionRange(&Debugger, &Text, 8, 99, &Range) && Range.Count == 0x10000000);
    Text = "1000 fff";
    assert_false(ExpressionRange(&Debugger, &Text, 8, 99, &Range));
    Text = "0 L?8000000000000000";
    assert_false(ExpressionRange(&Debugger, &Text, 8, 99, &Range));
}

static void TestRadix(void **State)
{
    uint64_t Value;
    Debugger.Radix = 10;
    assert_true(ExpressionEvaluateAll(&Debugger, "10+0x10", &Value) && Value == 26);
    assert_false(ExpressionEvaluateAll(&Debugger, "1f", &Value));
}

static void TestTemporaries(void **State)
{
    uint64_t Value;
    assert_true(RegisterWrite(&Debugger, "$t19", 4, 42));
    assert_true(ExpressionEvaluateAll(&Debugger, "@$t19", &Value) && Value == 42);
    assert_false(RegisterWrite(&Debugger, "$t20", 4, 42));
    assert_false(RegisterWrite(&Debugger, "rax", 3, 42)); /* no target to write to */
}

int main(void)
{
    const struct CMUnitTest Tests[] = {
        cmocka_unit_test_setup(TestValues, SetUp),
        cmocka_unit_test_setup(TestErrors, SetUp),
        cmocka_unit_test_setup(TestDepthIsBounded, SetUp),
        cmocka_unit_test_setup(TestArguments, SetUp),
        cmocka_unit_test_setup(TestRadix, SetUp),
        cmocka_unit_test_setup(TestTemporaries, SetUp),
    };
    return cmocka_run_group_tests(Tests, NULL, NULL);
}
