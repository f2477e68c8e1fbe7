/* SPDX-License-Identifier: MIT */
/*
 * The texts of --help and `help COMMAND`, the only place where commands and options are described:
 * manual pages (manual.c) and shell completion (completion.c) are made of them. A text has
 *
 *     usage: pageable NAME ...     and more lines of usage below it
 *                                  a blank line between paragraphs
 *     Text.
 *       --option=VALUE   what it does; goes on in the same column; deeper lines with
 *                          word   and two blanks or more behind it are its values
 *       -s, --switch     two names of one option
 *     Exit codes: ...   Environment: ...   Try: an example
 *
 * VALUE is a|b|c, or a kind in capitals: with FILE, DIR or SOCKET in it, shells offer files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

extern const char HelpMain[];
extern const char HelpRun[];
extern const char HelpKd[];
extern const char HelpDebug[];
extern const char HelpGdbSymbols[];

typedef struct {
    const char *Command;
    const char *Summary; /* one line, for NAME of its manual page and for the shells */
    const char *Text;
} HELP_TOPIC;

/* All commands that users are told of; ends with an entry whose Command is NULL. */
extern const HELP_TOPIC HelpTopics[];

/* NULL: no such command, or one that users are not told of. */
const HELP_TOPIC *HelpTopic(const char *Command);
