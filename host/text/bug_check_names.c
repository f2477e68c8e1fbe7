/* SPDX-License-Identifier: MIT */
#include "host/text/bug_check_names.h"

#include <stdio.h>

#include "bugcodes.h"
#include "host/text/status_names.h"

#define P(words) {words, BugCheckPlain}
#define P_NONE {NULL, BugCheckPlain}
#define P_KIND {"kind", BugCheckKind}
#define P_IRQL {"IRQL", BugCheckIrql}
#define P_IRQL_ASKED {"IRQL asked for", BugCheckIrql}
#define P_IRQL_AFTER {"IRQL afterwards", BugCheckIrql}
#define P_ACCESS {"access", BugCheckAccess}
#define P_FAULT {"access", BugCheckFault}
#define P_NONPAGED_KIND {"kind", BugCheckNonpagedKind}
#define P_STATUS(words) {words, BugCheckStatus}
#define P_IRQL_CHANGE {"IRQLs and kind", BugCheckIrqlChange}

#define BUG_CHECK(name, cause, advice, example, ...) \
    {name, #name, cause, advice, example, {__VA_ARGS__}},
static const BUG_CHECK_NAME BugCheckNames[] = {
#include "lib/bug_checks.h"
};

#define BUG_CHECK_CASE(name, value, cause, advice, example, ...) \
    {name, value, cause, advice, example, {__VA_ARGS__}},
static const BUG_CHECK_CASE_NAME BugCheckCases[] = {
#include "lib/bug_check_cases.h"
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const BUG_CHECK_NAME *BugCheckByIndex(size_t Index)
{
    return Index < COUNT(BugCheckNames) ? &BugCheckNames[Index] : NULL;
}

const BUG_CHECK_CASE_NAME *BugCheckCaseByIndex(size_t Index)
{
    return Index < COUNT(BugCheckCases) ? &BugCheckCases[Index] : NULL;
}

const BUG_CHECK_NAME *BugCheckName(uint32_t Code)
{
    static const BUG_CHECK_NAME Unknown = {
        .Name = "(not a code this version knows)",
        .Cause = "No meaning is known.",
        .Advice = "Look at the stack.",
    };
    for (size_t i = 0; i < COUNT(BugCheckNames); i++) {
        if (BugCheckNames[i].Code == Code) {
            return &BugCheckNames[i];
        }
    }
    return &Unknown;
}

const BUG_CHECK_CASE_NAME *BugCheckCase(uint32_t Code, uint64_t First)
{
    for (size_t i = 0; i < COUNT(BugCheckCases); i++) {
        if (BugCheckCases[i].Code == Code && BugCheckCases[i].Value == First) {
            return &BugCheckCases[i];
        }
    }
    return NULL;
}

const char *BugCheckAdvice(uint32_t Code, uint64_t First)
{
    const BUG_CHECK_CASE_NAME *Case = BugCheckCase(Code, First);
    return Case != NULL && Case->Advice != NULL ? Case->Advice : BugCheckName(Code)->Advice;
}

BUG_CHECK_PARAMETER BugCheckParameter(uint32_t Code, uint64_t First, unsigned Index)
{
    const BUG_CHECK_CASE_NAME *Case = BugCheckCase(Code, First);
    return Case != NULL && Index != 0 ? Case->Parameter[Index - 1]
                                      : BugCheckName(Code)->Parameter[Index];
}

static const char *BugCheckAccessName(uint64_t Value)
{
    switch (Value) {
    case 0: return "read";
    case 1: return "write";
    case 2:
    case 8: return "execute";
    default: return NULL;
    }
}

static const char *BugCheckFaultName(uint64_t Value)
{
    return Value == 0 ? "read" : Value == 2 ? "write" : Value == 0x10 ? "execute" : NULL;
}

static const char *BugCheckNonpagedName(uint64_t Value)
{
    switch (Value) {
    case 0: return "freed or never allocated";
    case 2: return "no page table";
    case 4: return "not a canonical address";
    case 0xf: return "user address where none is allowed";
    default: return NULL;
    }
}

static const char *BugCheckIrqlChangeName(uint64_t Value, char Out[BUG_CHECK_TEXT])
{
    uint32_t Now = (Value >> 16) & 0xff, Expected = (Value >> 8) & 0xff, Kind = Value & 0xff;
    const char *What = Kind == 0 || Kind == 1 ? "an APC or thread routine"
                       : Kind == 2            ? "a DPC or callout"
                       : Kind == 3            ? "an interrupt service routine"
                                              : "a callback";
    snprintf(Out, BUG_CHECK_TEXT, "%s returned at IRQL %u (%s) instead of %u (%s)", What, Now,
             IrqlName(Now), Expected, IrqlName(Expected));
    return Out;
}

const char *BugCheckValueName(uint32_t Code, uint64_t First, unsigned Index, uint64_t Value,
                              char Out[BUG_CHECK_TEXT])
{
    const BUG_CHECK_CASE_NAME *Case;
    switch (BugCheckParameter(Code, First, Index).Values) {
    case BugCheckPlain: return NULL;
    case BugCheckKind:
        Case = BugCheckCase(Code, Value);
        return Case != NULL ? Case->Cause : NULL;
    case BugCheckIrql:
        return Value <= 15 || Value == IRQL_INTERRUPTS_OFF ? IrqlName((uint32_t)Value) : NULL;
    case BugCheckAccess: return BugCheckAccessName(Value);
    case BugCheckFault: return BugCheckFaultName(Value);
    case BugCheckNonpagedKind: return BugCheckNonpagedName(Value);
    case BugCheckStatus:
        /* An NTSTATUS, with its sign extended or not. */
        return Value >> 32 == 0 || Value >> 31 == (1ull << 33) - 1
                   ? StatusName(Out, (int32_t)Value)
                   : NULL;
    case BugCheckIrqlChange: return BugCheckIrqlChangeName(Value, Out);
    }
    return NULL;
}

const char *IrqlName(uint32_t Irql)
{
    static const char *const Names[] = {
        "PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL", "DIRQL", "DIRQL", "DIRQL",
        "DIRQL",         "DIRQL",     "DIRQL",          "DIRQL", "DIRQL", "DIRQL",
        "SYNCH_LEVEL",   "CLOCK_LEVEL", "IPI_LEVEL",    "HIGH_LEVEL",
    };
    if (Irql == IRQL_INTERRUPTS_OFF) {
        return "interrupts off";
    }
    return Irql < COUNT(Names) ? Names[Irql] : "no IRQL";
}
