/* SPDX-License-Identifier: MIT */
/* Bug checks by name, with what their four parameters mean. */
#pragma once

#include <stdint.h>

typedef struct {
    uint32_t Code;
    const char *Name;         /* as in Microsoft's bug check reference */
    const char *Parameter[4]; /* a few words each; NULL: nothing documented */
    const char *Meaning;      /* one sentence */
} BUG_CHECK_NAME;

/* Never NULL: an unknown code gives an entry that says so. */
const BUG_CHECK_NAME *BugCheckName(uint32_t Code);

/* What a parameter's value stands for ("write", "DISPATCH_LEVEL"); NULL: the number says it. */
const char *BugCheckValueName(uint32_t Code, unsigned Index, uint64_t Value);

/* PASSIVE_LEVEL .. HIGH_LEVEL, "device" for those between. */
/* What NT gives for the IRQL of a fault with interrupts off. */
#define IRQL_INTERRUPTS_OFF 0xff
const char *IrqlName(uint32_t Irql);
