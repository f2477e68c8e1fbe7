/* SPDX-License-Identifier: MIT */
#include "host/help_text.h"

#include <string.h>

#define OPTION_INDENT 2u

bool HelpLineRead(const char **Cursor, HELP_LINE *Line)
{
    if (**Cursor == 0) {
        return false;
    }
    size_t Length = strcspn(*Cursor, "\n");
    Line->Indent = strspn(*Cursor, " ");
    if (Line->Indent > Length) {
        Line->Indent = Length;
    }
    Line->Text = *Cursor + Line->Indent;
    Line->Length = Length - Line->Indent;
    *Cursor += Length + ((*Cursor)[Length] == '\n');
    return true;
}

static void HelpCopyWord(char Word[HELP_WORD], const char *Text, size_t Length)
{
    size_t Copied = Length < HELP_WORD - 1 ? Length : HELP_WORD - 1;
    memcpy(Word, Text, Copied);
    Word[Copied] = 0;
}

/* Bytes before two blanks or the end of the line. */
static size_t HelpColumnLength(const HELP_LINE *Line)
{
    size_t Length = 0;
    while (Length < Line->Length && !(Line->Text[Length] == ' ' && Length + 1 < Line->Length &&
                                      Line->Text[Length + 1] == ' ')) {
        Length++;
    }
    return Length;
}

bool HelpOptionRead(const HELP_LINE *Line, HELP_OPTION *Option)
{
    *Option = (HELP_OPTION){0};
    if (Line->Indent != OPTION_INDENT || Line->Length < 2 || Line->Text[0] != '-') {
        return false;
    }
    size_t Names = HelpColumnLength(Line);
    size_t Text = Names;
    while (Text < Line->Length && Line->Text[Text] == ' ') {
        Text++;
    }
    Option->Text = Line->Text + Text;
    Option->TextLength = Line->Length - Text;
    Option->Column = Line->Indent + Text;

    for (size_t At = 0; At < Names;) {
        const char *Word = Line->Text + At;
        size_t Length = 0;
        while (At + Length < Names && strchr(" ,=", Word[Length]) == NULL) {
            Length++;
        }
        char After = At + Length < Names ? Word[Length] : 0;
        if (Word[0] != '-') {
            HelpCopyWord(Option->Value, Word, Names - At);
            break;
        }
        HelpCopyWord(Length > 1 && Word[1] == '-' ? Option->Long : Option->Short, Word, Length);
        Option->Joined = After == '=';
        At += Length + (After == ',' ? 2 : After != 0 ? 1 : 0);
    }
    return true;
}

bool HelpValueRead(const HELP_LINE *Line, size_t Column, char Word[HELP_WORD])
{
    size_t Length = HelpColumnLength(Line);
    if (Line->Indent <= Column || Length == Line->Length || Length == 0 ||
        memchr(Line->Text, ' ', Length) != NULL) {
        return false;
    }
    const char *Bracket = memchr(Line->Text, '[', Length); /* random[:SEED] */
    HelpCopyWord(Word, Line->Text, Bracket != NULL ? (size_t)(Bracket - Line->Text) : Length);
    return true;
}
