/* SPDX-License-Identifier: MIT */
/*
 * Names of source files as they are here. A PDB has the names that the compiler was given, which on
 * another machine, often one with drive letters, were others; a report is of use where a reader, or
 * a page that shows it beside the code, finds the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SOURCE_MAP_MOST 16u

typedef struct {
    const char *From, *To; /* not terminated: of these lengths */
    size_t FromLength, ToLength;
} SOURCE_RULE;

typedef struct {
    SOURCE_RULE Rules[SOURCE_MAP_MOST];
    unsigned Count;
} SOURCE_MAP;

/*
 * Text is FROM=TO, two directories; TO may be empty. It must live as long as the map. NULL: it was
 * added; else the rule that it breaks.
 */
const char *SourceMapAdd(SOURCE_MAP *Map, const char *Text);

/*
 * File, or what the first rule makes of it whose FROM is a directory above it. A FROM with a drive
 * letter or a backslash is compared as Windows does: either slash, either case. What is left below
 * it is then written with slashes. Cut at Capacity, which must not be 0; Map may be NULL.
 */
void SourceMapApply(const SOURCE_MAP *Map, const char *File, char *Out, size_t Capacity);
