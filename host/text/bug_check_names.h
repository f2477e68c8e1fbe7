/* SPDX-License-Identifier: MIT */
/* Bug checks in words: the tables of lib/bug_checks.h and lib/bug_check_cases.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What the values of a parameter stand for. */
typedef enum {
    BugCheckPlain,
    BugCheckKind,         /* the rows of bug_check_cases.h; first parameters only */
    BugCheckIrql,
    BugCheckAccess,       /* 0 read, 1 write, 2 and 8 execute */
    BugCheckFault,        /* of 0x50: 0 read, 2 write, 10h execute */
    BugCheckNonpagedKind, /* fourth parameter of 0x50 */
    BugCheckStatus,
    BugCheckIrqlChange,   /* of 0xC8: IRQL << 16 | IRQL expected << 8 | kind */
} BUG_CHECK_VALUES;

typedef struct {
    const char *Words; /* a few; NULL: nothing documented */
    BUG_CHECK_VALUES Values;
} BUG_CHECK_PARAMETER;

typedef struct {
    uint32_t Code;
    const char *Name;    /* as in Microsoft's bug check reference */
    const char *Cause;   /* a sentence */
    const char *Advice;  /* a sentence */
    const char *Example; /* a folder of drivers/faulty, or NULL */
    BUG_CHECK_PARAMETER Parameter[4];
} BUG_CHECK_NAME;

/* One value of a first parameter that is of kind BugCheckKind. */
typedef struct {
    uint32_t Code;
    uint32_t Value;
    const char *Cause;   /* a clause: no capital, no full stop */
    const char *Advice;  /* a sentence, or NULL: that of the code */
    const char *Example; /* or NULL */
    BUG_CHECK_PARAMETER Parameter[3]; /* the second to the fourth */
} BUG_CHECK_CASE_NAME;

/* Never NULL: an unknown code gives an entry with Code 0 that says so. */
const BUG_CHECK_NAME *BugCheckName(uint32_t Code);
/* In the order of the codes; NULL behind the last. */
const BUG_CHECK_NAME *BugCheckByIndex(size_t Index);
/* NULL: First has no words of its own for this code. */
const BUG_CHECK_CASE_NAME *BugCheckCase(uint32_t Code, uint64_t First);
const BUG_CHECK_CASE_NAME *BugCheckCaseByIndex(size_t Index);
/* The most exact that is known for a code and its first parameter. */
const char *BugCheckAdvice(uint32_t Code, uint64_t First);
BUG_CHECK_PARAMETER BugCheckParameter(uint32_t Code, uint64_t First, unsigned Index);

#define BUG_CHECK_TEXT 120
/*
 * What a value of the parameter stands for ("write", "DISPATCH_LEVEL"); NULL: the number says it.
 * Out is the room for words that are made, not looked up.
 */
const char *BugCheckValueName(uint32_t Code, uint64_t First, unsigned Index, uint64_t Value,
                              char Out[BUG_CHECK_TEXT]);

/* What NT gives for the IRQL of a fault with interrupts off. */
#define IRQL_INTERRUPTS_OFF 0xff
/* PASSIVE_LEVEL .. HIGH_LEVEL, DIRQL for those of devices. */
const char *IrqlName(uint32_t Irql);
