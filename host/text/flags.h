/* SPDX-License-Identifier: MIT */
/* The options of the commands whose options take no values; the others' are in options.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *Word; /* "--json" */
    bool *Given;      /* becomes true; else stays */
} FLAG;

/*
 * Takes the flags out of Arguments; what stays is counted. What follows a "--" is no flag. -1: an
 * option that is not among them, and one line on the standard error says so.
 */
int FlagsTake(int Count, char **Arguments, const FLAG *Flags, size_t FlagCount);
