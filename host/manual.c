/* SPDX-License-Identifier: MIT */
#include "host/manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "host/help_text.h"

#define SPECIFIED(Line, Word) (strncmp((Line)->Text, Word, sizeof(Word) - 1) == 0)

/* Text as it is, whatever roff would take it for. */
static void ManualText(const char *Text, size_t Length)
{
    if (Length != 0 && (Text[0] == '.' || Text[0] == '\'')) {
        fputs("\\&", stdout);
    }
    for (size_t i = 0; i < Length; i++) {
        switch (Text[i]) {
        case '-': fputs("\\-", stdout); break;
        case '\\': fputs("\\e", stdout); break;
        default: putchar(Text[i]); break;
        }
    }
}

static void ManualLine(const HELP_LINE *Line)
{
    ManualText(Line->Text, Line->Length);
    putchar('\n');
}

/* .TP and the option in bold, its value in italics. */
static void ManualOption(const HELP_OPTION *Option)
{
    fputs(".TP\n\\fB", stdout);
    ManualText(Option->Short, strlen(Option->Short));
    if (Option->Short[0] != 0 && Option->Long[0] != 0) {
        fputs("\\fR, \\fB", stdout);
    }
    ManualText(Option->Long, strlen(Option->Long));
    if (Option->Value[0] != 0) {
        fputs(Option->Joined ? "=\\fI" : " \\fI", stdout);
        ManualText(Option->Value, strlen(Option->Value));
    }
    fputs("\\fR\n", stdout);
    ManualText(Option->Text, Option->TextLength);
    putchar('\n');
}

/* Lines that go on below an option: its text, or an indented list of its values. */
static void ManualBelowOption(const HELP_LINE *Line, size_t Column, bool *InList)
{
    char Word[HELP_WORD];
    if (HelpValueRead(Line, Column, Word)) {
        size_t Length = strcspn(Line->Text, " ");
        fputs(*InList ? ".TP 16\n\\fB" : ".RS\n.TP 16\n\\fB", stdout);
        *InList = true;
        ManualText(Line->Text, Length);
        fputs("\\fR\n", stdout);
        Length += strspn(Line->Text + Length, " ");
        ManualText(Line->Text + Length, Line->Length - Length);
        putchar('\n');
        return;
    }
    if (*InList && Line->Indent <= Column) {
        puts(".RE");
        *InList = false;
    }
    ManualLine(Line);
}

static void ManualUsage(const HELP_LINE *Line)
{
    static const char First[] = "usage: ";
    size_t Skipped = SPECIFIED(Line, First) ? sizeof(First) - 1 : 0;
    size_t Gap = Skipped;
    while (Gap + 1 < Line->Length && !(Line->Text[Gap] == ' ' && Line->Text[Gap + 1] == ' ')) {
        Gap++;
    }
    size_t End = Gap + 1 < Line->Length ? Gap : Line->Length; /* what stands behind is a comment */
    ManualText(Line->Text + Skipped, End - Skipped);
    puts("\n.br");
}

typedef enum { ManualDescription, ManualSynopsis, ManualOptions, ManualVerbatim } MANUAL_PART;

/* Which part a line that follows a blank line begins; prints its heading. */
static MANUAL_PART ManualBegin(HELP_LINE *Line, bool *HasDescription)
{
    static const struct {
        const char *Word, *Heading;
    } Sections[] = {
        {"Exit codes: ", "EXIT STATUS"}, {"Environment: ", "ENVIRONMENT"}, {"Try: ", "EXAMPLE"}};
    HELP_OPTION Option;

    if (SPECIFIED(Line, "usage: ")) {
        puts(".SH SYNOPSIS");
        return ManualSynopsis;
    }
    if (HelpOptionRead(Line, &Option)) {
        puts(".SH OPTIONS");
        return ManualOptions;
    }
    for (size_t i = 0; i < sizeof(Sections) / sizeof(Sections[0]); i++) {
        size_t Length = strlen(Sections[i].Word);
        if (strncmp(Line->Text, Sections[i].Word, Length) == 0) {
            printf(".SH %s\n", Sections[i].Heading);
            Line->Text += Length;
            Line->Length -= Length;
            return ManualDescription;
        }
    }
    puts(*HasDescription ? ".PP" : ".SH DESCRIPTION");
    *HasDescription = true;
    if (Line->Indent != 0) {
        puts(".nf");
        return ManualVerbatim;
    }
    return ManualDescription;
}

static void ManualBody(const char *Text)
{
    MANUAL_PART Part = ManualDescription;
    bool HasDescription = false, Begins = true, InList = false;
    HELP_OPTION Option;
    HELP_LINE Line;
    size_t Column = 0;

    while (HelpLineRead(&Text, &Line)) {
        if (Line.Length == 0) {
            fputs(InList ? ".RE\n" : "", stdout);
            fputs(Part == ManualVerbatim ? ".fi\n" : "", stdout);
            Begins = true;
            InList = false;
            continue;
        }
        if (Begins) {
            Part = ManualBegin(&Line, &HasDescription);
            Begins = false;
        }
        if (Part == ManualSynopsis) {
            ManualUsage(&Line);
        } else if (Part == ManualOptions && HelpOptionRead(&Line, &Option)) {
            fputs(InList ? ".RE\n" : "", stdout);
            InList = false;
            ManualOption(&Option);
            Column = Option.Column;
        } else if (Part == ManualOptions) {
            ManualBelowOption(&Line, Column, &InList);
        } else {
            ManualLine(&Line);
        }
    }
}

void ManualPrint(const HELP_TOPIC *Topic)
{
    char Name[64] = "pageable";

    puts(".\\\" SPDX-License-Identifier: MIT");
    if (Topic != NULL) {
        snprintf(Name, sizeof(Name), "pageable-%s", Topic->Command);
    }
    fputs(".TH ", stdout);
    for (const char *c = Name; *c != 0; c++) {
        putchar(toupper((unsigned char)*c));
    }
    printf(" 1 \"\" \"pageable %s\" \"User Commands\"\n.SH NAME\n", PAGEABLE_VERSION);
    ManualText(Name, strlen(Name));
    printf(" \\- %s\n",
           Topic != NULL ? Topic->Summary : "run a Windows x64 driver and page it out");
    ManualBody(Topic != NULL ? Topic->Text : HelpMain);
    puts(".SH SEE ALSO");
    if (Topic != NULL) {
        fputs("\\fBpageable\\fR(1)\n", stdout);
        return;
    }
    for (Topic = HelpTopics; Topic->Command != NULL; Topic++) {
        fputs("\\fBpageable\\-", stdout);
        ManualText(Topic->Command, strlen(Topic->Command));
        printf("\\fR(1)%s\n", Topic[1].Command != NULL ? "," : "");
    }
}
