/* SPDX-License-Identifier: MIT */
/*
 * Expressions by WinDbg's MASM rules: 64-bit unsigned arithmetic that wraps, comparisons signed as
 * there. Precedence, the tightest first:
 *
 *     ( )   - + not hi low by wo dwo qwo poi   * / % mod   + -   << >> >>>
 *     = == != < > <= >=   & and   ^ xor   | or
 *
 * A word is a number if it can be one, else a register, else a symbol; @ before it makes it a
 * register, ! in it a symbol. An error names the place.
 */
#include <ctype.h>
#include <string.h>

#include "host/debugger/debugger.h"
#include "host/text/text.h"

#define MAX_DEPTH 64 /* of brackets and unary operators */
#define MAX_RANGE (256u << 20) /* bytes without L? */

typedef struct {
    DEBUGGER *Debugger;
    const char *Text;   /* what is left */
    bool Blanks;        /* blanks between the parts are allowed */
    unsigned Brackets;  /* open ones; inside of them blanks are allowed too */
    unsigned Depth;
    bool Silent;
} EXPRESSION;

typedef enum {
    OperatorOr, OperatorXor, OperatorAnd, OperatorEqual, OperatorNotEqual, OperatorLessEqual,
    OperatorGreaterEqual, OperatorLess, OperatorGreater, OperatorShiftLeft, OperatorShiftRight,
    OperatorShiftSigned, OperatorAdd, OperatorSubtract, OperatorMultiply, OperatorDivide,
    OperatorModulo,
} OPERATOR;

#define LEVEL_LAST 6

/* The longer of two that begin alike stands first. */
static const struct {
    const char *Text;
    OPERATOR Operator;
    unsigned Level;
} Operators[] = {
    {"or", OperatorOr, 0},           {"|", OperatorOr, 0},
    {"xor", OperatorXor, 1},         {"^", OperatorXor, 1},
    {"and", OperatorAnd, 2},         {"&", OperatorAnd, 2},
    {">>>", OperatorShiftSigned, 4}, {">>", OperatorShiftRight, 4},
    {"<<", OperatorShiftLeft, 4},    {"==", OperatorEqual, 3},
    {"=", OperatorEqual, 3},         {"!=", OperatorNotEqual, 3},
    {"<=", OperatorLessEqual, 3},    {">=", OperatorGreaterEqual, 3},
    {"<", OperatorLess, 3},          {">", OperatorGreater, 3},
    {"+", OperatorAdd, 5},           {"-", OperatorSubtract, 5},
    {"mod", OperatorModulo, 6},      {"%", OperatorModulo, 6},
    {"*", OperatorMultiply, 6},      {"/", OperatorDivide, 6},
};

static bool ExpressionFail(EXPRESSION *Expression, const char *What, const char *Place)
{
    char Clean[200];
    if (Expression->Silent) {
        return false;
    }
    TextCleanString(Clean, sizeof(Clean), *Place != 0 ? Place : "<EOL>");
    return DebuggerError(Expression->Debugger, "%s at '%s'", What, Clean);
}

static void ExpressionSkipBlanks(EXPRESSION *Expression)
{
    if (Expression->Blanks || Expression->Brackets != 0) {
        Expression->Text += strspn(Expression->Text, " \t");
    }
}

static bool IsWordCharacter(char Char)
{
    return isalnum((unsigned char)Char) || (Char != 0 && strchr("_$?@!`:", Char) != NULL);
}

/* The operator that comes next, if it is one of Level; it is taken. */
static bool ExpressionTakeOperator(EXPRESSION *Expression, unsigned Level, OPERATOR *Operator)
{
    ExpressionSkipBlanks(Expression);
    for (size_t i = 0; i < sizeof(Operators) / sizeof(Operators[0]); i++) {
        size_t Length = strlen(Operators[i].Text);
        const char *After = Expression->Text + Length;
        if (strncmp(Expression->Text, Operators[i].Text, Length) != 0 ||
            (isalpha((unsigned char)Operators[i].Text[0]) && IsWordCharacter(*After))) {
            continue;
        }
        if (Operators[i].Level != Level) {
            return false;
        }
        Expression->Text = After;
        *Operator = Operators[i].Operator;
        return true;
    }
    return false;
}

/* The digits of a base, all of the word; ` may stand between hexadecimal ones. */
static bool ParseDigits(const char *Word, size_t Length, unsigned Base, uint64_t *Value)
{
    bool Any = false;
    *Value = 0;
    for (size_t i = 0; i < Length; i++) {
        char Char = (char)tolower((unsigned char)Word[i]);
        unsigned Digit = Char >= '0' && Char <= '9'   ? (unsigned)(Char - '0')
                         : Char >= 'a' && Char <= 'f' ? (unsigned)(Char - 'a' + 10)
                                                      : 99;
        if (Char == '`' && Base == 16 && Any && i + 1 < Length) {
            continue;
        }
        if (Digit >= Base || __builtin_mul_overflow(*Value, (uint64_t)Base, Value) ||
            __builtin_add_overflow(*Value, (uint64_t)Digit, Value)) {
            return false;
        }
        Any = true;
    }
    return Any;
}

static bool ParseNumber(const EXPRESSION *Expression, const char *Word, size_t Length,
                        uint64_t *Value)
{
    static const struct {
        char Letter;
        unsigned Base;
    } Prefixes[] = {{'x', 16}, {'n', 10}, {'t', 8}, {'y', 2}};
    for (size_t i = 0; Length > 2 && Word[0] == '0' && i < 4; i++) {
        if (tolower((unsigned char)Word[1]) == Prefixes[i].Letter) {
            return ParseDigits(Word + 2, Length - 2, Prefixes[i].Base, Value);
        }
    }
    if (Length > 1 && tolower((unsigned char)Word[Length - 1]) == 'h') {
        return ParseDigits(Word, Length - 1, 16, Value);
    }
    return ParseDigits(Word, Length, Expression->Debugger->Radix, Value);
}

static bool ExpressionWord(EXPRESSION *Expression, uint64_t *Value)
{
    DEBUGGER *Debugger = Expression->Debugger;
    const char *Word = Expression->Text;
    size_t Length = 0;

    if (*Word == '.' && !IsWordCharacter(Word[1])) {
        Expression->Text++;
        return RegisterRead(Debugger, "$ip", 3, Value) ||
               ExpressionFail(Expression, "Bad register error", Word);
    }
    while (IsWordCharacter(Word[Length])) {
        /* != after a word is an operator */
        if (Word[Length] == '!' && Word[Length + 1] == '=') {
            break;
        }
        Length++;
    }
    if (Length == 0) {
        return ExpressionFail(Expression, *Word == 0 ? "Numeric expression missing"
                                                     : "Syntax error", Word);
    }
    Expression->Text += Length;
    if (*Word == '@' && Length > 1 && Word[1] != '!') {
        return RegisterRead(Debugger, Word + 1, Length - 1, Value) ||
               ExpressionFail(Expression, "Bad register error", Word);
    }
    if (*Word == '@') {
        Word += Length > 1 ? 2 : 1;
        Length -= Length > 1 ? 2 : 1;
    } else if (ParseNumber(Expression, Word, Length, Value) ||
               RegisterRead(Debugger, Word, Length, Value)) {
        return true;
    }
    return DebugSymbolAddress(Debugger, Word, Length, Value) ||
           ExpressionFail(Expression, "Couldn't resolve error", Word);
}

static bool ExpressionLevel(EXPRESSION *Expression, unsigned Level, uint64_t *Value);

static bool ExpressionBrackets(EXPRESSION *Expression, char Close, uint64_t *Value)
{
    Expression->Text++;
    Expression->Brackets++;
    if (!ExpressionLevel(Expression, 0, Value)) {
        return false;
    }
    ExpressionSkipBlanks(Expression);
    if (*Expression->Text != Close) {
        return ExpressionFail(Expression, "Missing closing bracket", Expression->Text);
    }
    Expression->Text++;
    Expression->Brackets--;
    return true;
}

typedef enum { UnaryNot, UnaryHigh, UnaryLow, UnaryRead } UNARY;

static bool ExpressionUnary(EXPRESSION *Expression, uint64_t *Value)
{
    static const struct {
        const char *Text;
        UNARY Unary;
        unsigned Size; /* bytes read */
    } Words[] = {
        {"poi", UnaryRead, 8}, {"qwo", UnaryRead, 8}, {"dwo", UnaryRead, 4}, {"wo", UnaryRead, 2},
        {"by", UnaryRead, 1},  {"hi", UnaryHigh, 0},  {"low", UnaryLow, 0},  {"not", UnaryNot, 0},
    };
    ExpressionSkipBlanks(Expression);
    const char *Start = Expression->Text;
    if (*Start == '(' || *Start == '[') {
        return ExpressionBrackets(Expression, *Start == '(' ? ')' : ']', Value);
    }
    if (*Start == '-' || *Start == '+') {
        Expression->Text++;
        bool Good = ExpressionLevel(Expression, LEVEL_LAST + 1, Value);
        *Value = *Start == '-' ? 0 - *Value : *Value;
        return Good;
    }
    for (size_t i = 0; i < sizeof(Words) / sizeof(Words[0]); i++) {
        size_t Length = strlen(Words[i].Text);
        if (strncmp(Start, Words[i].Text, Length) != 0 ||
            (Start[Length] != '(' && Start[Length] != ' ' && Start[Length] != '@')) {
            continue;
        }
        Expression->Text += Length;
        Expression->Text += strspn(Expression->Text, " \t");
        if (!ExpressionLevel(Expression, LEVEL_LAST + 1, Value)) {
            return false;
        }
        switch (Words[i].Unary) {
        case UnaryNot: *Value = *Value == 0; return true;
        case UnaryHigh: *Value = *Value >> 16 & 0xffff; return true;
        case UnaryLow: *Value &= 0xffff; return true;
        case UnaryRead:
            return DebugReadSized(Expression->Debugger, *Value, Words[i].Size, Value) ||
                   ExpressionFail(Expression, "Memory access error", Start);
        }
    }
    return ExpressionWord(Expression, Value);
}

static bool ExpressionApply(EXPRESSION *Expression, OPERATOR Operator, uint64_t *Value,
                            uint64_t Right)
{
    uint64_t Left = *Value;
    switch (Operator) {
    case OperatorOr: *Value = Left | Right; break;
    case OperatorXor: *Value = Left ^ Right; break;
    case OperatorAnd: *Value = Left & Right; break;
    case OperatorEqual: *Value = Left == Right; break;
    case OperatorNotEqual: *Value = Left != Right; break;
    case OperatorLess: *Value = (int64_t)Left < (int64_t)Right; break;
    case OperatorGreater: *Value = (int64_t)Left > (int64_t)Right; break;
    case OperatorLessEqual: *Value = (int64_t)Left <= (int64_t)Right; break;
    case OperatorGreaterEqual: *Value = (int64_t)Left >= (int64_t)Right; break;
    case OperatorShiftLeft: *Value = Right < 64 ? Left << Right : 0; break;
    case OperatorShiftRight: *Value = Right < 64 ? Left >> Right : 0; break;
    case OperatorShiftSigned:
        *Value = (uint64_t)((int64_t)Left >> (Right < 64 ? Right : 63));
        break;
    case OperatorAdd: *Value = Left + Right; break;
    case OperatorSubtract: *Value = Left - Right; break;
    case OperatorMultiply: *Value = Left * Right; break;
    case OperatorDivide:
    case OperatorModulo:
        if (Right == 0) {
            return ExpressionFail(Expression, "Divide by zero", Expression->Text);
        }
        *Value = Operator == OperatorDivide ? Left / Right : Left % Right;
        break;
    }
    return true;
}

static bool ExpressionLevel(EXPRESSION *Expression, unsigned Level, uint64_t *Value)
{
    OPERATOR Operator;
    uint64_t Right;
    bool Good;

    if (Level > LEVEL_LAST) {
        if (Expression->Depth == MAX_DEPTH) {
            return ExpressionFail(Expression, "Too deep an expression", Expression->Text);
        }
        Expression->Depth++;
        Good = ExpressionUnary(Expression, Value);
        Expression->Depth--;
        return Good;
    }
    Good = ExpressionLevel(Expression, Level + 1, Value);
    while (Good && ExpressionTakeOperator(Expression, Level, &Operator)) {
        Good = ExpressionLevel(Expression, Level + 1, &Right) &&
               ExpressionApply(Expression, Operator, Value, Right);
    }
    return Good;
}

bool ExpressionEvaluate(DEBUGGER *Debugger, const char **Text, uint64_t *Value)
{
    EXPRESSION Expression = {.Debugger = Debugger, .Text = *Text};
    *Value = 0;
    bool Good = ExpressionLevel(&Expression, 0, Value);
    if (Good && *Expression.Text != 0 && strchr(" \t,", *Expression.Text) == NULL) {
        Good = ExpressionFail(&Expression, "Syntax error", Expression.Text);
    }
    *Text = Expression.Text + strspn(Expression.Text, " \t,");
    return Good;
}

static bool ExpressionWhole(DEBUGGER *Debugger, const char *Text, bool Silent, uint64_t *Value)
{
    EXPRESSION Expression = {.Debugger = Debugger, .Text = Text, .Blanks = true, .Silent = Silent};
    *Value = 0;
    if (!ExpressionLevel(&Expression, 0, Value)) {
        return false;
    }
    ExpressionSkipBlanks(&Expression);
    return *Expression.Text == 0 || ExpressionFail(&Expression, "Syntax error", Expression.Text);
}

bool ExpressionEvaluateAll(DEBUGGER *Debugger, const char *Text, uint64_t *Value)
{
    return ExpressionWhole(Debugger, Text, false, Value);
}

bool ExpressionTry(DEBUGGER *Debugger, const char *Text, uint64_t *Value)
{
    return ExpressionWhole(Debugger, Text, true, Value);
}

bool ExpressionRange(DEBUGGER *Debugger, const char **Text, unsigned ObjectSize, uint64_t Default,
                     DEBUG_RANGE *Range)
{
    uint64_t Value;
    Range->Count = Default;
    if (!ExpressionEvaluate(Debugger, Text, &Range->Address)) {
        return false;
    }
    if (**Text == 0) {
        return true;
    }
    if (**Text != 'L' && **Text != 'l') {
        if (!ExpressionEvaluate(Debugger, Text, &Value)) {
            return false;
        }
        if (Value < Range->Address) {
            return DebuggerError(Debugger, "Range error: it ends before it begins");
        }
        Range->Count = (Value - Range->Address) / ObjectSize + 1;
    } else {
        bool Unlimited = (*Text)[1] == '?';
        bool Before = (*Text)[1] == '-';
        *Text += 1 + (Unlimited || Before);
        if (!ExpressionEvaluate(Debugger, Text, &Range->Count)) {
            return false;
        }
        if (!Unlimited && Range->Count > MAX_RANGE / ObjectSize) {
            return DebuggerError(Debugger, "Range error: more than 256 MB; L? lifts the limit");
        }
        Range->Address -= Before ? Range->Count * ObjectSize : 0;
    }
    return Range->Count <= UINT64_MAX / ObjectSize ||
           DebuggerError(Debugger, "Range error: it is larger than the address space");
}
