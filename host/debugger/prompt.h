/* SPDX-License-Identifier: MIT */
/*
 * Where the debugger's lines come from: -c, then --command-file, then the standard input. On a
 * terminal libedit edits them, with history and completion; elsewhere prompt and line are printed
 * as they would stand on a terminal, so that the output can be read and compared.
 *
 * After -c or --command-file the input is only asked when it is a terminal.
 */
#pragma once

#include "host/debugger/debugger.h"

typedef struct {
    DEBUGGER *Debugger;
    const char *const *Commands; /* of -c, in order */
    unsigned CommandCount, NextCommand;
    FILE *File;                  /* of --command-file, NULL: none, or read to its end */
    bool OnlyScript;             /* the input is not asked */
    bool Interactive;
    void *Edit, *History;        /* libedit's */
    char HistoryPath[1024];      /* "": only in memory */
    char Last[4096];             /* repeated by an empty line on a terminal */
} PROMPT;

void PromptOpen(PROMPT *Prompt, DEBUGGER *Debugger);
void PromptClose(PROMPT *Prompt);
/* The next line without its newline; false: there are no more. */
bool PromptRead(PROMPT *Prompt, char *Line, size_t Capacity);
