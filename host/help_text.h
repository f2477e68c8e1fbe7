/* SPDX-License-Identifier: MIT */
/* Reads the texts of help.h line by line: which lines describe options, which their values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *Text; /* after the blanks it begins with; not terminated */
    size_t Length;    /* bytes; 0: a blank line */
    size_t Indent;    /* blanks before Text */
} HELP_LINE;

#define HELP_WORD 48u /* bytes of an option's name or value, with the terminator */

typedef struct {
    char Short[HELP_WORD]; /* "-v", or empty */
    char Long[HELP_WORD];  /* "--verbose", or empty */
    char Value[HELP_WORD]; /* "FILE.lua"; empty: takes none */
    bool Joined;           /* the value comes after =, not as the next word */
    const char *Text;      /* the first line of what it does; not terminated */
    size_t TextLength;
    size_t Column;         /* where that text begins */
} HELP_OPTION;

/* The line at *Cursor, which moves behind it. False: the text has ended. */
bool HelpLineRead(const char **Cursor, HELP_LINE *Line);

/* False: the line does not begin the description of an option. */
bool HelpOptionRead(const HELP_LINE *Line, HELP_OPTION *Option);

/* The word a line deeper than its option's text begins with, "always"; false: it names no value. */
bool HelpValueRead(const HELP_LINE *Line, size_t Column, char Word[HELP_WORD]);
