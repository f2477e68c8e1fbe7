/* SPDX-License-Identifier: MIT */
/* The rules that findings are told under: a bug check, or one of a few words. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RULE_LEAK "leak"
#define RULE_SCENARIO "scenario"
#define RULE_BUDGET "budget"
#define RULE_MISSING_EXPORT "missing-export"
#define RULE_NOT_LOADABLE "not-loadable"
#define RULE_TIME_LIMIT "time-limit"
#define RULE_FAULT "machine-fault"

/* "0xD1", or "0xC4/0x3B" where the first parameter says what the bug check is about. */
void RuleOfBugCheck(uint32_t Code, uint64_t First, char *Out, size_t Capacity);
/* Of the "kind" of a finding event. */
const char *RuleOfKind(const char *Kind);
const char *RuleName(const char *Rule);   /* a title */
const char *RuleAdvice(const char *Rule); /* a sentence; "" for a rule that is not known */
/* A sentence: what it means. */
void RuleHelp(const char *Rule, char *Out, size_t Capacity);
/* Where it is explained: "docs/bug-checks.md#0xd1-driver_irql_not_less_or_equal" */
void RuleLink(const char *Rule, char *Out, size_t Capacity);
