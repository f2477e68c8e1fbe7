/* SPDX-License-Identifier: MIT */
/*
 * `pageable explain CODE [P1 P2 P3 P4]`: what a bug check means, or, with its parameters, what this
 * one means. `--markdown` writes the whole table: docs/bug-checks.md.
 */
#include "host/text/explain.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/text/bug_check_names.h"
#include "host/text/near_names.h"
#include "host/text/text.h"

const char HelpExplain[] =
    "usage: pageable explain CODE [P1 [P2 P3 P4]]\n"
    "\n"
    "CODE is a bug check by number or name: 0xD1, d1, DRIVER_IRQL_NOT_LESS_OR_EQUAL. Prints what\n"
    "it means, its four parameters, what to do about it, and the smallest sample driver that\n"
    "ends in it. With parameters (hexadecimal, as a report prints them) their values are put\n"
    "into words.\n"
    "\n"
    "  pageable explain              the bug checks, one on each line\n"
    "  pageable explain --markdown   all of it, as docs/bug-checks.md has it\n"
    "\n"
    "Exit codes: 0, or 2 when there is no such bug check or parameter.\n"
    "\n"
    "Try: pageable explain 0xC4 0x20019\n";

/* "0 read, 1 write, 2 or 8 execute"; NULL: the values have no names of their own. */
static const char *ExplainValues(BUG_CHECK_VALUES Values)
{
    switch (Values) {
    case BugCheckIrql:
        return "0 PASSIVE_LEVEL, 1 APC_LEVEL, 2 DISPATCH_LEVEL, 3-B DIRQL, F HIGH_LEVEL; FF: "
               "interrupts were off";
    case BugCheckAccess: return "0 read, 1 write, 2 or 8 execute";
    case BugCheckFault: return "0 read, 2 write, 10 execute";
    case BugCheckNonpagedKind:
        return "0 freed or never allocated, 2 no page table, 4 not a canonical address, F user "
               "address where none is allowed";
    case BugCheckStatus: return "an NTSTATUS";
    case BugCheckIrqlChange:
        return "IRQL << 16 | IRQL expected << 8 | 0, 1 APC or thread, 2 DPC or callout, 3 ISR";
    case BugCheckKind: return "see below";
    case BugCheckPlain: return NULL;
    }
    return NULL;
}

/* Digits, with 0x before them or not; grave accents as WinDbg writes them do not count. */
static bool ExplainParseHex(const char *Text, uint64_t *Number)
{
    unsigned Digits = 0;
    *Number = 0;
    if (Text[0] == '0' && (Text[1] == 'x' || Text[1] == 'X')) {
        Text += 2;
    }
    for (; *Text != 0; Text++) {
        if (*Text == '`' && Digits != 0) {
            continue;
        }
        if (!isxdigit((unsigned char)*Text) || *Number >> 60 != 0) {
            return false;
        }
        int Digit = tolower((unsigned char)*Text);
        *Number = *Number << 4 | (uint64_t)(isdigit(Digit) ? Digit - '0' : Digit - 'a' + 10);
        Digits++;
    }
    return Digits != 0;
}

static const BUG_CHECK_NAME *ExplainFind(const char *Text)
{
    uint64_t Number;
    const BUG_CHECK_NAME *Name;
    if (ExplainParseHex(Text, &Number)) {
        Name = BugCheckName((uint32_t)Number);
        return Number <= UINT32_MAX && Name->Code == Number ? Name : NULL;
    }
    for (size_t i = 0; (Name = BugCheckByIndex(i)) != NULL; i++) {
        if (strcasecmp(Name->Name, Text) == 0) {
            return Name;
        }
    }
    return NULL;
}

/* Names a word may have been meant for; a number is compared as it is printed. */
static void ExplainSuggest(const char *Text)
{
    NEAR_NAMES Near = {.Count = 0};
    const BUG_CHECK_NAME *Name;
    uint64_t Number;
    char Code[TEXT_NUMBER], Typed[NEAR_NAMES_LENGTH];
    bool IsNumber = ExplainParseHex(Text, &Number);

    if (IsNumber) {
        snprintf(Typed, sizeof(Typed), "0x%llX", (unsigned long long)Number);
    } else {
        TextCleanString(Typed, sizeof(Typed), Text);
    }
    for (size_t i = 0; (Name = BugCheckByIndex(i)) != NULL; i++) {
        snprintf(Code, sizeof(Code), "0x%X", Name->Code);
        NearNamesOffer(&Near, Typed, IsNumber ? Code : Name->Name, i,
                       IsNumber ? 1 : (unsigned)strlen(Name->Name) / 2);
    }
    fprintf(stderr, "pageable: %s: no such bug check", Typed);
    for (unsigned i = 0; i < Near.Count; i++) {
        Name = BugCheckByIndex(Near.Index[i]);
        fprintf(stderr, "%s 0x%X %s", i == 0 ? "; near it:" : ",", Name->Code, Name->Name);
    }
    fprintf(stderr, "%s\n", Near.Count == 0 ? "; `pageable explain` lists them" : "");
}

static void ExplainLine(const char *Label, const char *Text)
{
    printf("%-12s%s\n", Label, Text);
}

/* Given counts the parameters that were given; the others are told by what they may be. */
static void ExplainParameters(const BUG_CHECK_NAME *Name, const uint64_t *Value, unsigned Given)
{
    char Words[BUG_CHECK_TEXT], Number[TEXT_NUMBER];
    for (unsigned i = 0; i < 4; i++) {
        BUG_CHECK_PARAMETER Parameter = Given != 0 ? BugCheckParameter(Name->Code, Value[0], i)
                                                   : Name->Parameter[i];
        const char *Meaning = Parameter.Words != NULL ? Parameter.Words
                              : Name->Parameter[0].Values == BugCheckKind && Given == 0
                                  ? "depends on P1"
                                  : "nothing documented";
        const char *Stands = ExplainValues(Parameter.Values);
        printf("            P%u ", i + 1);
        if (i < Given) {
            printf("%s  ", TextAddress(Number, Value[i]));
            Stands = BugCheckValueName(Name->Code, Value[0], i, Value[i], Words);
        }
        printf("%s%s%s\n", Meaning, Stands != NULL ? ": " : "", Stands != NULL ? Stands : "");
    }
}

static void ExplainCases(uint32_t Code)
{
    const BUG_CHECK_CASE_NAME *Case;
    const char *Label = "P1 is";
    for (size_t i = 0; (Case = BugCheckCaseByIndex(i)) != NULL; i++) {
        if (Case->Code == Code) {
            printf("%-12s%-6X %s\n", Label, Case->Value, Case->Cause);
            Label = "";
        }
    }
}

static void ExplainOne(const BUG_CHECK_NAME *Name, const uint64_t *Value, unsigned Given)
{
    const BUG_CHECK_CASE_NAME *Case = Given != 0 ? BugCheckCase(Name->Code, Value[0]) : NULL;
    const char *Example = Case != NULL ? Case->Example : Name->Example;

    printf("%-12s0x%X %s\n", "bug check", Name->Code, Name->Name);
    ExplainParameters(Name, Value, Given);
    ExplainLine("cause", Name->Cause);
    ExplainLine("advice", Given != 0 ? BugCheckAdvice(Name->Code, Value[0]) : Name->Advice);
    if (Example != NULL) {
        printf("%-12sdrivers/faulty/%s\n", "example", Example);
        printf("%-12spageable run build/drivers/faulty/%s.sys\n", "", Example);
    } else {
        ExplainLine("example", "no sample driver ends in it");
    }
    if (Given == 0) {
        ExplainCases(Name->Code);
    }
}

static void ExplainList(void)
{
    const BUG_CHECK_NAME *Name;
    for (size_t i = 0; (Name = BugCheckByIndex(i)) != NULL; i++) {
        printf("0x%-5X %s\n", Name->Code, Name->Name);
    }
}

/* ---- docs/bug-checks.md ---- */

static void ExplainMarkdownParameter(unsigned Index, BUG_CHECK_PARAMETER Parameter)
{
    const char *Values = ExplainValues(Parameter.Values);
    if (Parameter.Words != NULL) {
        printf("| P%u | %s%s%s |\n", Index + 1, Parameter.Words, Values != NULL ? ": " : "",
               Values != NULL ? Values : "");
    }
}

static void ExplainMarkdownCases(uint32_t Code)
{
    const BUG_CHECK_CASE_NAME *Case;
    bool First = true;
    for (size_t i = 0; (Case = BugCheckCaseByIndex(i)) != NULL; i++) {
        if (Case->Code != Code) {
            continue;
        }
        printf("%s", First ? "\n| P1 | what it says | P2, P3, P4 | advice, example |\n"
                             "|---|---|---|---|\n"
                           : "");
        First = false;
        printf("| %Xh | %s | ", Case->Value, Case->Cause);
        for (unsigned n = 0; n < 3; n++) {
            const char *Words = Case->Parameter[n].Words;
            printf("%s%s", n != 0 ? ", " : "", Words != NULL ? Words : "-");
        }
        printf(" | %s", Case->Advice != NULL ? Case->Advice : "");
        if (Case->Example != NULL) {
            printf(" [%s](../drivers/faulty/%s)", Case->Example, Case->Example);
        }
        printf(" |\n");
    }
}

static void ExplainMarkdown(void)
{
    const BUG_CHECK_NAME *Name;
    printf("# Bug checks\n\n"
           "Generated by `pageable explain --markdown` from lib/bug_checks.h and "
           "lib/bug_check_cases.h, which the kernel\nand the host use too. Codes, names and "
           "parameters are those of Microsoft's bug check reference. Numbers\nare hexadecimal. "
           "`pageable explain CODE [P1 P2 P3 P4]` tells the same on a terminal.\n");
    for (size_t i = 0; (Name = BugCheckByIndex(i)) != NULL; i++) {
        printf("\n## 0x%X %s\n\n%s %s", Name->Code, Name->Name, Name->Cause, Name->Advice);
        if (Name->Example != NULL) {
            printf(" Sample: [%s](../drivers/faulty/%s).", Name->Example, Name->Example);
        }
        printf("\n");
        for (unsigned n = 0; n < 4; n++) {
            if (n == 0 && Name->Parameter[n].Words != NULL) {
                printf("\n| | |\n|---|---|\n");
            }
            ExplainMarkdownParameter(n, Name->Parameter[n]);
        }
        ExplainMarkdownCases(Name->Code);
    }
}

EXIT_CODE ExplainCommand(int Count, char **Arguments)
{
    uint64_t Value[4] = {0};
    char Clean[100];

    if (Count == 0) {
        ExplainList();
        return ExitClean;
    }
    if (Count == 1 && strcmp(Arguments[0], "--markdown") == 0) {
        ExplainMarkdown();
        return ExitClean;
    }
    if (Count > 5) {
        fprintf(stderr, "pageable: a bug check has four parameters\n");
        return ExitUsage;
    }
    const BUG_CHECK_NAME *Name = ExplainFind(Arguments[0]);
    if (Name == NULL) {
        ExplainSuggest(Arguments[0]);
        return ExitUsage;
    }
    for (int i = 1; i < Count; i++) {
        if (!ExplainParseHex(Arguments[i], &Value[i - 1])) {
            TextCleanString(Clean, sizeof(Clean), Arguments[i]);
            fprintf(stderr, "pageable: %s: a parameter is a hexadecimal number\n", Clean);
            return ExitUsage;
        }
    }
    if (Count > 1 && Name->Parameter[0].Values == BugCheckKind &&
        BugCheckCase(Name->Code, Value[0]) == NULL) {
        fprintf(stderr, "pageable: 0x%X %s: no meaning of P1 = 0x%llX is known; "
                        "`pageable explain 0x%X` lists those that are\n",
                Name->Code, Name->Name, (unsigned long long)Value[0], Name->Code);
        return ExitUsage;
    }
    ExplainOne(Name, Value, (unsigned)Count - 1);
    return ExitClean;
}
