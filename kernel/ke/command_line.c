/* SPDX-License-Identifier: MIT */
#include "ke/command_line.h"

static BOOLEAN KiIsBlank(CHAR Char)
{
    return Char == ' ' || Char == '\t';
}

/* The value's first character (or the word's end) when the word at Text is Name. */
static PCSTR KiMatchWord(PCSTR Text, PCSTR Name)
{
    while (*Name != 0 && *Text == *Name) {
        Text++;
        Name++;
    }
    if (*Name != 0 || (*Text != 0 && *Text != '=' && !KiIsBlank(*Text))) {
        return NULL;
    }
    return *Text == '=' ? Text + 1 : Text;
}

BOOLEAN KiQueryCommandLine(PCSTR Name, PCHAR Value, SIZE_T Size)
{
    PCSTR Text = KeLoaderBlock->CommandLine;
    while (*Text != 0) {
        PCSTR Found = KiMatchWord(Text, Name);
        if (Found != NULL) {
            SIZE_T Length = 0;
            while (Value != NULL && Length + 1 < Size && Found[Length] != 0 &&
                   !KiIsBlank(Found[Length])) {
                Value[Length] = Found[Length];
                Length++;
            }
            if (Value != NULL && Size != 0) {
                Value[Length] = 0;
            }
            return TRUE;
        }
        while (*Text != 0 && !KiIsBlank(*Text)) {
            Text++;
        }
        while (KiIsBlank(*Text)) {
            Text++;
        }
    }
    return FALSE;
}

static ULONG KiDigit(CHAR Char)
{
    if (Char >= '0' && Char <= '9') {
        return (ULONG)(Char - '0');
    }
    Char |= 0x20;
    return Char >= 'a' && Char <= 'f' ? (ULONG)(Char - 'a' + 10) : 99;
}

ULONG64 KiQueryCommandLineNumber(PCSTR Name, ULONG64 Default)
{
    CHAR Text[32];
    if (!KiQueryCommandLine(Name, Text, sizeof(Text)) || Text[0] == 0) {
        return Default;
    }
    ULONG Base = Text[0] == '0' && (Text[1] | 0x20) == 'x' ? 16 : 10;
    ULONG64 Number = 0;
    for (PCSTR Next = Text + (Base == 16 ? 2 : 0); *Next != 0; Next++) {
        if (KiDigit(*Next) >= Base) {
            return Default;
        }
        Number = Number * Base + KiDigit(*Next);
    }
    return Number;
}
