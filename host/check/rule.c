/* SPDX-License-Identifier: MIT */
#include "host/check/rule.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/bug_check_names.h"
#include "nt/ntdef.h"
#include "nt/ntstatus.h"

static const struct {
    const char *Rule, *Name, *Advice, *Help, *Link;
} Rules[] = {
    {RULE_LEAK, "Something is left after the unload",
     "Free in Unload what DriverEntry and the dispatch routines have allocated.",
     "After the unload the machine has less of something than it had before the load.",
     "docs/check.md#rules"},
    {RULE_SCENARIO, "An assertion of the scenario failed",
     "See the line of the scenario, and what the driver answered there.",
     "The scenario expected something else of the driver, or ended in an error.",
     "docs/scenarios.md"},
    {RULE_BUDGET, "More bytes of the image than its budget allows",
     "Move code to pageable sections, or lock less and for a shorter time; or raise the budget.",
     "At some moment more bytes were nonpaged, pageable, locked or resident than --budget allows.",
     "docs/timeline.md"},
    {RULE_MISSING_EXPORT, "A routine that is not provided was called",
     "See `pageable exports --missing DRIVER.sys`.",
     "The driver called an import that the kernel does not have; the run ends there.",
     "docs/check.md#rules"},
    {RULE_NOT_LOADABLE, "The driver cannot be loaded",
     "See `pageable inspect DRIVER.sys`.",
     "The file is no x64 driver, or DriverEntry returned an error.", "docs/check.md#rules"},
    {RULE_TIME_LIMIT, "The run did not end in time",
     "See the run with -v, or attach `pageable debug`; --timeout raises the limit.",
     "The driver, or the scenario, did not come to an end within the time limit.",
     "docs/check.md#rules"},
    {RULE_FAULT, "A fault of the machine or the environment",
     "This is not the driver's fault: see the text, and run it again.",
     "QEMU could not be started, the guest reset itself, or a file could not be written.",
     "docs/check.md#rules"},
};

#define RULE_COUNT (sizeof(Rules) / sizeof(Rules[0]))

static size_t RuleIndex(const char *Rule)
{
    size_t i = 0;
    while (i < RULE_COUNT && strcmp(Rules[i].Rule, Rule) != 0) {
        i++;
    }
    return i;
}

void RuleOfBugCheck(uint32_t Code, uint64_t First, char *Out, size_t Capacity)
{
    if (BugCheckCase(Code, First) != NULL) {
        snprintf(Out, Capacity, "0x%X/0x%llX", Code, (unsigned long long)First);
    } else {
        snprintf(Out, Capacity, "0x%X", Code);
    }
}

/* What a rule of a bug check was made from. */
static bool RuleIsBugCheck(const char *Rule, uint32_t *Code, uint64_t *First)
{
    const char *Slash = strchr(Rule, '/');
    *Code = (uint32_t)strtoul(Rule, NULL, 16);
    *First = Slash != NULL ? strtoull(Slash + 1, NULL, 16) : 0;
    return strncmp(Rule, "0x", 2) == 0 && BugCheckName(*Code)->Code != 0;
}

const char *RuleOfKind(const char *Kind)
{
    if (strncmp(Kind, "0x", 2) == 0 &&
        strtoul(Kind, NULL, 16) == (uint32_t)STATUS_DRIVER_ENTRYPOINT_NOT_FOUND) {
        return RULE_MISSING_EXPORT;
    }
    return *Kind != 0 ? Kind : "finding";
}

const char *RuleName(const char *Rule)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT) {
        return Rules[Index].Name;
    }
    return RuleIsBugCheck(Rule, &Code, &First) ? BugCheckName(Code)->Name : Rule;
}

const char *RuleAdvice(const char *Rule)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT) {
        return Rules[Index].Advice;
    }
    return RuleIsBugCheck(Rule, &Code, &First) ? BugCheckAdvice(Code, First) : "";
}

void RuleHelp(const char *Rule, char *Out, size_t Capacity)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT) {
        snprintf(Out, Capacity, "%s", Rules[Index].Help);
    } else if (!RuleIsBugCheck(Rule, &Code, &First)) {
        snprintf(Out, Capacity, "A finding of the kernel or of the command.");
    } else if (strchr(Rule, '/') != NULL && BugCheckCase(Code, First) != NULL) {
        snprintf(Out, Capacity, "Bug check 0x%X: %s.", Code, BugCheckCase(Code, First)->Cause);
    } else {
        snprintf(Out, Capacity, "%s", BugCheckName(Code)->Cause);
    }
}

void RuleLink(const char *Rule, char *Out, size_t Capacity)
{
    uint32_t Code;
    uint64_t First;
    size_t Index = RuleIndex(Rule);
    if (Index < RULE_COUNT || !RuleIsBugCheck(Rule, &Code, &First)) {
        snprintf(Out, Capacity, "%s",
                 Index < RULE_COUNT ? Rules[Index].Link : "docs/check.md#rules");
        return;
    }
    int Used = snprintf(Out, Capacity, "docs/bug-checks.md#");
    snprintf(Out + Used, Capacity - (size_t)Used, "0x%X-%s", Code, BugCheckName(Code)->Name);
    for (char *c = Out + Used; *c != 0; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
}
